package geofence

import "testzone/vehicles"

// Subject is what the engine must know of a vehicle to judge it.
type Subject struct {
	Class    vehicles.Class
	Operator string
	Vehicle  vehicles.VehicleID
	Permit   string // the id of the permit that it operates under; empty: none
	Verified bool   // its source is authenticated; otherwise it is no vehicle of a list and never exempt
}

// lists are the operators, vehicles and permits that a fence names.
type lists struct {
	operators       map[string]bool
	vehicles        map[vehicles.VehicleID]bool
	exemptOperators map[string]bool
	exemptVehicles  map[vehicles.VehicleID]bool
	permits         map[string]bool
	exemptPermits   map[string]bool
}

func setOf[T comparable](list []T) map[T]bool {
	if len(list) == 0 {
		return nil
	}
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

// NamesSomebody reports whether the fence lists operators, vehicles or permits.
func (f *Fence) NamesSomebody() bool {
	return len(f.Operators)+len(f.Vehicles)+len(f.ExemptOperators)+len(f.ExemptVehicles)+len(f.Permits)+len(f.ExemptPermits) > 0
}

// newLists is nil for a fence that names nobody.
func newLists(f *Fence) *lists {
	if !f.NamesSomebody() {
		return nil
	}
	return &lists{setOf(f.Operators), setOf(f.Vehicles), setOf(f.ExemptOperators), setOf(f.ExemptVehicles), setOf(f.Permits), setOf(f.ExemptPermits)}
}

// match reports whether a subject is meant. Does not allocate.
func (l *lists) match(s *Subject) bool {
	switch {
	case l.operators != nil && !l.operators[s.Operator]:
		return false
	case l.vehicles != nil && !(s.Verified && l.vehicles[s.Vehicle]):
		return false
	case l.permits != nil && !(s.Verified && l.permits[s.Permit]):
		return false
	}
	return !s.Verified || !l.exemptOperators[s.Operator] && !l.exemptVehicles[s.Vehicle] && !l.exemptPermits[s.Permit]
}

// Applies reports whether the fence asks anything of vehicles of this class, of
// whatever operator.
func (c *Compiled) Applies(class vehicles.Class) bool { return c.Fence.Classes.Match(class) }

// AppliesTo reports whether the fence asks anything of a vehicle: of its class,
// and if it lists operators, vehicles or permits, of its operator, itself and its
// permit, unless one of them is exempt.
func (c *Compiled) AppliesTo(s *Subject) bool {
	return c.Fence.Classes.Match(s.Class) && (c.lists == nil || c.lists.match(s))
}

// BreachedBy reports whether a vehicle breaches the fence by a sample, seen for
// itself: whatever else is in its group.
func (c *Compiled) BreachedBy(smp *Sample, s *Subject) bool {
	in := c.AppliesTo(s) && c.Contains(smp.Fix, s.Class)
	switch c.Fence.Kind {
	case KeepIn:
		return c.AppliesTo(s) && !in
	case SpeedLimit:
		return c.isTooFast(smp, in, false)
	}
	return in
}

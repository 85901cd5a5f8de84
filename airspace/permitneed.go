package airspace

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/vehicles"
)

// ErrNoKind is returned when the rule pack has no permit for a class of vehicles.
var ErrNoKind = errors.New("the rule pack has no permit for this class")

// PermitNeed is whether something needs a permit.
type PermitNeed struct {
	Needed bool
	// Rule decides: a trigger or an exemption of the pack; empty: nothing exempts from it.
	Rule  rules.Rule
	Open  []rules.Leaf // what is not known and might change the answer
	Class string       // of an aircraft, by the pack
	Kinds []string     // of the pack, for the class of vehicle
	Pack  *rules.Pack
	Near  []Near // restrictions in its place and time
}

// NeedOf says whether a flight, drive or voyage needs a permit, and which kinds there
// are. What is not known counts as the case that needs one. A restriction in its place
// and time is temporary control, whatever is declared.
func (r *Register) NeedOf(class vehicles.Class, a permit.Application) (PermitNeed, error) {
	pack, err := r.packAt(r.cfg.Clock())
	if err != nil {
		return PermitNeed{}, err
	}
	n := PermitNeed{Pack: pack, Needed: true}
	for _, name := range slices.Sorted(maps.Keys(pack.Kinds)) {
		if pack.Kinds[name].Domain == class.String() {
			n.Kinds = append(n.Kinds, name)
		}
	}
	if len(n.Kinds) == 0 {
		return n, fmt.Errorf("%w: %s in %s", ErrNoKind, class, pack.Key())
	}
	a.Kind = n.Kinds[0] // facts follow from its domain
	p := permit.Permit{Application: a}
	if _, err := permit.Draft("asked", "", permit.Act{}, a, pack); err != nil {
		return n, err
	}
	r.mu.RLock()
	for _, near := range r.near(&p) {
		if near.Kind == "restriction" {
			n.Near = append(n.Near, near)
		}
	}
	r.mu.RUnlock()
	if class != vehicles.UAV {
		return n, nil // Articles 43 and 44: every test on roads and water is by permit
	}
	f := p.Facts(pack)
	if len(n.Near) > 0 {
		f["airspace.temporary_control"] = true
	}
	n.Class, _ = f["uav.class"].(string)
	n.Needed, n.Rule, n.Open = pack.NeedsApplication(f)
	return n, nil
}

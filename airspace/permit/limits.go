package permit

import (
	"fmt"
	"slices"
	"time"

	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Allowed are the vehicles that the permit is for, after the conditions.
func (p *Permit) Allowed() []vehicles.VehicleID {
	if p.Terms != nil && p.Terms.Vehicles != nil {
		return p.Terms.Vehicles
	}
	return p.Application.Vehicles
}

// WindowsOf are the windows of a volume of the application, cut to the permit's time.
func (p *Permit) WindowsOf(volume int) []geofence.Window {
	return p.windows(&p.Application.Volumes[volume])
}

// CeilingOf is the ceiling of a volume of the application, after the conditions.
func (p *Permit) CeilingOf(volume int) *Height { return p.ceiling(&p.Application.Volumes[volume]) }

// Hindrance is why nothing may begin under the permit at a moment as far as it and
// its pack say: it is not effective, the pack is not in force, an insurance is not.
// Empty: nothing.
func (p *Permit) Hindrance(pack *rules.Pack, atUS int64) string {
	switch {
	case p.State != rules.Effective:
		return fmt.Sprintf("permit %s is %s", p.ID, p.State)
	case atUS < p.FromUS || atUS >= p.ToUS:
		return fmt.Sprintf("permit %s holds from %s to %s", p.ID, utcText(p.FromUS), utcText(p.ToUS))
	}
	return p.hindrance(pack, atUS)
}

func utcText(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }

// Signed reports whether a department has signed the permit.
func (p *Permit) Signed(department string) bool {
	return department != "" && slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Department == department && !d.Void })
}

// CheckVolumes refuses volumes that could not stand in an application.
func CheckVolumes(list []Volume) error {
	a := Application{Title: "volumes", Volumes: list}
	return a.check()
}

// Altitude is the limit of a band; none of a nil.
func (h *Height) Altitude() geo.Altitude { return h.altitude() }

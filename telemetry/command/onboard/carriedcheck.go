package onboard

import (
	"testzone/geofence"
	"testzone/vehicles"
)

// againstCarried judges a mission by the fences that the vehicle carries: it would
// act by them itself, whatever their heights are for the zone.
func (c *check) againstCarried(plan *vehicles.Plan, r *Record, autopilot uint8) {
	if r == nil {
		return
	}
	carries := PlanOf(vehicles.PlanFence, r.Carried)
	own, err := fencesOf(&carries, r.Union, r.Parts)
	if err != nil {
		return // it carries what nobody understands: that is shown with its fence
	}
	e := geofence.NewEngine(geofence.Config{})
	e.SetFences(own)
	w := newWay(e, c.sub)
	probe := &check{place: c.place}
	probe.legs(plan, probe.fixesOf(plan), w, autopilot)
	for _, f := range probe.faults {
		f.Code, f.Fence = FaultOwnFence, ""
		f.Text += " of the fence that the vehicle carries, which would stop it"
		c.faults = append(c.faults, f)
	}
}

package permit

import (
	"fmt"
	"time"

	"testzone/airspace/rules"
	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// GrantState is what the loop has to make of a grant.
type GrantState string

// The states of a grant.
const (
	GrantEffective GrantState = "effective" // its vehicles may move within its areas
	GrantSuspended GrantState = "suspended" // nobody may start; who moves comes to a safe end
	GrantEnding    GrantState = "ending"    // revoked or over while its vehicles may still move: the way home is allowed
	GrantEnded     GrantState = "ended"     // it ended before anybody moved under it
)

// Grant is what an effective permit allows: what the loop makes fences of. One of
// an ended permit is listed for EndedKept after its end, so that whoever missed
// the change sees it.
type Grant struct {
	Permit string
	Rev    uint64 // of the permit; grows with every change
	Holder string // organisation
	Kind   string // "uav.flight"
	Crew   string // "driver", "driverless" or none

	Vehicles     []vehicles.VehicleID // exactly these, never all
	Areas        []Area               // within any of them complies
	SpeedMPS     float64              // highest over ground; 0: the permit sets none
	ExemptFences []string             // ids of fences that do not hold for its vehicles

	From, To time.Time // [From, To)
	State    GrantState
	Since    time.Time // of a suspended or ending grant: when it became so
	// EndNow: of a suspended or ending grant, its vehicles end at once; else they
	// finish and recover.
	EndNow bool
}

// Area is where and when a grant allows to be.
type Area struct {
	Shape          geofence.Shape
	Floor, Ceiling geo.Altitude // NoDatum: no limit
	Schedule       geofence.Schedule
}

// EndedKept is how long a grant that ended is still listed.
const EndedKept = time.Hour

// Allows reports whether a vehicle may be under the grant at a moment.
func (g *Grant) Allows(id vehicles.VehicleID, at time.Time) bool {
	if g.State != GrantEffective || at.Before(g.From) || !at.Before(g.To) {
		return false
	}
	for _, v := range g.Vehicles {
		if v == id {
			return true
		}
	}
	return false
}

// Grant is what the permit allows at a moment; false when nothing, and nothing is
// to be brought to its end either.
func (p *Permit) Grant(nowUS int64) (Grant, bool) {
	g := Grant{
		Permit: p.ID, Rev: p.Rev, Holder: p.Org, Kind: p.Application.Kind, Crew: p.Application.Crew, Vehicles: p.Application.Vehicles,
		SpeedMPS: p.Application.SpeedMPS, ExemptFences: p.Application.ExemptFences, From: time.UnixMicro(p.FromUS), To: time.UnixMicro(p.ToUS), EndNow: p.EndNow,
	}
	switch {
	case p.Rehearsal:
		return Grant{}, false // whatever its state, nobody may move by it
	case p.State == rules.Effective:
		g.State = GrantEffective
	case p.State == rules.Suspended:
		g.State, g.Since = GrantSuspended, time.UnixMicro(p.suspendedUS())
	case p.State != rules.Revoked && p.State != rules.Expired, nowUS-p.EndedUS > EndedKept.Microseconds():
		return Grant{}, false
	case p.EffectiveUS == 0:
		g.State = GrantEnded
	default:
		g.State, g.Since = GrantEnding, time.UnixMicro(p.EndedUS)
	}
	for i := range p.Application.Volumes {
		v := &p.Application.Volumes[i]
		g.Areas = append(g.Areas, Area{Shape: v.Shape(), Floor: v.Floor.altitude(), Ceiling: p.ceiling(v).altitude(), Schedule: geofence.Schedule{Windows: p.windows(v)}})
	}
	if t := p.Terms; t != nil {
		if t.Vehicles != nil {
			g.Vehicles = t.Vehicles
		}
		if t.SpeedMPS > 0 && (g.SpeedMPS == 0 || t.SpeedMPS < g.SpeedMPS) {
			g.SpeedMPS = t.SpeedMPS
		}
	}
	return g, true
}

// suspendedUS is when a suspended permit was suspended.
func (p *Permit) suspendedUS() int64 {
	for i := len(p.History) - 1; i >= 0; i-- {
		if p.History[i].Act == "permit.suspended" {
			return p.History[i].AtUS
		}
	}
	return 0
}

// ceiling is that of a volume after the conditions.
func (p *Permit) ceiling(v *Volume) *Height {
	if t := p.Terms; t != nil && t.Ceiling != nil && (v.Ceiling == nil || t.Ceiling.MM < v.Ceiling.MM) {
		return t.Ceiling
	}
	return v.Ceiling
}

// windows are those of a volume, cut to the permit's time; before the approval to
// that of the application.
func (p *Permit) windows(v *Volume) (out []geofence.Window) {
	from, to := p.Application.FromUS, p.Application.ToUS
	if p.ApprovedToUS != 0 {
		from, to = p.FromUS, p.ToUS
	}
	if len(v.Windows) == 0 {
		return []geofence.Window{{FromUS: from, ToUS: to}}
	}
	for _, w := range v.Windows {
		if cut := (geofence.Window{FromUS: max(w[0], from), ToUS: min(w[1], to)}); cut.FromUS < cut.ToUS {
			out = append(out, cut)
		}
	}
	return out
}

// Of names the permit in a 4D index.
func Of(id string) string { return "permit:" + id }

// Volumes are what the permit takes in space and time. Those of roads and channels
// are shared with others.
func (p *Permit) Volumes() (out []volumes.Volume) {
	shared := p.Domain == "icv" || p.Domain == "usv"
	for i := range p.Application.Volumes {
		v := &p.Application.Volumes[i]
		for k, w := range p.windows(v) {
			out = append(out, volumes.Volume{
				ID: fmt.Sprintf("%s/%d/%d", Of(p.ID), i, k), Of: Of(p.ID), Shape: v.Shape(), Floor: v.Floor.altitude(), Ceiling: p.ceiling(v).altitude(),
				FromUS: w.FromUS, ToUS: w.ToUS, Shared: shared || v.Shared,
			})
		}
	}
	return out
}

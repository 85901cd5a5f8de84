package permit

import (
	"time"

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
	GrantEnded     GrantState = "ended"     // allows nothing
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

package telemetry

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// PriorityConflict is the alert of a vehicle in the way of priority traffic, with
// the way out that it was offered first (SAFETY 15).
const PriorityConflict AlertType = "priority_conflict"

// Why a conflict with priority traffic ended.
const (
	CausePriorityClear = "way_is_clear"       // the vehicle is out of its way
	CausePriorityEnded = "priority_ended"     // the priority traffic is over
	CausePriorityRests = "at_rest"            // the vehicle landed or was disarmed
	CausePriorityGone  = "no_longer_followed" // the vehicle is
)

// ExitKind is how a vehicle gets out of the way.
type ExitKind string

// The ways out. Nothing is ordered by itself: a person orders what is offered.
const (
	ExitHold    ExitKind = "hold"    // stay: it passes
	ExitMove    ExitKind = "move"    // to Point, at the same height
	ExitDescend ExitKind = "descend" // to HeightM, where it is
	ExitClimb   ExitKind = "climb"
	ExitNone    ExitKind = "none" // none was found: call its pilot
)

// Exit is a way out for one vehicle. No two vehicles are offered the same place.
type Exit struct {
	Kind      ExitKind
	Point     geo.Point
	HeightM   float64 // AMSL; if HeightIs
	HeightIs  bool    // the height is asked for, or known and kept
	Direction float64 // degrees, of a move
	DistanceM float64 // of a move or a change of height
	TakesS    float64 // until it is there, with the time to react
	PassesInS float64 // of a hold: until the traffic is closest
	InTime    bool    // it is out before the conflict; never, if it is inside already
}

// PriorityChange says that a vehicle came into the way of priority traffic, or is
// out of it.
type PriorityChange struct {
	Vehicle *vehicles.Identity
	Began   bool
	Cause   string // why it ended
	By      InTheWayOf
	Fix     *FixEvidence
}

func (*PriorityChange) event() {}

// InTheWayOf is what an alert says of the priority traffic.
type InTheWayOf struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	How       string    `json:"how"`  // inside, ahead or heading
	InS       float64   `json:"in_s"` // until the conflict; 0: now
	ClearByUS int64     `json:"clear_by_us"`
	Exit      AlertExit `json:"exit"`
}

// AlertExit is the way out as it was offered when the alert was raised.
type AlertExit struct {
	Kind      ExitKind `json:"kind"`
	Lat       int32    `json:"lat_e7"`
	Lon       int32    `json:"lon_e7"`
	HeightM   float64  `json:"height_m,omitempty"` // AMSL, of a climb or descent
	Direction float64  `json:"direction_deg"`
	DistanceM float64  `json:"distance_m"`
	TakesS    float64  `json:"takes_s"`
	PassesInS float64  `json:"passes_in_s,omitempty"`
	InTime    bool     `json:"in_time"`
}

// ForAlert is what an alert says of an exit.
func (e *Exit) ForAlert() AlertExit {
	return AlertExit{Kind: e.Kind, Lat: e.Point.Lat, Lon: e.Point.Lon, HeightM: e.HeightM, Direction: e.Direction, DistanceM: e.DistanceM, TakesS: e.TakesS, PassesInS: e.PassesInS, InTime: e.InTime}
}

func (b *Book) takePriority(p *PriorityChange, nowUS int64) {
	b.change(alertKey{typ: PriorityConflict, vehicle: p.Vehicle.ID, object: p.By.ID}, condition{
		begins: p.Began, ends: !p.Began, id: p.Vehicle, level: Critical, timeUS: nowUS, cause: p.Cause,
		fill: func(a *Alert) {
			by := p.By
			a.Priority = &by
			a.Evidence = &Evidence{After: p.Fix, Datum: geo.NoDatum.String(), ReceivedUS: nowUS}
		},
	})
}

package telemetry

import (
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// AlertType is the condition that a controller must deal with.
type AlertType string

// The alert types.
const (
	FenceBreach     AlertType = "fence_breach"     // a vehicle is where it may not be
	OverSpeed       AlertType = "over_speed"       // a vehicle is faster than a speed limit allows
	PredictedBreach AlertType = "predicted_breach" // a vehicle will be where it may not be if it goes on so
	PositionJump    AlertType = "position_jump"    // a vehicle is told to be where it cannot have moved to; orders nothing
	NotEnforced     AlertType = "not_enforced"     // an armed vehicle whose fences cannot be judged or acted on
	LinkLost        AlertType = "link_lost"        // an armed vehicle's controller is silent
	UnverifiedFlood AlertType = "unverified_flood" // unverified sources raise more alerts than people can read
)

// Alert levels, as the alarm rules name them.
const (
	Caution  = 1
	Warning  = 2
	Critical = 3
)

// Alert is a condition, from when it was raised until it is both cleared and
// acknowledged. A published Alert is immutable; the book publishes a new copy
// at each change. The JSON form is that of the journal, in lattice units.
type Alert struct {
	ID         string           `json:"id"`
	Type       AlertType        `json:"type"`
	Level      uint8            `json:"level"`
	Vehicle    AlertVehicle     `json:"vehicle"`
	Fence      *AlertFence      `json:"fence,omitempty"`
	Other      *AlertVehicle    `json:"other,omitempty"`     // of a separation: the second vehicle
	Predicted  *Predicted       `json:"predicted,omitempty"` // of a predicted breach
	Separation *Closest         `json:"separation,omitempty"`
	Jumped     *JumpedBy        `json:"jumped,omitempty"`   // of a position jump: the one that began it
	Mismatch   *Mismatch        `json:"mismatch,omitempty"` // of an identity mismatch
	Area       *Area            `json:"area,omitempty"`     // of an interference
	Under      string           `json:"under,omitempty"`    // id of the interference that the vehicle was in when it was raised
	Suspect    *SuspectedOf     `json:"suspect,omitempty"`  // of a suspect source
	Source     CallSource       `json:"source,omitempty"`   // of a call
	Why        string           `json:"why,omitempty"`      // of a call: what happened and what to say
	Order      string           `json:"order,omitempty"`    // of a call: the order that came to nothing
	Priority   *InTheWayOf      `json:"priority,omitempty"` // of a conflict with priority traffic
	Sectors    []string         `json:"sectors,omitempty"`  // ids of the zone's sectors in which it began; none: nobody knows where, or they have no areas
	RaisedUS   int64            `json:"raised_us"`
	BegunUS    int64            `json:"begun_us,omitempty"` // the last time that the condition began
	LastUS     int64            `json:"last_us"`
	ClearedUS  int64            `json:"cleared_us,omitempty"` // 0: the condition holds
	Cause      string           `json:"cause,omitempty"`      // why it was cleared
	Ack        *Acknowledgement `json:"ack,omitempty"`
	Count      int              `json:"count"` // times that the condition began
	// Raw is how many transitions or jumps it stands for: more than two of one
	// beginning and its end when the vehicle flickers along an edge.
	Raw         int       `json:"raw,omitempty"`
	ConfirmedUS int64     `json:"confirmed_us,omitempty"` // the grounds suffice for an automatic order since; 0: they do not
	Evidence    *Evidence `json:"evidence,omitempty"`
	JournalSeq  uint64    `json:"-"` // of the newest durable fact; 0 until one is
}

// AlertVehicle is the vehicle as it was known when the alert was raised.
type AlertVehicle struct {
	ID       vehicles.VehicleID `json:"id"`
	Handle   vehicles.Handle    `json:"-"` // 0 after a restart: handles live one epoch
	Name     string             `json:"name"`
	Class    string             `json:"class"`
	Operator string             `json:"operator,omitempty"`
	Verified bool               `json:"verified"`
}

// traffic reports whether it is none of the zone's.
func (v *AlertVehicle) traffic() bool {
	return v.Class == vehicles.Aircraft.String() || v.Class == vehicles.Vessel.String()
}

// AlertFence is the fence in the revision that decided.
type AlertFence struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rev  uint64 `json:"rev"`
}

// Acknowledgement says who has seen the alert.
type Acknowledgement struct {
	By   string `json:"by"`
	AtUS int64  `json:"at_us"`
	Note string `json:"note,omitempty"`
}

// Evidence is what the decision was made on.
type Evidence struct {
	Before     *FixEvidence `json:"before,omitempty"`
	After      *FixEvidence `json:"after"`
	Datum      string       `json:"datum"`
	Flags      []string     `json:"flags,omitempty"`
	ReceivedUS int64        `json:"received_us"`
	BootMS     uint32       `json:"boot_ms"`

	// Of a crossing or a jump: the grounds of the judgement.
	Fixes   uint32   `json:"fixes,omitempty"`   // consecutive plausible ones
	Quality string   `json:"quality,omitempty"` // good, bad or unknown
	AgeUS   int64    `json:"age_us,omitempty"`  // of the fix
	Lacks   []string `json:"lacks,omitempty"`   // why they do not suffice for an automatic order
}

// JumpedBy is how far a position jumped in what time.
type JumpedBy struct {
	DistanceM float64 `json:"distance_m"`
	DtS       float64 `json:"dt_s"`
}

// Predicted is where and when a breach is expected.
type Predicted struct {
	InS float64 `json:"in_s"` // seconds after the fix of the evidence
	Lat int32   `json:"lat_e7"`
	Lon int32   `json:"lon_e7"`
}

// Closest is how two vehicles come closest.
type Closest struct {
	InS         float64 `json:"in_s"` // until the minima are lost; 0: they are
	AtS         float64 `json:"at_s"` // until the closest approach
	HorizontalM float64 `json:"horizontal_m"`
	VerticalM   float64 `json:"vertical_m"`
	// HeightUnknown: a height is not known, which counts as too close. HeightOffM is
	// how far VerticalM may be off, because a height is one of pressure.
	HeightUnknown bool    `json:"height_unknown,omitempty"`
	HeightOffM    float64 `json:"height_off_m,omitempty"`
}

// FixEvidence is one fix: degE7 and millimetres.
type FixEvidence struct {
	Lat       int32  `json:"lat_e7"`
	Lon       int32  `json:"lon_e7"`
	AMSLMM    *int32 `json:"amsl_mm,omitempty"`
	TakeoffMM *int32 `json:"takeoff_mm,omitempty"`
}

// Open reports whether a controller still has to deal with the alert.
func (a *Alert) Open() bool { return a.ClearedUS == 0 || a.Ack == nil }

func (a *Alert) acknowledge(ack *Acknowledgement) {
	a.Ack = ack
	a.LastUS = max(a.LastUS, ack.AtUS)
}

// covers reports whether the alert was acknowledged so recently that what begins
// again need not be seen anew.
func (a *Alert) covers(atUS int64) bool { return a.Ack != nil && a.Ack.covers(atUS) }

func (ack *Acknowledgement) covers(begunUS int64) bool { return begunUS-ack.AtUS <= reopenUS }

// State is raised, acknowledged or cleared.
func (a *Alert) State() string {
	switch {
	case a.ClearedUS != 0:
		return "cleared"
	case a.Ack != nil:
		return "acknowledged"
	}
	return "raised"
}

// NewFixEvidence copies a fix.
func NewFixEvidence(f *geo.Fix) *FixEvidence {
	e := &FixEvidence{Lat: f.Point.Lat, Lon: f.Point.Lon}
	if mm, ok := f.Heights.In(geo.AMSL); ok {
		e.AMSLMM = &mm
	}
	if mm, ok := f.Heights.In(geo.Takeoff); ok {
		e.TakeoffMM = &mm
	}
	return e
}

func newEvidence(t *Transition) *Evidence {
	e := &Evidence{
		After: NewFixEvidence(&t.After), Datum: t.Datum.String(), Flags: t.Flags.Names(),
		ReceivedUS: t.ReceivedUS, BootMS: t.BootMS,
	}
	if t.Flags&geofence.FirstFix == 0 {
		e.Before = NewFixEvidence(&t.Before)
	}
	e.rest(&t.Grounds, t.Vehicle.Class)
	return e
}

// rest adds what the judgement rests on.
func (e *Evidence) rest(g *Grounds, class vehicles.Class) {
	e.Fixes, e.Quality, e.AgeUS, e.Lacks = g.Fixes, g.Quality.String(), g.AgeUS, g.Lacks(class).Names()
}

func alertVehicle(id *vehicles.Identity) AlertVehicle {
	return AlertVehicle{
		ID: id.ID, Handle: id.Handle, Name: id.Name, Class: id.Class.String(), Operator: id.Operator, Verified: id.Verified,
	}
}

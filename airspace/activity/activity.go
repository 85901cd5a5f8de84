// Package activity decides what becomes of what is done under a permit: one sortie,
// drive or run, or the day plan of a standing permit. A permit that is effective
// allows; an Activity says which of its vehicles and people do what, where and when
// (regulation: states of activities; F3548-21 for those in motion):
//
//	planned -> reported -> confirmed -> activated -> ended -> closed
//	activated <-> nonconforming, both -> contingent -> ended
//
// and refused, cancelled or missed instead. Which of the steps before the begin are
// asked for, and until when, is the pack's: rules.Kind.Activity.
//
// As in airspace/permit an act is asked against an Activity, a moment and a pack, and
// yields the activity after it or an error that says all that speaks against it at
// once, with what would pass. Nothing reads a clock or makes anything random. Silence
// never confirms. Persons stand in it by the applicant's references only. Times are
// microseconds since the Unix epoch. A Book belongs to whoever locks it.
package activity

import (
	"errors"
	"slices"

	"testzone/airspace/permit"
	"testzone/vehicles"
)

var (
	// ErrState is returned when an act is not possible in the state that the activity is in.
	ErrState = errors.New("not possible in this state of the activity")
	// ErrReport is returned when a report or reason cannot be one; it says what is wrong.
	ErrReport = errors.New("cannot be a report")
)

// State is what became of an activity.
type State string

// The states.
const (
	Planned       State = "planned"       // its plan was filed in time
	Reported      State = "reported"      // readiness and the expected begin were
	Confirmed     State = "confirmed"     // it may begin
	Activated     State = "activated"     // its vehicles may move
	Nonconforming State = "nonconforming" // one is outside of it
	Contingent    State = "contingent"    // one does not come back, is lost or in distress
	Ended         State = "ended"         // its vehicles are at rest; its report is due
	Closed        State = "closed"        // that is here
	Refused       State = "refused"
	Cancelled     State = "cancelled"
	Missed        State = "missed" // it was not reported, confirmed or begun in time
)

// States are all of them, in their order.
func States() []State {
	return []State{Planned, Reported, Confirmed, Activated, Nonconforming, Contingent, Ended, Closed, Refused, Cancelled, Missed}
}

// Plan is what is filed. Its JSON is the journal's form: members are added, never changed.
type Plan struct {
	Title  string `json:"title"`
	FromUS int64  `json:"from_us"` // planned start
	ToUS   int64  `json:"to_us"`

	Vehicles []vehicles.VehicleID `json:"vehicles"`
	People   []string             `json:"people,omitempty"` // refs of the permit's people
	// Volumes lie within those of the permit; none: the permit's own.
	Volumes []permit.Volume `json:"volumes,omitempty"`
	// Exclusive: nobody else may be there meanwhile, although the permit shares its room.
	Exclusive bool `json:"exclusive,omitempty"`
}

// Activity is one activity. Its JSON is the journal's form: members are added, never
// changed.
type Activity struct {
	ID     string `json:"id"`
	Permit string `json:"permit"`
	Org    string `json:"org"` // holder
	Kind   string `json:"kind"`
	State  State  `json:"state"`
	Pack   string `json:"pack"`
	Day    string `json:"day"` // of its planned start in the pack's zone: 2026-11-27
	Plan

	// Takes are its volumes in time: what it takes in space, made at the planning.
	Takes  []permit.Volume `json:"takes"`
	Clocks []permit.Clock  `json:"clocks,omitempty"`

	Ready       *Readiness           `json:"ready,omitempty"`
	AnsweredUS  int64                `json:"answered_us,omitempty"` // the plan was
	ActivatedUS int64                `json:"activated_us,omitempty"`
	EndedUS     int64                `json:"ended_us,omitempty"` // or it was refused, cancelled, missed
	OutsideUS   int64                `json:"outside_us,omitempty"`
	Outside     []vehicles.VehicleID `json:"outside,omitempty"` // of a nonconforming one
	Why         string               `json:"why,omitempty"`     // of a contingent one
	Left        int                  `json:"left,omitempty"`    // how often it became nonconforming
	Report      *EndReport           `json:"report,omitempty"`

	Rev       uint64  `json:"rev"`
	CreatedUS int64   `json:"created_us"`
	UpdatedUS int64   `json:"updated_us"`
	UpdatedBy string  `json:"updated_by"`
	History   []Event `json:"history"`
}

// Readiness is what is reported before the begin.
type Readiness struct {
	ExpectedUS int64  `json:"expected_us"` // of the take-off or departure
	By         string `json:"by"`          // person
	AtUS       int64  `json:"at_us"`
}

// EndReport is what is reported after the end.
type EndReport struct {
	BegunUS   int64  `json:"begun_us"`
	EndedUS   int64  `json:"ended_us"`
	Takeovers int    `json:"takeovers"` // times that people took over; never counted per person
	Incidents bool   `json:"incidents"`
	Text      string `json:"text,omitempty"`
	By        string `json:"by"`
	AtUS      int64  `json:"at_us"`
	Late      bool   `json:"late,omitempty"`
}

// Event is one act in an activity's history.
type Event struct {
	AtUS   int64  `json:"at_us"`
	By     string `json:"by,omitempty"` // person; empty: the clock or the loop
	Org    string `json:"org,omitempty"`
	Act    string `json:"act"`
	State  State  `json:"state"` // after it
	Reason string `json:"reason,omitempty"`
}

// Waiting reports whether it is still to begin.
func (x *Activity) Waiting() bool {
	return x.State == Planned || x.State == Reported || x.State == Confirmed
}

// Running reports whether its vehicles may be under way.
func (x *Activity) Running() bool {
	return x.State == Activated || x.State == Nonconforming || x.State == Contingent
}

// Holds reports whether its volumes are taken.
func (x *Activity) Holds() bool { return x.Waiting() || x.Running() }

// Names reports whether a vehicle takes part.
func (x *Activity) Names(id vehicles.VehicleID) bool { return slices.Contains(x.Vehicles, id) }

func (x *Activity) clone() Activity {
	y := *x
	y.Clocks, y.History, y.Outside = slices.Clone(x.Clocks), slices.Clone(x.History), slices.Clone(x.Outside)
	return y
}

// maxHistory bounds what the history of one activity keeps of its excursions.
const maxHistory = 1000

func (x *Activity) done(a permit.Act, act string) {
	x.Rev++
	x.UpdatedUS, x.UpdatedBy = a.AtUS, a.By.Person
	if len(x.History) >= maxHistory { // the newest tell what it is now, the first how it began
		x.History = slices.Delete(x.History, maxHistory/2, maxHistory/2+1)
	}
	x.History = append(x.History, Event{a.AtUS, a.By.Person, a.By.Org, act, x.State, a.Reason})
}

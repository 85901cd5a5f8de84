// Package supervision decides what follows after a permit was granted (regulation 10,
// 14 and 15; Article 65 (3)): incidents with the deadlines of their reports and the
// stand-down until a department lifts it, and the monthly report of an operator.
//
// As in airspace/permit an act is asked against a record, a moment and a pack, and
// yields the record after it or an error that says what is wrong and what to do.
// Nothing reads a clock. What was said is never overwritten: it is amended by saying
// more. Classes, deadlines and stand-downs come from the pack: rules.Incident and
// rules.Clock. Texts stand in the journal: no personal data in them; of people involved
// it has their number. Times are microseconds since the Unix epoch. A Book belongs to
// whoever locks it.
package supervision

import (
	"errors"

	"testzone/airspace/permit"
)

var (
	// ErrIncident is returned when something cannot be reported so; it says what is wrong.
	ErrIncident = errors.New("cannot be reported so")
	// ErrState is returned when an act is not possible in the state that the record is in.
	ErrState = errors.New("not possible in this state of the record")
)

// Event is one act in the history of a record.
type Event struct {
	AtUS   int64  `json:"at_us"`
	By     string `json:"by,omitempty"` // person; empty: the clock
	Org    string `json:"org,omitempty"`
	Act    string `json:"act"`
	Reason string `json:"reason,omitempty"`
}

func event(a permit.Act, act string) Event {
	return Event{a.AtUS, a.By.Person, a.By.Org, act, a.Reason}
}

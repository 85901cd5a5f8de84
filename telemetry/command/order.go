package command

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"testzone/vehicles"
)

// Kind is what a vehicle is told to do.
type Kind string

// The orders. All but Resume, Reposition and Terminate are of safe direction.
const (
	Hold   Kind = "hold"   // keep the place; a fixed wing circles
	Stop   Kind = "stop"   // stand still as fast as is safe
	Return Kind = "return" // go home
	Land   Kind = "land"   // come down where it is
	Resume Kind = "resume" // go on with the mission that an order interrupted

	Reposition Kind = "reposition" // go straight to a point, and keep that place

	// Terminate ends a flight: the motors stop and the aircraft falls. Ask refuses it;
	// two persons decide, see Dispatcher.Terminate.
	Terminate Kind = "terminate"
)

// Safe reports whether an order is of safe direction.
func (k Kind) Safe() bool { return k != Resume && k != Reposition && k != Terminate }

// rank orders the orders of a class by safety: of two at once the higher one
// wins. What stands harms nobody and can still be told everything else; what comes
// down cannot be taken back, and nobody surveyed what is below (SAFETY 6, 11).
func rank(class vehicles.Class, k Kind) int {
	order := []Kind{Resume, Reposition, Land, Return, Stop, Hold}
	if class == vehicles.ICV { // nothing moves it when it has stopped
		order = []Kind{Resume, Land, Return, Hold, Stop}
	}
	for i, o := range order {
		if o == k {
			return i
		}
	}
	return -1
}

// State is what has become of an order.
type State string

// The states.
const (
	Asked      State = "asked"      // not sent yet
	Sent       State = "sent"       // not acknowledged yet
	Accepted   State = "accepted"   // acknowledged; no effect is seen yet
	InEffect   State = "in_effect"  // mode and motion show it
	Refused    State = "refused"    // by the vehicle; or it was not reachable
	NoAnswer   State = "no_answer"  // whether it got the order is not known
	NoEffect   State = "no_effect"  // fresh samples show that it did not do it
	Expired    State = "expired"    // too late, or nothing shows what became of it
	Superseded State = "superseded" // by a newer order
)

// Final reports whether nothing more is done about an order. An effect that shows
// later is still noted.
func (s State) Final() bool { return s != Asked && s != Sent && s != Accepted }

// doubtful reports whether the effect may still show.
func (s State) doubtful() bool { return s == NoAnswer || s == NoEffect || s == Expired }

// By is who orders.
type By struct {
	Actor  string // the person or the key
	Person string // who answers for it: whose hand it is
	Zone   bool   // of the zone's own people, not of the operator
}

// Order is one order to one vehicle. Times are 0 for what did not happen.
type Order struct {
	ID       string             `json:"id"`
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Class    string             `json:"class"`
	Operator string             `json:"operator"`
	Kind     Kind               `json:"kind"`
	State    State              `json:"state"`
	Why      string             `json:"why,omitempty"` // the state is as it is, for people

	By     string `json:"by"`
	Person string `json:"person"`
	Zone   bool   `json:"zone,omitempty"`
	Reason string `json:"reason,omitempty"`
	Ends   string `json:"ends,omitempty"` // RESUME: the order that it ends

	Bulk string `json:"bulk,omitempty"` // the bulk order that it is part of

	To *Place `json:"to,omitempty"` // REPOSITION: where to

	Termination string `json:"termination,omitempty"` // TERMINATE: id of what was proposed
	Confirmed   string `json:"confirmed,omitempty"`   // TERMINATE: the second person

	Command    uint16   `json:"command,omitempty"`     // MAV_CMD that was sent last
	Modes      []uint32 `json:"modes,omitempty"`       // of which one shows the effect; none: motion alone
	ModeBefore uint32   `json:"mode_before,omitempty"` // of the mission that was interrupted

	AskedUS    int64 `json:"asked_us"`
	SentUS     int64 `json:"sent_us,omitempty"`
	AcceptedUS int64 `json:"accepted_us,omitempty"`
	UnderWayUS int64 `json:"under_way_us,omitempty"` // REPOSITION: it comes nearer in the mode for it
	EffectUS   int64 `json:"effect_us,omitempty"`
	EndedUS    int64 `json:"ended_us,omitempty"`
	Late       bool  `json:"late,omitempty"` // the effect showed after the order had been given up

	JournalSeq uint64 `json:"-"` // of its newest entry; 0: not durable yet

	own        bool // it was asked since the start of the program
	unanswered bool // the vehicle did not acknowledge at first; it is asked again
}

func (o *Order) age(nowUS int64) time.Duration {
	return time.Duration(nowUS-o.AskedUS) * time.Microsecond
}

func newOrderID() string {
	var r [8]byte
	_, _ = rand.Read(r[:]) // crypto/rand.Read never fails
	return "or_" + hex.EncodeToString(r[:])
}

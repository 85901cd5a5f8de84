package telemetry

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// CallPerson is the alert about a vehicle that nothing which the zone sends brings
// to safety: somebody calls its contact (SAFETY 4, 6).
const CallPerson AlertType = "call_person"

// Call says that the contact of a vehicle has to be called, or not any more. Another
// reason of the same source ends the call before it, and is an alert of its own.
type Call struct {
	Vehicle *vehicles.Identity
	Source  CallSource // who needs it: only the same one ends it
	Began   bool
	Why     string // what happened and what to say, for people
	Order   string // id of the order that came to nothing; empty: there is none
	Cause   string // why it ended
}

// CallSource is a part of the system that finds that somebody has to be called.
type CallSource string

// The sources.
const (
	CallOrders      CallSource = "orders"      // what a person ordered came to nothing
	CallEnforcement CallSource = "enforcement" // the enforcement of a fence did
	CallPriority    CallSource = "priority"    // priority traffic is in danger, or its track is lost
	CallRestriction CallSource = "restriction" // an operator has not acknowledged a restriction
	CallDeadline    CallSource = "deadline"    // a department missed a clock of the day of the start
)

func (*Call) event() {}

func (b *Book) takeCall(c *Call, nowUS int64) {
	key := alertKey{typ: CallPerson, vehicle: c.Vehicle.ID, object: string(c.Source)}
	if a := b.byKey[key]; c.Began && a != nil && a.ClearedUS == 0 {
		if a.Why == c.Why && a.Order == c.Order {
			return
		}
		b.clear(a, nowUS, causeOtherReason) // who acknowledged it has not seen this one
	}
	b.change(key, condition{
		begins: c.Began, ends: !c.Began, anew: true, id: c.Vehicle, level: Critical, timeUS: nowUS, cause: c.Cause,
		fill: func(a *Alert) {
			a.Source, a.Why, a.Order = c.Source, c.Why, c.Order
			a.Evidence = &Evidence{Datum: geo.NoDatum.String(), ReceivedUS: nowUS}
		},
	})
}

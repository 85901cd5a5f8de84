package telemetry

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// CallPerson is the alert about a vehicle that nothing which the zone sends brings
// to safety: somebody calls its contact (SAFETY 4, 6).
const CallPerson AlertType = "call_person"

// Call says that the contact of a vehicle has to be called, or not any more. Another
// reason ends the call before it, and is an alert of its own.
type Call struct {
	Vehicle *vehicles.Identity
	Began   bool
	Why     string // what happened and what to say, for people
	Order   string // id of the order that came to nothing; empty: there is none
	Cause   string // why it ended
}

func (*Call) event() {}

func (b *Book) takeCall(c *Call, nowUS int64) {
	key := alertKey{typ: CallPerson, vehicle: c.Vehicle.ID}
	if a := b.byKey[key]; c.Began && a != nil && a.ClearedUS == 0 {
		if a.Why == c.Why && a.Order == c.Order {
			return
		}
		b.clear(a, nowUS, causeOtherReason) // who acknowledged it has not seen this one
	}
	b.change(key, condition{
		begins: c.Began, ends: !c.Began, anew: true, id: c.Vehicle, level: Critical, timeUS: nowUS, cause: c.Cause,
		fill: func(a *Alert) {
			a.Why, a.Order = c.Why, c.Order
			a.Evidence = &Evidence{Datum: geo.NoDatum.String(), ReceivedUS: nowUS}
		},
	})
}

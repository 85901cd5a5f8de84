package web

import (
	"strings"
	"testing"

	"testzone/telemetry"
	"testzone/telemetry/command"
)

// TestSomebodyCalls: an order comes to nothing, the alert and the list say whom to
// call, and it ends when somebody was reached.
func TestSomebodyCalls(t *testing.T) {
	const path = "/v1/vehicles/boat-1/call"
	o := newOwners(t)
	o.sail(10)
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/contact", `{"name":"Grace","phone":"+86 21 5555 0100"}`), "200")
	o.wire.mu.Lock()
	o.wire.err = &command.Refusal{Text: "denied"}
	o.wire.mu.Unlock()
	o.want(o.as(o.carl, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"hold"}`), "201")
	var list CallList
	eventually(t, "a call", func() bool {
		o.as(o.carl, "GET", "/v1/calls", "").json(t, &list)
		return len(list.Items) == 1
	})
	if c := list.Items[0]; c.VehicleID != "boat-1" || !strings.Contains(c.Why, "hold by "+o.carl.ID+" is refused") || c.Contact == nil || c.Contact.Name != "Grace" {
		t.Errorf("to call: %+v", c)
	}
	if r := o.as(o.hugo, "GET", "/v1/calls", ""); string(r.body) == "" || strings.Contains(string(r.body), "boat-1") {
		t.Errorf("another operator sees %s", r.body)
	}
	alert := func(open bool) func() bool {
		return func() bool {
			for _, a := range o.book.Alerts(telemetry.WholeZone(), true) {
				if a.Type == telemetry.CallPerson && a.Order == list.Items[0].Order {
					return (a.State() == "raised") == open
				}
			}
			return false
		}
	}
	eventually(t, "its alert", alert(true))
	o.want(o.as(o.hugo, "POST", path, `{"outcome":"reached"}`), "404 not_found")
	o.want(o.as(o.carl, "POST", path, `{"outcome":"perhaps"}`), "422 invalid")
	o.want(o.as(o.carl, "POST", path, `{"outcome":"not_reached","note":"engaged"}`), "200")
	o.as(o.carl, "GET", "/v1/calls", "").json(t, &list)
	if len(list.Items) != 1 || list.Items[0].Tries != 1 || list.Items[0].Note != "engaged" || list.Items[0].By != o.carl.ID {
		t.Errorf("after one try: %+v", list.Items)
	}
	o.want(o.as(o.carl, "POST", path, `{"outcome":"reached","note":"turns back"}`), "200")
	eventually(t, "the alert to end", alert(false))
	if o.as(o.carl, "GET", "/v1/calls", "").json(t, &list); len(list.Items) != 0 {
		t.Errorf("when the contact was reached: %+v", list.Items)
	}
}

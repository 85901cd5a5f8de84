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
	if got := o.briefed(briefCall); !strings.HasPrefix(got, "somebody has to call the contact of boat-1 since ") || !strings.HasSuffix(got, "not reached in 1 tries, by "+o.carl.ID+" last") || strings.Contains(got, "Grace") {
		t.Errorf("in the briefing: %q", got)
	}
	o.want(o.as(o.carl, "POST", path, `{"outcome":"reached","note":"turns back"}`), "200")
	eventually(t, "the alert to end", alert(false))
	if o.as(o.carl, "GET", "/v1/calls", "").json(t, &list); len(list.Items) != 0 {
		t.Errorf("when the contact was reached: %+v", list.Items)
	}
	if got := o.briefed(briefCall); got != "" {
		t.Errorf("in the briefing when the contact was reached: %q", got)
	}
}

// briefed is what the briefing of the zone's own people says of a kind.
func (o *owners) briefed(kind string) (text string) {
	o.t.Helper()
	items, err := o.server.briefing(o.t.Context(), nil) // as tokens of the configuration: nothing is hidden
	if err != nil {
		o.t.Fatal(err)
	}
	for _, i := range items {
		if i.Kind == kind {
			text = i.Text
		}
	}
	return text
}

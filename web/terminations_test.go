package web

import (
	"fmt"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const ends = "/v1/vehicles/uav-1/terminations"

// fly has a copter of acme's fly, as one that proved who it is.
func (o *owners) fly() (beat func(armed bool)) {
	o.t.Helper()
	if err := o.registry.SetRegistered([]vehicles.Registration{{ID: "uav-1", Class: vehicles.UAV, Operator: "acme"}}); err != nil {
		o.t.Fatal(err)
	}
	id, err := o.registry.OpenVerified("uav-1", vehicles.Source{Listener: "signed", SystemID: 9, ComponentID: 1, MAVType: 2, Autopilot: 3})
	if err != nil {
		o.t.Fatal(err)
	}
	beat = func(armed bool) {
		var h geo.Heights
		h.Set(geo.Takeoff, 45_000)
		o.pipeline.Reports([]vehicles.Report{{
			Handle: id.Handle, Has: vehicles.HasHeartbeat | vehicles.HasPosition, ReceivedUS: o.clock.now().UnixMicro(), BootMS: uint32(o.clock.now().UnixMilli()),
			Mode: 3, Armed: armed, Fix: geo.Fix{Point: geo.Point{Lat: 309000000, Lon: 1219300000}, Heights: h}, Velocity: vehicles.Velocity{N: 1000}, Heading: vehicles.HeadingUnknown,
		}})
	}
	beat(true)
	return beat
}

// TestTerminations: the preview, two controllers, each with the name typed, both told,
// what anybody else gets, and what came of it.
func TestTerminations(t *testing.T) {
	const propose, typed = `{"vehicle":"uav-1","reason":"it flies at people"}`, `{"vehicle":"uav-1"}`
	o := newOwners(t)
	cora := o.account("cora", "zone", "controller")
	beat := o.fly()
	confirm := func(p *Termination) string { return ends + "/" + p.ID + "/confirm" }

	var now Terminations
	if o.as(o.carl, "GET", ends, "").json(t, &now); !now.Enabled || now.Now == nil || now.Why != "" || len(now.Items) != 0 {
		t.Fatalf("before: %+v", now)
	}
	if p := now.Now; *p.HeightM != 45 || p.Datum != "takeoff" || p.SpeedMS != 10 || *p.FallS < 3.02 || *p.FallS > 3.04 || *p.ReachM < 30.2 || *p.ReachM > 30.4 ||
		p.Below != "unknown" || p.Over[0] != `fence "river"` || p.Holder != "" {
		t.Errorf("the preview: %+v", p)
	}
	before := o.head()
	var p Termination
	r := o.as(o.carl, "POST", ends+"?dry_run=true", propose)
	if r.json(t, &p); r.StatusCode != 200 || p.ID != "" || p.Seen.Position.Lat != 30.9 || o.head() != before {
		t.Errorf("a dry run: %d %s", r.StatusCode, r.body)
	}
	for _, c := range []struct {
		who              account
		path, body, want string
	}{
		{o.carl, ends, `{"vehicle":"uav-2","reason":"x"}`, "422 invalid"},
		{o.carl, ends, `{"vehicle":"","reason":"x"}`, "422 invalid"},
		{o.carl, ends, `{"vehicle":"uav-1","reason":""}`, "422 invalid"},
		{o.anna, ends, propose, "403 forbidden"},
		{o.hugo, ends, propose, "403 forbidden"},
		{o.carl, "/v1/vehicles/uav-2/terminations", `{"vehicle":"uav-2","reason":"x"}`, "404 not_found"},
		{o.carl, "/v1/vehicles/uav-1/orders", `{"kind":"terminate"}`, "422 invalid"},
		{o.carl, "/v1/orders", `{"kind":"terminate","of":{"all":true},"digest":"x"}`, "422 invalid"},
	} {
		o.want(o.as(c.who, "POST", c.path, c.body), c.want)
	}
	o.want(o.call(adminToken, "POST", ends, propose), "403 no_person")
	r = o.as(o.carl, "POST", ends, propose, keyHeader, "end-of-carl")
	o.want(r, "201")
	r.json(t, &p)
	o.want(o.as(cora, "POST", ends, propose), "409 exists")
	anna := o.live("Cookie", o.anna.cookie)
	anna.hello()
	for _, c := range []struct {
		who              account
		path, body, want string
	}{
		{o.carl, confirm(&p), typed, "403 same_person"},
		{cora, confirm(&p), `{"vehicle":"uav-2"}`, "422 invalid"},
		{o.anna, confirm(&p), typed, "403 forbidden"},
		{cora, "/v1/vehicles/uav-2/terminations/" + p.ID + "/confirm", `{"vehicle":"uav-2"}`, "404 not_found"},
		{cora, ends + "/ft_none/confirm", typed, "404 not_found"},
	} {
		o.want(o.as(c.who, "POST", c.path, c.body), c.want)
	}
	o.want(o.as(cora, "POST", confirm(&p)+"?dry_run=true", typed), "200")
	if o.wire.count() != 0 {
		t.Fatal("something was sent before two had decided")
	}
	o.clock.advance(2 * time.Second)
	beat(true)
	r = o.as(cora, "POST", confirm(&p), typed, keyHeader, "end-of-cora")
	o.want(r, "200")
	r.json(t, &p)
	if p.State != "confirmed" || *p.ConfirmedBy != cora.ID || p.ProposedBy != o.carl.ID || p.Order == nil || !p.Order.Durable || p.Order.ConfirmedBy != cora.ID || p.Order.Person != o.carl.ID || p.Order.Termination != p.ID {
		t.Errorf("confirmed: %s", r.body)
	}
	eventually(t, "it on the wire", func() bool { return o.wire.count() == 1 })
	o.want(o.as(cora, "POST", confirm(&p), typed, keyHeader, "end-of-cora"), "200")
	o.want(o.as(cora, "POST", confirm(&p), typed), "409 proposal_closed")
	if o.wire.mu.Lock(); len(o.wire.sent) != 1 || o.wire.sent[0].ID != 185 {
		t.Errorf("sent %+v", o.wire.sent)
	}
	o.wire.mu.Unlock()
	anna.await("orders", `"terminations":[{"id":"`+p.ID+`","vehicle_id":"uav-1","state":"confirmed"`)
	o.want(o.as(o.carl, "POST", "/v1/vehicles/uav-1/orders", `{"kind":"hold"}`), "409 order_impossible")
	o.clock.advance(time.Second)
	beat(false)
	eventually(t, "the end", func() bool {
		o.as(o.anna, "GET", ends, "").json(t, &now)
		return len(now.Items) == 1 && now.Items[0].Order != nil && now.Items[0].Order.State == "in_effect"
	})
	if now.Now != nil || now.Why == "" {
		t.Errorf("afterwards: %+v", now)
	}
	o.want(o.as(o.hugo, "GET", ends, ""), "404 not_found")
}

// TestTerminationsThatEndInNothing: withdrawn, too late, landed meanwhile.
func TestTerminationsThatEndInNothing(t *testing.T) {
	const propose, typed = `{"vehicle":"uav-1","reason":"it flies at people"}`, `{"vehicle":"uav-1"}`
	o := newOwners(t)
	cora := o.account("cora", "zone", "controller")
	beat := o.fly()
	next := func(propose string) (p Termination) {
		o.clock.advance(time.Second)
		beat(true)
		r := o.as(o.carl, "POST", ends, propose)
		o.want(r, "201")
		r.json(t, &p)
		return p
	}
	p := next(propose)
	o.want(o.as(o.anna, "DELETE", ends+"/"+p.ID, ""), "403 forbidden")
	o.want(o.as(cora, "DELETE", ends+"/"+p.ID, ""), "204")
	o.want(o.as(cora, "POST", ends+"/"+p.ID+"/confirm", typed), "409 proposal_closed")
	p = next(propose)
	o.clock.advance(time.Minute)
	beat(true)
	o.want(o.as(cora, "POST", ends+"/"+p.ID+"/confirm", typed), "409 proposal_closed")
	p = next(propose)
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/uav-1/lease", `{}`), "200")
	o.want(o.as(cora, "POST", ends+"/"+p.ID+"/confirm", typed), "409 situation_changed")
	o.want(o.as(cora, "DELETE", ends+"/"+p.ID, ""), "204")
	o.want(o.as(o.carl, "POST", ends, propose), "409 leased")
	p = next(`{"vehicle":"uav-1","reason":"it flies at people","take_over":true}`)
	o.clock.advance(time.Second)
	beat(false)
	o.want(o.as(cora, "POST", ends+"/"+p.ID+"/confirm", typed), "409 order_impossible")
	if n := o.wire.count(); n != 0 {
		t.Errorf("%d sent", n)
	}
	var now Terminations
	o.as(o.carl, "GET", ends, "").json(t, &now)
	states := ""
	for _, x := range now.Items {
		states += fmt.Sprint(x.State, " ")
	}
	if states != "open withdrawn expired withdrawn " {
		t.Errorf("states %s", states)
	}
}

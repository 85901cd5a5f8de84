package web

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// orderRig is the wire and the fleet of a zone: every command is acknowledged.
type orderRig struct {
	z *testZone

	mu   sync.Mutex // guards the fields below
	sent []command.Command
	err  error // the answer to every command
}

// newOrders makes the dispatcher of a zone.
func (z *testZone) newOrders() *command.Dispatcher {
	z.t.Helper()
	z.wire = &orderRig{z: z}
	d, err := command.New(command.Config{Wire: z.wire, Fleet: z.wire, Journal: z.journal, Calls: z.wire, Bus: z.bus, Ways: z.wire, Ground: z.wire, Termination: true, Clock: z.clock.now})
	if err != nil {
		z.t.Fatal(err)
	}
	return d
}

func (r *orderRig) Command(_ context.Context, _ vehicles.Handle, c command.Command) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, c)
	return r.err
}

func (r *orderRig) Call(c *telemetry.Call) { r.z.bus.Publish(r.z.clock.now().UnixMicro(), c) }

// Breached: a fence is in every way to the north of 30.95.
func (r *orderRig) Breached(_ *vehicles.Identity, _, to geo.Fix) []command.Met {
	if to.Point.Lat > 309_500_000 {
		return []command.Met{{ID: "fc_river", Name: "river", Kind: "keep_out", FromM: 1200.24, At: geo.Point{Lat: 309_400_000, Lon: 1_219_300_000}, InsideM: 40}}
	}
	return nil
}

func (r *orderRig) Under(*vehicles.Identity, geo.Point) []string { return []string{`fence "river"`} }

func (r *orderRig) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

func (r *orderRig) Identity(id vehicles.VehicleID) *vehicles.Identity {
	h, ok := r.z.registry.Lookup(id)
	if !ok {
		return nil
	}
	return r.z.registry.Identity(h)
}

func (r *orderRig) Track(ctx context.Context, h vehicles.Handle) (telemetry.TrackView, bool, error) {
	return r.z.pipeline.Track(ctx, telemetry.WholeZone(), h)
}

func (r *orderRig) Tracks(ctx context.Context) ([]telemetry.TrackView, error) {
	return r.z.pipeline.Tracks(ctx, telemetry.WholeZone())
}

func (r *orderRig) Against(ctx context.Context) (map[vehicles.VehicleID]bool, error) {
	return r.z.warden.Against(ctx)
}

func (r *orderRig) Home(vehicles.VehicleID) (geo.Point, bool) { return geo.Point{}, false }

func (r *orderRig) ModeName(*vehicles.Identity, uint32) string { return "some mode" }

// sail has a boat of acme's follow its course, in a mode, as one that proved who it is.
func (o *owners) sail(mode uint32) *vehicles.Identity {
	o.t.Helper()
	o.want(o.as(o.anna, "POST", "/v1/vehicles", vehicleBody("boat-1", 9)), "201")
	if err := o.registry.SetRegistered([]vehicles.Registration{{ID: "boat-1", Class: vehicles.USV, Operator: "acme"}}); err != nil {
		o.t.Fatal(err)
	}
	id, err := o.registry.OpenVerified("boat-1", vehicles.Source{Listener: "signed", SystemID: 9, ComponentID: 1, MAVType: 11, Autopilot: 3})
	if err != nil {
		o.t.Fatal(err)
	}
	o.heard(id, mode)
	return id
}

// heard is a heartbeat and a position of what moves.
func (o *owners) heard(id *vehicles.Identity, mode uint32) {
	o.pipeline.Reports([]vehicles.Report{{
		Handle: id.Handle, Has: vehicles.HasHeartbeat | vehicles.HasPosition, ReceivedUS: o.clock.now().UnixMicro(), BootMS: uint32(o.clock.now().UnixMilli()),
		Mode: mode, Armed: true, Fix: geo.Fix{Point: geo.Point{Lat: 309000000, Lon: 1219300000}}, Velocity: vehicles.Velocity{N: 400}, Heading: vehicles.HeadingUnknown,
	}})
}

func TestOrders(t *testing.T) {
	const path, hold = "/v1/vehicles/boat-1/orders", `{"kind":"hold","reason":"a ship comes"}`
	o := newOwners(t)
	o.want(o.as(o.carl, "POST", path, hold), "404 not_found")
	boat := o.sail(10)
	before := o.head()
	if r := o.as(o.anna, "POST", path+"?dry_run=true", hold, keyHeader, "order-of-anna"); r.StatusCode != 200 || !strings.Contains(string(r.body), `"id":""`) || o.wire.count() != 0 || o.head() != before {
		t.Errorf("a dry run: %d %s, sent %d", r.StatusCode, r.body, o.wire.count())
	}
	var first, again Order
	r := o.as(o.anna, "POST", path, hold, keyHeader, "order-of-anna")
	o.want(r, "201")
	r.json(t, &first)
	eventually(t, "the order on the wire", func() bool { return o.wire.count() == 1 })
	r = o.as(o.anna, "POST", path, hold, keyHeader, "order-of-anna")
	o.want(r, "201")
	if r.json(t, &again); again.ID != first.ID || first.Person != o.anna.ID || first.Zone || o.wire.count() != 1 || r.Header.Get("Idempotency-Replayed") == "" {
		t.Errorf("again: %+v, first %+v, sent %d", again, first, o.wire.count())
	}
	o.want(o.as(o.anna, "POST", path, `{"kind":"return"}`, keyHeader, "order-of-anna"), "422 key_reused")

	// Of another operator nothing is seen, and nothing is done.
	o.want(o.as(o.hugo, "POST", path, hold), "404 not_found")
	o.want(o.as(o.hugo, "PUT", "/v1/vehicles/boat-1/lease", `{"take_over":true}`), "404 not_found")
	o.want(o.as(o.hugo, "GET", path, ""), "404 not_found")
	if r := o.as(o.hugo, "GET", "/v1/orders?state=all", ""); !strings.Contains(string(r.body), `"items":[]`) {
		t.Errorf("harbour sees %s", r.body)
	}

	o.want(o.as(o.carl, "POST", path, hold), "409 leased")
	o.want(o.as(o.carl, "POST", path, `{"kind":"hold","take_over":true}`), "201")
	var list VehicleOrders
	if o.as(o.anna, "GET", path, "").json(t, &list); len(list.Items) != 2 || list.Lease == nil || list.Lease.Holder != o.carl.ID || list.Lease.From != o.anna.ID || list.Items[1].State != "superseded" {
		t.Errorf("after the take-over: %+v", list)
	}
	stop := list.Items[0].ID
	o.heard(boat, 5)
	o.want(o.as(o.anna, "POST", path, `{"kind":"resume","take_over":true,"ends":"`+stop+`"}`), "409 others_order")
	o.want(o.as(o.carl, "POST", path, `{"kind":"resume","ends":"`+first.ID+`"}`), "409 order_moved")
	o.want(o.as(o.carl, "POST", path, `{"kind":"resume"}`), "422 invalid")
	o.want(o.as(o.carl, "POST", path, `{"kind":"hold","ends":"`+stop+`"}`), "422 invalid")
	if p := o.as(o.carl, "POST", path, `{"kind":"land"}`); p.StatusCode != 409 || !strings.Contains(p.problem(t).Detail, "order HOLD or RETURN") {
		t.Errorf("a boat that shall land: %s", p.body)
	}
	o.want(o.as(o.carl, "POST", path, `{"kind":"resume","ends":"`+stop+`"}`), "201")

	o.want(o.as(o.anna, "DELETE", "/v1/vehicles/boat-1/lease", ""), "409 leased")
	o.want(o.as(o.carl, "DELETE", "/v1/vehicles/boat-1/lease", ""), "204")
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/lease", `{}`), "200")
	o.want(o.as(o.carl, "PUT", "/v1/vehicles/boat-1/lease", `{"reason":"no pilot answers"}`), "409 leased")
}

// SAFETY 1: the zone holds what moves, whatever was taken from whom: the vehicle is
// withdrawn and the person who had it disabled.
func TestWhatMovesIsHeldAfterEveryRightEnded(t *testing.T) {
	o := newOwners(t)
	o.moving["boat-1"] = true
	boat := o.sail(10)
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/lease", `{}`), "200")
	o.want(o.as(o.anna, "DELETE", "/v1/vehicles/boat-1", "", "If-Match", `"1"`), "200")
	o.want(o.call(adminToken, "PUT", "/v1/organisations/acme", `{"name":"acme","disabled":true}`, "If-Match", `"1"`), "200")
	o.want(o.as(o.anna, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"hold"}`), "401 unauthenticated")
	o.heard(boat, 10)
	for _, kind := range []string{"hold", "stop", "return"} {
		n := o.wire.count()
		o.want(o.as(o.carl, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"`+kind+`","take_over":true}`), "201")
		eventually(t, kind+" on the wire", func() bool { return o.wire.count() > n })
		o.clock.advance(3 * time.Second) // a less safe one is no longer at once
		o.heard(boat, 10)
	}
}

// TestOrdersAsEvents: both hands are told of orders and of a take-over, others of none.
func TestOrdersAsEvents(t *testing.T) {
	o := newOwners(t)
	o.sail(10)
	const types = "?types=order.asked,lease.*,fence.put"
	anna, hugo, carl := o.follow("", types, "Cookie", o.anna.cookie), o.follow("", types, "Cookie", o.hugo.cookie), o.follow("", types, "Cookie", o.carl.cookie)
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/lease", `{"reason":"a trial"}`), "200")
	o.want(o.as(o.carl, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"hold","take_over":true}`), "201")
	for name, stream := range map[string]*eventReader{"anna": anna, "carl": carl} {
		taken, asked := stream.next(), stream.next()
		if taken.Type != "lease.taken" || taken.Lease == nil || taken.Lease.Holder != o.anna.ID || taken.Lease.Reason != "a trial" {
			t.Errorf("%s: the lease: %+v", name, taken)
		}
		if asked.Type != "order.asked" || asked.Order == nil || asked.Order.Kind != "hold" || asked.By != o.carl.ID ||
			asked.Lease == nil || asked.Lease.Holder != o.carl.ID || asked.Lease.From != o.anna.ID {
			t.Errorf("%s: the order: %+v", name, asked)
		}
	}
	o.want(o.as(o.carl, "POST", "/v1/fences", fenceBody("river", square, "")), "201")
	if e := hugo.next(); e.Type != "fence.put" {
		t.Errorf("harbour gets %+v", e)
	}
	for _, stream := range []*eventReader{anna, hugo, carl} {
		stream.stop()
	}
}

// TestBriefingOfOrders: who takes a duty over is told of orders of which something may
// still become, and of who controls which vehicle (SAFETY 14).
func TestBriefingOfOrders(t *testing.T) {
	o := newOwners(t)
	dora := o.account("dora", "zone", "controller")
	o.sail(10)
	o.want(o.as(o.carl, "POST", "/v1/vehicles/boat-1/orders", `{"kind":"hold"}`), "201")
	var duty Duty
	o.as(o.carl, "POST", "/v1/duty", `{}`).json(t, &duty)
	o.as(o.carl, "POST", "/v1/duty/"+duty.ID+"/handover", `{"to":"`+dora.ID+`"}`).json(t, &duty)
	got := map[string]string{}
	for _, item := range duty.Offer.Briefing {
		got[item.Kind] = item.Text
	}
	if !strings.HasPrefix(got["order"], "hold to boat-1 by "+o.carl.ID) || !strings.HasPrefix(got["lease"], o.carl.ID+" has the control of boat-1") {
		t.Errorf("the briefing: %v", duty.Offer.Briefing)
	}
}

func TestABoatIsSentToAPoint(t *testing.T) {
	const path = "/v1/vehicles/boat-1/orders"
	o := newOwners(t)
	o.sail(10)
	for _, c := range []struct{ more, want string }{
		{``, "422 invalid"},
		{`,"to":{"lat":30.96,"lon":121.93}`, "409 fence_in_the_way"},
		{`,"to":{"lat":35,"lon":121.93}`, "409 order_impossible"},
		{`,"to":{"lat":91,"lon":121.93}`, "422 invalid"},
		{`,"to":{"lat":30.905,"lon":121.935}`, "201"},
	} {
		o.want(o.as(o.anna, "POST", path, `{"kind":"reposition"`+c.more+`}`), c.want)
	}
	var way Way
	const look = "/v1/vehicles/boat-1/way?lat="
	r := o.as(o.anna, "GET", look+"30.96&lon=121.93", "")
	want := WayFence{ID: "fc_river", Name: "river", Kind: "keep_out", FromM: 1200.2, Position: Position{Lat: 30.94, Lon: 121.93}, InsideM: 40}
	if r.json(t, &way); r.StatusCode != 200 || way.Clear || len(way.Fences) != 1 || way.Fences[0] != want || way.Distance < 6000 {
		t.Errorf("the way through a fence: %d %s", r.StatusCode, r.body)
	}
	if r := o.as(o.carl, "GET", look+"30.905&lon=121.935", ""); !strings.Contains(string(r.body), `"clear":true`) {
		t.Errorf("a free way: %s", r.body)
	}
	for _, c := range []struct {
		who        account
		where, why string
	}{{o.carl, "35&lon=121.93", "409 order_impossible"}, {o.carl, "91&lon=121.93", "422 invalid"}, {o.carl, "30.9", "422 invalid"}, {o.hugo, "30.9&lon=121.93", "404 not_found"}} {
		o.want(o.as(c.who, "GET", look+c.where, ""), c.why)
	}
	o.want(o.as(o.anna, "POST", path, `{"kind":"hold","to":{"lat":30.905,"lon":121.935}}`), "422 invalid")
	eventually(t, "the order on the wire", func() bool { return o.wire.count() == 1 })
	var list VehicleOrders
	if o.as(o.anna, "GET", path, "").json(t, &list); list.Items[0].To == nil || list.Items[0].To.Lat != 30.905 || list.Items[0].To.Height != nil {
		t.Errorf("listed: %+v", list.Items[0])
	}
}

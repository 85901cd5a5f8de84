package web

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/priority"
	"testzone/vehicles"
)

const rescue = `{"name":"Rescue 1","kind":"helicopter","route":[{"lat":30.9,"lon":121.9}],"course_deg":90,"speed_mps":50,"ceiling":{"m":300,"datum":"amsl"},"clear_in_s":180}`

// TestPriorityTraffic goes through its life: tried, announced, seen by each as its view
// allows, placed anew, and over.
func TestPriorityTraffic(t *testing.T) {
	n := newNeighbours(t)
	for _, v := range []*vehicles.Identity{n.own, n.theirs} {
		n.report(v, 30.9, 121.92, 50)
	}
	var tried, p PriorityTraffic
	r := n.as(n.carl, "POST", priorityPath+"?dry_run=true", rescue)
	if r.json(t, &tried); r.StatusCode != 200 || tried.ID != "" || tried.Now == nil || len(tried.Now.Affected) != 2 || tried.Now.Affected[0].How != "ahead" {
		t.Fatalf("a dry run: %d %s", r.StatusCode, r.body)
	}
	if all := n.register.Priorities(true); len(all) != 0 {
		t.Fatalf("a dry run announced %+v", all)
	}
	r = n.as(n.carl, "POST", priorityPath, rescue)
	if r.json(t, &p); r.StatusCode != http.StatusCreated || p.Provisional || p.Rev != 1 {
		t.Fatalf("announced: %d %s", r.StatusCode, r.body)
	}
	if err := n.priority.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who  account
		want int
	}{{n.carl, 2}, {n.harbour, 1}, {n.acme, 1}} {
		var list struct{ Items []PriorityTraffic }
		n.as(c.who, "GET", priorityPath, "").json(t, &list)
		if len(list.Items) != 1 || list.Items[0].Now == nil || len(list.Items[0].Now.Affected) != c.want || list.Items[0].Now.ClearIn < 170 {
			t.Errorf("%s sees %+v", c.who.ID, list.Items)
		}
	}
	path := priorityPath + "/" + p.ID
	n.want(n.as(n.carl, "PATCH", path, `{"radius_m":100}`, "If-Match", `"7"`), "412 stale")
	n.want(n.as(n.carl, "PATCH", path, `{"radius_m":100}`), "428 if_match_required")
	n.want(n.as(n.acme, "PATCH", path, `{"radius_m":100}`, "If-Match", `"1"`), "403 forbidden")
	r = n.as(n.carl, "PATCH", path, `{"route":[{"lat":30.95,"lon":121.9}]}`, "If-Match", `"1"`)
	if r.json(t, &p); r.StatusCode != 200 || p.Rev != 2 || len(p.Route) != 1 || p.Route[0].Lat != 30.95 || p.Speed != 0 || p.Now == nil || len(p.Now.Affected) != 0 {
		t.Errorf("placed elsewhere: %d %s", r.StatusCode, r.body)
	}
	n.want(n.as(n.carl, "POST", path+"/end", `{"reason":"passed"}`, "If-Match", `"1"`), "412 stale")
	n.want(n.as(n.carl, "POST", path+"/end", `{"reason":"passed"}`, "If-Match", `"2"`), "200")
	r = n.as(n.carl, "GET", path, "")
	if r.json(t, &p); p.EndedAt == nil || p.Reason != "passed" || p.Now != nil {
		t.Errorf("over: %s", r.body)
	}
	n.want(n.as(n.carl, "POST", path+"/end", `{}`, "If-Match", `"3"`), "409 priority_over")
	n.want(n.as(n.carl, "POST", path+"/exits", `{}`), "409 priority_over")
	if got := n.register.Priorities(false); len(got) != 0 {
		t.Errorf("still in force: %+v", got)
	}
}

// TestPriorityInput names every fault of what is asked.
func TestPriorityInput(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	now := z.clock.now().UTC()
	const name = `"name":"Rescue","kind":"helicopter",`
	const here = `"route":[{"lat":30.9,"lon":121.9}]`
	const two = `"route":[{"lat":30.9,"lon":121.9},{"lat":30.91,"lon":121.9}]`
	for _, c := range []struct{ what, body, want string }{
		{"nowhere", `{` + name + `"radius_m":300}`, "422 invalid"},
		{"twice somewhere", `{` + name + here + `,"track":"icao-780abc"}`, "422 invalid"},
		{"a track with a speed", `{` + name + `"track":"icao-780abc","speed_mps":5}`, "422 invalid"},
		{"a point that moves nowhere", `{` + name + here + `,"speed_mps":5}`, "422 invalid"},
		{"a route without speed", `{` + name + two + `}`, "422 invalid"},
		{"a route that arrives before it leaves", `{` + name + two + `,"arrive_at":"` + now.Add(-time.Hour).Format(time.RFC3339) + `"}`, "422 invalid"},
		{"a route that arrives", `{` + name + two + `,"arrive_at":"` + now.Add(time.Hour).Format(time.RFC3339) + `"}`, "201"},
		{"a height above a start point", `{` + name + here + `,"floor":{"m":10,"datum":"takeoff"}}`, "422 invalid"},
		{"a band upside down", `{` + name + here + `,"floor":{"m":100,"datum":"amsl"},"ceiling":{"m":50,"datum":"amsl"}}`, "422 invalid"},
		{"over before it begins", `{` + name + here + `,"until":"` + now.Add(-time.Minute).Format(time.RFC3339) + `"}`, "422 invalid"},
		{"a name of spaces", `{"name":" ","kind":"helicopter",` + here + `}`, "422 invalid"},
		{"two times to be clear by", `{` + name + here + `,"clear_in_s":5,"clear_by":"` + now.Add(time.Minute).Format(time.RFC3339) + `"}`, "422 invalid"},
		{"a track", `{` + name + `"track":"icao-780abc"}`, "201"},
	} {
		if r := z.call(adminToken, "POST", priorityPath, c.body); z.code(r) != c.want {
			t.Errorf("%s: %d %s", c.what, r.StatusCode, r.body)
		}
	}
}

// TestPriorityWithoutJournal: it is in force all the same and says so, and can be taken
// back.
func TestPriorityWithoutJournal(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	if err := z.journal.Close(); err != nil {
		t.Fatal(err)
	}
	var p PriorityTraffic
	r := z.call(adminToken, "POST", priorityPath, rescue)
	if r.json(t, &p); r.StatusCode != 201 || !p.Provisional || p.Refused == "" {
		t.Fatalf("announced: %d %s", r.StatusCode, r.body)
	}
	if err := z.priority.Look(t.Context()); err != nil || len(z.priority.Pictures()) != 1 {
		t.Errorf("nobody looks: %v", err)
	}
	z.want(z.call(adminToken, "POST", priorityPath+"/"+p.ID+"/end", `{}`, "If-Match", `"1"`), "200")
	if got := z.register.Priorities(true); len(got) != 0 {
		t.Errorf("taken back, and still %+v", got)
	}
}

// TestOrderExits: what cannot be ordered is said for each vehicle.
func TestOrderExits(t *testing.T) {
	n := newNeighbours(t)
	n.report(n.own, 30.9, 121.92, 50)
	var p PriorityTraffic
	n.as(n.carl, "POST", priorityPath, rescue).json(t, &p)
	if err := n.priority.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out ExitOrders
	n.as(n.carl, "POST", priorityPath+"/"+p.ID+"/exits", `{"vehicles":["`+string(n.own.ID)+`"]}`).json(t, &out)
	if len(out.Items) != 1 || out.Items[0].VehicleID != string(n.own.ID) || out.Items[0].Order != nil || out.Items[0].Why == "" {
		t.Errorf("%+v", out)
	}
}

// TestExitsAreOrders: who is in the way is sent where it is offered to go, unless that is
// another place by now, it is out of the way, or somebody else has it.
func TestExitsAreOrders(t *testing.T) {
	o := newOwners(t)
	boat := o.sail(10)
	var p PriorityTraffic
	o.as(o.carl, "POST", priorityPath, rescue).json(t, &p)
	look := func() PriorityExit {
		t.Helper()
		o.heard(boat, 10)
		if err := o.priority.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o.as(o.carl, "GET", priorityPath+"/"+p.ID, "").json(t, &p); len(p.Now.Affected) != 1 {
			t.Fatalf("in the way: %+v", p.Now)
		}
		return p.Now.Affected[0].Exit
	}
	exit := look()
	if exit.Kind != "move" || exit.ID == "" {
		t.Fatalf("the way out of a boat: %+v", exit)
	}
	order := func(body string, header ...string) ExitOrder {
		t.Helper()
		var out ExitOrders
		r := o.as(o.carl, "POST", priorityPath+"/"+p.ID+"/exits", body, header...)
		if r.json(t, &out); r.StatusCode != http.StatusOK || len(out.Items) != 1 {
			t.Fatalf("%s: %d %s", body, r.StatusCode, r.body)
		}
		return out.Items[0]
	}
	for _, c := range []struct{ what, body, code string }{
		{"another way out", `{"seen":{"boat-1":"move:1,2"}}`, "exit_changed"},
		{"out of the way", `{"vehicles":["boat-7"]}`, "not_in_the_way"},
	} {
		if got := order(c.body); got.Code != c.code || got.Order != nil || got.Why == "" {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
	o.want(o.as(o.anna, "PUT", "/v1/vehicles/boat-1/lease", `{}`), "200")
	seen := `"seen":{"boat-1":"` + exit.ID + `"}`
	if got := order(`{` + seen + `}`); got.Code != "leased" || got.Order != nil {
		t.Errorf("somebody else has it: %+v", got)
	}
	if n := o.wire.count(); n != 0 {
		t.Errorf("%d commands were sent", n)
	}
	urgent := `{"vehicles":["boat-1"],"take_over":true,` + seen + `}`
	got := order(urgent, keyHeader, "exit-of-the-boat")
	if got.Order == nil || got.Order.Kind != "reposition" || got.Order.To == nil || got.Order.To.Lat != exit.Position.Lat || got.Order.To.Lon != exit.Position.Lon ||
		got.Order.Reason != "priority traffic: Rescue 1" {
		t.Errorf("ordered: %+v", got)
	}
	eventually(t, "the order on the wire", func() bool { return o.wire.count() == 1 })
	if again := look(); again.ID != exit.ID {
		t.Errorf("on its way out it is offered another: %+v", again)
	}
	o.pipeline.Reports([]vehicles.Report{{
		Handle: boat.Handle, Has: vehicles.HasHeartbeat | vehicles.HasPosition, ReceivedUS: o.clock.now().UnixMicro(), BootMS: uint32(o.clock.now().UnixMilli()) + 1,
		Mode: 10, Fix: geo.Fix{Point: geo.Point{Lat: 309000000, Lon: 1219300000}}, Heading: vehicles.HeadingUnknown,
	}})
	if err := o.priority.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, _ := o.priority.Picture(p.ID); len(now.Affected) != 0 {
		t.Fatalf("moored it is in the way: %+v", now.Affected)
	}
	if again := order(urgent, keyHeader, "exit-of-the-boat"); again.Order == nil || again.Order.ID != got.Order.ID || o.wire.count() != 1 {
		t.Errorf("the same request when it is out of the way: %+v, want order %s", again, got.Order.ID)
	}
}

// TestExitOrder: the order for each way out, and at which height.
func TestExitOrder(t *testing.T) {
	fix := func(datum geo.Datum, mm int32) (f geo.Fix) {
		if datum != geo.NoDatum {
			f.Heights.Set(datum, mm)
		}
		return f
	}
	at := geo.Point{Lat: 309000000, Lon: 1219300000}
	for _, c := range []struct {
		what  string
		exit  telemetry.Exit
		fix   geo.Fix
		class vehicles.Class
		want  string // kind, height and datum; or the code
	}{
		{"hold", telemetry.Exit{Kind: telemetry.ExitHold}, geo.Fix{}, vehicles.UAV, "hold"},
		{"move at its height", telemetry.Exit{Kind: telemetry.ExitMove, Point: at, HeightM: 55.5, HeightIs: true}, geo.Fix{}, vehicles.UAV, "reposition 55500 amsl"},
		{"move as high above its start", telemetry.Exit{Kind: telemetry.ExitMove, Point: at}, fix(geo.Takeoff, 30_000), vehicles.UAV, "reposition 30000 takeoff"},
		{"move and no height", telemetry.Exit{Kind: telemetry.ExitMove, Point: at}, geo.Fix{}, vehicles.UAV, "no_order"},
		{"climb", telemetry.Exit{Kind: telemetry.ExitClimb, Point: at, HeightM: 120, HeightIs: true}, fix(geo.Takeoff, 30_000), vehicles.UAV, "reposition 120000 amsl"},
		{"climb and no height", telemetry.Exit{Kind: telemetry.ExitClimb, Point: at}, fix(geo.Takeoff, 30_000), vehicles.UAV, "no_order"},
		{"boat", telemetry.Exit{Kind: telemetry.ExitMove, Point: at}, geo.Fix{}, vehicles.USV, "reposition"},
		{"car", telemetry.Exit{Kind: telemetry.ExitMove, Point: at}, geo.Fix{}, vehicles.ICV, "no_order"},
		{"none", telemetry.Exit{Kind: telemetry.ExitNone}, geo.Fix{}, vehicles.UAV, "no_order"},
	} {
		q, code, why := exitOrder(&priority.Affected{Vehicle: &vehicles.Identity{Class: c.class}, Fix: c.fix, Exit: c.exit})
		got := string(q.Kind)
		if q.To != nil && q.To.Height {
			got += fmt.Sprintf(" %d %s", q.To.MM, q.To.Datum)
		}
		if code != "" {
			got = code
		}
		if got != c.want || (code == "") != (why == "") || code == "" && q.Kind == "reposition" && q.To.Point != at {
			t.Errorf("%s: %q %+v, want %q", c.what, got, q.To, c.want)
		}
	}
}

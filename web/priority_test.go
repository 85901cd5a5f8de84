package web

import (
	"net/http"
	"testing"
	"time"

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

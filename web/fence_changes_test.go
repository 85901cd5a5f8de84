package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/telemetry"
	"testzone/vehicles"
)

// fenceNow sets a fence and gives it back.
func (z *testZone) fenceNow(body string) (f Fence) {
	z.t.Helper()
	r := z.call(adminToken, "POST", "/v1/fences", body)
	if r.StatusCode != http.StatusCreated {
		z.t.Fatalf("create answers %d: %s", r.StatusCode, r.body)
	}
	r.json(z.t, &f)
	return f
}

// TestFenceFields holds that every field that is sent comes back, and that what
// comes back can be sent again.
func TestFenceFields(t *testing.T) {
	z := newTestZone(t, zoneOptions{inForce: func(string) bool { return false }})
	more := `,"edges":"lonlat","margin_m":0,"response":"hold","group":"",` +
		`"floor":{"m":-1.5,"datum":"amsl"},"ceiling":{"m":120,"datum":"takeoff"},` +
		`"schedule":{"windows":[{"from":"2030-01-01T08:00:00+08:00","to":"2030-01-02T00:00:00.5Z"}],` +
		`"weekly":[{"days":["fri","mon"],"from":"22:00","to":"sunrise-00:30"}],"holidays":"except"},` +
		`"applies":{"classes":["usv","uav"],"operators":["acme"],"vehicles":["uav-1"],"exempt_operators":["police"],"exempt_vehicles":["p-1"],"permits":["pm_1"],"exempt_permits":["pm_2"]},"speed_mps":null`
	f := z.fenceNow(fenceBody("all", square, more))
	if f.InForce {
		t.Error("in_force is not asked")
	}
	got, err := json.Marshal([]any{f.Edges, f.Floor, f.Ceiling, f.Schedule, f.Applies, f.SpeedMPS, f.MarginM, f.Group, f.Response})
	want := `["lonlat",{"m":-1.5,"datum":"amsl"},{"m":120,"datum":"takeoff"},` +
		`{"windows":[{"from":"2030-01-01T00:00:00.000Z","to":"2030-01-02T00:00:00.500Z"}],"weekly":[{"days":["mon","fri"],"from":"22:00","to":"sunrise-00:30"}],"holidays":"except"},` +
		`{"classes":["uav","usv"],"operators":["acme"],"vehicles":["uav-1"],"exempt_operators":["police"],"exempt_vehicles":["p-1"],"permits":["pm_1"],"exempt_permits":["pm_2"]},null,0,"","hold"]`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	record, err := z.register.Fence(f.ID)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(inputOf(&record.Fence))
	r := z.call(adminToken, "PUT", "/v1/fences/"+f.ID, string(again), "If-Match", `"1"`)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("what came back is refused: %s", r.body)
	}
	var same Fence
	r.json(t, &same)
	same.Rev, same.UpdatedAt = f.Rev, f.UpdatedAt
	before, _ := json.Marshal(f)
	after, _ := json.Marshal(same)
	if string(before) != string(after) {
		t.Errorf("sent again it is\n%s\nwas\n%s", after, before)
	}
	way := z.fenceNow(strings.Replace(fenceBody("way", `{"type":"LineString","coordinates":[[121.92,30.9],[121.93,30.91]]}`,
		`,"width_m":12.5,"speed_mps":8.3,"edges":"geodesic","margin_m":2,"floor":{"m":0,"datum":"agl"},"ceiling":{"m":9,"datum":"wgs84"}`), "keep_out", "speed_limit", 1))
	if way.WidthM == nil || *way.WidthM != 12.5 || way.SpeedMPS == nil || *way.SpeedMPS != 8.3 || way.Kind != "speed_limit" || way.Edges != "geodesic" ||
		way.MarginM != 2 || way.Floor.Datum != "agl" || way.Ceiling.Datum != "wgs84" || string(way.Geometry) != `{"type":"LineString","coordinates":[[121.92,30.9],[121.93,30.91]]}` {
		t.Errorf("corridor: %+v", way)
	}
	plain := z.fenceNow(fenceBody("plain", square, `,"schedule":null,"applies":{"classes":null}`))
	if plain.Schedule != nil || plain.Applies.Operators == nil || plain.Edges != "lonlat" {
		t.Errorf("defaults: %+v", plain)
	}
}

func TestFenceVersionsAndRestore(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	f := z.fenceNow(fenceBody("first", square, ""))
	path := "/v1/fences/" + f.ID
	z.call(adminToken, "PUT", path, fenceBody("second", square, `,"response":"land"`), "If-Match", `"1"`)
	if r := z.call(adminToken, "DELETE", path, "", "If-Match", `"2"`); r.StatusCode != http.StatusNoContent {
		t.Fatalf("delete: %s", r.body)
	}
	var list FenceVersionList
	z.call(observerToken, "GET", path+"/versions", "").json(t, &list)
	var got []string
	for _, v := range list.Items {
		got = append(got, fmt.Sprint(v.Rev, v.Fence.Rev, " ", v.Fence.Name, " ", v.Deleted, " ", v.By, " ", v.Fence.InForce))
	}
	if want := "3 3 second true bootstrap false|2 2 second false bootstrap false|1 1 first false bootstrap false"; strings.Join(got, "|") != want {
		t.Errorf("versions %q", got)
	}
	for _, c := range []struct {
		token, id, ifMatch, body string
		status                   int
		code                     string
	}{
		{observerToken, f.ID, `"3"`, `{"rev":1}`, 403, "forbidden"},
		{adminToken, f.ID, "", `{"rev":1}`, 428, "if_match_required"},
		{adminToken, f.ID, `"2"`, `{"rev":1}`, 412, "stale"},
		{adminToken, f.ID, `"3"`, `{"rev":9}`, 404, "no_such_version"},
		{adminToken, f.ID, `"3"`, `{"rev":0}`, 422, "invalid"},
		{adminToken, "fn_none", `"3"`, `{"rev":1}`, 404, "not_found"},
	} {
		r := z.call(c.token, "POST", "/v1/fences/"+c.id+"/restore", c.body, "If-Match", c.ifMatch)
		if p := r.problem(t); r.StatusCode != c.status || p.Code != c.code {
			t.Errorf("restore %s of %s with %s answers %d %s", c.body, c.id, c.ifMatch, r.StatusCode, p.Code)
		}
	}
	r := z.call(adminToken, "POST", path+"/restore", `{"rev":1}`, "If-Match", `"3"`)
	var back Fence
	r.json(t, &back)
	if r.StatusCode != http.StatusOK || r.Header.Get("ETag") != `"4"` || back.Rev != 4 || back.Name != "first" || back.Response != "warn" || back.CreatedAt != f.CreatedAt {
		t.Errorf("restore answers %d: %s", r.StatusCode, r.body)
	}
	z.call(observerToken, "GET", path+"/versions", "").json(t, &list)
	if len(list.Items) != 4 || !list.Items[0].Fence.InForce {
		t.Errorf("versions after the restore: %+v", list.Items)
	}
	if r := z.call(observerToken, "GET", "/v1/fences/fn_none/versions", ""); r.StatusCode != 404 {
		t.Errorf("versions of nothing answer %d", r.StatusCode)
	}
}

func TestFenceBatch(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	a, b := z.fenceNow(fenceBody("a", square, "")), z.fenceNow(fenceBody("b", square, ""))
	bow := `{"type":"Polygon","coordinates":[[[121.92,30.9],[121.93,30.91],[121.93,30.9],[121.92,30.91],[121.92,30.9]]]}`
	batch := func(changes ...string) reply {
		return z.call(adminToken, "POST", "/v1/fences/batch", `{"changes":[`+strings.Join(changes, ",")+`]}`)
	}
	change := func(op, id string, rev int, fence string) string {
		return strings.NewReplacer(`,"id":""`, "", `,"rev":0`, "", `,"fence":}`, "}").Replace(fmt.Sprintf(`{"op":%q,"id":%q,"rev":%d,"fence":%s}`, op, id, rev, fence))
	}
	good := fenceBody("good", square, "")
	for _, c := range []struct {
		name   string
		answer reply
		status int
		code   string
		want   []string
	}{
		{"faults of the form", batch(change("create", "", 0, good), change("create", "x", 0, fenceBody("", bow, "")), change("replace", "", 0, ""),
			change("delete", b.ID, 1, good), change("explode", "", 0, "")), 422, "invalid", []string{
			"body.changes[1].id: create does not", "body.changes[1].fence.name: ", "body.changes[1].fence.geometry.coordinates[0]: edge 0",
			"body.changes[2].id: replace needs", "body.changes[2].rev: ", "body.changes[2].fence: ", "body.changes[3].fence: delete does not", "body.changes[4].op: "}},
		{"faults of the state", batch(change("create", "", 0, good), change("delete", "fn_none", 1, ""), change("delete", b.ID, 9, "")), 422, "invalid", []string{
			"body.changes[1]: fence fn_none: not found", "body.changes[2]: fence " + b.ID + " has revision 1 now"}},
		{"twice", batch(change("delete", a.ID, 1, ""), change("delete", a.ID, 1, "")), 422, "invalid", []string{"body.changes[1]: fence " + a.ID}},
		{"stale", batch(change("create", "", 0, good), change("replace", a.ID, 7, good)), 409, "stale", []string{"body.changes[1]: "}},
		{"empty", batch(), 422, "invalid", []string{"body.changes: "}},
	} {
		p := c.answer.problem(t)
		if c.answer.StatusCode != c.status || p.Code != c.code || len(p.Errors) != len(c.want) {
			t.Errorf("%s answers %d: %s", c.name, c.answer.StatusCode, c.answer.body)
		}
		for _, want := range c.want {
			if !slices.ContainsFunc(p.Errors, func(e FieldError) bool { return strings.HasPrefix(e.Location+": "+e.Message, want) }) {
				t.Errorf("%s lacks %q: %s", c.name, want, c.answer.body)
			}
		}
	}
	if n := len(z.register.Fences()); n != 2 {
		t.Fatalf("%d fences after refused batches", n)
	}
	r := batch(change("create", "", 0, good), change("replace", a.ID, 1, fenceBody("a2", square, "")), change("delete", b.ID, 1, ""))
	var out FenceBatchResult
	r.json(t, &out)
	if r.StatusCode != 200 || len(out.Items) != 3 || out.Items[0].Rev != 1 || out.Items[1] != (FenceResult{ID: a.ID, Rev: 2}) || out.Items[2] != (FenceResult{ID: b.ID, Rev: 2, Deleted: true}) {
		t.Errorf("batch answers %d: %s", r.StatusCode, r.body)
	}
	if r := z.call(observerToken, "POST", "/v1/fences/batch", `{"changes":[`+change("create", "", 0, good)+`]}`); r.StatusCode != 403 {
		t.Errorf("observer: %d", r.StatusCode)
	}
}

func TestEmergencyFence(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	v := z.open(1, vehicles.UAV)
	z.report(v, 30.9, 121.92, 50)
	r := z.call(adminToken, "POST", "/v1/fences/emergency", `{"center":[121.92,30.9],"radius_m":300,"minutes":5,"classes":["uav"]}`)
	var f Fence
	r.json(t, &f)
	if r.StatusCode != 201 || r.Header.Get("ETag") != `"1"` || r.Header.Get("Location") != "/v1/fences/"+f.ID || f.Name != "Emergency" || f.Kind != "keep_out" ||
		f.Response != "warn" || f.Floor != nil || f.Ceiling != nil || f.RadiusM == nil || *f.RadiusM != 300 || !slices.Equal(f.Applies.Classes, []string{"uav"}) {
		t.Fatalf("answers %d: %s", r.StatusCode, r.body)
	}
	if f.Schedule == nil || len(f.Schedule.Windows) != 1 {
		t.Fatalf("schedule: %s", r.body)
	}
	from, err1 := time.Parse(timeFormat, f.Schedule.Windows[0].From)
	to, err2 := time.Parse(timeFormat, f.Schedule.Windows[0].To)
	if err1 != nil || err2 != nil || to.Sub(from) != 5*time.Minute || f.Schedule.Windows[0].From != f.CreatedAt {
		t.Errorf("window: %+v of %s", f.Schedule.Windows[0], f.CreatedAt)
	}
	var named Fence
	z.call(adminToken, "POST", "/v1/fences/emergency", `{"center":[121.92,30.9],"radius_m":300,"name":"fire"}`).json(t, &named)
	from, _ = time.Parse(timeFormat, named.Schedule.Windows[0].From)
	to, _ = time.Parse(timeFormat, named.Schedule.Windows[0].To)
	if named.Name != "fire" || to.Sub(from) != time.Hour || len(named.Applies.Classes) != 0 {
		t.Errorf("defaults: %+v", named)
	}
	if r := z.call(observerToken, "POST", "/v1/fences/emergency", `{"center":[121.92,30.9],"radius_m":300}`); r.StatusCode != 403 {
		t.Errorf("observer: %d", r.StatusCode)
	}
	if r := z.call(adminToken, "POST", "/v1/fences/emergency", `{"center":[0,87.9],"radius_m":200000}`); r.StatusCode != 422 || r.problem(t).Code != "invalid" {
		t.Errorf("a circle at the pole answers %d: %s", r.StatusCode, r.body)
	}
	p := z.call(adminToken, "POST", "/v1/fences/emergency", `{"center":[321.92,95],"radius_m":0,"minutes":2000,"name":"a\u202eb","classes":["cow"]}`).problem(t)
	for _, at := range []string{"body.center[0]", "body.center[1]", "body.radius_m", "body.minutes", "body.name", "body.classes[0]"} {
		if !slices.ContainsFunc(p.Errors, func(e FieldError) bool { return e.Location == at }) {
			t.Errorf("lacks %s: %+v", at, p.Errors)
		}
	}
}

func TestPreview(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	in, out, boat := z.open(1, vehicles.UAV), z.open(2, vehicles.UAV), z.open(3, vehicles.USV)
	z.open(4, vehicles.UAV) // without a position
	z.report(in, 30.905, 121.925, 50)
	z.report(out, 30.95, 121.925, 50)
	z.report(boat, 30.905, 121.926, 0)
	eventually(t, "three positions", func() bool {
		tracks, err := z.pipeline.Tracks(t.Context(), telemetry.WholeZone())
		return err == nil && len(tracks) == 3 && !slices.ContainsFunc(tracks, func(v telemetry.TrackView) bool { return !v.HasFix() })
	})
	near := z.fenceNow(strings.Replace(fenceBody("near", `{"type":"Point","coordinates":[121.925,30.95]}`, `,"radius_m":500,"group":"g"`), "keep_out", "keep_in", 1))
	keepIn := func(more string) string {
		return strings.Replace(fenceBody("in", square, more), "keep_out", "keep_in", 1)
	}
	cases := []struct{ name, fence, more, want string }{
		{"keep-out", fenceBody("x", square, ""), "", "2 of 2: in breach, boat breach"},
		{"of a class", fenceBody("x", square, `,"applies":{"classes":["uav"]}`), "", "1 of 2: in breach, boat none"},
		{"above", fenceBody("x", square, `,"floor":{"m":60,"datum":"amsl"},"applies":{"classes":["uav"]}`), "", "0 of 0: "},
		{"of a vehicle that is not verified", fenceBody("x", square, `,"applies":{"vehicles":["`+string(in.ID)+`"]}`), "", "0 of 2: in none, boat none"},
		{"exempt but not verified", fenceBody("x", square, `,"applies":{"exempt_vehicles":["`+string(in.ID)+`"]}`), "", "2 of 2: in breach, boat breach"},
		{"elsewhere", fenceBody("x", `{"type":"Point","coordinates":[121.95,30.86]}`, `,"radius_m":5`), "", "0 of 0: "},
		{"speed limit below", strings.Replace(fenceBody("x", square, `,"speed_mps":4`), "keep_out", "speed_limit", 1), "", "2 of 2: in breach, boat breach"}, // reports go 5 m/s
		{"speed limit above", strings.Replace(fenceBody("x", square, `,"speed_mps":6`), "keep_out", "speed_limit", 1), "", "0 of 2: in none, boat none"},
		{"corridor", fenceBody("x", `{"type":"LineString","coordinates":[[121.92,30.905],[121.9255,30.905]]}`, `,"width_m":20`), "", "1 of 1: in breach"},
		{"keep-in", keepIn(""), "", "1 of 3: out breach, in none, boat none"},
		{"keep-in of a group", keepIn(`,"group":"g"`), "", "0 of 2: in none, boat none"},
		{"instead of the other of the group", keepIn(`,"group":"g"`), `,"replaces":"` + near.ID + `"`, "1 of 3: out breach, in none, boat none"},
	}
	for _, c := range cases {
		r := z.call(adminToken, "POST", "/v1/fences/preview", `{"fence":`+c.fence+c.more+`}`)
		var p FencePreview
		r.json(t, &p)
		var who []string
		for _, v := range p.Inside {
			name := map[uint32]string{uint32(in.Handle): "in", uint32(out.Handle): "out", uint32(boat.Handle): "boat"}[v.Vehicle.Handle]
			who = append(who, name+" "+v.Would)
			if v.Within != (name != "out") || v.Response != "warn" || v.Vehicle.Verified {
				t.Errorf("%s: %+v", c.name, v)
			}
		}
		if got := fmt.Sprintf("%d of %d: %s", p.Breaches, p.Count, strings.Join(who, ", ")); r.StatusCode != 200 || got != c.want {
			t.Errorf("%s answers %d: %s, want %s", c.name, r.StatusCode, got, c.want)
		}
	}
	var p FencePreview
	z.call(adminToken, "POST", "/v1/fences/preview", `{"fence":`+fenceBody("x", square, "")+`}`).json(t, &p)
	if p.BBox != [4]float64{121.92, 30.9, 121.93, 30.91} || p.IntersectsRoutes == nil {
		t.Errorf("preview: %+v", p)
	}
	if r := z.call(adminToken, "POST", "/v1/fences/preview", `{"fence":`+fenceBody("", square, "")+`}`); !strings.Contains(string(r.body), `"body.fence.name"`) {
		t.Errorf("faults of the fence: %s", r.body)
	}
	if r := z.call(adminToken, "POST", "/v1/fences/preview", `{"fence":`+fenceBody("x", square, "")+`,"replaces":"fn_none"}`); r.StatusCode != 404 {
		t.Errorf("replaces nothing: %d", r.StatusCode)
	}
	if n := len(z.register.Fences()); n != 1 {
		t.Errorf("a preview set a fence: %d", n)
	}
}

// TestPreviewIsQuick holds the preview of 1,000 vehicles below 200 ms.
func TestPreviewIsQuick(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for i := range 1000 {
		id, err := z.registry.OpenUnverified(vehicles.Source{Listener: "open", Address: fmt.Sprint("127.0.0.1:", 1000+i), SystemID: 1}, vehicles.UAV, "")
		if err != nil {
			t.Fatal(err)
		}
		z.report(id, 30.9+float64(i)*2e-5, 121.925, 50)
	}
	body := `{"fence":` + fenceBody("x", square, "") + `}`
	eventually(t, "all positions", func() bool {
		tracks, err := z.pipeline.Tracks(t.Context(), telemetry.WholeZone())
		return err == nil && len(tracks) == 1000 && tracks[999].HasFix()
	})
	best := time.Hour
	for range 5 {
		began := time.Now()
		r := z.call(adminToken, "POST", "/v1/fences/preview", body)
		best = min(best, time.Since(began))
		var p FencePreview
		if r.json(t, &p); p.Count != 501 || p.Breaches != 501 {
			t.Fatalf("preview: %d of %d", p.Breaches, p.Count)
		}
	}
	t.Logf("preview of 1,000 vehicles, answer checked against openapi.yaml: %v", best)
	if best > 200*time.Millisecond*raceFactor {
		t.Errorf("preview takes %v", best)
	}
}

// TestEnforcementByDatum: a vehicle that cannot be judged by a fence that is
// for it says so; a fence that is not in force, or not for it, does not matter.
func TestEnforcementByDatum(t *testing.T) {
	var off string
	z := newTestZone(t, zoneOptions{inForce: func(id string) bool { return id != off }})
	uav, boat := z.open(1, vehicles.UAV), z.open(2, vehicles.USV)
	z.report(uav, 30.9, 121.92, 50)
	z.report(boat, 30.9, 121.92, 0)
	unknown := func() (out []string) {
		var list TrackList
		z.call(observerToken, "GET", "/v1/tracks", "").json(t, &list)
		for _, track := range list.Items {
			if slices.Contains(track.Enforcement.Reasons, "altitude_unknown") {
				out = append(out, track.Class)
			}
		}
		return out
	}
	eventually(t, "both positions", func() bool {
		var list TrackList
		z.call(observerToken, "GET", "/v1/tracks", "").json(t, &list)
		return len(list.Items) == 2 && list.Items[0].Position != nil && list.Items[1].Position != nil
	})
	for _, c := range []struct{ more, want string }{
		{`,"ceiling":{"m":9,"datum":"wgs84"}`, "[]"}, // from the height above the sea
		{`,"ceiling":{"m":9,"datum":"agl"}`, "[uav]"},
		{`,"ceiling":{"m":9,"datum":"agl"},"applies":{"classes":["icv"]}`, "[]"},
		{`,"ceiling":{"m":9,"datum":"agl"},"applies":{"operators":["nobody"]}`, "[]"},
		{`,"ceiling":{"m":9,"datum":"agl"},"applies":{"exempt_operators":["nobody"]}`, "[uav]"},
	} {
		f := z.fenceNow(fenceBody("x", square, c.more))
		if got := fmt.Sprint(unknown()); got != c.want {
			t.Errorf("%s: altitude unknown of %s, want %s", c.more, got, c.want)
		}
		if off = f.ID; len(unknown()) > 0 {
			t.Errorf("%s: a fence that is not in force matters", c.more)
		}
		z.call(adminToken, "DELETE", "/v1/fences/"+f.ID, "", "If-Match", `"1"`)
	}
}

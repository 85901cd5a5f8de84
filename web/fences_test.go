package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/geofence/zonefile"
)

const square = `{"type":"Polygon","coordinates":[[[121.92,30.9],[121.93,30.9],[121.93,30.91],[121.92,30.91],[121.92,30.9]]]}`

func fenceBody(name, geometry, more string) string {
	quoted, _ := json.Marshal(name) // a string always encodes
	return fmt.Sprintf(`{"name":%s,"kind":"keep_out","geometry":%s%s}`, quoted, geometry, more)
}

func TestFenceLife(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	r := z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square,
		`,"floor":null,"ceiling":{"m":120.5,"datum":"amsl"},"applies":{"classes":["uav"]}`))
	if r.StatusCode != http.StatusCreated || r.Header.Get("ETag") != `"1"` {
		t.Fatalf("create answers %d %s: %s", r.StatusCode, r.Header.Get("ETag"), r.body)
	}
	var f Fence
	r.json(t, &f)
	path := "/v1/fences/" + f.ID
	if r.Header.Get("Location") != path || f.Rev != 1 || f.Origin.Kind != "manual" || f.Response != "warn" || f.UpdatedBy != "bootstrap" ||
		f.Floor != nil || f.Ceiling == nil || f.Ceiling.M != 120.5 || f.Ceiling.Datum != "amsl" || !slices.Equal(f.Applies.Classes, []string{"uav"}) {
		t.Errorf("created fence: %s", r.body)
	}
	if string(f.Geometry) != square {
		t.Errorf("geometry comes back as %s", f.Geometry)
	}

	circle := `{"name":"pad","kind":"keep_in","geometry":{"type":"Point","coordinates":[121.93,30.9]},"radius_m":250,"response":"land"}`
	steps := []struct {
		name, token, method, body, ifMatch string
		status                             int
		code                               string
	}{
		{"replace without if-match", adminToken, "PUT", circle, "", 428, "if_match_required"},
		{"replace any", adminToken, "PUT", circle, "*", 428, "if_match_required"},
		{"replace with nonsense", adminToken, "PUT", circle, "3", 400, "bad_if_match"},
		{"replace stale", adminToken, "PUT", circle, `"7"`, 412, "stale"},
		{"replace weak", adminToken, "PUT", circle, `W/"1"`, 412, "stale"},
		{"replace zero", adminToken, "PUT", circle, `"0"`, 412, "stale"},
		{"replace as observer", observerToken, "PUT", circle, `"1"`, 403, "forbidden"},
		{"replace", adminToken, "PUT", circle, `"1"`, 200, ""},
		{"replace again with the old tag", adminToken, "PUT", circle, `"1"`, 412, "stale"},
		{"delete stale", adminToken, "DELETE", "", `"1"`, 412, "stale"},
		{"delete without if-match", adminToken, "DELETE", "", "", 428, "if_match_required"},
		{"delete", adminToken, "DELETE", "", `"2"`, 204, ""},
		{"delete again", adminToken, "DELETE", "", `"3"`, 404, "not_found"},
		{"get", adminToken, "GET", "", "", 404, "not_found"},
		{"replace deleted", adminToken, "PUT", circle, `"3"`, 404, "not_found"},
	}
	for _, s := range steps {
		r := z.call(s.token, s.method, path, s.body, "If-Match", s.ifMatch)
		if r.StatusCode != s.status {
			t.Errorf("%s answers %d, want %d: %s", s.name, r.StatusCode, s.status, r.body)
		} else if s.code != "" {
			if p := r.problem(t); p.Code != s.code {
				t.Errorf("%s has code %s, want %s", s.name, p.Code, s.code)
			}
		}
		if s.name == "replace" {
			var f Fence
			r.json(t, &f)
			if r.Header.Get("ETag") != `"2"` || f.Kind != "keep_in" || f.RadiusM == nil || *f.RadiusM != 250 || f.Response != "land" || len(f.Applies.Classes) != 0 {
				t.Errorf("replaced fence: %s", r.body)
			}
		}
	}
	// A tag that names no revision must not set a fence under an id of the caller's choice.
	for _, tag := range []string{`"0"`, `W/"1"`, `"x"`} {
		if r := z.call(adminToken, "PUT", "/v1/fences/mine", circle, "If-Match", tag); r.StatusCode != 404 {
			t.Errorf("replace of a fence that never was, If-Match %s: %d", tag, r.StatusCode)
		}
	}
}

func TestFencePages(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for i := range 7 {
		if r := z.call(adminToken, "POST", "/v1/fences", fenceBody(fmt.Sprint("f", i), square, "")); r.StatusCode != 201 {
			t.Fatalf("create: %s", r.body)
		}
	}
	var names []string
	cursor := ""
	for pages := 1; ; pages++ {
		r := z.call(adminToken, "GET", "/v1/fences?limit=3&cursor="+cursor, "")
		var page FenceList
		r.json(t, &page)
		for _, f := range page.Items {
			names = append(names, f.Name)
		}
		if page.Next == nil {
			if pages != 3 {
				t.Errorf("%d pages of 7 fences by 3", pages)
			}
			break
		}
		cursor = *page.Next
	}
	slices.Sort(names)
	if strings.Join(names, " ") != "f0 f1 f2 f3 f4 f5 f6" {
		t.Errorf("pages hold %v", names)
	}
	for query, code := range map[string]string{
		"limit=0": "invalid", "limit=501": "invalid", "limit=x": "invalid", "cursor=abc": "bad_cursor", "offset=3": "invalid",
		"cursor=" + cursor[:len(cursor)-2] + "AA": "bad_cursor",
	} {
		r := z.call(adminToken, "GET", "/v1/fences?"+query, "")
		if p := r.problem(t); r.StatusCode != 422 || p.Code != code {
			t.Errorf("%s answers %d %s", query, r.StatusCode, p.Code)
		}
	}
	if r := z.call(adminToken, "GET", "/v1/tracks?cursor="+cursor, ""); r.StatusCode != 422 {
		t.Errorf("a cursor of fences in tracks answers %d", r.StatusCode)
	}
}

// TestFenceFaults holds that every fault comes in one answer, with its place.
func TestFenceFaults(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	polygon := func(ring string) string { return `{"type":"Polygon","coordinates":[` + ring + `]}` }
	bow := polygon(`[[121.92,30.9],[121.93,30.91],[121.93,30.9],[121.92,30.91],[121.92,30.9]]`)
	cases := []struct {
		name, body string
		want       []string // "location: part of the message"
	}{
		{"everything at once", `{"name":"","kind":"keep","id":"mine","rev":3,"geometry":` + polygon(`[[121.92,91],[999,30.9],[121.92,30.91],[121.92,30.9]]`) +
			`,"radius_m":5,"floor":{"m":1,"datum":"home"},"ceiling":{"m":"high"},"response":"explode","applies":{"classes":["cow"]}}`, []string{
			"body.name: ", "body.kind: ", "body.id: unexpected", "body.rev: unexpected",
			"body.geometry.coordinates[0][0][1]: latitude 91", "body.geometry.coordinates[0][1][0]: longitude 999",
			"body.radius_m: only a Point", "body.floor.datum: ", "body.ceiling.m: ", "body.ceiling: ", "body.response: ", "body.applies.classes[0]: "}},
		{"bow-tie", fenceBody("x", bow, ""), []string{"body.geometry.coordinates[0]: edge 0 (vertices 0-1) crosses edge 2 (vertices 2-3)"}},
		{"bow-tie and a bad band", fenceBody("x", bow, `,"floor":{"m":100,"datum":"amsl"},"ceiling":{"m":50,"datum":"amsl"}`), []string{
			"body.geometry.coordinates[0]: edge 0", "body."}},
		{"bow-tie in the last edge", fenceBody("x", polygon(`[[121.92,30.9],[121.93,30.91],[121.92,30.91],[121.93,30.9],[121.92,30.9]]`), ""), []string{
			"body.geometry.coordinates[0]: edge"}},
		{"bow-tie in a part", fenceBody("x", `{"type":"MultiPolygon","coordinates":[[[[121.95,30.9],[121.96,30.9],[121.96,30.91],[121.95,30.9]]],[[[121.92,30.9],[121.93,30.91],[121.93,30.9],[121.92,30.91],[121.92,30.9]]]]}`, ""), []string{
			"body.geometry.coordinates[1][0]: edge 0 (vertices 0-1) crosses edge 2 (vertices 2-3)"}},
		{"not closed", fenceBody("x", polygon(`[[121.92,30.9],[121.93,30.9],[121.93,30.91]]`), ""), []string{"body.geometry.coordinates[0]: ring is not closed"}},
		{"two positions", fenceBody("x", polygon(`[[121.92,30.9],[121.93,30.9],[121.92,30.9]]`), ""), []string{"body.geometry.coordinates[0]: a ring has at least four"}},
		{"height in a position", fenceBody("x", polygon(`[[121.92,30.9,5],[121.93,30.9],[121.93,30.91],[121.92,30.9,5]]`), ""), []string{"body.geometry.coordinates[0][0]: a position has two", "body.geometry.coordinates[0][3]: "}},
		{"text for a number", fenceBody("x", polygon(`[["121.92",30.9],[121.93,30.9],[121.93,30.91],[121.92,30.9]]`), ""), []string{"body.geometry.coordinates[0][0]: expected two numbers"}},
		{"no rings", fenceBody("x", `{"type":"Polygon","coordinates":[]}`, ""), []string{"body.geometry.coordinates: expected an array"}},
		{"null coordinates", fenceBody("x", `{"type":"Polygon","coordinates":null}`, ""), []string{"body.geometry.coordinates: expected an array"}},
		{"no coordinates", fenceBody("x", `{"type":"Polygon"}`, ""), []string{"body.geometry.coordinates: expected coordinates"}},
		{"line", fenceBody("x", `{"type":"LineString","coordinates":[[1,2],[3,4]]}`, ""), []string{"body.width_m: a LineString needs"}},
		{"line of one position", fenceBody("x", `{"type":"LineString","coordinates":[[1,2]]}`, `,"width_m":20`), []string{"body.geometry.coordinates: a line has at least two"}},
		{"unknown geometry", fenceBody("x", `{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`, ""), []string{"body.geometry.type: expected"}},
		{"all that is new", fenceBody("x", square, `,"edges":"round","speed_mps":5,"margin_m":-1,"group":"g","width_m":20,
			"schedule":{"windows":[{"from":"2030-01-01T00:00:00Z","to":"2030-01-01T00:00:00Z"},{"from":"x","to":"2030-01-01T00:00:00Z"}],
			"weekly":[{"days":[],"from":"25:00","to":"sunset*01:00"}],"holidays":"never"},
			"applies":{"operators":["a","a"],"vehicles":[""],"exempt_operators":["\u202e"],"exempt_vehicles":["`+strings.Repeat("v", 129)+`"]}`), []string{
			"body.edges: ", "body.speed_mps: only a speed limit", "body.margin_m: ", "body.group: only keep-ins", "body.width_m: only a LineString",
			"body.schedule.windows[0]: ends before", "body.schedule.windows[1].from: ", "body.schedule.weekly[0].days: ", "body.schedule.weekly[0].from: expected HH:MM",
			"body.schedule.weekly[0].to: expected HH:MM", "body.schedule.holidays: ", "body.applies.operators[1]: stands", "body.applies.vehicles[0]: is empty",
			"body.applies.exempt_operators[0]: characters", "body.applies.exempt_vehicles[0]: is longer"}},
		{"narrow corridor", fenceBody("x", `{"type":"LineString","coordinates":[[1,2],[3,4]]}`, `,"width_m":1.5`), []string{"body.width_m: "}},
		{"margin of everything", strings.Replace(fenceBody("x", square, `,"margin_m":3000`), "keep_out", "keep_in", 1), []string{"body.margin_m: "}},
		{"edge far from the sun", fenceBody("x", square, `,"schedule":{"weekly":[{"days":["mon"],"from":"sunset+13:00","to":"24:00"}]}`), []string{"body.schedule.weekly[0]: "}},
		{"empty schedule", fenceBody("x", square, `,"schedule":{}`), []string{"body.schedule: has neither"}},
		{"speed limit without a speed", strings.Replace(fenceBody("x", square, ""), "keep_out", "speed_limit", 1), []string{"body.speed_mps: a speed limit needs"}},
		{"type is a number", fenceBody("x", `{"type":7,"coordinates":[]}`, ""), []string{"body.geometry.type: expected"}},
		{"foreign member", fenceBody("x", square[:len(square)-1]+`,"crs":{}}`, ""), []string{"body.geometry.crs: unexpected"}},
		{"geometry is text", fenceBody("x", `"POLYGON((1 2))"`, ""), []string{"body.geometry: "}},
		{"geometry is null", fenceBody("x", `null`, ""), []string{"body.geometry: "}},
		{"no geometry", `{"name":"x","kind":"keep_out"}`, []string{"body: expected required property geometry"}},
		{"point without radius", fenceBody("x", `{"type":"Point","coordinates":[121.92,30.9]}`, ""), []string{"body.radius_m: a Point needs"}},
		{"point with radius 0", fenceBody("x", `{"type":"Point","coordinates":[121.92,30.9]}`, `,"radius_m":0`), []string{"body.radius_m: "}},
		{"zero area", fenceBody("x", polygon(`[[121.92,30.9],[121.93,30.9],[121.94,30.9],[121.92,30.9]]`), ""), []string{"body.geometry.coordinates[0]"}},
		{"bidi name", fenceBody("abc\u202edef", square, ""), []string{"body.name: characters that turn"}},
		{"control in name", fenceBody("abc\u0007", square, ""), []string{"body.name: control"}},
		{"name of spaces", fenceBody("   ", square, ""), []string{"body.name: a name of spaces"}},
		{"long name", fenceBody(strings.Repeat("é", 121), square, ""), []string{"body.name: "}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := z.call(adminToken, "POST", "/v1/fences", c.body)
			p := r.problem(t)
			if r.StatusCode != 422 || p.Code != "invalid" {
				t.Fatalf("answers %d %s: %s", r.StatusCode, p.Code, r.body)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(p.Errors, func(e FieldError) bool {
					return strings.HasPrefix(e.Location+": "+e.Message, want) || strings.HasPrefix(e.Location, want)
				}) {
					t.Errorf("lacks %q in %s", want, r.body)
				}
			}
			for _, at := range []string{"body.edges", "body.kind", "body.floor.datum", "body.margin_m", "body.schedule.holidays"} {
				if n := strings.Count(string(r.body), `"location":"`+at+`"`); n > 1 {
					t.Errorf("says %d times what is wrong at %s: %s", n, at, r.body)
				}
			}
			if strings.Contains(string(r.body), `"value"`) {
				t.Errorf("echoes what was sent: %s", r.body)
			}
		})
	}
	if n := len(z.register.Fences()); n != 0 {
		t.Errorf("%d fences were set", n)
	}
}

// TestGeometryRoundTrip holds that a shape comes back as it was given.
func TestGeometryRoundTrip(t *testing.T) {
	for _, text := range []string{
		square,
		`{"type":"Point","coordinates":[-179.9999999,-0.0000001]}`,
		`{"type":"LineString","coordinates":[[121.9,30.9],[121.95,30.9],[121.95,30.95]]}`,
		`{"type":"MultiPolygon","coordinates":[[[[1,2],[3,2],[3,4],[1,2]],[[1.5,2.2],[2.5,2.2],[2.5,3],[1.5,2.2]]],[[[5,6],[7,6],[7,8.1234567],[5,6]]]]}`,
	} {
		shape, faults := parseGeometry([]byte(text), "g")
		if len(faults) > 0 {
			t.Errorf("%s: %v", text, faults)
		}
		if got := string(geometryOf(&shape)); got != text {
			t.Errorf("%s comes back as %s", text, got)
		}
	}
}

func TestTooManyVertices(t *testing.T) {
	ring := strings.Repeat("[1,2],", geofence.MaxVertices) + "[1,2]"
	_, faults := parseGeometry([]byte(`{"type":"Polygon","coordinates":[[`+ring+`]]}`), "g")
	if len(faults) != 1 || !strings.Contains(faults[0].Message, "at most 100000") {
		t.Errorf("faults: %v", faults)
	}
}

// FuzzGeometry holds that no bytes break the parser, that faults are bounded,
// and that what it accepts lies on the globe and comes back the same.
func FuzzGeometry(f *testing.F) {
	for _, seed := range []string{square, `{"type":"Point","coordinates":[1,2]}`, `{"type":"MultiPolygon","coordinates":[[[[1,2],[3,2],[3,4],[1,2]]]]}`,
		`{"type":"Polygon","coordinates":[[[1e999,2]]]}`, `{"type":"LineString","coordinates":[[1,2],[3,2]]}`, `[]`, `{"type":"Polygon","coordinates":[[[[1]]]]}`, `null`, `{"coordinates":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		shape, faults := parseGeometry(raw, "g")
		if len(faults) > maxFaults {
			t.Fatalf("%d faults", len(faults))
		}
		if len(faults) > 0 {
			return
		}
		for _, p := range shape.Polygons {
			for _, v := range p.Outer {
				if !v.Valid() {
					t.Fatalf("vertex %v is off the globe", v)
				}
			}
		}
		again, faults := parseGeometry(geometryOf(&shape), "g")
		if len(faults) > 0 || (again.Circle == nil) != (shape.Circle == nil) || (again.Corridor == nil) != (shape.Corridor == nil) || len(again.Polygons) != len(shape.Polygons) {
			t.Fatalf("%s does not come back: %v", geometryOf(&shape), faults)
		}
		if !json.Valid(geometryOf(&shape)) {
			t.Fatal("written geometry is not JSON")
		}
	})
}

func TestHeightRounding(t *testing.T) {
	h := &zonefile.Height{M: -0.0015, Datum: "takeoff"}
	if a, _ := h.Altitude(""); a.MM != -2 || a.Datum != geo.Takeoff {
		t.Errorf("altitude %+v", a)
	}
	if a, _ := (&zonefile.Height{M: math.MaxFloat64, Datum: "amsl"}).Altitude(""); a != (geo.Altitude{}) {
		t.Errorf("altitude of a huge height: %+v", a)
	}
}

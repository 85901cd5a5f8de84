package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/vehicles"
)

// routeBody asks for a flight of 2.9 km from west to east, with what more says.
func routeBody(more string) string {
	return `{"from":{"lat":30.9,"lon":121.915,"height_m":5},"to":{"lat":30.9,"lon":121.945,"height_m":5},"level_m":60` + more + `}`
}

// wall is a fence that stands between the ends.
func wall(more string) string {
	return fenceBody("wall", `{"type":"Polygon","coordinates":[[[121.929,30.89],[121.931,30.89],[121.931,30.91],[121.929,30.91],[121.929,30.89]]]}`, more)
}

func TestRoutes(t *testing.T) {
	z := newTestZone(t, zoneOptions{schedule: true})
	ask := func(more string) (out Route) {
		t.Helper()
		r := z.call(adminToken, "POST", "/v1/routes", routeBody(more))
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", more, r.StatusCode, r.body)
		}
		r.json(t, &out)
		return out
	}

	straight := ask("")
	if len(straight.Legs) != 3 || straight.Length < 2_850 || straight.Length > 2_900 || straight.Level != 60 {
		t.Errorf("nothing is in the way: %+v", straight)
	}
	if first, last := straight.Legs[0], straight.Legs[2]; first.From.Height != 5 || first.Length != 0 || last.To.Height != 5 || last.To.Lon != 121.945 || last.Ends != straight.Arrive {
		t.Errorf("climb and descent: %+v, %+v", first, last)
	}
	if len(straight.Volumes) != 3 || straight.Volumes[1].Lower != 55 || straight.Volumes[1].Upper != 65 || straight.Volumes[0].Lower != 0 {
		t.Errorf("volumes: %+v", straight.Volumes)
	}

	id := z.fenceNow(wall("")).ID
	around := ask(`,"land":true,"alternatives":true`)
	if around.Length < straight.Length+500 || len(around.Near) != 1 || around.Near[0].ID != id || around.Near[0].Metres < 20 || around.Near[0].Metres > 21 {
		t.Errorf("around: %v m, near %+v", around.Length, around.Near)
	}
	if !slices.ContainsFunc(around.Back, func(b RouteBack) bool { return !b.Clear && b.Fences[0].ID == id }) || !around.Back[0].Clear {
		t.Errorf("the way home is blocked from behind the wall only: %+v", around.Back)
	}
	if a := around.Alternatives; len(a) != 1 || a[0].Kind != "wide" || a[0].Clearance != 160 || a[0].Length <= around.Length {
		t.Errorf("alternatives: %+v", a)
	}
	var commands []int
	for _, i := range around.Mission {
		commands = append(commands, i.Command)
	}
	if commands[0] != 22 || commands[len(commands)-1] != 21 || len(commands) != len(around.Legs) {
		t.Errorf("mission: %v", commands)
	}
	if other := ask(`,"highest_m":200,"alternatives":true`); len(other.Alternatives) != 2 || other.Alternatives[1].Kind != "high" || other.Alternatives[1].Level != 200 {
		t.Errorf("alternatives: %+v", other.Alternatives)
	}

	z.fenceNow(strings.Replace(wall(`,"ceiling":{"m":80,"datum":"amsl"}`), "wall", "low", 1))
	z.must("DELETE", "/v1/fences/"+id)
	if over := ask(`,"highest_m":120`); over.Level < 85 || over.Level > 85.1 || over.Length > straight.Length+1 {
		t.Errorf("over what reaches up to 80 m: %v m at %v m", over.Length, over.Level)
	}
}

// TestRouteOfAVehicle: it begins where the vehicle is, and only fences that are for it count.
func TestRouteOfAVehicle(t *testing.T) {
	z := newTestZone(t, zoneOptions{schedule: true})
	z.fenceNow(wall(`,"applies":{"operators":["other"]}`))
	body := `{"vehicle_id":"uav-1","to":{"lat":30.9,"lon":121.945,"height_m":5},"level_m":60}`
	z.want(z.call(adminToken, "POST", "/v1/routes", body), "422 invalid")
	v, err := z.registry.OpenVerified("uav-1", vehicles.Source{Listener: "signed", SystemID: 1, ComponentID: 1, MAVType: 2, Autopilot: 3})
	if err != nil {
		t.Fatal(err)
	}
	z.report(v, 30.9, 121.915, 40)
	var out Route
	eventually(t, "a route from where it is", func() bool {
		r := z.call(adminToken, "POST", "/v1/routes", body)
		if r.StatusCode == http.StatusOK {
			r.json(t, &out)
		}
		return r.StatusCode == http.StatusOK
	})
	if from := out.Legs[0].From; from.Height != 40 || from.Lon != 121.915 || out.Length > 2_900 {
		t.Errorf("from %+v, %v m", from, out.Length)
	}
}

func TestRouteRefusals(t *testing.T) {
	z := newTestZone(t, zoneOptions{schedule: true})
	now := z.clock.now()
	until := now.Add(3 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	id := z.fenceNow(fenceBody("pad", `{"type":"Polygon","coordinates":[[[121.914,30.899],[121.916,30.899],[121.916,30.901],[121.914,30.901],[121.914,30.899]]]}`,
		`,"schedule":{"windows":[{"from":"2026-01-01T00:00:00Z","to":"`+until+`"}]}`)).ID
	r := z.call(adminToken, "POST", "/v1/routes", routeBody(""))
	z.want(r, "409 no_route")
	var p Problem
	r.json(t, &p)
	if p.Route == nil || p.Route.Reason != "begin" || len(p.Route.Fences) != 1 || p.Route.Fences[0].ID != id || p.Route.Later == nil || !strings.HasPrefix(*p.Route.Later, until[:19]) {
		t.Errorf("%s", r.body)
	}
	if !strings.Contains(p.Detail, "pad") || !strings.Contains(p.Detail, until[:19]) {
		t.Errorf("it does not say what and when: %s", p.Detail)
	}

	for _, c := range []struct{ more, want, says string }{
		{`,"depart_at":"2020-01-01T00:00:00Z"`, "422 invalid", "body.depart_at"},
		{`,"depart_at":"` + now.Add(40*24*time.Hour).UTC().Format(time.RFC3339) + `"`, "422 invalid", "body.depart_at"},
		{`,"lowest_m":70`, "422 invalid", "body.lowest_m"},
		{`,"highest_m":50`, "422 invalid", "body.highest_m"},
		{`,"clearance_m":9000`, "422 invalid", "body.clearance_m"},
		{`,"speed_mps":-1`, "422 invalid", "body.speed_mps"},
		{`,"via":[{"lat":95,"lon":0}]`, "422 invalid", "body.via[0].lat"},
		{`,"via":[` + strings.Repeat(`{"lat":30.9,"lon":121.92},`, 9_999) + `{"lat":30.9,"lon":121.92}]`, "422 invalid", "body.via"},
		{`,"vehicle_id":"nobody"`, "404 not_found", ""},
		{`,"depart_at":"` + now.Add(4*time.Hour).UTC().Format(time.RFC3339) + `","via":[{"lat":30.9,"lon":122.5}]`, "409 no_route", "outside of the zone"},
		{`,"wings":2`, "422 invalid", "body.wings"},
	} {
		r := z.call(adminToken, "POST", "/v1/routes", routeBody(c.more))
		if z.want(r, c.want); !strings.Contains(string(r.body), c.says) {
			t.Errorf("%.60s: %s", c.more, r.body)
		}
	}
	z.want(z.call(adminToken, "POST", "/v1/routes", `{"to":{"lat":30.9,"lon":121.945,"height_m":5},"level_m":60}`), "422 invalid")
}

func (z *testZone) must(method, path string) {
	z.t.Helper()
	r := z.call(adminToken, "GET", path, "")
	if r = z.call(adminToken, method, path, "", "If-Match", r.Header.Get("ETag")); r.StatusCode >= 300 {
		z.t.Fatalf("%s %s: %d %s", method, path, r.StatusCode, r.body)
	}
}

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

func TestZoneHealthVehicles(t *testing.T) {
	features := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"kind":"road","name":"R1"},"geometry":null}]}`
	var reasons []telemetry.Reason
	z := newTestZone(t, zoneOptions{features: json.RawMessage(features), health: func() []telemetry.Reason { return reasons }})
	r := z.call(observerToken, "GET", "/v1/zone", "")
	var zone Zone
	var raw struct {
		Features json.RawMessage `json:"features"`
	}
	r.json(t, &raw)
	_ = json.Unmarshal(r.body, &zone)
	if zone.ID != "lingang" || zone.BBox != [4]float64{121.9, 30.85, 121.96, 30.95} || zone.Epoch != 4_000_000_007 || zone.Datum != "amsl" ||
		zone.Grid != (Grid{16, 16}) || string(raw.Features) != features {
		t.Errorf("zone: %s", r.body)
	}
	var list VehicleList
	z.call(observerToken, "GET", "/v1/vehicles", "").json(t, &list)
	want := Vehicle{
		ID: "uav-1", Name: "One", Class: "uav", Operator: "acme", Origin: "config", State: "registered",
		LostLink: KnownLostLink{LostLink: LostLink{Action: "unknown"}, Basis: "unknown"}, Link: VehicleLink{State: "never_seen"},
	}
	if !reflect.DeepEqual(list.Items, []Vehicle{want}) {
		t.Errorf("vehicles: %+v", list.Items)
	}
	var h Health
	z.call("", "GET", "/v1/health", "").json(t, &h)
	if h.Status != "ok" || h.Version != "test" || h.Journal.State != "ok" || h.Listeners != nil || h.Reasons == nil {
		t.Errorf("public health: %+v", h)
	}
	reasons = []telemetry.Reason{{Code: "x", Text: "y"}}
	z.call(observerToken, "GET", "/v1/health", "").json(t, &h)
	if h.Status != "degraded" || len(h.Reasons) != 1 || len(h.Listeners) != 1 || h.Listeners[0].Counters["datagrams"] != 3 {
		t.Errorf("health: %+v", h)
	}
}

func TestTracks(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	var ids []string
	for i := range 5 {
		v := z.open(uint8(i+1), []vehicles.Class{vehicles.UAV, vehicles.ICV}[i%2])
		z.report(v, 30.9, 121.92, float64(i))
		ids = append(ids, string(v.ID))
	}
	silent := z.open(9, vehicles.USV)
	z.pipeline.Reports([]vehicles.Report{{Handle: silent.Handle, Has: vehicles.HasHeartbeat, ReceivedUS: time.Now().UnixMicro()}})
	var got []string
	cursor := ""
	for {
		var page TrackList
		z.call(observerToken, "GET", "/v1/tracks?class=uav&limit=2&cursor="+cursor, "").json(t, &page)
		for _, track := range page.Items {
			got = append(got, track.ID)
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	if fmt.Sprint(got) != fmt.Sprint([]string{ids[0], ids[2], ids[4]}) {
		t.Errorf("drones: %v", got)
	}
	if r := z.call(observerToken, "GET", "/v1/tracks?class=icv&cursor="+cursor, ""); r.StatusCode != 422 {
		t.Errorf("a cursor of another filter: %d", r.StatusCode)
	}
	var track Track
	r := z.call(observerToken, "GET", "/v1/tracks/"+string(silent.ID), "")
	r.json(t, &track)
	if track.Position != nil || track.Heading != nil || track.Fix != nil || track.Battery != nil || track.VehicleFenceBreached != nil || track.PositionAt != nil ||
		track.Enforcement.Enforced || strings.Join(track.Enforcement.Reasons, ",") != "unverified,no_position" {
		t.Errorf("silent vehicle: %s", r.body)
	}
	for _, key := range []string{`"position":null`, `"heading_deg":null`, `"battery_pct":null`, `"fix":null`, `"vehicle_fence_breached":null`, `"breaches":[]`} {
		if !strings.Contains(string(r.body), key) {
			t.Errorf("lacks %s", key)
		}
	}
	if r := z.call(observerToken, "GET", "/v1/tracks/unverified-none", ""); r.StatusCode != 404 {
		t.Errorf("unknown track: %d", r.StatusCode)
	}
}

// TestEnforcement: what is not enforced says why, SAFETY rule 9.
func TestEnforcement(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.call(adminToken, "POST", "/v1/fences", fenceBody("band", square, `,"ceiling":{"m":120,"datum":"amsl"},"applies":{"classes":["uav"]}`))
	j := z.server.judge()
	now := j.nowUS
	verified := func(class vehicles.Class) *vehicles.Identity { return &vehicles.Identity{Verified: true, Class: class} }
	good := func(t vehicles.Track) vehicles.Track {
		t.Seen, t.FixType, t.Satellites, t.HAccMM, t.QualityUS = vehicles.HasQuality, 3, 12, 900, now
		return t
	}
	faulty := good(vehicles.Track{FixUS: now})
	faulty.Estimator, faulty.EstimatorUS = vehicles.EstimatorFaulty, now
	jammed := good(vehicles.Track{FixUS: now})
	jammed.Seen |= vehicles.HasSignal
	jammed.Jamming, jammed.SignalUS = vehicles.InterferenceCritical, now
	cases := []struct {
		name string
		view telemetry.TrackView
		want string
	}{
		{"nobody vouches for the position", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: vehicles.Track{FixUS: now}}, "quality_unknown"},
		{"its receiver is jammed", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: jammed}, "gnss_interference"},
		{"its estimator is faulty", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: faulty}, "estimator_bad"},
		{"no height where a fence needs one", telemetry.TrackView{Vehicle: verified(vehicles.UAV), Track: good(vehicles.Track{FixUS: now})}, "altitude_unknown"},
		{"no height where none needs one", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: good(vehicles.Track{FixUS: now})}, ""},
		{"unknown class is judged by all", telemetry.TrackView{Vehicle: verified(vehicles.ClassUnknown), Track: good(vehicles.Track{FixUS: now})}, "altitude_unknown"},
		{"old position", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: good(vehicles.Track{FixUS: now - staleUS - 1})}, "stale"},
		{"two that speak as one", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: good(disordered(now))}, "out_of_order"},
		{"lost link", telemetry.TrackView{Vehicle: verified(vehicles.USV), Track: good(vehicles.Track{FixUS: now, Link: vehicles.LinkLost})}, "link_lost"},
		{"everything", telemetry.TrackView{Vehicle: &vehicles.Identity{}, Track: vehicles.Track{Link: vehicles.LinkLost}}, "unverified,no_position,link_lost"},
	}
	for _, c := range cases {
		got := j.enforcement(&c.view)
		if strings.Join(got.Reasons, ",") != c.want || got.Enforced != (c.want == "") {
			t.Errorf("%s: %+v, want %q", c.name, got, c.want)
		}
	}
}

func TestAlertPages(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square, ""))
	for i := range 5 {
		v := z.open(uint8(i+1), vehicles.UAV)
		z.report(v, 30.905, 121.925, 50)
	}
	eventually(t, "five alerts", func() bool { return len(z.book.Alerts(telemetry.WholeZone(), false)) == 5 })
	seen := map[string]bool{}
	cursor, last := "", "9999"
	for pages := 0; pages < 3; pages++ {
		var page AlertList
		z.call(observerToken, "GET", "/v1/alerts?state=all&limit=2&cursor="+cursor, "").json(t, &page)
		for _, a := range page.Items {
			if seen[a.ID] || a.RaisedAt > last {
				t.Errorf("alert %s is repeated or out of order", a.ID)
			}
			seen[a.ID], last = true, a.RaisedAt
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	if len(seen) != 5 {
		t.Errorf("%d alerts in all pages", len(seen))
	}
	for id := range seen {
		var one Alert
		z.call(observerToken, "GET", "/v1/alerts/"+id, "").json(t, &one)
		if one.ID != id || one.Evidence.Before != nil || strings.Join(one.Evidence.Flags, ",") != "first_fix" {
			t.Errorf("alert of a first fix: %+v", one.Evidence)
		}
	}
	for path, status := range map[string]int{"/v1/alerts/al_none": 404, "/v1/alerts?state=closed": 422} {
		if r := z.call(observerToken, "GET", path, ""); r.StatusCode != status {
			t.Errorf("%s answers %d", path, r.StatusCode)
		}
	}
	for body, status := range map[string]int{
		`{"note":"` + strings.Repeat("x", 501) + `"}`: 422, `{"note":"\u202e"}`: 422, `{"by":"somebody else"}`: 422, `{}`: 404, ``: 404, `null`: 422, `[]`: 422,
	} {
		if r := z.call(adminToken, "POST", "/v1/alerts/al_none/acknowledge", body); r.StatusCode != status {
			t.Errorf("acknowledge with %.20s answers %d: %s", body, r.StatusCode, r.body)
		}
	}
}

// TestBadRequests: what never reaches a handler.
func TestBadRequests(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	secret := "do-not-echo"
	cases := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     string
	}{
		{"no such path", "GET", "/v1/nothing", "", nil, 404, "no_such_path"},
		{"path with dots", "GET", "/assets/../../etc/passwd", "", nil, 404, "no_such_path"},
		{"wrong method", "PATCH", "/v1/fences", "", nil, 405, "method_not_allowed"},
		{"wrong method on the page", "POST", "/docs", "", nil, 405, "method_not_allowed"},
		{"broken json", "POST", "/v1/fences", `{"name":"` + secret, nil, 400, "malformed"},
		{"number beyond floats", "POST", "/v1/fences", `{"name":"` + secret + `","kind":1e999}`, nil, 400, "malformed"},
		{"two values", "POST", "/v1/fences", `{"name":"` + secret + `"}{}`, nil, 400, "malformed"},
		{"no body", "POST", "/v1/fences", "", nil, 400, "malformed"},
		{"too deep", "POST", "/v1/fences", `{"geometry":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, nil, 400, "malformed"},
		{"deep in a string is not deep", "POST", "/v1/fences", `{"name":"` + strings.Repeat(`[\"`, 40) + `"}`, nil, 422, "invalid"},
		{"too large", "POST", "/v1/fences", `{"name":"` + strings.Repeat("x", maxBodyBytes) + `"}`, nil, 413, "too_large"},
		{"not utf-8", "POST", "/v1/fences", "{\"name\":\"\xff\"}", nil, 400, "malformed"},
		{"form", "POST", "/v1/session", `token=x`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		{"json as text", "POST", "/v1/session", `{"token":"x"}`, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		{"no content type", "POST", "/v1/session", `{"token":"x"}`, []string{"Content-Type", ""}, 415, "unsupported_media_type"},
		{"from another site", "POST", "/v1/session", `{"token":"x"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
		{"from another origin", "POST", "/v1/session", `{"token":"x"}`, []string{"Origin", "https://evil.example.org"}, 403, "cross_origin"},
		{"null origin", "DELETE", "/v1/session", ``, []string{"Origin", "null"}, 403, "cross_origin"},
		{"unknown field", "POST", "/v1/session", `{"token":"x","remember":true}`, nil, 422, "invalid"},
		{"long id", "GET", "/v1/fences/" + strings.Repeat("x", 65), "", nil, 422, "invalid"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := z.call(adminToken, c.method, c.path, c.body, c.header...)
			p := r.problem(t)
			if r.StatusCode != c.status || p.Code != c.code {
				t.Errorf("answers %d %s, want %d %s: %s", r.StatusCode, p.Code, c.status, c.code, r.body)
			}
			if strings.Contains(string(r.body), secret) {
				t.Errorf("echoes the body: %s", r.body)
			}
			if c.status == 405 && r.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
	if r := z.call(adminToken, "GET", "/v1/fences", "", "Accept", "text/html"); r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Accept: text/html answers %d %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
}

// TestUnknownErrorsStayInside: the detail of what is not in the table goes to
// the log only.
func TestUnknownErrorsStayInside(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	p := z.server.problemOf(t.Context(), fmt.Errorf("open /srv/secret/file: permission denied"))
	if p.Status != 500 || p.Code != "internal" || strings.Contains(p.Detail, "secret") {
		t.Errorf("problem: %+v", p)
	}
	if !strings.Contains(z.log.String(), "/srv/secret/file") {
		t.Error("the log lacks the error")
	}
	p = z.server.problemOf(t.Context(), fmt.Errorf("acknowledge: %w: write /srv/secret: no space", telemetry.ErrNotDurable))
	if p.Status != 503 || p.Code != "journal_unavailable" || strings.Contains(p.Detail, "secret") || p.header.Get("Retry-After") == "" {
		t.Errorf("problem: %+v", p)
	}
	for _, cause := range []error{journal.ErrReadOnly, context.DeadlineExceeded, telemetry.ErrNotDurable} {
		p = z.server.problemOf(t.Context(), fmt.Errorf("decide: %w: %w: /srv/secret", journal.ErrUnknown, cause))
		if p.Status != 503 || p.Code != "outcome_unknown" || !strings.Contains(p.Detail, "read again") || strings.Contains(p.Detail, "secret") {
			t.Errorf("problem: %+v", p)
		}
	}
	h := z.server.identify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret state") }))
	probe := newRecorder()
	h.ServeHTTP(probe, probe.request("GET", "/"))
	if probe.status != 500 || strings.Contains(probe.body.String(), "secret") || !strings.Contains(z.log.String(), "secret state") {
		t.Errorf("panic answers %d %s", probe.status, probe.body.String())
	}
}

func TestPageFiles(t *testing.T) {
	ui := fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html>page")},
		"assets/main-abc123.js": {Data: []byte("let a")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		".keep":                 {},
	}
	z := newTestZone(t, zoneOptions{ui: ui})
	cases := []struct{ path, kind, cache, body string }{
		{"/", "text/html; charset=utf-8", "no-cache", "<!doctype html>page"},
		{"/index.html", "text/html; charset=utf-8", "no-cache", "<!doctype html>page"},
		{"/?lang=zh-CN", "text/html; charset=utf-8", "no-cache", "<!doctype html>page"},
		{"/assets/main-abc123.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "let a"},
		{"/favicon.svg", "image/svg+xml", "no-cache", "<svg/>"},
	}
	for _, c := range cases {
		r := z.call("", "GET", c.path, "")
		if r.StatusCode != 200 || string(r.body) != c.body || r.Header.Get("Content-Type") != c.kind || r.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %d %q %q %q", c.path, r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"), r.body)
		}
		if again := z.call("", "GET", c.path, "", "If-None-Match", r.Header.Get("ETag")); again.StatusCode != 304 || again.Header.Get("Content-Type") == problemJSON {
			t.Errorf("%s again: %d", c.path, again.StatusCode)
		}
		want := map[string]string{
			"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		}
		for name, value := range want {
			if r.Header.Get(name) != value {
				t.Errorf("%s: %s is %q", c.path, name, r.Header.Get(name))
			}
		}
	}
	for _, path := range []string{"/.keep", "/assets/", "/assets/none.js", "/anything"} {
		if r := z.call("", "GET", path, ""); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := z.call(adminToken, "GET", "/v1/zone", ""); r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("api answers may be cached: %q", r.Header.Get("Cache-Control"))
	}
	bare := newTestZone(t, zoneOptions{ui: fstest.MapFS{".keep": {}}})
	if r := bare.call("", "GET", "/", ""); r.StatusCode != 200 || !strings.Contains(string(r.body), "make ui") {
		t.Errorf("page without a build: %d %s", r.StatusCode, r.body)
	}
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a server without parts was made")
	}
	for _, origin := range []string{"*", "ops.example.org", "https://ops.example.org/", "null", "ftp://x"} {
		c := Config{AllowedOrigins: []string{origin}}
		if c.setDefaults() == nil {
			t.Errorf("origin %q was taken", origin)
		}
	}
	if c := (Config{Features: json.RawMessage("{")}); c.setDefaults() == nil {
		t.Error("broken features were taken")
	}
}

// disordered is the track of two vehicles that share one identity.
func disordered(nowUS int64) (t vehicles.Track) {
	for i := range uint32(30) {
		for _, bootMS := range []uint32{2000 + 100*i, 1500 + 100*i} {
			t.Apply(&vehicles.Report{Has: vehicles.HasPosition, BootMS: bootMS, ReceivedUS: nowUS, Fix: geo.Fix{Point: geo.Point{Lat: int32(i), Lon: int32(bootMS)}}})
		}
	}
	return t
}

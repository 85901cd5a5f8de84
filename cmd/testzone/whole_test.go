package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/telemetry/live"
)

type trackJSON struct {
	ID, Name, Class, Link, Operator string
	Verified                        bool
	Position                        *struct{ Lat, Lon float64 }
	Heights                         map[string]float64
	Reports                         int
	Source                          struct {
		System int `json:"system_id"`
	}
	Breaches []struct {
		FenceID string `json:"fence_id"`
	}
}

func (p *program) tracks() []trackJSON {
	p.t.Helper()
	var page struct{ Items []trackJSON }
	p.get("/v1/tracks?limit=500", &page)
	return page.Items
}

func (p *program) createFence(name string, geometry map[string]any, more map[string]any) {
	p.t.Helper()
	body := map[string]any{
		"name": name, "kind": "keep_out", "response": "warn", "geometry": geometry,
		"floor": nil, "ceiling": nil, "applies": map[string]any{"classes": []string{}},
	}
	for k, v := range more {
		body[k] = v
	}
	status, _, raw, err := p.call("POST", "/v1/fences", body)
	if err != nil || status != http.StatusCreated {
		p.t.Fatalf("create fence %s: %d %v\n%s", name, status, err, raw)
	}
}

// A drone jumps over a thin fence between two fixes; the alert goes to the
// websocket, survives a restart, and is acknowledged.
func TestBreachEndToEnd(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data)
	p.createFence("wall", map[string]any{"type": "Polygon", "coordinates": [][][2]float64{
		{{121.93, 30.9010}, {121.94, 30.9010}, {121.94, 30.90101}, {121.93, 30.90101}, {121.93, 30.9010}},
	}}, nil)
	client := p.live()
	drone := newTestVehicle(t, p.dial(), 7, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	drone.send(drone.heartbeat())
	drone.send(at(30.9009, 121.935, 60, 1000))
	drone.send(at(30.9012, 121.935, 60, 3000))
	p.until(5*time.Second, func() string {
		if client.heard(func(m map[string]any) bool { return m["t"] == "alert" }) < 2 { // raised, then cleared
			return "the alert on the live channel"
		}
		if client.heard(func(m map[string]any) bool { return m["t"] == "transition" && m["kind"] == "crossed" }) != 1 {
			return "one transition"
		}
		return ""
	})
	if got := p.tracks(); len(got) != 1 || got[0].Verified || got[0].Class != "uav" {
		t.Errorf("tracks %+v", got)
	}
	if took := p.terminate(); took > 5*time.Second {
		t.Errorf("SIGTERM took %v, at most 5 s are allowed", took)
	}

	p = serve(t, data)
	var alerts struct {
		Items []struct {
			ID, Type, State string
			Fence           struct{ Name string }
			Evidence        struct {
				Before, After struct{ Lat float64 }
				Datum         string
			}
		}
	}
	p.get("/v1/alerts", &alerts)
	if len(alerts.Items) != 1 || alerts.Items[0].Type != "fence_breach" || alerts.Items[0].Fence.Name != "wall" {
		t.Fatalf("after the restart: %+v", alerts.Items)
	}
	if e := alerts.Items[0].Evidence; e.Before.Lat != 30.9009 || e.After.Lat != 30.9012 {
		t.Errorf("evidence %+v", e)
	}
	if status, _, raw, err := p.call("POST", "/v1/alerts/"+alerts.Items[0].ID+"/acknowledge", map[string]any{"note": "seen"}); err != nil || status != 200 {
		t.Errorf("acknowledge: %d %v %s", status, err, raw)
	}
	p.get("/v1/alerts", &alerts)
	if len(alerts.Items) != 0 {
		t.Errorf("still open: %+v", alerts.Items)
	}
}

// A fence that is set over a standing vehicle breaches it at once.
func TestFenceOverStandingVehicle(t *testing.T) {
	p := serve(t, t.TempDir())
	drone := newTestVehicle(t, p.dial(), 7, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	drone.send(drone.heartbeat())
	drone.send(at(30.9005, 121.9305, 60, 1000))
	p.until(5*time.Second, func() string {
		if ts := p.tracks(); len(ts) != 1 || ts[0].Position == nil {
			return "the track"
		}
		return ""
	})
	p.createFence("square", square(121.93, 30.90, 0.001), nil)
	if ts := p.tracks(); len(ts[0].Breaches) != 1 {
		t.Errorf("when the answer is here the fence must be in force: %+v", ts)
	}
	p.createFence("above", square(121.93, 30.90, 0.001), map[string]any{"floor": map[string]any{"m": 100, "datum": "amsl"}})
	if ts := p.tracks(); len(ts[0].Breaches) != 1 {
		t.Errorf("60 m is below a floor of 100 m: %+v", ts)
	}
}

// npm node-mavlink shares no code with us or with gomavlib.
func TestIndependentPeer(t *testing.T) {
	p := serve(t, t.TempDir())
	client := p.live()
	node(t, time.Minute, []string{"TZ_MAVLINK=" + p.mavlink}, "test/peer/send.mjs")
	var record live.Record
	p.until(10*time.Second, func() string {
		var ok bool
		if record, ok = client.find("open/42"); !ok || record.Lat == live.UnknownCoord {
			return "the peer's vehicle on the websocket"
		}
		return ""
	})
	want := live.Record{
		Handle: record.Handle, Lat: 312_304_160, Lon: 1_214_737_010, Alt: 200, Heading: 9000, Speed: 224, VZ: -5,
		Status: record.Status, Battery: 76, Age: record.Age,
	}
	if record != want {
		t.Errorf("got %+v, want %+v", record, want)
	}
	if record.Status&live.StatusUnverified == 0 || record.Age == live.AgeNever {
		t.Errorf("status %08b, age %d", record.Status, record.Age)
	}
}

// A recorded flight with a ground station, a camera and positions at 0/0.
func TestReplayOfARecording(t *testing.T) {
	var log bytes.Buffer
	drone := newTestVehicle(t, nil, 1, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	camera := newTestVehicle(t, nil, 1, 100, ardupilotmega.MAV_TYPE_CAMERA)
	station := newTestVehicle(t, nil, 255, 190, ardupilotmega.MAV_TYPE_GCS)
	stationBeat := station.heartbeat().(*ardupilotmega.MessageHeartbeat)
	stationBeat.Autopilot = ardupilotmega.MAV_AUTOPILOT_INVALID
	cameraBeat := camera.heartbeat().(*ardupilotmega.MessageHeartbeat)
	cameraBeat.Autopilot = ardupilotmega.MAV_AUTOPILOT_INVALID
	us := uint64(1_700_000_000_000_000)
	frames := 0
	add := func(b []byte) {
		log.Write(tlogEntry(us, b))
		us += 1000
		frames++
	}
	for i := range 500 {
		if i%10 == 0 {
			add(drone.encode(drone.heartbeat()))
			add(camera.encode(cameraBeat))
			add(station.encode(stationBeat))
		}
		if i < 20 {
			add(drone.encode(at(0, 0, 0, uint32(i*100+1))))
		} else {
			add(drone.encode(at(30.9+float64(i)*1e-6, 121.93, 50, uint32(i*100+1))))
		}
		add(camera.encode(at(10, 10, 0, uint32(i*100+1)))) // must never move the drone
	}
	path := filepath.Join(t.TempDir(), "flight.tlog")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	p := serve(t, t.TempDir())
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs([]string{"sim", "--tlog", path, "--speed", "20", "--target", p.mavlink})
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), fmt.Sprintf("sent %d frames", frames)) {
		t.Errorf("sent: %s", out.String())
	}
	p.until(5*time.Second, func() string {
		if ts := p.tracks(); len(ts) != 1 || ts[0].Reports != 550 {
			return fmt.Sprintf("one track with 550 reports, have %+v", ts)
		}
		return ""
	})
	track := p.tracks()[0]
	if track.Class != "uav" || track.Source.System != 1 || math.Abs(track.Position.Lat-30.900499) > 1e-7 {
		t.Errorf("track %+v", track)
	}
}

// Garbage and a flood from one source do not block a calm neighbour.
func TestBadDatagrams(t *testing.T) {
	p := serve(t, t.TempDir())
	calm := newTestVehicle(t, p.dial(), 8, 1, ardupilotmega.MAV_TYPE_GROUND_ROVER)
	calm.send(calm.heartbeat())
	rng := rand.New(rand.NewPCG(5, 6))
	bad := p.dial()
	flood := newTestVehicle(t, p.dial(), 66, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	beat := flood.encode(flood.heartbeat())
	corrupt := bytes.Clone(beat)
	corrupt[len(corrupt)-1] ^= 1
	outOfRange := flood.encode(&ardupilotmega.MessageGlobalPositionInt{Lat: 910_000_000, Lon: 1})
	sent := 0
	for i := range 300 {
		random := make([]byte, rng.IntN(2000))
		for k := range random {
			random[k] = byte(rng.Uint32())
		}
		for _, b := range [][]byte{random, corrupt, beat[:7], append(bytes.Repeat([]byte{0xFD}, 1400), beat...), outOfRange, make([]byte, 9000)} {
			if _, err := bad.Write(b); err == nil {
				sent++
			}
		}
		for range 20 {
			_, _ = flood.conn.Write(beat)
		}
		if i%10 == 0 {
			calm.send(at(30.9+float64(i)*1e-6, 121.93, 0, uint32(i+1)*100))
		}
	}
	calm.send(at(30.95, 121.93, 0, 100_000))
	p.until(5*time.Second, func() string {
		for _, tr := range p.tracks() {
			if tr.Source.System == 8 && tr.Position != nil && tr.Position.Lat == 30.95 {
				return ""
			}
		}
		return "the last position of the calm neighbour"
	})
	for _, tr := range p.tracks() {
		if tr.Position != nil && (tr.Position.Lat > 90 || tr.Position.Lat == 0) {
			t.Errorf("an impossible position was believed: %+v", tr)
		}
	}
	if sent < 1000 {
		t.Errorf("only %d bad datagrams were sent", sent)
	}
}

func TestJournalDamageRefusesToStart(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data)
	for i := range 5 {
		p.createFence(fmt.Sprint("f", i), square(121.91+float64(i)*0.005, 30.89, 0.001), nil)
	}
	p.terminate()
	segments, err := filepath.Glob(filepath.Join(data, "journal", "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	raw, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[200] ^= 0xFF // in the first entry, with four behind it
	if err := os.WriteFile(segments[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := newCommand()
	var out bytes.Buffer
	cmd.SetArgs([]string{"serve", "--data-dir", data, "--http", "127.0.0.1:0"})
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	t.Setenv("TESTZONE_BOOTSTRAP_TOKEN", testToken)
	t.Setenv("TESTZONE_ZONE_ID", "test") // the zone's name is in the first hash
	err = cmd.ExecuteContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), filepath.Base(segments[0])) || !strings.Contains(err.Error(), "offset") {
		t.Errorf("got %v, want a refusal that names file and offset", err)
	}
}

func TestTokenIsGeneratedAndPrintedOnce(t *testing.T) {
	data := t.TempDir()
	t.Setenv("TESTZONE_BOOTSTRAP_TOKEN", "")
	failed, err := bootstrapToken(data) // a start that fails before the token is shown
	if err != nil || failed.fresh == "" {
		t.Fatal(failed.fresh, err)
	}
	first, err := bootstrapToken(data)
	if err != nil || first.fresh == "" || first.hash == failed.hash {
		t.Fatal("a token that nobody saw must not stay", err)
	}
	if err := first.keep(); err != nil {
		t.Fatal(err)
	}
	again, err := bootstrapToken(data)
	if err != nil || again.fresh != "" || again.hash != first.hash {
		t.Errorf("second start: fresh %q, same hash %v, %v", again.fresh, again.hash == first.hash, err)
	}
	raw, err := os.ReadFile(filepath.Join(data, "bootstrap.sha256"))
	if err != nil || strings.Contains(string(raw), first.fresh) {
		t.Errorf("the token itself is on the disk, or %v", err)
	}
	t.Setenv("TESTZONE_BOOTSTRAP_TOKEN", "short")
	if _, err := bootstrapToken(data); err == nil {
		t.Error("a guessable token was accepted")
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs([]string{"version"})
	cmd.SetOut(&out)
	if err := cmd.Execute(); err != nil || !strings.HasPrefix(out.String(), "testzone ") {
		t.Errorf("%q %v", out.String(), err)
	}
}

// SAFETY: a clock behind the newest journal entry is said, not hidden.
func TestClockBehindTheJournalIsDegraded(t *testing.T) {
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr = t.TempDir(), "127.0.0.1:0"
	s, err := newServer(t.Context(), serverConfig{config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if h := s.ownHealth(); len(h) != 0 {
		t.Errorf("a healthy server says %v", h)
	}
	s.newestUS = time.Now().Add(time.Hour).UnixMicro()
	if h := s.ownHealth(); len(h) != 1 || h[0].Code != "clock_behind" {
		t.Errorf("got %v", h)
	}
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "measure for long enough and print the figures of the README")

// generatorEnv makes the test binary a load generator: a process of its own, so
// that it shares no scheduler and no garbage collector with the server.
const generatorEnv = "TESTZONE_TEST_GENERATOR"

type generatorConfig struct {
	Target   string
	Vehicles int
	Rate     float64
	Duration time.Duration
}

// The circle that some vehicles of the load fleet cross again and again.
var breachCircle = geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}, RadiusM: 100}

func runGenerator(raw string) error {
	var cfg generatorConfig
	if err := json.Unmarshal([]byte(raw), &cfg); err != nil {
		return err
	}
	every := 0.2 // below the alert quota of unverified sources, which all of these are
	if cfg.Vehicles < 1000 {
		every = 1
	}
	fleet, err := sim.New(sim.Config{
		Kind: sim.KindLoad, Target: cfg.Target, Vehicles: cfg.Vehicles, Rate: cfg.Rate, Duration: cfg.Duration,
		Center: breachCircle.Center, MonotonicBoot: true,
		Sockets: cfg.Vehicles, // each address has an alert quota of its own
		Breach:  &sim.BreachPlan{Center: breachCircle.Center, RadiusM: breachCircle.RadiusM, EverySec: every},
	})
	if err != nil {
		return err
	}
	if err := fleet.Run(context.Background()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(fleet.Stats())
}

// histogram counts latencies in steps of 10 us up to a second. Safe for
// concurrent use.
type histogram struct {
	steps [100_001]atomic.Uint32
}

func (h *histogram) add(us uint32) { h.steps[min(us/10, 100_000)].Add(1) }

func (h *histogram) count() (n uint64) {
	for i := range h.steps {
		n += uint64(h.steps[i].Load())
	}
	return n
}

// quantile is in milliseconds; NaN when nothing was counted.
func (h *histogram) quantile(q float64) float64 {
	want := uint64(math.Ceil(q * float64(h.count())))
	seen := uint64(0)
	for i := range h.steps {
		seen += uint64(h.steps[i].Load())
		if seen >= want && seen > 0 {
			return float64(i+1) / 100
		}
	}
	return math.NaN()
}

// TestEndToEndFigures drives the wired server with a load generator in another
// process and a websocket client. Inside the timers: socket, decoder, shard,
// fence engine (datagram to track); and bus, alert book, websocket, JSON in the
// client (breach to websocket). By default it runs in a short form that checks
// that every frame is accounted for; with -figures it prints the README's lines.
func TestEndToEndFigures(t *testing.T) {
	cfg := generatorConfig{Vehicles: 100, Rate: 10, Duration: 4 * time.Second}
	warm := time.Second
	if *figures {
		cfg.Vehicles, cfg.Duration, warm = 1000, 45*time.Second, 5*time.Second
	}
	var toTrack, toClient histogram
	var counting atomic.Bool
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr = t.TempDir(), "127.0.0.1:0"
	conf.MAVLink = []mavlinkConfig{{Name: "open", Addr: "127.0.0.1:0", Mode: "open"}}
	var n atomic.Uint32
	s, err := newServer(t.Context(), serverConfig{
		config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler),
		observe: func(r *vehicles.Report) {
			if r.Has&vehicles.HasPosition != 0 && n.Add(1)%16 == 0 && counting.Load() {
				toTrack.add(sim.MonotonicUS() - r.BootMS)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	ready := make(chan struct{})
	s.whenStarted = func() error { close(ready); return nil }
	go func() { done <- s.run(ctx) }()
	<-ready
	who := airspace.Actor{ID: "figures", Roles: []airspace.Role{airspace.Controller}}
	if _, err := s.register.CreateFence(ctx, who, geofence.Fence{
		Name: "circle", Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &breachCircle},
	}); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, url: s.url(), token: testToken}
	p.liveWith(func(m map[string]any) {
		now := sim.MonotonicUS()
		if boot, ok := raisedBootMS(m); ok && counting.Load() {
			toClient.add(now - boot)
		}
	})
	time.AfterFunc(warm, func() { counting.Store(true) })
	sent := generate(t, cfg, s)
	st := s.listeners[0].Stats()
	unaccounted := int64(sent.Frames) - int64(st.Decoded) - int64(st.RefusedTotal()) - int64(st.KernelDrops)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if toTrack.count() == 0 || toClient.count() == 0 {
		t.Fatalf("nothing was measured: %d positions, %d alerts", toTrack.count(), toClient.count())
	}
	if unaccounted != 0 {
		t.Errorf("%d of %d frames are unaccounted for: %+v", unaccounted, sent.Frames, st)
	}
	if !*figures {
		return
	}
	fmt.Fprintf(os.Stderr, "e2e: %d vehicles at %g Hz for %v, %d frames; server, client and generator share %d cores; goals < 10 ms, < 20 ms, 0\n",
		cfg.Vehicles, cfg.Rate, cfg.Duration, sent.Frames, runtime.NumCPU())
	fmt.Printf("e2e/datagram_to_track_p50_ms %.2f ms\n", toTrack.quantile(0.50))
	fmt.Printf("e2e/datagram_to_track_p99_ms %.2f ms\n", toTrack.quantile(0.99))
	fmt.Printf("e2e/breach_to_ws_p50_ms %.2f ms\n", toClient.quantile(0.50))
	fmt.Printf("e2e/breach_to_ws_p99_ms %.2f ms\n", toClient.quantile(0.99))
	fmt.Printf("e2e/breaches_measured %d alerts\n", toClient.count())
	fmt.Printf("e2e/unaccounted_frames %d frames\n", unaccounted)
	fmt.Printf("e2e/kernel_drops %d frames\n", st.KernelDrops)
}

// generate runs the load in a process of its own and waits until the server has
// read what it sent.
func generate(t *testing.T, cfg generatorConfig, s *server) sim.Stats {
	t.Helper()
	cfg.Target = s.listeners[0].Addr().String()
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), generatorEnv+"="+string(raw))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("generator: %v\n%s", err, errs.String())
	}
	var sent sim.Stats
	if err := json.Unmarshal(out.Bytes(), &sent); err != nil {
		t.Fatalf("generator: %v\n%s", err, out.String())
	}
	if sent.Errors+sent.Skipped > 0 {
		t.Errorf("the generator failed to send %d frames and skipped %d", sent.Errors, sent.Skipped)
	}
	deadline := time.After(2 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		st := s.listeners[0].Stats()
		if st.Decoded+st.RefusedTotal()+st.KernelDrops >= sent.Frames {
			return sent
		}
		select {
		case <-tick.C:
		case <-deadline:
			return sent
		}
	}
}

// raisedBootMS is the device time of the sample that raised a breach alert.
func raisedBootMS(m map[string]any) (uint32, bool) {
	alert, ok := m["alert"].(map[string]any)
	if !ok || alert["state"] != "raised" || alert["type"] != "fence_breach" {
		return 0, false
	}
	evidence, ok := alert["evidence"].(map[string]any)
	if !ok {
		return 0, false
	}
	boot, ok := evidence["boot_ms"].(float64)
	return uint32(boot), ok
}

package sim

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "print the figures of make bench-control; without it a short form runs")

// watcher is a zone that hears a fleet: the decoder of a listener, the pipeline and the
// alert book, in the time of synctest. Whoever speaks counts as having proved who it is.
type watcher struct {
	t        *testing.T
	registry *vehicles.Registry
	pipeline *telemetry.Pipeline
	book     *telemetry.Book
	feed     *mavlink.Feed
}

// forgetful is a journal that keeps nothing.
type forgetful struct{ seq uint64 }

func (f *forgetful) Append(_ context.Context, batch ...journal.Entry) ([]uint64, error) {
	out := make([]uint64, len(batch))
	for i := range out {
		f.seq++
		out[i] = f.seq
	}
	return out, nil
}

func newWatcher(t *testing.T) (w *watcher, stop func()) {
	t.Helper()
	w = &watcher{t: t}
	var err error
	if w.registry, err = vehicles.NewRegistry(1, nil); err != nil {
		t.Fatal(err)
	}
	bus := telemetry.NewBus(nil)
	w.pipeline, err = telemetry.New(telemetry.Config{Registry: w.registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: bus, Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.book = telemetry.NewBook(telemetry.BookConfig{Bus: bus, Journal: &forgetful{}, Pipeline: w.pipeline})
	if w.feed, err = mavlink.NewFeed(mavlink.Config{Name: "air"}, w); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{w.pipeline.Run, w.book.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return w, func() { cancel(); wg.Wait() }
}

func (w *watcher) Open(src mavlink.Source) (vehicles.Handle, bool) {
	id, err := w.registry.OpenUnverified(vehicles.Source{Listener: src.Listener, SystemID: src.SystemID}, src.Class, "op")
	if err != nil {
		w.t.Error(err)
		return 0, false
	}
	id.Verified = true // before anybody reads it
	return id.Handle, true
}

func (w *watcher) Close(h vehicles.Handle)                      { w.pipeline.Forget(h) }
func (w *watcher) Reports(batch []vehicles.Report)              { w.pipeline.Reports(batch) }
func (w *watcher) Note(vehicles.Handle, int64, message.Message) {}
func (w *watcher) dial(string) (conn, error)                    { return &mouth{w: w, closed: make(chan struct{})}, nil }
func (w *watcher) areas() (out []telemetry.Alert)               { return w.ofType(telemetry.GNSSInterference) }
func (w *watcher) jumpAlerts() (out []telemetry.Alert)          { return w.ofType(telemetry.PositionJump) }

func (w *watcher) ofType(typ telemetry.AlertType) (out []telemetry.Alert) {
	for _, a := range w.book.Alerts(telemetry.WholeZone(), true) {
		if a.Type == typ {
			out = append(out, a)
		}
	}
	return out
}

// mouth is a socket of a fleet into the watcher.
type mouth struct {
	w      *watcher
	closed chan struct{}
	once   sync.Once
}

var mouthAddr = netip.MustParseAddrPort("192.0.2.1:14550")

func (m *mouth) Write(p []byte) (int, error) { m.w.feed.Datagram(mouthAddr, p); return len(p), nil }
func (m *mouth) Read([]byte) (int, error)    { <-m.closed; return 0, net.ErrClosed }
func (m *mouth) LocalAddr() net.Addr         { return net.UDPAddrFromAddrPort(mouthAddr) }
func (m *mouth) Close() error                { m.once.Do(func() { close(m.closed) }); return nil }

// watch flies a fleet in front of a watcher and asks it in the end.
func watch(t *testing.T, cfg Config, ask func(w *watcher, began time.Time)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWatcher(t)
		defer stop()
		cfg.dial = w.dial
		f, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ask(w, began)
	})
}

// Troubles of ordinary days, per vehicle and hour. They are set high: what is rarer in
// a real zone makes fewer false alarms.
var troubles = []struct {
	perHour     float64
	least, most time.Duration
	event       Event
}{
	{4, 2 * time.Second, 40 * time.Second, Event{Does: LinkLost}},
	{2, 20 * time.Second, 2 * time.Minute, Event{Does: LinkDrops, Share: 0.3}},
	{0.15, 5 * time.Second, time.Minute, Event{Does: FixLost}},
	{0.3, time.Second, 5 * time.Second, Event{Does: Glitches, JumpM: 180}},
	{0.1, 3 * time.Second, 20 * time.Second, Event{Does: EstimatorFails}},
	{0.05, 10 * time.Second, time.Minute, Event{Does: Jammed}}, // by somebody beside it, or the receiver is wrong
}

// ordinary is the noise of so many vehicles over a time: single troubles of all, a
// third of the cars between walls, and of 25 receivers one that fails again and again.
func ordinary(n int, lasts time.Duration, seed uint64) (out []Event) {
	rng := rand.New(rand.NewPCG(seed, 0x6a616d))
	repeated := func(who string, e Event, perHour float64, least, most time.Duration) {
		for at := 0.0; ; {
			at += rng.ExpFloat64() / perHour * 3600
			if at >= lasts.Seconds() {
				return
			}
			e.Vehicle, e.At = who, seconds(at)
			e.For = least + time.Duration(rng.Int64N(int64(most-least)))
			out = append(out, e)
		}
	}
	for i := range n {
		who := fmt.Sprintf("load-%d", i+1)
		for _, tr := range troubles {
			repeated(who, tr.event, tr.perHour, tr.least, tr.most)
		}
		if mix[i%len(mix)] == &rover && i%3 == 1 {
			out = append(out, Event{Vehicle: who, Does: Canyon})
		}
		if i%25 == 5 {
			repeated(who, Event{Does: FixLost}, 20, 5*time.Second, 30*time.Second)
		}
	}
	return out
}

// ordinaryDay is so many vehicles within five kilometres for so long.
type ordinaryDay struct {
	vehicles int
	lasts    time.Duration
}

// TestInterferenceFigures: the time from the beginning of a jamming to the one alarm of
// its area, the worst of all runs, and how many areas are named on ordinary days. Inside
// are the encoder, the decoder, the pipeline and the book; the clock is simulated.
func TestInterferenceFigures(t *testing.T) {
	runs, days := 2, []ordinaryDay{{40, 15 * time.Minute}}
	if *figures {
		runs, days = 40, []ordinaryDay{{20, 150 * time.Minute}, {50, 3 * time.Hour}, {100, 4 * time.Hour}, {200, 2 * time.Hour}}
	}
	worst, wrong := 0.0, 0
	for seed := range runs {
		took, areas := jamming(t, uint64(seed))
		worst = max(worst, took)
		if areas != 1 {
			wrong++
		}
	}
	falseAlarms, hours := 0, 0.0
	for i, day := range days {
		hours += float64(day.vehicles) * day.lasts.Hours()
		watch(t, Config{
			Kind: KindLoad, Vehicles: day.vehicles, Rate: 4, NoiseM: 2, Seed: int64(i), Duration: day.lasts,
			Script: ordinary(day.vehicles, day.lasts, uint64(i)),
		}, func(w *watcher, began time.Time) {
			falseAlarms += len(w.areas())
			for _, a := range w.areas() {
				at := time.UnixMicro(a.RaisedUS).Sub(began)
				fmt.Fprintf(os.Stderr, "%d vehicles: an area is named after %v: %+v\n", day.vehicles, at, a.Area)
			}
			if len(w.jumpAlerts()) == 0 {
				t.Error("a day without a jump tries nothing")
			}
		})
	}
	fmt.Fprintf(os.Stderr, "interference: %d runs with 5 vehicles of an area jammed, %d with another number of alarms than one; %.0f vehicle-hours of noise; goals < 10, 0\n", runs, wrong, hours)
	if *figures {
		fmt.Printf("control/jam_detect_s %.1f s\n", worst)
		fmt.Printf("control/jam_false %d alarms\n", falseAlarms)
	}
	if worst >= 10 || wrong > 0 || falseAlarms > 0 {
		t.Errorf("detected after %.1f s at worst, %d runs without exactly one alarm, %d false alarms in %.0f vehicle-hours", worst, wrong, falseAlarms, hours)
	}
}

// jamming is a run in which five vehicles are jammed, on an ordinary day: how long until
// the alarm, and how many alarms.
func jamming(t *testing.T, seed uint64) (tookS float64, areas int) {
	t.Helper()
	n := 5
	if seed%2 == 1 {
		n = 20 // of which five are in the area
	}
	onset := 8*time.Minute + time.Duration(rand.New(rand.NewPCG(seed, 1)).Int64N(int64(time.Minute)))
	script := ordinary(n, 10*time.Minute, seed+1000)
	for i := range 5 {
		script = append(script, Event{Vehicle: fmt.Sprintf("load-%d", i+1), Does: Jammed, At: onset, For: time.Minute})
	}
	tookS = math.Inf(1)
	watch(t, Config{Kind: KindLoad, Vehicles: n, Rate: 4, NoiseM: 2, Seed: int64(seed), Duration: 10 * time.Minute, Script: script}, func(w *watcher, began time.Time) {
		for _, a := range w.areas() {
			areas++
			tookS = time.UnixMicro(a.RaisedUS).Sub(began.Add(onset)).Seconds()
		}
	})
	return tookS, areas
}

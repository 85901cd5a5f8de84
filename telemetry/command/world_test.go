package command

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// world is one vehicle on a wire, and the journal, in the time of synctest.
type world struct {
	t   *testing.T
	d   *Dispatcher
	log *memory

	mu       sync.Mutex // guards the fields below
	id       *vehicles.Identity
	mode     uint32
	velocity vehicles.Velocity
	armed    bool
	noFix    bool
	silentUS int64 // when it was heard last; 0: it is heard
	beatUS   int64 // of the last heartbeat, while positions go on; 0: they come
	jammed   bool
	slept    time.Duration // of the machine: the clock is ahead of the timers
	home     *geo.Point
	at       geo.Point
	movedUS  int64
	sent     []Command
	obeys    bool
	called   []telemetry.Call // what was told of calls
	heights  geo.Heights
	blocked  []Met // the fences that are in every way
	from, to geo.Fix
	status   vehicles.Status
	off      bool // flights are not ended here
	// answer is what the wire says to the n-th command, from 0; nil: accepted.
	answer func(ctx context.Context, n int, c Command) error
}

const mission = 3 // AUTO of a copter

var base = geo.Point{Lat: 309000000, Lon: 1219300000}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, log: &memory{}, mode: mission, velocity: vehicles.Velocity{N: 800}, armed: true, at: base, obeys: true,
		id: &vehicles.Identity{
			Handle: 7, ID: "uav-7", Class: vehicles.UAV, Operator: "acme", Verified: true,
			Source: vehicles.Source{MAVType: 2, Autopilot: arduPilot},
		},
	}
	w.start()
	return w
}

// start makes a Dispatcher of what the journal has, and runs it.
func (w *world) start() (stop func()) {
	w.t.Helper()
	d, err := New(Config{Wire: w, Fleet: w, Journal: w.log, Calls: w, Ways: w, Ground: w, Termination: !w.off, Clock: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, rec := range w.log.records() {
		if err := d.Replay(rec); err != nil {
			w.t.Fatal(err)
		}
	}
	w.d = d
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() { _ = d.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	w.t.Cleanup(stop)
	return stop
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.slept)
}

func (w *world) Call(c *telemetry.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.called = append(w.called, *c)
}

func (w *world) Breached(_ *vehicles.Identity, from, to geo.Fix) []Met {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from, w.to = from, to
	return w.blocked
}

func (w *world) Under(*vehicles.Identity, geo.Point) []string { return []string{`fence "river"`} }

func (w *world) Identity(id vehicles.VehicleID) *vehicles.Identity {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id != w.id.ID {
		return nil
	}
	return w.id
}

func (w *world) Track(context.Context, vehicles.Handle) (telemetry.TrackView, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now().Add(w.slept).UnixMicro()
	if w.movedUS != 0 {
		s := float64(now-w.movedUS) / 1e6
		w.at = geo.Moved(w.at, float64(w.velocity.N)/100*s, float64(w.velocity.E)/100*s)
	}
	w.movedUS = now
	t := telemetry.TrackView{Vehicle: w.id, Track: vehicles.Track{
		Handle: 7, Class: w.id.Class, Status: w.status, Seen: vehicles.HasHeartbeat | vehicles.HasPosition, Mode: w.mode, Armed: w.armed,
		HeartbeatUS: now, Velocity: w.velocity, FixUS: now, Fix: geo.Fix{Point: w.at, Heights: w.heights},
	}}
	if w.silentUS != 0 {
		t.HeartbeatUS, t.FixUS, t.Link = w.silentUS, w.silentUS, vehicles.LinkLost
	}
	if w.beatUS != 0 {
		t.HeartbeatUS = w.beatUS
	}
	if w.jammed {
		t.Seen, t.Jamming, t.SignalUS = t.Seen|vehicles.HasSignal, vehicles.InterferenceCritical, now
	}
	if w.noFix {
		t.FixUS, t.Seen = 0, vehicles.HasHeartbeat
	}
	return t, true, nil
}

func (w *world) Home(vehicles.VehicleID) (geo.Point, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.home == nil {
		return geo.Point{}, false
	}
	return *w.home, true
}

func (w *world) ModeName(_ *vehicles.Identity, mode uint32) string {
	return map[uint32]string{3: "auto", 0: "stabilize", 17: "brake"}[mode]
}

// Command is the wire; a vehicle that obeys does what it accepts, as a copter.
func (w *world) Command(ctx context.Context, _ vehicles.Handle, c Command) error {
	w.mu.Lock()
	n, answer := len(w.sent), w.answer
	w.sent = append(w.sent, c)
	w.mu.Unlock()
	var err error
	if answer != nil {
		err = answer(ctx, n, c)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.obeys {
		w.doIt(c)
	}
	return err
}

// doIt is called with w.mu held.
func (w *world) doIt(c Command) {
	switch c.ID {
	case cmdSetMode:
		w.mode, w.velocity = uint32(c.Params[1]), vehicles.Velocity{}
		if w.mode == mission {
			w.velocity.N = 800
		}
	case cmdLand:
		w.mode, w.velocity = 9, vehicles.Velocity{D: 100}
	case cmdReposition:
		w.mode, w.velocity = 4, vehicles.Velocity{E: 800}
	case cmdTerminate:
		w.armed, w.status, w.velocity.D = false, vehicles.Terminated, 900
	case cmdReturn:
		w.mode, w.velocity = 6, vehicles.Velocity{N: -800}
	}
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) commands() []Command {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Command(nil), w.sent...)
}

var (
	ann  = By{Actor: "ann", Person: "ann", Zone: true}
	bob  = By{Actor: "key-of-bob", Person: "bob", Zone: true}
	pete = By{Actor: "pete", Person: "pete"} // of the operator
)

func (w *world) ask(q Request) (Order, error) {
	w.t.Helper()
	if q.Vehicle == "" {
		q.Vehicle = "uav-7"
	}
	return w.d.Ask(w.t.Context(), q)
}

func (w *world) mustAsk(k Kind, by By) Order {
	w.t.Helper()
	o, err := w.ask(Request{Kind: k, By: by})
	if err != nil {
		w.t.Fatalf("%s by %s: %v", k, by.Person, err)
	}
	synctest.Wait()
	return o
}

// becomes checks what has become of an order by now.
func (w *world) becomes(id string, want State) Order {
	w.t.Helper()
	synctest.Wait()
	o, err := w.d.Order(id)
	if err != nil || o.State != want {
		w.t.Fatalf("the order is %q (%s), want %q: %v", o.State, o.Why, want, err)
	}
	return o
}

// after lets time pass.
func after(d time.Duration) { time.Sleep(d); synctest.Wait() } // in the bubble it costs none

// memory is a journal that can stall and fail.
type memory struct {
	mu    sync.Mutex // guards the fields below
	recs  []journal.Record
	stall chan struct{} // not nil: an append waits until it is closed
	fail  error
}

func (m *memory) Append(_ context.Context, batch ...journal.Entry) ([]uint64, error) {
	m.mu.Lock()
	stall := m.stall
	m.mu.Unlock()
	if stall != nil {
		<-stall
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	seqs := make([]uint64, len(batch))
	for i, e := range batch {
		seqs[i] = uint64(len(m.recs) + 1)
		m.recs = append(m.recs, journal.Record{Seq: seqs[i], Entry: e})
	}
	return seqs, nil
}

func (m *memory) records() []journal.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]journal.Record(nil), m.recs...)
}

func (m *memory) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

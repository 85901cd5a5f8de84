package ladder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// world is a fence, vehicles that fly towards it and obey, and the whole way between:
// the pipeline, the bus, the Dispatcher and the ladder, in the time of synctest.
type world struct {
	t   *testing.T
	log *memory
	cfg Config // of the ladder; its parts are set by start

	registry *vehicles.Registry
	engine   *geofence.Engine
	bus      *telemetry.Bus
	heard    *telemetry.Subscription
	pipeline *telemetry.Pipeline
	orders   *command.Dispatcher
	e        *Enforcer
	stop     func() // ends the server; the vehicles fly on
	epoch    uint32
	rev      uint64 // of the newest fence

	fences []*geofence.Compiled
	all    []*flier
	unfit  atomic.Value // a string: why no order may leave
	before atomic.Value // a func(): happens before each order of the ladder
}

// beside is a Dispatcher to which something happens before each order.
type beside struct {
	*command.Dispatcher
	w *world
}

func (b beside) Ask(ctx context.Context, q command.Request) (command.Order, error) {
	if do, ok := b.w.before.Load().(func()); ok {
		do()
	}
	return b.Dispatcher.Ask(ctx, q)
}

// flier is a simulated vehicle.
type flier struct {
	id      vehicles.VehicleID
	class   vehicles.Class
	mavType uint8
	handle  vehicles.Handle

	mu       sync.Mutex // guards the fields below
	at       geo.Point
	amslMM   int32
	mode     uint32
	speed    int16 // cm/s to the north, while nothing was ordered
	drift    int16 // likewise, while it holds
	boot     uint32
	armed    bool
	status   vehicles.Status
	landed   vehicles.Landed
	silent   bool // nothing comes
	faulty   bool // its estimator
	noHeight bool
	jammed   bool
	jumpM    float64 // of the next sample alone
	again    bool    // once it is in the fence it sends the same sample over and over
	last     vehicles.Report
	late     bool // samples come in the wrong order
	obeys    func(command.Command) bool
	answers  func(command.Command) error
	sent     []command.Command
}

var base = geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}

const (
	auto  = 3
	brake = 17
	rtl   = 6
	land  = 9
	stick = 0 // stabilize
)

func newWorld(t *testing.T, response geofence.Response) *world {
	w := &world{t: t, log: &memory{}}
	w.fences = []*geofence.Compiled{w.fence("f", response, 100)}
	return w
}

// fence is a keep-out of 400 m whose southern edge is so far north of base.
func (w *world) fence(id string, response geofence.Response, northM float64) *geofence.Compiled {
	w.t.Helper()
	w.rev++
	c, err := geofence.Compile(geofence.Fence{
		ID: id, Name: "the " + id, Kind: geofence.KeepOut, Rev: w.rev, Response: response,
		Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
			geo.Moved(base, northM, -2000), geo.Moved(base, northM, 2000), geo.Moved(base, northM+400, 2000), geo.Moved(base, northM+400, -2000),
		}}}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// add is a copter that flies north from base at 10 m/s.
func (w *world) add() *flier {
	f := &flier{
		id: vehicles.VehicleID(fmt.Sprint("uav-", len(w.all)+1)), class: vehicles.UAV, mavType: 2, at: geo.Moved(base, 0, float64(60*len(w.all))), amslMM: 60_000,
		mode: auto, speed: 1000, boot: 1000, armed: true, status: vehicles.Active, landed: vehicles.InAir,
	}
	w.all = append(w.all, f)
	return f
}

// start starts the server on what the journal has.
func (w *world) start() {
	w.t.Helper()
	t := w.t
	w.epoch++
	var regs []vehicles.Registration
	for _, f := range w.all {
		regs = append(regs, vehicles.Registration{ID: f.id, Name: string(f.id), Class: f.class, Operator: "acme"})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.registry, err = vehicles.NewRegistry(w.epoch, regs)
	must(err)
	w.bus, w.engine = telemetry.NewBus(nil), geofence.NewEngine(geofence.Config{})
	w.heard, _ = w.bus.Subscribe(telemetry.SubscribeConfig{Reserved: true})
	w.pipeline, err = telemetry.New(telemetry.Config{Registry: w.registry, Engine: w.engine, Bus: w.bus, Shards: 2})
	must(err)
	w.orders, err = command.New(command.Config{Wire: w, Fleet: w, Journal: w.log})
	must(err)
	cfg := w.cfg
	cfg.Orders, cfg.Fleet, cfg.Bus, cfg.Journal = beside{w.orders, w}, w, w.bus, w.log
	cfg.Unfit = func() string {
		why, _ := w.unfit.Load().(string)
		return why
	}
	w.e, err = New(cfg)
	must(err)
	for _, rec := range w.log.records() {
		must(w.orders.Replay(rec))
		must(w.e.Replay(rec))
	}
	for _, f := range w.all {
		id, err := w.registry.OpenVerified(f.id, vehicles.Source{Listener: "l", SystemID: 1, MAVType: f.mavType, Autopilot: 3})
		must(err)
		f.handle = id.Handle
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{w.pipeline.Run, w.orders.Run, w.e.Run} {
		running.Go(func() { _ = run(ctx) })
	}
	w.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(func() { w.stop() })
	must(w.pipeline.SetFences(ctx, w.fences))
}

// Identity is Fleet's.
func (w *world) Identity(id vehicles.VehicleID) *vehicles.Identity {
	h, ok := w.registry.Lookup(id)
	if !ok {
		return nil
	}
	return w.registry.Identity(h)
}

// Track is Fleet's.
func (w *world) Track(ctx context.Context, h vehicles.Handle) (telemetry.TrackView, bool, error) {
	return w.pipeline.Track(ctx, telemetry.WholeZone(), h)
}

// Home is command.Fleet's.
func (w *world) Home(vehicles.VehicleID) (geo.Point, bool) { return base, true }

// ModeName is Fleet's.
func (w *world) ModeName(v *vehicles.Identity, mode uint32) string {
	return mavlink.ModeName(v.Source.MAVType, v.Source.Autopilot, mode)
}

// ByHand is Fleet's.
func (w *world) ByHand(v *vehicles.Identity, mode uint32) bool {
	return mavlink.ByHand(v.Source.MAVType, v.Source.Autopilot, mode)
}

// Command is command.Wire's.
func (w *world) Command(ctx context.Context, h vehicles.Handle, c command.Command) error {
	f := w.all[slices.IndexFunc(w.all, func(f *flier) bool { return f.handle == h })]
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, c)
	if f.silent {
		f.mu.Unlock()
		<-ctx.Done()
		f.mu.Lock()
		return command.ErrNoAnswer
	}
	if f.answers != nil {
		if err := f.answers(c); err != nil {
			return err
		}
	}
	if f.obeys == nil || f.obeys(c) {
		switch c.ID {
		case 176:
			f.mode = uint32(c.Params[1])
		case 20:
			f.mode = rtl
		case 21:
			f.mode = land
		}
	}
	return nil
}

func (f *flier) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// told is what was sent to the vehicle, in words.
func (f *flier) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.sent {
		switch {
		case c.ID == 20:
			out = append(out, "return")
		case c.ID == 21:
			out = append(out, "land")
		case c.ID == 176 && (c.Params[1] == brake || c.Params[1] == 5 || c.Params[1] == 12 || c.Params[1] == 4):
			out = append(out, "hold")
		default:
			out = append(out, fmt.Sprint(c.ID, c.Params[1]))
		}
	}
	return strings.Join(out, " ")
}

// move is a tenth of a second, and what the vehicle says then.
func (f *flier) move(tick int) []vehicles.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := vehicles.Velocity{}
	switch f.mode {
	case auto, stick, 10:
		v.N = f.speed
	case rtl, 11:
		v.N = -f.speed
	case land:
		v.D = 100
	default:
		v.N = f.drift
	}
	f.at, f.boot = geo.Moved(f.at, float64(v.N)/1000, float64(v.E)/1000), f.boot+100
	f.amslMM -= int32(v.D)
	if f.silent {
		return nil
	}
	now := time.Now().UnixMicro()
	pos := vehicles.Report{Handle: f.handle, Has: vehicles.HasPosition, BootMS: f.boot, ReceivedUS: now, Velocity: v, Heading: 0}
	if f.late && tick%2 == 1 {
		pos.BootMS -= 300
	}
	pos.Fix.Point = geo.Moved(f.at, f.jumpM, 0)
	f.jumpM = 0
	if !f.noHeight {
		pos.Fix.Heights.Set(geo.AMSL, f.amslMM)
	}
	if f.again && f.last.BootMS != 0 && geo.Distance(f.last.Fix.Point, base) > 101 {
		pos = f.last
		pos.ReceivedUS = now
	}
	f.last = pos
	out := []vehicles.Report{pos}
	if tick%5 == 0 {
		out = append([]vehicles.Report{
			{Handle: f.handle, Has: vehicles.HasHeartbeat | vehicles.HasLanded, Armed: f.armed, Mode: f.mode, Status: f.status, Landed: f.landed, ReceivedUS: now},
			{Handle: f.handle, Has: vehicles.HasQuality, FixType: 3, Satellites: 14, HDOP: 80, HAccMM: 1500, VAccMM: 3000, ReceivedUS: now},
			{Handle: f.handle, Has: vehicles.HasEstimator, Estimator: vehicles.EstimatorHealthy, ReceivedUS: now},
		}, out...)
		if f.faulty {
			out[2].Estimator = vehicles.EstimatorFaulty
		}
		if f.jammed {
			out = append([]vehicles.Report{{Handle: f.handle, Has: vehicles.HasSignal, Jamming: vehicles.InterferenceCritical, ReceivedUS: now}}, out...)
		}
	}
	return out
}

// fly lets time pass.
func (w *world) fly(d time.Duration) {
	w.t.Helper()
	for tick := range int(d / (100 * time.Millisecond)) {
		time.Sleep(100 * time.Millisecond)
		for _, f := range w.all {
			if reports := f.move(tick); reports != nil {
				w.pipeline.Reports(reports)
			}
		}
		synctest.Wait()
	}
}

// settleStart flies the time in which nothing is ordered after a start, and then sets
// the vehicles before the fence.
func (w *world) settleStart() {
	w.t.Helper()
	for _, f := range w.all {
		f.set(func() { f.speed = 0 })
	}
	w.fly(cleanTime + 2*time.Second)
	for _, f := range w.all {
		f.set(func() { f.speed = 1000 })
	}
}

// ladder is the newest one of a vehicle.
func (w *world) ladder(f *flier) Ladder {
	w.t.Helper()
	synctest.Wait()
	all := w.e.Ladders(func(l *Ladder) bool { return l.Vehicle == f.id })
	if len(all) == 0 {
		w.t.Fatalf("%s has no ladder", f.id)
	}
	return all[0]
}

// is checks the state of a vehicle's ladder.
func (w *world) is(f *flier, want State) Ladder {
	w.t.Helper()
	l := w.ladder(f)
	if l.State != want {
		w.t.Fatalf("the ladder is %q (%s; call: %q), want %q; steps %+v", l.State, l.Why, l.Called, want, l.Steps)
	}
	return l
}

// calls is whether somebody has to be called now, of what was told since the last call.
func (w *world) calls() (why string) {
	events, _ := w.heard.Take()
	for _, ev := range events {
		if c, ok := ev.Body.(*telemetry.Call); ok {
			if why = ""; c.Began {
				why = c.Why
			}
		}
	}
	return why
}

// by orders as a person.
func (w *world) by(f *flier, k command.Kind, by command.By, more ...string) command.Order {
	w.t.Helper()
	q := command.Request{Vehicle: f.id, Kind: k, By: by, TakeOver: true}
	if len(more) > 0 {
		q.Ends = more[0]
	}
	o, err := w.orders.Ask(w.t.Context(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return o
}

var (
	ann  = command.By{Actor: "ann", Person: "ann", Zone: true}
	pete = command.By{Actor: "pete", Person: "pete"} // of the operator
)

// memory is a journal that can refuse.
type memory struct {
	mu   sync.Mutex // guards the fields below
	recs []journal.Record
	fail error
}

func (m *memory) Append(_ context.Context, batch ...journal.Entry) ([]uint64, error) {
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

func (m *memory) refuse(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// in runs a test in the time of synctest, with a fence and one copter before it whose
// data were good for long enough.
func in(t *testing.T, response geofence.Response, test func(t *testing.T, w *world, f *flier)) {
	t.Helper()
	inWith(t, response, func(*flier) {}, test)
}

// inWith does so with another vehicle.
func inWith(t *testing.T, response geofence.Response, make func(*flier), test func(t *testing.T, w *world, f *flier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, response)
		f := w.add()
		make(f)
		w.start()
		defer w.stop()
		w.settleStart()
		test(t, w, f)
	})
}

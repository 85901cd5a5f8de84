package onboard

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// world is one vehicle with its store of plans, a zone and the journal, in the time
// of synctest.
type world struct {
	t      *testing.T
	p      *Plans
	engine *geofence.Engine
	log    *memory

	mu      sync.Mutex // guards the fields below
	id      *vehicles.Identity
	at      geo.Fix
	home    *geo.Point
	noFix   bool
	flying  bool
	lost    bool // its link
	returnM *float64
	leased  command.Lease
	stored  map[vehicles.PlanKind]vehicles.Plan
	opaque  uint32
	options float64
	uploads int
	reads   int
	enabled bool
	answer  error         // of the wire
	hold    chan struct{} // an upload waits for it; nil: it does not
}

var (
	base  = geo.Point{Lat: 309000000, Lon: 1219300000}
	anna  = command.By{Actor: "anna", Person: "anna"}
	carl  = command.By{Actor: "carl", Person: "carl", Zone: true}
	plane = fence("plane", geofence.KeepIn, square(base, 3000))
)

func newWorld(t *testing.T, fences ...geofence.Fence) *world {
	w := &world{
		t: t, log: &memory{}, engine: geofence.NewEngine(geofence.Config{}), stored: map[vehicles.PlanKind]vehicles.Plan{}, at: high(base, 0), home: &base,
		id: &vehicles.Identity{Handle: 7, ID: "uav-7", Class: vehicles.UAV, Operator: "acme", Verified: true, Source: vehicles.Source{MAVType: 2, Autopilot: 3}},
	}
	w.fences(fences...)
	w.start()
	return w
}

func (w *world) fences(fences ...geofence.Fence) {
	w.t.Helper()
	w.engine.SetFences(compiled(w.t, fences...))
}

func compiled(t *testing.T, fences ...geofence.Fence) (out []*geofence.Compiled) {
	t.Helper()
	for _, f := range fences {
		c, err := geofence.Compile(f)
		if err != nil {
			t.Fatal(f.ID, err)
		}
		out = append(out, c)
	}
	return out
}

// start makes Plans of what the journal has, and runs it.
func (w *world) start() (stop func()) {
	w.t.Helper()
	p, err := New(Config{Wire: w, Fleet: w, Leases: w, Engine: w.engine, Journal: w.log, Clock: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, rec := range w.log.records() {
		if err := p.Replay(rec); err != nil {
			w.t.Fatal(err)
		}
	}
	w.p = p
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() { _ = p.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	w.t.Cleanup(stop)
	return stop
}

func (w *world) Identity(id vehicles.VehicleID) *vehicles.Identity {
	if id != w.id.ID {
		return nil
	}
	return w.id
}

func (w *world) Track(context.Context, vehicles.Handle) (telemetry.TrackView, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := telemetry.TrackView{Vehicle: w.id, Track: vehicles.Track{
		Handle: 7, Class: w.id.Class, Seen: vehicles.HasHeartbeat | vehicles.HasPosition, Armed: w.flying, FixUS: time.Now().UnixMicro(), Fix: w.at,
	}}
	if w.flying {
		t.Velocity = vehicles.Velocity{N: 800}
	}
	if w.noFix {
		t.FixUS = 0
	}
	if w.lost {
		t.Link = vehicles.LinkLost
	}
	return t, true, nil
}

func (w *world) Home(vehicles.VehicleID) (geo.Point, bool) {
	if w.home == nil {
		return geo.Point{}, false
	}
	return *w.home, true
}

func (w *world) ReturnM(vehicles.VehicleID) *float64 { return w.returnM }

func (w *world) Lease(vehicles.VehicleID) (command.Lease, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leased, w.leased.Holder != ""
}

func (w *world) TakeLease(_ context.Context, _ vehicles.VehicleID, by command.By, _ bool, _ string) (command.Lease, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leased.Holder = by.Person
	return w.leased, nil
}

func (w *world) Upload(ctx context.Context, _ vehicles.Handle, p vehicles.Plan, progress func(done, total int)) (Receipt, error) {
	w.mu.Lock()
	w.uploads++
	hold, answer := w.hold, w.answer
	w.mu.Unlock()
	progress(len(p.Items)/2, len(p.Items))
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return Receipt{}, ctx.Err()
		}
	}
	if answer != nil {
		return Receipt{}, answer
	}
	return w.give(p), nil
}

// give stores a plan in the vehicle, as its own ground station would, too.
func (w *world) give(p vehicles.Plan) Receipt {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stored[p.Kind] = p
	w.opaque++
	return Receipt{w.opaque, len(p.Items)}
}

func (w *world) Read(_ context.Context, _ vehicles.Handle, k vehicles.PlanKind) (vehicles.Plan, Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	p := w.stored[k]
	p.Kind, p.Items = k, slices.Clone(p.Items)
	for i := range p.Items { // as autopilots do
		p.Items[i].X++
		p.Items[i].Frame = vehicles.FrameGlobal + p.Items[i].Frame%vehicles.FrameGlobalInt*vehicles.FrameGlobalRelative
	}
	return p, Receipt{w.opaque, len(p.Items)}, w.answer
}

// read is how often a plan was read.
func (w *world) read() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reads
}

func (w *world) Clear(context.Context, vehicles.Handle, vehicles.PlanKind) error { return w.answer }

func (w *world) Param(context.Context, vehicles.Handle, string) (float64, error) {
	return w.options, w.answer
}

func (w *world) EnableFence(context.Context, vehicles.Handle) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enabled = true
	return nil
}

// memory is a journal.
type memory struct {
	mu   sync.Mutex // guards the fields below
	recs []journal.Record
	fail error
}

func (m *memory) Append(_ context.Context, batch ...journal.Entry) (seqs []uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	for _, e := range batch {
		m.recs = append(m.recs, journal.Record{Entry: e, Seq: uint64(len(m.recs) + 1)})
		seqs = append(seqs, uint64(len(m.recs)))
	}
	return seqs, nil
}

func (m *memory) records() []journal.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.recs)
}

func square(c geo.Point, halfM float64) geofence.Shape {
	return geofence.Shape{Polygons: []geo.Polygon{{Outer: ring(c, halfM)}}}
}

func ring(c geo.Point, halfM float64) geo.Ring {
	return geo.Ring{geo.Moved(c, -halfM, -halfM), geo.Moved(c, -halfM, halfM), geo.Moved(c, halfM, halfM), geo.Moved(c, halfM, -halfM)}
}

func fence(id string, k geofence.Kind, s geofence.Shape) geofence.Fence {
	return geofence.Fence{ID: id, Name: "fence " + id, Kind: k, Shape: s, Rev: 1}
}

// high is a fix some metres above take-off, which lies 5 m above the sea.
func high(p geo.Point, m float64) (f geo.Fix) {
	f.Point = p
	f.Heights.Set(geo.Takeoff, int32(m*1000))
	f.Heights.Set(geo.AMSL, int32(m*1000)+5000)
	return f
}

func waypoint(p geo.Point, m float32) vehicles.PlanItem {
	return vehicles.PlanItem{Command: 16, Frame: vehicles.FrameRelativeInt, X: p.Lat, Y: p.Lon, Z: m, Autocontinue: true}
}

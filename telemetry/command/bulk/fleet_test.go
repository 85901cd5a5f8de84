package bulk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// manner is how a vehicle takes an order.
type manner uint8

const (
	obeys manner = iota
	refuses
	silent // it is heard, and acknowledges nothing
)

// fleet is vehicles on a wire, and the journal, in the time of synctest.
type fleet struct {
	t      *testing.T
	orders *command.Dispatcher
	g      *Giver

	mu      sync.Mutex // guards the fields below
	all     []*member  // handle i+1
	homes   map[vehicles.VehicleID]geo.Point
	against map[vehicles.VehicleID]bool
	unfit   string
	recs    []journal.Record
	called  map[vehicles.VehicleID]string // why
}

type member struct {
	id     *vehicles.Identity
	manner manner
	at     geo.Point
	mode   uint32
	speed  int16
	armed  bool
	unsure bool // of its position
	few    bool // plausible fixes so far
	silent bool // for a minute: its link is lost
	sent   []sent
}

type sent struct {
	at time.Time
	command.Command
}

var middle = geo.Point{Lat: 309000000, Lon: 1219300000}

// newFleet has a copter for each manner, 500 m apart, each with its home 200 m north
// of it.
func newFleet(t *testing.T, manners ...manner) *fleet {
	f := &fleet{t: t, homes: map[vehicles.VehicleID]geo.Point{}, against: map[vehicles.VehicleID]bool{}, called: map[vehicles.VehicleID]string{}}
	for i, m := range manners {
		f.add(m, vehicles.UAV, 2, geo.Moved(middle, 0, float64(i)*500))
	}
	f.start()
	return f
}

func (f *fleet) add(m manner, class vehicles.Class, mavType uint8, at geo.Point) *member {
	n := len(f.all) + 1
	v := &member{
		manner: m, at: at, mode: 3, speed: 800, armed: true,
		id: &vehicles.Identity{Handle: vehicles.Handle(n), ID: vehicles.VehicleID(fmt.Sprintf("v-%d", n)), Class: class, Operator: "acme", Verified: true,
			Source: vehicles.Source{MAVType: mavType, Autopilot: 3}},
	}
	f.all = append(f.all, v)
	f.homes[v.id.ID] = geo.Moved(at, 200, 0)
	return v
}

// start makes the dispatcher and the giver of what the journal has, and runs them.
func (f *fleet) start() (stop func()) {
	f.t.Helper()
	var err error
	if f.orders, err = command.New(command.Config{Wire: f, Fleet: f, Journal: f, Calls: f}); err != nil {
		f.t.Fatal(err)
	}
	if f.g, err = New(Config{Orders: f.orders, Zone: zone{f}, Journal: f, Unfit: func(*telemetry.TrackView) string { return f.unfit }, ByHand: byHand}); err != nil {
		f.t.Fatal(err)
	}
	for _, rec := range f.records() {
		if err := f.orders.Replay(rec); err != nil {
			f.t.Fatal(err)
		}
		if err := f.g.Replay(rec); err != nil {
			f.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	var ends sync.WaitGroup
	ends.Go(func() { _ = f.g.Run(ctx) })
	ends.Go(func() { _ = f.orders.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); ends.Wait() })
	f.t.Cleanup(stop)
	synctest.Wait()
	return stop
}

func (f *fleet) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fleet) records() []journal.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.recs)
}

// told is what the n-th vehicle was told.
func (f *fleet) told(n int) []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all[n].sent)
}

func (f *fleet) calls() map[vehicles.VehicleID]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.called)
}

func (f *fleet) of(id vehicles.VehicleID) *member {
	for _, v := range f.all {
		if v.id.ID == id {
			return v
		}
	}
	return nil
}

func (f *fleet) Command(ctx context.Context, h vehicles.Handle, c command.Command) error {
	f.mu.Lock()
	v := f.all[h-1]
	v.sent = append(v.sent, sent{time.Now(), c})
	m := v.manner
	f.mu.Unlock()
	switch m {
	case refuses:
		return &command.Refusal{Text: "denied"}
	case silent:
		select {
		case <-time.After(6 * time.Second):
			return command.ErrNoAnswer
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch c.ID {
	case 176:
		v.mode, v.speed = uint32(c.Params[1]), 0
	case 20:
		v.mode, v.speed = 6, 800
	case 21:
		v.mode, v.armed = 9, false
	}
	return nil
}

func (f *fleet) Identity(id vehicles.VehicleID) *vehicles.Identity {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.of(id); v != nil {
		return v.id
	}
	return nil
}

func (f *fleet) Track(_ context.Context, h vehicles.Handle) (telemetry.TrackView, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view(f.all[h-1]), true, nil
}

// view moves half a metre at each look, north or home. Called with f.mu held.
func (f *fleet) view(v *member) telemetry.TrackView {
	now := time.Now().UnixMicro()
	switch {
	case v.mode == 6:
		v.at = geo.Destination(v.at, geo.Bearing(v.at, f.homes[v.id.ID]), 0.5)
	case v.speed > 0:
		v.at = geo.Moved(v.at, 0.5, 0)
	}
	view := telemetry.TrackView{Vehicle: v.id, Track: vehicles.Track{
		Handle: v.id.Handle, Class: v.id.Class, Seen: vehicles.HasHeartbeat | vehicles.HasPosition, Mode: v.mode, Armed: v.armed,
		HeartbeatUS: now, FixUS: now, Fix: geo.Fix{Point: v.at}, Velocity: vehicles.Velocity{N: v.speed},
	}}
	view.Grounds = telemetry.Grounds{Fixes: 9, Verified: true, Quality: vehicles.QualityGood}
	if v.few {
		view.Grounds.Fixes = 1
	}
	if v.unsure {
		view.FixUS -= 10_000_000
	}
	if v.silent {
		view.Link, view.HeartbeatUS = vehicles.LinkLost, now-60_000_000
	}
	return view
}

// byHand: ArduPilot's STABILIZE.
func byHand(_ *vehicles.Identity, mode uint32) bool {
	return mode == 0
}

func (f *fleet) Home(id vehicles.VehicleID) (p geo.Point, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, known = f.homes[id]
	return p, known
}

func (f *fleet) ModeName(*vehicles.Identity, uint32) string { return "some mode" }

func (f *fleet) Call(c *telemetry.Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if delete(f.called, c.Vehicle.ID); c.Began {
		f.called[c.Vehicle.ID] = c.Why
	}
}

func (f *fleet) Append(_ context.Context, batch ...journal.Entry) (seqs []uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range batch {
		f.recs = append(f.recs, journal.Record{Seq: uint64(len(f.recs) + 1), Entry: e})
		seqs = append(seqs, uint64(len(f.recs)))
	}
	return seqs, nil
}

// zone is the fleet as the Giver sees it.
type zone struct{ f *fleet }

func (z zone) Tracks(context.Context) (out []telemetry.TrackView, err error) {
	z.f.mu.Lock()
	defer z.f.mu.Unlock()
	for _, v := range z.f.all {
		out = append(out, z.f.view(v))
	}
	return out, nil
}

func (z zone) Against(context.Context) (map[vehicles.VehicleID]bool, error) { return z.f.against, nil }

func (z zone) Home(id vehicles.VehicleID) (geo.Point, bool) { return z.f.Home(id) }

var (
	ann  = command.By{Actor: "ann", Person: "ann", Zone: true}
	bob  = command.By{Actor: "bob", Person: "bob", Zone: true}
	pete = command.By{Actor: "pete", Person: "pete"}
)

func all(k command.Kind) Request {
	return Request{Kind: k, By: ann, Of: Selection{All: true, View: telemetry.WholeZone(), Text: "all"}}
}

func (f *fleet) preview(q Request) *Preview {
	f.t.Helper()
	p, err := f.g.Preview(f.t.Context(), q)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// give acts on what a preview says.
func (f *fleet) give(q Request) Bulk {
	f.t.Helper()
	p := f.preview(q)
	q.Digest, q.Expect = p.Digest, p.Orders
	b, err := f.g.Give(f.t.Context(), q)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *fleet) bulk(id string) Bulk {
	f.t.Helper()
	b, err := f.g.Bulk(id)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// after lets time pass.
func after(d time.Duration) { time.Sleep(d); synctest.Wait() } // in the bubble it costs none

// states are the states of the items by vehicle, with their kinds.
func states(b *Bulk) map[vehicles.VehicleID]string {
	out := map[vehicles.VehicleID]string{}
	for _, it := range b.Items {
		out[it.Vehicle] = string(it.Kind) + " " + string(it.State)
	}
	return out
}

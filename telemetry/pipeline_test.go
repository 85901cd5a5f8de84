package telemetry

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

type pipelineRig struct {
	*Pipeline
	registry *vehicles.Registry
	bus      *Bus
	heard    *Subscription
	stop     func()
}

func newPipelineRig(t *testing.T, shards int) *pipelineRig {
	t.Helper()
	registry, err := vehicles.NewRegistry(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &pipelineRig{registry: registry, bus: NewBus(nil)}
	r.Pipeline, err = New(Config{
		Registry: registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: r.bus, Grid: testGrid, Shards: shards,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.heard, _ = r.bus.Subscribe(SubscribeConfig{Reserved: true})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return r
}

func (r *pipelineRig) open(t *testing.T, class vehicles.Class) vehicles.Handle {
	t.Helper()
	id, err := r.registry.OpenUnverified(vehicles.Source{Listener: "open", SystemID: 1}, class, "op")
	if err != nil {
		t.Fatal(err)
	}
	return id.Handle
}

func fix(h vehicles.Handle, lat, lon int32, bootMS uint32) vehicles.Report {
	r := vehicles.Report{Handle: h, Has: vehicles.HasPosition, BootMS: bootMS, ReceivedUS: time.Now().UnixMicro(), Heading: 9000}
	r.Fix.Point = geo.Point{Lat: lat, Lon: lon}
	r.Fix.Heights.Set(geo.AMSL, 50_000)
	return r
}

func heartbeatOf(h vehicles.Handle) vehicles.Report {
	return vehicles.Report{Handle: h, Has: vehicles.HasHeartbeat, Armed: true, ReceivedUS: time.Now().UnixMicro()}
}

func box(t *testing.T, id string, rev uint64, lat, lon int32) *geofence.Compiled {
	t.Helper()
	c, err := geofence.Compile(geofence.Fence{
		ID: id, Name: id, Kind: geofence.KeepOut, Rev: rev,
		Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
			{Lat: lat, Lon: lon}, {Lat: lat, Lon: lon + 1000}, {Lat: lat + 1000, Lon: lon + 1000}, {Lat: lat + 1000, Lon: lon},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *pipelineRig) transitions() []string {
	events, _ := r.heard.Take()
	var out []string
	for _, e := range events {
		if tr, ok := e.Body.(*Transition); ok {
			out = append(out, tr.Kind.String()+" "+tr.Fence.Fence.ID)
		}
	}
	return out
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestReportsBecomeTransitions(t *testing.T) {
	for _, shards := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			r := newPipelineRig(t, shards)
			defer r.stop()
			if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
				t.Fatal(err)
			}
			h := r.open(t, vehicles.UAV)
			r.Reports([]vehicles.Report{
				heartbeatOf(h), fix(h, 4900, 5500, 1000), fix(h, 5500, 5500, 2000), fix(h, 7000, 5500, 3000),
				fix(h, 4900, 5500, 4000), // back again: over the fence between two fixes
			})
			synctest.Wait()
			if got := r.transitions(); !equal(got, []string{"entered f", "left f", "crossed f"}) {
				t.Errorf("%d shards: %v", shards, got)
			}
			view, ok, err := r.Track(t.Context(), WholeZone(), h)
			if err != nil || !ok || view.Fix.Point.Lat != 4900 || view.Reports != 5 || len(view.Breaches) != 0 {
				t.Errorf("track %+v %v %v", view, ok, err)
			}
		})
	}
}

func TestSetFencesJudgesStandingVehicles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 2)
		defer r.stop()
		a, b := r.open(t, vehicles.UAV), r.open(t, vehicles.ICV)
		r.Reports([]vehicles.Report{fix(a, 5500, 5500, 1000), fix(b, 9000, 9000, 1000)})
		if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
			t.Fatal(err)
		}
		// No waiting here: when SetFences has returned, the breach is known.
		if got := r.transitions(); !equal(got, []string{"entered f"}) {
			t.Errorf("set: %v", got)
		}
		if view, _, _ := r.Track(t.Context(), WholeZone(), a); len(view.Breaches) != 1 {
			t.Errorf("breaches %v", view.Breaches)
		}
		if err := r.SetFences(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got := r.transitions(); !equal(got, []string{"ended f"}) {
			t.Errorf("removed: %v", got)
		}
	})
}

func TestSilentLinkIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 1)
		defer r.stop()
		h := r.open(t, vehicles.UAV)
		r.Reports([]vehicles.Report{heartbeatOf(h)})
		var got []string
		collect := func(d time.Duration) {
			time.Sleep(d) // of the bubble's clock
			synctest.Wait()
			events, _ := r.heard.Take()
			for _, e := range events {
				if l, ok := e.Body.(*LinkChange); ok {
					got = append(got, l.To.String())
				}
			}
		}
		collect(1900 * time.Millisecond)
		r.Reports([]vehicles.Report{fix(h, 1, 1, 1)}) // a position does not prove that the controller lives
		collect(300 * time.Millisecond)
		collect(3 * time.Second)
		r.Reports([]vehicles.Report{heartbeatOf(h)})
		collect(50 * time.Millisecond)
		if !equal(got, []string{"degraded", "lost", "nominal"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestClosedVehicleIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 2)
		defer r.stop()
		h := r.open(t, vehicles.UAV)
		r.Reports([]vehicles.Report{fix(h, 1, 1, 1)})
		r.Forget(h)
		synctest.Wait() // what waited when it was closed still counts
		r.Reports([]vehicles.Report{fix(h, 2, 2, 2)})
		synctest.Wait()
		if _, ok, _ := r.Track(t.Context(), WholeZone(), h); ok {
			t.Error("the track is still there")
		}
		if r.Stats().Orphans != 1 {
			t.Errorf("stats %+v", r.Stats())
		}
		events, _ := r.heard.Take()
		if len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		if gone, ok := events[0].Body.(*Gone); !ok || gone.Vehicle.Handle != h {
			t.Errorf("got %+v", events[0].Body)
		}
	})
}

// A schedule that begins over a standing vehicle breaches it then, not at its
// next report, and its end clears it.
func TestScheduleTogglesOverStandingVehicles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 2)
		defer r.stop()
		c := box(t, "f", 1, 5000, 5000)
		start := time.Now().Add(1500 * time.Millisecond)
		c.Fence.Schedule.Windows = []geofence.Window{{FromUS: start.UnixMicro(), ToUS: start.Add(2 * time.Second).UnixMicro()}}
		timed, err := geofence.Compile(c.Fence)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.SetFences(t.Context(), []*geofence.Compiled{timed}); err != nil {
			t.Fatal(err)
		}
		r.Reports([]vehicles.Report{fix(r.open(t, vehicles.UAV), 5500, 5500, 1000)})
		time.Sleep(1499 * time.Millisecond) // of the bubble's clock
		synctest.Wait()
		if got := r.transitions(); len(got) != 0 {
			t.Errorf("before the window: %v", got)
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		events, _ := r.heard.Take()
		if len(events) != 2 {
			t.Fatalf("at the window's begin: %d events, want the transition and the fence's change", len(events))
		}
		if tr, ok := events[0].Body.(*Transition); !ok || tr.Kind != geofence.Entered || tr.Flags&geofence.FenceChanged == 0 {
			t.Errorf("got %+v", events[0].Body)
		}
		if ch, ok := events[1].Body.(*FenceChange); !ok || ch.ID != "f" || ch.Deleted {
			t.Errorf("got %+v", events[1].Body)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := r.transitions(); !equal(got, []string{"ended f"}) {
			t.Errorf("at its end: %v", got)
		}
	})
}

func TestClassDecidesWhichFencesApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 1)
		defer r.stop()
		c := box(t, "f", 1, 5000, 5000)
		c.Fence.Classes = vehicles.ClassSet(vehicles.UAV)
		only, err := geofence.Compile(c.Fence)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.SetFences(t.Context(), []*geofence.Compiled{only}); err != nil {
			t.Fatal(err)
		}
		car, drone := r.open(t, vehicles.ICV), r.open(t, vehicles.UAV)
		r.Reports([]vehicles.Report{fix(car, 5500, 5500, 1000)})
		synctest.Wait()
		if got := r.transitions(); len(got) != 0 {
			t.Errorf("a car in a fence for drones: %v", got)
		}
		r.Reports([]vehicles.Report{fix(drone, 5500, 5500, 1000)})
		synctest.Wait()
		if got := r.transitions(); !equal(got, []string{"entered f"}) {
			t.Errorf("a drone in a fence for drones: %v", got)
		}
	})
}

func TestForgottenVehicleIsNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 2)
		defer r.stop()
		a, b, c := r.open(t, vehicles.UAV), r.open(t, vehicles.UAV), r.open(t, vehicles.UAV)
		r.Reports([]vehicles.Report{fix(a, 5500, 5500, 1000), fix(b, 5500, 5500, 1000), fix(c, 5500, 5500, 1000)})
		r.Forget(a)
		synctest.Wait()
		if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
			t.Fatal(err)
		}
		if got := r.transitions(); !equal(got, []string{"entered f", "entered f"}) {
			t.Errorf("got %v", got)
		}
		views, err := r.Tracks(t.Context(), WholeZone())
		if err != nil || len(views) != 2 || views[0].Handle != b || views[1].Handle != c {
			t.Errorf("tracks %+v, %v", views, err)
		}
	})
}

// A breach is foreseen while there is time, once, and taken back when the course changes.
func TestBreachIsForeseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 1)
		defer r.stop()
		for _, s := range r.shards { // before the first report: the shard reads it per look
			s.p.cfg.LookAheadS = 10
		}
		if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
			t.Fatal(err)
		}
		h := r.open(t, vehicles.UAV)
		boot, lat := uint32(1000), int32(4000)
		fly := func(seconds int, north int16) {
			for range seconds * 2 {
				report := fix(h, lat, 5500, boot)
				report.Velocity.N = north
				r.Reports([]vehicles.Report{heartbeatOf(h), report})
				boot += 500
				lat += int32(north) / 4 // cm/s for half a second, about 1.1 cm a unit
				time.Sleep(500 * time.Millisecond)
			}
			synctest.Wait()
		}
		var told []string
		collect := func() {
			events, _ := r.heard.Take()
			for _, e := range events {
				if p, ok := e.Body.(*Prediction); ok {
					told = append(told, fmt.Sprintf("%s %v", p.Fence.Fence.ID, p.Began))
					if p.Began && (p.InS <= 0 || p.InS > 10) {
						t.Errorf("in %v s", p.InS)
					}
				}
			}
		}
		fly(3, 200) // 2 m/s north, the fence is 11 m away
		collect()
		if !equal(told, []string{"f true"}) {
			t.Errorf("on course: %v", told)
		}
		fly(5, -200)
		collect()
		if !equal(told, []string{"f true", "f false"}) {
			t.Errorf("after turning away: %v", told)
		}
	})
}

func TestLiveTableShowsWhatIsNoMovement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 1)
		defer r.stop()
		h := r.open(t, vehicles.UAV)
		phase := func() vehicles.Phase {
			time.Sleep(250 * time.Millisecond) // of the bubble's clock: two ticks
			synctest.Wait()
			records := r.Fanout().Current().Records()
			if len(records) != 1 {
				t.Fatalf("%d records", len(records))
			}
			return vehicles.Phase(records[0].Status & 15)
		}
		r.Reports([]vehicles.Report{fix(h, 1, 1, 1), heartbeatOf(h)})
		if got := phase(); got != vehicles.Holding {
			t.Errorf("armed: %v", got)
		}
		disarmed := heartbeatOf(h)
		disarmed.Armed = false
		r.Reports([]vehicles.Report{disarmed})
		if got := phase(); got != vehicles.Parked {
			t.Errorf("disarmed without a movement: %v", got)
		}
		time.Sleep(6 * time.Second)
		if got := phase(); got != vehicles.PhaseLinkLost {
			t.Errorf("silent: %v", got)
		}
	})
}

// What was received before the stop is judged before Run returns.
func TestStopJudgesWhatWasReceived(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			r := newPipelineRig(t, 2)
			if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
				t.Fatal(err)
			}
			h := r.open(t, vehicles.UAV)
			r.Reports([]vehicles.Report{fix(h, 5500, 5500, 1000)})
			r.stop()
			if got := r.transitions(); !equal(got, []string{"entered f"}) {
				t.Fatalf("got %v", got)
			}
		})
	}
}

// A loud unverified vehicle cannot close the sessions of people; the alert book
// hears all of it.
func TestLoudVehicleIsQuietForSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPipelineRig(t, 1)
		defer r.stop()
		session, _ := r.bus.Subscribe(SubscribeConfig{Name: "session"})
		if err := r.SetFences(t.Context(), []*geofence.Compiled{box(t, "f", 1, 5000, 5000)}); err != nil {
			t.Fatal(err)
		}
		h := r.open(t, vehicles.UAV)
		for i := range uint32(50) {
			r.Reports([]vehicles.Report{fix(h, 4990, 5500, 2*i*10+10), fix(h, 5010, 5500, 2*i*10+20)})
		}
		synctest.Wait()
		heard := len(r.transitions())
		events, err := session.Take()
		if heard != 99 || len(events) != loudLimit || err != nil {
			t.Errorf("the book heard %d transitions, the session %d, %v", heard, len(events), err)
		}
		if st := r.Stats(); st.Quiet != 99-loudLimit {
			t.Errorf("stats %+v", st)
		}
	})
}

// A report of a vehicle that is followed and that changes no fence state costs
// no allocation, from the shard to the live table.
func TestShardStepDoesNotAllocate(t *testing.T) {
	registry, err := vehicles.NewRegistry(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Registry: registry, Engine: geofence.NewEngine(geofence.Config{}), Bus: NewBus(nil), Grid: testGrid, Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	p.cfg.Engine.SetFences([]*geofence.Compiled{box(t, "f", 1, 5000, 5000)})
	id, err := registry.OpenUnverified(vehicles.Source{}, vehicles.UAV, "op")
	if err != nil {
		t.Fatal(err)
	}
	s := p.shards[0]
	boot := uint32(1000)
	var r vehicles.Report
	move := func() {
		boot += 100
		r = fix(id.Handle, 4000+int32(boot%900), 4000, boot)
		s.step(&r)
	}
	for range 10_000 {
		move()
	}
	if n := testing.AllocsPerRun(10_000, move); n != 0 {
		t.Errorf("%v allocations per report", n)
	}
}

package telemetry

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// breachRig is a pipeline with one shard, a book on the same bus, one fence, and
// one vehicle that reports ten times a second.
type breachRig struct {
	*pipelineRig
	book    *Book
	journal *memory
	id      *vehicles.Identity
	boot    uint32
	quality vehicles.Report // sent before each fix when it has a group
}

// edge is the southern edge of a keep-out with sides of 200 m, in its middle.
var edge = geo.Point{Lat: 310_000_000, Lon: 1_210_000_000}

func newBreachRig(t *testing.T, class vehicles.Class, verified bool, fence geofence.Fence) *breachRig {
	t.Helper()
	r := &breachRig{pipelineRig: newPipelineRig(t, 1), journal: &memory{}, boot: 1000}
	r.book = NewBook(BookConfig{Bus: r.bus, Journal: r.journal, Pipeline: r.Pipeline})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.book.Run(ctx) }()
	stop := r.stop
	r.stop = func() {
		stop()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	var err error
	if r.id, err = r.registry.OpenUnverified(vehicles.Source{Listener: "l", SystemID: 1}, class, "op"); err != nil {
		t.Fatal(err)
	}
	r.id.Verified = verified // before anybody reads it
	fence.ID, fence.Name = "f", "f"
	fence.Shape.Polygons = []geo.Polygon{{Outer: geo.Ring{
		geo.Moved(edge, 0, -100), geo.Moved(edge, 0, 100), geo.Moved(edge, 200, 100), geo.Moved(edge, 200, -100),
	}}}
	c, err := geofence.Compile(fence)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetFences(t.Context(), []*geofence.Compiled{c}); err != nil {
		t.Fatal(err)
	}
	r.quality = vehicles.Report{Has: vehicles.HasQuality, FixType: 3, Satellites: 14, HDOP: 80, HAccMM: 3000, VAccMM: 5000}
	return r
}

// at reports a place north of the edge, a tenth of a second after the last one.
func (r *breachRig) at(north float64) { r.over(north, 60) }

func (r *breachRig) over(north float64, heightM int32) {
	time.Sleep(100 * time.Millisecond) // of the bubble
	r.boot += 100
	pos := fix(r.id.Handle, 0, 0, r.boot)
	pos.Fix.Point = geo.Moved(edge, north, 0)
	pos.Fix.Heights.Set(geo.AMSL, heightM*1000)
	batch := []vehicles.Report{pos}
	if r.quality.Has != 0 {
		q := r.quality
		q.Handle, q.ReceivedUS = r.id.Handle, pos.ReceivedUS
		batch = []vehicles.Report{q, pos}
	}
	r.Reports(batch)
	synctest.Wait()
}

// told is what was published since the last call: raw transitions, with ~ in
// front of those that were held back, jumps, settled and confirmed conditions.
func (r *breachRig) told() string {
	events, _ := r.heard.Take()
	var out []string
	for _, e := range events {
		switch b := e.Body.(type) {
		case *Transition:
			out = append(out, map[bool]string{true: "~"}[b.Held]+b.Kind.String())
		case *Jump:
			out = append(out, map[bool]string{true: "~"}[b.Again]+"jumped")
		case *Settled:
			out = append(out, "settled:"+string(b.Type)+":"+b.Cause)
		case *Confirmed:
			out = append(out, "confirmed")
		}
	}
	return strings.Join(out, " ")
}

func (r *breachRig) expect(t *testing.T, when, want string) {
	t.Helper()
	if got := r.told(); got != want {
		t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// only is the one alert that there is.
func (r *breachRig) only(t *testing.T) Alert {
	t.Helper()
	all := r.book.Alerts(WholeZone(), true)
	if len(all) != 1 {
		t.Fatalf("%d alerts: %+v", len(all), all)
	}
	return all[0]
}

// TestFlickerAlongAnEdgeIsOneAlert: a vehicle that goes a metre to and fro over
// an edge, with a position that is 3 m off, is one breach. Every raw transition
// is told, and counted by the alert.
func TestFlickerAlongAnEdgeIsOneAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(-1)
		for range 50 {
			r.at(1)
			r.at(-1)
		}
		if n := strings.Count(r.told(), "~"); n != 99 {
			t.Errorf("%d transitions held back, want 99 of 100", n)
		}
		time.Sleep(time.Second) // the count is told with the next second
		synctest.Wait()
		a := r.only(t)
		if a.State() != "raised" || a.Count != 1 || a.Raw != 100 {
			t.Errorf("alert %s, began %d times, stands for %d transitions", a.State(), a.Count, a.Raw)
		}
		told := 0
		events, _ := r.heard.Take()
		for _, e := range events {
			if b, ok := e.Body.(*Alert); ok && b.Raw == 100 {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the count was told %d times", told)
		}
		if n := len(r.journal.records); n != 1 {
			t.Errorf("%d facts for one alert that was raised", n)
		}

		r.at(-2.5)
		r.expect(t, "nearer than the accuracy", "")
		r.at(-3.5)
		r.expect(t, "farther than the accuracy", "settled:fence_breach:complied")
		if a := r.only(t); a.State() != "cleared" || a.Cause != "complied" || a.Raw != 100 {
			t.Errorf("alert %s, %q, %d transitions", a.State(), a.Cause, a.Raw)
		}
		r.at(0.1)
		r.expect(t, "in again", "entered")
	})
}

// TestEndOfABreach: what ends one, and after how many fixes.
func TestEndOfABreach(t *testing.T) {
	amsl := func(m int32) geo.Altitude { return geo.Altitude{MM: m * 1000, Datum: geo.AMSL} }
	keepOut := geofence.Fence{Kind: geofence.KeepOut, Ceiling: amsl(100)}
	keepIn := geofence.Fence{Kind: geofence.KeepIn}
	for _, tc := range []struct {
		name     string
		class    vehicles.Class
		fence    geofence.Fence
		accurate bool
		in       float64 // where the breach is
		north    float64 // where it goes, and stays
		heightM  int32
		first    string // what is told of the first fix there
		fixes    int    // after which the breach is over
	}{
		{"well beyond the edge", vehicles.UAV, keepOut, true, 2, -4, 60, "left", 1},
		{"just beyond the edge", vehicles.UAV, keepOut, true, 2, -2, 60, "~left", 20},
		{"a boat just beyond the edge", vehicles.USV, keepOut, true, 2, -1, 60, "~left", 10},
		{"the accuracy is not known, and taken for 5 m", vehicles.UAV, keepOut, false, 2, -4, 60, "~left", 20},
		{"farther than the 5 m", vehicles.UAV, keepOut, false, 2, -6, 60, "left", 1},
		{"just above", vehicles.UAV, keepOut, true, 2, 2, 104, "~left", 20},
		{"well above", vehicles.UAV, keepOut, true, 2, 2, 106, "left", 1},
		{"above, the accuracy taken for 10 m", vehicles.UAV, keepOut, false, 2, 2, 106, "~left", 20},
		{"just inside a keep-in", vehicles.UAV, keepIn, true, -1, 2, 60, "~entered", 20},
		{"well inside a keep-in", vehicles.UAV, keepIn, true, -1, 4, 60, "entered", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBreachRig(t, tc.class, false, tc.fence)
			defer r.stop()
			if !tc.accurate {
				r.quality.Has = 0
			}
			for range 3 {
				r.at(tc.in)
			}
			r.told()
			r.over(tc.north, tc.heightM)
			r.expect(t, tc.name, tc.first)
			for n := 1; r.only(t).ClearedUS == 0; n++ {
				if n > 100 {
					t.Fatalf("%s: never over", tc.name)
				}
				r.over(tc.north, tc.heightM)
				if r.only(t).ClearedUS != 0 && n+1 != tc.fixes {
					t.Errorf("%s: over after %d fixes, want %d", tc.name, n+1, tc.fixes)
				}
			}
			if tc.fixes == 1 != (strings.Trim(tc.first, "~") == tc.first) {
				t.Errorf("%s: told %s", tc.name, tc.first)
			}
		})
	}
}

// TestFenceThatGoesEndsItsBreach: no accuracy is asked when the fence changed.
func TestFenceThatGoesEndsItsBreach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, false, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(1)
		r.at(-1)
		r.expect(t, "on the edge", "entered ~left")
		r.at(1)
		if err := r.SetFences(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.expect(t, "gone", "~entered ended")
		if a := r.only(t); a.ClearedUS == 0 || a.Cause != "fence_ended" {
			t.Errorf("alert %s, %q", a.State(), a.Cause)
		}
	})
}

// TestOneFixDoesNotEndABreachByAJump: the vehicle must be seen there again.
func TestOneFixDoesNotEndABreachByAJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(50)
		r.told()
		r.at(-500)
		r.expect(t, "a jump out", "jumped ~left")
		r.at(50)
		r.expect(t, "and back", "~jumped ~entered")
		r.at(-500)
		r.at(-501)
		r.expect(t, "out for good", "~jumped ~left settled:fence_breach:complied")
	})
}

// TestFixesThatEndABreachAreInARow: a late one among them begins the count anew.
func TestFixesThatEndABreachAreInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(1)
		for range 19 {
			r.at(-1)
		}
		r.boot -= 250
		r.at(-1) // late
		r.boot += 150
		r.told()
		for range 19 {
			r.at(-1)
		}
		r.expect(t, "19 in a row", "")
		r.at(-1)
		r.expect(t, "20", "settled:fence_breach:complied")
	})
}

// TestBreachesOfSeveralFences end each for itself, whatever order they began in.
func TestBreachesOfSeveralFences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		var set []*geofence.Compiled
		for i, id := range []string{"c", "b", "a", "d"} { // each 10 m farther north
			south := geo.Moved(edge, float64(10*i), 0)
			c, err := geofence.Compile(geofence.Fence{ID: id, Kind: geofence.KeepOut, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
				geo.Moved(south, 0, -100), geo.Moved(south, 0, 100), geo.Moved(south, 200, 100), geo.Moved(south, 200, -100),
			}}}}})
			if err != nil {
				t.Fatal(err)
			}
			set = append(set, c)
		}
		if err := r.SetFences(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		for north := -5.0; north <= 35; north += 2 {
			r.at(north)
		}
		for north := 35.0; north >= -5; north -= 2 {
			r.at(north)
		}
		if got, want := r.told(), "entered entered entered confirmed entered confirmed confirmed confirmed "+
			"~left settled:fence_breach:complied ~left settled:fence_breach:complied ~left settled:fence_breach:complied ~left settled:fence_breach:complied"; sorted(got) != sorted(want) {
			t.Errorf("told %q", got)
		}
		for _, a := range r.book.Alerts(WholeZone(), true) {
			if a.ClearedUS == 0 || a.Count != 1 || a.Raw != 2 || a.ConfirmedUS == 0 {
				t.Errorf("%s: %s, began %d times, %d transitions, confirmed at %d", a.Fence.ID, a.State(), a.Count, a.Raw, a.ConfirmedUS)
			}
		}
	})
}

func sorted(words string) string {
	list := strings.Fields(words)
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestDeferredBreachKeepsItsCounts: a condition that changes too often waits for
// the next second; nothing that is told of it meanwhile is lost.
func TestDeferredBreachKeepsItsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		raw := 0
		tell := func(kind geofence.TransitionKind, held bool) {
			c := crossing(kind, drone, time.Now().UnixMicro())
			c.Held = held
			r.publish(c)
			raw++
		}
		for range changesPerMinute/2 + 2 {
			tell(geofence.Entered, false)
			tell(geofence.Left, false)
		}
		tell(geofence.Entered, false)
		tell(geofence.Left, true)
		tell(geofence.Entered, true)
		r.publish(&Confirmed{Vehicle: drone, Fence: hospital})
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		all := r.Alerts(WholeZone(), true)
		if len(all) != 1 || all[0].Raw != raw || all[0].ConfirmedUS == 0 || all[0].ClearedUS != 0 {
			t.Errorf("%d transitions: %+v", raw, all)
		}
	})
}

// TestOpenBreachesDoNotAllocate: not while they wait for grounds or for their end.
func TestOpenBreachesDoNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		r.quality.FixType = 2 // never enough for an order
		r.at(1)
		r.at(1)
		r.stop()
		s := r.shards[0]
		rep := fix(r.id.Handle, 0, 0, 0)
		where := geo.Moved(edge, 1, 0)
		move := func() {
			r.boot += 100
			rep.BootMS, rep.Fix.Point = r.boot, where
			s.step(&rep)
		}
		if n := testing.AllocsPerRun(1000, move); n != 0 {
			t.Errorf("within: %v allocations", n)
		}
		where = geo.Moved(edge, -1, 0)
		move()
		v := s.vehicle(r.id.Handle)
		if len(v.breaches) != 1 || !v.breaches[0].ending {
			t.Fatalf("breaches %+v", v.breaches)
		}
		if n := testing.AllocsPerRun(10, move); n != 0 {
			t.Errorf("ending: %v allocations", n)
		}
		if !v.breaches[0].ending {
			t.Error("over too early")
		}
	})
}

package geofence

import (
	"fmt"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// rig is one vehicle under one engine, for tables.
type rig struct {
	t      *testing.T
	engine *Engine
	shard  *Shard
	now    int64
}

func newRig(t *testing.T, fences ...*Compiled) *rig {
	r := &rig{t: t, engine: NewEngine(Config{}), now: 1_000_000_000}
	r.engine.SetFences(fences)
	r.shard = r.engine.NewShard()
	r.shard.Admit(1, Subject{Class: vehicles.UAV})
	return r
}

// sample is a position "lat,lon" some seconds after the last.
func (r *rig) sample(at string, seconds float64) Sample {
	r.now += int64(seconds * 1e6)
	s := Sample{ReceivedUS: r.now, BootMS: uint32(r.now / 1000)}
	s.Fix.Point = geo.MustRing(at)[0]
	s.Fix.Heights.Set(geo.AMSL, 50_000)
	return s
}

func (r *rig) step(at string, seconds float64) string {
	return brief(r.shard.Step(1, new(r.sample(at, seconds)), nil))
}

func brief(ts []Transition) (s string) {
	for i, t := range ts {
		if i > 0 {
			s += "; "
		}
		s += fmt.Sprint(t.Kind, " ", t.Fence.Fence.ID)
		for _, n := range t.Flags.Names() {
			s += " " + n
		}
	}
	return s
}

func keepOut(t *testing.T, id string, rev uint64, ring string) *Compiled {
	return mustCompile(t, Fence{ID: id, Kind: KeepOut, Rev: rev, Shape: Shape{Polygons: polygons(ring)}})
}

func TestMotion(t *testing.T) {
	thin := keepOut(t, "thin", 1, "31,121 31,121.001 32,121.001 32,121")
	far := keepOut(t, "far", 1, "-10,9.9 -10,10.1 40,10.1 40,9.9")
	west := keepOut(t, "west", 1, "0,179.9 0,180 1,180 1,179.9")
	east := keepOut(t, "east", 1, "0,-180 0,-179.9 1,-179.9 1,-180")
	for _, tc := range []struct {
		name     string
		from, to string
		seconds  float64
		want     string
	}{
		{"across a thin fence", "31.5,120.99", "31.5,121.01", 60, "crossed thin"},
		{"on the prolongation of an edge", "30.9,121", "30.99,121", 60, ""},
		{"onto the edge", "31.5,120.999", "31.5,121", 60, "entered thin"},
		{"past longitude 180, with a fence at 10", "31,179.99", "31,-179.99", 60, ""},
		{"into a fence behind longitude 180", "0.5,179.8999", "0.5,-179.95", 600, "entered east; crossed west"},
		{"onto longitude 180 from the west", "0.5,179.85", "0.5,180", 600, "entered east; entered west"},
		{"onto longitude 180 by its other name", "0.5,179.85", "0.5,-180", 600, "entered east; entered west"},
		{"70 km in a second", "31.5,120.5", "31.5,121.2", 1, ""},
		{"70 km in a second, into a fence", "31.5,120.5", "31.5,121.0005", 1, "entered thin jump"},
		{"70 km in an hour is no straight line either", "31.5,120.5", "31.5,121.2", 3600, ""},
		{"half way around the earth", "31.5,-60", "31.5,121.0005", 1e6, "entered thin jump"},
	} {
		r := newRig(t, thin, far, west, east)
		if got := r.step(tc.from, 0); got != "" && tc.name != "onto the edge" {
			t.Errorf("%s: first fix: %s", tc.name, got)
		}
		if got := r.step(tc.to, tc.seconds); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestCreepOntoAntimeridian checks that no safe box hides the meridian at which
// the fences of the other side end.
func TestCreepOntoAntimeridian(t *testing.T) {
	for _, side := range []int32{1, -1} {
		ring := geo.MustRing("0,179.9 0,180 1,180 1,179.9")
		for i := range ring {
			ring[i].Lon *= side
		}
		r := newRig(t, mustCompile(t, Fence{ID: "a", Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: ring}}}}))
		var all string
		for i := range int32(80) { // there and back
			s := r.sample("0.5,0", 1)
			s.Fix.Point.Lon = -side * (geo.MaxLon - max(39-i, i-39)*10)
			all += brief(r.shard.Step(1, &s, nil))
		}
		if all != "entered aleft a" {
			t.Errorf("side %d: %q", side, all)
		}
	}
}

func TestOrder(t *testing.T) {
	thin := keepOut(t, "thin", 1, "31,121 31,121.001 32,121.001 32,121")
	outside, inside := "31.5,120.999", "31.5,121.0005"
	for _, tc := range []struct {
		name       string
		bootMS     uint32 // of the second sample; the first has 100,000
		receivedUS int64  // of the second sample, after the first
		at         string
		want       string
	}{
		{"next", 101_000, 1_000_000, inside, "entered thin"},
		{"older by the device", 99_000, 1_000_000, inside, ""},
		{"older by the server only", 101_000, -1_000_000, inside, "entered thin"},
		{"the same instant, elsewhere", 100_000, 0, inside, "entered thin jump"},
		{"the same once more", 100_000, 1_000_000, outside, ""},
		{"rebooted", 5000, 30_000_000, inside, "entered thin"},
		{"no device time", 0, 1_000_000, inside, "entered thin"},
		{"no device time, the server's clock set back", 0, -1_000_000, inside, "entered thin"},
		{"off the globe", 101_000, 1_000_000, "", ""},
	} {
		r := newRig(t, thin)
		first := r.sample(outside, 0)
		first.BootMS = 100_000
		r.shard.Step(1, &first, nil)
		second := first
		second.BootMS, second.ReceivedUS = tc.bootMS, first.ReceivedUS+tc.receivedUS
		second.Fix.Point = geo.Point{Lat: 910_000_000}
		if tc.at != "" {
			second.Fix.Point = geo.MustRing(tc.at)[0]
		}
		if got := brief(r.shard.Step(1, &second, nil)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestBootClockWraps checks that a device clock may wrap after 49.7 days.
func TestBootClockWraps(t *testing.T) {
	r := newRig(t, keepOut(t, "thin", 1, "31,121 31,121.001 32,121.001 32,121"))
	first := r.sample("31.5,120.999", 0)
	first.BootMS = 1<<32 - 500
	r.shard.Step(1, &first, nil)
	second := r.sample("31.5,121.0005", 1)
	second.BootMS = 500
	if got := brief(r.shard.Step(1, &second, nil)); got != "entered thin" {
		t.Errorf("%q", got)
	}
}

func TestChanges(t *testing.T) {
	const here, there = "31,121 31,121.01 31.01,121.01 31.01,121", "32,121 32,121.01 32.01,121.01 32.01,121"
	keepIn := func(id string, rev uint64, ring string) *Compiled {
		return mustCompile(t, Fence{ID: id, Kind: KeepIn, Rev: rev, Shape: Shape{Polygons: polygons(ring)}})
	}
	forBoats := mustCompile(t, Fence{ID: "a", Kind: KeepOut, Rev: 2, Shape: Shape{Polygons: polygons(here)}, Classes: vehicles.ClassSet(vehicles.USV)})
	many := func(ring string) (out []*Compiled) {
		for i := range 40 {
			out = append(out, keepOut(t, fmt.Sprint("x", i), 1, "33,121 33,121.01 33.01,121.01"))
		}
		return append(out, keepOut(t, "a", 1, ring))
	}
	for _, tc := range []struct {
		name          string
		before, after []*Compiled
		want          string
	}{
		{"added over it", nil, []*Compiled{keepOut(t, "a", 1, here)}, "entered a fence_changed"},
		{"added elsewhere", nil, []*Compiled{keepOut(t, "a", 1, there)}, ""},
		{"moved over it", []*Compiled{keepOut(t, "a", 1, there)}, []*Compiled{keepOut(t, "a", 2, here)}, "entered a fence_changed"},
		{"moved away", []*Compiled{keepOut(t, "a", 1, here)}, []*Compiled{keepOut(t, "a", 2, there)}, "left a fence_changed"},
		{"moved without a new revision", []*Compiled{keepOut(t, "a", 1, here)}, []*Compiled{keepOut(t, "a", 1, there)}, "left a fence_changed"},
		{"changed in place", []*Compiled{keepOut(t, "a", 1, here)}, []*Compiled{keepOut(t, "a", 2, here)}, ""},
		{"compiled anew", []*Compiled{keepOut(t, "a", 1, here)}, []*Compiled{keepOut(t, "a", 1, here)}, ""},
		{"removed", []*Compiled{keepOut(t, "a", 1, here)}, nil, "ended a fence_changed"},
		{"removed elsewhere", []*Compiled{keepOut(t, "a", 1, there)}, nil, ""},
		{"no longer for it", []*Compiled{keepOut(t, "a", 1, here)}, []*Compiled{forBoats}, "ended a fence_changed"},
		{"keep-out becomes keep-in", []*Compiled{keepOut(t, "a", 1, here)}, []*Compiled{keepIn("a", 2, here)}, "ended a fence_changed; entered a fence_changed"},
		{"keep-in added elsewhere", nil, []*Compiled{keepIn("a", 1, there)}, "left a fence_changed"},
		{"keep-in added over it", nil, []*Compiled{keepIn("a", 1, here)}, "entered a fence_changed"},
		{"breached keep-in removed", []*Compiled{keepIn("a", 1, there)}, nil, "ended a fence_changed"},
		{"many added", nil, many(here), "entered a fence_changed"},
		{"many removed", many(here), nil, "ended a fence_changed"},
		{"two with one id: the last counts", nil, []*Compiled{keepOut(t, "a", 1, here), keepOut(t, "a", 2, there)}, ""},
		{"nil is nothing", []*Compiled{nil}, []*Compiled{nil, keepOut(t, "a", 1, here)}, "entered a fence_changed"},
	} {
		for _, how := range []string{"refresh", "step", "late step"} {
			r := newRig(t, tc.before...)
			r.step("31.005,121.005", 0)
			for i := range 3 { // so that a safe box stands
				r.step(fmt.Sprintf("31.005000%d,121.005", i), 1)
			}
			r.engine.SetFences(tc.after)
			var got string
			switch how {
			case "refresh":
				got = brief(r.shard.Refresh(r.now, nil))
			case "step":
				got = r.step("31.0050002,121.005", 1)
			case "late step":
				r.now -= 2_000_000
				got = r.step("31.0050001,121.005", 1)
			}
			if got != tc.want {
				t.Errorf("%s, by %s: %q, want %q", tc.name, how, got, tc.want)
			}
			if again := brief(r.shard.Refresh(r.now, nil)); again != "" {
				t.Errorf("%s, by %s: told twice: %q", tc.name, how, again)
			}
		}
	}
}

// TestSeveralChangesBetweenSteps checks a vehicle that slept through some sets.
func TestSeveralChangesBetweenSteps(t *testing.T) {
	const here = "31,121 31,121.01 31.01,121.01 31.01,121"
	r := newRig(t, keepOut(t, "old", 1, here))
	r.step("31.005,121.005", 0)
	r.engine.SetFences(nil)
	r.engine.SetFences([]*Compiled{keepOut(t, "passing", 1, here)})
	r.engine.SetFences([]*Compiled{keepOut(t, "new", 1, here)})
	if got, want := brief(r.shard.Refresh(r.now, nil)), "entered new fence_changed; ended old fence_changed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestClassBecomesKnown(t *testing.T) {
	street := mustCompile(t, Fence{ID: "street", Kind: KeepOut, Classes: vehicles.ClassSet(vehicles.ICV), Shape: Shape{Polygons: polygons(unitSquare)}})
	r := newRig(t, street)
	r.shard.Forget(1)
	r.shard.Admit(1, Subject{})
	if got := r.step("31.05,121.05", 0); got != "entered street first_fix" {
		t.Errorf("unknown class: %q", got)
	}
	r.shard.Admit(1, Subject{Class: vehicles.UAV})
	if got := r.step("31.0500001,121.05", 1); got != "ended street fence_changed" {
		t.Errorf("a drone after all: %q", got)
	}
	if n := r.shard.Breached(1); n != 0 {
		t.Errorf("breaches %d", n)
	}
}

func TestAdmitForget(t *testing.T) {
	r := newRig(t, keepOut(t, "a", 1, unitSquare))
	s := r.sample("31.05,121.05", 0)
	if got := brief(r.shard.Step(77, &s, nil)); got != "entered a first_fix" {
		t.Errorf("never admitted: %q", got)
	}
	if n := r.shard.Breached(77); n != 1 {
		t.Errorf("breaches %d", n)
	}
	r.shard.Forget(77)
	r.shard.Forget(77)
	if n := r.shard.Breached(77); n != 0 || len(r.shard.Breaches(77, nil)) != 0 {
		t.Errorf("forgotten, breaches %d", n)
	}
	r.engine.SetFences(nil)
	if got := brief(r.shard.Refresh(r.now, nil)); got != "" {
		t.Errorf("forgotten, but %q", got)
	}
	r.shard.Admit(78, Subject{Class: vehicles.UAV}) // takes the freed place
	if n := r.shard.Breached(78); n != 0 {
		t.Errorf("a new vehicle breaches %d", n)
	}
}

// TestEllipsoid checks a WGS-84 ceiling against a vehicle that knows its height
// above the geoid only: near Shanghai that is 11.1 m less.
func TestEllipsoid(t *testing.T) {
	ring := "31.2,121.4 31.2,121.5 31.3,121.5 31.3,121.4"
	c := mustCompile(t, Fence{ID: "a", Kind: KeepOut, Shape: Shape{Polygons: polygons(ring)}, Ceiling: geo.Altitude{MM: 111_000, Datum: geo.WGS84}})
	r := newRig(t, c)
	step := func(amsl int32, set bool) string {
		s := r.sample("31.2304,121.4737", 1)
		s.Fix.Heights = geo.Heights{}
		if set {
			s.Fix.Heights.Set(geo.AMSL, amsl)
		}
		return brief(r.shard.Step(1, &s, nil))
	}
	for _, tc := range []struct {
		amsl int32
		set  bool
		want string
	}{{99_000, true, "entered a first_fix"}, {99_800, true, ""}, {99_900, true, "left a"}, {120_000, true, ""},
		{0, false, "entered a altitude_unknown"}, {0, false, ""}, {120_000, true, "left a"}} {
		if got := step(tc.amsl, tc.set); got != tc.want {
			t.Errorf("%d mm, known %v: %q, want %q", tc.amsl, tc.set, got, tc.want)
		}
	}
}

// TestAboveGround checks an AGL ceiling: a car is on the ground, a drone unknown.
func TestAboveGround(t *testing.T) {
	c := mustCompile(t, Fence{ID: "a", Kind: KeepIn, Shape: Shape{Polygons: polygons(unitSquare)}, Ceiling: geo.Altitude{MM: 100_000, Datum: geo.AGL}})
	r := newRig(t, c)
	if got := r.step("31.05,121.05", 1); got != "left a first_fix altitude_unknown" {
		t.Errorf("a drone: %q", got)
	}
	r.shard.Admit(2, Subject{Class: vehicles.ICV})
	if got := brief(r.shard.Step(2, new(r.sample("31.05,121.05", 1)), nil)); got != "entered a first_fix" {
		t.Errorf("a car: %q", got)
	}
}

// TestDatum checks which datum a transition names.
func TestDatum(t *testing.T) {
	f := Fence{ID: "a", Kind: KeepOut, Shape: Shape{Polygons: polygons(unitSquare)},
		Floor: geo.Altitude{MM: 40_000, Datum: geo.AMSL}, Ceiling: geo.Altitude{MM: 100_000, Datum: geo.Takeoff}}
	r := newRig(t, mustCompile(t, f))
	at := func(amsl, takeoff int32) (ts []Transition) {
		s := r.sample("31.05,121.05", 1)
		s.Fix.Heights.Set(geo.AMSL, amsl)
		s.Fix.Heights.Set(geo.Takeoff, takeoff)
		return r.shard.Step(1, &s, nil)
	}
	at(30_000, 30_000)
	for _, tc := range []struct {
		amsl, takeoff int32
		want          geo.Datum
	}{{50_000, 50_000, geo.AMSL}, {50_000, 101_000, geo.Takeoff}, {50_000, 99_000, geo.Takeoff}, {39_999, 99_000, geo.AMSL}} {
		ts := at(tc.amsl, tc.takeoff)
		if len(ts) != 1 || ts[0].Datum != tc.want {
			t.Errorf("%+v: %s, datum %v", tc, brief(ts), ts[0].Datum)
		}
	}
}

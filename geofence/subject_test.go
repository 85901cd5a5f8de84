package geofence

import (
	"errors"
	"math"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

func TestAppliesTo(t *testing.T) {
	ada := Subject{Class: vehicles.UAV, Operator: "ada", Vehicle: "v1", Permit: "pm_1", Verified: true}
	stranger := ada
	stranger.Verified = false
	for _, tc := range []struct {
		name          string
		f             Fence
		ada, stranger bool
	}{
		{"anybody", Fence{}, true, true},
		{"another class", Fence{Classes: vehicles.ClassSet(vehicles.USV)}, false, false},
		{"the operator", Fence{Operators: []string{"bob", "ada"}}, true, true},
		{"another operator", Fence{Operators: []string{"bob"}}, false, false},
		{"the vehicle", Fence{Vehicles: []vehicles.VehicleID{"v1"}}, true, false},
		{"another vehicle", Fence{Vehicles: []vehicles.VehicleID{"v2"}}, false, false},
		{"the operator's other vehicle", Fence{Operators: []string{"ada"}, Vehicles: []vehicles.VehicleID{"v2"}}, false, false},
		{"operator exempt", Fence{ExemptOperators: []string{"ada"}}, false, true},
		{"vehicle exempt", Fence{ExemptVehicles: []vehicles.VehicleID{"v1"}}, false, true},
		{"others exempt", Fence{ExemptOperators: []string{"bob"}, ExemptVehicles: []vehicles.VehicleID{"v2"}}, true, true},
		{"the permit", Fence{Permits: []string{"pm_1"}}, true, false},
		{"another permit", Fence{Permits: []string{"pm_2"}}, false, false},
		{"permit exempt", Fence{ExemptPermits: []string{"pm_1"}}, false, true},
		{"another permit exempt", Fence{ExemptPermits: []string{"pm_2"}}, true, true},
		{"listed and exempt", Fence{Operators: []string{"ada"}, ExemptVehicles: []vehicles.VehicleID{"v1"}}, false, true},
	} {
		tc.f.Kind, tc.f.Shape.Polygons = KeepOut, polygons(unitSquare)
		c := mustCompile(t, tc.f)
		if got, not := c.AppliesTo(&ada), c.AppliesTo(&stranger); got != tc.ada || not != tc.stranger {
			t.Errorf("%s: %v, unverified %v", tc.name, got, not)
		}
	}
}

func TestBreachedBy(t *testing.T) {
	at := func(where string, cms int16) *Sample {
		return &Sample{Fix: geo.Fix{Point: geo.MustRing(where)[0]}, Velocity: vehicles.Velocity{E: cms}}
	}
	const inside, outside = "31.05,121.05", "31.5,121.05"
	for _, tc := range []struct {
		kind Kind
		smp  *Sample
		want bool
	}{
		{KeepOut, at(inside, 0), true}, {KeepOut, at(outside, 0), false},
		{KeepIn, at(inside, 0), false}, {KeepIn, at(outside, 0), true},
		{SpeedLimit, at(inside, 1390), false}, {SpeedLimit, at(inside, 1391), true}, {SpeedLimit, at(outside, 1391), false},
	} {
		f := Fence{Kind: tc.kind, Shape: Shape{Polygons: polygons(unitSquare)}, Classes: vehicles.ClassSet(vehicles.UAV)}
		if f.Kind == SpeedLimit {
			f.SpeedMPS = 13.9
		}
		c := mustCompile(t, f)
		if got := c.BreachedBy(tc.smp, &Subject{Class: vehicles.UAV}); got != tc.want || c.BreachedBy(tc.smp, &Subject{Class: vehicles.USV}) {
			t.Errorf("%v, %+v: %v", tc.kind, tc.smp, got)
		}
	}
}

// TestSubjectChanges admits a vehicle again with another operator.
func TestSubjectChanges(t *testing.T) {
	f := Fence{ID: "a", Kind: KeepOut, Shape: Shape{Polygons: polygons(unitSquare)}, ExemptOperators: []string{"ada"}}
	r := newRig(t, mustCompile(t, f))
	if got := r.step("31.05,121.05", 0); got != "entered a first_fix" {
		t.Errorf("%q", got)
	}
	r.shard.Admit(1, Subject{Class: vehicles.UAV, Operator: "ada", Verified: true})
	if got := brief(r.shard.Refresh(r.now, nil)); got != "ended a fence_changed" || r.shard.Breached(1) != 0 {
		t.Errorf("%q", got)
	}
}

func TestSpeedLimit(t *testing.T) {
	c := mustCompile(t, Fence{ID: "a", Kind: SpeedLimit, SpeedMPS: 5, Shape: Shape{Polygons: polygons(unitSquare)}, Ceiling: geo.Altitude{MM: 60_000, Datum: geo.AMSL}})
	r := newRig(t, c)
	effects := map[Effect]int{}
	for i, tc := range []struct {
		at      string
		n, e    int16
		unknown bool
		want    string
	}{
		{"31.05,120.9999", 900, 0, false, ""},
		{"31.05,121.0001", 900, 0, false, "entered a; over_speed a"},
		{"31.05,121.0002", 900, 0, true, ""},
		{"31.05,121.0003", 300, -400, false, "speed_ok a"},
		{"31.05,121.0004", 300, -400, false, ""}, // a safe box stands
		{"31.05,121.0004", 301, -400, false, "over_speed a"},
		{"31.05,121.0004", 302, -400, false, ""},
		{"31.05,120.9999", 301, -400, false, "speed_ok a; left a"},
		{"31.05,121.0004", 900, 0, true, "entered a"},
	} {
		s := r.sample(tc.at, 10)
		s.Velocity, s.VelocityUnknown = vehicles.Velocity{N: tc.n, E: tc.e}, tc.unknown
		ts := r.shard.Step(1, &s, nil)
		if got := brief(ts); got != tc.want {
			t.Errorf("%d: %q, want %q", i, got, tc.want)
		}
		for k := range ts {
			effects[ts[k].Effect()]++
		}
	}
	if effects[BreachBegins] != 2 || effects[BreachEnds] != 2 || effects[NoEffect] != 3 {
		t.Errorf("effects %v", effects)
	}
	for _, bad := range []Fence{
		{Kind: SpeedLimit}, {Kind: SpeedLimit, SpeedMPS: math.NaN()}, {Kind: SpeedLimit, SpeedMPS: -1}, {Kind: SpeedLimit, SpeedMPS: 401}, {Kind: KeepOut, SpeedMPS: 5},
	} {
		bad.Shape.Polygons = polygons(unitSquare)
		if _, err := Compile(bad); !errors.Is(err, ErrSpeed) {
			t.Errorf("%v %v m/s: %v", bad.Kind, bad.SpeedMPS, err)
		}
	}
}

package geofence

import (
	"fmt"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestGroupsDoNotAllocate goes from member to member of a group, through a gap
// between two, out of all and back, and looks ahead at each step.
func TestGroupsDoNotAllocate(t *testing.T) {
	var set []*Compiled
	for i := range int32(4) {
		west := i * 1000
		if i >= 2 {
			west += 50 // a gap
		}
		set = append(set, mustCompile(t, Fence{ID: fmt.Sprint("m", i), Kind: KeepIn, Group: "g", Ceiling: geo.Altitude{MM: 50_000, Datum: geo.AMSL},
			Shape: Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{{Lat: 0, Lon: west}, {Lat: 0, Lon: west + 1000}, {Lat: 1000, Lon: west + 1000}, {Lat: 1000, Lon: west}}}}}}))
	}
	e := NewEngine(Config{})
	e.SetFences(set)
	s := e.NewShard()
	smp := Sample{ReceivedUS: 1, Velocity: vehicles.Velocity{E: 500, D: -20}}
	smp.Fix.Heights.Set(geo.AMSL, 20_000)
	out, seen := make([]Transition, 0, 64), make([]Prediction, 0, 64)
	kinds := map[TransitionKind]int{}
	drive := func() {
		for _, lon := range [...]int32{500, 1500, 2500, 3500, 5000, 3500, 500, 3500, 999, 1001, 500} {
			smp.ReceivedUS += 1_000_000
			smp.Fix.Point = geo.Point{Lat: 500, Lon: lon}
			out = s.Step(1, &smp, out[:0])
			for i := range out {
				kinds[out[i].Kind]++
			}
			seen = s.Ahead(1, 30, seen[:0])
		}
	}
	drive()
	clear(kinds)
	if n := testing.AllocsPerRun(20, drive); n != 0 || kinds[Crossed] == 0 || kinds[GroupLeft] == 0 {
		t.Errorf("%v allocations; %v", n, kinds)
	}
}

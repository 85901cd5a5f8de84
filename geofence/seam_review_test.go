package geofence

import (
	"testing"

	"testzone/geofence/geo"
)

// TestGapBeyondTheSeam flies over longitude 180 from one member of a group to the
// next, through the margin of the first: there no member holds the vehicle.
func TestGapBeyondTheSeam(t *testing.T) {
	member := func(id string, west, notch, east int32, marginM float64) *Compiled {
		return mustCompile(t, Fence{ID: id, Kind: KeepIn, Group: "g", MarginM: marginM, Shape: Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
			{Lat: 300_000_000, Lon: west}, {Lat: 300_000_000, Lon: east}, {Lat: 300_040_000, Lon: east}, {Lat: 300_030_000, Lon: notch}, {Lat: 300_040_000, Lon: west}}}}}})
	}
	const at = geo.MaxLon
	e := NewEngine(Config{})
	e.SetFences([]*Compiled{member("a", at-20_000, at-5_000, 20_000-at, 50), member("b", 20_000-at, 40_000-at, 60_000-at, 0)})
	for _, plain := range []bool{false, true} {
		s := e.NewShard()
		s.plain = plain
		smp := Sample{ReceivedUS: 1, Fix: geo.Fix{Point: geo.Point{Lat: 300_010_000, Lon: at - 5_000}}}
		smp.Velocity.E = 4500
		s.Step(1, &smp, nil)
		ahead := s.Ahead(1, 10, nil)
		smp.Fix.Point, smp.ReceivedUS = geo.Point{Lat: 300_010_100, Lon: 30_000 - at}, 10_000_001
		breached := false
		for _, tr := range s.Step(1, &smp, nil) {
			breached = breached || tr.Effect() == BreachPassed
		}
		if !breached || len(ahead) != 1 {
			t.Errorf("plain=%v: passed through 50 m between the members: breach %v, foreseen %v", plain, breached, ahead)
		}
	}
}

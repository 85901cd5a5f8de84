package geo_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence/geo"
)

func TestMeet(t *testing.T) {
	p := func(lat, lon int32) geo.Point { return geo.Point{Lat: lat, Lon: lon} }
	for _, tc := range []struct {
		name       string
		a, b, c, d geo.Point
		want       geo.Lie
	}{
		{"cross", p(0, 0), p(10, 10), p(0, 10), p(10, 0), geo.Crossing},
		{"apart", p(0, 0), p(10, 10), p(0, 1), p(9, 10), geo.Apart},
		{"end on the other", p(0, 0), p(5, 5), p(0, 10), p(10, 0), geo.Touching},
		{"other's end on it", p(0, 0), p(10, 10), p(5, 5), p(10, 0), geo.Touching},
		{"common end", p(0, 0), p(10, 10), p(10, 10), p(20, 0), geo.Touching},
		{"overlap", p(0, 0), p(10, 10), p(5, 5), p(15, 15), geo.Touching},
		{"one line, apart", p(0, 0), p(10, 10), p(11, 11), p(15, 15), geo.Apart},
		{"a point on it", p(5, 5), p(5, 5), p(0, 0), p(10, 10), geo.Touching},
	} {
		if got := geo.Meet(tc.a, tc.b, tc.c, tc.d); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
		if got := geo.Meet(tc.d, tc.c, tc.b, tc.a); got != tc.want {
			t.Errorf("%s, the other way round: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// TestComes holds that a box misses no edge: an edge with a lattice point in the
// box, or that crosses one of its sides, comes.
func TestComes(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	passed := 0
	for range 20_000 {
		at := func(n int32) int32 { return rng.Int32N(2*n) - n }
		box := geo.BoxOf(geo.Point{Lat: at(20), Lon: at(20)}, geo.Point{Lat: at(20), Lon: at(20)})
		e := geo.Edge{A: geo.Point{Lat: at(60), Lon: at(60)}, B: geo.Point{Lat: at(60), Lon: at(60)}}
		if e.B.Lat < e.A.Lat {
			e.A, e.B = e.B, e.A
		}
		sw, se := geo.Point{Lat: box.MinLat, Lon: box.MinLon}, geo.Point{Lat: box.MinLat, Lon: box.MaxLon}
		nw, ne := geo.Point{Lat: box.MaxLat, Lon: box.MinLon}, geo.Point{Lat: box.MaxLat, Lon: box.MaxLon}
		meets := box.Contains(e.A) || geo.Meets(e.A, e.B, sw, se) || geo.Meets(e.A, e.B, se, ne) || geo.Meets(e.A, e.B, ne, nw) || geo.Meets(e.A, e.B, nw, sw)
		comes := e.Comes(&box)
		if meets && !comes {
			t.Fatalf("%v meets %v and does not come", e, box)
		}
		if !comes {
			passed++
		}
	}
	if passed < 5000 {
		t.Errorf("only %d of 20,000 edges pass the box: the test tells little", passed)
	}
}

func TestMeetings(t *testing.T) {
	ring := geo.MustRing("31.0,121.0 31.0,121.1 31.1,121.1 31.1,121.0")
	r := geo.NewRegion(geo.Polygon{Outer: ring, Holes: []geo.Ring{geo.MustRing("31.04,121.04 31.04,121.06 31.06,121.06 31.06,121.04")}})
	c := geo.WholeChord(geo.Point{Lat: 310_500_000, Lon: 1_209_000_000}, geo.Point{Lat: 310_500_000, Lon: 1_212_000_000})
	got := slices.Compact(slices.Sorted(slices.Values(r.Meetings(&c, nil))))
	if want := []float64{1. / 3, 7. / 15, 8. / 15, 2. / 3}; !slices.EqualFunc(got, want, func(a, b float64) bool { return a-b < 1e-12 && b-a < 1e-12 }) {
		t.Errorf("meetings at %v, want %v", got, want)
	}
	c.T0, c.T1 = geo.Ratio{N: 1, D: 2}, geo.Ratio{N: 1, D: 1}
	if in, on := r.LocateStart(&c); in || on {
		t.Error("the middle lies in the hole")
	}
	c.T0 = geo.Ratio{N: 2, D: 3}
	if in, on := r.LocateStart(&c); in || !on {
		t.Error("at two thirds it lies on the edge")
	}
	c.T0 = geo.Ratio{N: 3, D: 5}
	if in, _ := r.LocateStart(&c); !in {
		t.Error("at three fifths it lies inside")
	}
}

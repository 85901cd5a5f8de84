package geo

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// unitSquare is lat 31..31.1, lon 121..121.1.
var unitSquare = MustRing("31,121 31,121.1 31.1,121.1 31.1,121")

func TestLocate(t *testing.T) {
	holed := Polygon{Outer: unitSquare, Holes: []Ring{MustRing("31.04,121.04 31.04,121.06 31.06,121.06 31.06,121.04")}}
	clockwise := Polygon{Outer: MustRing("31.1,121 31.1,121.1 31,121.1 31,121")}
	doubled := Polygon{Outer: MustRing("31,121 31,121 31,121.1 31.1,121.1 31.1,121.1 31.1,121 31,121")}
	const inside, edge, outside = "inside", "edge", "outside"
	for _, tc := range []struct {
		name  string
		shape Polygon
		at    string
		want  string
	}{
		{"centre", Polygon{Outer: unitSquare}, "31.05,121.05", inside},
		{"south-west vertex", Polygon{Outer: unitSquare}, "31,121", edge},
		{"north-east vertex", Polygon{Outer: unitSquare}, "31.1,121.1", edge},
		{"north-west vertex", Polygon{Outer: unitSquare}, "31.1,121", edge},
		{"east edge", Polygon{Outer: unitSquare}, "31.05,121.1", edge},
		{"west edge", Polygon{Outer: unitSquare}, "31.05,121", edge},
		{"north edge", Polygon{Outer: unitSquare}, "31.1,121.05", edge},
		{"south edge", Polygon{Outer: unitSquare}, "31,121.05", edge},
		{"one unit east", Polygon{Outer: unitSquare}, "31.05,121.1000001", outside},
		{"one unit south", Polygon{Outer: unitSquare}, "30.9999999,121.05", outside},
		{"one unit inside", Polygon{Outer: unitSquare}, "31.0000001,121.0000001", inside},
		{"clockwise, centre", clockwise, "31.05,121.05", inside},
		{"clockwise, far", clockwise, "32,122", outside},
		{"repeated vertices", doubled, "31.05,121.05", inside},
		{"in the hole", holed, "31.05,121.05", outside},
		{"edge of the hole", holed, "31.05,121.04", edge},
		{"beside the hole, level with its vertex", holed, "31.04,121.02", inside},
		{"nothing", Polygon{}, "31,121", outside},
	} {
		p, err := ParsePoint(tc.at)
		if err != nil {
			t.Fatal(err)
		}
		got := outside
		if in, on := NewRegion(tc.shape).Locate(p); on {
			got = edge
		} else if in {
			got = inside
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// ratInside is the closed rule for a rational point, by a loop over all edges.
func ratInside(p Polygon, lat, lon *big.Rat) bool {
	in := false
	rat := func(v int32) *big.Rat { return big.NewRat(int64(v), 1) }
	for _, ring := range append([]Ring{p.Outer}, p.Holes...) {
		for i, a := range ring {
			b := ring[(i+1)%len(ring)]
			if a.Lat > b.Lat {
				a, b = b, a
			}
			if lat.Cmp(rat(a.Lat)) < 0 || lat.Cmp(rat(b.Lat)) > 0 {
				continue
			}
			if a.Lat == b.Lat {
				if lon.Cmp(rat(min(a.Lon, b.Lon))) >= 0 && lon.Cmp(rat(max(a.Lon, b.Lon))) <= 0 {
					return true
				}
				continue
			}
			x := new(big.Rat).Sub(lat, rat(a.Lat))
			x.Mul(x, big.NewRat(int64(b.Lon)-int64(a.Lon), int64(b.Lat)-int64(a.Lat)))
			switch x.Add(x, rat(a.Lon)).Cmp(lon) {
			case 0:
				return true
			case 1:
				in = in != (lat.Cmp(rat(b.Lat)) < 0)
			}
		}
	}
	return in
}

// TestHoldsStart compares the exact test of a point between the lattice points
// with rational numbers, on a grid so coarse that the point often falls on
// vertices and edges.
func TestHoldsStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	held := 0
	for range 60_000 {
		point := func() Point { return Point{int32(rng.IntN(9)) - 4, int32(rng.IntN(9)) - 4} }
		var p Polygon
		for range 3 + rng.IntN(5) {
			p.Outer = append(p.Outer, point())
		}
		d := int64(1 + rng.IntN(6))
		c := Chord{A: point(), B: point(), T0: Ratio{rng.Int64N(d + 1), d}, T1: Ratio{1, 1}}
		at := big.NewRat(c.T0.N, c.T0.D)
		coord := func(a, b int32) *big.Rat {
			v := new(big.Rat).Mul(at, big.NewRat(int64(b)-int64(a), 1))
			return v.Add(v, big.NewRat(int64(a), 1))
		}
		want := ratInside(p, coord(c.A.Lat, c.B.Lat), coord(c.A.Lon, c.B.Lon))
		if got := NewRegion(p).HoldsStart(&c); got != want {
			t.Fatalf("%v holds %+v: %v, want %v", p.Outer, c, got, want)
		}
		if want {
			held++
		}
	}
	if held < 5000 {
		t.Errorf("only %d points held", held)
	}
}

func TestMeetsChord(t *testing.T) {
	r := NewRegion(Polygon{Outer: Ring{{0, 0}, {0, 10}, {10, 10}, {10, 0}}})
	// From west to east through the square: it is inside from 1/4 to 3/4.
	a, b := Point{5, -5}, Point{5, 15}
	for _, tc := range []struct {
		name   string
		a, b   Point
		t0, t1 Ratio
		want   bool
	}{
		{"all of it", a, b, Ratio{0, 1}, Ratio{1, 1}, true},
		{"up to the edge", a, b, Ratio{0, 1}, Ratio{1, 4}, true},
		{"short of the edge", a, b, Ratio{0, 1}, Ratio{249_999_999, 1_000_000_000}, false},
		{"from the far edge", a, b, Ratio{3, 4}, Ratio{1, 1}, true},
		{"after the far edge", a, b, Ratio{750_000_001, 1_000_000_000}, Ratio{1, 1}, false},
		{"within", a, b, Ratio{2, 5}, Ratio{3, 5}, true},
		{"one moment", a, b, Ratio{1, 4}, Ratio{1, 4}, true},
		{"backwards, short of the edge", b, a, Ratio{0, 1}, Ratio{249_999_999, 1_000_000_000}, false},
		{"backwards, at the edge", b, a, Ratio{0, 1}, Ratio{1, 4}, true},
		{"along the prolongation of an edge", Point{0, -9}, Point{0, -1}, Ratio{0, 1}, Ratio{1, 1}, false},
		{"along the prolongation, ends before it", Point{0, -9}, Point{0, 9}, Ratio{0, 1}, Ratio{1, 4}, false},
		{"past a corner", Point{-1, 10}, Point{1, 12}, Ratio{0, 1}, Ratio{1, 1}, false},
		{"through a corner", Point{-1, 9}, Point{1, 11}, Ratio{0, 1}, Ratio{1, 1}, true},
		{"standing inside", Point{5, 5}, Point{5, 5}, Ratio{0, 1}, Ratio{1, 1}, true},
		{"standing outside", Point{5, 15}, Point{5, 15}, Ratio{0, 1}, Ratio{1, 1}, false},
	} {
		c := Chord{tc.a, tc.b, tc.t0, tc.t1}
		if got := r.MeetsChord(&c); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// FuzzLocate compares the stripes with the plain loop over all edges.
func FuzzLocate(f *testing.F) {
	f.Add([]byte{0, 0, 0, 9, 9, 9, 9, 0}, int16(4), int16(4))
	f.Add([]byte{0, 0, 200, 5, 0, 10}, int16(100), int16(5))
	f.Fuzz(func(t *testing.T, raw []byte, lat, lon int16) {
		var p Polygon
		for i := 0; i+1 < len(raw) && i < 200; i += 2 {
			p.Outer = append(p.Outer, Point{int32(int8(raw[i])), int32(int8(raw[i+1]))})
		}
		at := Point{int32(lat), int32(lon)}
		in, on := NewRegion(p).Locate(at)
		if got, want := in || on, ratInside(p, big.NewRat(int64(lat), 1), big.NewRat(int64(lon), 1)); got != want {
			t.Fatalf("%v in %v: %v, want %v", at, p.Outer, got, want)
		}
	})
}

package geo

import (
	"math"
	"slices"
	"testing"
)

func TestInverse(t *testing.T) {
	for _, p := range []Point{{310_000_000, 1_210_000_000}, {600_000_000, 1_799_900_000}, {-890_000_000, -1_799_900_000}, {0, 0}} {
		for _, bearing := range []float64{0, 12, 90, 181, 270, 359} {
			for _, metres := range []float64{1, 1000, 100_000, 5_000_000} {
				q := Destination(p, bearing, metres)
				d, b := Inverse(p, q)
				if math.Abs(d-metres) > 0.02 || metres > 1000 && math.Abs(math.Remainder(b-bearing, 360)) > 1e-4 {
					t.Errorf("from %v %v m to %v: %v m to %v", p, metres, bearing, d, b)
				}
			}
		}
	}
	if d, _ := Inverse(Point{1, 1}, Point{1, 1}); d != 0 {
		t.Errorf("a point is %v m from itself", d)
	}
}

func TestAlong(t *testing.T) {
	// By GeographicLib: the middle of the geodesic, and of the straight line.
	a, b := Point{310_000_000, 1_210_000_000}, Point{309_999_576, 1_211_047_073}
	for geodesic, want := range map[bool]Point{true: {309_999_894, 1_210_523_537}, false: {309_999_788, 1_210_523_537}} {
		got := Along(a, b, geodesic, 6000, nil)
		if len(got) != 1 || absInt(got[0].Lat-want.Lat) > 1 || absInt(got[0].Lon-want.Lon) > 1 {
			t.Errorf("geodesic %v: %v, want %v", geodesic, got, want)
		}
		if n := len(Along(a, b, geodesic, 1000, nil)); n != 9 {
			t.Errorf("%d pieces", n+1)
		}
	}
}

func absInt(v int32) int32 { return max(v, -v) }

func TestUnwrap(t *testing.T) {
	const turn = 1_700_000_000
	for _, tc := range []struct {
		name string
		in   []int32
		want []int32
	}{
		{"nothing to do", []int32{-5, 5}, []int32{-5, 5}},
		{"eastwards", []int32{turn, -turn, turn}, []int32{turn, 1_900_000_000, turn}},
		{"westwards", []int32{-turn, turn}, []int32{-turn, -1_900_000_000}},
		{"far eastwards is written from the other side", []int32{turn, -1_400_000_000}, []int32{-1_900_000_000, -1_400_000_000}},
		{"too far", []int32{1_400_000_000, -1_799_000_000, -1_400_000_000}, nil},
	} {
		var line []Point
		for _, lon := range tc.in {
			line = append(line, Point{Lon: lon})
		}
		got, ok := Unwrap(line)
		var lons []int32
		for i, p := range got {
			lons = append(lons, p.Lon)
			if p.Wrap() != line[i] {
				t.Errorf("%s: %v wraps to %v", tc.name, p, p.Wrap())
			}
		}
		if ok != (tc.want != nil) || !slices.Equal(lons, tc.want) {
			t.Errorf("%s: %v %v", tc.name, lons, ok)
		}
	}
}

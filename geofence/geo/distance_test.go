package geo

import (
	"math"
	"testing"
)

// Points at a known geodesic distance and azimuth, computed with GeographicLib.
var geodesics = []struct {
	centre, to string
	metres     float64
	azimuth    float64
}{
	{"31,121", "31.009019610,121.000000000", 1000, 0},
	{"31,121", "31.006377616,121.007404422", 1000, 45},
	{"31,121", "30.999999576,121.010470737", 1000, 90},
	{"31,121", "31.090195530,121.000000000", 10_000, 0},
	{"31,121", "31.063756751,121.074088619", 10_000, 45},
	{"31,121", "30.999957553,121.104707338", 10_000, 90},
	{"60,121", "60.089756093,121.000000000", 10_000, 0},
	{"60,121", "60.063406357,121.126964726", 10_000, 45},
	{"60,121", "59.999878435,121.179211026", 10_000, 90},
}

func mustPoint(t *testing.T, s string) Point {
	t.Helper()
	p, err := ParsePoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDistance(t *testing.T) {
	for _, tc := range geodesics {
		a, b := mustPoint(t, tc.centre), mustPoint(t, tc.to)
		// 8 mm of rounding to the lattice, 4 mm of the formula at 10 km.
		if got := Distance(a, b); math.Abs(got-tc.metres) > 0.012 {
			t.Errorf("%s to %s: %.4f m, want %.0f", tc.centre, tc.to, got, tc.metres)
		}
		want := tc.azimuth
		if got := Bearing(a, b); math.Abs(got-want) > 0.1 { // the geodesic bends
			t.Errorf("bearing %s to %s: %.3f, want %.0f", tc.centre, tc.to, got, want)
		}
	}
	if d := Distance(Point{0, MaxLon - 1000}, Point{0, -MaxLon + 1000}); math.Abs(d-22.26) > 0.01 {
		t.Errorf("across the antimeridian: %.3f m, want 22.26", d)
	}
}

func TestDestination(t *testing.T) {
	for _, tc := range geodesics {
		got, want := Destination(mustPoint(t, tc.centre), tc.azimuth, tc.metres), mustPoint(t, tc.to)
		if dLat, dLon := got.Lat-want.Lat, got.Lon-want.Lon; dLat*dLat > 1 || dLon*dLon > 1 {
			t.Errorf("%s, %.0f degrees, %.0f m: %v, want %v", tc.centre, tc.azimuth, tc.metres, got, want)
		}
	}
	if got := Destination(Point{0, MaxLon - 10}, 90, 100); got.Lon > 0 || !got.Valid() {
		t.Errorf("east across the antimeridian: %v", got)
	}
}

// TestCircleRing checks that the polygon keeps to its side of the circle, and
// close to it, at vertices and along edges.
func TestCircleRing(t *testing.T) {
	for _, tc := range []struct {
		centre string
		radius float64
		within float64 // how far the polygon may lie off the circle, metres
	}{
		{"31,121", 1, 0.15}, {"31,121", 50, 0.18}, {"31,121", 1000, 0.18}, {"60,-121", 1000, 0.18},
		{"-31,121", 10_000, 0.2}, {"60,121", 10_000, 0.25}, {"31,121", 50_000, 1.2},
	} {
		c := Circle{mustPoint(t, tc.centre), tc.radius}
		// Distance is off by up to 0.5 m at 50 km, 4 mm at 10 km.
		slack := map[bool]float64{true: 0.2, false: 0.01}[tc.radius > 10_000]
		for _, outside := range []bool{true, false} {
			ring := c.Ring(outside)
			if len(ring) > 720 {
				t.Errorf("%v has %d vertices", tc, len(ring))
			}
			for i, a := range ring {
				b := ring[(i+1)%len(ring)]
				for k := range 8 {
					p := Point{a.Lat + int32(int64(b.Lat-a.Lat)*int64(k)/8), a.Lon + int32(int64(b.Lon-a.Lon)*int64(k)/8)}
					off := Distance(c.Center, p) - tc.radius
					if !outside {
						off = -off
					}
					if off < -slack || off > tc.within+slack {
						t.Fatalf("%v outside=%v: edge %d lies %.3f m on its side", tc, outside, i, off)
					}
				}
			}
		}
	}
}

package geofence

import (
	"errors"
	"math"
	"strings"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

func polygons(outer string, holes ...string) []geo.Polygon {
	p := geo.Polygon{Outer: geo.MustRing(outer)}
	for _, h := range holes {
		p.Holes = append(p.Holes, geo.MustRing(h))
	}
	return []geo.Polygon{p}
}

func mustCompile(t *testing.T, f Fence) *Compiled {
	t.Helper()
	c, err := Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const unitSquare = "31,121 31,121.1 31.1,121.1 31.1,121"

// shapeErrors are the typed errors in a joined answer.
func shapeErrors(err error) (out []*ShapeError) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, e := range joined.Unwrap() {
		var shape *ShapeError
		if errors.As(e, &shape) {
			out = append(out, shape)
		}
	}
	return out
}

func TestCompileRefuses(t *testing.T) {
	bad := func(lat, lon int32) []geo.Polygon {
		ring := geo.MustRing(unitSquare)
		ring[2] = geo.Point{Lat: lat, Lon: lon}
		return []geo.Polygon{{Outer: ring}}
	}
	for _, tc := range []struct {
		name     string
		kind     Kind
		polygons []geo.Polygon
		want     ShapeError // Reason, Polygon, Ring, EdgeA, EdgeB, Vertex; None is written -1
	}{
		{"latitude 91", KeepOut, bad(910_000_000, 0), ShapeError{Reason: OutOfRange, EdgeA: -1, EdgeB: -1, Vertex: 2}},
		{"longitude 181", KeepOut, bad(0, 1_810_000_000), ShapeError{Reason: OutOfRange, EdgeA: -1, EdgeB: -1, Vertex: 2}},
		{"latitude 89.5", KeepOut, bad(895_000_000, 1_211_000_000), ShapeError{Reason: NearPole, EdgeA: -1, EdgeB: -1, Vertex: 2}},
		{"two vertices", KeepOut, polygons("31,121 31,121.1"), ShapeError{Reason: TooFewVertices, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"three vertices, two distinct", KeepOut, polygons("31,121 31,121.1 31,121"), ShapeError{Reason: TooFewVertices, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"no vertices", KeepOut, []geo.Polygon{{}}, ShapeError{Reason: TooFewVertices, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"flat", KeepOut, polygons("31,121 31,121.1 31,121.05"), ShapeError{Reason: ZeroArea, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"spike", KeepOut, polygons("31,121 31,121.1 31.1,121.1 31.3,121.1 31.1,121.1 31.1,121"), ShapeError{Reason: Spike, EdgeA: -1, EdgeB: -1, Vertex: 3}},
		{"bow-tie", KeepOut, polygons("31,121 31.1,121.1 31,121.1 31.1,121"), ShapeError{Reason: EdgesCross, EdgeA: 0, EdgeB: 2, Vertex: -1}},
		{"bow-tie after a repeated vertex", KeepOut, polygons("31,121 31,121 31.1,121.1 31,121.1 31.1,121"), ShapeError{Reason: EdgesCross, EdgeA: 1, EdgeB: 3, Vertex: -1}},
		{"vertex on another edge", KeepOut, polygons("31,121 31,121.1 31.1,121.1 31,121.05 31.1,121"), ShapeError{Reason: EdgesCross, EdgeA: 0, EdgeB: 2, Vertex: -1}},
		{"hole outside", KeepOut, polygons(unitSquare, "32,121 32,121.1 32.1,121.1"), ShapeError{Reason: HoleOutside, Ring: 1, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"hole crosses", KeepOut, polygons(unitSquare, "31.05,121.05 31.05,121.2 31.07,121.05"), ShapeError{Reason: EdgesCross, Ring: 0, RingB: 1, EdgeA: 1, EdgeB: 0, Vertex: -1}},
		{"hole in a hole", KeepOut, polygons(unitSquare, "31.02,121.02 31.02,121.08 31.08,121.08 31.08,121.02", "31.04,121.04 31.04,121.06 31.06,121.06"),
			ShapeError{Reason: HolesOverlap, Ring: 2, RingB: 1, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"far beyond the antimeridian", KeepOut, polygons("31,140 31,-140 31.1,-140 31.1,140"), ShapeError{Reason: Antimeridian, EdgeA: 0, EdgeB: -1, Vertex: -1}},
		{"edge of 91 degrees", KeepOut, polygons("0,0 0,91 10,45"), ShapeError{Reason: EdgeTooLong, EdgeA: 0, EdgeB: -1, Vertex: -1}},
		{"180 degrees wide", KeepOut, polygons("0,-90 0,-10 0,50 0,90 1,90 1,0 1,-90"), ShapeError{Reason: TooWide, EdgeA: -1, EdgeB: -1, Vertex: -1}},
		{"keep-in of overlapping polygons", KeepIn, append(polygons(unitSquare), polygons("31.05,121.05 31.05,121.2 31.2,121.2")...),
			ShapeError{Reason: EdgesCross, PolygonB: 1, EdgeA: 1, EdgeB: 0, Vertex: -1}},
		{"keep-in of nested polygons", KeepIn, append(polygons(unitSquare), polygons("31.05,121.05 31.05,121.06 31.06,121.06")...),
			ShapeError{Reason: PartsOverlap, Polygon: 1, EdgeA: -1, EdgeB: -1, Vertex: -1}},
	} {
		_, err := Compile(Fence{Kind: tc.kind, Shape: Shape{Polygons: tc.polygons}})
		found := false
		for _, e := range shapeErrors(err) {
			found = found || e.Reason == tc.want.Reason && e.Polygon == tc.want.Polygon && e.Ring == tc.want.Ring &&
				e.EdgeA == tc.want.EdgeA && e.EdgeB == tc.want.EdgeB && e.Vertex == tc.want.Vertex &&
				(e.EdgeB == None || e.RingB == tc.want.RingB && e.PolygonB == tc.want.PolygonB) && strings.Contains(e.Error(), string(e.Reason))
		}
		if !found {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestCompileBowTieNamesEdges(t *testing.T) {
	_, err := Compile(Fence{Kind: KeepOut, Shape: Shape{Polygons: polygons("31,121 31.1,121.1 31,121.1 31.1,121")}})
	const want = "polygon 0 outer ring: edges cross: edge 0 (31.0000000,121.0000000 to 31.1000000,121.1000000) " +
		"meets edge 2 (31.0000000,121.1000000 to 31.1000000,121.0000000)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCompileNamesEverythingAtOnce(t *testing.T) {
	_, err := Compile(Fence{
		Kind:    9,
		Shape:   Shape{Polygons: polygons("31,121 31.1,121.1 31,121.1 31.1,121")},
		Floor:   geo.Altitude{MM: 10, Datum: 77},
		Ceiling: geo.Altitude{MM: 10, Datum: 78},
	})
	var band *BandError
	if !errors.Is(err, ErrKind) || !errors.As(err, &band) || len(shapeErrors(err)) != 1 || strings.Count(err.Error(), "is unknown") != 2 {
		t.Errorf("%v", err)
	}
}

func TestCompileBand(t *testing.T) {
	m := func(metres int32, d geo.Datum) geo.Altitude { return geo.Altitude{MM: metres * 1000, Datum: d} }
	for _, tc := range []struct {
		name           string
		kind           Kind
		floor, ceiling geo.Altitude
		field          string
	}{
		{"no band", KeepOut, geo.Altitude{}, geo.Altitude{}, ""},
		{"ordered", KeepOut, m(0, geo.AMSL), m(120, geo.AMSL), ""},
		{"two datums", KeepOut, m(100, geo.AMSL), m(50, geo.Takeoff), ""},
		{"flat keep-out", KeepOut, m(50, geo.AMSL), m(50, geo.AMSL), ""},
		{"flat keep-in", KeepIn, m(50, geo.AMSL), m(50, geo.AMSL), "floor"},
		{"upside down", KeepOut, m(120, geo.AMSL), m(0, geo.AMSL), "floor"},
		{"above ground", KeepOut, m(0, geo.AGL), geo.Altitude{}, ""},
		{"ellipsoid", KeepOut, geo.Altitude{}, m(5, geo.WGS84), ""},
		{"unheard of", KeepOut, geo.Altitude{}, m(5, 77), "ceiling"},
		{"too high", KeepOut, geo.Altitude{}, geo.Altitude{MM: math.MaxInt32, Datum: geo.AMSL}, "ceiling"},
	} {
		_, err := Compile(Fence{Kind: tc.kind, Shape: Shape{Polygons: polygons(unitSquare)}, Floor: tc.floor, Ceiling: tc.ceiling})
		var band *BandError
		if got := errors.As(err, &band); got != (tc.field != "") || got && band.Field != tc.field {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestCompileCircle(t *testing.T) {
	circle := func(lat, lon, r float64) *geo.Circle {
		p, err := geo.PointAt(lat, lon)
		if err != nil {
			t.Fatal(err)
		}
		return &geo.Circle{Center: p, RadiusM: r}
	}
	for _, tc := range []struct {
		name   string
		circle *geo.Circle
		want   Reason
	}{
		{"good", circle(31, 121, 1000), ""},
		{"smallest", circle(31, 121, 1), ""},
		{"largest", circle(31, 121, 200_000), ""},
		{"zero", circle(31, 121, 0), BadRadius},
		{"negative", circle(31, 121, -5), BadRadius},
		{"NaN", circle(31, 121, math.NaN()), BadRadius},
		{"too large", circle(31, 121, 200_001), BadRadius},
		{"near the pole", circle(88.5, 121, 100_000), NearPole},
		{"across the antimeridian", circle(31, 179.99, 10_000), ""},
		{"off the globe", &geo.Circle{Center: geo.Point{Lat: 910_000_000}, RadiusM: 5}, OutOfRange},
	} {
		for _, kind := range []Kind{KeepOut, KeepIn} {
			_, err := Compile(Fence{Kind: kind, Shape: Shape{Circle: tc.circle}})
			es := shapeErrors(err)
			if (tc.want == "") != (err == nil) || tc.want != "" && (len(es) != 1 || es[0].Reason != tc.want) {
				t.Errorf("%s, %v: %v", tc.name, kind, err)
			}
		}
	}
	if _, err := Compile(Fence{Kind: KeepOut}); !errors.Is(err, ErrNoShape) {
		t.Errorf("no shape: %v", err)
	}
	if _, err := Compile(Fence{Kind: KeepOut, Shape: Shape{Circle: circle(31, 121, 5), Polygons: polygons(unitSquare)}}); !errors.Is(err, ErrNoShape) {
		t.Errorf("two shapes: %v", err)
	}
}

// saw is a ring of n vertices whose edges do not cross.
func saw(n int) geo.Ring {
	ring := geo.Ring{{Lat: 300_000_000, Lon: 1_210_000_000}}
	for i := range n - 2 {
		ring = append(ring, geo.Point{Lat: 310_000_000 + int32(i%2)*1000, Lon: 1_210_000_000 + int32(i)*100})
	}
	return append(ring, geo.Point{Lat: 300_000_000, Lon: 1_210_000_000 + int32(n)*100})
}

func TestCompileLarge(t *testing.T) {
	ring := saw(MaxVertices)
	mustCompile(t, Fence{Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: ring}}}})
	_, err := Compile(Fence{Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: append(ring, ring[0])}}}})
	if es := shapeErrors(err); len(es) != 1 || es[0].Reason != TooLarge {
		t.Errorf("one vertex more: %v", err)
	}
	ring[70_001].Lat = 299_999_000 // stabs through the bottom edge
	_, err = Compile(Fence{Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: ring}}}})
	if es := shapeErrors(err); len(es) != 2 || es[0].Reason != EdgesCross || es[0].EdgeA != 70_000 || es[0].EdgeB != MaxVertices-1 {
		t.Errorf("stabbing vertex: %v", err)
	}
}

// TestCompileHostile checks that a ring made to be slow is refused in time: every
// edge lies in the box of every other.
func TestCompileHostile(t *testing.T) {
	ring := geo.Ring{}
	for i := range int32(50_000) { // a zigzag of long slanting edges
		ring = append(ring, geo.Point{Lat: 300_000_000 + i, Lon: 1_210_000_000}, geo.Point{Lat: 400_000_000 + i, Lon: 1_310_000_000})
	}
	_, err := Compile(Fence{Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: ring}}}})
	if es := shapeErrors(err); len(es) == 0 || es[len(es)-1].Reason != TooComplex {
		t.Errorf("%v", err)
	}
}

func TestContains(t *testing.T) {
	at := func(ring string, metres int32) (f geo.Fix) {
		f.Point = geo.MustRing(ring)[0]
		f.Heights.Set(geo.AMSL, metres*1000)
		return f
	}
	f := Fence{Kind: KeepOut, Shape: Shape{Polygons: polygons(unitSquare)}, Floor: geo.Altitude{Datum: geo.AMSL},
		Ceiling: geo.Altitude{MM: 100_000, Datum: geo.AMSL}, Classes: vehicles.ClassSet(vehicles.UAV)}
	out := mustCompile(t, f)
	f.Kind = KeepIn
	in := mustCompile(t, f)
	noHeight := geo.Fix{Point: geo.MustRing("31.05,121.05")[0]}
	for _, tc := range []struct {
		name            string
		fix             geo.Fix
		keepOut, keepIn bool
	}{
		{"inside", at("31.05,121.05", 50), true, true},
		{"vertex", at("31,121", 50), true, false},
		{"edge", at("31.1,121.05", 50), true, false},
		{"one unit outside", at("31.1000001,121.05", 50), false, false},
		{"at the ceiling", at("31.05,121.05", 100), true, false},
		{"above it", at("31.05,121.05", 101), false, false},
		{"at the floor", at("31.05,121.05", 0), true, false},
		{"height unknown", noHeight, true, false},
	} {
		if got := out.Contains(tc.fix, vehicles.UAV); got != tc.keepOut || out.Breaches(tc.fix, vehicles.UAV) != got {
			t.Errorf("%s: keep-out contains %v", tc.name, got)
		}
		if got := in.Contains(tc.fix, vehicles.UAV); got != tc.keepIn || in.Breaches(tc.fix, vehicles.UAV) == got {
			t.Errorf("%s: keep-in contains %v", tc.name, got)
		}
		if out.Breaches(tc.fix, vehicles.USV) || in.Breaches(tc.fix, vehicles.USV) {
			t.Errorf("%s: a fence for UAV is breached by a boat", tc.name)
		}
	}
}

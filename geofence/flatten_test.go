package geofence

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"testzone/geofence/geo"
)

// distanceTo is the distance of p from a line or ring whose edges are straight in
// longitude and latitude, by points about 2 m apart on it.
func distanceTo(p geo.Point, line []geo.Point) float64 {
	best := math.Inf(1)
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		n := int64(math.Ceil(geo.Distance(a, b)/2)) + 1
		dLon := int64(b.Lon) - int64(a.Lon)
		if dLon > geo.MaxLon {
			dLon -= 2 * geo.MaxLon
		} else if dLon < -geo.MaxLon {
			dLon += 2 * geo.MaxLon
		}
		for k := range n + 1 {
			q := geo.Point{Lat: a.Lat + int32((int64(b.Lat)-int64(a.Lat))*k/n), Lon: wrap(int64(a.Lon) + dLon*k/n)}
			best = min(best, geo.Distance(p, q))
		}
	}
	return best
}

// TestCorridorSide checks corridors against distances: a keep-out holds whatever
// is within half the width, a keep-in nothing that is not.
func TestCorridorSide(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct {
		name, line string
		width      float64
	}{
		{"straight", "31,121 31,121.05", 100},
		{"one piece of 3 km, slanting, north", "60,121 60.02,121.05", 400},
		{"right and left", "31,121 31,121.01 31.01,121.01 31.01,121.02 31.005,121.03", 300},
		{"sharp", "31,121 31,121.02 31.004,121.002", 150},
		{"wide", "31,121 31.03,121.05 31.03,121.2", 5000},
		{"across longitude 180", "-18,179.99 -18.01,-179.98 -18.03,-179.97", 700},
	} {
		line := geo.MustRing(tc.line)
		f := Fence{Kind: KeepOut, Shape: Shape{Corridor: &geo.Corridor{Line: line, WidthM: tc.width}}}
		out := mustCompile(t, f)
		f.Kind = KeepIn
		in := mustCompile(t, f)
		half := tc.width / 2
		inner, outer := 0, 0
		for range 1500 {
			v := rng.IntN(len(line) - 1)
			at := line[v]
			if rng.IntN(2) == 0 {
				at = geo.Along(line[v], line[v+1], false, max(geo.Distance(line[v], line[v+1])/2.5, 1), nil)[rng.IntN(2)].Wrap()
			}
			p := geo.Destination(at, 360*rng.Float64(), half*(0.8+0.4*rng.Float64()))
			d := distanceTo(p, line)
			switch {
			case d < half-0.001 && !out.covers(p):
				t.Fatalf("%s: %v, %v m from the line, is outside the keep-out", tc.name, p, d)
			case d > half*1.01+0.5 && out.covers(p):
				t.Fatalf("%s: %v, %v m from the line, is inside the keep-out", tc.name, p, d)
			case d > half+0.01 && in.covers(p):
				t.Fatalf("%s: %v, %v m from the line, is inside the keep-in", tc.name, p, d)
			case d < half*0.985-0.5 && !in.covers(p):
				t.Fatalf("%s: %v, %v m from the line, is outside the keep-in", tc.name, p, d)
			}
			if d < half {
				inner++
			} else {
				outer++
			}
		}
		if inner < 200 || outer < 200 {
			t.Errorf("%s: %d points within, %d without", tc.name, inner, outer)
		}
	}
}

// TestMarginSide checks the same of the margin of polygons with a hole.
func TestMarginSide(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	poly := polygons("31,121 31,121.02 31.02,121.02 31.01,121.01 31.02,121", "31.004,121.004 31.004,121.008 31.008,121.004")
	const margin = 120
	f := Fence{Kind: KeepOut, MarginM: margin, Shape: Shape{Polygons: poly}}
	out := mustCompile(t, f)
	f.Kind = KeepIn
	in := mustCompile(t, f)
	f.MarginM = 0
	bare := mustCompile(t, f)
	rings := [][]geo.Point{append(poly[0].Outer, poly[0].Outer[0]), append(poly[0].Holes[0], poly[0].Holes[0][0])}
	counts := map[bool]int{}
	for range 3000 {
		ring := rings[rng.IntN(2)]
		p := geo.Destination(ring[rng.IntN(len(ring))], 360*rng.Float64(), 300*rng.Float64())
		d := min(distanceTo(p, rings[0]), distanceTo(p, rings[1]))
		within := bare.covers(p)
		counts[d < margin]++
		switch {
		case (within || d < margin-0.001) && !out.covers(p):
			t.Fatalf("%v, %v m from the boundary, is outside the keep-out", p, d)
		case !within && d > margin*1.04+0.5 && out.covers(p):
			t.Fatalf("%v, %v m from the boundary, is inside the keep-out", p, d)
		case (!within || d < margin-0.001) && in.covers(p):
			t.Fatalf("%v, %v m from the boundary, is inside the keep-in", p, d)
		case within && d > margin*1.04+0.5 && !in.covers(p):
			t.Fatalf("%v, %v m from the boundary, is outside the keep-in", p, d)
		}
	}
	if counts[true] < 500 || counts[false] < 500 {
		t.Errorf("%v", counts)
	}
}

func TestMarginOfRoundShapes(t *testing.T) {
	centre := geo.MustRing("31,121")[0]
	at := func(m float64) geo.Point { return geo.Destination(centre, 77, m) }
	for _, tc := range []struct {
		name    string
		shape   Shape
		kind    Kind
		in, out float64 // metres from the centre
	}{
		{"circle, keep-out", Shape{Circle: &geo.Circle{Center: centre, RadiusM: 100}}, KeepOut, 119.9, 120.3},
		{"circle, keep-in", Shape{Circle: &geo.Circle{Center: centre, RadiusM: 100}}, KeepIn, 79.7, 80},
		{"corridor, keep-out", Shape{Corridor: &geo.Corridor{Line: []geo.Point{at(-1000), centre, at(1000)}, WidthM: 200}}, KeepOut, 1119.9, 1120.3},
		{"corridor, keep-in", Shape{Corridor: &geo.Corridor{Line: []geo.Point{at(-1000), centre, at(1000)}, WidthM: 200}}, KeepIn, 1078.5, 1080},
	} {
		c := mustCompile(t, Fence{Kind: tc.kind, MarginM: 20, Shape: tc.shape})
		if !c.covers(at(tc.in)) || c.covers(at(tc.out)) {
			t.Errorf("%s: at %v m %v, at %v m %v", tc.name, tc.in, c.covers(at(tc.in)), tc.out, c.covers(at(tc.out)))
		}
	}
}

func TestShapeRefuses(t *testing.T) {
	line := func(s string, width float64) Shape {
		return Shape{Corridor: &geo.Corridor{Line: geo.MustRing(s), WidthM: width}}
	}
	for _, tc := range []struct {
		name   string
		f      Fence
		reason Reason
		err    error
	}{
		{"no width", Fence{Kind: KeepOut, Shape: line("31,121 31,121.1", 0)}, BadWidth, nil},
		{"NaN wide", Fence{Kind: KeepOut, Shape: line("31,121 31,121.1", math.NaN())}, BadWidth, nil},
		{"11 km wide", Fence{Kind: KeepOut, Shape: line("31,121 31,121.1", 11_000)}, BadWidth, nil},
		{"one point", Fence{Kind: KeepOut, Shape: line("31,121 31,121", 10)}, TooFewVertices, nil},
		{"near the pole", Fence{Kind: KeepOut, Shape: line("88.95,121 31,121.1", 10)}, NearPole, nil},
		{"off the globe", Fence{Kind: KeepOut, Shape: Shape{Corridor: &geo.Corridor{Line: []geo.Point{{Lat: 1}, {Lon: 1_900_000_000}}, WidthM: 5}}}, OutOfRange, nil},
		{"a hairpin to keep in", Fence{Kind: KeepIn, Shape: line("31,121 31,121.1 31.0001,121", 100)}, Folds, nil},
		{"steps shorter than its width to keep in", Fence{Kind: KeepIn, Shape: line("31,121 31,121.0005 31.0005,121.0005 31.0005,121.001", 200)}, Folds, nil},
		{"a loop to keep in", Fence{Kind: KeepIn, Shape: line("31,121 31,121.02 31.01,121.01 30.99,121.01", 100)}, Folds, nil},
		{"half way around the earth", Fence{Kind: KeepOut, Shape: line("31,20 31,100 31,170 31,-149", 100)}, Antimeridian, nil},
		{"too long", Fence{Kind: KeepOut, Shape: line("10,0 10,80 11,0 11,80 12,0 12,80 13,0 13,80 14,0 14,80 15,0 15,80 16,0 16,80 17,0 17,80 18,0 18,80 19,0 19,80 20,0 20,80 21,0 21,80 22,0 22,80 23,0 23,80", 100)}, TooLarge, nil},
		{"margin of a circle", Fence{Kind: KeepIn, MarginM: 100, Shape: Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 1}, RadiusM: 100}}}, Vanishes, nil},
		{"margin of a corridor", Fence{Kind: KeepIn, MarginM: 100, Shape: line("31,121 31,121.1", 150)}, Vanishes, nil},
		{"margin of a polygon", Fence{Kind: KeepIn, MarginM: 600, Shape: Shape{Polygons: polygons("31,121 31,121.01 31.01,121.01 31.01,121")}}, Vanishes, nil},
		{"NaN margin", Fence{Kind: KeepIn, MarginM: math.NaN(), Shape: Shape{Polygons: polygons(unitSquare)}}, "", ErrMargin},
		{"negative margin", Fence{Kind: KeepIn, MarginM: -1, Shape: Shape{Polygons: polygons(unitSquare)}}, "", ErrMargin},
		{"group of a keep-out", Fence{Kind: KeepOut, Group: "g", Shape: Shape{Polygons: polygons(unitSquare)}}, "", ErrGroup},
		{"edge model", Fence{Kind: KeepOut, Edges: 2, Shape: Shape{Polygons: polygons(unitSquare)}}, "", ErrEdges},
		{"two shapes", Fence{Kind: KeepOut, Shape: Shape{Polygons: polygons(unitSquare), Corridor: &geo.Corridor{}}}, "", ErrNoShape},
		{"geodesic edges without end", Fence{Kind: KeepOut, Edges: Geodesic, Shape: Shape{Polygons: polygons("0,0 0,80 1,0 2,80 3,0 4,80 5,0 6,80 7,0 8,80 9,0 10,80 11,0 12,80 13,0")}}, TooLarge, nil},
	} {
		_, err := Compile(tc.f)
		var e *ShapeError
		switch {
		case tc.err != nil && !errors.Is(err, tc.err), tc.err == nil && (!errors.As(err, &e) || e.Reason != tc.reason):
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestAntimeridian(t *testing.T) {
	const box, beside = "31,179.9 31,-179.9 31.1,-179.9 31.1,179.9", "31.02,179.98 31.02,-179.98 31.04,-179.98 31.04,179.98"
	for _, kind := range []Kind{KeepOut, KeepIn} {
		c := mustCompile(t, Fence{ID: "a", Kind: kind, Shape: Shape{Polygons: polygons(box, beside)}})
		for at, want := range map[string]bool{
			"31.05,179.95": true, "31.05,-179.95": true, "31.05,180": true, "31.05,-180": true, "31.05,0": false, "31.05,179.89": false,
			"31.03,180": false, "31.03,-179.99": false, "31.05,179.9": kind == KeepOut, "31.03,-179.98": kind == KeepOut, "31,180": kind == KeepOut,
		} {
			if got := c.covers(geo.MustRing(at)[0]); got != want {
				t.Errorf("%v at %s: %v", kind, at, got)
			}
		}
		r := newRig(t, c)
		var all string
		for _, at := range []string{"31.06,179.85", "31.06,179.95", "31.06,179.999", "31.06,-179.999", "31.06,180", "31.06,-180", "31.06,-179.95", "31.06,-179.85"} {
			all += r.step(at, 600) + ";"
		}
		if want := map[Kind]string{KeepOut: ";entered a;;;;;;left a;", KeepIn: "left a first_fix;entered a;;;;;;left a;"}[kind]; all != want {
			t.Errorf("%v: %q", kind, all)
		}
	}
}

func TestGeodesicEdges(t *testing.T) {
	a, b := geo.Point{Lat: 310_000_000, Lon: 1_210_000_000}, geo.Point{Lat: 309_999_576, Lon: 1_211_047_073}
	ring := geo.Ring{a, b, {Lat: 311_000_000, Lon: 1_210_500_000}}
	f := Fence{Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: ring}}}}
	straight := mustCompile(t, f)
	f.Edges = Geodesic
	bent := mustCompile(t, f)
	// The middle of the geodesic lies 1.18 m north of that of the straight line.
	for _, tc := range []struct {
		lat            int32
		straight, bent bool
	}{{309_999_786, false, false}, {309_999_790, true, false}, {309_999_892, true, false}, {309_999_897, true, true}} {
		p := geo.Point{Lat: tc.lat, Lon: 1_210_523_537}
		if straight.covers(p) != tc.straight || bent.covers(p) != tc.bent {
			t.Errorf("%v: straight %v, geodesic %v", p, straight.covers(p), bent.covers(p))
		}
	}
}

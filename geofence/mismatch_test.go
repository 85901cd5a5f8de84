package geofence

import (
	"fmt"
	"math"
	"math/bits"
	"os"
	"strconv"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// brute is a fence as bare lists of edges: it decides by a loop over all of them
// in 128-bit integers, and shares no code with the engine.
type brute struct {
	fence *Compiled
	polys []brutePolygon
	band  []geo.Altitude // floor, ceiling
}

type brutePolygon struct {
	minus bool
	edges [][4]int64 // lat, lon, lat, lon
}

func newBrute(c *Compiled) brute {
	b := brute{fence: c, band: []geo.Altitude{c.Fence.Floor, c.Fence.Ceiling}}
	for _, poly := range oracleShape(c) {
		p := brutePolygon{minus: poly.minus}
		for _, ring := range poly.rings {
			for _, e := range ring {
				p.edges = append(p.edges, [4]int64{int64(e.A.Lat), int64(e.A.Lon), int64(e.B.Lat), int64(e.B.Lon)})
			}
		}
		b.polys = append(b.polys, p)
	}
	return b
}

// side is the sign of a*b - c*d, exactly.
func side(a, b, c, d int64) int {
	h1, l1 := bits.Mul64(uint64(a), uint64(b))
	h2, l2 := bits.Mul64(uint64(c), uint64(d))
	hi1, hi2 := int64(h1), int64(h2)
	if a < 0 {
		hi1 -= b
	}
	if b < 0 {
		hi1 -= a
	}
	if c < 0 {
		hi2 -= d
	}
	if d < 0 {
		hi2 -= c
	}
	switch {
	case hi1 != hi2:
		return map[bool]int{true: -1, false: 1}[hi1 < hi2]
	case l1 != l2:
		return map[bool]int{true: -1, false: 1}[l1 < l2]
	}
	return 0
}

// locate says where a point lies to a polygon: a ray to the east, half open.
func (p *brutePolygon) locate(lat, lon int64) (in, on bool) {
	for i := range p.edges {
		e := &p.edges[i]
		aLat, aLon, bLat, bLon := e[0], e[1], e[2], e[3]
		if lat < aLat && lat < bLat || lat > aLat && lat > bLat {
			continue
		}
		if aLat > bLat {
			aLat, aLon, bLat, bLon = bLat, bLon, aLat, aLon
		}
		o := side(bLon-aLon, lat-aLat, bLat-aLat, lon-aLon)
		if o == 0 && min(aLon, bLon) <= lon && lon <= max(aLon, bLon) {
			on = true
		}
		if lat < bLat && o > 0 { // aLat <= lat: the edge passes east of the point
			in = !in
		}
	}
	return in, on
}

func (b *brute) covers(p geo.Point) bool {
	closed := b.fence.Fence.Kind != KeepIn
	covers := false
	for i := range b.polys {
		poly := &b.polys[i]
		in, on := poly.locate(int64(p.Lat), int64(p.Lon))
		for _, turn := range [2]int64{3_600_000_000, -3_600_000_000} {
			if max(p.Lon, -p.Lon) > 900_000_000 {
				i, o := poly.locate(int64(p.Lat), int64(p.Lon)+turn)
				in, on = in != i, on || o
			}
		}
		switch {
		case poly.minus && (in || on):
			return false
		case !poly.minus && (in && !on || on && closed):
			covers = true
		}
	}
	return covers
}

func (b *brute) inside(f *geo.Fix) bool {
	closed := b.fence.Fence.Kind != KeepIn
	for i, limit := range b.band {
		if limit.Datum == geo.NoDatum {
			continue
		}
		mm, known := f.Heights.In(limit.Datum)
		if !known {
			panic("the test knows all heights")
		}
		if i == 1 {
			mm, limit.MM = -mm, -limit.MM
		}
		if mm < limit.MM || mm == limit.MM && !closed {
			return false
		}
	}
	return b.covers(f.Point)
}

// TestOracleMismatches compares, for many positions, the state that a shard holds
// of every fence with brute force: random positions, vertices, edges, one unit
// beside them, heights at the limits and a millimetre beside them. Positions are
// reached by jumps and by small steps, so that every layer answers. With -figures
// it takes 10 million pairs and prints their mismatches.
func TestOracleMismatches(t *testing.T) {
	places, each := 8, 1500/8
	if *figures {
		places, each = 700, 2000/8
	}
	c := newCity(4242)
	var set []*Compiled
	for _, f := range c.shapes(8 * each) {
		f.Schedule, f.Classes = Schedule{}, 0
		if one, err := Compile(f); err == nil {
			set = append(set, one)
		}
	}
	e := NewEngine(Config{})
	e.SetFences(set)
	all := make([]brute, len(set))
	for i, f := range set {
		all[i] = newBrute(f)
	}
	s := e.NewShard()
	s.Admit(1, Subject{Class: vehicles.UAV})
	pairs, mismatches, insides, edges, now := 0, 0, 0, 0, uint32(1000)
	smp := Sample{}
	for range places {
		at := &all[c.rng.IntN(len(all))]
		for k := range 8 {
			c.place(at, &smp.Fix, k)
			now += 60_000
			smp.BootMS, smp.ReceivedUS = now, int64(now)*1000
			s.Step(1, &smp, nil)
			v := s.find(1)
			for i := range all {
				b := &all[i]
				want := b.inside(&smp.Fix)
				if got := v.isInside(b.fence); got != want {
					if mismatches++; mismatches < 5 {
						t.Errorf("%v %v, fence %s: engine %v, brute force %v", smp.Fix.Point, smp.Fix.Heights, b.fence.Fence.ID, got, want)
					}
				}
				if got := b.fence.Contains(smp.Fix, vehicles.UAV); got != want {
					t.Errorf("%v %v, fence %s: Contains %v, brute force %v", smp.Fix.Point, smp.Fix.Heights, b.fence.Fence.ID, got, want)
				}
				if want {
					insides++
				}
			}
			for _, poly := range at.polys {
				if _, on := poly.locate(int64(smp.Fix.Point.Lat), int64(smp.Fix.Point.Lon)); on {
					edges++
				}
			}
			pairs += len(all)
		}
	}
	if insides < places || edges < places {
		t.Errorf("%d pairs inside, %d positions on an edge: too few", insides, edges)
	}
	if *figures {
		fmt.Fprintf(os.Stdout, "fence/oracle_mismatches %d pairs\n", mismatches)
		fmt.Fprintf(os.Stderr, "# of %d pairs; %d inside, %d of %d positions on an edge\n", pairs, insides, edges, places*8)
	}
}

// shapes are definitions of all kinds and shapes, some of them across longitude 180.
func (c *city) shapes(n int) []Fence {
	var out []Fence
	for i := range n {
		east, north := c.centre(spread, 0.5)
		f := Fence{ID: "s" + strconv.Itoa(i), Kind: KeepOut, Rev: 1}
		switch i % 8 {
		case 0, 1:
			f.Shape.Polygons = []geo.Polygon{c.block(east, north)}
		case 2:
			f.Shape.Polygons = []geo.Polygon{c.withHole(east, north, 150+700*c.rng.Float64(), 20+c.rng.IntN(60), true)}
		case 3:
			f.Shape.Circle = &geo.Circle{Center: cityPoint(east, north), RadiusM: 20 + 600*c.rng.Float64()}
		case 4:
			line := []geo.Point{cityPoint(east, north), cityPoint(east+900, north+200*c.rng.Float64()), cityPoint(east+1500, north+700)}
			f.Shape.Corridor = &geo.Corridor{Line: line, WidthM: 20 + 80*c.rng.Float64()}
		case 5: // axis-parallel: many lattice points lie on its edges
			a, b := cityPoint(east, north), cityPoint(east+60+300*c.rng.Float64(), north+60+300*c.rng.Float64())
			f.Shape.Polygons = []geo.Polygon{{Outer: geo.Ring{a, {Lat: a.Lat, Lon: b.Lon}, b, {Lat: b.Lat, Lon: a.Lon}}}}
		case 6:
			f.Shape.Polygons = []geo.Polygon{c.block(east, north), c.block(east+150, north+40)}
			f.MarginM = 60 * c.rng.Float64()
		case 7: // around longitude 180
			f.Shape.Polygons = []geo.Polygon{c.withHole(east, north, 2000+700*c.rng.Float64(), 20+c.rng.IntN(60), i%16 == 7)}
			shift := int64(1_800_000_000) - int64(cityPoint(cityEastM/2, 0).Lon)
			for _, ring := range append([]geo.Ring{f.Shape.Polygons[0].Outer}, f.Shape.Polygons[0].Holes...) {
				for k := range ring {
					ring[k].Lon = wrap(int64(ring[k].Lon) + shift)
				}
			}
		}
		if c.rng.IntN(3) == 0 {
			f.Kind = KeepIn
		}
		if c.rng.IntN(2) == 0 {
			d := []geo.Datum{geo.AMSL, geo.WGS84, geo.AGL, geo.Takeoff}
			f.Floor = geo.Altitude{MM: int32(c.rng.IntN(60_000)), Datum: d[c.rng.IntN(4)]}
			f.Ceiling = geo.Altitude{MM: int32(60_001 + c.rng.IntN(60_000)), Datum: d[c.rng.IntN(4)]}
		}
		out = append(out, f)
	}
	return out
}

// place moves a fix to the k-th of the positions that are tried at a fence.
func (c *city) place(b *brute, f *geo.Fix, k int) {
	poly := &b.polys[c.rng.IntN(len(b.polys))]
	e := poly.edges[c.rng.IntN(len(poly.edges))]
	lat, lon := e[0], e[1]
	switch {
	case k%4 == 1: // the middle of the edge, rounded, or exactly on it
		lat, lon = (e[0]+e[2])/2, (e[1]+e[3])/2
	case k%4 == 2: // a lattice point on the edge that is no vertex, if there is one
		if g := gcd(e[2]-e[0], e[3]-e[1]); g > 1 {
			n := 1 + c.rng.Int64N(g-1)
			lat, lon = e[0]+(e[2]-e[0])/g*n, e[1]+(e[3]-e[1])/g*n
		}
	case k%4 == 3: // anywhere around
		lat, lon = lat+c.rng.Int64N(200_001)-100_000, lon+c.rng.Int64N(200_001)-100_000
	}
	if c.rng.IntN(3) == 0 {
		lat, lon = lat+c.rng.Int64N(3)-1, lon+c.rng.Int64N(3)-1
	}
	f.Point = geo.Point{Lat: int32(lat), Lon: wrap(lon)}
	for _, d := range []geo.Datum{geo.AMSL, geo.WGS84, geo.AGL, geo.Takeoff} {
		f.Heights.Set(d, int32(c.rng.IntN(130_000)))
	}
	for _, limit := range b.band {
		if limit.Datum != geo.NoDatum && c.rng.IntN(2) == 0 {
			f.Heights.Set(limit.Datum, limit.MM+int32(c.rng.IntN(3))-1)
		}
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// TestSide checks the arithmetic of brute force at its limits.
func TestSide(t *testing.T) {
	const m = math.MaxInt64
	for _, tc := range []struct {
		a, b, c, d int64
		want       int
	}{{m, m, m, m, 0}, {m, m, m, m - 1, 1}, {-m, m, m, -m, 0}, {-m, m, m, -m + 1, -1}, {-3, -3, 2, 4, 1}, {0, m, 1, 1, -1}} {
		if got := side(tc.a, tc.b, tc.c, tc.d); got != tc.want {
			t.Errorf("%+v: %d", tc, got)
		}
	}
}

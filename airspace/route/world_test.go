package route

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"testzone/geofence/geo"
)

const testLat, testLon = 309_000_000, 1_219_000_000

// place is so many metres east and north of the middle of the tests.
func place(x, y float64) geo.Point {
	north, east := geo.UnitsPerMetre(testLat)
	return geo.Point{Lat: testLat + int32(math.Round(y*north)), Lon: testLon + int32(math.Round(x*east))}
}

func square(halfM float64) geo.Box { return geo.BoxOf(place(-halfM, -halfM), place(halfM, halfM)) }

func ringOf(xy ...float64) (r geo.Ring) {
	for i := 0; i < len(xy); i += 2 {
		r = append(r, place(xy[i], xy[i+1]))
	}
	return r
}

func block(x0, y0, x1, y1 float64) geo.Polygon {
	return geo.Polygon{Outer: ringOf(x0, y0, x1, y0, x1, y1, x0, y1)}
}

func outOf(p ...geo.Polygon) Obstacle { return Obstacle{Polygons: p} }

// town is a square full of polygons, and two places in it.
type town struct {
	area      geo.Box
	obstacles []Obstacle
	from, to  geo.Point
}

func newTown(seed uint64, sideM, apartM float64, polygons int, least, most, clearanceM float64) *town {
	rng := rand.New(rand.NewPCG(seed, 3))
	t := &town{area: square(sideM / 2)}
	for range polygons {
		x, y := sideM*(rng.Float64()-0.5), sideM*(rng.Float64()-0.5)
		r := least + (most-least)*rng.Float64()
		ring := make(geo.Ring, 6+rng.IntN(14))
		for i := range ring {
			a := 2 * math.Pi * (float64(i) + 0.6*rng.Float64()) / float64(len(ring))
			q := r * (0.6 + 0.4*rng.Float64())
			ring[i] = place(x+q*math.Cos(a), y+q*math.Sin(a))
		}
		t.obstacles = append(t.obstacles, outOf(geo.Polygon{Outer: ring}))
	}
	for w := New(t.area, t.obstacles, clearanceM); ; {
		a := 2 * math.Pi * rng.Float64()
		dx, dy := apartM/2*math.Cos(a), apartM/2*math.Sin(a)
		if t.from, t.to = place(dx, dy), place(-dx, -dy); w.Free(t.from) && w.Free(t.to) {
			return t
		}
	}
}

// closest is the least distance of a way to any edge, looked for without the grid.
func (t *town) closest(way []geo.Point) float64 {
	p := newPlane(t.area)
	least := math.Inf(1)
	for _, o := range t.obstacles {
		for _, q := range o.Polygons {
			for _, ring := range append([]geo.Ring{q.Outer}, q.Holes...) {
				for i := range ring {
					e := wall{a: p.of(ring[i]), b: p.of(ring[(i+1)%len(ring)])}
					for k := 1; k < len(way); k++ {
						least = min(least, segments(e.a, e.b, p.of(way[k-1]), p.of(way[k])))
					}
				}
			}
		}
	}
	return least
}

// segments is the distance of two of them.
func segments(a, b, c, d pt) float64 {
	if (turn(a, b, c) > 0) != (turn(a, b, d) > 0) && (turn(c, d, a) > 0) != (turn(c, d, b) > 0) {
		return 0
	}
	e, f := wall{a: a, b: b}, wall{a: c, b: d}
	return min(e.distance(c), e.distance(d), f.distance(a), f.distance(b))
}

func TestWaysKeepClear(t *testing.T) {
	found := 0
	for seed := range uint64(300) {
		clearance := 1 + 30*rand.New(rand.NewPCG(seed, 1)).Float64()
		town := newTown(seed, 2_000, 1_600, 40+int(seed%120), 10, 120, clearance)
		way, err := New(town.area, town.obstacles, clearance).Find(town.from, town.to)
		if errors.Is(err, ErrNoWay) {
			continue
		} else if err != nil {
			t.Fatalf("%d: %v", seed, err)
		}
		found++
		if d := town.closest(way); d < clearance-0.01 {
			t.Errorf("world %d: %.3f m from an edge, not %.3f", seed, d, clearance)
		}
		if way[0] != town.from || way[len(way)-1] != town.to {
			t.Errorf("world %d: from %v to %v", seed, way[0], way[len(way)-1])
		}
	}
	if found < 200 {
		t.Errorf("only %d worlds have a way", found)
	}
}

// optimum is the shortest way over every pair of places on finer arcs about every
// vertex: another way of finding it, slow.
func (t *town) optimum(clearance float64) float64 {
	p := newPlane(t.area)
	w := New(t.area, t.obstacles, clearance)
	nodes := []pt{p.of(t.from), p.of(t.to)}
	for _, o := range t.obstacles {
		for _, v := range o.Polygons[0].Outer {
			for a := 0.0; a < 2*math.Pi; a += math.Pi / 36 {
				if at := p.of(v).add(polar(a, (clearance+slackM)/math.Cos(math.Pi/72))); w.free(at) {
					nodes = append(nodes, at)
				}
			}
		}
	}
	cost := make([]float64, len(nodes))
	done := make([]bool, len(nodes))
	for i := range cost[1:] {
		cost[i+1] = math.Inf(1)
	}
	for {
		best := -1
		for i, c := range cost {
			if !done[i] && (best < 0 || c < cost[best]) {
				best = i
			}
		}
		if best < 0 || math.IsInf(cost[best], 1) || best == 1 {
			return cost[1]
		}
		done[best] = true
		for i := range nodes {
			if c := cost[best] + nodes[best].to(nodes[i]); !done[i] && c < cost[i] && w.clear(nodes[best], nodes[i]) {
				cost[i] = c
			}
		}
	}
}

func TestWaysAreShort(t *testing.T) {
	for seed := range uint64(25) {
		town := newTown(seed, 1_000, 900, 12, 20, 120, 10)
		w := New(town.area, town.obstacles, 10)
		way := w.find(w.of(town.from), w.of(town.to))
		best := town.optimum(10)
		if way == nil {
			if !math.IsInf(best, 1) {
				t.Errorf("world %d: no way, but one of %.1f m", seed, best)
			}
			continue
		}
		if l := length(way); l > 1.002*best {
			t.Errorf("world %d: %.1f m, the shortest is %.1f m", seed, l, best)
		}
	}
}

func TestShapesOfWorlds(t *testing.T) {
	courtyard := geo.Polygon{Outer: ringOf(-400, -400, 400, -400, 400, 400, -400, 400), Holes: []geo.Ring{ringOf(-300, -300, 300, -300, 300, 300, -300, 300)}}
	comb := outOf(block(-50, -300, 0, 300), block(0, 250, 200, 300), block(0, -300, 200, -250))
	for _, c := range []struct {
		name      string
		obstacles []Obstacle
		clearance float64
		from, to  geo.Point
		want      float64 // 0: no way
		err       error
	}{
		{"nothing in the way", nil, 10, place(-500, 0), place(500, 0), 1_000, nil},
		{"around a block", []Obstacle{outOf(block(-50, -100, 50, 200))}, 1, place(-500, 0), place(500, 0), 1_020.3, nil},
		{"within a courtyard", []Obstacle{outOf(courtyard)}, 10, place(-200, 0), place(200, 0), 400, nil},
		{"out of a courtyard", []Obstacle{outOf(courtyard)}, 10, place(0, 0), place(700, 0), 0, ErrNoWay},
		{"the begin is inside", []Obstacle{outOf(courtyard)}, 10, place(-350, 0), place(700, 0), 0, ErrBegin},
		{"the end is too near", []Obstacle{outOf(courtyard)}, 10, place(-700, 0), place(-409, 0), 0, ErrEnd},
		{"out of the area", nil, 10, place(-700, 0), place(1_700, 0), 0, ErrEnd},
		{"a gap that is wide enough", []Obstacle{outOf(block(-20, -900, 20, -11)), outOf(block(-20, 11, 20, 900))}, 10, place(-500, 0), place(500, 0), 1_000, nil},
		{"a gap that is too narrow", []Obstacle{outOf(block(-20, -1_100, 20, -9)), outOf(block(-20, 9, 20, 1_100))}, 10, place(-500, 0), place(500, 0), 0, ErrNoWay},
		{"out of a comb", []Obstacle{comb}, 10, place(100, 0), place(-500, 0), 1_136.5, nil},
		{"within one area", []Obstacle{{Polygons: []geo.Polygon{block(-600, -50, 600, 50)}, Within: true}}, 10, place(-500, 0), place(500, 0), 1_000, nil},
		{"over two that overlap", []Obstacle{{Polygons: []geo.Polygon{block(-600, -50, 50, 50), block(-50, -50, 50, 600)}, Within: true}}, 10, place(-500, 0), place(0, 500), 919.6, nil},
		{"two that do not touch", []Obstacle{{Polygons: []geo.Polygon{block(-600, -50, -50, 50), block(50, -50, 600, 50)}, Within: true}}, 10, place(-500, 0), place(500, 0), 0, ErrNoWay},
		{"in both of two groups", []Obstacle{{Polygons: []geo.Polygon{block(-600, -50, 600, 50)}, Within: true}, {Polygons: []geo.Polygon{block(-600, -600, 100, 600)}, Within: true}}, 10, place(-500, 0), place(500, 0), 0, ErrEnd},
		{"a margin of its own", []Obstacle{{Polygons: []geo.Polygon{block(-600, -50, 600, 50)}, Within: true, MarginM: 35}}, 10, place(-500, 10), place(500, 0), 0, ErrBegin},
	} {
		w := New(square(1_000), c.obstacles, c.clearance)
		way, err := w.Find(c.from, c.to)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, not %v", c.name, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		sum := 0.0
		for i := 1; i < len(way); i++ {
			sum += geo.Distance(way[i-1], way[i])
		}
		if math.Abs(sum-c.want) > 0.004*c.want {
			t.Errorf("%s: %.1f m, not %.1f: %v", c.name, sum, c.want, way)
		}
	}
}

// TestWorldIsShared has several searches find the same ways; run with -race.
func TestWorldIsShared(t *testing.T) {
	town := newTown(5, 3_000, 2_800, 150, 20, 100, 10)
	w := New(town.area, town.obstacles, 10)
	lengths := make([]float64, 4)
	var all sync.WaitGroup
	for i := range lengths {
		all.Go(func() { lengths[i] = length(w.find(w.of(town.from), w.of(town.to))) })
	}
	all.Wait()
	for _, l := range lengths {
		if l != lengths[0] || l == 0 {
			t.Errorf("%v", lengths)
		}
	}
}

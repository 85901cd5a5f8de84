package route

import (
	"math"
	"slices"

	"testzone/geofence/geo"
)

// Obstacle is an area to keep out of, or one to stay in: then the union of its
// polygons. Edges are straight in longitude and latitude.
type Obstacle struct {
	Polygons []geo.Polygon
	Within   bool
	MarginM  float64 // on top of the clearance
}

const (
	cellM = 64 // of walls and corners
	// minClearanceM keeps a way off the edges, which belong to a fence. It also covers
	// what rounding to 1e-7 degrees moves.
	minClearanceM = 1
	slackM        = 0.03 // of a corner beyond the clearance, for that rounding
	arc           = math.Pi / 6
)

// World is what a way keeps clear of.
type World struct {
	plane
	lo, hi  pt
	walls   *grid[wall]
	corners *grid[corner]
	outs    *grid[shape]
	ins     [][]shape // one of each has to hold
	graph   graph
}

// corner is a place where a shortest way may turn: about the end of a wall.
type corner struct {
	at            pt
	before, after pt // directions of the boundary to it and from it
}

// New prepares the ways within area that keep clear of all obstacles by at least
// clearanceM (1 m at least).
func New(area geo.Box, obstacles []Obstacle, clearanceM float64) *World {
	w := &World{plane: newPlane(area)}
	w.lo = w.of(geo.Point{Lat: area.MinLat, Lon: area.MinLon})
	w.hi = w.of(geo.Point{Lat: area.MaxLat, Lon: area.MaxLon})
	var walls []wall
	var corners []corner
	var outs []shape
	for _, o := range obstacles {
		shapes := make([]shape, len(o.Polygons))
		for i := range o.Polygons {
			shapes[i] = w.shapeOf(&o.Polygons[i])
		}
		if o.Within {
			w.ins = append(w.ins, shapes)
		} else {
			outs = append(outs, shapes...)
		}
		keep := max(clearanceM, minClearanceM) + o.MarginM
		for _, r := range outlines(shapes, o.Within, keep) {
			walls = append(walls, r.walls...)
			corners = r.corners(keep+slackM, corners)
		}
	}
	w.walls = newGrid(w.lo, w.hi, cellM, walls,
		func(s *wall) (lo, hi pt) {
			lo, hi = boxOf(s.a, s.b)
			return lo.sub(pt{s.keep, s.keep}), hi.add(pt{s.keep, s.keep})
		},
		func(s *wall, lo, hi pt) bool {
			return s.comesTo(lo.sub(pt{s.keep, s.keep}), hi.add(pt{s.keep, s.keep}))
		})
	w.outs = newGrid(w.lo, w.hi, 4*cellM, outs, func(s *shape) (pt, pt) { return s.lo, s.hi }, nil)
	free := corners[:0]
	for _, c := range corners {
		if w.free(c.at) {
			free = append(free, c)
		}
	}
	w.corners = newGrid(w.lo, w.hi, cellM, free, func(c *corner) (pt, pt) { return c.at, c.at }, nil)
	w.graph = newGraph(w)
	return w
}

// Free reports whether a vehicle may be at p.
func (w *World) Free(p geo.Point) bool { return w.free(w.of(p)) }

func (w *World) free(q pt) bool {
	if q.x < w.lo.x || q.y < w.lo.y || q.x > w.hi.x || q.y > w.hi.y {
		return false
	}
	near := w.walls.at(w.walls.cell(q))
	for i := range near {
		if near[i].distance(q) < near[i].keep {
			return false
		}
	}
	over := w.outs.at(w.outs.cell(q))
	for i := range over {
		if over[i].holds(q) {
			return false
		}
	}
	for _, any := range w.ins {
		if !slices.ContainsFunc(any, func(s shape) bool { return s.holds(q) }) {
			return false
		}
	}
	return true
}

// clear reports whether the straight way from a to b keeps clear.
func (w *World) clear(a, b pt) bool {
	return w.walls.along(a, b, func(items []wall) bool {
		for i := range items {
			if items[i].near(a, b) {
				return false
			}
		}
		return true
	})
}

func boxOf(a, b pt) (lo, hi pt) {
	return pt{min(a.x, b.x), min(a.y, b.y)}, pt{max(a.x, b.x), max(a.y, b.y)}
}

// comesTo reports whether the wall meets a box.
func (w *wall) comesTo(lo, hi pt) bool {
	if wlo, whi := boxOf(w.a, w.b); whi.x < lo.x || whi.y < lo.y || wlo.x > hi.x || wlo.y > hi.y {
		return false
	}
	d := w.b.sub(w.a)
	left, right := false, false
	for _, c := range [4]pt{lo, {hi.x, lo.y}, hi, {lo.x, hi.y}} {
		s := d.cross(c.sub(w.a))
		left, right = left || s >= 0, right || s <= 0
	}
	return left && right
}

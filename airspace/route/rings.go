package route

import (
	"math"
	"slices"

	"testzone/geofence/geo"
)

// outline is a ring with what has to be kept clear of on its left, and what of it is a wall.
type outline struct {
	points []pt
	walls  []wall
	loose  []pt // ends of walls where another member of a group takes over
}

// outlines are those of a keep-out, or of the members of a group to stay in, to keep so
// far from.
func outlines(shapes []shape, within bool, keep float64) (out []outline) {
	for i := range shapes {
		for k, ring := range shapes[i].rings {
			r := outline{points: slices.Clone(ring)}
			// Blocked is inside the outer ring of a keep-out and outside that of a keep-in.
			if counterClockwise(r.points) != ((k == 0) != within) {
				slices.Reverse(r.points)
			}
			for n, a := range r.points {
				b := r.points[(n+1)%len(r.points)]
				if !within || len(shapes) == 1 {
					r.walls = append(r.walls, wall{a, b, keep})
				} else {
					r.less(wall{a, b, keep}, shapes, i)
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// less adds what of an edge lies in no other of the shapes.
func (r *outline) less(e wall, shapes []shape, own int) {
	cuts := []float64{0, 1}
	lo, hi := boxOf(e.a, e.b)
	var others []*shape
	for k := range shapes {
		s := &shapes[k]
		if k == own || s.hi.x < lo.x || s.hi.y < lo.y || s.lo.x > hi.x || s.lo.y > hi.y {
			continue
		}
		others = append(others, s)
		for _, ring := range s.rings {
			for n, c := range ring {
				if t, ok := meeting(e, wall{a: c, b: ring[(n+1)%len(ring)]}); ok {
					cuts = append(cuts, t)
				}
			}
		}
	}
	slices.Sort(cuts)
	d := e.b.sub(e.a)
	for n := 1; n < len(cuts); n++ {
		from, to := cuts[n-1], cuts[n]
		mid := e.a.add(d.times((from + to) / 2))
		if to > from && !slices.ContainsFunc(others, func(s *shape) bool { return s.holds(mid) }) {
			piece := wall{e.a.add(d.times(from)), e.a.add(d.times(to)), e.keep}
			r.walls = append(r.walls, piece)
			if from > 0 {
				r.loose = append(r.loose, piece.a)
			}
			if to < 1 {
				r.loose = append(r.loose, piece.b)
			}
		}
	}
}

// meeting is where on e another edge crosses it.
func meeting(e, f wall) (t float64, ok bool) {
	d, g := e.b.sub(e.a), f.b.sub(f.a)
	det := d.cross(g)
	if det == 0 {
		return 0, false
	}
	off := f.a.sub(e.a)
	t, u := off.cross(g)/det, off.cross(d)/det
	return t, t > 0 && t < 1 && u >= 0 && u <= 1
}

// corners adds where a way at distance r may turn about the outline: on circumscribed
// arcs, so that the way between two of them keeps r.
func (o *outline) corners(r float64, out []corner) []corner {
	n := len(o.points)
	for i, v := range o.points {
		in, on := v.sub(o.points[(i+n-1)%n]), o.points[(i+1)%n].sub(v)
		angle := math.Atan2(in.cross(on), in.dot(on))
		if angle <= 1e-9 {
			continue // a way does not turn here
		}
		k := math.Ceil(angle / arc)
		each := angle / k
		normal := math.Atan2(-in.x, in.y) // to the right
		for j := range int(k) {
			at := normal + each*(float64(j)+0.5)
			out = append(out, corner{
				at:     v.add(polar(at, r/math.Cos(each/2))),
				before: polar(at-each/2+math.Pi/2, 1), after: polar(at+each/2+math.Pi/2, 1),
			})
		}
	}
	for _, v := range o.loose {
		for a := 0.0; a < 2*math.Pi-arc/2; a += arc {
			out = append(out, corner{at: v.add(polar(a, r/math.Cos(arc/2)))}) // whatever direction
		}
	}
	return out
}

// touches reports whether a line in direction d leaves the boundary at the corner on one side.
func (c *corner) touches(d pt) bool {
	in, on := -d.cross(c.before), d.cross(c.after)
	along := 1e-6 * (math.Abs(d.x) + math.Abs(d.y)) // the boundary itself
	return in >= -along && on >= -along || in <= along && on <= along
}

func counterClockwise(ring []pt) bool {
	sum := 0.0
	for i, a := range ring {
		sum += a.cross(ring[(i+1)%len(ring)])
	}
	return sum > 0
}

// shape is a polygon on the plane: outer ring, holes.
type shape struct {
	rings  [][]pt
	lo, hi pt
}

func (p *plane) shapeOf(q *geo.Polygon) shape {
	var s shape
	for _, ring := range append([]geo.Ring{q.Outer}, q.Holes...) {
		points := make([]pt, 0, len(ring))
		for _, v := range ring {
			if at := p.of(v); len(points) == 0 || at != points[len(points)-1] {
				points = append(points, at)
			}
		}
		if n := len(points); n > 1 && points[0] == points[n-1] {
			points = points[:n-1]
		}
		s.rings = append(s.rings, points)
	}
	s.lo, s.hi = s.rings[0][0], s.rings[0][0]
	for _, v := range s.rings[0] {
		s.lo, s.hi = pt{min(s.lo.x, v.x), min(s.lo.y, v.y)}, pt{max(s.hi.x, v.x), max(s.hi.y, v.y)}
	}
	return s
}

// holds reports whether a point lies in the shape; its edges are met by their walls.
func (s *shape) holds(p pt) bool {
	if p.x < s.lo.x || p.y < s.lo.y || p.x > s.hi.x || p.y > s.hi.y {
		return false
	}
	in := false
	for _, ring := range s.rings {
		b := ring[len(ring)-1]
		for _, a := range ring {
			if (a.y > p.y) != (b.y > p.y) && p.x < (b.x-a.x)*(p.y-a.y)/(b.y-a.y)+a.x {
				in = !in
			}
			b = a
		}
	}
	return in
}

package volumes

import (
	"math"

	"testzone/geofence/geo"
)

// plane maps the lattice to metres about one place, by the radii of curvature
// there. It is affine: straight in longitude and latitude stays straight. Lengths
// are off by the change of the meridians' distance from the place's latitude, so
// a length that decides is measured again in a plane at its own middle latitude.
type plane struct {
	lat, lon    int64   // the place
	north, east float64 // metres of a unit
}

// vec is a place in a plane, in metres.
type vec struct{ x, y float64 }

func planeAt(lat, lon int64) plane {
	n, e := geo.UnitsPerMetre(int32(lat))
	return plane{lat, lon, 1 / n, 1 / e}
}

// planeOf is the plane in the middle of what two boxes share, or between them.
func planeOf(a, b *geo.Box, shift int64) plane {
	south, north := max(a.MinLat, b.MinLat), min(a.MaxLat, b.MaxLat)
	west, east := max(int64(a.MinLon), int64(b.MinLon)+shift), min(int64(a.MaxLon), int64(b.MaxLon)+shift)
	return planeAt((int64(south)+int64(north))/2, (west+east)/2)
}

func (p *plane) at(g geo.Point, shift int64) vec {
	return vec{float64(int64(g.Lon)+shift-p.lon) * p.east, float64(int64(g.Lat)-p.lat) * p.north}
}

func (p *plane) ends(s *segment, shift int64) (a, b vec) {
	return p.at(s.a, shift), p.at(s.b, shift)
}

func (a vec) minus(b vec) vec           { return vec{a.x - b.x, a.y - b.y} }
func (a vec) plus(b vec, k float64) vec { return vec{a.x + k*b.x, a.y + k*b.y} }
func (a vec) dot(b vec) float64         { return a.x*b.x + a.y*b.y }
func (a vec) cross(b vec) float64       { return a.x*b.y - a.y*b.x }
func (a vec) length() float64           { return math.Sqrt(a.dot(a)) }

// nearestOn is the parameter of the point of ab nearest to p.
func nearestOn(p, a, b vec) float64 {
	d := b.minus(a)
	if l := d.dot(d); l > 0 {
		return math.Min(math.Max(p.minus(a).dot(d)/l, 0), 1)
	}
	return 0
}

// nearest are the nearest points of two segments.
func nearest(a, b, c, d vec) (p, q vec) {
	u, v, w := b.minus(a), d.minus(c), c.minus(a)
	if n := u.cross(v); n != 0 {
		t, s := w.cross(v)/n, w.cross(u)/n
		if t >= 0 && t <= 1 && s >= 0 && s <= 1 {
			p = a.plus(u, t)
			return p, p
		}
	}
	best := math.Inf(1)
	try := func(e, f vec) {
		if g := f.minus(e); g.dot(g) < best {
			best, p, q = g.dot(g), e, f
		}
	}
	try(a, c.plus(v, nearestOn(a, c, d)))
	try(b, c.plus(v, nearestOn(b, c, d)))
	try(a.plus(u, nearestOn(c, a, b)), c)
	try(a.plus(u, nearestOn(d, a, b)), d)
	return p, q
}

// span is an interval of the parameter along a segment.
type span struct{ from, to float64 }

// within is the part of the line a + t d, |d| = 1, that lies within r of the
// segment ef. The capsule around ef is convex: it is one interval.
func within(a, d, e, f vec, r float64) (span, bool) {
	s := span{math.Inf(1), math.Inf(-1)}
	for _, c := range [2]vec{e, f} {
		w := c.minus(a)
		along, off := w.dot(d), w.cross(d)
		if h := r*r - off*off; h >= 0 {
			h = math.Sqrt(h)
			s.from, s.to = math.Min(s.from, along-h), math.Max(s.to, along+h)
		}
	}
	g := f.minus(e)
	if l := g.length(); l > 0 {
		g = vec{g.x / l, g.y / l}
		from, to := math.Inf(-1), math.Inf(1)
		w := a.minus(e)
		// 0 <= (w + t d) . g <= l and -r <= (w + t d) x g <= r
		from, to = clip(from, to, w.dot(g), d.dot(g), 0, l)
		from, to = clip(from, to, w.cross(g), d.cross(g), -r, r)
		if from <= to {
			s.from, s.to = math.Min(s.from, from), math.Max(s.to, to)
		}
	}
	return s, s.from <= s.to
}

// clip narrows [from, to] to where low <= at + t*step <= high.
func clip(from, to, at, step, low, high float64) (float64, float64) {
	if step == 0 {
		if at < low || at > high {
			return 1, 0
		}
		return from, to
	}
	u, v := (low-at)/step, (high-at)/step
	return math.Max(from, math.Min(u, v)), math.Min(to, math.Max(u, v))
}

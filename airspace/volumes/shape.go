package volumes

import (
	"math"
	"slices"

	"testzone/geofence/geo"
)

// partsShare reports whether two parts reach more than deep metres into each
// other; shift is added to the longitudes of b. Does not allocate for shapes of
// usual size.
func partsShare(a, b *part, shift int64, deep float64) bool {
	return partsShareWithin(a, b, shift, deep, nil)
}

// partsShareWithin gives up, with false, when it looked at more pairs of segments
// than budget; nil: never.
func partsShareWithin(a, b *part, shift int64, deep float64, budget *int) bool {
	if !boxesShare(&a.box, &b.box, shift) {
		return false
	}
	switch {
	case a.radius > 0 && b.radius > 0:
		return closerThan(a, b, shift, a.radius+b.radius-deep)
	case a.radius > 0:
		return entersRound(b, a, -shift, deep, budget)
	case b.radius > 0:
		return entersRound(a, b, shift, deep, budget)
	case a.upright && b.upright:
		return uprightDepth(a, b, shift) > deep
	}
	pl := planeOf(&a.box, &b.box, shift)
	half := deep / 2
	// The points on the border of one that lie deep in the other; and for borders
	// that lie on each other, those half as deep in both. Between these three,
	// what is missed is detail of the size of the depth itself.
	return (&reach{&pl, a, b, 0, shift, 0, deep, budget}).any() ||
		(&reach{&pl, b, a, shift, 0, 0, deep, budget}).any() ||
		(&reach{&pl, a, b, 0, shift, half, half * (1 - 1e-4), budget}).any()
}

// uprightDepth is how deep two rectangles along the meridians reach into each other.
func uprightDepth(a, b *part, shift int64) float64 {
	pl := planeOf(&a.box, &b.box, shift)
	lat := min(int64(a.box.MaxLat)-int64(b.box.MinLat), int64(b.box.MaxLat)-int64(a.box.MinLat))
	lon := min(int64(a.box.MaxLon)-int64(b.box.MinLon)-shift, int64(b.box.MaxLon)+shift-int64(a.box.MinLon))
	return math.Min(float64(lat)*pl.north, float64(lon)*pl.east)
}

// reach asks for a point that lies inset metres within the border of one polygon
// and more than keep metres within the other.
type reach struct {
	*plane
	of, in           *part
	ofShift, inShift int64
	inset, keep      float64
	budget           *int
}

func (r *reach) any() bool {
	// What of the other's border can be near: a box grown by keep, in units.
	box := r.in.box
	room := int64((r.keep+r.inset)/math.Min(r.north, r.east)) + 2
	var buf [32]span
	edges := r.of.near(int64(box.MinLat)-room, int64(box.MaxLat)+room)
	for i := range edges {
		e := &edges[i]
		if r.budget != nil && *r.budget < 0 {
			return false
		}
		if int64(max(e.a.Lon, e.b.Lon))+r.ofShift+room < int64(box.MinLon)+r.inShift || int64(min(e.a.Lon, e.b.Lon))+r.ofShift-room > int64(box.MaxLon)+r.inShift {
			continue
		}
		if r.along(e, buf[:0]) {
			return true
		}
	}
	return false
}

// along looks for such a point on one edge, moved to its left by the inset.
func (r *reach) along(e *segment, near []span) bool {
	a, b := r.ends(e, r.ofShift)
	d := b.minus(a)
	l := d.length()
	if d = (vec{d.x / l, d.y / l}); l == 0 { // the centre of a circle
		d, l = vec{1, 0}, 1e-9
	}
	a = a.plus(vec{-d.y, d.x}, r.inset)
	low := vec{math.Min(a.x, a.x+l*d.x) - r.keep, math.Min(a.y, a.y+l*d.y) - r.keep}
	high := vec{math.Max(a.x, a.x+l*d.x) + r.keep, math.Max(a.y, a.y+l*d.y) + r.keep}
	south, north := r.lat+int64(low.y/r.north)-1, r.lat+int64(high.y/r.north)+1
	cover := func(of *part, shift int64, radius float64) {
		edges := of.near(south, north)
		if r.budget != nil {
			*r.budget -= len(edges)
		}
		for i := range edges {
			p, q := r.ends(&edges[i], shift)
			if math.Max(p.x, q.x) < low.x || math.Min(p.x, q.x) > high.x || math.Max(p.y, q.y) < low.y || math.Min(p.y, q.y) > high.y {
				continue
			}
			if s, ok := within(a, d, p, q, radius); ok && s.to >= 0 && s.from <= l {
				near = append(near, s)
			}
		}
	}
	cover(r.in, r.inShift, r.keep)
	if r.inset > 0 {
		// Nearer to another edge of its own it is not that deep.
		cover(r.of, r.ofShift, r.inset*(1-1e-4))
	}
	slices.SortFunc(near, func(a, b span) int {
		if a.from < b.from {
			return -1
		}
		return 1
	})
	at := 0.0
	for _, s := range near {
		if s.from > at && r.holds(a.plus(d, (at+math.Min(s.from, l))/2)) {
			return true
		}
		at = math.Max(at, s.to)
	}
	return at < l && r.holds(a.plus(d, (at+l)/2))
}

// holds reports whether the other polygon holds a place that is not near its border.
func (r *reach) holds(p vec) (in bool) {
	lat := r.lat + int64(math.Floor(p.y/r.north))
	edges := r.in.near(lat, lat+1)
	for i := range edges {
		a, b := r.ends(&edges[i], r.inShift)
		if (a.y <= p.y) != (b.y <= p.y) && (p.y-a.y)/(b.y-a.y)*(b.x-a.x)+a.x > p.x {
			in = !in
		}
	}
	return in
}

// entersRound reports whether a polygon comes nearer to the line of a round part
// than its radius less deep, or for more than the radius, the line that much
// into the polygon.
func entersRound(poly, round *part, shift int64, deep float64, budget *int) bool {
	if deep >= round.radius {
		pl := planeOf(&poly.box, &round.box, shift)
		return (&reach{&pl, round, poly, shift, 0, 0, math.Max(deep-round.radius, 1e-6), budget}).any()
	}
	if poly.contains(round.segs[0].a, shift) {
		return true
	}
	return closerThan(poly, round, shift, round.radius-deep)
}

// contains reports whether a polygon holds a point, its border as well as not.
func (p *part) contains(at geo.Point, shift int64) (in bool) {
	lat, lon := int64(at.Lat), int64(at.Lon)+shift
	for _, e := range p.near(lat, lat) {
		a, b := e.a, e.b
		if a.Lat > b.Lat {
			a, b = b, a
		}
		if int64(a.Lat) <= lat && lat < int64(b.Lat) &&
			(int64(b.Lon)-int64(a.Lon))*(lat-int64(a.Lat))-(int64(b.Lat)-int64(a.Lat))*(lon-int64(a.Lon)) > 0 {
			in = !in
		}
	}
	return in
}

// closerThan reports whether a segment of one part comes closer than some metres
// to one of the other.
func closerThan(a, b *part, shift int64, metres float64) bool {
	if metres <= 0 {
		return false
	}
	pl := planeOf(&a.box, &b.box, shift)
	north := int64(metres/pl.north*1.02) + 2 // in units, with room for the change of the scale
	of := a.near(int64(b.box.MinLat)-north, int64(b.box.MaxLat)+north)
	for i := range of {
		s := &of[i]
		others := b.near(int64(s.south())-north, int64(max(s.a.Lat, s.b.Lat))+north)
		for k := range others {
			if gap(&pl, s, &others[k], shift, metres) < metres {
				return true
			}
		}
	}
	return false
}

// gap is the distance of two segments in metres. Near the length that decides it
// is within a millimetre up to 10 km (see geo.Distance); elsewhere within 1 %.
func gap(pl *plane, s, o *segment, shift int64, decides float64) float64 {
	a, b := pl.ends(s, 0)
	c, d := pl.ends(o, shift)
	p, q := nearest(a, b, c, d)
	metres := p.minus(q).length()
	if math.Abs(metres-decides) > 1+decides/50 {
		return metres
	}
	own := *pl
	for range 2 {
		own = planeAt(own.lat+int64(math.Round((p.y+q.y)/2/own.north)), own.lon)
		a, b = own.ends(s, 0)
		c, d = own.ends(o, shift)
		p, q = nearest(a, b, c, d)
	}
	return p.minus(q).length()
}

// depth is how deep two parts reach into each other, at least.
func depth(a, b *part, shift int64) float64 {
	if !partsShare(a, b, shift, Precision) {
		return 0
	}
	if a.upright && b.upright {
		return uprightDepth(a, b, shift)
	}
	// The test is sound at every depth, and costs more at a larger one: grow, then
	// bisect, and stop where large shapes become too much work.
	budget := depthBudget
	low, high := Precision, math.Max(a.extent(), b.extent())
	for high-low > math.Max(Precision, low/200) && budget > 0 {
		mid := math.Min(4*low, (low+high)/2)
		if partsShareWithin(a, b, shift, mid, &budget) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// depthBudget is how many pairs of segments are looked at to measure a depth:
// some 10 ms; shapes of up to a hundred vertices need less.
const depthBudget = 500_000

// extent is more than any depth within a part, in metres.
func (p *part) extent() float64 {
	north, east := geo.UnitsPerMetre(int32((int64(p.box.MinLat) + int64(p.box.MaxLat)) / 2))
	return math.Hypot(float64(int64(p.box.MaxLat)-int64(p.box.MinLat))/north, float64(int64(p.box.MaxLon)-int64(p.box.MinLon))/east)
}

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
	if !boxesShare(&a.box, &b.box, shift) {
		return false
	}
	switch {
	case a.line != nil && b.line != nil:
		return closerThan(a.line, b.line, shift, a.radius+b.radius-deep, a, b)
	case a.line != nil:
		return entersRound(b, a, -shift, deep)
	case b.line != nil:
		return entersRound(a, b, shift, deep)
	case a.upright && b.upright:
		return uprightDepth(a, b, shift) > deep
	}
	pl := planeOf(&a.box, &b.box, shift)
	half := deep / 2
	// The points on the border of one that lie deep in the other; and for borders
	// that lie on each other, those half as deep in both. Between these three,
	// what is missed is detail of the size of the depth itself.
	return (&reach{&pl, a, b, 0, shift, 0, deep}).any() ||
		(&reach{&pl, b, a, shift, 0, 0, deep}).any() ||
		(&reach{&pl, a, b, 0, shift, half, half * (1 - 1e-4)}).any()
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
}

func (r *reach) any() bool {
	// What of the other's border can be near: a box grown by keep, in units.
	box := r.in.box
	room := int64((r.keep+r.inset)/math.Min(r.north, r.east)) + 2
	var buf [32]span
	for i := range r.of.edges {
		e := &r.of.edges[i]
		if int64(max(e.a.Lat, e.b.Lat))+room < int64(box.MinLat) || int64(min(e.a.Lat, e.b.Lat))-room > int64(box.MaxLat) ||
			int64(max(e.a.Lon, e.b.Lon))+r.ofShift+room < int64(box.MinLon)+r.inShift || int64(min(e.a.Lon, e.b.Lon))+r.ofShift-room > int64(box.MaxLon)+r.inShift {
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
	cover := func(edges []segment, shift int64, radius float64) {
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
	cover(r.in.edges, r.inShift, r.keep)
	if r.inset > 0 {
		// Nearer to another edge of its own it is not that deep.
		cover(r.of.edges, r.ofShift, r.inset*(1-1e-4))
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
	for i := range r.in.edges {
		a, b := r.ends(&r.in.edges[i], r.inShift)
		if (a.y <= p.y) != (b.y <= p.y) && (p.y-a.y)/(b.y-a.y)*(b.x-a.x)+a.x > p.x {
			in = !in
		}
	}
	return in
}

// entersRound reports whether a polygon comes nearer to the line of a round part
// than its radius less deep, or for more than the radius, the line that much
// into the polygon.
func entersRound(poly, round *part, shift int64, deep float64) bool {
	if deep >= round.radius {
		pl := planeOf(&poly.box, &round.box, shift)
		line := part{edges: round.line}
		return (&reach{&pl, &line, poly, shift, 0, 0, math.Max(deep-round.radius, 1e-6)}).any()
	}
	if poly.contains(round.line[0].a, shift) {
		return true
	}
	return closerThan(poly.edges, round.line, shift, round.radius-deep, poly, round)
}

// contains reports whether a polygon holds a point, its border as well as not.
func (p *part) contains(at geo.Point, shift int64) (in bool) {
	lat, lon := int64(at.Lat), int64(at.Lon)+shift
	for i := range p.edges {
		a, b := p.edges[i].a, p.edges[i].b
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

// closerThan reports whether any segment of one list comes closer than some
// metres to one of the other.
func closerThan(list, other []segment, shift int64, metres float64, a, b *part) bool {
	if metres <= 0 {
		return false
	}
	pl := planeOf(&a.box, &b.box, shift)
	for i := range list {
		for k := range other {
			if gap(&pl, &list[i], &other[k], shift, metres) < metres {
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
	if a.line == nil && b.line == nil && a.upright && b.upright {
		return uprightDepth(a, b, shift)
	}
	// Bisection: the test is sound at every depth.
	low, high := Precision, math.Max(a.extent(), b.extent())
	for high-low > math.Max(Precision, low/200) {
		if mid := (low + high) / 2; partsShare(a, b, shift, mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// extent is more than any depth within a part, in metres.
func (p *part) extent() float64 {
	north, east := geo.UnitsPerMetre(int32((int64(p.box.MinLat) + int64(p.box.MaxLat)) / 2))
	return math.Hypot(float64(int64(p.box.MaxLat)-int64(p.box.MinLat))/north, float64(int64(p.box.MaxLon)-int64(p.box.MinLon))/east)
}

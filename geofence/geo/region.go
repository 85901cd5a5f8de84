package geo

import "math"

// Edge is a segment of a boundary, stored with A.Lat <= B.Lat.
type Edge struct{ A, B Point }

// Box is the box around the edge.
func (e *Edge) Box() Box { return BoxOf(e.A, e.B) }

// Comes reports whether the edge shares a point with a box. Of an edge whose line
// runs through a corner of the box it may say so although it ends before.
func (e *Edge) Comes(b *Box) bool {
	west, east := min(e.A.Lon, e.B.Lon), max(e.A.Lon, e.B.Lon)
	if e.A.Lat > b.MaxLat || b.MinLat > e.B.Lat || west > b.MaxLon || b.MinLon > east {
		return false
	}
	sw, se := Point{b.MinLat, b.MinLon}, Point{b.MinLat, b.MaxLon}
	nw, ne := Point{b.MaxLat, b.MinLon}, Point{b.MaxLat, b.MaxLon}
	o := Orient(e.A, e.B, sw)
	return o == 0 || o != Orient(e.A, e.B, se) || o != Orient(e.A, e.B, nw) || o != Orient(e.A, e.B, ne)
}

// Region is a polygon made ready for queries: its edges, listed by horizontal
// stripes so that a query looks only at the edges of its own latitude. It is
// immutable and safe for concurrent use.
//
// The rings must be valid (no crossing edges, spans within the limits of the
// predicates); geofence.Compile checks that. A point is inside by even-odd
// parity over all rings, so the winding of a ring does not matter.
type Region struct {
	box    Box
	rings  [][]Edge
	off    []uint32 // stripe i is edges[off[i]:off[i+1]]
	edges  []Edge
	height int64 // rows of the lattice in one stripe
}

// maxStripes bounds the memory of a large polygon; a third of the edges is
// where more stripes stop paying.
const maxStripes = 256

// NewRegion prepares a polygon. A polygon without edges gives an empty region.
func NewRegion(p Polygon) *Region {
	r := &Region{}
	all := 0
	for i := -1; i < len(p.Holes); i++ {
		ring := p.Outer
		if i >= 0 {
			ring = p.Holes[i]
		}
		edges := make([]Edge, 0, len(ring))
		for k, a := range ring {
			b := ring[(k+1)%len(ring)]
			if b.Lat < a.Lat {
				a, b = b, a
			}
			e := Edge{a, b}
			if all++; all == 1 {
				r.box = e.Box()
			}
			r.box = r.box.Union(e.Box())
			edges = append(edges, e)
		}
		r.rings = append(r.rings, edges)
	}
	r.buildStripes(min(max(all/3, 1), maxStripes))
	return r
}

func (r *Region) buildStripes(n int) {
	rows := int64(r.box.MaxLat) - int64(r.box.MinLat) + 1
	r.height = (rows + int64(n) - 1) / int64(n)
	count := make([]uint32, n+1)
	r.eachStripe(func(s int, _ Edge) { count[s+1]++ })
	for i := range n {
		count[i+1] += count[i]
	}
	r.off = append([]uint32(nil), count...)
	r.edges = make([]Edge, count[n])
	r.eachStripe(func(s int, e Edge) {
		r.edges[count[s]] = e
		count[s]++
	})
}

func (r *Region) eachStripe(f func(stripe int, e Edge)) {
	for _, ring := range r.rings {
		for _, e := range ring {
			for s := r.stripe(e.A.Lat); s <= r.stripe(e.B.Lat); s++ {
				f(s, e)
			}
		}
	}
}

// stripe is the stripe of a latitude within the box.
func (r *Region) stripe(lat int32) int {
	return int((int64(lat) - int64(r.box.MinLat)) / r.height)
}

// Box is the box around the region.
func (r *Region) Box() Box { return r.box }

// Rings are the edges of each ring, the outer one first, in the order of the
// ring. The caller must not change them.
func (r *Region) Rings() [][]Edge { return r.rings }

// Locate reports where p lies: strictly inside, on an edge or vertex, or (both
// false) outside. Does not allocate.
func (r *Region) Locate(p Point) (in, on bool) {
	if len(r.edges) == 0 || !r.box.Contains(p) {
		return false, false
	}
	s := r.stripe(p.Lat)
	for i := r.off[s]; i < r.off[s+1]; i++ {
		e := &r.edges[i]
		if p.Lat < e.A.Lat || p.Lat > e.B.Lat {
			continue
		}
		o := cross(e.A, e.B, p)
		if o == 0 && min(e.A.Lon, e.B.Lon) <= p.Lon && p.Lon <= max(e.A.Lon, e.B.Lon) {
			return false, true
		}
		// Half open in latitude so that a vertex counts once; o > 0: the edge
		// lies strictly to the east.
		if p.Lat < e.B.Lat && o > 0 {
			in = !in
		}
	}
	return in, false
}

// HoldsStart reports whether the chord's point at T0 lies in the closed region.
func (r *Region) HoldsStart(c *Chord) bool {
	in, on := r.LocateStart(c)
	return in || on
}

// LocateStart is Locate for the chord's point at T0.
func (r *Region) LocateStart(c *Chord) (in, on bool) {
	a, b, t := c.A, c.B, c.T0
	// A row beside the true latitude; the product stays below 1.8e9 * 2^32. Every
	// edge that spans a latitude between two rows is in the stripes of both.
	row := int64(a.Lat) + (int64(b.Lat)-int64(a.Lat))*t.N/t.D
	if len(r.edges) == 0 || row < int64(r.box.MinLat) || row > int64(r.box.MaxLat) {
		return false, false
	}
	s := r.stripe(int32(row))
	for i := r.off[s]; i < r.off[s+1]; i++ {
		e := &r.edges[i]
		fromA := lerpSign(int64(a.Lat)-int64(e.A.Lat), int64(b.Lat)-int64(e.A.Lat), t)
		toB := lerpSign(int64(a.Lat)-int64(e.B.Lat), int64(b.Lat)-int64(e.B.Lat), t)
		if fromA < 0 || toB > 0 {
			continue
		}
		o := lerpSign(cross(e.A, e.B, a), cross(e.A, e.B, b), t)
		if o == 0 {
			west, east := int64(min(e.A.Lon, e.B.Lon)), int64(max(e.A.Lon, e.B.Lon))
			if lerpSign(int64(a.Lon)-west, int64(b.Lon)-west, t) >= 0 &&
				lerpSign(int64(a.Lon)-east, int64(b.Lon)-east, t) <= 0 {
				return false, true
			}
		}
		if toB < 0 && o > 0 {
			in = !in
		}
	}
	return in, false
}

// MeetsChord reports whether the chord and the closed region share a point.
// Does not allocate.
func (r *Region) MeetsChord(c *Chord) bool {
	if len(r.edges) == 0 {
		return false
	}
	box := BoxOf(c.A, c.B)
	if !r.box.Meets(&box) {
		return false
	}
	if r.HoldsStart(c) {
		return true
	}
	first := r.off[r.stripe(max(box.MinLat, r.box.MinLat))]
	last := r.off[r.stripe(min(box.MaxLat, r.box.MaxLat))+1]
	for i := first; i < last; i++ {
		if c.meetsEdge(&r.edges[i]) {
			return true
		}
	}
	return false
}

// FirstMeeting is the first parameter at which the chord lies in the closed
// region, to the precision of float64. Does not allocate.
func (r *Region) FirstMeeting(c *Chord) (t float64, ok bool) {
	if box := BoxOf(c.A, c.B); len(r.edges) == 0 || !r.box.Meets(&box) {
		return 0, false
	}
	if r.HoldsStart(c) {
		return c.T0.Float(), true
	}
	return r.FirstEdge(c)
}

// FirstEdge is the first parameter at which the chord meets an edge, to the
// precision of float64. Does not allocate.
func (r *Region) FirstEdge(c *Chord) (t float64, ok bool) {
	box := BoxOf(c.A, c.B)
	if len(r.edges) == 0 || !r.box.Meets(&box) {
		return 0, false
	}
	t = math.Inf(1)
	first := r.off[r.stripe(max(box.MinLat, r.box.MinLat))]
	last := r.off[r.stripe(min(box.MaxLat, r.box.MaxLat))+1]
	for i := first; i < last; i++ {
		if e := &r.edges[i]; c.meetsEdge(e) {
			t, ok = min(t, c.Meeting(e)), true
		}
	}
	return t, ok
}

// Meetings appends the first parameter at which the chord meets each edge that it
// meets, to the precision of float64, in the order of the edges; an edge may be
// there more than once.
func (r *Region) Meetings(c *Chord, out []float64) []float64 {
	box := BoxOf(c.A, c.B)
	if len(r.edges) == 0 || !r.box.Meets(&box) {
		return out
	}
	first := r.off[r.stripe(max(box.MinLat, r.box.MinLat))]
	last := r.off[r.stripe(min(box.MaxLat, r.box.MaxLat))+1]
	for i := first; i < last; i++ {
		if e := &r.edges[i]; c.meetsEdge(e) {
			out = append(out, c.Meeting(e))
		}
	}
	return out
}

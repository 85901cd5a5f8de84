package geofence

import (
	"fmt"

	"testzone/geofence/geo"
)

// Limits of a fence's shape.
const (
	MaxVertices = 100_000 // of one fence, all rings together
	maxRings    = 1000    // of one fence
	maxLat      = 890_000_000
	maxEdge     = 900_000_000   // span of one edge
	maxSpan     = 1_800_000_000 // span of a ring: below it the predicates are exact
	maxReported = 8             // crossing edges named in one answer
)

// checker collects everything that is wrong with the polygons of one fence.
type checker struct {
	kind     Kind
	geodesic bool // the edges
	flat     bool // the polygons may reach beyond longitude 180 as they are
	turned   bool // the longitudes were continued beyond 180
	errs     []error
}

// cleanRing is a ring without repeated vertices; at[i] is where vertex i stood
// in the ring as it was given.
type cleanRing struct {
	polygon, ring int
	vertices      geo.Ring
	at            []int
}

// polygons checks them and returns them without repeated vertices. The result
// is good only if no error was collected.
func (c *checker) polygons(in []geo.Polygon) []geo.Polygon {
	vertices, rings := 0, 0
	for _, p := range in {
		vertices += len(p.Outer)
		rings += 1 + len(p.Holes)
		for _, h := range p.Holes {
			vertices += len(h)
		}
	}
	if vertices > MaxVertices || rings > maxRings {
		c.errs = append(c.errs, &ShapeError{Reason: TooLarge, Ring: None, RingB: None, EdgeA: None, EdgeB: None, Vertex: None,
			Detail: fmt.Sprintf("%d vertices in %d rings, the limits are %d and %d", vertices, rings, MaxVertices, maxRings)})
		return nil
	}
	in = c.unwrap(in)
	var all []cleanRing
	out := make([]geo.Polygon, 0, len(in))
	for i, p := range in {
		outer := c.ring(i, 0, p.Outer)
		all = append(all, outer)
		clean := geo.Polygon{Outer: outer.vertices}
		for k, h := range p.Holes {
			hole := c.ring(i, k+1, h)
			all = append(all, hole)
			clean.Holes = append(clean.Holes, hole.vertices)
		}
		out = append(out, clean)
	}
	if len(c.errs) > 0 {
		// Rings that are broken in themselves would only add errors that follow
		// from the first ones; sound rings are still checked for crossings.
		all = c.sound(all)
	}
	before := len(c.errs)
	c.crossings(all)
	if len(c.errs) == before {
		c.nesting(all)
	}
	return out
}

// unwrap continues the longitudes of polygons that cross longitude 180 beyond
// it, all of a fence in the same way.
func (c *checker) unwrap(in []geo.Polygon) []geo.Polygon {
	crosses := false
	for _, p := range in {
		for _, ring := range append([]geo.Ring{p.Outer}, p.Holes...) {
			for i, v := range ring {
				next := ring[(i+1)%len(ring)]
				crosses = crosses || abs64(int64(v.Lon)-int64(next.Lon)) > geo.MaxLon
				if !v.Valid() {
					return in // an error in itself
				}
			}
		}
	}
	if !crosses || c.flat {
		return in
	}
	for _, negative := range [2]bool{false, true} {
		fits := true
		turn := func(r geo.Ring) geo.Ring {
			out := make(geo.Ring, len(r))
			for i, v := range r {
				lon := int64(v.Lon)
				switch {
				case negative && lon > 0:
					lon -= 2 * geo.MaxLon
				case !negative && lon < 0:
					lon += 2 * geo.MaxLon
				}
				fits = fits && abs64(lon) <= geo.ReachLon
				out[i] = geo.Point{Lat: v.Lat, Lon: int32(max(min(lon, geo.ReachLon), -geo.ReachLon))}
			}
			return out
		}
		out := make([]geo.Polygon, len(in))
		for i, p := range in {
			out[i].Outer = turn(p.Outer)
			for _, h := range p.Holes {
				out[i].Holes = append(out[i].Holes, turn(h))
			}
		}
		if fits {
			c.turned = true
			return out
		}
	}
	return in // spans names the edge
}

// sound keeps the rings that no error names.
func (c *checker) sound(rings []cleanRing) []cleanRing {
	type key struct{ polygon, ring int }
	bad := map[key]bool{}
	for _, err := range c.errs {
		if e, ok := err.(*ShapeError); ok {
			// A spike is a local defect: the other edges of the ring may cross all the same.
			if e.Reason != Spike {
				bad[key{e.Polygon, e.Ring}] = true
			}
		}
	}
	var out []cleanRing
	for _, r := range rings {
		if !bad[key{r.polygon, r.ring}] {
			out = append(out, r)
		}
	}
	return out
}

func (c *checker) ring(polygon, ring int, in geo.Ring) cleanRing {
	r := cleanRing{polygon: polygon, ring: ring}
	valid := true
	for i, p := range in {
		switch {
		case !p.Valid() && !c.turned && !c.flat:
			c.vertex(&r, OutOfRange, i, p, "")
			valid = false
		case p.Lat > maxLat || p.Lat < -maxLat:
			c.vertex(&r, NearPole, i, p, "fences are supported up to 89 degrees of latitude")
			valid = false
		}
		if n := len(r.vertices); n > 0 && r.vertices[n-1] == p {
			r.at[n-1] = i // the edge that starts here is the one after the repetition
			continue
		}
		r.vertices = append(r.vertices, p)
		r.at = append(r.at, i)
	}
	if n := len(r.vertices); n > 1 && r.vertices[0] == r.vertices[n-1] {
		r.vertices, r.at = r.vertices[:n-1], r.at[:n-1]
	}
	if valid && c.degenerate(&r) && c.spans(&r) {
		c.densify(&r)
		c.spikes(&r)
	}
	return r
}

// densify puts points on geodesic edges so that straight pieces follow them.
func (c *checker) densify(r *cleanRing) {
	if !c.geodesic {
		return
	}
	var ring geo.Ring
	var at []int
	for i, a := range r.vertices {
		ring = geo.Along(a, r.vertices[(i+1)%len(r.vertices)], true, edgeM, append(ring, a))
		for len(at) < len(ring) {
			at = append(at, r.at[i])
		}
		if len(ring) > MaxVertices {
			c.wholeRing(r, TooLarge, "its geodesic edges are too long for pieces of 1 km")
			return
		}
	}
	r.vertices, r.at = ring, at
}

// degenerate refuses rings without an area; it reports whether the ring has one.
func (c *checker) degenerate(r *cleanRing) bool {
	distinct := map[geo.Point]struct{}{}
	for _, p := range r.vertices {
		distinct[p] = struct{}{}
		if len(distinct) == 3 {
			break
		}
	}
	if len(distinct) < 3 {
		c.wholeRing(r, TooFewVertices, fmt.Sprintf("%d distinct, at least 3 are needed", len(distinct)))
		return false
	}
	return true
}

// spans refuses edges and rings beyond the limits of the predicates; it reports
// whether the ring keeps within them.
func (c *checker) spans(r *cleanRing) bool {
	ok := true
	box := geo.BoxOf(r.vertices[0], r.vertices[0])
	for i, a := range r.vertices {
		b := r.vertices[(i+1)%len(r.vertices)]
		box = box.Union(geo.BoxOf(a, b))
		dlon := abs64(int64(b.Lon) - int64(a.Lon))
		switch {
		case dlon > geo.MaxLon:
			c.edge(r, Antimeridian, i, beyondDetail)
			ok = false
		case dlon > maxEdge || abs64(int64(b.Lat)-int64(a.Lat)) > maxEdge:
			c.edge(r, EdgeTooLong, i, "an edge may span at most 90 degrees")
			ok = false
		}
	}
	if ok && int64(box.MaxLon)-int64(box.MinLon) >= maxSpan {
		c.wholeRing(r, TooWide, "a ring must span less than 180 degrees")
		ok = false
	}
	return ok
}

func (c *checker) spikes(r *cleanRing) {
	n := len(r.vertices)
	flat := true
	for i := range r.vertices {
		if geo.Orient(r.vertices[0], r.vertices[1], r.vertices[i]) != 0 {
			flat = false
			break
		}
	}
	if flat {
		c.wholeRing(r, ZeroArea, "all vertices lie on one line")
		return
	}
	for i, p := range r.vertices {
		a, b := r.vertices[(i+n-1)%n], r.vertices[(i+1)%n]
		if geo.Orient(a, p, b) == 0 && !between(a, p, b) {
			c.vertex(r, Spike, r.at[i], p, "the edges before and after it lie on each other")
		}
	}
}

// between reports whether p lies between a and b, given that they are collinear.
func between(a, p, b geo.Point) bool {
	box := geo.BoxOf(a, b)
	return box.Contains(p)
}

// nesting checks holes against their outer ring and against each other, and the
// polygons of a keep-in against each other. No two rings touch when it runs, so
// one vertex decides for the whole ring.
func (c *checker) nesting(rings []cleanRing) {
	regions := make([]*geo.Region, len(rings))
	for i, r := range rings {
		regions[i] = geo.NewRegion(geo.Polygon{Outer: r.vertices})
	}
	for i := range rings {
		r := &rings[i]
		inOuter := r.ring == 0
		for k := range rings {
			o := &rings[k]
			if i == k {
				continue
			}
			same := o.polygon == r.polygon
			if !same && (c.kind != KeepIn || o.ring != 0 || r.ring != 0) || same && r.ring == 0 {
				continue
			}
			if in, on := regions[k].Locate(r.vertices[0]); !in && !on {
				continue
			}
			switch {
			case same && o.ring == 0:
				inOuter = true
			case same:
				c.pair(HolesOverlap, r, o)
			case !inHole(rings, regions, o.polygon, r.vertices[0]):
				c.pair(PartsOverlap, r, o)
			}
		}
		if !inOuter && hasOuter(rings, r.polygon) {
			c.wholeRing(r, HoleOutside, "a hole must lie within the outer ring")
		}
	}
}

// inHole reports whether p lies in a hole of the polygon: a second polygon may
// be an island there.
func inHole(rings []cleanRing, regions []*geo.Region, polygon int, p geo.Point) bool {
	for i := range rings {
		if rings[i].polygon == polygon && rings[i].ring > 0 {
			if in, _ := regions[i].Locate(p); in {
				return true
			}
		}
	}
	return false
}

func hasOuter(rings []cleanRing, polygon int) bool {
	for i := range rings {
		if rings[i].polygon == polygon && rings[i].ring == 0 {
			return true
		}
	}
	return false
}

func (c *checker) vertex(r *cleanRing, reason Reason, at int, p geo.Point, detail string) {
	c.errs = append(c.errs, &ShapeError{Reason: reason, Polygon: r.polygon, Ring: r.ring, RingB: None,
		EdgeA: None, EdgeB: None, Vertex: at, Points: []geo.Point{p.Wrap()}, Detail: detail})
}

func (c *checker) edge(r *cleanRing, reason Reason, i int, detail string) {
	c.errs = append(c.errs, &ShapeError{Reason: reason, Polygon: r.polygon, Ring: r.ring, RingB: None,
		EdgeA: r.at[i], EdgeB: None, Vertex: None, Detail: detail,
		Points: []geo.Point{r.vertices[i].Wrap(), r.vertices[(i+1)%len(r.vertices)].Wrap()}})
}

func (c *checker) wholeRing(r *cleanRing, reason Reason, detail string) {
	c.errs = append(c.errs, &ShapeError{Reason: reason, Polygon: r.polygon, Ring: r.ring, RingB: None,
		EdgeA: None, EdgeB: None, Vertex: None, Detail: detail})
}

func (c *checker) pair(reason Reason, r, o *cleanRing) {
	c.errs = append(c.errs, &ShapeError{Reason: reason, Polygon: r.polygon, Ring: r.ring,
		PolygonB: o.polygon, RingB: o.ring, EdgeA: None, EdgeB: None, Vertex: None})
}

func abs64(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

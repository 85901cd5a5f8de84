package geofence

import (
	"fmt"
	"math"

	"testzone/geofence/geo"
)

// maxMarginM bounds the margin of a fence.
const maxMarginM = 5000

// Limits of half a corridor's width in metres.
const (
	minHalfM = 1
	maxHalfM = 5000
)

// edgeM is the longest piece of a geodesic edge.
const edgeM = 1000

// flatShape is a shape in polygons whose edges are straight in longitude and
// latitude: all of plus, less all of minus. A polygon that crosses longitude 180
// is there twice, 360 degrees apart, each time whole: so no edge is cut and none
// is added along the meridian.
type flatShape struct {
	plus, minus []geo.Polygon
}

// shape checks the shape of a fence and flattens it; ok is false when there is
// not exactly one. The result is good only if no error was collected.
func (c *checker) shape(f *Fence) (flat flatShape, ok bool) {
	closed := f.Kind != KeepIn
	n := 0
	for _, there := range [3]bool{len(f.Shape.Polygons) > 0, f.Shape.Circle != nil, f.Shape.Corridor != nil} {
		if there {
			n++
		}
	}
	switch {
	case n != 1:
		return flat, false
	case f.Shape.Circle != nil:
		flat.plus = c.circle(*f.Shape.Circle, f.MarginM, closed)
	case f.Shape.Corridor != nil:
		flat.plus = c.corridor(f.Shape.Corridor, f.MarginM, closed)
	default:
		flat.plus = c.polygons(f.Shape.Polygons)
		if f.MarginM > 0 && len(c.errs) == 0 {
			around := c.along(flat.plus, f.MarginM)
			if closed {
				flat.plus = append(flat.plus, around...)
			} else {
				flat.minus = around
			}
		}
	}
	flat.plus, flat.minus = onGlobe(flat.plus), onGlobe(flat.minus)
	return flat, true
}

// onGlobe adds to polygons that reach beyond longitude 180 their copy on the
// other side, and leaves out what lies beyond it altogether.
func onGlobe(in []geo.Polygon) (out []geo.Polygon) {
	for _, p := range in {
		west, east := int32(math.MaxInt32), int32(math.MinInt32)
		for _, v := range p.Outer {
			west, east = min(west, v.Lon), max(east, v.Lon)
		}
		if west <= geo.MaxLon && east >= -geo.MaxLon {
			out = append(out, p)
		}
		switch {
		case east > geo.MaxLon:
			out = append(out, shifted(p, -2*geo.MaxLon))
		case west < -geo.MaxLon:
			out = append(out, shifted(p, 2*geo.MaxLon))
		}
	}
	return out
}

func shifted(p geo.Polygon, by int64) (out geo.Polygon) {
	move := func(r geo.Ring) geo.Ring {
		moved := make(geo.Ring, len(r))
		for i, v := range r {
			moved[i] = geo.Point{Lat: v.Lat, Lon: int32(int64(v.Lon) + by)}
		}
		return moved
	}
	out.Outer = move(p.Outer)
	for _, h := range p.Holes {
		out.Holes = append(out.Holes, move(h))
	}
	return out
}

// along are closed polygons that cover everything within a margin of the edges
// of some polygons.
func (c *checker) along(in []geo.Polygon, marginM float64) (out []geo.Polygon) {
	vertices := 0
	for _, p := range in {
		for _, ring := range append([]geo.Ring{p.Outer}, p.Holes...) {
			for i, a := range ring {
				k := geo.Capsule(a, ring[(i+1)%len(ring)], false, marginM, 6)
				if vertices += len(k); vertices > maxMarginVertices {
					c.refuse(TooLarge, None, "the margin makes it too large: leave vertices out")
					return nil
				}
				out = append(out, geo.Polygon{Outer: k})
			}
		}
	}
	return out
}

// maxMarginVertices bounds the polygons that stand for a margin or a corridor.
const maxMarginVertices = 4 * MaxVertices

func (c *checker) refuse(reason Reason, vertex int, detail string, at ...geo.Point) {
	c.errs = append(c.errs, &ShapeError{Reason: reason, Ring: None, RingB: None, EdgeA: None, EdgeB: None, Vertex: vertex, Points: at, Detail: detail})
}

// circle makes a ring of a circle and its margin; nil when it is not sound.
func (c *checker) circle(circle geo.Circle, marginM float64, closed bool) []geo.Polygon {
	radius := circle.RadiusM
	switch {
	// Written so that NaN fails.
	case !(radius >= MinRadiusM && radius <= MaxRadiusM):
		c.refuse(BadRadius, None, fmt.Sprintf("%v m, must be %d to %d m", radius, MinRadiusM, MaxRadiusM))
		return nil
	case !circle.Center.Valid():
		c.refuse(OutOfRange, None, fmt.Sprintf("centre %v", circle.Center))
		return nil
	case math.Abs(float64(circle.Center.Lat))/1e7+(radius+marginM)/110_000 > 89:
		c.refuse(NearPole, None, "fences are supported up to 89 degrees of latitude")
		return nil
	case closed:
		circle.RadiusM += marginM
	case radius-marginM < MinRadiusM:
		c.refuse(Vanishes, None, fmt.Sprintf("a margin of %v m leaves nothing of it", marginM))
		return nil
	default:
		circle.RadiusM -= marginM
	}
	ring := circle.Ring(closed)
	for i, p := range ring {
		switch d := int64(p.Lon) - int64(circle.Center.Lon); {
		case d > geo.MaxLon:
			ring[i].Lon = int32(int64(p.Lon) - 2*geo.MaxLon)
		case d < -geo.MaxLon:
			ring[i].Lon = int32(int64(p.Lon) + 2*geo.MaxLon)
		}
	}
	return []geo.Polygon{{Outer: ring}}
}

// corridor makes polygons of a corridor and its margin: one around each piece of
// its line, which together are the closed band, or a single one within the band
// for a keep-in.
func (c *checker) corridor(k *geo.Corridor, marginM float64, closed bool) (out []geo.Polygon) {
	half := k.WidthM / 2
	if !(half >= minHalfM && half <= maxHalfM) {
		c.refuse(BadWidth, None, fmt.Sprintf("%v m, must be %d to %d m", k.WidthM, 2*minHalfM, 2*maxHalfM))
	}
	if len(k.Line) > MaxVertices {
		c.refuse(TooLarge, None, fmt.Sprintf("%d vertices, the limit is %d", len(k.Line), MaxVertices))
		return nil
	}
	var line []geo.Point
	var at []int
	for i, p := range k.Line {
		switch {
		case !p.Valid():
			c.refuse(OutOfRange, i, "", p)
		case math.Abs(float64(p.Lat))/1e7+(maxHalfM+maxMarginM)/110_000.0 > 89:
			c.refuse(NearPole, i, "corridors are supported up to 88.9 degrees of latitude", p)
		}
		if len(line) == 0 || line[len(line)-1] != p {
			line, at = append(line, p), append(at, i)
		}
	}
	if len(c.errs) > 0 {
		return nil
	}
	if len(line) < 2 {
		c.refuse(TooFewVertices, None, "a corridor needs 2 distinct vertices")
		return nil
	}
	line, ok := geo.Unwrap(line)
	if !ok {
		c.refuse(Antimeridian, None, beyondDetail)
		return nil
	}
	for i, p := range line[1:] {
		if abs64(int64(p.Lon)-int64(line[i].Lon)) > maxEdge || abs64(int64(p.Lat)-int64(line[i].Lat)) > maxEdge {
			c.refuse(EdgeTooLong, at[i], "an edge may span at most 90 degrees", p.Wrap())
			return nil
		}
	}
	if closed {
		vertices := 0
		for i, p := range line[1:] {
			ring := geo.Capsule(line[i], p, c.geodesic, half+marginM, geo.ArcFor(half+marginM))
			if vertices += len(ring); vertices > maxMarginVertices {
				c.refuse(TooLarge, None, "the corridor is too long for its vertices")
				return nil
			}
			out = append(out, geo.Polygon{Outer: ring})
		}
		return out
	}
	if half-marginM < minHalfM {
		c.refuse(Vanishes, None, fmt.Sprintf("a margin of %v m leaves nothing of it", marginM))
		return nil
	}
	ring, bad := geo.Outline(line, c.geodesic, half-marginM)
	if bad >= 0 {
		c.refuse(Folds, at[bad], "it turns too sharply for its width and the length of its pieces", line[bad].Wrap())
		return nil
	}
	inner := checker{kind: KeepIn, flat: true}
	out = inner.polygons([]geo.Polygon{{Outer: ring}})
	if len(inner.errs) > 0 {
		c.refuse(Folds, None, "a keep-in corridor must not come back to itself: make it two fences of one group")
	}
	return out
}

const beyondDetail = "a fence across longitude 180 may reach at most 30 degrees beyond it on one side, and around no pole"

// hasRoom looks for a point that the margin of a keep-in leaves: on a grid over
// it and beside the corners of its margin.
func (c *Compiled) hasRoom() bool {
	for _, pt := range c.within { // each by itself: copies 360 degrees apart span the globe
		if c.hasRoomIn(pt.region.Box()) {
			return true
		}
	}
	tried := 0
	for _, pt := range c.without {
		for _, e := range pt.region.Rings()[0] {
			if tried++; tried > 4096 {
				return false
			}
			for _, d := range [4][2]int32{{3, 0}, {-3, 0}, {0, 3}, {0, -3}} {
				if c.coversCopy(geo.Point{Lat: e.A.Lat + d[0], Lon: e.A.Lon + d[1]}) {
					return true
				}
			}
		}
	}
	return false
}

// hasRoomIn looks at the points of a grid over a box.
func (c *Compiled) hasRoomIn(b geo.Box) bool {
	const grid = 64
	at := func(low, high int32, i int64) int32 {
		return int32(int64(low) + (int64(high)-int64(low))*(2*i+1)/(2*grid))
	}
	for i := range int64(grid) {
		for k := range int64(grid) {
			if c.coversCopy(geo.Point{Lat: at(b.MinLat, b.MaxLat, i), Lon: at(b.MinLon, b.MaxLon, k)}) {
				return true
			}
		}
	}
	return false
}

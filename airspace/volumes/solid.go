package volumes

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// Solid is a volume that passed its checks, with its geometry built.
type Solid struct {
	Volume Volume

	parts []part
	box   geo.Box // around all parts; its longitudes may lie beyond 180 degrees, see geo.Unwrap
	// Within the box: how far the geoid lies above the ellipsoid, in mm.
	geoidLow, geoidHigh int64
}

// part is a polygon, or all that lies within a radius of a line.
type part struct {
	box     geo.Box
	segs    []segment // the edges of a polygon, the inside to the left of each; or the line, of a circle without length
	top     []int32   // the northernmost latitude of segs[:i+1], which lie in the order of their southern ends
	radius  float64   // 0: a polygon
	upright bool      // a polygon that is a rectangle along the meridians
}

type segment struct{ a, b geo.Point }

// Compile checks a volume and builds its geometry. What is wrong with its shape
// is a *geofence.ShapeError or *geofence.BandError under ErrVolume.
func Compile(v Volume) (*Solid, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	// The fence engine checks shapes and bands; what it builds is not ours:
	// circles are polygons there.
	if _, err := geofence.Compile(geofence.Fence{Kind: geofence.KeepOut, Shape: v.Shape, Floor: v.Floor, Ceiling: v.Ceiling}); err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrVolume, v.ID, err)
	}
	s := &Solid{Volume: v}
	switch shape := v.Shape; {
	case shape.Circle != nil:
		c := shape.Circle.Center
		s.parts = []part{newRound([]segment{{c, c}}, shape.Circle.RadiusM)}
	case shape.Corridor != nil:
		s.parts = []part{newRound(chain(shape.Corridor.Line, false), shape.Corridor.WidthM/2)}
	default:
		for _, p := range shape.Polygons {
			s.parts = append(s.parts, newPolygon(p))
		}
	}
	segments := 0
	for i := range s.parts {
		if s.parts[i].tooWide() {
			return nil, fmt.Errorf("%w %s: %s", ErrVolume, v.ID, tooWide)
		}
		s.parts[i].sort()
		segments += len(s.parts[i].segs)
	}
	if segments > maxVertices {
		return nil, fmt.Errorf("%w %s: it has more than %d vertices: leave some out", ErrVolume, v.ID, maxVertices)
	}
	s.alignParts()
	if whole := (part{box: s.box}); whole.tooWide() {
		return nil, fmt.Errorf("%w %s: %s", ErrVolume, v.ID, tooWide)
	}
	s.setGeoid()
	return s, nil
}

const tooWide = "it spans more than 10 degrees: divide it"

func (p *part) tooWide() bool {
	return int64(p.box.MaxLon)-int64(p.box.MinLon) > maxSpan || int64(p.box.MaxLat)-int64(p.box.MinLat) > maxSpan
}

// sort brings the segments into the order that near needs.
func (p *part) sort() {
	slices.SortFunc(p.segs, func(a, b segment) int { return cmp.Compare(a.south(), b.south()) })
	p.top = make([]int32, len(p.segs))
	for i, e := range p.segs {
		p.top[i] = max(e.a.Lat, e.b.Lat, p.top[max(i-1, 0)])
		if i == 0 {
			p.top[0] = max(e.a.Lat, e.b.Lat)
		}
	}
}

func (e *segment) south() int32 { return min(e.a.Lat, e.b.Lat) }

// near are the segments among which all are that come between two latitudes.
func (p *part) near(south, north int64) []segment {
	first, _ := slices.BinarySearchFunc(p.top, south, func(top int32, s int64) int { return cmp.Compare(int64(top), s) })
	end, _ := slices.BinarySearchFunc(p.segs, north+1, func(e segment, n int64) int { return cmp.Compare(int64(e.south()), n) })
	return p.segs[min(first, end):end]
}

// turn is the whole way around in units of the lattice.
const turn = 2 * geo.MaxLon

// alignParts shifts the parts to the same side of the antimeridian and their
// union into [-180, 180) by its west edge.
func (s *Solid) alignParts() {
	for i := range s.parts {
		p := &s.parts[i]
		for int64(p.box.MinLon) >= geo.MaxLon {
			p.shift(-turn)
		}
		for int64(p.box.MinLon) < -geo.MaxLon {
			p.shift(turn)
		}
	}
	west, east := s.parts[0].box.MinLon, s.parts[0].box.MinLon
	for i := range s.parts {
		west, east = min(west, s.parts[i].box.MinLon), max(east, s.parts[i].box.MinLon)
	}
	for i := range s.parts {
		// Parts on both sides of the antimeridian: those of the far west follow on.
		if p := &s.parts[i]; int64(east)-int64(p.box.MinLon) > geo.MaxLon && int64(p.box.MaxLon)+turn <= math.MaxInt32 {
			p.shift(turn)
		}
		if i == 0 {
			s.box = s.parts[0].box
		}
		s.box = s.box.Union(s.parts[i].box)
	}
}

func (p *part) shift(by int64) {
	for i := range p.segs {
		e := &p.segs[i]
		e.a.Lon, e.b.Lon = int32(int64(e.a.Lon)+by), int32(int64(e.b.Lon)+by)
	}
	p.box.MinLon = int32(int64(p.box.MinLon) + by)
	p.box.MaxLon = int32(int64(p.box.MaxLon) + by)
}

// chain is the line, or the closed ring, in segments that have a length.
func chain(points []geo.Point, closed bool) []segment {
	points, _ = geo.Unwrap(points) // the fence engine has refused what fails
	var out []segment
	last := points[0]
	for _, p := range points[1:] {
		if p != last {
			out = append(out, segment{last, p})
			last = p
		}
	}
	if closed && last != points[0] {
		out = append(out, segment{last, points[0]})
	}
	return out
}

// newRound is what lies within a radius of a line.
func newRound(line []segment, radius float64) part {
	p := part{segs: line, radius: radius, box: around(line)}
	// The reach in units, wherever in the box it is largest, and a little more.
	north, _ := geo.UnitsPerMetre(p.box.MinLat)
	p.box.MinLat, p.box.MaxLat = grown(p.box.MinLat, -radius*north), grown(p.box.MaxLat, radius*north)
	_, low := geo.UnitsPerMetre(p.box.MinLat)
	_, high := geo.UnitsPerMetre(p.box.MaxLat)
	p.box.MinLon, p.box.MaxLon = grown(p.box.MinLon, -radius*max(low, high)), grown(p.box.MaxLon, radius*max(low, high))
	return p
}

// grown is a side of a box moved outward, as far as int32 goes: by then the box
// is too wide.
func grown(at int32, by float64) int32 {
	moved := float64(at) + by*1.01 + math.Copysign(2, by)
	return int32(math.Min(math.Max(moved, math.MinInt32), math.MaxInt32))
}

func around(list []segment) geo.Box {
	box := geo.BoxOf(list[0].a, list[0].b)
	for _, e := range list[1:] {
		box = box.Union(geo.BoxOf(e.a, e.b))
	}
	return box
}

func newPolygon(g geo.Polygon) part {
	var p part
	outer := chain(g.Outer, true)
	p.box = around(outer)
	p.segs = turned(outer, true)
	for _, h := range g.Holes {
		hole := chain(h, true)
		// Each ring is unwrapped by itself: beside the outer one with it.
		for off := int64(hole[0].a.Lon) - int64(p.box.MinLon); off > geo.MaxLon || off < -geo.MaxLon; off = int64(hole[0].a.Lon) - int64(p.box.MinLon) {
			by := int64(turn)
			if off > 0 {
				by = -turn
			}
			(&part{segs: hole}).shift(by)
		}
		p.segs = append(p.segs, turned(hole, false)...)
	}
	p.upright = len(p.segs) == 4 && len(g.Holes) == 0
	for _, e := range p.segs {
		p.upright = p.upright && (e.a.Lat == e.b.Lat || e.a.Lon == e.b.Lon)
	}
	return p
}

// turned is the ring in the direction that has its inside to the left.
func turned(ring []segment, left bool) []segment {
	var area float64 // twice, about the first corner
	o := ring[0].a
	for _, e := range ring {
		area += float64(int64(e.a.Lon)-int64(o.Lon))*float64(int64(e.b.Lat)-int64(o.Lat)) -
			float64(int64(e.b.Lon)-int64(o.Lon))*float64(int64(e.a.Lat)-int64(o.Lat))
	}
	if (area > 0) != left {
		for i := range ring {
			ring[i].a, ring[i].b = ring[i].b, ring[i].a
		}
	}
	return ring
}

// setGeoid bounds the undulation within the box by its corners and the grid
// lines of the geoid model (a quarter of a degree) in it.
func (s *Solid) setGeoid() {
	if !s.needsGeoid() {
		return
	}
	s.geoidLow, s.geoidHigh = math.MaxInt64, math.MinInt64
	const grid = 2_500_000
	for lat := int64(s.box.MinLat); ; {
		for lon := int64(s.box.MinLon); ; {
			mm := geo.Undulation(geo.Point{Lat: int32(lat), Lon: int32(lon)}) * 1000
			s.geoidLow, s.geoidHigh = min(s.geoidLow, int64(math.Floor(mm))), max(s.geoidHigh, int64(math.Ceil(mm)))
			if lon == int64(s.box.MaxLon) {
				break
			}
			lon = min(nextMultiple(lon, grid), int64(s.box.MaxLon))
		}
		if lat == int64(s.box.MaxLat) {
			break
		}
		lat = min(nextMultiple(lat, grid), int64(s.box.MaxLat))
	}
}

// needsGeoid says whether a limit may have to be compared with one in another datum.
func (s *Solid) needsGeoid() bool {
	return s.Volume.Floor.Datum == geo.AMSL || s.Volume.Ceiling.Datum == geo.AMSL
}

func nextMultiple(x, of int64) int64 { return floorDiv(x, of)*of + of }

func floorDiv(x, by int64) int64 {
	q := x / by
	if x%by < 0 {
		q--
	}
	return q
}

package geofence

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// safeBox is a space around a vehicle in which no fence that applies to it can
// change its state: it meets no boundary, and its heights meet no limit of the
// fences that the vehicle is horizontally within. It is convex, so a straight
// movement within it crosses nothing either. An empty box has minLat > maxLat.
type safeBox struct {
	minLat, maxLat, minLon, maxLon int32
	heights                        [2]span // AMSL, TAKEOFF
	limited                        bool    // a height matters at all
}

// span is a closed interval of heights in millimetres. An unknown height keeps
// within it only if unknown is set; the interval of a height that is unknown is
// empty as soon as a limit asks for it.
type span struct {
	min, max int32
	unknown  bool
}

var boxDatums = [2]geo.Datum{geo.AMSL, geo.Takeoff}

var emptyBox = safeBox{minLat: 1}

// holds reports whether a fix keeps within the box.
func (b *safeBox) holds(f *geo.Fix) bool {
	if f.Point.Lat < b.minLat || f.Point.Lat > b.maxLat || f.Point.Lon < b.minLon || f.Point.Lon > b.maxLon {
		return false
	}
	return !b.limited || b.holdsHeights(f)
}

func (b *safeBox) holdsHeights(f *geo.Fix) bool {
	for i, d := range boxDatums {
		s := &b.heights[i]
		if mm, known := f.Heights.In(d); known && (mm < s.min || mm > s.max) || !known && !s.unknown {
			return false
		}
	}
	return true
}

// meets reports whether the box and a fence's box share a point.
func (b *safeBox) meets(o *geo.Box) bool {
	return b.minLat <= o.MaxLat && o.MinLat <= b.maxLat && b.minLon <= o.MaxLon && o.MinLon <= b.maxLon
}

// square is the box of half side r around p, clipped to the globe. It never
// reaches longitude 180: a movement across it needs the long way.
func square(p geo.Point, r int32) geo.Box {
	return geo.Box{
		MinLat: int32(max(int64(p.Lat)-int64(r), -geo.MaxLat)), MaxLat: int32(min(int64(p.Lat)+int64(r), geo.MaxLat)),
		MinLon: int32(max(int64(p.Lon)-int64(r), -geo.MaxLon+1)), MaxLon: int32(min(int64(p.Lon)+int64(r), geo.MaxLon-1)),
	}
}

// cut shrinks a box around p until it keeps clear of an edge, on the side that
// leaves p the most room.
func cut(b *geo.Box, p geo.Point, e *geo.Edge) {
	minLon, maxLon := e.A.Lon, e.B.Lon
	if minLon > maxLon {
		minLon, maxLon = maxLon, minLon
	}
	north, south := e.A.Lat-p.Lat, p.Lat-e.B.Lat
	east, west := minLon-p.Lon, p.Lon-maxLon
	gap := max(north, south, east, west)
	if gap <= 0 || gap < (b.MaxLat-b.MinLat)>>3 {
		// A long slanting edge is often farther away than its own box.
		if d := clearance(p, e); d > gap || gap <= 0 {
			b.MinLat, b.MaxLat = max(b.MinLat, p.Lat-d), min(b.MaxLat, p.Lat+d)
			b.MinLon, b.MaxLon = max(b.MinLon, p.Lon-d), min(b.MaxLon, p.Lon+d)
			return
		}
	}
	switch gap {
	case north:
		b.MaxLat = e.A.Lat - 1
	case south:
		b.MinLat = e.B.Lat + 1
	case east:
		b.MaxLon = minLon - 1
	case west:
		b.MinLon = maxLon + 1
	}
}

// clearance is the half side of the largest square around p that does not meet
// the edge: its distance in the maximum norm, rounded down, less one. It is -1
// for a point on the edge.
func clearance(p geo.Point, e *geo.Edge) int32 {
	x1, y1 := float64(e.A.Lon)-float64(p.Lon), float64(e.A.Lat)-float64(p.Lat)
	x2, y2 := float64(e.B.Lon)-float64(p.Lon), float64(e.B.Lat)-float64(p.Lat)
	d := min(max(math.Abs(x1), math.Abs(y1)), max(math.Abs(x2), math.Abs(y2)))
	// The norm is smallest at an end or where |x| = |y|.
	for _, s := range [2]float64{1, -1} {
		f1, f2 := x1-s*y1, x2-s*y2
		if f1 == f2 || f1 < 0 == (f2 < 0) {
			continue
		}
		t := f1 / (f1 - f2)
		d = min(d, max(math.Abs(x1+t*(x2-x1)), math.Abs(y1+t*(y2-y1))))
	}
	// The half unit keeps the rounding of float64 on the safe side.
	return int32(math.Floor(max(d-0.5, 0))) - 1
}

// limitHeights narrows the box's heights to where a vehicle of this class keeps
// its side of every limit of the fences that it is horizontally within.
func (b *safeBox) limitHeights(class vehicles.Class, fix *geo.Fix, over []overFence) {
	b.limited = false
	for i := range b.heights {
		b.heights[i] = span{math.MinInt32, math.MaxInt32, true}
	}
	for _, o := range over {
		bd := &o.fence.band
		for i := range bd.limits[:bd.n] {
			b.limited = true
			b.limit(&bd.limits[i], bd.closed, class, fix)
		}
	}
	if !b.limited {
		return
	}
	for i, d := range boxDatums {
		s := &b.heights[i]
		if s.min == math.MinInt32 && s.max == math.MaxInt32 {
			continue // no limit in this datum
		}
		_, known := fix.Heights.In(d)
		if mm, assumed := height(class, &geo.Fix{}, d); assumed {
			s.unknown = s.min <= mm && mm <= s.max // an unknown height stands for a known one
		} else {
			s.unknown = !known
		}
	}
}

func (b *safeBox) limit(l *limit, closed bool, class vehicles.Class, fix *geo.Fix) {
	s := &b.heights[0]
	if l.datum == geo.Takeoff {
		s = &b.heights[1]
	}
	mm, known := height(class, fix, l.datum)
	if !known {
		s.min, s.max = 1, 0
		return
	}
	// At the limit itself a fix passes if the band is closed.
	below := l.mm
	if l.passes(l.mm, closed) != l.ceiling {
		below--
	}
	// Heights up to below are on one side, those above it on the other.
	if mm <= below {
		s.max = min(s.max, below)
	} else {
		s.min = max(s.min, below+1)
	}
}

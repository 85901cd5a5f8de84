package geofence

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// safeBox is a space around a vehicle in which no fence that applies to it can
// change its state: it meets no boundary, its heights meet no limit of the
// fences that the vehicle is horizontally within, and its speeds lie on one side
// of the speed limits there. It is convex, so a straight movement within it
// crosses nothing either. An empty box has minLat > maxLat.
type safeBox struct {
	minLat, maxLat, minLon, maxLon int32
	limited                        bool // a height or the speed matters, too: bounds says which
}

// bounds is the part of a safe box that few vehicles need.
type bounds struct {
	minSq, maxSq int64   // closed interval of the speed, (cm/s)^2
	heights      [4]span // AMSL, WGS84, AGL, TAKEOFF
	datums       uint8   // whose height matters, by bit
	class        vehicles.Class
}

// span is a closed interval of heights in millimetres. It is empty and unknown
// is set when the vehicle's height is not known: then it must stay so.
type span struct {
	min, max int32
	unknown  bool
}

var emptyBox = safeBox{minLat: 1}

// isSafe reports whether a sample keeps within the vehicle's safe box.
func (v *vehicle) isSafe(smp *Sample) bool {
	b, f := &v.box, &smp.Fix
	if f.Point.Lat < b.minLat || f.Point.Lat > b.maxLat || f.Point.Lon < b.minLon || f.Point.Lon > b.maxLon {
		return false
	}
	return !b.limited || v.bounds.holdsHeights(f) && v.bounds.holdsSpeed(smp)
}

func (b *bounds) holdsHeights(f *geo.Fix) bool {
	for i := range b.heights {
		if b.datums&(1<<i) == 0 {
			continue
		}
		s := &b.heights[i]
		if mm, known := height(b.class, f, geo.AMSL+geo.Datum(i)); known != !s.unknown || known && (mm < s.min || mm > s.max) {
			return false
		}
	}
	return true
}

func (b *bounds) holdsSpeed(smp *Sample) bool {
	sq := speedSq(smp)
	return sq >= b.minSq && sq <= b.maxSq || smp.VelocityUnknown
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

// limit makes the bounds: the heights and speeds at which a vehicle of this class
// keeps its side of every limit of the fences that it is horizontally within. It
// reports whether there is such a limit at all.
func (b *bounds) limit(class vehicles.Class, fix *geo.Fix, over []overFence) (limited bool) {
	b.datums, b.class = 0, class
	b.minSq, b.maxSq = 0, math.MaxInt64
	for k := range over {
		o := &over[k]
		bd := &o.fence.band
		for i := range bd.limits[:bd.n] {
			limited = true
			b.limitHeight(&bd.limits[i], bd.closed, fix)
		}
		switch sq := o.fence.limitSq; {
		case sq == 0 || !o.inside:
		case o.fast:
			limited, b.minSq = true, max(b.minSq, sq+1)
		default:
			limited, b.maxSq = true, min(b.maxSq, sq)
		}
	}
	return limited
}

func (b *bounds) limitHeight(l *limit, closed bool, fix *geo.Fix) {
	i := l.datum - geo.AMSL
	s := &b.heights[i]
	mm, known := height(b.class, fix, l.datum)
	if b.datums&(1<<i) == 0 {
		b.datums |= 1 << i
		*s = span{math.MinInt32, math.MaxInt32, !known}
	}
	if !known {
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

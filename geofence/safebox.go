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
	return v.box.contains(smp.Fix.Point) && (!v.box.limited || v.bounds.hold(smp))
}

// hold reports whether heights and speed keep within the bounds.
func (b *bounds) hold(smp *Sample) bool { return b.holdsHeights(&smp.Fix) && b.holdsSpeed(smp) }

func (b *safeBox) contains(p geo.Point) bool {
	return b.minLat <= p.Lat && p.Lat <= b.maxLat && b.minLon <= p.Lon && p.Lon <= b.maxLon
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

// drift is how fast a vehicle may come to move in the four directions: a box is
// cut so that it will last. Units of the lattice in one step, and their inverses.
type drift struct {
	north, south, east, west float64
	perN, perS, perE, perW   float64
}

// sideways is the part of its speed at which a vehicle is expected to move into
// directions in which it does not move now.
const sideways = 0.125

func (d *drift) set(a, b geo.Point) {
	y, x := float64(b.Lat)-float64(a.Lat), float64(b.Lon)-float64(a.Lon)
	aside := sideways*max(math.Abs(x), math.Abs(y)) + 1
	d.north, d.south, d.east, d.west = max(y, 0)+aside, max(-y, 0)+aside, max(x, 0)+aside, max(-x, 0)+aside
	d.perN, d.perS, d.perE, d.perW = 1/d.north, 1/d.south, 1/d.east, 1/d.west
}

// cut shrinks a box around p until it keeps clear of an edge, in the way that
// leaves the vehicle most time in it: beside the edge's own box, or up to the
// line through the edge with one corner.
func (d *drift) cut(b *geo.Box, p geo.Point, e *geo.Edge) {
	west, east := e.A.Lon, e.B.Lon
	if west > east {
		west, east = east, west
	}
	n, s := float64(int64(e.A.Lat)-int64(p.Lat))*d.perN, float64(int64(p.Lat)-int64(e.B.Lat))*d.perS
	r, l := float64(int64(west)-int64(p.Lon))*d.perE, float64(int64(p.Lon)-int64(east))*d.perW
	best := max(n, s, r, l)
	// The corner that looks at the line: north or south, east or west of p.
	dLat, dLon := int64(e.B.Lat)-int64(e.A.Lat), int64(e.B.Lon)-int64(e.A.Lon)
	off := dLon*(int64(p.Lat)-int64(e.A.Lat)) - dLat*(int64(p.Lon)-int64(e.A.Lon))
	up, right := dLon < 0, true // p lies left of the edge, which goes north
	if off < 0 {
		off, up, right = -off, !up, false
	}
	vertical, horizontal := d.north, d.east
	if !up {
		vertical = d.south
	}
	if !right {
		horizontal = d.west
	}
	if line := float64(off) / (float64(abs64(dLon))*vertical + float64(dLat)*horizontal); line > best {
		reachLat, reachLon := int64(line*vertical)-1, int64(line*horizontal)-1
		if dLon != 0 {
			if up {
				b.MaxLat = int32(min(int64(b.MaxLat), int64(p.Lat)+reachLat))
			} else {
				b.MinLat = int32(max(int64(b.MinLat), int64(p.Lat)-reachLat))
			}
		}
		if right {
			b.MaxLon = int32(min(int64(b.MaxLon), int64(p.Lon)+reachLon))
		} else {
			b.MinLon = int32(max(int64(b.MinLon), int64(p.Lon)-reachLon))
		}
		return
	}
	switch best {
	case n:
		b.MaxLat = e.A.Lat - 1
	case s:
		b.MinLat = e.B.Lat + 1
	case r:
		b.MaxLon = west - 1
	case l:
		b.MinLon = east + 1
	}
}

// limit makes the bounds: the heights and speeds at which a vehicle of this class
// keeps its side of every limit of the fences that it is horizontally within. It
// reports whether there is such a limit at all.
func (b *bounds) limit(class vehicles.Class, fix *geo.Fix, over []overFence) (limited bool) {
	b.datums, b.class = 0, class
	b.minSq, b.maxSq = 0, math.MaxInt64
	for k := range over {
		o := &over[k]
		if o.flat {
			continue
		}
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

package geofence

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Accuracy is how far the truth may lie from what a vehicle reports.
type Accuracy struct {
	HorizontalM float64
	VerticalM   float64
}

// speedAccuracy is how much below a speed limit a speed over ground must be to
// be surely below it, in cm/s: what receivers state for their Doppler speed.
const speedAccuracy = 50

// IsClear reports whether the vehicle complies with a fence by more than the
// accuracy of its position, at its last fix: a keep-out is farther away, beside
// or above or below; the boundary and the limits of a keep-in are farther away
// on the inside; a speed limit is kept by half a metre a second, or left so. Of
// a group it is enough to be so within one member. A fence that is not in force
// any more, or not for the vehicle, is complied with.
//
// It walks the fence's boundary: for the slow path.
func (s *Shard) IsClear(h vehicles.Handle, c *Compiled, acc Accuracy) bool {
	v := s.find(h)
	if v == nil || v.snap == nil {
		return true
	}
	if c.Fence.Group != "" {
		left := true
		for _, m := range v.snap.keepIns {
			if m.Fence.Group == c.Fence.Group && m.AppliesTo(&v.sub) {
				if m.isClear(v, acc) {
					return true
				}
				left = false
			}
		}
		return left
	}
	now := v.snap.byID[c.Fence.ID]
	return now == nil || now.Fence.Kind != c.Fence.Kind || !now.AppliesTo(&v.sub) || now.isClear(v, acc)
}

// Current is the revision of a fence by which the vehicle was last judged; c
// itself when it is not in force any more.
func (s *Shard) Current(h vehicles.Handle, c *Compiled) *Compiled {
	if v := s.find(h); v != nil && v.snap != nil && v.snap.byID[c.Fence.ID] != nil {
		return v.snap.byID[c.Fence.ID]
	}
	return c
}

func (c *Compiled) isClear(v *vehicle, acc Accuracy) bool {
	class := v.sub.Class
	switch c.Fence.Kind {
	case KeepIn:
		return c.band.clears(class, &v.fix, acc.VerticalM, true) && c.depth(v.fix.Point, acc.HorizontalM) > acc.HorizontalM
	case SpeedLimit:
		if speed := math.Sqrt(float64(c.limitSq)) - speedAccuracy; !v.velocity.unknown && speed > 0 &&
			float64(speedSq(&Sample{Velocity: v.velocity.Velocity})) < speed*speed {
			return true
		}
	}
	return c.band.clears(class, &v.fix, acc.VerticalM, false) ||
		!c.covers(v.fix.Point) && c.distance(v.fix.Point, acc.HorizontalM, c.parts) > acc.HorizontalM
}

// clears reports whether a fix is within all limits of the band by more than m
// metres, or (within=false) beyond one of them. An unknown height never is.
func (b *band) clears(class vehicles.Class, fix *geo.Fix, m float64, within bool) bool {
	for i := range b.limits[:b.n] {
		l := &b.limits[i]
		mm, known := height(class, fix, l.datum)
		above := float64(int64(mm)-int64(l.mm)) / 1000
		if l.ceiling == within {
			above = -above
		}
		if (known && above > m) != within {
			return !within
		}
	}
	return within
}

// depth is how far inside a keep-in's shape a point is, in metres: the deepest in
// one of the polygons that make it up. 0 outside. Beyond far it is only right
// that it is beyond.
func (c *Compiled) depth(p geo.Point, far float64) float64 {
	if !c.covers(p) {
		return 0
	}
	deepest := 0.0
	for i := range c.within {
		if in, _ := c.within[i].region.Locate(p); in {
			deepest = max(deepest, c.distance(p, far, c.within[i:i+1]))
		}
	}
	return min(deepest, c.distance(p, far, c.without))
}

// distance is how far the nearest boundary of some parts is from a point in
// metres, on the plane that touches the ellipsoid there: within 10 km better than
// 0.1 % (up to 60 degrees of latitude). Beyond far it is only right that it is beyond.
func (c *Compiled) distance(p geo.Point, far float64, parts []*part) float64 {
	pl := planeAt(p)
	best := math.Inf(1)
	for _, pt := range parts {
		if box := pt.region.Box(); pl.apart(&box) > min(best, far) {
			continue
		}
		for _, ch := range pt.chains {
			if pl.apart(&ch.box) > min(best, far) {
				continue
			}
			for i := range ch.edges[:ch.n] {
				best = min(best, pl.toEdge(&ch.edges[i]))
			}
		}
	}
	return best
}

// plane measures metres around a point.
type plane struct {
	at          geo.Point
	north, east float64 // metres in one unit of the lattice
}

func planeAt(p geo.Point) plane {
	const units = 1000
	toEquator := int32(units)
	if p.Lat > 0 {
		toEquator = -units
	}
	north, _ := geo.Offset(p, geo.Point{Lat: p.Lat + toEquator, Lon: p.Lon})
	_, east := geo.Offset(geo.Point{Lat: p.Lat}, geo.Point{Lat: p.Lat, Lon: units})
	return plane{p, math.Abs(north) / units, east / units}
}

// lon is how many units of longitude x lies east of the point, the shorter way.
func (pl *plane) lon(x int32) float64 {
	return math.Remainder(float64(x)-float64(pl.at.Lon), 2*geo.MaxLon)
}

// apart is a lower bound of the distance of a box.
func (pl *plane) apart(b *geo.Box) float64 {
	west := pl.lon(b.MinLon)
	east := west + float64(b.MaxLon) - float64(b.MinLon)
	dx := max(west, -east, 0) * pl.east
	dy := max(float64(b.MinLat)-float64(pl.at.Lat), float64(pl.at.Lat)-float64(b.MaxLat), 0) * pl.north
	return math.Hypot(dx, dy)
}

// toEdge is the distance of an edge.
func (pl *plane) toEdge(e *geo.Edge) float64 {
	lon := pl.lon(e.A.Lon)
	x1, y1 := lon*pl.east, (float64(e.A.Lat)-float64(pl.at.Lat))*pl.north
	x2, y2 := (lon+float64(e.B.Lon)-float64(e.A.Lon))*pl.east, (float64(e.B.Lat)-float64(pl.at.Lat))*pl.north
	dx, dy := x2-x1, y2-y1
	t := 0.0
	if sq := dx*dx + dy*dy; sq > 0 {
		t = max(0, min(1, -(x1*dx+y1*dy)/sq))
	}
	return math.Hypot(x1+t*dx, y1+t*dy)
}

// HeightKnown reports whether the height of a vehicle is known in every datum
// that the fence's band asks for.
func (c *Compiled) HeightKnown(class vehicles.Class, fix *geo.Fix) bool {
	_, unknown := c.band.holds(class, fix)
	return !unknown
}

// HeightLacking reports whether a fence that the vehicle is horizontally within
// asks for a height that is not known.
func (s *Shard) HeightLacking(h vehicles.Handle) bool {
	v := s.find(h)
	if v == nil {
		return false
	}
	for i := range v.over {
		if !v.over[i].fence.HeightKnown(v.sub.Class, &v.fix) {
			return true
		}
	}
	return false
}

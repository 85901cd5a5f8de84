package route

import (
	"math"

	"testzone/geofence/geo"
)

// pt is a place in metres east and north of a plane's origin.
type pt struct{ x, y float64 }

func (a pt) sub(b pt) pt             { return pt{a.x - b.x, a.y - b.y} }
func (a pt) add(b pt) pt             { return pt{a.x + b.x, a.y + b.y} }
func (a pt) times(k float64) pt      { return pt{a.x * k, a.y * k} }
func (a pt) dot(b pt) float64        { return a.x*b.x + a.y*b.y }
func (a pt) cross(b pt) float64      { return a.x*b.y - a.y*b.x }
func (a pt) length() float64         { return math.Sqrt(a.x*a.x + a.y*a.y) }
func (a pt) to(b pt) float64         { return b.sub(a).length() }
func turn(a, b, c pt) float64        { return b.sub(a).cross(c.sub(a)) }
func polar(angle, radius float64) pt { return pt{radius * math.Cos(angle), radius * math.Sin(angle)} }

// plane has lines that are straight in longitude and latitude straight, and its
// scale is that of its middle: 50 km off its lengths are wrong by half a percent.
type plane struct {
	origin      geo.Point
	north, east float64 // units per metre
}

func newPlane(b geo.Box) plane {
	mid := geo.Point{Lat: int32((int64(b.MinLat) + int64(b.MaxLat)) / 2), Lon: int32((int64(b.MinLon) + int64(b.MaxLon)) / 2)}
	p := plane{origin: mid}
	p.north, p.east = geo.UnitsPerMetre(mid.Lat)
	return p
}

const halfTurn = 1_800_000_000

func (p *plane) of(q geo.Point) pt {
	lon := int64(q.Lon) - int64(p.origin.Lon)
	if lon > halfTurn {
		lon -= 2 * halfTurn
	} else if lon < -halfTurn {
		lon += 2 * halfTurn
	}
	return pt{float64(lon) / p.east, float64(int64(q.Lat)-int64(p.origin.Lat)) / p.north}
}

func (p *plane) point(q pt) geo.Point {
	lon := int64(p.origin.Lon) + int64(math.Round(q.x*p.east))
	if lon > halfTurn {
		lon -= 2 * halfTurn
	} else if lon < -halfTurn {
		lon += 2 * halfTurn
	}
	return geo.Point{Lat: p.origin.Lat + int32(math.Round(q.y*p.north)), Lon: int32(lon)}
}

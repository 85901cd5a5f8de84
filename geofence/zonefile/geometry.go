package zonefile

import (
	"strconv"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// AppendGeometry writes a shape as a GeoJSON geometry: a circle as the Point in
// its centre, a corridor as the LineString in its middle. Numbers are exact:
// the shortest decimal of a lattice coordinate has at most seven digits after
// the point.
func AppendGeometry(b []byte, shape *geofence.Shape) []byte {
	switch {
	case shape.Circle != nil:
		b = appendPosition(append(b, `{"type":"Point","coordinates":`...), shape.Circle.Center)
	case shape.Corridor != nil:
		b = append(b, `{"type":"LineString","coordinates":[`...)
		for i, p := range shape.Corridor.Line {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendPosition(b, p)
		}
		b = append(b, ']')
	case len(shape.Polygons) == 1:
		b = appendPolygon(append(b, `{"type":"Polygon","coordinates":`...), &shape.Polygons[0])
	default:
		b = append(b, `{"type":"MultiPolygon","coordinates":[`...)
		for i := range shape.Polygons {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendPolygon(b, &shape.Polygons[i])
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendPolygon(b []byte, p *geo.Polygon) []byte {
	b = appendRing(append(b, '['), p.Outer)
	for _, h := range p.Holes {
		b = appendRing(append(b, ','), h)
	}
	return append(b, ']')
}

func appendRing(b []byte, r geo.Ring) []byte {
	b = append(b, '[')
	for _, v := range r {
		b = append(appendPosition(b, v), ',')
	}
	if len(r) > 0 {
		b = appendPosition(b, r[0])
	}
	return append(b, ']')
}

func appendPosition(b []byte, p geo.Point) []byte {
	return append(appendLonLat(append(b, '['), p), ']')
}

func appendLonLat(b []byte, p geo.Point) []byte {
	b = strconv.AppendFloat(b, float64(p.Lon)/1e7, 'f', -1, 64)
	return strconv.AppendFloat(append(b, ','), float64(p.Lat)/1e7, 'f', -1, 64)
}

// area2 is twice the signed area of a ring in square units of the lattice,
// positive when it runs counterclockwise. Exact signs need no more than a
// float here: rings of no area are refused by Compile. Longitudes are unwrapped
// at the antimeridian.
func area2(r geo.Ring) float64 {
	if len(r) == 0 {
		return 0
	}
	sum, x := 0.0, 0.0
	for i, p := range r {
		q := r[(i+1)%len(r)]
		dx := float64(q.Lon) - float64(p.Lon)
		switch {
		case dx > geo.MaxLon:
			dx -= 2 * geo.MaxLon
		case dx < -geo.MaxLon:
			dx += 2 * geo.MaxLon
		}
		py, qy := float64(p.Lat)-float64(r[0].Lat), float64(q.Lat)-float64(r[0].Lat)
		sum += x*qy - (x+dx)*py
		x += dx
	}
	return sum
}

// turned is the ring run through the other way, from the same vertex.
func turned(r geo.Ring) geo.Ring {
	out := make(geo.Ring, 0, len(r))
	out = append(out, r[0])
	for i := len(r) - 1; i > 0; i-- {
		out = append(out, r[i])
	}
	return out
}

// wound is the shape with outer rings counterclockwise and holes clockwise, as
// RFC 7946 section 3.1.6 asks for.
func wound(shape *geofence.Shape) geofence.Shape {
	out := *shape
	out.Polygons = nil
	for _, p := range shape.Polygons {
		q := geo.Polygon{Outer: p.Outer}
		if area2(p.Outer) < 0 {
			q.Outer = turned(p.Outer)
		}
		for _, h := range p.Holes {
			if area2(h) > 0 {
				h = turned(h)
			}
			q.Holes = append(q.Holes, h)
		}
		out.Polygons = append(out.Polygons, q)
	}
	return out
}

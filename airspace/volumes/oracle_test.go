package volumes

import (
	"math"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// The oracle judges two shapes in another way than the package: it looks for the
// point that lies deepest in both, by dividing squares, with distances of its own.

// spot is a place in units of the lattice; longitudes go on beyond 180 degrees.
type spot struct{ lat, lon float64 }

const oracleA, oracleE2 = 6378137.0, 0.00669437999014

// metresBetween is the mid-latitude form of the reference, in float64.
func metresBetween(a, b spot) (north, east float64) {
	sin, cos := math.Sincos((a.lat + b.lat) / 2 * math.Pi / 180e7)
	w := 1 - oracleE2*sin*sin
	n := oracleA / math.Sqrt(w)
	return (b.lat - a.lat) * math.Pi / 180e7 * n * (1 - oracleE2) / w, (b.lon - a.lon) * math.Pi / 180e7 * n * cos
}

// offBy is the distance of p from the straight line in lon/lat between a and b.
func offBy(p, a, b spot) float64 {
	t := 0.5
	for range 3 { // with the scale at the nearest point found before
		near := spot{a.lat + t*(b.lat-a.lat), a.lon + t*(b.lon-a.lon)}
		lat := (p.lat + near.lat) / 2
		kn, _ := metresBetween(spot{lat - 0.5, 0}, spot{lat + 0.5, 0})
		_, ke := metresBetween(spot{lat, 0}, spot{lat, 1})
		ux, uy := (b.lon-a.lon)*ke, (b.lat-a.lat)*kn
		wx, wy := (p.lon-a.lon)*ke, (p.lat-a.lat)*kn
		t = 0
		if l := ux*ux + uy*uy; l > 0 {
			t = math.Min(math.Max((wx*ux+wy*uy)/l, 0), 1)
		}
	}
	north, east := metresBetween(p, spot{a.lat + t*(b.lat-a.lat), a.lon + t*(b.lon-a.lon)})
	return math.Hypot(north, east)
}

// insideBy is how deep p lies within a shape; negative outside. Longitudes of the
// shape are taken beside p, vertex by vertex.
func insideBy(s *geofence.Shape, p spot) float64 {
	beside := func(g geo.Point) spot {
		q := spot{float64(g.Lat), float64(g.Lon)}
		for q.lon-p.lon > 180e7 {
			q.lon -= 360e7
		}
		for q.lon-p.lon < -180e7 {
			q.lon += 360e7
		}
		return q
	}
	switch {
	case s.Circle != nil:
		c := beside(s.Circle.Center)
		return s.Circle.RadiusM - offBy(p, c, c)
	case s.Corridor != nil:
		off := math.Inf(1)
		for i, g := range s.Corridor.Line[1:] {
			off = math.Min(off, offBy(p, beside(s.Corridor.Line[i]), beside(g)))
		}
		return s.Corridor.WidthM/2 - off
	}
	best := math.Inf(-1)
	for _, poly := range s.Polygons {
		off, in := math.Inf(1), false
		for _, ring := range append([]geo.Ring{poly.Outer}, poly.Holes...) {
			for i, g := range ring {
				a, b := beside(g), beside(ring[(i+1)%len(ring)])
				off = math.Min(off, offBy(p, a, b))
				if (a.lat > p.lat) != (b.lat > p.lat) && p.lon < a.lon+(p.lat-a.lat)/(b.lat-a.lat)*(b.lon-a.lon) {
					in = !in
				}
			}
		}
		if !in {
			off = -off
		}
		best = math.Max(best, off)
	}
	return best
}

type verdict int

const (
	apart  verdict = iota
	unsure         // too near the limit for the oracle, or for the package's definition
	together
)

// judge says whether the deepest common point of two shapes lies deeper than the
// limit. Between 0.6 and 1.6 times the limit it may say unsure.
func judge(a, b *geofence.Shape, centre spot, halfM, limit float64) verdict {
	type cell struct {
		at   spot
		half float64 // in metres
	}
	kn := 180e7 / math.Pi / oracleA
	ke := kn / math.Cos(centre.lat*math.Pi/180e7)
	best := 0.0
	for stack := []cell{{centre, halfM}}; len(stack) > 0; {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		r := c.half * 1.42 // and for the scales, which are rough
		da := insideBy(a, c.at)
		if da < -r {
			continue
		}
		db := insideBy(b, c.at)
		if db < -r {
			continue
		}
		if da >= 0 && db >= 0 {
			if best = math.Max(best, da+db); best > 1.6*limit {
				return together
			}
		}
		if da+db+2*r < 0.6*limit || r < limit/20 {
			continue
		}
		h := c.half / 2 * 1.001
		for _, d := range [4][2]float64{{-1, -1}, {-1, 1}, {1, -1}, {1, 1}} {
			stack = append(stack, cell{spot{c.at.lat + d[0]*h*kn, c.at.lon + d[1]*h*ke}, h})
		}
	}
	if best > 0.6*limit {
		return unsure
	}
	return apart
}

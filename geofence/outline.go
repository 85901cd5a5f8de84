package geofence

import "testzone/geofence/geo"

// Always reports whether a fence with this schedule is in force all the time.
func (s *Schedule) Always() bool { return s.isAlways() }

// Outlines are the polygons by which the fence is judged, straight in longitude and
// latitude: their union is its shape. The margin of a keep-in, which lies within
// them, is not taken off. A polygon across longitude 180 is there twice, each with
// longitudes beyond it.
func (c *Compiled) Outlines() []geo.Polygon {
	out := make([]geo.Polygon, len(c.within))
	for i, p := range c.within {
		for k, edges := range p.region.Rings() {
			if ring := ringOf(edges); k == 0 {
				out[i].Outer = ring
			} else {
				out[i].Holes = append(out[i].Holes, ring)
			}
		}
	}
	return out
}

// ringOf is the ring of its edges, which have lost their direction.
func ringOf(edges []geo.Edge) geo.Ring {
	ring := make(geo.Ring, len(edges))
	for i, e := range edges {
		next := edges[(i+1)%len(edges)]
		if ring[i] = e.B; e.A == next.A || e.A == next.B {
			ring[i] = e.A
		}
	}
	return ring
}

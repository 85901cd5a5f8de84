package activity

import (
	"testzone/geofence"
	"testzone/geofence/geo"
)

// within reports whether a shape lies in another, its edge included: each of its
// polygons within one of the other's, as a fence would judge them. It is exact but
// for an edge that leaves and comes back through a corner of the other, of which the
// middle is looked at.
func within(a, b geofence.Shape) bool {
	in, err := geofence.Compile(geofence.Fence{ID: "in", Kind: geofence.KeepOut, Shape: a})
	if err != nil {
		return false
	}
	of, err := geofence.Compile(geofence.Fence{ID: "of", Kind: geofence.KeepOut, Shape: b})
	if err != nil {
		return false
	}
	for _, p := range in.Outlines() {
		if !inOne(p, of.Outlines()) {
			return false
		}
	}
	return true
}

func inOne(p geo.Polygon, list []geo.Polygon) bool {
	for i := range list {
		if polygonWithin(&p, &list[i]) {
			return true
		}
	}
	return false
}

// polygonWithin: no corner of a is outside of b, no edges cross, and no corner of b,
// those of its holes included, is inside a.
func polygonWithin(a, b *geo.Polygon) bool {
	ra, rb := geo.NewRegion(*a), geo.NewRegion(*b)
	for i, from := range a.Outer {
		to := a.Outer[(i+1)%len(a.Outer)]
		in, on := rb.Locate(from)
		if !in && !on {
			return false
		}
		_, ends := rb.Locate(to)
		along := false // an edge of b
		for _, ring := range append([]geo.Ring{b.Outer}, b.Holes...) {
			for k, c := range ring {
				d := ring[(k+1)%len(ring)]
				if geo.Meet(from, to, c, d) == geo.Crossing {
					return false
				}
				along = along || geo.Orient(c, d, from) == 0 && geo.Orient(c, d, to) == 0
			}
		}
		if on && ends && !along { // it may lead across a notch
			if in, on := rb.Locate(middle(from, to)); !in && !on {
				return false
			}
		}
	}
	for _, ring := range append([]geo.Ring{b.Outer}, b.Holes...) {
		for _, at := range ring {
			if in, on := ra.Locate(at); in && !on {
				return false
			}
		}
	}
	return true
}

func middle(a, b geo.Point) geo.Point {
	return geo.Point{Lat: int32((int64(a.Lat) + int64(b.Lat)) / 2), Lon: int32((int64(a.Lon) + int64(b.Lon)) / 2)}
}

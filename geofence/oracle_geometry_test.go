package geofence

import (
	"math"
	"math/big"
	"slices"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// oraclePolygon is one polygon; whatever lies in a minus is not in the fence.
type oraclePolygon struct {
	minus bool
	rings [][]geo.Edge
}

// oracleShape is the fence's own polygons, or where a rule makes other ones of
// the shape (which has tests of its own) those.
func oracleShape(c *Compiled) (out []oraclePolygon) {
	f := &c.Fence
	if f.Shape.Polygons == nil || f.MarginM > 0 || f.Edges == Geodesic {
		for _, p := range c.parts {
			out = append(out, oraclePolygon{slices.Contains(c.without, p), p.region.Rings()})
		}
		return out
	}
	for _, p := range f.Shape.Polygons {
		var poly oraclePolygon
		for _, ring := range append([]geo.Ring{p.Outer}, p.Holes...) {
			var edges []geo.Edge
			turn := int64(0)
			for i := range ring {
				a, b := ring[i], ring[(i+1)%len(ring)]
				aLon := int64(a.Lon) + turn
				if d := int64(b.Lon) - int64(a.Lon); d > 1_800_000_000 {
					turn -= 3_600_000_000
				} else if d < -1_800_000_000 {
					turn += 3_600_000_000
				}
				edges = append(edges, geo.Edge{A: geo.Point{Lat: a.Lat, Lon: int32(aLon)}, B: geo.Point{Lat: b.Lat, Lon: int32(int64(b.Lon) + turn)}})
			}
			poly.rings = append(poly.rings, edges)
		}
		out = append(out, poly)
	}
	return out
}

var oracleTurn = big.NewRat(3_600_000_000, 1)

// eachTurn calls f with a longitude and what it is one turn to either side.
func eachTurn(lon *big.Rat, f func(lon *big.Rat)) {
	f(lon)
	if half, _ := lon.Float64(); math.Abs(half) < 900_000_000 {
		return // no shape reaches there by another name
	}
	f(new(big.Rat).Add(lon, oracleTurn))
	f(new(big.Rat).Sub(lon, oracleTurn))
}

// oracleCovers is the horizontal rule: closed for a keep-out, open for a keep-in.
func oracleCovers(c *Compiled, p ratPoint) bool {
	covers := false
	for _, poly := range oracleShape(c) {
		in, on := false, false
		for _, ring := range poly.rings {
			eachTurn(p.lon, func(lon *big.Rat) {
				i, o := oracleRing(ring, ratPoint{p.lat, lon})
				in, on = in != i, on || o
			})
		}
		switch {
		case poly.minus && (in || on):
			return false
		case !poly.minus:
			covers = covers || on && c.Fence.Kind != KeepIn || in && !on
		}
	}
	return covers
}

func oracleRing(ring []geo.Edge, p ratPoint) (in, on bool) {
	near, _ := p.lat.Float64()
	for _, e := range ring {
		a, b := e.A, e.B
		if a.Lat > b.Lat {
			a, b = b, a
		}
		if near+1 < float64(a.Lat) || near-1 > float64(b.Lat) {
			continue // only to save time
		}
		if p.lat.Cmp(rat(a.Lat)) < 0 || p.lat.Cmp(rat(b.Lat)) > 0 {
			continue
		}
		if a.Lat == b.Lat {
			on = on || p.lon.Cmp(rat(min(a.Lon, b.Lon))) >= 0 && p.lon.Cmp(rat(max(a.Lon, b.Lon))) <= 0
			continue
		}
		// Longitude of the edge at the point's latitude.
		t := new(big.Rat).Sub(p.lat, rat(a.Lat))
		t.Quo(t, big.NewRat(int64(b.Lat)-int64(a.Lat), 1))
		x := lerpRat(a.Lon, b.Lon, t)
		switch x.Cmp(p.lon) {
		case 0:
			on = true
		case 1:
			in = in != (p.lat.Cmp(rat(b.Lat)) < 0)
		}
	}
	return in, on
}

func lerpRat(a, b int32, t *big.Rat) *big.Rat {
	return lerpRat64(int64(a), int64(b), t)
}

func lerpRat64(a, b int64, t *big.Rat) *big.Rat {
	d := new(big.Rat).Mul(t, big.NewRat(b-a, 1))
	return d.Add(d, big.NewRat(a, 1))
}

// oracleMeets reports whether the other side of the fence is met on the way.
func oracleMeets(c *Compiled, class vehicles.Class, from, to geo.Fix) (met bool) {
	oracleMoments(c, class, from, to, func(_ *big.Rat, inside bool) {
		met = met || inside == (c.Fence.Kind != KeepIn)
	})
	return met
}

// oracleMoments judges every moment of a way at which something can begin: the
// ends, the meetings with edges, the passing of limits.
func oracleMoments(c *Compiled, class vehicles.Class, from, to geo.Fix, f func(t *big.Rat, inside bool)) {
	moments := []*big.Rat{big.NewRat(0, 1), big.NewRat(1, 1)}
	a, b := [2]int64{int64(from.Point.Lat), int64(from.Point.Lon)}, [2]int64{int64(to.Point.Lat), int64(to.Point.Lon)}
	if d := b[1] - a[1]; d > 1_800_000_000 {
		b[1] -= 3_600_000_000
	} else if d < -1_800_000_000 {
		b[1] += 3_600_000_000
	}
	for _, poly := range oracleShape(c) {
		for _, ring := range poly.rings {
			for _, e := range ring {
				for _, turn := range []int64{0, 3_600_000_000, -3_600_000_000} {
					if turn != 0 && max(a[1], -a[1]) < 900_000_000 {
						continue
					}
					ts := oracleMeetings([2]int64{a[0], a[1] + turn}, [2]int64{b[0], b[1] + turn},
						[2]int64{int64(e.A.Lat), int64(e.A.Lon)}, [2]int64{int64(e.B.Lat), int64(e.B.Lon)})
					moments = append(moments, ts...)
				}
			}
		}
	}
	for _, alt := range []geo.Altitude{c.Fence.Floor, c.Fence.Ceiling} {
		h0, ok0 := oracleHeight(class, from, alt.Datum)
		h1, ok1 := oracleHeight(class, to, alt.Datum)
		if alt.Datum != geo.NoDatum && ok0 && ok1 && h0 != h1 {
			moments = append(moments, big.NewRat(int64(alt.MM)-int64(h0), int64(h1)-int64(h0)))
		}
	}
	zero, one := big.NewRat(0, 1), big.NewRat(1, 1)
	for _, t := range moments {
		if t.Cmp(zero) >= 0 && t.Cmp(one) <= 0 {
			f(t, oracleAt(c, class, from, to, t))
		}
	}
}

// oracleAt judges one moment of a way.
func oracleAt(c *Compiled, class vehicles.Class, from, to geo.Fix, t *big.Rat) bool {
	aLon, bLon := int64(from.Point.Lon), int64(to.Point.Lon)
	if d := bLon - aLon; d > 1_800_000_000 {
		bLon -= 3_600_000_000
	} else if d < -1_800_000_000 {
		bLon += 3_600_000_000
	}
	inside := oracleCovers(c, ratPoint{lerpRat(from.Point.Lat, to.Point.Lat, t), lerpRat64(aLon, bLon, t)})
	for i, alt := range []geo.Altitude{c.Fence.Floor, c.Fence.Ceiling} {
		h0, ok0 := oracleHeight(class, from, alt.Datum)
		h1, ok1 := oracleHeight(class, to, alt.Datum)
		switch {
		case alt.Datum == geo.NoDatum:
			continue
		case !ok0 || !ok1:
			inside = inside && c.Fence.Kind != KeepIn
			continue
		}
		cmp := lerpRat(h0, h1, t).Cmp(rat(alt.MM))
		if i == 1 {
			cmp = -cmp
		}
		inside = inside && (cmp > 0 || cmp == 0 && c.Fence.Kind != KeepIn)
	}
	return inside
}

// oracleMeetings are the parameters along ab at which it meets cd: none, one, or
// the two ends of an overlap.
func oracleMeetings(a, b, c, d [2]int64) (out []*big.Rat) {
	if max(a[0], b[0]) < min(c[0], d[0]) || min(a[0], b[0]) > max(c[0], d[0]) || max(a[1], b[1]) < min(c[1], d[1]) || min(a[1], b[1]) > max(c[1], d[1]) {
		return nil
	}
	ux, uy := b[1]-a[1], b[0]-a[0]
	vx, vy := d[1]-c[1], d[0]-c[0]
	wx, wy := c[1]-a[1], c[0]-a[0]
	det := ux*vy - uy*vx
	if det != 0 {
		t, s := big.NewRat(wx*vy-wy*vx, det), big.NewRat(wx*uy-wy*ux, det)
		zero, one := big.NewRat(0, 1), big.NewRat(1, 1)
		if t.Cmp(zero) >= 0 && t.Cmp(one) <= 0 && s.Cmp(zero) >= 0 && s.Cmp(one) <= 0 {
			out = append(out, t)
		}
		return out
	}
	// Parallel, or no movement: the ends that lie on the other segment.
	on := func(p, q, r [2]int64) bool {
		return (q[1]-p[1])*(r[0]-p[0]) == (q[0]-p[0])*(r[1]-p[1]) &&
			min(p[0], q[0]) <= r[0] && r[0] <= max(p[0], q[0]) && min(p[1], q[1]) <= r[1] && r[1] <= max(p[1], q[1])
	}
	if on(c, d, a) {
		out = append(out, big.NewRat(0, 1))
	}
	if on(c, d, b) {
		out = append(out, big.NewRat(1, 1))
	}
	for _, p := range [][2]int64{c, d} {
		if a != b && on(a, b, p) {
			if ux != 0 {
				out = append(out, big.NewRat(p[1]-a[1], ux))
			} else {
				out = append(out, big.NewRat(p[0]-a[0], uy))
			}
		}
	}
	return out
}

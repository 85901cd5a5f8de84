package bulk

import (
	"cmp"
	"math"
	"slices"

	"testzone/geofence/geo"
)

const (
	// apartM is how close two ways may come that are flown at the same time, metres: the
	// errors of two positions and of two autopilots on a straight line.
	apartM = 50.0
	// waveS is the time between two orders on ways that come close, seconds: at 5 m/s
	// the one before is 75 m ahead.
	waveS = 15
	// maxWith is how many others an item names.
	maxWith = 5
)

// stagger gives the items with ways their times, so that no two leave together whose
// ways come close, and returns how many pairs do. The shortest way is free first:
// whoever is near home leaves first. A way that is not known may cross every other.
func stagger(items []Item) (crossing int) {
	var ways []*way
	var flat *plane
	for i := range items {
		if l := items[i].leg; l != nil {
			if flat == nil && l.known {
				flat = planeAt(l.from)
			}
			ways = append(ways, newWay(&items[i], flat))
		}
	}
	slices.SortFunc(ways, func(a, b *way) int {
		return cmp.Or(cmp.Compare(a.length, b.length), cmp.Compare(a.item.Vehicle, b.item.Vehicle))
	})
	for i, w := range ways {
		taken := make([]bool, i+1)
		for _, o := range ways[:i] {
			if !w.near(o) {
				continue
			}
			crossing++
			if o.wave <= i {
				taken[o.wave] = true
			}
			w.item.meets(o.item)
			o.item.meets(w.item)
		}
		w.wave = slices.Index(taken, false)
		w.item.AfterS = w.wave * waveS
		w.item.Held = w.item.Held && w.wave > 0
	}
	return crossing
}

func (it *Item) meets(other *Item) {
	if it.Crosses++; len(it.With) < maxWith {
		it.With = append(it.With, string(other.Vehicle))
	}
}

// way is a leg in the plane.
type way struct {
	item   *Item
	known  bool
	a, b   [2]float64
	length float64
	wave   int
}

func newWay(it *Item, flat *plane) *way {
	w := &way{item: it, known: it.leg.known, length: math.MaxFloat64}
	if w.known {
		w.a, w.b = flat.metres(it.leg.from), flat.metres(it.leg.to)
		w.length = math.Hypot(w.a[0]-w.b[0], w.a[1]-w.b[1])
	}
	return w
}

// plane has one scale for all, that of its origin: 0.1 % off at 10 km to the north.
type plane struct {
	at          geo.Point
	north, east float64 // units per metre
}

func planeAt(p geo.Point) *plane {
	north, east := geo.UnitsPerMetre(p.Lat)
	return &plane{p, north, max(east, 1e-9)}
}

// metres are east and north of the origin.
func (f *plane) metres(p geo.Point) [2]float64 {
	const turn = 3_600_000_000
	east := int64(p.Lon) - int64(f.at.Lon)
	switch {
	case east > turn/2:
		east -= turn
	case east < -turn/2:
		east += turn
	}
	return [2]float64{float64(east) / f.east, float64(int64(p.Lat)-int64(f.at.Lat)) / f.north}
}

// near reports whether two ways come closer than apartM.
func (w *way) near(o *way) bool {
	if !w.known || !o.known {
		return true
	}
	for axis := range 2 {
		if min(w.a[axis], w.b[axis])-apartM > max(o.a[axis], o.b[axis]) || min(o.a[axis], o.b[axis])-apartM > max(w.a[axis], w.b[axis]) {
			return false
		}
	}
	return crosses(w.a, w.b, o.a, o.b) || apart(w.a, o.a, o.b) < apartM || apart(w.b, o.a, o.b) < apartM ||
		apart(o.a, w.a, w.b) < apartM || apart(o.b, w.a, w.b) < apartM
}

func crosses(a, b, c, d [2]float64) bool {
	side := func(a, b, p [2]float64) float64 { return (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0]) }
	return side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0
}

// apart is the distance of a point from a segment.
func apart(p, a, b [2]float64) float64 {
	d := [2]float64{b[0] - a[0], b[1] - a[1]}
	t := 0.0
	if l := d[0]*d[0] + d[1]*d[1]; l > 0 {
		t = min(max(((p[0]-a[0])*d[0]+(p[1]-a[1])*d[1])/l, 0), 1)
	}
	return math.Hypot(a[0]+t*d[0]-p[0], a[1]+t*d[1]-p[1])
}

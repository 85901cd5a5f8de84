package volumes

import (
	"math"

	"testzone/geofence/geo"
)

// precisionMM is Precision in millimetres.
const precisionMM = 10

// Overlap is how much two volumes share.
type Overlap struct {
	// Metres is how deep one shape reaches into the other: the largest sum, over
	// the points of both, of the distances to the border of either. A lower
	// bound, mostly within 1 %; coarse for shapes of thousands of vertices.
	Metres float64
	// HeightMM is what the bands share, Unlimited where no limit ends it.
	HeightMM int64
	// HeightUnknown: the bands are in datums that cannot be compared, and were
	// taken to overlap.
	HeightUnknown bool
	FromUS, ToUS  int64 // the time they share
}

// Unlimited is the height that two bands share without a limit on one side.
const Unlimited = math.MaxInt64

// meets reports whether two solids share more than the precision in each
// dimension. Does not allocate.
func meets(a, b *Solid) bool {
	if a.Volume.FromUS >= b.Volume.ToUS || b.Volume.FromUS >= a.Volume.ToUS {
		return false
	}
	return meetsInSpace(a, b)
}

func meetsInSpace(a, b *Solid) bool {
	if mm, _ := sharedHeight(a, b); mm <= precisionMM {
		return false
	}
	shift := shiftBeside(a, b)
	if !boxesShare(&a.box, &b.box, shift) {
		return false
	}
	for i := range a.parts {
		for k := range b.parts {
			if partsShare(&a.parts[i], &b.parts[k], shift, Precision) {
				return true
			}
		}
	}
	return false
}

// shiftBeside is what has to be added to the longitudes of b to have it on the
// same side of the antimeridian as a.
func shiftBeside(a, b *Solid) int64 {
	switch d := int64(a.box.MinLon) - int64(b.box.MinLon); {
	case d > geo.MaxLon:
		return turn
	case d < -geo.MaxLon:
		return -turn
	}
	return 0
}

// boxesShare reports whether the boxes share an area.
func boxesShare(a, b *geo.Box, shift int64) bool {
	return a.MinLat < b.MaxLat && b.MinLat < a.MaxLat &&
		int64(a.MinLon) < int64(b.MaxLon)+shift && int64(b.MinLon)+shift < int64(a.MaxLon)
}

// sharedHeight is what the bands of two solids share in millimetres (negative:
// the gap between them), and whether limits were left out because their datums
// cannot be compared.
func sharedHeight(a, b *Solid) (mm int64, unknown bool) {
	mm = Unlimited
	for _, pair := range [4][2]*Solid{{a, a}, {b, b}, {a, b}, {b, a}} {
		top, bottom := pair[0].Volume.Ceiling, pair[1].Volume.Floor
		if top.Datum == geo.NoDatum || bottom.Datum == geo.NoDatum {
			continue
		}
		d, ok := drop(pair[0], pair[1])
		if !ok {
			unknown = unknown || pair[0] != pair[1]
			continue
		}
		mm = min(mm, d)
	}
	return mm, unknown
}

// drop is how far the ceiling of one solid lies above the floor of the other, at
// most, in millimetres.
func drop(upper, lower *Solid) (mm int64, ok bool) {
	top, bottom := upper.Volume.Ceiling, lower.Volume.Floor
	d := int64(top.MM) - int64(bottom.MM)
	switch {
	case top.Datum == geo.Takeoff && bottom.Datum == geo.Takeoff:
		// Above which start point? Of the same operation it is the same one.
		return d, upper == lower || upper.Volume.Of != "" && upper.Volume.Of == lower.Volume.Of
	case top.Datum == bottom.Datum:
		return d, true
	case top.Datum == geo.AMSL && bottom.Datum == geo.WGS84:
		return d + upper.geoidHigh, true
	case top.Datum == geo.WGS84 && bottom.Datum == geo.AMSL:
		return d - lower.geoidLow, true
	}
	return 0, false
}

// overlapOf measures what two solids that meet in space share.
func overlapOf(a, b *Solid) Overlap {
	var o Overlap
	o.HeightMM, o.HeightUnknown = sharedHeight(a, b)
	o.FromUS, o.ToUS = max(a.Volume.FromUS, b.Volume.FromUS), min(a.Volume.ToUS, b.Volume.ToUS)
	shift := shiftBeside(a, b)
	for i := range a.parts {
		for k := range b.parts {
			o.Metres = max(o.Metres, depth(&a.parts[i], &b.parts[k], shift))
		}
	}
	return o
}

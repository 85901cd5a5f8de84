package geofence

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// band is the altitude band of a fence: up to two limits, each in its datum. It
// is closed for a keep-out and open for a keep-in, the safe side.
type band struct {
	limits [2]limit
	n      int
	closed bool
}

// limit is a floor or a ceiling in millimetres.
type limit struct {
	mm      int32
	datum   geo.Datum
	ceiling bool
}

// maxLimitMM bounds the limits of a band: 100 km up or down.
const maxLimitMM = 100_000_000

// newBand reads the band of a fence. A limit in a datum in which a vehicle's
// height is not known is judged on the safe side.
func newBand(f *Fence) (b band, errs []error) {
	b.closed = f.Kind != KeepIn
	for _, l := range []struct {
		field string
		alt   geo.Altitude
	}{{"floor", f.Floor}, {"ceiling", f.Ceiling}} {
		switch d := l.alt.Datum; {
		case d == geo.NoDatum:
		case l.alt.MM > maxLimitMM || l.alt.MM < -maxLimitMM:
			errs = append(errs, &BandError{l.field, "must be within 100 km"})
		case d == geo.AMSL || d == geo.Takeoff || d == geo.WGS84 || d == geo.AGL:
			b.limits[b.n] = limit{l.alt.MM, l.alt.Datum, l.field == "ceiling"}
			b.n++
		default:
			errs = append(errs, &BandError{l.field, "datum " + l.alt.Datum.String() + " is unknown"})
		}
	}
	if f.Floor.Datum != geo.NoDatum && f.Floor.Datum == f.Ceiling.Datum {
		switch {
		case f.Floor.MM > f.Ceiling.MM:
			errs = append(errs, &BandError{"floor", "is above the ceiling"})
		case f.Floor.MM == f.Ceiling.MM && f.Kind == KeepIn:
			errs = append(errs, &BandError{"floor", "equals the ceiling: nothing can be between them"})
		}
	}
	return b, errs
}

// height is a vehicle's height in a datum. Ground and water vehicles are at 0 m
// above their start and above ground when they do not say otherwise. The height
// above the ellipsoid follows from that above the geoid.
func height(class vehicles.Class, fix *geo.Fix, d geo.Datum) (mm int32, known bool) {
	mm, known = fix.Heights.In(d)
	if known {
		return mm, true
	}
	switch d {
	case geo.Takeoff, geo.AGL:
		return 0, class == vehicles.ICV || class == vehicles.USV
	case geo.WGS84:
		if mm, known = fix.Heights.In(geo.AMSL); known {
			// Off the globe's heights the sum saturates: no limit lies there.
			return int32(min(int64(mm)+int64(math.Round(geo.Undulation(fix.Point)*1000)), math.MaxInt32)), true
		}
	}
	return 0, false
}

// passes reports whether a height keeps the limit.
func (l *limit) passes(mm int32, closed bool) bool {
	switch {
	case mm == l.mm:
		return closed
	case l.ceiling:
		return mm < l.mm
	}
	return mm > l.mm
}

// holds reports whether a fix is within the band, and whether a height that the
// band asks for is unknown.
func (b *band) holds(class vehicles.Class, fix *geo.Fix) (in, unknown bool) {
	in = true
	for i := range b.limits[:b.n] {
		l := &b.limits[i]
		mm, known := height(class, fix, l.datum)
		if !known {
			unknown = true
			in = in && b.closed // inside a keep-out, outside a keep-in
			continue
		}
		in = in && l.passes(mm, b.closed)
	}
	return in, unknown
}

// decider is the datum that decided about a movement: that of a limit which one
// of the fixes does not keep, otherwise that of the ceiling or the floor.
func (b *band) decider(class vehicles.Class, before, after *geo.Fix) geo.Datum {
	d := geo.NoDatum
	for i := range b.limits[:b.n] {
		l := &b.limits[i]
		d = l.datum
		for _, fix := range [2]*geo.Fix{after, before} {
			if mm, known := height(class, fix, l.datum); known && !l.passes(mm, b.closed) {
				return d
			}
		}
	}
	return d
}

// window is the part of the straight movement between two fixes during which a
// closed band holds the vehicle. A limit for which one of the heights is unknown
// does not narrow it.
func (b *band) window(class vehicles.Class, before, after *geo.Fix) (t0, t1 geo.Ratio, some, unknown bool) {
	t0, t1 = geo.Ratio{N: 0, D: 1}, geo.Ratio{N: 1, D: 1}
	for i := range b.limits[:b.n] {
		l := &b.limits[i]
		h0, known0 := height(class, before, l.datum)
		h1, known1 := height(class, after, l.datum)
		if !known0 || !known1 {
			unknown = true
			continue
		}
		in0, in1 := l.passes(h0, true), l.passes(h1, true)
		at := geo.Ratio{N: abs64(int64(l.mm) - int64(h0)), D: abs64(int64(h1) - int64(h0))}
		switch {
		case !in0 && !in1:
			return t0, t1, false, unknown
		case !in0 && t0.Less(at):
			t0 = at
		case !in1 && at.Less(t1):
			t1 = at
		}
	}
	return t0, t1, !t1.Less(t0), unknown
}

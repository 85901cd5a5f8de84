package priority

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const (
	// goesOnS is how long a vehicle is taken to keep its velocity: it turns sooner or later.
	goesOnS = 60.0
	// heightSlackM is how far the truth may lie from a reported height.
	heightSlackM = 10.0
)

// span is a time from lo to hi; none when hi < lo.
type span struct{ lo, hi float64 }

// never is no time.
var never = math.Inf(1)

// body is a vehicle, or a place where one might be, that moves along a way.
type body struct {
	n, e   float64
	vn, ve float64
	up     float64 // m/s
	slack  float64 // metres: its position is old
	fix    *geo.Fix
	class  vehicles.Class
}

// meets is when a body that moves straight from t0 to t1 comes into the keep-out
// first; never if it does not. Its height matters if it has a fix.
func (m *mover) meets(b *body, t0, t1 float64) float64 {
	in := span{t0, t1}
	if b.fix != nil {
		in = m.inBand(b, in)
	}
	first := never
	if in.hi < in.lo {
		return never
	}
	for _, w := range m.ways {
		for i := range w {
			l := &w[i]
			lo, hi := max(l.t0, in.lo), min(l.t1, in.hi)
			if hi < lo || lo >= first {
				continue
			}
			ln, le := l.at(lo)
			// The body in the frame of the mover at lo, and how the radius grows.
			dn, de := b.n+b.vn*(lo-t0)-ln, b.e+b.ve*(lo-t0)-le
			first = min(first, lo+within(dn, de, b.vn-l.vn, b.ve-l.ve, m.radius+b.slack+m.growth*lo, m.growth, hi-lo))
		}
	}
	return first
}

// within is the first s in 0..most with |d + w·s| <= r + g·s; never if there is none.
func within(dn, de, wn, we, r, g, most float64) float64 {
	c := dn*dn + de*de - r*r
	if c <= 0 {
		return 0
	}
	a, b := wn*wn+we*we-g*g, dn*wn+de*we-r*g // a·s² + 2b·s + c <= 0
	s := never
	switch disc := b*b - a*c; {
	case math.Abs(a) < 1e-12:
		if b < 0 {
			s = -c / (2 * b)
		}
	case disc < 0:
	case a > 0:
		if b < 0 {
			s = c / (-b + math.Sqrt(disc)) // the smaller root, without cancellation
		}
	default: // it grows faster than the body moves: the only root ahead
		s = (-b - math.Sqrt(disc)) / a
	}
	if s > most {
		return never
	}
	return s
}

// inBand is when within a span the height of a body, which begins at in.lo, is within
// the band. A height that is not known is.
func (m *mover) inBand(b *body, in span) span {
	begins := in.lo
	for _, l := range [2]struct {
		alt  geo.Altitude
		sign float64
	}{{m.keepout.Floor, 1}, {m.keepout.Ceiling, -1}} {
		if l.alt.Datum == geo.NoDatum {
			continue
		}
		mm, known := heightIn(b.class, b.fix, l.alt.Datum)
		if !known {
			continue
		}
		over := l.sign*(float64(mm)-float64(l.alt.MM))/1000 + heightSlackM // >= 0: within
		switch rate := l.sign * b.up; {
		case rate == 0 && over < 0:
			return span{0, -1}
		case rate > 0:
			in.lo = max(in.lo, begins-over/rate)
		case rate < 0:
			in.hi = min(in.hi, begins-over/rate)
		}
	}
	return in
}

// heightUnknown reports whether the band asks for a height that is not known.
func (m *mover) heightUnknown(class vehicles.Class, fix *geo.Fix) bool {
	for _, alt := range []geo.Altitude{m.keepout.Floor, m.keepout.Ceiling} {
		if alt.Datum == geo.NoDatum {
			continue
		}
		if _, known := heightIn(class, fix, alt.Datum); !known {
			return true
		}
	}
	return false
}

// heightIn is a height in a datum: those of geofence, where ground and water classes
// are at 0 m above ground and start unless they say otherwise.
func heightIn(class vehicles.Class, fix *geo.Fix, d geo.Datum) (mm int32, known bool) {
	if mm, known = fix.Heights.In(d); known {
		return mm, true
	}
	undulation := func() int32 { return int32(math.Round(1000 * geo.Undulation(fix.Point))) }
	switch d {
	case geo.AGL, geo.Takeoff:
		return 0, class == vehicles.ICV || class == vehicles.USV
	case geo.WGS84:
		if mm, known = fix.Heights.In(geo.AMSL); known {
			return mm + undulation(), true
		}
	case geo.AMSL:
		if mm, known = fix.Heights.In(geo.WGS84); known {
			return mm - undulation(), true
		}
	}
	return 0, false
}

// comesOver reports whether the keep-out is over a place, or comes over it, within
// some metres, whatever the height.
func (m *mover) comesOver(n, e, margin float64) bool {
	return m.meets(&body{n: n, e: e, slack: margin}, 0, m.horizon) < never
}

// closest is when the mover is closest to a place.
func (m *mover) closest(n, e float64) (atS float64) {
	best := never
	for _, w := range m.ways {
		for i := range w {
			l := &w[i]
			t := l.t0
			if sq := l.vn*l.vn + l.ve*l.ve; sq > 0 {
				t += max(0, min(l.t1-l.t0, ((n-l.n)*l.vn+(e-l.e)*l.ve)/sq))
			}
			ln, le := l.at(t)
			if d := math.Hypot(n-ln, e-le); d < best {
				best, atS = d, t
			}
		}
	}
	return atS
}

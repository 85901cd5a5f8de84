package geo

import (
	"math"
	"math/bits"
)

// The predicates are exact integer decisions. A difference of longitudes does
// not fit int32, so coordinates are widened before they are subtracted; the
// difference of two products fits int64 as long as the spans stay below 180
// degrees. Fences and movements keep to that: an edge spans 90 degrees at most,
// a polygon less than 180, a movement less than 35.

// cross is twice the signed area of the triangle abc: positive when c lies to
// the left of a->b, seen with longitude to the right and latitude up.
func cross(a, b, c Point) int64 {
	return (int64(b.Lon)-int64(a.Lon))*(int64(c.Lat)-int64(a.Lat)) -
		(int64(b.Lat)-int64(a.Lat))*(int64(c.Lon)-int64(a.Lon))
}

// Cross is twice the signed area of the triangle abc, as Orient sees it.
func Cross(a, b, c Point) int64 { return cross(a, b, c) }

// Orient is 1 when c lies left of a->b, -1 when it lies right, 0 when the three
// points are collinear. Exact while the points lie within 180 degrees.
func Orient(a, b, c Point) int { return sign(cross(a, b, c)) }

// Lie is how two closed segments lie to each other.
type Lie uint8

// The ways to lie.
const (
	Apart    Lie = iota
	Touching     // an end of one lies on the other, or they overlap along a line
	Crossing     // they share one point, which is an end of neither
)

// Meet says how the segments ab and cd lie. Segments that are collinear touch only
// when they overlap.
func Meet(a, b, c, d Point) Lie {
	// Without this test collinear but disjoint segments would touch: all four
	// orientations are 0. It also keeps the spans below the exact limit.
	if segmentsApart(a, b, c, d) {
		return Apart
	}
	u, v := Orient(a, b, c)*Orient(a, b, d), Orient(c, d, a)*Orient(c, d, b)
	switch {
	case u > 0 || v > 0:
		return Apart
	case u < 0 && v < 0:
		return Crossing
	}
	return Touching
}

// Meets reports whether the closed segments ab and cd share a point.
func Meets(a, b, c, d Point) bool { return Meet(a, b, c, d) != Apart }

func segmentsApart(a, b, c, d Point) bool {
	return max(a.Lat, b.Lat) < min(c.Lat, d.Lat) || max(c.Lat, d.Lat) < min(a.Lat, b.Lat) ||
		max(a.Lon, b.Lon) < min(c.Lon, d.Lon) || max(c.Lon, d.Lon) < min(a.Lon, b.Lon)
}

// Ratio is a parameter N/D along a chord, exact. D is positive, both are below
// 2^32: the difference of two heights in millimetres.
type Ratio struct{ N, D int64 }

// Less reports whether r is smaller than q.
func (r Ratio) Less(q Ratio) bool {
	return uint64(r.N)*uint64(q.D) < uint64(q.N)*uint64(r.D)
}

// Chord is the part of the straight movement from A to B between the parameters
// T0 <= T1. Its ends need not lie on the lattice; decisions about it are exact
// all the same.
type Chord struct {
	A, B   Point
	T0, T1 Ratio
}

// WholeChord is the chord from a to b.
func WholeChord(a, b Point) Chord { return Chord{a, b, Ratio{0, 1}, Ratio{1, 1}} }

// lerpSign is the sign of the value that goes from u at parameter 0 to v at
// parameter 1, taken at t. The sum needs up to 97 bits.
func lerpSign(u, v int64, t Ratio) int {
	h0, l0 := mul128(uint64(t.D-t.N), u)
	h1, l1 := mul128(uint64(t.N), v)
	lo, carry := bits.Add64(l0, l1, 0)
	hi, _ := bits.Add64(h0, h1, carry)
	switch {
	case int64(hi) < 0:
		return -1
	case hi|lo == 0:
		return 0
	}
	return 1
}

// mul128 is a*b in two's complement.
func mul128(a uint64, b int64) (hi, lo uint64) {
	if b >= 0 {
		return bits.Mul64(a, uint64(b))
	}
	hi, lo = bits.Mul64(a, uint64(-b))
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return hi, lo
}

// meetsEdge reports whether the chord and the closed segment e share a point.
func (c *Chord) meetsEdge(e *Edge) bool {
	if c.coordApart(int64(c.A.Lat), int64(c.B.Lat), int64(e.A.Lat), int64(e.B.Lat)) ||
		c.coordApart(int64(c.A.Lon), int64(c.B.Lon), int64(e.A.Lon), int64(e.B.Lon)) {
		return false
	}
	a, b := cross(e.A, e.B, c.A), cross(e.A, e.B, c.B)
	return lerpSign(a, b, c.T0)*lerpSign(a, b, c.T1) <= 0 &&
		Orient(c.A, c.B, e.A)*Orient(c.A, c.B, e.B) <= 0
}

// coordApart reports whether one coordinate of the chord, a to b over the whole
// movement, keeps clear of the closed interval between p and q.
func (c *Chord) coordApart(a, b, p, q int64) bool {
	lo, hi := c.T0, c.T1
	if b < a {
		lo, hi = hi, lo
	}
	p, q = min(p, q), max(p, q)
	return lerpSign(a-p, b-p, hi) < 0 || lerpSign(a-q, b-q, lo) > 0
}

func sign(d int64) int {
	switch {
	case d > 0:
		return 1
	case d < 0:
		return -1
	}
	return 0
}

// Float is the ratio as a number.
func (r Ratio) Float() float64 { return float64(r.N) / float64(r.D) }

// Meeting is the first parameter at which the chord meets an edge that it meets,
// to the precision of float64.
func (c *Chord) Meeting(e *Edge) float64 {
	lo, hi := c.T0.Float(), c.T1.Float()
	a, b := float64(cross(e.A, e.B, c.A)), float64(cross(e.A, e.B, c.B))
	if a != b {
		return math.Min(math.Max(a/(a-b), lo), hi)
	}
	// Along the edge: where its nearer end lies.
	at := func(p Point) float64 {
		if c.A.Lat != c.B.Lat {
			return float64(int64(p.Lat)-int64(c.A.Lat)) / float64(int64(c.B.Lat)-int64(c.A.Lat))
		}
		if c.A.Lon != c.B.Lon {
			return float64(int64(p.Lon)-int64(c.A.Lon)) / float64(int64(c.B.Lon)-int64(c.A.Lon))
		}
		return lo
	}
	return math.Min(math.Max(math.Min(at(e.A), at(e.B)), lo), hi)
}

package geo

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func bigCross(a, b, c Point) *big.Int {
	sub := func(x, y int32) *big.Int { return big.NewInt(int64(x) - int64(y)) }
	l := new(big.Int).Mul(sub(b.Lon, a.Lon), sub(c.Lat, a.Lat))
	return l.Sub(l, new(big.Int).Mul(sub(b.Lat, a.Lat), sub(c.Lon, a.Lon)))
}

// bigMeets decides by rational numbers whether two closed segments share a point.
func bigMeets(a, b, c, d Point) bool {
	onSegment := func(p, q, r Point) bool {
		box := BoxOf(p, q)
		return bigCross(p, q, r).Sign() == 0 && box.Contains(r)
	}
	if onSegment(a, b, c) || onSegment(a, b, d) || onSegment(c, d, a) || onSegment(c, d, b) {
		return true
	}
	return bigCross(a, b, c).Sign()*bigCross(a, b, d).Sign() < 0 && bigCross(c, d, a).Sign()*bigCross(c, d, b).Sign() < 0
}

// limitPoint makes points at and near the limits of the lattice.
func limitPoint(rng *rand.Rand) Point {
	lons := []int32{-MaxLon, MaxLon, -MaxLon / 2, MaxLon / 2, 0, 899_999_999, -1}
	lats := []int32{-MaxLat, MaxLat, 0, 1, -890_000_000, 890_000_000}
	return Point{lats[rng.IntN(len(lats))] + int32(rng.IntN(3)-1), lons[rng.IntN(len(lons))] + int32(rng.IntN(3)-1)}
}

func TestPredicatesAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	meets, compared := 0, 0
	for range 400_000 {
		a, b, c, d := limitPoint(rng), limitPoint(rng), limitPoint(rng), limitPoint(rng)
		if rng.IntN(2) == 0 { // collinear and touching cases on a small grid, far out
			small := func() Point { return Point{MaxLat - int32(rng.IntN(4)), MaxLon - int32(rng.IntN(4))} }
			a, b, c, d = small(), small(), small(), small()
		}
		span := func(p, q Point) int64 { return int64(q.Lon) - int64(p.Lon) }
		wide := func(p, q Point) bool { s := span(p, q); return s > 890_000_000 || s < -890_000_000 }
		if wide(a, b) || wide(c, d) {
			continue // beyond what Compile and Step let through
		}
		compared++
		got, want := Meets(a, b, c, d), bigMeets(a, b, c, d)
		if got != want {
			t.Fatalf("Meets(%v %v, %v %v) = %v, want %v", a, b, c, d, got, want)
		}
		if want {
			meets++
		}
		if wide(a, c) {
			continue
		}
		if got, want := Orient(a, b, c), bigCross(a, b, c).Sign(); got != want {
			t.Fatalf("Orient(%v, %v, %v) = %d, want %d", a, b, c, got, want)
		}
	}
	if meets < 10_000 || compared-meets < 10_000 {
		t.Errorf("%d of %d pairs meet: the cases test too little", meets, compared)
	}
}

func TestMeetsCollinear(t *testing.T) {
	p := func(lat, lon int32) Point { return Point{lat, lon} }
	for _, tc := range []struct {
		name       string
		a, b, c, d Point
		want       bool
	}{
		{"collinear apart", p(0, 0), p(0, 10), p(0, 11), p(0, 20), false},
		{"collinear end to end", p(0, 0), p(0, 10), p(0, 10), p(0, 20), true},
		{"collinear overlap", p(0, 0), p(0, 10), p(0, 5), p(0, 20), true},
		{"slanting collinear apart", p(0, 0), p(10, 10), p(11, 11), p(20, 20), false},
		{"parallel", p(0, 0), p(0, 10), p(1, 0), p(1, 10), false},
		{"T", p(0, 0), p(0, 10), p(0, 5), p(9, 5), true},
		{"one unit short", p(0, 0), p(0, 10), p(1, 5), p(9, 5), false},
		{"point on segment", p(0, 5), p(0, 5), p(0, 0), p(0, 10), true},
		{"point beside segment", p(1, 5), p(1, 5), p(0, 0), p(0, 10), false},
	} {
		if got := Meets(tc.a, tc.b, tc.c, tc.d); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
		if got := Meets(tc.d, tc.c, tc.b, tc.a); got != tc.want {
			t.Errorf("%s, turned around: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestLerpSignAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	values := []int64{0, 1, -1, 6_480_000_000_000_000_000, -6_480_000_000_000_000_000, 3, -7}
	for range 100_000 {
		d := 1 + rng.Int64N(1<<32-1)
		r := Ratio{rng.Int64N(d + 1), d}
		u, v := values[rng.IntN(len(values))], values[rng.IntN(len(values))]
		if rng.IntN(3) == 0 {
			u, v = r.N, r.N-r.D // sums to exactly 0
		}
		want := new(big.Int).Mul(big.NewInt(r.D-r.N), big.NewInt(u))
		want.Add(want, new(big.Int).Mul(big.NewInt(r.N), big.NewInt(v)))
		if got := lerpSign(u, v, r); got != want.Sign() {
			t.Fatalf("lerpSign(%d, %d, %v) = %d, want %d", u, v, r, got, want.Sign())
		}
	}
}

func TestRatioLess(t *testing.T) {
	big := int64(1<<32 - 1)
	for _, tc := range []struct {
		a, b Ratio
		want bool
	}{
		{Ratio{1, 3}, Ratio{1, 2}, true},
		{Ratio{1, 2}, Ratio{2, 4}, false},
		{Ratio{big - 1, big}, Ratio{1, 1}, true},
		{Ratio{big, big}, Ratio{big - 1, big}, false},
		{Ratio{0, big}, Ratio{1, big}, true},
	} {
		if got := tc.a.Less(tc.b); got != tc.want {
			t.Errorf("%v < %v: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

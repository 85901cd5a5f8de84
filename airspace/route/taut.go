package route

import (
	"math"
	"slices"
)

// taut pulls a way whose legs are clear until it is the shortest one that goes by the
// same sides: at each turn the way goes straight on, or around the corners that lie in
// the triangle of the turn.
func (w *World) taut(way []pt) []pt {
	for range 50 {
		shorter := false
		for i := 1; i+1 < len(way); {
			a, b, c := way[i-1], way[i], way[i+1]
			if chain, ok := w.pull(a, b, c); ok {
				way = slices.Replace(way, i, i+1, chain...)
				shorter = true
				i = max(1, i-1)
				continue
			}
			i++
		}
		if !shorter {
			break
		}
	}
	return way
}

// leastM is what a change has to be worth.
const leastM = 1e-3

// pull is a shorter way from a to c than by b, without its ends.
func (w *World) pull(a, b, c pt) (chain []pt, ok bool) {
	old := a.to(b) + b.to(c)
	if old-a.to(c) < leastM {
		return nil, w.clear(a, c)
	}
	if w.clear(a, c) {
		return nil, true
	}
	side := math.Copysign(1, turn(a, c, b)) // where b is of the line ac
	var in []pt
	lo, hi := boxOf(a, c)
	lo, hi = pt{min(lo.x, b.x), min(lo.y, b.y)}, pt{max(hi.x, b.x), max(hi.y, b.y)}
	w.cornersIn(lo, hi, func(n *corner) {
		if turn(a, c, n.at)*side >= 0 && turn(c, b, n.at)*side >= 0 && turn(b, a, n.at)*side >= 0 {
			in = append(in, n.at)
		}
	})
	// The hull of the ends and the corners, on the side of b.
	dir := c.sub(a)
	slices.SortFunc(in, func(p, q pt) int {
		switch d := dir.dot(p) - dir.dot(q); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	hull := []pt{a}
	for _, p := range append(in, c) {
		for len(hull) > 1 && turn(hull[len(hull)-2], hull[len(hull)-1], p)*side >= 0 {
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, p)
	}
	length := 0.0
	for i := 1; i < len(hull); i++ {
		length += hull[i-1].to(hull[i])
	}
	if length > old-leastM {
		return nil, false
	}
	for i := 1; i < len(hull); i++ {
		if !w.clear(hull[i-1], hull[i]) {
			return nil, false
		}
	}
	return hull[1 : len(hull)-1], true
}

func (w *World) cornersIn(lo, hi pt, f func(*corner)) {
	c0, r0 := w.corners.cell(lo)
	c1, r1 := w.corners.cell(hi)
	for r := r0; r <= r1; r++ {
		for c := c0; c <= c1; c++ {
			cell := w.corners.at(c, r)
			for i := range cell {
				if n := &cell[i]; n.at.x >= lo.x && n.at.y >= lo.y && n.at.x <= hi.x && n.at.y <= hi.y {
					f(n)
				}
			}
		}
	}
}

func length(way []pt) (sum float64) {
	for i := 1; i < len(way); i++ {
		sum += way[i-1].to(way[i])
	}
	return sum
}

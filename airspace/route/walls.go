package route

import "math"

// wall is an edge of what a way keeps clear of.
type wall struct {
	a, b pt
	keep float64 // metres
}

// near reports whether the segment cd comes too close to the wall.
func (w *wall) near(c, d pt) bool {
	r := w.keep
	// Both ends on one side of the line through the other, and far from it.
	dir := d.sub(c)
	long := dir.length()
	sa, sb := dir.cross(w.a.sub(c)), dir.cross(w.b.sub(c))
	if far := r * long; sa >= far && sb >= far || sa <= -far && sb <= -far {
		return long == 0 && w.distance(c) < r
	}
	wd := w.b.sub(w.a)
	sc, sd := wd.cross(c.sub(w.a)), wd.cross(d.sub(w.a))
	if (sa > 0) != (sb > 0) && (sc > 0) != (sd > 0) {
		return true
	}
	if w.distance(c) < r || w.distance(d) < r {
		return true
	}
	s := wall{a: c, b: d}
	return s.distance(w.a) < r || s.distance(w.b) < r
}

func (w *wall) distance(p pt) float64 {
	d := w.b.sub(w.a)
	l := d.dot(d)
	if l == 0 {
		return w.a.to(p)
	}
	t := min(1, max(0, p.sub(w.a).dot(d)/l))
	return w.a.add(d.times(t)).to(p)
}

// grid holds things by the square cells that they come near to.
type grid[T any] struct {
	min        pt
	size       float64
	cols, rows int
	begins     []int32 // of each cell in items, and the end of the last
	items      []T
}

// newGrid sorts things into cells; each tells the box that it lies in and, of a cell
// within that box, whether it comes near.
func newGrid[T any](lo, hi pt, size float64, things []T, box func(*T) (lo, hi pt), in func(*T, pt, pt) bool) *grid[T] {
	g := &grid[T]{min: lo, size: size, cols: int((hi.x-lo.x)/size) + 1, rows: int((hi.y-lo.y)/size) + 1}
	g.begins = make([]int32, g.cols*g.rows+1)
	each := func(f func(cell int, t *T)) {
		for i := range things {
			t := &things[i]
			lo, hi := box(t)
			c0, r0 := g.cell(lo)
			c1, r1 := g.cell(hi)
			for r := r0; r <= r1; r++ {
				for c := c0; c <= c1; c++ {
					at := pt{g.min.x + float64(c)*size, g.min.y + float64(r)*size}
					if c0 == c1 || r0 == r1 || in == nil || in(t, at, pt{at.x + size, at.y + size}) {
						f(r*g.cols+c, t)
					}
				}
			}
		}
	}
	each(func(cell int, _ *T) { g.begins[cell+1]++ })
	for i := 1; i < len(g.begins); i++ {
		g.begins[i] += g.begins[i-1]
	}
	g.items = make([]T, g.begins[len(g.begins)-1])
	next := append([]int32(nil), g.begins...)
	each(func(cell int, t *T) {
		g.items[next[cell]] = *t
		next[cell]++
	})
	return g
}

// cell is the nearest one to a place.
func (g *grid[T]) cell(p pt) (col, row int) {
	col = int(math.Floor((p.x - g.min.x) / g.size))
	row = int(math.Floor((p.y - g.min.y) / g.size))
	return min(g.cols-1, max(0, col)), min(g.rows-1, max(0, row))
}

func (g *grid[T]) at(col, row int) []T {
	i := row*g.cols + col
	return g.items[g.begins[i]:g.begins[i+1]]
}

// along visits the cells from a to b until f says no.
func (g *grid[T]) along(a, b pt, f func(items []T) bool) bool {
	col, row := g.cell(a)
	endCol, endRow := g.cell(b)
	d := b.sub(a)
	stepX, nextX, eachX := walkAxis(a.x, d.x, g.min.x, g.size, col)
	stepY, nextY, eachY := walkAxis(a.y, d.y, g.min.y, g.size, row)
	for n := abs(endCol-col) + abs(endRow-row); ; n-- {
		if !f(g.at(col, row)) {
			return false
		}
		if n <= 0 {
			return true
		}
		if nextX < nextY && col != endCol || row == endRow {
			col += stepX
			nextX += eachX
		} else {
			row += stepY
			nextY += eachY
		}
	}
}

// walkAxis is the direction of a walk along one axis, and in parts of the way where it
// leaves the first cell and how long each cell is.
func walkAxis(from, d, lo, size float64, cell int) (step int, next, each float64) {
	switch {
	case d > 0:
		return 1, (lo + float64(cell+1)*size - from) / d, size / d
	case d < 0:
		return -1, (lo + float64(cell)*size - from) / d, -size / d
	}
	return 0, math.Inf(1), math.Inf(1)
}

func abs(n int) int { return max(n, -n) }

package route

import (
	"math"
	"sync/atomic"
)

// Many corners hide each other: then less far is looked from each, but at so many.
const (
	looks  = 40_000_000 // in all
	enough = 600
)

// graph is which corners are seen from each corner.
type graph struct {
	reach float64
	seen  []atomic.Pointer[[]link]
}

type link struct {
	to     int32
	length float32
}

func newGraph(w *World) graph {
	n := len(w.corners.items)
	area := (w.hi.x - w.lo.x) * (w.hi.y - w.lo.y)
	each := float64(max(enough, looks/max(n, 1)))
	return graph{math.Sqrt(each * area / (math.Pi * float64(max(n, 1)))), make([]atomic.Pointer[[]link], n)}
}

// Warm finds everything that searches would find on their way.
func (w *World) Warm() {
	for k := range w.graph.seen {
		w.seenFrom(int32(k))
	}
}

func (w *World) seenFrom(k int32) []link {
	if known := w.graph.seen[k].Load(); known != nil {
		return *known
	}
	links := w.look(&w.corners.items[k])
	w.graph.seen[k].Store(&links)
	return links
}

// look finds the corners within reach that a way along the boundary of c may go on to.
func (w *World) look(c *corner) (links []link) {
	r := w.graph.reach
	c0, r0 := w.corners.cell(c.at.sub(pt{r, r}))
	c1, r1 := w.corners.cell(c.at.add(pt{r, r}))
	for row := r0; row <= r1; row++ {
		first, last := w.corners.begins[row*w.corners.cols+c0], w.corners.begins[row*w.corners.cols+c1+1]
		for k := first; k < last; k++ {
			to := &w.corners.items[k]
			d := to.at.sub(c.at)
			if l := d.dot(d); l < r*r && l > 0 && c.touches(d) && to.touches(d) && w.clear(c.at, to.at) {
				links = append(links, link{k, float32(math.Sqrt(l))})
			}
		}
	}
	return links
}

// over finds the shortest way over corners that see each other within reach and is
// shorter than bound. weight beyond 1 looks at less, for a way that may be as much longer.
func (w *World) over(a, b pt, bound, weight float64) []pt {
	n := len(w.corners.items)
	begin, end := int32(n), int32(n+1)
	at := func(k int32) pt {
		switch k {
		case begin:
			return a
		case end:
			return b
		}
		return w.corners.items[k].at
	}
	s := searches.Get().(*search)
	defer searches.Put(s)
	s.begin(n + 2)
	s.offer(begin, begin, 0, 0)
	for len(s.queue) > 0 {
		k := s.queue.pop()
		if s.isDone(k) {
			continue
		}
		s.seen[k] = s.done
		if k == end {
			return s.wayTo(end, at)
		}
		p := at(k)
		offer := func(to int32, l float32) {
			left := float32(at(to).to(b))
			if cost := s.cost[k] + l; float64(cost+left) < bound {
				s.offer(to, k, cost, float32(weight)*left)
			}
		}
		if p.to(b) < w.graph.reach && w.clear(p, b) {
			offer(end, float32(p.to(b)))
		}
		links := []link(nil)
		if k == begin {
			links = w.look(&corner{at: a})
		} else {
			links = w.seenFrom(k)
		}
		for _, l := range links {
			offer(l.to, l.length)
		}
	}
	return nil
}

package route

// exact finds the shortest way from a to b that is shorter than bound: over corners
// within the ellipse that bound draws around both, along lines that touch the
// boundary at both ends. Nil if there is none, or if more corners than most are there.
func (w *World) exact(a, b pt, bound float64, most int) []pt {
	if a.to(b) >= bound {
		return nil
	} else if w.clear(a, b) {
		return []pt{a, b}
	}
	nodes := []corner{{at: a}, {at: b}}
	mid, half := a.add(b).times(0.5), pt{bound / 2, bound / 2}
	w.cornersIn(mid.sub(half), mid.add(half), func(c *corner) {
		if a.to(c.at)+c.at.to(b) < bound {
			nodes = append(nodes, *c)
		}
	})
	if len(nodes) > most+2 {
		return nil
	}
	s := searches.Get().(*search)
	defer searches.Put(s)
	s.begin(len(nodes))
	s.offer(0, 0, 0, 0)
	for len(s.queue) > 0 {
		k := s.queue.pop()
		if s.isDone(k) {
			continue
		}
		s.seen[k] = s.done
		if k == 1 {
			return s.wayTo(1, func(n int32) pt { return nodes[n].at })
		}
		from := &nodes[k]
		for n := range nodes {
			to := &nodes[n]
			if s.isDone(int32(n)) {
				continue
			}
			d := to.at.sub(from.at)
			cost, left := s.cost[k]+float32(d.length()), float32(to.at.to(b))
			if float64(cost+left) < bound && (s.seen[n] != s.open || cost < s.cost[n]) && from.touches(d) && to.touches(d) && w.clear(from.at, to.at) {
				s.offer(int32(n), k, cost, left)
			}
		}
	}
	return nil
}

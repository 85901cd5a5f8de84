package route

import (
	"slices"
	"sync"
)

// search is what one search writes; it is used again by the next.
type search struct {
	cost       []float32
	parent     []int32
	seen       []uint32 // open, done, or of a former search
	open, done uint32
	queue      queue
}

var searches = sync.Pool{New: func() any { return &search{} }}

func (s *search) begin(n int) {
	if len(s.seen) < n {
		*s = search{cost: make([]float32, n), parent: make([]int32, n), seen: make([]uint32, n), queue: s.queue}
	}
	if s.open += 2; s.open > 1<<31 {
		clear(s.seen)
		s.open = 2
	}
	s.done = s.open + 1
	s.queue = s.queue[:0]
}

func (s *search) isDone(k int32) bool { return s.seen[k] == s.done }

// offer tells of a way to k over from; left is what is thought to remain.
func (s *search) offer(k, from int32, cost, left float32) {
	if s.seen[k] == s.done || s.seen[k] == s.open && cost >= s.cost[k] {
		return
	}
	s.cost[k], s.parent[k], s.seen[k] = cost, from, s.open
	s.queue.push(cost+left, k)
}

func (s *search) wayTo(k int32, at func(int32) pt) (way []pt) {
	for {
		way = append(way, at(k))
		if s.parent[k] == k {
			slices.Reverse(way)
			return way
		}
		k = s.parent[k]
	}
}

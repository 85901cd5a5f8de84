package route

// queue is a heap of numbers by key.
type queue []queued

type queued struct {
	key  float32
	item int32
}

func (q *queue) push(key float32, item int32) {
	h := append(*q, queued{key, item})
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if h[up].key <= key {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = queued{key, item}
	*q = h
}

func (q *queue) pop() int32 {
	h := *q
	top := h[0].item
	last := h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		best := -1
		for c := 4*i + 1; c <= 4*i+4 && c < len(h); c++ {
			if h[c].key < last.key && (best < 0 || h[c].key < h[best].key) {
				best = c
			}
		}
		if best < 0 {
			h[i] = last
			break
		}
		h[i] = h[best]
		i = best
	}
	*q = h
	return top
}

package gateway

import "sync"

const (
	telemetryRoom = 512 // datagrams; about 1 MiB when all are as long as they can be
	answersRoom   = 128
)

// queue holds datagrams until the connection takes them: the newest telemetry,
// and apart from it the answers of the MAVLink protocol, which telemetry cannot
// push out. Safe for concurrent use.
type queue struct {
	wake chan struct{} // has one element after a put

	mu        sync.Mutex // guards the fields below
	seq       uint64
	telemetry ring
	answers   ring
	lost      struct{ overflow, answers, stale uint64 }
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), telemetry: newRing(telemetryRoom), answers: newRing(answersRoom)}
}

// put keeps a copy of a datagram that was received at a time of the gateway's
// clock.
func (q *queue) put(datagram []byte, at uint64, answer bool) {
	q.mu.Lock()
	q.seq++
	r := &q.telemetry
	if answer {
		r = &q.answers
	}
	switch {
	case r.n < len(r.items):
	case answer:
		q.lost.answers++ // an answer to something that nobody waits for any more
		r.drop()
	default:
		q.lost.overflow++
		r.drop()
	}
	r.add(q.seq, at, datagram)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next appends the oldest datagram that is still fresh to b, as a message. ok is
// false when there is none.
func (q *queue) next(b []byte, now uint64) (_ []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		r := &q.telemetry
		if r.n == 0 || q.answers.n > 0 && q.answers.first().seq < r.first().seq {
			r = &q.answers
		}
		if r.n == 0 {
			return b, false
		}
		it := r.first()
		r.drop()
		if it.at+uint64(staleAfter.Microseconds()) < now {
			q.lost.stale++
			continue
		}
		return uplink{it.seq, it.at, it.datagram}.append(b), true
	}
}

func (q *queue) losses() (overflow, answers, stale uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost.overflow, q.lost.answers, q.lost.stale
}

// ring is a queue in an array whose buffers are used again.
type ring struct {
	items    []item
	begin, n int
}

type item struct {
	seq, at  uint64
	datagram []byte
}

func newRing(room int) ring { return ring{items: make([]item, room)} }

func (r *ring) first() *item { return &r.items[r.begin] }

func (r *ring) drop() {
	r.begin = (r.begin + 1) % len(r.items)
	r.n--
}

func (r *ring) add(seq, at uint64, datagram []byte) {
	it := &r.items[(r.begin+r.n)%len(r.items)]
	it.seq, it.at = seq, at
	it.datagram = append(it.datagram[:0], datagram...)
	r.n++
}

package mavlink

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Stamp is a MAVLink signing timestamp: 48 bits, 10 µs since 2015-01-01 UTC.
type Stamp uint64

const (
	stampEpochUS = 1_420_070_400_000_000 // 2015-01-01T00:00:00Z in µs since the Unix epoch
	// futureStamps is how far a stamp may run ahead of the server's clock: one hour.
	futureStamps = Stamp(3600 * 100_000)
)

// StampOf is the stamp of a time; 0 before 2015.
func StampOf(t time.Time) Stamp {
	us := t.UnixMicro() - stampEpochUS
	return Stamp(max(us, 0) / 10)
}

// Time is when a stamp was made, by the clock of who made it.
func (s Stamp) Time() time.Time { return time.UnixMicro(int64(s)*10 + stampEpochUS).UTC() }

// verdict is what Stamps says of a stamp.
type verdict uint8

const (
	fresh verdict = iota
	replayed
	future
)

// Stamps is the replay state of one key: which stamps were seen under it. A
// stamp must be higher than the last of its component and link, and that of a
// component or link that was never seen higher than every one of the key: the
// vehicle may have signed for somebody else on another link, and what was
// recorded there must not be played to us. Safe for concurrent use; a stream
// that is known costs no lock and no allocation.
type Stamps struct {
	floor   atomic.Uint64 // every stamp of a stream that is not known must be above it
	sent    atomic.Uint64 // highest that we signed with under the key
	streams atomic.Pointer[[]*stream]
	soon    chan<- struct{} // told when the key is used first; nil: nobody keeps the state

	mu sync.Mutex // held to add a stream
}

// stream is the state of one component and link.
type stream struct {
	id   uint16 // component << 8 | link
	last atomic.Uint64
	gone atomic.Bool // another stream has its place
}

// maxStreams bounds what a holder of the key can make us keep. A further stream
// takes the place of the one with the oldest stamp: there are senders that make up
// a link id at every start.
const maxStreams = 64

func streamID(component, link uint8) uint16 { return uint16(component)<<8 | uint16(link) }

// find is the stream of a component and link, nil if it was never seen.
func (s *Stamps) find(id uint16) *stream {
	if list := s.streams.Load(); list != nil {
		for _, st := range *list {
			if st.id == id {
				return st
			}
		}
	}
	return nil
}

// accept takes the stamp of a frame whose signature is right. now is the later
// of the server's clock and the highest stamp that any key ever saw (SAFETY 10:
// a server whose clock is behind must not take honest vehicles for wrong).
func (s *Stamps) accept(component, link uint8, ts, now Stamp) verdict {
	if ts > now+futureStamps {
		return future
	}
	id := streamID(component, link)
	for st := s.find(id); ; {
		if st == nil {
			var made bool
			if st, made = s.add(id, ts); made {
				return fresh
			}
			if st == nil {
				return replayed
			}
		}
		last := st.last.Load()
		if uint64(ts) <= last {
			return replayed
		}
		if !st.last.CompareAndSwap(last, uint64(ts)) {
			continue
		}
		if !st.gone.Load() {
			return fresh
		}
		st = nil // nobody looks there any more: it counts as a stream that was never seen
	}
}

// add makes a stream that begins with ts, unless it is there already; nil when ts
// is not newer than all that was seen.
func (s *Stamps) add(id uint16, ts Stamp) (st *stream, made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.find(id); st != nil {
		return st, false
	}
	highest := s.Highest()
	if ts <= highest {
		return nil, false
	}
	var list []*stream
	if have := s.streams.Load(); have != nil {
		list = append(list, *have...)
	}
	if len(list) == maxStreams {
		list = s.evict(list)
	}
	st = &stream{id: id}
	st.last.Store(uint64(ts))
	list = append(list, st)
	s.streams.Store(&list)
	if highest == 0 {
		select {
		case s.soon <- struct{}{}:
		default:
		}
	}
	return st, true
}

// evict takes the stream with the oldest stamp out of list. It may be taken from
// at the same time: what it holds behind gone stays below the floor. Called with
// s.mu held.
func (s *Stamps) evict(list []*stream) []*stream {
	old := slices.MinFunc(list, func(a, b *stream) int { return cmp.Compare(a.last.Load(), b.last.Load()) })
	old.gone.Store(true)
	s.floor.Store(max(s.floor.Load(), old.last.Load()))
	return slices.DeleteFunc(list, func(st *stream) bool { return st == old })
}

// Highest is the newest stamp that was accepted under the key; 0: none yet.
func (s *Stamps) Highest() Stamp {
	high := s.floor.Load()
	if list := s.streams.Load(); list != nil {
		for _, st := range *list {
			high = max(high, st.last.Load())
		}
	}
	return Stamp(high)
}

// Next is the stamp for the next frame that we sign under the key: after all
// that we sent and all that the vehicle sent, so that it never takes a burst of
// ours for a replay.
func (s *Stamps) Next(now time.Time) Stamp {
	for {
		last := s.sent.Load()
		next := max(uint64(StampOf(now)), last+1, uint64(s.Highest())+1)
		if s.sent.CompareAndSwap(last, next) {
			return Stamp(next)
		}
	}
}

package mavlink

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"testzone/vehicles"
)

const (
	beatSlots    = 10 // the vehicles are spread over a second
	beatInterval = time.Second / beatSlots
)

// Run sends a heartbeat a second to every vehicle that is open and bound, until
// ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(beatInterval)
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for slot := vehicles.Handle(0); ; slot = (slot + 1) % beatSlots {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for l, list := range s.due(slot) {
			// A link that is stuck keeps only its own vehicles waiting.
			if !l.beating.CompareAndSwap(false, true) {
				s.lateBeats.Add(uint64(len(list)))
				continue
			}
			wg.Go(func() {
				defer l.beating.Store(false)
				for _, h := range list {
					if s.Send(h, s.beat) == nil {
						s.beats.Add(1)
					}
				}
			})
		}
	}
}

// due are the bound vehicles of one tenth of a second by the link that they are reached over.
func (s *Sender) due(slot vehicles.Handle) map[*senderLink][]vehicles.Handle {
	var list []vehicles.Handle
	s.mu.RLock()
	for h := range s.boxes {
		if h%beatSlots == slot {
			list = append(list, h)
		}
	}
	s.mu.RUnlock()
	by := map[*senderLink][]vehicles.Handle{}
	for _, h := range list {
		if l, _, err := s.route(h); err == nil {
			by[l] = append(by[l], h)
		}
	}
	return by
}

// sendErrors are counted by their label.
var sendErrors = [...]struct {
	err   error
	label string
}{
	{ErrNoRoute, "no_route"}, {ErrBusy, "busy"}, {ErrSendRate, "rate"},
	{ErrForbidden, "forbidden"}, {ErrTarget, "target"}, {ErrEncode, "encode"},
}

func (s *Sender) count(err error) {
	for i := range sendErrors {
		if errors.Is(err, sendErrors[i].err) {
			s.refused[i].Add(1)
			return
		}
	}
	s.failed.Add(1)
}

// Counters yields what was sent and what was not, under the names that metrics use.
func (s *Sender) Counters() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, c := range []struct {
			name string
			v    *atomic.Uint64
		}{
			{"sent", &s.sent}, {"sent_bytes", &s.bytes}, {"heartbeats", &s.beats},
			{"heartbeats_late", &s.lateBeats}, {"link_failed", &s.failed},
		} {
			if !yield(c.name, c.v.Load()) {
				return
			}
		}
		for i := range sendErrors {
			if !yield(sendErrors[i].label, s.refused[i].Load()) {
				return
			}
		}
	}
}

package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	// ErrSlow is returned when a subscriber fell behind by more than its limit, or by five seconds, and was closed.
	ErrSlow = errors.New("subscriber cannot keep up")
	// ErrClosed is returned when the subscription was closed.
	ErrClosed = errors.New("subscription is closed")
)

// How far back the bus remembers, for sessions that reconnect.
const (
	ringUS     = 5 * 60 * 1_000_000
	ringEvents = 32_768
)

// Bus gives every subscriber the same events in the same order. Safe for
// concurrent use.
type Bus struct {
	clock func() time.Time

	mu   sync.Mutex // guards the fields below
	seq  uint64
	ring []Event // the last five minutes, oldest first
	subs map[*Subscription]struct{}
}

// NewBus makes a bus; clock nil is time.Now. It measures how long events wait.
func NewBus(clock func() time.Time) *Bus {
	if clock == nil {
		clock = time.Now
	}
	return &Bus{clock: clock, subs: map[*Subscription]struct{}{}}
}

// Publish hands an event to every subscriber and returns its sequence. It never
// waits for a subscriber.
func (b *Bus) Publish(timeUS int64, body Body) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	e := Event{Seq: b.seq, TimeUS: timeUS, Body: body}
	b.remember(e)
	now := b.clock()
	for s := range b.subs {
		if !s.push(e, now) {
			delete(b.subs, s)
		}
	}
	return b.seq
}

// PublishQuiet hands an event to the reserved subscribers alone. It has no
// sequence of its own and is not remembered.
func (b *Bus) PublishQuiet(timeUS int64, body Body) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	for s := range b.subs {
		if s.reserved {
			s.push(Event{Seq: b.seq, TimeUS: timeUS, Body: body}, now)
		}
	}
}

func (b *Bus) remember(e Event) {
	old := 0
	for old < len(b.ring) && (b.ring[old].TimeUS < e.TimeUS-ringUS || len(b.ring)-old >= ringEvents) {
		b.ring[old] = Event{} // let go of what it points to
		old++
	}
	b.ring = append(b.ring[old:], e)
}

// Head is the sequence of the newest event.
func (b *Bus) Head() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq
}

// stalledAfter is how long an event or a fact may wait before the system says
// DEGRADED.
const stalledAfter = 2 * time.Second

// slowAfter is how long an event may wait for a session. A burst, such as a new
// fence over a thousand vehicles, is no slowness.
const slowAfter = 5 * time.Second

// Stalled names the reserved subscribers that are behind: by more than their
// limit of events, or by more than two seconds.
func (b *Bus) Stalled() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for s := range b.subs {
		if s.reserved && s.stalled(b.clock()) {
			out = append(out, s.name)
		}
	}
	return out
}

// SubscribeConfig says what a subscriber is promised.
type SubscribeConfig struct {
	Name     string
	Reserved bool // never closed and never drops; beyond Limit it counts as stalled
	Limit    int  // events that may wait; 0 means 40,000
	// Resume asks for what came after sequence After, from the ring.
	Resume bool
	After  uint64
}

// Subscribe joins the bus. With Resume it reports whether the ring still held
// everything after After; if not, the subscription starts with the next event
// and the caller must load the state afresh.
func (b *Bus) Subscribe(cfg SubscribeConfig) (s *Subscription, resumed bool) {
	s = &Subscription{bus: b, name: cfg.Name, reserved: cfg.Reserved, limit: cfg.Limit, ready: make(chan struct{}, 1)}
	if s.limit == 0 {
		s.limit = 40_000
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if cfg.Resume && cfg.After <= b.seq && b.reaches(cfg.After) {
		resumed = true
		for _, e := range b.ring {
			if e.Seq > cfg.After {
				s.push(e, b.clock())
			}
		}
	}
	s.from = b.seq
	b.subs[s] = struct{}{}
	return s, resumed
}

func (b *Bus) reaches(after uint64) bool {
	return after == b.seq || len(b.ring) > 0 && b.ring[0].Seq <= after+1
}

// Subscription is one subscriber's queue. Next and Ready belong to one goroutine.
type Subscription struct {
	bus      *Bus
	name     string
	reserved bool
	limit    int
	from     uint64
	ready    chan struct{}

	mu    sync.Mutex // guards the fields below
	queue []Event
	since time.Time // when the oldest event of queue came
	err   error
}

// Head is the sequence of the bus when the subscription began: what state was
// loaded after that is at least as new.
func (s *Subscription) Head() uint64 { return s.from }

func (s *Subscription) push(e Event, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return false
	}
	if !s.reserved && (len(s.queue) >= s.limit || len(s.queue) > 0 && now.Sub(s.since) > slowAfter) {
		s.err = ErrSlow
		s.queue = nil
	} else {
		if len(s.queue) == 0 {
			s.since = now
		}
		s.queue = append(s.queue, e)
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
	return s.err == nil
}

func (s *Subscription) stalled(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > s.limit || len(s.queue) > 0 && now.Sub(s.since) > stalledAfter
}

// Ready receives when Take may have something.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Take returns all events that wait, without waiting itself. The error is
// ErrSlow or ErrClosed when the subscription has ended.
func (s *Subscription) Take() ([]Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.queue
	s.queue = nil
	return out, s.err
}

// Next waits for events.
func (s *Subscription) Next(ctx context.Context) ([]Event, error) {
	for {
		out, err := s.Take()
		if len(out) > 0 || err != nil {
			return out, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	delete(s.bus.subs, s)
	s.bus.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = ErrClosed
	}
	s.queue = nil
}

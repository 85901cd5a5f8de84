package mavlink

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"testzone/vehicles"
)

// Feed decodes for one listener what other transports than its own UDP socket
// bring: byte streams, and datagrams that a gateway passed on. Keys, limits and
// Stats are those of a Listener. It is safe for concurrent use; calls of the
// Sink come one at a time, and one that blocks stops all links of the feed.
type Feed struct {
	clock  func() time.Time
	routes *routes

	mu  sync.Mutex // guards the field below
	dec *decoder
}

// NewFeed makes a feed. Of the configuration Addr, ReceiveBuffer and Pause are
// not used. Somebody must call Tick.
func NewFeed(cfg Config, sink Sink) (*Feed, error) {
	if sink == nil {
		return nil, fmt.Errorf("%w: no sink", ErrConfig)
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 5 * time.Minute
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cat, err := newCatalog()
	if err != nil {
		return nil, err
	}
	to := &routes{}
	return &Feed{clock: cfg.Clock, routes: to, dec: newDecoder(cfg, cat, sink, to, cfg.Clock())}, nil
}

// Datagram decodes every frame of b, which was received now.
func (f *Feed) Datagram(from netip.AddrPort, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dec.tick(f.clock())
	f.dec.datagram(from, b)
	f.dec.flush()
}

// stream decodes the next bytes of a stream behind what the call before left,
// and returns what may be the start of a frame and how many frames passed every
// check.
func (f *Feed) stream(from netip.AddrPort, b []byte) (rest []byte, good uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.dec.stats.Decoded
	f.dec.tick(f.clock())
	rest = f.dec.stream(from, b)
	f.dec.flush()
	return rest, f.dec.stats.Decoded - before
}

// Tick drops idle sessions and sees changes of the keyring; call it every 100 ms.
func (f *Feed) Tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dec.tick(f.clock())
}

// Route is how to reach a vehicle that proved who it is.
func (f *Feed) Route(h vehicles.Handle) (Route, bool) { return f.routes.get(h) }

// Stats returns the counters of now.
func (f *Feed) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dec.stats
}

// tickUntil ticks until ctx ends, and says once a second what was refused.
func (f *Feed) tickUntil(ctx context.Context, log *slog.Logger, name string) {
	t := time.NewTicker(wake)
	defer t.Stop()
	var last Stats
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		f.Tick()
		if n%int(time.Second/wake) != 0 {
			continue
		}
		st := f.Stats()
		if refused, noise := st.RefusedTotal()-last.RefusedTotal(), st.Garbage-last.Garbage; refused+noise > 0 {
			log.Debug("mavlink input refused", "listener", name, "refused", refused, "noise", noise)
		}
		last = st
	}
}

// Backoff is how long to wait before one connects again: from Min to Max, twice
// as long each time. It belongs to one goroutine.
type Backoff struct {
	Min, Max time.Duration
	last     time.Duration
}

// Next is the wait that is due.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, b.Min), b.Max)
	return b.last
}

// Reset starts again from Min.
func (b *Backoff) Reset() { b.last = 0 }

// Wait waits for the time that is due; it returns early when ctx ends.
func (b *Backoff) Wait(ctx context.Context) {
	t := time.NewTimer(b.Next())
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

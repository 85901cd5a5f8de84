package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"testzone/geofence"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// ErrConfig is returned when a pipeline lacks a part it cannot work without.
var ErrConfig = errors.New("telemetry is not configured")

// Config of a Pipeline. Registry, Engine and Bus are needed.
type Config struct {
	Registry *vehicles.Registry
	Engine   *geofence.Engine
	Bus      *Bus
	Grid     live.Grid
	Link     vehicles.LinkLimits // default 2 s degraded, 5 s lost
	Shards   int                 // goroutines that own vehicles; default one per CPU
	Inbox    int                 // reports that may wait per shard; default 65,536 (about 9 MiB each)
	Clock    func() time.Time    // default time.Now
	// LookAheadS is how many seconds a predicted breach may lie ahead; default
	// 0: no predictions. Each look costs about six steps per moving vehicle and
	// second.
	LookAheadS float64
	// Looked is called by every shard once a second with what it found of each of its
	// vehicles, and the steady time in microseconds. It must not block; the looks are
	// valid during the call.
	Looked func(steadyUS int64, looks []EnforcementLook)
	// Observe is called by the owning shard after each report was taken in. For
	// measurements; it must not block or allocate.
	Observe func(*vehicles.Report)
}

// Pipeline is the hot path from a listener's batches to tracks, transitions
// and the live table. Its methods are safe for concurrent use.
type Pipeline struct {
	cfg     Config
	shards  []*shard
	table   *table
	fanout  *Fanout
	steady  func() int64  // see steadyClock
	orphans atomic.Uint64 // reports of handles that are not followed
	quiet   atomic.Uint64 // transitions that live sessions were spared

	mu   sync.Mutex // guards loud
	loud loudness   // of all unverified vehicles
}

// New makes a pipeline; nothing moves before Run.
func New(cfg Config) (*Pipeline, error) {
	if cfg.Registry == nil || cfg.Engine == nil || cfg.Bus == nil {
		return nil, fmt.Errorf("%w: registry, engine and bus are needed", ErrConfig)
	}
	if cfg.Link == (vehicles.LinkLimits{}) {
		cfg.Link = vehicles.LinkLimits{DegradedUS: 2_000_000, LostUS: 5_000_000}
	}
	if cfg.Shards <= 0 {
		cfg.Shards = runtime.GOMAXPROCS(0)
	}
	if cfg.Inbox <= 0 {
		cfg.Inbox = 65_536
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	p := &Pipeline{cfg: cfg, table: &table{}, steady: steadyClock(cfg.Clock)}
	for range cfg.Shards {
		p.shards = append(p.shards, &shard{p: p, in: newInbox(cfg.Inbox), fences: cfg.Engine.NewShard()})
	}
	p.fanout = newFanout(p.table, cfg.Grid, cfg.Registry.Epoch(), cfg.Clock)
	return p, nil
}

func (p *Pipeline) shardCount() uint32 { return uint32(len(p.shards)) }

// Fanout is the picture of the zone that live sessions share.
func (p *Pipeline) Fanout() *Fanout { return p.fanout }

// Run works until ctx ends, judges what was received until then, and returns
// after every goroutine has ended.
func (p *Pipeline) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(p.shards)+2)
	for i, s := range p.shards {
		wg.Go(func() { errs[i] = s.run(ctx) })
	}
	wg.Go(func() { errs[len(p.shards)] = p.fanout.Run(ctx) })
	wg.Go(func() { errs[len(p.shards)+1] = p.runSchedules(ctx) })
	wg.Wait()
	return errors.Join(errs...)
}

// Reports hands a batch to the shards. It copies what it keeps and never
// waits for a shard: one that is behind merges, see inbox.
func (p *Pipeline) Reports(batch []vehicles.Report) {
	n := p.shardCount()
	for i, s := range p.shards {
		s.in.put(batch, uint32(i), n)
	}
}

// Forget ends the following of a vehicle, after the reports that wait.
func (p *Pipeline) Forget(h vehicles.Handle) {
	p.of(h).in.do(func(s *shard) {
		s.forget(h)
		p.cfg.Registry.Retire(h)
	})
}

func (p *Pipeline) of(h vehicles.Handle) *shard {
	return p.shards[uint32(h)%p.shardCount()]
}

// SetFences puts a new fence set into force. When it returns, every movement
// is judged by the new set, and vehicles that stand inside a new fence have
// had their transitions, unless ctx ended first: the set is in force all the
// same, and the shards still judge the standing vehicles.
func (p *Pipeline) SetFences(ctx context.Context, set []*geofence.Compiled) error {
	p.advance(ctx) // a new fence is judged by the schedule of now
	p.cfg.Engine.SetFences(set)
	return p.each(ctx, func(s *shard) { s.refresh() })
}

// each runs job in every shard and waits for all of them.
func (p *Pipeline) each(ctx context.Context, job func(*shard)) error {
	done := make(chan struct{}, len(p.shards))
	for _, s := range p.shards {
		s.in.do(func(s *shard) { job(s); done <- struct{}{} })
	}
	for range p.shards {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// TrackView is a copy of one track with what surrounds it.
type TrackView struct {
	vehicles.Track
	Vehicle    *vehicles.Identity
	Breaches   []*geofence.Compiled // fences that the vehicle breaches now
	AlertLevel uint8                // highest unacknowledged alert
	Grounds    Grounds              // of a judgement of now
	Traffic    bool                 // somebody else's: only the traffic picture is here
}

// Tracks copies every track as a view shows it, in handle order.
func (p *Pipeline) Tracks(ctx context.Context, view View) ([]TrackView, error) {
	all, err := p.tracks(ctx)
	if !view.whole {
		for i := range all {
			all[i] = view.track(all[i])
		}
	}
	return all, err
}

func (p *Pipeline) tracks(ctx context.Context) ([]TrackView, error) {
	var mu sync.Mutex
	var out []TrackView
	err := p.each(ctx, func(s *shard) {
		views := s.views(0)
		mu.Lock()
		defer mu.Unlock()
		out = append(out, views...)
	})
	if err != nil {
		return nil, fmt.Errorf("read tracks: %w", err)
	}
	slices.SortFunc(out, func(a, b TrackView) int { return cmp.Compare(a.Handle, b.Handle) })
	return out, nil
}

// Track copies one track as a view shows it; ok is false when the vehicle is not
// followed.
func (p *Pipeline) Track(ctx context.Context, view View, h vehicles.Handle) (track TrackView, ok bool, err error) {
	got := make(chan []TrackView, 1)
	p.of(h).in.do(func(s *shard) { got <- s.views(h) })
	select {
	case views := <-got:
		if len(views) == 0 {
			return TrackView{}, false, nil
		}
		return view.track(views[0]), true, nil
	case <-ctx.Done():
		return TrackView{}, false, fmt.Errorf("read track: %w", ctx.Err())
	}
}

// setAlertLevel marks a vehicle in the live table with the highest level of its
// unacknowledged alerts.
func (p *Pipeline) setAlertLevel(h vehicles.Handle, level uint8) {
	if s := p.table.slot(h); s != nil {
		s.alert.Store(uint32(level))
	}
}

// raiseAlertLevel shows a level until the book sets the right one.
func (p *Pipeline) raiseAlertLevel(h vehicles.Handle, level uint8) {
	if s := p.table.slot(h); s != nil && s.alert.Load() < uint32(level) {
		s.alert.Store(uint32(level))
	}
}

// loudExceeds counts a transition of an unverified vehicle.
func (p *Pipeline) loudExceeds(nowUS int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loud.exceeds(nowUS, loudLimitTotal)
}

// Stats are counters of the pipeline.
type Stats struct {
	Coalesced uint64 // reports merged because a shard was behind
	Orphans   uint64 // reports of vehicles that are not followed
	Waiting   int    // reports that wait now
	Quiet     uint64 // transitions of loud unverified vehicles that live sessions were spared
}

// Stats reads the counters.
func (p *Pipeline) Stats() Stats {
	st := Stats{Orphans: p.orphans.Load(), Quiet: p.quiet.Load()}
	for _, s := range p.shards {
		c, w := s.in.counts()
		st.Coalesced += c
		st.Waiting += w
	}
	return st
}

// Alive returns when every shard has answered; it fails when one does not before
// ctx ends.
func (p *Pipeline) Alive(ctx context.Context) error {
	if err := p.each(ctx, func(*shard) {}); err != nil {
		return fmt.Errorf("a shard of the pipeline does not answer: %w", err)
	}
	return nil
}

package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"testzone/telemetry/journal"
)

// Act is what somebody did, or tried to do, beside the decisions and orders that
// the journal has anyway: signing in and out, and what was refused.
type Act struct {
	Type      string `json:"type"`              // one of the types below
	By        string `json:"by,omitempty"`      // actor id; empty: nobody signed in
	What      string `json:"what,omitempty"`    // operation, e.g. createFence
	Object    string `json:"object,omitempty"`  // path of the call
	Outcome   string `json:"outcome,omitempty"` // code of the problem
	From      string `json:"from,omitempty"`    // address
	RequestID string `json:"request_id,omitempty"`
	Count     int    `json:"count,omitempty"` // of acts.dropped
	AtUS      int64  `json:"at_us"`

	id journal.ID // fixed when it comes: a write whose outcome is unknown is tried again
}

// The types of acts.
const (
	SessionOpened   = "session.opened"
	SessionClosed   = "session.closed"
	SessionRefused  = "session.refused"
	PasswordChanged = "password.changed"
	CallDone        = "call.done" // the decision is an entry of its own; this says from where it came
	CallRefused     = "call.refused"
	ActsDropped     = "acts.dropped"
	ArmGranted      = "arm.granted" // to a vehicle that asked whether it may arm
	ArmDenied       = "arm.denied"
)

const (
	maxWaiting  = 4096 // acts that wait for the journal
	perSource   = 30   // refusals of one address in a minute
	maxSources  = 4096
	actsInBatch = 256
	retryActs   = time.Second
)

// RecorderConfig configures a Recorder; Journal is needed.
type RecorderConfig struct {
	Journal interface {
		Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
	}
	Clock  func() time.Time
	Logger *slog.Logger
}

// Recorder writes acts into the journal behind a bounded queue: it never delays
// who acts. Refusals are bounded by address, so that nobody fills the journal with
// wrong passwords; how many were left out is written each minute. It is safe for
// concurrent use.
type Recorder struct {
	cfg   RecorderConfig
	ready chan struct{}

	mu      sync.Mutex // guards the fields below
	waiting []Act
	minute  int64
	sources map[string]int
	dropped int
}

// NewRecorder makes a recorder.
func NewRecorder(cfg RecorderConfig) *Recorder {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Recorder{cfg: cfg, ready: make(chan struct{}, 1), sources: map[string]int{}}
}

// Record takes an act in; it never waits.
func (r *Recorder) Record(a Act) {
	now := r.cfg.Clock()
	a.AtUS, a.id = now.UnixMicro(), journal.NewID()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	if a.Type == SessionRefused || a.Type == CallRefused {
		n, known := r.sources[a.From]
		if n >= perSource || !known && len(r.sources) >= maxSources {
			r.dropped++
			return
		}
		r.sources[a.From] = n + 1
	}
	if len(r.waiting) >= maxWaiting {
		r.dropped++
		return
	}
	r.waiting = append(r.waiting, a)
	r.wake()
}

func (r *Recorder) wake() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// turn begins a new minute: what was left out in the last one is told.
func (r *Recorder) turn(now time.Time) {
	minute := now.Unix() / 60
	if minute == r.minute {
		return
	}
	r.minute = minute
	clear(r.sources)
	if r.dropped > 0 && len(r.waiting) <= maxWaiting {
		r.waiting = append(r.waiting, Act{Type: ActsDropped, Count: r.dropped, AtUS: now.UnixMicro(), id: journal.NewID()})
		r.dropped = 0
		r.wake()
	}
}

// Dropped is how many acts were left out and not yet told of.
func (r *Recorder) Dropped() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// Run writes until ctx ends, and then what is left if the journal takes it.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), retryActs)
			defer cancel()
			r.mu.Lock()
			r.minute-- // whatever was left out is told now
			r.turn(r.cfg.Clock())
			r.mu.Unlock()
			for r.write(last) == nil && r.left() > 0 {
			}
			return ctx.Err()
		case <-r.ready:
		case <-tick.C:
			r.mu.Lock()
			r.turn(r.cfg.Clock())
			r.mu.Unlock()
		}
		for r.left() > 0 && ctx.Err() == nil {
			if err := r.write(ctx); err != nil {
				r.cfg.Logger.Error("acts not written to the journal; they wait", "err", err, "waiting", r.left())
				select {
				case <-ctx.Done():
				case <-time.After(retryActs):
				}
			}
		}
	}
}

func (r *Recorder) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

func (r *Recorder) write(ctx context.Context) error {
	r.mu.Lock()
	n := min(len(r.waiting), actsInBatch)
	batch := make([]journal.Entry, 0, n)
	for _, a := range r.waiting[:n] {
		body, err := json.Marshal(a)
		if err != nil {
			panic("an act does not encode: " + err.Error()) // only a defect of ours
		}
		batch = append(batch, journal.Entry{ID: a.id, Kind: journal.Fact, Schema: Schema, TimeUS: a.AtUS, Body: body})
	}
	r.mu.Unlock()
	if n == 0 {
		return nil
	}
	if _, err := r.cfg.Journal.Append(ctx, batch...); err != nil {
		return fmt.Errorf("write acts: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting[:0], r.waiting[n:]...)
	return nil
}

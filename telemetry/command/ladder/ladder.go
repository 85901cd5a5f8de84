// Package ladder gives a breach its effect: it orders what the response of a fence
// asks, and the next safer thing when fresh samples show that it did nothing.
//
// An Enforcer keeps one ladder for each vehicle that breaches a fence whose response
// is more than warn. A step is taken on good evidence only (SAFETY 3), goes out as an
// order of the Dispatcher by a hand of its own, and is judged by what the vehicle
// does (SAFETY 4): silence freezes the ladder and calls people. Pilots who fly by hand
// come first (SAFETY 7), and so do controllers who order themselves. After a start
// nothing is ordered before the samples were good for a while, or people said so
// (SAFETY 8). A prediction and a fence that warns order nothing, ever, and flight is
// never terminated. What comes after the last step, or cannot be ordered of a machine,
// is a call to a person. How steps follow on each other stands in one table, rungs.
//
// An Enforcer is safe for concurrent use; Replay comes before Run. Steps leave at
// once and their entries are written in parallel; what people decide is answered when
// it is durable. Times are microseconds since the Unix epoch of the injected clock.
package ladder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

var (
	// ErrConfig is returned when an Enforcer lacks a part it cannot work without.
	ErrConfig = errors.New("the enforcement ladder is not configured")
	// ErrNoLadder is returned when no breach of the vehicle is being dealt with.
	ErrNoLadder = errors.New("no breach of the vehicle is being enforced: there is nothing to decide")
	// ErrNothingWaits is returned when nothing has to be confirmed after a restart.
	ErrNothingWaits = errors.New("nothing waits for a confirmation: automatic orders are given")
	// ErrNotDurable is returned when the journal did not take a decision; nothing changed.
	ErrNotDurable = errors.New("the journal does not accept entries")
	// ErrStopping is returned when the server stops.
	ErrStopping = errors.New("the server is stopping")
)

// Mode is what the ladder may do.
type Mode string

// The modes.
const (
	Act    Mode = "act"    // order; the default
	Advise Mode = "advise" // say what it would order
	Off    Mode = "off"    // nothing: breaches are alerts and nothing more
)

// Limits of time.
const (
	modeTime   = 3 * time.Second  // from the acknowledgement until the mode has to show
	beatTime   = 2 * time.Second  // of heartbeats after it that have to show otherwise
	ackTime    = 8 * time.Second  // from the sending until the lack of an acknowledgement, with samples that show no effect, is one
	motionTime = 15 * time.Second // from the sending until the motion has to show
	wideTime   = 30 * time.Second // likewise, of what circles or floats
	freshTime  = 3 * time.Second  // age of a sample that still shows what a vehicle does
	unsentTime = 5 * time.Second  // until what could not be sent is tried again
	driftTime  = 5 * time.Second  // for which a vehicle may move that holds
	driftCMS   = 200

	personTime  = 20 * time.Second // for which a controller's own order is waited for
	respectTime = 60 * time.Second // for which a pilot by hand is respected at a soft fence
	cleanTime   = 30 * time.Second // of good data after a start (SAFETY 8)
	returnTime  = time.Minute      // after a start, in which what moved before is heard again

	lookEvery = 200 * time.Millisecond
	slowLooks = 5 // every so many looks at ladders in which nothing is under way
	trackTime = 500 * time.Millisecond
)

// Orders is the Dispatcher.
type Orders interface {
	Ask(ctx context.Context, q command.Request) (command.Order, error)
	Order(id string) (command.Order, error)
	Now(id vehicles.VehicleID) (o command.Order, ok bool, l command.Lease)
	GiveUpLease(ctx context.Context, id vehicles.VehicleID, by command.By) error
}

// Fleet is what the zone knows of its vehicles now.
type Fleet interface {
	// Identity is who is followed under an id; nil: nobody.
	Identity(id vehicles.VehicleID) *vehicles.Identity
	// Track is the current state of who is followed.
	Track(ctx context.Context, h vehicles.Handle) (t telemetry.TrackView, ok bool, err error)
	// ModeName names an autopilot's flight mode.
	ModeName(v *vehicles.Identity, mode uint32) string
	// ByHand reports whether a pilot steers in a flight mode.
	ByHand(v *vehicles.Identity, mode uint32) bool
}

// Appender is the journal.
type Appender interface {
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
}

// Config of an Enforcer. Orders, Fleet, Bus and Journal go together; without them it
// only replays.
type Config struct {
	Orders  Orders
	Fleet   Fleet
	Bus     *telemetry.Bus
	Journal Appender
	Mode    Mode // default Act
	// Unfit says why no automatic order may leave now, whatever the vehicle (SAFETY
	// 10); empty: none. Default none.
	Unfit func() string
	Clock func() time.Time // time.Now
}

// Enforcer holds the ladders.
type Enforcer struct {
	cfg   Config
	sub   *telemetry.Subscription
	queue *journal.Queue
	work  sync.WaitGroup // of vehicles
	turns chan struct{}  // receives when the pace has to be looked at

	mu        sync.Mutex // guards the fields below
	life      context.Context
	stopped   bool
	startUS   int64
	confirmed string                           // who said after the start that the samples are right; empty: nobody
	of        map[vehicles.VehicleID]*followed // vehicles that are heard, or have an open ladder
	all       map[string]*Ladder
	order     []string // ids of ladders, oldest first
	areas     map[string]telemetry.Area
	pace      pace
	looks     int
}

// keepLadders is how many ladders are remembered; the journal keeps them all.
const keepLadders = 2_000

// New makes an Enforcer and joins the bus, so that nothing between here and Run is
// missed.
func New(cfg Config) (*Enforcer, error) {
	parts := []bool{cfg.Orders != nil, cfg.Fleet != nil, cfg.Bus != nil, cfg.Journal != nil}
	if slices.Contains(parts, true) && slices.Contains(parts, false) {
		return nil, fmt.Errorf("%w: orders, fleet, bus and journal go together", ErrConfig)
	}
	if cfg.Mode == "" {
		cfg.Mode = Act
	}
	if !slices.Contains([]Mode{Act, Advise, Off}, cfg.Mode) {
		return nil, fmt.Errorf("%w: mode %q is not act, advise or off", ErrConfig, cfg.Mode)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Unfit == nil {
		cfg.Unfit = func() string { return "" }
	}
	e := &Enforcer{
		cfg: cfg, turns: make(chan struct{}, 1),
		of: map[vehicles.VehicleID]*followed{}, all: map[string]*Ladder{}, areas: map[string]telemetry.Area{},
	}
	e.pace.init()
	if cfg.Journal != nil {
		e.queue = journal.NewQueue(cfg.Journal, cfg.Clock)
		e.sub, _ = cfg.Bus.Subscribe(telemetry.SubscribeConfig{Name: "enforcement ladder", Reserved: true})
	}
	return e, nil
}

// Mode is what the ladder may do.
func (e *Enforcer) Mode() Mode { return e.cfg.Mode }

// Run enforces until ctx ends, and writes what still waits for the journal.
func (e *Enforcer) Run(ctx context.Context) error {
	var writing sync.WaitGroup
	writing.Go(e.queue.Run)
	e.begin(ctx)
	err := e.serve(ctx)
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.work.Wait()
	e.sub.Close()
	e.queue.Stop()
	writing.Wait()
	return err
}

func (e *Enforcer) serve(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	turn := time.NewTimer(time.Hour)
	defer turn.Stop()
	for {
		select {
		case <-e.sub.Ready():
			events, err := e.sub.Take()
			if err != nil {
				return fmt.Errorf("enforcement ladder: %w", err)
			}
			for i := range events {
				e.take(&events[i])
			}
		case <-look.C:
			e.look()
		case <-e.turns:
			turn.Reset(e.nextTurn())
		case <-turn.C:
			turn.Reset(e.nextTurn())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin is done once, when the state was rebuilt.
func (e *Enforcer) begin(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life, e.startUS = ctx, e.nowUS()
	for _, id := range e.order {
		switch l := e.all[id]; {
		case !l.Open():
		case e.cfg.Mode == Off:
			l.State, l.Cause, l.EndedUS = Ended, "enforcement_off", e.startUS
			e.write(typeOf(l, l), l)
		default:
			e.followed(l.Vehicle).former = true
		}
	}
}

// look has every vehicle considered whose ladder is open: often where an order is
// under way, else once a second; and those that breach a fence that was revised, which
// may not be in force yet when that is told.
func (e *Enforcer) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looks++
	for _, v := range e.of {
		slow := e.looks%slowLooks == 0 && (v.ladder != nil || v.revised())
		if slow || v.ladder != nil && v.ladder.busy() {
			e.wake(v)
		}
	}
}

// Health says what is not enforced, or not kept, as it should be; empty when all is
// well.
func (e *Enforcer) Health() (out []telemetry.Reason) {
	add := func(code, format string, args ...any) {
		out = append(out, telemetry.Reason{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	switch e.cfg.Mode {
	case Off:
		add("enforcement_off", "Enforcement is off: a breach raises its alert and nothing is ordered. Set enforcement.mode to act.")
	case Advise:
		add("enforcement_advises", "Enforcement only advises: it says what it would order, and people order it. Set enforcement.mode to act.")
	}
	if why := e.cfg.Unfit(); why != "" && e.cfg.Mode == Act {
		add("enforcement_held_back", "No automatic order is given: %s", why)
	}
	if n := e.waiting(); n > 0 {
		add("enforcement_waits", "%d vehicles breach fences and get no automatic order after the restart: look at them and confirm, or wait for %v of good data.", n, cleanTime)
	}
	if e.queue == nil {
		return out
	}
	if lost, cause := e.queue.Lost(); lost > 0 {
		add("enforcement_facts_lost", "%d entries about enforcement are not in the journal (%v). Orders still leave; after a restart these would be missing. Mend the disk and restart.", lost, cause)
	}
	if wait := e.queue.Waits(); wait > 2*time.Second {
		add("enforcement_journal_stalled", "An entry about enforcement has waited %.0f s for the journal. Orders still leave. Check the disk of the data folder.", wait.Seconds())
	}
	return out
}

func (e *Enforcer) nowUS() int64 { return e.cfg.Clock().UnixMicro() }

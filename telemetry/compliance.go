package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// StartNotAllowed is the alert about a vehicle that began to move while the zone
// lets nobody start.
const StartNotAllowed AlertType = "start_not_allowed"

// Restriction is what the state of the zone asks of every vehicle in it. The zero
// value asks nothing.
type Restriction struct {
	State   string // of the zone; empty: no restriction
	SinceUS int64
	// AtRest: everybody has to come to rest or leave. Else who moves may finish, and
	// nobody starts.
	AtRest bool
}

// Why a vehicle complies with a restriction, or does not.
const (
	WhyAtRest    = "at_rest"   // landed, disarmed, or standing on ground or water
	WhyOutside   = "outside"   // of the zone
	WhyFinishing = "finishing" // it moved when the restriction began, and may
	WhyMoving    = "moving"    // and should be at rest
	WhyStarted   = "started"   // after the restriction began
	WhyAppeared  = "appeared"  // it was seen for the first time, moving, after the restriction began
	WhyLinkLost  = "link_lost" // it moved when it was heard last
	WhyUnknown   = "unknown"   // whether it moves, or where it is
	whyZoneOpen  = "zone_open" // the restriction ended
	whyForgotten = "not_followed"
)

// Compliance is how a vehicle stands to the restriction in force.
type Compliance struct {
	Vehicle  *vehicles.Identity
	Phase    vehicles.Phase
	At       geo.Point // where it was last, if HasFix
	HasFix   bool
	HeardUS  int64 // its newest heartbeat; 0: none
	Complies bool
	Why      string
	SinceUS  int64 // since when it complies, or does not
}

// StartChange says that a vehicle started against a restriction, or that this is over.
type StartChange struct {
	Vehicle     *vehicles.Identity
	Restriction Restriction
	Began       bool
	Cause       string
	Fix         *FixEvidence // nil: no position
}

func (*StartChange) event() {}

// WardenConfig of a Warden. All but Clock are needed.
type WardenConfig struct {
	Pipeline    *Pipeline
	Bus         *Bus
	Restriction func() Restriction
	Inside      func(geo.Point) bool // whether a position is in the zone
	Clock       func() time.Time     // default time.Now
}

// Warden watches who complies with a restriction of the zone: once a second while
// there is one. Safe for concurrent use.
type Warden struct {
	cfg  WardenConfig
	wake chan struct{}
	turn chan struct{} // holds one while somebody looks

	mu      sync.Mutex // guards the fields below
	is      Restriction
	beganUS int64 // when the first look of the restriction was
	of      map[vehicles.VehicleID]*warded
	told    string                        // state that was published last
	toldWhy map[vehicles.VehicleID]string // and why vehicles comply or do not
}

// warded is what is known of a vehicle under a restriction.
type warded struct {
	Compliance
	atRest  bool
	against string // WhyStarted or WhyAppeared until it is at rest again
	known   bool   // whether it moves was known once
	seen    bool   // in this look
}

const (
	// wardenEvery is the time between two looks.
	wardenEvery = time.Second
	// appearsAfterUS is how long after its first look a vehicle that is new may have
	// moved all along: after a start of the server all are new (SAFETY 8).
	appearsAfterUS = 30_000_000
)

// NewWarden makes a warden; Run has it look.
func NewWarden(cfg WardenConfig) *Warden {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Warden{cfg: cfg, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1), of: map[vehicles.VehicleID]*warded{}}
}

// Wake has it look at once: the state of the zone changed.
func (w *Warden) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run looks until ctx ends.
func (w *Warden) Run(ctx context.Context) error {
	every := time.NewTicker(wardenEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		case <-w.wake:
		}
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("watch who complies: %w", err)
		}
	}
}

// Board is every vehicle of a view and how it stands to the restriction in force:
// who does not comply first, then by id. Traffic that is nobody's is not on it.
func (w *Warden) Board(ctx context.Context, view View) (Restriction, []Compliance, error) {
	if err := w.look(ctx); err != nil {
		return Restriction{}, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Compliance
	for _, v := range w.of {
		if view.Owns(v.Vehicle.Operator) {
			out = append(out, v.Compliance)
		}
	}
	slices.SortFunc(out, func(a, b Compliance) int {
		if a.Complies != b.Complies {
			return map[bool]int{false: -1, true: 1}[a.Complies]
		}
		return cmp.Compare(a.Vehicle.ID, b.Vehicle.ID)
	})
	return w.is, out, nil
}

// Against are the vehicles that do not comply with the restriction in force.
func (w *Warden) Against(ctx context.Context) (map[vehicles.VehicleID]bool, error) {
	_, board, err := w.Board(ctx, WholeZone())
	out := map[vehicles.VehicleID]bool{}
	for i := range board {
		if !board[i].Complies {
			out[board[i].Vehicle.ID] = true
		}
	}
	return out, err
}

// look compares every track with the restriction.
func (w *Warden) look(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.turn }()
	is := w.cfg.Restriction()
	var tracks []TrackView
	if is.State != "" {
		var err error
		if tracks, err = w.cfg.Pipeline.Tracks(ctx, WholeZone()); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Clock().UnixMicro()
	defer func() { w.tell(now) }()
	if is.State == "" {
		w.end(now)
		return nil
	}
	if w.is.State == "" {
		w.beganUS = now
	}
	w.is = is
	for i := range tracks {
		if !tracks[i].Vehicle.Class.Traffic() {
			w.judge(&tracks[i], now)
		}
	}
	for id, v := range w.of {
		if !v.seen {
			w.lost(id, v, now)
		}
		v.seen = false
	}
	return nil
}

// tell publishes how many do not comply, when anything of the board is news. It is called with the
// lock held.
func (w *Warden) tell(now int64) {
	next, why := ComplianceChange{State: w.is.State, Against: map[string]int{}}, map[vehicles.VehicleID]string{}
	for id, v := range w.of {
		if why[id] = v.Why; !v.Complies {
			next.Against[v.Vehicle.Operator]++
		}
	}
	if next.State != w.told || !maps.Equal(why, w.toldWhy) {
		w.told, w.toldWhy = next.State, why
		w.cfg.Bus.Publish(now, &next)
	}
}

// end forgets everybody: the zone is open. It is called with the lock held.
func (w *Warden) end(now int64) {
	for _, v := range w.of {
		w.settle(v, whyZoneOpen, now)
	}
	clear(w.of)
	w.is = Restriction{}
}

// judge takes a track in. It is called with the lock held.
func (w *Warden) judge(t *TrackView, now int64) {
	v, rests := w.of[t.Vehicle.ID], AtRest(&t.Track)
	if v == nil {
		v = &warded{}
		w.of[t.Vehicle.ID] = v
	}
	v.seen, v.Vehicle, v.Phase, v.HeardUS = true, t.Vehicle, t.Phase(), t.HeartbeatUS
	if v.HasFix = t.HasFix(); v.HasFix {
		v.At = t.Fix.Point
	}
	outside := v.HasFix && t.Link != vehicles.LinkLost && now-t.FixUS <= staleFixUS && !w.cfg.Inside(v.At)
	known := rests || v.HasFix // a source of which nothing is known has not started
	first := known && !v.known
	switch {
	case rests:
		w.settle(v, WhyAtRest, now)
	case outside || !known || v.against != "":
	case v.atRest:
		w.accuse(v, WhyStarted, t, now)
	case first && now-w.beganUS > appearsAfterUS:
		w.accuse(v, WhyAppeared, t, now)
	}
	if known {
		v.atRest, v.known = rests, true
	}
	complies, why := w.standing(v, t, rests, outside)
	v.become(now, complies, why)
}

// standing is why a vehicle complies, or does not.
func (w *Warden) standing(v *warded, t *TrackView, rests, outside bool) (complies bool, why string) {
	switch {
	case rests:
		return true, WhyAtRest
	case outside:
		return true, WhyOutside
	case v.against != "":
		return false, v.against
	case t.Link == vehicles.LinkLost:
		return false, WhyLinkLost
	case !v.HasFix:
		return false, WhyUnknown
	case w.is.AtRest:
		return false, WhyMoving
	}
	return true, WhyFinishing
}

func (v *warded) become(now int64, complies bool, why string) {
	if v.SinceUS == 0 || v.Complies != complies {
		v.SinceUS = now
	}
	v.Complies, v.Why = complies, why
}

// lost is about a vehicle that is not followed any more: one that moved stays on
// the board, if it is a known one. It is called with the lock held.
func (w *Warden) lost(id vehicles.VehicleID, v *warded, now int64) {
	if v.atRest || !v.Vehicle.Verified {
		w.settle(v, whyForgotten, now)
		delete(w.of, id)
		return
	}
	v.Phase = vehicles.PhaseLinkLost
	v.become(now, false, WhyLinkLost)
}

func (w *Warden) accuse(v *warded, why string, t *TrackView, now int64) {
	v.against = why
	w.cfg.Bus.PublishQuiet(now, &StartChange{Vehicle: v.Vehicle, Restriction: w.is, Began: true, Fix: NewFixEvidence(&t.Fix)})
}

func (w *Warden) settle(v *warded, cause string, now int64) {
	if v.against != "" {
		v.against = ""
		w.cfg.Bus.PublishQuiet(now, &StartChange{Vehicle: v.Vehicle, Restriction: w.is, Cause: cause})
	}
}

// AtRest reports whether a vehicle can stay as it is: landed or disarmed, as it said
// last, or standing, if it does not hang in the air.
func AtRest(t *vehicles.Track) bool {
	switch t.Phase() {
	case vehicles.Parked:
		return true
	case vehicles.Holding:
		return t.Class == vehicles.ICV || t.Class == vehicles.USV
	case vehicles.PhaseLinkLost, vehicles.PhaseEmergency:
		return t.Landed == vehicles.OnGround || t.Seen&vehicles.HasHeartbeat != 0 && !t.Armed
	}
	return false
}

func (b *Book) takeStart(s *StartChange, nowUS int64) {
	level := uint8(Warning)
	if s.Restriction.AtRest {
		level = Critical
	}
	b.change(alertKey{typ: StartNotAllowed, vehicle: s.Vehicle.ID}, condition{
		begins: s.Began, ends: !s.Began, id: s.Vehicle, level: level, timeUS: nowUS, cause: s.Cause,
		fill: func(a *Alert) {
			a.Evidence = &Evidence{After: s.Fix, Datum: geo.NoDatum.String(), ReceivedUS: nowUS}
		},
	})
}

package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// SeparationLost is the alert of two vehicles that lose their minima within the
// horizon, or have lost them. It names both.
const SeparationLost AlertType = "separation"

// Why a conflict ended.
const (
	CauseSeparated = "separated" // both were seen to keep their minima
	CauseParked    = "parked"    // one stands on the ground or is disarmed
	CauseGone      = "gone"      // one is no longer followed
)

// Separation says that two vehicles came into conflict, or are out of it. A has
// the smaller handle; of a vehicle and traffic A is the vehicle.
type Separation struct {
	A, B     *vehicles.Identity
	Conflict geofence.Conflict // at the end: the last that was found
	Began    bool
	Cause    string // at the end: why
}

func (*Separation) event() {}

// SeparatorConfig of a Separator. Pipeline and Bus are needed.
type SeparatorConfig struct {
	Pipeline *Pipeline
	Bus      *Bus
	Traffic  *Traffic // what the zone's vehicles are separated from as well; nil: nothing
	// Minima, horizon and speeds; of conflicts between unverified vehicles 1,000
	// are followed unless it says otherwise.
	Separation geofence.SeparationConfig
	Every      time.Duration    // between two searches; default 1 s, each copies all tracks
	MaxAge     time.Duration    // of a fix that is judged; default 3 s
	Hold       time.Duration    // without conflict before one ends; default 3 s
	Clock      func() time.Time // default time.Now
}

// quietPairs is how many conflicts with an unverified vehicle live sessions hear
// of at a time: who claims a thousand vehicles must not close them. The reserved
// subscribers hear of all.
const quietPairs = 100

// Separator looks once a second for vehicles in motion that come too close, and
// publishes each conflict once when it begins and once when it ends. A vehicle in
// emergency, or whose controller is silent, is in motion as any other while its
// position is fresh. Methods are safe for concurrent use.
type Separator struct {
	cfg    SeparatorConfig
	find   *geofence.Separation
	steady func() int64

	// Of the goroutine of Run.
	bodies    []geofence.Body
	conflicts []geofence.Conflict
	seen      map[vehicles.Handle]sight
	echoes    map[vehicles.Handle]vehicles.Handle // traffic that is a vehicle of the zone, found by how it moves
	alikeUS   map[pair]int64                      // steady time since which a vehicle and traffic are alike

	mu      sync.Mutex // guards the fields below
	ongoing map[pair]*ongoing
	told    int // ongoing conflicts with an unverified vehicle that live sessions heard of
	stats   SeparatorStats
}

// SeparatorStats are counters and the state after the last search.
type SeparatorStats struct {
	LookedUS int64  // when it was; 0: never. One that is old means that nobody looks.
	Judged   int    // vehicles in motion with a fresh fix
	NoFix    int    // vehicles in motion that were not judged: no fix, or an old one
	NoHeight int    // aircraft that were judged as if at every height
	Ongoing  int    // conflicts
	Withheld int    // conflicts between unverified vehicles that are not followed: too many
	Quiet    uint64 // changes that live sessions were spared, in all
}

type pair struct{ a, b vehicles.Handle }

// ongoing is a conflict that was announced.
type ongoing struct {
	Separation
	foundUS int64 // steady time at which it was found, or could not be judged
	quiet   bool  // live sessions did not hear of it
	counted bool  // it is one of told
}

// sight is what one search saw of a vehicle.
type sight struct {
	id    *vehicles.Identity
	state sightState
	body  int // in bodies, when it is judged

	nameless bool // traffic of which nothing says that it is not one of the zone's
}

type sightState uint8

const (
	unseen sightState = iota // not followed
	itself                   // traffic that is a vehicle of the zone
	parked
	blind // in motion, but no fresh fix
	judged
)

// NewSeparator makes a Separator; nothing happens before Run.
func NewSeparator(cfg SeparatorConfig) (*Separator, error) {
	if cfg.Pipeline == nil || cfg.Bus == nil {
		return nil, fmt.Errorf("%w: a separator needs a pipeline and a bus", ErrConfig)
	}
	cfg.Every = cmp.Or(cfg.Every, time.Second)
	cfg.MaxAge = cmp.Or(cfg.MaxAge, 3*time.Second)
	cfg.Hold = cmp.Or(cfg.Hold, 3*time.Second)
	cfg.Separation.UnverifiedPairs = cmp.Or(cfg.Separation.UnverifiedPairs, 1000)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Separator{
		cfg: cfg, find: geofence.NewSeparation(cfg.Separation), steady: steadyClock(cfg.Clock),
		seen: map[vehicles.Handle]sight{}, ongoing: map[pair]*ongoing{},
		echoes: map[vehicles.Handle]vehicles.Handle{}, alikeUS: map[pair]int64{},
	}, nil
}

// Run searches until ctx ends.
func (s *Separator) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		views, err := s.cfg.Pipeline.tracks(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for conflicts: %w", err)
		}
		s.look(views)
	}
}

// Ongoing lists the conflicts that were announced and have not ended, as they
// were last found, in the order of their handles.
func (s *Separator) Ongoing() []Separation {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Separation, 0, len(s.ongoing))
	for _, p := range s.pairs() {
		out = append(out, s.ongoing[p].Separation)
	}
	return out
}

// Stats reads the counters.
func (s *Separator) Stats() SeparatorStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// look is one search.
func (s *Separator) look(views []TrackView) {
	nowUS, steadyUS := s.cfg.Clock().UnixMicro(), s.steady()
	st := s.survey(views, nowUS)
	s.trafficSeen(nowUS)
	s.conflicts = s.find.Find(s.bodies, s.conflicts[:0])

	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.conflicts {
		s.found(s.conflicts[i], nowUS, steadyUS)
		s.watchEcho(&s.conflicts[i], steadyUS)
	}
	for p := range s.alikeUS {
		if s.ongoing[pair{min(p.a, p.b), max(p.a, p.b)}] == nil {
			delete(s.alikeUS, p)
		}
	}
	s.endOthers(nowUS, steadyUS)
	st.Quiet = s.stats.Quiet
	st.LookedUS, st.Withheld, st.Ongoing = nowUS, s.find.Withheld(), len(s.ongoing)
	s.stats = st
}

// survey makes bodies of the vehicles that can be judged.
func (s *Separator) survey(views []TrackView, nowUS int64) (st SeparatorStats) {
	s.bodies = s.bodies[:0]
	clear(s.seen)
	for i := range views {
		v := &views[i]
		age := nowUS - v.FixUS
		state := judged
		switch {
		case !inMotion(&v.Track):
			state = parked
		case !v.HasFix() || age >= s.cfg.MaxAge.Microseconds():
			state = blind
			st.NoFix++
		default:
			b := body(v, age)
			s.bodies = append(s.bodies, b)
			st.Judged++
			if b.Class == vehicles.UAV && !b.HeightKnown {
				st.NoHeight++
			}
		}
		s.seen[v.Handle] = sight{id: v.Vehicle, state: state, body: len(s.bodies) - 1}
	}
	return st
}

// inMotion is every phase but parked. It looks behind an emergency and a silent
// link, which say nothing of where the vehicle goes.
func inMotion(t *vehicles.Track) bool {
	return t.Landed != vehicles.OnGround && (t.Seen&vehicles.HasHeartbeat == 0 || t.Armed)
}

// body is a track as the search wants it: all heights above mean sea level. A
// height above the own start point says nothing of another vehicle's.
func body(v *TrackView, ageUS int64) geofence.Body {
	b := geofence.Body{
		Handle: v.Handle, Class: v.Class, Unverified: !v.Vehicle.Verified, Point: v.Fix.Point,
		N: v.Velocity.N, E: v.Velocity.E, D: v.Velocity.D, AgeS: float32(ageUS) / 1e6,
	}
	if mm, ok := v.Fix.Heights.In(geo.AMSL); ok {
		b.HeightMM, b.HeightKnown = mm, true
	} else if mm, ok := v.Fix.Heights.In(geo.WGS84); ok {
		b.HeightMM, b.HeightKnown = mm-int32(math.Round(1000*geo.Undulation(v.Fix.Point))), true
	}
	return b
}

// found takes a conflict in. It is called with the lock held.
func (s *Separator) found(c geofence.Conflict, nowUS, steadyUS int64) {
	p := pair{c.A, c.B}
	if o := s.ongoing[p]; o != nil {
		o.Conflict, o.foundUS = c, steadyUS
		return
	}
	own, other := s.ownFirst(c.A, c.B)
	o := &ongoing{foundUS: steadyUS, Separation: Separation{A: s.seen[own].id, B: s.seen[other].id, Conflict: c, Began: true}}
	if !o.A.Verified || !o.B.Verified {
		o.counted = s.told < quietPairs
		o.quiet = !o.counted
	}
	if o.counted {
		s.told++
	}
	s.publish(o.Separation, nowUS, o.quiet)
	s.ongoing[p] = o
}

// endOthers ends what was not found for long. A pair that cannot be judged,
// because a fix is old, is not known to be apart: its conflict goes on. It is
// called with the lock held.
func (s *Separator) endOthers(nowUS, steadyUS int64) {
	for _, p := range s.pairs() {
		o := s.ongoing[p]
		least := min(s.seen[p.a].state, s.seen[p.b].state)
		if least == blind {
			o.foundUS = steadyUS
		}
		if steadyUS-o.foundUS < s.cfg.Hold.Microseconds() {
			continue
		}
		end := o.Separation
		end.Began = false
		switch least {
		case unseen:
			end.Cause = CauseGone
		case itself:
			end.Cause = CauseItself
		case parked:
			end.Cause = CauseParked
		default:
			end.Cause = CauseSeparated
		}
		if o.counted {
			s.told--
		}
		s.publish(end, nowUS, o.quiet)
		delete(s.ongoing, p)
	}
}

// pairs is the ongoing conflicts in the order of their handles.
func (s *Separator) pairs() []pair {
	return slices.SortedFunc(maps.Keys(s.ongoing), func(x, y pair) int {
		return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
}

// publish tells the bus; of the beginning and the end of a quiet conflict only
// its reserved subscribers.
func (s *Separator) publish(e Separation, nowUS int64, quiet bool) {
	if quiet {
		s.stats.Quiet++
		s.cfg.Bus.PublishQuiet(nowUS, &e)
		return
	}
	s.cfg.Bus.Publish(nowUS, &e)
}

package airspace

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

var (
	// ErrPriority is returned when something cannot be priority traffic as it was asked; it wraps what is wrong.
	ErrPriority = errors.New("cannot be priority traffic")
	// ErrPriorityOver is returned when priority traffic shall change that has ended.
	ErrPriorityOver = errors.New("this priority traffic is over: announce it anew")
	// ErrManyPriorities is returned when there is as much priority traffic as can be watched.
	ErrManyPriorities = errors.New("too much priority traffic at the same time: end what has passed")
)

// Limits of priority traffic.
const (
	maxPriorities    = 20 // in force at the same time
	maxPriorityRoute = 100
	maxPriorityTime  = 24 * time.Hour
	// PriorityAfter is how long after its clear-by time priority traffic ends by itself,
	// unless it says otherwise.
	PriorityAfter = 30 * time.Minute
	// keepPriorities is how long one that is over can be read.
	keepPriorities = 24 * time.Hour
)

// PriorityKinds lists what priority traffic may be.
func PriorityKinds() []string {
	return []string{"helicopter", "aircraft", "ambulance", "fire_engine", "police", "ship", "other"}
}

// Priority is traffic that has priority, with the keep-out that moves with it
// (SAFETY 15). Its JSON is the journal's form: members are added, never changed.
type Priority struct {
	ID   string `json:"id"` // pt_…
	Name string `json:"name"`
	Kind string `json:"kind"`

	// Track is the traffic that it follows. Empty: people placed it, at Route[0] at AtUS.
	Track     string          `json:"track,omitempty"`
	Route     []PriorityPoint `json:"route,omitempty"`
	AtUS      int64           `json:"at_us,omitempty"`
	CourseDeg float64         `json:"course_deg,omitempty"` // of a route of one point
	SpeedMPS  float64         `json:"speed_mps,omitempty"`

	RadiusM    float64        `json:"radius_m"`
	Floor      *PriorityLimit `json:"floor,omitempty"`
	Ceiling    *PriorityLimit `json:"ceiling,omitempty"`
	Classes    []string       `json:"classes,omitempty"` // whom it is about; empty: everybody
	LookAheadS float64        `json:"look_ahead_s"`
	ClearByUS  int64          `json:"clear_by_us"`
	UntilUS    int64          `json:"until_us"` // it ends by itself

	EndedUS int64  `json:"ended_us,omitempty"` // 0: it was not ended
	Reason  string `json:"reason,omitempty"`   // of its end
	Stamp

	// Provisional: it is in force so, and the journal does not have it.
	Provisional bool `json:"-"`
	// Err is why the journal refused it: it ends with the server. Nil: it may still
	// come into the journal.
	Err error `json:"-"`
}

// PriorityPoint is a point of a route, in lattice units.
type PriorityPoint struct {
	Lat int32 `json:"lat_e7"`
	Lon int32 `json:"lon_e7"`
}

// PriorityLimit is a limit of the height band, in millimetres.
type PriorityLimit struct {
	MM    int32  `json:"mm"`
	Datum string `json:"datum"` // amsl, wgs84 or agl
}

// InForce reports whether it is to be kept clear of.
func (p *Priority) InForce(now time.Time) bool { return p.EndedUS == 0 && now.UnixMicro() < p.UntilUS }

// over is when it ended; 0: it goes on.
func (p *Priority) over(now time.Time) int64 {
	switch {
	case p.EndedUS != 0:
		return p.EndedUS
	case p.InForce(now):
		return 0
	}
	return p.UntilUS
}

func (p Priority) clone() Priority {
	p.Route, p.Classes = slices.Clone(p.Route), slices.Clone(p.Classes)
	return p
}

// check says what is wrong with it.
func (p *Priority) check(now time.Time) error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrPriority, fmt.Sprintf(format, args...))
	}
	within := func(v, least, most float64) bool { return v >= least && v <= most } // false for NaN
	day := maxPriorityTime.Microseconds()
	switch nowUS := now.UnixMicro(); {
	case utf8.RuneCountInString(strings.TrimSpace(p.Name)) < 1 || utf8.RuneCountInString(p.Name) > 80:
		return fault("give it a name of 1 to 80 characters")
	case !slices.Contains(PriorityKinds(), p.Kind):
		return fault("kind %q: use one of %s", p.Kind, strings.Join(PriorityKinds(), ", "))
	case (p.Track == "") == (len(p.Route) == 0):
		return fault("say where it is: a track of traffic, or a position or route, and not both")
	case len(p.Track) > 128:
		return fault("a track has at most 128 characters")
	case len(p.Route) > maxPriorityRoute:
		return fault("a route has at most %d points", maxPriorityRoute)
	case slices.ContainsFunc(p.Route, func(at PriorityPoint) bool { return !(geo.Point{Lat: at.Lat, Lon: at.Lon}).Valid() }):
		return fault("a point lies off the globe")
	case len(p.Route) > 0 && (p.AtUS < nowUS-day || p.AtUS > nowUS+day):
		return fault("it is placed within a day of now")
	case !within(p.SpeedMPS, 0, 150) || !within(p.CourseDeg, 0, 360):
		return fault("the speed is 0 to 150 m/s, the course 0 to 360 degrees")
	case !within(p.RadiusM, 20, 10_000):
		return fault("the radius is 20 m to 10 km")
	case !within(p.LookAheadS, 10, 600):
		return fault("it looks ahead for 10 to 600 s")
	case p.ClearByUS < nowUS-day || p.ClearByUS > nowUS+day:
		return fault("the way is to be clear within a day of now")
	case p.UntilUS <= nowUS || p.UntilUS > nowUS+2*day:
		return fault("it ends within two days from now")
	}
	for _, c := range p.Classes {
		if _, ok := vehicles.ParseClass(c); !ok {
			return fault("class %q: use uav, icv or usv", c)
		}
	}
	return p.checkBand(fault)
}

func (p *Priority) checkBand(fault func(string, ...any) error) error {
	for _, l := range []*PriorityLimit{p.Floor, p.Ceiling} {
		if l == nil {
			continue
		}
		if d, ok := geo.ParseDatum(l.Datum); !ok || d != geo.AMSL && d != geo.WGS84 && d != geo.AGL {
			return fault("datum %q: use amsl, wgs84 or agl; a height above a start point says nothing of others", l.Datum)
		}
		if math.Abs(float64(l.MM)) > 20_000_000 {
			return fault("the band lies within 20 km")
		}
	}
	if f, c := p.Floor, p.Ceiling; f != nil && c != nil && f.Datum == c.Datum && f.MM > c.MM {
		return fault("the floor is above the ceiling")
	}
	return nil
}

// hasty is priority traffic that is in force before the journal has it.
type hasty struct {
	priority Priority
	decision *decision
}

// Priorities lists priority traffic by id; only what is in force, unless all is set.
func (r *Register) Priorities(all bool) []Priority {
	now := r.cfg.Clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.DeleteFunc(r.prioritiesNow(), func(p Priority) bool { return !all && !p.InForce(now) })
}

// prioritiesNow is priority traffic as it is in force. Called with r.mu held.
func (r *Register) prioritiesNow() []Priority {
	now := map[string]*Priority{}
	for id, p := range r.priorities.of {
		now[id] = &p
	}
	for id, h := range r.hasty {
		now[id] = h.shown()
	}
	out := sorted(now)
	list := make([]Priority, len(out))
	for i := range out {
		list[i] = out[i].clone()
	}
	return list
}

func (h *hasty) shown() *Priority {
	p := h.priority
	if p.Provisional = true; h.decision.ended() {
		p.Err = h.decision.err
	}
	return &p
}

// Priority is one of them, and what is over for a day after.
func (r *Register) Priority(id string) (Priority, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.priorityNow(id)
}

func (r *Register) priorityNow(id string) (Priority, error) {
	if h := r.hasty[id]; h != nil {
		return h.shown().clone(), nil
	}
	p, err := find(r.priorities.of, "priority traffic", id)
	return p.clone(), err
}

// AnnouncePriority has vehicles kept clear of priority traffic from now on, before
// the journal has it: more to keep out of does no harm. When the journal has it within
// a second it is answered as durable, else as Provisional.
func (r *Register) AnnouncePriority(ctx context.Context, who Actor, p Priority) (Priority, error) {
	now := r.cfg.Clock()
	p = p.clone()
	p.ID, p.EndedUS, p.Reason = newAccountID(ctx, "pt_"), 0, ""
	return r.putPriority(ctx, who, actAnnounce, p, now, func() error {
		inForce := 0
		for _, o := range r.prioritiesNow() {
			if o.InForce(now) {
				inForce++
			}
		}
		if inForce >= maxPriorities {
			return ErrManyPriorities
		}
		return nil
	})
}

// ChangePriority makes priority traffic be what change makes of it, from now on, as
// AnnouncePriority; rev is the revision that its author saw.
func (r *Register) ChangePriority(ctx context.Context, who Actor, id string, rev uint64, change func(*Priority)) (Priority, error) {
	now := r.cfg.Clock()
	have, err := r.Priority(id)
	if err != nil {
		return Priority{}, err
	}
	next := have
	change(&next)
	next.ID, next.EndedUS, next.Reason, next.Stamp = id, 0, "", have.Stamp
	return r.putPriority(ctx, who, actChangePriority, next, now, func() error {
		is, err := r.priorityNow(id)
		switch {
		case err != nil:
			return err
		case is.Rev != rev || have.Rev != rev:
			return &StaleError{What: "priority traffic", ID: id, Current: is.Rev}
		case !is.InForce(now):
			return ErrPriorityOver
		}
		return nil
	})
}

// putPriority puts priority traffic in force and has the journal take it. check is
// called with r.mu held.
func (r *Register) putPriority(ctx context.Context, who Actor, act string, p Priority, now time.Time, check func() error) (Priority, error) {
	if !who.May(ZoneControl) {
		return Priority{}, fmt.Errorf("priority traffic: %s: %w", who.ID, ErrForbidden)
	}
	if err := p.check(now); err != nil {
		return Priority{}, err
	}
	p.Provisional, p.Err = false, nil
	p.stamp(who, now)
	r.mu.Lock()
	if before, ok, err := r.answeredPriority(journal.RequestOf(ctx), now); ok || err != nil {
		r.mu.Unlock()
		return before, err
	}
	if err := check(); err != nil || IsRehearsal(ctx) {
		r.mu.Unlock()
		return p, err
	}
	d, err := r.priorityDecision(ctx, act, true, func() (Priority, error) { return p, nil }, p.ID)
	if err != nil {
		r.mu.Unlock()
		return Priority{}, err
	}
	r.hasty[p.ID] = &hasty{p, d}
	r.mu.Unlock()
	r.tellPriorities()
	r.begin(d)
	patient := time.NewTimer(emergencyPatience)
	defer patient.Stop()
	select {
	case <-d.done:
	case <-patient.C:
	}
	if d.ended() && errors.Is(d.err, journal.ErrKeyReused) { // nothing new was asked for
		r.withdrawPriority(d, p.ID)
		return Priority{}, d.err
	}
	return r.Priority(p.ID)
}

// withdrawPriority takes back what d put in force, as it was before.
func (r *Register) withdrawPriority(d *decision, id string) {
	r.mu.Lock()
	if h := r.hasty[id]; h != nil && h.decision == d {
		delete(r.hasty, id)
	}
	r.mu.Unlock()
	r.tellPriorities()
}

// refusedPriority is one that the journal refused and never had.
func (r *Register) refusedPriority(id string) (*hasty, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	h := r.hasty[id]
	_, durable := r.priorities.of[id]
	return h, h != nil && !durable && h.decision.ended()
}

func (p *Priority) stamp(who Actor, now time.Time) {
	at := now.UnixMicro()
	if p.Rev++; p.Rev == 1 {
		p.CreatedUS = at
	}
	p.UpdatedUS, p.UpdatedBy = at, who.ID
}

// EndPriority ends priority traffic. It is in force until the journal has its end: an
// end that is lost would be no end after a restart.
func (r *Register) EndPriority(ctx context.Context, who Actor, id string, rev uint64, reason string) (Priority, error) {
	if !who.May(ZoneControl) {
		return Priority{}, fmt.Errorf("end priority traffic: %s: %w", who.ID, ErrForbidden)
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return Priority{}, fmt.Errorf("%w: a reason has at most %d characters", ErrPriority, maxReason)
	}
	plan := func() (Priority, error) {
		now := r.cfg.Clock()
		p, err := r.priorityNow(id)
		switch {
		case err != nil:
			return p, err
		case p.Rev != rev:
			return p, &StaleError{What: "priority traffic", ID: id, Current: p.Rev}
		case !p.InForce(now):
			return p, ErrPriorityOver
		}
		p.EndedUS, p.Reason = now.UnixMicro(), reason
		p.Provisional, p.Err = false, nil
		p.stamp(who, now)
		return p, nil
	}
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return plan()
	}
	if h, is := r.refusedPriority(id); is {
		r.mu.RLock()
		out, err := plan()
		r.mu.RUnlock()
		if err == nil {
			r.withdrawPriority(h.decision, id)
		}
		return out, err
	}
	d, err := r.priorityDecision(ctx, actEndPriority, false, plan, id)
	if err == nil {
		err = r.decide(ctx, d)
	}
	if err != nil && !errors.Is(err, errAnswered) {
		return Priority{}, err
	}
	return r.Priority(id)
}

func (r *Register) tellPriorities() {
	if r.cfg.PrioritiesChanged != nil {
		r.cfg.PrioritiesChanged()
	}
}

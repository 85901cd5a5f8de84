package airspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

var (
	// ErrRestriction is returned when something cannot be a temporary restriction as it was asked; it wraps what is wrong.
	ErrRestriction = errors.New("cannot be a temporary restriction")
	// ErrRestrictionOver is returned when a restriction shall change or be acknowledged that is over.
	ErrRestrictionOver = errors.New("this restriction is over: make another")
	// ErrNotTold is returned when somebody acknowledges a restriction that does not affect it.
	ErrNotTold = errors.New("this restriction is not addressed to your organisation")
)

// RestrictionKind says which notice a restriction needs.
type RestrictionKind string

// The kinds.
const (
	PlannedRestriction RestrictionKind = "planned" // for an event: the clock tca.major of the rule pack
	UrgentRestriction  RestrictionKind = "urgent"  // for an emergency or a military task: tca.urgent; may begin at once
)

// RestrictionOrigin is the origin of the fence of a restriction.
const RestrictionOrigin = "restriction"

// ackWithin is how long those who are told have to acknowledge; never longer than until
// it begins, if that is later than ackLeast from now. The texts give no number.
func (k RestrictionKind) ackWithin() time.Duration {
	if k == UrgentRestriction {
		return 10 * time.Minute
	}
	return 4 * time.Hour
}

const ackLeast = 5 * time.Minute

// maxRestriction is how long a restriction lasts at most.
const maxRestriction = 31 * 24 * time.Hour

// Restriction closes a part of the zone for a time, to all but those who are exempt. It
// is a keep-out fence of the register's, which begins and ends by itself, and a notice
// that those whom it affects acknowledge. Its JSON is the journal's form: members are
// added, never changed.
type Restriction struct {
	ID     string          `json:"id"` // rs_…
	Name   string          `json:"name"`
	Kind   RestrictionKind `json:"kind"`
	Reason string          `json:"reason,omitempty"`
	Fence  string          `json:"fence"`
	FromUS int64           `json:"from_us"`
	ToUS   int64           `json:"to_us"`

	PublishedUS int64  `json:"published_us"`
	NoticeUS    int64  `json:"notice_us,omitempty"` // by when it had to be published; 0: no rule pack says
	Pack        string `json:"pack,omitempty"`      // the rule pack that says so
	Late        bool   `json:"late,omitempty"`      // it was published after that; it is in force all the same

	Told    []Notice `json:"told"`     // whom it affects, by organisation
	ToldRev uint64   `json:"told_rev"` // the revision that they acknowledge

	EndedUS   int64  `json:"ended_us,omitempty"`
	EndReason string `json:"end_reason,omitempty"`
	Stamp
}

// Notice is what one organisation was told and has to acknowledge.
type Notice struct {
	Org   string `json:"org"`
	DueUS int64  `json:"due_us"`
	AckUS int64  `json:"ack_us,omitempty"`
	By    string `json:"by,omitempty"`   // who acknowledged
	Note  string `json:"note,omitempty"` // of a controller who acknowledged for it, e.g. by telephone
}

// InForce reports whether it holds now.
func (t *Restriction) InForce(nowUS int64) bool {
	return t.EndedUS == 0 && t.FromUS <= nowUS && nowUS < t.ToUS
}

// Over reports whether it ended, by itself or by somebody.
func (t *Restriction) Over(nowUS int64) bool { return t.EndedUS != 0 || nowUS >= t.ToUS }

// Unacknowledged lists who has not acknowledged although its time is up.
func (t *Restriction) Unacknowledged(nowUS int64) (out []Notice) {
	for _, n := range t.Told {
		if n.AckUS == 0 && nowUS >= n.DueUS && !t.Over(nowUS) {
			out = append(out, n)
		}
	}
	return out
}

func (t Restriction) clone() Restriction {
	t.Told = slices.Clone(t.Told)
	return t
}

// RestrictionRequest asks for a restriction: the area, heights, classes, response and
// exemptions are those of the fence.
type RestrictionRequest struct {
	Name, Reason string
	Kind         RestrictionKind
	FromUS, ToUS int64 // FromUS 0: at once
	Fence        geofence.Fence
	Tell         []string // organisations, beside those that the register finds
}

func (q *RestrictionRequest) check(now time.Time) error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrRestriction, fmt.Sprintf(format, args...))
	}
	if q.FromUS == 0 {
		q.FromUS = now.UnixMicro()
	}
	switch n := utf8.RuneCountInString(q.Name); {
	case n < 1 || n > maxName:
		return fault("a name has 1 to %d characters", maxName)
	case utf8.RuneCountInString(q.Reason) > maxReason:
		return fault("a reason has at most %d characters", maxReason)
	case q.Kind != PlannedRestriction && q.Kind != UrgentRestriction:
		return fault("kind %q: use planned or urgent", q.Kind)
	case q.FromUS < now.Add(-time.Minute).UnixMicro():
		return fault("it begins in the past: leave the begin out for at once")
	case q.ToUS <= q.FromUS:
		return fault("it ends before it begins")
	case q.ToUS-q.FromUS > maxRestriction.Microseconds():
		return fault("it lasts at most %d days", maxRestriction/(24*time.Hour))
	}
	return nil
}

// fence is the restriction's fence, of a revision.
func (t *Restriction) fence(f geofence.Fence, rev uint64) (plan, error) {
	f.ID, f.Name, f.Kind, f.Rev = t.Fence, t.Name, geofence.KeepOut, rev
	f.Origin = geofence.Origin{Kind: RestrictionOrigin, ID: t.ID}
	f.Schedule = geofence.Schedule{Windows: []geofence.Window{{FromUS: t.FromUS, ToUS: t.ToUS}}}
	f.SpeedMPS, f.Group, f.Permits = 0, "", nil
	return planDefined(f, rev-1)
}

// Restrict closes a part of the zone for a time. One that is urgent goes before other
// decisions and compares with nothing, so that none makes it fail. It is in force from
// its begin on when this answers; that its notice is late is said, and changes nothing.
func (r *Register) Restrict(ctx context.Context, who Actor, q RestrictionRequest) (Restriction, error) {
	if !who.May(ZoneControl) {
		return Restriction{}, fmt.Errorf("restrict: %s: %w", who.ID, ErrForbidden)
	}
	now := r.cfg.Clock()
	if err := q.check(now); err != nil {
		return Restriction{}, err
	}
	t := Restriction{ID: newAccountID(ctx, "rs_"), Name: q.Name, Kind: q.Kind, Reason: q.Reason, Fence: newID("fn_"), FromUS: q.FromUS, ToUS: q.ToUS}
	p, err := t.fence(q.Fence, 1)
	if err != nil {
		return Restriction{}, err
	}
	r.setNotice(&t)
	return r.decideRestriction(ctx, who, restrictionAct{name: actRestrict, id: t.ID, urgent: q.Kind == UrgentRestriction, check: func(now time.Time) (Restriction, *plan, error) {
		made := t.clone()
		made.publish(now.UnixMicro(), r.affected(p.compiled, &made, q.Tell))
		return made, &p, nil
	}})
}

func (r *Register) setNotice(t *Restriction) {
	if r.cfg.NoticeDue == nil {
		return
	}
	clock := map[RestrictionKind]string{PlannedRestriction: "tca.major", UrgentRestriction: "tca.urgent"}[t.Kind]
	t.NoticeUS, t.Pack = r.cfg.NoticeDue(clock, t.FromUS)
}

// publish tells organisations at a moment: the clock of their acknowledgement begins.
func (t *Restriction) publish(nowUS int64, orgs []string) {
	t.PublishedUS = nowUS
	t.Late = t.NoticeUS != 0 && nowUS/1e6 > t.NoticeUS/1e6
	due := min(nowUS+t.Kind.ackWithin().Microseconds(), max(t.FromUS, nowUS+ackLeast.Microseconds()))
	t.Told = make([]Notice, 0, len(orgs))
	for _, org := range orgs {
		t.Told = append(t.Told, Notice{Org: org, DueUS: due})
	}
}

// affected lists the organisations that a restriction is for: those with a registered
// vehicle to which it applies, those who booked what it meets, and those that are named.
// Told once too often is the safe side. Called with r.mu held.
func (r *Register) affected(c *geofence.Compiled, t *Restriction, named []string) []string {
	told := map[string]bool{}
	for _, v := range r.fleet.all() {
		class, _ := vehicles.ParseClass(v.Class)
		s := geofence.Subject{Class: class, Operator: v.Operator, Vehicle: vehicles.VehicleID(v.ID), Verified: true}
		if v.State != Withdrawn && c.AppliesTo(&s) {
			told[v.Operator] = true
		}
	}
	for _, b := range r.bookingsIn(&c.Fence, t.FromUS, t.ToUS) {
		told[b.Org] = true
	}
	for _, org := range named {
		told[org] = true
	}
	var out []string
	for org := range told {
		if o, known := r.accounts.organisations[org]; known && !o.Disabled && o.Kind != Sandbox {
			out = append(out, org)
		}
	}
	slices.Sort(out)
	return out
}

// ExtendRestriction moves the end of a restriction, if rev is its current revision. It
// is a new notice: it has to be acknowledged again.
func (r *Register) ExtendRestriction(ctx context.Context, who Actor, id string, rev uint64, toUS int64) (Restriction, error) {
	if !who.May(ZoneControl) {
		return Restriction{}, fmt.Errorf("extend restriction %s: %s: %w", id, who.ID, ErrForbidden)
	}
	have, err := r.Restriction(id)
	if err != nil {
		return have, err
	}
	record, err := r.Fence(have.Fence)
	if err != nil {
		return have, err
	}
	next := have.clone()
	next.ToUS = toUS
	p, err := next.fence(record.Fence, record.Fence.Rev+1)
	if err != nil {
		return have, err
	}
	return r.decideRestriction(ctx, who, restrictionAct{name: actExtendRestriction, id: id, check: func(now time.Time) (Restriction, *plan, error) {
		t, err := r.openRestriction(id, rev, now)
		switch {
		case err != nil:
			return t, nil, err
		case toUS <= now.UnixMicro(), toUS <= t.FromUS:
			return t, nil, fmt.Errorf("%w: it ends later than now and than it begins: to end it, end it", ErrRestriction)
		case toUS-t.FromUS > maxRestriction.Microseconds():
			return t, nil, fmt.Errorf("%w: it lasts at most %d days", ErrRestriction, maxRestriction/(24*time.Hour))
		}
		t.ToUS = toUS
		var before []string
		for _, n := range t.Told {
			before = append(before, n.Org)
		}
		late := t.Late
		t.publish(now.UnixMicro(), r.affected(p.compiled, &t, before))
		t.Late, t.PublishedUS = late, have.PublishedUS // of the first notice
		return t, &p, nil
	}})
}

// EndRestriction ends a restriction before its time, if rev is its current revision.
func (r *Register) EndRestriction(ctx context.Context, who Actor, id string, rev uint64, reason string) (Restriction, error) {
	switch {
	case !who.May(ZoneControl):
		return Restriction{}, fmt.Errorf("end restriction %s: %s: %w", id, who.ID, ErrForbidden)
	case utf8.RuneCountInString(reason) > maxReason:
		return Restriction{}, fmt.Errorf("%w: a reason has at most %d characters", ErrRestriction, maxReason)
	}
	return r.decideRestriction(ctx, who, restrictionAct{name: actEndRestriction, id: id, reason: reason, check: func(now time.Time) (Restriction, *plan, error) {
		t, err := r.openRestriction(id, rev, now)
		t.EndedUS, t.EndReason = now.UnixMicro(), reason
		return t, &plan{id: t.Fence}, err
	}})
}

// AcknowledgeRestriction notes that an organisation has read a restriction. A controller
// does it for another one, with a note how it knows. It compares with nothing: the
// restriction may have got longer meanwhile only with a new clock, which rev tells.
func (r *Register) AcknowledgeRestriction(ctx context.Context, who Actor, id string, rev uint64, org, note string) (Restriction, error) {
	control := who.May(ZoneControl)
	if org == "" {
		org = who.Org
	}
	switch {
	case !control && org != who.Org:
		return Restriction{}, fmt.Errorf("acknowledge for %s: %s: %w", org, who.ID, ErrForbidden)
	case control && org != who.Org && note == "":
		return Restriction{}, fmt.Errorf("%w: say how you know that %s has read it", ErrRestriction, org)
	case utf8.RuneCountInString(note) > maxReason:
		return Restriction{}, fmt.Errorf("%w: a note has at most %d characters", ErrRestriction, maxReason)
	}
	return r.decideRestriction(ctx, who, restrictionAct{name: actAcknowledge, id: id, reason: note, check: func(now time.Time) (Restriction, *plan, error) {
		t, err := find(r.restrictions.of, "restriction", id)
		if err != nil {
			return t, nil, err
		}
		t = t.clone()
		i := slices.IndexFunc(t.Told, func(n Notice) bool { return n.Org == org })
		switch {
		case i < 0:
			return t, nil, fmt.Errorf("acknowledge restriction %s: %w", id, ErrNotTold)
		case t.Over(now.UnixMicro()):
			return t, nil, fmt.Errorf("acknowledge restriction %s: %w", id, ErrRestrictionOver)
		case t.ToldRev > rev: // it was extended since
			return t, nil, &StaleError{What: "restriction", ID: id, Current: t.Rev}
		case t.Told[i].AckUS != 0:
			return t, nil, errAnswered // the second time answers as the first
		}
		t.Told[i].AckUS, t.Told[i].By, t.Told[i].Note = now.UnixMicro(), who.ID, note
		return t, nil, nil
	}})
}

// openRestriction is one that is not over, of a revision. Called with r.mu held.
func (r *Register) openRestriction(id string, rev uint64, now time.Time) (Restriction, error) {
	t, err := find(r.restrictions.of, "restriction", id)
	switch {
	case err != nil:
		return t, err
	case t.Over(now.UnixMicro()):
		return t, fmt.Errorf("restriction %s: %w", id, ErrRestrictionOver)
	}
	return t.clone(), current("restriction", id, t.Stamp, rev)
}

// EndRestrictions notes which restrictions are over by themselves, and takes their
// fences away. Call it once in a while.
func (r *Register) EndRestrictions(ctx context.Context) error {
	zone := Actor{ID: "zone", Roles: []Role{Controller}}
	for _, t := range r.Restrictions(false) {
		if now := r.cfg.Clock().UnixMicro(); t.EndedUS != 0 || now < t.ToUS {
			continue
		}
		_, err := r.decideRestriction(ctx, zone, restrictionAct{name: actEndRestriction, id: t.ID, check: func(now time.Time) (Restriction, *plan, error) {
			is := r.restrictions.of[t.ID].clone()
			if is.EndedUS != 0 || now.UnixMicro() < is.ToUS {
				return is, nil, errAnswered // it was extended meanwhile
			}
			is.EndedUS, is.EndReason = is.ToUS, "its time was over"
			return is, &plan{id: is.Fence}, nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// Restrictions lists restrictions by id: those that the journal does not know to be
// over, or all that are kept.
func (r *Register) Restrictions(all bool) []Restriction {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := sorted(r.restrictions.of)
	out = slices.DeleteFunc(out, func(t Restriction) bool { return !all && t.EndedUS != 0 })
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}

// Restriction is one restriction.
func (r *Register) Restriction(id string) (Restriction, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t, err := find(r.restrictions.of, "restriction", id)
	return t.clone(), err
}

// RestrictedAt names the restriction in force that keeps a vehicle off where it is:
// nothing new begins there. Empty: none.
func (r *Register) RestrictedAt(s *geofence.Subject, fix geo.Fix) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	now := r.cfg.Clock().UnixMicro()
	for _, t := range r.restrictions.of {
		f := r.fences[t.Fence]
		if t.InForce(now) && f != nil && f.compiled != nil && f.compiled.AppliesTo(s) && f.compiled.Breaches(fix, s.Class) {
			return t.Name
		}
	}
	return ""
}

// RestrictionImpact is what of the zone a restriction meets, beside the vehicles that
// are followed.
type RestrictionImpact struct {
	Bookings []Booking
	Others   []string // permits and intents whose volumes it meets, e.g. permit:pm_1
	Told     []string // organisations
}

// ImpactOf says what a fence would meet during a span of time.
func (r *Register) ImpactOf(c *geofence.Compiled, fromUS, toUS int64, named []string) RestrictionImpact {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := Restriction{FromUS: fromUS, ToUS: toUS}
	return RestrictionImpact{Bookings: r.bookingsIn(&c.Fence, fromUS, toUS), Others: r.othersIn(&c.Fence, fromUS, toUS), Told: r.affected(c, &t, named)}
}

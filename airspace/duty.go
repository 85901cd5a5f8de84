package airspace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"testzone/geofence/geo"
)

var (
	// ErrDuty is returned when somebody cannot be on duty as it was asked; it wraps what is wrong.
	ErrDuty = errors.New("cannot be a duty")
	// ErrBriefing is returned when a handover is taken without its briefing: one that is not the offer's, or too old.
	ErrBriefing = errors.New("confirm the briefing of this handover: read it, and if it is older than 30 minutes have it offered again")
	// ErrNotOffered is returned when a duty is not offered to who takes it.
	ErrNotOffered = errors.New("this duty is not offered to you")
)

// Sector is a part of the zone that controllers are responsible for.
type Sector struct {
	ID   string // 1 to 40 of a-z, 0-9 and -
	Name string
	// Ring is where it is, a simple polygon; empty: it has no area, and nobody is
	// held back because it is not covered.
	Ring geo.Ring
}

// Holds reports whether a place is in the sector, its edge included.
func (s *Sector) Holds(p geo.Point) bool {
	in, on := geo.NewRegion(geo.Polygon{Outer: s.Ring}).Locate(p)
	return in || on
}

// SectorsAt names the sectors that hold a place.
func (z *Zone) SectorsAt(p geo.Point) (ids []string) {
	for i := range z.Sectors {
		if s := &z.Sectors[i]; len(s.Ring) > 0 && s.Holds(p) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// Inside reports whether a place is in the zone: in one of its sectors when they have
// areas, else in its box.
func (z *Zone) Inside(p geo.Point) bool {
	areas := false
	for i := range z.Sectors {
		if len(z.Sectors[i].Ring) == 0 {
			continue
		}
		if areas = true; z.Sectors[i].Holds(p) {
			return true
		}
	}
	return !areas && p.Lon >= z.South.Lon && p.Lon <= z.North.Lon && p.Lat >= z.South.Lat && p.Lat <= z.North.Lat
}

// Duty is a controller who is responsible for the zone or some of its sectors,
// from signing on until it signs off or another one took over. A person has one at
// most. Its JSON is the journal's form: members are added, never changed.
type Duty struct {
	ID          string    `json:"id"` // dt_…
	Person      string    `json:"person"`
	Sectors     []string  `json:"sectors,omitempty"` // sorted; empty: the whole zone
	SinceUS     int64     `json:"since_us"`
	ConfirmedUS int64     `json:"confirmed_us"` // when it said last that it is there
	EndedUS     int64     `json:"ended_us,omitempty"`
	TakenBy     string    `json:"taken_by,omitempty"` // of one that ended by a handover: the person
	Offer       *Handover `json:"offer,omitempty"`    // to another person, which has not taken it yet
	Stamp

	// Present: it can be relied on: the person said so since the server's start, and
	// may still control the zone.
	Present bool `json:"-"`
}

// Handover is the offer of a duty to another person. Until that took it nothing
// changes.
type Handover struct {
	To       string         `json:"to"`
	Briefing []BriefingItem `json:"briefing"`
	Digest   string         `json:"digest"` // of the briefing: what the taker confirms
	AtUS     int64          `json:"at_us"`
}

// BriefingItem is one thing that the taker has to know.
type BriefingItem struct {
	Kind string `json:"kind"` // e.g. alert
	ID   string `json:"id,omitempty"`
	Text string `json:"text"`
}

// offerLife is how long a briefing is fresh enough to be taken.
const offerLife = 30 * time.Minute

func (d Duty) clone() Duty {
	d.Sectors = slices.Clone(d.Sectors)
	if d.Offer != nil {
		o := *d.Offer
		d.Offer = &o
	}
	return d
}

// covers reports whether the duty is about a sector.
func (d *Duty) covers(sector string) bool {
	return len(d.Sectors) == 0 || slices.Contains(d.Sectors, sector)
}

// OnDuty lists who is signed on, by id.
func (r *Register) OnDuty() []Duty {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.onDuty()
}

func (r *Register) onDuty() []Duty {
	out := sorted(r.control.duties)
	for i := range out {
		out[i] = out[i].clone()
		out[i].Present = r.present(&out[i])
	}
	return out
}

// present reports whether a duty can be relied on. Called with r.mu held.
func (r *Register) present(d *Duty) bool {
	if p, known := r.accounts.people[d.Person]; known {
		if _, err := r.activePerson(p.ID); err != nil || !p.may(ZoneControl) {
			return false
		}
	}
	return d.ConfirmedUS >= r.startedUS
}

// Uncovered lists the sectors for which nobody is on duty who can be relied on; a
// zone without sectors is one, with an empty id.
func (r *Register) Uncovered() []Sector {
	r.mu.RLock()
	defer r.mu.RUnlock()
	sectors := r.cfg.Zone.Sectors
	if len(sectors) == 0 {
		sectors = []Sector{{Name: r.cfg.Zone.Name}}
	}
	duties := r.onDuty()
	var out []Sector
	for _, s := range sectors {
		if !slices.ContainsFunc(duties, func(d Duty) bool { return d.Present && d.covers(s.ID) }) {
			out = append(out, s)
		}
	}
	return out
}

// controllerID is the person of an actor; a program is never on duty.
func controllerID(who Actor) (string, error) {
	switch {
	case !who.May(ZoneControl):
		return "", fmt.Errorf("%s: %w", who.ID, ErrForbidden)
	case who.Key != "":
		return "", fmt.Errorf("%s: %w", who.ID, ErrNoPerson)
	}
	return cmp.Or(who.Person, who.ID), nil
}

// SignOn puts a controller on duty for some sectors, none for the whole zone. Who
// is on duty already confirms that it is there, and is responsible for these
// sectors from now on.
func (r *Register) SignOn(ctx context.Context, who Actor, sectors []string) (Duty, error) {
	person, err := controllerID(who)
	if err == nil {
		err = r.checkSectors(sectors)
	}
	if err != nil {
		return Duty{}, fmt.Errorf("sign on: %w", err)
	}
	sectors = slices.Compact(slices.Sorted(slices.Values(sectors)))
	return r.decideDuty(ctx, who, actSignOn, "", func(now time.Time) ([]Duty, error) {
		d := r.dutyOf(person)
		if d.ID == "" {
			d = Duty{ID: newAccountID(ctx, "dt_"), Person: person, SinceUS: now.UnixMicro()}
		}
		if !slices.Equal(d.Sectors, sectors) {
			d.Offer = nil // it was of other sectors
		}
		d.Sectors, d.ConfirmedUS = sectors, now.UnixMicro()
		return []Duty{d}, nil
	})
}

func (r *Register) checkSectors(sectors []string) error {
	for _, id := range sectors {
		if !slices.ContainsFunc(r.cfg.Zone.Sectors, func(s Sector) bool { return s.ID == id }) {
			return fmt.Errorf("%w: there is no sector %q: leave the sectors out for the whole zone", ErrDuty, id)
		}
	}
	return nil
}

// dutyOf is the duty of a person; without an id: none. Called with r.mu held.
func (r *Register) dutyOf(person string) Duty {
	for _, d := range r.control.duties {
		if d.Person == person {
			return d.clone()
		}
	}
	return Duty{}
}

// SignOff ends a duty. That of somebody else, who left without signing off, is
// ended with a reason.
func (r *Register) SignOff(ctx context.Context, who Actor, id, reason string) (Duty, error) {
	person, err := controllerID(who)
	if err != nil {
		return Duty{}, fmt.Errorf("sign off: %w", err)
	}
	return r.decideDuty(ctx, who, actSignOff, reason, func(now time.Time) ([]Duty, error) {
		d, err := find(r.control.duties, "duty", id)
		if err != nil {
			return nil, err
		}
		if d.Person != person && reason == "" {
			return nil, fmt.Errorf("%w: %s is somebody else's: say why you end it", ErrDuty, id)
		}
		d = d.clone()
		d.EndedUS = now.UnixMicro()
		return []Duty{d}, nil
	})
}

// Offer offers a duty to another controller, with a briefing; no person withdraws
// the offer. Until the other takes it nothing changes.
func (r *Register) Offer(ctx context.Context, who Actor, id, to string, briefing []BriefingItem) (Duty, error) {
	person, err := controllerID(who)
	if err != nil {
		return Duty{}, fmt.Errorf("hand over: %w", err)
	}
	text, err := json.Marshal(briefing)
	if err != nil {
		return Duty{}, fmt.Errorf("hand over: %w", err)
	}
	sum := sha256.Sum256(text)
	act := actOffer
	if to == "" {
		act = actWithdraw
	}
	return r.decideDuty(ctx, who, act, "", func(now time.Time) ([]Duty, error) {
		d, err := find(r.control.duties, "duty", id)
		if err != nil {
			return nil, err
		}
		if d.Person != person {
			return nil, fmt.Errorf("%w: %s is somebody else's: who is on duty hands it over", ErrDuty, id)
		}
		d = d.clone()
		d.ConfirmedUS, d.Offer = now.UnixMicro(), nil
		if to == "" {
			return []Duty{d}, nil
		}
		taker, err := r.activePerson(to)
		switch {
		case err != nil:
			return nil, err
		case to == person:
			return nil, fmt.Errorf("%w: hand it over to another person", ErrDuty)
		case !taker.may(ZoneControl):
			return nil, fmt.Errorf("%w: %s is no controller", ErrDuty, to)
		}
		d.Offer = &Handover{To: to, Briefing: briefing, Digest: hex.EncodeToString(sum[:16]), AtUS: now.UnixMicro()}
		return []Duty{d}, nil
	})
}

// Take takes a duty over that is offered; digest is that of the briefing, which
// the taker confirms to have read. The other's duty ends with it. Who is on duty
// already has the sectors of both.
func (r *Register) Take(ctx context.Context, who Actor, id, digest string) (Duty, error) {
	person, err := controllerID(who)
	if err != nil {
		return Duty{}, fmt.Errorf("take over: %w", err)
	}
	return r.decideDuty(ctx, who, actTake, "", func(now time.Time) ([]Duty, error) {
		given, err := find(r.control.duties, "duty", id)
		switch {
		case err != nil:
			return nil, err
		case given.Offer == nil || given.Offer.To != person:
			return nil, fmt.Errorf("take over %s: %w", id, ErrNotOffered)
		case given.Offer.Digest != digest, now.UnixMicro()-given.Offer.AtUS > offerLife.Microseconds():
			return nil, fmt.Errorf("take over %s: %w", id, ErrBriefing)
		}
		given = given.clone()
		given.EndedUS, given.TakenBy, given.Offer = now.UnixMicro(), person, nil
		taken := r.dutyOf(person)
		switch {
		case taken.ID == "":
			taken = Duty{ID: newAccountID(ctx, "dt_"), Person: person, SinceUS: now.UnixMicro(), Sectors: given.Sectors}
		case len(taken.Sectors) == 0 || len(given.Sectors) == 0:
			taken.Sectors = nil
		default:
			taken.Sectors = slices.Compact(slices.Sorted(slices.Values(append(taken.Sectors, given.Sectors...))))
		}
		taken.ConfirmedUS = now.UnixMicro()
		return []Duty{given, taken}, nil
	})
}

func (r *Register) tellDuty() {
	if r.cfg.DutyChanged != nil {
		r.cfg.DutyChanged()
	}
}

// MayStartAt is MayStart for a vehicle of which it is known where it stands: in a
// sector for which nobody is on duty it may not.
func (r *Register) MayStartAt(vehicle string, at geo.Point) (ok bool, reason string) {
	if ok, reason = r.MayStart(vehicle); !ok {
		return false, reason
	}
	covered, of := false, ""
	uncovered := r.Uncovered()
	for i := range r.cfg.Zone.Sectors {
		s := &r.cfg.Zone.Sectors[i]
		if len(s.Ring) == 0 || !s.Holds(at) {
			continue
		}
		if slices.ContainsFunc(uncovered, func(u Sector) bool { return u.ID == s.ID }) {
			of = cmp.Or(of, s.Name, s.ID)
		} else {
			covered = true // where sectors overlap one controller is enough
		}
	}
	if of != "" && !covered {
		return false, "no controller for " + of
	}
	return true, ""
}

// MayStart says whether a vehicle may begin something new, as far as decisions
// say; else why not, for its pilot (SAFETY 14).
func (r *Register) MayStart(vehicle string) (ok bool, reason string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mayStart(vehicle)
}

// mayStart is MayStart. Called with r.mu held.
func (r *Register) mayStart(vehicle string) (ok bool, reason string) {
	v, known := r.fleet.vehicle(vehicle)
	state := r.stateInForce()
	switch {
	case !known || v.State == Withdrawn:
		return false, "not registered"
	case v.State == Leaving:
		return false, "withdrawn: land and stop"
	case state.State == ZoneNoNewStarts:
		return false, "zone: no new starts"
	case state.State == ZoneClear:
		return false, "zone is being cleared"
	case state.State != ZoneOpen:
		return false, "zone is closed"
	case !slices.ContainsFunc(r.onDuty(), func(d Duty) bool { return d.Present }):
		return false, "no controller on duty"
	}
	return true, ""
}

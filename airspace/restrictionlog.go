package airspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/telemetry/journal"
)

// RestrictionSchema is the payload type of the journal's entries about temporary
// restrictions: JSON, a restrictionEntry. The fence of a restriction changes in an entry
// of its own, in the same append.
const RestrictionSchema = 22

// errRestrictionEntry is returned when an entry about a restriction cannot be read, e.g.
// because a newer program wrote it.
var errRestrictionEntry = errors.New("entry about a restriction is not readable by this program")

// The acts, for whoever reads the journal.
const (
	actRestrict          = "restriction.published"
	actExtendRestriction = "restriction.extended"
	actEndRestriction    = "restriction.ended"
	actAcknowledge       = "restriction.acknowledged"
)

// restrictionEntry is the journal's form of a decision about a restriction: the record
// as it is from now on. Members are added, never changed.
type restrictionEntry struct {
	Type    string              `json:"type"`
	Changes []restrictionChange `json:"changes"`
	Reason  string              `json:"reason,omitempty"`
	By      string              `json:"by"`
	AtUS    int64               `json:"at_us"`
	Request *journal.Request    `json:"request,omitempty"`
}

type restrictionChange struct {
	Restriction *Restriction `json:"restriction"`
}

// restrictions is the part of the register's state that is about them.
type restrictions struct {
	of      map[string]Restriction // and what was over for less than keepRestrictions
	answers keptAnswers[Restriction]
}

func newRestrictions() restrictions {
	return restrictions{map[string]Restriction{}, keptAnswers[Restriction]{}}
}

// keepRestrictions is how long one that is over can be read.
const keepRestrictions = 180 * 24 * time.Hour

// restrictionAct is a decision about a restriction. check says what it shall be and,
// when its fence changes too, to what: a plan without geometry takes the fence away.
type restrictionAct struct {
	name, reason, id string
	urgent           bool
	check            func(now time.Time) (Restriction, *plan, error)
}

func (r *Register) decideRestriction(ctx context.Context, who Actor, act restrictionAct) (Restriction, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		t, _, err := r.stampedRestriction(who, r.cfg.Clock(), act)
		if errors.Is(err, errAnswered) {
			err = nil
		}
		return t, err
	}
	about := journal.Aggregate("restriction:" + act.id)
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about, r.zone}, urgent: act.urgent})
	if err != nil {
		return Restriction{}, err
	}
	var out Restriction // the decider's: whoever leaves before it is done does not touch it
	d.plan = func(now time.Time) error {
		before, ok, err := r.restrictions.answers.of(d.request, now)
		if err != nil {
			return err
		}
		if ok {
			out = before
			return errAnswered
		}
		t, p, err := r.stampedRestriction(who, now, act)
		if out = t; err != nil {
			return err
		}
		e := restrictionEntry{Type: act.name, Changes: []restrictionChange{{&t}}, Reason: act.reason, By: who.ID, AtUS: now.UnixMicro(), Request: d.request}
		d.drafts, err = r.restrictionDrafts(&e, about, p, act.urgent)
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return Restriction{}, err
	}
	return out.clone(), nil
}

// restrictionDrafts are the entry of a restriction and that of its fence.
func (r *Register) restrictionDrafts(e *restrictionEntry, about journal.Aggregate, p *plan, urgent bool) ([]draft, error) {
	entry, kept, err := encodedEntry(RestrictionSchema, e, e.AtUS, e.Request)
	drafts := []draft{{entry: entry, touches: []journal.Aggregate{about}, apply: func() error { return r.applyRestriction(kept) }}}
	if err == nil && p != nil {
		f := fenceEntry{Type: fencePut, Fence: p.form, By: e.By, AtUS: e.AtUS}
		if p.compiled == nil {
			p.rev = r.fences[p.id].Fence.Rev
			f.Type, f.ID, f.Rev = fenceDeleted, p.id, p.rev+1
		}
		var body []byte
		body, err = json.Marshal(&f)
		drafts = append(drafts, r.fenceDraft(&f, 1, body, []readChange{p.change()}))
	}
	for i := range drafts {
		if d := &drafts[i]; urgent {
			d.entry.Emergency = true
			d.uncompared, d.touches = d.touches, nil
		}
	}
	return drafts, err
}

func (r *Register) stampedRestriction(who Actor, now time.Time, act restrictionAct) (Restriction, *plan, error) {
	t, p, err := act.check(now)
	if err != nil {
		return t, nil, err
	}
	if p != nil && p.compiled != nil && p.rev > 0 {
		if f := r.fences[p.id]; f == nil || f.Fence.Rev != p.rev {
			return t, nil, &StaleError{What: "restriction", ID: t.ID, Current: t.Rev}
		}
	}
	if t.Rev++; t.Rev == 1 {
		t.CreatedUS = now.UnixMicro()
	}
	if p != nil {
		t.ToldRev = t.Rev
	}
	t.UpdatedUS, t.UpdatedBy = now.UnixMicro(), who.ID
	return t, p, nil
}

// applyRestriction takes a durable entry into the state. Called with r.mu held.
func (r *Register) applyRestriction(e *restrictionEntry) error {
	if len(e.Changes) == 0 {
		return fmt.Errorf("%w: %s changes nothing", errRestrictionEntry, e.Type)
	}
	for _, c := range e.Changes {
		if c.Restriction == nil || c.Restriction.ID == "" {
			return fmt.Errorf("%w: %s", errRestrictionEntry, e.Type)
		}
		r.restrictions.of[c.Restriction.ID] = *c.Restriction
		r.noted(noticeOfRestriction(e.Type, c.Restriction, e.AtUS)...)
		if e.Request != nil {
			r.restrictions.answers.note(e.Request, e.AtUS, *c.Restriction)
		}
	}
	maps.DeleteFunc(r.restrictions.of, func(_ string, t Restriction) bool {
		return t.EndedUS != 0 && e.AtUS-t.EndedUS > keepRestrictions.Microseconds()
	})
	return nil
}

// volumesIn are the volumes that a fence meets during a span of time. Called with r.mu
// held.
func (r *Register) volumesIn(f *geofence.Fence, fromUS, toUS int64) []*volumes.Solid {
	s, err := volumes.Compile(volumes.Volume{ID: "asked", Shape: f.Shape, Floor: f.Floor, Ceiling: f.Ceiling, FromUS: fromUS, ToUS: toUS})
	if err != nil {
		return nil // its shape is that of a fence, which was checked
	}
	return r.volumes.Meeting(s, nil)
}

// bookingsIn are the bookings that a fence meets during a span of time, by id.
func (r *Register) bookingsIn(f *geofence.Fence, fromUS, toUS int64) (out []Booking) {
	for _, s := range r.volumesIn(f, fromUS, toUS) {
		if id, of := bookingOf(s.Volume.ID); of {
			out = append(out, r.places.bookings[id])
		}
	}
	slices.SortFunc(out, func(a, b Booking) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// othersIn are the permits and intents that a fence meets during a span of time.
func (r *Register) othersIn(f *geofence.Fence, fromUS, toUS int64) (out []string) {
	for _, s := range r.volumesIn(f, fromUS, toUS) {
		if _, of := bookingOf(s.Volume.ID); !of && s.Volume.Of != "" {
			out = append(out, s.Volume.Of)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

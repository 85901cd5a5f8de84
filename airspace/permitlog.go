package airspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/airspace/volumes"
	"testzone/telemetry/journal"
)

// PermitSchema is the payload type of the journal's entries about permits: JSON, a
// permitEntry.
const PermitSchema = 20

// errPermitEntry is returned when an entry about a permit cannot be read, e.g.
// because a newer program wrote it.
var errPermitEntry = errors.New("entry about a permit is not readable by this program")

// permitEntry is the journal's form of an act on a permit: the permit as it is from
// now on. Members are added, never changed.
type permitEntry struct {
	Type    string           `json:"type"` // the newest act of its history
	Permit  *permit.Permit   `json:"permit"`
	Reason  string           `json:"reason,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

// permits is the part of the register's state that is about permits.
type permits struct {
	book    *permit.Book
	answers keptAnswers[permit.Permit]
	// taken is the register's index: it has the volumes of the permits that hold room,
	// beside those of bookings.
	taken *volumes.Index
	// allowing are the permits that were ever effective: made of the book.
	allowing map[string]bool
}

func newPermits(taken *volumes.Index) permits {
	return permits{permit.NewBook(), keptAnswers[permit.Permit]{}, taken, map[string]bool{}}
}

// put takes a permit as it is from now on, and its room.
func (p *permits) put(next permit.Permit) error {
	if old, ok := p.book.Get(next.ID); ok && old.TakesRoom() {
		for _, v := range old.Volumes() {
			p.taken.Remove(v.ID)
		}
	}
	p.book.Put(next)
	if next.EffectiveUS != 0 && !next.Rehearsal {
		p.allowing[next.ID] = true
	}
	if !next.TakesRoom() {
		return nil
	}
	for _, v := range next.Volumes() {
		solid, err := volumes.Compile(v)
		if err == nil {
			err = p.taken.Insert(solid)
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", errPermitEntry, next.ID, err)
		}
	}
	return nil
}

// decidePermit decides about a permit: plan looks at the state, which is locked for
// reading, and says what the permit shall be. room: the act may take room, so that
// it waits for others that do. A request that was decided before gets its first answer.
func (r *Register) decidePermit(ctx context.Context, by, id string, room bool, plan func(now time.Time) (permit.Permit, error)) (permit.Permit, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return plan(r.cfg.Clock())
	}
	about := journal.Aggregate(permit.Of(id))
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about}})
	if err != nil {
		return permit.Permit{}, err
	}
	if room {
		d.about = append(d.about, r.zone)
	}
	var out permit.Permit // the decider's: whoever leaves before it is done does not touch it
	d.after = func() {
		if r.cfg.PermitChanged != nil {
			r.cfg.PermitChanged(out)
		}
	}
	d.plan = func(now time.Time) error {
		before, ok, err := r.permits.answers.of(d.request, now)
		if err != nil {
			return err
		}
		if ok {
			out = before
			return errAnswered
		}
		if out, err = plan(now); err != nil {
			return err
		}
		if g, is := out.Grant(now.UnixMicro()); is {
			if _, err := grantFences(&g); err != nil {
				return err
			}
		}
		was, _ := r.permits.book.Get(id)
		last := out.History[len(out.History)-1]
		e := &permitEntry{Type: last.Act, Permit: &out, Reason: last.Reason, By: by, AtUS: now.UnixMicro(), Request: d.request}
		entry, kept, err := encodedEntry(PermitSchema, e, e.AtUS, e.Request)
		// Others that decide about room meanwhile, on another node, are noticed.
		only := draft{entry: entry, touches: []journal.Aggregate{about}, zone: out.TakesRoom() && (!was.TakesRoom() || out.ToUS > was.ToUS), grants: out.EffectiveUS != 0 && !out.Rehearsal, apply: func() error { return r.applyPermit(kept) }}
		d.drafts, d.size = []draft{only}, len(entry.Body)
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return permit.Permit{}, err
	}
	return out, nil
}

// applyPermit takes a durable entry into the state. Called with r.mu held.
func (r *Register) applyPermit(e *permitEntry) error {
	if e.Permit == nil || e.Permit.ID == "" {
		return fmt.Errorf("%w: %s", errPermitEntry, e.Type)
	}
	if e.Request != nil {
		r.permits.answers.note(e.Request, e.AtUS, *e.Permit)
	}
	was, _ := r.permits.book.Get(e.Permit.ID)
	if err := r.permits.put(*e.Permit); err != nil {
		return err
	}
	r.noted(r.noticesOf(&was, e.Permit, e.AtUS)...)
	return nil
}

// permitsState is the permits' part of a snapshot.
type permitsState struct {
	Book    json.RawMessage            `json:"book"`
	Answers []keptState[permit.Permit] `json:"answers"`
}

func (p *permits) save() (s permitsState, err error) {
	s.Book, err = p.book.SaveState()
	s.Answers = p.answers.save()
	return s, err
}

func (p *permits) load(s *permitsState) error {
	book, err := permit.LoadState(s.Book)
	if err != nil {
		return err
	}
	for _, one := range book.List(func(*permit.Permit) bool { return true }) {
		if err := p.put(one); err != nil {
			return err
		}
	}
	p.answers.load(s.Answers)
	return nil
}

// packs are the rule packs of the zone.
func (r *Register) packs() (*rules.Set, error) {
	if r.cfg.Rules != nil {
		return r.cfg.Rules, nil
	}
	return r.embedded()
}

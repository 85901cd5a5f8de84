package airspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/telemetry/journal"
)

// ControlSchema is the payload type of the journal's entries about the state of
// the zone and its controllers on duty: JSON, a controlEntry.
const ControlSchema = 14

// errControlEntry is returned when a control entry of the journal cannot be read,
// e.g. because a newer program wrote it.
var errControlEntry = errors.New("control entry is not readable by this program")

// The acts, for whoever reads the journal.
const (
	actState    = "zone.state"
	actSignOn   = "duty.sign_on"
	actSignOff  = "duty.sign_off"
	actOffer    = "duty.offer"
	actWithdraw = "duty.withdraw"
	actTake     = "duty.take"
)

// controlEntry is the journal's form of a decision about the control of the zone:
// the records as they are from now on. Members are added, never changed.
type controlEntry struct {
	Act     string           `json:"act"`
	Changes []controlChange  `json:"changes"`
	Reason  string           `json:"reason,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

// controlChange is one record: the state, or a duty.
type controlChange struct {
	State *ZoneStatus `json:"state,omitempty"`
	Safer bool        `json:"safer,omitempty"` // of a state: it is a step in the safe direction, and compares with nothing
	Duty  *Duty       `json:"duty,omitempty"`
}

// control is the part of the register's state that is about the zone as a whole.
type control struct {
	state   ZoneStatus
	duties  map[string]Duty // that did not end
	answers keptAnswers[Duty]
}

// newControl is that of a zone about which nothing was decided: it is open.
func newControl() control {
	return control{ZoneStatus{State: ZoneOpen, Stamp: Stamp{Rev: 1}}, map[string]Duty{}, keptAnswers[Duty]{}}
}

func (r *Register) controlDraft(e *controlEntry) (draft, error) {
	entry, kept, err := encodedEntry(ControlSchema, e, e.AtUS, e.Request)
	return draft{entry: entry, apply: func() error { return r.applyControl(kept) }}, err
}

// applyControl takes the records of a durable entry into the state. Called with
// r.mu held.
func (r *Register) applyControl(e *controlEntry) error {
	if len(e.Changes) == 0 {
		return fmt.Errorf("%w: %s changes nothing", errControlEntry, e.Act)
	}
	for i := range e.Changes {
		c := &e.Changes[i]
		switch {
		case c.State != nil:
			r.applyState(*c.State, c.Safer)
		case c.Duty != nil && c.Duty.EndedUS != 0:
			delete(r.control.duties, c.Duty.ID)
		case c.Duty != nil:
			r.control.duties[c.Duty.ID] = *c.Duty
		default:
			return fmt.Errorf("%w: %s", errControlEntry, e.Act)
		}
	}
	if last := e.Changes[len(e.Changes)-1].Duty; e.Request != nil && last != nil {
		r.control.answers.note(e.Request, e.AtUS, *last)
	}
	return nil
}

// decideDuty decides about who is on duty: check looks at the state, which is
// locked for reading, and says what the duties shall be; the last is what it is
// about. Their stamps are written here. A request that was decided before gets its
// first answer.
func (r *Register) decideDuty(ctx context.Context, who Actor, act, reason string, check func(now time.Time) ([]Duty, error)) (Duty, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		e, err := dutyEntry(who, act, reason, r.cfg.Clock(), check)
		if err != nil {
			return Duty{}, err
		}
		return *e.Changes[len(e.Changes)-1].Duty, nil
	}
	about := journal.Aggregate("duty:" + r.cfg.Zone.ID)
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about}})
	if err != nil {
		return Duty{}, err
	}
	d.after = r.tellDuty
	var out Duty
	d.plan = func(now time.Time) error {
		before, ok, err := r.control.answers.of(d.request, now)
		if err != nil {
			return err
		}
		if out = before; ok {
			return errAnswered
		}
		e, err := dutyEntry(who, act, reason, now, check)
		if err != nil {
			return err
		}
		e.Request, out = d.request, *e.Changes[len(e.Changes)-1].Duty
		only, err := r.controlDraft(e)
		only.touches = []journal.Aggregate{about}
		d.drafts = []draft{only}
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return Duty{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	out = out.clone()
	out.Present = out.EndedUS == 0 && r.present(&out)
	return out, nil
}

func dutyEntry(who Actor, act, reason string, now time.Time, check func(now time.Time) ([]Duty, error)) (*controlEntry, error) {
	duties, err := check(now)
	e := &controlEntry{Act: act, Reason: reason, By: who.ID, AtUS: now.UnixMicro()}
	for i := range duties {
		s := &duties[i].Stamp
		if s.Rev++; s.Rev == 1 {
			s.CreatedUS = e.AtUS
		}
		s.UpdatedUS, s.UpdatedBy = e.AtUS, who.ID
		e.Changes = append(e.Changes, controlChange{Duty: &duties[i]})
	}
	return e, err
}

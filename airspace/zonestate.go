package airspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"testzone/telemetry/journal"
)

// ZoneState is what the zone may be used for now (SAFETY 14).
type ZoneState string

// The states, from free to safe.
const (
	ZoneOpen        ZoneState = "open"
	ZoneNoNewStarts ZoneState = "no_new_starts" // what moves may finish
	ZoneClear       ZoneState = "clear"         // everyone is brought to a safe end
	ZoneClosed      ZoneState = "closed"        // nobody moves
)

// ZoneStates lists the states, from free to safe.
func ZoneStates() []ZoneState { return []ZoneState{ZoneOpen, ZoneNoNewStarts, ZoneClear, ZoneClosed} }

// Safer reports whether going from old to s is the safe direction.
func (s ZoneState) Safer(old ZoneState) bool {
	return slices.Index(ZoneStates(), s) > slices.Index(ZoneStates(), old)
}

var (
	// ErrZoneState is returned when the zone cannot be put in a state as it was asked; it wraps what is wrong.
	ErrZoneState = errors.New("cannot be the state of the zone")
	// ErrNeedRev is returned when a step back towards open does not say which revision it was decided on.
	ErrNeedRev = errors.New("a step back towards open says which state it was decided on: read the state, and send its revision")
)

// ZoneStatus is the state of the zone, who put it there and since when. Its JSON
// is the journal's form: members are added, never changed.
type ZoneStatus struct {
	State  ZoneState `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Stamp            // updated: since when it is so
	// Provisional: it is in force, and the journal does not have it.
	Provisional bool `json:"-"`
	// Err is why the journal refused it: it ends with the server. Nil: it may still
	// come into the journal.
	Err error `json:"-"`
}

// tightening is a step in the safe direction that is in force before the journal
// has it.
type tightening struct {
	status   ZoneStatus
	decision *decision
}

// State is the state of the zone that is in force.
func (r *Register) State() ZoneStatus {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.stateInForce()
}

// stateInForce is the safest of what was decided and what is on its way to the journal.
// Called with r.mu held.
func (r *Register) stateInForce() ZoneStatus {
	out := r.control.state
	for i, t := range r.tightenings {
		if t.status.State.Safer(out.State) {
			out = t.status
			out.Provisional, out.Rev = true, r.control.state.Rev+uint64(i)+1
			if t.decision.ended() {
				out.Err = t.decision.err
			}
		}
	}
	return out
}

// SetState puts the zone in a state. A step in the safe direction may skip states
// and is in force at once, whatever revision its author saw: when the journal has
// it within a second it is answered as durable, else as Provisional, see
// ZoneStatus, and asking once more asks the journal again. A step back is a decision as others, made on rev, the revision that
// its author saw. A state that the zone is in already changes nothing.
func (r *Register) SetState(ctx context.Context, who Actor, to ZoneState, reason string, rev uint64) (ZoneStatus, error) {
	now := r.cfg.Clock()
	next, err := nextState(who, to, reason, now)
	if err != nil {
		return ZoneStatus{}, fmt.Errorf("state of the zone: %w", err)
	}
	r.mu.Lock()
	have := r.stateInForce()
	switch {
	case to == have.State && have.Err == nil:
		r.mu.Unlock()
		return have, nil
	case IsRehearsal(ctx):
		defer r.mu.Unlock()
		if next.Rev = have.Rev + 1; to.Safer(have.State) || to == have.State {
			return next, nil
		}
		return next, r.checkBack(rev)
	case !to.Safer(have.State) && to != have.State:
		r.mu.Unlock()
		return r.stepBack(ctx, next, rev)
	}
	d, err := r.stateDecision(ctx, &next, true, nil)
	if err != nil {
		r.mu.Unlock()
		return ZoneStatus{}, err
	}
	if to == have.State { // the journal refused it, and is asked again
		r.tightenings = r.tightenings[:len(r.tightenings)-1]
	}
	r.tightenings = append(r.tightenings, tightening{next, d})
	next = r.stateInForce()
	r.mu.Unlock()
	r.tellState(next)
	r.begin(d)
	patient := time.NewTimer(emergencyPatience)
	defer patient.Stop()
	select {
	case <-d.done:
	case <-patient.C:
	}
	return r.State(), nil
}

func nextState(who Actor, to ZoneState, reason string, now time.Time) (ZoneStatus, error) {
	n := utf8.RuneCountInString(strings.TrimSpace(reason))
	switch {
	case !who.May(ZoneControl):
		return ZoneStatus{}, fmt.Errorf("%s: %w", who.ID, ErrForbidden)
	case !slices.Contains(ZoneStates(), to):
		return ZoneStatus{}, fmt.Errorf("%w: %q: use open, no_new_starts, clear or closed", ErrZoneState, to)
	case n < 1 || n > maxReason:
		return ZoneStatus{}, fmt.Errorf("%w: say why, in 1 to %d characters", ErrZoneState, maxReason)
	}
	at := now.UnixMicro()
	return ZoneStatus{State: to, Reason: reason, Stamp: Stamp{CreatedUS: at, UpdatedUS: at, UpdatedBy: who.ID}}, nil
}

// stepBack makes the zone freer.
func (r *Register) stepBack(ctx context.Context, next ZoneStatus, rev uint64) (ZoneStatus, error) {
	d, err := r.stateDecision(ctx, &next, false, func() error { return r.checkBack(rev) })
	if err == nil {
		err = r.decide(ctx, d)
	}
	if err != nil {
		return ZoneStatus{}, fmt.Errorf("state of the zone: %w", err)
	}
	return r.State(), nil
}

// checkBack holds a step back against the state. Called with r.mu held.
func (r *Register) checkBack(rev uint64) error {
	have := r.stateInForce()
	if rev == 0 {
		return ErrNeedRev
	}
	if have.Rev != rev {
		return &StaleError{What: "state of the zone", ID: cmp.Or(r.cfg.Zone.ID, "zone"), Current: have.Rev}
	}
	return nil
}

// stateDecision is the decision to put the zone in a state. One in the safe
// direction compares with nothing, so that no other decision can make it fail.
func (r *Register) stateDecision(ctx context.Context, next *ZoneStatus, safer bool, check func() error) (*decision, error) {
	about := journal.Aggregate("zonestate:" + r.cfg.Zone.ID)
	d, err := newDecision(ctx, decision{about: []journal.Aggregate{about}, urgent: safer})
	if err != nil {
		return nil, err
	}
	d.after = func() { r.tellState(r.State()) }
	d.plan = func(time.Time) error {
		if check != nil {
			if err := check(); err != nil {
				return err
			}
		}
		made := *next
		if made.Rev = r.control.state.Rev + 1; !safer {
			made.Rev = r.stateInForce().Rev + 1
		}
		e := controlEntry{Act: actState, Changes: []controlChange{{State: &made, Safer: safer}}, Reason: made.Reason, By: made.UpdatedBy, AtUS: made.UpdatedUS, Request: d.request}
		only, err := r.controlDraft(&e)
		only.entry.Emergency = safer
		if only.touches = []journal.Aggregate{about}; safer {
			only.touches, only.uncompared = nil, only.touches
		}
		d.drafts = []draft{only}
		return err
	}
	return d, nil
}

// applyState takes a durable state in. Of two steps in the safe direction that two
// nodes decided at once the safer holds. Called with r.mu held.
func (r *Register) applyState(next ZoneStatus, safer bool) {
	have := r.control.state
	if safer && !next.State.Safer(have.State) {
		return
	}
	next.Rev = max(next.Rev, have.Rev+1)
	r.control.state = next
	r.tightenings = slices.DeleteFunc(r.tightenings, func(t tightening) bool {
		if !safer { // it was decided on what is in force without the journal
			return t.decision.ended()
		}
		return !t.status.State.Safer(next.State)
	})
}

func (r *Register) tellState(s ZoneStatus) {
	if r.cfg.StateChanged != nil {
		r.cfg.StateChanged(s)
	}
}

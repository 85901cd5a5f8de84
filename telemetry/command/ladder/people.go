package ladder

import (
	"context"
	"errors"
	"fmt"

	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// Decide is what a controller decides about the breach of a vehicle: that the ladder
// goes on, over the pilot and whoever ordered, or that it lets it be. It holds once it
// is durable.
func (e *Enforcer) Decide(ctx context.Context, id vehicles.VehicleID, what Verdict, by, reason string) (Ladder, error) {
	e.mu.Lock()
	l := e.openOf(id)
	switch {
	case l == nil:
		e.mu.Unlock()
		return Ladder{}, fmt.Errorf("vehicle %s: %w", id, ErrNoLadder)
	case e.stopped || e.life == nil:
		e.mu.Unlock()
		return Ladder{}, ErrStopping
	}
	next := l.copied()
	next.Decision = &Decision{What: what, By: by, Reason: reason, AtUS: e.nowUS()}
	done := e.writeEntry(&entry{Type: typeDecided, By: by, AtUS: next.Decision.AtUS, Ladder: next, Request: journal.RequestOf(ctx)})
	e.mu.Unlock()
	if err := settled(ctx, done); err != nil {
		return Ladder{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l.Decision = next.Decision
	e.write(typeOf(l, l), l) // an entry of meanwhile may be without it
	if v := e.of[id]; v != nil && v.ladder == l {
		e.wake(v)
	}
	return *l.copied(), nil
}

// Confirm says after a restart that the samples are right: automatic orders are given
// from now on (SAFETY 8). It holds for this run of the server.
func (e *Enforcer) Confirm(ctx context.Context, by, reason string) error {
	e.mu.Lock()
	switch {
	case e.confirmed != "" || e.cfg.Mode != Act:
		e.mu.Unlock()
		return ErrNothingWaits
	case e.stopped || e.life == nil:
		e.mu.Unlock()
		return ErrStopping
	}
	done := e.writeEntry(&entry{Type: typeConfirmed, By: by, AtUS: e.nowUS(), Reason: reason, Request: journal.RequestOf(ctx)})
	e.mu.Unlock()
	if err := settled(ctx, done); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.confirmed = by
	for _, v := range e.of {
		e.wake(v)
	}
	return nil
}

// settled waits until an entry is durable.
func settled(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		switch {
		case errors.Is(err, journal.ErrQueueStopped):
			return ErrStopping
		case err != nil:
			return fmt.Errorf("%w: nothing was decided: %w", ErrNotDurable, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the outcome is not known yet, look at the vehicle: %w", ctx.Err())
	}
}

// Standing is what the ladder does at all.
type Standing struct {
	Mode     Mode
	HeldBack string // why no automatic order leaves now; empty: they do
	Waits    int    // vehicles in breach that get none because of the restart
}

// Standing is what the ladder does at all, now.
func (e *Enforcer) Standing() Standing {
	return Standing{Mode: e.cfg.Mode, HeldBack: e.cfg.Unfit(), Waits: e.waiting()}
}

// waiting is how many vehicles get no automatic order because of the restart.
func (e *Enforcer) waiting() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.of {
		if v.ladder != nil && e.confirmed == "" && !v.clean {
			n++
		}
	}
	return n
}

// Unsure says why no order that nobody gives by hand may rest on the samples of a
// vehicle, whatever it follows from (SAFETY 8, 13), or may leave at all; empty: nothing.
func (e *Enforcer) Unsure(t *telemetry.TrackView) string {
	if e.cfg.Mode != Act {
		return fmt.Sprintf("the server orders nothing by itself (enforcement is set to %q)", e.cfg.Mode)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch v := e.of[t.Vehicle.ID]; {
	case v == nil, v.identity == nil, v.identity.Handle != t.Handle:
		return "it was not followed before: its samples are not known to be right"
	case e.guarded(v):
		return fmt.Sprintf("the server restarted: people confirm that the samples are right, or they are good for %v", cleanTime)
	case t.HasFix() && e.interfered(t.Fix.Point):
		return "satellite navigation is interfered with here"
	}
	return ""
}

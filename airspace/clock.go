package airspace

import (
	"context"
	"fmt"
	"time"
)

// maxAhead is how far the clock of a sandbox may be ahead.
const maxAhead = 10 * 365 * 24 * time.Hour

// Now is the organisation's time: a sandbox may have moved its clock, so that
// its people can rehearse what takes weeks.
func (o *Organisation) Now(server time.Time) time.Time { return server.Add(o.ahead()) }

func (o *Organisation) ahead() time.Duration { return time.Duration(o.ShiftUS) * time.Microsecond }

// checkClock refuses a clock that the organisation cannot have.
func (o *Organisation) checkClock() error {
	switch {
	case o.Kind != Sandbox && o.ShiftUS != 0:
		return fmt.Errorf("%w: only a sandbox has a clock of its own", ErrAccount)
	case o.ShiftUS < 0:
		return fmt.Errorf("%w: the clock of a sandbox only goes forward", ErrAccount)
	case o.ahead() > maxAhead:
		return fmt.Errorf("%w: the clock of a sandbox is at most ten years ahead", ErrAccount)
	}
	return nil
}

// Ahead is how far an organisation's clock is ahead of the server's: nothing,
// but for a sandbox that moved it. What is in force in the zone never follows it.
func (r *Register) Ahead(org string) time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	o := r.accounts.organisations[org]
	return o.ahead()
}

// MoveClock sets the clock of a sandbox forward to a time, if rev is the
// organisation's current revision. Administrators may, and those of its own
// people who rehearse: who apply for permits or review them. The clock is moved
// by whole seconds, so that it may show up to one second more.
func (r *Register) MoveClock(ctx context.Context, who Actor, id string, rev uint64, to time.Time) (Organisation, error) {
	if own := who.Org == id && (who.May(PermitApply) || who.May(PermitReview)); !own && !who.May(Admin) {
		return Organisation{}, fmt.Errorf("move the clock of %s: %s: %w", id, who.ID, ErrForbidden)
	}
	done, err := r.decideAccounts(ctx, who, "organisation.clock", func(now time.Time) ([]accountChange, error) {
		old, err := find(r.accounts.organisations, "organisation", id)
		if err != nil {
			return nil, err
		}
		if err := current("organisation", id, old.Stamp, rev); err != nil {
			return nil, err
		}
		if old.Kind != Sandbox {
			return nil, fmt.Errorf("%w: only a sandbox has a clock of its own", ErrAccount)
		}
		shown := old.Now(now)
		if to.Before(shown) {
			return nil, fmt.Errorf("%w: the clock of a sandbox only goes forward, and shows %s", ErrAccount, shown.UTC().Format(time.RFC3339))
		}
		made := old
		// Of times that far away a difference would overflow; those are refused.
		seconds := to.Unix() - shown.Unix()
		if seconds > int64(maxAhead/time.Second) {
			seconds = int64(maxAhead/time.Second) + 1
		}
		if shown.Add(time.Duration(seconds) * time.Second).Before(to) {
			seconds++
		}
		made.ShiftUS += (time.Duration(seconds) * time.Second).Microseconds()
		return []accountChange{{Organisation: &made}}, made.checkClock()
	})
	if err != nil {
		return Organisation{}, err
	}
	return *done[0].Organisation, nil
}

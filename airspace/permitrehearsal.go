package airspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/airspace/permit"
)

// maxRehearsed bounds what happens to one rehearsal at a time: a procedure that does
// not end by then goes on the next time.
const maxRehearsed = 100

// isSandbox reports whether an organisation rehearses. Called with r.mu held.
func (r *Register) isSandbox(org string) bool {
	o, ok := r.accounts.organisations[org]
	return ok && o.Kind == Sandbox
}

// timeOf is what time it is for an organisation's applications. Called with r.mu held.
func (r *Register) timeOf(org string, server time.Time) time.Time {
	o := r.accounts.organisations[org]
	return o.Now(server)
}

// rehearse is the next thing that is due for a rehearsal. Called with r.mu held.
func (r *Register) rehearse(id string, server time.Time) (permit.Permit, error) {
	p, ok := r.permits.book.Get(id)
	if !ok || r.accounts.organisations[p.Org].Disabled {
		return p, errNothingDue
	}
	pack, err := r.packOf(&p, 0)
	if err != nil {
		return p, err
	}
	q, changed, err := p.Rehearse(pack, r.timeOf(p.Org, server).UnixMicro())
	if err == nil && !changed {
		err = errNothingDue
	}
	return q, err
}

// rehearsePermits has happen to the applications of sandboxes what is due by the clocks
// of these.
func (r *Register) rehearsePermits(ctx context.Context) (err error) {
	now := r.cfg.Clock()
	r.mu.RLock()
	var due []string
	for _, id := range r.permits.book.Rehearsals() {
		if _, one := r.rehearse(id, now); !errors.Is(one, errNothingDue) {
			due = append(due, id)
		}
	}
	r.mu.RUnlock()
	for _, id := range due {
		for range maxRehearsed {
			_, one := r.decidePermit(ctx, "", id, false, func(now time.Time) (permit.Permit, error) { return r.rehearse(id, now) })
			if errors.Is(one, errNothingDue) {
				break
			}
			if one != nil {
				err = errors.Join(err, fmt.Errorf("rehearsal %s: %w", id, one))
				break
			}
		}
	}
	return err
}

package airspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/vehicles"
)

// maxDrafts bounds the drafts of one organisation.
const maxDrafts = 1000

// ErrManyDrafts is returned when an organisation has as many drafts as can be kept.
var ErrManyDrafts = errors.New("your organisation has 1,000 drafts: submit or withdraw some")

// signerOf is who acts on a permit. A department's name in the packs is the id of its
// organisation, with _ for -. Called with r.mu held.
func (r *Register) signerOf(who Actor) permit.Signer {
	s := permit.Signer{Person: who.Person, Org: who.Org}
	if o, ok := r.accounts.organisations[who.Org]; ok && o.Kind == Department {
		s.Department = strings.ReplaceAll(o.ID, "-", "_")
	}
	return s
}

// DepartmentOf is the pack's name of the department that somebody signs for; empty: none.
func (r *Register) DepartmentOf(who Actor) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.signerOf(who).Department
}

// maySee reports whether somebody may read a permit: its holder, and once it was
// submitted departments, controllers and auditors. A rehearsal is nobody else's business.
func maySee(who Actor, p *permit.Permit) bool {
	if who.Org == p.Org && who.Org != "" && (who.May(PermitApply) || who.May(ZoneRead)) {
		return true
	}
	return p.SubmittedUS != 0 && !p.Rehearsal && (who.May(PermitReview) || who.May(PermitDecide) || who.May(ZoneControl) || who.May(AuditRead))
}

// seenPermit is a permit that somebody may see. Called with r.mu held.
func (r *Register) seenPermit(who Actor, id string) (permit.Permit, error) {
	p, ok := r.permits.book.Get(id)
	if !ok {
		return p, fmt.Errorf("permit %s: %w", id, ErrNotFound)
	}
	if !maySee(who, &p) {
		return permit.Permit{}, fmt.Errorf("permit %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return p, nil
}

// permitFor is a permit that somebody may see, and its pack. Called with r.mu held.
func (r *Register) permitFor(who Actor, id string) (permit.Permit, *rules.Pack, error) {
	p, err := r.seenPermit(who, id)
	if err != nil {
		return p, nil, err
	}
	pack, err := r.packOf(&p, 0)
	return p, pack, err
}

// packOf is the pack that judges a permit: the one of its submission, before that the
// one that holds at a moment (0: the one it has).
func (r *Register) packOf(p *permit.Permit, nowUS int64) (*rules.Pack, error) {
	set, err := r.packs()
	if err != nil {
		return nil, err
	}
	if p.SubmittedUS != 0 || nowUS == 0 {
		return set.Get(p.Pack)
	}
	return r.packAt(time.UnixMicro(nowUS))
}

// PackOf is the pack that judges a permit that was read.
func (r *Register) PackOf(p *permit.Permit) (*rules.Pack, error) { return r.packOf(p, 0) }

func (r *Register) packAt(now time.Time) (*rules.Pack, error) {
	set, err := r.packs()
	if err != nil {
		return nil, err
	}
	if zone, err := time.LoadLocation(r.cfg.Zone.TZ); err == nil {
		now = now.In(zone)
	}
	return set.At(rules.DateOf(now), r.cfg.Place)
}

// RulePacks are the rule packs, and the one that holds now.
func (r *Register) RulePacks() (all []*rules.Pack, now *rules.Pack, err error) {
	set, err := r.packs()
	if err != nil {
		return nil, nil, err
	}
	now, err = r.packAt(r.cfg.Clock())
	return set.All(), now, err
}

// PermitFilter says which permits are listed.
type PermitFilter struct {
	State   rules.State // empty: any
	Queue   bool        // only those in which the caller's department is asked now
	Kind    string      // empty: any
	Vehicle string      // that it was asked for; empty: any
}

// Permits lists the permits that somebody may see, by id.
func (r *Register) Permits(who Actor, f PermitFilter) []permit.Permit {
	r.mu.RLock()
	defer r.mu.RUnlock()
	dept := r.signerOf(who).Department
	return r.permits.book.List(func(p *permit.Permit) bool {
		if f.State != "" && p.State != f.State || f.Kind != "" && p.Application.Kind != f.Kind || !maySee(who, p) ||
			f.Vehicle != "" && !slices.Contains(p.Application.Vehicles, vehicles.VehicleID(f.Vehicle)) {
			return false
		}
		if !f.Queue {
			return true
		}
		pack, err := r.packOf(p, 0)
		if err != nil || dept == "" {
			return false
		}
		required, advise := p.Asked(pack)
		return slices.Contains(required, dept) || slices.Contains(advise, dept)
	})
}

// PermitOf is one permit that somebody may see.
func (r *Register) PermitOf(who Actor, id string) (permit.Permit, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.seenPermit(who, id)
}

// Published lists the permits whose disclosure is public, by id.
func (r *Register) Published() []permit.Permit {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.permits.book.List(func(p *permit.Permit) bool { return p.PublishedUS != 0 && p.TakesRoom() })
}

// Grants are what permits allow now, by permit.
func (r *Register) Grants() (out []permit.Grant) {
	now := r.cfg.Clock().UnixMicro()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, p := range r.permits.book.List(func(p *permit.Permit) bool { return p.EffectiveUS != 0 || p.EndedUS != 0 }) {
		if g, ok := p.Grant(now); ok {
			out = append(out, g)
		}
	}
	return out
}

// PermitFaults is all that speaks against an application as it is now.
func (r *Register) PermitFaults(who Actor, id string) ([]permit.Fault, error) {
	now := r.cfg.Clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, _, err := r.permitFor(who, id)
	if err != nil {
		return nil, err
	}
	now = r.timeOf(p.Org, now)
	pack, err := r.packOf(&p, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	return append(r.faults(p, pack, now), r.documentFaults(&p)...), nil
}

// faults is a trial of the submission. Called with r.mu held.
func (r *Register) faults(p permit.Permit, pack *rules.Pack, now time.Time) []permit.Fault {
	more := r.zoneFaults(&p, pack)
	_, err := p.Submit(permit.Act{AtUS: now.UnixMicro()}, pack, more)
	var e *permit.RulesError
	if errors.As(err, &e) {
		return e.Faults
	}
	return nil
}

// DraftPermit begins an application of the caller's organisation. A rehearsal says
// besides what speaks against its submission.
func (r *Register) DraftPermit(ctx context.Context, who Actor, app permit.Application) (permit.Permit, []permit.Fault, error) {
	switch {
	case !who.May(PermitApply):
		return permit.Permit{}, nil, fmt.Errorf("apply for a permit: %s: %w", who.ID, ErrForbidden)
	case who.Person == "" || who.Org == "":
		return permit.Permit{}, nil, fmt.Errorf("apply for a permit: %w", ErrNoPerson)
	}
	id := newID("pm_")
	var faults []permit.Fault
	p, err := r.decidePermit(ctx, who.ID, id, false, func(now time.Time) (permit.Permit, error) {
		now = r.timeOf(who.Org, now)
		pack, err := r.packAt(now)
		if err != nil {
			return permit.Permit{}, err
		}
		if r.permits.book.Drafts(who.Org) >= maxDrafts {
			return permit.Permit{}, ErrManyDrafts
		}
		p, err := permit.Draft(id, who.Org, r.act(who, now, ""), app, pack)
		p.Rehearsal = r.isSandbox(who.Org)
		if err == nil && IsRehearsal(ctx) {
			faults = r.faults(p, pack, now)
		}
		return p, err
	})
	return p, faults, err
}

func (r *Register) act(who Actor, now time.Time, reason string) permit.Act {
	return permit.Act{By: r.signerOf(who), AtUS: now.UnixMicro(), Reason: reason}
}

// onPermit decides about an existing permit; of is what the caller has to be to it. A
// revision other than 0 is the one that the caller saw.
func (r *Register) onPermit(ctx context.Context, who Actor, id string, rev uint64, room bool, act func(p permit.Permit, pack *rules.Pack, now time.Time) (permit.Permit, error)) (permit.Permit, error) {
	return r.decidePermit(ctx, who.ID, id, room, func(now time.Time) (permit.Permit, error) {
		p, pack, err := r.permitFor(who, id)
		if err != nil {
			return p, err
		}
		if rev != 0 && p.Rev != rev {
			return p, &StaleError{What: "permit", ID: id, Current: p.Rev}
		}
		return act(p, pack, r.timeOf(p.Org, now))
	})
}

// holder refuses who does not apply for the permit's organisation.
func holder(who Actor, p *permit.Permit) error {
	if !who.May(PermitApply) || who.Org != p.Org || who.Person == "" {
		return fmt.Errorf("permit %s is another organisation's application: %w", p.ID, ErrForbidden)
	}
	return nil
}

// EditPermit replaces an application, if rev is the permit's current revision.
func (r *Register) EditPermit(ctx context.Context, who Actor, id string, rev uint64, app permit.Application) (permit.Permit, error) {
	if rev == 0 {
		return permit.Permit{}, fmt.Errorf("edit permit %s: %w", id, ErrStale)
	}
	return r.onPermit(ctx, who, id, rev, false, func(p permit.Permit, _ *rules.Pack, now time.Time) (permit.Permit, error) {
		if err := holder(who, &p); err != nil {
			return p, err
		}
		return p.Edit(r.act(who, now, ""), app)
	})
}

// SubmitPermit hands an application in. A *permit.RulesError has all that speaks
// against it.
func (r *Register) SubmitPermit(ctx context.Context, who Actor, id string) (permit.Permit, error) {
	return r.onPermit(ctx, who, id, 0, false, func(p permit.Permit, _ *rules.Pack, now time.Time) (permit.Permit, error) {
		if err := holder(who, &p); err != nil {
			return p, err
		}
		pack, err := r.packOf(&p, now.UnixMicro())
		if err != nil {
			return p, err
		}
		return p.Submit(r.act(who, now, ""), pack, append(r.zoneFaults(&p, pack), r.documentFaults(&p)...))
	})
}

// WithdrawPermit takes an application back.
func (r *Register) WithdrawPermit(ctx context.Context, who Actor, id, reason string) (permit.Permit, error) {
	return r.onPermit(ctx, who, id, 0, false, func(p permit.Permit, _ *rules.Pack, now time.Time) (permit.Permit, error) {
		if err := holder(who, &p); err != nil {
			return p, err
		}
		return p.Withdraw(r.act(who, now, reason))
	})
}

// InsurePermit gives a permit other policies; its time follows them.
func (r *Register) InsurePermit(ctx context.Context, who Actor, id string, rev uint64, policies []permit.Policy) (permit.Permit, error) {
	return r.onPermit(ctx, who, id, rev, true, func(p permit.Permit, pack *rules.Pack, now time.Time) (permit.Permit, error) {
		if err := holder(who, &p); err != nil {
			return p, err
		}
		q, err := p.Insure(r.act(who, now, ""), pack, policies)
		if err == nil && q.ToUS > p.ToUS { // it takes more room than it had
			err = r.roomFree(&q)
		}
		return q, err
	})
}

// ReviewPermit takes the verdict of the caller's department. When it is the one that
// approves, the room is checked and taken in this decision.
func (r *Register) ReviewPermit(ctx context.Context, who Actor, id, reason string, v permit.Review) (permit.Permit, error) {
	return r.onPermit(ctx, who, id, 0, true, func(p permit.Permit, pack *rules.Pack, now time.Time) (permit.Permit, error) {
		if !who.May(PermitReview) || v.Verdict != permit.Pass && v.Verdict != permit.Return && !who.May(PermitDecide) {
			return p, fmt.Errorf("review permit %s: %s: %w", id, who.ID, ErrForbidden)
		}
		q, err := p.Review(r.act(who, now, reason), pack, v)
		if err == nil && q.HoldsRoom() && !p.HoldsRoom() {
			if faults := r.documentFaults(&q); len(faults) > 0 {
				return q, &permit.RulesError{Faults: faults}
			}
			err = r.roomFree(&q)
		}
		return q, err
	})
}

// roomFree refuses a permit whose room is taken. Called with r.mu held.
func (r *Register) roomFree(p *permit.Permit) error {
	pack, err := r.packOf(p, 0)
	if err != nil {
		return err
	}
	q := *p
	if faults := r.zoneFaults(&q, pack); len(faults) > 0 {
		return &permit.RulesError{Faults: faults}
	}
	return nil
}

// SignOverride lets a permit become effective under a pack that is not in force, by
// a controller of the zone.
func (r *Register) SignOverride(ctx context.Context, who Actor, id, reason string) (permit.Permit, error) {
	return r.onPermit(ctx, who, id, 0, false, func(p permit.Permit, pack *rules.Pack, now time.Time) (permit.Permit, error) {
		if !who.May(ZoneControl) {
			return p, fmt.Errorf("override the rule pack of %s: %s: %w", id, who.ID, ErrForbidden)
		}
		return p.SignOverride(r.act(who, now, reason), pack)
	})
}

// HaltAct is what may be done to a permit that is in force.
type HaltAct string

// The acts.
const (
	SuspendPermit HaltAct = "suspend"
	ResumePermit  HaltAct = "resume"
	RevokePermit  HaltAct = "revoke"
)

// HaltPermit suspends, resumes or revokes a permit: by a department that had to sign
// it, and suspending by a controller too. Whoever misses the permit's rule pack can
// still stop it.
func (r *Register) HaltPermit(ctx context.Context, who Actor, id string, act HaltAct, reason string, endNow bool) (permit.Permit, error) {
	return r.decidePermit(ctx, who.ID, id, false, func(now time.Time) (permit.Permit, error) {
		p, err := r.seenPermit(who, id)
		if err != nil {
			return p, err
		}
		pack, missing := r.packOf(&p, 0)
		a := r.act(who, now, reason)
		department := who.May(PermitDecide) && slices.Contains(signersOf(&p, pack), a.By.Department)
		if !department && !(act == SuspendPermit && who.May(ZoneControl)) || who.Org == p.Org || who.Person == "" {
			return p, fmt.Errorf("%s permit %s: %s: %w", act, id, who.ID, ErrForbidden)
		}
		switch act {
		case SuspendPermit:
			return p.Suspend(a, endNow)
		case RevokePermit:
			return p.Revoke(a, endNow)
		}
		if missing != nil {
			return p, missing
		}
		if err := r.standsDown(id); err != nil {
			return p, err
		}
		return p.Resume(a, pack)
	})
}

// signersOf are the departments that have to sign a permit; without its pack those
// that did.
func signersOf(p *permit.Permit, pack *rules.Pack) (out []string) {
	if pack != nil {
		if k, err := pack.Kind(p.Application.Kind); err == nil {
			return pack.Signers(k, p.Facts(pack))
		}
	}
	for i := range p.Decisions {
		out = append(out, p.Decisions[i].Department)
	}
	return out
}

// TickPermits does what the clock does to permits: they begin and end, clocks warn
// and are missed. It says when the next one is due.
func (r *Register) TickPermits(ctx context.Context) (next time.Time, err error) {
	r.mu.RLock()
	ids, at := r.permits.book.Due(r.cfg.Clock().UnixMicro())
	r.mu.RUnlock()
	for _, id := range ids {
		_, one := r.decidePermit(ctx, "", id, false, func(now time.Time) (permit.Permit, error) {
			p, ok := r.permits.book.Get(id)
			if !ok {
				return p, errNothingDue
			}
			pack, missing := r.packOf(&p, 0)
			q, changed := p.Tick(pack, now.UnixMicro())
			if !changed {
				return p, cmp.Or(missing, errNothingDue)
			}
			return q, nil
		})
		if one != nil && !errors.Is(one, errNothingDue) {
			err = errors.Join(err, fmt.Errorf("permit %s: %w", id, one))
		}
	}
	return time.UnixMicro(at), errors.Join(err, r.rehearsePermits(ctx))
}

// errNothingDue ends a decision of the clock that has nothing to do any more.
var errNothingDue = errors.New("nothing is due")

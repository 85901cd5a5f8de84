package airspace

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Act is something that one person proposes and another confirms.
type Act string

// The acts.
const (
	ActErase   Act = "person.erase"         // erase a person's data for good; its keys end
	ActRemove  Act = "administrator.remove" // take the administrator's role away; who has no other is disabled
	ActAppoint Act = "administrator.appoint"
)

// Acts lists the acts that can be proposed.
func Acts() []Act { return []Act{ActErase, ActRemove, ActAppoint} }

// ProposalState is what became of a proposal.
type ProposalState string

// The states. An open proposal expires at its time without an entry.
const (
	ProposalOpen      ProposalState = "open"
	ProposalConfirmed ProposalState = "confirmed"
	ProposalWithdrawn ProposalState = "withdrawn"
	ProposalExpired   ProposalState = "expired"
)

// Proposal is an act that waits for its second person. Its JSON is the
// journal's form: members are added, never changed.
type Proposal struct {
	ID        string        `json:"id"` // tp_…
	Act       Act           `json:"act"`
	Subject   string        `json:"subject"` // id of what it is about
	Reason    string        `json:"reason"`
	By        string        `json:"by"` // person that proposed it
	State     ProposalState `json:"state"`
	ExpiresUS int64         `json:"expires_us"`
	Confirmed string        `json:"confirmed,omitempty"` // person that confirmed it

	// Seen is what the first person saw of what it is about, in the form of whoever
	// carries the act out.
	Seen json.RawMessage `json:"seen,omitempty"`
	Stamp
}

const (
	// proposalLife is how long the second person has.
	proposalLife = 24 * time.Hour
	// resetMemory is how long two persons do not count as two after one set the
	// other's password or identity.
	resetMemory = 7 * 24 * time.Hour
	maxReason   = 500 // characters
)

// at is the proposal as it stands at a time.
func (p Proposal) at(now time.Time) Proposal {
	if p.State == ProposalOpen && now.UnixMicro() >= p.ExpiresUS {
		p.State = ProposalExpired
	}
	return p
}

// Proposals lists all proposals about accounts as they stand now, by id.
func (r *Register) Proposals() []Proposal {
	return r.proposals(func(p *Proposal) bool { return p.Act != ActTerminate })
}

func (r *Register) proposals(wants func(*Proposal) bool) []Proposal {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := slices.DeleteFunc(sorted(r.accounts.proposals), func(p Proposal) bool { return !wants(&p) })
	for i := range out {
		out[i] = out[i].at(r.cfg.Clock())
	}
	return out
}

// Proposal is one proposal about accounts as it stands now.
func (r *Register) Proposal(id string) (Proposal, error) {
	p, err := r.proposal(id)
	if err == nil && p.Act == ActTerminate {
		return Proposal{}, fmt.Errorf("proposal %s: %w", id, ErrNotFound)
	}
	return p, err
}

func (r *Register) proposal(id string) (Proposal, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, err := find(r.accounts.proposals, "proposal", id)
	return p.at(r.cfg.Clock()), err
}

// Propose puts an act before a second person. Who proposes must be allowed to
// do it, and the act must be possible now.
func (r *Register) Propose(ctx context.Context, who Actor, act Act, subject, reason string) (Proposal, error) {
	if err := mayAct(who, act); err != nil {
		return Proposal{}, fmt.Errorf("propose %s: %s: %w", act, who.ID, err)
	}
	if n := utf8.RuneCountInString(reason); n < 1 || n > maxReason {
		return Proposal{}, fmt.Errorf("%w: give a reason of 1 to %d characters", ErrAccount, maxReason)
	}
	id := newAccountID(ctx, "tp_")
	done, err := r.decideAccounts(ctx, who, "proposal.create", func(now time.Time) ([]accountChange, error) {
		if _, err := r.effects(act, subject); err != nil {
			return nil, err
		}
		return []accountChange{{Proposal: &Proposal{
			ID: id, Act: act, Subject: subject, Reason: reason, By: who.Person,
			State: ProposalOpen, ExpiresUS: now.Add(proposalLife).UnixMicro(),
		}}}, nil
	})
	if err != nil {
		return Proposal{}, err
	}
	return *done[0].Proposal, nil
}

// mayAct: a token of the configuration is nobody in particular, so it may hide
// that both persons are one.
func mayAct(who Actor, act Act) error {
	switch {
	case !slices.Contains(Acts(), act):
		return fmt.Errorf("%w: %q is not an act of two persons", ErrAccount, act)
	case !who.May(Admin):
		return ErrForbidden
	case who.Person == "":
		return ErrNoPerson
	}
	return nil
}

// Confirm makes the act of a proposal happen, if rev is the revision that was
// read. Whoever confirms is another person than who proposed, whichever keys
// the two use. The proposal and its effects are one entry of the journal.
func (r *Register) Confirm(ctx context.Context, who Actor, id string, rev uint64) (Proposal, error) {
	p, err := r.Proposal(id)
	if err != nil {
		return Proposal{}, err
	}
	if err := mayAct(who, p.Act); err != nil {
		return Proposal{}, fmt.Errorf("confirm %s: %s: %w", id, who.ID, err)
	}
	done, err := r.decideAccounts(ctx, who, string(p.Act), func(now time.Time) ([]accountChange, error) {
		p, err := r.openProposal(id, rev, now)
		if err != nil {
			return nil, err
		}
		if err := r.twoPersons(p.By, who.Person, Admin, now); err != nil {
			return nil, err
		}
		changes, err := r.effects(p.Act, p.Subject)
		if err != nil {
			return nil, err
		}
		p.State, p.Confirmed = ProposalConfirmed, who.Person
		return append(changes, accountChange{Proposal: &p}), nil
	})
	if err != nil {
		return Proposal{}, err
	}
	return *done[len(done)-1].Proposal, nil
}

// openProposal is a proposal that waits. Called with r.mu held.
func (r *Register) openProposal(id string, rev uint64, now time.Time) (Proposal, error) {
	p, err := find(r.accounts.proposals, "proposal", id)
	if err != nil {
		return p, err
	}
	if p = p.at(now); p.State != ProposalOpen {
		return p, fmt.Errorf("proposal %s is %s: %w", id, p.State, ErrProposalClosed)
	}
	return p, current("proposal", id, p.Stamp, rev)
}

// twoPersons refuses a pair of which one stands for both, or of which the first has lost
// the right meanwhile. Called with r.mu held.
func (r *Register) twoPersons(a, b string, needs Scope, now time.Time) error {
	if a == b {
		return ErrSamePerson
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		p := r.accounts.people[pair[0]]
		if p.ResetBy == pair[1] && now.Sub(time.UnixMicro(p.ResetUS)) < resetMemory {
			return fmt.Errorf("%s gave %s a new password or identity within the last week: %w", pair[1], pair[0], ErrSamePerson)
		}
	}
	if p, err := r.activePerson(a); err != nil || !p.may(needs) {
		return fmt.Errorf("%s, who proposed it, may not do it any more: %w", a, ErrProposalClosed)
	}
	return nil
}

// effects is what an act changes. Called with r.mu held.
func (r *Register) effects(act Act, subject string) ([]accountChange, error) {
	old, err := find(r.accounts.people, "person", subject)
	if err != nil {
		return nil, err
	}
	if old.Erased {
		return nil, fmt.Errorf("person %s is erased: %w", subject, ErrDisabled)
	}
	next := old.clone()
	changes := []accountChange{{Person: &next}}
	switch act {
	case ActErase:
		next.Erased, next.Disabled = true, true
		for _, k := range sorted(r.accounts.keys) {
			if k.Person == subject && !k.Revoked {
				gone := k.clone()
				gone.Revoked = true
				changes = append(changes, accountChange{Key: &gone})
			}
		}
	case ActRemove:
		if !old.has(Administrator) {
			return nil, fmt.Errorf("%w: person %s is no administrator", ErrAccount, subject)
		}
		if len(old.Roles) == 1 {
			next.Disabled = true
		} else {
			next.Roles = slices.DeleteFunc(next.Roles, func(role Role) bool { return role == Administrator })
		}
	case ActAppoint:
		if old.has(Administrator) {
			next.Disabled = false
		} else {
			next.Roles = append(next.Roles, Administrator)
		}
		if err := r.checkPerson(&next); err != nil {
			return nil, err
		}
		return changes, nil
	}
	return changes, r.administratorsWithout(func(p Person) bool { return p.ID == subject })
}

// Withdraw ends an open proposal, if rev is the revision that was read. Who
// proposed it and every administrator may.
func (r *Register) Withdraw(ctx context.Context, who Actor, id string, rev uint64) error {
	_, err := r.decideAccounts(ctx, who, "proposal.withdraw", func(now time.Time) ([]accountChange, error) {
		p, err := r.openProposal(id, rev, now)
		if err != nil {
			return nil, err
		}
		if !who.May(Admin) || p.Act == ActTerminate {
			return nil, fmt.Errorf("withdraw %s: %s: %w", id, who.ID, ErrForbidden)
		}
		p.State = ProposalWithdrawn
		return []accountChange{{Proposal: &p}}, nil
	})
	return err
}

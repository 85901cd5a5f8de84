package airspace

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ActTerminate ends the flight of a vehicle for good. It is not among Acts: controllers
// decide it, within a minute, and who carries it out checks what a register cannot see.
const ActTerminate Act = "flight.terminate"

// terminationLife is how long the second person has: later the aircraft is elsewhere.
const terminationLife = 60 * time.Second

// Terminations lists what was proposed to end the flight of a vehicle, as it stands now,
// newest first; of all vehicles when the id is empty.
func (r *Register) Terminations(vehicle string) []Proposal {
	out := r.proposals(func(p *Proposal) bool { return p.Act == ActTerminate && (vehicle == "" || p.Subject == vehicle) })
	slices.SortFunc(out, func(a, b Proposal) int { return cmp.Or(cmp.Compare(b.CreatedUS, a.CreatedUS), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Termination is one proposal to end a flight, as it stands now.
func (r *Register) Termination(id string) (Proposal, error) {
	p, err := r.proposal(id)
	if err == nil && p.Act != ActTerminate {
		return Proposal{}, fmt.Errorf("termination %s: %w", id, ErrNotFound)
	}
	return p, err
}

// mayTerminate: a controller, and the person itself: a key may be in the hands of a program.
func mayTerminate(who Actor) error {
	switch {
	case !who.May(ZoneControl):
		return ErrForbidden
	case who.Person == "" || who.Key != "":
		return fmt.Errorf("%w: no API key and no token of the configuration ends a flight", ErrNoPerson)
	}
	return nil
}

// ProposeTermination puts the end of a flight before a second controller. seen is what
// the first one saw; one vehicle has one such proposal at a time.
func (r *Register) ProposeTermination(ctx context.Context, who Actor, vehicle, reason string, seen json.RawMessage) (Proposal, error) {
	if err := mayTerminate(who); err != nil {
		return Proposal{}, fmt.Errorf("propose to end the flight of %s: %s: %w", vehicle, who.ID, err)
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(reason)); n < 1 || n > maxReason {
		return Proposal{}, fmt.Errorf("%w: give a reason of 1 to %d characters", ErrAccount, maxReason)
	}
	id := newAccountID(ctx, "ft_")
	done, err := r.decideAccounts(ctx, who, "termination.propose", func(now time.Time) ([]accountChange, error) {
		for _, p := range r.accounts.proposals {
			if p.Act == ActTerminate && p.Subject == vehicle && p.at(now).State == ProposalOpen {
				return nil, fmt.Errorf("that the flight of %s ends was proposed by %s: confirm or withdraw that: %w", vehicle, p.By, ErrExists)
			}
		}
		return []accountChange{{Proposal: &Proposal{
			ID: id, Act: ActTerminate, Subject: vehicle, Reason: reason, By: who.Person,
			State: ProposalOpen, ExpiresUS: now.Add(terminationLife).UnixMicro(), Seen: seen,
		}}}, nil
	})
	if err != nil {
		return Proposal{}, err
	}
	return *done[0].Proposal, nil
}

// ConfirmTermination is the second person's decision; both are checked now. It is
// durable when it is answered, and nothing was sent yet.
func (r *Register) ConfirmTermination(ctx context.Context, who Actor, id string) (Proposal, error) {
	if err := mayTerminate(who); err != nil {
		return Proposal{}, fmt.Errorf("confirm %s: %s: %w", id, who.ID, err)
	}
	return r.closeTermination(ctx, who, id, "termination.confirm", func(p *Proposal, now time.Time) error {
		if err := r.twoPersons(p.By, who.Person, ZoneControl, now); err != nil {
			return err
		}
		p.State, p.Confirmed = ProposalConfirmed, who.Person
		return nil
	})
}

// WithdrawTermination ends an open proposal. Every controller of the zone may.
func (r *Register) WithdrawTermination(ctx context.Context, who Actor, id string) (Proposal, error) {
	if !who.May(ZoneControl) {
		return Proposal{}, fmt.Errorf("withdraw %s: %s: %w", id, who.ID, ErrForbidden)
	}
	return r.closeTermination(ctx, who, id, "termination.withdraw", func(p *Proposal, _ time.Time) error {
		p.State = ProposalWithdrawn
		return nil
	})
}

func (r *Register) closeTermination(ctx context.Context, who Actor, id, act string, decide func(*Proposal, time.Time) error) (Proposal, error) {
	done, err := r.decideAccounts(ctx, who, act, func(now time.Time) ([]accountChange, error) {
		p, err := find(r.accounts.proposals, "termination", id)
		switch {
		case err != nil:
			return nil, err
		case p.Act != ActTerminate:
			return nil, fmt.Errorf("termination %s: %w", id, ErrNotFound)
		}
		if p = p.at(now); p.State != ProposalOpen {
			return nil, fmt.Errorf("termination %s is %s: %w", id, p.State, ErrProposalClosed)
		}
		if err := decide(&p, now); err != nil {
			return nil, err
		}
		return []accountChange{{Proposal: &p}}, nil
	})
	if err != nil {
		return Proposal{}, err
	}
	return *done[0].Proposal, nil
}

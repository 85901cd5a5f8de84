package airspace_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"testzone/airspace"
)

func TestTwoPersons(t *testing.T) {
	r, ada, bob, carl, olga := standard(t)
	propose := func(who airspace.Actor, act airspace.Act, subject string) airspace.Proposal {
		t.Helper()
		p, err := r.Propose(t.Context(), who, act, subject, "because")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	confirm := func(who airspace.Actor, p airspace.Proposal) error {
		return second(r.Confirm(t.Context(), who, p.ID, p.Rev))
	}
	adaByKey := r.actor(ada)
	adaByKey.ID, adaByKey.Key, adaByKey.Only = "k_1", "k_1", []airspace.Scope{airspace.Admin}

	erase := propose(r.actor(ada), airspace.ActErase, olga.ID)
	for name, c := range map[string]struct {
		who  airspace.Actor
		want error
	}{
		"who proposed":           {r.actor(ada), airspace.ErrSamePerson},
		"her key":                {adaByKey, airspace.ErrSamePerson},
		"the bootstrap token":    {setUp, airspace.ErrNoPerson},
		"somebody without right": {r.actor(carl), airspace.ErrForbidden},
	} {
		if err := confirm(c.who, erase); !errors.Is(err, c.want) {
			t.Errorf("confirmed by %s: %v, want %v", name, err, c.want)
		}
	}
	if err := second(r.Propose(t.Context(), setUp, airspace.ActErase, olga.ID, "x")); !errors.Is(err, airspace.ErrNoPerson) {
		t.Errorf("proposed by the bootstrap token: %v", err)
	}
	if err := second(r.Confirm(t.Context(), r.actor(bob), erase.ID, erase.Rev+1)); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("stale: %v", err)
	}
	if err := confirm(r.actor(bob), erase); err != nil {
		t.Fatal(err)
	}
	if p := r.again(olga); !p.Erased || !p.Disabled {
		t.Errorf("erased person: %+v", p)
	}
	if err := confirm(r.actor(bob), erase); !errors.Is(err, airspace.ErrProposalClosed) {
		t.Errorf("confirmed twice: %v", err)
	}
	if err := second(r.Propose(t.Context(), r.actor(ada), airspace.ActErase, olga.ID, "x")); !errors.Is(err, airspace.ErrDisabled) {
		t.Errorf("erased twice: %v", err)
	}

	late := propose(r.actor(ada), airspace.ActErase, carl.ID)
	r.now = r.now.Add(24 * time.Hour)
	if err := confirm(r.actor(bob), late); !errors.Is(err, airspace.ErrProposalClosed) {
		t.Errorf("confirmed too late: %v", err)
	}
	if p, _ := r.Proposal(late.ID); p.State != airspace.ProposalExpired {
		t.Errorf("late proposal is %s", p.State)
	}
	gone := propose(r.actor(ada), airspace.ActErase, carl.ID)
	if err := r.Withdraw(t.Context(), r.actor(ada), gone.ID, gone.Rev); err != nil {
		t.Fatal(err)
	}
	if err := confirm(r.actor(bob), gone); !errors.Is(err, airspace.ErrProposalClosed) {
		t.Errorf("confirmed after it was withdrawn: %v", err)
	}

	// Who sets another's password could be both.
	if _, err := r.NoteReset(t.Context(), r.actor(ada), bob.ID); err != nil {
		t.Fatal(err)
	}
	appoint := propose(r.actor(ada), airspace.ActAppoint, carl.ID)
	if err := confirm(r.actor(bob), appoint); !errors.Is(err, airspace.ErrSamePerson) {
		t.Errorf("confirmed by whose password the proposer set: %v", err)
	}
	r.now = r.now.Add(7 * 24 * time.Hour)
	appoint = propose(r.actor(bob), airspace.ActAppoint, carl.ID)
	if err := confirm(r.actor(ada), appoint); err != nil {
		t.Fatal(err)
	}
	if p := r.again(carl); !slices.Equal(p.Roles, []airspace.Role{airspace.Controller, airspace.Administrator}) {
		t.Errorf("appointed: %+v", p)
	}
	for _, whom := range []airspace.Person{carl, bob} {
		remove := propose(r.actor(ada), airspace.ActRemove, whom.ID)
		other := bob
		if whom.ID == bob.ID {
			if err := second(r.ReplacePerson(t.Context(), r.actor(ada), r.again(carl).Rev, airspace.Person{ID: carl.ID, Org: "zone", Roles: []airspace.Role{airspace.Administrator}})); !errors.Is(err, airspace.ErrTwoPersons) {
				t.Fatalf("appointed by one: %v", err)
			}
		}
		if err := confirm(r.actor(other), remove); err != nil {
			t.Fatal(err)
		}
	}
	if p := r.again(carl); !slices.Equal(p.Roles, []airspace.Role{airspace.Controller}) || p.Disabled {
		t.Errorf("removed: %+v", p)
	}
	if p := r.again(bob); !p.Disabled {
		t.Errorf("removed, without another role: %+v", p)
	}
	if err := second(r.Propose(t.Context(), r.actor(ada), airspace.ActRemove, ada.ID, "x")); !errors.Is(err, airspace.ErrLastAdministrator) {
		t.Errorf("propose to remove the last: %v", err)
	}
}

// TestSandboxClock: it moves forward, and nobody else's does.
func TestSandboxClock(t *testing.T) {
	r, ada, _, _, _ := standard(t)
	r.organisation("play", airspace.Sandbox)
	day := 24 * time.Hour
	o, err := r.ReplaceOrganisation(t.Context(), r.actor(ada), 1, airspace.Organisation{ID: "play", Name: "play", ShiftUS: day.Microseconds()})
	if err != nil || !o.Now(r.now).Equal(r.now.Add(day)) {
		t.Errorf("%+v, %v", o, err)
	}
	for _, o := range []airspace.Organisation{{ID: "play", Name: "play"}, {ID: "acme", Name: "acme", ShiftUS: 1}} {
		have, _ := r.Organisation(o.ID)
		if err := second(r.ReplaceOrganisation(t.Context(), r.actor(ada), have.Rev, o)); !errors.Is(err, airspace.ErrAccount) {
			t.Errorf("%s: %v", o.ID, err)
		}
	}
}

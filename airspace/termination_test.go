package airspace_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
)

// TestTwoControllersEndAFlight: who may propose and who confirm, both checked when it is
// confirmed, within a minute.
func TestTwoControllersEndAFlight(t *testing.T) {
	r, ada, _, carl, olga := standard(t)
	cora := r.person("zone", airspace.Controller)
	by := r.actor(carl)
	key := by
	key.ID, key.Key = "k_1", "k_1"
	propose := func(who airspace.Actor, reason string) (airspace.Proposal, error) {
		return r.ProposeTermination(t.Context(), who, "uav-1", reason, json.RawMessage(`{"seen":1}`))
	}
	confirm := func(who airspace.Actor, id string) error {
		return second(r.ConfirmTermination(t.Context(), who, id))
	}
	for name, c := range map[string]struct {
		who    airspace.Actor
		reason string
		want   error
	}{
		"an administrator":    {r.actor(ada), "x", airspace.ErrForbidden},
		"an operator":         {r.actor(olga), "x", airspace.ErrForbidden},
		"a controller's key":  {key, "x", airspace.ErrNoPerson},
		"the bootstrap token": {setUp, "x", airspace.ErrNoPerson},
		"without a reason":    {by, " ", airspace.ErrAccount},
		"with too much of it": {by, strings.Repeat("x", 501), airspace.ErrAccount},
	} {
		if err := second(propose(c.who, c.reason)); !errors.Is(err, c.want) {
			t.Errorf("proposed by %s: %v, want %v", name, err, c.want)
		}
	}
	if err := second(r.Propose(t.Context(), r.actor(ada), airspace.ActTerminate, "uav-1", "x")); !errors.Is(err, airspace.ErrAccount) {
		t.Errorf("proposed as an act about accounts: %v", err)
	}
	p, err := propose(by, "it flies at people")
	if err != nil || !strings.HasPrefix(p.ID, "ft_") || p.ExpiresUS-r.now.UnixMicro() != 60_000_000 || string(p.Seen) != `{"seen":1}` {
		t.Fatalf("%+v %v", p, err)
	}
	if err := second(propose(r.actor(cora), "x")); !errors.Is(err, airspace.ErrExists) {
		t.Errorf("a second proposal about one vehicle: %v", err)
	}
	corasKey := r.actor(cora)
	corasKey.Key = "k_2"
	for name, c := range map[string]struct {
		who  airspace.Actor
		want error
	}{
		"who proposed":        {by, airspace.ErrSamePerson},
		"the other one's key": {corasKey, airspace.ErrNoPerson},
		"an administrator":    {r.actor(ada), airspace.ErrForbidden},
		"the bootstrap token": {setUp, airspace.ErrNoPerson},
	} {
		if err := confirm(c.who, p.ID); !errors.Is(err, c.want) {
			t.Errorf("confirmed by %s: %v, want %v", name, err, c.want)
		}
	}
	// It is none of the acts that administrators see, confirm or withdraw.
	if err := second(r.Proposal(p.ID)); !errors.Is(err, airspace.ErrNotFound) || len(r.Proposals()) != 0 {
		t.Errorf("among the acts about accounts: %v", err)
	}
	if err := second(r.Confirm(t.Context(), r.actor(ada), p.ID, p.Rev)); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("confirmed as an act about accounts: %v", err)
	}
	if err := r.Withdraw(t.Context(), r.actor(ada), p.ID, p.Rev); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("withdrawn as an act about accounts: %v", err)
	}
	if err := confirm(r.actor(cora), p.ID); err != nil {
		t.Fatal(err)
	}
	if now, _ := r.Termination(p.ID); now.State != airspace.ProposalConfirmed || now.Confirmed != cora.ID || now.By != carl.ID {
		t.Errorf("confirmed: %+v", now)
	}
	if err := confirm(r.actor(cora), p.ID); !errors.Is(err, airspace.ErrProposalClosed) {
		t.Errorf("confirmed twice: %v", err)
	}

	late, err := propose(by, "again")
	if err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(60 * time.Second)
	if err := confirm(r.actor(cora), late.ID); !errors.Is(err, airspace.ErrProposalClosed) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("confirmed too late: %v", err)
	}
	gone, err := propose(by, "again")
	if err != nil {
		t.Fatalf("after one that expired: %v", err)
	}
	if err := second(r.WithdrawTermination(t.Context(), r.actor(olga), gone.ID)); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("withdrawn by an operator: %v", err)
	}
	if err := second(r.WithdrawTermination(t.Context(), r.actor(cora), gone.ID)); err != nil {
		t.Errorf("withdrawn: %v", err)
	}
	lost, err := propose(by, "again")
	if err != nil {
		t.Fatal(err)
	}
	now := r.again(carl)
	if err := second(r.ReplacePerson(t.Context(), r.actor(ada), now.Rev, airspace.Person{ID: carl.ID, Org: "zone", Roles: []airspace.Role{airspace.Observer}})); err != nil {
		t.Fatal(err)
	}
	if err := confirm(r.actor(cora), lost.ID); !errors.Is(err, airspace.ErrProposalClosed) {
		t.Errorf("who proposed is no controller any more: %v", err)
	}
	r.now = r.now.Add(time.Second)
	all := r.Terminations("uav-1")
	if len(all) != 4 || all[0].ID != gone.ID && all[0].ID != lost.ID || len(r.Terminations("uav-2")) != 0 {
		t.Errorf("listed: %+v", all)
	}
}

package airspace_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// TestAccountsAnsweredOnce makes each account decision twice under one key, at once
// and after a restart: one entry, one answer, whatever changed meanwhile.
func TestAccountsAnsweredOnce(t *testing.T) {
	dir := t.TempDir()
	r := newAccountRig(t, dir)
	r.organisation("zone", airspace.Authority)
	ada, bob := r.person("zone", airspace.Administrator), r.person("zone", airspace.Administrator)
	carl, otto := r.person("zone", airspace.Controller), r.person("zone", airspace.Observer)
	open, err := r.Propose(t.Context(), r.actor(ada), airspace.ActAppoint, carl.ID, "third")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func(r *accountRig, q *journal.Request) (any, error){
		"organisation": func(r *accountRig, q *journal.Request) (any, error) {
			return r.CreateOrganisation(journal.WithRequest(t.Context(), q), r.actor(ada), airspace.Organisation{ID: "acme", Kind: airspace.Operator, Name: "Acme"})
		},
		"person": func(r *accountRig, q *journal.Request) (any, error) {
			return r.CreatePerson(journal.WithRequest(t.Context(), q), r.actor(ada), airspace.Person{Org: "zone", Roles: []airspace.Role{airspace.Observer}})
		},
		"key": func(r *accountRig, q *journal.Request) (any, error) {
			return r.CreateAPIKey(journal.WithRequest(t.Context(), q), r.actor(ada), airspace.APIKey{Person: ada.ID, Scopes: []airspace.Scope{airspace.ZoneRead}})
		},
		"proposal": func(r *accountRig, q *journal.Request) (any, error) {
			return r.Propose(journal.WithRequest(t.Context(), q), r.actor(ada), airspace.ActErase, otto.ID, "left")
		},
		"confirmation": func(r *accountRig, q *journal.Request) (any, error) {
			return r.Confirm(journal.WithRequest(t.Context(), q), r.actor(bob), open.ID, 1)
		},
		"reset": func(r *accountRig, q *journal.Request) (any, error) {
			return r.NoteReset(journal.WithRequest(t.Context(), q), r.actor(ada), otto.ID)
		},
	}
	answers := map[string]any{}
	for name, do := range calls {
		q := &journal.Request{By: ada.ID, Key: name, SHA256: "a"}
		if r.Decided(journal.WithRequest(t.Context(), q)) {
			t.Errorf("%s is decided before it was asked", name)
		}
		if answers[name], err = do(r, q); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	check := func(when string, r *accountRig) {
		head, _ := r.journal.Head()
		for name, do := range calls {
			q := &journal.Request{By: ada.ID, Key: name, SHA256: "a"}
			again, err := do(r, q)
			if err != nil || !cmp.Equal(again, answers[name]) || !r.Decided(journal.WithRequest(t.Context(), q)) {
				t.Errorf("%s, %s again: %v, %s", when, name, err, cmp.Diff(answers[name], again))
			}
			if _, err := do(r, &journal.Request{By: ada.ID, Key: name, SHA256: "b"}); err != journal.ErrKeyReused {
				t.Errorf("%s, %s with another body: %v", when, name, err)
			}
		}
		if now, _ := r.journal.Head(); now != head {
			t.Errorf("%s: repetitions wrote %d entries", when, now-head)
		}
	}
	check("at once", r)
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	check("after a restart", newAccountRig(t, dir))
}

// TestRehearsal: the checks are those of the decision, and nothing comes of it.
func TestRehearsal(t *testing.T) {
	r := newAccountRig(t, t.TempDir())
	r.organisation("zone", airspace.Authority)
	ada := r.person("zone", airspace.Administrator)
	head, _ := r.journal.Head()
	ctx := airspace.Rehearsal(t.Context())
	p, err := r.CreatePerson(ctx, r.actor(ada), airspace.Person{Org: "zone", Roles: []airspace.Role{airspace.Observer}})
	if err != nil || p.ID != "" || p.Rev != 1 || p.UpdatedBy != ada.ID || p.CreatedUS != r.now.UnixMicro() {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := r.CreatePerson(ctx, r.actor(ada), airspace.Person{Org: "zone", Roles: []airspace.Role{"king"}}); err == nil {
		t.Error("a rehearsal lets a king in")
	}
	if _, err := r.CreateOrganisation(ctx, r.actor(ada), airspace.Organisation{ID: "zone", Kind: airspace.Operator, Name: "x"}); err == nil {
		t.Error("a rehearsal finds no organisation of that id")
	}
	if _, err := r.CreateFence(ctx, controller, river()); err == nil {
		t.Error("a fence was decided under a rehearsal")
	}
	if now, _ := r.journal.Head(); now != head || len(r.People()) != 1 || len(r.Fences()) != 0 {
		t.Errorf("%d entries were written", now-head)
	}
}

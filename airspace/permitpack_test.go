package airspace_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"testzone/airspace"
	"testzone/airspace/rules"
)

// withoutPack is a register of the same journal whose rule packs are newer than the
// permits in it.
func (r *permitRig) withoutPack() *airspace.Register {
	r.t.Helper()
	generic, err := fs.ReadFile(rules.Packs(), "generic-1.json")
	if err != nil {
		r.t.Fatal(err)
	}
	newer := bytes.Replace(generic, []byte(`"version": 1`), []byte(`"version": 2`), 1)
	set, err := rules.Load(fstest.MapFS{"generic-2.json": {Data: newer}})
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Listeners: []string{"signed"}, Journal: r.journal, Rules: set, Clock: func() time.Time { return r.now },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	replay(r.t, r.journal, out, 1, 1000)
	return out
}

// TestPermitWithoutItsPack: a permit whose rule pack the server no longer has can be
// read, suspended, revoked, and ends; what has to be judged by the pack waits for it.
func TestPermitWithoutItsPack(t *testing.T) {
	r := newPermitRig(t)
	one := r.effective(r.flight(0))
	x := r.withoutPack()
	if got := x.Permits(r.rita, airspace.PermitFilter{}); len(got) != 1 {
		t.Fatalf("%d permits are listed", len(got))
	}
	p, err := x.HaltPermit(t.Context(), r.carl, one.ID, airspace.SuspendPermit, "a concert", true)
	if err != nil || p.State != rules.Suspended {
		t.Fatal(p.State, err)
	}
	if _, err = x.HaltPermit(t.Context(), r.rita, one.ID, airspace.ResumePermit, "over", false); !errors.Is(err, rules.ErrNoPack) {
		t.Errorf("resumed without the pack that says by whom: %v", err)
	}
	if _, err = x.HaltPermit(t.Context(), r.olaf, one.ID, airspace.RevokePermit, "mine now", true); !errors.Is(err, airspace.ErrNotFound) {
		t.Errorf("another operator revokes: %v", err)
	}
	if p, err = x.HaltPermit(t.Context(), r.rita, one.ID, airspace.RevokePermit, "unsafe", true); err != nil || p.State != rules.Revoked {
		t.Errorf("a department that signed cannot revoke: %s %v", p.State, err)
	}

	r = newPermitRig(t)
	two := r.effective(r.flight(0))
	x = r.withoutPack()
	r.now = time.UnixMicro(two.ToUS)
	if _, err := x.TickPermits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err = x.PermitOf(r.rita, two.ID); err != nil || p.State != rules.Expired {
		t.Errorf("at its end it is %s: %v", p.State, err)
	}
}

// TestReplaces: what follows a permit follows one of its holder, kind and crew that was
// in force; else gates could be passed by a word.
func TestReplaces(t *testing.T) {
	r := newPermitRig(t)
	was := r.effective(r.flight(0))
	waits := r.submitted(r.flight(80_000_000))
	for name, id := range map[string]string{"none of all": "pm_x", "one that is not in force": waits.ID, "one that was": was.ID} {
		a := r.flight(40_000_000)
		a.Subtype, a.Replaces = "renewal", id
		p, _, err := r.DraftPermit(t.Context(), r.anton, a)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.SubmitPermit(t.Context(), r.anton, p.ID)
		if said := err != nil && strings.Contains(faultsOf(err), "replaces"); said != (id != was.ID) {
			t.Errorf("%s: submitted: %v %s", name, err, faultsOf(err))
		}
	}
}

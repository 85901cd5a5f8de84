package airspace_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// randomHistory makes decisions of all kinds, some of them under a key.
func randomHistory(t *testing.T, decisions int) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), Group: "north", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	r := newReplayed(t, j)
	rng := rand.New(rand.NewPCG(3, 3))
	var ids []string
	made := 0
	for n := range decisions {
		who := airspace.Actor{ID: fmt.Sprint("s", n), Roles: []airspace.Role{airspace.SetUp}}
		var ctx context.Context = t.Context()
		if n%3 == 0 {
			ctx = journal.WithRequest(ctx, &journal.Request{By: who.ID, Key: fmt.Sprint("key-", n/2), SHA256: "a"})
		}
		id, err := randomDecision(ctx, r, who, rng, ids)
		if err == nil {
			made++
		}
		if id != "" && len(ids) < 6 {
			ids = append(ids, id)
		}
	}
	if made < decisions/2 {
		t.Fatalf("only %d of %d decisions were made", made, decisions)
	}
	return j
}

func newReplayed(t *testing.T, j *journal.Journal) *airspace.Register {
	t.Helper()
	r, err := airspace.NewRegister(airspace.Config{Zone: airspace.Zone{ID: "north"}, Listeners: []string{"a"}, Journal: j, KeptAnswers: 40})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// replay takes the entries from..to in.
func replay(t *testing.T, j *journal.Journal, r *airspace.Register, from, to uint64) {
	t.Helper()
	err := j.Replay(1, func(rec journal.Record) error {
		if rec.Seq < from || rec.Seq > to {
			return nil
		}
		return r.Replay(rec)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func saved(t *testing.T, r *airspace.Register) []byte {
	t.Helper()
	b, err := r.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStateIsThatOfAReplay: a state that was saved anywhere in a history, and the
// entries behind it, make what all entries make: what is read of it, what the next
// decision depends on, and what a repeated request is answered.
func TestStateIsThatOfAReplay(t *testing.T) {
	j := randomHistory(t, 300)
	head, _ := j.Head()
	all := newReplayed(t, j)
	replay(t, j, all, 1, head)
	want := string(saved(t, all))
	for cut := uint64(0); cut <= head; cut += 1 + head/20 {
		half := newReplayed(t, j)
		replay(t, j, half, 1, cut)
		r := newReplayed(t, j)
		install, err := r.LoadState(saved(t, half))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Fences()) > 0 {
			t.Fatal("it is installed before that is asked for")
		}
		install()
		replay(t, j, r, cut+1, head)
		if diff := cmp.Diff(stateOf(all), stateOf(r), cmpopts.IgnoreUnexported(airspace.FenceRecord{})); diff != "" {
			t.Fatalf("saved at entry %d of %d (-replayed +loaded):\n%s", cut, head, diff)
		}
		if got := string(saved(t, r)); got != want {
			t.Fatalf("saved at entry %d of %d:\n%s\nwant\n%s", cut, head, got, want)
		}
		for _, f := range r.Fences() {
			if f.Compiled() == nil || f.Compiled().Fence.Rev != f.Fence.Rev {
				t.Errorf("saved at entry %d: fence %s has no geometry of its revision", cut, f.Fence.ID)
			}
		}
		if _, err := r.LoadState([]byte(`{"fences":[{"fence":{"id":"x","kind":"keep_out"}}]}`)); err == nil {
			t.Error("a fence without a shape is loaded")
		}
	}
}

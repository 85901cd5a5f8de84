package airspace_test

import (
	"errors"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
)

// TestRequestIsAnsweredOnce makes the same calls under keys that were used; each
// must answer what it answered first.
func TestRequestIsAnsweredOnce(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	key := func(by, key, sha string) *journal.Request { return &journal.Request{By: by, Key: key, SHA256: sha} }
	base, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	calls := []struct {
		name string
		do   func(r *rig, q *journal.Request) ([]airspace.FenceRecord, error)
	}{
		{"create", func(r *rig, q *journal.Request) ([]airspace.FenceRecord, error) {
			f, err := r.CreateFence(journal.WithRequest(t.Context(), q), controller, river())
			return []airspace.FenceRecord{f}, err
		}},
		{"restore", func(r *rig, q *journal.Request) ([]airspace.FenceRecord, error) {
			f, err := r.RestoreFence(journal.WithRequest(t.Context(), q), controller, base.Fence.ID, 1, 1)
			return []airspace.FenceRecord{f}, err
		}},
		{"emergency", func(r *rig, q *journal.Request) ([]airspace.FenceRecord, error) {
			f, err := r.CreateEmergencyFence(journal.WithRequest(t.Context(), q), controller, airspace.Emergency{Center: geo.Point{Lat: 310_000_000}, RadiusM: 50})
			return []airspace.FenceRecord{f}, err
		}},
		{"batch of two entries", func(r *rig, q *journal.Request) ([]airspace.FenceRecord, error) {
			changes := make([]airspace.Change, 300)
			for i := range changes {
				changes[i] = airspace.Change{Op: airspace.Create, Fence: river()}
			}
			return r.ApplyBatch(journal.WithRequest(t.Context(), q), controller, changes)
		}},
	}
	answers := map[string][]airspace.FenceRecord{}
	for _, c := range calls {
		if answers[c.name], err = c.do(r, key("carl", c.name, "a")); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
	}
	// What was created is deleted: the answer stays what it was.
	gone := answers["create"][0].Fence
	if err := r.DeleteFence(t.Context(), controller, gone.ID, gone.Rev); err != nil {
		t.Fatal(err)
	}
	check := func(when string, r *rig) {
		head, _ := r.journal.Head()
		for _, c := range calls {
			got, err := c.do(r, key("carl", c.name, "a"))
			if err != nil || len(got) != len(answers[c.name]) {
				t.Errorf("%s, %s again: %d records, %v", when, c.name, len(got), err)
				continue
			}
			for i := range got {
				if want := answers[c.name][i]; got[i].Fence.ID != want.Fence.ID || got[i].Fence.Rev != want.Fence.Rev || got[i].Deleted || got[i].UpdatedUS != want.UpdatedUS {
					t.Errorf("%s, %s again: %+v, first %+v", when, c.name, got[i], want)
				}
			}
			if _, err := c.do(r, key("carl", c.name, "b")); !errors.Is(err, journal.ErrKeyReused) {
				t.Errorf("%s, %s with another body: %v", when, c.name, err)
			}
		}
		if now, _ := r.journal.Head(); now != head {
			t.Errorf("%s: repeating wrote %d entries", when, now-head)
		}
	}
	check("at once", r)
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	r = newRig(t, dir)
	check("after a restart", r)

	other, err := calls[0].do(r, key("olga", "create", "b"))
	if err != nil || other[0].Fence.ID == gone.ID {
		t.Errorf("the same key of somebody else: %v, %v", other, err)
	}
}

// TestRequestWindow: after a day a key is free, and makes an entry of its own.
func TestRequestWindow(t *testing.T) {
	now := time.Date(2026, 11, 25, 23, 0, 0, 0, time.UTC)
	j, err := journal.Open(journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r, err := airspace.NewRegister(airspace.Config{Journal: j, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, step := range []struct {
		after time.Duration
		fresh bool
	}{{0, true}, {2 * time.Hour, false}, {22 * time.Hour, false}, {time.Second, true}, {time.Hour, false}} {
		now = now.Add(step.after)
		f, err := r.CreateFence(journal.WithRequest(t.Context(), &journal.Request{By: "carl", Key: "k", SHA256: "a"}), controller, river())
		if err != nil {
			t.Fatal(err)
		}
		if seen[f.Fence.ID] == step.fresh {
			t.Errorf("at %s: a new fence %v, want %v", now, !seen[f.Fence.ID], step.fresh)
		}
		seen[f.Fence.ID] = true
	}
	if head, _ := j.Head(); head != 2 || len(r.Fences()) != 2 {
		t.Errorf("%d entries, %d fences", head, len(r.Fences()))
	}
}

func TestCheckChangesNothing(t *testing.T) {
	r := newRig(t, t.TempDir())
	f, err := r.CreateFence(t.Context(), controller, river())
	if err != nil {
		t.Fatal(err)
	}
	head, _ := r.journal.Head()
	would, err := r.CheckBatch(controller, []airspace.Change{
		{Op: airspace.Create, Fence: river()}, {Op: airspace.Delete, ID: f.Fence.ID, Rev: 1},
	})
	if err != nil || would[0].Fence.ID != "" || would[0].Fence.Rev != 1 || !would[1].Deleted || would[1].Fence.Rev != 2 {
		t.Errorf("batch: %+v, %v", would, err)
	}
	if w, err := r.CheckRestore(controller, f.Fence.ID, 1, 1); err != nil || w.Fence.Rev != 2 || w.Fence.ID != f.Fence.ID {
		t.Errorf("restore: %+v, %v", w, err)
	}
	if _, err := r.CheckRestore(controller, f.Fence.ID, 2, 1); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("stale restore: %v", err)
	}
	if w, err := r.CheckEmergency(controller, airspace.Emergency{RadiusM: 50}); err != nil || w.Fence.Name != "Emergency" {
		t.Errorf("emergency: %+v, %v", w, err)
	}
	if _, err := r.CheckBatch(airspace.Actor{}, nil); !errors.Is(err, airspace.ErrForbidden) {
		t.Errorf("nobody: %v", err)
	}
	if now, _ := r.journal.Head(); now != head || len(r.Fences()) != 1 {
		t.Error("a check wrote something")
	}
}

// TestForgottenAnswer: a request whose answer is no longer kept is refused; the
// state never has what the journal has not.
func TestForgottenAnswer(t *testing.T) {
	j, err := journal.Open(journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r, err := airspace.NewRegister(airspace.Config{Journal: j, KeptAnswers: 5})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key string) error {
		changes := []airspace.Change{{Op: airspace.Create, Fence: river()}, {Op: airspace.Create, Fence: river()}}
		_, err := r.ApplyBatch(journal.WithRequest(t.Context(), &journal.Request{By: "carl", Key: key, SHA256: "a"}), controller, changes)
		return err
	}
	for _, key := range []string{"a", "b", "c"} { // one more than are kept
		if err := ask(key); err != nil {
			t.Fatal(err)
		}
	}
	head, _ := j.Head()
	if err := ask("a"); !errors.Is(err, journal.ErrKeyReused) {
		t.Errorf("a forgotten answer: %v", err)
	}
	for _, key := range []string{"b", "c"} {
		if err := ask(key); err != nil {
			t.Errorf("a kept answer: %v", err)
		}
	}
	if now, _ := j.Head(); now != head || len(r.Fences()) != 6 {
		t.Errorf("%d entries were written, %d fences", now-head, len(r.Fences()))
	}
}

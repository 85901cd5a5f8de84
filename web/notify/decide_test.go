package notify

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"testzone/telemetry/journal"
)

// failingSource is a journal that takes an entry and says so, or does not.
type failingSource struct {
	*journal.Journal
	lost     bool // the entry does not arrive
	unspoken bool // it arrives, and the answer is an error
}

func (f *failingSource) Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error) {
	if f.lost {
		return nil, journal.ErrNoSpace
	}
	seqs, err := f.Journal.Append(ctx, batch...)
	if f.unspoken {
		return nil, journal.ErrReadOnly
	}
	return seqs, err
}

// again is the notifier of a restart.
func again(t *testing.T, j *journal.Journal, path string) *Notifier {
	t.Helper()
	n, err := New(config(j, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(1, n.Replay); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDecisionsAreJournaled: who, when and to which host; never the secret nor the path.
func TestDecisionsAreJournaled(t *testing.T) {
	j, path := newJournal(t), filepath.Join(t.TempDir(), "w.json")
	n := again(t, j, path)
	h, secret, err := n.Create(t.Context(), "ada", "http://127.0.0.1:9/token-in-the-path", []string{"fence.*"})
	if err != nil {
		t.Fatal(err)
	}
	if h, err = n.Resume(t.Context(), "bob", h.ID, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id  string
		rev uint64
		err error
	}{{h.ID, 1, ErrStale}, {"wh_none", 1, ErrNotFound}, {h.ID, 2, nil}} {
		if err := n.Delete(t.Context(), "carl", c.id, c.rev); !errors.Is(err, c.err) {
			t.Errorf("delete %s %d: %v", c.id, c.rev, err)
		}
	}
	var got []string
	err = j.Replay(1, func(rec journal.Record) error {
		var d decision
		if err := json.Unmarshal(rec.Body, &d); err != nil || rec.Schema != Schema || rec.Kind != journal.Decision || rec.TimeUS != d.AtUS || d.AtUS == 0 {
			t.Errorf("entry %d: %s, %v", rec.Seq, rec.Body, err)
		}
		if text := string(rec.Body); strings.Contains(text, secret) || strings.Contains(text, "token-in-the-path") {
			t.Errorf("the journal has a secret: %s", text)
		}
		got = append(got, strings.Join([]string{d.Type, d.By, d.Host, d.ID}, " "))
		return nil
	})
	want := "webhook.create ada 127.0.0.1:9 " + h.ID + "; webhook.resume bob 127.0.0.1:9 " + h.ID + "; webhook.delete carl 127.0.0.1:9 " + h.ID
	if text := strings.Join(got, "; "); err != nil || text != want {
		t.Errorf("journal: %s, want %s; %v", text, want, err)
	}
	if hooks := again(t, j, path).Hooks(); len(hooks) != 0 {
		t.Errorf("a deleted hook is back: %+v", hooks)
	}
}

// TestCrashBetweenFileAndJournal: after a start the hooks are those of the journal.
func TestCrashBetweenFileAndJournal(t *testing.T) {
	for _, c := range []struct {
		name           string
		lost, unspoken bool
		hooks          int
	}{
		{"the entry did not arrive", true, false, 0},
		{"the entry arrived, the answer did not", false, true, 1},
		{"all went well, the file still says doubtful", false, false, 1},
	} {
		j, path := newJournal(t), filepath.Join(t.TempDir(), "w.json")
		cfg := config(j, path)
		cfg.Source = &failingSource{j, c.lost, c.unspoken}
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		made, _, err := n.Create(t.Context(), "ada", "http://127.0.0.1:9/", nil)
		if failed := c.lost || c.unspoken; failed != (err != nil) || failed && len(n.Hooks()) != 0 {
			t.Errorf("%s: %v, %d hooks", c.name, err, len(n.Hooks()))
		}
		n = again(t, j, path)
		hooks := n.Hooks()
		if len(hooks) != c.hooks || err == nil && hooks[0].ID != made.ID {
			t.Errorf("%s: after the start %+v", c.name, hooks)
		}
		// The file follows: the next start needs no doubt.
		if err := n.save(); err != nil {
			t.Error(err)
		}
		if n, err = New(config(j, path)); err != nil || len(n.Hooks()) != c.hooks {
			t.Errorf("%s: the file has %d hooks, %v", c.name, len(n.Hooks()), err)
		}
	}
}

// TestRefusedDecisionChangesNothing: what the journal did not take did not happen.
func TestRefusedDecisionChangesNothing(t *testing.T) {
	j, path := newJournal(t), filepath.Join(t.TempDir(), "w.json")
	source := &failingSource{Journal: j}
	cfg := config(j, path)
	cfg.Source = source
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h, _, err := n.Create(t.Context(), "ada", "http://127.0.0.1:9/", nil)
	if err != nil {
		t.Fatal(err)
	}
	source.lost = true
	if err := n.Delete(t.Context(), "ada", h.ID, 1); !errors.Is(err, journal.ErrNoSpace) {
		t.Errorf("delete: %v", err)
	}
	if _, err := n.Resume(t.Context(), "ada", h.ID, 1); !errors.Is(err, journal.ErrNoSpace) {
		t.Errorf("resume: %v", err)
	}
	if now, err := n.Hook(h.ID); err != nil || now.Rev != 1 {
		t.Errorf("it changed: %+v, %v", now, err)
	}
}

// TestCreateOnceOverACrash: the repetition of a request whose hook was lost makes the
// hook of the journal, in no second entry.
func TestCreateOnceOverACrash(t *testing.T) {
	j := newJournal(t)
	ctx := journal.WithRequest(t.Context(), &journal.Request{By: "ada", Key: "key-of-mine", SHA256: "a"})
	lost, err := New(config(j, filepath.Join(t.TempDir(), "lost.json")))
	if err != nil {
		t.Fatal(err)
	}
	first, _, err := lost.Create(ctx, "ada", "http://127.0.0.1:9/", nil)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := j.Head()
	n := again(t, j, filepath.Join(t.TempDir(), "w.json"))
	second, secret, err := n.Create(ctx, "ada", "http://127.0.0.1:9/", nil)
	if now, _ := j.Head(); err != nil || second.ID != first.ID || secret == "" || now != head {
		t.Errorf("again: %+v, %v, %d entries", second, err, now-head)
	}
	if err := n.Delete(t.Context(), "ada", second.ID, 1); err != nil {
		t.Fatal(err)
	}
	for when, n := range map[string]*Notifier{"at once": n, "after a restart": again(t, j, filepath.Join(t.TempDir(), "w.json"))} {
		if _, _, err := n.Create(ctx, "ada", "http://127.0.0.1:9/", nil); !errors.Is(err, ErrDeleted) || len(n.Hooks()) != 0 {
			t.Errorf("%s, a deleted hook again: %v", when, err)
		}
	}
}

// TestCrashAfterResume: a hook that was resumed is sent to after a start, although the
// file was not written any more. One that was given up after that stays so.
func TestCrashAfterResume(t *testing.T) {
	j, path := newJournal(t), filepath.Join(t.TempDir(), "w.json")
	n := again(t, j, path)
	h, _, err := n.Create(t.Context(), "ada", "http://127.0.0.1:9/", nil)
	if err != nil {
		t.Fatal(err)
	}
	n.giveUp(h.ID, errGone)
	if err := n.save(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := n.Resume(t.Context(), "ada", h.ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	n = again(t, j, path)
	if got, err := n.Hook(h.ID); err != nil || got.State != Active || got.Rev != resumed.Rev || got.LastError != "" {
		t.Errorf("after the crash: %+v, %v", got, err)
	}
	n.giveUp(h.ID, errGone)
	if err := n.save(); err != nil {
		t.Fatal(err)
	}
	if got, err := again(t, j, path).Hook(h.ID); err != nil || got.State != GivenUp || got.Rev != resumed.Rev+1 {
		t.Errorf("given up again: %+v, %v", got, err)
	}
}

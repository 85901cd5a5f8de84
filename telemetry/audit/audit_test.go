package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"testzone/telemetry/journal"
)

func testKey(t testing.TB) *Key {
	t.Helper()
	k, err := LoadKey(t.TempDir(), "z")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func fact(n int) journal.Entry {
	return journal.Entry{ID: journal.ID{1, byte(n), byte(n >> 8)}, Kind: journal.Fact, Schema: 2, TimeUS: int64(n), Body: fmt.Appendf(nil, `{"n":%d}`, n)}
}

// write makes a journal of these entries and returns its folder.
func write(t testing.TB, entries []journal.Entry) string {
	t.Helper()
	dir := t.TempDir()
	j, err := journal.Open(journal.Config{Dir: dir, Group: "z"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := j.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func entriesOf(t testing.TB, dir string) (out []journal.Entry, log *Log) {
	t.Helper()
	log = &Log{}
	if _, err := journal.ReadAll(journal.Config{Dir: dir}, func(r journal.Record) error {
		out = append(out, r.Entry)
		return log.Add(&r)
	}); err != nil {
		t.Fatal(err)
	}
	return out, log
}

// audited is a journal of facts with checkpoints after entries 10 and 21, and the
// newest of them.
func audited(t testing.TB, key *Key) (entries []journal.Entry, newest string) {
	t.Helper()
	for n := range 25 {
		if n == 10 || n == 20 {
			_, log := entriesOf(t, write(t, entries))
			root, err := log.Root(log.Size())
			if err != nil {
				t.Fatal(err)
			}
			if newest, err = key.Sign(Checkpoint{"z", log.Size(), root, time.UnixMilli(int64(n))}); err != nil {
				t.Fatal(err)
			}
			e, err := checkpointEntry(newest, time.UnixMilli(int64(n)))
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		entries = append(entries, fact(n))
	}
	return entries, newest
}

// TestVerify builds each way to change the past. The chain of every one of these
// journals is right: only what was signed tells.
func TestVerify(t *testing.T) {
	key, other := testKey(t), testKey(t)
	entries, newest := audited(t, key)
	rewritten := func(change func(e []journal.Entry) []journal.Entry) []journal.Entry {
		return change(slices.Clone(entries))
	}
	edit := func(e []journal.Entry) []journal.Entry { e[14] = fact(99); return e }
	withoutCheckpoints := func(e []journal.Entry) []journal.Entry {
		return slices.DeleteFunc(e, func(e journal.Entry) bool { return e.Schema == Schema })
	}
	for _, tc := range []struct {
		name     string
		entries  []journal.Entry
		verifier string
		outside  string
		want     error
		says     string
	}{
		{"untouched", entries, key.Verifier, newest, nil, ""},
		{"untouched, no key", entries, "", "", nil, ""},
		{"edited", rewritten(edit), key.Verifier, "", ErrForked, "between 11 and 21"},
		{"edited, no key", rewritten(edit), "", "", ErrForked, "between 11 and 21"},
		{"reordered", rewritten(func(e []journal.Entry) []journal.Entry { e[3], e[4] = e[4], e[3]; return e }), key.Verifier, "", ErrForked, "between 1 and 10"},
		{"cut", entries[:15], key.Verifier, newest, ErrForked, "entry 16 is the first that is missing"},
		{"cut behind the checkpoint", entries[:23], key.Verifier, newest, nil, ""},
		{"edited, and its checkpoints taken out", rewritten(func(e []journal.Entry) []journal.Entry { return withoutCheckpoints(edit(e)) }), key.Verifier, newest, ErrForked, "between 1 and 21"},
		{"signed anew with another key", entries, other.Verifier, "", ErrCheckpoint, "entry 11"},
		{"a text that is no checkpoint", entries, key.Verifier, "hello\n\n", ErrCheckpoint, "outside"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := Verify(journal.Config{Dir: write(t, tc.entries)}, tc.verifier, tc.outside)
			if !errors.Is(err, tc.want) || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%+v, %v", r, err)
			}
			if tc.want == nil && (r.Entries != int64(len(tc.entries)) || r.Checkpoints != 2 || r.Covered != 21 || tc.outside != "" && r.Outside != 21) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestVerifyDamage: a byte that was changed in place breaks the chain itself.
func TestVerifyDamage(t *testing.T) {
	entries, newest := audited(t, testKey(t))
	dir := write(t, entries)
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), `{"n":7}`)
	b[at+5] = '8'
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	var damage *journal.DamageError
	if _, err := Verify(journal.Config{Dir: dir}, "", newest); !errors.As(err, &damage) {
		t.Errorf("got %v", err)
	}
}

func TestProofs(t *testing.T) {
	entries, _ := audited(t, testKey(t))
	dir := write(t, entries)
	_, log := entriesOf(t, dir)
	root, err := log.Root(27)
	if err != nil {
		t.Fatal(err)
	}
	var hashes []tlog.Hash
	if _, err := journal.ReadAll(journal.Config{Dir: dir}, func(r journal.Record) error {
		hashes = append(hashes, tlog.RecordHash(r.Hash[:]))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for seq := int64(1); seq <= 27; seq++ {
		p, err := log.Inclusion(seq, 27)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(p, 27, root, seq-1, hashes[seq-1]); err != nil {
			t.Errorf("entry %d: %v", seq, err)
		}
		old, err := log.Root(seq)
		if err != nil {
			t.Fatal(err)
		}
		c, err := log.Consistency(seq, 27)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(c, 27, root, seq, old); err != nil {
			t.Errorf("from %d: %v", seq, err)
		}
	}
	// A log that was forked cannot prove that it continues what was signed.
	forked := slices.Clone(entries)
	forked[2] = fact(77)
	_, other := entriesOf(t, write(t, forked))
	c, err := other.Consistency(10, 27)
	if err != nil {
		t.Fatal(err)
	}
	old, err := log.Root(10)
	if err != nil {
		t.Fatal(err)
	}
	now, err := other.Root(27)
	if err != nil {
		t.Fatal(err)
	}
	if tlog.CheckTree(c, 27, now, 10, old) == nil {
		t.Error("a forked log proves its consistency")
	}
	for _, ask := range []func() error{
		func() error { _, err := log.Inclusion(0, 27); return err },
		func() error { _, err := log.Inclusion(28, 28); return err },
		func() error { _, err := log.Consistency(5, 4); return err },
		func() error { _, err := log.Root(28); return err },
	} {
		if err := ask(); !errors.Is(err, ErrRange) {
			t.Errorf("beyond the log: %v", err)
		}
	}
}

func TestCheckpointText(t *testing.T) {
	key := testKey(t)
	c := Checkpoint{Group: "z", Size: 5, Root: tlog.RecordHash([]byte("x")), At: time.UnixMilli(1_763_812_800_123)}
	signed, err := key.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(signed, key.Verifier); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
	changed := strings.Replace(signed, "\n5\n", "\n6\n", 1)
	if _, err := OpenCheckpoint(changed, key.Verifier); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a changed size: %v", err)
	}
	if _, err := OpenCheckpoint(signed, testKey(t).Verifier); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("another key: %v", err)
	}
}

func FuzzCheckpoint(f *testing.F) {
	signed, err := testKey(f).Sign(Checkpoint{Group: "z", Size: 5, At: time.UnixMilli(9)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add("testzone/z\n5\nAAAA\ntime 1\n\n— x y\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := OpenCheckpoint(text, ""); err == nil {
			if again, err := parseCheckpoint(c.text()); err != nil || again != c {
				t.Errorf("%+v, then %+v, %v", c, again, err)
			}
		}
	})
}

// TestKeeper: entries are covered in time, a checkpoint does not ask for another,
// and a restart goes on.
func TestKeeper(t *testing.T) {
	key := testKey(t)
	dir := write(t, nil)
	file := filepath.Join(t.TempDir(), "out", "checkpoint")
	run := func(during func(j *journal.Journal, k *Keeper)) {
		synctest.Test(t, func(t *testing.T) {
			j, err := journal.Open(journal.Config{Dir: dir, Group: "z", ScrubEvery: -1})
			if err != nil {
				t.Fatal(err)
			}
			k, err := NewKeeper(Config{Journal: j, Group: "z", Key: key, File: file, Entries: 5})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- k.Run(ctx) }()
			during(j, k)
			cancel()
			<-done
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	run(func(j *journal.Journal, k *Keeper) {
		time.Sleep(time.Minute)
		if k.Checkpoint() != "" {
			t.Error("an empty journal is signed")
		}
		if _, err := j.Append(context.Background(), fact(1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second)
		if k.Checkpoint() != "" {
			t.Error("signed before its time")
		}
		time.Sleep(3 * time.Second)
		c, err := OpenCheckpoint(k.Checkpoint(), key.Verifier)
		if err != nil || c.Size != 1 {
			t.Errorf("%+v, %v", c, err)
		}
		if kept, err := os.ReadFile(file); err != nil || string(kept) != k.Checkpoint() {
			t.Errorf("exported %q, %v", kept, err)
		}
		time.Sleep(time.Hour)
		if head, _ := j.Head(); head != 2 {
			t.Errorf("%d entries: a checkpoint asks for another", head)
		}
		for n := range 5 {
			if _, err := j.Append(context.Background(), fact(10+n)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		if c, err := OpenCheckpoint(k.Checkpoint(), key.Verifier); err != nil || c.Size != 7 {
			t.Errorf("after five entries: %+v, %v", c, err)
		}
	})
	run(func(j *journal.Journal, k *Keeper) {
		time.Sleep(time.Hour)
		if head, _ := j.Head(); head != 8 || k.Log.Size() != 8 {
			t.Errorf("after a restart %d entries, %d in the log", head, k.Log.Size())
		}
		if c, err := OpenCheckpoint(k.Checkpoint(), key.Verifier); err != nil || c.Size != 7 {
			t.Errorf("%+v, %v", c, err)
		}
	})
	if r, err := Verify(journal.Config{Dir: dir}, key.Verifier, ""); err != nil || r.Checkpoints != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestKeyFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	first, err := LoadKey(dir, "z")
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadKey(dir, "z")
	if err != nil || second.Verifier != first.Verifier {
		t.Errorf("a second start has the key %v, %v", second, err)
	}
	if err := os.Chmod(filepath.Join(dir, "audit.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(dir, "z"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

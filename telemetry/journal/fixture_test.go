package journal

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var newFixture = flag.Bool("new-fixture", false, "write testdata/v1 if it is missing; what exists never changes")

// fixture is a journal that a former version wrote. Its folder is never written
// again: a new format gets a new folder beside it, and this one must open for ever.
const fixture = "testdata/v1"

// listing is what a journal says, in text, one line per entry.
func listing(t *testing.T, j *Journal) string {
	t.Helper()
	var b strings.Builder
	for _, r := range records(t, j, 1) {
		fmt.Fprintf(&b, "%d epoch %d %v schema %d time %d id %x expect %v body %x hash %x\n",
			r.Seq, r.Epoch, r.Kind, r.Schema, r.TimeUS, r.ID, r.Expect, r.Body, r.Hash)
	}
	s, err := j.LatestSnapshot(3)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "snapshot %d %q\n", s.Seq, s.State)
	return b.String()
}

func TestFixtureOfTheFirstFormat(t *testing.T) {
	if _, err := os.Stat(fixture); errors.Is(err, fs.ErrNotExist) && *newFixture {
		writeFixture(t)
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(fixture)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(fixture, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	want := string(files["entries.txt"])
	delete(files, "entries.txt")
	if report, err := Verify(Config{FS: folderOf(files)}); err != nil || report.Segments < 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	j := mustOpen(t, quiet(folderOf(files)))
	if d := cmp.Diff(want, listing(t, j)); d != "" {
		t.Fatal(d)
	}
	head, _ := j.Head()
	// Its ids and aggregates count, and it goes on.
	if got := mustAppend(t, j, entryOf(0, 40)); got[0] != 1 {
		t.Errorf("an entry that is known is at %d", got[0])
	}
	if _, err := j.Append(t.Context(), decision(900, Expect{Agg: "permit:1", Seq: 1})); !errors.Is(err, ErrConflict) {
		t.Errorf("a decision on an old state: %v", err)
	}
	if got := mustAppend(t, j, decision(901, Expect{Agg: "permit:1", Seq: 2})); got[0] != head+1 {
		t.Errorf("the next entry is at %d, the head was %d", got[0], head)
	}
}

func writeFixture(t *testing.T) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	for n := uint64(0); j.Health().Segments < 3; n += 4 {
		mustAppend(t, j, entryOf(n, 40), decision(n+1, Expect{Agg: Aggregate(fmt.Sprint("permit:", n/4+1))}, Expect{Agg: "airspace:zone-a", Any: true}))
		control := entryOf(n+2, 60)
		control.Kind = Control
		mustAppend(t, j, control)
		if seq, hash := j.Head(); seq == 6 || seq == 12 {
			if err := j.WriteSnapshot(seq, hash, 3, strings.NewReader(fmt.Sprint("state after ", seq))); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustAppend(t, j, entryOf(5000, 0))
	text := listing(t, j)
	mustClose(t, j)
	files := disk.files()
	files["entries.txt"] = []byte(text)
	if err := os.MkdirAll(fixture, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(fixture, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

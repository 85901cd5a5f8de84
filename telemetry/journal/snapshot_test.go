package journal

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// snapped is a journal with snapshots of entries 10, 20, 30 and 40 entries.
func snapped(t testing.TB) (*crashFS, *Journal) {
	t.Helper()
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	for n := range uint64(40) {
		mustAppend(t, j, entryOf(n, 100))
		if seq, hash := j.Head(); seq%10 == 0 && seq < 40 {
			if err := j.WriteSnapshot(seq, hash, 3, strings.NewReader("state of "+snapshotName(seq))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return disk, j
}

func TestSnapshot(t *testing.T) {
	disk, j := snapped(t)
	for range 2 {
		s, err := j.LatestSnapshot(3)
		if err != nil {
			t.Fatal(err)
		}
		all := records(t, j, 1)
		if s.Seq != 30 || s.Hash != all[29].Hash || s.Schema != 3 || string(s.State) != "state of "+snapshotName(30) {
			t.Fatalf("got %+v", s)
		}
		if h := j.Health(); h.Snapshot != 30 {
			t.Fatalf("health %+v", h)
		}
		mustClose(t, j)
		j = mustOpen(t, quiet(disk))
	}
	names, _ := disk.List()
	if got := snapshotSeqs(names); !slices.Equal(got, []uint64{20, 30}) {
		t.Fatalf("kept: %v", got)
	}
	if _, err := j.LatestSnapshot(4); !errors.Is(err, ErrNoSnapshot) {
		t.Fatalf("of another schema: %v", err)
	}
}

// Every byte of the newest snapshot flipped: the one before it is taken. Both
// damaged: everything is replayed.
func TestDamagedSnapshot(t *testing.T) {
	disk, j := snapped(t)
	mustClose(t, j)
	files := disk.files()
	latest := func() (uint64, error) {
		j := mustOpen(t, quiet(folderOf(files)))
		defer j.Close()
		s, err := j.LatestSnapshot(3)
		if err != nil {
			return 0, err
		}
		return s.Seq, nil
	}
	name := snapshotName(30)
	whole := files[name]
	for at := range whole {
		files[name] = slices.Clone(whole)
		files[name][at] ^= 0x80
		if seq, err := latest(); seq != 20 || err != nil {
			t.Fatalf("byte %d flipped: snapshot of entry %d, %v", at, seq, err)
		}
		files[name] = whole[:at]
		if seq, err := latest(); seq != 20 || err != nil {
			t.Fatalf("cut to %d bytes: snapshot of entry %d, %v", at, seq, err)
		}
	}
	files[snapshotName(20)] = nil
	if _, err := latest(); !errors.Is(err, ErrNoSnapshot) {
		t.Fatalf("both damaged: %v", err)
	}
}

// A snapshot of another history of the same length is not used.
func TestSnapshotOfAnotherJournal(t *testing.T) {
	disk, j := snapped(t)
	mustClose(t, j)
	other, k := snapped(t)
	mustClose(t, k)
	files := disk.files()
	files[snapshotName(30)] = other.files()[snapshotName(30)]
	j = mustOpen(t, quiet(folderOf(files)))
	if s, err := j.LatestSnapshot(3); err != nil || s.Seq != 20 {
		t.Fatalf("got %+v, %v", s, err)
	}
	mustClose(t, j)
	files = disk.files()
	h, state, err := parseSnapshot(files[snapshotName(30)])
	if err != nil {
		t.Fatal(err)
	}
	h.hash[0]++
	files[snapshotName(30)] = append(h.encode(), state...)
	j = mustOpen(t, quiet(folderOf(files)))
	if s, err := j.LatestSnapshot(3); err != nil || s.Seq != 20 {
		t.Fatalf("got %+v, %v", s, err)
	}
	seq, hash := j.Head()
	hash[0]++
	if err := j.WriteSnapshot(seq, hash, 3, strings.NewReader("x")); !errors.Is(err, ErrInvalid) {
		t.Fatalf("a state of another history: %v", err)
	}
	if err := j.WriteSnapshot(seq+1, hash, 3, strings.NewReader("x")); !errors.Is(err, ErrInvalid) {
		t.Fatalf("a state of the future: %v", err)
	}
}

// A snapshot that cannot be written leaves the older ones and the journal alone.
func TestSnapshotThatFails(t *testing.T) {
	broken := errors.New("broken state")
	for _, op := range []string{"create", "write", "sync", "rename", "syncdir", "state"} {
		disk, j := snapped(t)
		seq, hash := j.Head()
		var state io.WriterTo = strings.NewReader("new")
		if op == "state" {
			state = failing{broken}
		}
		disk.mu.Lock()
		disk.fault = func(at, name string) error {
			if at == op {
				return syscall.ENOSPC
			}
			return nil
		}
		disk.mu.Unlock()
		if err := j.WriteSnapshot(seq, hash, 3, state); !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, broken) {
			t.Errorf("%s: %v", op, err)
		}
		disk.mu.Lock()
		disk.fault = nil
		disk.mu.Unlock()
		mustAppend(t, j, entryOf(100, 1))
		if s, err := j.LatestSnapshot(3); err != nil || s.Seq < 30 {
			t.Errorf("%s: then %+v, %v", op, s, err)
		}
		if err := j.WriteSnapshot(seq, hash, 3, strings.NewReader("new")); err != nil {
			t.Errorf("%s: the next one: %v", op, err)
		}
		for name := range disk.files() {
			if strings.HasSuffix(name, snapTemp) {
				t.Errorf("%s: %s was left", op, name)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) WriteTo(w io.Writer) (int64, error) {
	n, _ := w.Write(bytes.Repeat([]byte("x"), 100<<10))
	return int64(n), f.err
}

// What decodes as a snapshot encodes to the same bytes.
func FuzzSnapshot(f *testing.F) {
	disk, j := snapped(f)
	mustClose(f, j)
	f.Add(disk.files()[snapshotName(30)])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= snapHead {
			b = bytes.Clone(b)
			le.PutUint32(b[124:], crc32c(b[:124]))
		}
		h, state, err := parseSnapshot(b)
		if err == nil && !bytes.Equal(append(h.encode(), state...), b) {
			t.Fatalf("%x became another one", b)
		}
	})
}

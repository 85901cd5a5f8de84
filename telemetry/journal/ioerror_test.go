package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestFiguresIOErrors: every error of a disk stops the journal, what it answers
// has a type, and nothing is acknowledged that is not there after the restart.
func TestFiguresIOErrors(t *testing.T) {
	faults := map[string]error{
		"ENOSPC": syscall.ENOSPC, "EIO": syscall.EIO, "EROFS": syscall.EROFS,
		"short": shortWrite{100, syscall.ENOSPC}, "short by one frame": shortWrite{992, syscall.EIO},
	}
	acked, cases := 0, 0
	for _, op := range []string{"write", "datasync", "sync", "allocate", "truncate", "create", "syncdir"} {
		for name, fault := range faults {
			for skip := range 4 {
				if strings.HasPrefix(name, "short") && op != "write" {
					continue
				}
				cases++
				t.Run(fmt.Sprint(op, " ", name, " ", skip), func(t *testing.T) { acked += ioError(t, op, fault, skip) })
			}
		}
	}
	t.Logf("%d cases", cases)
	figure("journal/io_error_acked", acked, "entries")
}

// ioError fails the operation after it went well skip times. It counts the
// entries that were acknowledged and are not there in the end.
func ioError(t *testing.T, op string, fault error, skip int) (lost int) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	mustAppend(t, j, entryOf(0, 900))
	left := skip
	disk.mu.Lock()
	disk.fault = func(at, _ string) error {
		if at != op {
			return nil
		}
		if left--; left >= 0 {
			return nil
		}
		return fault
	}
	disk.mu.Unlock()
	acked := map[ID]uint64{entryOf(0, 900).ID: 1}
	var err error
	n := uint64(1)
	for ; n < 20 && err == nil; n++ {
		var seqs []uint64
		if seqs, err = j.Append(context.Background(), entryOf(n, 900)); err == nil {
			acked[entryOf(n, 900).ID] = seqs[0]
		}
	}
	if !errors.Is(err, ErrReadOnly) || !errors.Is(err, fault) {
		t.Fatalf("got %v", err)
	}
	disk.mu.Lock()
	disk.fault = nil // the disk is well again: still nothing is accepted
	disk.mu.Unlock()
	if seqs, err := j.Append(context.Background(), entryOf(50, 1)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("after the error: %v", err)
		for _, seq := range seqs {
			acked[entryOf(50, 1).ID] = seq
		}
	}
	if h := j.Health(); h.State != ReadOnly || !errors.Is(h.Cause, fault) {
		t.Fatalf("health %+v", h)
	}
	if n := len(records(t, j, 1)); n != len(acked) {
		t.Fatalf("%d records are readable, %d were acknowledged", n, len(acked))
	}
	mustClose(t, j)
	disk.restart()
	j = mustOpen(t, quiet(disk))
	mustAppend(t, j, entryOf(n-1, 900)) // the one without an answer, again
	found := map[ID]uint64{}
	for _, r := range records(t, j, 1) {
		if found[r.ID] != 0 {
			t.Errorf("entry %d is there twice", r.Seq)
		}
		found[r.ID] = r.Seq
	}
	for id, seq := range acked {
		if found[id] != seq {
			t.Errorf("entry %d is missing", seq)
			lost++
		}
	}
	return lost
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: file + "/journal"}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("below a file: %v", err)
	}
	disk := newCrashFS()
	disk.fault = func(string, string) error { return syscall.EROFS }
	if _, err := Open(quiet(disk)); !errors.Is(err, syscall.EROFS) {
		t.Errorf("on a read-only file system: %v", err)
	}
}

// What is left of a disk is kept for facts, and at last for emergencies.
func TestLittleSpace(t *testing.T) {
	emergency := decision(30, Expect{Agg: "airspace:z", Any: true})
	emergency.Emergency = true
	tests := []struct {
		name                      string
		room                      int64
		decision, fact, emergency bool // accepted
	}{
		{"plenty", 0, true, true, true},
		{"two segments", 2 * 2048, true, true, true},
		{"below two", 2*2048 - 1, false, true, true},
		{"one", 2048, false, true, true},
		{"below one", 2047, false, false, true},
		{"hardly anything", 1, false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := newCrashFS()
			j := mustOpen(t, quiet(disk))
			old := decision(9, Expect{Agg: "permit:9"})
			mustAppend(t, j, old)
			disk.mu.Lock()
			disk.room = tt.room
			disk.mu.Unlock()
			for _, c := range []struct {
				batch []Entry
				want  bool
			}{
				{[]Entry{decision(10, Expect{Agg: "permit:1"})}, tt.decision},
				{[]Entry{entryOf(20, 5)}, tt.fact},
				{[]Entry{entryOf(21, 5), decision(22)}, tt.decision},
				{[]Entry{emergency}, tt.emergency},
				{[]Entry{old}, true}, // it is there
			} {
				_, err := j.Append(context.Background(), c.batch...)
				if (err == nil) != c.want || err != nil && !errors.Is(err, ErrNoSpace) {
					t.Errorf("%v: %v", c.batch[0].Kind, err)
				}
			}
			if h := j.Health(); h.State != OK || h.LowSpace == tt.decision {
				t.Errorf("health %+v", h)
			}
			for n := range uint64(4) { // over the end of the segment
				big := entryOf(40+n, 900)
				big.Emergency = true
				mustAppend(t, j, big)
			}
			disk.mu.Lock()
			disk.room = 0
			disk.mu.Unlock()
			mustAppend(t, j, decision(50, Expect{Agg: "permit:5"}))
			want := records(t, j, 1)
			mustClose(t, j)
			if got := records(t, mustOpen(t, quiet(disk)), 1); len(got) != len(want) {
				t.Errorf("%d records after the restart, %d before", len(got), len(want))
			}
		})
	}
}

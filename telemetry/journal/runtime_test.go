package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClosed(t *testing.T) {
	j := mustOpen(t, quiet(newCrashFS()))
	mustClose(t, j)
	mustClose(t, j)
	_, err := j.Append(context.Background(), entryOf(1, 1))
	for _, err := range []error{err, j.Replay(1, nil), j.Follow(context.Background(), 1, nil)} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		j := mustOpen(t, quiet(disk))
		gate := make(chan struct{})
		disk.mu.Lock()
		disk.fault = func(op, name string) error {
			if op == "datasync" && name != watermarkName {
				disk.mu.Unlock()
				<-gate
				disk.mu.Lock()
			}
			return nil
		}
		disk.mu.Unlock()
		ctx, cancel := context.WithCancel(context.Background())
		writing, waiting := make(chan error, 1), make(chan error, 1)
		go func() { _, err := j.Append(ctx, entryOf(1, 1)); writing <- err }()
		synctest.Wait()
		go func() { _, err := j.Append(ctx, entryOf(2, 1)); waiting <- err }()
		synctest.Wait()
		if n := j.Health().Waiting; n != 1 {
			t.Fatalf("%d appends wait, want 1", n)
		}
		cancel()
		if err := <-writing; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnknown) {
			t.Errorf("the one that was being written: %v", err)
		}
		if err := <-waiting; !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnknown) {
			t.Errorf("the one that waited: %v", err)
		}
		close(gate)
		synctest.Wait()
		if got := mustAppend(t, j, entryOf(1, 1), entryOf(2, 1)); !slices.Equal(got, []uint64{1, 2}) {
			t.Errorf("the retries are at %v", got)
		}
	})
}

// While a group is being synced the next one is planned but not written; when the
// sync fails, it is refused and not "unknown".
func TestNothingIsWrittenDuringASync(t *testing.T) {
	for _, failure := range []error{nil, errors.New("broken sync")} {
		synctest.Test(t, func(t *testing.T) {
			disk := newCrashFS()
			j := mustOpen(t, quiet(disk))
			gate, writes, syncing := make(chan error), 0, false
			disk.mu.Lock()
			disk.fault = func(op, name string) (err error) {
				if name == watermarkName {
					return nil
				}
				if op == "write" {
					writes++
					if syncing {
						t.Error("a group was written while the one before it was being synced")
					}
				}
				if op == "datasync" {
					syncing = true
					disk.mu.Unlock()
					err = <-gate
					disk.mu.Lock()
					syncing = false
				}
				return err
			}
			disk.mu.Unlock()
			answers := [3]chan error{}
			n := uint64(0)
			for group := range answers { // one alone, three together, three that are planned meanwhile
				answers[group] = make(chan error, 3)
				for range 1 + 2*min(group, 1) {
					n++
					go func() { _, err := j.Append(context.Background(), entryOf(n, 10)); answers[group] <- err }()
					synctest.Wait()
				}
				if group == 1 {
					gate <- nil // the first is answered, the three are written
					synctest.Wait()
				}
			}
			if writes != 2 {
				t.Fatalf("%d groups were written, want 2", writes)
			}
			gate <- failure
			synctest.Wait()
			if failure == nil {
				gate <- nil
			}
			for group, answer := range answers {
				for range 1 + 2*min(group, 1) {
					err := <-answer
					switch {
					case failure == nil || group == 0:
						if err != nil {
							t.Errorf("group %d: %v", group, err)
						}
					case !errors.Is(err, ErrReadOnly) || errors.Is(err, ErrUnknown) != (group == 1):
						t.Errorf("group %d: %v", group, err)
					}
				}
			}
			if failure != nil && writes != 2 {
				t.Errorf("%d groups were written, want 2", writes)
			}
		})
	}
}

func TestWatermarkFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		j := mustOpen(t, quiet(disk))
		mustAppend(t, j, entryOf(1, 1))
		if w, ok, err := readWatermark(disk); !ok || err != nil || w.seq != 0 {
			t.Fatalf("watermark at once: %+v %v %v", w, ok, err)
		}
		<-time.After(watermarkEvery)
		synctest.Wait()
		if w, ok, err := readWatermark(disk); !ok || err != nil || w.seq != 1 {
			t.Fatalf("watermark after its time: %+v %v %v", w, ok, err)
		}
	})
}

func TestFolderOfTheOperatingSystem(t *testing.T) {
	cfg := quiet(nil)
	cfg.Dir = filepath.Join(t.TempDir(), "data", "journal")
	j := mustOpen(t, cfg)
	mustAppend(t, j, entryOf(1, 100))
	if h := j.Health(); h.State != OK || h.Head != 1 || h.LastSync <= 0 || h.FreeBytes <= 0 {
		t.Errorf("health %+v", h)
	}
	_, err := Open(cfg)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Fatalf("a second opening: %v", err)
	}
	info, err := os.Stat(filepath.Join(cfg.Dir, segmentName(1)))
	if err != nil || info.Size() != cfg.SegmentBytes || info.Mode().Perm()&0o077 != 0 {
		t.Fatalf("segment file: %v, %v", info, err)
	}
	for n := range uint64(100) {
		mustAppend(t, j, entryOf(2+n, 100))
	}
	want := records(t, j, 1)
	mustClose(t, j)
	j = mustOpen(t, cfg)
	if d := cmp.Diff(want, records(t, j, 1)); d != "" {
		t.Fatal(d)
	}
	mustClose(t, j)

	other := cfg
	other.Group = "zone-b"
	if _, err := Open(other); !errors.Is(err, ErrOtherGroup) {
		t.Fatalf("another group: %v", err)
	}
	if _, err := (dir{path: cfg.Dir}).Open("missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a missing file: %v", err)
	}
	cfg.SegmentBytes = 10
	if _, err := Open(cfg); err == nil {
		t.Fatal("a segment of 10 bytes was accepted")
	}
}

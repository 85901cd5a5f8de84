package journal

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var figures = flag.Bool("figures", false, "measure and print the figures of make bench-platform")

// figure is one line of make bench-platform.
func figure(name string, value any, unit string) {
	if *figures {
		fmt.Println(name, value, unit)
	}
}

// times is the full number with -figures, and the short form without.
func times(short, full int) int {
	if *figures {
		return full
	}
	return short
}

func TestFiguresKill9(t *testing.T) {
	missing, duplicate := killRounds(t, times(len(allPoints), 200))
	figure("journal/kill9_missing", missing, "entries")
	figure("journal/kill9_duplicate", duplicate, "entries")
	if missing+duplicate > 0 {
		t.Errorf("%d acknowledged entries are missing, %d are there twice", missing, duplicate)
	}
}

// recorder is a folder that remembers how the segments were written: the bytes of
// each group commit.
type recorder struct {
	FS
	mu    sync.Mutex // guards sizes
	sizes []int
}

func (w *recorder) Open(name string) (File, error)   { return w.wrap(name, w.FS.Open) }
func (w *recorder) Create(name string) (File, error) { return w.wrap(name, w.FS.Create) }

func (w *recorder) wrap(name string, open func(string) (File, error)) (File, error) {
	f, err := open(name)
	if err != nil || !strings.HasSuffix(name, segmentSuffix) {
		return f, err
	}
	return recordedFile{f, w}, nil
}

type recordedFile struct {
	File
	w *recorder
}

func (f recordedFile) WriteAt(b []byte, off int64) (int, error) {
	if off >= headerSize && len(b) > footerSize {
		f.w.mu.Lock()
		f.w.sizes = append(f.w.sizes, len(b))
		f.w.mu.Unlock()
	}
	return f.File.WriteAt(b, off)
}

// TestFiguresAppend compares group commit with the same writes and syncs without a
// journal, in turns. Inside the timers: from the first append to the last answer.
func TestFiguresAppend(t *testing.T) {
	const writers = 256
	rounds, each := times(1, 9), times(4, 150)
	var ratios, rates, perSync []float64
	for range rounds {
		folder, err := openDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		disk := &recorder{FS: folder}
		cfg := quiet(disk)
		cfg.SegmentBytes = 64 << 20
		j := mustOpen(t, cfg)
		ours := appendAll(t, j, writers, each)
		head, _ := j.Head()
		mustClose(t, j)
		bare := bareWrites(t, folder, disk.sizes)
		if head != uint64(writers*each) {
			t.Fatalf("%d entries of %d", head, writers*each)
		}
		ratios = append(ratios, bare.Seconds()/ours.Seconds())
		rates = append(rates, float64(head)/ours.Seconds())
		perSync = append(perSync, float64(head)/float64(len(disk.sizes)))
	}
	for _, s := range [][]float64{ratios, rates, perSync} {
		slices.Sort(s)
	}
	mid := rounds / 2
	t.Logf("ratios %.2f, %.0f entries/s, %.0f entries for each sync", ratios, rates[mid], perSync[mid])
	if perSync[mid] < 2 {
		t.Error("nothing was committed in groups")
	}
	figure("journal/append_over_bare", fmt.Sprintf("%.2f", ratios[mid]), "x")
	figure("journal/append_per_s", fmt.Sprintf("%.0f", rates[mid]), "entries/s")
}

func appendAll(t *testing.T, j *Journal, writers, each int) time.Duration {
	var wg sync.WaitGroup
	begin := time.Now()
	for range writers {
		wg.Go(func() {
			body := make([]byte, 400)
			for range each {
				if _, err := j.Append(t.Context(), Entry{ID: NewID(), Kind: Fact, Schema: 1, Body: body}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

func bareWrites(t *testing.T, folder FS, sizes []int) time.Duration {
	f, err := folder.Create("bare")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(f.Allocate(64<<20), f.Sync()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, slices.Max(sizes))
	at := int64(0)
	begin := time.Now()
	for _, n := range sizes {
		if _, err := f.WriteAt(b[:n], at); err != nil {
			t.Fatal(err)
		}
		if err := f.Datasync(); err != nil {
			t.Fatal(err)
		}
		at += int64(n)
	}
	return time.Since(begin)
}

// TestFiguresReplay is a start without a snapshot: Open verifies every frame, and
// Replay yields every entry. The files are in the page cache.
func TestFiguresReplay(t *testing.T) {
	entries := times(20_000, 1_000_000)
	cfg := quiet(nil)
	cfg.Dir, cfg.SegmentBytes = t.TempDir(), 64<<20
	j := mustOpen(t, cfg)
	body := make([]byte, 300)
	for range entries / 1000 {
		batch := make([]Entry, 1000)
		for i := range batch {
			batch[i] = Entry{ID: NewID(), Kind: Fact, Schema: 1, Body: body}
			if i%10 == 0 {
				batch[i].Kind = Decision
				batch[i].Expect = []Expect{{Agg: "airspace:zone-a", Any: true}, {Agg: Aggregate(fmt.Sprint("permit:", i)), Any: true}}
			}
		}
		mustAppend(t, j, batch...)
	}
	mustClose(t, j)
	begin := time.Now()
	j = mustOpen(t, cfg)
	opened := time.Since(begin)
	n := 0
	if err := j.Replay(1, func(Record) error { n++; return nil }); err != nil || n != entries {
		t.Fatal(n, err)
	}
	t.Logf("opened after %v, replayed after %v", opened, time.Since(begin))
	figure("journal/replay_1m_s", fmt.Sprintf("%.2f", time.Since(begin).Seconds()), "s")
}

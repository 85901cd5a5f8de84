package mavlink

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func openStamps(t *testing.T, path string) *StampFile {
	t.Helper()
	f, err := OpenStampFile(path, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// seen accepts stamps and returns how many.
func seen(s *Stamps, link uint8, stamps ...Stamp) (n int) {
	for _, ts := range stamps {
		if s.accept(1, link, ts, StampOf(epoch)) == fresh {
			n++
		}
	}
	return n
}

func TestStampsAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stamps")
	f := openStamps(t, path)
	if !f.Lost() {
		t.Error("a file that was not there counts as known")
	}
	f = openStamps(t, path)
	if f.Lost() {
		t.Error("an empty file counts as lost")
	}
	s := f.Made("vk_1")
	if seen(s, 3, 100, 101, 5000) != 3 {
		t.Fatal("a new key refuses")
	}
	sent := s.Next(time.Time{})

	t.Run("clean stop", func(t *testing.T) {
		if err := f.Save(true); err != nil {
			t.Fatal(err)
		}
		s := openStamps(t, path).Known("vk_1")
		if got := seen(s, 3, 100, 101, 5000); got != 0 {
			t.Errorf("%d accepted again", got)
		}
		if got := seen(s, 4, 4999); got != 0 {
			t.Error("an old stamp on another link was accepted")
		}
		if got := seen(s, 3, 5001); got != 1 {
			t.Error("the next stamp was refused after a clean stop")
		}
		if got := s.Next(time.Time{}); got <= sent {
			t.Errorf("stamp %d was sent before, now %d", sent, got)
		}
	})
	t.Run("crash", func(t *testing.T) {
		if err := f.Save(false); err != nil {
			t.Fatal(err)
		}
		if got := seen(s, 3, 5002, 5000+ahead); got != 2 { // not saved any more
			t.Fatal("refused before the crash")
		}
		for range 1000 {
			sent = s.Next(time.Time{})
		}
		s := openStamps(t, path).Known("vk_1")
		if got := seen(s, 3, 5002, 5000+ahead); got != 0 {
			t.Errorf("%d accepted again after a crash", got)
		}
		if got := seen(s, 3, 5000+ahead+1); got != 1 {
			t.Error("refused although it is two seconds later")
		}
		if got := s.Next(time.Time{}); got <= sent {
			t.Errorf("stamp %d was sent before, now %d", sent, got)
		}
	})
	for name, damage := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(path, []byte("TZSTAMP1 nonsense"), 0o600) },
		"gone":    func() error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			f := openStamps(t, path)
			s := f.Known("vk_1")
			if got := seen(s, 3, 5002, StampOf(epoch)); got != 0 || !f.Lost() {
				t.Errorf("%d stamps of before the start were accepted, lost %v", got, f.Lost())
			}
			if got := seen(s, 3, StampOf(epoch)+1); got != 1 {
				t.Error("a vehicle with a right clock is refused")
			}
			if got := seen(f.Made("vk_2"), 3, 1); got != 1 {
				t.Error("a new key is refused")
			}
		})
	}
}

func TestStampFileRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "stamps")
		f, err := OpenStampFile(path, epoch)
		if err != nil {
			t.Fatal(err)
		}
		s := f.Made("vk_1")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		seen(s, 3, 1000)
		time.Sleep(saveEvery + time.Millisecond) // fake time
		synctest.Wait()
		if got := openStamps(t, path).Known("vk_1").Highest(); got != 1000+ahead {
			t.Errorf("saved %d while running, want %d", got, 1000+ahead)
		}
		// The file knows nothing of a key that was never used before.
		seen(s, 3, 2000)
		seen(f.Made("vk_2"), 3, 50)
		synctest.Wait()
		if got := openStamps(t, path).Known("vk_2").Highest(); got != 50+ahead {
			t.Errorf("saved %d when a key was used first, want %d at once", got, 50+ahead)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := openStamps(t, path).Known("vk_1").Highest(); got != 2000 {
			t.Errorf("saved %d at the end, want 2000", got)
		}
	})
}

func TestStampFileTellsOfFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f := openStamps(t, filepath.Join(dir, "stamps"))
	seen(f.Made("vk_1"), 3, 1)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if f.Save(true) == nil {
		t.Error("a write into a folder that is gone succeeded")
	}
}

// Of the same frame that comes by several links at once one is accepted.
func TestStampsAreTakenOnce(t *testing.T) {
	const n, workers = 2000, 4
	for round := range 4 {
		var s Stamps
		var accepted atomic.Int64
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for ts := Stamp(1); ts <= n; ts++ {
					if s.accept(1, uint8(ts%3), ts, StampOf(epoch)) == fresh {
						accepted.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if got := accepted.Load(); got > n {
			t.Fatalf("round %d: %d of %d stamps accepted", round, got, n)
		}
		if s.Highest() != n {
			t.Errorf("highest %d", s.Highest())
		}
	}
}

// A companion that makes up a link id at every start must not use up the places
// for good: the vehicle would be refused when its radio changes.
func TestStreamsAreBounded(t *testing.T) {
	var s Stamps
	at := func(link uint8, ts Stamp) verdict { return s.accept(1, link, ts, StampOf(epoch)) }
	for i := range Stamp(256) {
		if at(uint8(i), i+1) != fresh {
			t.Fatalf("link %d was shut out", i)
		}
	}
	if got := len(*s.streams.Load()); got != maxStreams {
		t.Errorf("%d streams are kept, want %d", got, maxStreams)
	}
	for i := range Stamp(256) {
		if at(uint8(i), i+1) != replayed {
			t.Errorf("link %d: a frame was accepted twice", i)
		}
	}
	if at(255, 257) != fresh {
		t.Error("the newest stream was shut out")
	}
	if at(0, 258) != fresh {
		t.Error("a stream that had lost its place was shut out for good")
	}
}

// Frames that come while their stream loses its place are not accepted again.
func TestStreamLosesItsPlaceWhileItIsUsed(t *testing.T) {
	for round := range 200 {
		var s Stamps
		at := func(link uint8, ts Stamp) verdict { return s.accept(1, link, ts, StampOf(epoch)) }
		for i := range Stamp(maxStreams) {
			at(uint8(i), i+1)
		}
		var wg sync.WaitGroup
		var once verdict
		wg.Go(func() { once = at(0, 1000) }) // link 0 has the lowest stamp
		wg.Go(func() { at(200, 500) })
		wg.Wait()
		if once == fresh && at(0, 1000) == fresh {
			t.Fatalf("round %d: a frame was accepted twice", round)
		}
	}
}

func FuzzStampFile(f *testing.F) {
	keys := map[string]*Stamps{"vk_1": {}, "vk_2": {}}
	seen(keys["vk_1"], 3, 1, 2)
	f.Add(encodeStamps(keys, true))
	f.Add([]byte(stampMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseStamps(raw)
		if err != nil {
			return
		}
		again, err := parseStamps(encodeStamps(keys, true))
		if err != nil || len(again) != len(keys) {
			t.Errorf("does not read back: %v", err)
		}
	})
}

func TestStampTimes(t *testing.T) {
	// The vector of a signed frame of 2026-07-02T00:00:00Z.
	if got := StampOf(epoch); got != 36288000000000 || !got.Time().Equal(epoch) {
		t.Errorf("stamp %d, time %v", got, got.Time())
	}
	if got := StampOf(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)); got != 0 {
		t.Errorf("stamp %d of before 2015", got)
	}
}

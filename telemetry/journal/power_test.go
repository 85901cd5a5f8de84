package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// quiet is the configuration of most tests: in memory, no log, tiny segments.
func quiet(fs FS) Config {
	return Config{FS: fs, Group: "zone-a", SegmentBytes: 2048, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Clock: func() time.Time { return time.UnixMicro(1763812800123456) }}
}

// entryOf makes an entry whose bytes follow from its number.
func entryOf(n uint64, size int) Entry {
	e := Entry{Kind: Fact, Schema: uint16(n), TimeUS: int64(n)}
	le.PutUint64(e.ID[:], n+1)
	e.Body = make([]byte, size)
	rng := rand.New(rand.NewPCG(n, 1))
	for i := range e.Body {
		e.Body[i] = byte(rng.Uint32())
	}
	return e
}

// powerRun is the life of one journal over several power failures.
type powerRun struct {
	mu     sync.Mutex    // guards the fields below
	sent   map[ID]int    // request it was sent with
	size   map[int]int   // request -> entries
	acked  map[ID]uint64 // its sequence
	bodies map[ID]string // what was sent
	next   uint64        // number of the next entry

	snapped uint64 // newest snapshot that was written for certain
	missing int    // acknowledged entries that were not found
}

// work appends from three goroutines, and writes snapshots from a fourth, until the power fails or enough is done.
func (p *powerRun) work(j *Journal, rng *rand.Rand) {
	var wg sync.WaitGroup
	for range 3 {
		rng := rand.New(rand.NewPCG(rng.Uint64(), 2))
		wg.Go(func() {
			for range 12 {
				p.mu.Lock()
				request := len(p.size)
				batch := make([]Entry, 1+rng.IntN(4)*rng.IntN(2))
				for i := range batch {
					batch[i] = entryOf(p.next, rng.IntN(400))
					if rng.IntN(3) == 0 {
						batch[i].Kind = Decision
						batch[i].Expect = []Expect{{Agg: Aggregate(fmt.Sprintf("permit:%d", p.next%5)), Any: true}}
					}
					p.sent[batch[i].ID] = request
					p.bodies[batch[i].ID] = string(batch[i].Body)
					p.next++
				}
				p.size[request] = len(batch)
				p.mu.Unlock()
				seqs, err := j.Append(context.Background(), batch...)
				if err != nil {
					return
				}
				p.mu.Lock()
				for i := range batch {
					p.acked[batch[i].ID] = seqs[i]
				}
				p.mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for range 4 {
			seq, hash := j.Head()
			if seq == 0 {
				continue
			}
			if err := j.WriteSnapshot(seq, hash, 1, bytes.NewBuffer(hash[:])); err != nil {
				return
			}
			p.snapped = max(p.snapped, seq)
		}
	})
	wg.Wait()
}

// check says what is wrong with an opened journal: nothing acknowledged may be
// missing, nothing may be there twice, and no request by half.
func (p *powerRun) check(j *Journal) error {
	seen := map[ID]uint64{}
	requests := map[int]int{}
	want := uint64(1)
	err := j.Replay(1, func(r Record) error {
		if r.Seq != want {
			return fmt.Errorf("sequence %d, want %d", r.Seq, want)
		}
		want++
		if old, twice := seen[r.ID]; twice {
			return fmt.Errorf("the entry is there twice: %d and %d", old, r.Seq)
		}
		seen[r.ID] = r.Seq
		request, sent := p.sent[r.ID]
		if !sent || p.bodies[r.ID] != string(r.Body) {
			return errors.New("nobody sent this entry")
		}
		requests[request]++
		return nil
	})
	if err != nil {
		return err
	}
	if seq, _ := j.Head(); seq != want-1 {
		return fmt.Errorf("head is %d, records end at %d", seq, want-1)
	}
	for id, seq := range p.acked {
		if seen[id] != seq {
			p.missing++
		}
	}
	maps.Copy(p.acked, seen)
	s, err := j.LatestSnapshot(1)
	switch {
	case errors.Is(err, ErrNoSnapshot) && p.snapped == 0:
	case err != nil:
		return fmt.Errorf("snapshot of entry %d: %w", p.snapped, err)
	case s.Seq < p.snapped || !bytes.Equal(s.State, s.Hash[:]):
		return fmt.Errorf("the snapshot is of entry %d, that of %d was written", s.Seq, p.snapped)
	}
	for request, n := range requests {
		if n != p.size[request] {
			return fmt.Errorf("%d of the %d entries of one request", n, p.size[request])
		}
	}
	return nil
}

// powerLoss runs one seed: four times the power fails or the process is
// killed, at some change or at a named point, and then once more everything is
// looked at.
func powerLoss(seed uint64, lies bool) (missing int, err error) {
	p := &powerRun{sent: map[ID]int{}, size: map[int]int{}, acked: map[ID]uint64{}, bodies: map[ID]string{}}
	err = p.live(seed, lies)
	return p.missing, err
}

func (p *powerRun) live(seed uint64, lies bool) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	disk := newCrashFS()
	for range 4 {
		disk.lies = lies
		cfg := quiet(disk)
		if rng.IntN(2) == 0 {
			disk.offAt = 1 + rng.IntN(90)
		} else {
			cfg.reached = disk.offAfter(allPoints[rng.IntN(len(allPoints))], rng.IntN(6))
		}
		j, err := Open(cfg)
		if err != nil && !disk.off {
			return err
		}
		if err == nil {
			if err := p.check(j); err != nil && !disk.off {
				return err
			}
			p.work(j, rng)
			if err := j.Close(); err != nil && !disk.off {
				return err
			}
		}
		if rng.IntN(3) == 0 {
			disk.restart()
		} else {
			disk = disk.crash(rng)
		}
	}
	j, err := Open(quiet(disk))
	if err != nil {
		return err
	}
	defer j.Close()
	if err := p.check(j); err != nil {
		return err
	}
	p.work(j, rng)
	return p.check(j)
}

// offAfter cuts the power at a point that was passed so often before.
func (c *crashFS) offAfter(at point, passes int) func(point) {
	return func(p point) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if p != at {
			return
		}
		if passes--; passes < 0 {
			c.off = true
		}
	}
}

func TestFiguresPowerLoss(t *testing.T) {
	missing, losses := 0, times(800, 10_000)
	if raceEnabled {
		losses = 200
	}
	for seed := range losses {
		n, err := powerLoss(uint64(seed), false)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if missing += n; n > 0 {
			t.Errorf("seed %d: %d acknowledged entries are missing", seed, n)
		}
	}
	figure("journal/powerloss_missing", missing, "entries")
}

// A disk that does not sync must be seen by this test, or it proves nothing.
func TestPowerLossSeesADiskThatLies(t *testing.T) {
	found := 0
	for seed := range uint64(100) {
		if missing, err := powerLoss(seed, true); missing > 0 || err != nil {
			found++
		}
	}
	if found < 10 {
		t.Fatalf("a disk that ignores syncs went through in %d of 100 runs", 100-found)
	}
}

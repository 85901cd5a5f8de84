package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func mustOpen(t testing.TB, cfg Config) *Journal {
	t.Helper()
	j, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func mustAppend(t testing.TB, j *Journal, batch ...Entry) []uint64 {
	t.Helper()
	seqs, err := j.Append(context.Background(), batch...)
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func mustClose(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func records(t testing.TB, j *Journal, from uint64) (out []Record) {
	t.Helper()
	if err := j.Replay(from, func(r Record) error { out = append(out, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func decision(n uint64, expect ...Expect) Entry {
	e := entryOf(n, 20)
	e.Kind, e.Expect = Decision, expect
	return e
}

// The journal against a slice: whatever is appended comes back, from any place,
// before and after it was closed, over several segments.
func TestReplayYieldsWhatWasAppended(t *testing.T) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	if seq, hash := j.Head(); seq != 0 || hash != genesis("zone-a") {
		t.Fatalf("the head of an empty journal is %d %x", seq, hash)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var want []Entry
	for len(want) < 700 {
		batch := make([]Entry, 1+rng.IntN(3))
		for i := range batch {
			batch[i] = entryOf(uint64(len(want)+i), rng.IntN(60))
			if rng.IntN(2) == 0 {
				batch[i].Kind = Decision
				batch[i].Expect = []Expect{{Agg: Aggregate(fmt.Sprint("permit:", len(want)+i)), Seq: 0}, {Agg: "airspace:zone-a", Any: true}}
			}
			if len(batch[i].Body) == 0 {
				batch[i].Body = nil
			}
		}
		seqs := mustAppend(t, j, batch...)
		for i, seq := range seqs {
			if seq != uint64(len(want)+i+1) {
				t.Fatalf("sequence %d, want %d", seq, len(want)+i+1)
			}
		}
		want = append(want, batch...)
	}
	check := func(t *testing.T, j *Journal) {
		t.Helper()
		all := records(t, j, 0)
		var got []Entry
		for i, r := range all {
			got = append(got, r.Entry)
			if r.Seq != uint64(i+1) || r.Epoch != 1 {
				t.Fatalf("record %d has sequence %d, epoch %d", i, r.Seq, r.Epoch)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if seq, hash := j.Head(); seq != uint64(len(all)) || hash != all[len(all)-1].Hash {
			t.Fatalf("head %d %x does not fit the last record", seq, hash)
		}
		for from := range uint64(len(want) + 3) {
			part := records(t, j, from)
			if n := max(0, len(want)-max(0, int(from)-1)); len(part) != n || n > 0 && !cmp.Equal(part[0], all[max(0, int(from)-1)]) {
				t.Fatalf("from %d: %d records, want %d", from, len(part), n)
			}
		}
	}
	check(t, j)
	if n := j.Health().Segments; n < 20 {
		t.Fatalf("%d segments: the test does not roll", n)
	}
	mustClose(t, j)
	j = mustOpen(t, quiet(disk))
	check(t, j)
	if seq := mustAppend(t, j, entryOf(9999, 5))[0]; seq != uint64(len(want)+1) {
		t.Fatalf("after the start the next entry is %d", seq)
	}
}

func TestCompare(t *testing.T) {
	const zone, p1, p2 = Aggregate("airspace:z"), Aggregate("permit:1"), Aggregate("permit:2")
	tests := []struct {
		name     string
		batch    []Entry
		conflict *ConflictError
	}{
		{"new aggregate", []Entry{decision(10, Expect{Agg: p2})}, nil},
		{"right sequence", []Entry{decision(10, Expect{Agg: p1, Seq: 1}, Expect{Agg: zone, Seq: 2})}, nil},
		{"must not exist, exists", []Entry{decision(10, Expect{Agg: p1})}, &ConflictError{p1, 1}},
		{"must exist, does not", []Entry{decision(10, Expect{Agg: p2, Seq: 1})}, &ConflictError{p2, 0}},
		{"second aggregate moved", []Entry{decision(10, Expect{Agg: p1, Seq: 1}, Expect{Agg: zone, Seq: 1})}, &ConflictError{zone, 2}},
		{"without compare", []Entry{decision(10, Expect{Agg: zone, Any: true})}, nil},
		{"second entry of the batch", []Entry{decision(10, Expect{Agg: p2}), decision(11, Expect{Agg: zone, Seq: 1})}, &ConflictError{zone, 2}},
		{"two entries on one aggregate", []Entry{decision(10, Expect{Agg: zone, Seq: 2}), decision(11, Expect{Agg: zone, Seq: 2})}, nil},
		{"two entries, the second without compare", []Entry{decision(10, Expect{Agg: zone, Seq: 2}), decision(11, Expect{Agg: zone, Any: true})}, nil},
		{"two entries that disagree", []Entry{decision(10, Expect{Agg: zone, Seq: 2}), decision(11, Expect{Agg: zone, Seq: 1})}, &ConflictError{zone, 2}},
		{"two entries make one aggregate", []Entry{decision(10, Expect{Agg: p2}), decision(11, Expect{Agg: p2})}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := newCrashFS()
			j := mustOpen(t, quiet(disk))
			mustAppend(t, j, decision(1, Expect{Agg: p1}, Expect{Agg: zone}))
			mustAppend(t, j, decision(2, Expect{Agg: zone, Seq: 1}))
			mustClose(t, j) // the aggregates are rebuilt from the files
			j = mustOpen(t, quiet(disk))
			seqs, err := j.Append(context.Background(), tt.batch...)
			if tt.conflict == nil {
				if err != nil || len(seqs) != len(tt.batch) || seqs[0] != 3 {
					t.Fatalf("got %v, %v", seqs, err)
				}
				return
			}
			var conflict *ConflictError
			if !errors.Is(err, ErrConflict) || !errors.As(err, &conflict) || *conflict != *tt.conflict || seqs != nil {
				t.Fatalf("got %v, %v, want %v", seqs, err, tt.conflict)
			}
			if seq, _ := j.Head(); seq != 2 {
				t.Fatalf("the head moved to %d", seq)
			}
			// Nothing of the refused batch counts: its ids are free, its aggregates too.
			mustAppend(t, j, tt.batch[0].with(Expect{Agg: p2}))
		})
	}
}

func (e Entry) with(expect ...Expect) Entry {
	e.Expect = expect
	return e
}

func TestOneOfManyRacersWins(t *testing.T) {
	j := mustOpen(t, quiet(newCrashFS()))
	mustAppend(t, j, decision(0, Expect{Agg: "permit:1"}))
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for n := range uint64(64) {
		wg.Go(func() {
			_, err := j.Append(context.Background(), decision(n+1, Expect{Agg: "permit:1", Seq: 1}))
			if err != nil && !errors.Is(err, ErrConflict) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Fatalf("%d of 64 decisions on one state were accepted", won)
	}
}

func TestKnownIDReturnsItsOldSequence(t *testing.T) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	first := decision(1, Expect{Agg: "permit:1"})
	mustAppend(t, j, entryOf(0, 3), first)
	// A retry of a decision does not conflict with itself.
	for range 2 {
		if got := mustAppend(t, j, first); !slices.Equal(got, []uint64{2}) {
			t.Fatalf("the retry is at %d", got)
		}
		mustClose(t, j)
		j = mustOpen(t, quiet(disk))
	}
	// Known and new ones mixed, and one id twice in a batch.
	got := mustAppend(t, j, entryOf(5, 1), first, entryOf(6, 1), entryOf(5, 1))
	if want := []uint64{3, 2, 4, 3}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	mustClose(t, j)
	j = mustOpen(t, quiet(disk))
	if n := len(records(t, j, 1)); n != 4 {
		t.Fatalf("%d records, want 4", n)
	}
}

// An id is known for a day of the entries' own time, over restarts too, and is
// forgotten after two.
func TestRetryWindow(t *testing.T) {
	const hour = int64(3600e6)
	at := func(n uint64, us int64) Entry { e := entryOf(n, 10); e.TimeUS = us; return e }
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	mustAppend(t, j, at(0, 100*hour)) // entry 1
	for n := range uint64(60) {
		mustAppend(t, j, at(n+1, (101+int64(n))*hour))
	}
	for range 2 {
		for _, tt := range []struct {
			n     uint64
			known bool
		}{{60, true}, {37, true}, {36, true}, {0, false}} {
			if _, known := j.c.ids.seq(entryOf(tt.n, 10).ID); known != tt.known {
				t.Errorf("the id of %d hours before the last entry is known: %v", 60-tt.n, known)
			}
		}
		mustClose(t, j)
		j = mustOpen(t, quiet(disk))
	}
	// A wrong clock forgets nothing of today.
	mustAppend(t, j, at(200, 1<<60), at(201, 162*hour))
	if got := mustAppend(t, j, at(60, 160*hour)); got[0] != 61 {
		t.Errorf("after an entry of the far future the retry is at %d", got[0])
	}
}

func TestRefusedEntries(t *testing.T) {
	long := Aggregate(strings.Repeat("a", MaxAggregate+1))
	many := make([]Expect, MaxExpect+1)
	for i := range many {
		many[i] = Expect{Agg: Aggregate(fmt.Sprint("a", i))}
	}
	big := make([]Entry, 17)
	for i := range big {
		big[i] = entryOf(uint64(i), MaxBody)
	}
	tests := []struct {
		name  string
		batch []Entry
		want  error
	}{
		{"no id", []Entry{{Kind: Fact}}, ErrInvalid},
		{"no kind", []Entry{{ID: NewID()}}, ErrInvalid},
		{"kind 4", []Entry{{ID: NewID(), Kind: 4}}, ErrInvalid},
		{"aggregate without name", []Entry{decision(1, Expect{})}, ErrInvalid},
		{"aggregate twice", []Entry{decision(1, Expect{Agg: "a"}, Expect{Agg: "a", Any: true})}, ErrInvalid},
		{"long aggregate", []Entry{decision(1, Expect{Agg: long})}, ErrTooLarge},
		{"many aggregates", []Entry{decision(1, many...)}, ErrTooLarge},
		{"large body", []Entry{entryOf(1, MaxBody+1)}, ErrTooLarge},
		{"large batch", big, ErrTooLarge},
		{"many entries", make([]Entry, MaxBatch+1), ErrTooLarge},
		{"bad one behind a good one", []Entry{entryOf(1, 1), {Kind: Fact}}, ErrInvalid},
	}
	j := mustOpen(t, quiet(newCrashFS()))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := j.Append(context.Background(), tt.batch...); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
	if seq, _ := j.Head(); seq != 0 {
		t.Fatalf("the head moved to %d", seq)
	}
	if seqs, err := j.Append(context.Background()); seqs != nil || err != nil {
		t.Fatalf("an empty batch: %v, %v", seqs, err)
	}
	mustAppend(t, j, big[:15]...) // 15 MiB, larger than a segment: the limits are reached
	mustAppend(t, j, entryOf(77, MaxBody).with(many[:MaxExpect]...))
	if n := len(records(t, j, 1)); n != 16 {
		t.Fatalf("%d records, want 16", n)
	}
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := mustOpen(t, quiet(newCrashFS()))
		for n := range uint64(50) {
			mustAppend(t, j, entryOf(n, 100))
		}
		ctx, cancel := context.WithCancel(context.Background())
		var got []uint64
		ended := make(chan error, 1)
		go func() {
			ended <- j.Follow(ctx, 20, func(r Record) error { got = append(got, r.Seq); return nil })
		}()
		stopped := make(chan error, 1)
		go func() {
			stopped <- j.Follow(context.Background(), 95, func(r Record) error { return nil })
		}()
		broken := errors.New("cannot apply")
		failed := make(chan error, 1)
		go func() {
			failed <- j.Follow(context.Background(), 1, func(r Record) error {
				if r.Seq == 60 {
					return broken
				}
				return nil
			})
		}()
		synctest.Wait()
		if len(got) != 31 || got[0] != 20 {
			t.Fatalf("replayed %v", got)
		}
		for n := range uint64(50) {
			mustAppend(t, j, entryOf(50+n, 100))
			synctest.Wait()
			if want := 51 + n; got[len(got)-1] != want {
				t.Fatalf("followed to %d, want %d", got[len(got)-1], want)
			}
		}
		if err := <-failed; !errors.Is(err, broken) {
			t.Fatalf("a follower that cannot apply ended with %v", err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled follower ended with %v", err)
		}
		mustClose(t, j)
		if err := <-stopped; !errors.Is(err, ErrClosed) {
			t.Fatalf("at the close a follower ended with %v", err)
		}
		for i, seq := range got {
			if seq != uint64(20+i) {
				t.Fatalf("followed %v", got)
			}
		}
		if len(got) != 81 {
			t.Fatalf("%d records, want 81", len(got))
		}
	})
}

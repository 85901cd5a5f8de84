package airspace_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/telemetry/journal"
)

// slowJournal is a journal whose disk hangs until the gate opens. It remembers the
// entries of each append.
type slowJournal struct {
	gate   chan struct{}
	refuse func(batch []journal.Entry) error // nil: nothing

	mu      sync.Mutex // guards the fields below
	seq     uint64
	appends [][]journal.Entry
}

func newSlowJournal() *slowJournal { return &slowJournal{gate: make(chan struct{})} }

func (j *slowJournal) Append(_ context.Context, batch ...journal.Entry) (seqs []uint64, err error) {
	<-j.gate
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refuse != nil {
		if err := j.refuse(batch); err != nil {
			return nil, err
		}
	}
	j.appends = append(j.appends, batch)
	for range batch {
		j.seq++
		seqs = append(seqs, j.seq)
	}
	return seqs, nil
}

// hanging is a register whose journal hangs with one decision in hand.
func hanging(t *testing.T, j *slowJournal) *airspace.Register {
	t.Helper()
	r, err := airspace.NewRegister(airspace.Config{Zone: airspace.Zone{ID: "north"}, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if _, err := r.CreateFence(t.Context(), controller, river()); err != nil {
			t.Errorf("the first decision: %v", err)
		}
	}()
	synctest.Wait()
	return r
}

// The disk hangs: who decides and who waits behind it get an answer in time.
// The first decision is followed to its end and everybody is told; the second,
// whose client was told that it failed, never happens. The emergency fence is in
// force at once and says that the journal does not have it.
func TestDecisionsEndWhileTheJournalHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		var told []string
		inForce := 0
		r, err := airspace.NewRegister(airspace.Config{
			Zone: airspace.Zone{ID: "north"}, Journal: j,
			SetFences: func(_ context.Context, set []*geofence.Compiled) error { inForce = len(set); return nil },
			FenceChanged: func(f airspace.FenceRecord) {
				told = append(told, fmt.Sprint(f.Fence.Name, f.Fence.Rev, f.Provisional))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		answers := make(chan error, 2)
		go func() { _, err := r.CreateFence(ctx, controller, river()); answers <- err }()
		synctest.Wait()
		go func() { _, err := r.CreateFence(ctx, controller, river()); answers <- err }()
		synctest.Wait()
		e, err := r.CreateEmergencyFence(ctx, controller, airspace.Emergency{RadiusM: 100})
		if err != nil || !e.Provisional || inForce != 1 || time.Since(begin) != time.Second {
			t.Errorf("emergency: %+v, %v after %v, %d fences in force", e, err, time.Since(begin), inForce)
		}
		if open := r.Emergencies(); len(open) != 1 || open[0].Err != nil || open[0].Fence.ID != e.Fence.ID {
			t.Errorf("open emergencies %+v", open)
		}
		unknown := 0
		for range 2 {
			err := <-answers
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if errors.Is(err, journal.ErrUnknown) {
				unknown++
			}
		}
		if unknown != 1 {
			t.Errorf("the outcome of %d decisions is unknown, want that of the first", unknown)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("answered after %v", took)
		}
		if all := r.Fences(); len(all) != 1 || !all[0].Provisional {
			t.Errorf("before the journal has any: %+v", all)
		}
		close(j.gate)
		synctest.Wait()
		if n := len(r.Fences()); n != 2 || len(r.Emergencies()) != 0 || inForce != 2 {
			t.Errorf("%d fences, %d open emergencies, %d in force", n, len(r.Emergencies()), inForce)
		}
		if got := strings.Join(told, " "); got != "Emergency1 true river1 false Emergency1 false" {
			t.Errorf("told %s", got)
		}
		if _, err := r.CreateFence(t.Context(), controller, river()); err != nil || len(r.Fences()) != 3 {
			t.Errorf("after the disk went on: %v, %d fences", err, len(r.Fences()))
		}
	})
}

// While one decision is on its way to the disk, 63 gather and share the next
// append; an emergency that comes last goes before them and alone.
func TestDecisionsGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		r := hanging(t, j)
		var wg sync.WaitGroup
		for i := range 63 {
			wg.Go(func() {
				if _, err := r.CreateFence(t.Context(), controller, river()); err != nil {
					t.Errorf("decision %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		wg.Go(func() {
			if f, err := r.CreateEmergencyFence(t.Context(), controller, airspace.Emergency{RadiusM: 100}); err != nil || f.Provisional {
				t.Errorf("emergency: %+v, %v", f, err)
			}
		})
		synctest.Wait()
		close(j.gate)
		wg.Wait()
		var sizes []int
		for _, batch := range j.appends {
			sizes = append(sizes, len(batch))
		}
		if fmt.Sprint(sizes) != "[1 1 63]" || !j.appends[1][0].Emergency || len(r.Fences()) != 65 {
			t.Errorf("appends of %v entries, %d fences", sizes, len(r.Fences()))
		}
		if zone := j.appends[2][62].Expect[1]; zone.Seq != 2 || zone.Any {
			t.Errorf("the last of the batch expects %+v of the zone, which entry 2 touched before the append", zone)
		}
	})
}

// Of two that wait for the same fence one wins, and what the loser is told is
// durable; others do not wait for them.
func TestQueuedConflictIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newSlowJournal()
		gate := j.gate
		close(gate)
		r, err := airspace.NewRegister(airspace.Config{Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.CreateFence(t.Context(), controller, river())
		if err != nil {
			t.Fatal(err)
		}
		j.gate = make(chan struct{})
		go func() { _, _ = r.CreateFence(t.Context(), controller, river()) }()
		synctest.Wait()
		var errs [3]error
		go func() { _, errs[0] = r.ReplaceFence(t.Context(), controller, f.Fence.ID, 1, river()) }()
		synctest.Wait()
		go func() { _, errs[1] = r.ReplaceFence(t.Context(), controller, f.Fence.ID, 1, river()) }()
		synctest.Wait()
		go func() { errs[2] = r.DeleteFence(t.Context(), controller, f.Fence.ID, 2) }() // guesses the revision
		synctest.Wait()
		go func() { _, _ = r.CreateFence(t.Context(), controller, river()) }()
		synctest.Wait()
		close(j.gate)
		synctest.Wait()
		for i, want := range []error{nil, airspace.ErrStale, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("answer %d: %v, want %v", i, errs[i], want)
			}
		}
		var sizes []int
		for _, batch := range j.appends {
			sizes = append(sizes, len(batch))
		}
		if fmt.Sprint(sizes) != "[1 1 2 1]" {
			t.Errorf("appends of %v entries", sizes)
		}
	})
}

// A batch that the journal refuses leaves nothing behind, and nobody is refused
// because of another.
func TestRefusedBatch(t *testing.T) {
	eio := fmt.Errorf("append: %w: input/output error", journal.ErrReadOnly)
	poisoned := func(e journal.Entry) bool { return strings.Contains(string(e.Body), "poison") }
	for _, tc := range []struct {
		name    string
		refuse  func(batch []journal.Entry) error
		created int
		err     error
	}{
		{"one is too large", func(batch []journal.Entry) error {
			for _, e := range batch {
				if poisoned(e) {
					return journal.ErrTooLarge
				}
			}
			return nil
		}, 9, journal.ErrTooLarge},
		{"the disk fails", func(batch []journal.Entry) error {
			if len(batch) > 1 {
				return eio
			}
			return nil
		}, 0, eio},
		{"another node is always first", func(batch []journal.Entry) error {
			for _, e := range batch {
				if poisoned(e) {
					return &journal.ConflictError{Agg: "airspace:north"}
				}
			}
			return nil
		}, 9, journal.ErrConflict},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newSlowJournal()
				j.refuse = tc.refuse
				r := hanging(t, j)
				errs := make([]error, 10)
				var wg sync.WaitGroup
				for i := range errs {
					f := river()
					if i == 4 {
						f.Name = "poison"
					}
					wg.Go(func() { _, errs[i] = r.CreateFence(t.Context(), controller, f) })
				}
				synctest.Wait()
				close(j.gate)
				wg.Wait()
				for i, err := range errs {
					if want := i == 4 || tc.created == 0; want != errors.Is(err, tc.err) || !want && err != nil {
						t.Errorf("decision %d: %v", i, err)
					}
				}
				if n := len(r.Fences()); n != tc.created+1 {
					t.Errorf("%d fences, want %d", n, tc.created+1)
				}
			})
		})
	}
}

// The journal takes nothing: the emergency fence is in force all the same, says so,
// and can be taken back.
func TestEmergencyWithoutJournal(t *testing.T) {
	var inForce []*geofence.Compiled
	r, err := airspace.NewRegister(airspace.Config{Journal: refusing{}, SetFences: func(_ context.Context, set []*geofence.Compiled) error {
		inForce = set
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ask := journal.WithRequest(t.Context(), &journal.Request{By: "ada", Key: "k", SHA256: "a"})
	f, err := r.CreateEmergencyFence(ask, controller, airspace.Emergency{RadiusM: 100})
	if err != nil || !f.Provisional || len(inForce) != 1 {
		t.Fatalf("%+v, %v, %d in force", f, err, len(inForce))
	}
	again, err := r.CreateEmergencyFence(ask, controller, airspace.Emergency{RadiusM: 100})
	if err != nil || again.Fence.ID != f.Fence.ID || len(inForce) != 1 {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	other := journal.WithRequest(t.Context(), &journal.Request{By: "ada", Key: "k", SHA256: "b"})
	if _, err := r.CreateEmergencyFence(other, controller, airspace.Emergency{RadiusM: 200}); !errors.Is(err, journal.ErrKeyReused) {
		t.Errorf("something else under the key: %v", err)
	}
	if open := r.Emergencies(); len(open) != 1 || !errors.Is(open[0].Err, journal.ErrReadOnly) {
		t.Errorf("open %+v", open)
	}
	if err := r.DeleteFence(t.Context(), controller, f.Fence.ID, 1); err != nil || len(inForce) != 0 || len(r.Emergencies()) != 0 {
		t.Errorf("taken back: %v, %d in force", err, len(inForce))
	}
}

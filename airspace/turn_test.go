package airspace_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// slowJournal is a journal whose disk hangs until the gate opens.
type slowJournal struct {
	gate chan struct{}
	seq  uint64
}

func (j *slowJournal) Append(_ context.Context, batch ...journal.Entry) (seqs []uint64, err error) {
	<-j.gate
	for range batch {
		j.seq++
		seqs = append(seqs, j.seq)
	}
	return seqs, nil
}

// The disk hangs: who decides and who waits behind it get an answer in time.
// The first decision is followed to its end and everybody is told; the second,
// whose client was told that it failed, never happens.
func TestDecisionsEndWhileTheJournalHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{gate: make(chan struct{})}
		var told []airspace.FenceRecord
		r, err := airspace.NewRegister(airspace.Config{Zone: airspace.Zone{ID: "north"}, Journal: j, FenceChanged: func(f airspace.FenceRecord) { told = append(told, f) }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		answers := make(chan error, 3)
		go func() { _, err := r.CreateFence(ctx, controller, river()); answers <- err }()
		synctest.Wait()
		go func() { _, err := r.CreateFence(ctx, controller, river()); answers <- err }()
		go func() {
			_, err := r.CreateEmergencyFence(ctx, controller, airspace.Emergency{RadiusM: 100})
			answers <- err
		}()
		for range 3 {
			if err := <-answers; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("answered after %v", took)
		}
		if n := len(r.Fences()); n != 0 {
			t.Errorf("%d fences before the journal has any", n)
		}
		close(j.gate)
		synctest.Wait()
		if n := len(r.Fences()); n != 1 || len(told) != 1 || told[0].Fence.ID != "" {
			t.Errorf("%d fences, told %+v", n, told)
		}
		if _, err := r.CreateFence(t.Context(), controller, river()); err != nil || len(r.Fences()) != 2 {
			t.Errorf("after the disk went on: %v, %d fences", err, len(r.Fences()))
		}
	})
}

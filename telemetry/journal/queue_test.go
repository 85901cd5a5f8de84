package journal

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a journal that waits for a word, and can refuse.
type slow struct {
	word chan error
	got  []int64
	n    []int
}

func (s *slow) Append(_ context.Context, batch ...Entry) ([]uint64, error) {
	if err := <-s.word; err != nil {
		return nil, err
	}
	s.n = append(s.n, len(batch))
	for _, e := range batch {
		s.got = append(s.got, e.TimeUS)
	}
	return make([]uint64, len(batch)), nil
}

// Entries are written in their order, together what came meanwhile; a refusal is told
// and counted; what was there before the end is written.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slow{word: make(chan error)}
		q := NewQueue(j, nil)
		ended := make(chan struct{})
		go func() { q.Run(); close(ended) }()
		var done []<-chan error
		for i := range 5 {
			done = append(done, q.Add(Entry{TimeUS: int64(i)}))
			synctest.Wait()
		}
		time.Sleep(3 * time.Second)
		if q.Waits() != 3*time.Second {
			t.Errorf("the oldest waits %v", q.Waits())
		}
		j.word <- nil
		refused := errors.New("disk full")
		j.word <- refused
		if err := <-done[0]; err != nil {
			t.Errorf("the first: %v", err)
		}
		for _, d := range done[1:] {
			if err := <-d; !errors.Is(err, refused) {
				t.Errorf("those that came meanwhile: %v", err)
			}
		}
		if n, why := q.Lost(); n != 4 || !errors.Is(why, refused) || q.Waits() != 0 {
			t.Errorf("lost %d: %v; %v", n, why, q.Waits())
		}
		last := q.Add(Entry{TimeUS: 9})
		q.Stop()
		j.word <- nil
		<-ended
		if err := <-last; err != nil || !slices.Equal(j.got, []int64{0, 9}) || !slices.Equal(j.n, []int{1, 1}) {
			t.Errorf("written: %v in batches of %v; %v", j.got, j.n, err)
		}
		if err := <-q.Add(Entry{}); !errors.Is(err, ErrQueueStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
}

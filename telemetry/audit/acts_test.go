package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"testzone/telemetry/journal"
)

// memory is a journal that may refuse.
type memory struct {
	mu   sync.Mutex
	acts []Act
	fail bool
}

func (m *memory) Append(_ context.Context, batch ...journal.Entry) ([]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail {
		return nil, errors.New("read-only")
	}
	for _, e := range batch {
		var a Act
		if err := json.Unmarshal(e.Body, &a); err != nil {
			return nil, err
		}
		m.acts = append(m.acts, a)
	}
	return make([]uint64, len(batch)), nil
}

func (m *memory) count(kind string) (n, sum int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.acts {
		if a.Type == kind {
			n++
			sum += a.Count
		}
	}
	return n, sum
}

func (m *memory) set(fail bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// TestRecorder: a flood of wrong passwords is bounded and counted, others are
// heard beside it, and a journal that refuses for a while loses nothing.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := NewRecorder(RecorderConfig{Journal: m})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		for range 1000 {
			r.Record(Act{Type: SessionRefused, From: "10.0.0.1"})
		}
		r.Record(Act{Type: SessionRefused, From: "10.0.0.2"})
		r.Record(Act{Type: SessionOpened, By: "ada", From: "10.0.0.1"})
		synctest.Wait()
		if n, _ := m.count(SessionRefused); n != perSource+1 {
			t.Errorf("%d refusals", n)
		}
		if n, _ := m.count(SessionOpened); n != 1 {
			t.Errorf("%d sign-ins", n)
		}
		time.Sleep(70 * time.Second)
		if n, sum := m.count(ActsDropped); n != 1 || sum != 1000-perSource {
			t.Errorf("%d entries tell of %d left out", n, sum)
		}

		m.set(true)
		for n := range maxWaiting + 10 {
			r.Record(Act{Type: SessionOpened, By: fmt.Sprint(n)})
		}
		time.Sleep(5 * time.Second)
		m.set(false)
		time.Sleep(5 * time.Second)
		if n, _ := m.count(SessionOpened); n != maxWaiting+1 {
			t.Errorf("after the journal came back %d sign-ins", n)
		}
		if r.Dropped() != 10 {
			t.Errorf("%d dropped", r.Dropped())
		}
		cancel()
		<-done
		if _, sum := m.count(ActsDropped); sum != 1000-perSource+10 {
			t.Errorf("at the end %d are told of as left out", sum)
		}
	})
}

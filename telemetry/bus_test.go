package telemetry

import (
	"errors"
	"testing"
	"time"
)

func publishLinks(b *Bus, n int, timeUS int64) {
	for range n {
		b.Publish(timeUS, &LinkChange{})
	}
}

func seqs(events []Event) []uint64 {
	out := make([]uint64, len(events))
	for i := range events {
		out[i] = events[i].Seq
	}
	return out
}

func TestSlowSessionIsClosedAndReservedIsNot(t *testing.T) {
	b := NewBus(nil)
	slow, _ := b.Subscribe(SubscribeConfig{Name: "session", Limit: 10})
	book, _ := b.Subscribe(SubscribeConfig{Name: "book", Reserved: true, Limit: 10})
	publishLinks(b, 25, 1)
	if _, err := slow.Take(); !errors.Is(err, ErrSlow) {
		t.Errorf("session 15 behind its limit: %v, want ErrSlow", err)
	}
	if got := b.Stalled(); len(got) != 1 || got[0] != "book" {
		t.Errorf("stalled %v, want the book", got)
	}
	events, err := book.Take()
	if err != nil || len(events) != 25 {
		t.Fatalf("the book got %d of 25 events, %v", len(events), err)
	}
	for i, seq := range seqs(events) {
		if seq != uint64(i+1) {
			t.Fatalf("event %d has sequence %d", i, seq)
		}
	}
	if got := b.Stalled(); len(got) != 0 {
		t.Errorf("still stalled after catching up: %v", got)
	}
}

func TestBurstIsNoSlowness(t *testing.T) {
	now := time.Unix(1000, 0)
	b := NewBus(func() time.Time { return now })
	s, _ := b.Subscribe(SubscribeConfig{})
	publishLinks(b, 5000, 1)
	if events, err := s.Take(); len(events) != 5000 || err != nil {
		t.Errorf("a burst of 5,000: %d events, %v", len(events), err)
	}
	publishLinks(b, 1, 1)
	now = now.Add(slowAfter + time.Millisecond)
	publishLinks(b, 1, 1)
	if _, err := s.Take(); !errors.Is(err, ErrSlow) {
		t.Errorf("nothing taken for %v: %v, want ErrSlow", slowAfter, err)
	}
}

func TestOldEventOfAReservedSubscriberIsAStall(t *testing.T) {
	now := time.Unix(1000, 0)
	b := NewBus(func() time.Time { return now })
	_, _ = b.Subscribe(SubscribeConfig{Name: "book", Reserved: true})
	publishLinks(b, 1, 1)
	now = now.Add(stalledAfter)
	if got := b.Stalled(); len(got) != 0 {
		t.Errorf("after %v: %v", stalledAfter, got)
	}
	now = now.Add(time.Millisecond)
	if got := b.Stalled(); len(got) != 1 {
		t.Errorf("after more than %v: %v", stalledAfter, got)
	}
}

func TestResume(t *testing.T) {
	const start = int64(1_000_000_000_000)
	tests := []struct {
		name    string
		after   uint64
		resumed bool
		first   uint64
		n       int
	}{
		{"nothing missed", 20, true, 0, 0},
		{"some missed", 15, true, 16, 5},
		{"just within the ring", 10, true, 11, 10},
		{"older than five minutes", 9, false, 0, 0},
		{"of a former epoch", 900, false, 0, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := NewBus(nil)
			publishLinks(b, 10, start)
			publishLinks(b, 10, start+ringUS+1)
			s, resumed := b.Subscribe(SubscribeConfig{Resume: true, After: tc.after})
			events, err := s.Take()
			if err != nil || resumed != tc.resumed || len(events) != tc.n {
				t.Fatalf("resumed %v with %d events (%v), want %v with %d", resumed, len(events), err, tc.resumed, tc.n)
			}
			if tc.n > 0 && events[0].Seq != tc.first {
				t.Errorf("continues at %d, want %d", events[0].Seq, tc.first)
			}
			if s.Head() != 20 {
				t.Errorf("head %d, want 20", s.Head())
			}
			publishLinks(b, 1, start+ringUS+1)
			if events, _ := s.Take(); len(events) != 1 || events[0].Seq != 21 {
				t.Errorf("the next event: %v", seqs(events))
			}
		})
	}
}

func TestRingIsBounded(t *testing.T) {
	b := NewBus(nil)
	publishLinks(b, 3*ringEvents, 1)
	if len(b.ring) > ringEvents {
		t.Errorf("ring holds %d events", len(b.ring))
	}
}

func TestClosedSubscriptionGetsNothing(t *testing.T) {
	b := NewBus(nil)
	s, _ := b.Subscribe(SubscribeConfig{})
	s.Close()
	publishLinks(b, 1, 1)
	if events, err := s.Take(); len(events) != 0 || !errors.Is(err, ErrClosed) {
		t.Errorf("got %d events, %v", len(events), err)
	}
	if len(b.subs) != 0 {
		t.Error("the bus still holds it")
	}
}

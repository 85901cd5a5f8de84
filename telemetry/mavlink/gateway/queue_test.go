package gateway

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// drain takes everything out of a queue.
func drain(t *testing.T, q *queue, now uint64) (out []uplink) {
	t.Helper()
	for {
		b, ok := q.next(nil, now)
		if !ok {
			return out
		}
		k, body, err := newMessages(bytes.NewReader(b)).next()
		if err != nil || k != kindUplink {
			t.Fatal(k, err)
		}
		u, err := parseUplink(body)
		if err != nil {
			t.Fatal(err)
		}
		u.datagram = bytes.Clone(u.datagram)
		out = append(out, u)
	}
}

// While nobody takes it, the newest telemetry stays, and no answer is pushed out
// by it. Order is that of reception.
func TestQueueOverflow(t *testing.T) {
	q := newQueue()
	for i := range 2000 {
		q.put(fmt.Appendf(nil, "%d", i), uint64(i), i%20 == 3) // 100 answers
	}
	out := drain(t, q, 2000)
	if len(out) != telemetryRoom+100 {
		t.Fatalf("%d datagrams, want %d", len(out), telemetryRoom+100)
	}
	answers := 0
	for i, u := range out {
		if want := fmt.Sprint(u.seq - 1); string(u.datagram) != want || u.at != u.seq-1 {
			t.Errorf("datagram %q at %d, want %s", u.datagram, u.at, want)
		}
		if i > 0 && u.seq <= out[i-1].seq {
			t.Errorf("%d after %d", u.seq, out[i-1].seq)
		}
		if (u.seq-1)%20 == 3 {
			answers++
		} else if u.seq < 2000-telemetryRoom*20/19-20 {
			t.Errorf("telemetry %d was kept in place of a newer one", u.seq)
		}
	}
	over, lost, stale := q.losses()
	if answers != 100 || over != 1900-telemetryRoom || lost != 0 || stale != 0 {
		t.Errorf("%d answers, %d over, %d lost, %d stale", answers, over, lost, stale)
	}
}

func TestQueueAnswersAreBounded(t *testing.T) {
	q := newQueue()
	for i := range answersRoom + 5 {
		q.put([]byte{1}, uint64(i), true)
	}
	out := drain(t, q, 0)
	if _, lost, _ := q.losses(); len(out) != answersRoom || out[0].seq != 6 || lost != 5 {
		t.Errorf("%d answers from %d, %d lost", len(out), out[0].seq, lost)
	}
}

func TestQueueStale(t *testing.T) {
	q := newQueue()
	limit := uint64(staleAfter.Microseconds())
	q.put([]byte("old"), 0, false)
	q.put([]byte("old answer"), 0, true)
	q.put([]byte("fresh"), 1, false)
	out := drain(t, q, limit+1)
	if _, _, stale := q.losses(); len(out) != 1 || string(out[0].datagram) != "fresh" || stale != 2 {
		t.Errorf("%v, %d stale", out, stale)
	}
}

// The shortest of the last eight round trips counts, and ages are never negative.
func TestAge(t *testing.T) {
	const ahead = 1_000_000_000_000 // of the clock of the gateway
	var a ager
	a.pong(1000, 401_000, 200_000+ahead) // long: the clock was read anywhere within
	if got := a.age(401_000, 401_000+ahead); got != 0 {
		t.Errorf("age %v", got)
	}
	a.pong(500_000, 510_000, 505_000+ahead)
	for _, c := range []struct {
		ours, theirs uint64
		want         time.Duration
	}{
		{600_000, 600_000 + ahead, 0},
		{600_000, 500_000 + ahead, 100 * time.Millisecond},
		{600_000, 700_000 + ahead, 0}, // it jitters
		{5_000_000, 600_000 + ahead, 4400 * time.Millisecond},
	} {
		if got := a.age(c.ours, c.theirs); got != c.want {
			t.Errorf("age at %d of %d: %v, want %v", c.ours, c.theirs, got, c.want)
		}
	}
	if got := a.theirs(600_000); got != 600_000+ahead {
		t.Errorf("their clock %d", got)
	}
	// The best is forgotten behind eight others: clocks drift.
	for range 8 {
		a.pong(1_000_000, 1_100_000, 1_060_000+ahead)
	}
	if got := a.best().trip; got != 100_000 {
		t.Errorf("round trip %d", got)
	}
}

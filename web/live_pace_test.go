package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"testzone/telemetry"
	"testzone/vehicles"
)

// simulate runs the pace at 10 ticks a second against a client whose
// acknowledgements take latency.
func simulate(p *pace, from time.Time, ticks int, latency time.Duration) (now time.Time, sent int) {
	type ack struct {
		seq uint64
		at  time.Time
	}
	var acks []ack
	for i := range ticks {
		now = from.Add(time.Duration(i) * 100 * time.Millisecond)
		for len(acks) > 0 && !acks[0].at.After(now) {
			p.ack(acks[0].seq, acks[0].at)
			acks = acks[1:]
		}
		switch {
		case now.Sub(p.lastSent) < p.interval():
		case p.full():
			p.blocked(now)
		default:
			p.sentOne(p.newest+1, now)
			sent++
			acks = append(acks, ack{p.newest, now.Add(latency)})
		}
	}
	for _, a := range acks {
		p.ack(a.seq, a.at)
	}
	return now, sent
}

func TestPaceLowersAndRaises(t *testing.T) {
	start := time.UnixMilli(0)
	var p pace
	now, sent := simulate(&p, start, 100, 20*time.Millisecond)
	if p.hz() != 10 || sent != 100 || p.reduced() {
		t.Errorf("prompt client: %d Hz, %d frames", p.hz(), sent)
	}
	now, sent = simulate(&p, now.Add(time.Second), 300, 900*time.Millisecond)
	if p.hz() != 2 || !p.reduced() || sent > 100 {
		t.Errorf("slow client: %d Hz, %d frames", p.hz(), sent)
	}
	now, _ = simulate(&p, now.Add(time.Second), 150, 20*time.Millisecond)
	if p.hz() != 5 {
		t.Errorf("15 s after it became prompt: %d Hz", p.hz())
	}
	_, _ = simulate(&p, now.Add(time.Second), 200, 20*time.Millisecond)
	if p.hz() != 10 {
		t.Errorf("35 s after it became prompt: %d Hz", p.hz())
	}
}

func TestPaceAcks(t *testing.T) {
	var p pace
	at := time.UnixMilli(0)
	p.sentOne(5, at)
	p.sentOne(7, at.Add(time.Second))
	if !p.full() || p.ack(8, at) {
		t.Error("an acknowledgement of a frame that was not sent was taken")
	}
	if p.tooSlow(at.Add(ackTimeout-1)) || !p.tooSlow(at.Add(ackTimeout)) {
		t.Error("ten seconds from the oldest frame")
	}
	if !p.ack(5, at) || p.inFlight != 1 || p.sent[0].seq != 7 {
		t.Errorf("after one acknowledgement: %+v", p)
	}
	if !p.ack(5, at) || p.inFlight != 1 {
		t.Error("a repeated acknowledgement changes nothing")
	}
	if p.tooSlow(at.Add(ackTimeout)) || !p.ack(7, at) || p.inFlight != 0 {
		t.Errorf("after both: %+v", p)
	}
	p.grant(2)
	if p.hz() != 2 || p.ticks() != 5 || p.reduced() {
		t.Errorf("granted 2 Hz: %d Hz every %d ticks", p.hz(), p.ticks())
	}
}

// TestPictureAllocations: sending the picture allocates nothing per vehicle.
func TestPictureAllocations(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	const fleet = 2000
	for i := range fleet {
		z.report(z.open(uint8(i), vehicles.UAV), 30.86+float64(i)*1e-5, 121.92, 10)
	}
	eventually(t, "the fleet", func() bool { return z.pipeline.Fanout().Current().Total == fleet })
	conns := make(chan *websocket.Conn, 1)
	up := websocket.Upgrader{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
		}
		conns <- c
	}))
	defer srv.Close()
	client, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, client.NetConn()) }()
	defer client.Close()
	conn := <-conns
	defer conn.Close()
	l := newLiveSession(z.server, conn, (&http.Request{}).WithContext(context.Background()), telemetry.WholeZone())
	p := z.pipeline.Fanout().Current()
	send := func() {
		l.fresh = true
		if err := l.sendPicture(p); err != nil {
			t.Fatal(err)
		}
		l.pace.ack(p.Seq, time.Now())
	}
	send() // grows the buffer and sends the dictionary
	// The rest of the server runs meanwhile, so this is a bound, not a count.
	if n := testing.AllocsPerRun(50, send); n > fleet/20 {
		t.Errorf("%.0f allocations for %d vehicles", n, fleet)
	}
}

// FuzzMessage holds that no bytes of a client break the session's reader.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"t":"hello","resume":{"epoch":7,"seq":1,"alertSeq":2},"enc":["packed"],"lang":"en"}`, wholeZone,
		`{"t":"follow","ids":["a"]}`, `{"t":"ack","seq":1,"renderMs":0.5,"queued":0}`, `{"t":"alertAck","alertSeq":1}`,
		`{"t":"ping","clientTimeUs":-1}`, `{"t":"sub","bbox":[1e308,-1e308,1e309,0]}`, `{"t":null}`, `[]`, ``, `{"t":"sub","bbox":[1]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			return
		}
		if sub, ok := m.(*subMessage); ok {
			box := sub.box()
			if box.West > box.East || box.South > box.North {
				t.Fatalf("box %+v", box)
			}
			_ = testGrid().Within(box)
		}
	})
}

// FuzzCursor holds that only what was signed is taken.
func FuzzCursor(f *testing.F) {
	c := newCursors()
	f.Add("fences", "fn_1", "")
	f.Add("tracks class=uav", "12", "AAAA")
	f.Fuzz(func(t *testing.T, list, last, forged string) {
		got, err := c.decode(list, c.encode(list, last))
		if err != nil || got != last {
			t.Fatalf("%q comes back as %q: %v", last, got, err)
		}
		if forged != c.encode(list, last) {
			if got, err := c.decode(list, forged); err == nil && c.encode(list, got) != forged {
				t.Fatalf("forged cursor %q is %q", forged, got)
			}
		}
		if _, err := c.decode(list+"x", c.encode(list, last)); err == nil {
			t.Fatal("a cursor of another list was taken")
		}
	})
}

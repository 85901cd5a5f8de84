package gateway

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// relay is a network that can be cut, and stopped without being cut.
type relay struct {
	ln net.Listener
	to string

	mu    sync.Mutex // guards the field below
	conns []net.Conn
}

func newRelay(t *testing.T, to netip.AddrPort) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{ln: ln, to: to.String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			a, err := ln.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", r.to)
			if err != nil {
				a.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, a, b)
			r.mu.Unlock()
			wg.Go(func() { _, _ = io.Copy(a, b); a.Close() })
			wg.Go(func() { _, _ = io.Copy(b, a); b.Close() })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		r.cut()
		wg.Wait()
	})
	return r
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

// A link that is cut comes back; the vehicles are the same, what was lost is
// counted, and the way down leads there again.
func TestReconnect(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	net := newRelay(t, r.Addr())
	c, _ := dial(t, net.ln.Addr().(interface{ AddrPort() netip.AddrPort }).AddrPort(), r.id, id)
	s, v := newStation(t, c), &sender{sys: 1, comp: 1}
	for round := range 3 {
		until(t, "the gateway", func() bool { return c.Connected() && r.status("van").Connections == uint64(round+1) })
		beat := v.beat()
		s.send(beat)
		if got := take(t, r.zone.frames); !bytes.Equal(got, beat) {
			t.Fatalf("round %d: %x, want %x", round, got, beat)
		}
		down := (&sender{sys: 250, comp: 190}).text("down")
		route, ok := r.Route(1)
		if err := r.Write(route.Addr, down); err != nil || !ok {
			t.Fatal(err)
		}
		if got := s.receive(); !bytes.Equal(got, down) {
			t.Fatalf("got %x, want %x", got, down)
		}
		net.cut()
		until(t, "the end of the connection", func() bool { return !c.Connected() || c.Report().Connections > uint64(round+1) })
	}
	if n := len(r.zone.opened); n != 1 {
		t.Errorf("%d sources, want 1: a cut is no new vehicle", n)
	}
	if n := r.status("van").MAVLink.Sessions; n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// A newer connection with the same key takes the place of the older.
func TestReplaced(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	old, m := greeted(t, r, id, 1)
	next, _ := greeted(t, r, id, 2)
	if got := bye(t, m); got != byeReplaced {
		t.Errorf("BYE %d, want %d", got, byeReplaced)
	}
	old.Close()
	beat := (&sender{sys: 1, comp: 1}).beat()
	write(t, next, uplink{7, rawClock, beat}.append(nil))
	if got := take(t, r.zone.frames); !bytes.Equal(got, beat) {
		t.Errorf("got %x", got)
	}
	if st := r.status("van"); !st.Connected || st.LostInside != 0 || r.Counts().Replaced != 1 {
		t.Errorf("%+v, %+v", st, r.Counts())
	}
}

// What waited for more than 2 s in the gateway or on the way is no evidence;
// gaps in the numbers are what the gateway dropped.
func TestStaleAndLost(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	conn, _ := greeted(t, r, id, 1)
	v := &sender{sys: 1, comp: 1}
	// The clock of this gateway stands still at 10 s: the test runs for much less
	// than the minutes by which these are apart.
	old, fresh := v.beat(), v.beat()
	write(t, conn, uplink{3, rawClock - uint64((3 * time.Second).Microseconds()), old}.append(nil))
	write(t, conn, uplink{10, rawClock + uint64(time.Hour.Microseconds()), fresh}.append(nil))
	if got := take(t, r.zone.frames); !bytes.Equal(got, fresh) {
		t.Errorf("got %x, want %x", got, fresh)
	}
	if st := r.status("van"); st.Uplink != 2 || st.Stale != 1 || st.LostInside != 6 {
		t.Errorf("%+v", st)
	}
}

// While the server does not take anything, the gateway keeps the newest, counts
// what it dropped, and goes on when the server does.
func TestStuckServer(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	c, _ := dial(t, r.Addr(), r.id, id)
	v := &sender{sys: 1, comp: 1}
	from := route{udp: netip.MustParseAddrPort("127.0.0.1:9")}
	c.take(v.beat(), from)
	take(t, r.zone.frames)

	release := sync.OnceFunc(r.zone.block.Unlock)
	r.zone.block.Lock()
	t.Cleanup(release)
	junk := make([]byte, maxDatagram-100) // more than the buffers of the connection hold
	until(t, "the queue to overflow", func() bool { return c.Report().Overflow > 1000 }, func() {
		for range 100 {
			c.take(append(v.beat(), junk...), from)
		}
	})
	release()
	// The connection may have broken meanwhile: it is made again.
	last := v.beat()
	until(t, "the newest", func() bool {
		for {
			select {
			case got := <-r.zone.frames:
				if bytes.Equal(got, last) {
					return true
				}
			default:
				return false
			}
		}
	}, func() { c.take(last, from) })
	st, rep := r.status("van"), c.Report()
	if st.LostInside < 1000 || rep.Overflow < 1000 || rep.AnswersLost != 0 {
		t.Errorf("%+v, %+v", st, rep)
	}
}

// The server comes up after the gateway; what is too old by then is not sent.
func TestServerComesLate(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	ln.Close()
	sid, id := identity(t), identity(t)
	c := client(t, addr, sid, id)
	c.clock.start = c.clock.start.Add(-time.Hour)
	v := &sender{sys: 1, comp: 1}
	from := route{udp: netip.MustParseAddrPort("127.0.0.1:9")}
	old := v.beat()
	c.queue.put(old, 0, false) // an hour ago
	run(t, c.Run)
	r := serve(t, func(cfg *ServerConfig) { cfg.Addr, cfg.Identity = addr.String(), sid })
	r.enrol(t, id, "van", 1)
	beat := v.beat()
	until(t, "the beat", func() bool { return len(r.zone.frames) > 0 }, func() { c.take(beat, from) })
	if got := take(t, r.zone.frames); !bytes.Equal(got, beat) {
		t.Errorf("got %x, want %x", got, beat)
	}
	if rep := c.Report(); rep.Stale == 0 {
		t.Errorf("%+v", rep)
	}
}

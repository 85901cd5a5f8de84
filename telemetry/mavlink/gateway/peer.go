package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

const (
	// downlinkRoom is how many frames wait for a connection at most.
	downlinkRoom = 64
	// byeTime is how long the last word may take.
	byeTime = 200 * time.Millisecond
)

// peer is one connection of a gateway.
type peer struct {
	server *Server
	conn   tlsConn
	print  Fingerprint
	in     *intake
	run    [8]byte
	remote netip.AddrPort
	since  time.Time
	out    chan outgoing
	ended  atomic.Uint32 // reason of the BYE; 0: goes on
	over   chan struct{} // closed with ended

	mu  sync.Mutex // guards the field below
	age ager
}

// tlsConn is a *tls.Conn.
type tlsConn interface {
	net.Conn
	NetConn() net.Conn
}

type outgoing struct {
	system uint8
	until  uint64 // clock of the gateway
	frame  []byte
}

func newPeer(s *Server, conn tlsConn, print Fingerprint, in *intake, h hello, remote netip.AddrPort) *peer {
	return &peer{
		server: s, conn: conn, print: print, in: in, run: h.run, since: time.Now(),
		remote: remote, out: make(chan outgoing, downlinkRoom), over: make(chan struct{}),
	}
}

// end ends the connection with a reason; false when it is at its end already.
// From now on nothing of it is taken in.
func (p *peer) end(reason uint32) bool {
	if !p.ended.CompareAndSwap(0, reason) {
		return false
	}
	close(p.over)
	// A write that hangs ends too. The last word goes out in this time.
	_ = p.conn.NetConn().SetWriteDeadline(time.Now().Add(byeTime))
	return true
}

// serve reads and writes until the connection ends, and says why it did.
func (p *peer) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { p.end(byeStopped) })()
	var wg sync.WaitGroup
	var wrote error
	wg.Go(func() {
		defer p.conn.NetConn().Close() // ends reading
		wrote = p.send()
	})
	read := p.receive()
	if errors.Is(read, ErrProtocol) {
		p.end(byeProtocol)
	} else {
		p.end(byeStopped)
	}
	wg.Wait()
	if reason := p.ended.Load(); reason == byeRevoked || reason == byeReplaced {
		return byeError(uint8(reason))
	}
	return errors.Join(read, wrote)
}

// send writes the welcome, frames for vehicles and pings, and at the end the last
// word.
func (p *peer) send() error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	b := appendPing(welcome(answerWelcome), p.server.clock.now()) // the first at once
	for seq, first := uint64(0), true; ; first = false {
		if err := p.conn.SetWriteDeadline(time.Now().Add(silentAfter)); err != nil {
			return err
		}
		// Asked behind the deadline: that of end is the later one, and holds.
		if first || p.ended.Load() == 0 {
			if _, err := p.conn.Write(b); err != nil {
				return err
			}
		}
		b = b[:0]
		select {
		case <-p.over:
			if err := p.conn.SetWriteDeadline(time.Now().Add(byeTime)); err != nil {
				return err
			}
			_, err := p.conn.Write(appendBye(b, uint8(p.ended.Load())))
			return err
		case <-ping.C:
			b = appendPing(b, p.server.clock.now())
		case o := <-p.out:
			seq++
			b = downlink{seq, o.until, o.system, o.frame}.append(b)
			p.in.count(func(st *Status) { st.Downlink++ })
		}
	}
}

// receive takes in what the gateway brings.
func (p *peer) receive() error {
	in := newMessages(p.conn)
	for {
		if err := p.conn.SetReadDeadline(time.Now().Add(silentAfter)); err != nil {
			return err
		}
		k, body, err := in.next()
		if p.ended.Load() != 0 {
			return nil
		}
		if err != nil {
			return err
		}
		now := p.server.clock.now()
		switch k {
		case kindUplink:
			var u uplink
			if u, err = parseUplink(body); err == nil {
				err = p.takeIn(now, u)
			}
		case kindPong:
			var g pong
			if g, err = parsePong(body); err == nil && g.token <= now {
				p.mu.Lock()
				p.age.pong(g.token, now, g.clock)
				trip := p.age.best().trip
				p.mu.Unlock()
				p.in.count(func(st *Status) { st.Trip = time.Duration(trip) * time.Microsecond })
			}
		case kindStatus:
			var r Report
			if r, err = parseReport(body); err == nil {
				p.in.count(func(st *Status) { st.Reported = r })
			}
		default:
			if k <= reserved {
				err = fmt.Errorf("%w: a message of type %d", ErrProtocol, k)
			}
		}
		if err != nil {
			return err
		}
	}
}

// takeIn decodes a datagram that is fresh.
func (p *peer) takeIn(now uint64, u uplink) error {
	p.mu.Lock()
	age := p.age.age(now, u.at)
	p.mu.Unlock()
	stale, forbidden := age > staleAfter, p.server.framer.SetsUpSigning(u.datagram)
	if err := p.in.sequence(p.run, u.seq); err != nil {
		return err
	}
	p.in.count(func(st *Status) {
		st.Uplink++
		st.Lag = age
		switch {
		case stale:
			st.Stale++
		case forbidden:
			st.Forbidden++
		}
	})
	if !stale && !forbidden {
		p.in.feed.Datagram(p.in.from, u.datagram)
	}
	return nil
}

// Route is how to reach a vehicle that a gateway answers for: of several that
// which heard it last. The port of its address is the system id, behind the gateway
// that the zone names.
func (s *Server) Route(h vehicles.Handle) (best mavlink.Route, ok bool) {
	s.mu.Lock()
	intakes := values(s.intakes)
	s.mu.Unlock()
	for _, in := range intakes {
		if r, here := in.feed.Route(h); here && (!ok || r.HeardUS > best.HeardUS) {
			best, ok = r, true
		}
	}
	best.Addr = netip.AddrPortFrom(best.Addr.Addr(), uint16(best.SystemID))
	return best, ok
}

// Write gives one frame to the gateway of a Route. It does not wait; the gateway
// sends the frame within 2 s or not at all.
func (s *Server) Write(to netip.AddrPort, frame []byte) error {
	id, system := to.Addr().Zone(), uint8(to.Port())
	if _, good := s.framer.Parse(frame); !good || s.framer.SetsUpSigning(frame) {
		return fmt.Errorf("to system %d of gateway %s: %w", system, id, ErrFrame)
	}
	p := s.connected(id)
	if p == nil {
		return fmt.Errorf("to system %d of gateway %s: %w", system, id, ErrNotConnected)
	}
	p.mu.Lock()
	until := p.age.theirs(s.clock.now()) + uint64(staleAfter.Microseconds())
	p.mu.Unlock()
	select {
	case p.out <- outgoing{system, until, append([]byte(nil), frame...)}:
		return nil
	default:
		return fmt.Errorf("to system %d of gateway %s: %w", system, id, ErrBusy)
	}
}

func (s *Server) connected(id string) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		if p.in.gateway.ID == id && p.ended.Load() == 0 {
			return p
		}
	}
	return nil
}

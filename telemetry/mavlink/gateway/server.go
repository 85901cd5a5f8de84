package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"testzone/telemetry/mavlink"
)

// Gateway is an enrolled gateway.
type Gateway struct {
	ID string
	// Keys are credentials with Vouched set: the vehicles that the gateway answers
	// for. Give the same Keyring each time and change what is in it; another one
	// cuts the connection and starts anew.
	Keys *mavlink.Keyring
}

// ServerConfig is the configuration of a Server.
type ServerConfig struct {
	Addr     string // host:port; "" is 127.0.0.1:0
	Identity Identity
	// Enrolled tells whose key this is. It is asked at each connection and four
	// times a second for each gateway, by several goroutines, and must not block.
	Enrolled func(Fingerprint) (Gateway, bool)
	// Sink takes what all gateways bring; those call it concurrently, each for
	// itself one call at a time. Source.Listener is the ID of the gateway.
	Sink mavlink.Sink
	// Recorder gives what keeps the frames of a gateway; nil: nobody does.
	Recorder func(id string) mavlink.Recorder
	// MAVLink is how the frames of each gateway are decoded. Its Name, Addr, Keys
	// and Recorder are not used.
	MAVLink mavlink.Config

	// Proving is how many connections may be about to prove who they are; 64. One
	// more takes the place of the oldest. An enrolled gateway has one connection.
	Proving   int
	Handshake time.Duration // how long a connection may take to prove it; 5 s
	Logger    *slog.Logger  // nil: silent
}

// Server takes in the connections of gateways.
type Server struct {
	cfg     ServerConfig
	ln      net.Listener
	framer  *mavlink.Framer
	clock   clock
	claimed atomic.Bool

	mu      sync.Mutex // guards the fields below
	proving []net.Conn // those that have not proved who they are, oldest first
	peers   map[Fingerprint]*peer
	intakes map[intakeKey]*intake
	counts  Counts
}

// Counts are the connections that came to nothing.
type Counts struct {
	Full        uint64 // cut before it proved who it is: too many newer ones came
	Failed      uint64 // TLS or the hello failed, those of Full included
	NotEnrolled uint64
	Replaced    uint64 // by a newer connection of the same gateway
	Revoked     uint64 // cut because the gateway is no longer enrolled
}

// Listen binds the address. Run serves; without it Close frees the address.
func Listen(cfg ServerConfig) (*Server, error) {
	switch {
	case cfg.Enrolled == nil || cfg.Sink == nil:
		return nil, fmt.Errorf("%w: Enrolled and Sink are needed", ErrConfig)
	case len(cfg.Identity.Certificate.Certificate) == 0:
		return nil, fmt.Errorf("%w: no certificate", ErrConfig)
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Proving <= 0 {
		cfg.Proving = 64
	}
	if cfg.Handshake <= 0 {
		cfg.Handshake = handshakeTime
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	framer, err := mavlink.NewFramer()
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("gateway: listen on %s: %w", cfg.Addr, err)
	}
	cfg.Logger.Info("listening for gateways", "addr", ln.Addr().String(), "fingerprint", cfg.Identity.Fingerprint.String())
	return &Server{
		cfg: cfg, ln: ln, framer: framer, clock: clock{time.Now()},
		peers: map[Fingerprint]*peer{}, intakes: map[intakeKey]*intake{},
	}, nil
}

// Addr is the address that the server listens on.
func (s *Server) Addr() netip.AddrPort { return addrPort(s.ln.Addr()) }

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Counts returns the counters of now.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

func (s *Server) count(change func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}

// Close frees the address of a Server that was never run.
func (s *Server) Close() error {
	if !s.claimed.CompareAndSwap(false, true) {
		return nil
	}
	return s.ln.Close()
}

// Run serves until ctx ends, which is no error. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	if !s.claimed.CompareAndSwap(false, true) {
		return ErrRunning
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = s.ln.Close() })()
	wg.Go(func() { s.watch(ctx) })
	wait := mavlink.Backoff{Min: 10 * time.Millisecond, Max: time.Second}
	for {
		conn, err := s.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("gateway: accept on %s: %w", s.cfg.Addr, err)
		case err != nil:
			s.cfg.Logger.Warn("connection of a gateway was not accepted", "err", err)
			wait.Wait(ctx)
			continue
		}
		wait.Reset()
		s.prove(conn)
		wg.Go(func() { s.serve(ctx, conn) })
	}
}

// prove gives a new connection a place among those that have to prove who they
// are. Whoever only connects cannot keep gateways out.
func (s *Server) prove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.proving) >= s.cfg.Proving {
		s.counts.Full++
		_ = s.proving[0].Close() // ends its serve
		s.proving = slices.Delete(s.proving, 0, 1)
	}
	s.proving = append(s.proving, conn)
}

func (s *Server) proved(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proving = slices.DeleteFunc(s.proving, func(c net.Conn) bool { return c == conn })
}

// serve proves who calls, and serves it until the connection ends.
func (s *Server) serve(ctx context.Context, raw net.Conn) {
	defer raw.Close()
	remote := raw.RemoteAddr().String()
	p, err := s.shake(ctx, raw)
	s.proved(raw)
	if err != nil {
		if errors.Is(err, ErrNotEnrolled) {
			s.count(func(c *Counts) { c.NotEnrolled++ })
		} else {
			s.count(func(c *Counts) { c.Failed++ })
		}
		s.cfg.Logger.Debug("not a gateway", "addr", remote, "err", err)
		return
	}
	s.enter(p)
	s.cfg.Logger.Info("gateway is connected", "gateway", p.in.gateway.ID, "addr", remote)
	err = p.serve(ctx)
	s.leave(p)
	s.cfg.Logger.Warn("gateway is gone", "gateway", p.in.gateway.ID, "addr", remote, "err", err)
}

// shake makes TLS and reads the hello. The welcome is left to serve: who reads it
// has its place already, so that the connections of one gateway enter in order.
func (s *Server) shake(ctx context.Context, raw net.Conn) (*peer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Handshake)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	accepted := s.clock.now()
	conn := tls.Server(raw, serverTLS(s.cfg.Identity))
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	print := FingerprintOf(conn.ConnectionState().PeerCertificates[0])
	g, known := s.cfg.Enrolled(print)
	if !known {
		// The hello is read first: closing with bytes unread would reset the
		// connection, and the answer with it.
		_, _ = io.ReadFull(conn, make([]byte, helloSize))
		_, _ = conn.Write(welcome(answerNotEnrolled))
		_ = conn.CloseWrite()
		return nil, fmt.Errorf("%w: %s", ErrNotEnrolled, print)
	}
	b := make([]byte, helloSize)
	if _, err := io.ReadFull(conn, b); err != nil {
		return nil, err
	}
	answered := s.clock.now()
	h, err := parseHello(b)
	if err != nil {
		return nil, err
	}
	if h.version != version {
		_, _ = conn.Write(welcome(answerVersion))
		_ = conn.CloseWrite()
		return nil, fmt.Errorf("%w (here %d, gateway %s %d)", ErrVersion, version, g.ID, h.version)
	}
	in, err := s.intake(print, g)
	if err != nil {
		return nil, err
	}
	p := newPeer(s, conn, print, in, h, addrPort(conn.RemoteAddr()))
	p.age.pong(accepted, answered, h.clock) // it comes behind an answer to our half of the handshake
	if !stop() {
		return nil, context.DeadlineExceeded
	}
	return p, nil
}

// enter makes p the connection of its gateway.
func (s *Server) enter(p *peer) {
	s.mu.Lock()
	old := s.peers[p.print]
	s.peers[p.print] = p
	if old != nil {
		s.counts.Replaced++
	}
	s.mu.Unlock()
	p.in.count(func(st *Status) { st.Connections++ })
	if old != nil {
		old.end(byeReplaced)
	}
}

func (s *Server) leave(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peers[p.print] == p {
		delete(s.peers, p.print)
	}
}

// watch ticks the decoders and cuts gateways that are no longer enrolled.
func (s *Server) watch(ctx context.Context) {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.mu.Lock()
		peers, intakes := values(s.peers), values(s.intakes)
		s.mu.Unlock()
		for _, in := range intakes {
			in.feed.Tick()
		}
		for _, p := range peers {
			if !s.enrolled(p.print, p.in) && p.end(byeRevoked) {
				s.count(func(c *Counts) { c.Revoked++ })
			}
		}
		if n%10 == 0 {
			s.forget()
		}
	}
}

// enrolled reports whether a gateway still is what it was when it connected.
func (s *Server) enrolled(print Fingerprint, in *intake) bool {
	g, known := s.cfg.Enrolled(print)
	return known && g == in.gateway
}

func values[K comparable, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

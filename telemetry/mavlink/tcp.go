package mavlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// dialTime is how long a connection may take to come up.
const dialTime = 5 * time.Second

// ListenTCP binds the address; ":5760" is every address, IPv6 included. Run
// serves; without it Close frees the address.
func ListenTCP(cfg StreamConfig, sink Sink) (*Streams, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	s, err := newStreams(cfg, sink)
	if err != nil {
		return nil, err
	}
	if s.ln, err = net.Listen("tcp", cfg.Addr); err != nil {
		return nil, fmt.Errorf("mavlink: listen on %s: %w", cfg.Addr, err)
	}
	s.cfg.Logger.Info("listening for mavlink over tcp", "listener", cfg.Name, "addr", s.Addr().String())
	return s, nil
}

// DialTCP makes Streams whose Run connects to somebody else's TCP server, and
// again after 1 to 30 s whenever the connection is lost.
func DialTCP(cfg StreamConfig, sink Sink) (*Streams, error) {
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("%w: address %q: %w", ErrConfig, cfg.Addr, err)
	}
	s, err := newStreams(cfg, sink)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTime}
	s.dial = func(ctx context.Context) (bytestream, netip.AddrPort, error) {
		conn, err := dialer.DialContext(ctx, "tcp", cfg.Addr)
		if err != nil {
			return nil, netip.AddrPort{}, err
		}
		return conn.(*net.TCPConn), addrPort(conn.RemoteAddr()), nil
	}
	return s, nil
}

// accept serves connections until ctx ends.
func (s *Streams) accept(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.ln.Close()
	defer context.AfterFunc(ctx, func() { _ = s.ln.Close() })()
	pause := Backoff{Min: 10 * time.Millisecond, Max: time.Second}
	for {
		conn, err := s.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("mavlink: accept on %s: %w", s.cfg.Addr, err)
		case err != nil: // out of file descriptors, or the peer is gone again
			s.cfg.Logger.Warn("mavlink connection was not accepted", "listener", s.cfg.Name, "err", err)
			pause.Wait(ctx)
			continue
		}
		pause.Reset()
		l := &link{stream: conn.(*net.TCPConn), peer: addrPort(conn.RemoteAddr()), since: time.Now()}
		if !s.place(l) {
			_ = conn.Close()
			continue
		}
		wg.Go(func() {
			err := s.serve(ctx, l)
			s.cfg.Logger.Debug("mavlink connection ended", "listener", s.cfg.Name, "peer", l.peer.String(), "err", err)
		})
	}
}

// place gives a new connection a place, if need be that of the oldest one that
// brought no good frame yet: whoever only connects cannot keep vehicles out.
func (s *Streams) place(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.links) >= s.cfg.Connections {
		s.count.Full++
		var out *link
		for _, o := range s.links {
			if !o.good.Load() && (out == nil || o.since.Before(out.since)) {
				out = o
			}
		}
		if out == nil {
			return false
		}
		_ = out.stream.Close() // ends its serve
		delete(s.links, out.peer)
	}
	s.links[l.peer] = l
	s.count.Opened++
	return true
}

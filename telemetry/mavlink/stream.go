package mavlink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"testzone/vehicles"
)

var (
	// ErrNoLink is returned when a frame shall go to an address that no link leads to now.
	ErrNoLink = errors.New("mavlink: no link to this address is up")
	// ErrSilent is the end of a link that brought no good frame for StreamConfig.Silence.
	ErrSilent = errors.New("mavlink: the link brought no good frame")
)

// StreamConfig is the configuration of Streams. The zero value serves TCP on a
// free port of 127.0.0.1.
type StreamConfig struct {
	// Config is as for a Listener. Addr is where ListenTCP listens and whom
	// DialTCP calls. Limits.UnknownPerDatagram is not used.
	Config

	Device string // of OpenSerial, e.g. /dev/ttyUSB0
	Baud   int    // of OpenSerial; 57,600

	// Connections is how many ListenTCP serves at once; 64. When all are taken,
	// a new one takes the place of the oldest that brought no good frame yet.
	Connections int
	// Silence without a good frame ends a TCP connection; 30 s. A serial device
	// may be silent for ever.
	Silence time.Duration
}

const (
	// writeTime is how long a frame may take to be handed to the kernel. A link
	// that does not take it is closed: half a frame may be on the way, and what
	// waits would be stale.
	writeTime = time.Second

	streamBuffer = 4096 // bytes per read; the rest in front of them is shorter than a frame
)

// bytestream is a TCP connection or a serial device.
type bytestream interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Streams receives MAVLink over byte streams: the connections of a TCP server, a
// TCP connection to somebody else's server, or a serial device. All links share
// one Feed, so that a vehicle that connects again is the same vehicle when it
// proves it, and a link that breaks is silence, not the end of its tracks. Noise
// between frames (boot text, a bad radio) is skipped and counted.
type Streams struct {
	cfg  StreamConfig
	feed *Feed
	ln   net.Listener                                              // of ListenTCP
	dial func(context.Context) (bytestream, netip.AddrPort, error) // of the others
	wait Backoff                                                   // between dials; belongs to Run

	claimed atomic.Bool

	mu    sync.Mutex // guards the fields below
	links map[netip.AddrPort]*link
	count LinkStats
}

// link is one stream that is up.
type link struct {
	stream bytestream
	peer   netip.AddrPort
	since  time.Time
	good   atomic.Bool // it brought a good frame

	writing sync.Mutex // held while a frame is written
}

// LinkStats counts links since the Streams were made.
type LinkStats struct {
	Up     uint64 // now
	Opened uint64
	Failed uint64 // attempts to connect or to open the device that failed
	Full   uint64 // connections that were turned away or replaced because all places were taken
	Silent uint64 // connections that were closed because they brought no good frame
	Stuck  uint64 // links that were closed because they did not take a frame in time
}

// Counters yields every number under the name that metrics use.
func (s *LinkStats) Counters() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, c := range []struct {
			name string
			v    uint64
		}{
			{"links_up", s.Up}, {"links_opened", s.Opened}, {"links_failed", s.Failed},
			{"links_full", s.Full}, {"links_silent", s.Silent}, {"links_stuck", s.Stuck},
		} {
			if !yield(c.name, c.v) {
				return
			}
		}
	}
}

func newStreams(cfg StreamConfig, sink Sink) (*Streams, error) {
	if cfg.Connections <= 0 {
		cfg.Connections = 64
	}
	if cfg.Silence <= 0 {
		cfg.Silence = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Limits.UnknownPerDatagram = -1 // what one read returns is no unit of the sender
	feed, err := NewFeed(cfg.Config, sink)
	if err != nil {
		return nil, err
	}
	return &Streams{
		cfg: cfg, feed: feed, links: map[netip.AddrPort]*link{},
		wait: Backoff{Min: time.Second, Max: 30 * time.Second},
	}, nil
}

// Addr is where a TCP server listens; of the others it is the zero value.
func (s *Streams) Addr() netip.AddrPort {
	if s.ln == nil {
		return netip.AddrPort{}
	}
	return addrPort(s.ln.Addr())
}

// Route is how to reach a vehicle that proved who it is.
func (s *Streams) Route(h vehicles.Handle) (Route, bool) { return s.feed.Route(h) }

// Stats returns the counters of all links together.
func (s *Streams) Stats() Stats { return s.feed.Stats() }

// Links returns the counters of the links themselves.
func (s *Streams) Links() LinkStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.count
	st.Up = uint64(len(s.links))
	return st
}

// Close frees what Streams that were never run hold. Those that run end with the
// context of Run.
func (s *Streams) Close() error {
	if !s.claimed.CompareAndSwap(false, true) || s.ln == nil {
		return nil
	}
	return s.ln.Close()
}

// Run serves the links until ctx ends, which is no error. It can be called once.
// A device or server that is not there is waited for.
func (s *Streams) Run(ctx context.Context) error {
	if !s.claimed.CompareAndSwap(false, true) {
		return ErrRunning
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { s.feed.tickUntil(ctx, s.cfg.Logger, s.cfg.Name) })
	if s.ln != nil {
		return s.accept(ctx)
	}
	s.connect(ctx)
	return nil
}

// connect keeps one link up.
func (s *Streams) connect(ctx context.Context) {
	for ctx.Err() == nil {
		stream, peer, err := s.dial(ctx)
		if err == nil {
			l := &link{stream: stream, peer: peer, since: time.Now()}
			s.add(l)
			s.cfg.Logger.Info("mavlink link is up", "listener", s.cfg.Name, "peer", peer.String())
			err = s.serve(ctx, l)
			if l.good.Load() {
				s.wait.Reset()
			}
		} else {
			s.counting(func(c *LinkStats) { c.Failed++ })
		}
		if ctx.Err() == nil {
			s.cfg.Logger.Warn("mavlink link is down", "listener", s.cfg.Name, "err", err)
			s.wait.Wait(ctx)
		}
	}
}

func (s *Streams) add(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l.peer] = l
	s.count.Opened++
}

func (s *Streams) counting(change func(*LinkStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.count)
}

// serve reads a link until it breaks, falls silent, or ctx ends, and closes it.
func (s *Streams) serve(ctx context.Context, l *link) error {
	defer s.end(l)
	defer context.AfterFunc(ctx, func() { _ = l.stream.Close() })()
	buf := make([]byte, streamBuffer)
	held := 0
	for heard := l.since; ; {
		if s.cfg.Device == "" {
			if err := l.stream.SetReadDeadline(heard.Add(s.cfg.Silence)); err != nil {
				return err
			}
		}
		n, err := l.stream.Read(buf[held:])
		if n > 0 {
			rest, good := s.feed.stream(l.peer, buf[:held+n])
			held = copy(buf, rest)
			if good > 0 {
				heard = time.Now()
				l.good.Store(true)
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.counting(func(c *LinkStats) { c.Silent++ })
			return fmt.Errorf("%w for %v", ErrSilent, s.cfg.Silence)
		default:
			return err
		}
	}
}

// end closes a link. Its sessions stay until they are idle, or are heard of
// over another link.
func (s *Streams) end(l *link) {
	_ = l.stream.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.links[l.peer] == l {
		delete(s.links, l.peer)
	}
}

// Write sends a frame over the link on which an address was heard. It returns
// within writeTime; a link that does not take the frame is closed.
func (s *Streams) Write(to netip.AddrPort, frame []byte) error {
	s.mu.Lock()
	l := s.links[to]
	s.mu.Unlock()
	if l == nil {
		return fmt.Errorf("%w: %v", ErrNoLink, to)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	err := l.stream.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		_, err = l.stream.Write(frame)
	}
	if err == nil {
		return nil
	}
	_ = l.stream.Close() // ends serve
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.counting(func(c *LinkStats) { c.Stuck++ })
	}
	return fmt.Errorf("mavlink: write to %v: %w", to, err)
}

// addrPort is the address of a TCP end; IPv4 is IPv4 on every socket.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

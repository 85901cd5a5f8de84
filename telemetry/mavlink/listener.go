package mavlink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"testzone/vehicles"
)

const (
	slots = 128 // datagrams per read
	// slotSize is for one datagram; longer ones are cut, the largest frame has 280
	// bytes. No power of two: the headers of a batch would share a few cache sets.
	slotSize = 2048 + 64

	// wake is how long a read waits at most: Run looks at its context, the
	// idle sweep and the drop counter this often.
	wake = 100 * time.Millisecond

	// busy is the rate, in datagrams/s, above which a nearly empty read is
	// followed by a pause.
	busy = 5000
)

// batch is what one read returns. The buffers belong to the socket.
type batch struct {
	data [slots][]byte
	from [slots]netip.AddrPort
	cut  [slots]bool // longer than its slot
}

// socket is a bound UDP socket.
type socket interface {
	// read waits up to wake for datagrams and returns how many it got; 0 after
	// the wait, or when a signal interrupted it.
	read(b *batch) (int, error)
	// drops is the number of datagrams that the kernel dropped, if it tells.
	drops() (uint32, bool)
	// write sends one datagram without waiting, also while another goroutine reads.
	write(to netip.AddrPort, frame []byte) error
	addr() netip.AddrPort
	receiveBuffer() int // bytes, as the kernel accounts them
	close() error
}

// Listener receives MAVLink on one UDP address.
type Listener struct {
	cfg       Config
	receivers []*receiver
	routes    *routes
	claimed   atomic.Bool
}

// receiver is one socket of a listener with what it decodes. The kernel gives all
// datagrams of a source to the same one.
type receiver struct {
	cfg  *Config
	sock socket
	dec  *decoder // belongs to run

	mu    sync.Mutex // guards the fields below
	stats Stats
}

// Listen binds the address. Run receives; without it Close frees the socket.
func Listen(cfg Config, sink Sink) (*Listener, error) {
	return listen(cfg, sink, openSocket)
}

func listen(cfg Config, sink Sink, open func(addr *net.UDPAddr, buffer int, shared bool) (socket, error)) (*Listener, error) {
	if sink == nil {
		return nil, fmt.Errorf("%w: no sink", ErrConfig)
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 5 * time.Minute
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.ReceiveBuffer <= 0 {
		cfg.ReceiveBuffer = 16 << 20
	}
	if cfg.Pause == 0 {
		cfg.Pause = time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cat, err := newCatalog()
	if err != nil {
		return nil, err
	}
	ua, err := net.ResolveUDPAddr("udp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: address %q: %w", ErrConfig, cfg.Addr, err)
	}
	l := &Listener{cfg: cfg, routes: &routes{}}
	for range max(cfg.Receivers, 1) {
		sock, err := open(ua, cfg.ReceiveBuffer, cfg.Receivers > 1)
		if err != nil {
			l.closeSockets()
			return nil, fmt.Errorf("mavlink: listen on %s: %w", cfg.Addr, err)
		}
		ua = net.UDPAddrFromAddrPort(sock.addr()) // port 0 became one
		l.receivers = append(l.receivers, &receiver{
			cfg: &l.cfg, sock: sock, dec: newDecoder(cfg, cat, sink, l.routes, cfg.Clock()),
		})
	}
	l.cfg.Logger.Info("listening for mavlink", "listener", l.cfg.Name,
		"addr", l.Addr().String(), "receive_buffer_bytes", l.ReceiveBuffer())
	if l.ReceiveBuffer() < l.cfg.ReceiveBuffer {
		l.cfg.Logger.Warn("mavlink receive buffer is smaller than asked for", "listener", l.cfg.Name,
			"receive_buffer_bytes", l.ReceiveBuffer(), "wanted_bytes", l.cfg.ReceiveBuffer)
	}
	return l, nil
}

// Addr is the address that the listener is bound to.
func (l *Listener) Addr() netip.AddrPort { return l.receivers[0].sock.addr() }

// ReceiveBuffer is the size of the receive buffer that the kernel gave, in
// bytes as it accounts them (on Linux twice what a program asks for: overhead
// counts too). Each receiver has one.
func (l *Listener) ReceiveBuffer() int { return l.receivers[0].sock.receiveBuffer() }

// Route is how to reach a vehicle that proved on this listener who it is.
func (l *Listener) Route(h vehicles.Handle) (Route, bool) { return l.routes.get(h) }

// Stats returns the counters as of the last read, at most 100 ms ago. It is
// safe for concurrent use.
func (l *Listener) Stats() Stats {
	var sum Stats
	for _, r := range l.receivers {
		r.mu.Lock()
		sum.add(&r.stats)
		r.mu.Unlock()
	}
	return sum
}

// Close frees the sockets of a Listener that was never run. One that runs ends
// with the context of Run.
func (l *Listener) Close() error {
	if !l.claimed.CompareAndSwap(false, true) {
		return nil
	}
	return l.closeSockets()
}

func (l *Listener) closeSockets() error {
	var errs []error
	for _, r := range l.receivers {
		errs = append(errs, r.sock.close())
	}
	return errors.Join(errs...)
}

// Run receives until ctx ends, which it notices within 100 ms, and then frees
// the sockets. The end of ctx is no error. Run can be called once.
func (l *Listener) Run(ctx context.Context) error {
	if !l.claimed.CompareAndSwap(false, true) {
		return ErrRunning
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(l.receivers))
	var wg sync.WaitGroup
	for i, r := range l.receivers {
		wg.Go(func() {
			defer cancel() // one that fails must not leave a part of the vehicles unheard
			errs[i] = r.run(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (r *receiver) run(ctx context.Context) error {
	defer r.sock.close()
	defer r.publish()
	d := r.dec
	b := new(batch)
	pace := pacer{limit: r.cfg.Pause}
	house := housekeeping{receiver: r}
	for ctx.Err() == nil {
		n, err := r.sock.read(b)
		if err != nil {
			return fmt.Errorf("mavlink: receive on %s: %w", r.sock.addr(), err)
		}
		now := r.cfg.Clock()
		d.tick(now)
		for i := range n {
			if b.cut[i] {
				d.stats.Truncated++
			}
			d.datagram(b.from[i], b.data[i])
		}
		d.flush()
		house.run(d.now)
		r.publish()
		if p := pace.pause(d.now, n); p > 0 {
			rest(p)
		}
	}
	return nil
}

// publish makes the decoder's counters visible to Stats.
func (r *receiver) publish() {
	r.mu.Lock()
	r.stats = r.dec.stats
	r.mu.Unlock()
}

// housekeeping does what is due every wake and every second.
type housekeeping struct {
	receiver *receiver
	polled   int64
	logged   int64
	dropped  uint32
	last     Stats
}

func (h *housekeeping) run(now int64) {
	d := h.receiver.dec
	if now-h.polled >= int64(wake) || now < h.polled {
		h.polled = now
		if v, ok := h.receiver.sock.drops(); ok {
			d.stats.KernelDrops += uint64(v - h.dropped) // the kernel's counter has 32 bits
			h.dropped = v
		}
	}
	if now-h.logged >= int64(time.Second) {
		h.logged = now
		h.log(&d.stats)
	}
}

// log writes one line about what was refused since the last one.
func (h *housekeeping) log(s *Stats) {
	dropped := s.KernelDrops - h.last.KernelDrops
	limited := s.Refused[Rate] - h.last.Refused[Rate] + s.Refused[Refused] - h.last.Refused[Refused]
	damaged := s.Garbage - h.last.Garbage
	for _, r := range []Reason{CRC, Length, Flags, UnknownID, BadFloat} {
		damaged += s.Refused[r] - h.last.Refused[r]
	}
	var forged uint64
	for _, r := range []Reason{BadSignature, Replay, Future, WrongComponent, Muted} {
		forged += s.Refused[r] - h.last.Refused[r]
	}
	h.last = *s
	level := slog.LevelDebug
	switch {
	case dropped+limited+forged > 0:
		level = slog.LevelWarn
	case damaged == 0:
		return
	}
	h.receiver.cfg.Logger.Log(context.Background(), level, "mavlink input refused",
		"listener", h.receiver.cfg.Name, "kernel_dropped", dropped, "limited", limited, "damaged", damaged, "not_authentic", forged)
}

// pacer decides how long to wait after a read so that the next one finds more
// than one datagram. At 20,000/s a wake-up per datagram costs several times
// what decoding it does.
type pacer struct {
	limit  time.Duration
	since  int64
	seen   int
	perSec int64
}

// pause is called after a read of n datagrams at time now (ns).
func (p *pacer) pause(now int64, n int) time.Duration {
	p.seen += n
	if dt := now - p.since; dt >= int64(20*time.Millisecond) || dt < 0 {
		p.perSec = int64(p.seen) * int64(time.Second) / max(dt, 1)
		p.seen, p.since = 0, now
	}
	if n == 0 || n >= slots/4 || p.perSec < busy {
		return 0
	}
	// Long enough for a quarter of the slots to fill, not longer than the limit.
	return min(p.limit, time.Duration(slots/4*int64(time.Second)/p.perSec))
}

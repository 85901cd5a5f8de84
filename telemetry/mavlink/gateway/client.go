package gateway

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"testzone/telemetry/mavlink"
)

// ClientConfig is the configuration of a Client.
type ClientConfig struct {
	Server   string // host:port
	Identity Identity
	// Pin is the fingerprint of the server's key. Without it the certificate of
	// the server must be right for the host of Server.
	Pin *Fingerprint
	// Roots are the authorities that certify the server; nil: those of the system.
	Roots *x509.CertPool

	// Listen is the UDP address that the ground station sends to; default
	// 127.0.0.1:14555, "off" for none. Whoever can send there can pretend to be a
	// vehicle: an address that is not loopback needs AnyNetwork.
	Listen     string
	AnyNetwork bool
	Device     string // serial device besides; none if empty
	Baud       int    // 57,600

	Logger *slog.Logger // nil: silent
}

// Client is the gateway itself.
type Client struct {
	cfg     ClientConfig
	host    string
	framer  *mavlink.Framer
	clock   clock
	run     [8]byte
	queue   *queue
	udp     *net.UDPConn // nil: off
	claimed atomic.Bool
	backoff mavlink.Backoff // belongs to Run

	mu        sync.Mutex // guards the fields below
	routes    [256]route // by system id
	port      *os.File   // the serial device; nil while it is not open
	report    Report
	connected bool
}

// route is where a system id was heard last; the zero value: nowhere.
type route struct {
	udp    netip.AddrPort
	serial bool
}

// NewClient binds the UDP address. Run forwards; without it Close frees the
// address.
func NewClient(cfg ClientConfig) (*Client, error) {
	host, _, err := net.SplitHostPort(cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("%w: server %q: %w", ErrConfig, cfg.Server, err)
	}
	if len(cfg.Identity.Certificate.Certificate) == 0 {
		return nil, fmt.Errorf("%w: no identity", ErrConfig)
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:14555"
	}
	if cfg.Listen == "off" && cfg.Device == "" {
		return nil, fmt.Errorf("%w: neither a UDP address nor a serial device", ErrConfig)
	}
	if cfg.Baud <= 0 {
		cfg.Baud = 57_600
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	framer, err := mavlink.NewFramer()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, host: host, framer: framer, clock: clock{time.Now()}, queue: newQueue(),
		backoff: mavlink.Backoff{Min: time.Second, Max: 10 * time.Second},
	}
	_, _ = rand.Read(c.run[:]) // crypto/rand.Read never fails
	if cfg.Listen != "off" {
		if c.udp, err = listenUDP(cfg.Listen, cfg.AnyNetwork); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func listenUDP(addr string, anyNetwork bool) (*net.UDPConn, error) {
	ua, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: address %q: %w", ErrConfig, addr, err)
	}
	if !ua.IP.IsLoopback() && !anyNetwork {
		return nil, fmt.Errorf("%w: whoever can send to %s can pretend to be a vehicle: listen on 127.0.0.1, or allow the network if only the ground station can reach it", ErrConfig, addr)
	}
	conn, err := net.ListenUDP("udp", ua)
	if err != nil {
		return nil, fmt.Errorf("gateway: listen on %s: %w", addr, err)
	}
	_ = conn.SetReadBuffer(4 << 20) // what the system allows; the default holds 277 datagrams
	return conn, nil
}

// Addr is the UDP address that the ground station sends to; not valid when it is
// off.
func (c *Client) Addr() netip.AddrPort {
	if c.udp == nil {
		return netip.AddrPort{}
	}
	a := c.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Report returns the counters of now.
func (c *Client) Report() Report {
	c.mu.Lock()
	r := c.report
	c.mu.Unlock()
	r.Overflow, r.AnswersLost, r.Stale = c.queue.losses()
	return r
}

// Connected reports whether the server has taken this gateway in.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected
}

func (c *Client) count(change func(*Report)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.report)
}

// Close frees the address of a Client that was never run.
func (c *Client) Close() error {
	if !c.claimed.CompareAndSwap(false, true) || c.udp == nil {
		return nil
	}
	return c.udp.Close()
}

// Run forwards until ctx ends, which is no error. While the server is away it
// tries again; it can be called once.
func (c *Client) Run(ctx context.Context) error {
	if !c.claimed.CompareAndSwap(false, true) {
		return ErrRunning
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	var failed error
	if c.udp != nil {
		defer context.AfterFunc(ctx, func() { _ = c.udp.Close() })()
		wg.Go(func() {
			defer cancel()
			failed = c.listen(ctx)
		})
	}
	if c.cfg.Device != "" {
		wg.Go(func() { c.keepPort(ctx) })
	}
	c.keepConnected(ctx)
	cancel()
	wg.Wait()
	return failed
}

// keepConnected holds a connection to the server.
func (c *Client) keepConnected(ctx context.Context) {
	for {
		err := c.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		// In the upper half at random: gateways of one server do not all come back at once.
		wait := c.backoff.Next()
		wait -= mrand.N(wait / 2)
		c.cfg.Logger.Warn("not connected to the server", "server", c.cfg.Server, "err", err, "again_in_ms", wait.Milliseconds())
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// connect makes one connection and forwards until it ends.
func (c *Client) connect(ctx context.Context) error {
	conn, err := c.shake(ctx)
	if err != nil {
		return err
	}
	defer func(since time.Time) {
		if time.Since(since) > c.backoff.Max { // one that was cut at once would be cut again
			c.backoff.Reset()
		}
	}(time.Now())
	c.setConnected(true)
	defer c.setConnected(false)
	c.cfg.Logger.Info("connected to the server", "server", c.cfg.Server, "addr", conn.RemoteAddr().String())

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })()
	pongs := make(chan uint64, 4) // tokens
	var wg sync.WaitGroup
	var wrote error
	wg.Go(func() {
		defer cancel()
		wrote = c.send(ctx, conn, pongs)
	})
	read := c.receive(conn, pongs)
	cancel()
	wg.Wait()
	if wrote != nil && errors.Is(read, net.ErrClosed) {
		return wrote // reading ended because writing failed
	}
	return read
}

func (c *Client) setConnected(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected = on
	if on {
		c.report.Connections++
	}
}

// shake dials, proves both ends, and is welcomed.
func (c *Client) shake(ctx context.Context) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", c.cfg.Server)
	if err != nil {
		return nil, err
	}
	_ = raw.(*net.TCPConn).SetWriteBuffer(sendBuffer)
	conn := tls.Client(raw, clientTLS(c.cfg.Identity, c.host, c.cfg.Pin, c.cfg.Roots))
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	if err = conn.HandshakeContext(ctx); err == nil {
		_, err = conn.Write(hello{version, c.run, c.clock.now()}.bytes())
	}
	if err == nil {
		answer := make([]byte, welcomeSize)
		if _, err = io.ReadFull(conn, answer); err == nil {
			err = parseWelcome(answer)
		}
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("gateway: connect to %s: %w", c.cfg.Server, err)
	}
	return conn, nil
}

// send writes what waits, the answers to pings, and the counters once a second.
func (c *Client) send(ctx context.Context, conn net.Conn, pongs <-chan uint64) error {
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	b := make([]byte, 0, 32<<10)
	for {
		b = b[:0]
		select {
		case <-ctx.Done():
			return nil
		case token := <-pongs:
			b = pong{token, c.clock.now()}.append(b)
		case <-status.C:
			b = c.Report().append(b)
		case <-c.queue.wake:
		}
		n, more := uint64(0), true
		for more && len(b) < cap(b)-maxMessage-headSize {
			if b, more = c.queue.next(b, c.clock.now()); more {
				n++
			}
		}
		if more { // there may be others
			select {
			case c.queue.wake <- struct{}{}:
			default:
			}
		}
		if len(b) == 0 {
			continue
		}
		if err := conn.SetWriteDeadline(time.Now().Add(silentAfter)); err != nil {
			return err
		}
		if _, err := conn.Write(b); err != nil {
			return err
		}
		c.count(func(r *Report) { r.Forwarded += n })
	}
}

// receive handles what the server sends.
func (c *Client) receive(conn net.Conn, pongs chan<- uint64) error {
	in := newMessages(conn)
	var seq uint64
	for {
		if err := conn.SetReadDeadline(time.Now().Add(silentAfter)); err != nil {
			return err
		}
		k, body, err := in.next()
		if err != nil {
			return err
		}
		switch k {
		case kindDownlink:
			var d downlink
			if d, err = parseDownlink(body); err == nil {
				if d.seq <= seq {
					return fmt.Errorf("%w: frame %d after %d", ErrProtocol, d.seq, seq)
				}
				seq = d.seq
				c.deliver(d)
			}
		case kindPing:
			var token uint64
			if token, err = parsePing(body); err == nil {
				select {
				case pongs <- token:
				default: // writing is behind: the round trip would mean nothing
				}
			}
		case kindBye:
			var reason uint8
			if reason, err = parseBye(body); err == nil {
				err = byeError(reason)
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

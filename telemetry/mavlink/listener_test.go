package mavlink

import (
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// channelSink passes every call on; the test is the other end.
type channelSink struct {
	opened  chan Source
	reports chan vehicles.Report
	notes   chan message.Message
}

func newChannelSink() *channelSink {
	return &channelSink{make(chan Source, 100), make(chan vehicles.Report, 100_000), make(chan message.Message, 100)}
}

func (c *channelSink) Open(s Source) (vehicles.Handle, bool) {
	c.opened <- s
	return vehicles.Handle(s.SystemID), true
}

func (c *channelSink) Reports(batch []vehicles.Report) {
	for _, r := range batch {
		c.reports <- r
	}
}
func (c *channelSink) Note(_ vehicles.Handle, _ int64, m message.Message) { c.notes <- m }
func (c *channelSink) Close(vehicles.Handle)                              {}

// running starts a listener and ends it with the test.
func running(t *testing.T, cfg Config, open func(*net.UDPAddr, int, bool) (socket, error)) (*Listener, *channelSink) {
	t.Helper()
	sink := newChannelSink()
	l, err := listen(cfg, sink, open)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		start := time.Now()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("Run took %v to end", d)
		}
		stats := l.Stats()
		balance(t, &stats)
		if l.Stats().Hot == 0 && l.Stats().Frames > 0 {
			t.Error("the last counters were not published")
		}
	})
	return l, sink
}

func take[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came for 10 s")
		panic("unreachable")
	}
}

func sockets() map[string]func(*net.UDPAddr, int, bool) (socket, error) {
	return map[string]func(*net.UDPAddr, int, bool) (socket, error){"own": openSocket, "portable": openPortable}
}

func TestListener(t *testing.T) {
	for name, open := range sockets() {
		for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
			t.Run(name+" "+addr, func(t *testing.T) {
				before := time.Now()
				l, sink := running(t, Config{Name: "open", Addr: addr}, open)
				if l.Addr().Port() == 0 {
					t.Fatal("no port")
				}
				if l.ReceiveBuffer() < 64<<10 {
					t.Errorf("receive buffer %d bytes", l.ReceiveBuffer())
				}
				to := net.UDPAddrFromAddrPort(l.Addr())
				if to.IP.IsUnspecified() {
					to.IP = net.IPv4(127, 0, 0, 1) // IPv4 through the socket for every address
				}
				conn, err := net.DialUDP("udp", nil, to)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				s := &sender{sys: 3, comp: 1}
				for _, d := range [][]byte{
					nil, {magicV2}, make([]byte, 4000), s.frame(copterBeat()), s.frame(statusText("hi")),
					join(s.frame(somewhere()), s.frame(somewhere())),
				} {
					if _, err := conn.Write(d); err != nil {
						t.Fatal(err)
					}
				}
				src := take(t, sink.opened)
				if want := conn.LocalAddr().(*net.UDPAddr).AddrPort(); src.Addr != want || src.SystemID != 3 || src.Listener != "open" {
					t.Errorf("source %+v, want address %v", src, want)
				}
				for i := range 3 {
					r := take(t, sink.reports)
					if r.Handle != 3 || (r.Has == vehicles.HasPosition) != (i > 0) {
						t.Errorf("report %d: %+v", i, r)
					}
					if at := time.UnixMicro(r.ReceivedUS); at.Before(before.Truncate(time.Microsecond)) || at.After(time.Now()) {
						t.Errorf("received at %v", at)
					}
				}
				take(t, sink.notes)
				for l.Stats().Hot < 3 {
					take(t, time.After(time.Millisecond)) // the counters follow the reports
				}
				st := l.Stats()
				if st.Datagrams != 6 || st.Truncated != 1 || st.Garbage != 1 || st.Refused[Length] != 1 || st.Hot != 3 || st.Cold != 1 {
					t.Errorf("%+v", st)
				}
			})
		}
	}
}

func TestListenErrors(t *testing.T) {
	if _, err := Listen(Config{}, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("no sink: %v", err)
	}
	if _, err := Listen(Config{Addr: "nonsense"}, discard{}); !errors.Is(err, ErrConfig) {
		t.Errorf("bad address: %v", err)
	}
	for name, open := range sockets() {
		l, err := listen(Config{}, discard{}, open)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listen(Config{Addr: l.Addr().String()}, discard{}, open); err == nil {
			t.Errorf("%s: the address was bound twice", name)
		}
		if err := l.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		if err := l.Run(context.Background()); !errors.Is(err, ErrRunning) {
			t.Errorf("%s: run after close: %v", name, err)
		}
		again, err := listen(Config{Addr: l.Addr().String()}, discard{}, open)
		if err != nil {
			t.Errorf("%s: the address is not free after Close: %v", name, err)
			continue
		}
		again.Close()
	}
}

// What does not fit the receive buffer is counted, although the listener was
// not reading and nothing came afterwards.
func TestKernelDrops(t *testing.T) {
	sock, err := openSocket(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, 4096, false)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	if _, ok := sock.drops(); !ok {
		// The portable socket cannot know; there the number stays 0.
		return
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(sock.addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const sent = 500
	for range sent {
		if _, err := conn.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	got := 0
	b := new(batch)
	for {
		n, err := sock.read(b)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		got += n
	}
	dropped, _ := sock.drops()
	if got+int(dropped) != sent || dropped == 0 {
		t.Errorf("sent %d, received %d, dropped %d", sent, got, dropped)
	}
}

// scripted is a socket that plays reads and drop counters and ends the run.
type scripted struct {
	reads   [][][]byte
	dropped []uint32
	end     func()
}

func (s *scripted) read(b *batch) (int, error) {
	if len(s.reads) == 0 {
		s.end()
		return 0, nil
	}
	r := s.reads[0]
	s.reads = s.reads[1:]
	for i, d := range r {
		b.data[i], b.from[i], b.cut[i] = d, addrA, false
	}
	return len(r), nil
}

func (s *scripted) drops() (v uint32, ok bool) {
	v, s.dropped = s.dropped[0], s.dropped[1:]
	return v, true
}
func (s *scripted) write(netip.AddrPort, []byte) error { return nil }
func (s *scripted) addr() netip.AddrPort               { return addrA }
func (s *scripted) receiveBuffer() int                 { return 32 << 20 }
func (s *scripted) close() error                       { return nil }

// Reads that hold more reports than a batch, and a drop counter that wraps.
func TestListenerReads(t *testing.T) {
	s := &sender{sys: 1, comp: 1}
	packed := s.frame(copterBeat())
	for range 9 {
		packed = append(packed, s.frame(somewhere())...)
	}
	full := slices.Repeat([][]byte{packed}, slots) // 1,280 reports
	ctx, cancel := context.WithCancel(t.Context())
	sock := &scripted{reads: [][][]byte{full, full[:1], full}, dropped: []uint32{7, math.MaxUint32, 2, 2}, end: cancel}
	rec := &recorder{}
	at := epoch
	cfg := Config{
		Limits: Limits{PerSource: -1}, Pause: -1,
		Clock: func() time.Time { at = at.Add(wake); return at },
	}
	l, err := listen(cfg, rec, func(*net.UDPAddr, int, bool) (socket, error) { return sock, nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if want := 10 * (2*slots + 1); len(rec.reports) != want {
		t.Errorf("%d reports, want %d", len(rec.reports), want)
	}
	if got := l.Stats().KernelDrops; got != math.MaxUint32+3 {
		t.Errorf("kernel drops %d, want %d", got, uint64(math.MaxUint32+3))
	}
}

// The pause grows with the rate's emptiness and never goes beyond its limit.
func TestPacer(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rate  int64 // datagrams/s
		batch int
		limit time.Duration
		want  time.Duration
	}{
		{"calm", 4000, 1, time.Millisecond, 0},
		{"busy", 20_000, 2, time.Millisecond, time.Millisecond},
		{"busier", 64_000, 2, time.Millisecond, 500 * time.Microsecond},
		{"full batch", 64_000, slots, time.Millisecond, 0},
		{"switched off", 64_000, 2, -1, -1},
	} {
		p := pacer{limit: tc.limit}
		var got time.Duration
		for now := int64(0); now < int64(time.Second); now += int64(time.Second) / tc.rate * int64(tc.batch) {
			got = p.pause(now, tc.batch)
		}
		if d := got - tc.want; d < -20*time.Microsecond || d > 20*time.Microsecond {
			t.Errorf("%s: pause %v, want %v", tc.name, got, tc.want)
		}
		if got := p.pause(int64(time.Second), 0); got != 0 {
			t.Errorf("%s: pause %v after an empty read", tc.name, got)
		}
	}
}

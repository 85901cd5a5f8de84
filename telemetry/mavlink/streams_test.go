package mavlink

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// runStreams runs s until the test ends.
func runStreams(t *testing.T, s *Streams) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := take(t, done); err != nil {
			t.Errorf("Run: %v", err)
		}
		st := s.Stats()
		balance(t, &st)
		if n := s.Links().Up; n != 0 {
			t.Errorf("%d links are up after Run", n)
		}
	})
}

// until waits for something that must become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-end:
			t.Fatalf("waited 10 s for %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func write(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
}

func tcpServer(t *testing.T, cfg StreamConfig) (*Streams, *channelSink) {
	t.Helper()
	sink := newChannelSink()
	s, err := ListenTCP(cfg, sink)
	if err != nil {
		t.Fatal(err)
	}
	runStreams(t, s)
	return s, sink
}

func call(t *testing.T, s *Streams) *net.TCPConn {
	t.Helper()
	to := s.Addr()
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
	}
	conn, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// ended waits until the other side closed the connection.
func ended(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection is still open after 10 s")
	}
}

func TestTCPServer(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		t.Run(addr, func(t *testing.T) {
			s, sink := tcpServer(t, StreamConfig{Config: Config{Name: "router", Addr: addr}})
			conn := call(t, s)
			v := &sender{sys: 7, comp: 1}
			beat, pos := v.frame(copterBeat()), v.frame(somewhere())
			// A frame in three writes, noise between frames, two frames in one write.
			for _, part := range [][]byte{beat[:1], beat[1:15], beat[15:], []byte("boot\xfe\xff\r\n"), join(pos, v.frame(somewhere())), make([]byte, 300)} {
				write(t, conn, part)
			}
			src := take(t, sink.opened)
			if want := addrPort(conn.LocalAddr()); src.Addr != want || src.SystemID != 7 || src.Listener != "router" {
				t.Errorf("source %+v, want address %v", src, want)
			}
			for i := range 3 {
				if r := take(t, sink.reports); (r.Has&vehicles.HasPosition != 0) != (i > 0) {
					t.Errorf("report %d: %+v", i, r)
				}
			}
			until(t, "noise to be counted", func() bool { return s.Stats().Garbage > 0 })
			if st := s.Stats(); st.Hot != 3 || st.Lost != 0 {
				t.Errorf("%+v", st)
			}

			// The way back. Other addresses have no link.
			down := v.frame(statusText("down"))
			if err := s.Write(src.Addr, down); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(down))
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, down) {
				t.Errorf("got %x, %v", got, err)
			}
			if err := s.Write(addrB, down); !errors.Is(err, ErrNoLink) {
				t.Errorf("write to nobody: %v", err)
			}

			// Its end is silence: the session stays.
			conn.Close()
			until(t, "the link to end", func() bool { return s.Links().Up == 0 })
			if n := s.Stats().Sessions; n != 1 {
				t.Errorf("%d sessions after the connection ended, want 1", n)
			}
			if err := s.Write(src.Addr, down); !errors.Is(err, ErrNoLink) {
				t.Errorf("write to a link that ended: %v", err)
			}
		})
	}
}

// Whoever sends noise for ever, a byte at a time or not, is no vehicle.
func TestSilentConnections(t *testing.T) {
	s, _ := tcpServer(t, StreamConfig{Silence: 20 * time.Millisecond})
	idle := call(t, s)
	ended(t, idle)
	slow := call(t, s)
	frame := (&sender{sys: 1, comp: 1}).raw(testDialect().GetMessage(0).Write(copterBeat(), true), 0) // wrong checksum
	for i := 0; ; i++ {
		if _, err := slow.Write(frame[i%len(frame) : i%len(frame)+1]); err != nil {
			break // reset by the server
		}
		if i > 1_000_000 {
			t.Fatal("noise keeps a connection open")
		}
	}
	if n := s.Links().Silent; n != 2 {
		t.Errorf("%d connections were silent, want 2", n)
	}
}

// Connections that bring nothing give way to new ones; vehicles do not.
func TestFullServer(t *testing.T) {
	s, sink := tcpServer(t, StreamConfig{Connections: 2})
	vehicle := func(sys uint8) *net.TCPConn {
		c := call(t, s)
		write(t, c, (&sender{sys: sys, comp: 1}).frame(copterBeat()))
		if src := take(t, sink.opened); src.SystemID != sys {
			t.Fatalf("source %+v", src)
		}
		return c
	}
	vehicle(1)
	nothing := call(t, s)
	until(t, "both places to be taken", func() bool { return s.Links().Up == 2 })
	second := vehicle(2)
	ended(t, nothing)
	ended(t, call(t, s)) // turned away
	if l := s.Links(); l.Up != 2 || l.Full != 2 || l.Opened != 3 {
		t.Errorf("%+v", l)
	}
	second.Close()
	until(t, "a free place", func() bool { return s.Links().Up == 1 })
	vehicle(3)
}

// A peer that does not read is closed, and hurts nobody else.
func TestStuckPeer(t *testing.T) {
	s, sink := tcpServer(t, StreamConfig{})
	conn := call(t, s)
	write(t, conn, (&sender{sys: 1, comp: 1}).frame(copterBeat()))
	to := take(t, sink.opened).Addr
	big := make([]byte, 1<<20)
	var err error
	for range 1000 {
		if err = s.Write(to, big); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("writing to a peer that does not read: %v", err)
	}
	until(t, "the link to end", func() bool { return s.Links().Up == 0 })
	if n := s.Links().Stuck; n != 1 {
		t.Errorf("stuck %d, want 1", n)
	}
}

// The client waits for a server, and connects again when it is gone; a frame
// that the break cut in two is lost, the next is not.
func TestTCPClient(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	sink := newChannelSink()
	s, err := DialTCP(StreamConfig{Config: Config{Name: "router", Addr: addr}}, sink)
	if err != nil {
		t.Fatal(err)
	}
	s.wait = Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
	runStreams(t, s)
	until(t, "a failed attempt", func() bool { return s.Links().Failed > 0 })
	if ln, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	v := &sender{sys: 9, comp: 1}
	for round := range 3 {
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		beat := v.frame(copterBeat())
		write(t, conn, join(beat, beat[:10]))
		if r := take(t, sink.reports); r.Handle != 9 {
			t.Errorf("round %d: %+v", round, r)
		}
		conn.Close()
	}
	if n := len(sink.opened); n != 1 {
		t.Errorf("%d sources, want 1: the address of the server is the same", n)
	}
}

func TestStreamErrors(t *testing.T) {
	if _, err := ListenTCP(StreamConfig{}, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("no sink: %v", err)
	}
	if _, err := DialTCP(StreamConfig{}, discard{}); !errors.Is(err, ErrConfig) {
		t.Errorf("nobody to call: %v", err)
	}
	if _, err := OpenSerial(StreamConfig{}, discard{}); !errors.Is(err, ErrConfig) {
		t.Errorf("no device: %v", err)
	}
	s, err := ListenTCP(StreamConfig{}, discard{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ListenTCP(StreamConfig{Config: Config{Addr: s.Addr().String()}}, discard{}); err == nil {
		t.Error("the address was bound twice")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("run after close: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{Min: time.Second, Max: 30 * time.Second}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if got := b.Next(); got != want*time.Second {
			t.Errorf("wait %v, want %v s", got, int64(want))
		}
	}
	b.Reset()
	if got := b.Next(); got != time.Second {
		t.Errorf("after a reset %v", got)
	}
}

// counted is a Sink that only counts.
type counted struct{ reports atomic.Int64 }

func (c *counted) Open(s Source) (vehicles.Handle, bool)        { return vehicles.Handle(s.SystemID), true }
func (c *counted) Reports(b []vehicles.Report)                  { c.reports.Add(int64(len(b))) }
func (c *counted) Note(vehicles.Handle, int64, message.Message) {}
func (c *counted) Close(vehicles.Handle)                        {}

// FuzzStream: any bytes, cut anywhere: no panic, the counters add up, what is
// carried over is shorter than a frame, and frames that follow are found.
func FuzzStream(f *testing.F) {
	f.Add([]byte("ArduCopter V4.5\r\n"), uint64(1))
	f.Add([]byte{magicV2, 255, 0}, uint64(2))
	f.Add(bytes.Repeat([]byte{magicV2, 255, 0}, 100), uint64(3))
	f.Add(join((&sender{sys: 1, comp: 1}).frame(somewhere()), []byte{magicV1, 3}), uint64(4))
	f.Fuzz(func(t *testing.T, junk []byte, seed uint64) {
		cfg := Config{Limits: Limits{PerSource: -1, UnknownPerSource: -1, UnknownTotal: -1, UnknownPerDatagram: -1}, Idle: time.Minute}
		sink := &counted{}
		d := newDecoder(cfg, testCatalog(), sink, &routes{}, epoch)
		d.tick(epoch)
		v := &sender{sys: 200, comp: 1}
		in := bytes.Clone(junk)
		// The junk may claim to be a frame of up to maxFrame bytes.
		for len(in) < len(junk)+2*maxFrame {
			in = append(in, v.frame(copterBeat())...)
		}
		before := sink.reports.Load()
		rng := rand.New(rand.NewPCG(seed, 0))
		var held []byte
		for len(in) > 0 {
			n := 1 + rng.IntN(min(len(in), 400))
			held = append(held, in[:n]...)
			in = in[n:]
			held = bytes.Clone(d.stream(addrA, held))
			if len(held) >= maxFrame {
				t.Fatalf("%d bytes are carried over", len(held))
			}
		}
		d.flush()
		balance(t, &d.stats)
		if sink.reports.Load() == before {
			t.Error("no frame was found behind the junk")
		}
		if len(held) != 0 {
			t.Errorf("%d bytes are left behind whole frames", len(held))
		}
	})
}

package mavlink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// memoryLink keeps what is sent over it.
type memoryLink struct {
	mu     sync.Mutex // guards the fields below
	routes map[vehicles.Handle]Route
	frames [][]byte
	at     []time.Time
	to     []netip.AddrPort
	fail   error
	block  chan struct{} // a write waits until it is closed
}

func (l *memoryLink) Route(h vehicles.Handle) (Route, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.routes[h]
	return r, ok
}

func (l *memoryLink) Write(to netip.AddrPort, frame []byte) error {
	l.mu.Lock()
	block, fail := l.block, l.fail
	l.mu.Unlock()
	if block != nil {
		<-block
	}
	if fail != nil {
		return fail
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = append(l.frames, bytes.Clone(frame))
	l.at = append(l.at, time.Now())
	l.to = append(l.to, to)
	return nil
}

// set changes a route.
func (l *memoryLink) set(r Route) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.routes == nil {
		l.routes = map[vehicles.Handle]Route{}
	}
	l.routes[r.Handle] = r
}

func (l *memoryLink) sent() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.frames)
}

func signedRoute(h vehicles.Handle, sys uint8) Route {
	return Route{
		Handle: h, Addr: addrA, SystemID: sys, Autopilot: 1,
		Credential: &Credential{Vehicle: vehicles.VehicleID(fmt.Sprintf("uav-%d", sys)), SystemID: sys, KeyID: "vk_1", Key: sevens, Stamps: &Stamps{}},
	}
}

func vouchedRoute(h vehicles.Handle, sys uint8) Route {
	r := signedRoute(h, sys)
	r.Credential = &Credential{Vehicle: r.Credential.Vehicle, SystemID: sys, Vouched: true}
	return r
}

func newTestSender(t *testing.T, cfg SenderConfig, links ...Link) *Sender {
	t.Helper()
	s, err := NewSender(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		s.Attach(l)
	}
	return s
}

func counterOf(s *Sender, name string) uint64 {
	for n, v := range s.Counters() {
		if n == name {
			return v
		}
	}
	panic("no counter " + name)
}

func commandTo(sys uint8) *ardupilotmega.MessageCommandLong {
	return &ardupilotmega.MessageCommandLong{TargetSystem: sys, TargetComponent: 1, Command: 512, Param1: 148}
}

// A burst of a plan: every stamp is higher than the one before, also while the
// clock stands still, and strict receivers take every frame.
func TestBurstIsTakenByStrictReceivers(t *testing.T) {
	const n = 1000
	for _, tt := range []struct {
		name  string
		clock func() time.Time
	}{
		{"clock stands still", func() time.Time { return epoch }},
		{"clock goes back", func() func() time.Time {
			at := epoch
			return func() time.Time { at = at.Add(-time.Second); return at }
		}()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			link := &memoryLink{}
			r := signedRoute(1, 1)
			// The vehicle's own stamps ran ahead of our clock.
			ahead := StampOf(epoch.Add(time.Minute))
			if v := r.Credential.Stamps.accept(1, 9, ahead, ahead); v != fresh {
				t.Fatal(v)
			}
			link.set(r)
			// The burst allows for the clock that goes back, which the rate follows.
			s := newTestSender(t, SenderConfig{Clock: tt.clock, Burst: 1000 * n}, link)
			s.Open(1)
			for i := range n {
				if err := s.Send(1, &ardupilotmega.MessageMissionItemInt{TargetSystem: 1, TargetComponent: 1, Seq: uint16(i), Command: 16}); err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
			}
			model := &strictReceiver{key: sevens, newest: ahead}
			for i, f := range link.sent() {
				if why := model.take(f); why != "" {
					t.Fatalf("frame %d is refused: %s", i, why)
				}
				if f[4] != uint8(i) {
					t.Fatalf("frame %d has sequence %d", i, f[4])
				}
			}
			if len(link.sent()) != n || len(model.streams) != 1 {
				t.Errorf("%d frames in %d streams", len(link.sent()), len(model.streams))
			}
		})
	}
}

// gomavlib checks every signature and decodes every message of a burst.
func TestBurstIsReadByGomavlib(t *testing.T) {
	const n = 1000
	link := &memoryLink{}
	link.set(signedRoute(1, 1))
	s := newTestSender(t, SenderConfig{Burst: 2 * n}, link)
	s.Open(1)
	for i := range n {
		if err := s.Send(1, &ardupilotmega.MessageMissionItemInt{TargetSystem: 1, TargetComponent: 1, Seq: uint16(i), Command: 16}); err != nil {
			t.Fatal(err)
		}
	}
	reader := gomavReader(t, sevens, join(link.sent()...))
	for i := range n {
		fr, err := reader.Read()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if m := fr.GetMessage().(*ardupilotmega.MessageMissionItemInt); int(m.Seq) != i || fr.GetSystemID() != 250 || fr.GetComponentID() != 190 {
			t.Fatalf("frame %d: %+v of %d/%d", i, m, fr.GetSystemID(), fr.GetComponentID())
		}
	}
}

// A clock that is behind what was certainly reached signs as of then.
func TestSendNotBefore(t *testing.T) {
	link := &memoryLink{}
	r := signedRoute(1, 1)
	link.set(r)
	s := newTestSender(t, SenderConfig{Clock: func() time.Time { return epoch }, NotBefore: epoch.Add(time.Hour)}, link)
	s.Open(1)
	model := &strictReceiver{key: sevens, streams: map[[3]uint8]Stamp{{250, 190, 1}: StampOf(epoch.Add(time.Hour)) - 1}}
	for range 3 {
		if err := s.Send(1, commandTo(1)); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range link.sent() {
		if why := model.take(f); why != "" {
			t.Errorf("frame %d is refused: %s", i, why)
		}
	}
}

// A vehicle has 16 streams for all who speak to it: 40 new sessions of ours use one.
func TestLinkIDIsStable(t *testing.T) {
	link := &memoryLink{}
	r := signedRoute(1, 1)
	link.set(r)
	model := &strictReceiver{key: sevens}
	for i := range 40 {
		s := newTestSender(t, SenderConfig{}, link) // as after a restart, with the stamps kept
		s.Open(1)
		r.Addr = netip.AddrPortFrom(addrA.Addr(), uint16(5000+i))
		link.set(r)
		if err := s.Send(1, commandTo(1)); err != nil {
			t.Fatal(err)
		}
		s.Close(1)
	}
	for i, f := range link.sent() {
		if why := model.take(f); why != "" {
			t.Fatalf("frame %d is refused: %s", i, why)
		}
	}
	if len(model.streams) != 1 {
		t.Errorf("%d streams", len(model.streams))
	}
}

func TestSendRefuses(t *testing.T) {
	unverified := signedRoute(2, 2)
	unverified.Credential = nil
	full := errors.New("serial line is gone")
	for _, tt := range []struct {
		name    string
		h       vehicles.Handle
		msg     message.Message
		fail    error
		want    error
		counter string
	}{
		{"bound", 1, commandTo(1), nil, nil, "sent"},
		{"unverified", 2, commandTo(2), nil, ErrNoRoute, "no_route"},
		{"not bound", 3, commandTo(3), nil, ErrNoRoute, "no_route"},
		{"never opened", 4, commandTo(4), nil, ErrNoRoute, "no_route"},
		{"a key", 1, &ardupilotmega.MessageSetupSigning{TargetSystem: 1, TargetComponent: 1}, nil, ErrForbidden, "forbidden"},
		{"another system", 1, commandTo(9), nil, ErrTarget, "target"},
		{"everybody", 1, commandTo(0), nil, ErrTarget, "target"},
		{"not of the dialect", 1, &message.MessageRaw{ID: 9999}, nil, ErrEncode, "encode"},
		{"link full", 1, commandTo(1), ErrBusy, ErrBusy, "busy"},
		{"link broken", 1, commandTo(1), full, full, "link_failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			link := &memoryLink{fail: tt.fail}
			link.set(signedRoute(1, 1))
			link.set(unverified)
			link.set(signedRoute(4, 4))
			s := newTestSender(t, SenderConfig{}, link)
			for h := range vehicles.Handle(3) {
				s.Open(h + 1)
			}
			if err := s.Send(tt.h, tt.msg); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if n := len(link.sent()); (n == 1) != (tt.want == nil) {
				t.Errorf("%d frames went out", n)
			}
			if counterOf(s, tt.counter) != 1 {
				t.Errorf("counter %s is %d", tt.counter, counterOf(s, tt.counter))
			}
		})
	}
	if _, err := NewSender(SenderConfig{SystemID: 255}); !errors.Is(err, ErrConfig) {
		t.Errorf("system id 255: %v", err)
	}
}

// A transfer that uses up the rate leaves room for orders and heartbeats.
func TestSendRateKeepsRoomForOrders(t *testing.T) {
	link := &memoryLink{}
	link.set(signedRoute(1, 1))
	at := epoch
	s := newTestSender(t, SenderConfig{PerVehicle: 10, Burst: 20, Clock: func() time.Time { return at }}, link)
	s.Open(1)
	item := &ardupilotmega.MessageMissionItemInt{TargetSystem: 1, TargetComponent: 1}
	n := 0
	for s.Send(1, item) == nil {
		n++
	}
	if err := s.Send(1, item); !errors.Is(err, ErrSendRate) || n != 20 {
		t.Errorf("%d items, then %v", n, err)
	}
	if err := s.Send(1, commandTo(1)); err != nil {
		t.Errorf("an order behind a transfer: %v", err)
	}
	at = at.Add(time.Second)
	if err := s.Send(1, item); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// The order in which frames get their stamps is the order in which they go out,
// whoever sends.
func TestConcurrentSendersStayInOrder(t *testing.T) {
	link := &memoryLink{}
	link.set(signedRoute(1, 1))
	s := newTestSender(t, SenderConfig{Burst: 10_000}, link)
	s.Open(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if err := s.Send(1, commandTo(1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	model := &strictReceiver{key: sevens}
	for i, f := range link.sent() {
		if why := model.take(f); why != "" {
			t.Fatalf("frame %d is refused: %s", i, why)
		}
	}
	if n := len(link.sent()); n != 800 {
		t.Errorf("%d frames", n)
	}
}

// A link that is stuck holds up to Waiting callers of its vehicle; the next one is told.
func TestSendToAStuckLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, other := &memoryLink{block: make(chan struct{})}, &memoryLink{}
		stuck.set(signedRoute(1, 1))
		other.set(signedRoute(2, 2))
		s := newTestSender(t, SenderConfig{Waiting: 3}, stuck, other)
		s.Open(1)
		s.Open(2)
		var sent atomic.Int32
		for range 3 {
			go func() {
				if s.Send(1, commandTo(1)) == nil {
					sent.Add(1)
				}
			}()
		}
		synctest.Wait()
		if err := s.Send(1, commandTo(1)); !errors.Is(err, ErrBusy) {
			t.Errorf("a fourth caller: %v", err)
		}
		if err := s.Send(2, commandTo(2)); err != nil {
			t.Errorf("another vehicle: %v", err)
		}
		s.Close(1) // the goroutine that receives must not wait for the link
		close(stuck.block)
		synctest.Wait()
		if sent.Load() != 1 || len(stuck.sent()) != 1 {
			t.Errorf("%d sent, %d out", sent.Load(), len(stuck.sent()))
		}
		if s.Close(2); len(s.seqs) != 0 {
			t.Errorf("left behind: %v", s.seqs)
		}
	})
}

// A vehicle on two links is sent to over the one that it was heard on last, and
// each address has a sequence of its own without gaps.
func TestSendTakesTheNewestLink(t *testing.T) {
	a, b := &memoryLink{}, &memoryLink{}
	r := signedRoute(1, 1)
	on := func(l *memoryLink, us int64) {
		r.HeardUS = us
		l.set(r)
		other := r
		other.Handle, other.SystemID = 2, 2
		l.set(other)
	}
	s := newTestSender(t, SenderConfig{}, a, b)
	s.Open(1)
	s.Open(2)
	on(a, 10)
	for i := range 6 {
		if i == 3 {
			on(b, 20)
		}
		if err := s.Send(1, commandTo(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Send(2, commandTo(2)); err != nil {
			t.Fatal(err)
		}
	}
	for name, l := range map[string]*memoryLink{"a": a, "b": b} {
		frames := l.sent()
		if len(frames) != 6 {
			t.Errorf("link %s: %d frames", name, len(frames))
		}
		for i, f := range frames {
			if f[4] != uint8(i) { // both vehicles are behind one address
				t.Errorf("link %s: frame %d has sequence %d", name, i, f[4])
			}
		}
	}
	s.Close(1)
	s.Close(2)
	if len(s.seqs) != 0 || len(s.boxes) != 0 {
		t.Errorf("left behind: %v, %v", s.seqs, s.boxes)
	}
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := &memoryLink{}
		unverified := signedRoute(3, 3)
		unverified.Credential = nil
		for _, r := range []Route{signedRoute(1, 1), vouchedRoute(2, 2), unverified, signedRoute(4, 4)} {
			r.Addr = netip.AddrPortFrom(addrA.Addr(), uint16(r.SystemID))
			link.set(r)
		}
		s := newTestSender(t, SenderConfig{}, link)
		for h := range vehicles.Handle(3) {
			s.Open(h + 1)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		at := map[uint16][]time.Time{}
		model := &strictReceiver{key: sevens}
		for i, f := range link.frames {
			port := link.to[i].Port()
			at[port] = append(at[port], link.at[i])
			if got := f[5:10]; !bytes.Equal(got, []byte{250, 190, 0, 0, 0}) {
				t.Fatalf("header % x", got)
			}
			want := []byte{0, 0, 0, 0, 6, 8, 0, 4, 3} // custom mode, type, autopilot, base mode, status, version
			if !bytes.Equal(f[10:19], want) {
				t.Fatalf("payload % x, want % x", f[10:19], want)
			}
			if why := model.take(f); (port == 1) != (why == "") || port == 2 && why != "unsigned" {
				t.Errorf("vehicle %d: %q", port, why)
			}
		}
		if len(at) != 2 || len(at[1]) != 10 || len(at[2]) != 10 {
			t.Fatalf("heartbeats to %v", at)
		}
		for i := range 9 {
			if d := at[1][i+1].Sub(at[1][i]); d != time.Second {
				t.Errorf("heartbeat %d after %v", i, d)
			}
		}
		if counterOf(s, "heartbeats") != 20 {
			t.Errorf("counted %d", counterOf(s, "heartbeats"))
		}
	})
}

// Heartbeats of other links go on when one is stuck.
func TestHeartbeatsBesideAStuckLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck, well := &memoryLink{block: make(chan struct{})}, &memoryLink{}
		stuck.set(signedRoute(1, 1))
		well.set(signedRoute(11, 2))
		s := newTestSender(t, SenderConfig{}, stuck, well)
		s.Open(1)
		s.Open(11)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(5 * time.Second) // the bubble's clock
		if n := len(well.sent()); n < 4 {
			t.Errorf("%d heartbeats over the link that works", n)
		}
		if counterOf(s, "heartbeats_late") == 0 {
			t.Error("the stuck link is not counted")
		}
		cancel()
		close(stuck.block)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What is written leaves from the port that the listener receives on, to both
// families, and never after the end.
func TestListenerWrites(t *testing.T) {
	for name, open := range sockets() {
		for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
			t.Run(name+" "+addr, func(t *testing.T) {
				l, err := listen(Config{Addr: addr}, &recorder{}, open)
				if err != nil {
					t.Fatal(err)
				}
				host := "127.0.0.1:0"
				if addr[0] == '[' {
					host = "[::1]:0"
				}
				peer, err := net.ListenPacket("udp", host)
				if err != nil {
					t.Fatal(err)
				}
				defer peer.Close()
				to := netip.MustParseAddrPort(peer.LocalAddr().String())
				want := unhex("fd0900000001010000000400000002035104037bae")
				if err := l.Write(to, want); err != nil {
					t.Fatal(err)
				}
				buf := make([]byte, 512)
				if err := peer.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				n, from, err := peer.ReadFrom(buf)
				if err != nil || !bytes.Equal(buf[:n], want) {
					t.Fatalf("% x, %v", buf[:n], err)
				}
				if got := netip.MustParseAddrPort(from.String()).Port(); got != l.Addr().Port() {
					t.Errorf("from port %d, listens on %d", got, l.Addr().Port())
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if err := l.Write(to, want); !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
					t.Errorf("after the end: %v", err)
				}
			})
		}
	}
	l, err := Listen(Config{}, &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Write(netip.MustParseAddrPort("[::1]:9"), []byte{1}); err == nil {
		t.Error("IPv6 from an IPv4 socket")
	}
}

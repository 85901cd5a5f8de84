package gateway

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"testzone/vehicles"
)

// Bytes and order are the same in both directions; only named systems are let in.
func TestBothDirections(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1, 2)
	c, _ := dial(t, r.Addr(), r.id, id)
	one, two, stranger := &sender{sys: 1, comp: 1}, &sender{sys: 2, comp: 1}, &sender{sys: 9, comp: 1}
	first, second := newStation(t, c), newStation(t, c)

	var want [][]byte
	for i := range 300 {
		beat := one.beat()
		text, again := one.text("text"), one.beat()
		first.send(beat)
		first.send(append(bytes.Clone(text), again...))
		want = append(want, beat, text, again)
		if i%50 == 0 { // neither the socket of the gateway nor its queue shall be full
			until(t, "the gateway", func() bool { return c.Report().Forwarded == uint64(2*i+2) })
		}
	}
	for i := range want {
		if got := take(t, r.zone.frames); !bytes.Equal(got, want[i]) {
			t.Fatalf("frame %d: %x, want %x", i, got, want[i])
		}
	}
	src := take(t, r.zone.opened)
	if src.Listener != "van" || src.Vehicle != "uav-1" || src.SystemID != 1 {
		t.Errorf("source %+v", src)
	}
	foreign := stranger.beat()
	first.send(foreign)
	if got := take(t, r.zone.refused); !bytes.Equal(got, foreign) {
		t.Errorf("refused %x, want %x", got, foreign)
	}
	second.send(two.beat())
	take(t, r.zone.frames)

	// Down: each system where it was heard.
	for _, x := range []struct {
		sys  uint8
		from station
	}{{1, first}, {2, second}} {
		route, ok := r.Route(vehicles.Handle(x.sys))
		if !ok || route.SystemID != x.sys || route.Addr.Addr().Zone() != "van" || !route.Credential.Vouched {
			t.Fatalf("route %+v, %v", route, ok)
		}
		for range 100 {
			down := (&sender{sys: 250, comp: 190, seq: x.sys}).text("down")
			until(t, "room", func() bool { return !errors.Is(r.Write(route.Addr, down), ErrBusy) })
			if got := x.from.receive(); !bytes.Equal(got, down) {
				t.Fatalf("got %x, want %x", got, down)
			}
		}
	}
	until(t, "the status", func() bool { return r.status("van").Reported.Delivered == 200 })
	st := r.status("van")
	if st.Uplink != 602 || st.LostInside != 0 || st.Stale != 0 || st.Downlink != 200 || !st.Connected || st.Connections != 1 ||
		st.MAVLink.Decoded != 901 || st.MAVLink.RefusedTotal() != 1 {
		t.Errorf("%+v", st)
	}
	for name, v := range st.Counters() {
		if name == "gateway_received" && v != 602 {
			t.Errorf("%s %d", name, v)
		}
	}
	if rep := c.Report(); rep.Received != 602 || rep.Forwarded != 602 || rep.Overflow+rep.Stale+rep.Unroutable+rep.Expired != 0 {
		t.Errorf("%+v", rep)
	}
}

// SETUP_SIGNING holds a key: it passes in neither direction, whole or in part.
func TestSetupSigningDoesNotPass(t *testing.T) {
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	c, _ := dial(t, r.Addr(), r.id, id)
	s, v := newStation(t, c), &sender{sys: 1, comp: 1}
	secret := setupSigning()
	s.send(append(v.beat(), secret...))
	s.send(secret[:len(secret)-3])
	s.send(append([]byte{0xfd}, secret...))
	beat := v.beat()
	s.send(beat)
	if got := take(t, r.zone.frames); !bytes.Equal(got, beat) {
		t.Errorf("got %x", got)
	}
	if n := c.Report().Forbidden; n != 3 {
		t.Errorf("%d were forbidden at the gateway, want 3", n)
	}
	route, ok := r.Route(1)
	if !ok {
		t.Fatal("no route")
	}
	for _, b := range [][]byte{secret, beat[:len(beat)-1], append(bytes.Clone(beat), 0), nil} {
		if err := r.Write(route.Addr, b); !errors.Is(err, ErrFrame) {
			t.Errorf("write of %x: %v", b, err)
		}
	}
	// A server that is not ours, or broken, does not get it through either.
	c.deliver(downlink{1, c.clock.now() + 1e9, 1, secret})
	c.deliver(downlink{2, c.clock.now() + 1e9, 1, make([]byte, 12)})
	c.deliver(downlink{3, c.clock.now() - 1, 1, beat})
	c.deliver(downlink{4, c.clock.now() + 1e9, 77, beat})
	c.deliver(downlink{5, c.clock.now() + 1e9, 1, beat})
	if got := s.receive(); !bytes.Equal(got, beat) {
		t.Errorf("the station got %x", got)
	}
	if rep := c.Report(); rep.Forbidden != 4 || rep.Malformed != 1 || rep.Expired != 1 || rep.Unroutable != 1 || rep.Delivered != 1 {
		t.Errorf("%+v", rep)
	}
	// A gateway that is broken neither.
	peer, m := greeted(t, r, id, 1)
	write(t, peer, uplink{1, rawClock, secret}.append(nil))
	until(t, "the server to refuse it", func() bool { return r.status("van").Forbidden == 1 })
	peer.Close()
	bye(t, m)
}

func TestWriteToNobody(t *testing.T) {
	r := serve(t, nil)
	beat := (&sender{sys: 1, comp: 1}).beat()
	if err := r.Write(netip.MustParseAddrPort("[::%nobody]:1"), beat); !errors.Is(err, ErrNotConnected) {
		t.Error(err)
	}
	if _, ok := r.Route(1); ok {
		t.Error("a route to nobody")
	}
}

func TestConfig(t *testing.T) {
	id := identity(t)
	for _, c := range []struct {
		name string
		cfg  ClientConfig
		want string
	}{
		{"no port", ClientConfig{Server: "host", Identity: id}, "server"},
		{"no identity", ClientConfig{Server: "host:1"}, "identity"},
		{"nothing to forward", ClientConfig{Server: "host:1", Identity: id, Listen: "off"}, "neither"},
		{"open to the network", ClientConfig{Server: "host:1", Identity: id, Listen: "0.0.0.0:0"}, "pretend"},
		{"open to the network", ClientConfig{Server: "host:1", Identity: id, Listen: ":0"}, "pretend"},
	} {
		if _, err := NewClient(c.cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	c, err := NewClient(ClientConfig{Server: "host:1", Identity: id, Listen: ":0", AnyNetwork: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("run after close: %v", err)
	}
	if _, err := Listen(ServerConfig{}); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

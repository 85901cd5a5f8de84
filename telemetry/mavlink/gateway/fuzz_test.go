package gateway

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// played is a connection that brings bytes and takes none.
type played struct {
	net.Conn // nil: nothing else is called
	in       *bytes.Reader
}

func (p *played) Read(b []byte) (int, error)       { return p.in.Read(b) }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }
func (p *played) NetConn() net.Conn                { return p }

// ended checks why reading what was played ended.
func ended(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrProtocol) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) &&
		!errors.Is(err, ErrNotEnrolled) && !errors.Is(err, ErrReplaced) && !errors.Is(err, ErrStopped) {
		t.Fatalf("ended with %v", err)
	}
}

// FuzzServer: whatever a gateway sends, the server does not panic, lets in only
// the systems that are named, and its counters add up.
func FuzzServer(f *testing.F) {
	v, other := &sender{sys: 1, comp: 1}, &sender{sys: 2, comp: 1}
	f.Add(uplink{1, 5, v.beat()}.append(pong{1, 9}.append(nil)))
	f.Add(uplink{4, 1 << 60, append(v.beat(), other.beat()...)}.append(Report{Received: 3}.append(nil)))
	f.Add(uplink{9, 0, setupSigning()}.append(uplink{9, 0, v.beat()}.append(nil)))
	f.Add([]byte{0, 2, 99, 1, 0, 1})
	framer, err := mavlink.NewFramer()
	if err != nil {
		f.Fatal(err)
	}
	keys := &mavlink.Keyring{}
	if err := keys.Set([]*mavlink.Credential{{Vehicle: "uav-1", SystemID: 1, Vouched: true}}); err != nil {
		f.Fatal(err)
	}
	sink := &strict{}
	feed, err := mavlink.NewFeed(mavlink.Config{Name: "van", Keys: keys}, sink)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := &Server{framer: framer, clock: clock{time.Now().Add(-time.Hour)}}
		i := &intake{gateway: Gateway{ID: "van", Keys: keys}, feed: feed, from: mavlink.NamedAddr("van")}
		p := newPeer(s, &played{in: bytes.NewReader(in)}, Fingerprint{}, i, hello{}, netip.AddrPort{})
		p.age.pong(0, s.clock.now(), 0)
		sink.t = t
		before := feed.Stats()
		ended(t, p.receive())
		st, after := i.status, feed.Stats()
		if n := after.Datagrams - before.Datagrams; st.Uplink != n+st.Stale+st.Forbidden {
			t.Fatalf("%d datagrams came, %d were decoded, %d stale, %d forbidden", st.Uplink, n, st.Stale, st.Forbidden)
		}
		if after.Frames != after.Decoded+after.RefusedTotal() {
			t.Fatalf("%+v", after)
		}
	})
}

// strict is a Sink that knows one vehicle.
type strict struct {
	zone
	t *testing.T
}

func (s *strict) Open(src mavlink.Source) (vehicles.Handle, bool) {
	if src.Vehicle != "uav-1" || src.SystemID != 1 {
		s.t.Fatalf("%+v was let in", src)
	}
	return 1, true
}

// FuzzClient: whatever a server sends, the gateway does not panic and sends
// nothing to the ground station but whole frames of the dialect.
func FuzzClient(f *testing.F) {
	beat := (&sender{sys: 250, comp: 190}).beat()
	f.Add(downlink{1, 1 << 62, 1, beat}.append(appendPing(nil, 7)))
	f.Add(downlink{1, 1 << 62, 1, setupSigning()}.append(appendBye(nil, byeStopped)))
	f.Add(downlink{1, 0, 1, beat}.append(downlink{1, 0, 1, beat}.append(nil)))
	f.Add([]byte{0, 2, 99, 1, 0, 1})
	framer, err := mavlink.NewFramer()
	if err != nil {
		f.Fatal(err)
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { udp.Close() })
	to, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { to.Close() })
	f.Fuzz(func(t *testing.T, in []byte) {
		c := &Client{framer: framer, clock: clock{time.Now()}, queue: newQueue(), udp: udp}
		for i := range c.routes {
			c.routes[i] = route{udp: to.LocalAddr().(*net.UDPAddr).AddrPort()}
		}
		pongs := make(chan uint64, 4)
		ended(t, c.receive(&played{in: bytes.NewReader(in)}, pongs))
		b := make([]byte, 4096)
		for range c.report.Delivered {
			if err := to.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			n, err := to.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			if h, good := framer.Parse(b[:n]); !good || h.ID == 256 {
				t.Fatalf("sent %x", b[:n])
			}
		}
	})
}

package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/minimal"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

const patience = 20 * time.Second // of a busy machine

func take[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v for nothing", patience)
		panic("unreachable")
	}
}

// until waits for something that must become true; again is done each time.
func until(t *testing.T, what string, ok func() bool, again ...func()) {
	t.Helper()
	end := time.After(patience)
	for !ok() {
		for _, f := range again {
			f()
		}
		select {
		case <-end:
			t.Fatalf("waited %v for %s", patience, what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

var testDialect = sync.OnceValue(func() *dialect.ReadWriter {
	d := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := d.Initialize(); err != nil {
		panic(err)
	}
	return d
})

// sender encodes with gomavlib, another implementation.
type sender struct{ sys, comp, seq uint8 }

func (s *sender) frame(msg message.Message) []byte {
	rw := testDialect().GetMessage(msg.GetID())
	f := &frame.V2Frame{SequenceNumber: s.seq, SystemID: s.sys, ComponentID: s.comp, Message: rw.Write(msg, true)}
	f.Checksum = f.GenerateChecksum(rw.CRCExtra())
	s.seq++
	var buf bytes.Buffer
	w := &frame.Writer{ByteWriter: &buf}
	if err := w.Initialize(); err != nil {
		panic(err)
	}
	if err := w.Write(f); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func (s *sender) beat() []byte {
	return s.frame(&minimal.MessageHeartbeat{Type: 2, Autopilot: 3, BaseMode: 81, SystemStatus: 4, MavlinkVersion: 3})
}

func (s *sender) text(v string) []byte {
	return s.frame(&common.MessageStatustext{Severity: 4, Text: v})
}

func setupSigning() []byte {
	m := &ardupilotmega.MessageSetupSigning{TargetSystem: 1, TargetComponent: 1, InitialTimestamp: 5}
	for i := range m.SecretKey {
		m.SecretKey[i] = byte(i + 1)
	}
	return (&sender{sys: 255, comp: 190}).frame(m)
}

// zone is a Sink and a Recorder that keeps what comes.
type zone struct {
	opened  chan mavlink.Source
	frames  chan []byte
	refused chan []byte
	block   sync.Mutex // held: the sink is stuck
}

func newZone() *zone {
	return &zone{opened: make(chan mavlink.Source, 100), frames: make(chan []byte, 100_000), refused: make(chan []byte, 100_000)}
}

func (z *zone) Open(s mavlink.Source) (vehicles.Handle, bool) {
	z.opened <- s
	return vehicles.Handle(s.SystemID), true
}

func (z *zone) Reports([]vehicles.Report) {
	z.block.Lock()
	defer z.block.Unlock()
}
func (z *zone) Note(vehicles.Handle, int64, message.Message) {}
func (z *zone) Close(vehicles.Handle)                        {}
func (z *zone) Record(_ int64, f []byte)                     { z.frames <- bytes.Clone(f) }
func (z *zone) Quarantine(_ int64, f []byte, _ mavlink.Reason) {
	z.refused <- bytes.Clone(f)
}

func identity(t *testing.T) Identity {
	t.Helper()
	id, made, err := LoadIdentity(filepath.Join(t.TempDir(), "identity.pem"))
	if err != nil || !made {
		t.Fatal(made, err)
	}
	return id
}

// rig is a server with the gateways that it knows.
type rig struct {
	*Server
	zone *zone
	id   Identity

	mu    sync.Mutex // guards the field below
	known map[Fingerprint]Gateway
}

func (r *rig) enrolled(f Fingerprint) (Gateway, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g, ok := r.known[f]
	return g, ok
}

// enrol lets a gateway in, for system ids.
func (r *rig) enrol(t *testing.T, id Identity, name string, systems ...uint8) *mavlink.Keyring {
	t.Helper()
	keys := &mavlink.Keyring{}
	var creds []*mavlink.Credential
	for _, s := range systems {
		creds = append(creds, &mavlink.Credential{Vehicle: vehicles.VehicleID("uav-" + string('0'+rune(s))), SystemID: s, Vouched: true})
	}
	if err := keys.Set(creds); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[id.Fingerprint] = Gateway{ID: name, Keys: keys}
	return keys
}

func (r *rig) revoke(id Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, id.Fingerprint)
}

func (r *rig) status(name string) Status {
	for _, st := range r.Status() {
		if st.ID == name {
			return st
		}
	}
	return Status{}
}

func serve(t *testing.T, change func(*ServerConfig)) *rig {
	t.Helper()
	r := &rig{zone: newZone(), id: identity(t), known: map[Fingerprint]Gateway{}}
	cfg := ServerConfig{Identity: r.id, Enrolled: r.enrolled, Sink: r.zone, Recorder: func(string) mavlink.Recorder { return r.zone }, MAVLink: mavlink.Config{
		Limits: mavlink.Limits{PerSource: -1, NotesPerSource: -1, NotesTotal: -1, AnswersPerSource: -1},
	}}
	if change != nil {
		change(&cfg)
	}
	var err error
	if r.Server, err = Listen(cfg); err != nil {
		t.Fatal(err)
	}
	run(t, r.Run)
	return r
}

// run runs f until the test ends.
func run(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := take(t, done); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// dial starts a gateway for a server.
func dial(t *testing.T, to netip.AddrPort, server, id Identity) (_ *Client, stop func()) {
	t.Helper()
	c := client(t, to, server, id)
	stop = run(t, c.Run)
	// What it hears before is dropped after 2 s, on a busy machine.
	until(t, "the connection", c.Connected)
	return c, stop
}

func client(t *testing.T, to netip.AddrPort, server, id Identity) *Client {
	t.Helper()
	pin := server.Fingerprint
	c, err := NewClient(ClientConfig{Server: to.String(), Identity: id, Pin: &pin, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	c.backoff = mavlink.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}
	return c
}

// station is the socket of a ground station.
type station struct {
	*net.UDPConn
	t *testing.T
}

func newStation(t *testing.T, c *Client) station {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(c.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return station{conn, t}
}

func (s station) send(b []byte) {
	s.t.Helper()
	if _, err := s.Write(b); err != nil {
		s.t.Fatal(err)
	}
}

func (s station) receive() []byte {
	s.t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := s.Read(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return b[:n]
}

// raw is a connection of somebody who knows TLS and has a certificate.
func raw(t *testing.T, r *rig, id Identity) *tls.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(conn, clientTLS(id, "", &r.id.Fingerprint, nil))
	t.Cleanup(func() { conn.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// greeted is a raw connection behind its welcome, whose clock stands at 10 s.
func greeted(t *testing.T, r *rig, id Identity, run byte) (*tls.Conn, *messages) {
	t.Helper()
	c := raw(t, r, id)
	write(t, c, hello{version, [8]byte{run}, rawClock}.bytes())
	b := make([]byte, welcomeSize)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	if err := parseWelcome(b); err != nil {
		t.Fatal(err)
	}
	return c, newMessages(c)
}

const rawClock = 10_000_000

func write(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
}

// bye reads to the end and returns the reason of the BYE, 0 if there is none.
func bye(t *testing.T, m *messages) (reason uint8) {
	t.Helper()
	for {
		k, body, err := m.next()
		if err != nil {
			var late net.Error
			if e, ok := err.(net.Error); ok && e.Timeout() {
				late = e
				t.Fatal("the connection goes on", late)
			}
			return reason
		}
		if k == kindBye {
			reason = body[0]
		}
	}
}

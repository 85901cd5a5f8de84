package sim

import (
	"bufio"
	"bytes"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/development"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

// wire is where in-memory sockets write to.
type wire struct {
	mu    sync.Mutex // guards the fields below
	conns []*memory
	log   []datagram
	fail  func(p []byte) error // asked before each write
}

type datagram struct {
	socket int
	at     time.Time
	bytes  []byte
}

// memory is one in-memory socket.
type memory struct {
	w      *wire
	index  int
	closed bool
	in     chan []byte
}

func (w *wire) dial(string) (conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &memory{w: w, index: len(w.conns), in: make(chan []byte, 100)}
	w.conns = append(w.conns, m)
	return m, nil
}

func (m *memory) Write(p []byte) (int, error) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.closed {
		return 0, net.ErrClosed
	}
	if m.w.fail != nil {
		if err := m.w.fail(p); err != nil {
			return 0, err
		}
	}
	m.w.log = append(m.w.log, datagram{m.index, time.Now(), bytes.Clone(p)})
	return len(p), nil
}

// Read waits for what a test puts into in.
func (m *memory) Read(p []byte) (int, error) {
	b, ok := <-m.in
	if !ok {
		return 0, net.ErrClosed
	}
	return copy(p, b), nil
}

func (m *memory) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000 + m.index}
}

func (m *memory) Close() error {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if !m.closed {
		close(m.in)
	}
	m.closed = true
	return nil
}

// oracle decodes frames with gomavlib's full dialect.
func oracle(t testing.TB) func(p []byte) *frame.V2Frame {
	t.Helper()
	messages := append(slices.Clone(ardupilotmega.Dialect.Messages), &development.MessageGnssIntegrity{})
	rw := &dialect.ReadWriter{Dialect: &dialect.Dialect{Version: 3, Messages: messages}}
	if err := rw.Initialize(); err != nil {
		t.Fatal(err)
	}
	return func(p []byte) *frame.V2Frame {
		t.Helper()
		buf := bufio.NewReaderSize(bytes.NewReader(p), 2048)
		r := &frame.Reader{BufByteReader: buf, DialectRW: rw}
		if err := r.Initialize(); err != nil {
			t.Fatal(err)
		}
		fr, err := r.Read()
		if err != nil {
			t.Fatalf("frame % x: %v", p, err)
		}
		if _, err := buf.ReadByte(); err == nil {
			t.Fatalf("datagram % x holds more than a frame", p)
		}
		v2, ok := fr.(*frame.V2Frame)
		if !ok {
			t.Fatalf("frame % x is not MAVLink 2", p)
		}
		if _, raw := v2.Message.(*message.MessageRaw); raw {
			t.Fatalf("frame % x: message %d was not decoded", p, v2.Message.GetID())
		}
		return v2
	}
}

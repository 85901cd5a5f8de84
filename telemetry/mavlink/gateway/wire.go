package gateway

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	magic   = "TZGW"
	version = 1
	alpn    = "testzone-gateway/1"

	helloSize   = 24
	welcomeSize = 8

	maxDatagram = 2048
	maxFrame    = 280
	minFrame    = 8

	uplinkHead   = 8 + 8
	downlinkHead = 8 + 8 + 1

	headSize   = 2 // length
	maxMessage = 1 + uplinkHead + maxDatagram
	maxReports = 32
	reserved   = 15 // types up to here are an error when they are not known
)

// kind is the type of a message.
type kind uint8

const (
	kindUplink kind = 1 + iota
	kindDownlink
	kindPing
	kindPong
	kindStatus
	kindBye
)

// The answers of a welcome.
const (
	answerWelcome = iota
	answerNotEnrolled
	answerVersion
)

// The reasons of a BYE.
const (
	byeRevoked = 1 + iota
	byeReplaced
	byeStopped
	byeProtocol
)

func byeError(reason uint8) error {
	switch reason {
	case byeRevoked:
		return ErrNotEnrolled
	case byeReplaced:
		return ErrReplaced
	case byeStopped:
		return ErrStopped
	}
	return fmt.Errorf("%w: the server says so", ErrProtocol)
}

type hello struct {
	version uint8
	run     [8]byte
	clock   uint64 // µs
}

func (h hello) bytes() []byte {
	b := make([]byte, 0, helloSize)
	b = append(b, magic...)
	b = append(b, h.version, 0, 0, 0)
	b = append(b, h.run[:]...)
	return binary.BigEndian.AppendUint64(b, h.clock)
}

func parseHello(b []byte) (hello, error) {
	if len(b) != helloSize || string(b[:4]) != magic {
		return hello{}, fmt.Errorf("%w: this is not a gateway", ErrProtocol)
	}
	return hello{version: b[4], run: [8]byte(b[8:16]), clock: binary.BigEndian.Uint64(b[16:])}, nil
}

func welcome(answer uint8) []byte { return append([]byte(magic), version, answer, 0, 0) }

func parseWelcome(b []byte) error {
	if len(b) != welcomeSize || string(b[:4]) != magic {
		return fmt.Errorf("%w: this is not a testzone server", ErrProtocol)
	}
	switch b[5] {
	case answerWelcome:
		return nil
	case answerNotEnrolled:
		return ErrNotEnrolled
	case answerVersion:
		return fmt.Errorf("%w (here %d, server %d)", ErrVersion, version, b[4])
	}
	return fmt.Errorf("%w: answer %d", ErrProtocol, b[5])
}

// messages reads messages from a connection. What it returns is valid until the
// next call.
type messages struct {
	r   *bufio.Reader
	buf [maxMessage]byte
}

func newMessages(r io.Reader) *messages { return &messages{r: bufio.NewReaderSize(r, 16<<10)} }

func (m *messages) next() (kind, []byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(m.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n == 0 || n > maxMessage {
		return 0, nil, fmt.Errorf("%w: a message of %d bytes", ErrProtocol, n)
	}
	if _, err := io.ReadFull(m.r, m.buf[:n]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return kind(m.buf[0]), m.buf[1:n], nil
}

// begin starts a message whose body has n bytes.
func begin(b []byte, k kind, n int) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(1+n)), byte(k))
}

type uplink struct {
	seq, at  uint64 // at: µs, clock of the gateway
	datagram []byte
}

func (u uplink) append(b []byte) []byte {
	b = begin(b, kindUplink, uplinkHead+len(u.datagram))
	b = binary.BigEndian.AppendUint64(b, u.seq)
	b = binary.BigEndian.AppendUint64(b, u.at)
	return append(b, u.datagram...)
}

func parseUplink(b []byte) (uplink, error) {
	if len(b) <= uplinkHead {
		return uplink{}, fmt.Errorf("%w: an empty datagram", ErrProtocol)
	}
	return uplink{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), b[uplinkHead:]}, nil
}

type downlink struct {
	seq, until uint64 // until: µs, clock of the gateway
	system     uint8
	frame      []byte
}

func (d downlink) append(b []byte) []byte {
	b = begin(b, kindDownlink, downlinkHead+len(d.frame))
	b = binary.BigEndian.AppendUint64(b, d.seq)
	b = binary.BigEndian.AppendUint64(b, d.until)
	b = append(b, d.system)
	return append(b, d.frame...)
}

func parseDownlink(b []byte) (downlink, error) {
	if n := len(b) - downlinkHead; n < minFrame || n > maxFrame {
		return downlink{}, fmt.Errorf("%w: a frame of %d bytes", ErrProtocol, n)
	}
	return downlink{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), b[16], b[downlinkHead:]}, nil
}

func appendPing(b []byte, token uint64) []byte {
	return binary.BigEndian.AppendUint64(begin(b, kindPing, 8), token)
}

func parsePing(b []byte) (token uint64, err error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: a ping of %d bytes", ErrProtocol, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

type pong struct{ token, clock uint64 }

func (p pong) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(begin(b, kindPong, 16), p.token)
	return binary.BigEndian.AppendUint64(b, p.clock)
}

func parsePong(b []byte) (pong, error) {
	if len(b) != 16 {
		return pong{}, fmt.Errorf("%w: a pong of %d bytes", ErrProtocol, len(b))
	}
	return pong{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

func appendBye(b []byte, reason uint8) []byte { return append(begin(b, kindBye, 1), reason) }

func parseBye(b []byte) (reason uint8, err error) {
	if len(b) != 1 {
		return 0, fmt.Errorf("%w: a bye of %d bytes", ErrProtocol, len(b))
	}
	return b[0], nil
}

// Report is what a gateway counted since its start.
type Report struct {
	Received    uint64 // datagrams from the ground station, or frames of the serial device
	Forwarded   uint64 // of those, given to the connection
	Overflow    uint64 // telemetry that newer telemetry replaced
	AnswersLost uint64 // answers of the MAVLink protocol that found no room
	Stale       uint64 // dropped because they waited for more than 2 s
	Forbidden   uint64 // SETUP_SIGNING, in either direction
	Oversized   uint64 // datagrams of more than 2,048 bytes
	Delivered   uint64 // frames sent to vehicles
	Unroutable  uint64 // frames for system ids that were never heard, or whose link is down
	Expired     uint64 // frames for vehicles that came too late to be sent
	Malformed   uint64 // what should be a frame for a vehicle and is not
	Connections uint64 // to the server
}

// fields are the counters in the order of the wire: add new ones at the end.
func (r *Report) fields() []*uint64 {
	return []*uint64{
		&r.Received, &r.Forwarded, &r.Overflow, &r.AnswersLost, &r.Stale, &r.Forbidden,
		&r.Oversized, &r.Delivered, &r.Unroutable, &r.Expired, &r.Malformed, &r.Connections,
	}
}

func (r Report) append(b []byte) []byte {
	fields := r.fields()
	b = begin(b, kindStatus, 8*len(fields))
	for _, f := range fields {
		b = binary.BigEndian.AppendUint64(b, *f)
	}
	return b
}

func parseReport(b []byte) (r Report, err error) {
	if len(b)%8 != 0 || len(b) > 8*maxReports {
		return r, fmt.Errorf("%w: a status of %d bytes", ErrProtocol, len(b))
	}
	for i, f := range r.fields() {
		if len(b) < 8*(i+1) {
			break
		}
		*f = binary.BigEndian.Uint64(b[8*i:])
	}
	return r, nil
}

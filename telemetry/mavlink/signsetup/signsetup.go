// Package signsetup gives a vehicle its MAVLink signing key over a cable, and
// proves that the vehicle then uses it: its heartbeats verify under the key, it
// does not answer a command with a wrong signature, and it answers one with the
// right signature. The last two find autopilots that store a key and check
// nothing.
//
// SETUP_SIGNING holds the key in clear: it goes over a serial device, or over UDP
// on loopback to a simulator, and over nothing else.
package signsetup

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
)

var (
	// ErrNotHeard is returned when no heartbeat of the vehicle came.
	ErrNotHeard = errors.New("no heartbeat of the vehicle: check the device, its speed and the system id")
	// ErrNotSigned is returned when the vehicle's heartbeats do not verify under the key.
	ErrNotSigned = errors.New("the vehicle does not sign with the key: it may not support signing (PX4 before 2026), or refuse new keys while it is armed or on this port")
	// ErrUnchecked is returned when the vehicle answered a command with a wrong signature.
	ErrUnchecked = errors.New("the vehicle answered a command with a wrong signature: whoever reaches this link can command it. ArduPilot does so on its USB port only: check again on the telemetry port with --check")
	// ErrNoAnswer is returned when the vehicle did not answer a command with the right signature.
	ErrNoAnswer = errors.New("the vehicle did not answer a command with the right signature")
	// ErrNetwork is returned for an address that is not loopback.
	ErrNetwork = errors.New("a signing key must not cross a network: use a serial device, or loopback")
)

// Link is a serial device, or UDP.
type Link interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	SetReadDeadline(time.Time) error
}

// Config of one vehicle. Link, System and Key are needed.
type Config struct {
	Link      Link
	System    uint8
	Component uint8 // of the autopilot; 1
	Key       mavlink.Key
	Check     bool // no key is sent: only what is there is proved

	Hear  time.Duration // how long a heartbeat may take; 10 s
	Prove time.Duration // how long a heartbeat under the key may take; 5 s
	Probe time.Duration // how long an answer may take; 3 s

	Say func(string) // told of each step; nil: nobody
}

const (
	idHeartbeat        = 0
	idCommandAck       = 77
	idAutopilotVersion = 148

	// What the tool is to the vehicle: a ground station, with a link id of its own,
	// so that its stamps are not those of the server.
	ownSystem, ownComponent, ownLink = 250, 190, 255
)

// setup is one run.
type setup struct {
	Config
	framer *mavlink.Framer
	rw     *dialect.ReadWriter
	seq    uint8
	stamp  mavlink.Stamp
	buf    [4096]byte
	held   int
	frames []received // that were read and not looked at
}

type received struct {
	mavlink.Header
	frame []byte
}

// Run sets up signing, or checks it.
func Run(ctx context.Context, cfg Config) error {
	s, err := newSetup(cfg)
	if err != nil {
		return err
	}
	if err := s.await(ctx, s.Hear, s.isBeat, ErrNotHeard); err != nil {
		return err
	}
	s.Say("the vehicle is heard")
	if err := s.prove(ctx); err != nil {
		return err
	}
	s.Say("the vehicle signs with the key")
	var wrong mavlink.Key
	_, _ = rand.Read(wrong[:]) // crypto/rand.Read never fails
	switch err := s.probe(ctx, &wrong); {
	case err == nil:
		return ErrUnchecked
	case !errors.Is(err, ErrNoAnswer):
		return err
	}
	s.Say("a command with a wrong signature is not answered")
	if err := s.probe(ctx, &s.Key); err != nil {
		return err
	}
	s.Say("a command with the right signature is answered")
	return nil
}

func newSetup(cfg Config) (*setup, error) {
	for _, d := range []struct {
		p   *time.Duration
		def time.Duration
	}{{&cfg.Hear, 10 * time.Second}, {&cfg.Prove, 5 * time.Second}, {&cfg.Probe, 3 * time.Second}} {
		if *d.p <= 0 {
			*d.p = d.def
		}
	}
	if cfg.Component == 0 {
		cfg.Component = 1
	}
	if cfg.Say == nil {
		cfg.Say = func(string) {}
	}
	framer, err := mavlink.NewFramer()
	if err != nil {
		return nil, err
	}
	s := &setup{Config: cfg, framer: framer, rw: &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}}
	return s, s.rw.Initialize()
}

// prove sends the key, at most three times unless it is only checked, and waits
// for what is signed with it.
func (s *setup) prove(ctx context.Context) error {
	for try := 1; ; try++ {
		if !s.Check {
			if err := s.send(s.setupSigning(), nil); err != nil {
				return err
			}
		}
		err := s.await(ctx, s.Prove, func(r received) bool { return s.isBeat(r) && s.framer.SignedWith(r.frame, &s.Key) }, ErrNotSigned)
		if !errors.Is(err, ErrNotSigned) || s.Check || try == 3 {
			return err
		}
	}
}

func (s *setup) setupSigning() message.Message {
	return &ardupilotmega.MessageSetupSigning{
		TargetSystem: s.System, TargetComponent: s.Component,
		SecretKey: s.Key, InitialTimestamp: uint64(mavlink.StampOf(time.Now())),
	}
}

// probe sends a harmless command and waits for its answer.
func (s *setup) probe(ctx context.Context, key *mavlink.Key) error {
	s.frames = nil // what came before is no answer
	err := s.send(&ardupilotmega.MessageCommandLong{
		TargetSystem: s.System, TargetComponent: s.Component,
		Command: common.MAV_CMD_REQUEST_MESSAGE, Param1: idAutopilotVersion,
	}, key)
	if err != nil {
		return err
	}
	return s.await(ctx, s.Probe, s.isAnswer, ErrNoAnswer)
}

func (s *setup) isBeat(r received) bool {
	return r.ID == idHeartbeat && r.System == s.System && r.Component == s.Component
}

func (s *setup) isAnswer(r received) bool {
	if r.System != s.System || r.Component != s.Component {
		return false
	}
	var command [2]byte // COMMAND_ACK, offset 0
	copy(command[:], r.Payload)
	return r.ID == idAutopilotVersion || r.ID == idCommandAck && binary.LittleEndian.Uint16(command[:]) == uint16(common.MAV_CMD_REQUEST_MESSAGE)
}

// await reads until a frame is what is waited for, or gives up with none.
func (s *setup) await(ctx context.Context, wait time.Duration, is func(received) bool, none error) error {
	end := time.Now().Add(wait)
	if err := s.Link.SetReadDeadline(end); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = s.Link.SetReadDeadline(time.Unix(1, 0)) })()
	for {
		for len(s.frames) > 0 {
			r := s.frames[0]
			s.frames = s.frames[1:]
			if is(r) {
				return nil
			}
		}
		if time.Now().After(end) { // bytes may come without a pause
			return none
		}
		switch err := s.read(); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return none
		case err != nil:
			return fmt.Errorf("read from the vehicle: %w", err)
		}
	}
}

func (s *setup) read() error {
	n, err := s.Link.Read(s.buf[s.held:])
	rest := s.framer.Split(s.buf[:s.held+n], func(f []byte, h mavlink.Header) {
		f, h.Payload = bytes.Clone(f), bytes.Clone(h.Payload)
		s.frames = append(s.frames, received{h, f})
	})
	s.held = copy(s.buf[:], rest)
	return err
}

// send writes a message, signed with a key if there is one.
func (s *setup) send(msg message.Message, key *mavlink.Key) error {
	m := s.rw.GetMessage(msg.GetID())
	f := &frame.V2Frame{SequenceNumber: s.seq, SystemID: ownSystem, ComponentID: ownComponent, Message: m.Write(msg, true)}
	s.seq++
	if key != nil {
		s.stamp = max(s.stamp+1, mavlink.StampOf(time.Now()))
		f.IncompatibilityFlag, f.SignatureLinkID, f.SignatureTimestamp = 1, ownLink, uint64(s.stamp)
	}
	f.Checksum = f.GenerateChecksum(m.CRCExtra())
	if key != nil {
		k := frame.V2Key(*key)
		f.Signature = f.GenerateSignature(&k)
	}
	var b bytes.Buffer
	w := &frame.Writer{ByteWriter: &b}
	if err := w.Initialize(); err != nil {
		return err
	}
	if err := w.Write(f); err != nil {
		return err
	}
	if _, err := s.Link.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write to the vehicle: %w", err)
	}
	return nil
}

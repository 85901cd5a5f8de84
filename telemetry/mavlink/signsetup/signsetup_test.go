package signsetup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
)

var dialectRW = sync.OnceValue(func() *dialect.ReadWriter {
	d := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := d.Initialize(); err != nil {
		panic(err)
	}
	return d
})

// autopilot is a vehicle made of another implementation of MAVLink.
type autopilot struct {
	refusesKeys, checksNothing, isDeaf, isSilent bool

	system uint8
	key    *frame.V2Key
	stamp  uint64
	setups []ardupilotmega.MessageSetupSigning
}

func (a *autopilot) frame(msg message.Message) []byte {
	m := dialectRW().GetMessage(msg.GetID())
	f := &frame.V2Frame{SystemID: a.system, ComponentID: 1, Message: m.Write(msg, true)}
	if a.key != nil {
		a.stamp++
		f.IncompatibilityFlag, f.SignatureTimestamp = 1, a.stamp
	}
	f.Checksum = f.GenerateChecksum(m.CRCExtra())
	if a.key != nil {
		f.Signature = f.GenerateSignature(a.key)
	}
	var b bytes.Buffer
	w := &frame.Writer{ByteWriter: &b}
	if err := w.Initialize(); err != nil {
		panic(err)
	}
	if err := w.Write(f); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (a *autopilot) beat() []byte {
	return a.frame(&ardupilotmega.MessageHeartbeat{Type: 2, Autopilot: 3, MavlinkVersion: 3})
}

// take handles one frame of the tool and returns the answer, if there is one.
func (a *autopilot) take(t *testing.T, b []byte) []byte {
	r := &frame.Reader{BufByteReader: bufio.NewReader(bytes.NewReader(b))}
	if err := r.Initialize(); err != nil {
		t.Error(err)
		return nil
	}
	fr, err := r.Read()
	if err != nil {
		t.Errorf("the tool sent %x: %v", b, err)
		return nil
	}
	f := fr.(*frame.V2Frame)
	raw := f.Message.(*message.MessageRaw)
	m := dialectRW().GetMessage(raw.ID)
	if f.Checksum != f.GenerateChecksum(m.CRCExtra()) {
		t.Errorf("the tool sent %x: wrong checksum", b)
	}
	decoded, err := m.Read(raw, true)
	if err != nil {
		t.Errorf("the tool sent %x: %v", b, err)
	}
	switch msg := decoded.(type) {
	case *ardupilotmega.MessageSetupSigning:
		a.setups = append(a.setups, *msg)
		if !a.refusesKeys {
			a.key, a.stamp = frame.NewV2Key(msg.SecretKey[:]), msg.InitialTimestamp
		}
	case *ardupilotmega.MessageCommandLong:
		right := a.key != nil && f.Signature != nil && *f.Signature == *f.GenerateSignature(a.key)
		if a.isDeaf || !right && !a.checksNothing || msg.Command != common.MAV_CMD_REQUEST_MESSAGE || msg.Param1 != 148 || msg.TargetSystem != a.system {
			return nil
		}
		return a.frame(&ardupilotmega.MessageAutopilotVersion{})
	}
	return nil
}

// fly sends heartbeats and answers over UDP until the test ends.
func (a *autopilot) fly(t *testing.T, to net.Addr) {
	conn, err := net.DialUDP("udp", nil, to.(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		b := make([]byte, 4096)
		for {
			if !a.isSilent {
				_, _ = conn.Write(append([]byte("noise \xfd"), a.beat()...))
			}
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			n, err := conn.Read(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				if answer := a.take(t, b[:n]); answer != nil {
					_, _ = conn.Write(answer)
				}
			}
		}
	}()
}

func TestRun(t *testing.T) {
	key := mavlink.Key{1, 2, 3}
	second := time.Second // a busy machine answers within this
	for _, c := range []struct {
		name   string
		a      autopilot
		check  bool
		system uint8
		want   error
		setups int
	}{
		{"right", autopilot{}, false, 7, nil, 1},
		{"checked", autopilot{key: frame.NewV2Key(key[:])}, true, 7, nil, 0},
		{"checked, other key", autopilot{key: frame.NewV2Key(bytes.Repeat([]byte{9}, 32))}, true, 7, ErrNotSigned, 0},
		{"checked, unsigned", autopilot{}, true, 7, ErrNotSigned, 0},
		{"refuses keys", autopilot{refusesKeys: true}, false, 7, ErrNotSigned, 3},
		{"checks nothing", autopilot{checksNothing: true}, false, 7, ErrUnchecked, 1},
		{"does not answer", autopilot{isDeaf: true}, false, 7, ErrNoAnswer, 1},
		{"silent", autopilot{isSilent: true}, false, 7, ErrNotHeard, 0},
		{"another system", autopilot{}, false, 8, ErrNotHeard, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			link, err := ListenUDP("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close()
			a := c.a
			a.system = 7
			ctx := t.Context()
			t.Run("", func(t *testing.T) {
				a.fly(t, link.LocalAddr())
				err = Run(ctx, Config{Link: link, System: c.system, Key: key, Check: c.check, Hear: second, Prove: second, Probe: second})
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if len(a.setups) != c.setups && (c.want != nil || len(a.setups) < c.setups) {
				t.Errorf("%d times set up, want %d", len(a.setups), c.setups)
			}
			for _, m := range a.setups {
				now := uint64(mavlink.StampOf(time.Now()))
				if m.SecretKey != key || m.TargetSystem != 7 || m.TargetComponent != 1 || m.InitialTimestamp > now || m.InitialTimestamp < now-60*100_000 {
					t.Errorf("%+v at %d", m, now)
				}
			}
		})
	}
}

func TestEndsWithItsContext(t *testing.T) {
	link, err := ListenUDP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Config{Link: link, System: 1, Hear: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The key goes over no network.
func TestLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0"} {
		if l, err := ListenUDP(addr); !errors.Is(err, ErrNetwork) {
			t.Errorf("%s: %v", addr, err)
			if err == nil {
				l.Close()
			}
		}
	}
	link, err := ListenUDP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if _, err := link.Write([]byte{1}); !errors.Is(err, ErrNotHeard) {
		t.Errorf("write to nobody: %v", err)
	}
}

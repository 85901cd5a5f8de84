package mavlink

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/minimal"
	gomav "github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

var testDialect = sync.OnceValue(func() *dialect.ReadWriter {
	d := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := d.Initialize(); err != nil {
		panic(err)
	}
	return d
})

var testCatalog = sync.OnceValue(func() *catalog {
	c, err := newCatalog()
	if err != nil {
		panic(err)
	}
	return c
})

var (
	addrA = netip.MustParseAddrPort("10.0.0.1:14550")
	addrB = netip.MustParseAddrPort("10.0.0.2:14550")
	epoch = time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC)
)

// sender encodes with gomavlib, so that the decoder is tested against another
// implementation.
type sender struct {
	v1        bool
	sys, comp uint8
	seq       uint8
}

func (s *sender) frame(msg message.Message) []byte {
	rw := testDialect().GetMessage(msg.GetID())
	return s.raw(rw.Write(msg, !s.v1), rw.CRCExtra())
}

func (s *sender) raw(m *message.MessageRaw, extra uint8) []byte {
	var fr gomav.Frame
	if s.v1 {
		f := &gomav.V1Frame{SequenceNumber: s.seq, SystemID: s.sys, ComponentID: s.comp, Message: m}
		f.Checksum = f.GenerateChecksum(extra)
		fr = f
	} else {
		f := &gomav.V2Frame{SequenceNumber: s.seq, SystemID: s.sys, ComponentID: s.comp, Message: m}
		f.Checksum = f.GenerateChecksum(extra)
		fr = f
	}
	s.seq++
	var buf bytes.Buffer
	w := &gomav.Writer{ByteWriter: &buf}
	if err := w.Initialize(); err != nil {
		panic(err)
	}
	if err := w.Write(fr); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func heartbeat(mavType minimal.MAV_TYPE, ap minimal.MAV_AUTOPILOT) *minimal.MessageHeartbeat {
	return &minimal.MessageHeartbeat{Type: mavType, Autopilot: ap, BaseMode: 81, CustomMode: 4, SystemStatus: 4, MavlinkVersion: 3}
}

func copterBeat() *minimal.MessageHeartbeat { return heartbeat(2, 3) }

func position(lat, lon int32) *ardupilotmega.MessageGlobalPositionInt {
	return &ardupilotmega.MessageGlobalPositionInt{
		TimeBootMs: 123456, Lat: lat, Lon: lon, Alt: 50_000, RelativeAlt: 45_000,
		Vx: 100, Vy: -200, Vz: 5, Hdg: 9000,
	}
}

func somewhere() *ardupilotmega.MessageGlobalPositionInt { return position(312304160, 1214737010) }

func statusText(s string) *common.MessageStatustext {
	return &common.MessageStatustext{Severity: 4, Text: s}
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// note is a call of Sink.Note.
type note struct {
	handle vehicles.Handle
	at     int64
	msg    message.Message
}

// recorder is a Sink that keeps everything.
type recorder struct {
	full    bool
	asked   int
	sources []Source // handle is the index + 1
	reports []vehicles.Report
	notes   []note
	closed  []vehicles.Handle
}

func (r *recorder) Open(src Source) (vehicles.Handle, bool) {
	r.asked++
	if r.full {
		return 0, false
	}
	r.sources = append(r.sources, src)
	if i := slices.IndexFunc(r.sources, func(o Source) bool { return o.Vehicle == src.Vehicle }); src.Vehicle != "" {
		return vehicles.Handle(i + 1), true // a vehicle has one handle
	}
	return vehicles.Handle(len(r.sources)), true
}

func (r *recorder) Reports(batch []vehicles.Report) { r.reports = append(r.reports, batch...) }

func (r *recorder) Note(h vehicles.Handle, at int64, msg message.Message) {
	r.notes = append(r.notes, note{h, at, msg})
}

func (r *recorder) Close(h vehicles.Handle) { r.closed = append(r.closed, h) }

// positions returns the handles of the reports that have a position.
func (r *recorder) positions() (hs []vehicles.Handle) {
	for _, rep := range r.reports {
		if rep.Has&vehicles.HasPosition != 0 {
			hs = append(hs, rep.Handle)
		}
	}
	return hs
}

// bench is a decoder with a recording sink and a clock of its own.
type bench struct {
	*decoder
	rec *recorder
	at  time.Time
}

func newBench(limits Limits) *bench {
	rec := &recorder{}
	cfg := Config{Name: "open", Limits: limits, Idle: time.Minute}
	b := &bench{newDecoder(cfg, testCatalog(), rec, &routes{}, epoch), rec, epoch}
	b.tick(epoch)
	return b
}

// send decodes datagrams at the current time.
func (b *bench) send(from netip.AddrPort, datagrams ...[]byte) {
	for _, d := range datagrams {
		b.datagram(from, d)
	}
	b.flush()
}

func (b *bench) advance(d time.Duration) {
	b.at = b.at.Add(d)
	b.tick(b.at)
}

// balance checks the identity of the package comment.
func balance(t *testing.T, s *Stats) {
	t.Helper()
	if s.Frames != s.Decoded+s.RefusedTotal() {
		t.Errorf("Frames %d != Decoded %d + Refused %d", s.Frames, s.Decoded, s.RefusedTotal())
	}
	if s.Decoded != s.Hot+s.Cold+s.Sighted+s.Ignored {
		t.Errorf("Decoded %d != Hot %d + Cold %d + Sighted %d + Ignored %d", s.Decoded, s.Hot, s.Cold, s.Sighted, s.Ignored)
	}
}

package mavlink

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

func TestPackedDatagrams(t *testing.T) {
	for _, n := range []int{1, 12, 13, 30, 36} {
		for _, v1 := range []bool{false, true} {
			b := newBench(Limits{})
			s := &sender{v1: v1, sys: 1, comp: 1}
			b.send(addrA, s.frame(copterBeat()))
			var d []byte
			for range n {
				d = append(d, s.frame(somewhere())...)
			}
			b.send(addrA, d)
			if got := len(b.rec.positions()); got != n {
				t.Errorf("%d frames in one datagram (v1 %v): decoded %d", n, v1, got)
			}
			if b.stats.Lost != 0 {
				t.Errorf("%d frames in one datagram: %d counted as lost", n, b.stats.Lost)
			}
			balance(t, &b.stats)
		}
	}
}

// A heartbeat in front of its own datagram opens the session for the rest.
func TestPackedFirstDatagram(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1}
	d := s.frame(copterBeat())
	for range 36 {
		d = append(d, s.frame(somewhere())...)
	}
	b.send(addrA, d)
	if got := len(b.rec.positions()); got != 36 {
		t.Errorf("decoded %d positions, want 36", got)
	}
}

func TestDamage(t *testing.T) {
	good := func() []byte { return (&sender{sys: 1, comp: 1}).frame(somewhere()) }
	with := func(at int, v byte) []byte { g := good(); g[at] = v; return g }
	unknown := (&sender{sys: 1, comp: 1}).raw(&message.MessageRaw{ID: 9999, Payload: []byte{1, 2, 3}}, 0)
	v1 := &sender{v1: true, sys: 1, comp: 1}
	v1Long := v1.raw(&message.MessageRaw{ID: 33, Payload: make([]byte, 29)}, 104)
	v1Short := v1.raw(&message.MessageRaw{ID: 33, Payload: make([]byte, 27)}, 104)
	junk := make([]byte, 1400)
	for i := range junk {
		junk[i] = byte(i*7) & 0x7f // no magic in it
	}
	for _, tc := range []struct {
		name      string
		in        []byte
		positions int
		garbage   uint64
		refused   map[Reason]uint64
	}{
		{"empty", nil, 0, 0, nil},
		{"good", good(), 1, 0, nil},
		{"junk", junk, 0, 1, nil},
		{"junk, good, junk, good", join(junk[:40], good(), junk[:9], good()), 2, 1, nil},
		{"good, boot text, good", join(good(), []byte("ArduCopter V4.5\r\n"), good()), 2, 1, nil},
		{"wrong crc", with(38, 1), 0, 0, map[Reason]uint64{CRC: 1}},
		{"wrong crc between good ones", join(good(), with(20, 1), good()), 2, 0, map[Reason]uint64{CRC: 1}},
		{"two wrong crcs", join(with(20, 1), with(21, 1), good()), 1, 0, map[Reason]uint64{CRC: 2}},
		{"length byte damaged", join(with(1, 200), good()), 1, 0, map[Reason]uint64{Length: 1}},
		{"length byte damaged, shorter", join(with(1, 9), good()), 1, 0, map[Reason]uint64{CRC: 1}},
		{"magic damaged", join(with(0, 0x11), good()), 1, 1, nil},
		{"only a magic", []byte{magicV2}, 0, 0, map[Reason]uint64{Length: 1}},
		{"only a header", good()[:10], 0, 0, map[Reason]uint64{Length: 1}},
		{"cut in the payload", good()[:30], 0, 0, map[Reason]uint64{Length: 1}},
		{"good and cut", join(good(), good()[:39]), 1, 0, map[Reason]uint64{Length: 1}},
		{"unknown flag", with(2, 2), 0, 0, map[Reason]uint64{Flags: 1}},
		{"unknown flag and signed", join(with(2, 0x81), make([]byte, signature), good()), 1, 0, map[Reason]uint64{Flags: 1}},
		{"unknown compatibility flag changes only the crc", with(3, 2), 0, 0, map[Reason]uint64{CRC: 1}},
		{"unknown id", unknown, 0, 0, map[Reason]uint64{UnknownID: 1}},
		{"unknown id and good", join(unknown, good()), 1, 0, map[Reason]uint64{UnknownID: 1}},
		{"v1 one byte too long", v1Long, 0, 0, map[Reason]uint64{Length: 1}},
		{"v1 one byte too short", v1Short, 0, 0, map[Reason]uint64{Length: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(Limits{})
			b.send(addrA, (&sender{sys: 1, comp: 1}).frame(copterBeat()))
			b.send(addrA, tc.in)
			if got := len(b.rec.positions()); got != tc.positions {
				t.Errorf("%d positions, want %d", got, tc.positions)
			}
			if b.stats.Garbage != tc.garbage {
				t.Errorf("garbage %d, want %d", b.stats.Garbage, tc.garbage)
			}
			var want [ReasonCount]uint64
			for r, n := range tc.refused {
				want[r] = n
			}
			if b.stats.Refused != want {
				t.Errorf("refused %v, want %v", b.stats.Refused, want)
			}
			balance(t, &b.stats)
			// Whatever it was, it does not reach into the next datagram.
			b.send(addrA, good())
			if got := len(b.rec.positions()); got != tc.positions+1 {
				t.Errorf("the next datagram was hurt: %d positions, want %d", got, tc.positions+1)
			}
		})
	}
}

// The search behind damage gives up after a bound of candidates: a datagram
// cannot be made that costs a checksum per byte.
func TestDamageSearchIsBounded(t *testing.T) {
	for _, tc := range []struct{ candidates, positions int }{{60, 1}, {68, 0}} {
		b := newBench(Limits{})
		s := &sender{sys: 1, comp: 1}
		b.send(addrA, s.frame(copterBeat()))
		d := bytes.Repeat([]byte{magicV2, 1, 0}, tc.candidates) // frames of an unknown id that end nowhere
		b.send(addrA, join(d, s.frame(somewhere())))
		if got := len(b.rec.positions()); got != tc.positions {
			t.Errorf("%d candidates: %d positions, want %d", tc.candidates, got, tc.positions)
		}
		if n := b.stats.RefusedTotal(); n != 1 {
			t.Errorf("%d candidates: refused %d, want 1", tc.candidates, n)
		}
		balance(t, &b.stats)
	}
}

func TestPositionsNotBelieved(t *testing.T) {
	gps := func(fix common.GPS_FIX_TYPE) message.Message {
		return &ardupilotmega.MessageGpsRawInt{FixType: fix, SatellitesVisible: 9}
	}
	for _, tc := range []struct {
		name string
		msgs []message.Message
		want int
	}{
		{"never any gps", []message.Message{somewhere()}, 1},
		{"0/0", []message.Message{position(0, 0)}, 0},
		{"latitude 91", []message.Message{position(910_000_000, 1)}, 0},
		{"latitude -90 and a bit", []message.Message{position(-900_000_001, 1)}, 0},
		{"longitude 181", []message.Message{position(1, 1_810_000_000)}, 0},
		{"smallest int", []message.Message{position(math.MinInt32, math.MinInt32)}, 0},
		{"pole and antimeridian", []message.Message{position(900_000_000, -1_800_000_000)}, 1},
		{"equator", []message.Message{position(0, 1)}, 1},
		{"no gps", []message.Message{gps(0), somewhere()}, 0},
		{"no fix", []message.Message{gps(1), somewhere()}, 0},
		{"2d fix", []message.Message{gps(2), somewhere()}, 1},
		{"fix lost and found", []message.Message{gps(3), somewhere(), gps(1), somewhere(), gps(4), somewhere()}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(Limits{})
			s := &sender{sys: 1, comp: 1}
			b.send(addrA, s.frame(copterBeat()))
			sent := 0
			for _, m := range tc.msgs {
				b.send(addrA, s.frame(m))
				if m.GetID() == idGlobalPositionInt {
					sent++
				}
			}
			if got := len(b.rec.positions()); got != tc.want {
				t.Errorf("%d positions, want %d", got, tc.want)
			}
			if n := b.stats.NoPosition; n != uint64(sent-tc.want) {
				t.Errorf("no_position %d, want %d", n, sent-tc.want)
			}
			if len(b.rec.reports) != 1+len(tc.msgs) {
				t.Errorf("%d reports, want one per message: it is a sign of life", len(b.rec.reports))
			}
			balance(t, &b.stats)
		})
	}
}

func TestBadFloats(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, m := range []*ardupilotmega.MessageAttitude{
		{Roll: nan}, {Pitch: nan}, {Yaw: nan}, {Roll: inf}, {Yaw: -inf}, {Rollspeed: nan}, {Yawspeed: inf},
	} {
		b := newBench(Limits{})
		s := &sender{sys: 1, comp: 1}
		b.send(addrA, s.frame(copterBeat()), s.frame(m))
		if len(b.rec.reports) != 1 || b.stats.Refused[BadFloat] != 1 {
			t.Errorf("%+v: %d reports, refused %v", m, len(b.rec.reports), b.stats.Refused)
		}
		balance(t, &b.stats)
	}
}

func TestSequenceGaps(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1, seq: 250}
	b.send(addrA, s.frame(copterBeat())) // 250
	for _, tc := range []struct {
		seq  uint8
		lost uint64
	}{
		{251, 0}, {253, 1}, {252, 1}, {253, 1}, {254, 1}, {4, 6}, {4, 6}, {5, 6}, {132, 132}, {133, 132},
	} {
		s.seq = tc.seq
		b.send(addrA, s.frame(somewhere()))
		if b.stats.Lost != tc.lost {
			t.Errorf("after seq %d: lost %d, want %d", tc.seq, b.stats.Lost, tc.lost)
		}
	}
	// Another component counts for itself.
	b.send(addrA, (&sender{sys: 1, comp: 154, seq: 77}).frame(somewhere()))
	if b.stats.Lost != 132 {
		t.Errorf("another component made %d lost", b.stats.Lost)
	}
}

func TestNotes(t *testing.T) {
	b := newBench(Limits{})
	for _, v1 := range []bool{false, true} {
		s := &sender{v1: v1, sys: 1, comp: 1, seq: b.lastSeq()}
		text := statusText("PreArm: GPS bad")
		if v1 {
			text.Id, text.ChunkSeq = 0, 0
		}
		// The frame behind the short payload must survive gomavlib's padding.
		b.send(addrA, join(s.frame(copterBeat()), s.frame(text), s.frame(somewhere())))
	}
	if len(b.rec.notes) != 2 || len(b.rec.positions()) != 2 {
		t.Fatalf("%d notes, %d positions, want 2, 2", len(b.rec.notes), len(b.rec.positions()))
	}
	for _, n := range b.rec.notes {
		if m, ok := n.msg.(*common.MessageStatustext); !ok || m.Text != "PreArm: GPS bad" || n.handle != 1 || n.at != epoch.UnixMicro() {
			t.Errorf("note %+v", n)
		}
	}
	balance(t, &b.stats)
}

// lastSeq is the sequence number that follows on the only session.
func (b *bench) lastSeq() uint8 {
	for _, s := range b.sessions {
		return s.lastSeq + 1
	}
	return 0
}

// The hot path: known source, hot messages of both versions, several in one
// datagram, and every kind of refusal.
func TestDatagramDoesNotAllocate(t *testing.T) {
	b := newBench(Limits{PerSource: -1, UnknownPerSource: -1})
	b.sink = discard{}
	s, s1 := &sender{sys: 1, comp: 1}, &sender{v1: true, sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()))
	damaged := s.frame(somewhere())
	damaged[15] ^= 1
	datagrams := [][]byte{
		join(s.frame(copterBeat()), s1.frame(copterBeat())),
		join(s.frame(somewhere()), s.frame(&ardupilotmega.MessageAttitude{Roll: 1}), s1.frame(somewhere())),
		s.frame(&ardupilotmega.MessageGpsRawInt{FixType: 3}),
		s.frame(&common.MessageSysStatus{BatteryRemaining: 50}),
		s.frame(&common.MessageBatteryStatus{BatteryRemaining: 50}),
		s.frame(&common.MessageExtendedSysState{LandedState: 1}),
		s.frame(&common.MessageFenceStatus{}),
		s.frame(&common.MessageVfrHud{Airspeed: 2}),
		damaged,
		(&sender{sys: 9, comp: 1}).frame(somewhere()),
		(&sender{sys: 9, comp: 1}).frame(heartbeat(6, 8)),
	}
	n := testing.AllocsPerRun(200, func() {
		b.advance(time.Millisecond)
		for _, d := range datagrams {
			b.datagram(addrA, d)
		}
		b.flush()
	})
	if n != 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}

type discard struct{}

func (discard) Open(Source) (vehicles.Handle, bool)          { return 1, true }
func (discard) Reports([]vehicles.Report)                    {}
func (discard) Note(vehicles.Handle, int64, message.Message) {}
func (discard) Close(vehicles.Handle)                        {}

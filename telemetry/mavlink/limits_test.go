package mavlink

import (
	"net/netip"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"

	"testzone/vehicles"
)

// A flood of one source, known or not, costs its calm neighbour nothing.
func TestFloodBesideCalmNeighbour(t *testing.T) {
	for _, tc := range []struct {
		name  string
		flood func(s *sender) []byte
		known bool
	}{
		{"positions", func(s *sender) []byte { return s.frame(somewhere()) }, true},
		{"heartbeats", func(s *sender) []byte { return s.frame(copterBeat()) }, true},
		{"status texts", func(s *sender) []byte { return s.frame(statusText("flood")) }, true},
		{"positions without session", func(s *sender) []byte { return s.frame(somewhere()) }, false},
		{"junk", func(*sender) []byte { return make([]byte, 1400) }, false},
		{"new system ids", func(s *sender) []byte { s.sys++; return s.frame(copterBeat()) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(Limits{})
			calm, loud := &sender{sys: 1, comp: 1}, &sender{sys: 2, comp: 1}
			if tc.known {
				b.send(addrB, loud.frame(copterBeat()))
			}
			calmSent := 0
			// 10 s: the neighbour appears and sends at 10 Hz, the flood 10,000/s.
			for ms := range 10_000 {
				for range 10 {
					b.send(addrB, tc.flood(loud))
				}
				if ms%100 == 0 {
					if ms%1000 == 0 {
						b.send(addrA, calm.frame(copterBeat()), calm.frame(statusText("calm")))
					}
					b.send(addrA, calm.frame(somewhere()))
					calmSent++
				}
				b.advance(time.Millisecond)
			}
			var calmHandle vehicles.Handle
			for i, s := range b.rec.sources {
				if s.Addr == addrA {
					calmHandle = vehicles.Handle(i + 1)
				}
			}
			got, loudReports, notes := 0, 0, 0
			for _, r := range b.rec.reports {
				switch {
				case r.Handle != calmHandle:
					loudReports++
				case r.Has&vehicles.HasPosition != 0:
					got++
				}
			}
			for _, n := range b.rec.notes {
				if n.handle == calmHandle {
					notes++
				}
			}
			if got != calmSent || notes != 10 {
				t.Errorf("calm neighbour: %d of %d positions, %d of 10 notes", got, calmSent, notes)
			}
			// Each source 200/s for 10 s and 400 at once, heartbeats a quarter more.
			if max := (len(b.rec.sources) - 1) * (2000 + 500 + 1); loudReports > max {
				t.Errorf("flood: %d reports passed, at most %d may", loudReports, max)
			}
			if loud := len(b.rec.notes) - notes; loud > 10*10+notesBurst {
				t.Errorf("flood: %d notes passed", loud)
			}
			// 5/s of one address, 10 at once.
			if n := len(b.rec.sources); n > 1+10+50+1 {
				t.Errorf("flood opened %d sources", n)
			}
			balance(t, &b.stats)
		})
	}
}

// Heartbeats of a source that sends too much still pass: its link is not lost
// because of its own telemetry.
func TestHeartbeatPassesOwnFlood(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()))
	beats := 1
	for ms := range 20_000 {
		b.send(addrA, s.frame(somewhere()), s.frame(somewhere()))
		if ms%1000 == 0 {
			b.send(addrA, s.frame(copterBeat()))
			beats++
		}
		b.advance(time.Millisecond)
	}
	got := 0
	for _, r := range b.rec.reports {
		if r.Has == vehicles.HasHeartbeat {
			got++
		}
	}
	if got != beats {
		t.Errorf("%d of %d heartbeats passed", got, beats)
	}
	if b.stats.Refused[Rate] == 0 {
		t.Error("the flood was not limited")
	}
	if b.stats.Lost != 0 {
		t.Errorf("%d refused frames were taken for lost", b.stats.Lost)
	}
}

// What nobody here asks for goes first: positions of a talkative vehicle pass.
func TestPositionsPassOtherMessages(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()))
	for ms := range 10_000 {
		b.send(addrA, s.frame(&common.MessageVfrHud{Airspeed: 1}))
		if ms%20 == 0 {
			b.send(addrA, s.frame(somewhere()))
		}
		b.advance(time.Millisecond)
	}
	if got := len(b.rec.positions()); got != 500 {
		t.Errorf("%d of 500 positions passed 1,000 other frames/s", got)
	}
	if b.stats.Refused[Rate] == 0 {
		t.Error("nothing was limited")
	}
}

func TestRaisedLimits(t *testing.T) {
	for _, l := range []Limits{{PerSource: -1}, {PerSource: 20_000}} {
		b := newBench(l)
		s := &sender{sys: 1, comp: 1}
		b.send(addrA, s.frame(copterBeat()))
		for ms := range 2000 {
			if ms%10 == 0 {
				for range 170 {
					b.send(addrA, s.frame(somewhere()))
				}
			}
			b.advance(time.Millisecond)
		}
		if n := b.stats.RefusedTotal(); n != 0 {
			t.Errorf("%+v: 17,000 frames/s: %d refused", l, n)
		}
	}
}

func TestRefusedSourceIsAskedOnceASecond(t *testing.T) {
	b := newBench(Limits{})
	b.rec.full = true
	s := &sender{sys: 1, comp: 1}
	for range 100 { // 10 s at 10 Hz
		b.send(addrA, s.frame(copterBeat()))
		b.advance(100 * time.Millisecond)
	}
	if b.rec.asked != 10 {
		t.Errorf("asked %d times in 10 s, want 10", b.rec.asked)
	}
	// 10 heartbeats/s are more than an unknown address may send: 5/s and 10 at once.
	if n := b.stats.Refused[Refused] + b.stats.Refused[Rate]; n != 100 {
		t.Errorf("refused %v", b.stats.Refused)
	}
	b.rec.full = false
	b.advance(time.Second)
	b.send(addrA, s.frame(copterBeat()))
	if len(b.rec.sources) != 1 || len(b.rec.reports) != 1 {
		t.Error("the source was not taken when there was room again")
	}
	balance(t, &b.stats)
}

// 1,000 vehicles that start at once are all taken at once.
func TestManyNewSources(t *testing.T) {
	b := newBench(Limits{})
	for i := range 1000 {
		b.send(spoofed(i), (&sender{sys: 1, comp: 1}).frame(copterBeat()))
	}
	if len(b.rec.sources) != 1000 {
		t.Errorf("%d sources, want 1,000", len(b.rec.sources))
	}
}

// More than that wait for the next second.
func TestNewSourcesTogether(t *testing.T) {
	b := newBench(Limits{})
	for i := range 3000 {
		b.send(spoofed(i), (&sender{sys: 1, comp: 1}).frame(copterBeat()))
	}
	if len(b.rec.sources) != 1000 || b.stats.Refused[Rate] != 2000 {
		t.Errorf("%d sources, refused %v; want 1,000 and 2,000 by rate", len(b.rec.sources), b.stats.Refused)
	}
	balance(t, &b.stats)
}

// 100,000 invented sources: what is kept stays within its bounds.
func TestSpoofedSources(t *testing.T) {
	b := newBench(Limits{Sessions: 500})
	for i := range 100_000 {
		b.send(spoofed(i), (&sender{sys: uint8(i%250 + 1), comp: 1}).frame(copterBeat()))
		b.advance(10 * time.Microsecond)
	}
	if len(b.sessions) != 500 || len(b.pending.index) != 256 {
		t.Errorf("%d sessions, %d pending; want 500, 256", len(b.sessions), len(b.pending.index))
	}
	if b.rec.asked != 500 {
		t.Errorf("the sink was asked %d times although the table was full", b.rec.asked)
	}
	balance(t, &b.stats)
}

func TestUnknownFramesPerDatagram(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 255, comp: 190}
	var d []byte
	for range 30 {
		d = append(d, s.frame(somewhere())...)
	}
	b.send(addrA, d)
	if b.stats.Refused[NoSession] != 16 || b.stats.Refused[Rate] != 14 {
		t.Errorf("refused %v, want 16 without session and 14 over the limit", b.stats.Refused)
	}
	balance(t, &b.stats)
}

func TestMailbox(t *testing.T) {
	b := newBench(Limits{PerSource: -1})
	s := &sender{sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()))
	for range 100 {
		b.send(addrA, s.frame(statusText("x")))
	}
	if len(b.rec.notes) != notesBurst || b.stats.Refused[Mailbox] != 100-notesBurst {
		t.Errorf("%d notes, refused %v", len(b.rec.notes), b.stats.Refused)
	}
	b.advance(time.Second)
	for range 100 {
		b.send(addrA, s.frame(statusText("x")))
	}
	if len(b.rec.notes) != notesBurst+10 {
		t.Errorf("%d notes a second later, want 10 more", len(b.rec.notes))
	}
	balance(t, &b.stats)
}

func TestMailboxTogether(t *testing.T) {
	b := newBench(Limits{NotesTotal: 20})
	for i := range 50 {
		s := &sender{sys: 1, comp: 1}
		b.send(spoofed(i), s.frame(copterBeat()), s.frame(statusText("x")))
	}
	if len(b.rec.notes) != 20 || b.stats.Refused[Mailbox] != 30 {
		t.Errorf("%d notes, refused %v; want 20, 30", len(b.rec.notes), b.stats.Refused)
	}
}

func TestBucket(t *testing.T) {
	r := perSecond(10, 3)
	var b bucket
	for _, step := range []struct {
		ms   int64
		want bool
	}{
		{0, true}, {0, true}, {0, true}, {0, false}, {99, false}, {100, true}, {100, false},
		{199, false}, {400, true}, {400, true}, {400, true}, {400, false}, {10_000, true},
	} {
		if got := b.take(step.ms*int64(time.Millisecond), r); got != step.want {
			t.Errorf("at %d ms: %v, want %v", step.ms, got, step.want)
		}
	}
}

func spoofed(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 40_000)
}

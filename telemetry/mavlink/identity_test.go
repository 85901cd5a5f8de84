package mavlink

import (
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/minimal"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

func TestWhoMakesATrack(t *testing.T) {
	for _, tc := range []struct {
		name      string
		mavType   minimal.MAV_TYPE
		autopilot minimal.MAV_AUTOPILOT
		class     vehicles.Class
		track     bool
	}{
		{"quadrotor", 2, 3, vehicles.UAV, true},
		{"fixed wing px4", 1, 12, vehicles.UAV, true},
		{"vtol", 22, 12, vehicles.UAV, true},
		{"hexa", 13, 3, vehicles.UAV, true},
		{"deca", 35, 3, vehicles.UAV, true},
		{"generic multirotor", 43, 3, vehicles.UAV, true},
		{"rover", 10, 3, vehicles.ICV, true},
		{"boat", 11, 3, vehicles.USV, true},
		{"submarine", 12, 3, vehicles.USV, true},
		{"generic with autopilot", 0, 0, vehicles.ClassUnknown, true},
		{"generic without autopilot", 0, 8, 0, false},
		{"quadrotor without autopilot", 2, 8, 0, false},
		{"ground station", 6, 8, 0, false},
		{"ground station that claims an autopilot", 6, 0, 0, false},
		{"antenna tracker", 5, 3, 0, false},
		{"companion", 18, 8, 0, false},
		{"gimbal", 26, 8, 0, false},
		{"camera", 30, 8, 0, false},
		{"ads-b", 27, 8, 0, false},
		{"remote id", 34, 8, 0, false},
		{"radio", 49, 3, 0, false},
		{"type of the future", 200, 3, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(Limits{})
			s := &sender{sys: 7, comp: 1}
			b.send(addrA, s.frame(heartbeat(tc.mavType, tc.autopilot)), s.frame(somewhere()))
			if got := len(b.rec.sources) == 1; got != tc.track {
				t.Fatalf("track %v, want %v", got, tc.track)
			}
			balance(t, &b.stats)
			if !tc.track {
				if b.stats.Refused[NotVehicle] != 1 || b.stats.Refused[NoSession] != 1 {
					t.Errorf("refused %v", b.stats.Refused)
				}
				return
			}
			want := Source{Listener: "open", Addr: addrA, SystemID: 7, ComponentID: 1, Class: tc.class, MAVType: uint8(tc.mavType), Autopilot: uint8(tc.autopilot)}
			if b.rec.sources[0] != want {
				t.Errorf("source %+v, want %+v", b.rec.sources[0], want)
			}
			if len(b.rec.reports) != 2 {
				t.Errorf("%d reports, want heartbeat and position", len(b.rec.reports))
			}
		})
	}
}

func TestSystemIDZeroIsNoSource(t *testing.T) {
	b := newBench(Limits{})
	b.send(addrA, (&sender{sys: 0, comp: 1}).frame(copterBeat()))
	if b.rec.asked != 0 || b.stats.Refused[NotVehicle] != 1 {
		t.Errorf("asked %d, refused %v", b.rec.asked, b.stats.Refused)
	}
}

// Each (address, system id) is a source of its own; other components of the
// same system id never report for it.
func TestIdentity(t *testing.T) {
	b := newBench(Limits{})
	autopilot := &sender{sys: 1, comp: 1}
	camera := &sender{sys: 1, comp: 100}
	second := &sender{sys: 2, comp: 1}
	elsewhere := &sender{sys: 1, comp: 1}
	gcs := &sender{sys: 255, comp: 190}

	b.send(addrA, autopilot.frame(somewhere())) // before the heartbeat: not kept
	b.send(addrA, camera.frame(heartbeat(30, 8)), autopilot.frame(copterBeat()),
		second.frame(heartbeat(10, 3)), gcs.frame(heartbeat(6, 8)))
	b.send(addrB, elsewhere.frame(heartbeat(11, 3)))
	if len(b.rec.sources) != 3 {
		t.Fatalf("%d sources, want 3", len(b.rec.sources))
	}
	b.rec.reports = nil
	b.send(addrA,
		camera.frame(somewhere()), camera.frame(heartbeat(2, 3)), camera.frame(statusText("x")),
		autopilot.frame(somewhere()), second.frame(somewhere()), gcs.frame(somewhere()))
	b.send(addrB, elsewhere.frame(somewhere()))
	if got := b.rec.positions(); !slices.Equal(got, []vehicles.Handle{1, 2, 3}) {
		t.Errorf("positions of %v, want 1, 2, 3 once each", got)
	}
	if len(b.rec.notes) != 0 {
		t.Error("a note of another component was delivered")
	}
	if n := b.stats.Refused[OtherComponent]; n != 3 {
		t.Errorf("other_component %d, want 3", n)
	}
	balance(t, &b.stats)
}

// The owner of a track cannot turn into something else.
func TestOwnerHeartbeatThatIsNoVehicle(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1}
	b.send(addrA, s.frame(copterBeat()), s.frame(heartbeat(6, 8)))
	if len(b.rec.reports) != 1 || b.stats.Refused[NotVehicle] != 1 {
		t.Errorf("%d reports, refused %v", len(b.rec.reports), b.stats.Refused)
	}
}

func TestUnknownIDNeverTouches(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 1, comp: 1}
	bad := (&sender{sys: 1, comp: 1, seq: 77}).raw(&message.MessageRaw{ID: 9999, Payload: []byte{1}}, 99)
	b.send(addrA, bad)
	if b.rec.asked != 0 {
		t.Error("an unknown id opened a source")
	}
	b.send(addrA, s.frame(copterBeat()))
	b.advance(59 * time.Second)
	b.send(addrA, bad) // not a sign of life, not part of the sequence
	b.advance(time.Second)
	if len(b.rec.closed) != 1 {
		t.Error("an unknown id kept a session alive")
	}
	if b.stats.Lost != 0 {
		t.Errorf("lost %d", b.stats.Lost)
	}
}

func TestIdle(t *testing.T) {
	b := newBench(Limits{}) // 1 minute
	quiet, busy := &sender{sys: 1, comp: 1}, &sender{sys: 2, comp: 1}
	b.send(addrA, quiet.frame(copterBeat()), busy.frame(copterBeat()))
	for range 59 {
		b.advance(time.Second)
		b.send(addrA, busy.frame(somewhere()), (&sender{sys: 1, comp: 50}).frame(somewhere()))
	}
	if len(b.rec.closed) != 0 {
		t.Fatalf("closed %v after 59 s", b.rec.closed)
	}
	b.advance(time.Second)
	if !slices.Equal(b.rec.closed, []vehicles.Handle{1}) {
		t.Fatalf("closed %v, want 1", b.rec.closed)
	}
	if b.stats.Sessions != 1 || b.stats.Closed != 1 {
		t.Errorf("sessions %d, closed %d", b.stats.Sessions, b.stats.Closed)
	}
	n := len(b.rec.reports)
	b.send(addrA, quiet.frame(somewhere())) // no session any more
	if len(b.rec.reports) != n {
		t.Error("a closed session still reports")
	}
	b.send(addrA, quiet.frame(copterBeat()))
	if len(b.rec.sources) != 3 {
		t.Error("a source that came back was not opened again")
	}
}

// Whoever opens as a boat and flies as a drone would be judged by the fences of
// boats.
func TestAnotherClassIsAnotherTrack(t *testing.T) {
	b := newBench(Limits{})
	s := &sender{sys: 7, comp: 1}
	b.send(addrA, s.frame(heartbeat(11, 3)), s.frame(somewhere()), s.frame(heartbeat(13, 3)), s.frame(heartbeat(2, 3)), s.frame(somewhere()))
	if n := len(b.rec.sources); n != 2 || b.rec.sources[0].Class != vehicles.USV || b.rec.sources[1].Class != vehicles.UAV {
		t.Fatalf("sources %+v", b.rec.sources)
	}
	if len(b.rec.closed) != 1 {
		t.Errorf("closed %v", b.rec.closed)
	}
	if hs := b.rec.positions(); len(hs) != 2 || hs[0] == hs[1] || hs[0] != b.rec.closed[0] {
		t.Errorf("positions of %v, closed %v", hs, b.rec.closed)
	}
	balance(t, &b.stats)
}

package sim

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// fly runs a fleet on in-memory sockets and a fake clock.
func fly(t *testing.T, cfg Config) (*wire, *Fleet) {
	t.Helper()
	w := &wire{}
	var f *Fleet
	synctest.Test(t, func(t *testing.T) {
		cfg.dial = w.dial
		var err error
		if f, err = New(cfg); err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return w, f
}

type source struct {
	socket int
	sysid  uint8
}

func TestRates(t *testing.T) {
	const duration = 20 * time.Second
	tests := []struct {
		name     string
		cfg      Config
		vehicles int
		sockets  int
		perSec   map[uint32]float64
		gcs      bool
	}{
		{"demo", Config{Kind: KindDemo}, 20, 20,
			map[uint32]float64{0: 1, 1: 1, 24: 1, 245: 1, 33: 5, 30: 2.5}, true},
		{"load 10 Hz", Config{Kind: KindLoad, Vehicles: 130, Rate: 10}, 130, 64,
			map[uint32]float64{0: 1, 1: 1, 24: 1, 245: 1, 33: 10}, false},
		{"load on few sockets", Config{Kind: KindLoad, Vehicles: 620, Rate: 1, Sockets: 3, Attitude: true}, 620, 3,
			map[uint32]float64{0: 1, 1: 1, 24: 1, 245: 1, 33: 1, 30: 0.5}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Duration = duration
			w, f := fly(t, tt.cfg)
			decode := oracle(t)
			count := map[source]map[uint32]int{}
			seq := map[source]uint8{}
			gcs := 0
			for _, d := range w.log {
				fr := decode(d.bytes)
				id := fr.Message.GetID()
				if fr.SystemID == gcsSystemID {
					h := fr.Message.(*ardupilotmega.MessageHeartbeat)
					if h.Type != ardupilotmega.MAV_TYPE_GCS || h.Autopilot != ardupilotmega.MAV_AUTOPILOT_INVALID {
						t.Fatalf("ground station heartbeat %+v", h)
					}
					gcs++
					continue
				}
				s := source{d.socket, fr.SystemID}
				if count[s] == nil {
					count[s] = map[uint32]int{}
				} else if fr.SequenceNumber != seq[s]+1 {
					t.Fatalf("%v: sequence %d after %d", s, fr.SequenceNumber, seq[s])
				}
				seq[s] = fr.SequenceNumber
				count[s][id]++
			}
			if len(count) != tt.vehicles || len(w.conns) != tt.sockets || len(f.Vehicles()) != tt.vehicles {
				t.Errorf("%d sources on %d sockets, %d vehicles, want %d on %d", len(count), len(w.conns), len(f.Vehicles()), tt.vehicles, tt.sockets)
			}
			for s, byID := range count {
				for id, perSec := range tt.perSec {
					if want := int(perSec * duration.Seconds()); byID[id] != want {
						t.Errorf("%v message %d: %d frames, want %d", s, id, byID[id], want)
					}
				}
				others := 0
				if tt.cfg.Kind == KindDemo && s.sysid <= 8 { // the copters, the first of which hears an aircraft
					others = 2
					if s.sysid == 1 {
						others = 3
					}
				}
				if len(byID) != len(tt.perSec)+others || others > 0 && (byID[12900] != 20 || byID[12901] != 20) {
					t.Errorf("%v: messages %v", s, byID)
				}
			}
			if tt.gcs != (gcs == int(duration.Seconds())) || !tt.gcs && gcs != 0 {
				t.Errorf("%d heartbeats of the ground station", gcs)
			}
			st := f.Stats()
			if st.Frames != uint64(len(w.log)) || st.Datagrams != st.Frames || st.Errors != 0 || st.Skipped != 0 {
				t.Errorf("stats %+v, %d datagrams seen", st, len(w.log))
			}
			var sum uint64
			for _, n := range st.ByMessage {
				sum += n
			}
			if sum != st.Frames {
				t.Errorf("by message %v adds up to %d of %d", st.ByMessage, sum, st.Frames)
			}
			for _, c := range w.conns {
				if !c.closed {
					t.Errorf("socket %d is open after Run", c.index)
				}
			}
		})
	}
}

func TestDeterminism(t *testing.T) {
	record := func(seed int64) []datagram {
		w, _ := fly(t, Config{Kind: KindDemo, Seed: seed, NoiseM: 0.5, Duration: 5 * time.Second})
		return w.log
	}
	one, two, other := record(7), record(7), record(8)
	same := func(a, b []datagram) bool {
		return slices.EqualFunc(a, b, func(x, y datagram) bool {
			return x.socket == y.socket && bytes.Equal(x.bytes, y.bytes)
		})
	}
	if !same(one, two) {
		t.Error("two runs with one seed differ")
	}
	if same(one, other) {
		t.Error("runs with different seeds are the same")
	}
}

// TestFields holds what the messages of one vehicle say against its motion.
func TestFields(t *testing.T) {
	w, f := fly(t, Config{Kind: KindDemo, Seed: 3, Duration: 6 * time.Minute})
	decode := oracle(t)
	types := map[vehicles.Class][]ardupilotmega.MAV_TYPE{
		vehicles.UAV: {ardupilotmega.MAV_TYPE_QUADROTOR, ardupilotmega.MAV_TYPE_FIXED_WING},
		vehicles.ICV: {ardupilotmega.MAV_TYPE_GROUND_ROVER},
		vehicles.USV: {ardupilotmega.MAV_TYPE_SURFACE_BOAT},
	}
	landed := map[ardupilotmega.MAV_LANDED_STATE]int{}
	disarmed := 0
	for _, d := range w.log {
		fr := decode(d.bytes)
		if fr.SystemID == gcsSystemID {
			continue
		}
		m := f.members[fr.SystemID-1]
		flies := m.kind.class == vehicles.UAV
		switch msg := fr.Message.(type) {
		case *ardupilotmega.MessageHeartbeat:
			if !slices.Contains(types[m.kind.class], msg.Type) || msg.Autopilot != ardupilotmega.MAV_AUTOPILOT_ARDUPILOTMEGA {
				t.Fatalf("%s: heartbeat %+v", m.name, msg)
			}
			if msg.BaseMode&ardupilotmega.MAV_MODE_FLAG_SAFETY_ARMED == 0 {
				disarmed++
				if m.kind != &copter {
					t.Fatalf("%s is disarmed", m.name)
				}
			}
		case *ardupilotmega.MessageGlobalPositionInt:
			at := time.Duration(msg.TimeBootMs-m.bootMS) * time.Millisecond
			p, height, speed := f.At(m.index, at)
			// time_boot_ms cuts the sample time to milliseconds: 2.5 cm at 25 m/s.
			if abs(msg.Lat-p.Lat) > 4 || abs(msg.Lon-p.Lon) > 4 || abs(msg.RelativeAlt-int32(height*1000)) > 10 {
				t.Fatalf("%s at %v: %+v, want %v %.3f m", m.name, at, msg, p, height)
			}
			if got := (vec{x: float64(msg.Vx), y: float64(msg.Vy)}).norm() / 100; got-speed > 0.03 || speed-got > 0.03 {
				t.Fatalf("%s at %v: %.2f m/s, want %.2f", m.name, at, got, speed)
			}
			if msg.Alt-msg.RelativeAlt != groundMM || !flies && msg.RelativeAlt != 0 || msg.Hdg > 35999 {
				t.Fatalf("%s: %+v", m.name, msg)
			}
		case *ardupilotmega.MessageGpsRawInt:
			if msg.FixType < ardupilotmega.GPS_FIX_TYPE_3D_FIX || msg.HAcc == 0 || msg.SatellitesVisible < 6 {
				t.Fatalf("%s: %+v", m.name, msg)
			}
		case *ardupilotmega.MessageSysStatus:
			if msg.BatteryRemaining < 30 || msg.BatteryRemaining > 100 || msg.VoltageBattery < 10_000 {
				t.Fatalf("%s: %+v", m.name, msg)
			}
		case *ardupilotmega.MessageExtendedSysState:
			landed[msg.LandedState]++
			if !flies && msg.LandedState != ardupilotmega.MAV_LANDED_STATE_UNDEFINED {
				t.Fatalf("%s: %+v", m.name, msg)
			}
		case *ardupilotmega.MessageAttitude:
			if max(msg.Roll, -msg.Roll, msg.Pitch, -msg.Pitch) > 0.7 {
				t.Fatalf("%s: %+v", m.name, msg)
			}
		}
	}
	if disarmed == 0 {
		t.Error("no copter was ever disarmed on its pad")
	}
	for s := ardupilotmega.MAV_LANDED_STATE_UNDEFINED; s <= ardupilotmega.MAV_LANDED_STATE_LANDING; s++ {
		if landed[s] == 0 {
			t.Errorf("landed state %v never seen: %v", s, landed)
		}
	}
}

func abs(v int32) int32 { return max(v, -v) }

func TestOnSendAndMonotonicBoot(t *testing.T) {
	var mu sync.Mutex
	var sent []Sent
	before := MonotonicUS()
	w, f := fly(t, Config{Kind: KindLoad, Vehicles: 600, Rate: 2, Duration: 2 * time.Second, MonotonicBoot: true,
		OnSend: func(s Sent) { mu.Lock(); sent = append(sent, s); mu.Unlock() }})
	span := MonotonicUS() - before
	decode := oracle(t)
	type stamp struct {
		source
		boot uint32
		p    geo.Point
	}
	want := map[stamp]int{}
	for _, s := range sent {
		want[stamp{source{s.Socket, s.SystemID}, s.BootMS, s.Point}]++
		if v := f.Vehicles()[s.Vehicle]; v.SystemID != s.SystemID || v.Socket != s.Socket {
			t.Fatalf("%+v is not of %+v", s, v)
		}
	}
	for _, d := range w.log {
		fr := decode(d.bytes)
		if m, ok := fr.Message.(*ardupilotmega.MessageGlobalPositionInt); ok {
			want[stamp{source{d.socket, fr.SystemID}, m.TimeBootMs, geo.Point{Lat: m.Lat, Lon: m.Lon}}]--
			if m.TimeBootMs-before > span {
				t.Fatalf("stamp %d is not between %d and %d", m.TimeBootMs, before, before+span)
			}
		}
	}
	for s, n := range want {
		if n != 0 {
			t.Errorf("%+v: hook and frames differ by %d", s, n)
		}
	}
	if len(sent) != 600*4 {
		t.Errorf("hook called %d times, want %d", len(sent), 600*4)
	}
}

func TestConfigErrors(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
	}{
		{"kind", Config{Kind: "fleet"}},
		{"rate", Config{Rate: -1}},
		{"vehicles", Config{Kind: KindLoad, Vehicles: -1}},
		{"too many on one socket", Config{Kind: KindLoad, Vehicles: 251, Sockets: 1}},
		{"duration", Config{Duration: -1}},
		{"noise", Config{NoiseM: -1}},
		{"center", Config{Kind: KindLoad, Center: geo.Point{Lat: 890_000_000}}},
		{"breach in the demo", Config{Breach: &BreachPlan{RadiusM: 50, EverySec: 1}}},
		{"breach radius", Config{Kind: KindLoad, Breach: &BreachPlan{Center: demoCenter, EverySec: 1}}},
		{"breach rate", Config{Kind: KindLoad, Breach: &BreachPlan{Center: demoCenter, RadiusM: 50}}},
		{"too few for the breach rate", Config{Kind: KindLoad, Vehicles: 10, Breach: &BreachPlan{Center: demoCenter, RadiusM: 50, EverySec: 0.01}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.dial = (&wire{}).dial
			if _, err := New(tt.cfg); !errors.Is(err, ErrConfig) {
				t.Errorf("error %v, want ErrConfig", err)
			}
		})
	}
}

// TestRealSocket: a fleet against a plain UDP socket.
func TestRealSocket(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	f, err := New(Config{Kind: KindLoad, Target: server.LocalAddr().String(), Vehicles: 40, Rate: 10, Sockets: 8, Duration: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	addrs := f.Addrs()
	done := make(chan error, 1)
	go func() { done <- f.Run(t.Context()) }()

	decode := oracle(t)
	want := 40*5 + 40*4/2
	buf := make([]byte, 2048)
	for n := range want {
		if err := server.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		size, from, err := server.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatalf("after %d of %d frames: %v", n, want, err)
		}
		fr := decode(buf[:size])
		i := slices.Index(addrs, from)
		if i < 0 || !slices.ContainsFunc(f.Vehicles(), func(v Vehicle) bool { return v.Addr == from && v.SystemID == fr.SystemID }) {
			t.Fatalf("system %d from %v is not in the fleet", fr.SystemID, from)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := f.Stats(); s.Frames != uint64(want) || s.Errors != 0 {
		t.Errorf("%+v, want %d frames", s, want)
	}
}

// TestNoListener: a target that does not listen does not stop the fleet.
func TestNoListener(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	target := server.LocalAddr().String()
	server.Close()
	f, err := New(Config{Kind: KindLoad, Target: target, Vehicles: 5, Rate: 20, Duration: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := f.Stats(); s.Frames+s.Errors+s.Skipped < 5*6 {
		t.Errorf("%+v", s)
	}
}

package sim

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/development"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"

	"testzone/geofence/geo"
)

// behaves gives a vehicle its events.
func (m *member) behaves(t *testing.T, script string) {
	t.Helper()
	events, err := ParseScript(script)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		m.told(&event{Event: e})
	}
}

// TestConduct: what a vehicle answers to HOLD, at 20 s, and what it does then.
func TestConduct(t *testing.T) {
	hold := order{from: &frame.V2Frame{SystemID: 250, ComponentID: 190}, command: cmdSetMode, param1: 1, param2: 17}
	const accepted, denied, failed, waits = "0", "2", "4", "5"
	for _, tc := range []struct {
		name, script string
		answers      string // "seconds:result"
		mode         uint32 // that its heartbeat shows at the end
		still        bool
	}{
		{"obeys", "", "20:" + accepted, 17, true},
		{"refuses it", "m refuse hold", "20:" + denied, 3, false},
		{"refuses another", "m refuse land", "20:" + accepted, 17, true},
		{"refused it before", "m refuse all 19s", "20:" + accepted, 17, true},
		{"late", "m delay 5s", "25:" + accepted, 17, true},
		{"in progress", "m progress 5s", "20:" + waits + " 25:" + accepted, 17, true},
		{"lies with the answer", "m lie ack", "20:" + accepted, 3, false},
		{"lies with the mode", "m lie mode", "20:" + accepted, 17, false},
		{"without a fix", "m 15s fix lost", "20:" + failed, 3, false},
		{"jammed", "m 5s jam", "20:" + failed, 3, false},
		{"the pilot takes over after it", "m 40s pilot takes over", "20:" + accepted, 16, false},
		{"and before it", "m 10s pilot takes over", "20:" + accepted, 17, true},
		{"its link is lost", "m 30s link lost 20s", "20:" + accepted, 6, false},
		{"its link is lost for less than its patience", "m 30s link lost 4s", "20:" + accepted, 17, true},
	} {
		m := obeying(t, &copter)
		m.behaves(t, tc.script)
		answers := ""
		const h = 0.1
		before, u := m.at(0, 0), 0.0
		for i := 1; i < 450; i++ {
			u = float64(i) * h
			at := seconds(u)
			out := m.conduct(at)
			if i == 200 {
				out = append(out, m.attend(hold, at)...)
			}
			for _, a := range out {
				answers += fmt.Sprintf("%d:%d ", i/10, a.(*ardupilotmega.MessageCommandAck).Result)
			}
			s := m.at(u, 0)
			if step := s.at.sub(before.at).norm(); step > copter.agility.cruise*h*1.1+0.01 || math.IsNaN(step) {
				t.Fatalf("%s: at %.1f s it jumps %.2f m", tc.name, u, step)
			}
			before = s
		}
		beat := m.heartbeat(u, before).(*ardupilotmega.MessageHeartbeat)
		if answers != tc.answers+" " || beat.CustomMode != tc.mode || (before.vel.norm() < 0.1) != tc.still {
			t.Errorf("%s: answers %q, want %q; ends in mode %d at %.1f m/s", tc.name, answers, tc.answers, beat.CustomMode, before.vel.norm())
		}
	}
}

// TestDrift: what is carried off does not jump, not when it ends either.
func TestDrift(t *testing.T) {
	m := obeying(t, &boat)
	m.behaves(t, "m 10s drift 2m/s 90 20s")
	for _, tc := range []struct{ at, east float64 }{{10, 0}, {20, 20}, {30, 40}, {40, 20}, {51, 0}} {
		if off, _ := m.drifted(tc.at); math.Abs(off.x-tc.east) > 1e-9 || math.Abs(off.y) > 1e-9 {
			t.Errorf("after %v s it is %+v off, want %v m east", tc.at, off, tc.east)
		}
	}
}

// TestReception: what a receiver and its estimator say in the middle of what befalls them.
func TestReception(t *testing.T) {
	for _, tc := range []struct {
		script                string
		at                    float64
		fix                   uint8
		few, coarse, faulty   bool
		jamming, spoofing     uint8
		offAtLeast, offAtMost float64
	}{
		{"", 50, 3, false, false, false, 1, 1, 0, 0},
		{"m 50s jam 30s", 49, 3, false, false, false, 1, 1, 0, 0},
		{"m 50s jam 30s", 75, 1, true, true, true, 3, 1, 0, 20},
		{"m 50s jam 30s", 81, 1, true, true, true, 1, 1, 0, 20},
		{"m 50s jam 30s", 90, 3, false, false, false, 1, 1, 0, 0},
		{"area 30.9,121.93 3000m 50s jam 30s", 75, 1, true, true, true, 3, 1, 0, 20},
		{"area 31.9,121.93 3000m 50s jam 30s", 75, 3, false, false, false, 1, 1, 0, 0},
		{"m 50s spoof 30s", 60, 3, false, false, false, 1, 3, spoofJumpM, spoofJumpM + 50},
		{"m 50s fix lost 30s", 60, 1, true, true, true, 1, 1, 0, 0},
		{"m 50s glitch 120m 3s", 50.5, 3, false, false, true, 1, 1, 119, 121},
		{"m 50s glitch 120m 3s", 54, 3, false, false, false, 1, 1, 0, 0},
		{"m 50s estimator fails", 60, 3, false, false, true, 1, 1, 0, 0},
	} {
		m := obeying(t, &copter)
		m.behaves(t, tc.script)
		r := m.receives(tc.at)
		off := r.off.norm()
		if r.fix != tc.fix || r.satellites < 6 != tc.few || r.eph > 500 != tc.coarse || r.flags&(flagConstPos|flagGPSGlitch) != 0 != tc.faulty ||
			r.jamming != tc.jamming || r.spoofing != tc.spoofing || off < tc.offAtLeast || off > tc.offAtMost {
			t.Errorf("%q at %v s: %+v", tc.script, tc.at, r)
		}
	}
	reflected := map[int]int{} // fixes off by so many tens of metres
	for i := range 50 {
		m := obeying(t, &rover)
		m.index = i
		m.behaves(t, "m canyon")
		for u := 0.0; u < 600; u += canyonSlotS {
			reflected[int(m.receives(u).off.norm()/10)]++
		}
	}
	if few := reflected[2] + reflected[3] + reflected[4]; few < 20 || few > 150 || reflected[0] < 3000 {
		t.Errorf("reflections of 5000, by tens of metres: %v", reflected)
	}
}

// TestJamOnTheWire: receivers in an area suffer one after the other within seconds, those
// outside do not; the listener's own decoder is asked elsewhere.
func TestJamOnTheWire(t *testing.T) {
	const onset, n = 10 * time.Second, 12
	area := geo.Circle{Center: demoCenter, RadiusM: 150}
	w, f := fly(t, Config{
		Kind: KindLoad, Vehicles: n, Duration: 40 * time.Second, Sockets: n,
		Script: []Event{{Area: &area, Does: Jammed, At: onset, For: 15 * time.Second}},
	})
	decode := oracle(t)
	start := w.log[0].at
	began := map[int]time.Duration{}
	told, faulty := map[int]bool{}, map[int]bool{}
	well := map[int]bool{}
	for _, d := range w.log {
		switch m := decode(d.bytes).Message.(type) {
		case *ardupilotmega.MessageGpsRawInt:
			well[d.socket] = m.FixType == ardupilotmega.GPS_FIX_TYPE_3D_FIX
			if _, is := began[d.socket]; !is && m.FixType < 2 {
				began[d.socket] = d.at.Sub(start) - onset
			}
		case *ardupilotmega.MessageEkfStatusReport:
			faulty[d.socket] = faulty[d.socket] || m.Flags&flagConstPos != 0
		case *development.MessageGnssIntegrity:
			told[d.socket] = told[d.socket] || m.JammingState == 3
		}
	}
	jammed, first, last := 0, time.Hour, time.Duration(0)
	for i := range n {
		p, _, _ := f.At(i, onset)
		in := geo.Distance(p, area.Center) < area.RadiusM-100
		out := geo.Distance(p, area.Center) > area.RadiusM+200 // they move
		at, is := began[i]
		if in && !is || out && (is || told[i]) || is != faulty[i] || !well[i] {
			t.Errorf("vehicle %d, inside %v, outside %v: lost its fix %v after %v, told %v, estimator %v, well in the end %v", i, in, out, is, at, told[i], faulty[i], well[i])
		}
		if is {
			jammed, first, last = jammed+1, min(first, at), max(last, at)
		}
	}
	if jammed < 3 || jammed == n || last-first < 1500*time.Millisecond || last > 25*time.Second || len(told) == 0 {
		t.Errorf("%d of %d jammed, from %v to %v, %d have a receiver that tells", jammed, n, first, last, len(told))
	}
}

// TestLinksOnTheWire: who is lost is not heard; Do and its end work while the fleet runs.
func TestLinksOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		f, err := New(Config{Kind: KindLoad, Vehicles: 3, Sockets: 3, Duration: 60 * time.Second, dial: w.dial,
			Script: []Event{{Vehicle: "uav-1", At: 10 * time.Second, For: 15 * time.Second, Does: LinkLost}}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ran := make(chan error, 1)
		go func() { ran <- f.Run(t.Context()) }()
		time.Sleep(20 * time.Second)
		end, err := f.Do(Event{Vehicle: "load-2", Does: LinkSilent})
		if err != nil {
			t.Fatal(err)
		}
		drop, err := f.Do(Event{Vehicle: "uav-3", Does: LinkDrops, Share: 0.5})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		end()
		drop()
		if err := <-ran; err != nil {
			t.Fatal(err)
		}
		heard := [3][6]int{} // by ten seconds
		for _, d := range w.log {
			heard[d.socket][d.at.Sub(start)/(10*time.Second)]++
		}
		full := heard[0][0]
		for i, want := range [3][6]float64{{1, 0, .5, 1, 1, 1}, {1, 1, 0, 0, 1, 1}, {1, 1, .5, .5, 1, 1}} {
			for k, share := range want {
				if got := float64(heard[i][k]) / float64(full); math.Abs(got-share) > 0.12*min(share*10, 1) {
					t.Errorf("vehicle %d is heard %.2f of the time from %d s on, want %.2f", i+1, got, k*10, share)
				}
			}
		}
	})
}

package sim

import (
	"fmt"
	"math"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
)

// goTo is DO_REPOSITION to a place in the plane, z above home.
func goTo(m *member, at vec) order {
	p := m.plane.point(at)
	return order{
		from: &frame.V2Frame{SystemID: 250, ComponentID: 190}, command: cmdReposition, param1: -1, param2: changeMode,
		at: spot{p.Lat, p.Lon, float32(at.z), common.MAV_FRAME_GLOBAL_RELATIVE_ALT, true},
	}
}

func setTo(mode float32) order {
	return order{from: &frame.V2Frame{}, command: cmdSetMode, param1: 1, param2: mode}
}

// TestGoes: a vehicle that is sent to a place goes there without a jump and stays; and
// goes back to its course when it is let go on.
func TestGoes(t *testing.T) {
	type step struct {
		atS   float64
		order func(m *member) order
	}
	to := func(at vec) func(*member) order { return func(m *member) order { return goTo(m, at) } }
	mode := func(n float32) func(*member) order { return func(*member) order { return setTo(n) } }
	there := func(at vec) func(*member, state) bool {
		return func(m *member, s state) bool { return s.vel.norm() < 0.01 && s.at.sub(at).norm() < 0.1 }
	}
	onCourse := func(m *member, s state) bool {
		for u := 0.0; u < m.course.period; u += 0.1 {
			if m.onCourse(u, 1).at.sub(s.at).norm() < 1 {
				return s.vel.norm() > 3
			}
		}
		return false
	}
	around := func(at vec) func(*member, state) bool { // a fixed wing: within its circle
		return func(m *member, s state) bool {
			return math.Hypot(s.at.x-at.x, s.at.y-at.y) < 2*circleM+1 && math.Abs(s.at.z-at.z) < 0.1 && s.vel.norm() > 10
		}
	}
	for _, c := range []struct {
		name  string
		kind  *kind
		steps []step
		mode  uint32
		ends  func(*member, state) bool
	}{
		{"copter", &copter, []step{{20, to(vec{300, -200, 90})}}, 4, there(vec{300, -200, 90})},
		{"copter straight up", &copter, []step{{20, mode(17)}, {40, to(vec{260, 0, 100})}}, 4, func(m *member, s state) bool { return s.at.z == 100 && s.vel.norm() == 0 }},
		{"copter, down", &copter, []step{{20, to(vec{300, -200, 15})}}, 4, there(vec{300, -200, 15})},
		{"copter, elsewhere on its way", &copter, []step{{20, to(vec{300, -200, 40})}, {35, to(vec{0, 900, 60})}}, 4, there(vec{0, 900, 60})},
		{"copter, asked twice", &copter, []step{{20, to(vec{300, -200, 40})}, {21, to(vec{300, -200, 40})}}, 4, there(vec{300, -200, 40})},
		{"copter, stopped on its way", &copter, []step{{20, to(vec{300, -800, 40})}, {35, mode(17)}}, 17, func(m *member, s state) bool { return s.vel.norm() < 0.01 && s.at.y > -700 }},
		{"copter goes on with its course", &copter, []step{{20, to(vec{300, -200, 90})}, {80, mode(3)}}, 3, onCourse},
		{"copter goes on before it is there", &copter, []step{{20, to(vec{300, -900, 90})}, {60, mode(17)}, {80, mode(3)}}, 3, onCourse},
		{"copter, sent off its way back", &copter, []step{{20, to(vec{300, -200, 90})}, {80, mode(3)}, {85, to(vec{0, 900, 60})}, {200, mode(3)}}, 3, onCourse},
		{"copter is brought home from there", &copter, []step{{20, to(vec{300, -200, 90})}, {80, mode(6)}}, 6, func(m *member, s state) bool { return s.ground }},
		{"wing", &fixedWing, []step{{20, to(vec{300, -1500, 120})}}, 15, around(vec{300, -1500, 120})},
		{"wing, behind it", &fixedWing, []step{{20, to(vec{-1500, 30, 60})}}, 15, around(vec{-1500, 30, 60})},
		{"rover", &rover, []step{{20, to(vec{300, -200, 0})}}, 15, there(vec{300, -200, 0})},
		{"boat", &boat, []step{{20, to(vec{300, -200, 0})}}, 15, there(vec{300, -200, 0})},
		{"boat goes on", &boat, []step{{20, to(vec{300, -200, 0})}, {130, mode(10)}}, 10, onCourse},
	} {
		m, next := obeying(t, c.kind), 0
		before := m.at(0, 0)
		const h = 0.1
		var s state
		for u := h; u < 300; u += h {
			if next < len(c.steps) && u >= c.steps[next].atS {
				o := c.steps[next].order(m)
				if r := m.attend(o, seconds(u))[0].(*ardupilotmega.MessageCommandAck).Result; r != 0 {
					t.Errorf("%s: step %d is answered %v", c.name, next, r)
				}
				next++
			}
			s = m.at(u, 0)
			if step, fastest := s.at.sub(before.at).norm(), c.kind.agility.cruise*h; step > fastest*1.1+0.01 || math.IsNaN(step) {
				t.Fatalf("%s: at %.1f s it jumps %.2f m", c.name, u, step)
			}
			before = s
		}
		if s.mode != c.mode || !c.ends(m, s) {
			t.Errorf("%s: it ends as %+v, want mode %d", c.name, s, c.mode)
		}
	}
}

// TestSent: what a vehicle answers that is sent to a place, and what its mode is then.
func TestSent(t *testing.T) {
	for _, c := range []struct {
		name, script string
		change       func(o *order)
		answers      string // "seconds:result"
		mode         uint32
	}{
		{"obeys", "", nil, "20:0", 4},
		{"refuses it", "m refuse reposition", nil, "20:2", 3},
		{"refuses all", "m refuse all", nil, "20:2", 3},
		{"refuses another", "m refuse hold", nil, "20:0", 4},
		{"late", "m delay 5s", nil, "25:0", 4},
		{"in progress", "m progress 5s", nil, "20:5 25:0", 4},
		{"lies with the answer", "m lie ack", nil, "20:0", 3},
		{"lies with the mode", "m lie mode", nil, "20:0", 4},
		{"without a fix", "m 15s fix lost", nil, "20:4", 3},
		{"as COMMAND_LONG", "", func(o *order) { o.at = spot{} }, "20:8", 3},
		{"above the terrain", "", func(o *order) { o.at.frame = common.MAV_FRAME_GLOBAL_TERRAIN_ALT }, "20:9", 3},
		{"not into the mode for it", "", func(o *order) { o.param2 = 0 }, "20:2", 3},
		{"nowhere", "", func(o *order) { o.at.x = 910000000 }, "20:2", 3},
	} {
		m := obeying(t, &copter)
		m.behaves(t, c.script)
		o, answers := goTo(m, vec{300, -200, 40}), ""
		if c.change != nil {
			c.change(&o)
		}
		for i := 1; i < 400; i++ {
			at := seconds(float64(i) * 0.1)
			out := m.conduct(at)
			if i == 200 {
				out = append(out, m.attend(o, at)...)
			}
			for _, a := range out {
				answers += fmt.Sprintf("%d:%d ", i/10, a.(*ardupilotmega.MessageCommandAck).Result)
			}
		}
		beat := m.heartbeat(40, m.at(40, 0)).(*ardupilotmega.MessageHeartbeat)
		if answers != c.answers+" " || beat.CustomMode != c.mode {
			t.Errorf("%s: answers %q, want %q, and mode %d, want %d", c.name, answers, c.answers, beat.CustomMode, c.mode)
		}
	}
	m := obeying(t, &copter)
	m.doing.Store(&doing{act: lands, mode: 9, rate: 1, ramp: 5})
	if r := m.sent(&order{param2: changeMode, at: goTo(m, vec{}).at}, 100); r != ardupilotmega.MAV_RESULT(common.MAV_RESULT_DENIED) {
		t.Errorf("on the ground it is answered %v", r)
	}
}

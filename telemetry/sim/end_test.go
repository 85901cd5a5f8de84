package sim

import (
	"math"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
)

// TestItsFlightIsEnded: the motors stop, it falls as a stone does, and obeys nothing more.
func TestItsFlightIsEnded(t *testing.T) {
	from := &frame.V2Frame{SystemID: 250, ComponentID: 190}
	answer := func(m *member, at float64, command common.MAV_CMD, p1, p2 float32) common.MAV_RESULT {
		out := m.attend(order{from: from, command: command, param1: p1, param2: p2}, seconds(at))
		return common.MAV_RESULT(out[0].(*ardupilotmega.MessageCommandAck).Result)
	}
	m := obeying(t, &copter)
	m.behaves(t, "m 100s pilot takes over")
	if r := answer(m, 19, cmdTerminate, 0, 0); r != common.MAV_RESULT_DENIED {
		t.Errorf("parameter 0 is answered %v", r)
	}
	before := m.at(20, 0)
	if r := answer(m, 20, cmdTerminate, 1, 0); r != common.MAV_RESULT_ACCEPTED {
		t.Fatalf("answered %v", r)
	}
	s := m.at(21, 0)
	want := before.at.add(before.vel).sub(vec{0, 0, gravity / 2})
	if s.at.sub(want).norm() > 1e-6 || math.Abs(s.vel.z-before.vel.z+gravity) > 1e-6 || s.ground {
		t.Errorf("after a second %+v, want at %+v", s, want)
	}
	beat := m.heartbeat(21, s).(*ardupilotmega.MessageHeartbeat)
	if beat.SystemStatus != ardupilotmega.MAV_STATE_FLIGHT_TERMINATION || beat.BaseMode&ardupilotmega.MAV_MODE_FLAG_SAFETY_ARMED != 0 {
		t.Errorf("it shows %+v", beat)
	}
	if r := answer(m, 21, cmdTerminate, 1, 0); r != common.MAV_RESULT_ACCEPTED {
		t.Errorf("asked again: %v", r)
	}
	for _, command := range []common.MAV_CMD{cmdSetMode, cmdReturn, cmdLand} {
		if r := answer(m, 22, command, 1, 3); r != common.MAV_RESULT_DENIED {
			t.Errorf("command %d after it is answered %v", command, r)
		}
	}
	m.conduct(seconds(101))
	down := 20 + math.Sqrt(2*before.at.z/gravity)
	if s = m.at(down+0.01, 0); !s.ground || s.at.z != 0 || s.vel != (vec{}) || math.Hypot(s.at.x-before.at.x, s.at.y-before.at.y) < 20 {
		t.Errorf("down as %+v", s)
	}
	if later := m.at(200, 0); later != s {
		t.Errorf("later %+v, want %+v", later, s)
	}
}

func TestWhoseFlightDoesNotEnd(t *testing.T) {
	for _, c := range []struct {
		kind   *kind
		script string
		want   common.MAV_RESULT
	}{
		{&copter, "m refuse terminate", common.MAV_RESULT_DENIED},
		{&copter, "m refuse all", common.MAV_RESULT_DENIED},
		{&copter, "m lie ack", common.MAV_RESULT_ACCEPTED},
		{&boat, "m 1h lie ack", common.MAV_RESULT_UNSUPPORTED},
	} {
		m := obeying(t, c.kind)
		m.behaves(t, c.script)
		out := m.attend(order{from: &frame.V2Frame{}, command: cmdTerminate, param1: 1}, seconds(20))
		if r := common.MAV_RESULT(out[0].(*ardupilotmega.MessageCommandAck).Result); r != c.want || m.at(25, 0).ended {
			t.Errorf("%s: answered %v, want %v; ended: %v", c.script, r, c.want, m.at(25, 0).ended)
		}
	}
}

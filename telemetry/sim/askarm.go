package sim

import (
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
)

const (
	idCommandLong = 76

	cmdArmAuthorization = 3001
	zoneSystem          = 250 // whom vehicles ask, see mavlink.SenderConfig
	zoneComponent       = 190
)

// along is how far into its round a vehicle is t seconds after the start of the
// fleet: where it begins, while it waits for the zone's permission to arm.
func (m *member) along(t float64) float64 {
	if !m.asks {
		return t + m.phase
	}
	armed := m.armedAt.Load()
	if armed == 0 {
		return m.phase
	}
	return m.phase + max(t-time.Duration(armed).Seconds(), 0)
}

// stateAt is the state t seconds after the start: one that waits stands on the ground.
func (m *member) stateAt(t, noiseM float64) state {
	s := m.at(t, noiseM)
	if m.asks && m.armedAt.Load() == 0 {
		s.vel, s.at.z, s.ground, s.hold = vec{}, 0, true, true
	}
	return s
}

// armRequest asks for permission; nil: it has it.
func (m *member) armRequest() message.Message {
	if m.armedAt.Load() != 0 {
		return nil
	}
	return &ardupilotmega.MessageCommandLong{
		TargetSystem: zoneSystem, TargetComponent: zoneComponent,
		Command: common.MAV_CMD(cmdArmAuthorization), Param1: float32(m.sysid),
	}
}

// armAnswer obeys: it arms when that is granted, and else asks again.
func (m *member) armAnswer(ack *ardupilotmega.MessageCommandAck, at time.Duration) {
	granted := ack.Command == common.MAV_CMD(cmdArmAuthorization) && ack.Result == ardupilotmega.MAV_RESULT(common.MAV_RESULT_ACCEPTED)
	if m.asks && granted && !m.is(NeverArms, at.Seconds()) {
		m.armedAt.CompareAndSwap(0, max(int64(at), 1))
	}
}

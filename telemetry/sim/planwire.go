package sim

import (
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// planMessage is the target and the kind of a message of the mission protocol.
func planMessage(m message.Message) (system, kind uint8, ok bool) {
	switch m := m.(type) {
	case *ardupilotmega.MessageMissionCount:
		return m.TargetSystem, uint8(m.MissionType), true
	case *ardupilotmega.MessageMissionItemInt:
		return m.TargetSystem, uint8(m.MissionType), true
	case *ardupilotmega.MessageMissionRequestList:
		return m.TargetSystem, uint8(m.MissionType), true
	case *ardupilotmega.MessageMissionRequestInt:
		return m.TargetSystem, uint8(m.MissionType), true
	case *ardupilotmega.MessageMissionAck:
		return m.TargetSystem, uint8(m.MissionType), true
	case *ardupilotmega.MessageMissionClearAll:
		return m.TargetSystem, uint8(m.MissionType), true
	}
	return 0, 0, false
}

func missionType(k vehicles.PlanKind) common.MAV_MISSION_TYPE { return common.MAV_MISSION_TYPE(k) }

func itemOf(m *ardupilotmega.MessageMissionItemInt) vehicles.PlanItem {
	return vehicles.PlanItem{
		Command: uint16(m.Command), Frame: uint8(m.Frame), Params: [4]float32{m.Param1, m.Param2, m.Param3, m.Param4},
		X: m.X, Y: m.Y, Z: m.Z, Current: m.Current != 0, Autocontinue: m.Autocontinue != 0,
	}
}

func oneIf(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

package mavlink

import "fmt"

// MAV_AUTOPILOT values whose modes are known.
const (
	autopilotArduPilot = 3
	autopilotPX4       = 12
)

var arduCopterModes = map[uint32]string{
	0: "stabilize", 2: "altitude hold", 3: "auto", 4: "guided", 5: "loiter", 6: "return", 7: "circle", 9: "land",
	16: "position hold", 17: "brake", 21: "smart return", 27: "auto return",
}

var arduPlaneModes = map[uint32]string{
	0: "manual", 2: "stabilize", 5: "fly by wire A", 6: "fly by wire B", 7: "cruise", 10: "auto", 11: "return",
	12: "loiter", 13: "take-off", 15: "guided", 19: "q loiter", 20: "q land", 21: "q return",
}

var arduRoverModes = map[uint32]string{
	0: "manual", 1: "acro", 3: "steering", 4: "hold", 5: "loiter", 8: "dock", 9: "circle", 10: "auto",
	11: "return", 12: "smart return", 15: "guided",
}

// px4Modes are main mode << 16 | sub mode << 24.
var px4Modes = map[uint32]string{
	0x02040000: "auto take-off", 0x03040000: "hold", 0x04040000: "mission", 0x05040000: "return", 0x06040000: "land",
}

// ModeName names the custom_mode of a heartbeat. What is not in the tables is
// "mode N": a mode is never guessed.
func ModeName(mavType, autopilot uint8, mode uint32) string {
	var table map[uint32]string
	switch {
	case autopilot == autopilotPX4:
		table = px4Modes
	case autopilot != autopilotArduPilot:
	case mavType == 1 || mavType >= 19 && mavType <= 25: // fixed wing, VTOL
		table = arduPlaneModes
	case mavType == 10 || mavType == 11: // rover, boat
		table = arduRoverModes
	case mavType != 12: // a submarine has modes of its own
		table = arduCopterModes
	}
	if name, ok := table[mode]; ok {
		return name
	}
	return fmt.Sprintf("mode %d", mode)
}

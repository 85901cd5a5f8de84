package mavlink

// Flight modes in which sticks steer: the pilot has the vehicle. Numbers are those
// of HEARTBEAT.custom_mode.
var (
	arduCopterByHand = map[uint32]bool{0: true, 1: true, 2: true, 5: true, 11: true, 13: true, 16: true}
	arduPlaneByHand  = map[uint32]bool{0: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 17: true, 18: true, 19: true, 23: true}
	arduRoverByHand  = map[uint32]bool{0: true, 1: true, 3: true, 7: true}
	px4ByHand        = map[uint32]bool{1: true, 2: true, 3: true, 5: true, 7: true} // main modes
)

// ByHand reports whether a flight mode is one in which the pilot steers. Of an
// autopilot whose modes are not known it is false: a mode is never guessed.
func ByHand(mavType, autopilot uint8, mode uint32) bool {
	switch {
	case autopilot == autopilotPX4:
		return px4ByHand[mode>>16&0xff]
	case autopilot != autopilotArduPilot:
		return false
	case mavType == 1 || mavType >= 19 && mavType <= 25: // fixed wing, VTOL
		return arduPlaneByHand[mode]
	case mavType == 10 || mavType == 11: // rover, boat
		return arduRoverByHand[mode]
	}
	return mavType != 12 && arduCopterByHand[mode]
}

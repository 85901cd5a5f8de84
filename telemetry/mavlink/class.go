package mavlink

import "testzone/vehicles"

// Values of MAV_AUTOPILOT and MAV_MODE_FLAG that decide here.
const (
	autopilotInvalid = 8   // "not a flight controller"
	modeArmed        = 128 // MAV_MODE_FLAG_SAFETY_ARMED
)

// classOf tells whether a heartbeat is that of a vehicle's autopilot, and what
// kind of machine it is. A type that is not in the list is no vehicle: new
// peripherals are added to MAV_TYPE more often than new vehicles.
func classOf(mavType, autopilot uint8) (vehicles.Class, bool) {
	if autopilot == autopilotInvalid {
		return vehicles.ClassUnknown, false
	}
	switch mavType {
	case 0: // generic: flies, drives or swims
		return vehicles.ClassUnknown, true
	case 1, 2, 3, 4, // fixed wing, quadrotor, coaxial, helicopter
		7, 8, 9, // airship, free balloon, rocket
		13, 14, 15, 16, 17, // hexa, octo, tricopter, flapping wing, kite
		19, 20, 21, 22, 23, 24, 25, // VTOL kinds
		28, 29, 35, 43, 47: // parafoil, dodeca, deca, generic multirotor, gyrodyne
		return vehicles.UAV, true
	case 10, 46: // ground rover, ground quadruped
		return vehicles.ICV, true
	case 11, 12: // surface boat, submarine
		return vehicles.USV, true
	}
	return vehicles.ClassUnknown, false
}

// statusOf maps MAV_STATE.
func statusOf(state uint8) vehicles.Status {
	switch state {
	case 3:
		return vehicles.Standby
	case 4:
		return vehicles.Active
	case 5:
		return vehicles.Critical
	case 6:
		return vehicles.Emergency
	case 8:
		return vehicles.Terminated
	}
	return vehicles.StatusUnknown // not initialised, booting, calibrating, powering off
}

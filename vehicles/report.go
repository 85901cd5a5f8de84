package vehicles

import "testzone/geofence/geo"

// Fields says which groups of a Report are set.
type Fields uint16

// The groups of a Report.
const (
	HasPosition  Fields = 1 << iota // Fix, Velocity, Heading
	HasAttitude                     // Roll, Pitch, Yaw
	HasHeartbeat                    // Mode, Armed, Status
	HasQuality                      // FixType, Satellites, HDOP, HAccMM, VAccMM
	HasBattery                      // Battery, Voltage
	HasLanded                       // Landed
	HasFenceFlag                    // the vehicle's own view of its on-board fence
	HasEstimator                    // Estimator
	HasSignal                       // Jamming, Spoofing
)

// Unknown values of optional fields.
const (
	HeadingUnknown = 65535
	BatteryUnknown = 255
	AccUnknown     = 0 // HAccMM, VAccMM
	SatsUnknown    = 255
	HDOPUnknown    = 65535
)

// Landed is whether the vehicle stands or moves.
type Landed uint8

// Values as in MAV_LANDED_STATE.
const (
	LandedUnknown Landed = iota
	OnGround
	InAir
	TakingOff
	Landing
)

// Status is the health that the vehicle itself reports.
type Status uint8

// The statuses, from MAV_STATE.
const (
	StatusUnknown Status = iota
	Standby
	Active
	Critical
	Emergency
	Terminated // its flight was ended: the motors stand
)

// Velocity is in cm/s: north, east, down.
type Velocity struct {
	N, E, D int16
}

// Report is one telemetry message of one vehicle. Only the groups named in Has
// are meaningful. It is passed by value in batches and holds no pointers.
type Report struct {
	Handle     Handle
	Has        Fields
	ReceivedUS int64  // server time at which the datagram was read
	BootMS     uint32 // device time: milliseconds since its boot; 0 where the message has none

	Fix      geo.Fix
	Velocity Velocity
	Heading  uint16 // cdeg, HeadingUnknown

	Roll, Pitch, Yaw float32 // rad

	Mode   uint32 // autopilot specific
	Armed  bool
	Status Status

	Landed     Landed
	Breached   bool  // HasFenceFlag: the vehicle says that it is outside its own fence
	FixType    uint8 // GPS fix: 0-1 none, 2 2D, 3 3D and better
	Satellites uint8 // SatsUnknown
	Estimator  Estimator
	HDOP       uint16 // times 100, HDOPUnknown
	HAccMM     uint32
	VAccMM     uint32
	Battery    uint8 // percent, BatteryUnknown
	VoltageMV  uint16

	Jamming, Spoofing Interference
}

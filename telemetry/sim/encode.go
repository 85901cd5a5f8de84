package sim

import (
	"cmp"
	"math"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/development"
	"github.com/bluenviron/gomavlib/v3/pkg/frame"
	"github.com/bluenviron/gomavlib/v3/pkg/message"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"
	"golang.org/x/sys/unix"

	"testzone/geofence/geo"
)

// Message ids that a fleet sends.
const (
	idHeartbeat = 0
	idSysStatus = 1
	idGPSRaw    = 24
	idAttitude  = 30
	idPosition  = 33
	idExtended  = 245
)

const (
	gcsSystemID    = 255
	gcsComponentID = 190 // MAV_COMP_ID_MISSIONPLANNER, customary for ground stations
	gcsAutopilot   = 8   // MAV_AUTOPILOT_INVALID: not a flight controller
)

// sink takes the bytes of one frame.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b[:0], p...)
	return len(p), nil
}

func newFrameWriter(s *sink) (*frame.Writer, error) {
	rw := &dialect.ReadWriter{Dialect: &dialect.Dialect{Version: 3, Messages: []message.Message{
		&ardupilotmega.MessageHeartbeat{},
		&ardupilotmega.MessageSysStatus{},
		&ardupilotmega.MessageGpsRawInt{},
		&ardupilotmega.MessageAttitude{},
		&ardupilotmega.MessageGlobalPositionInt{},
		&ardupilotmega.MessageExtendedSysState{},
		&ardupilotmega.MessageAdsbVehicle{},
		&ardupilotmega.MessageOpenDroneIdBasicId{},
		&ardupilotmega.MessageOpenDroneIdLocation{},
		&ardupilotmega.MessageParamValue{},
		&ardupilotmega.MessageCommandAck{},
		&ardupilotmega.MessageCommandLong{},
		&ardupilotmega.MessageTimesync{},
		&ardupilotmega.MessageAutopilotVersion{},
		&ardupilotmega.MessageHomePosition{},
		&ardupilotmega.MessageMissionRequest{},
		&ardupilotmega.MessageMissionRequestInt{},
		&ardupilotmega.MessageMissionCount{},
		&ardupilotmega.MessageMissionItemInt{},
		&ardupilotmega.MessageMissionAck{},
		&ardupilotmega.MessageMissionCurrent{},
		&ardupilotmega.MessageFenceStatus{},
		&ardupilotmega.MessageEkfStatusReport{},
		&development.MessageGnssIntegrity{},
	}}}
	if err := rw.Initialize(); err != nil {
		return nil, err
	}
	w := &frame.Writer{ByteWriter: s, DialectRW: rw}
	return w, w.Initialize()
}

func newEncoder(w *frame.Writer, sysid, component uint8) (streamwriter.Writer, error) {
	e := streamwriter.Writer{FrameWriter: w, Version: streamwriter.V2, SystemID: sysid, ComponentID: component}
	return e, e.Initialize()
}

// message builds message id of m as it is t seconds after the start.
func (m *member) message(id int, t float64, boot uint32, noiseM float64) (message.Message, geo.Point) {
	s := m.stateAt(t, noiseM)
	r := m.receives(t)
	p := m.plane.point(s.at.add(r.off))
	switch id {
	case idCommandLong:
		return m.armRequest(), p
	case idPosition:
		return &ardupilotmega.MessageGlobalPositionInt{
			TimeBootMs: boot, Lat: p.Lat, Lon: p.Lon,
			Alt: groundMM + round32(s.at.z*1000), RelativeAlt: round32(s.at.z * 1000),
			Vx: int16(round32(s.vel.y * 100)), Vy: int16(round32(s.vel.x * 100)), Vz: int16(round32(-s.vel.z * 100)),
			Hdg: centidegrees(s.heading),
		}, p
	case idAttitude:
		roll, pitch, yaw, yawRate := m.tilt(t, noiseM)
		return &ardupilotmega.MessageAttitude{
			TimeBootMs: boot, Roll: float32(roll), Pitch: float32(pitch), Yaw: float32(yaw), Yawspeed: float32(yawRate),
		}, p
	case idHeartbeat:
		return m.heartbeat(t, s), p
	case idMissionCurrent:
		return m.carried(t), p
	case idFenceStatus:
		return m.fenceStatus(), p
	case idEstimator:
		return r.estimator(), p
	case idIntegrity:
		return r.integrity(m), p
	case idADSB:
		return m.aircraft(t), p
	case idBasicID, idLocation:
		return m.remoteID(id, s, p), p
	case idSysStatus:
		return m.sysStatus(t, s), p
	case idGPSRaw:
		return &ardupilotmega.MessageGpsRawInt{
			TimeUsec: uint64(boot) * 1000, FixType: ardupilotmega.GPS_FIX_TYPE(r.fix),
			Lat: p.Lat, Lon: p.Lon, Alt: groundMM + round32(s.at.z*1000), Eph: r.eph, Epv: r.epv,
			Vel: uint16(math.Round(math.Hypot(s.vel.x, s.vel.y) * 100)),
			Cog: centidegrees(math.Atan2(s.vel.x, s.vel.y)), SatellitesVisible: r.satellites,
			HAcc: metres(r.accM), VAcc: metres(1.5 * r.accM), VelAcc: 300,
		}, p
	default:
		return &ardupilotmega.MessageExtendedSysState{LandedState: m.landed(s)}, p
	}
}

func (m *member) heartbeat(t float64, s state) message.Message {
	if mode := m.pretends.Load(); mode != 0 && m.is(LiesMode, t) {
		s.mode = mode
	}
	h := &ardupilotmega.MessageHeartbeat{
		Type: m.kind.mavType, Autopilot: ardupilotmega.MAV_AUTOPILOT_ARDUPILOTMEGA,
		BaseMode: ardupilotmega.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED | ardupilotmega.MAV_MODE_FLAG_STABILIZE_ENABLED |
			ardupilotmega.MAV_MODE_FLAG_GUIDED_ENABLED | ardupilotmega.MAV_MODE_FLAG_AUTO_ENABLED,
		CustomMode: m.mode(s), SystemStatus: ardupilotmega.MAV_STATE_STANDBY, MavlinkVersion: 3,
	}
	switch {
	case s.ended: // disarmed, as ArduPilot does it
		h.SystemStatus = ardupilotmega.MAV_STATE_FLIGHT_TERMINATION
	case !s.ground:
		h.BaseMode |= ardupilotmega.MAV_MODE_FLAG_SAFETY_ARMED
		h.SystemStatus = ardupilotmega.MAV_STATE_ACTIVE
	}
	return h
}

// mode is the custom_mode: that of an order or of the pilot, which may be 0, or of the course.
func (m *member) mode(s state) uint32 {
	if s.manual {
		return s.mode
	}
	return cmp.Or(s.mode, m.kind.mode)
}

func (m *member) sysStatus(t float64, s state) message.Message {
	const sensors = ardupilotmega.MAV_SYS_STATUS_SENSOR_GPS | ardupilotmega.MAV_SYS_STATUS_SENSOR_MOTOR_OUTPUTS |
		ardupilotmega.MAV_SYS_STATUS_AHRS | ardupilotmega.MAV_SYS_STATUS_SENSOR_BATTERY | ardupilotmega.MAV_SYS_STATUS_PREARM_CHECK
	left := m.battery(t)
	current := int16(1200) // 12 A
	if s.ground || s.hold && !m.kind.flies {
		current = 60
	}
	return &ardupilotmega.MessageSysStatus{
		OnboardControlSensorsPresent: sensors, OnboardControlSensorsEnabled: sensors, OnboardControlSensorsHealth: sensors,
		Load: 250, VoltageBattery: uint16(float64(m.kind.cellsMV) * (0.85 + 0.15*left)),
		CurrentBattery: current, BatteryRemaining: int8(math.Round(100 * left)),
	}
}

// landed is undefined for what never flies, as rovers and boats report it.
func (m *member) landed(s state) ardupilotmega.MAV_LANDED_STATE {
	level := math.Hypot(s.vel.x, s.vel.y)
	switch {
	case !m.kind.flies:
		return ardupilotmega.MAV_LANDED_STATE_UNDEFINED
	case s.ground:
		return ardupilotmega.MAV_LANDED_STATE_ON_GROUND
	case level < 0.1 && s.vel.z > 0.1:
		return ardupilotmega.MAV_LANDED_STATE_TAKEOFF
	case level < 0.1 && s.vel.z < -0.1:
		return ardupilotmega.MAV_LANDED_STATE_LANDING
	}
	return ardupilotmega.MAV_LANDED_STATE_IN_AIR
}

func gcsHeartbeat() message.Message {
	return &ardupilotmega.MessageHeartbeat{
		Type: ardupilotmega.MAV_TYPE_GCS, Autopilot: gcsAutopilot,
		SystemStatus: ardupilotmega.MAV_STATE_ACTIVE, MavlinkVersion: 3,
	}
}

// boot is the device's clock in ms, never the 0 that means "none".
func (m *member) boot(t time.Duration) uint32 {
	if since := time.Duration(m.rebooted.Load()); since > 0 && t > since {
		return 1 + uint32((t - since).Milliseconds())
	}
	return m.bootMS + uint32(t.Milliseconds())
}

// MonotonicUS is the low 32 bits of CLOCK_MONOTONIC in microseconds: what
// MonotonicBoot puts into time_boot_ms. It wraps every 71.6 minutes.
func MonotonicUS() uint32 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0 // cannot happen: the clock exists since Linux 2.6
	}
	return uint32(ts.Nano() / 1000)
}

func round32(v float64) int32 { return int32(math.Round(v)) }

// centidegrees is an angle as MAVLink headings have it, 0..35999.
func centidegrees(rad float64) uint16 {
	d := int(math.Round(rad*18000/math.Pi)) % 36000
	if d < 0 {
		d += 36000
	}
	return uint16(d)
}

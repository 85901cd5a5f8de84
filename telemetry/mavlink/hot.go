package mavlink

import (
	"encoding/binary"
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Message ids of the MAVLink common set that are decoded here.
const (
	idHeartbeat         = 0
	idSysStatus         = 1
	idParamValue        = 22
	idGPSRawInt         = 24
	idAttitude          = 30
	idGlobalPositionInt = 33
	idMissionItem       = 39
	idMissionRequest    = 40
	idMissionCurrent    = 42
	idMissionCount      = 44
	idMissionAck        = 47
	idMissionRequestInt = 51
	idMissionItemInt    = 73
	idCommandAck        = 77
	idTimesync          = 111
	idBatteryStatus     = 147
	idAutopilotVersion  = 148
	idFenceStatus       = 162
	idEKFStatusReport   = 193 // ArduPilot
	idEstimatorStatus   = 230 // PX4
	idHomePosition      = 242
	idExtendedSysState  = 245
	idStatusText        = 253
	idSetupSigning      = 256
	idParamError        = 345
	idGNSSIntegrity     = 441
)

// hotBytes is the longest prefix of a payload that a hot decoder reads.
// Payloads are padded with zeros to it: MAVLink 2 cuts trailing zero bytes.
const hotBytes = 56

func kindOf(id uint32) kind {
	switch id {
	case idHeartbeat, idSysStatus, idGPSRawInt, idAttitude, idGlobalPositionInt,
		idBatteryStatus, idFenceStatus, idExtendedSysState, idEKFStatusReport, idEstimatorStatus, idGNSSIntegrity:
		return hot
	case idHomePosition:
		return cold
	case idMissionCurrent:
		return current
	case idParamValue, idParamError, idMissionItem, idMissionRequest, idMissionCount, idMissionAck, idMissionRequestInt, idMissionItemInt,
		idCommandLong, idCommandAck, idTimesync, idAutopilotVersion, idStatusText:
		return answer
	case idADSBVehicle, idAISVessel, idODIDBasic, idODIDLocation, idODIDSystem, idODIDPack:
		return sighting
	}
	return ignored
}

// decodeHot fills r from a payload of at least hotBytes bytes. noPosition: it is
// a position message whose position is not to be believed; why is accepted or
// BadFloat. It does not allocate.
func decodeHot(id uint32, p []byte, s *session, r *vehicles.Report) (noPosition bool, why Reason) {
	_ = p[hotBytes-1]
	switch id {
	case idHeartbeat:
		r.Has = vehicles.HasHeartbeat
		r.Mode = u32(p, 0)
		r.Armed = p[6]&modeArmed != 0
		r.Status = statusOf(p[7])
	case idGlobalPositionInt:
		return !decodePosition(p, s, r), accepted
	case idAttitude:
		return false, decodeAttitude(p, r)
	case idGPSRawInt:
		s.gpsFix = p[28]
		r.Has = vehicles.HasQuality
		r.FixType, r.Satellites = p[28], p[29]
		r.HDOP = u16(p, 20)
		r.HAccMM, r.VAccMM = u32(p, 34), u32(p, 38) // extensions, 0 when not sent
	case idEKFStatusReport:
		decodeEstimator(u16(p, 20), r)
	case idEstimatorStatus:
		decodeEstimator(u16(p, 40), r)
	case idSysStatus:
		if !s.battery {
			setBattery(r, int8(p[30]), knownMV(uint32(u16(p, 14))))
		}
	case idBatteryStatus:
		decodeBattery(p, s, r)
	case idFenceStatus:
		r.Has = vehicles.HasFenceFlag
		r.Breached = p[6] != 0
	case idGNSSIntegrity:
		decodeSignal(p, s, r)
	case idExtendedSysState:
		r.Has = vehicles.HasLanded
		if l := vehicles.Landed(p[1]); l <= vehicles.Landing {
			r.Landed = l
		}
	}
	return false, accepted
}

// decodePosition reads GLOBAL_POSITION_INT. The message has no validity flag:
// an estimator without origin sends 0/0, and one without GPS fix sends numbers
// that are far off. ok=false: r has no position.
func decodePosition(p []byte, s *session, r *vehicles.Report) (ok bool) {
	r.BootMS = u32(p, 0)
	pt := geo.Point{Lat: i32(p, 4), Lon: i32(p, 8)}
	if pt == (geo.Point{}) || !pt.Valid() || s.gpsFix < 2 {
		return false
	}
	r.Has = vehicles.HasPosition
	r.Fix.Point = pt
	r.Fix.Heights.Set(geo.AMSL, i32(p, 12))
	r.Fix.Heights.Set(geo.Takeoff, i32(p, 16))
	r.Velocity = vehicles.Velocity{N: int16(u16(p, 20)), E: int16(u16(p, 22)), D: int16(u16(p, 24))}
	if r.Heading = u16(p, 26); r.Heading >= 36000 {
		r.Heading = vehicles.HeadingUnknown
	}
	return true
}

func decodeAttitude(p []byte, r *vehicles.Report) Reason {
	r.BootMS = u32(p, 0)
	for off := 4; off < 28; off += 4 {
		// All exponent bits set: NaN or infinity.
		if u32(p, off)&0x7f800000 == 0x7f800000 {
			return BadFloat
		}
	}
	r.Has = vehicles.HasAttitude
	r.Roll, r.Pitch, r.Yaw = f32(p, 4), f32(p, 8), f32(p, 12)
	return accepted
}

// Flags of EKF_STATUS_REPORT and of ESTIMATOR_STATUS; the lower ones are the
// same in both, and each leaves the others' upper ones 0.
const (
	estimatorNeeds  = 0x1 | 0x2 | 0x10              // attitude, horizontal velocity, absolute horizontal position
	estimatorFaults = 0x80 | 0x400 | 0x800 | 0x8000 // constant position; EKF not initialised or GPS glitch; accelerometer error; EKF: GPS glitch
)

func decodeEstimator(flags uint16, r *vehicles.Report) {
	r.Has, r.Estimator = vehicles.HasEstimator, vehicles.EstimatorHealthy
	if flags&estimatorNeeds != estimatorNeeds || flags&estimatorFaults != 0 {
		r.Estimator = vehicles.EstimatorFaulty
	}
}

// signalReceivers is how many receivers of one vehicle are told apart.
const signalReceivers = 4

// decodeSignal reads GNSS_INTEGRITY. Each receiver has messages of its own and a
// Report has room for one: the worst counts.
func decodeSignal(p []byte, s *session, r *vehicles.Report) {
	s.signal[p[8]%signalReceivers] = p[10]&3 | p[11]&3<<2
	if p[10] > 3 || p[11] > 3 {
		s.signal[p[8]%signalReceivers] = 0 // states that nobody defined
	}
	r.Has = vehicles.HasSignal
	for _, v := range s.signal {
		r.Jamming = max(r.Jamming, vehicles.Interference(v&3))
		r.Spoofing = max(r.Spoofing, vehicles.Interference(v>>2))
	}
}

// decodeBattery reads BATTERY_STATUS of battery 0. Other batteries of the same
// vehicle have messages of their own and a Report has room for one.
func decodeBattery(p []byte, s *session, r *vehicles.Report) {
	if p[32] != 0 {
		return
	}
	var mv uint32
	for off := 10; off < 30; off += 2 { // cells 1-10, 65535 unknown or absent
		if v := u16(p, off); v != math.MaxUint16 {
			mv += uint32(v)
		}
	}
	for off := 41; off < 49; off += 2 { // cells 11-14, 0 unknown or absent
		mv += uint32(u16(p, off))
	}
	setBattery(r, int8(p[35]), knownMV(mv))
	s.battery = s.battery || int8(p[35]) >= 0
}

// setBattery sets the group only if something is known, so that a message that
// knows nothing does not wipe out what another one said.
func setBattery(r *vehicles.Report, percent int8, mv uint16) {
	if percent < 0 && mv == 0 {
		return
	}
	r.Has = vehicles.HasBattery
	r.VoltageMV = mv
	r.Battery = vehicles.BatteryUnknown
	if percent >= 0 {
		r.Battery = min(uint8(percent), 100)
	}
}

// knownMV is a voltage that fits a Report, 0 if it is unknown or does not.
func knownMV(mv uint32) uint16 {
	if mv >= math.MaxUint16 {
		return 0
	}
	return uint16(mv)
}

func u16(p []byte, off int) uint16  { return binary.LittleEndian.Uint16(p[off:]) }
func u32(p []byte, off int) uint32  { return binary.LittleEndian.Uint32(p[off:]) }
func i32(p []byte, off int) int32   { return int32(u32(p, off)) }
func f32(p []byte, off int) float32 { return math.Float32frombits(u32(p, off)) }

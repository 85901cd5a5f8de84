package mavlink

import (
	"math"

	"testzone/vehicles"
)

// The broadcast identification of drones, ASTM F3411-22a: as MAVLink's own
// messages, and in the 25-byte encoding inside a message pack.

const (
	odidMessage = 25 // bytes of a message in a pack
	odidMost    = 9  // messages in a pack
	odidSerial  = 1  // id type: serial number (ANSI/CTA-2063-A)

	odidOnGround  = 1 // operational status
	odidEmergency = 3
)

// decodeODID reads OPEN_DRONE_ID_BASIC_ID, _LOCATION, _SYSTEM and _MESSAGE_PACK.
func decodeODID(id uint32, p []byte, s *vehicles.Sighting) Reason {
	switch id {
	case idODIDBasic:
		copy(s.Of[:], p[2:22])
		odidBasic(s, p[22], p[23], p[24:44])
	case idODIDLocation:
		copy(s.Of[:], p[32:52])
		odidLocation(s, &odidPlace{
			lat: i32(p, 0), lon: i32(p, 4), pressureM: f32(p, 8), heightM: f32(p, 12), hourS: f32(p, 20),
			course: u16(p, 24), speed: float64(u16(p, 26)), up: int16(u16(p, 28)), status: p[52],
		})
	case idODIDSystem:
		copy(s.Of[:], p[30:50])
		odidOperator(s, i32(p, 0), i32(p, 4))
	case idODIDPack:
		copy(s.Of[:], p[2:22])
		if p[22] != odidMessage || p[23] < 1 || p[23] > odidMost {
			return Length
		}
		for i := range int(p[23]) {
			odidPacked(s, p[24+i*odidMessage:][:odidMessage])
		}
	}
	return accepted
}

// odidBasic takes an identity. An aircraft may send several; only the serial
// number is the same in every flight and names one machine.
func odidBasic(s *vehicles.Sighting, idType, uaType uint8, id []byte) {
	s.Category = uaType
	s.Has |= vehicles.SeenCategory
	if serial := text(id); idType == odidSerial && len(serial) > 0 {
		s.Serial = vehicles.Text{}
		copy(s.Serial[:], serial)
		s.Has |= vehicles.SeenSerial
	}
}

// odidPlace is a location as both encodings say it, with MAVLink's values for
// unknown.
type odidPlace struct {
	lat, lon           int32
	pressureM, heightM float32 // -1000: unknown
	hourS              float32 // s after the full UTC hour; 65535: unknown
	course             uint16  // cdeg; 36100: unknown
	speed              float64 // cm/s; 25500: unknown
	up                 int16   // cm/s; 6300: unknown
	status             uint8
}

func odidLocation(s *vehicles.Sighting, l *odidPlace) {
	place(s, l.lat, l.lon)
	if mm, ok := odidHeight(l.pressureM); ok {
		s.PressureMM = mm
		s.Has |= vehicles.SeenPressure
	}
	if mm, ok := odidHeight(l.heightM); ok {
		s.HeightMM = mm
		s.Has |= vehicles.SeenWGS84
	}
	if l.course < 36000 {
		setCourse(s, l.course)
		if l.speed <= 25425 {
			setSpeed(s, l.course, l.speed)
		}
	}
	if l.up >= -6200 && l.up <= 6200 {
		s.Velocity.D = -l.up
		s.Has |= vehicles.SeenVertical
	}
	switch l.status {
	case odidOnGround:
		s.Has |= vehicles.SeenOnGround
	case odidEmergency:
		s.Has |= vehicles.SeenEmergency
	}
	s.AgeS = odidAge(l.hourS, s.ReceivedUS)
}

// odidHeight is a height in millimetres, of the range that the standard can say.
func odidHeight(m float32) (mm int32, ok bool) {
	if m > -1000 && m <= 31767.5 { // false for NaN
		return int32(math.Round(float64(m) * 1000)), true
	}
	return 0, false
}

// odidAge is how old a location is by its own time, which says no hour: the one
// that makes the difference smallest. A clock that is a minute off or in the
// future says nothing: then it is as old as its message.
func odidAge(hourS float32, receivedUS int64) uint16 {
	if !(hourS >= 0 && hourS < 3600) {
		return 0
	}
	const hourUS = 3_600_000_000
	age := (receivedUS%hourUS - int64(float64(hourS)*1e6) + hourUS) % hourUS
	if age > 60_000_000 {
		return 0
	}
	return uint16(age / 1_000_000)
}

func odidOperator(s *vehicles.Sighting, lat, lon int32) {
	at := vehicles.Sighting{}
	if place(&at, lat, lon); at.Has != 0 {
		s.Operator = at.Point
		s.Has |= vehicles.SeenOperator
	}
}

// odidPacked reads one message of a pack: F3411-22a tables 5 to 10.
func odidPacked(s *vehicles.Sighting, m []byte) {
	switch m[0] >> 4 { // message type; the low half is the version
	case 0:
		odidBasic(s, m[1]>>4, m[1]&15, m[2:22])
	case 1:
		l := odidPlace{
			lat: i32(m, 5), lon: i32(m, 9), pressureM: odidMetres(u16(m, 13)), heightM: odidMetres(u16(m, 15)),
			hourS: float32(u16(m, 21)) / 10, up: int16(int8(m[4])) * 50, status: m[1] >> 4,
			course: uint16(m[2]) * 100, speed: float64(m[3]) * 25,
		}
		if m[1]&2 != 0 { // the western half
			l.course += 18000
		}
		if m[1]&1 != 0 { // in steps of 0.75 m/s behind those of 0.25
			l.speed = float64(m[3])*75 + 255*25
		}
		odidLocation(s, &l)
	case 4:
		odidOperator(s, i32(m, 2), i32(m, 6))
	}
}

// odidMetres is a height of the packed encoding: half metres above -1000.
func odidMetres(v uint16) float32 { return float32(v)/2 - 1000 }

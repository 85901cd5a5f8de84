package vehicles

import (
	"encoding/hex"
	"fmt"
	"strings"

	"testzone/geofence/geo"
)

// Means is how somebody was seen.
type Means uint8

// The means: ADS-B, the ships' AIS, the broadcast identification of drones (ASTM F3411).
const (
	MeansUnknown Means = iota
	ADSB
	AIS
	RemoteID
)

var meansNames = [...]string{"unknown", "adsb", "ais", "remote_id"}

func (m Means) String() string { return meansNames[m] }

// Seen says which groups of a Sighting are set.
type Seen uint16

// The groups of a Sighting.
const (
	SeenPosition  Seen = 1 << iota // Point
	SeenWGS84                      // HeightMM, above the ellipsoid
	SeenPressure                   // PressureMM
	SeenVelocity                   // N, E
	SeenVertical                   // D
	SeenCourse                     // Course
	SeenSquawk                     // Squawk
	SeenCallsign                   // Callsign
	SeenName                       // Name, of a ship
	SeenSerial                     // Serial
	SeenOperator                   // Operator: where its pilot stands
	SeenCategory                   // Category
	SeenSimulated                  // it says itself that it is none
	SeenOnGround                   // it says that it stands on the ground
	SeenEmergency                  // it says that it is in distress
)

// Text is a short text of a message, padded with NUL.
type Text [20]byte

// String is the text up to the first NUL, without blanks around it. Control
// characters and what is not ASCII become '?': it is shown to people.
func (t Text) String() string {
	s := string(t[:])
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s))
}

// Sighting is what one message says of somebody who is not the sender: an
// aircraft, a ship, a drone. A remote id without Of is about the sender itself.
// It holds no pointers. Only the groups named in Has are meaningful.
type Sighting struct {
	Reporter   Handle
	Means      Means
	Has        Seen
	ReceivedUS int64  // server time at which the datagram was read
	AgeS       uint16 // since the reporter last heard it

	Number uint32 // ADSB: 24-bit address; AIS: MMSI
	Of     Text   // RemoteID: the transmitter, opaque bytes; zero: the sender itself

	Point      geo.Point
	HeightMM   int32
	PressureMM int32 // height in the standard atmosphere: not above sea level
	Velocity   Velocity
	Course     uint16 // cdeg over ground

	Squawk   uint16 // as digits: 7700 is the number 7700
	Category uint8  // ADSB_EMITTER_TYPE, AIS_TYPE or MAV_ODID_UA_TYPE
	Callsign Text
	Name     Text
	Serial   Text // of the aircraft, as registered by its maker
	Operator geo.Point
}

// plain leaves of an id what needs no quoting anywhere.
func plain(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.':
		return r
	}
	return '_'
}

// Own reports whether the sighting is a remote id about the sender itself.
func (s *Sighting) Own() bool { return s.Means == RemoteID && s.Of == Text{} }

// Class is Vessel for ships, Aircraft for everything else.
func (s *Sighting) Class() Class {
	if s.Means == AIS {
		return Vessel
	}
	return Aircraft
}

// ID names who was seen, whoever reported it: icao-780abc, mmsi-412345678,
// rid-<serial number>, or, while that is not known, rid-<transmitter>.
func (s *Sighting) ID(serial Text) VehicleID {
	switch {
	case s.Means == ADSB:
		return VehicleID(fmt.Sprintf("icao-%06x", s.Number&0xffffff))
	case s.Means == AIS:
		return VehicleID(fmt.Sprintf("mmsi-%09d", s.Number))
	case serial != Text{}:
		return VehicleID("rid-" + strings.Map(plain, serial.String()))
	}
	n := len(s.Of)
	for n > 1 && s.Of[n-1] == 0 {
		n--
	}
	return VehicleID("rid-" + hex.EncodeToString(s.Of[:n]))
}

// heldGroups are what holds on beyond the moment of a sighting.
const heldGroups = SeenSquawk | SeenCallsign | SeenName | SeenSerial | SeenOperator | SeenCategory

// Merge takes what holds on from a newer sighting.
func (s *Sighting) Merge(o *Sighting) {
	for _, g := range [...]struct {
		is   Seen
		take func()
	}{
		{SeenSquawk, func() { s.Squawk = o.Squawk }},
		{SeenCallsign, func() { s.Callsign = o.Callsign }},
		{SeenName, func() { s.Name = o.Name }},
		{SeenSerial, func() { s.Serial = o.Serial }},
		{SeenOperator, func() { s.Operator = o.Operator }},
		{SeenCategory, func() { s.Category = o.Category }},
	} {
		if o.Has&g.is != 0 {
			g.take()
		}
	}
	s.Has |= o.Has & heldGroups
}

// Move takes the place, the motion and the state of a newer sighting: all of
// them, so that none is older than the others.
func (s *Sighting) Move(o *Sighting) {
	s.Has = s.Has&heldGroups | o.Has&^heldGroups
	s.Reporter, s.ReceivedUS, s.AgeS = o.Reporter, o.ReceivedUS, o.AgeS
	s.Point, s.HeightMM, s.PressureMM, s.Velocity, s.Course = o.Point, o.HeightMM, o.PressureMM, o.Velocity, o.Course
}

// Distress is what an aircraft says of an emergency: "hijack", "radio" or
// "emergency"; empty: it says of none.
func (s *Sighting) Distress() string {
	squawk := s.Squawk
	if s.Has&SeenSquawk == 0 {
		squawk = 0
	}
	switch {
	case squawk == 7500:
		return "hijack"
	case squawk == 7600:
		return "radio"
	case squawk == 7700, s.Has&SeenEmergency != 0:
		return "emergency"
	}
	return ""
}

package mavlink

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Message ids of what vehicles say of others, and of their own remote id.
const (
	idADSBVehicle  = 246
	idAISVessel    = 301
	idODIDBasic    = 12900
	idODIDLocation = 12901
	idODIDSystem   = 12904
	idODIDPack     = 12915
)

// Traffic takes what vehicles say of others, and of their own remote id. It is
// called by the receiving goroutines, several at once: it must not block, and
// what s points to is valid during the call only.
type Traffic interface {
	Sighted(s *vehicles.Sighting)
}

// How many sightings one reporter may send in a second, and at once: a receiver
// that hears a busy sky reports each aircraft once a second.
const (
	sightings      = 200
	sightingsBurst = 256
)

// sight decodes a sighting and gives it to the Traffic. Any component may report,
// as receivers are often components of their own: it moves no track of the zone.
// It does not allocate.
func (d *decoder) sight(s *session, f *frame) Reason {
	if !s.sightings.take(d.now, perSecond(sightings, sightingsBurst)) {
		return Rate
	}
	p := d.coldPad[:]
	clear(p[copy(p, f.payload):])
	d.sighting = vehicles.Sighting{Reporter: s.handle, ReceivedUS: d.nowUS}
	switch why := decodeSighting(f.id, p, &d.sighting); {
	case why != accepted:
		return why
	case d.sighting.Has == 0:
		d.stats.Ignored++ // it says nothing of use
		return accepted
	}
	d.stats.Sighted++
	d.traffic.Sighted(&d.sighting)
	return accepted
}

// decodeSighting fills s from a payload of 255 bytes. It does not allocate.
func decodeSighting(id uint32, p []byte, s *vehicles.Sighting) Reason {
	switch id {
	case idADSBVehicle:
		decodeADSB(p, s)
	case idAISVessel:
		decodeAIS(p, s)
	default:
		s.Means = vehicles.RemoteID
		return decodeODID(id, p, s)
	}
	return accepted
}

// decodeADSB reads ADSB_VEHICLE. A field counts only if its flag says so.
func decodeADSB(p []byte, s *vehicles.Sighting) {
	s.Means, s.Number = vehicles.ADSB, u32(p, 0)&0xffffff
	s.AgeS, s.Category = uint16(p[37]), p[36]
	s.Has = vehicles.SeenCategory
	flags := u16(p, 22)
	if flags&1 != 0 {
		place(s, i32(p, 4), i32(p, 8))
	}
	if mm := i32(p, 12); flags&2 != 0 && mm != math.MaxInt32 {
		switch p[26] { // ADSB_ALTITUDE_TYPE
		case 0: // called QNH, but a transponder sends the height in the standard atmosphere
			s.PressureMM = mm
			s.Has |= vehicles.SeenPressure
		case 1:
			s.HeightMM = mm
			s.Has |= vehicles.SeenWGS84
		}
	}
	course, speed := u16(p, 16), u16(p, 18)
	if flags&4 != 0 && course < 36000 {
		setCourse(s, course)
		if flags&8 != 0 && speed != math.MaxUint16 {
			setSpeed(s, course, float64(speed))
		}
	}
	if up := int16(u16(p, 20)); flags&128 != 0 && up != math.MaxInt16 {
		s.Velocity.D = -max(up, -math.MaxInt16)
		s.Has |= vehicles.SeenVertical
	}
	if flags&16 != 0 {
		s.Has |= vehicles.SeenCallsign
		copy(s.Callsign[:], text(p[27:36]))
	}
	if code := u16(p, 24); flags&32 != 0 && isSquawk(code) {
		s.Squawk = code
		s.Has |= vehicles.SeenSquawk
	}
	if flags&64 != 0 {
		s.Has |= vehicles.SeenSimulated
	}
}

// isSquawk reports whether the decimal digits of v are four octal ones.
func isSquawk(v uint16) bool {
	for range 4 {
		if v%10 > 7 {
			return false
		}
		v /= 10
	}
	return v == 0
}

// decodeAIS reads AIS_VESSEL. The position has no flag of its own.
func decodeAIS(p []byte, s *vehicles.Sighting) {
	s.Means, s.Number = vehicles.AIS, u32(p, 0)
	s.AgeS, s.Category = u16(p, 22), p[28]
	if s.Number > 999_999_999 {
		return // no MMSI: nothing is known of whom it speaks
	}
	s.Has = vehicles.SeenCategory
	flags := u16(p, 24)
	place(s, i32(p, 4), i32(p, 8))
	course, speed := u16(p, 12), u16(p, 16)
	if flags&2 != 0 && course < 36000 {
		setCourse(s, course)
		if flags&4 != 0 && speed != math.MaxUint16 {
			setSpeed(s, course, float64(speed))
		}
	}
	if flags&2048 != 0 {
		s.Has |= vehicles.SeenCallsign
		copy(s.Callsign[:], text(p[31:38]))
	}
	if flags&4096 != 0 {
		s.Has |= vehicles.SeenName
		copy(s.Name[:], text(p[38:58]))
	}
}

// text is b up to the first NUL: what is behind it is junk.
func text(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

// place sets the position if it is one. Nobody reports from 0/0.
func place(s *vehicles.Sighting, lat, lon int32) {
	if pt := (geo.Point{Lat: lat, Lon: lon}); pt.Valid() && pt != (geo.Point{}) {
		s.Point = pt
		s.Has |= vehicles.SeenPosition
	}
}

func setCourse(s *vehicles.Sighting, cdeg uint16) {
	s.Course = cdeg
	s.Has |= vehicles.SeenCourse
}

// setSpeed makes the velocity of a course and a speed in cm/s. One that does not
// fit is cut: it is 328 m/s.
func setSpeed(s *vehicles.Sighting, cdeg uint16, cms float64) {
	sin, cos := math.Sincos(float64(cdeg) * math.Pi / 18000)
	cms = min(cms, math.MaxInt16)
	s.Velocity.N, s.Velocity.E = int16(math.Round(cms*cos)), int16(math.Round(cms*sin))
	s.Has |= vehicles.SeenVelocity
}

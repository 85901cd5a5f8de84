package sim

import (
	"fmt"
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
)

// Message ids of what the demo's copters say of others and, by remote id, of
// themselves.
const (
	idADSB     = 246
	idBasicID  = 12900
	idLocation = 12901
)

// The demo's aircraft: a police helicopter, heard by copter 1, that circles over
// the northern half of the zone well above what flies there.
const (
	aircraftICAO     = 0x780abc
	aircraftCallsign = "B-7611"
	aircraftMPS      = 60.0
	aircraftRadiusM  = 2500.0
	aircraftNorthM   = 2300.0 // middle of its circle
	aircraftHeightMM = 320_000
)

// listen adds what the copters of the demo say besides to the queues of a group.
func (g *group) listen(mine []*member) {
	q := queue{period: 1e9}
	for _, m := range mine {
		if m.kind != &copter {
			continue
		}
		if m.index == 0 {
			q.streams = append(q.streams, stream{m, idADSB})
		}
		q.streams = append(q.streams, stream{m, idBasicID}, stream{m, idLocation})
	}
	if len(q.streams) > 0 {
		g.queues = append(g.queues, q)
	}
}

// aircraft is what copter 1 hears t seconds after the start; nil: nothing.
func (m *member) aircraft(t float64) message.Message {
	if h := m.group.fleet.cfg.Helicopter; h != nil {
		return h.heard(t)
	}
	angle := t * aircraftMPS / aircraftRadiusM // clockwise from north
	p := m.plane.point(vec{x: aircraftRadiusM * math.Sin(angle), y: aircraftNorthM + aircraftRadiusM*math.Cos(angle)})
	return &ardupilotmega.MessageAdsbVehicle{
		IcaoAddress: aircraftICAO, Lat: p.Lat, Lon: p.Lon, AltitudeType: ardupilotmega.ADSB_ALTITUDE_TYPE_GEOMETRIC,
		Altitude: aircraftHeightMM, Heading: centidegrees(angle + math.Pi/2), HorVelocity: aircraftMPS * 100, Callsign: aircraftCallsign,
		EmitterType: ardupilotmega.ADSB_EMITTER_TYPE_ROTOCRAFT, Squawk: 3412,
		Flags: ardupilotmega.ADSB_FLAGS_VALID_COORDS | ardupilotmega.ADSB_FLAGS_VALID_ALTITUDE | ardupilotmega.ADSB_FLAGS_VALID_HEADING |
			ardupilotmega.ADSB_FLAGS_VALID_VELOCITY | ardupilotmega.ADSB_FLAGS_VALID_CALLSIGN | ardupilotmega.ADSB_FLAGS_VALID_SQUAWK |
			ardupilotmega.ADSB_FLAGS_VERTICAL_VELOCITY_VALID | ardupilotmega.ADSB_FLAGS_SIMULATED,
	}
}

// remoteID is a copter's own: id_or_mac is zero, so it is about the sender.
func (m *member) remoteID(id int, s state, p geo.Point) message.Message {
	if id == idBasicID {
		b := &ardupilotmega.MessageOpenDroneIdBasicId{
			IdType: ardupilotmega.MAV_ODID_ID_TYPE_SERIAL_NUMBER, UaType: ardupilotmega.MAV_ODID_UA_TYPE_HELICOPTER_OR_MULTIROTOR,
		}
		copy(b.UasId[:], fmt.Sprintf("9999CDEMO%07d", m.index+1)) // CTA-2063-A: maker, length, number
		return b
	}
	height := float64(groundMM)/1000 + s.at.z
	l := &ardupilotmega.MessageOpenDroneIdLocation{
		Status: ardupilotmega.MAV_ODID_STATUS_AIRBORNE, Latitude: p.Lat, Longitude: p.Lon, AltitudeBarometric: -1000,
		AltitudeGeodetic: float32(height + geo.Undulation(p)), Height: float32(s.at.z), Timestamp: math.MaxUint16,
		Direction: centidegrees(math.Atan2(s.vel.x, s.vel.y)), SpeedHorizontal: uint16(math.Round(math.Hypot(s.vel.x, s.vel.y) * 100)),
		SpeedVertical: int16(math.Round(s.vel.z * 100)),
	}
	if s.ground {
		l.Status = ardupilotmega.MAV_ODID_STATUS_GROUND
	}
	return l
}

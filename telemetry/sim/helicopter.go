package sim

import (
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
)

// A helicopter that says nothing else comes through the middle of the fleet, three
// minutes after its start.
const (
	helicopterFromM   = 9000.0
	helicopterMPS     = 50.0
	helicopterHeightM = 130.0
)

// Helicopter is an aircraft that the first vehicle of a fleet hears by ADS-B once a
// second: it flies straight on from the start of the fleet.
type Helicopter struct {
	ICAO     uint32    // 24 bits; default 780abc
	Callsign string    // default RESCUE1
	From     geo.Point // none: through the middle of the fleet, from the west
	Course   float64   // degrees
	MPS      float64
	HeightM  float64 // above the ellipsoid
	SilentS  float64 // it is not heard any more after so many seconds; 0: it always is
}

// heard is what it says t seconds after the start; nil: it is silent.
func (h *Helicopter) heard(t float64) message.Message {
	if h.SilentS > 0 && t >= h.SilentS {
		return nil
	}
	icao, callsign := h.ICAO, h.Callsign
	if icao == 0 {
		icao = aircraftICAO
	}
	if callsign == "" {
		callsign = "RESCUE1"
	}
	at := geo.Destination(h.From, h.Course, h.MPS*t)
	return &ardupilotmega.MessageAdsbVehicle{
		IcaoAddress: icao, Lat: at.Lat, Lon: at.Lon, AltitudeType: ardupilotmega.ADSB_ALTITUDE_TYPE_GEOMETRIC,
		Altitude: int32(math.Round(h.HeightM * 1000)), Heading: centidegrees(h.Course * math.Pi / 180), HorVelocity: uint16(math.Round(h.MPS * 100)),
		Callsign: callsign, EmitterType: ardupilotmega.ADSB_EMITTER_TYPE_ROTOCRAFT, Squawk: 20,
		Flags: ardupilotmega.ADSB_FLAGS_VALID_COORDS | ardupilotmega.ADSB_FLAGS_VALID_ALTITUDE | ardupilotmega.ADSB_FLAGS_VALID_HEADING |
			ardupilotmega.ADSB_FLAGS_VALID_VELOCITY | ardupilotmega.ADSB_FLAGS_VALID_CALLSIGN | ardupilotmega.ADSB_FLAGS_VALID_SQUAWK |
			ardupilotmega.ADSB_FLAGS_VERTICAL_VELOCITY_VALID | ardupilotmega.ADSB_FLAGS_SIMULATED,
	}
}

package main

import (
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
)

// Two drones report one aircraft; it is one track, of traffic, and its position is
// that of the newest sighting. A drone that says of itself where it is not is told.
func TestTrafficEndToEnd(t *testing.T) {
	p := serve(t, t.TempDir())
	client := p.live()
	a, b := newTestVehicle(t, p.dial(), 7, 1, ardupilotmega.MAV_TYPE_QUADROTOR), newTestVehicle(t, p.dial(), 8, 1, ardupilotmega.MAV_TYPE_QUADROTOR)
	seen := func(lat float64, age uint8) *ardupilotmega.MessageAdsbVehicle {
		m := &ardupilotmega.MessageAdsbVehicle{
			IcaoAddress: 0x780abc, Lat: int32(lat * 1e7), Lon: 1_219_350_000, Altitude: 300_000, AltitudeType: ardupilotmega.ADSB_ALTITUDE_TYPE_GEOMETRIC,
			Heading: 9000, HorVelocity: 6000, Callsign: "B7611", EmitterType: ardupilotmega.ADSB_EMITTER_TYPE_ROTOCRAFT, Tslc: age, Squawk: 7700,
			Flags: ardupilotmega.ADSB_FLAGS_VALID_COORDS | ardupilotmega.ADSB_FLAGS_VALID_ALTITUDE | ardupilotmega.ADSB_FLAGS_VALID_HEADING |
				ardupilotmega.ADSB_FLAGS_VALID_VELOCITY | ardupilotmega.ADSB_FLAGS_VALID_CALLSIGN | ardupilotmega.ADSB_FLAGS_VALID_SQUAWK,
		}
		return m
	}
	for _, v := range []*testVehicle{a, b} {
		v.send(v.heartbeat())
		v.send(at(30.9009, 121.935, 60, 1000))
	}
	a.send(seen(30.95, 1))
	b.send(seen(30.96, 0))
	b.send(&ardupilotmega.MessageAisVessel{Mmsi: 412345678, Lat: 309_500_000, Lon: 1_219_400_000, Name: "HAI XUN 01", Flags: ardupilotmega.AIS_FLAGS_VALID_NAME})
	var list struct {
		Items []struct {
			ID, Class, Name, Distress string
			Squawk                    *int
			Position                  struct{ Lat float64 }
			Reporters                 []struct{ ID string }
			Verified                  bool
		}
	}
	p.until(5*time.Second, func() string {
		p.get("/v1/traffic", &list)
		switch {
		case len(list.Items) != 2:
			return "an aircraft and a ship"
		case len(list.Items[0].Reporters) != 2:
			return "two reporters"
		case client.heard(func(m map[string]any) bool { return m["t"] == "dict" }) == 0:
			return "the dictionary of the live channel"
		}
		return ""
	})
	plane, ship := list.Items[0], list.Items[1]
	if plane.ID != "icao-780abc" || plane.Class != "aircraft" || plane.Name != "B7611" || plane.Position.Lat != 30.96 || plane.Distress != "emergency" || *plane.Squawk != 7700 || plane.Verified {
		t.Errorf("the aircraft: %+v", plane)
	}
	if ship.ID != "mmsi-412345678" || ship.Class != "vessel" || ship.Name != "HAI XUN 01" {
		t.Errorf("the ship: %+v", ship)
	}
	if got := p.tracks(); len(got) != 2 {
		t.Errorf("traffic is among the zone's vehicles: %+v", got)
	}
}

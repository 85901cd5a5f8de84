package web

import (
	"strings"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// helicopter is a sighting of an aircraft in distress.
func helicopter(by vehicles.Handle) *vehicles.Sighting {
	s := &vehicles.Sighting{
		Reporter: by, Means: vehicles.ADSB, Number: 0x780abc, AgeS: 1, ReceivedUS: time.Now().UnixMicro(), Category: 7, Squawk: 7700,
		Has: vehicles.SeenPosition | vehicles.SeenPressure | vehicles.SeenVelocity | vehicles.SeenCourse | vehicles.SeenCallsign |
			vehicles.SeenSquawk | vehicles.SeenCategory | vehicles.SeenSimulated,
		Point: geo.Point{Lat: 309_000_000, Lon: 1_219_200_000}, PressureMM: 300_000, Velocity: vehicles.Velocity{E: 5000}, Course: 9000,
	}
	copy(s.Callsign[:], "RESCUE1")
	return s
}

func TestTraffic(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	v := z.open(1, vehicles.UAV)
	z.traffic.Sighted(helicopter(v.Handle))
	var list TrafficList
	r := z.call(observerToken, "GET", "/v1/traffic", "")
	r.json(t, &list)
	if len(list.Items) != 1 {
		t.Fatalf("%s", r.body)
	}
	var one TrafficTrack
	z.call(observerToken, "GET", "/v1/traffic/icao-780abc", "").json(t, &one)
	switch {
	case one.Class != "aircraft", one.Means != "adsb", one.Name != "RESCUE1", one.Verified, !one.Simulated:
		t.Errorf("who it is: %+v", one)
	case one.Distress != "emergency", *one.Squawk != 7700, *one.Category != 7:
		t.Errorf("what it says: %+v", one)
	case one.Position != Position{Lat: 30.9, Lon: 121.92}, *one.Speed != 50, *one.Course != 90, one.Climb != nil, one.Age < 1:
		t.Errorf("how it moves: %+v", one)
	case one.Heights.AMSL != nil, *one.PressureM != 300, *one.PressureBy != 550:
		t.Errorf("a height of pressure is not above sea level: %+v", one)
	case len(one.Reporters) != 1, one.Reporters[0].ID != string(v.ID):
		t.Errorf("who reports it: %+v", one.Reporters)
	}
	if r := z.call(observerToken, "GET", "/v1/traffic/icao-000001", ""); r.StatusCode != 404 || r.problem(t).Code != "not_found" {
		t.Errorf("unknown: %d %s", r.StatusCode, r.body)
	}
	if body := z.call(observerToken, "GET", "/v1/tracks", "").body; strings.Contains(string(body), "icao-") {
		t.Errorf("it is among the zone's own: %s", body)
	}
}

// The live channel shows traffic by name to everybody.
func TestLiveTraffic(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.traffic.Sighted(helicopter(z.open(1, vehicles.UAV).Handle))
	c := z.live("Authorization", "Bearer "+observerToken)
	c.hello()
	h := uint32(z.traffic.Tracks(telemetry.WholeZone())[0].Vehicle.Handle)
	c.until("its record", func() bool { _, ok := c.fleet[h]; return ok })
	if c.dict[h] != "icao-780abc" {
		t.Errorf("dictionary %v", c.dict)
	}
}

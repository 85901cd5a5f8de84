package sim

import (
	"math"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/geofence/geo"
)

// TestDemoTraffic flies a round of the demo's aircraft: what copter 1 hears moves
// as it says, and every remote id is where its copter is.
func TestDemoTraffic(t *testing.T) {
	w, f := fly(t, Config{Kind: KindDemo, Duration: 5 * time.Minute})
	decode := oracle(t)
	var last geo.Point
	heard, where := 0, map[uint8]geo.Point{}
	for _, d := range w.log {
		fr := decode(d.bytes)
		switch m := fr.Message.(type) {
		case *ardupilotmega.MessageAdsbVehicle:
			heard++
			p := geo.Point{Lat: m.Lat, Lon: m.Lon}
			if last != (geo.Point{}) {
				north, east := geo.Offset(last, p)
				course := math.Mod(math.Atan2(east, north)*180/math.Pi+360, 360)
				off := math.Abs(math.Mod(course-float64(m.Heading)/100+540, 360) - 180)
				if speed := math.Hypot(north, east); math.Abs(speed-aircraftMPS) > 1 || off > 2 {
					t.Fatalf("it moves %.1f m in a second, %.1f degrees off what it says", speed, off)
				}
			}
			last = p
			if m.IcaoAddress != aircraftICAO || m.Flags&ardupilotmega.ADSB_FLAGS_SIMULATED == 0 {
				t.Fatalf("it says %+v", m)
			}
		case *ardupilotmega.MessageGlobalPositionInt:
			where[fr.SystemID] = geo.Point{Lat: m.Lat, Lon: m.Lon}
		case *ardupilotmega.MessageOpenDroneIdLocation:
			p := geo.Point{Lat: m.Latitude, Lon: m.Longitude}
			if at, ok := where[fr.SystemID]; ok && geo.Distance(p, at) > 20 || m.IdOrMac != [20]uint8{} {
				t.Fatalf("remote id of %d is %.0f m off", fr.SystemID, geo.Distance(p, at))
			}
		}
	}
	if heard != 300 || f.Stats().ByMessage[idADSB] != 300 {
		t.Errorf("heard %d times", heard)
	}
}

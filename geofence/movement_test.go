package geofence

import (
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestWeigh: what a sample is as a movement does not depend on fences, and no
// step is taken by asking.
func TestWeigh(t *testing.T) {
	at := func(lat float64) geo.Fix {
		p, err := geo.PointAt(lat, 121)
		if err != nil {
			t.Fatal(err)
		}
		return geo.Fix{Point: p}
	}
	for _, tc := range []struct {
		name   string
		class  vehicles.Class
		smp    Sample
		want   Movement
		dtUS   int64
		metres int
	}{
		{"a step", vehicles.UAV, Sample{Fix: at(31.0001), BootMS: 1100, ReceivedUS: 2e6}, Plausible, 100_000, 0},
		{"the same place, later", vehicles.UAV, Sample{Fix: at(31), BootMS: 1100, ReceivedUS: 2e6}, Plausible, 100_000, 0},
		{"an aircraft's step", vehicles.UAV, Sample{Fix: at(31.0002), BootMS: 1100, ReceivedUS: 2e6}, Plausible, 100_000, 0},
		{"too far for a boat", vehicles.USV, Sample{Fix: at(31.0002), BootMS: 1100, ReceivedUS: 2e6}, Teleport, 100_000, 22},
		{"a kilometre, and no fence near", vehicles.UAV, Sample{Fix: at(31.01), BootMS: 1100, ReceivedUS: 2e6}, Teleport, 100_000, 1109},
		{"a kilometre in half a minute", vehicles.UAV, Sample{Fix: at(31.01), BootMS: 31_000, ReceivedUS: 2e6}, Plausible, 30_000_000, 0},
		{"the device's clock decides", vehicles.UAV, Sample{Fix: at(31.01), BootMS: 1100, ReceivedUS: 90e6}, Teleport, 100_000, 1109},
		{"farther than is judged as a line", vehicles.UAV, Sample{Fix: at(31.5), BootMS: 3_600_000, ReceivedUS: 2e6}, Teleport, 3_599_000_000, 55437},
		{"late", vehicles.UAV, Sample{Fix: at(31.01), BootMS: 900, ReceivedUS: 2e6}, NoMovement, 0, 0},
		{"once more", vehicles.UAV, Sample{Fix: at(31), BootMS: 1000, ReceivedUS: 2e6}, NoMovement, 0, 0},
		{"off the globe", vehicles.UAV, Sample{Fix: geo.Fix{Point: geo.Point{Lat: 910_000_000}}, BootMS: 1100, ReceivedUS: 2e6}, NoMovement, 0, 0},
		{"a new run", vehicles.UAV, Sample{Fix: at(31.0001), BootMS: 5, ReceivedUS: 2e6}, NewRun, 1_000_000, 0},
	} {
		s := NewEngine(Config{}).NewShard()
		s.Admit(1, Subject{Class: tc.class})
		first := Sample{Fix: at(31), BootMS: 1000, ReceivedUS: 1e6}
		if tc.want == NewRun {
			first.BootMS = 60_000_000 // the source's clock goes far back
		}
		var j Jumped
		if m, _ := s.Weigh(1, &first, &j); m != NewRun {
			t.Errorf("%s: the first fix is %v", tc.name, m)
		}
		s.Step(1, &first, nil)
		for range 2 { // asking changes nothing
			m, dt := s.Weigh(1, &tc.smp, &j)
			if m != tc.want || dt != tc.dtUS {
				t.Errorf("%s: %v after %d µs, want %v after %d", tc.name, m, dt, tc.want, tc.dtUS)
			}
		}
		if metres := int(j.DistanceM + 0.5); metres != tc.metres {
			t.Errorf("%s: jumped %d m, want %d", tc.name, metres, tc.metres)
		}
		if tc.want == Teleport && (j.Handle != 1 || j.Before != first.Fix || j.After != tc.smp.Fix || j.DtUS != tc.dtUS) {
			t.Errorf("%s: %+v", tc.name, j)
		}
	}
}

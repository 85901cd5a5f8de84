package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// newTrafficSeparator is a separator that knows of traffic.
func newTrafficSeparator(t *testing.T) (*separatorRig, *trafficRig) {
	t.Helper()
	tr := newTrafficRig(t)
	s, err := NewSeparator(SeparatorConfig{Pipeline: tr.Pipeline, Bus: tr.bus, Traffic: tr.Traffic})
	if err != nil {
		t.Fatal(err)
	}
	return &separatorRig{pipelineRig: tr.pipelineRig, Separator: s}, tr
}

// search is one search of now, and what it told.
func (r *separatorRig) search(t *testing.T) string {
	t.Helper()
	synctest.Wait()
	views, err := r.Pipeline.Tracks(t.Context(), WholeZone())
	if err != nil {
		t.Fatal(err)
	}
	r.look(views)
	return r.events(0, r.heard)
}

func TestSeparationFromTraffic(t *testing.T) {
	const metre = 90 // degE7 of latitude, about
	for _, c := range []struct {
		name   string
		change func(s *vehicles.Sighting)
		want   bool
		offM   float64
	}{
		{"400 m beside, same height of pressure", func(*vehicles.Sighting) {}, true, pressureOffM},
		{"600 m beside", func(s *vehicles.Sighting) { s.Point.Lat = 600 * metre }, false, 0},
		{"400 m above by pressure, which may be off by more", func(s *vehicles.Sighting) { s.PressureMM += 400_000 }, true, pressureOffM},
		{"700 m above by pressure", func(s *vehicles.Sighting) { s.PressureMM += 700_000 }, false, 0},
		{"no height", func(s *vehicles.Sighting) { s.Has &^= vehicles.SeenPressure }, true, 0},
		{"on the ground", func(s *vehicles.Sighting) { s.Has |= vehicles.SeenOnGround }, false, 0},
		{"a ship is no danger to an aircraft", func(s *vehicles.Sighting) { s.Means = vehicles.AIS }, false, 0},
		{"silent about where it is for 30 s", func(s *vehicles.Sighting) { s.ReceivedUS -= 31_000_000 }, false, 0},
		{"400 m above the ellipsoid, which is 300 m above this one", func(s *vehicles.Sighting) {
			s.Has = s.Has&^vehicles.SeenPressure | vehicles.SeenWGS84
			s.HeightMM = 300_000 + int32(1000*geo.Undulation(s.Point)) + 400_000
		}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, tr := newTrafficSeparator(t)
				defer r.stop()
				own := tr.verified(t, "uav-a")
				r.Reports([]vehicles.Report{r.at(own, 0, 0, 300_000)})
				s := aircraft(own, 1, 400*metre, 0, 0)
				s.Velocity = vehicles.Velocity{}
				c.change(s)
				tr.Sighted(s)
				if got := r.search(t); got != "" != c.want {
					t.Fatalf("%q", got)
				}
				if on := r.Ongoing(); c.want && (on[0].A.ID != "uav-a" || on[0].B.ID != "icao-000001" || on[0].Conflict.HeightOffM != c.offM) {
					t.Errorf("%v and %v, off by %g m", on[0].A.ID, on[0].B.ID, on[0].Conflict.HeightOffM)
				}
			})
		})
	}
}

// Two aircraft that are not the zone's are nobody's conflict here.
func TestTrafficIsNotSeparatedFromTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, tr := newTrafficSeparator(t)
		defer r.stop()
		own := tr.verified(t, "uav-a")
		tr.Sighted(aircraft(own, 1, 0, 0, 0))
		tr.Sighted(aircraft(own, 2, 0, 0, 0))
		if got := r.search(t); got != "" {
			t.Errorf("%q", got)
		}
	})
}

// A vehicle is not in conflict with itself as others hear it: at once where an
// address or a serial number says so, else once it moved alike for 10 s.
func TestVehicleIsNotInConflictWithItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, tr := newTrafficSeparator(t)
		defer r.stop()
		own := tr.verified(t, "uav-a")
		fly := func(lat int32) {
			v := r.at(own, lat, 0, 300_000)
			v.Velocity = vehicles.Velocity{N: 1000}
			r.Reports([]vehicles.Report{v})
			s := aircraft(own, 1, lat+100, 0, 0)
			s.Velocity = v.Velocity
			tr.Sighted(s)
		}
		tr.same = own
		if fly(0); r.search(t) != "" {
			t.Error("known by its address, in conflict all the same")
		}
		tr.same = 0
		var told string
		for i := range int32(16) { // 10 m/s northwards
			fly(i * 900)
			if got := r.search(t); got != "" {
				told += got + "; "
			}
			if i == 9 && told != "+1-2; " {
				t.Errorf("before 10 s: %q", told)
			}
			time.Sleep(time.Second)
		}
		if told != "+1-2; -1-2 same_vehicle; " {
			t.Errorf("%q", told)
		}
		s := aircraft(own, 1, 20_000, 0, 0) // 200 m away: it is another after all
		tr.Sighted(s)
		if got := r.search(t); got != "+1-2" {
			t.Errorf("parted: %q", got)
		}
	})
}

package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestBreachIsForeseenInAnEmergency: a vehicle that declares an emergency, or
// whose heartbeat stops while its positions go on, flies on towards a keep-out.
func TestBreachIsForeseenInAnEmergency(t *testing.T) {
	for _, tc := range []struct {
		name  string
		beat  bool
		state vehicles.Status
	}{{"normal", true, 0}, {"emergency", true, vehicles.Emergency}, {"link lost", false, 0}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newPipelineRig(t, 1)
				r.cfg.LookAheadS = 30
				defer r.stop()
				id, err := r.registry.OpenUnverified(vehicles.Source{Listener: "l", SystemID: 1}, vehicles.UAV, "op")
				if err != nil {
					t.Fatal(err)
				}
				c, err := geofence.Compile(geofence.Fence{ID: "f", Kind: geofence.KeepOut, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
					geo.Moved(edge, 0, -100), geo.Moved(edge, 0, 100), geo.Moved(edge, 200, 100), geo.Moved(edge, 200, -100)}}}}})
				if err != nil {
					t.Fatal(err)
				}
				if err := r.SetFences(t.Context(), []*geofence.Compiled{c}); err != nil {
					t.Fatal(err)
				}
				foreseen := false
				for i := range 200 {
					time.Sleep(100 * time.Millisecond)
					pos := fix(id.Handle, 0, 0, uint32(1000+100*i))
					pos.Fix.Point, pos.Velocity = geo.Moved(edge, float64(i)-400, 0), vehicles.Velocity{N: 1000}
					batch := []vehicles.Report{pos}
					if tc.beat || i == 0 {
						beat := heartbeatOf(id.Handle)
						beat.ReceivedUS, beat.Armed, beat.Status = pos.ReceivedUS, true, tc.state
						batch = append(batch, beat)
					}
					r.Reports(batch)
					synctest.Wait()
				}
				tracks, err := r.Tracks(t.Context(), WholeZone())
				if err != nil || len(tracks) != 1 || (tracks[0].Track.Link == vehicles.LinkLost) == tc.beat {
					t.Fatalf("%s: %+v, %v", tc.name, tracks, err)
				}
				events, _ := r.heard.Take()
				for _, e := range events {
					if p, ok := e.Body.(*Prediction); ok && p.Began {
						foreseen = true
					}
				}
				if !foreseen {
					t.Errorf("%s: from 400 m to 200 m before the fence at 10 m/s nothing is foreseen", tc.name)
				}
			})
		})
	}
}

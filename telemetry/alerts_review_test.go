package telemetry

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestOpenAlertsAreBreaches moves a vehicle and the fences at random. A second
// later every breach has an open alert of its type, whatever was held back; when
// the vehicle has kept far away for some seconds, no alert is open.
func TestOpenAlertsAreBreaches(t *testing.T) {
	for round := range 20 {
		synctest.Test(t, func(t *testing.T) { alertsFollow(t, rand.New(rand.NewPCG(4, uint64(round))), round) })
	}
}

func alertsFollow(t *testing.T, rng *rand.Rand, round int) {
	r := newBreachRig(t, []vehicles.Class{vehicles.UAV, vehicles.USV}[rng.IntN(2)], true, geofence.Fence{Kind: geofence.KeepOut})
	defer r.stop()
	rev := uint64(10)
	set := map[string]*geofence.Compiled{}
	publish := func() {
		var all []*geofence.Compiled
		for _, c := range set {
			all = append(all, c)
		}
		if err := r.SetFences(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	fence := func(id string) *geofence.Compiled {
		rev++
		f := geofence.Fence{ID: id, Name: id, Rev: rev, Kind: []geofence.Kind{geofence.KeepOut, geofence.KeepIn, geofence.SpeedLimit}[rng.IntN(3)]}
		switch f.Kind {
		case geofence.KeepIn:
			f.Group = []string{"", "g"}[rng.IntN(2)]
		case geofence.SpeedLimit:
			f.SpeedMPS = 5
		}
		south := float64(rng.IntN(40) - 20)
		f.Shape.Polygons = []geo.Polygon{{Outer: geo.Ring{
			geo.Moved(edge, south, -100), geo.Moved(edge, south, 100), geo.Moved(edge, 100, 100), geo.Moved(edge, 100, -100)}}}
		c, err := geofence.Compile(f)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	north, speed := -5.0, int16(0)
	report := func() {
		time.Sleep(100 * time.Millisecond)
		r.boot += 100
		pos := fix(r.id.Handle, 0, 0, r.boot)
		pos.Fix.Point = geo.Moved(edge, north, 0)
		pos.Velocity = vehicles.Velocity{N: speed}
		q := r.quality
		q.Handle, q.ReceivedUS = r.id.Handle, pos.ReceivedUS
		r.Reports([]vehicles.Report{q, pos})
		synctest.Wait()
	}
	for step := range 150 {
		switch rng.IntN(6) {
		case 0:
			id := fmt.Sprint("f", rng.IntN(4))
			if rng.IntN(3) == 0 {
				delete(set, id)
			} else {
				set[id] = fence(id)
			}
			publish()
		case 1:
			speed = int16(rng.IntN(3)) * 450
		case 2:
			north = float64(rng.IntN(60) - 30)
		default:
			north += float64(rng.IntN(5) - 2)
		}
		report()
		if rng.IntN(4) > 0 {
			continue
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		open := map[alertKey]bool{}
		for _, a := range r.book.Alerts(WholeZone(), true) {
			if a.ClearedUS == 0 {
				open[keyOf(&a)] = true
			}
		}
		tracks, err := r.Tracks(t.Context(), WholeZone())
		if err != nil || len(tracks) != 1 {
			t.Fatal(tracks, err)
		}
		for _, c := range tracks[0].Breaches {
			if key := (alertKey{breachType(c), r.id.ID, c.Fence.ID}); !open[key] {
				t.Fatalf("round %d step %d: no alert of the breach of %s; open %v, told %s", round, step, c.Fence.ID, open, r.told())
			}
		}
	}
	for id, c := range set {
		if c.Fence.Kind == geofence.KeepIn {
			delete(set, id)
		}
	}
	publish()
	north, speed = -2000, 0
	for range 60 {
		report()
	}
	time.Sleep(3 * time.Second)
	synctest.Wait()
	for _, a := range r.book.Alerts(WholeZone(), true) {
		if a.ClearedUS == 0 {
			t.Errorf("round %d: %s of %+v is raised for ever", round, a.Type, a.Fence)
		}
	}
}

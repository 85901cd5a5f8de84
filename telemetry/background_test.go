package telemetry

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/vehicles"
)

// TestSingleTroublesAreNoInterference: what fails for itself, again and again or here and
// there, is told from what fails at once.
func TestSingleTroublesAreNoInterference(t *testing.T) {
	const jammed = vehicles.SignJammed
	blink := func(r *bookRig, id *vehicles.Identity) {
		r.signs(id, jammed, 0)
		time.Sleep(2 * time.Second)
		r.signs(id, 0, 0)
	}
	for _, tc := range []struct {
		name string
		do   func(r *bookRig, v, other []*vehicles.Identity)
		want int // vehicles of the last area; 0: there is none
	}{
		{"one fails again and again", func(r *bookRig, v, _ []*vehicles.Identity) {
			blink(r, v[9])
			time.Sleep(time.Hour)
			for range 5 {
				blink(r, v[0])
				time.Sleep(time.Minute)
			}
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
		}, 0},
		{"which hides nothing", func(r *bookRig, v, _ []*vehicles.Identity) {
			for range 30 {
				blink(r, v[0])
				time.Sleep(2 * time.Minute)
			}
			for _, id := range v[1:4] {
				r.signs(id, jammed, 0)
			}
		}, 3},
		{"and belongs to the area that three others make", func(r *bookRig, v, _ []*vehicles.Identity) {
			blink(r, v[0])
			time.Sleep(9 * time.Minute)
			for _, id := range v[:4] {
				r.signs(id, jammed, 0)
			}
		}, 4},
		{"it failed long before", func(r *bookRig, v, _ []*vehicles.Identity) {
			blink(r, v[0])
			time.Sleep(proneFor + time.Minute)
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
		}, 3},
		{"where many fail, three at once are by chance", func(r *bookRig, v, _ []*vehicles.Identity) {
			for _, id := range v[10:] {
				blink(r, id)
				time.Sleep(30 * time.Second)
			}
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
		}, 0},
		{"but not seven", func(r *bookRig, v, _ []*vehicles.Identity) {
			for _, id := range v[10:] {
				blink(r, id)
				time.Sleep(30 * time.Second)
			}
			for _, id := range v[:7] {
				r.signs(id, jammed, 0)
			}
		}, 7},
		{"that was elsewhere", func(r *bookRig, v, _ []*vehicles.Identity) {
			for _, id := range v[10:] {
				r.signs(id, jammed, 20)
				time.Sleep(30 * time.Second)
			}
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
		}, 3},
		{"claims hide nothing", func(r *bookRig, v, other []*vehicles.Identity) {
			for _, id := range other {
				r.signs(id, jammed, 0)
				time.Sleep(15 * time.Second)
			}
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
		}, 3},
		{"a jammer that is switched on again", func(r *bookRig, v, _ []*vehicles.Identity) {
			for range 2 {
				for _, id := range v[:3] {
					r.signs(id, jammed, 0)
				}
				time.Sleep(20 * time.Second)
				for _, id := range v[:3] {
					r.signs(id, 0, 0)
				}
				time.Sleep(2 * time.Minute)
			}
			for _, id := range v[:3] {
				r.signs(id, jammed, 0)
			}
		}, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, &memory{})
			defer r.stop(t)
			v, other := fleetOf(40, true), fleetOf(30, false)
			for i, id := range other {
				id.Handle, id.ID = vehicles.Handle(1000+i), vehicles.VehicleID("other-"+string(id.ID))
			}
			tc.do(r, v, other)
			time.Sleep(2 * time.Second) // the count is told with the next second
			synctest.Wait()
			have := 0
			for _, a := range r.Alerts(WholeZone(), true) {
				if a.Type == GNSSInterference && a.ClearedUS == 0 && !strings.HasPrefix(string(a.Area.Vehicles[0].ID), "other") {
					have = a.Area.Count
				}
			}
			if have != tc.want {
				t.Errorf("%s: an area of %d vehicles, want %d", tc.name, have, tc.want)
			}
		})
	}
}

package telemetry

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestNotEnforcedIsAnAlert: an armed vehicle for which the fences are no longer
// enforced is told after three seconds, with the reason; and the end of it.
func TestNotEnforcedIsAnAlert(t *testing.T) {
	agl := geofence.Fence{Kind: geofence.KeepOut, Ceiling: geo.Altitude{MM: 9000, Datum: geo.AGL}}
	plain := geofence.Fence{Kind: geofence.KeepOut}
	fly := func(r *breachRig, north float64) {
		for range 10 {
			r.Reports([]vehicles.Report{heartbeatOf(r.id.Handle)})
			r.at(north)
		}
	}
	for _, tc := range []struct {
		name     string
		verified bool
		fence    geofence.Fence
		north    float64
		spoil    func(*breachRig) // and each second after
		mend     func(*breachRig)
		want     string // lacks; empty: no alert
	}{
		{"nothing is amiss", true, plain, -50, func(r *breachRig) { fly(r, -50) }, nil, ""},
		{"the receiver has no fix", true, plain, -50, func(r *breachRig) { r.quality.FixType = 2; fly(r, -50) }, func(r *breachRig) { r.quality.FixType = 3 }, "estimator_bad"},
		{"the receiver says nothing", true, plain, -50, func(r *breachRig) { r.quality.Has = 0; fly(r, -50) }, func(r *breachRig) { r.quality.Has = vehicles.HasQuality }, "quality_unknown"},
		{"positions stop", true, plain, -50, func(r *breachRig) {
			for range 10 {
				q := heartbeatOf(r.id.Handle)
				g := r.quality
				g.Handle, g.ReceivedUS = r.id.Handle, q.ReceivedUS
				r.Reports([]vehicles.Report{q, g})
				time.Sleep(100 * time.Millisecond) // of the bubble
				r.boot += 100
			}
		}, func(*breachRig) {}, "stale"},
		{"a height is wanted here", true, agl, -50, func(r *breachRig) { fly(r, 50) }, nil, "altitude_unknown"},
		{"a height is wanted elsewhere", true, agl, -50, func(r *breachRig) { fly(r, -50) }, nil, ""},
		{"unverified", false, plain, -50, func(r *breachRig) { r.quality.FixType = 2; fly(r, -50) }, nil, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBreachRig(t, vehicles.UAV, tc.verified, tc.fence)
			defer r.stop()
			for range 5 {
				fly(r, tc.north)
			}
			find := func() *Alert {
				for _, a := range r.book.Alerts(WholeZone(), true) {
					if a.Type == NotEnforced {
						return &a
					}
				}
				return nil
			}
			if a := find(); a != nil {
				t.Fatalf("%s: at first %+v", tc.name, a)
			}
			for range 12 {
				tc.spoil(r)
			}
			a := find()
			switch {
			case tc.want == "" && a == nil:
				return
			case tc.want == "" || a == nil:
				t.Fatalf("%s: alert %+v", tc.name, a)
			case strings.Join(a.Evidence.Lacks, " ") != tc.want || a.State() != "raised" || a.Count != 1:
				t.Errorf("%s: %s, began %d times, lacks %v", tc.name, a.State(), a.Count, a.Evidence.Lacks)
			}
			if tc.mend == nil {
				return
			}
			tc.mend(r)
			for range 5 {
				fly(r, tc.north)
			}
			if a = find(); a.State() != "cleared" || a.Cause != "enforced_again" {
				t.Errorf("%s: mended, and it is %s, %q", tc.name, a.State(), a.Cause)
			}
		})
	}
}

// TestNotEnforcedWhileTheLinkIsLost: silence neither begins nor ends it, and a
// vehicle that is disarmed needs no fence.
func TestNotEnforcedWhileTheLinkIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		beat := func(armed bool) {
			for range 50 {
				h := heartbeatOf(r.id.Handle)
				h.Armed = armed
				r.Reports([]vehicles.Report{h})
				r.at(-50)
			}
		}
		state := func() string {
			for _, a := range r.book.Alerts(WholeZone(), true) {
				if a.Type == NotEnforced {
					return a.State() + " " + a.Cause
				}
			}
			return "none"
		}
		silence := func() {
			time.Sleep(time.Minute) // of the bubble
			synctest.Wait()
		}
		beat(true)
		silence()
		if got := state(); got != "none" {
			t.Errorf("silent for a minute: %s", got)
		}
		r.boot += 60_000
		beat(true)
		r.quality.FixType = 2
		for range 20 { // two seconds
			r.at(-50)
		}
		r.quality.FixType = 3
		beat(true)
		if got := state(); got != "none" {
			t.Errorf("for two seconds: %s", got)
		}
		r.quality.FixType = 2
		beat(true)
		if got := state(); got != "raised " {
			t.Fatalf("a bad fix: %s", got)
		}
		silence()
		if got := state(); got != "raised " {
			t.Errorf("silent after it: %s", got)
		}
		beat(false)
		if got := state(); got != "cleared disarmed" {
			t.Errorf("disarmed: %s", got)
		}
	})
}

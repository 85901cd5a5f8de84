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

// TestPositionJump is one condition of the vehicle: it begins with the first
// jump, counts the others, and ends after many plausible fixes.
func TestPositionJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(-1000)
		r.at(-2000)
		r.expect(t, "no fence is near", "jumped")
		a := r.only(t)
		if a.Type != PositionJump || a.Level != Caution || a.Jumped.DistanceM < 995 || a.Jumped.DistanceM > 1005 || a.Jumped.DtS != 0.1 ||
			a.Evidence.Before == nil || a.Evidence.After == nil || strings.Join(a.Evidence.Lacks, " ") != "few_fixes jump" {
			t.Errorf("alert %+v %+v %+v", a, a.Jumped, a.Evidence)
		}
		for range 10 {
			r.at(-2000)
		}
		r.at(-1000)
		r.expect(t, "and back", "~jumped")
		for range 19 {
			r.at(-1000)
		}
		r.expect(t, "19 plausible fixes", "")
		r.at(-1000)
		r.expect(t, "the 20th", "settled:position_jump:plausible_again")
		if a := r.only(t); a.State() != "cleared" || a.Raw != 2 || a.Count != 1 || a.Cause != causePlausible {
			t.Errorf("alert %s, %d jumps, count %d, %q", a.State(), a.Raw, a.Count, a.Cause)
		}
	})
}

// TestFenceOverAVehicleThatJumped: what is judged by a jump says so.
func TestFenceOverAVehicleThatJumped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		f := r.cfg.Engine.Fences()
		if err := r.SetFences(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		r.at(-900)
		r.at(50)
		r.told()
		if err := r.SetFences(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, a := range r.book.Alerts(WholeZone(), true) {
			if a.Type == FenceBreach && strings.Join(a.Evidence.Lacks, " ") != "few_fixes jump" {
				t.Errorf("lacks %v", a.Evidence.Lacks)
			}
		}
		r.expect(t, "the fence is there", "entered")
	})
}

// TestJumpsObeyTheQuota: what an unverified source says of itself does not bury
// the alerts of others.
func TestJumpsObeyTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		for i := range addressPerMinute + 40 {
			who := &vehicles.Identity{Handle: vehicles.Handle(i + 1), ID: vehicles.VehicleID(rune('a' + i)), Source: vehicles.Source{Address: "a:1"}}
			jump := geofence.Jumped{ReceivedUS: time.Now().UnixMicro()}
			jump.After.Point.Lat = int32(i) * 1_000_000 // too far apart to have one cause
			r.publish(&Jump{Vehicle: who, Jumped: jump})
		}
		if n := len(r.Alerts(WholeZone(), true)); n != addressPerMinute {
			t.Errorf("%d alerts at once, want %d", n, addressPerMinute)
		}
	})
}

// TestConfirmation comes once in a breach, with the sample that completes the
// grounds for an automatic order.
func TestConfirmation(t *testing.T) {
	ceiling := geo.Altitude{MM: 100_000, Datum: geo.AGL}
	for _, tc := range []struct {
		name     string
		class    vehicles.Class
		verified bool
		fence    geofence.Fence
		spoil    func(*breachRig)
		fixes    int // within the breach; 0: never
	}{
		{"an aircraft", vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut}, nil, 3},
		{"a car", vehicles.ICV, true, geofence.Fence{Kind: geofence.KeepOut}, nil, 5},
		{"a speed limit", vehicles.UAV, true, geofence.Fence{Kind: geofence.SpeedLimit, SpeedMPS: 1}, nil, 3},
		{"unverified", vehicles.UAV, false, geofence.Fence{Kind: geofence.KeepOut}, nil, 0},
		{"no word of quality", vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut}, func(r *breachRig) { r.quality.Has = 0 }, 0},
		{"two-dimensional", vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut}, func(r *breachRig) { r.quality.FixType = 2 }, 0},
		{"estimator faulty", vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut}, func(r *breachRig) {
			r.quality.Has |= vehicles.HasEstimator
			r.quality.Estimator = vehicles.EstimatorFaulty
		}, 0},
		{"height above ground unknown", vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut, Ceiling: ceiling}, nil, 0},
		{"a car's is known", vehicles.ICV, true, geofence.Fence{Kind: geofence.KeepOut, Ceiling: ceiling}, nil, 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBreachRig(t, tc.class, tc.verified, tc.fence)
			defer r.stop()
			if tc.spoil != nil {
				tc.spoil(r)
			}
			fast := func(v float64) { // too fast for the speed limit
				r.boot += 100
				time.Sleep(100 * time.Millisecond)
				q, pos := r.quality, fix(r.id.Handle, 0, 0, r.boot)
				pos.Fix.Point, pos.Velocity.N = geo.Moved(edge, v, 0), 300
				q.Handle, q.ReceivedUS = r.id.Handle, pos.ReceivedUS
				r.Reports([]vehicles.Report{q, pos})
				synctest.Wait()
			}
			fast(-1) // outside: does not count
			got := 0
			for n := 1; n <= 30; n++ {
				fast(float64(n))
				if c := strings.Count(r.told(), "confirmed"); c != 0 {
					if got != 0 || c > 1 {
						t.Errorf("%s: confirmed again", tc.name)
					}
					got = n
				}
			}
			if got != tc.fixes {
				t.Errorf("%s: confirmed after %d fixes, want %d", tc.name, got, tc.fixes)
			}
			if a := r.only(t); a.ConfirmedUS != 0 != (tc.fixes > 0) {
				t.Errorf("%s: the alert says confirmed at %d", tc.name, a.ConfirmedUS)
			}
		})
	}
}

// TestConfirmationNeedsFixesInARow: a late one, a jump or a gap begins anew.
func TestConfirmationNeedsFixesInARow(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(*breachRig)
		more  int // fixes after it until the confirmation
	}{
		{"nothing", func(*breachRig) {}, 1},
		{"a late fix", func(r *breachRig) { r.boot -= 250; r.at(50); r.boot += 150 }, 3},
		{"the same once more", func(r *breachRig) {
			pos := fix(r.id.Handle, 0, 0, r.boot)
			pos.Fix.Point = geo.Moved(edge, 50, 0)
			pos.Fix.Heights.Set(geo.AMSL, 60_000)
			r.Reports([]vehicles.Report{pos})
			synctest.Wait()
		}, 1},
		{"a jump within the fence", func(r *breachRig) { r.at(150) }, 21}, // and the jump back
		{"a gap", func(r *breachRig) { time.Sleep(6 * time.Second); r.boot += 6000 }, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
			defer r.stop()
			r.at(50)
			r.at(50)
			tc.spoil(r)
			r.told()
			for n := 1; ; n++ {
				r.at(50)
				if strings.Contains(r.told(), "confirmed") {
					if n != tc.more {
						t.Errorf("%s: confirmed after %d more fixes, want %d", tc.name, n, tc.more)
					}
					return
				}
				if n > 50 {
					t.Fatalf("%s: never confirmed", tc.name)
				}
			}
		})
	}
}

func TestLacks(t *testing.T) {
	good := Grounds{Fixes: 5, Verified: true, Quality: vehicles.QualityGood}
	for want, spoil := range map[string]func(*Grounds){
		"":                  func(*Grounds) {},
		"unverified":        func(g *Grounds) { g.Verified = false },
		"few_fixes":         func(g *Grounds) { g.Fixes = 4 },
		"jump":              func(g *Grounds) { g.Jump = true },
		"out_of_order":      func(g *Grounds) { g.OutOfOrder = true },
		"quality_unknown":   func(g *Grounds) { g.Quality = vehicles.QualityUnknown },
		"estimator_bad":     func(g *Grounds) { g.Quality = vehicles.QualityBad },
		"altitude_unknown":  func(g *Grounds) { g.AltitudeUnknown = true },
		"stale":             func(g *Grounds) { g.AgeUS = freshFixUS + 1 },
		"gnss_interference": func(g *Grounds) { g.Interfered = true },
		"unverified stale":  func(g *Grounds) { g.Verified, g.AgeUS = false, freshFixUS+1 },
	} {
		g := good
		spoil(&g)
		if got := strings.Join(g.Lacks(vehicles.ICV).Names(), " "); got != want {
			t.Errorf("lacks %q, want %q", got, want)
		}
	}
	if (&Grounds{Fixes: 4, Verified: true, Quality: vehicles.QualityGood}).Lacks(vehicles.UAV) != 0 {
		t.Error("an aircraft needs three fixes")
	}
}

// TestConfirmationSurvivesARestart: the facts rebuild what the alert says.
func TestConfirmationSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		for range 3 {
			r.at(1)
		}
		for range 20 {
			r.at(-1)
		}
		r.stop()
		before := r.only(t)
		if before.ConfirmedUS == 0 || before.Raw != 2 || before.ClearedUS == 0 {
			t.Fatalf("alert %+v", before)
		}
		again := newRig(t, r.journal)
		defer again.stop(t)
		after, ok := again.Alert(WholeZone(), before.ID)
		if !ok || after.ConfirmedUS != before.ConfirmedUS || after.Raw != 2 || after.ClearedUS != before.ClearedUS ||
			after.Evidence.Quality != "good" || after.Evidence.Fixes != 1 {
			t.Errorf("after the restart %+v %+v", after, after.Evidence)
		}
	})
}

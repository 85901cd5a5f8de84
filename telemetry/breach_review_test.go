package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// around is the fence of a breachRig in another revision, which begins some
// metres south of the edge.
func around(t *testing.T, f geofence.Fence, southM float64) *geofence.Compiled {
	t.Helper()
	f.ID, f.Name, f.Rev = "f", "f", 2
	f.Shape.Polygons = []geo.Polygon{{Outer: geo.Ring{
		geo.Moved(edge, -southM, -100), geo.Moved(edge, -southM, 100), geo.Moved(edge, 200, 100), geo.Moved(edge, 200, -100),
	}}}
	c, err := geofence.Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFenceThatBecomesASpeedLimit: the end of the breach of a keep-out was held
// back when the fence became a speed limit that the vehicle breaks. That is
// another condition: it must be an alert, and the old one must end.
func TestFenceThatBecomesASpeedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(1)
		r.at(-1) // within the accuracy: the end is held back
		r.expect(t, "on the edge", "entered ~left")
		limit := around(t, geofence.Fence{Kind: geofence.SpeedLimit, SpeedMPS: 5}, 100)
		if err := r.SetFences(t.Context(), []*geofence.Compiled{limit}); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			r.boot += 100
			pos := fix(r.id.Handle, 0, 0, r.boot)
			pos.Fix.Point = geo.Moved(edge, -10, 0)
			pos.Velocity = vehicles.Velocity{N: 2000}
			r.Reports([]vehicles.Report{pos})
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		fast, breaches := 0, 0
		for _, a := range r.book.Alerts(WholeZone(), true) {
			switch {
			case a.ClearedUS != 0:
			case a.Type == OverSpeed:
				fast++
			case a.Type == FenceBreach:
				breaches++
			}
		}
		if fast != 1 || breaches != 0 {
			t.Errorf("at 20 m/s in a limit of 5 m/s, out of every keep-out, for 10 s: %d alerts of speed, %d of a breach; told %q", fast, breaches, r.told())
		}
	})
}

// TestFenceThatGoesEndsAHeldBreach: the end of a breach is held back, then the
// fence goes, and the vehicle says nothing more. Nothing holds it any longer.
func TestFenceThatGoesEndsAHeldBreach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(1)
		r.at(-1)
		if err := r.SetFences(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if a := r.only(t); a.ClearedUS == 0 {
			t.Errorf("a minute after the fence was deleted its breach is %s; told %q", a.State(), r.told())
		}
	})
}

// TestBreachEndsWhileTheServerIsDown: the vehicle left the keep-out between two
// runs of the server. Its first fixes after the start comply: the alert ends.
func TestBreachEndsWhileTheServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		for range 5 {
			r.at(50)
		}
		r.stop()
		if a := r.only(t); a.ClearedUS != 0 {
			t.Fatalf("alert %+v", a)
		}
		again := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer again.stop()
		if again.id.ID != r.id.ID {
			t.Fatalf("another vehicle: %s and %s", r.id.ID, again.id.ID)
		}
		for _, rec := range r.journal.records {
			if err := again.book.Replay(rec); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			again.at(-500)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if a := again.only(t); a.ClearedUS == 0 {
			t.Errorf("after 100 fixes 500 m outside the alert is %s; told %q", a.State(), again.told())
		}
	})
}

// TestAlertOfAFormerRunIsShown: the vehicle is in breach before and after a
// restart. The alert goes on, and the map shows its level.
func TestAlertOfAFormerRunIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		r.at(50)
		r.stop()
		again := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer again.stop()
		for _, rec := range r.journal.records {
			if err := again.book.Replay(rec); err != nil {
				t.Fatal(err)
			}
		}
		again.at(50)
		again.at(51)
		if a := again.only(t); a.ClearedUS != 0 || a.Ack != nil || a.Level != Critical {
			t.Fatalf("alert %+v", a)
		}
		tracks, err := again.Tracks(t.Context(), WholeZone())
		if err != nil || len(tracks) != 1 {
			t.Fatalf("%d tracks, %v", len(tracks), err)
		}
		if tracks[0].AlertLevel != Critical {
			t.Errorf("the map shows level %d of a vehicle with an open alert of level %d", tracks[0].AlertLevel, Critical)
		}
	})
}

// TestConfirmationIsOfTheFenceInForce: a fence gets another response while a
// vehicle is in it. What confirms the breach afterwards names the fence as it is.
func TestConfirmationIsOfTheFenceInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBreachRig(t, vehicles.UAV, true, geofence.Fence{Kind: geofence.KeepOut})
		defer r.stop()
		r.at(50)
		now := around(t, geofence.Fence{Kind: geofence.KeepOut, Response: "return"}, 0)
		if err := r.SetFences(t.Context(), []*geofence.Compiled{now}); err != nil {
			t.Fatal(err)
		}
		r.told()
		r.at(51)
		r.at(52)
		events, _ := r.heard.Take()
		seen := 0
		for _, e := range events {
			if c, ok := e.Body.(*Confirmed); ok {
				if seen++; c.Fence.Fence.Rev != 2 {
					t.Errorf("confirmed for revision %d, response %q", c.Fence.Fence.Rev, c.Fence.Fence.Response)
				}
			}
		}
		if seen != 1 {
			t.Errorf("confirmed %d times", seen)
		}
	})
}

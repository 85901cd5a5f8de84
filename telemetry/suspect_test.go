package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"testzone/vehicles"
)

func suspectOf(id *vehicles.Identity, why string) *Suspect {
	return &Suspect{Vehicle: id, Why: why, Listener: "signed", Address: "192.0.2.7:14550", Frames: 10}
}

// TestSuspectSource: one alert for as long as it goes on, whether or not the
// vehicle is there; who has acknowledged it is left in peace; it ends with the
// frames, and over a restart.
func TestSuspectSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		r := newRig(t, kept)
		absent := &vehicles.Identity{ID: "uav-1", Name: "drone", Class: vehicles.UAV, Operator: "acme", Verified: true}
		r.publish(suspectOf(absent, "replay"))
		alerts := r.Alerts(WholeZone(), false)
		if len(alerts) != 1 || alerts[0].Type != SuspectSource || alerts[0].Level != Warning || alerts[0].Suspect.Address != "192.0.2.7:14550" {
			t.Fatalf("alerts %+v", alerts)
		}
		if _, err := r.Acknowledge(t.Context(), WholeZone(), alerts[0].ID, "carl", ""); err != nil {
			t.Fatal(err)
		}
		r.publish(&Begun{Vehicle: drone})
		for range 5 {
			time.Sleep(time.Minute)
			r.publish(suspectOf(drone, "replay"))
		}
		r.publish(&Gone{Vehicle: drone})
		time.Sleep(time.Second)
		synctest.Wait()
		alerts = r.Alerts(WholeZone(), false)
		if len(alerts) != 1 || alerts[0].State() != "acknowledged" || alerts[0].Count != 1 || alerts[0].Raw != 60 {
			t.Errorf("while it goes on: %+v", alerts)
		}
		if own := r.Alerts(OfOperator("acme"), false); len(own) != 1 {
			t.Errorf("its operator sees %+v", own)
		}
		if others := r.Alerts(OfOperator("harbour"), true); len(others) != 0 {
			t.Errorf("another operator sees %+v", others)
		}
		r.stop(t)

		r = newRig(t, kept)
		defer r.stop(t)
		r.publish(suspectOf(drone, "bad_signature"))
		if open := r.Alerts(WholeZone(), false); len(open) != 2 {
			t.Errorf("two reasons are two alerts: %+v", open)
		}
		time.Sleep(suspectQuiet + 2*time.Second)
		synctest.Wait()
		for _, a := range r.Alerts(WholeZone(), true) {
			if a.ClearedUS == 0 || a.Cause != "no_more_frames" {
				t.Errorf("%s for %s is not over: %+v", a.Type, a.Suspect.Why, a)
			}
		}
		if open := r.Alerts(WholeZone(), false); len(open) != 1 || open[0].Suspect.Why != "bad_signature" {
			t.Errorf("left for people: %+v", open)
		}
	})
}

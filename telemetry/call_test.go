package telemetry

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestCall: one alert of a vehicle for as long as somebody has to be called; a new
// reason has to be seen anew, however shortly before somebody took note; it
// outlives the track, and only who needed it ends it.
func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		r := newRig(t, kept)
		r.publish(&Call{Vehicle: drone, Source: CallOrders, Began: true, Why: "HOLD was refused", Order: "or_1"})
		a := r.Alerts(WholeZone(), false)[0]
		if a.Type != CallPerson || a.Level != Critical || a.Why != "HOLD was refused" || a.Order != "or_1" {
			t.Fatalf("raised %+v", a)
		}
		if _, err := r.Acknowledge(t.Context(), WholeZone(), a.ID, "carl", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r.publish(&Call{Vehicle: drone, Source: CallOrders, Began: true, Why: "its link is lost"})
		r.publish(&Gone{Vehicle: drone})
		open := r.Alerts(WholeZone(), false)
		if len(open) != 1 || open[0].State() != "raised" || open[0].Why != "its link is lost" || open[0].Order != "" || open[0].ID == a.ID {
			t.Fatalf("with another reason: %+v", open)
		}
		r.stop(t)

		r = newRig(t, kept)
		defer r.stop(t)
		r.publish(&Call{Vehicle: drone, Source: CallEnforcement, Cause: "complied"})
		r.publish(&Call{Vehicle: drone, Source: CallOrders, Cause: "in_effect"})
		open = r.Alerts(WholeZone(), false)
		if len(open) != 1 || open[0].State() != "cleared" || open[0].Cause != "in_effect" || open[0].Why != "its link is lost" {
			t.Errorf("after it ended: %+v", open)
		}
	})
}

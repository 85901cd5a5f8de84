package telemetry

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// second lets the book's next tick pass.
func second() {
	time.Sleep(1100 * time.Millisecond) // of the bubble's clock
	synctest.Wait()
}

func ghosts(n int) []*vehicles.Identity {
	out := make([]*vehicles.Identity, n)
	for i := range out {
		out[i] = &vehicles.Identity{Handle: vehicles.Handle(i + 2), ID: vehicles.VehicleID(fmt.Sprintf("unverified-%d", i))}
		out[i].Source.Address = fmt.Sprintf("127.0.0.1:%d", 10_000+i)
	}
	return out
}

func count(alerts []Alert, fits func(*Alert) bool) (n int) {
	for i := range alerts {
		if fits(&alerts[i]) {
			n++
		}
	}
	return n
}

func ofVehicle(id vehicles.VehicleID) func(*Alert) bool {
	return func(a *Alert) bool { return a.Vehicle.ID == id }
}

func TestUnverifiedAlertsHaveAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) // the quota is a minute's
		now := time.Now().UnixMicro()
		all := ghosts(unverifiedPerMinute + 50)
		for _, ghost := range all {
			r.bus.Publish(now, &LinkChange{Vehicle: ghost, To: vehicles.LinkLost, Armed: true}) // a quota of its own
		}
		for _, ghost := range all {
			r.bus.Publish(now, crossing(geofence.Entered, ghost, now))
		}
		left := all[len(all)-1]
		r.bus.Publish(now+1, crossing(geofence.Left, left, now+1))
		r.bus.Publish(now+1, &Gone{Vehicle: all[len(all)-2]})
		r.publish(crossing(geofence.Entered, drone, now))
		breach := func(a *Alert) bool { return a.Type == FenceBreach }
		if n := count(r.Alerts(WholeZone(), true), breach); n != unverifiedPerMinute+1 {
			t.Errorf("%d breaches, want the quota and the verified drone", n)
		}
		second()
		flood := func(a *Alert) bool { return a.Type == UnverifiedFlood && a.Count == 100 }
		if n := count(r.Alerts(WholeZone(), false), flood); n != 1 {
			t.Errorf("the flood alert must count the 50 breaches and 50 links: %+v", r.Alerts(WholeZone(), false)[0])
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := count(r.Alerts(WholeZone(), true), breach); n != unverifiedPerMinute+1+49 {
			t.Errorf("%d breaches after the quota returned: what still held must be raised, and what has passed", n)
		}
		if n := count(r.Alerts(WholeZone(), true), func(a *Alert) bool { return breach(a) && ofVehicle(left.ID)(a) && a.Cause == "complied" }); n != 1 {
			t.Error("the breach that passed while it waited was lost")
		}
	})
}

// One address cannot delay the breach of another's vehicle.
func TestOneAddressCannotFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		all := ghosts(251)
		now := time.Now().UnixMicro()
		for _, ghost := range all[:250] {
			ghost.Source.Address = "127.0.0.1:9"
			r.bus.Publish(now, crossing(geofence.Entered, ghost, now))
		}
		calm := all[250]
		r.publish(crossing(geofence.Entered, calm, now))
		if n := count(r.Alerts(WholeZone(), false), ofVehicle(calm.ID)); n != 1 {
			t.Error("the calm neighbour's breach waits behind the flood")
		}
		if n := len(r.Alerts(WholeZone(), false)); n != addressPerMinute+1 {
			t.Errorf("%d alerts", n)
		}
		last := all[249]
		if level := r.cfg.Pipeline.table.slot(last.Handle).alert.Load(); level != Critical {
			t.Errorf("a deferred breach shows level %d on the map", level)
		}
		time.Sleep(stalledAfter + time.Second)
		synctest.Wait()
		if h := r.Health(); len(h) != 1 || h[0].Code != "alerts_deferred" {
			t.Errorf("health %v", h)
		}
	})
}

func TestPredictionAndSeparation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := newRig(t, m)
		other := &vehicles.Identity{Handle: 2, ID: "uav-2", Name: "second", Class: vehicles.UAV, Verified: true}
		r.publish(&Prediction{Vehicle: drone, Fence: hospital, Began: true, InS: 4, At: geo.Point{Lat: 5, Lon: 6}})
		r.publish(&Separation{A: drone, B: other, Began: true, Conflict: geofence.Conflict{InS: 2, AtS: 3, HorizontalM: 12, VerticalM: 4}})
		check := func(r *bookRig) {
			t.Helper()
			for _, a := range r.Alerts(WholeZone(), false) {
				switch a.Type {
				case PredictedBreach:
					if a.Level != Warning || a.Fence.Name != "hospital" || a.Predicted.InS != 4 || a.Predicted.Lon != 6 {
						t.Errorf("predicted %+v", a)
					}
				case SeparationLost:
					if a.Level != Critical || a.Other.ID != "uav-2" || a.Separation.HorizontalM != 12 {
						t.Errorf("separation %+v", a)
					}
				default:
					t.Errorf("unexpected %+v", a)
				}
			}
			if n := len(r.Alerts(WholeZone(), false)); n != 2 {
				t.Errorf("%d open alerts", n)
			}
		}
		check(r)
		r.stop(t)
		r = newRig(t, m)
		defer r.stop(t)
		synctest.Wait()
		check(r)
		r.publish(&Prediction{Vehicle: drone, Fence: hospital})
		r.publish(&Separation{A: drone, B: other, Cause: CauseSeparated})
		if n := count(r.Alerts(WholeZone(), false), func(a *Alert) bool { return a.ClearedUS == 0 }); n != 0 {
			t.Errorf("%d still hold", n)
		}
	})
}

func TestFlappingConditionChangesOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &memory{})
		defer r.stop(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		for range 200 {
			now := time.Now().UnixMicro()
			r.bus.Publish(now, crossing(geofence.Entered, drone, now))
			r.bus.Publish(now, crossing(geofence.Left, drone, now))
		}
		now := time.Now().UnixMicro()
		r.publish(crossing(geofence.Entered, drone, now))
		events, _ := r.heard.Take()
		alerts := 0
		for _, e := range events {
			if _, ok := e.Body.(*Alert); ok {
				alerts++
			}
		}
		if alerts != changesPerMinute {
			t.Errorf("%d alert events of 401 changes", alerts)
		}
		second()
		if a := r.Alerts(WholeZone(), false); len(a) != 1 || a[0].State() != "raised" {
			t.Errorf("what holds in the end must show: %+v", a)
		}
	})
}

func TestTooManyOpenUnverifiedAlertsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r := newRig(t, m)
		r.mu.Lock()
		now := time.Now().UnixMicro()
		for i, ghost := range ghosts(openUnverified + 7) {
			a := &Alert{ID: fmt.Sprintf("al_%d", i), Type: FenceBreach, Vehicle: alertVehicle(ghost), RaisedUS: now + int64(i), ClearedUS: now + int64(i)}
			b, _ := json.Marshal(fact{Type: factRaised, Alert: a})
			m.records = append(m.records, journal.Record{Seq: uint64(i + 1), Entry: journal.Entry{Schema: FactSchema, Body: b}})
			r.store(a)
		}
		r.mu.Unlock()
		second()
		open := r.Alerts(WholeZone(), false)
		if n := count(open, func(a *Alert) bool { return a.Type == FenceBreach }); n != openUnverified {
			t.Errorf("%d open", n)
		}
		if a, _ := r.Alert(WholeZone(), "al_0"); a.Ack == nil || a.Ack.By != foldedBy {
			t.Errorf("the oldest goes first: %+v", a)
		}
		if open[0].Type != UnverifiedFlood || open[0].Count != 7 {
			t.Errorf("the flood alert: %+v", open[0])
		}
		r.stop(t)
		next := newRig(t, m)
		defer next.stop(t)
		synctest.Wait()
		if n := count(next.Alerts(WholeZone(), false), func(a *Alert) bool { return a.Type == FenceBreach }); n != openUnverified {
			t.Errorf("%d open after a restart", n)
		}
	})
}

package web

import (
	"testing"
	"time"

	"testzone/geofence"
	"testzone/telemetry"
	"testzone/vehicles"
)

// Whoever repeats an acknowledgement under its key, because the answer was lost, does
// not acknowledge what began again meanwhile.
func TestRepeatedAcknowledgementDoesNothing(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	heard, _ := z.bus.Subscribe(telemetry.SubscribeConfig{Reserved: true})
	defer heard.Close()
	who := &vehicles.Identity{ID: "uav-1", Name: "One", Class: vehicles.UAV, Verified: true}
	river := &geofence.Compiled{Fence: geofence.Fence{ID: "f1", Name: "river", Kind: geofence.KeepOut, Rev: 1}}
	crossing := func(kind geofence.TransitionKind, fits func(*telemetry.Alert) bool) (id string) {
		t.Helper()
		us := z.clock.now().UnixMicro()
		z.bus.Publish(us, &telemetry.Transition{Vehicle: who, Transition: geofence.Transition{Kind: kind, Fence: river, ReceivedUS: us}})
		for {
			events, err := heard.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if a, ok := e.Body.(*telemetry.Alert); ok && fits(a) {
					return a.ID
				}
			}
		}
	}
	id := crossing(geofence.Entered, func(a *telemetry.Alert) bool { return a.Count == 1 })
	acknowledge := func() (a Alert) {
		z.call(adminToken, "POST", "/v1/alerts/"+id+"/acknowledge", "", keyHeader, "key-number-1").json(t, &a)
		return a
	}
	if a := acknowledge(); a.State != "acknowledged" {
		t.Fatalf("acknowledged: %+v", a)
	}
	z.clock.advance(50 * time.Second)
	crossing(geofence.Left, func(a *telemetry.Alert) bool { return a.ClearedUS != 0 })
	crossing(geofence.Entered, func(a *telemetry.Alert) bool { return a.Count == 2 })
	if a := acknowledge(); a.ID != id || a.State != "raised" || a.Acknowledged != nil {
		t.Errorf("repeated: %+v", a)
	}
	var anew Alert
	z.call(adminToken, "POST", "/v1/alerts/"+id+"/acknowledge", "", keyHeader, "key-number-2").json(t, &anew)
	if anew.State != "acknowledged" {
		t.Errorf("acknowledged under another key: %+v", anew)
	}
}

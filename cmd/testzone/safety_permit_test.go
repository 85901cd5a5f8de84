package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"testzone/airspace/permit"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
	"testzone/web"
)

// wide is a permit for vehicles of the shared field, wherever they are.
func wide(id, kind string, of ...vehicles.VehicleID) permit.Permit {
	p := inForce(id, kind, of[0], breachCircle.Center, time.Now())
	p.Application.Vehicles = of
	for i := range p.Application.Volumes {
		p.Application.Volumes[i].SetShape(geofence.Shape{Circle: &geo.Circle{Center: breachCircle.Center, RadiusM: 20_000}})
	}
	return p
}

// permitField is a field of a drone, a car, another drone and a boat, of which the
// second drone has a permit of its own, and rita, who may take permits away.
func permitField(f *field) (field *field, rita *program) {
	f = newField(f.t, fieldConfig{vehicles: 4, extra: "permits: {required: [uav, icv, usv]}", permits: []permit.Permit{
		wide("pm_all", "uav.flight", "uav-1", "icv-2", "usv-4"), wide("pm_other", "uav.flight", "uav-3"),
	}})
	f.p.ask(http.StatusCreated, "POST", "/v1/organisations", body{"id": "authority", "kind": "department", "name": "Authority"}, nil)
	f.hire("rita", "authority", "department_reviewer")
	return f, f.by(f.p, "rita")
}

// wouldEnd is what a dry run says of an act upon a permit, once all n that move under it
// are seen to, and calls is how many somebody has to be called about.
func (f *field) wouldEnd(who *program, path string, endNow bool, n, calls int) (ends web.PermitEnds) {
	f.t.Helper()
	f.until(func() string {
		var p web.Permit
		who.ask(http.StatusOK, "POST", path+"?dry_run=true", body{"reason": "found unsafe", "end_now": endNow}, &p)
		if p.Ends == nil || len(p.Ends.Vehicles) != n || p.Ends.Calls != calls {
			return fmt.Sprintf("a preview of %d vehicles and %d calls: %+v", n, calls, p.Ends)
		}
		ends = *p.Ends
		return ""
	})
	return ends
}

// newestOrder is what a vehicle was told last.
func (f *field) newestOrder(vehicle string) (o orderJSON) {
	f.t.Helper()
	f.until(func() string {
		var list vehicleOrdersJSON
		f.p.get("/v1/vehicles/"+vehicle+"/orders", &list)
		if len(list.Items) == 0 {
			return vehicle + " to be ordered"
		}
		o = list.Items[0]
		return ""
	})
	return o
}

// safetyOfPermits are attempts on rule 16.
var safetyOfPermits = []attempt{
	{16, "a permit is revoked in motion, and all end at once: each as it fits, as it was said before", func(f *field) {
		f, rita := permitField(f)
		f.confirmed()
		kinds := map[string]string{}
		ends := f.wouldEnd(rita, "/v1/permits/pm_all/revoke", true, 3, 1)
		for _, v := range ends.Vehicles {
			kinds[v.VehicleID] = v.Kind
			if (v.Call != "") != (v.VehicleID == "icv-2") {
				f.t.Errorf("%s: call %q", v.VehicleID, v.Call)
			}
		}
		if kinds["uav-1"] != "return" || kinds["icv-2"] != "hold" || kinds["usv-4"] != "hold" {
			f.t.Errorf("it would tell %v", kinds)
		}
		for sys := range uint8(5) {
			if sent := f.relay.orders(sys, time.Time{}); len(sent) > 0 {
				f.t.Errorf("the preview sent %v", sent)
			}
		}
		rita.ask(http.StatusOK, "POST", "/v1/permits/pm_all/revoke", body{"reason": "found unsafe", "end_now": true}, nil)
		for v, kind := range kinds {
			o := f.newestOrder(v)
			if o.Kind != kind {
				f.t.Errorf("%s is told %s, not %s", v, o.Kind, kind)
			}
			f.becomes(v, o.ID, "in_effect")
			if sent := f.relay.orders(fieldSystem(v), time.Time{}); len(sent) == 0 {
				f.t.Errorf("%s got nothing", v)
			}
		}
		f.raised("call_person", "icv-2")
		if sent := f.relay.orders(3, time.Time{}); len(sent) > 0 {
			f.t.Errorf("another permit's vehicle got %v", sent)
		}
		f.p.kill() // what was told is not told again
		since := time.Now()
		f.serve("permits: {required: [uav, icv, usv]}")
		f.confirmed()
		for v := range kinds {
			f.follows(v)
			f.heardAgain(v, 30)
			if sent := f.relay.orders(fieldSystem(v), since); len(sent) > 0 {
				f.t.Errorf("after the restart %s got %v", v, sent)
			}
		}
	}},
	{16, "a permit is suspended, and its vehicle may finish and come home", func(f *field) {
		f, rita := permitField(f)
		f.confirmed()
		ends := f.wouldEnd(rita, "/v1/permits/pm_other/suspend", false, 1, 0)
		if v := ends.Vehicles[0]; v.Kind != "finish" || ends.Orders != 0 {
			f.t.Errorf("it would be told %+v", ends)
		}
		rita.ask(http.StatusOK, "POST", "/v1/permits/pm_other/suspend", body{"reason": "a storm comes"}, nil)
		if a := f.raised("permit_ending", "uav-3"); a.Why == "" {
			f.t.Errorf("the alert does not say what it may: %+v", a)
		}
		f.heardAgain("uav-3", 50)
		if sent := f.relay.orders(3, time.Time{}); len(sent) > 0 {
			f.t.Errorf("it was told %v", sent)
		}
	}},
	{16, "a permit is revoked at once while a pilot has the vehicle by hand: its pilot is called", func(f *field) {
		f, rita := permitField(f)
		f.confirmed()
		f.wouldEnd(rita, "/v1/permits/pm_other/revoke", true, 1, 0)
		f.does("uav-3", "pilot takes over")
		f.seen("uav-3", "flown by hand", func(t fieldTrack) bool { return t.Mode.Name == "position hold" })
		f.wouldEnd(rita, "/v1/permits/pm_other/revoke", true, 1, 1)
		rita.ask(http.StatusOK, "POST", "/v1/permits/pm_other/revoke", body{"reason": "found unsafe", "end_now": true}, nil)
		says(f.t, f.raised("call_person", "uav-3").Why, "by hand", "pm_other")
		f.heardAgain("uav-3", 30)
		if sent := f.relay.orders(3, time.Time{}); slices.Contains(sent, 20) || len(sent) > 0 {
			f.t.Errorf("over the head of the pilot: %v", sent)
		}
	}},
}

// TestPermitsEndGently are the attempts on rule 16 by themselves.
func TestPermitsEndGently(t *testing.T) {
	for _, a := range safetyOfPermits {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.try(&field{t: t})
		})
	}
}

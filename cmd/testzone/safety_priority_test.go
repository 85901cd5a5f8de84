package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry/sim"
	"testzone/web"
)

// priorities is what is in force.
func (f *field) priorities() []web.PriorityTraffic {
	f.t.Helper()
	var list struct{ Items []web.PriorityTraffic }
	f.p.get("/v1/priority-traffic", &list)
	return list.Items
}

// safetyOfPriority are attempts on rule 15.
var safetyOfPriority = []attempt{
	{15, "what is heard from a track that proved nothing has no priority by itself", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 3})
		f.hire("opal", "acme", "test_operator")
		liar, err := sim.New(sim.Config{
			Target: f.p.mavlink, Kind: sim.KindLoad, Vehicles: 1, Center: breachCircle.Center,
			Helicopter: &sim.Helicopter{From: geo.Destination(breachCircle.Center, 270, 1500), Course: 90, MPS: 5, HeightM: 130, Callsign: "RESCUE9"},
		})
		if err != nil {
			f.t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		lying := startStage(cancel, ctx, liar.Run)
		defer func() { cancel(); lying.end(time.After(5 * time.Second)) }()
		const icao = "icao-780abc"
		f.until(func() string {
			if status, _, _, _ := f.p.call("GET", "/v1/traffic/"+icao, nil); status != http.StatusOK {
				return "the helicopter that is not there to be shown"
			}
			return ""
		})
		asked := body{"name": "Rescue 9", "kind": "helicopter", "track": icao, "radius_m": 3000}
		if status, _, raw, err := f.by(f.p, "opal").call("POST", "/v1/priority-traffic", asked); err != nil || status != http.StatusForbidden {
			f.t.Errorf("an operator announces it: %d %v %s", status, err, raw)
		}
		f.heardAgain("uav-1", 50)
		if all := f.priorities(); len(all) > 0 {
			f.t.Errorf("it has priority: %+v", all)
		}
		for _, typ := range []string{"priority_conflict", "call_person"} {
			if a := f.alerts(typ, ""); len(a) > 0 {
				f.t.Errorf("it raised %+v", a)
			}
		}
		// A controller who announces it is told that nobody answers for it; and nothing is ordered.
		var rescue web.PriorityTraffic
		f.ada.ask(http.StatusCreated, "POST", "/v1/priority-traffic", asked, &rescue)
		f.until(func() string {
			if f.ada.get("/v1/priority-traffic/"+rescue.ID, &rescue); rescue.Now == nil || rescue.Now.Where != "seen" || len(rescue.Now.Affected) == 0 {
				return fmt.Sprintf("it to be seen, with vehicles in its way: %+v", rescue.Now)
			}
			return ""
		})
		if rescue.Now.Verified {
			f.t.Errorf("it is shown as if it had proved who it is: %+v", rescue.Now)
		}
		f.heardAgain("uav-1", 30)
		for _, sys := range []uint8{1, 2, 3} {
			if sent := f.relay.orders(sys, time.Time{}); len(sent) > 0 {
				f.t.Errorf("system %d was sent %v", sys, sent)
			}
		}
	}},
	{15, "no exit leads through the keep-out, nor ends where it comes", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 10})
		const radius, speed, startM = 300.0, 25.0, 2500.0
		from := geo.Destination(breachCircle.Center, 270, startM)
		exits := 0
		f.until(func() string {
			var rescue web.PriorityTraffic
			f.ada.ask(http.StatusOK, "POST", "/v1/priority-traffic?dry_run=true", body{
				"name": "Rescue 1", "kind": "helicopter", "route": []body{{"lat": degrees(from.Lat), "lon": degrees(from.Lon)}}, "course_deg": 90,
				"speed_mps": speed, "radius_m": radius, "look_ahead_s": 600, "clear_in_s": 180,
			}, &rescue)
			for i := range rescue.Now.Affected {
				a := &rescue.Now.Affected[i]
				if a.InS < 1 || !a.Exit.InTime || a.Exit.Kind != "move" && a.Exit.Kind != "hold" {
					continue
				}
				exits++
				if nearest, at := nearestOnExit(a, from, speed, 600); nearest < radius-20 {
					f.t.Errorf("%s is offered %+v, and comes as near as %.0f m after %.0f s", a.Vehicle.ID, a.Exit, nearest, at)
				}
			}
			if exits < 20 {
				return fmt.Sprintf("20 exits to look at, there were %d", exits)
			}
			return ""
		})
	}},
	{15, "who is in the way when the time to be clear has passed is called, and not ordered", func(f *field) {
		f = newField(f.t, fieldConfig{vehicles: 1})
		p := f.track("uav-1").Position
		began := time.Now()
		var rescue web.PriorityTraffic
		f.ada.ask(http.StatusCreated, "POST", "/v1/priority-traffic", body{
			"name": "Ambulance 3", "kind": "ambulance", "route": []body{{"lat": p.Lat, "lon": p.Lon}}, "speed_mps": 0, "radius_m": 2000, "clear_in_s": 8,
		}, &rescue)
		call := f.raised("call_person", "uav-1")
		if !strings.Contains(call.Why, "that time has passed") && !strings.Contains(call.Why, "no way out was found") {
			f.t.Errorf("the call says %q", call.Why)
		}
		f.until(func() string {
			f.ada.get("/v1/priority-traffic/"+rescue.ID, &rescue)
			if rescue.Now == nil || len(rescue.Now.Affected) != 1 || !strings.Contains(rescue.Now.Affected[0].Call, "that time has passed") {
				return fmt.Sprintf("the call to say that the time has passed: %+v", rescue.Now)
			}
			return ""
		})
		if took := time.Since(began); took < 8*time.Second {
			f.t.Errorf("the time had passed after %v", took)
		}
		if sent := f.relay.orders(1, time.Time{}); len(sent) > 0 {
			f.t.Errorf("it was sent %v by itself", sent)
		}
	}},
}

// nearestOnExit is how near a vehicle that takes its exit comes to what moves east from a
// place, and when: straight and evenly to the exit, where it stays.
func nearestOnExit(a *web.PriorityAffected, from geo.Point, speed, aheadS float64) (nearest, at float64) {
	nearest = math.Inf(1)
	for u := 0.0; u <= aheadS; u++ {
		part := 1.0
		if a.Exit.Kind == "hold" {
			part = 0
		} else if u < a.Exit.Takes {
			part = u / a.Exit.Takes
		}
		lat, lon := a.Position.Lat+(a.Exit.Position.Lat-a.Position.Lat)*part, a.Position.Lon+(a.Exit.Position.Lon-a.Position.Lon)*part
		if d := geo.Distance(geo.Point{Lat: degE7(lat), Lon: degE7(lon)}, geo.Destination(from, 90, speed*u)); d < nearest {
			nearest, at = d, u
		}
	}
	return nearest, at
}

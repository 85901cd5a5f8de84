package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
	"testzone/web"
)

type alertsJSON struct {
	Items []struct {
		Type, State, Cause string
		Vehicle            struct{ ID string }
		Priority           *web.AlertPriority
	}
}

// conflicts are the alerts of vehicles in the way of priority traffic.
func (p *program) conflicts() (of map[string]string) {
	var all alertsJSON
	p.get("/v1/alerts?state=all&limit=500", &all)
	of = map[string]string{}
	for _, a := range all.Items {
		if a.Type == "priority_conflict" {
			of[a.Vehicle.ID] = strings.TrimSpace(a.State + " " + a.Cause)
		}
	}
	return of
}

// A rescue helicopter is three minutes away, heard on ADS-B by one of three copters
// that fly where it comes through. It is announced; each is offered a way out of its
// own; they hold, and are brought down, since none can be sent to a place; nobody is in
// its way when it comes. A restart in between loses none of it.
func TestHelicopterInThreeMinutes(t *testing.T) {
	const icao = "icao-780abc"
	data := t.TempDir()
	p := serve(t, data, signedListener)
	keys := map[uint8]mavlink.Key{}
	ids := []string{"uav-1", "uav-2", "uav-3"}
	for i, id := range ids {
		class := "uav"
		if i == 1 { // the second vehicle of a load fleet is a car
			class = "icv"
		}
		_, secret := p.enrol(id, class, i+1)
		var key mavlink.Key
		if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
			t.Fatal(err)
		}
		keys[uint8(i+1)] = key
	}
	fly := func(from geo.Point) func() {
		fleet, err := sim.New(sim.Config{
			Target: p.signed, Kind: sim.KindLoad, Vehicles: len(ids), Center: breachCircle.Center,
			Helicopter: &sim.Helicopter{From: from, Course: 90, MPS: 60, HeightM: 130},
			Sign:       func(sys uint8) ([32]byte, uint8, bool) { return keys[sys], 1, true },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		flying := startStage(cancel, ctx, fleet.Run)
		return func() { cancel(); flying.end(time.After(5 * time.Second)) }
	}
	stop := fly(geo.Destination(breachCircle.Center, 270, 180*60))
	defer func() { stop() }()
	for _, id := range ids {
		p.followed(id, func() {})
	}
	p.until(20*time.Second, func() string {
		if status, _, _, _ := p.call("GET", "/v1/traffic/"+icao, nil); status != http.StatusOK {
			return "the helicopter to be heard"
		}
		return ""
	})

	asked := map[string]any{"name": "Rescue 1", "kind": "helicopter", "track": icao, "radius_m": 400, "look_ahead_s": 600, "clear_in_s": 180}
	var rescue web.PriorityTraffic
	p.until(20*time.Second, func() string {
		p.ask(http.StatusOK, "POST", "/v1/priority-traffic?dry_run=true", asked, &rescue)
		if rescue.Now == nil || rescue.Now.Where != "seen" || len(rescue.Now.Affected) != 3 { // who is heard has no position at once
			return fmt.Sprintf("three vehicles in the way, tried: %+v", rescue.Now)
		}
		return ""
	})
	p.ask(http.StatusCreated, "POST", "/v1/priority-traffic", asked, &rescue)
	p.until(20*time.Second, func() string {
		if of := p.conflicts(); len(of) != 3 || of["uav-1"] != "raised" || of["uav-2"] != "raised" || of["uav-3"] != "raised" {
			return fmt.Sprintf("three conflicts, there are %v", of)
		}
		return ""
	})
	p.get("/v1/priority-traffic/"+rescue.ID, &rescue)
	for i, a := range rescue.Now.Affected {
		if a.InS < 30 || a.Exit.Kind == "none" || !a.Exit.InTime {
			t.Errorf("%s in %.0f s: %+v", a.Vehicle.ID, a.InS, a.Exit)
		}
		for _, b := range rescue.Now.Affected[:i] {
			at := func(p web.Position) geo.Point { return geo.Point{Lat: degE7(p.Lat), Lon: degE7(p.Lon)} }
			if a.Exit.Kind == "move" && b.Exit.Kind == "move" && geo.Distance(at(a.Exit.Position), at(b.Exit.Position)) < 49 {
				t.Errorf("%s and %s are sent to the same place", a.Vehicle.ID, b.Vehicle.ID)
			}
		}
	}
	for _, id := range ids {
		p.order(id, map[string]any{"kind": map[bool]string{true: "stop", false: "hold"}[id == "uav-2"], "reason": "a helicopter comes"})
	}
	p.until(20*time.Second, func() string { // held where it comes is still in its way
		if p.get("/v1/priority-traffic/"+rescue.ID, &rescue); len(rescue.Now.Affected) != 3 || rescue.Now.Affected[2].How != "ahead" {
			return fmt.Sprintf("three held in its way: %+v", rescue.Now)
		}
		return ""
	})

	p.terminate()
	p = serve(t, data, strings.Replace(signedListener, "127.0.0.1:0", p.signed, 1))
	for _, id := range ids {
		p.followed(id, func() {})
	}
	p.until(20*time.Second, func() string {
		if p.get("/v1/priority-traffic/"+rescue.ID, &rescue); rescue.Now == nil || len(rescue.Now.Affected) != 3 {
			return fmt.Sprintf("all of it after a restart: %+v", rescue.Now)
		}
		return ""
	})
	for _, id := range []string{"uav-1", "uav-3"} {
		p.order(id, map[string]any{"kind": "land"})
	}
	p.until(90*time.Second, func() string {
		of := p.conflicts()
		for _, id := range []string{"uav-1", "uav-3"} {
			if of[id] != "cleared at_rest" {
				return fmt.Sprintf("the copters to be down before it comes: %v", of)
			}
		}
		return ""
	})
	if p.get("/v1/priority-traffic/"+rescue.ID, &rescue); len(rescue.Now.Affected) != 1 || rescue.Now.Affected[0].Vehicle.ID != "uav-2" || rescue.Now.Affected[0].InS < 1 {
		t.Errorf("when it comes: %+v", rescue.Now)
	}
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + p.url}}
	for _, s := range []struct {
		args string
		code int
		has  string
	}{
		{"priority list", 0, "Rescue"},
		{"priority announce Rescue-2 --at 30.90,121.90 --course 90 --speed 50 --ceiling 300 --dry-run", 0, "nothing was announced"},
		{"priority announce Rescue-2 --at here", exitUsage, "--at is"},
		{"priority end " + rescue.ID, exitUsage, "--rev"},
	} {
		code, stdout, stderr := c.run("", strings.Fields(s.args)...)
		if code != s.code || !strings.Contains(stdout+stderr, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.args, code, s.code, stdout, stderr)
		}
	}
	p.ask(http.StatusOK, "POST", "/v1/priority-traffic/"+rescue.ID+"/end", map[string]any{"reason": "it flies above the road"}, nil, "If-Match", fmt.Sprintf("%q", fmt.Sprint(rescue.Rev)))
	p.until(20*time.Second, func() string {
		if of := p.conflicts(); of["uav-2"] != "cleared priority_ended" {
			return fmt.Sprintf("no conflict without the helicopter: %v", of)
		}
		return ""
	})
}

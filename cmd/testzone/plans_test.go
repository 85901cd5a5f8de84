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

// planned waits until a plan of a vehicle is in a state for a reason.
func (p *program) planned(vehicle, kind, state, why string) (plan web.PlanAnswer) {
	p.t.Helper()
	p.until(60*time.Second, func() string {
		if p.get("/v1/vehicles/"+vehicle+"/plans/"+kind, &plan); plan.State != state || !strings.Contains(plan.Why, why) {
			return fmt.Sprintf("the %s of %s %s %q: it is %s %q", kind, vehicle, state, why, plan.State, plan.Why)
		}
		return ""
	})
	return plan
}

// fly has copters that sign fly, with faults in how they take plans.
func (p *program) fly(keys map[uint8]mavlink.Key, faults map[uint8]sim.PlanFaults) (stop func()) {
	p.t.Helper()
	fleet, err := sim.New(sim.Config{
		Target: p.signed, Kind: sim.KindLoad, Vehicles: len(keys), Center: breachCircle.Center,
		Sign:       func(sys uint8) ([32]byte, uint8, bool) { return keys[sys], 1, true },
		PlanFaults: func(sys uint8) sim.PlanFaults { return faults[sys] },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	flying := startStage(cancel, ctx, fleet.Run)
	return func() { cancel(); flying.end(time.After(5 * time.Second)) }
}

// squareNorth is a square of a fence, some metres north of the middle.
func squareNorth(north, half float64) map[string]any {
	c := geo.Moved(breachCircle.Center, north, 0)
	var ring [][2]float64
	for _, d := range [][2]float64{{-1, -1}, {-1, 1}, {1, 1}, {1, -1}, {-1, -1}} {
		v := geo.Moved(c, d[0]*half, d[1]*half)
		ring = append(ring, [2]float64{float64(v.Lon) / 1e7, float64(v.Lat) / 1e7})
	}
	return map[string]any{"type": "Polygon", "coordinates": [][][2]float64{ring}}
}

// Copters that sign are given the zone's fences and missions over UDP: what they
// carry is read back, goes stale with the zone's fences, fails at an item that one
// does not take, and is unknown after a restart until it was read.
func TestVehiclesCarryPlans(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	keys := map[uint8]mavlink.Key{}
	for sys := uint8(1); sys <= 2; sys++ {
		_, secret := p.enrol(fmt.Sprintf("uav-%d", sys), "uav", int(sys))
		var key mavlink.Key
		if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
			t.Fatal(err)
		}
		keys[sys] = key
	}
	p.createFence("wall", squareNorth(9000, 100), nil)
	const path, zone = "/v1/vehicles/uav-1/plans", "/fence"
	land := p.fly(keys, map[uint8]sim.PlanFaults{2: {Reject: 2, RejectWith: 5}})
	p.followed("uav-1", func() {})
	p.followed("uav-2", func() {})
	// Its home is asked for when it is heard first.
	p.until(60*time.Second, func() string {
		var tried web.PlanAnswer
		if p.ask(http.StatusOK, "PUT", path+zone+"?dry_run=true", map[string]any{"from": "zone", "moving": true}, &tried); len(tried.Faults) > 0 {
			return fmt.Sprintf("nothing against the fences: %+v", tried.Faults)
		}
		return ""
	})

	p.ask(http.StatusAccepted, "PUT", path+zone, map[string]any{"from": "zone", "moving": true, "enable": true}, nil)
	if plan := p.planned("uav-1", "fence", "in_step", ""); plan.Items != 4 || !plan.Known || len(plan.Parts) != 1 || plan.Parts[0].Name != "wall" {
		t.Errorf("in step: %+v", plan)
	}
	p.until(30*time.Second, func() string {
		if plan := p.planned("uav-1", "fence", "in_step", ""); !plan.Enabled {
			return "the fence enabled"
		}
		return ""
	})
	p.createFence("another", squareNorth(-9000, 100), nil)
	p.planned("uav-1", "fence", "stale", `"another"`)
	p.ask(http.StatusAccepted, "PUT", path+zone, map[string]any{"from": "zone", "moving": true}, nil)
	if plan := p.planned("uav-1", "fence", "in_step", ""); plan.Items != 8 {
		t.Errorf("in step again: %+v", plan)
	}

	mission := func(north float64) map[string]any {
		to := geo.Moved(breachCircle.Center, north, 0)
		way := []any{0, 0, 0, nil, float64(to.Lat) / 1e7, float64(to.Lon) / 1e7, 60}
		return map[string]any{"moving": true, "items": []any{
			map[string]any{"command": 16, "frame": 6, "params": way}, map[string]any{"command": 20, "frame": 2, "params": []any{0, 0, 0, 0, 0, 0, 0}},
		}}
	}
	p.ask(http.StatusConflict, "PUT", path+"/mission", mission(9500), nil)
	p.ask(http.StatusAccepted, "PUT", path+"/mission", mission(500), nil)
	if plan := p.planned("uav-1", "mission", "in_step", ""); len(plan.Contents) != 2 || plan.Contents[1].Command != 20 {
		t.Errorf("the mission: %+v", plan)
	}
	p.until(60*time.Second, func() string { // uav-2's home
		var tried web.PlanAnswer
		if p.ask(http.StatusOK, "PUT", "/v1/vehicles/uav-2/plans/mission?dry_run=true", mission(500), &tried); len(tried.Faults) > 0 {
			return fmt.Sprintf("nothing against the mission: %+v", tried.Faults)
		}
		return ""
	})
	p.ask(http.StatusAccepted, "PUT", "/v1/vehicles/uav-2/plans/mission", mission(500), nil)
	if plan := p.planned("uav-2", "mission", "failed", "refuses the mission"); plan.Item == nil || plan.Known {
		t.Errorf("failed: %+v", plan)
	}

	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + p.url}}
	file := ""
	for _, s := range []struct {
		args string
		code int
		has  string
	}{
		{"plans export uav-1 --kind mission --format waypoints", 0, "QGC WPL 110\n0\t1\t0\t16\t"},
		{"plans export uav-1 --kind mission", 0, `"fileType": "Plan"`},
		{"plans send uav-1 mission --file - --dry-run --moving", 0, "mission of uav-1: uploading, 2 items"},
		{"plans send uav-1 rally --file - --dry-run --moving", exitUsage, "the file has no rally: it has mission"},
		{"plans show uav-1 fence", 0, `"wall": items`},
		{"plans send uav-1 fence --dry-run --moving", 0, "fence of uav-1: uploading, 8 items"},
		{"plans send uav-1 mission", exitUsage, "--file"},
		{"plans clear uav-1 mission --moving", 0, "mission of uav-1: "},
	} {
		code, stdout, stderr := c.run(file, strings.Fields(s.args)...)
		if strings.Contains(s.args, "export") {
			file = stdout // of the vehicle, to be sent back to it
		}
		if code != s.code || !strings.Contains(stdout+stderr, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.args, code, s.code, stdout, stderr)
		}
	}
	p.planned("uav-1", "mission", "none", "")

	land()
	p.terminate()
	p = serve(t, data, signedListener)
	p.planned("uav-1", "fence", "unknown", "read back") // since the restart, or since it was last heard
	defer p.fly(keys, nil)()                            // others in their place, who carry nothing
	p.planned("uav-1", "fence", "stale", "stored 0")
}

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

type enforcementJSON struct {
	Mode  string
	Waits int
	Items []struct {
		ID, State, Call, Cause string
		Steps                  []struct{ Kind, Outcome string }
		Decision               *struct{ Decision string }
	}
}

// A fence that asks to hold is drawn over a copter that signs: it holds, by itself, and
// over a restart that stands and is not ordered again. Nothing leaves before somebody
// confirmed that the samples are right.
func TestABreachIsEnforced(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	_, secret := p.enrol("uav-1", "uav", 1)
	var key mavlink.Key
	if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
		t.Fatal(err)
	}
	fly := func() (land func()) {
		t.Helper()
		fleet, err := sim.New(sim.Config{
			Target: p.signed, Kind: sim.KindLoad, Vehicles: 1, Center: breachCircle.Center,
			Sign: func(uint8) ([32]byte, uint8, bool) { return key, 1, true },
		})
		if err != nil || fleet.Vehicles()[0].Class != vehicles.UAV {
			t.Fatal(fleet.Vehicles(), err)
		}
		ctx, stop := context.WithCancel(t.Context())
		flying := startStage(stop, ctx, fleet.Run)
		return func() { stop(); flying.end(time.After(5 * time.Second)) }
	}
	land := fly()
	p.followed("uav-1", func() {})
	p.createFence("all", map[string]any{"type": "Polygon", "coordinates": [][][2]float64{
		{{121.92, 30.89}, {121.94, 30.89}, {121.94, 30.91}, {121.92, 30.91}, {121.92, 30.89}},
	}}, map[string]any{"response": "hold"})
	const path = "/v1/vehicles/uav-1/enforcement"
	is := func(state string) (e enforcementJSON) {
		t.Helper()
		p.until(60*time.Second, func() string {
			e = enforcementJSON{}
			p.get(path, &e)
			if len(e.Items) == 0 || e.Items[0].State != state {
				return fmt.Sprintf("enforcement %s: %+v", state, e)
			}
			return ""
		})
		return e
	}
	if e := is("held_back"); e.Mode != "act" || e.Waits != 1 || len(e.Items[0].Steps) != 0 {
		t.Errorf("before anybody confirmed: %+v", e)
	}
	confirm := map[string]any{"reason": "looked at them"}
	p.ask(http.StatusNoContent, "POST", "/v1/enforcement/confirm", confirm, nil, "Idempotency-Key", "confirmed-once")
	p.ask(http.StatusNoContent, "POST", "/v1/enforcement/confirm", confirm, nil, "Idempotency-Key", "confirmed-once")
	p.ask(http.StatusConflict, "POST", "/v1/enforcement/confirm", confirm, nil)
	e := is("in_effect")
	id := e.Items[0].ID
	if steps := e.Items[0].Steps; len(steps) != 1 || steps[0].Kind != "hold" || steps[0].Outcome != "in_effect" {
		t.Errorf("enforced by %+v", e)
	}
	var list vehicleOrdersJSON
	if p.get("/v1/vehicles/uav-1/orders", &list); list.Lease == nil || list.Lease.Holder != "enforcement" {
		t.Errorf("the hand on the vehicle: %+v", list)
	}
	decision := map[string]any{"decision": "let_be", "reason": "it may stay"}
	p.ask(http.StatusNotFound, "POST", "/v1/vehicles/nobody/enforcement/decision", decision, nil)
	p.ask(http.StatusOK, "POST", path+"/decision", decision, nil)
	is("let_be")

	p.terminate()
	land()
	p = serve(t, data, signedListener)
	defer fly()()
	p.followed("uav-1", func() {})
	p.get(path, &e)
	if e = is("let_be"); e.Items[0].ID != id || len(e.Items) != 1 || len(e.Items[0].Steps) != 1 || e.Items[0].Decision == nil {
		t.Errorf("after the restart: %+v", e)
	}
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + p.url}}
	for _, s := range []struct {
		args string
		code int
		has  string
	}{
		{"enforcement list", 0, "let_be"},
		{"enforcement decide uav-1 continue", exitUsage, "--reason"},
		{"enforcement decide uav-1 go --reason x", exitInvalid, "decision"},
		{"enforcement decide uav-1 let_be --reason x", 0, "uav-1: let_be"},
		{"enforcement confirm --reason x", 0, "confirmed"},
	} {
		code, stdout, stderr := c.run("", strings.Fields(s.args)...)
		if code != s.code || !strings.Contains(stdout+stderr, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.args, code, s.code, stdout, stderr)
		}
	}
}

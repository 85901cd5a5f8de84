package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"

	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

type orderJSON struct {
	ID, Kind, State, Why string
	Open, Durable        bool
}

type vehicleOrdersJSON struct {
	Items []orderJSON
	Lease *struct{ Holder string }
}

// order gives an order and waits until it is in effect.
func (p *program) order(vehicle string, body map[string]any) (o orderJSON) {
	p.t.Helper()
	p.ask(http.StatusCreated, "POST", "/v1/vehicles/"+vehicle+"/orders", body, &o)
	p.until(60*time.Second, func() string {
		var list vehicleOrdersJSON
		p.get("/v1/vehicles/"+vehicle+"/orders", &list)
		if now := list.Items[0]; now.ID != o.ID || now.State != "in_effect" || !now.Durable {
			return fmt.Sprintf("%s in effect: %+v", o.Kind, now)
		}
		return ""
	})
	return o
}

// A copter that signs is held, goes on, and is brought down, over UDP; the orders
// stand over a restart, and nothing is sent again.
func TestOrdersReachAVehicle(t *testing.T) {
	data := t.TempDir()
	p := serve(t, data, signedListener)
	_, secret := p.enrol("uav-1", "uav", 1)
	var key mavlink.Key
	if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
		t.Fatal(err)
	}
	fleet, err := sim.New(sim.Config{
		Target: p.signed, Kind: sim.KindLoad, Vehicles: 1, Center: breachCircle.Center,
		Sign: func(uint8) ([32]byte, uint8, bool) { return key, 1, true },
	})
	if err != nil || fleet.Vehicles()[0].Class != vehicles.UAV {
		t.Fatal(fleet.Vehicles(), err)
	}
	ctx, stop := context.WithCancel(t.Context())
	flying := startStage(stop, ctx, fleet.Run)
	defer func() { stop(); flying.end(time.After(5 * time.Second)) }()
	p.followed("uav-1", func() {})

	hold := p.order("uav-1", map[string]any{"kind": "hold", "reason": "a helicopter comes"})
	var track struct {
		Phase string
		Mode  struct{ Name string }
	}
	if p.get("/v1/tracks/uav-1", &track); track.Mode.Name != "brake" || track.Phase != "holding" {
		t.Errorf("held as %+v", track)
	}
	p.ask(http.StatusConflict, "POST", "/v1/vehicles/uav-1/orders", map[string]any{"kind": "resume", "ends": "or_another"}, nil)
	p.order("uav-1", map[string]any{"kind": "resume", "ends": hold.ID})
	p.order("uav-1", map[string]any{"kind": "land"})
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + p.url}}
	for _, s := range []struct {
		args string
		code int
		has  string
	}{
		{"orders send uav-1 hold --dry-run", 0, "nothing was sent; hold"},
		{"orders send uav-1 fly", exitInvalid, "kind"},
		{"orders list --all", 0, "in_effect"},
	} {
		code, stdout, stderr := c.run("", strings.Fields(s.args)...)
		if code != s.code || !strings.Contains(stdout+stderr, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.args, code, s.code, stdout, stderr)
		}
	}
	// To who proved nothing there is no way: it is no registered vehicle.
	p.ask(http.StatusNotFound, "POST", "/v1/vehicles/unverified-1/orders", map[string]any{"kind": "hold"}, nil)

	p.terminate()
	stop()
	p = serve(t, data, signedListener)
	var list vehicleOrdersJSON
	p.get("/v1/vehicles/uav-1/orders", &list)
	if len(list.Items) != 3 || list.Items[0].Kind != "land" || list.Items[0].State != "in_effect" || list.Lease == nil {
		t.Errorf("after the restart: %+v", list)
	}
	p.ask(http.StatusConflict, "POST", "/v1/vehicles/uav-1/orders", map[string]any{"kind": "hold"}, nil) // it is not heard
}

func TestHomesFollowWhatAVehicleSays(t *testing.T) {
	h, id := &homes{}, &vehicles.Identity{ID: "uav-1"}
	say := func(lat, lon int32) {
		h.note(id, &ardupilotmega.MessageHomePosition{Latitude: lat, Longitude: lon})
	}
	h.note(nil, &ardupilotmega.MessageHomePosition{Latitude: 1, Longitude: 1}) // it was forgotten a moment ago
	h.note(id, &ardupilotmega.MessageHeartbeat{})
	say(0, 0)
	if p, ok := h.get("uav-1"); ok {
		t.Errorf("no home is %v", p)
	}
	say(309_000_000, 1_219_300_000)
	say(309_100_000, 1_219_300_000)
	say(0, 0)
	if p, ok := h.get("uav-1"); !ok || p.Lat != 309_100_000 || p.Lon != 1_219_300_000 {
		t.Errorf("home is %v, %v", p, ok)
	}
}

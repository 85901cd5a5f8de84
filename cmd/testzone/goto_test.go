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

// flies has a copter that signs fly until the answer is called.
func (p *program) flies(id string) (stop func()) {
	p.t.Helper()
	_, secret := p.enrol(id, "uav", 1)
	var key mavlink.Key
	if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
		p.t.Fatal(err)
	}
	fleet, err := sim.New(sim.Config{
		Target: p.signed, Kind: sim.KindLoad, Vehicles: 1, Center: breachCircle.Center,
		Sign: func(uint8) ([32]byte, uint8, bool) { return key, 1, true },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	flying := startStage(cancel, ctx, fleet.Run)
	p.followed(id, func() {})
	return func() { cancel(); flying.end(time.After(5 * time.Second)) }
}

// A copter that signs is sent to a point, over UDP: not through a fence, which is named,
// and it is done when the copter is there; then it goes on with its course.
func TestAVehicleIsSentToAPoint(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	stop := p.flies("uav-1")
	defer stop()
	p.order("uav-1", map[string]any{"kind": "hold"})

	var track struct {
		Position web.Position
		Heights  struct {
			Takeoff *float64 `json:"takeoff_m"`
		}
		Mode struct{ Name string }
	}
	p.until(20*time.Second, func() string {
		if p.get("/v1/tracks/uav-1", &track); track.Heights.Takeoff == nil {
			return "a height"
		}
		return ""
	})
	here := geo.Point{Lat: degE7(track.Position.Lat), Lon: degE7(track.Position.Lon)}
	far, near := geo.Moved(here, 0, 300), geo.Moved(here, 60, 60)
	tower := geo.Moved(here, 0, 150)
	p.ask(http.StatusCreated, "POST", "/v1/fences", map[string]any{
		"name": "tower", "kind": "keep_out", "geometry": map[string]any{"type": "Point", "coordinates": []float64{float64(tower.Lon) / 1e7, float64(tower.Lat) / 1e7}},
		"radius_m": 50, "applies": map[string]any{"classes": []string{"uav"}}, "response": "warn", "floor": nil, "ceiling": nil,
	}, nil)
	place := func(to geo.Point) map[string]any {
		return map[string]any{"lat": float64(to.Lat) / 1e7, "lon": float64(to.Lon) / 1e7, "height": map[string]any{"m": *track.Heights.Takeoff + 10, "datum": "takeoff"}}
	}
	look := func(to geo.Point) (way web.Way) {
		at := place(to)
		p.get(fmt.Sprintf("/v1/vehicles/uav-1/way?lat=%v&lon=%v&height_m=%v&datum=takeoff", at["lat"], at["lon"], *track.Heights.Takeoff+10), &way)
		return way
	}
	if way := look(far); way.Clear || len(way.Fences) != 1 || way.Fences[0].Name != "tower" || way.Fences[0].FromM < 90 || way.Fences[0].FromM > 110 || way.Fences[0].AtEnd {
		t.Errorf("the way through the fence: %+v", way)
	}
	if way := look(near); !way.Clear || way.Climb != 10 {
		t.Errorf("the way beside it: %+v", way)
	}
	status, _, body, _ := p.call("POST", "/v1/vehicles/uav-1/orders", map[string]any{"kind": "reposition", "to": place(far)})
	if status != http.StatusConflict || !strings.Contains(string(body), `fence \"tower\"`) {
		t.Errorf("through the fence: %d %s", status, body)
	}
	sent := p.order("uav-1", map[string]any{"kind": "reposition", "to": place(near)})
	p.get("/v1/tracks/uav-1", &track)
	at := geo.Point{Lat: degE7(track.Position.Lat), Lon: degE7(track.Position.Lon)}
	if d := geo.Distance(at, near); track.Mode.Name != "guided" || d > 15 {
		t.Errorf("there, in %q, %.1f m off", track.Mode.Name, d)
	}
	p.order("uav-1", map[string]any{"kind": "resume", "ends": sent.ID})
	if p.get("/v1/tracks/uav-1", &track); track.Mode.Name != "auto" {
		t.Errorf("it goes on in %q", track.Mode.Name)
	}
}

// An ambulance goes through where a copter is held: its way out is ordered, it flies
// there, and is out of the way.
func TestAWayOutIsFlown(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	stop := p.flies("uav-1")
	defer stop()
	held := p.order("uav-1", map[string]any{"kind": "hold"})
	var track struct{ Position web.Position }
	p.get("/v1/tracks/uav-1", &track)
	here := geo.Point{Lat: degE7(track.Position.Lat), Lon: degE7(track.Position.Lon)}
	from := geo.Moved(here, 0, -600)
	var rescue web.PriorityTraffic
	p.ask(http.StatusCreated, "POST", "/v1/priority-traffic", map[string]any{
		"name": "Ambulance 3", "kind": "ambulance", "route": []any{map[string]any{"lat": float64(from.Lat) / 1e7, "lon": float64(from.Lon) / 1e7}},
		"course_deg": 90, "speed_mps": 4, "radius_m": 120, "clear_in_s": 180,
	}, &rescue)
	p.until(20*time.Second, func() string {
		if p.get("/v1/priority-traffic/"+rescue.ID, &rescue); rescue.Now == nil || len(rescue.Now.Affected) != 1 {
			return fmt.Sprintf("the copter to be in the way: %+v", rescue.Now)
		}
		return ""
	})
	exit := rescue.Now.Affected[0].Exit
	if exit.Kind != "move" || !exit.InTime {
		t.Fatalf("its way out: %+v", exit)
	}
	var out web.ExitOrders
	p.ask(http.StatusOK, "POST", "/v1/priority-traffic/"+rescue.ID+"/exits", map[string]any{"seen": map[string]string{"uav-1": exit.ID}}, &out)
	if len(out.Items) != 1 || out.Items[0].Order == nil || out.Items[0].Order.Kind != "reposition" || out.Items[0].Order.ID == held.ID {
		t.Fatalf("ordered: %+v", out)
	}
	p.until(60*time.Second, func() string {
		if of := p.conflicts(); of["uav-1"] != "cleared way_is_clear" {
			return fmt.Sprintf("the copter out of the way: %v", of)
		}
		return ""
	})
	p.until(60*time.Second, func() string {
		var list vehicleOrdersJSON
		if p.get("/v1/vehicles/uav-1/orders", &list); list.Items[0].ID != out.Items[0].Order.ID || list.Items[0].State != "in_effect" {
			return fmt.Sprintf("the copter where it was sent: %+v", list.Items[0])
		}
		return ""
	})
	p.get("/v1/tracks/uav-1", &track)
	at := geo.Point{Lat: degE7(track.Position.Lat), Lon: degE7(track.Position.Lon)}
	if d := geo.Distance(at, geo.Point{Lat: degE7(exit.Position.Lat), Lon: degE7(exit.Position.Lon)}); d > 15 {
		t.Errorf("%.1f m off its way out", d)
	}
}

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

// A copter that signs is sent to a point, over UDP: not through a fence, which is named,
// and it is done when the copter is there; then it goes on with its course.
func TestAVehicleIsSentToAPoint(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	_, secret := p.enrol("uav-1", "uav", 1)
	var key mavlink.Key
	if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
		t.Fatal(err)
	}
	fleet, err := sim.New(sim.Config{
		Target: p.signed, Kind: sim.KindLoad, Vehicles: 1, Center: breachCircle.Center,
		Sign: func(uint8) ([32]byte, uint8, bool) { return key, 1, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	flying := startStage(stop, ctx, fleet.Run)
	defer func() { stop(); flying.end(time.After(5 * time.Second)) }()
	p.followed("uav-1", func() {})
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

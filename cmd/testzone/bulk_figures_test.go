package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/sim"
	"testzone/vehicles"
	"testzone/web/auth"
)

// crowdVehicles is how many of a crowd have one listener: their system ids.
const crowdVehicles = 200

// crowd is many vehicles of acme's that sign over UDP, some for each listener; of each
// ten one refuses every order and one hears none.
type crowd struct {
	s    *server
	keys []map[uint8]auth.SigningKey // by listener
}

func (c *crowd) enrol(t *testing.T, listener, n int) *sim.Fleet {
	t.Helper()
	keys := map[uint8]auth.SigningKey{}
	c.keys = append(c.keys, keys)
	var script []sim.Event
	ctx, name := t.Context(), c.s.names[listener]
	who := airspace.Actor{ID: "figures", Org: "acme", Roles: []airspace.Role{airspace.TestOperator}}
	cfg := sim.Config{
		Target: c.s.listeners[listener].Addr().String(), Kind: sim.KindLoad, Vehicles: n, Rate: 2, Center: breachCircle.Center, Seed: int64(listener),
		Sign: func(sys uint8) ([32]byte, uint8, bool) { return keys[sys], 1, true },
	}
	for i := range n {
		var k auth.SigningKey
		_, _ = rand.Read(k[:]) // crypto/rand.Read never fails
		keys[uint8(i+1)] = k
	}
	plan, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range plan.Vehicles() {
		does := map[int]sim.Behaviour{3: sim.Refuses, 7: sim.LinkDeaf}[i%10]
		if does != "" {
			script = append(script, sim.Event{Vehicle: fmt.Sprintf("%s-%d", v.Class, v.SystemID), Does: does, Order: map[sim.Behaviour]string{sim.Refuses: "all"}[does]})
		}
		id, keyID := fmt.Sprintf("v-%d-%d", listener, v.SystemID), airspace.NewVehicleKeyID()
		_, err := c.s.register.RegisterVehicle(ctx, who, airspace.Vehicle{
			ID: id, Name: v.Name, Class: v.Class.String(), Operator: "acme",
			MAVLink: vehicles.MAVLink{Listener: name, SystemID: v.SystemID, Component: 1, Autopilot: vehicles.ArduPilot},
		}, false)
		if err == nil {
			err = c.s.enrolled.secrets.SetKey(id, keyID, keys[v.SystemID])
		}
		if err == nil {
			_, err = c.s.register.AddVehicleKey(ctx, who, id, keyID, false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg.Script = script
	fleet, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fleet
}

type bulkJSON struct {
	ID, Digest    string
	Orders, Calls int
	AtRest        int `json:"at_rest"`
	LastsS        int `json:"lasts_s"`
	Tally         map[string]int
}

// TestBulkClearFigures has a zone cleared of many vehicles over signed UDP. Inside the
// timer: the HTTP call of the act, orders, journal, sockets, simulated vehicles, their
// acknowledgements, and of those that refuse or hear nothing that somebody is called.
func TestBulkClearFigures(t *testing.T) {
	listeners, each := 1, 20
	if *figures {
		listeners, each = 1000/crowdVehicles, crowdVehicles
	}
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr = t.TempDir(), "127.0.0.1:0"
	conf.MAVLink = nil
	for i := range listeners {
		conf.MAVLink = append(conf.MAVLink, mavlinkConfig{Name: fmt.Sprint("signed", i), Addr: "127.0.0.1:0", Mode: modeSigned})
	}
	s, err := newServer(t.Context(), serverConfig{config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	s.whenStarted = func() error { close(ready); return nil }
	go func() { done <- s.run(ctx) }()
	<-ready
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	p := &program{t: t, url: s.url(), token: testToken}
	p.ask(http.StatusCreated, "POST", "/v1/organisations", map[string]any{"id": "acme", "kind": "operator", "name": "Acme"}, nil)
	c := &crowd{s: s}
	var fleets []func(context.Context) error
	for i := range listeners {
		fleets = append(fleets, c.enrol(t, i, each).Run)
	}
	flying := startStage(cancel, ctx, fleets...)
	n := listeners * each
	p.until(60*time.Second, func() string {
		tracks, err := s.pipeline.Tracks(ctx, telemetry.WholeZone())
		if err != nil || len(tracks) < n {
			return fmt.Sprintf("%d of %d vehicles followed: %v", len(tracks), n, err)
		}
		return ""
	})

	clearAll := map[string]any{"kind": "clear", "reason": "fire", "of": map[string]any{"all": true}}
	var preview bulkJSON
	p.until(60*time.Second, func() string { // a vehicle whose position is not known yet is not sent home
		p.ask(http.StatusOK, "POST", "/v1/orders?dry_run=true", clearAll, &preview)
		if preview.Calls > 0 {
			return fmt.Sprintf("%d vehicles of which somebody would be called", preview.Calls)
		}
		return ""
	})
	slowest := c.previews(p, clearAll, &preview)
	clearAll["digest"], clearAll["expect"] = preview.Digest, preview.Orders
	if preview.Orders+preview.Calls+preview.AtRest < n*9/10 {
		t.Fatalf("of %d vehicles: %+v", n, preview)
	}
	begin := time.Now()
	var given bulkJSON
	p.ask(http.StatusCreated, "POST", "/v1/orders", clearAll, &given)
	var took time.Duration
	p.until(60*time.Second, func() string {
		open := c.open(given.ID)
		took = time.Since(begin)
		if len(open) > 0 {
			return fmt.Sprintf("%d of %d neither acknowledged nor called about: %s", len(open), given.Orders, strings.Join(open[:min(len(open), 5)], ", "))
		}
		return ""
	})
	p.get("/v1/bulk-orders/"+given.ID, &given)
	calls := len(s.orders.OpenCalls())
	if calls < given.Orders/10 {
		t.Errorf("%d calls of %d orders: %v", calls, given.Orders, given.Tally)
	}
	cancel()
	flying.end(time.After(10 * time.Second))
	fmt.Fprintf(os.Stderr, "control: %d vehicles that sign over UDP, 20 %% refuse or hear nothing, %d ordered, %d calls, the last wave leaves after %d s (held until then); server and vehicles share %d cores; goals < 10 s, < 200 ms\n",
		n, given.Orders, calls, preview.LastsS, runtime.NumCPU())
	if *figures {
		fmt.Printf("control/bulk_clear_s %.1f s\n", took.Seconds())
		fmt.Printf("control/preview_ms %.0f ms\n", float64(slowest.Microseconds())/1000)
	}
}

// previews is the slowest of several previews, of a fence and of the order.
func (c *crowd) previews(p *program, order map[string]any, into *bulkJSON) (slowest time.Duration) {
	p.t.Helper()
	fence := map[string]any{"fence": map[string]any{
		"name": "all", "kind": "keep_out", "geometry": map[string]any{"type": "Point", "coordinates": []float64{121.93, 30.90}}, "radius_m": 50_000,
	}}
	for range 5 {
		begin := time.Now()
		p.ask(http.StatusOK, "POST", "/v1/fences/preview", fence, nil)
		slowest = max(slowest, time.Since(begin))
		begin = time.Now()
		p.ask(http.StatusOK, "POST", "/v1/orders?dry_run=true", order, into)
		slowest = max(slowest, time.Since(begin))
	}
	return slowest
}

// open are the vehicles of a bulk order that neither acknowledged an order nor have
// somebody called about them.
func (c *crowd) open(id string) (out []string) {
	settled := map[vehicles.VehicleID]bool{}
	for _, call := range c.s.orders.OpenCalls() {
		settled[call.Vehicle] = true
	}
	for _, o := range c.s.orders.Orders(func(o *command.Order) bool { return o.Bulk == id }) {
		settled[o.Vehicle] = settled[o.Vehicle] || o.AcceptedUS != 0 || o.EffectUS != 0
	}
	b, err := c.s.bulk.Bulk(id)
	if err != nil {
		return []string{err.Error()}
	}
	for i := range b.Items {
		if it := &b.Items[i]; !settled[it.Vehicle] && it.Verified {
			out = append(out, string(it.Vehicle))
		}
	}
	return out
}

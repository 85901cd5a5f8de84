package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// permitKinds are the kinds of the generic pack that move something.
var permitKinds = []struct {
	class vehicles.Class
	kind  string
}{{vehicles.UAV, "uav.flight"}, {vehicles.ICV, "icv.road_test"}, {vehicles.USV, "usv.channel_test"}}

// inForce is a permit for one vehicle around a place, effective for an hour, in its
// journal's form.
func inForce(id, kind string, v vehicles.VehicleID, at geo.Point, now time.Time) permit.Permit {
	from, to := now.Add(-time.Minute).UnixMicro(), now.Add(time.Hour).UnixMicro()
	areas := make([]permit.Volume, 1+len(id)%2) // one, or one more to the west
	for i := range areas {
		areas[i].Shared = true
		areas[i].SetShape(geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: at.Lat, Lon: at.Lon - int32(i)*15_000}, RadiusM: 100}})
	}
	return permit.Permit{
		ID: id, Org: "acme", State: rules.Effective, Pack: "generic@1", Domain: strings.Split(kind, ".")[0], Rev: 9,
		Application:  permit.Application{Kind: kind, Subtype: "first", FromUS: from, ToUS: to, Vehicles: []vehicles.VehicleID{v}, Volumes: areas},
		ApprovedToUS: to, FromUS: from, ToUS: to, EffectiveUS: from, SubmittedUS: from, CreatedUS: from, UpdatedUS: from, History: []permit.Event{{AtUS: from, Act: "permit.effective", State: rules.Effective}},
	}
}

// hasPermits writes permits into the journal of a zone that has not started yet.
func hasPermits(t *testing.T, dataDir, zone string, permits []permit.Permit) {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: filepath.Join(dataDir, "journal"), Group: zone})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range permits {
		body, err := json.Marshal(map[string]any{"type": "permit.effective", "permit": p, "by": "", "at_us": p.FromUS})
		if err == nil {
			_, err = j.Append(t.Context(), journal.Entry{ID: journal.NewID(), Kind: journal.Decision, Schema: airspace.PermitSchema, TimeUS: p.FromUS, Body: body, Expect: []journal.Expect{{Agg: journal.Aggregate(permit.Of(p.ID)), Any: true}}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// permitZone is a whole server whose journal has permits in force, one for each of n
// vehicles.
type permitZone struct {
	t    *testing.T
	s    *server
	sub  *telemetry.Subscription
	ids  []*vehicles.Identity
	boot uint32
}

// permitID of every second is longer: the others have two areas.
func permitID(i int) string { return fmt.Sprintf("pm_%04d%s", i, strings.Repeat("b", i%2)) }

func placeOf(i int) geo.Point {
	return geo.Point{Lat: 309_000_000, Lon: 1_219_100_000 + int32(i)*40_000}
}

func newPermitZone(t *testing.T, n, others int) *permitZone {
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr, conf.MAVLink = t.TempDir(), "127.0.0.1:0", []mavlinkConfig{{Name: "open", Addr: "127.0.0.1:0", Mode: modeOpen}}
	conf.Permits.Required = []string{"uav", "icv", "usv"}
	now := time.Now()
	var permits []permit.Permit
	for i := range n + others {
		k := permitKinds[i%len(permitKinds)]
		v := fmt.Sprintf("v-%d", i)
		if i < n {
			conf.Vehicles = append(conf.Vehicles, vehicleConfig{ID: v, Class: k.class.String(), Operator: "acme"})
		}
		permits = append(permits, inForce(permitID(i), k.kind, vehicles.VehicleID(v), placeOf(i%500), now))
	}
	hasPermits(t, conf.DataDir, conf.Zone.ID, permits)
	s, err := newServer(t.Context(), serverConfig{config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	z := &permitZone{t: t, s: s}
	z.sub, _ = s.bus.Subscribe(telemetry.SubscribeConfig{Name: "test", Reserved: true})
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	s.whenStarted = func() error { close(ready); return nil }
	go func() { done <- s.run(ctx) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		id, err := s.registry.OpenVerified(vehicles.VehicleID(fmt.Sprintf("v-%d", i)), vehicles.Source{Listener: "open", SystemID: uint8(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		z.ids = append(z.ids, id)
	}
	return z
}

// report sends where every vehicle is, moving: east of its place by lon degE7.
func (z *permitZone) report(lon int32) {
	z.boot += 200
	batch := make([]vehicles.Report, len(z.ids))
	for i, id := range z.ids {
		at := placeOf(i)
		at.Lon += lon
		batch[i] = vehicles.Report{
			Handle: id.Handle, Has: vehicles.HasPosition | vehicles.HasHeartbeat, ReceivedUS: time.Now().UnixMicro(), BootMS: z.boot,
			Fix: geo.Fix{Point: at}, Velocity: vehicles.Velocity{E: 500}, Armed: true,
		}
	}
	z.s.pipeline.Reports(batch)
}

// until reports until n vehicles have had a transition of their permit's fences.
func (z *permitZone) until(lon int32, n int, is func(*telemetry.Transition) bool) {
	z.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for seen := map[vehicles.VehicleID]bool{}; len(seen) < n; {
		select {
		case <-tick.C:
			z.report(lon)
		case <-z.sub.Ready():
			z.take(seen, is)
		case <-deadline:
			z.t.Fatalf("%d of %d vehicles had the transition of their permit that the test waits for", len(seen), n)
		}
	}
}

func (z *permitZone) take(seen map[vehicles.VehicleID]bool, is func(*telemetry.Transition) bool) {
	events, err := z.sub.Take()
	if err != nil {
		z.t.Fatal(err)
	}
	for _, e := range events {
		if tr, ok := e.Body.(*telemetry.Transition); ok && is(tr) && tr.Fence.Fence.Origin.Kind == airspace.PermitOrigin {
			seen[tr.Vehicle.ID] = true
		}
	}
}

// open are the open alerts of a vehicle, by type.
func (z *permitZone) open(id vehicles.VehicleID) (out []string) {
	for _, a := range z.s.book.Alerts(telemetry.WholeZone(), false) {
		if a.Vehicle.ID == id && a.ClearedUS == 0 && (a.Fence != nil || a.Type == telemetry.Unpermitted || a.Type == telemetry.PermitEnding) {
			out = append(out, string(a.Type))
		}
	}
	slices.Sort(out)
	return out
}

func (z *permitZone) wantOpen(lon int32, what string, want ...string) {
	z.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for {
		wrong := ""
		for _, id := range z.ids {
			if got := z.open(id.ID); !slices.Equal(got, want) {
				wrong = fmt.Sprintf("%s has %v", id.ID, got)
			}
		}
		if wrong == "" {
			return
		}
		select {
		case <-tick.C:
			z.report(lon)
		case <-deadline:
			z.t.Fatalf("%s: %s, want %v", what, wrong, want)
		}
	}
}

// reviewer is somebody of the department that signs under the generic pack.
func (z *permitZone) reviewer() airspace.Actor {
	z.t.Helper()
	setUp := airspace.Actor{ID: "bootstrap", Roles: []airspace.Role{airspace.Administrator, airspace.SetUp}}
	if _, err := z.s.register.CreateOrganisation(z.t.Context(), setUp, airspace.Organisation{ID: "authority", Kind: airspace.Department, Name: "Authority"}); err != nil {
		z.t.Fatal(err)
	}
	return airspace.Actor{ID: "rita", Person: "rita", Org: "authority", Roles: []airspace.Role{airspace.Reviewer}}
}

func begins(tr *telemetry.Transition) bool { return tr.Effect() == geofence.BreachBegins }
func ends(tr *telemetry.Transition) bool   { return tr.Effect() == geofence.BreachEnds }

// TestPermitEffect: a drone, a car and a boat move under a permit, leave its area and
// have it revoked in motion: within no alert, outside one, and after it the way home.
// With -figures it measures, with 1,000 permits in force, how long after the call of a
// revocation the loop has judged the vehicle without it: the journal's write included.
func TestPermitEffect(t *testing.T) {
	n, others := 3, 0
	if *figures {
		n, others = 90, 910
	}
	z := newPermitZone(t, n, others)
	who := z.reviewer()
	z.until(0, n, func(tr *telemetry.Transition) bool { return tr.Kind == geofence.Entered })
	z.wantOpen(0, "inside")
	z.until(20_000, n, begins)
	z.wantOpen(20_000, "outside", "fence_breach")
	var took []time.Duration
	for i := range n {
		begin := time.Now()
		if _, err := z.s.register.HaltPermit(t.Context(), who, permitID(i), airspace.RevokePermit, "found unsafe", false); err != nil {
			t.Fatal(err)
		}
		for seen := map[vehicles.VehicleID]bool{}; !seen[z.ids[i].ID]; {
			select {
			case <-z.sub.Ready():
				z.take(seen, ends)
			case <-time.After(60 * time.Second):
				t.Fatalf("%s is still kept in", z.ids[i].ID)
			}
		}
		took = append(took, time.Since(begin))
	}
	z.wantOpen(20_000, "on the way home", "permit_ending")
	if *figures {
		slices.Sort(took)
		fmt.Fprintf(os.Stderr, "permit/revoke_to_loop_ms: %d revocations of %d permits in force, goal < 100\n", n, n+others)
		fmt.Printf("permit/revoke_to_loop_p50_ms %.2f ms\n", took[len(took)/2].Seconds()*1e3)
		fmt.Printf("permit/revoke_to_loop_ms %.2f ms\n", took[len(took)-1].Seconds()*1e3)
	}
}

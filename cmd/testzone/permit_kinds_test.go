package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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

// kindCase is a kind of the pack of Shanghai, with a crew if it has any.
type kindCase struct{ kind, crew string }

func (k kindCase) String() string { return strings.TrimSpace(k.kind + " " + k.crew) }

func kindsOf(pack *rules.Pack) (out []kindCase) {
	for _, name := range slices.Sorted(maps.Keys(pack.Kinds)) {
		if len(pack.Kinds[name].Crews) == 0 {
			out = append(out, kindCase{kind: name})
		}
		for _, crew := range pack.Kinds[name].Crews {
			out = append(out, kindCase{name, crew})
		}
	}
	return out
}

// evidence is what an applicant declares so that every gate of the pack opens.
func evidence(vehicle vehicles.VehicleID) map[string]any {
	facts := map[string]any{"uav.mtow_kg": 6.0, "airspace.suitable": true, "road.public": true, "accidents_at_fault": 0.0, "violations": 0.0, "plated_vehicles": 20.0,
		"coverage_pct@declared_segments": 100.0, "auto_km@same_route#" + string(vehicle): 1500.0}
	for scope, km := range map[string]float64{"same_segments": 5000, "open_road": 40_000, "road_test": 200_000, "demonstration": 100_000} {
		facts["auto_km@"+scope], facts["auto_hours@"+scope] = km, 500.0
	}
	return facts
}

// kindsZone is the journal of a zone with a clock of its own: what happened before the
// program was started.
type kindsZone struct {
	t         *testing.T
	r         *airspace.Register
	now       time.Time
	pack      *rules.Pack
	applicant airspace.Actor
	people    map[string]airspace.Actor // of each department one
}

func newKindsZone(t *testing.T, conf *config, j *journal.Journal, now time.Time) *kindsZone {
	t.Helper()
	z := &kindsZone{t: t, now: now, people: map[string]airspace.Actor{}}
	zone := (&serverConfig{config: *conf}).zone()
	var err error
	z.r, err = airspace.NewRegister(airspace.Config{
		Zone: zone, Place: conf.Zone.Place, Journal: j, Vehicles: conf.registrations(), OpenListeners: []string{"open"}, Clock: func() time.Time { return z.now },
	})
	if err == nil {
		_, z.pack, err = z.r.RulePacks()
	}
	if err != nil {
		t.Fatal(err)
	}
	z.applicant = z.person("acme", airspace.Operator, airspace.Applicant)
	for _, d := range z.pack.Departments {
		z.people[d.ID] = z.person(strings.ReplaceAll(d.ID, "_", "-"), airspace.Department, airspace.Reviewer)
	}
	z.people["controller"] = z.person("zone", airspace.Authority, airspace.Controller)
	return z
}

func (z *kindsZone) person(org string, kind airspace.OrganisationKind, role airspace.Role) airspace.Actor {
	z.t.Helper()
	setUp := airspace.Actor{ID: "bootstrap", Roles: []airspace.Role{airspace.Administrator, airspace.SetUp}}
	_, err := z.r.CreateOrganisation(z.t.Context(), setUp, airspace.Organisation{ID: org, Kind: kind, Name: org})
	var p airspace.Person
	if err == nil {
		p, err = z.r.CreatePerson(z.t.Context(), setUp, airspace.Person{Org: org, Roles: []airspace.Role{role}})
	}
	who, _, err2 := z.r.PersonActor(p.ID)
	if err = errors.Join(err, err2); err != nil {
		z.t.Fatal(err)
	}
	return who
}

// apply hands an application in for an hour around a place.
func (z *kindsZone) apply(k kindCase, vehicle vehicles.VehicleID, at geo.Point, from time.Time) (permit.Permit, error) {
	a := permit.Application{Kind: k.kind, Crew: k.crew, Subtype: "first", Title: k.String(), Scenario: "delivery", FromUS: from.UnixMicro(), ToUS: from.Add(time.Hour).UnixMicro(),
		Vehicles: []vehicles.VehicleID{vehicle}, People: []permit.Crewman{{Ref: "crew-1", Role: "remote_pilot", Licence: "1"}}, Facts: evidence(vehicle)}
	v := permit.Volume{Ceiling: &permit.Height{MM: 100_000, Datum: "agl"}}
	v.SetShape(geofence.Shape{Circle: &geo.Circle{Center: at, RadiusM: 100}})
	a.Volumes = []permit.Volume{v}
	p, _, err := z.r.DraftPermit(z.t.Context(), z.applicant, completed(z.pack, a))
	if err == nil {
		p, err = z.r.SubmitPermit(z.t.Context(), z.applicant, p.ID)
	}
	return p, err
}

// sign has every department that is asked sign, each a while after the one before it.
// Nobody else can in its place.
func (z *kindsZone) sign(p permit.Permit, each time.Duration) permit.Permit {
	z.t.Helper()
	for {
		asked, _ := p.Asked(z.pack)
		if len(asked) == 0 {
			break
		}
		dept := asked[0]
		if _, last := p.May(dept, z.pack); len(last) > 0 {
			dept = asked[1]
		}
		may, _ := p.May(dept, z.pack)
		v := permit.Review{Verdict: permit.Pass, DocHash: p.DocHash, Judgements: map[string]bool{"necessary": true, "appropriate": true, "controllable": true}}
		if slices.Contains(may, permit.Approve) {
			v.Verdict = permit.Approve
		}
		other := "cyber" // asked by none of these
		for who, want := range map[*airspace.Actor]error{&z.applicant: airspace.ErrForbidden, ptr(z.people[other]): permit.ErrNotAsked} {
			if _, err := z.r.ReviewPermit(z.t.Context(), *who, p.ID, "", v); !errors.Is(err, want) {
				z.t.Errorf("%s: somebody else signs for %s: %v", p.Application.Title, dept, err)
			}
		}
		z.now = z.now.Add(each)
		z.tick()
		var err error
		if p, err = z.r.ReviewPermit(z.t.Context(), z.people[dept], p.ID, "", v); err != nil {
			z.t.Fatalf("%s at %s: %s: %v", p.Application.Title, p.Step, dept, err)
		}
	}
	if p.State != rules.Approved {
		z.t.Fatalf("%s: after all departments it is %s at %s", p.Application.Title, p.State, p.Step)
	}
	p, err := z.r.SignOverride(z.t.Context(), z.people["controller"], p.ID, "trial of the procedure")
	if err != nil {
		z.t.Fatal(err)
	}
	return p
}

func ptr[T any](v T) *T { return &v }

func (z *kindsZone) tick() {
	z.t.Helper()
	if _, err := z.r.TickPermits(z.t.Context()); err != nil {
		z.t.Fatal(err)
	}
}

func kindsConfig(t *testing.T) *config {
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr, conf.MAVLink = t.TempDir(), "127.0.0.1:0", []mavlinkConfig{{Name: "open", Addr: "127.0.0.1:0", Mode: modeOpen}}
	conf.Zone.Place, conf.Zone.TZ = "cn-shanghai", "Asia/Shanghai"
	conf.Permits.Required = []string{"uav", "icv", "usv"}
	return &conf
}

// TestPermitKinds: for every kind of the pack and every crew a vehicle's permit is
// applied for, signed by its departments as different people over days of an injected
// clock, becomes effective by the program's own, binds the vehicle that moves inside and
// outside of it, and is revoked in motion.
func TestPermitKinds(t *testing.T) {
	conf := kindsConfig(t)
	set, err := rules.Load(rules.Packs())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	pack, err := set.At(rules.DateOf(begin), conf.Zone.Place)
	if err != nil {
		t.Fatal(err)
	}
	kinds := kindsOf(pack)
	for i, k := range kinds {
		class := strings.Replace(pack.Kinds[k.kind].Domain, "site", "uav", 1)
		conf.Vehicles = append(conf.Vehicles, vehicleConfig{ID: fmt.Sprintf("v-%d", i), Class: class, Operator: "acme"})
	}
	j, err := journal.Open(journal.Config{Dir: filepath.Join(conf.DataDir, "journal"), Group: conf.Zone.ID})
	if err != nil {
		t.Fatal(err)
	}
	from := begin.Add(5 * time.Second)
	past := newKindsZone(t, conf, j, begin.Add(-60*24*time.Hour))
	var ids []string
	for i, k := range kinds {
		p, err := past.apply(k, vehicles.VehicleID(fmt.Sprintf("v-%d", i)), placeOf(i), from)
		if err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		ids = append(ids, past.sign(p, 7*time.Hour).ID) // nights, and the end of a month, go by
	}
	if past.now.After(begin) {
		t.Fatalf("the clock of the past shows %s", past.now)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	z := startPermitZone(t, *conf, len(kinds))
	for i := range kinds {
		if why := z.s.operating.mayStart(z.ids[i].ID, z.ids[i].Class, begin); why == "" {
			t.Errorf("%s: it may start before its begin", kinds[i])
		}
	}
	z.until(0, len(kinds), func(tr *telemetry.Transition) bool { return tr.Kind == geofence.Entered })
	z.wantOpen(0, "inside")
	z.until(20_000, len(kinds), begins)
	z.wantOpen(20_000, "outside", "fence_breach")
	for i, k := range kinds {
		decides := past.people[pack.Kinds[k.kind].SignOff.Decides]
		if p, err := z.s.register.PermitOf(decides, ids[i]); err != nil || p.State != rules.Effective {
			t.Fatalf("%s: %s: %v", k, p.State, err)
		}
		if _, err := z.s.register.HaltPermit(t.Context(), decides, ids[i], airspace.RevokePermit, "found unsafe", false); err != nil {
			t.Fatalf("%s: %v", k, err)
		}
	}
	z.wantOpen(20_000, "on the way home", "permit_ending")
}

// TestPermitClocks: by a clock that goes through the end of a month and the holidays of
// the national day, what is too late is refused, and a department that is silent is late
// and nothing is approved by it.
func TestPermitClocks(t *testing.T) {
	conf := kindsConfig(t)
	conf.Vehicles = []vehicleConfig{{ID: "v-0", Class: "uav", Operator: "acme"}, {ID: "v-1", Class: "icv", Operator: "acme"}}
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), Group: conf.Zone.ID})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour, minute, second int) time.Time {
		return time.Date(2026, month, day, hour, minute, second, 0, shanghai)
	}
	z := newKindsZone(t, conf, j, at(time.September, 29, 15, 0, 0))
	car, err := z.apply(kindCase{"icv.road_test", "driver"}, "v-1", placeOf(1), at(time.November, 2, 9, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	z.now = at(time.September, 30, 12, 0, 1) // of the day before, a second after noon
	if _, err := z.apply(kindCase{kind: "uav.flight"}, "v-0", placeOf(0), at(time.October, 1, 9, 0, 0)); !errors.Is(err, permit.ErrRules) {
		t.Errorf("a flight of the next day, applied for after noon: %v", err)
	}
	flight, err := z.apply(kindCase{kind: "uav.flight"}, "v-0", placeOf(0), at(time.October, 2, 9, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	missed := func(id string) (out []string) {
		z.tick()
		p, err := z.r.PermitOf(z.applicant, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Clocks {
			if c.State == permit.ClockMissed {
				out = append(out, c.ID)
			}
		}
		return out
	}
	z.now = at(time.October, 1, 21, 0, 0)
	if got := missed(flight.ID); len(got) != 0 {
		t.Errorf("at nine in the evening of a holiday: missed %v", got)
	}
	z.now = at(time.October, 1, 21, 0, 1)
	if got := missed(flight.ID); !slices.Equal(got, []string{"uav.decide"}) {
		t.Errorf("a second later: missed %v", got)
	}
	z.now = at(time.October, 2, 9, 30, 0)
	if missed(flight.ID); len(z.r.Grants()) != 0 {
		t.Error("by silence it is in force")
	}
	// Five working days after September 29: the 30th, none of the holidays, and a working Saturday.
	due := time.Time{}
	for _, c := range car.Clocks {
		if c.ID == "icv.first_review" {
			due = time.UnixMicro(c.DueUS).In(shanghai)
		}
	}
	if got := rules.DateOf(due).String(); got < "2026-10-10" || got > "2026-10-14" {
		t.Errorf("the first review of a car is due on %s", got)
	}
	z.now = due
	if got := missed(car.ID); len(got) != 0 {
		t.Errorf("when it is due: missed %v", got)
	}
	z.now = due.Add(time.Second)
	if got := missed(car.ID); !slices.Equal(got, []string{"icv.first_review"}) {
		t.Errorf("a second later: missed %v", got)
	}
	if p := z.sign(car, time.Hour); p.State != rules.Approved {
		t.Errorf("late, and signed by all: %s", p.State)
	}
}

// startPermitZone runs a server whose configuration has n vehicles v-0 and so on.
func startPermitZone(t *testing.T, conf config, n int) *permitZone {
	t.Helper()
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

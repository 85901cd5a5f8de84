package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"testzone/airspace/permit"
	"testzone/telemetry/mavlink"
	"testzone/telemetry/sim"
)

// field is a whole zone under test: the program, a fleet of simulated vehicles that sign
// and do what a script says, and two controllers, ada and bob. Vehicles are called by
// class and system id; the order is that of the load fleet: uav-1, icv-2, uav-3, usv-4,
// uav-5, icv-6, uav-7 (a fixed wing), uav-8, icv-9, uav-10 and so on.
type field struct {
	t        *testing.T
	p        *program // the server of now, for who may everything
	data     string
	sectors  string // of the configuration
	relay    *relay
	fleet    *sim.Fleet
	names    []string
	ada, bob *program          // the same server for a controller
	cookies  map[string]string // of their sessions
}

type fieldConfig struct {
	vehicles int
	script   string          // of the simulator
	askToArm bool            // vehicles stand, and ask before they arm
	extra    string          // of the server's configuration
	sectors  string          // of the zone: items of a YAML list
	permits  []permit.Permit // that are effective when it starts
}

// newField starts all of it; it is there when every vehicle is followed, unless they ask
// before they arm: then when they are registered.
func newField(t *testing.T, cfg fieldConfig) *field {
	t.Helper()
	f := &field{t: t, data: t.TempDir(), sectors: cfg.sectors, relay: newRelay(t), cookies: map[string]string{}}
	if len(cfg.permits) > 0 {
		hasPermits(t, f.data, "test", cfg.permits)
	}
	f.serve(cfg.extra)
	script, err := sim.ParseScript(cfg.script)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[uint8][32]byte{}
	f.fleet, err = sim.New(sim.Config{
		Target: f.relay.addr(), Kind: sim.KindLoad, Vehicles: cfg.vehicles, Sockets: cfg.vehicles, Center: breachCircle.Center,
		Script: script, Integrity: true, AskToArm: cfg.askToArm,
		Sign: func(sys uint8) ([32]byte, uint8, bool) {
			key, ok := keys[sys]
			if !ok {
				key = f.enrol(sys)
				keys[sys] = key
			}
			return key, 1, true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"ada", "bob"} {
		f.hire(who, "zone", "controller")
	}
	f.as()
	ctx, stop := context.WithCancel(context.Background())
	flying := startStage(stop, ctx, f.fleet.Run)
	t.Cleanup(func() { stop(); flying.end(time.After(5 * time.Second)) })
	for _, name := range f.names {
		f.follows(name)
	}
	return f
}

// classes of the load fleet by system id modulo ten.
var fieldClasses = [10]string{1: "uav", 2: "icv", 3: "uav", 4: "usv", 5: "uav", 6: "icv", 7: "uav", 8: "uav", 9: "icv", 0: "uav"}

func (f *field) enrol(sys uint8) mavlink.Key {
	class := fieldClasses[sys%10]
	name := fmt.Sprintf("%s-%d", class, sys)
	_, secret := f.p.enrol(name, class, int(sys))
	f.names = append(f.names, name)
	var key mavlink.Key
	if _, err := hex.Decode(key[:], []byte(secret)); err != nil {
		f.t.Fatal(err)
	}
	return key
}

// serve starts the server, or another one over the same data.
func (f *field) serve(extra string) {
	f.t.Helper()
	addr := "127.0.0.1:0"
	if f.p != nil { // pages are open that look for it where it was
		addr = strings.TrimPrefix(f.p.url, "http://")
	}
	f.p = serveAt(f.t, addr, f.data, f.sectors, signedListener, extra)
	f.relay.aim(f.t, f.p.signed)
	for login := range f.cookies { // sessions end with a server
		f.enter(login, passwordOf(login), 0, "", "", nil)
	}
	f.as()
}

// hire makes a person that signs in with a password of its own.
func (f *field) hire(login, organisation, role string) (person string) {
	f.t.Helper()
	if status, _, _, _ := f.p.call("GET", "/v1/organisations/zone", nil); status == http.StatusNotFound {
		f.p.ask(http.StatusCreated, "POST", "/v1/organisations", map[string]any{"id": "zone", "kind": "authority", "name": "Zone authority"}, nil)
	}
	password := "password of " + login
	var made struct{ ID string }
	f.p.ask(http.StatusCreated, "POST", "/v1/people", map[string]any{
		"organisation": organisation, "roles": []string{role}, "login": login, "name": strings.ToUpper(login), "subject": "", "password": password,
	}, &made)
	f.enter(login, password, http.StatusNoContent, "PUT", "/v1/session/password", map[string]any{"current": password, "password": passwordOf(login)})
	return made.ID
}

func passwordOf(login string) string { return "own password of " + login }

// enter signs a person in with a password, and does one call more if there is one.
func (f *field) enter(login, password string, want int, method, path string, in map[string]any) {
	f.t.Helper()
	self := f.by(f.p, "")
	one := func(want int, method, path string, in map[string]any) {
		status, header, raw, err := self.call(method, path, in)
		if err != nil || status != want {
			f.t.Fatalf("%s signs in, %s: %d %v %s", login, path, status, err, raw)
		}
		self.cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	}
	one(http.StatusOK, "POST", "/v1/session", map[string]any{"login": login, "password": password})
	if path != "" {
		one(want, method, path, in)
	}
	f.cookies[login] = self.cookie
}

// as is the server of now for each of the people.
func (f *field) as() { f.ada, f.bob = f.by(f.p, "ada"), f.by(f.p, "bob") }

func (f *field) by(p *program, login string) *program {
	return &program{t: p.t, url: p.url, cookie: f.cookies[login], mavlink: p.mavlink, signed: p.signed, done: p.done, cmd: p.cmd}
}

// in is the field for a part of a test.
func (f *field) in(t *testing.T) *field {
	c := *f
	c.t = t
	c.p = &program{t: t, url: f.p.url, token: f.p.token, mavlink: f.p.mavlink, signed: f.p.signed, done: f.p.done, cmd: f.p.cmd}
	c.as()
	return &c
}

// does has a vehicle behave as a line of a script says without its name, from now on.
func (f *field) does(vehicle, line string) (end func()) {
	f.t.Helper()
	events, err := sim.ParseScript(vehicle + " " + line)
	if err != nil {
		f.t.Fatal(err)
	}
	end, err = f.fleet.Do(events[0])
	if err != nil {
		f.t.Fatal(err)
	}
	return end
}

func fieldSystem(vehicle string) uint8 {
	_, n, _ := strings.Cut(vehicle, "-")
	sys, _ := strconv.Atoi(n)
	return uint8(sys)
}

// fieldTrack is what a test wants to know of a vehicle.
type fieldTrack struct {
	Phase, Link string
	Armed       bool
	Reports     int
	Verified    bool
	Mode        struct{ Name string }
	Position    *struct{ Lat, Lon float64 }
	Heights     map[string]float64
	Enforcement struct {
		Enforced bool
		Reasons  []string
	}
}

func (f *field) track(vehicle string) (t fieldTrack) {
	f.t.Helper()
	f.p.get("/v1/tracks/"+vehicle, &t)
	return t
}

// patience is how long a condition may take on a busy machine.
const patience = 3 * time.Minute

// until waits for a condition, which says what it still waits for. It asks seldom: many
// attempts wait at once.
func (f *field) until(cond func() string) {
	f.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		waits := cond()
		if waits == "" {
			return
		}
		select {
		case <-tick.C:
		case <-f.p.done:
			f.t.Fatalf("the program ended while the test waited for %s:\n%s", waits, f.p.output())
		case <-late:
			f.t.Fatalf("after %v still waiting for %s", patience, waits)
		}
	}
}

// follows waits until a vehicle is followed as who it is.
func (f *field) follows(vehicle string) {
	f.t.Helper()
	f.until(func() string {
		var t fieldTrack
		status, _, raw, err := f.p.call("GET", "/v1/tracks/"+vehicle, nil)
		if err != nil || status != http.StatusOK || json.Unmarshal(raw, &t) != nil || !t.Verified || t.Position == nil {
			return fmt.Sprintf("%s to be followed: %d %v %s", vehicle, status, err, raw)
		}
		return ""
	})
}

// seen waits until a track is as wanted.
func (f *field) seen(vehicle, what string, is func(fieldTrack) bool) {
	f.t.Helper()
	f.until(func() string {
		if t := f.track(vehicle); !is(t) {
			return fmt.Sprintf("%s to be %s: %+v", vehicle, what, t)
		}
		return ""
	})
}

// heardAgain waits until n more reports of a vehicle were taken in.
func (f *field) heardAgain(vehicle string, n int) {
	f.t.Helper()
	before := f.track(vehicle).Reports
	f.seen(vehicle, fmt.Sprint("heard with ", n, " more reports"), func(t fieldTrack) bool { return t.Reports >= before+n })
}

// orderedBy gives an order as somebody, which must be answered with a status.
func (f *field) orderedBy(who *program, want int, vehicle string, body map[string]any) (o orderJSON, problem string) {
	f.t.Helper()
	status, _, raw, err := who.call("POST", "/v1/vehicles/"+vehicle+"/orders", body)
	if err != nil || status != want {
		f.t.Fatalf("%v to %s: %d, want %d: %v\n%s", body, vehicle, status, want, err, raw)
	}
	if status == http.StatusCreated {
		decode(f.t, raw, &o)
	}
	return o, string(raw)
}

// becomes waits until an order is in a state.
func (f *field) becomes(vehicle, order, state string) orderJSON {
	f.t.Helper()
	return f.settles(vehicle, order, func(o orderJSON) bool { return o.State == state }, state)
}

// ends waits until nothing more becomes of an order.
func (f *field) ends(vehicle, order string) orderJSON {
	f.t.Helper()
	return f.settles(vehicle, order, func(o orderJSON) bool { return !o.Open }, "over")
}

func (f *field) settles(vehicle, order string, is func(orderJSON) bool, what string) (now orderJSON) {
	f.t.Helper()
	f.until(func() string {
		now = f.orderOf(vehicle, order)
		if !is(now) {
			return fmt.Sprintf("order %s of %s to be %s: %+v", order, vehicle, what, now)
		}
		return ""
	})
	return now
}

func (f *field) orderOf(vehicle, order string) orderJSON {
	f.t.Helper()
	var list vehicleOrdersJSON
	f.p.get("/v1/vehicles/"+vehicle+"/orders", &list)
	for _, o := range list.Items {
		if o.ID == order {
			return o
		}
	}
	f.t.Fatalf("order %s of %s is not listed: %+v", order, vehicle, list)
	return orderJSON{}
}

// fieldAlert is what a test wants to know of an alert.
type fieldAlert struct {
	ID, Type, State, Why, Order, Under string
	RaisedAt                           time.Time `json:"raised_at"`
	ConfirmedAt                        *string   `json:"confirmed_at"`
	ClearedAt                          *string   `json:"cleared_at"`
	Vehicle                            struct{ ID string }
	Evidence                           *struct {
		Flags   []string
		Grounds *struct{ Lacks []string }
	}
	Area *struct {
		Count    int
		Vehicles []struct{ ID string }
	}
}

// alerts are those of a type, of a vehicle or of all, that are open.
func (f *field) alerts(typ, vehicle string) (out []fieldAlert) {
	f.t.Helper()
	var page struct{ Items []fieldAlert }
	f.p.get("/v1/alerts?limit=500", &page)
	for _, a := range page.Items {
		if a.Type == typ && (vehicle == "" || a.Vehicle.ID == vehicle) {
			out = append(out, a)
		}
	}
	return out
}

// raised waits for an alert.
func (f *field) raised(typ, vehicle string) (a fieldAlert) {
	f.t.Helper()
	f.until(func() string {
		all := f.alerts(typ, vehicle)
		if len(all) == 0 {
			return "the alert " + typ + " of " + vehicle
		}
		a = all[0]
		return ""
	})
	return a
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

package airspace_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// fleetRig is a register with a signed listener, two operators, and a vehicle of
// the configuration.
type fleetRig struct {
	*accountRig
	anna, hugo, carl airspace.Actor
	changes          int // that the register told of
	moving           map[string]bool
	inForce          []*geofence.Compiled
}

// openFleet opens the register over dir, without its journal's owner before.
func openFleet(t *testing.T, dir string, configured ...vehicles.Registration) *fleetRig {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: dir, Group: "north"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	f := &fleetRig{accountRig: &accountRig{t: t, journal: j, now: time.UnixMicro(1_700_000_000_000_000)}, moving: map[string]bool{}}
	f.Register, err = airspace.NewRegister(airspace.Config{
		Zone: airspace.Zone{ID: "north"}, Journal: j, Clock: func() time.Time { return f.now },
		Vehicles: configured, Listeners: []string{"signed", "radio"}, OpenListeners: []string{"demo"},
		Moves: func(v string) bool { return f.moving[v] }, FleetChanged: func() { f.changes++ },
		SetFences: func(_ context.Context, set []*geofence.Compiled) error { f.inForce = set; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Replay(1, f.Replay); err != nil {
		t.Fatal(err)
	}
	return f
}

func newFleetRig(t *testing.T, configured ...vehicles.Registration) *fleetRig {
	t.Helper()
	f := openFleet(t, t.TempDir(), configured...)
	f.organisation("zone", airspace.Authority)
	f.organisation("acme", airspace.Operator)
	f.organisation("harbour", airspace.Operator)
	f.carl = f.actor(f.person("zone", airspace.Controller))
	f.anna, f.hugo = f.actor(f.person("acme", airspace.TestOperator)), f.actor(f.person("harbour", airspace.TestOperator))
	return f
}

func boat(id string, system uint8) airspace.Vehicle {
	return airspace.Vehicle{
		ID: id, Name: id, Class: "usv", Operator: "acme",
		MAVLink: vehicles.MAVLink{Listener: "signed", SystemID: system, Component: 1, Autopilot: vehicles.ArduPilot},
	}
}

func (f *fleetRig) registered(v airspace.Vehicle) airspace.Vehicle {
	f.t.Helper()
	made, err := f.RegisterVehicle(f.t.Context(), f.anna, v, false)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

// keyed gives a vehicle keys.
func (f *fleetRig) keyed(id string, keys ...string) {
	f.t.Helper()
	for _, k := range keys {
		if _, err := f.AddVehicleKey(f.t.Context(), f.anna, id, k, false); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestVehicleRefusals(t *testing.T) {
	f := newFleetRig(t)
	f.registered(boat("boat-1", 9))
	for name, c := range map[string]struct {
		change func(*airspace.Vehicle)
		want   error
		says   string
	}{
		"good":                 {func(*airspace.Vehicle) {}, nil, ""},
		"no id":                {func(v *airspace.Vehicle) { v.ID = "" }, airspace.ErrVehicle, "1 to 40"},
		"id of traffic":        {func(v *airspace.Vehicle) { v.ID = "icao-7c1a2b" }, airspace.ErrVehicle, "not registered"},
		"id taken":             {func(v *airspace.Vehicle) { v.ID = "boat-1" }, airspace.ErrExists, ""},
		"no name":              {func(v *airspace.Vehicle) { v.Name = "" }, airspace.ErrVehicle, "name"},
		"no class":             {func(v *airspace.Vehicle) { v.Class = "" }, airspace.ErrVehicle, "uav, icv or usv"},
		"of the authority":     {func(v *airspace.Vehicle) { v.Operator = "zone" }, airspace.ErrForbidden, ""},
		"of somebody else":     {func(v *airspace.Vehicle) { v.Operator = "harbour" }, airspace.ErrForbidden, ""},
		"system id taken":      {func(v *airspace.Vehicle) { v.MAVLink.SystemID = 9 }, airspace.ErrSystemID, "boat-2"},
		"on another listener":  {func(v *airspace.Vehicle) { v.MAVLink.SystemID, v.MAVLink.Listener = 9, "radio" }, nil, ""},
		"of a ground station":  {func(v *airspace.Vehicle) { v.MAVLink.SystemID = 255 }, airspace.ErrVehicle, "ground stations"},
		"listener without id":  {func(v *airspace.Vehicle) { v.MAVLink.SystemID = 0 }, airspace.ErrVehicle, "leave mavlink out"},
		"no MAVLink":           {func(v *airspace.Vehicle) { v.MAVLink = vehicles.MAVLink{} }, nil, ""},
		"unknown listener":     {func(v *airspace.Vehicle) { v.MAVLink.Listener = "gone" }, airspace.ErrVehicle, "signed, radio"},
		"unknown autopilot":    {func(v *airspace.Vehicle) { v.MAVLink.Autopilot = "own" }, airspace.ErrVehicle, "ardupilot, px4"},
		"component twice":      {func(v *airspace.Vehicle) { v.MAVLink.Others = []uint8{100, 100} }, airspace.ErrVehicle, "component 100"},
		"its own component":    {func(v *airspace.Vehicle) { v.MAVLink.Others = []uint8{1} }, airspace.ErrVehicle, "component 1"},
		"half a uid2":          {func(v *airspace.Vehicle) { v.UID2 = "0011" }, airspace.ErrVehicle, "uid2"},
		"uid2":                 {func(v *airspace.Vehicle) { v.UID2 = strings.Repeat("0a", 18) }, nil, ""},
		"long serial":          {func(v *airspace.Vehicle) { v.SerialNumber = strings.Repeat("1", 21) }, airspace.ErrVehicle, "20 visible"},
		"serial in Chinese":    {func(v *airspace.Vehicle) { v.SerialNumber = "甲" }, airspace.ErrVehicle, "ASCII"},
		"unknown lost link":    {func(v *airspace.Vehicle) { v.LostLink.Action = "vanish" }, airspace.ErrVehicle, "return, land"},
		"return height is NaN": {func(v *airspace.Vehicle) { nan := math.NaN(); v.LostLink.ReturnM = &nan }, airspace.ErrVehicle, "take-off"},
	} {
		v := boat("boat-2", 10)
		c.change(&v)
		_, err := f.RegisterVehicle(t.Context(), f.anna, v, true)
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.says)
		}
	}
	if n := len(f.Fleet(airspace.Everybody, true)); n != 1 {
		t.Errorf("trials registered something: %d vehicles", n)
	}
}

// TestKeysOfAVehicle goes through the life of keys; each step says what the keys
// are then.
func TestKeysOfAVehicle(t *testing.T) {
	f := newFleetRig(t)
	f.registered(boat("boat-1", 9))
	ctx := t.Context()
	add := func(key string) func() error {
		return func() error { _, err := f.AddVehicleKey(ctx, f.anna, "boat-1", key, false); return err }
	}
	revoke := func(who airspace.Actor, key string) func() error {
		return func() error { _, err := f.RevokeVehicleKey(ctx, who, "boat-1", key, "lost"); return err }
	}
	rotate := func() error { _, err := f.RotateVehicleKeys(ctx, f.anna, "boat-1"); return err }
	settle := func() error { _, err := f.SettleVehicle(ctx, "boat-1", "it has stopped"); return err }
	for _, s := range []struct {
		name string
		do   func() error
		want error
		keys string
	}{
		{"nothing to settle", settle, airspace.ErrKeyState, ""},
		{"nothing to rotate", rotate, airspace.ErrKeyState, ""},
		{"first", add("a"), nil, "a active"},
		{"rotate without a next", rotate, airspace.ErrKeyState, "a active"},
		{"second", add("b"), nil, "a active, b next"},
		{"third", add("c"), airspace.ErrTooManyKeys, "a active, b next"},
		{"rotate", rotate, nil, "a retiring, b active"},
		{"next one", add("c"), nil, "a retiring, b active, c next"},
		{"rotate again", rotate, nil, "a retiring, b retiring, c active"},
		{"a fourth", add("d"), nil, "a retiring, b retiring, c active, d next"},
		{"revoke the active one", revoke(f.anna, "c"), nil, "a retiring, b retiring, c retiring, d active"},
		{"a fifth that a listener would have to try", add("e"), airspace.ErrTooManyKeys, "a retiring, b retiring, c retiring, d active"},
		{"revoke a retiring one", revoke(f.anna, "a"), airspace.ErrKeyState, "a retiring, b retiring, c retiring, d active"},
		{"by another operator", revoke(f.hugo, "d"), airspace.ErrNotFound, "a retiring, b retiring, c retiring, d active"},
		{"stopped", settle, nil, "a retired, b retired, c retired, d active"},
		{"by a controller", revoke(f.carl, "d"), nil, "a retired, b retired, c retired, d retiring"},
		{"a new one meanwhile", add("e"), nil, "a retired, b retired, c retired, d retiring, e active"},
	} {
		if err := s.do(); !errors.Is(err, s.want) {
			t.Errorf("%s: %v, want %v", s.name, err, s.want)
		}
		v, err := f.Vehicle(airspace.Everybody, "boat-1")
		var keys []string
		for _, k := range v.Keys {
			keys = append(keys, fmt.Sprint(k.ID, " ", k.State))
		}
		if got := strings.Join(keys, ", "); err != nil || got != s.keys {
			t.Errorf("%s: %q, want %q: %v", s.name, got, s.keys, err)
		}
	}
	v, _ := f.Vehicle(airspace.Everybody, "boat-1")
	if got := v.AcceptedKeys(); !slices.Equal(got, []string{"d", "e"}) {
		t.Errorf("accepted: %v", got)
	}
	for i := range 40 { // what has retired is listed for a while only
		_, rerr := f.RevokeVehicleKey(ctx, f.anna, "boat-1", v.AcceptedKeys()[len(v.AcceptedKeys())-1], "")
		_, serr := f.SettleVehicle(ctx, "boat-1", "it has stopped")
		v, _ = f.AddVehicleKey(ctx, f.anna, "boat-1", fmt.Sprint("n", i), false)
		if rerr != nil || serr != nil || len(v.Keys) > 17 {
			t.Fatalf("round %d: %v, %v, %d keys", i, rerr, serr, len(v.Keys))
		}
	}
}

// TestWithdrawnVehicleKeepsItsPlace until it has stopped.
func TestWithdrawnVehicleKeepsItsPlace(t *testing.T) {
	f := newFleetRig(t)
	v := f.registered(boat("boat-1", 9))
	f.keyed("boat-1", "a")
	if _, err := f.WithdrawVehicle(t.Context(), f.anna, v.Rev, "boat-1"); !errors.Is(err, airspace.ErrStale) {
		t.Errorf("with an old revision: %v", err)
	}
	v, err := f.WithdrawVehicle(t.Context(), f.anna, v.Rev+1, "boat-1")
	if err != nil || v.State != airspace.Leaving || !slices.Equal(v.AcceptedKeys(), []string{"a"}) {
		t.Fatalf("withdrawn: %+v, %v", v, err)
	}
	for name, do := range map[string]func() error{
		"another with its system id": func() error { _, err := f.RegisterVehicle(t.Context(), f.anna, boat("boat-2", 9), true); return err },
		"a new key":                  func() error { _, err := f.AddVehicleKey(t.Context(), f.anna, "boat-1", "b", true); return err },
		"a change": func() error {
			_, err := f.ReplaceVehicle(t.Context(), f.anna, v.Rev, boat("boat-1", 9), true)
			return err
		},
	} {
		if err := do(); !errors.Is(err, airspace.ErrSystemID) && !errors.Is(err, airspace.ErrWithdrawn) {
			t.Errorf("%s while it leaves: %v", name, err)
		}
	}
	v, err = f.SettleVehicle(t.Context(), "boat-1", "it has stopped")
	if err != nil || v.State != airspace.Withdrawn || len(v.AcceptedKeys()) != 0 || v.UpdatedBy != "zone" {
		t.Errorf("settled: %+v, %v", v, err)
	}
	f.registered(boat("boat-2", 9))
	if _, err := f.RegisterVehicle(t.Context(), f.anna, boat("boat-1", 12), false); !errors.Is(err, airspace.ErrExists) {
		t.Errorf("an id is used once: %v", err)
	}
}

// TestConfiguredVehicle: it changes in the configuration; what was decided of it
// stays, and when it is taken out there it leaves as if it was withdrawn.
func TestConfiguredVehicle(t *testing.T) {
	dir := t.TempDir()
	reg := vehicles.Registration{ID: "uav-1", Name: "One", Class: vehicles.UAV, Operator: "acme", Origin: vehicles.Configured,
		MAVLink: vehicles.MAVLink{Listener: "signed", SystemID: 7}}
	f := openFleet(t, dir, reg)
	f.organisation("acme", airspace.Operator)
	f.anna = f.actor(f.person("acme", airspace.TestOperator))
	f.keyed("uav-1", "a")
	if _, err := f.NoteLostLink(t.Context(), "uav-1", vehicles.LostLink{Action: vehicles.LostLinkLand}); err != nil {
		t.Fatal(err)
	}
	f.registered(boat("boat-1", 9))
	for name, do := range map[string]func() error{
		"replace":  func() error { _, err := f.ReplaceVehicle(t.Context(), f.anna, 1, boat("uav-1", 9), false); return err },
		"withdraw": func() error { _, err := f.WithdrawVehicle(t.Context(), f.anna, 1, "uav-1"); return err },
	} {
		if err := do(); !errors.Is(err, airspace.ErrConfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.CheckConfigured(); err != nil {
		t.Error(err)
	}
	_ = f.journal.Close()

	reg.Name, reg.Class = "Renamed", vehicles.USV
	f = openFleet(t, dir, reg)
	v, err := f.Vehicle(airspace.Everybody, "uav-1")
	if err != nil || v.Name != "Renamed" || v.Class != "usv" || v.LostLink.Action != vehicles.LostLinkLand || !slices.Equal(v.AcceptedKeys(), []string{"a"}) {
		t.Errorf("after a change of the configuration: %+v, %v", v, err)
	}
	_ = f.journal.Close()

	f = openFleet(t, dir)
	v, err = f.Vehicle(airspace.Everybody, "uav-1")
	if err != nil || v.State != airspace.Leaving || v.Keys[0].State != airspace.KeyRetiring {
		t.Errorf("taken out of the configuration: %+v, %v", v, err)
	}
	_ = f.journal.Close()

	for name, c := range map[string]struct {
		id     vehicles.VehicleID
		system uint8
		want   error
	}{
		"the id of one that was registered":        {"boat-1", 12, airspace.ErrExists},
		"the system id of one that was registered": {"uav-2", 9, airspace.ErrSystemID},
		"the zone's system id":                     {"uav-2", 250, airspace.ErrVehicle},
	} {
		clash := reg
		clash.ID, clash.MAVLink.SystemID = c.id, c.system
		f = openFleet(t, dir, clash)
		if err := f.CheckConfigured(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		_ = f.journal.Close()
	}
}

// TestFleetLivesThroughARestart: what the journal builds is what was decided.
func TestFleetLivesThroughARestart(t *testing.T) {
	dir := t.TempDir()
	f := openFleet(t, dir)
	f.organisation("acme", airspace.Operator)
	f.anna = f.actor(f.person("acme", airspace.TestOperator))
	made := boat("boat-1", 9)
	height := 30.5
	made.LostLink = vehicles.LostLink{Action: vehicles.LostLinkReturn, ReturnM: &height, Rally: true, EnduranceS: 1800, Basis: vehicles.Stated}
	made.MAVLink.Others, made.SerialNumber = []uint8{100, 154}, "1581F4FB"
	if v := f.registered(made); v.LostLink.AtUS != f.now.UnixMicro() {
		t.Errorf("stated at %d", v.LostLink.AtUS)
	}
	f.keyed("boat-1", "a", "b")
	_, err := f.RotateVehicleKeys(t.Context(), f.anna, "boat-1")
	if err == nil {
		_, err = f.NoteLostLink(t.Context(), "boat-1", vehicles.LostLink{Action: vehicles.LostLinkHold})
	}
	if err == nil {
		_, err = f.EnrolGateway(t.Context(), f.anna, airspace.Gateway{
			ID: "gw-1", Name: "Pier", SPKI: strings.Repeat("A", 64), Operator: "acme", Vehicles: []string{"boat-1"},
		}, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	if f.changes != 6 {
		t.Errorf("told of %d changes, want 6", f.changes)
	}
	before := f.Fleet(airspace.Everybody, true)
	gateways := f.Gateways(airspace.Everybody, true)
	if l := before[0].LostLink; l.Basis != vehicles.FromParameters || l.Action != vehicles.LostLinkHold {
		t.Errorf("lost link %+v", l)
	}
	_ = f.journal.Close()
	f = openFleet(t, dir)
	if diff := cmp.Diff(before, f.Fleet(airspace.Everybody, true)); diff != "" {
		t.Errorf("vehicles after a restart (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(gateways, f.Gateways(airspace.Everybody, true)); diff != "" {
		t.Errorf("gateways after a restart (-before +after):\n%s", diff)
	}
	if got := f.Vouched("gw-1"); len(got) != 1 || got[0].ID != "boat-1" {
		t.Errorf("vouched: %+v", got)
	}
}

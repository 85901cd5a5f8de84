package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"testzone/airspace"
	"testzone/telemetry/sim"
	"testzone/vehicles"
	"testzone/web/auth"
)

// demoFleet are the demo's vehicles: registered with the demo's operator, each
// signs with a key of its own. The keys of a data folder stay.
type demoFleet struct {
	*sim.Fleet
	server   *server
	listener string // signed; empty: the configuration has none, and nobody signs
	made     map[uint8]auth.SigningKey
}

const demoOperator = "demo"

func newDemoFleet(s *server, seed int64, script []sim.Event) (*demoFleet, error) {
	f := &demoFleet{server: s, made: map[uint8]auth.SigningKey{}}
	cfg := sim.Config{Target: s.listeners[0].Addr().String(), Seed: seed, NoiseM: 0.5, Script: script}
	if signed := s.cfg.signedListeners(); len(signed) > 0 {
		f.listener = signed[0]
		cfg.Target = s.listeners[slices.Index(s.names, f.listener)].Addr().String()
		cfg.Sign = func(sys uint8) ([32]byte, uint8, bool) { return f.key(sys), 1, true }
	}
	var err error
	if f.Fleet, err = sim.New(cfg); err != nil {
		return nil, fmt.Errorf("simulated fleet: %w", err)
	}
	return f, nil
}

// key is that of the vehicle with a system id: of an earlier start, or a new one.
func (f *demoFleet) key(sys uint8) auth.SigningKey {
	for _, v := range f.server.register.Fleet(airspace.Everybody, false) {
		if v.MAVLink.Listener != f.listener || v.MAVLink.SystemID != sys {
			continue
		}
		for _, id := range v.AcceptedKeys() {
			if k, ok := f.server.enrolled.secrets.Key(v.ID, id); ok {
				return k
			}
		}
	}
	var k auth.SigningKey
	_, _ = rand.Read(k[:]) // crypto/rand.Read never fails
	f.made[sys] = k
	return k
}

// enrol registers the vehicles that are new.
func (f *demoFleet) enrol(ctx context.Context) error {
	if len(f.made) == 0 {
		return nil
	}
	r, secrets := f.server.register, f.server.enrolled.secrets
	setUp := airspace.Actor{ID: "demo", Name: "demo", Roles: []airspace.Role{airspace.SetUp}}
	if !slices.ContainsFunc(r.Organisations(), func(o airspace.Organisation) bool { return o.ID == demoOperator }) {
		if _, err := r.CreateOrganisation(ctx, setUp, airspace.Organisation{ID: demoOperator, Kind: airspace.Operator, Name: "Demo operator 演示运营方"}); err != nil {
			return fmt.Errorf("demo operator: %w", err)
		}
	}
	who := airspace.Actor{ID: "demo", Name: "demo", Org: demoOperator, Roles: []airspace.Role{airspace.TestOperator}}
	for _, v := range f.Vehicles() {
		key, isNew := f.made[v.SystemID]
		if !isNew {
			continue
		}
		id, keyID := strings.ReplaceAll(v.Name, " ", "-"), airspace.NewVehicleKeyID()
		if _, err := r.Vehicle(airspace.Everybody, id); err != nil {
			_, err = r.RegisterVehicle(ctx, who, airspace.Vehicle{
				ID: id, Name: v.Name, Class: v.Class.String(), Operator: demoOperator,
				MAVLink: vehicles.MAVLink{Listener: f.listener, SystemID: v.SystemID, Component: 1, Autopilot: vehicles.ArduPilot},
			}, false)
			if err != nil {
				return fmt.Errorf("demo vehicle %s: %w", id, err)
			}
		}
		err := secrets.SetContact(id, &auth.Contact{Name: "Demo desk 演示值班", Phone: "+86 21 5555 0100", Languages: []string{"zh", "en"}})
		if err == nil {
			err = secrets.SetKey(id, keyID, key)
		}
		if err == nil {
			_, err = r.AddVehicleKey(ctx, who, id, keyID, false)
		}
		if err != nil {
			return fmt.Errorf("key of demo vehicle %s: %w", id, err)
		}
	}
	return nil
}

package airspace_test

import (
	"errors"
	"strings"
	"testing"

	"testzone/airspace"
)

func pier(id string, vehicles ...string) airspace.Gateway {
	return airspace.Gateway{ID: id, Name: "Pier", SPKI: strings.Repeat("ab", 32), Operator: "acme", Vehicles: vehicles}
}

// A listener that gets the name of a gateway would believe unsigned frames of the
// vehicles behind it, whoever sends them.
func TestListenerWithTheNameOfAGateway(t *testing.T) {
	f := newFleetRig(t)
	for _, name := range []string{"signed", "demo"} {
		if _, err := f.EnrolGateway(t.Context(), f.anna, pier(name), false); !errors.Is(err, airspace.ErrExists) {
			t.Errorf("gateway with the name of listener %s: %v, want ErrExists", name, err)
		}
	}
	made, err := f.EnrolGateway(t.Context(), f.anna, pier("pier"), false)
	if err != nil {
		t.Fatal(err)
	}
	restarted := func(c airspace.Config) error {
		c.Zone, c.Journal = airspace.Zone{ID: "north"}, f.journal
		r, err := airspace.NewRegister(c)
		if err == nil {
			err = f.journal.Replay(1, r.Replay)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r.CheckConfigured()
	}
	signed, open := airspace.Config{Listeners: []string{"pier"}}, airspace.Config{OpenListeners: []string{"pier"}}
	for _, c := range []airspace.Config{signed, open} {
		if err := restarted(c); !errors.Is(err, airspace.ErrExists) {
			t.Errorf("a listener with the name of a gateway: %v, want ErrExists", err)
		}
	}
	if _, err := f.RevokeGateway(t.Context(), f.anna, made.Rev, "pier"); err != nil {
		t.Fatal(err)
	}
	if err := restarted(signed); err != nil {
		t.Errorf("when the gateway has retired: %v", err)
	}
}

// Who enrols a gateway with a key that is taken does not learn whose it is.
func TestFingerprintOfSomebodyElse(t *testing.T) {
	f := newFleetRig(t)
	if _, err := f.EnrolGateway(t.Context(), f.anna, pier("secret-pier"), false); err != nil {
		t.Fatal(err)
	}
	g := pier("mine")
	g.Operator = "harbour"
	_, err := f.EnrolGateway(t.Context(), f.hugo, g, false)
	if !errors.Is(err, airspace.ErrFingerprint) || strings.Contains(err.Error(), "secret-pier") {
		t.Errorf("%v, want ErrFingerprint without the other's id", err)
	}
}

// A gateway answers for vehicles of its operator only, also when a vehicle is sold.
func TestGatewayOfTheFormerOperator(t *testing.T) {
	f := newFleetRig(t)
	f.registered(boat("boat-1", 9))
	if _, err := f.EnrolGateway(t.Context(), f.anna, pier("pier", "boat-1"), false); err != nil {
		t.Fatal(err)
	}
	zone := airspace.Actor{ID: "setup", Roles: []airspace.Role{airspace.SetUp}}
	v, err := f.Vehicle(airspace.Everybody, "boat-1")
	if err != nil {
		t.Fatal(err)
	}
	sold := v
	sold.Operator = "harbour"
	if _, err := f.ReplaceVehicle(t.Context(), zone, v.Rev, sold, false); !errors.Is(err, airspace.ErrVehicle) || !strings.Contains(err.Error(), "pier") {
		t.Errorf("sold while a gateway of the seller answers for it: %v, want ErrVehicle that names the gateway", err)
	}
	g, err := f.Gateway(airspace.Everybody, "pier")
	if err == nil {
		_, err = f.ReplaceGateway(t.Context(), f.anna, g.Rev, pier("pier"), false)
	}
	if err == nil {
		_, err = f.ReplaceVehicle(t.Context(), zone, v.Rev, sold, false)
	}
	if err != nil {
		t.Errorf("sold when the gateway was told: %v", err)
	}
}

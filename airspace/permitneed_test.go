package airspace_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// TestNeedOf: by the pack of Shanghai a light aircraft in suitable airspace is exempt
// until a trigger, a restriction in its place and time or something unknown says
// otherwise; what drives or swims is not.
func TestNeedOf(t *testing.T) {
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), Group: "north"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	now := time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
	r, err := airspace.NewRegister(airspace.Config{Zone: airspace.Zone{ID: "north"}, Place: "cn-shanghai", Journal: j, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	_, pack, err := r.RulePacks()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]any{"uav.empty_kg": 1.0, "uav.mtow_kg": 2.0, "uav.max_speed_kmh": 50.0, "uav.true_height_m": 80.0, "airspace.suitable": true, "uav.reports_identity": true,
		"uav.manual_override": true, "uav.airspace_keeping": true, "uav.reliable_surveillance": true, "uav.micro_power_radio": true}
	for name, kind := range rules.FactKinds() {
		if _, stated := known[name]; kind == rules.YesNo && !stated {
			known[name] = false
		}
	}
	asked := func(hour int, but map[string]any) permit.Application {
		a := flightOf(pack, now.Add(time.Duration(hour)*time.Hour), 0)
		a.Volumes[0].Ceiling.Datum, a.Volumes[0].Floor.Datum = "agl", "agl"
		a.Facts = maps.Clone(known)
		maps.Copy(a.Facts, but)
		return a
	}
	carl := airspace.Actor{ID: "carl", Person: "carl", Roles: []airspace.Role{airspace.Controller}}
	_, err = r.Restrict(t.Context(), carl, airspace.RestrictionRequest{Name: "Regatta", Kind: airspace.PlannedRestriction, FromUS: now.Add(48 * time.Hour).UnixMicro(), ToUS: now.Add(52 * time.Hour).UnixMicro(),
		Fence: geofence.Fence{Shape: geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_000_000}, RadiusM: 100}}}})
	if err != nil {
		t.Fatal(err)
	}
	withUnknown := asked(5, nil)
	delete(withUnknown.Facts, "uav.over_crowd")
	high := asked(5, nil)
	high.Volumes[0].Ceiling.MM = 130_000
	for _, c := range []struct {
		name   string
		class  vehicles.Class
		a      permit.Application
		needed bool
		rule   string
	}{
		{"light in suitable airspace", vehicles.UAV, asked(5, nil), false, "31(1)"},
		{"over a crowd", vehicles.UAV, asked(5, map[string]any{"uav.over_crowd": true}), true, "over_crowd"},
		{"over who knows what", vehicles.UAV, withUnknown, true, "over_crowd"},
		{"above what is free", vehicles.UAV, high, true, "controlled"},
		{"while the place is restricted", vehicles.UAV, asked(49, nil), true, "controlled"},
		{"after that", vehicles.UAV, asked(53, nil), false, "31(1)"},
		{"a car", vehicles.ICV, asked(5, nil), true, ""},
		{"a boat", vehicles.USV, asked(5, nil), true, ""},
	} {
		n, err := r.NeedOf(c.class, c.a)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if n.Needed != c.needed || n.Rule.ID != c.rule {
			t.Errorf("%s: %v by %q, want %v by %q", c.name, n.Needed, n.Rule.ID, c.needed, c.rule)
		}
		if of := c.class.String(); slices.ContainsFunc(n.Kinds, func(k string) bool { return pack.Kinds[k].Domain != of }) || len(n.Kinds) == 0 {
			t.Errorf("%s: kinds %v", c.name, n.Kinds)
		}
		if (len(n.Near) > 0) != (c.name == "while the place is restricted") {
			t.Errorf("%s: restrictions %+v", c.name, n.Near)
		}
	}
	wrong := asked(5, map[string]any{"tier": "low"})
	if _, err := r.NeedOf(vehicles.UAV, wrong); !errors.Is(err, permit.ErrApplication) {
		t.Errorf("a fact that nobody declares: %v", err)
	}
}

package telemetry

import (
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

func TestViewOfOperator(t *testing.T) {
	registry, err := vehicles.NewRegistry(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	open := func(operator string) *vehicles.Identity {
		id, err := registry.OpenUnverified(vehicles.Source{Listener: "l", Address: "10.0.0.1:5"}, vehicles.UAV, operator)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	mine, theirs := open("skyline"), open("harbour")
	sees := OfOperator("skyline")

	if got := sees.Identity(mine); got != mine {
		t.Errorf("its own vehicle is shown as %+v", got)
	}
	shown := sees.Identity(theirs)
	want := vehicles.Identity{Handle: theirs.Handle, ID: "traffic-2", Class: vehicles.UAV}
	if *shown != want {
		t.Errorf("another's vehicle is shown as %+v, want %+v", *shown, want)
	}
	for _, tc := range []struct {
		view View
		id   vehicles.VehicleID
		ok   bool
	}{
		{sees, mine.ID, true},
		{sees, theirs.ID, false}, // to guess an id tells nothing
		{sees, shown.ID, true},
		{sees, "traffic-1", false},
		{sees, "traffic-0", false},
		{sees, "traffic-99", false},
		{sees, "traffic-99999999999", false},
		{WholeZone(), theirs.ID, true},
		{View{}, mine.ID, false},
	} {
		if _, ok := tc.view.Lookup(registry, tc.id); ok != tc.ok {
			t.Errorf("lookup of %s: %v, want %v", tc.id, ok, tc.ok)
		}
	}

	full := TrackView{Vehicle: theirs, AlertLevel: 3, Track: vehicles.Track{
		Handle: theirs.Handle, Class: vehicles.UAV, Seen: vehicles.HasPosition | vehicles.HasBattery, Fix: geo.Fix{Point: geo.Point{Lat: 1, Lon: 2}},
		Armed: true, Battery: 50, Mode: 4, FixUS: 7,
	}}
	got := sees.track(full)
	if !got.Traffic || got.Armed || got.AlertLevel != 0 || got.Battery != vehicles.BatteryUnknown || got.Mode != 0 || got.Vehicle.Operator != "" {
		t.Errorf("traffic shows too much: %+v", got)
	}
	if got.Fix.Point != full.Fix.Point || got.Class != vehicles.UAV || got.FixUS != 7 || !got.HasFix() {
		t.Errorf("traffic shows too little: %+v", got)
	}
	full.Vehicle = mine
	if got := sees.track(full); got.Traffic || !got.Armed {
		t.Errorf("its own track is shown as %+v", got)
	}
}

func TestViewOfAlerts(t *testing.T) {
	mine := AlertVehicle{ID: "a", Handle: 1, Name: "A", Class: "uav", Operator: "skyline"}
	theirs := AlertVehicle{ID: "b", Handle: 2, Name: "B", Class: "usv", Operator: "harbour"}
	sees := OfOperator("skyline")
	for _, tc := range []struct {
		name    string
		alert   Alert
		ok      bool
		vehicle vehicles.VehicleID
		other   vehicles.VehicleID
	}{
		{"own", Alert{Vehicle: mine}, true, "a", ""},
		{"another's", Alert{Vehicle: theirs}, false, "", ""},
		{"too close, own first", Alert{Vehicle: mine, Other: &theirs}, true, "a", "traffic-2"},
		{"too close, own second", Alert{Vehicle: theirs, Other: &mine}, true, "traffic-2", "a"},
		{"of the zone", Alert{}, false, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := sees.Alert(&tc.alert)
			if ok != tc.ok || ok && got.Vehicle.ID != tc.vehicle {
				t.Fatalf("got %+v, %v", got, ok)
			}
			if ok && tc.other != "" && (got.Other == nil || got.Other.ID != tc.other) {
				t.Errorf("the other is shown as %+v", got.Other)
			}
			if ok && got.Vehicle.ID == "traffic-2" && (got.Vehicle.Name != "" || got.Vehicle.Operator != "") {
				t.Errorf("another's vehicle is shown as %+v", got.Vehicle)
			}
		})
	}
}

func TestViewOfEvents(t *testing.T) {
	mine, theirs := &vehicles.Identity{Operator: "skyline"}, &vehicles.Identity{Operator: "harbour"}
	sees := OfOperator("skyline")
	for _, tc := range []struct {
		body Body
		ok   bool
	}{
		{&Transition{Vehicle: mine}, true},
		{&Transition{Vehicle: theirs}, false},
		{&Jump{Vehicle: mine}, true},
		{&Jump{Vehicle: theirs}, false},
		{&Alert{Vehicle: AlertVehicle{Operator: "harbour"}}, false},
		{&FenceChange{ID: "fn_1"}, true},
		{&LinkChange{}, false}, // nothing of it is shown to anybody yet
	} {
		if _, ok := sees.Event(tc.body); ok != tc.ok {
			t.Errorf("%T: %v, want %v", tc.body, ok, tc.ok)
		}
		if _, ok := WholeZone().Event(tc.body); !ok {
			t.Errorf("the zone does not see %T", tc.body)
		}
	}
}

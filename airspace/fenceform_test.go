package airspace

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestFenceComesBackFromTheJournal holds that every field of a fence is kept.
func TestFenceComesBackFromTheJournal(t *testing.T) {
	line := []geo.Point{{Lat: 1, Lon: 2}, {Lat: 3, Lon: 4}}
	full := geofence.Fence{
		ID: "fn_1", Name: "all", Kind: geofence.SpeedLimit, Rev: 7, Response: geofence.Land, Origin: geofence.Origin{Kind: "permit", ID: "9"},
		Shape:     geofence.Shape{Corridor: &geo.Corridor{Line: line, WidthM: 12.5}},
		Floor:     geo.Altitude{MM: -1, Datum: geo.WGS84},
		Ceiling:   geo.Altitude{MM: 5, Datum: geo.AGL},
		Classes:   vehicles.ClassSet(vehicles.UAV, vehicles.USV),
		Edges:     geofence.Geodesic,
		Operators: []string{"a"}, Vehicles: []vehicles.VehicleID{"v"}, ExemptOperators: []string{"b"}, ExemptVehicles: []vehicles.VehicleID{"w"}, Permits: []string{"p"}, ExemptPermits: []string{"q"},
		SpeedMPS: 8.3, MarginM: 2.5, Group: "g",
		Schedule: geofence.Schedule{
			Windows: []geofence.Window{{FromUS: 1, ToUS: 1_900_000_000_000_001}},
			Weekly: []geofence.Weekly{
				{Days: 0b1010101, From: geofence.Edge{Minutes: 480}, To: geofence.Edge{Base: geofence.Sunset, Minutes: -30}},
				{Days: 1, From: geofence.Edge{Base: geofence.Sunrise, Minutes: 61}, To: geofence.Edge{Minutes: 1440}},
			},
			Holidays: geofence.HolidaysOnly,
		},
	}
	polygons := geofence.Fence{Kind: geofence.KeepIn, Shape: geofence.Shape{Polygons: []geo.Polygon{
		{Outer: geo.Ring{{Lat: 1}, {Lon: 2}, {Lat: 3}}, Holes: []geo.Ring{{{Lat: 4}, {Lon: 5}, {Lat: 6}}}}, {Outer: geo.Ring{{Lat: 7}, {Lon: 8}, {Lat: 9}}},
	}}}
	circle := geofence.Fence{
		Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 1, Lon: 2}, RadiusM: 3.25}},
		Schedule: geofence.Schedule{Weekly: []geofence.Weekly{{Days: 2}}, Holidays: geofence.HolidaysExcept},
	}
	for _, f := range []geofence.Fence{full, polygons, circle} {
		raw, err := json.Marshal(encodeFence(&f))
		if err != nil {
			t.Fatal(err)
		}
		var form fenceJSON
		if err := json.Unmarshal(raw, &form); err != nil {
			t.Fatal(err)
		}
		back, err := form.decode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, back); diff != "" {
			t.Errorf("%s (-before +after):\n%s", raw, diff)
		}
	}
}

// TestFenceOfIssue2IsReadable reads an entry as the first version wrote it.
func TestFenceOfIssue2IsReadable(t *testing.T) {
	raw := `{"id":"fn_1","name":"river","kind":"keep_out","polygons":[[[[1219300000,309000000],[1219310000,309000000],[1219300000,309010000]]]],` +
		`"ceiling":{"mm":120000,"datum":"amsl"},"classes":["uav"],"response":"warn","origin":"manual","rev":1}`
	var form fenceJSON
	if err := json.Unmarshal([]byte(raw), &form); err != nil {
		t.Fatal(err)
	}
	got, err := form.decode()
	if err != nil {
		t.Fatal(err)
	}
	want := geofence.Fence{
		ID: "fn_1", Name: "river", Kind: geofence.KeepOut, Ceiling: geo.Altitude{MM: 120_000, Datum: geo.AMSL},
		Classes: vehicles.ClassSet(vehicles.UAV), Response: geofence.Warn, Origin: geofence.Origin{Kind: "manual"}, Rev: 1,
		Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.MustRing("30.9,121.93 30.9,121.931 30.901,121.93")}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := json.Marshal(encodeFence(&got))
	if err != nil || string(again) != raw {
		t.Errorf("a fence without anything new is written as before: %s, %v", again, err)
	}
}

func TestUnknownWordsInTheJournalAreRefused(t *testing.T) {
	for _, raw := range []string{
		`{"kind":"keep_out","edges":"round"}`,
		`{"kind":"keep_out","schedule":{"holidays":"maybe"}}`,
		`{"kind":"keep_out","schedule":{"weekly":[{"days":1,"from":{"base":"noon","minutes":1},"to":{"minutes":2}}]}}`,
	} {
		var form fenceJSON
		if err := json.Unmarshal([]byte(raw), &form); err != nil {
			t.Fatal(err)
		}
		if _, err := form.decode(); err == nil {
			t.Errorf("accepted %s", raw)
		}
	}
}

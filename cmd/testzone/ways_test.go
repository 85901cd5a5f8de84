package main

import (
	"strings"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func TestWaysAreJudgedByTheFencesInForce(t *testing.T) {
	compile := func(f geofence.Fence) *geofence.Compiled {
		c, err := geofence.Compile(f)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	place := func(north, east float64) geo.Point { return geo.Moved(breachCircle.Center, north, east) }
	engine := geofence.NewEngine(geofence.Config{})
	engine.SetFences([]*geofence.Compiled{
		compile(geofence.Fence{ID: "out", Name: "tower", Rev: 1, Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &geo.Circle{Center: place(0, 0), RadiusM: 100}}}),
		compile(geofence.Fence{ID: "in", Name: "area", Rev: 1, Kind: geofence.KeepIn, Shape: geofence.Shape{Circle: &geo.Circle{Center: place(0, 0), RadiusM: 3000}}}),
	})
	v := &vehicles.Identity{ID: "uav-1", Class: vehicles.UAV, Verified: true}
	for _, c := range []struct {
		name     string
		from, to geo.Point
		want     string
	}{
		{"free", place(200, 0), place(200, 500), ""},
		{"into it", place(200, 0), place(50, 0), `"tower"`},
		{"through it", place(200, 0), place(-200, 0), `"tower"`},
		{"out of it", place(50, 0), place(200, 0), ""},
		{"within it", place(50, 0), place(-50, 0), `"tower"`},
		{"out of the area", place(2000, 0), place(4000, 0), `"area"`},
	} {
		if got := (orderWays{engine}).Blocked(v, geo.Fix{Point: c.from}, geo.Fix{Point: c.to}); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

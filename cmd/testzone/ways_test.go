package main

import (
	"math"
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
	within := func(got, want float64) bool { return math.Abs(got-want) <= 2*wayPieceM }
	for _, c := range []struct {
		name     string
		from, to geo.Point
		want     string  // fence, or none
		fromM    float64 // from where on the way, and for how much of it
		insideM  float64
		atEnd    bool
	}{
		{"free", place(200, 0), place(200, 500), "", 0, 0, false},
		{"into it", place(200, 0), place(50, 0), "out", 100, 50, true},
		{"through it", place(200, 0), place(-200, 0), "out", 100, 200, false},
		{"through its edge", place(98, -50), place(98, 50), "out", 30, 40, false},
		{"out of it", place(50, 0), place(200, 0), "", 0, 0, false},
		{"within it", place(50, 0), place(-50, 0), "out", 0, 100, true},
		{"out of the area", place(2000, 0), place(4000, 0), "in", 1000, 1000, true},
	} {
		got := orderWays{engine}.Breached(v, geo.Fix{Point: c.from}, geo.Fix{Point: c.to})
		if c.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].ID != c.want || !within(got[0].FromM, c.fromM) || !within(got[0].InsideM, c.insideM) || got[0].AtEnd != c.atEnd || got[0].HeightUnknown ||
			!within(geo.Distance(c.from, got[0].At), c.fromM) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c)
		}
	}
	low := compile(geofence.Fence{ID: "low", Name: "meadow", Rev: 1, Kind: geofence.KeepOut, Ceiling: geo.Altitude{MM: 50_000, Datum: geo.AGL}, Shape: geofence.Shape{Circle: &geo.Circle{Center: place(0, 0), RadiusM: 100}}})
	engine.SetFences([]*geofence.Compiled{low})
	from, to := geo.Fix{Point: place(200, 0)}, geo.Fix{Point: place(50, 0)}
	from.Heights.Set(geo.AGL, 80_000) // what the ground is there is not known
	if got := (orderWays{engine}).Breached(v, from, to); len(got) != 1 || !got[0].HeightUnknown {
		t.Errorf("without ground height: %+v", got)
	}
}

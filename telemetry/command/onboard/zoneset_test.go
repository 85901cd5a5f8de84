package onboard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// short is a set for people: command and number of items of each fence, what is lost.
func (s *fenceSet) short() string {
	var out []string
	for _, p := range s.parts {
		text := p.ID + ":"
		if p.Items > 0 {
			text += fmt.Sprintf("%d@%d×%d", s.plan.Items[p.First-1].Command, p.First, p.Items)
		}
		for _, l := range p.Lost {
			text += "-" + string(l)
		}
		out = append(out, text)
	}
	if s.join {
		out = append(out, fmt.Sprintf("union=%v", s.union))
	}
	return strings.Join(out, " ")
}

func TestFencesBecomeItems(t *testing.T) {
	east := geo.Moved(base, 0, 5000)
	with := func(f geofence.Fence, change func(*geofence.Fence)) geofence.Fence {
		change(&f)
		return f
	}
	amsl := func(m int32) geo.Altitude { return geo.Altitude{MM: m * 1000, Datum: geo.AMSL} }
	out, in := fence("out", geofence.KeepOut, square(east, 100)), fence("in", geofence.KeepIn, square(base, 1000))
	holed := square(base, 1000)
	holed.Polygons[0].Holes = []geo.Ring{ring(base, 10)}
	two := geofence.Shape{Polygons: []geo.Polygon{{Outer: ring(base, 100)}, {Outer: ring(east, 100)}}}
	circle := geofence.Shape{Circle: &geo.Circle{Center: base, RadiusM: 200}}
	corridor := geofence.Shape{Corridor: &geo.Corridor{Line: []geo.Point{base, east, geo.Moved(east, 900, 0)}, WidthM: 100}}
	other := with(in, func(f *geofence.Fence) { f.ID = "other"; f.Shape = square(east, 50) })
	for _, c := range []struct {
		name      string
		autopilot uint8
		class     vehicles.Class
		fences    []geofence.Fence
		want      string
	}{
		{"polygons", 3, vehicles.UAV, []geofence.Fence{out, in}, "in:5001@1×4 out:5002@5×4"},
		{"of another class", 3, vehicles.USV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.Classes = vehicles.ClassSet(vehicles.UAV) })}, ""},
		{"exempt", 3, vehicles.UAV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.ExemptVehicles = []vehicles.VehicleID{"uav-7"} })}, ""},
		{"circles", 3, vehicles.UAV, []geofence.Fence{fence("a", geofence.KeepIn, circle), with(fence("b", geofence.KeepOut, circle), func(f *geofence.Fence) { f.MarginM = 5 })}, "a:5003@1×1 b:5004@2×1"},
		{"corridor", 3, vehicles.UAV, []geofence.Fence{fence("c", geofence.KeepOut, corridor)}, "c:5002@1×38"},
		{"across longitude 180", 3, vehicles.UAV, []geofence.Fence{
			fence("c", geofence.KeepOut, geofence.Shape{Corridor: &geo.Corridor{Line: []geo.Point{{Lon: 1799999000}, {Lon: -1799999000}}, WidthM: 50}}),
			fence("p", geofence.KeepOut, square(geo.Point{Lon: 1799999000}, 50))}, "p:-meridian c:-meridian"},
		{"keep-in corridor", 3, vehicles.UAV, []geofence.Fence{fence("c", geofence.KeepIn, corridor)}, "c:5001@1×44"},
		{"margin", 3, vehicles.UAV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.MarginM = 20 })}, "out:5002@1×4-margin"},
		{"speed", 3, vehicles.UAV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.Kind, f.SpeedMPS = geofence.SpeedLimit, 5 })}, "out:-speed_limit"},
		{"schedule", 3, vehicles.UAV, []geofence.Fence{with(out, func(f *geofence.Fence) {
			f.Schedule.Windows = []geofence.Window{{FromUS: 1, ToUS: 1 << 50}}
		})}, "out:-schedule"},
		{"floor", 3, vehicles.UAV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.Floor = amsl(50) })}, "out:-floor"},
		{"ceiling", 3, vehicles.UAV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.Floor, f.Ceiling = amsl(0), amsl(50) })}, "out:5002@1×4-ceiling"},
		{"ceiling above a boat", 3, vehicles.USV, []geofence.Fence{with(out, func(f *geofence.Fence) { f.Ceiling = amsl(50) })}, "out:5002@1×4"},
		{"band of a keep-in", 3, vehicles.UAV, []geofence.Fence{with(in, func(f *geofence.Fence) { f.Floor, f.Ceiling = amsl(30), amsl(50) })}, "in:5001@1×4-altitude_band"},
		{"hole of a keep-in", 3, vehicles.UAV, []geofence.Fence{fence("h", geofence.KeepIn, holed)}, "h:5001@1×8"},
		{"hole of a keep-out", 3, vehicles.UAV, []geofence.Fence{fence("h", geofence.KeepOut, holed)}, "h:-hole"},
		{"two polygons to keep out of", 3, vehicles.UAV, []geofence.Fence{fence("t", geofence.KeepOut, two)}, "t:5002@1×8"},
		{"two keep-ins", 3, vehicles.UAV, []geofence.Fence{in, other}, "in:5001@1×4 other:5001@5×4 union=false"},
		{"two keep-ins, PX4 takes any", 12, vehicles.UAV, []geofence.Fence{in, other}, "in:-join other:-join"},
		{"two polygons to stay in", 3, vehicles.UAV, []geofence.Fence{fence("t", geofence.KeepIn, two)}, "t:5001@1×8 union=true"},
		{"two polygons to stay in, PX4", 12, vehicles.UAV, []geofence.Fence{fence("t", geofence.KeepIn, two)}, "t:5001@1×8 union=true"},
		{"two polygons to stay in, unknown autopilot", 0, vehicles.UAV, []geofence.Fence{fence("t", geofence.KeepIn, two)}, "t:-join"},
		{"one and two", 3, vehicles.UAV, []geofence.Fence{in, fence("t", geofence.KeepIn, two)}, "in:5001@1×4 t:-join"},
		{"a group", 3, vehicles.UAV, []geofence.Fence{with(in, func(f *geofence.Fence) { f.Group = "g" }), with(other, func(f *geofence.Fence) { f.Group = "g" })}, "in:5001@1×4 other:5001@5×4 union=true"},
		{"a group of which one is scheduled", 3, vehicles.UAV, []geofence.Fence{with(in, func(f *geofence.Fence) { f.Group = "g" }), with(other, func(f *geofence.Fence) {
			f.Group, f.Schedule.Windows = "g", []geofence.Window{{FromUS: 1, ToUS: 1 << 50}}
		})}, "in:-join other:-schedule"},
		{"no room", 3, vehicles.UAV, []geofence.Fence{in, fence("far", geofence.KeepOut, square(geo.Moved(base, 900, 0), 300)),
			fence("near", geofence.KeepOut, square(geo.Moved(base, 500, 0), 300)), fence("big", geofence.KeepOut, geofence.Shape{Polygons: []geo.Polygon{{Outer: comb(100)}}})},
			"in:5001@1×4 big:-room near:5002@5×4 far:5002@9×4"},
		{"large", 3, vehicles.UAV, []geofence.Fence{fence("big", geofence.KeepOut, geofence.Shape{Polygons: []geo.Polygon{{Outer: comb(200)}}})}, "big:-vertices"},
	} {
		sub := geofence.Subject{Class: c.class, Operator: "acme", Vehicle: "uav-7", Verified: true}
		var s sets
		fences := compiled(t, c.fences...)
		slices.Reverse(fences) // the order of the zone does not matter
		set := s.of(fences, &sub, c.autopilot, &base, 200)
		if got := set.short(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if err := set.plan.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		again := s.of(fences, &sub, c.autopilot, &base, 200)
		if !same(itemsOf(&again.plan), itemsOf(&set.plan)) || again.short() != set.short() {
			t.Errorf("%s: another set the second time: %s", c.name, again.short())
		}
	}
}

// comb is a ring of 2 n + 2 vertices.
func comb(n int) (out geo.Ring) {
	for i := range 2 * n {
		out = append(out, geo.Moved(base, float64(i%2)*50, float64(i)*10))
	}
	return append(out, geo.Moved(base, -100, float64(2*n)*10), geo.Moved(base, -100, 0))
}

// What a vehicle carries is judged as the zone's fences are, where the form can say
// what they say.
func TestItemsSayWhatTheFencesSay(t *testing.T) {
	holed := square(base, 1000)
	holed.Polygons[0].Holes = []geo.Ring{ring(base, 100)}
	zone := compiled(t, fence("in", geofence.KeepIn, holed), fence("c", geofence.KeepOut, geofence.Shape{Circle: &geo.Circle{Center: geo.Moved(base, 400, 0), RadiusM: 80}}),
		fence("k", geofence.KeepOut, geofence.Shape{Corridor: &geo.Corridor{Line: []geo.Point{geo.Moved(base, -400, -500), geo.Moved(base, -400, 500)}, WidthM: 60}}))
	sub := geofence.Subject{Class: vehicles.UAV, Verified: true}
	var s sets
	set := s.of(zone, &sub, 3, &base, 500)
	own, err := fencesOf(&set.plan, set.union, set.parts)
	if err != nil {
		t.Fatal(err)
	}
	breached := func(fences []*geofence.Compiled, at geo.Point) bool {
		return slices.ContainsFunc(fences, func(c *geofence.Compiled) bool {
			return c.BreachedBy(&geofence.Sample{Fix: geo.Fix{Point: at}, VelocityUnknown: true}, &sub)
		})
	}
	in := 0
	for north := -1100.0; north <= 1100; north += 25 {
		for east := -1100.0; east <= 1100; east += 25 {
			at := geo.Moved(base, north, east)
			want := breached(zone, at)
			if got := breached(own, at); got != want {
				t.Fatalf("%v m north, %v m east: in breach of what is carried %v, of the zone %v", north, east, got, want)
			}
			if want {
				in++
			}
		}
	}
	if in < 1000 || in > 4000 {
		t.Errorf("%d of 7921 points are in breach: the test does not look at both sides", in)
	}
}

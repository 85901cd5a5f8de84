package priority

import (
	"math"
	"testing"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

func sceneOf(k Keepout, kept map[string]*memory, traffic []telemetry.TrafficView, nowUS int64) *mover {
	if kept == nil {
		kept = map[string]*memory{}
	}
	s := newScene([]Keepout{k}, kept, traffic, nowUS)
	return &s.movers[0]
}

// TestWhereItIs: what people placed is where the plan says, and as uncertain as that
// nobody watches it.
func TestWhereItIs(t *testing.T) {
	at := func(bearing, metres float64) geo.Point { return geo.Destination(pad, bearing, metres) }
	corner := at(90, 1000)
	end := geo.Destination(corner, 0, 500)
	for _, c := range []struct {
		name   string
		k      Keepout
		where  Where
		at     geo.Point
		in60   geo.Point // where it is after 60 s more
		radius float64
	}{
		{"straight on", Keepout{Route: []geo.Point{pad}, Course: 90, Speed: 20, AtUS: startUS - 10*secondUS}, Placed, at(90, 200), at(90, 1400), 310},
		{"stands", Keepout{Route: []geo.Point{pad}, AtUS: startUS - 600*secondUS}, Placed, pad, pad, 300},
		{"waits", Keepout{Route: []geo.Point{pad, corner}, Speed: 20, AtUS: startUS + 20*secondUS}, Waiting, pad, at(90, 800), 300},
		{"waits, and goes straight on", Keepout{Route: []geo.Point{pad}, Course: 180, Speed: 20, AtUS: startUS + 20*secondUS}, Waiting, pad, at(180, 800), 300},
		{"on its route", Keepout{Route: []geo.Point{pad, corner, end}, Speed: 20, AtUS: startUS - 10*secondUS}, Placed, at(90, 200), geo.Destination(corner, 0, 400), 310},
		{"behind the corner", Keepout{Route: []geo.Point{pad, corner, end}, Speed: 20, AtUS: startUS - 60*secondUS}, Placed, geo.Destination(corner, 0, 200), end, 360},
		{"arrived", Keepout{Route: []geo.Point{pad, corner, end}, Speed: 20, AtUS: startUS - 500*secondUS}, Arrived, end, end, 375},
	} {
		c.k.Radius, c.k.LookAheadS = 300, 120
		m := sceneOf(c.k, nil, nil, startUS)
		n, e := m.ways[0].at(60)
		later := geo.Moved(m.point, n, e) // the scene has its origin there
		if m.where != c.where || geo.Distance(m.point, c.at) > 1 || geo.Distance(later, c.in60) > 3 || math.Abs(m.radius-c.radius) > 0.5 {
			t.Errorf("%s: %s, off by %.1f m, in 60 s by %.1f m, radius %.1f", c.name, m.where, geo.Distance(m.point, c.at), geo.Distance(later, c.in60), m.radius)
		}
	}
}

// TestTrackLost: the keep-out of a track that is not seen any more covers wherever it
// may be, and people are told that it is lost.
func TestTrackLost(t *testing.T) {
	const mps, radius = 60.0, 500.0
	k := Keepout{ID: "k", Track: "icao-780abc", Radius: radius, LookAheadS: 60}
	seen := helicopter(pad, 45, mps, startUS)
	for _, lostS := range []int64{0, 4, 6, 20, 60, 300} {
		m := sceneOf(k, nil, []telemetry.TrafficView{seen}, startUS+lostS*secondUS)
		if lost := lostS > 5; (m.where == Lost) != lost || (m.radius > radius) != lost {
			t.Errorf("after %d s: %s, radius %.0f", lostS, m.where, m.radius)
		}
		if m.where != Lost || lostS > 300 {
			continue
		}
		for _, turn := range []float64{-60, -30, 0, 30, 60} {
			for _, speed := range []float64{0, mps / 2, mps, 2 * mps} {
				if turn != 0 && speed > mps {
					continue // the text says turned, or faster
				}
				is := geo.Destination(pad, 45+turn, speed*float64(lostS))
				if out := geo.Distance(is, m.point) - (m.radius - radius); out > 1 && m.radius-radius < growthMax {
					t.Errorf("after %d s it may have turned by %.0f degrees at %.0f m/s: %.0f m outside of what is uncertain", lostS, turn, speed, out)
				}
			}
		}
	}
	never := sceneOf(k, nil, nil, startUS)
	if never.where != Unseen || never.comesOver(0, 0, 0) {
		t.Errorf("a track that was never seen: %s", never.where)
	}
}

// TestTurning: a track that turns is followed around, and straight on as well.
func TestTurning(t *testing.T) {
	const mps, rate = 50.0, 3.0 // degrees a second
	k := Keepout{ID: "k", Track: "icao-780abc", Radius: 300, LookAheadS: 120}
	kept := map[string]*memory{}
	point, course := pad, 0.0
	var m *mover
	for s := range int64(20) {
		m = sceneOf(k, kept, []telemetry.TrafficView{helicopter(point, course, mps, startUS+s*secondUS)}, startUS+s*secondUS)
		for range 100 {
			point = geo.Destination(point, course, mps/100)
			course += rate / 100
		}
	}
	if len(m.ways) != 2 {
		t.Fatalf("%d ways, turn rate %.2f", len(m.ways), kept["k"].turn)
	}
	at, heading := m.point, m.course
	worst := 0.0
	for s := 1; s <= 40; s++ {
		for range 100 {
			at = geo.Destination(at, heading, mps/100)
			heading += rate / 100
		}
		n, e := m.ways[1].at(float64(s))
		worst = max(worst, geo.Distance(at, geo.Moved(m.point, n, e)))
	}
	if worst > 30 {
		t.Errorf("around the turn it is off by up to %.0f m", worst)
	}
	// A track whose course jumps about does not turn.
	kept["k"].turn = 0
	for s := range int64(6) {
		m = sceneOf(k, kept, []telemetry.TrafficView{helicopter(pad, float64(s%2)*90, mps, startUS+(30+s)*secondUS)}, startUS+(30+s)*secondUS)
	}
	if len(m.ways) != 1 {
		t.Errorf("a course that jumps about has %d ways", len(m.ways))
	}
}

// TestSpeedUnknown: where a track without a velocity goes nobody knows.
func TestSpeedUnknown(t *testing.T) {
	v := helicopter(pad, 0, 0, startUS-2*secondUS)
	v.Velocity = false
	m := sceneOf(Keepout{ID: "k", Track: v.Vehicle.ID, Radius: 200, LookAheadS: 60}, nil, []telemetry.TrafficView{v}, startUS)
	if m.radius != 200+2*aircraftTopMPS || m.growth != aircraftTopMPS {
		t.Errorf("radius %.0f, growth %.0f", m.radius, m.growth)
	}
	ship := v
	ship.Vehicle = &vehicles.Identity{ID: v.Vehicle.ID, Class: vehicles.Vessel}
	if m := sceneOf(Keepout{ID: "k", Track: v.Vehicle.ID, Radius: 200, LookAheadS: 60}, nil, []telemetry.TrafficView{ship}, startUS); m.growth != vesselTopMPS {
		t.Errorf("a ship grows by %.0f m/s", m.growth)
	}
}

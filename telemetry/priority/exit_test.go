package priority

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// place is where a vehicle that obeys its exit is after so many seconds, in the frame
// of a scene: it waits, and then goes or stays.
func place(s *scene, v *telemetry.TrackView, e *telemetry.Exit, t float64) (n, east float64) {
	n, east = geo.Offset(s.origin, v.Fix.Point)
	switch e.Kind {
	case telemetry.ExitMove:
		toN, toE := geo.Offset(s.origin, e.Point)
		part := math.Max(0, math.Min(1, (t-reactS)/(e.TakesS-reactS)))
		return n + (toN-n)*part, east + (toE-east)*part
	case telemetry.ExitHold:
		speed := math.Hypot(float64(v.Velocity.N), float64(v.Velocity.E)) / 100
		goes := math.Min(t, reactS+speed/2/2)
		return n + float64(v.Velocity.N)/100*goes, east + float64(v.Velocity.E)/100*goes
	}
	return n, east
}

// TestExitsLeadOut lets every vehicle obey its exit, in small steps beside the traffic:
// who is promised to be in time never meets the keep-out, at the end nobody stands in
// its way, no two go to the same place, none comes near another on the way, and none
// through a fence.
func TestExitsLeadOut(t *testing.T) {
	engine, river := fenced(t)
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newRig(t, engine)
		k := eastbound()
		k.LookAheadS = 120
		if seed%3 == 1 {
			k.Route = []geo.Point{pad, geo.Destination(pad, 90, 1500), geo.Destination(pad, 30, 4000)}
		}
		r.keepouts = []Keepout{k}
		if seed%3 == 2 {
			other := eastbound()
			other.LookAheadS = k.LookAheadS
			other.ID, other.Route, other.Course = "pt_2", []geo.Point{geo.Destination(pad, 60, 5000)}, 225
			r.keepouts = append(r.keepouts, other)
		}
		for i := range 60 {
			mps := 0.0
			if i%3 == 0 {
				mps = 12 * rng.Float64()
			}
			r.drone(fmt.Sprint("uav-", i), 60+60*rng.Float64(), 200+4000*rng.Float64(), 80, 360*rng.Float64(), mps)
		}
		r.look(0)
		s := newScene(r.keepouts, map[string]*memory{}, nil, r.now.UnixMicro())
		exits := map[vehicles.VehicleID]telemetry.Exit{}
		for _, p := range r.Pictures() {
			for _, a := range p.Affected {
				exits[a.Vehicle.ID] = a.Exit
			}
		}
		r.checkExits(t, seed, s, exits, river)
	}
}

func (r *rig) checkExits(t *testing.T, seed uint64, s *scene, exits map[vehicles.VehicleID]telemetry.Exit, river *geofence.Compiled) {
	t.Helper()
	promised, moves := 0, 0
	for i := range r.tracks {
		v := &r.tracks[i]
		e, is := exits[v.Vehicle.ID]
		if !is {
			continue
		}
		if e.InTime {
			promised++
		}
		if e.Kind == telemetry.ExitMove {
			moves++
			for part := 0.0; part <= 1; part += 0.01 {
				n, east := geo.Offset(v.Fix.Point, e.Point)
				on := geo.Moved(v.Fix.Point, part*n, part*east)
				if part > 0.02 && part < 0.98 && river.Contains(geo.Fix{Point: on}, vehicles.UAV) && !river.Contains(v.Fix, vehicles.UAV) {
					t.Fatalf("seed %d: the way of %s leads through a fence", seed, v.Vehicle.ID)
				}
			}
		}
		for at := 0.0; at < 120; at += 0.05 {
			n, east := place(s, v, &e, at)
			for m := range s.movers {
				mn, me := s.movers[m].ways[0].at(at)
				in := math.Hypot(n-mn, east-me) < s.movers[m].radius+s.movers[m].growth*at-0.5
				if in && (e.InTime || e.Kind != telemetry.ExitNone && at > e.TakesS+0.1) {
					t.Fatalf("seed %d: %s obeys %+v and is in the keep-out after %.1f s", seed, v.Vehicle.ID, e, at)
				}
			}
		}
		for k := range i {
			o := &r.tracks[k]
			other, is := exits[o.Vehicle.ID]
			if !is || e.Kind != telemetry.ExitMove || other.Kind != telemetry.ExitMove {
				continue
			}
			if d := geo.Distance(e.Point, other.Point); d < 49.9 {
				t.Fatalf("seed %d: %s and %s are sent within %.1f m", seed, v.Vehicle.ID, o.Vehicle.ID, d)
			}
			least, now := never, geo.Distance(v.Fix.Point, o.Fix.Point)
			for at := 0.0; at < 120; at += 0.1 {
				n1, e1 := place(s, v, &e, at)
				n2, e2 := place(s, o, &other, at)
				least = min(least, math.Hypot(n1-n2, e1-e2))
			}
			if least < min(49, now-2) && now > 3 {
				t.Fatalf("seed %d: %s and %s come within %.1f m on their way, from %.1f m", seed, v.Vehicle.ID, o.Vehicle.ID, least, now)
			}
		}
	}
	if promised < 3 || moves < 3 {
		t.Errorf("seed %d: only %d exits in time and %d moves: the test shows nothing", seed, promised, moves)
	}
}

// fenced is an engine with a keep-out that lies along the way.
func fenced(t *testing.T) (*geofence.Engine, *geofence.Compiled) {
	t.Helper()
	c, err := geofence.Compile(geofence.Fence{
		ID: "river", Name: "river", Kind: geofence.KeepOut, Rev: 1,
		Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.Ring{
			geo.Destination(pad, 55, 1200), geo.Destination(pad, 70, 3500), geo.Destination(pad, 68, 3550), geo.Destination(pad, 52, 1250),
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := geofence.NewEngine(geofence.Config{})
	e.SetFences([]*geofence.Compiled{c})
	return e, c
}

// TestExitStays: what was offered does not change with every look.
func TestExitStays(t *testing.T) {
	r := newRig(t, nil)
	k := eastbound()
	k.Speed, k.LookAheadS = 25, 120 // slow: all have time to spare
	r.keepouts = []Keepout{k}
	for i := range 20 {
		r.drone(fmt.Sprint("uav-", i), 85+float64(i%10), 2300+float64(30*i), 80, 0, 0)
	}
	first := map[vehicles.VehicleID]geo.Point{}
	for second := range 5 { // later the first exits are not in time any more
		r.fresh(1)
		r.look(1)
		p, _ := r.Picture("pt_1")
		for _, a := range p.Affected {
			if was, known := first[a.Vehicle.ID]; !known {
				first[a.Vehicle.ID] = a.Exit.Point
			} else if geo.Distance(was, a.Exit.Point) > 0.1 {
				t.Errorf("after %d s %s is sent elsewhere, %.0f m from there", second, a.Vehicle.ID, geo.Distance(was, a.Exit.Point))
			}
		}
	}
	if len(first) < 10 {
		t.Errorf("only %d are in the way", len(first))
	}
}

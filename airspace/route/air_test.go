package route

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func metres(m float64, d geo.Datum) geo.Altitude { return geo.Altitude{MM: int32(m * 1_000), Datum: d} }

func fence(t testing.TB, id string, kind geofence.Kind, p geo.Polygon, change ...func(*geofence.Fence)) *geofence.Compiled {
	t.Helper()
	f := geofence.Fence{ID: id, Kind: kind, Shape: geofence.Shape{Polygons: []geo.Polygon{p}}, Rev: 1}
	for _, c := range change {
		c(&f)
	}
	c, err := geofence.Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func from(m float64, d geo.Datum) func(*geofence.Fence) {
	return func(f *geofence.Fence) { f.Floor = metres(m, d) }
}

func upTo(m float64, d geo.Datum) func(*geofence.Fence) {
	return func(f *geofence.Fence) { f.Ceiling = metres(m, d) }
}

func during(fromUS, untilUS int64) func(*geofence.Fence) {
	return func(f *geofence.Fence) {
		f.Schedule = geofence.Schedule{Windows: []geofence.Window{{FromUS: fromUS, ToUS: untilUS}}}
	}
}

const hourUS = 3_600_000_000

// across is a flight of 2 km from west to east at 60 m, which may be 30 to 120 m.
func across() *Air {
	return &Air{
		Subject: geofence.Subject{Class: vehicles.UAV}, Via: []geo.Point{place(-1_000, 0), place(1_000, 0)}, DepartUS: 1_000 * hourUS,
		BeginMM: 5_000, EndMM: 5_000, LeastMM: 30_000, MostMM: 120_000, LikedMM: 60_000,
		SpeedMPS: 10, ClimbMPS: 3, SinkMPS: 2, ClearanceM: 20, HeightM: 10,
	}
}

func planner(set ...*geofence.Compiled) *Planner {
	e := geofence.NewEngine(geofence.Config{})
	e.SetFences(set)
	return NewPlanner(e, square(3_000), 8)
}

func TestAirRoutes(t *testing.T) {
	wall := block(-50, -1_000, 50, 1_000)
	all := block(-2_500, -2_500, 2_500, 2_500)
	for _, c := range []struct {
		name    string
		set     []*geofence.Compiled
		change  func(*Air)
		level   float64
		lengthM float64
	}{
		{"nothing in the way", nil, nil, 60, 2_000},
		{"around what has no heights", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall)}, nil, 60, 2_892},
		{"over", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, upTo(80, geo.AMSL))}, nil, 90.001, 2_000},
		{"under", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, from(60, geo.AMSL))}, nil, 49.999, 2_000},
		{"over, above where it starts", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, upTo(80, geo.Takeoff))}, nil, 95.001, 2_000},
		{"over the ellipsoid", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, upTo(80, geo.WGS84))}, nil, 80 - geo.Undulation(place(-1_000, 0)) + 10.001, 2_000},
		{"around, where the ground is not known", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, upTo(80, geo.AGL))}, nil, 60, 2_892},
		{"over, where the ground is known", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, upTo(80, geo.AGL))},
			func(a *Air) { a.GroundMM, a.GroundSeen = 4_000, true }, 94.001, 2_000},
		{"another class", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, func(f *geofence.Fence) { f.Classes = vehicles.ClassSet(vehicles.ICV) })}, nil, 60, 2_000},
		{"before it is in force", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, during(1_100*hourUS, 1_101*hourUS))}, nil, 60, 2_000},
		{"it comes into force on the way", []*geofence.Compiled{fence(t, "w", geofence.KeepOut, wall, during(1_000*hourUS+100_000_000, 1_101*hourUS))}, nil, 60, 2_892},
		{"within the height of an area", []*geofence.Compiled{fence(t, "a", geofence.KeepIn, all, upTo(50, geo.AMSL))}, nil, 39.999, 2_000},
		{"a place on the way", nil, func(a *Air) { a.Via = slices.Insert(a.Via, 1, place(0, 1_000)) }, 60, 2_828.4},
	} {
		a := across()
		if c.change != nil {
			c.change(a)
		}
		r, err := planner(c.set...).Plan(context.Background(), a)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := float64(r.LevelMM) / 1_000; got < c.level-0.002 || got > c.level+0.002 || r.LengthM < c.lengthM*0.997 || r.LengthM > c.lengthM*1.003 {
			t.Errorf("%s: %.1f m at %.3f m, not %.1f at %.3f", c.name, r.LengthM, got, c.lengthM, c.level)
		}
		first, last := r.Legs[0], r.Legs[len(r.Legs)-1]
		if first.FromMM != a.BeginMM || last.ToMM != a.EndMM || first.From != a.Via[0] || last.To != a.Via[len(a.Via)-1] || last.ToS != r.Seconds {
			t.Errorf("%s: %+v … %+v", c.name, first, last)
		}
	}
}

func TestAirRefusals(t *testing.T) {
	around := geo.Polygon{Outer: ringOf(800, -200, 1_200, -200, 1_200, 200, 800, 200), Holes: []geo.Ring{ringOf(900, -100, 1_100, -100, 1_100, 100, 900, 100)}}
	for _, c := range []struct {
		name   string
		set    []*geofence.Compiled
		reason string
		fences []string
		level  float64
		later  int64
	}{
		{"the begin lies in a fence", []*geofence.Compiled{fence(t, "b", geofence.KeepOut, block(-1_100, -100, -900, 100))}, "begin", []string{"b"}, 0, 0},
		{"a fence over the begin", []*geofence.Compiled{fence(t, "b", geofence.KeepOut, block(-1_100, -100, -900, 100), from(20, geo.AMSL), upTo(25, geo.AMSL))}, "begin", []string{"b"}, 9.999, 0},
		{"the end is enclosed", []*geofence.Compiled{fence(t, "c", geofence.KeepOut, around)}, "no_way", []string{"c"}, 0, 0},
		{"the end is enclosed up to 130 m", []*geofence.Compiled{fence(t, "c", geofence.KeepOut, around, upTo(130, geo.AMSL))}, "no_way", []string{"c"}, 140.001, 0},
		{"until noon", []*geofence.Compiled{fence(t, "c", geofence.KeepOut, around, during(0, 1_006*hourUS))}, "no_way", []string{"c"}, 0, 1_006 * hourUS},
		{"beyond the area", []*geofence.Compiled{fence(t, "a", geofence.KeepIn, block(-2_000, -500, 900, 500))}, "end", []string{"a"}, 0, 0},
	} {
		r, err := planner(c.set...).Plan(context.Background(), across())
		var no *Refusal
		if !errors.As(err, &no) {
			t.Errorf("%s: %+v, %v", c.name, r, err)
			continue
		}
		var ids []string
		for _, f := range no.Fences {
			ids = append(ids, f.Fence.ID)
		}
		if no.Reason != c.reason || !slices.Equal(ids, c.fences) || float64(no.HigherMM)/1_000 != c.level || no.HasLevel != (c.level != 0) || no.LaterUS != c.later {
			t.Errorf("%s: %+v, %v", c.name, no, ids)
		}
	}
}

// violations plans in that many worlds of fences with heights and times, and has an
// engine of its own judge each route, fence by fence.
func violations(t *testing.T, worlds uint64) (found, broken int) {
	for seed := range worlds {
		rng := rand.New(rand.NewPCG(seed, 11))
		town := newTown(seed, 2_000, 1_500, 30+rng.IntN(40), 20, 150, 25)
		var set []*geofence.Compiled
		for i, o := range town.obstacles {
			set = append(set, fence(t, fmt.Sprint(i), geofence.KeepOut, o.Polygons[0], func(f *geofence.Fence) {
				switch lo := 10 + 100*rng.Float64(); rng.IntN(4) {
				case 0:
					f.Floor, f.Ceiling = metres(lo, geo.AMSL), metres(lo+40, geo.AMSL)
				case 1:
					f.Ceiling = metres(lo, geo.WGS84)
				case 2:
					f.Floor = metres(lo, geo.Takeoff)
				}
				f.MarginM = float64(rng.IntN(2)) * 15
			}))
		}
		e := geofence.NewEngine(geofence.Config{})
		e.SetFences(set)
		a := across()
		a.Via = []geo.Point{town.from, town.to}
		r, err := NewPlanner(e, town.area, 2).Plan(context.Background(), a)
		if no := (*Refusal)(nil); errors.As(err, &no) {
			if no.Reason == "verification" {
				t.Errorf("world %d: the engine refuses what was found", seed)
				broken++
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		found++
		judge := e.NewWay(a.Subject)
		met := judge.Begin(a.fix(r.Legs[0].From, r.Legs[0].FromMM))
		for _, l := range r.Legs {
			met = append(met, judge.To(a.fix(l.To, l.ToMM), 50)...)
		}
		if len(met) > 0 {
			t.Errorf("world %d: %+v", seed, met[0])
			broken++
		}
	}
	return found, broken
}

func TestRoutesBreachNothing(t *testing.T) {
	if found, _ := violations(t, 100); found < 40 {
		t.Errorf("only %d routes", found)
	}
}

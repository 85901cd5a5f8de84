package geofence

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// place is a body metres east and north of 31 N 121.5 E, up metres high.
func place(h vehicles.Handle, east, north, up float64, n, e, d int16) Body {
	at := geo.Point{Lat: 310_000_000, Lon: 1_215_000_000}
	dn, de := geo.Offset(at, geo.Point{Lat: at.Lat + 10_000, Lon: at.Lon + 10_000})
	return Body{
		Handle: h, Class: vehicles.UAV, N: n, E: e, D: d, HeightMM: int32(math.Round(up * 1000)), HeightKnown: true,
		Point: geo.Point{Lat: at.Lat + int32(math.Round(north/dn*10_000)), Lon: at.Lon + int32(math.Round(east/de*10_000))},
	}
}

func TestSeparationOfTwo(t *testing.T) {
	unknown := func(b Body) Body { b.HeightKnown = false; return b }
	of := func(b Body, c vehicles.Class) Body { b.Class = c; return b }
	off := func(b Body, m float32) Body { b.HeightOffM = m; return b }
	aged := func(b Body, s float32) Body { b.AgeS = s; return b }
	for _, c := range []struct {
		name            string
		a, b            Body
		none            bool
		in, at, hor, up float64
	}{
		{name: "same place", a: place(1, 0, 0, 60, 0, 0, 0), b: place(2, 0, 0, 60, 0, 0, 0)},
		{name: "same place, moving together", a: place(1, 0, 0, 60, 500, 500, -100), b: place(2, 0, 0, 60, 500, 500, -100)},
		{name: "above each other by more", a: place(1, 0, 0, 60, 0, 0, 0), b: place(2, 0, 0, 95, 0, 0, 0), none: true},
		{name: "above each other by the minimum", a: place(1, 0, 0, 60, 0, 0, 0), b: place(2, 0, 0, 90, 0, 0, 0), none: true},
		{name: "above each other by a millimetre less", a: place(1, 0, 0, 60, 0, 0, 0), b: place(2, 0, 0, 89.999, 0, 0, 0), up: 29.999},
		{
			name: "above each other, the lower one climbs 5 m/s: minimum lost after 8 s, met in height after 14",
			a:    place(1, 0, 0, 0, 0, 0, -500), b: place(2, 0, 0, 70, 0, 0, 0), in: 8, at: 10, up: 20,
		},
		{
			name: "above each other, passing in height",
			a:    place(1, 20, 0, 0, 0, 0, -1000), b: place(2, 20, 0, 50, 0, 0, 0), in: 2, at: 5, up: 0,
		},
		{name: "climbing away", a: place(1, 0, 0, 31, 0, 0, -500), b: place(2, 0, 0, 0, 0, 0, 0), none: true},
		{
			name: "head-on, 200 m at 10 m/s each",
			a:    place(1, 0, 0, 60, 0, 1000, 0), b: place(2, 200, 0, 60, 0, -1000, 0), in: 7.5, at: 10, hor: 0,
		},
		{
			name: "head-on, the horizon ends first",
			a:    place(1, 0, 0, 60, 0, 1000, 0), b: place(2, 240, 0, 60, 0, -1000, 0), in: 9.5, at: 10, hor: 40,
		},
		{name: "head-on, beyond the horizon", a: place(1, 0, 0, 60, 0, 1000, 0), b: place(2, 260, 0, 60, 0, -1000, 0), none: true},
		{
			name: "head-on, one dives through the other's height too early",
			a:    place(1, 0, 0, 160, 0, 1000, 2000), b: place(2, 200, 0, 60, 0, -1000, 0), none: true,
		},
		{
			// The height is far off at the closest approach (10 s), not before.
			name: "head-on, one climbs away at the end",
			a:    place(1, 0, 0, 60, 0, 1000, -350), b: place(2, 200, 0, 60, 0, -1000, 0), in: 7.5, at: 30 / 3.5, hor: 200 - 20*30/3.5, up: 30,
		},
		{name: "parallel beside each other", a: place(1, 0, 0, 60, 1000, 0, 0), b: place(2, 60, 0, 60, 1000, 0, 0), none: true},
		{name: "parallel too near", a: place(1, 0, 0, 60, 1000, 0, 0), b: place(2, 40, 0, 60, 1000, 0, 0), hor: 40},
		{name: "overtaking", a: place(1, 0, 0, 60, 2000, 0, 0), b: place(2, 0, 100, 60, 1000, 0, 0), in: 5, at: 10},
		{name: "flying apart", a: place(1, 0, 0, 60, -1000, 0, 0), b: place(2, 0, 51, 60, 1000, 0, 0), none: true},
		{name: "flying apart, still too near", a: place(1, 0, 0, 60, -1000, 0, 0), b: place(2, 0, 20, 60, 1000, 0, 0), hor: 20},
		{name: "height unknown", a: unknown(place(1, 0, 0, 0, 0, 0, 0)), b: place(2, 30, 0, 500, 0, 0, 0), hor: 30},
		{
			name: "a fix of 4 s ago", a: aged(place(1, -40, 0, 70, 0, 1000, 250), 4), b: place(2, 200, 0, 60, 0, -1000, 250),
			in: 7.5, at: 10, hor: 0, up: 0,
		},
		{name: "boats whatever their height", a: of(place(1, 0, 0, 0, 0, 0, 0), vehicles.USV), b: of(place(2, 0, 30, 90, 0, 0, 0), vehicles.USV), hor: 30, up: 90},
		{name: "aircraft above a boat", a: place(1, 0, 0, 0, 0, 0, 0), b: of(place(2, 0, 0, 0, 0, 0, 0), vehicles.USV), none: true},
		{name: "cars", a: of(place(1, 0, 0, 0, 0, 0, 0), vehicles.ICV), b: of(place(2, 0, 0, 0, 0, 0, 0), vehicles.ICV), none: true},
		{name: "unknown class beside an aircraft", a: of(place(1, 0, 0, 60, 0, 0, 0), 0), b: place(2, 0, 30, 60, 0, 0, 0), hor: 30},
		{name: "traffic, 490 m beside", a: place(1, 0, 0, 60, 0, 0, 0), b: of(place(2, 490, 0, 100, 0, 0, 0), vehicles.Aircraft), hor: 490, up: 40},
		{name: "traffic, 510 m beside", a: place(1, 0, 0, 60, 0, 0, 0), b: of(place(2, 510, 0, 100, 0, 0, 0), vehicles.Aircraft), none: true},
		{name: "traffic, 101 m above", a: place(1, 0, 0, 60, 0, 0, 0), b: of(place(2, 0, 0, 161, 0, 0, 0), vehicles.Aircraft), none: true},
		{name: "traffic, 601 m above by its pressure", a: place(1, 0, 0, 60, 0, 0, 0), b: of(off(place(2, 0, 0, 661, 0, 0, 0), 500), vehicles.Aircraft), none: true},
		{name: "traffic, 599 m above by its pressure", a: place(1, 0, 0, 60, 0, 0, 0), b: of(off(place(2, 0, 0, 659, 0, 0, 0), 500), vehicles.Aircraft), up: 599},
		{name: "traffic of any class beside traffic", a: of(place(1, 0, 0, 60, 0, 0, 0), vehicles.Aircraft), b: of(place(2, 0, 0, 60, 0, 0, 0), vehicles.Aircraft), none: true},
		{name: "a ship beside a boat", a: of(place(1, 0, 0, 0, 0, 0, 0), vehicles.USV), b: of(place(2, 0, 190, 90, 0, 0, 0), vehicles.Vessel), hor: 190, up: 90},
		{name: "a ship below an aircraft", a: place(1, 0, 0, 0, 0, 0, 0), b: of(place(2, 0, 0, 0, 0, 0, 0), vehicles.Vessel), none: true},
		{name: "a ship beside a car", a: of(place(1, 0, 0, 0, 0, 0, 0), vehicles.ICV), b: of(place(2, 0, 0, 0, 0, 0, 0), vehicles.Vessel), none: true},
		{name: "unknown class beside a ship", a: of(place(1, 0, 0, 0, 0, 0, 0), 0), b: of(place(2, 150, 0, 0, 0, 0, 0), vehicles.Vessel), hor: 150},
		{name: "unknown class beside a car", a: of(place(1, 0, 0, 60, 0, 0, 0), 0), b: of(place(2, 0, 30, 60, 0, 0, 0), vehicles.ICV), none: true},
	} {
		// In both orders; once in the common sweep and once as fast vehicles.
		for _, maxSpeed := range []float64{60, 7, 0.001} {
			s := NewSeparation(SeparationConfig{MaxSpeed: maxSpeed})
			for _, bodies := range [][]Body{{c.a, c.b}, {c.b, c.a}} {
				got := s.Find(bodies, nil)
				if c.none {
					if len(got) != 0 {
						t.Errorf("%s, max speed %v: %+v", c.name, maxSpeed, got)
					}
					continue
				}
				if len(got) != 1 || got[0].A != 1 || got[0].B != 2 {
					t.Errorf("%s, max speed %v: %+v", c.name, maxSpeed, got)
					continue
				}
				g := got[0]
				// The lattice is a centimetre wide.
				if math.Abs(g.InS-c.in) > 0.002 || math.Abs(g.AtS-c.at) > 0.002 || math.Abs(g.HorizontalM-c.hor) > 0.02 || math.Abs(g.VerticalM-c.up) > 0.01 {
					t.Errorf("%s, max speed %v: in %.4f s at %.4f s %.3f m %.3f m, want %v %v %v %v",
						c.name, maxSpeed, g.InS, g.AtS, g.HorizontalM, g.VerticalM, c.in, c.at, c.hor, c.up)
				}
				if want := float64(c.a.HeightOffM + c.b.HeightOffM); g.HeightOffM != want {
					t.Errorf("%s: the height may be off by %v m, want %v", c.name, g.HeightOffM, want)
				}
				if g.VerticalKnown != (c.a.HeightKnown && c.b.HeightKnown) {
					t.Errorf("%s: vertical known %v", c.name, g.VerticalKnown)
				}
			}
		}
	}
}

// At exactly the minimum it is kept; the next greater number loses it.
func TestSeparationAtExactlyTheMinimum(t *testing.T) {
	for _, v := range []int16{0, 700} {
		a, b := place(1, 0, 0, 60, 0, v, 0), place(2, 40, 0, 60, 0, v, 0)
		find := func(most float64) []Conflict {
			s := NewSeparation(SeparationConfig{Between: func(_, _ vehicles.Class) Minima { return Minima{most, 30} }})
			return s.Find([]Body{a, b}, nil)
		}
		wide := find(50)
		if len(wide) != 1 {
			t.Fatal(wide)
		}
		if got := find(wide[0].HorizontalM); len(got) != 0 {
			t.Errorf("at the minimum: %+v", got)
		}
		if got := find(math.Nextafter(wide[0].HorizontalM, 99)); len(got) != 1 {
			t.Errorf("below the minimum: %+v", got)
		}
	}
}

func TestSeparationRefusesNonsense(t *testing.T) {
	lost, there := place(2, 0, 0, 60, 0, 0, 0), place(5, 0, 0, 60, 0, 0, 0)
	lost.Point.Lon = geo.MaxLon + 1000 // no longitude, even if it could be unwound
	there.Point.Lon = -geo.MaxLon + 1000
	late := place(3, 0, 0, 60, 0, 100, 0)
	late.AgeS = float32(math.NaN())
	odd := place(4, 0, 0, 60, 0, 0, 0)
	odd.Class = 200 // taken for an unknown one
	s := NewSeparation(SeparationConfig{})
	got := s.Find([]Body{place(1, 0, 0, 60, 0, 0, 0), lost, there, late, odd}, nil)
	if pairs(got) != "1-3 1-4 3-4" {
		t.Errorf("%s", pairs(got))
	}
	if got := s.Find(nil, nil); got != nil {
		t.Errorf("%v", got)
	}
}

func TestSeparationTakesTheGreaterMinima(t *testing.T) {
	s := NewSeparation(SeparationConfig{Between: func(a, b vehicles.Class) Minima {
		if a == vehicles.UAV && b == vehicles.USV {
			return Minima{100, 20}
		}
		return Minima{50, 30}
	}})
	boat := place(1, 0, 0, 0, 0, 0, 0)
	boat.Class = vehicles.USV
	got := s.Find([]Body{boat, place(2, 80, 0, 25, 0, 0, 0)}, nil)
	if len(got) != 1 || got[0].Minima != (Minima{100, 30}) {
		t.Errorf("%+v", got)
	}
}

// Many unverified vehicles at one place must not hide or delay the others.
func TestSeparationUnverifiedQuota(t *testing.T) {
	var bodies []Body
	for h := range vehicles.Handle(40) {
		b := place(h+1, 0, 0, 60, 0, 0, 0)
		b.Unverified = h < 38
		bodies = append(bodies, b)
	}
	s := NewSeparation(SeparationConfig{UnverifiedPairs: 10})
	got := s.Find(bodies, nil)
	all := 40 * 39 / 2
	among := 38 * 37 / 2
	if len(got) != all-among+10 || s.Withheld() != among-10 {
		t.Errorf("%d conflicts, %d withheld", len(got), s.Withheld())
	}
	s.Find(bodies[:2], nil)
	if s.Withheld() != 0 {
		t.Errorf("%d withheld of one", s.Withheld())
	}
}

func pairs(cs []Conflict) string {
	slices.SortFunc(cs, func(x, y Conflict) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	out := ""
	for i, c := range cs {
		if i > 0 {
			out += " "
		}
		out += fmt.Sprintf("%d-%d", c.A, c.B)
	}
	return out
}

func TestSeparationDoesNotAllocate(t *testing.T) {
	sc := scene{lat: 31, lon: 121.5, spreadM: 8000, clusters: 4, count: 2000, maxSpeed: 20, vertical: 5, fast: 50}
	bodies := sc.bodies(rand.New(rand.NewPCG(1, 2)))
	s := NewSeparation(SeparationConfig{})
	out := s.Find(bodies, nil)
	if len(out) == 0 {
		t.Fatal("no conflicts")
	}
	if n := testing.AllocsPerRun(5, func() { out = s.Find(bodies, out[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	// Fewer bodies, in fewer rows: nothing of the last call is left.
	if got := s.Find(bodies[:0], out[:0]); len(got) != 0 {
		t.Errorf("%d conflicts of nobody", len(got))
	}
}

package geofence

import (
	"math"
	"math/rand/v2"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// clearBed has one vehicle that stands at a place, north metres and east metres
// from the middle of a square with sides of 200 m.
type clearBed struct {
	t     *testing.T
	shard *Shard
	set   []*Compiled
}

var clearMiddle = geo.Point{Lat: 310_000_000, Lon: 1_210_000_000}

func square100(middle geo.Point) geo.Ring {
	return geo.Ring{geo.Moved(middle, -100, -100), geo.Moved(middle, -100, 100), geo.Moved(middle, 100, 100), geo.Moved(middle, 100, -100)}
}

func newClearBed(t *testing.T, fences ...Fence) *clearBed {
	t.Helper()
	b := &clearBed{t: t}
	for i, f := range fences {
		f.ID = string(rune('a' + i))
		if f.Shape.Polygons == nil && f.Shape.Corridor == nil {
			f.Shape.Polygons = []geo.Polygon{{Outer: square100(clearMiddle)}}
		}
		c, err := Compile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.set = append(b.set, c)
	}
	e := NewEngine(Config{})
	e.SetFences(b.set)
	b.shard = e.NewShard()
	b.shard.Admit(1, Subject{Class: vehicles.UAV})
	return b
}

func (b *clearBed) stand(smp Sample) {
	b.shard.Forget(1)
	b.shard.Admit(1, Subject{Class: vehicles.UAV})
	smp.ReceivedUS = 1e6
	b.shard.Step(1, &smp, nil)
}

func TestIsClear(t *testing.T) {
	amsl := func(m int32) geo.Altitude { return geo.Altitude{MM: m * 1000, Datum: geo.AMSL} }
	out := Fence{Kind: KeepOut}
	banded := Fence{Kind: KeepOut, Floor: amsl(50), Ceiling: amsl(100)}
	in := Fence{Kind: KeepIn}
	bandedIn := Fence{Kind: KeepIn, Floor: amsl(50), Ceiling: amsl(100)}
	shrunk := Fence{Kind: KeepIn, MarginM: 20}
	slow := Fence{Kind: SpeedLimit, SpeedMPS: 10}
	east := geo.Moved(clearMiddle, 0, 150)
	group := []Fence{{Kind: KeepIn, Group: "g"}, {Kind: KeepIn, Group: "g", Shape: Shape{Polygons: []geo.Polygon{{Outer: square100(east)}}}}}
	corridor := Fence{Kind: KeepIn, Shape: Shape{Corridor: &geo.Corridor{WidthM: 40,
		Line: []geo.Point{clearMiddle, geo.Moved(clearMiddle, 0, 200), geo.Moved(clearMiddle, 200, 400)}}}}
	const unknown = math.MinInt32
	for _, tc := range []struct {
		name        string
		fences      []Fence
		north, east float64
		heightM     int32
		speed       int16 // cm/s
		want        bool
	}{
		{"inside a keep-out", []Fence{out}, 0, 0, 60, 0, false},
		{"3 m beside it", []Fence{out}, 0, 103, 60, 0, false},
		{"7 m beside it", []Fence{out}, 0, 107, 60, 0, true},
		{"4 m and 4 m off its corner", []Fence{out}, 104, 104, 60, 0, true},
		{"3 m and 3 m off its corner", []Fence{out}, 103, 103, 60, 0, false},
		{"far from it", []Fence{out}, 0, 30_000, 60, 0, true},
		{"5 m over its ceiling", []Fence{banded}, 0, 0, 105, 0, false},
		{"9 m over its ceiling", []Fence{banded}, 0, 0, 109, 0, true},
		{"5 m under its floor", []Fence{banded}, 0, 0, 45, 0, false},
		{"9 m under its floor", []Fence{banded}, 0, 0, 41, 0, true},
		{"within its band, 7 m beside", []Fence{banded}, 0, 107, 60, 0, true},
		{"over it, height unknown", []Fence{banded}, 0, 0, unknown, 0, false},
		{"beside it, height unknown", []Fence{banded}, 0, 107, unknown, 0, true},
		{"outside a keep-in", []Fence{in}, 0, 107, 60, 0, false},
		{"3 m inside it", []Fence{in}, 0, 97, 60, 0, false},
		{"7 m inside it", []Fence{in}, 0, 93, 60, 0, true},
		{"inside, 5 m under its ceiling", []Fence{bandedIn}, 0, 0, 95, 0, false},
		{"inside, in the middle of its band", []Fence{bandedIn}, 0, 0, 75, 0, true},
		{"inside, height unknown", []Fence{bandedIn}, 0, 0, unknown, 0, false},
		{"within the margin of a keep-in", []Fence{shrunk}, 0, 93, 60, 0, false},
		{"3 m within what its margin leaves", []Fence{shrunk}, 0, 77, 60, 0, false},
		{"7 m within what its margin leaves", []Fence{shrunk}, 0, 73, 60, 0, true},
		{"on the line of a corridor where two pieces overlap", []Fence{corridor}, 0, 195, 60, 0, true},
		{"3 m inside a corridor's edge", []Fence{corridor}, 17, 100, 60, 0, false},
		{"too fast", []Fence{slow}, 0, 0, 60, 1100, false},
		{"just slow enough", []Fence{slow}, 0, 0, 60, 980, false},
		{"slower by more than a speed is off", []Fence{slow}, 0, 0, 60, 940, true},
		{"fast, 7 m beside a speed limit", []Fence{slow}, 0, 107, 60, 3000, true},
		{"7 m inside one of a group, on the other's edge", group, 0, 50, 60, 0, true},
		{"3 m inside both of a group", group, 97, 75, 60, 0, false},
	} {
		b := newClearBed(t, tc.fences...)
		smp := Sample{Fix: geo.Fix{Point: geo.Moved(clearMiddle, tc.north, tc.east)}, Velocity: vehicles.Velocity{E: tc.speed}}
		if tc.heightM != unknown {
			smp.Fix.Heights.Set(geo.AMSL, tc.heightM*1000)
		}
		b.stand(smp)
		if got := b.shard.IsClear(1, b.set[0], Accuracy{HorizontalM: 5, VerticalM: 8}); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestIsClearOfWhatIsGone(t *testing.T) {
	b := newClearBed(t, Fence{Kind: KeepOut}, Fence{Kind: KeepIn, Group: "g"})
	b.stand(Sample{Fix: geo.Fix{Point: clearMiddle}})
	acc := Accuracy{HorizontalM: 5, VerticalM: 8}
	if b.shard.IsClear(1, b.set[0], acc) {
		t.Fatal("clear within a keep-out")
	}
	b.shard.engine.SetFences(nil)
	b.shard.Refresh(2e6, nil)
	for _, c := range b.set {
		if !b.shard.IsClear(1, c, acc) {
			t.Errorf("fence %s is gone and holds the vehicle", c.Fence.ID)
		}
	}
}

// TestDistanceToTheBoundary against the distance of many points on each edge.
func TestDistanceToTheBoundary(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, middle := range []geo.Point{clearMiddle, {Lat: 600_000_000, Lon: -1_799_995_000}, {Lat: -100, Lon: 100}} {
		ring := square100(middle)
		c, err := Compile(Fence{ID: "a", Kind: KeepOut, Shape: Shape{Polygons: []geo.Polygon{{Outer: ring}}}})
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			p := geo.Moved(middle, rng.Float64()*600-300, rng.Float64()*600-300)
			if c.covers(p) {
				continue // in a fence over longitude 180 the seam counts as boundary
			}
			want := math.Inf(1)
			for i, a := range ring {
				z := ring[(i+1)%len(ring)]
				n, e := geo.Offset(a, z)
				for k := range 4001 {
					f := float64(k) / 4000
					want = min(want, geo.Distance(p, geo.Moved(a, n*f, e*f)))
				}
			}
			if got := c.distance(p, 1000, c.parts); math.Abs(got-want) > 0.05 {
				t.Fatalf("%v from a square at %v: %.3f m, want %.3f", p, middle, got, want)
			}
		}
	}
}

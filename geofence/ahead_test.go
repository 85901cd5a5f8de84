package geofence

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// oracleAhead is what a vehicle of the oracle would breach on its way to a fix:
// by fence the first moment, 0 to 1.
func (o *oracle) ahead(h vehicles.Handle, end geo.Fix) map[string]float64 {
	t := o.tracks[h]
	out := map[string]float64{}
	for _, c := range t.fences {
		fast := math.Hypot(float64(t.smp.Velocity.N), float64(t.smp.Velocity.E)) > c.Fence.SpeedMPS*100
		if !oracleApplies(c, t.was) || c.Fence.Kind == SpeedLimit && !fast {
			continue
		}
		now, _ := oracleInside(c, t.was.Class, t.smp.Fix)
		if now == (c.Fence.Kind != KeepIn) {
			continue
		}
		if c.Fence.Group != "" {
			continue
		}
		best := math.Inf(1)
		oracleMoments(c, t.was.Class, t.smp.Fix, end, func(at *big.Rat, inside bool) {
			if inside == (c.Fence.Kind != KeepIn) {
				f, _ := at.Float64()
				best = min(best, f)
			}
		})
		if best <= 1 {
			out[c.Fence.ID] = best
		}
	}
	held, rep := map[string]bool{}, map[string]*Compiled{}
	for _, c := range t.fences {
		if name := c.Fence.Group; name != "" && oracleApplies(c, t.was) {
			in, _ := oracleInside(c, t.was.Class, t.smp.Fix)
			held[name] = held[name] || in
			if r := rep[name]; r == nil || c.Fence.ID < r.Fence.ID {
				rep[name] = c
			}
		}
	}
	for name := range held {
		if at, ok := o.gap(name, t.was, t.smp.Fix, end); held[name] && ok {
			out[rep[name].Fence.ID] = at
		}
	}
	return out
}

func TestAheadAgainstOracle(t *testing.T) {
	compared := 0
	for round := range 16 {
		w := &world{rng: rand.New(rand.NewPCG(77, uint64(round))), pitch: int32([]int{300, 5000}[round%2]), size: 9,
			at: []geo.Point{{Lat: 309_000_000, Lon: 1_219_300_000}, {Lat: 1_000, Lon: 1_800_000_000 - 900}}[round/2%2]}
		d := newDuel(t, w, 8)
		for range 150 {
			d.turn()
			h := vehicles.Handle(1 + w.rng.IntN(4))
			v := d.shard.find(h)
			if v == nil || v.snap == nil {
				continue
			}
			horizon := []float64{0.5, 10, 40}[w.rng.IntN(3)]
			got := d.shard.Ahead(h, horizon, nil)
			want := map[string]float64{}
			if !v.velocity.unknown {
				want = d.oracle.ahead(h, v.predict(horizon))
			}
			if !slices.IsSortedFunc(got, func(a, b Prediction) int { return int(math.Copysign(1, a.InS-b.InS)) }) {
				t.Fatalf("not in order: %v", got)
			}
			for _, p := range got {
				at, ok := want[p.Fence.Fence.ID]
				if !ok || math.Abs(p.InS/horizon-at) > 1e-6 {
					t.Fatalf("round %d: %s in %v s, want %v of %v s", round, p.Fence.Fence.ID, p.InS, at, horizon)
				}
				delete(want, p.Fence.Fence.ID)
				compared++
			}
			if len(want) > 0 {
				t.Fatalf("round %d: not foreseen: %v in %v s, velocity %+v", round, want, horizon, v.velocity)
			}
		}
	}
	if compared < 200 {
		t.Errorf("only %d predictions compared", compared)
	}
	t.Logf("%d predictions compared", compared)
}

func TestAhead(t *testing.T) {
	river := keepOut(t, "river", 1, "31,121.01 31,121.02 31.1,121.02 31.1,121.01")
	zone := mustCompile(t, Fence{ID: "zone", Kind: KeepIn, Shape: Shape{Polygons: polygons("30.9,120.9 30.9,121.03 31.2,121.03 31.2,120.9")}, Ceiling: geo.Altitude{MM: 120_000, Datum: geo.AMSL}})
	slow := mustCompile(t, Fence{ID: "slow", Kind: SpeedLimit, SpeedMPS: 10, Shape: Shape{Polygons: polygons("31,120.98 31,120.99 31.1,120.99 31.1,120.98")}})
	r := newRig(t, river, zone, slow)
	for _, tc := range []struct {
		name    string
		vel     vehicles.Velocity
		unknown bool
		horizon float64
		want    string
	}{
		{"standing", vehicles.Velocity{}, false, 60, ""},
		{"east", vehicles.Velocity{E: 2000}, false, 60, "river in 47.7 s at 31.0500000,121.0100000"},
		{"farther", vehicles.Velocity{E: 2000}, false, 200, "river in 47.7 s at 31.0500000,121.0100000; zone in 143.2 s at 31.0500000,121.0300000"},
		{"not so far", vehicles.Velocity{E: 2000}, false, 47, ""},
		{"too fast for a speed limit", vehicles.Velocity{E: -2000}, false, 60, "slow in 47.7 s at 31.0500000,120.9900000"},
		{"slow enough", vehicles.Velocity{E: -1000}, false, 200, ""},
		{"up", vehicles.Velocity{D: -200}, false, 60, "zone in 35.0 s at 31.0500000,121.0000000"},
		{"unknown", vehicles.Velocity{E: 2000}, true, 60, ""},
		{"no horizon", vehicles.Velocity{E: 2000}, false, math.NaN(), ""},
	} {
		s := r.sample("31.05,121", 1)
		s.Velocity, s.VelocityUnknown = tc.vel, tc.unknown
		r.shard.Step(1, &s, nil)
		got := ""
		for i, p := range r.shard.Ahead(1, tc.horizon, nil) {
			if i > 0 {
				got += "; "
			}
			got += fmt.Sprintf("%s in %.1f s at %v", p.Fence.Fence.ID, p.InS, p.At)
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	out := make([]Prediction, 0, 8)
	s := r.sample("31.05,121.0099", 1)
	s.Velocity.E = 2000
	r.shard.Step(1, &s, nil)
	if n := testing.AllocsPerRun(100, func() { out = r.shard.Ahead(1, 60, out[:0]) }); n != 0 || len(out) != 1 {
		t.Errorf("%v allocations, %d predictions", n, len(out))
	}
	if got := r.shard.Ahead(99, 10, nil); got != nil {
		t.Errorf("a vehicle that was never admitted: %v", got)
	}
}

// TestAheadInGroup checks that a way from one keep-in of a group into the next is
// no breach to come, and the way out of the last one is.
func TestAheadInGroup(t *testing.T) {
	member := func(id, ring string) *Compiled {
		return mustCompile(t, Fence{ID: id, Kind: KeepIn, Group: "g", Shape: Shape{Polygons: polygons(ring)}})
	}
	west := member("west", "31,121 31,121.011 31.01,121.011 31.01,121")
	east := member("east", "31,121.01 31,121.02 31.01,121.02 31.01,121.01")
	for _, tc := range []struct {
		at   string
		want string
	}{{"31.005,121.008", ""}, {"31.005,121.0105", ""}, {"31.005,121.018", "east"}} {
		r := newRig(t, west, east)
		s := r.sample(tc.at, 1)
		s.Velocity.E = 1500
		r.shard.Step(1, &s, nil)
		got := ""
		for _, p := range r.shard.Ahead(1, 20, nil) {
			got += p.Fence.Fence.ID
		}
		if got != tc.want {
			t.Errorf("from %s: %q, want %q", tc.at, got, tc.want)
		}
	}
}

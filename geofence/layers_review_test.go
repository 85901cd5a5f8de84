package geofence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestLayersAgreeAnywhere drives slanted fences at the borders of cells, at
// longitude 180 and at the highest latitudes, at scales from a metre to 10 km:
// boxes, cells and the plain way must say the same, a kept course what a fresh
// one does, a look ahead what the step there would find, and what a vehicle is
// over must be what covers says.
func TestLayersAgreeAnywhere(t *testing.T) {
	places := []geo.Point{
		{Lat: 2371 << 17, Lon: 9300 << 17}, {Lat: -(1 << 11), Lon: 1 << 11}, {Lat: 309_000_000, Lon: geo.MaxLon - 40},
		{Lat: -309_000_000, Lon: -geo.MaxLon + 3}, {Lat: 889_990_000, Lon: 100}, {Lat: 0, Lon: 0}, {Lat: 601_234_567, Lon: geo.MaxLon - 70_000},
	}
	for round := range rounds() {
		rng := rand.New(rand.NewPCG(77, uint64(round)))
		at, scale := places[round%len(places)], []int32{60, 700, 9_000, 120_000, 900_000}[rng.IntN(5)]
		near := func(r int32) geo.Point {
			p := geo.Point{Lat: at.Lat + rng.Int32N(2*r+1) - r, Lon: wrap(int64(at.Lon) + int64(rng.Int32N(2*r+1)-r))}
			p.Lat = min(p.Lat, maxLat)
			return p
		}
		var corners []geo.Point
		fence := func(id string, rev uint64) *Compiled {
			for {
				f := Fence{ID: id, Rev: rev, Kind: []Kind{KeepOut, KeepOut, KeepIn, SpeedLimit}[rng.IntN(4)]}
				if f.Kind == SpeedLimit {
					f.SpeedMPS = 5
				}
				if f.Kind == KeepIn && rng.IntN(2) == 0 {
					f.Group = "g"
				}
				if rng.IntN(3) == 0 {
					f.Ceiling = geo.Altitude{MM: rng.Int32N(5) * 1000, Datum: geo.AMSL}
				}
				var ring geo.Ring
				for range 3 + rng.IntN(4) {
					ring = append(ring, near(scale))
				}
				f.Shape.Polygons = []geo.Polygon{{Outer: ring}}
				if c, err := Compile(f); err == nil {
					corners = append(corners, ring...)
					return c
				}
			}
		}
		var set []*Compiled
		for i := range 1 + rng.IntN(25) {
			set = append(set, fence(fmt.Sprint("f", i), 0))
		}
		e := NewEngine(Config{})
		e.SetFences(set)
		shards := []*Shard{e.NewShard(), e.NewShard(), e.NewShard()}
		shards[1].boxless, shards[2].plain = true, true
		shards[0].cells.divideAt = []int{4, 24}[rng.IntN(2)]
		shards[1].cells.divideAt, shards[1].cells.denseAt, shards[1].cells.dropAt = 2, 3+rng.IntN(10), 60
		pos := map[vehicles.Handle]*Sample{}
		for step := range 600 {
			if rng.IntN(40) == 0 {
				i := rng.IntN(len(set))
				set = slices.Clone(set)
				set[i] = fence(set[i].Fence.ID, uint64(step+1))
				e.SetFences(set)
			}
			h := vehicles.Handle(1 + rng.IntN(3))
			smp := pos[h]
			if smp == nil {
				smp = &Sample{Fix: geo.Fix{Point: near(scale)}}
				pos[h] = smp
			}
			smp.ReceivedUS += 1_000_000
			p := &smp.Fix.Point
			switch rng.IntN(10) {
			case 0:
				*p = near(scale)
			case 1:
				*p = corners[rng.IntN(len(corners))]
			case 2: // on the middle of an edge, if it is on the lattice
				a, b := corners[rng.IntN(len(corners))], corners[rng.IntN(len(corners))]
				*p = geo.Point{Lat: int32((int64(a.Lat) + int64(b.Lat)) / 2), Lon: int32((int64(a.Lon) + int64(b.Lon)) / 2)}
			case 3, 4, 5:
				r := 1 + scale/int32(1+rng.IntN(50))
				*p = geo.Point{Lat: min(p.Lat+rng.Int32N(2*r+1)-r, maxLat), Lon: wrap(int64(p.Lon) + int64(rng.Int32N(2*r+1)-r))}
			default:
				*p = geo.Point{Lat: min(p.Lat+rng.Int32N(3)-1, maxLat), Lon: wrap(int64(p.Lon) + int64(rng.Int32N(3)-1))}
			}
			if rng.IntN(4) == 0 {
				smp.Fix.Heights = geo.Heights{}
				if rng.IntN(6) > 0 {
					smp.Fix.Heights.Set(geo.AMSL, rng.Int32N(5)*1000)
				}
			}
			if rng.IntN(3) == 0 {
				smp.Velocity = vehicles.Velocity{N: int16(rng.IntN(2000) - 1000), E: int16(rng.IntN(2000) - 1000), D: int16(rng.IntN(100) - 50)}
			}
			want := shards[2].Step(h, smp, nil)
			for n, s := range shards[:2] {
				if got := s.Step(h, smp, nil); !slices.Equal(got, want) {
					t.Fatalf("round %d at %v scale %d step %d of %d to %v: layer %d says\n%s\nplain\n%s", round, at, scale, step, h, smp.Fix, n, describe(got), describe(want))
				}
			}
			for n, s := range shards {
				v := s.find(h)
				for _, c := range e.Fences() {
					if c.AppliesTo(&v.sub) && c.covers(*p) != (v.find(c) >= 0) {
						t.Fatalf("round %d at %v step %d of %d to %v: layer %d over %s: %v", round, at, step, h, smp.Fix, n, c.Fence.ID, v.find(c) >= 0)
					}
				}
			}
			kept := shards[0].Ahead(h, 9.87, nil)
			shards[1].find(h).ahead.forget()
			if fresh := shards[1].Ahead(h, 9.87, nil); !slices.Equal(kept, fresh) {
				t.Fatalf("round %d at %v step %d of %d from %v %v: a kept course says %v, a fresh one %v", round, at, step, h, smp.Fix, smp.Velocity, kept, fresh)
			}
			comes := foreseenBySteps(e, shards[0].find(h), 9.87)
			for _, p := range kept {
				if i := slices.Index(comes, p.Fence.Fence.ID); i >= 0 {
					comes = slices.Delete(comes, i, i+1)
				} else if p.Fence.Fence.Kind != SpeedLimit {
					t.Fatalf("round %d at %v step %d of %d from %v %v: foresees %s %+v, which a step there does not find", round, at, step, h, smp.Fix, smp.Velocity, p.Fence.Fence.ID, p)
				}
			}
			if len(comes) > 0 {
				t.Fatalf("round %d at %v step %d of %d from %v %v: does not foresee %v", round, at, step, h, smp.Fix, smp.Velocity, comes)
			}
		}
	}
}

func rounds() int {
	if testing.Short() {
		return 14
	}
	return 140
}

// foreseenBySteps are the fences that a vehicle breaches when it makes its way
// of some seconds in one step and did not before.
func foreseenBySteps(e *Engine, v *vehicle, seconds float64) (ids []string) {
	to := v.predict(seconds)
	if !to.Point.Valid() {
		return nil
	}
	s := e.NewShard()
	s.plain = true
	s.Admit(1, v.sub)
	smp := Sample{Fix: v.fix, ReceivedUS: 1, Velocity: v.velocity.Velocity}
	s.Step(1, &smp, nil)
	smp.Fix, smp.ReceivedUS = to, 1+int64(seconds*1e6)
	for _, tr := range s.Step(1, &smp, nil) {
		if k := tr.Effect(); k == BreachBegins || k == BreachPassed {
			ids = append(ids, tr.Fence.Fence.ID)
		}
	}
	return ids
}

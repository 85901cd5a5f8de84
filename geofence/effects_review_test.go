package geofence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestEffectsAddUpToBreaches follows what the effects of the transitions say, as
// the alert book does, by the id of the fence: that must be what the vehicle
// breaches, always.
func TestEffectsAddUpToBreaches(t *testing.T) {
	for round := range 24 {
		w := &world{rng: rand.New(rand.NewPCG(31, uint64(round))), pitch: 5000, size: 10, at: geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}}
		d := newDuel(t, w, 1+round%14)
		open := map[vehicles.Handle]map[string]TransitionKind{}
		note := func(ts []Transition) {
			for i := range ts {
				tr := &ts[i]
				if open[tr.Handle] == nil {
					open[tr.Handle] = map[string]TransitionKind{}
				}
				switch tr.Effect() {
				case BreachBegins:
					open[tr.Handle][tr.Fence.Fence.ID] = tr.Kind
				case BreachEnds:
					delete(open[tr.Handle], tr.Fence.Fence.ID)
				}
			}
		}
		var trail []string
		for range 400 {
			if w.rng.IntN(6) == 0 {
				before := d.set
				d.set = slices.Clone(d.set)
				i := w.rng.IntN(len(d.set))
				d.set[i] = w.fence(t, d.set[i].Fence.ID)
				d.engine.SetFences(d.set)
				trail = append(trail, fmt.Sprintf("%s: kind %d group %q -> kind %d group %q", d.set[i].Fence.ID, before[i].Fence.Kind,
					before[i].Fence.Group, d.set[i].Fence.Kind, d.set[i].Fence.Group))
				d.out = d.shard.Refresh(d.now, d.out[:0])
				note(d.out)
			}
			h := vehicles.Handle(1 + w.rng.IntN(4))
			if w.rng.IntN(40) == 0 {
				d.shard.Admit(h, w.subject(h))
			}
			if d.now >= d.next {
				_, d.next = d.engine.Advance(d.now)
			}
			smp := d.move(h)
			d.out = d.shard.Step(h, &smp, d.out[:0])
			note(d.out)
			var says []string
			for id := range open[h] {
				says = append(says, id)
			}
			slices.Sort(says)
			var is []string
			for _, c := range d.shard.Breaches(h, nil) {
				is = append(is, c.Fence.ID)
				if d.shard.IsClear(h, c, Accuracy{}) {
					t.Errorf("round %d vehicle %d is clear of %s, which it breaches", round, h, c.Fence.ID)
				}
			}
			slices.Sort(is)
			if !slices.Equal(says, is) {
				t.Errorf("round %d vehicle %d: by effects %v (%v), breaches %v\nlast changes: %v\nlast transitions: %s",
					round, h, says, open[h], is, trail[max(0, len(trail)-3):], describe(d.out))
				break
			}
		}
	}
}

package geofence

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// TestLayersAgree drives the same traffic through the whole engine, through the
// cells without boxes and through the plain way, which searches the tree at each
// step: every step must give the same transitions, the fence set changes in
// mid-flight, schedules come and go, and vehicles climb, sink and accelerate.
func TestLayersAgree(t *testing.T) {
	steps := 240
	if testing.Short() {
		steps = 60
	}
	kinds := map[TransitionKind]int{}
	for _, clustered := range []bool{false, true} {
		for _, hz := range []int{10, 1} {
			t.Run(fmt.Sprintf("clustered=%v %d Hz", clustered, hz), func(t *testing.T) { layersAgree(t, steps, hz, clustered, kinds) })
		}
	}
	for _, kind := range []TransitionKind{Entered, Left, Crossed, Ended, OverSpeed, SpeedOK} {
		if kinds[kind] < 10 {
			t.Errorf("%d transitions of kind %d: the traffic tests too little; %v", kinds[kind], kind, kinds)
		}
	}
}

func layersAgree(t *testing.T, steps, hz int, clustered bool, kinds map[TransitionKind]int) {
	c := newCity(uint64(90 + hz))
	set := c.rules(t, 3000)
	samples := c.traffic(150, steps*10/hz, clustered)
	e := NewEngine(Config{})
	e.Advance(0)
	e.SetFences(set)
	shards := []*Shard{e.NewShard(), e.NewShard(), e.NewShard()}
	shards[1].boxless = true
	shards[2].plain = true
	cells := &shards[1].cells // the second pair of eyes divides sooner, and finds some squares too dense
	cells.divideAt, cells.denseAt, cells.dropAt = 4, 40, 3000
	count := len(samples[0])
	for h := range count {
		for _, s := range shards {
			s.Admit(vehicles.Handle(h+1), Subject{Class: vehicles.Class(1 + h%3)})
		}
	}
	for k := 0; k < len(samples); k += 10 / hz {
		if k%50 == 0 {
			set = c.change(t, set)
			e.SetFences(set)
		}
		e.Advance(int64(k+1) * 100_000)
		for i := range samples[k] {
			smp := &samples[k][i]
			wave := math.Sin(float64(k+17*i) / 40)
			if i%5 == 0 {
				smp.Fix.Heights.Set(geo.AMSL, int32(60_000+55_000*wave)) // climbs and sinks in place, too
				smp.Fix.Point = samples[k-k%30][i].Fix.Point
			}
			if i%7 == 0 {
				smp.Velocity.N = int16(float64(smp.Velocity.N) * (1 + wave))
			}
			h := vehicles.Handle(i + 1)
			want := shards[2].Step(h, smp, nil)
			for _, tr := range want {
				kinds[tr.Kind]++
			}
			for n, s := range shards[:2] {
				if got := s.Step(h, smp, nil); !slices.Equal(got, want) {
					t.Fatalf("step %d of vehicle %d to %v: layer %d says\n%s\nthe plain way\n%s", k, h, smp.Fix, n, brief(got), brief(want))
				}
			}
		}
	}
}

// rules makes city fences of all kinds, with bands and schedules.
func (c *city) rules(t *testing.T, n int) []*Compiled {
	out := c.fences(n)
	for i, f := range out {
		out[i] = c.rule(t, f.Fence, 1)
	}
	return out
}

func (c *city) rule(t *testing.T, f Fence, rev uint64) *Compiled {
	t.Helper()
	f.Rev, f.Kind, f.SpeedMPS = rev, KeepOut, 0
	f.Floor, f.Ceiling, f.Schedule, f.Classes = geo.Altitude{}, geo.Altitude{}, Schedule{}, 0
	switch c.rng.IntN(6) {
	case 0:
		f.Kind = KeepIn
	case 1:
		f.Kind, f.SpeedMPS = SpeedLimit, 6+10*c.rng.Float64()
	}
	if c.rng.IntN(3) == 0 {
		f.Floor = geo.Altitude{MM: int32(c.rng.IntN(60_000)), Datum: geo.AMSL}
		f.Ceiling = geo.Altitude{MM: int32(60_000 + c.rng.IntN(60_000)), Datum: geo.AMSL}
	}
	if c.rng.IntN(4) == 0 {
		from := int64(c.rng.IntN(20_000_000))
		f.Schedule.Windows = []Window{{FromUS: from, ToUS: from + 1 + int64(c.rng.IntN(20_000_000))}}
	}
	if c.rng.IntN(3) == 0 {
		f.Classes = vehicles.ClassSet(vehicles.Class(1 + c.rng.IntN(3)))
	}
	return mustCompile(t, f)
}

// change replaces, removes and adds a few fences, now and then many.
func (c *city) change(t *testing.T, set []*Compiled) []*Compiled {
	set = slices.Clone(set)
	n := 3
	if c.rng.IntN(3) == 0 {
		n = 2 * manyChanges
	}
	for range n {
		i := c.rng.IntN(len(set))
		if c.rng.IntN(8) == 0 {
			set = slices.Delete(set, i, i+1)
			continue
		}
		f := set[i].Fence
		set[i] = c.rule(t, f, f.Rev+1)
	}
	return set
}

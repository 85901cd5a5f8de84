package geofence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// world makes fences and traffic on a coarse grid, so that samples fall on
// vertices, edges and limits all the time instead of never.
type world struct {
	rng   *rand.Rand
	pitch int32 // units of the lattice between grid lines
	size  int   // grid lines
	at    geo.Point
	rev   uint64
}

func (w *world) point() geo.Point { return w.grid(w.rng.IntN(w.size), w.rng.IntN(w.size)) }

func (w *world) grid(x, y int) geo.Point {
	return geo.Point{Lat: w.at.Lat + int32(y)*w.pitch, Lon: w.at.Lon + int32(x)*w.pitch}
}

// height is one of a few, so that limits are hit exactly; sometimes unknown.
func (w *world) heights() (h geo.Heights) {
	if w.rng.IntN(12) > 0 {
		h.Set(geo.AMSL, int32(w.rng.IntN(6))*10_000)
	}
	if w.rng.IntN(12) > 0 {
		h.Set(geo.Takeoff, int32(w.rng.IntN(6))*10_000)
	}
	return h
}

func (w *world) altitude() geo.Altitude {
	if w.rng.IntN(3) == 0 {
		return geo.Altitude{}
	}
	return geo.Altitude{MM: int32(w.rng.IntN(6)) * 10_000, Datum: []geo.Datum{geo.AMSL, geo.Takeoff}[w.rng.IntN(2)]}
}

// fence makes a random valid fence: whatever Compile accepts of random rings.
func (w *world) fence(t *testing.T, id string) *Compiled {
	t.Helper()
	for range 10_000 {
		f := Fence{ID: id, Kind: KeepOut, Rev: w.rev}
		w.rev++
		if w.rng.IntN(3) == 0 {
			f.Kind = KeepIn
		}
		for range 1 + w.rng.IntN(5)/4 {
			f.Shape.Polygons = append(f.Shape.Polygons, w.polygon())
		}
		if w.rng.IntN(2) == 0 {
			f.Floor, f.Ceiling = w.altitude(), w.altitude()
		}
		f.Classes = []vehicles.Classes{0, 0, vehicles.ClassSet(vehicles.UAV), vehicles.ClassSet(vehicles.ICV, vehicles.USV)}[w.rng.IntN(4)]
		if c, err := Compile(f); err == nil {
			return c
		}
	}
	t.Fatal("no valid fence in 10,000 tries")
	return nil
}

func (w *world) polygon() (p geo.Polygon) {
	x, y := w.rng.IntN(w.size-3), w.rng.IntN(w.size-3)
	dx, dy := 1+w.rng.IntN(w.size-x-1), 1+w.rng.IntN(w.size-y-1)
	if w.rng.IntN(3) == 0 {
		dx = 1 // thin
	}
	switch w.rng.IntN(3) {
	case 0: // box, perhaps with a hole
		p.Outer = geo.Ring{w.grid(x, y), w.grid(x+dx, y), w.grid(x+dx, y+dy), w.grid(x, y+dy)}
		if dx > 2 && dy > 2 {
			p.Holes = []geo.Ring{{w.grid(x+1, y+1), w.grid(x+dx-1, y+1), w.grid(x+dx-1, y+dy-1)}}
		}
	default:
		for range 3 + w.rng.IntN(5) {
			p.Outer = append(p.Outer, w.grid(x+w.rng.IntN(dx+1), y+w.rng.IntN(dy+1)))
		}
	}
	return p
}

// TestDifferential compares the engine with a loop over all fences, transition
// by transition, and the list of breaches after each step.
func TestDifferential(t *testing.T) {
	rounds, steps := 40, 400
	if testing.Short() {
		rounds = 12
	}
	total, kinds := 0, map[TransitionKind]int{}
	for round := range rounds {
		w := &world{rng: rand.New(rand.NewPCG(2022, uint64(round))), pitch: int32([]int{37, 300, 5000, 50_000}[round%4]), size: 8 + round%9,
			at: []geo.Point{{Lat: 309_000_000, Lon: 1_219_300_000}, {Lat: -3_000, Lon: -1_000}}[round%2]}
		d := newDuel(t, w, 1+round%14)
		for range steps {
			d.turn()
		}
		total += d.transitions
		for k, n := range d.kinds {
			kinds[k] += n
		}
	}
	for _, k := range []TransitionKind{Entered, Left, Crossed, Ended} {
		if kinds[k] < 100 {
			t.Errorf("only %d transitions of kind %d: the traffic tests too little", kinds[k], k)
		}
	}
	t.Logf("%d transitions compared: %v", total, kinds)
}

// duel runs engine and oracle side by side.
type duel struct {
	t           *testing.T
	w           *world
	engine      *Engine
	shard       *Shard
	oracle      *oracle
	set         []*Compiled
	fixes       map[vehicles.Handle]*Sample
	now         int64
	transitions int
	kinds       map[TransitionKind]int
	out         []Transition
}

func newDuel(t *testing.T, w *world, fences int) *duel {
	d := &duel{t: t, w: w, engine: NewEngine(Config{}), oracle: newOracle(), fixes: map[vehicles.Handle]*Sample{},
		kinds: map[TransitionKind]int{}, now: 1_000_000_000}
	d.shard = d.engine.NewShard()
	for i := range fences {
		d.set = append(d.set, w.fence(t, fmt.Sprint("f", i)))
	}
	d.publish()
	for h := vehicles.Handle(1); h <= 4; h++ {
		class := vehicles.Class(h % 4)
		d.shard.Admit(h, Subject{class})
		d.oracle.admit(h, class)
	}
	return d
}

func (d *duel) publish() {
	d.engine.SetFences(d.set)
	d.oracle.fences = slices.Clone(d.set)
}

func (d *duel) turn() {
	rng := d.w.rng
	if rng.IntN(12) == 0 {
		d.changeFences()
	}
	h := vehicles.Handle(1 + rng.IntN(4))
	if rng.IntN(150) == 0 {
		class := vehicles.Class(rng.IntN(4))
		d.shard.Admit(h, Subject{class})
		d.oracle.admit(h, class)
	}
	smp := d.move(h)
	d.out = d.shard.Step(h, smp, d.out[:0])
	want := d.oracle.step(h, smp)
	d.compare(fmt.Sprintf("step of %d to %+v", h, smp), d.out, want)
	d.compareBreaches(h)
}

// move makes the next sample of a vehicle: a crawl, a step of the grid, a climb,
// a leap, the same once more, or an old one.
func (d *duel) move(h vehicles.Handle) Sample {
	rng, w := d.w.rng, d.w
	dtMS := []int{200, 1000, 100_000}[rng.IntN(3)]
	d.now += int64(dtMS) * 1000
	last := d.fixes[h]
	if last == nil {
		last = &Sample{Fix: geo.Fix{Point: w.point(), Heights: w.heights()}, BootMS: 100_000 * uint32(h%2)}
		d.fixes[h] = last
	}
	smp := *last
	smp.ReceivedUS = d.now
	if smp.BootMS != 0 {
		smp.BootMS += uint32(dtMS)
	}
	p := &smp.Fix.Point
	switch rng.IntN(14) {
	case 0, 1, 2, 3:
		p.Lat += int32(rng.IntN(3) - 1)
		p.Lon += int32(rng.IntN(3) - 1)
	case 4, 5:
		p.Lat += int32(rng.IntN(3)-1) * w.pitch
		p.Lon += int32(rng.IntN(3)-1) * w.pitch
	case 6, 7:
		*p = w.point()
	case 8, 9:
		smp.Fix.Heights = w.heights()
	case 10:
		*p = w.point()
		smp.Fix.Heights = w.heights()
	case 11:
		if mm, ok := smp.Fix.Heights.In(geo.AMSL); ok {
			smp.Fix.Heights.Set(geo.AMSL, mm+int32(rng.IntN(3)-1))
		}
		p.Lat += int32(rng.IntN(3) - 1)
	case 12:
		smp.Fix.Point = geo.Point{Lat: w.at.Lat - int32(rng.IntN(1000))*w.pitch, Lon: w.at.Lon} // far away
	case 13:
		old := smp
		old.ReceivedUS = last.ReceivedUS - int64(rng.IntN(2))*3_000_000
		if old.BootMS != 0 {
			old.BootMS = last.BootMS - uint32(rng.IntN(2))*3000
			old.Fix.Point = w.point()
		}
		return old
	}
	*last = smp
	return smp
}

func (d *duel) changeFences() {
	rng := d.w.rng
	d.set = slices.Clone(d.set)
	n := 1
	if rng.IntN(5) == 0 {
		n = 20 // more than are tested one by one
	}
	for range n {
		switch i := rng.IntN(len(d.set)); {
		case rng.IntN(3) == 0 && len(d.set) < 40:
			d.set = append(d.set, d.w.fence(d.t, fmt.Sprint("n", d.w.rev)))
		case rng.IntN(2) == 0 && len(d.set) > 1:
			d.set = slices.Delete(d.set, i, i+1)
		default:
			d.set[i] = d.w.fence(d.t, d.set[i].Fence.ID)
		}
	}
	d.publish()
	if rng.IntN(2) == 0 {
		return // the next Step finds out
	}
	d.out = d.shard.Refresh(d.now, d.out[:0])
	var want []Transition
	for h := vehicles.Handle(1); h <= 4; h++ {
		ts := d.oracle.refresh(h, d.now)
		sortTransitions(ts)
		want = append(want, ts...)
	}
	d.compareSorted("refresh", d.out, want)
}

func (d *duel) compare(what string, got, want []Transition) {
	d.t.Helper()
	sortTransitions(want)
	d.compareSorted(what, got, want)
}

func (d *duel) compareSorted(what string, got, want []Transition) {
	d.t.Helper()
	same := len(got) == len(want)
	for i := range got {
		d.kinds[got[i].Kind]++
		d.transitions++
		if same {
			g := got[i]
			g.Datum = want[i].Datum // has a test of its own
			same = g == want[i]
		}
	}
	if !same {
		d.t.Fatalf("%s:\n got %s\nwant %s", what, describe(got), describe(want))
	}
}

func (d *duel) compareBreaches(h vehicles.Handle) {
	d.t.Helper()
	var ids []string
	for _, c := range d.shard.Breaches(h, nil) {
		ids = append(ids, c.Fence.ID)
	}
	if want := d.oracle.breaches(h); !slices.Equal(ids, want) || d.shard.Breached(h) != len(want) {
		d.t.Fatalf("vehicle %d breaches %v (%d), want %v", h, ids, d.shard.Breached(h), want)
	}
}

func describe(ts []Transition) (s string) {
	for _, t := range ts {
		s += fmt.Sprintf("\n  %d %s kind %d rev %d flags %d: %+v -> %+v (fence kind %d %v..%v %v)", t.Handle, t.Fence.Fence.ID, t.Kind, t.Fence.Fence.Rev,
			t.Flags, t.Before, t.After, t.Fence.Fence.Kind, t.Fence.Fence.Floor, t.Fence.Fence.Ceiling, t.Fence.Fence.Shape.Polygons)
	}
	return s
}

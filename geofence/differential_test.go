package geofence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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
	return geo.Point{Lat: w.at.Lat + int32(y)*w.pitch, Lon: wrap(int64(w.at.Lon) + int64(x)*int64(w.pitch))}
}

func wrap(lon int64) int32 {
	if lon > geo.MaxLon {
		lon -= 2 * geo.MaxLon
	} else if lon < -geo.MaxLon {
		lon += 2 * geo.MaxLon
	}
	return int32(lon)
}

// height is one of a few, so that limits are hit exactly; sometimes unknown.
func (w *world) heights() (h geo.Heights) {
	if w.rng.IntN(12) > 0 {
		h.Set(geo.AMSL, int32(w.rng.IntN(6))*10_000)
	}
	if w.rng.IntN(12) > 0 {
		h.Set(geo.Takeoff, int32(w.rng.IntN(6))*10_000)
	}
	if w.rng.IntN(3) == 0 {
		h.Set(geo.WGS84, int32(w.rng.IntN(6))*10_000)
	}
	if w.rng.IntN(2) == 0 {
		h.Set(geo.AGL, int32(w.rng.IntN(6))*10_000)
	}
	return h
}

func (w *world) altitude() geo.Altitude {
	if w.rng.IntN(3) == 0 {
		return geo.Altitude{}
	}
	return geo.Altitude{MM: int32(w.rng.IntN(6)) * 10_000, Datum: []geo.Datum{geo.AMSL, geo.Takeoff, geo.AMSL, geo.Takeoff, geo.WGS84, geo.AGL}[w.rng.IntN(6)]}
}

// fence makes a random valid fence: whatever Compile accepts of random rings.
func (w *world) fence(t *testing.T, id string) *Compiled {
	t.Helper()
	for range 10_000 {
		f := Fence{ID: id, Kind: KeepOut, Rev: w.rev}
		w.rev++
		switch w.rng.IntN(5) {
		case 0:
			f.Kind = KeepIn
			f.Group = []string{"", "g", "h"}[w.rng.IntN(3)]
		case 1:
			f.Kind, f.SpeedMPS = SpeedLimit, float64(5*(1+w.rng.IntN(3)))
		}
		w.who(&f)
		if w.rng.IntN(4) == 0 {
			f.Schedule = w.schedule()
		}
		for range 1 + w.rng.IntN(5)/4 {
			f.Shape.Polygons = append(f.Shape.Polygons, w.polygon())
		}
		pitchM := float64(w.pitch) * 0.01
		switch w.rng.IntN(12) {
		case 0:
			f.Shape = Shape{Corridor: &geo.Corridor{Line: w.polygon().Outer, WidthM: pitchM * float64(w.rng.IntN(3)+1)}}
		case 1:
			f.Shape = Shape{Circle: &geo.Circle{Center: w.point(), RadiusM: pitchM * float64(w.rng.IntN(4))}}
		case 2:
			f.MarginM = pitchM / 3
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

// who narrows a fence to some operators and vehicles.
func (w *world) who(f *Fence) {
	operators, ids := []string{"ada", "bob"}, []vehicles.VehicleID{"v1", "v2", "v3"}
	switch w.rng.IntN(12) {
	case 0:
		f.Operators = operators[w.rng.IntN(2):]
	case 1:
		f.Vehicles = ids[w.rng.IntN(3):]
	case 2:
		f.Operators, f.Vehicles = operators[:1], ids
	case 3:
		f.ExemptOperators = operators[w.rng.IntN(2):]
	case 4:
		f.Vehicles, f.ExemptVehicles = ids, ids[w.rng.IntN(3):]
	case 5:
		f.Permits = []string{"p"}
	case 6:
		f.ExemptPermits = []string{"p", "q"}[w.rng.IntN(2):]
	}
}

func (w *world) subject(h vehicles.Handle) Subject {
	return Subject{Class: vehicles.Class(w.rng.IntN(4)), Operator: []string{"", "ada", "bob"}[w.rng.IntN(3)],
		Vehicle: vehicles.VehicleID(fmt.Sprint("v", h)), Permit: []string{"", "p", "q"}[w.rng.IntN(3)], Verified: w.rng.IntN(3) > 0}
}

// schedule is one that has edges in the hours of the traffic.
func (w *world) schedule() (s Schedule) {
	minute := func() int { return 8*60 + 16 + w.rng.IntN(300) } // 00:16 UTC, when the traffic begins
	for range w.rng.IntN(3) {
		from := int64(1_000_000_000 + w.rng.IntN(15_000)*1_000_000)
		s.Windows = append(s.Windows, Window{from, from + int64(1+w.rng.IntN(3000))*1_000_000})
	}
	for range w.rng.IntN(3) {
		s.Weekly = append(s.Weekly, Weekly{Days(1 + w.rng.IntN(127)), Edge{Clock, minute()}, Edge{Clock, minute()}})
		s.Holidays = HolidayRule(w.rng.IntN(3))
	}
	return s
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
		rounds = 8
	}
	total, kinds := 0, map[TransitionKind]int{}
	for round := range rounds {
		w := &world{rng: rand.New(rand.NewPCG(2022, uint64(round))), pitch: int32([]int{37, 300, 5000, 50_000}[round%4]), size: 8 + round%9,
			at: []geo.Point{{Lat: 309_000_000, Lon: 1_219_300_000}, {Lat: -3_000, Lon: -1_000}, {Lat: -180_000_000, Lon: 1_800_000_000 - 200_000}, {Lat: 1_000, Lon: 1_800_000_000 - 150}}[round/2%4]}
		if round%8 == 4 { // so that longitude 180 lies within the grid
			w.at.Lon = 1_800_000_000 - 3*w.pitch
		}
		d := newDuel(t, w, 1+round%14)
		for range steps {
			d.turn()
		}
		total += d.transitions
		for k, n := range d.kinds {
			kinds[k] += n
		}
	}
	for _, k := range []TransitionKind{Entered, Left, Crossed, Ended, OverSpeed, SpeedOK, GroupLeft, GroupEntered} {
		if kinds[k] < 2*rounds {
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
	holiday     bool
	oracle      *oracle
	set         []*Compiled
	fixes       map[vehicles.Handle]*Sample
	now         int64
	advanced    int64 // when the schedules were last put into force
	next        int64 // when to do so again
	transitions int
	kinds       map[TransitionKind]int
	out         []Transition
}

func newDuel(t *testing.T, w *world, fences int) *duel {
	holidays := []Date{{1970, 1, 1}} // a Thursday, when the traffic begins
	engine := NewEngine(Config{Location: time.FixedZone("+8", 8*3600), Holidays: holidays[w.rng.IntN(2):]})
	d := &duel{t: t, w: w, engine: engine, holiday: len(engine.calendar.holidays) > 0, oracle: newOracle(), fixes: map[vehicles.Handle]*Sample{},
		kinds: map[TransitionKind]int{}, now: 1_000_000_000}
	d.shard = d.engine.NewShard()
	if cells := &d.shard.cells; w.rng.IntN(2) == 0 { // divided, too dense and dropped by a few edges
		cells.divideAt, cells.denseAt, cells.dropAt = w.rng.IntN(8), 2+w.rng.IntN(30), 20+w.rng.IntN(500)
	}
	for i := range fences {
		d.set = append(d.set, w.fence(t, fmt.Sprint("f", i)))
	}
	engine.Advance(d.now)
	d.advanced = d.now
	d.publish()
	for h := vehicles.Handle(1); h <= 4; h++ {
		sub := w.subject(h)
		d.shard.Admit(h, sub)
		d.oracle.admit(h, sub)
	}
	return d
}

func (d *duel) publish() {
	d.engine.SetFences(d.set)
	d.enforce()
	d.next = 0
}

func (d *duel) advance() {
	var changed bool
	before := d.oracle.fences
	changed, d.next = d.engine.Advance(d.now)
	d.advanced = d.now
	if d.enforce(); changed == slices.Equal(before, d.oracle.fences) {
		d.t.Fatalf("advance to %d says %v", d.now, changed)
	}
}

// enforce tells the oracle which fences are in force.
func (d *duel) enforce() {
	d.oracle.fences = nil
	for _, c := range d.set {
		in := oracleInForce(&c.Fence.Schedule, d.advanced, d.holiday)
		if in {
			d.oracle.fences = append(d.oracle.fences, c)
		}
		if d.engine.InForce(c.Fence.ID) != in {
			d.t.Fatalf("at %d %s is in force: %v; schedule %+v", d.advanced, c.Fence.ID, !in, c.Fence.Schedule)
		}
	}
}

// oracleInForce judges a schedule of the first days of 1970 by clocks 8 hours
// ahead of UTC; the first of them may be a holiday.
func oracleInForce(s *Schedule, nowUS int64, holiday bool) bool {
	in := len(s.Windows)+len(s.Weekly) == 0
	for _, w := range s.Windows {
		in = in || nowUS >= w.FromUS && nowUS < w.ToUS
	}
	local := nowUS + 8*3600*1_000_000
	const minute, day = 60_000_000, 1440 * 60_000_000
	for _, w := range s.Weekly {
		for n := int64(-1); n <= 2; n++ { // day n, a Thursday for 0
			begins := w.Days&(1<<((n+10)%7)) != 0
			free := holiday && n == 0
			if s.Holidays == HolidaysOnly {
				begins = free
			} else if s.Holidays == HolidaysExcept && free {
				begins = false
			}
			from, to := n*day+int64(w.From.Minutes)*minute, n*day+int64(w.To.Minutes)*minute
			if to <= from {
				to += day
			}
			in = in || begins && from <= local && local < to
		}
	}
	return in
}

func (d *duel) turn() {
	rng := d.w.rng
	if rng.IntN(12) == 0 {
		d.changeFences()
	}
	h := vehicles.Handle(1 + rng.IntN(4))
	if rng.IntN(100) == 0 {
		sub := d.w.subject(h)
		d.shard.Admit(h, sub)
		d.oracle.admit(h, sub)
	}
	smp := d.move(h)
	if d.now >= d.next || rng.IntN(30) == 0 {
		d.advance()
	} else { // nothing changes before the time that Advance gave
		advanced := d.advanced
		d.advanced = d.now
		d.enforce()
		d.advanced = advanced
	}
	d.out = d.shard.Step(h, &smp, d.out[:0])
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
	if rng.IntN(4) == 0 { // 3-4-5: speeds of 5, 10, 15 m/s exactly
		k := int16(rng.IntN(5)) * 100
		smp.Velocity = vehicles.Velocity{N: 3 * k, E: -4 * k, D: int16(rng.IntN(300))}
		smp.VelocityUnknown = rng.IntN(5) == 0
	}
	p := &smp.Fix.Point
	switch rng.IntN(14) {
	case 0, 1, 2, 3:
		p.Lat += int32(rng.IntN(3) - 1)
		p.Lon = wrap(int64(p.Lon) + int64(rng.IntN(3)-1))
	case 4, 5:
		p.Lat += int32(rng.IntN(3)-1) * w.pitch
		p.Lon = wrap(int64(p.Lon) + int64(rng.IntN(3)-1)*int64(w.pitch))
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

package geofence

import (
	"slices"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// here collects the fences whose shape a point lies within. The callback is made
// once so that a search does not allocate.
type here struct {
	visit  func(_, _ [2]int64, p *part) bool
	sub    *Subject
	at     geo.Point
	fences []*Compiled
}

func (h *here) init() {
	h.visit = func(_, _ [2]int64, p *part) bool {
		if c := p.owner; c.AppliesTo(h.sub) && !slices.Contains(h.fences, c) && c.covers(h.at) {
			h.fences = append(h.fences, c)
		}
		return true
	}
}

// find fills fences with those that apply to the vehicle and contain p.
func (h *here) find(snap *snapshot, sub *Subject, p geo.Point) {
	clear(h.fences)
	h.fences, h.sub, h.at = h.fences[:0], sub, p
	lo, hi := keys(geo.BoxOf(p, p))
	snap.parts.Search(lo, hi, h.visit)
	if p.Lon == geo.MaxLon || p.Lon == -geo.MaxLon {
		lo[1], hi[1] = -lo[1], -hi[1] // the same meridian by its other name
		snap.parts.Search(lo, hi, h.visit)
	}
}

// event makes a transition of a vehicle that moves by a sample.
func (v *vehicle) event(kind TransitionKind, flags Flags, c *Compiled, unknown bool, smp *Sample) Transition {
	if unknown {
		flags |= AltitudeUnknown
	}
	before := v.fix
	if v.snap == nil {
		before = smp.Fix
	}
	return Transition{Kind: kind, Flags: flags, Handle: v.handle, Fence: c, ReceivedUS: smp.ReceivedUS, BootMS: smp.BootMS,
		Before: before, After: smp.Fix, Datum: c.band.decider(v.sub.Class, &before, &smp.Fix)}
}

// first judges a vehicle's first fix: it was never seen on the other side of any
// fence.
func (s *Shard) first(v *vehicle, snap *snapshot, smp *Sample, out []Transition) []Transition {
	start := len(out)
	s.here.find(snap, &v.sub, smp.Fix.Point)
	for _, c := range s.here.fences {
		out = s.judgeEnds(v, c, true, FirstFix, smp, out)
	}
	for _, c := range snap.keepIns {
		if c.AppliesTo(&v.sub) && !v.isInside(c) {
			_, unknown := c.band.holds(v.sub.Class, &smp.Fix)
			out = append(out, v.event(Left, FirstFix, c, unknown, smp))
		}
	}
	out = s.judgeGroups(v, snap, FirstFix, smp, out)
	v.take(smp)
	v.snap, v.was, v.anew, v.box = snap, v.sub, false, emptyBox
	sortByFence(out[start:])
	return out
}

// jump judges the ends of a step whose way is not known.
func (s *Shard) jump(v *vehicle, smp *Sample, out []Transition) []Transition {
	s.here.find(v.snap, &v.sub, smp.Fix.Point)
	for i := len(v.over) - 1; i >= 0; i-- { // backwards: judge may take the entry out
		if c := v.over[i].fence; !slices.Contains(s.here.fences, c) {
			out = s.judgeEnds(v, c, false, Jump, smp, out)
		}
	}
	for _, c := range s.here.fences {
		out = s.judgeEnds(v, c, true, Jump, smp, out)
	}
	v.box = emptyBox
	return out
}

// judgeEnds compares the vehicle's state at a fence before and after a step and
// records the new one; over says whether the fence's shape contains it now.
func (s *Shard) judgeEnds(v *vehicle, c *Compiled, over bool, flags Flags, smp *Sample, out []Transition) []Transition {
	inBand, unknown := c.band.holds(v.sub.Class, &smp.Fix)
	was, is := v.isInside(c), over && inBand
	wasFast := c.limitSq > 0 && v.isFast(c)
	isFast := c.isTooFast(smp, is, wasFast)
	v.set(c, over, is, isFast)
	switch {
	case is && !was:
		out = append(out, v.event(Entered, flags, c, unknown, smp))
	case was && !is:
		out = append(out, v.event(Left, flags, c, unknown, smp))
	}
	return v.speedEvent(c, wasFast, isFast, flags, unknown, smp, out)
}

// isTooFast reports whether a vehicle breaks a speed limit by a sample. Without
// a known speed it does what it did before.
func (c *Compiled) isTooFast(smp *Sample, inside, before bool) bool {
	if c.limitSq == 0 || !inside {
		return false
	}
	if smp.VelocityUnknown {
		return before
	}
	return speedSq(smp) > c.limitSq
}

// speedSq is the square of the speed over ground, (cm/s)^2.
func speedSq(smp *Sample) int64 {
	v := smp.velocity()
	return v.sq()
}

func (v *velocity) sq() int64 {
	n, e := int64(v.N), int64(v.E)
	return n*n + e*e
}

func (v *vehicle) speedEvent(c *Compiled, was, is bool, flags Flags, unknown bool, smp *Sample, out []Transition) []Transition {
	switch {
	case is && !was:
		return append(out, v.event(OverSpeed, flags, c, unknown, smp))
	case was && !is:
		return append(out, v.event(SpeedOK, flags, c, unknown, smp))
	}
	return out
}

// move judges a step along its straight way and computes the safe box around
// its end.
func (s *Shard) move(v *vehicle, smp *Sample, chords []geo.Chord, out []Transition) []Transition {
	l := &s.look
	l.begin(&v.sub)
	now := smp.Fix.Point
	complete, boxed := s.lookAlong(v, now, chords)
	if !complete {
		return s.jump(v, smp, out)
	}
	// Within the boundary that the way did not meet only heights and speed matter.
	for i := range v.over {
		if o := &v.over[i]; !o.flat && !slices.Contains(l.touched, o.fence) {
			out = s.judgeWay(v, o.fence, true, false, chords, smp, out)
		}
	}
	for i, c := range l.touched {
		out = s.judgeWay(v, c, l.goesOver(i, v.find(c) >= 0, now), true, chords, smp, out)
	}
	if !boxed || !l.box.Contains(now) { // on an edge, or on longitude 180
		v.box = emptyBox
		return out
	}
	v.box.minLat, v.box.maxLat, v.box.minLon, v.box.maxLon = l.box.MinLat, l.box.MaxLat, l.box.MinLon, l.box.MaxLon
	v.boxedAt = now
	v.box.limited = v.bounds.limit(v.sub.Class, &smp.Fix, v.over)
	return out
}

// lookAlong finds the fences whose boundary a step meets and cuts the box around
// its end. It reports false when that is too much for one step.
func (s *Shard) lookAlong(v *vehicle, now geo.Point, chords []geo.Chord) (complete, boxed bool) {
	l := &s.look
	if s.plain {
		return l.trace(v.snap, chords), false
	}
	way := geo.BoxOf(v.fix.Point, now)
	boxed = !s.boxless && v.boxPays()
	l.drift.set(v.fix.Point, now)
	s.cells.follow(v.snap)
	c := v.cell
	if c == nil || c.stale || len(chords) > 1 || !c.box.Covers(&way) {
		c = s.cells.at(v.snap, now)
		v.cell = c
	}
	switch {
	case c != nil && len(chords) == 1 && c.box.Covers(&way):
		l.within(c, now, chords, boxed)
		return true, boxed
	case len(chords) == 1 && l.follow(&s.cells, v.snap, chords):
	case !l.trace(v.snap, chords):
		return false, false
	}
	switch {
	case !boxed:
	case c == nil:
		boxed = l.around(v.snap, now, square(now, aroundDense))
	default:
		l.within(c, now, nil, true)
	}
	return true, boxed
}

// boxPays reports whether to make a box. For a vehicle whose samples leave it at
// once in more than two of five cases it is made only now and then, to see whether
// it lasts again: the cells alone are faster then (fence/step_over_cells_worst).
func (v *vehicle) boxPays() bool {
	switch {
	case v.box.minLat > v.box.maxLat: // there was none
	case v.fix.Point == v.boxedAt:
		v.futile = min(v.futile+3, 24)
	case v.futile >= 2:
		v.futile -= 2
	}
	if v.futile < 20 {
		return true
	}
	v.tries++
	return v.tries%16 == 0
}

// aroundDense is half the side of the square that is searched where there is no cell.
const aroundDense = 1 << 10

// judgeWay is judgeEnds for a way that is known: it also finds a breach that
// began and ended between the two fixes. touched says whether the way meets the
// fence's boundary.
func (s *Shard) judgeWay(v *vehicle, c *Compiled, over, touched bool, chords []geo.Chord, smp *Sample, out []Transition) []Transition {
	was := v.isInside(c)
	n := len(out)
	out = s.judgeEnds(v, c, over, 0, smp, out)
	if len(out) > n {
		return out
	}
	switch {
	case c.Fence.Kind == KeepIn:
		// Inside at both ends, so within its convex band all the way.
		if was && touched {
			out = append(out, v.event(Crossed, 0, c, false, smp))
		}
	case !was:
		if met, unknown := c.meetsWay(v.sub.Class, touched, over, chords, &v.fix, &smp.Fix); met {
			out = append(out, v.event(Crossed, 0, c, unknown, smp))
		}
	}
	return out
}

// meetsWay reports whether the way between two fixes meets a keep-out: whether
// it is within the shape at a moment at which its height is within the band.
func (c *Compiled) meetsWay(class vehicles.Class, touched, over bool, chords []geo.Chord, before, after *geo.Fix) (met, unknown bool) {
	t0, t1, some, unknown := c.band.window(class, before, after)
	switch {
	case !some:
		return false, unknown
	case !touched:
		return over, unknown // all of the way lies on one side of the boundary
	case t0.N == 0 && t1.N == t1.D:
		return true, unknown // the boundary belongs to a keep-out
	}
	for _, ch := range chords {
		ch.T0, ch.T1 = t0, t1
		for _, p := range c.parts {
			if p.region.MeetsChord(&ch) {
				return true, unknown
			}
		}
	}
	return false, unknown
}

// chordsOf is the way from a to b: one chord, or two copies of it 360 degrees
// apart when it crosses or touches longitude 180, where fences end. It is empty
// when the way is too long to be written so.
func chordsOf(a, b geo.Point, buf *[2]geo.Chord) []geo.Chord {
	const turn = 2 * geo.MaxLon
	shift := int64(0) // of the second copy
	aLon, bLon := int64(a.Lon), int64(b.Lon)
	switch d := bLon - aLon; {
	case d > geo.MaxLon:
		bLon, shift = bLon-turn, turn
	case d < -geo.MaxLon:
		bLon, shift = bLon+turn, -turn
	case aLon == geo.MaxLon || bLon == geo.MaxLon:
		shift = -turn
	case aLon == -geo.MaxLon || bLon == -geo.MaxLon:
		shift = turn
	}
	buf[0] = geo.WholeChord(a, geo.Point{Lat: b.Lat, Lon: int32(bLon)})
	if shift == 0 {
		return buf[:1]
	}
	const reach = 1<<31 - 1
	if abs64(bLon) > reach || abs64(aLon+shift) > reach || abs64(bLon+shift) > reach {
		return nil
	}
	buf[1] = geo.WholeChord(geo.Point{Lat: a.Lat, Lon: int32(aLon + shift)}, geo.Point{Lat: b.Lat, Lon: int32(bLon + shift)})
	return buf[:]
}

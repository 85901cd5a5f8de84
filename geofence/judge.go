package geofence

import (
	"math"
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
	v.forgetNear()
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
	n, e := int64(smp.Velocity.N), int64(smp.Velocity.E)
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
	way := geo.BoxOf(v.fix.Point, now)
	complete, boxed := true, true
	if len(chords) == 1 && v.wide.Covers(&way) {
		l.remembered(v.near, now, v.wide, chords)
	} else if wide := square(ahead(v.fix.Point, now, v.reach/2), v.reach); len(chords) == 1 && wide.Covers(&way) {
		complete = l.around(v.snap, now, wide, chords)
		boxed = complete
		v.remember(l, wide, complete)
	} else if complete = l.trace(v.snap, chords); complete {
		boxed = l.around(v.snap, now, wide, nil)
		v.remember(l, wide, boxed)
	}
	if !complete {
		return s.jump(v, smp, out)
	}
	start := len(out)
	// Within the boundary that the way did not meet only heights and speed matter.
	for i := range v.over {
		if c := v.over[i].fence; (c.band.n > 0 || c.limitSq > 0) && !slices.Contains(l.touched, c) {
			out = s.judgeWay(v, c, true, false, chords, smp, out)
		}
	}
	for _, c := range l.touched {
		out = s.judgeWay(v, c, c.covers(now), true, chords, smp, out)
	}
	for i := range out[start:] {
		if t := &out[start+i]; t.Kind == Crossed && v.heldByGroup(t.Fence, l.touched) {
			t.Flags |= GroupHeld
		}
	}
	if !boxed || !l.box.Contains(now) { // on an edge, or on longitude 180
		v.box = emptyBox
		return out
	}
	v.box.minLat, v.box.maxLat, v.box.minLon, v.box.maxLon = l.box.MinLat, l.box.MaxLat, l.box.MinLon, l.box.MaxLon
	v.perEast = perEast(now.Lat)
	v.box.limited = v.bounds.limit(v.sub.Class, &smp.Fix, v.over)
	return out
}

// perEast bounds the units of longitude in a centimetre, here and some kilometres
// around, from above: 0.9 over the cosine, which is bounded by its first terms.
func perEast(lat int32) float32 {
	x := float32(lat) * (math.Pi / 180 / 1e7)
	x *= x
	cos := 1 - x/2 + x*x/24 - x*x*x/720 // below the cosine up to 90 degrees, by 0.001 at most
	return 0.914 / max(cos, 1e-3)
}

// ahead is the point at a distance (in the maximum norm) beyond b on the way
// from a, where the vehicle will be for a while: a search there lasts longer.
func ahead(a, b geo.Point, units int32) geo.Point {
	dLat, dLon := int64(b.Lat)-int64(a.Lat), int64(b.Lon)-int64(a.Lon)
	far := max(abs64(dLat), abs64(dLon))
	if far == 0 || far > int64(units) {
		return b
	}
	b.Lat += int32(dLat * int64(units) / far)
	b.Lon += int32(dLon * int64(units) / far)
	return b
}

// remember keeps what a search of the wide box found, if it is little, and fits
// the size of the next search to it.
func (v *vehicle) remember(l *look, wide geo.Box, complete bool) {
	v.forgetNear()
	n := len(l.near)
	if complete && n <= maxNear {
		v.wide, v.near = wide, append(v.near, l.near...)
	}
	switch {
	case n > maxNear*3/4:
		v.reach = max(v.reach/2, minReach)
	case n < maxNear/4:
		v.reach = min(v.reach*2, maxReach)
	}
}

// nowhere is a box that covers nothing.
var nowhere = geo.Box{MinLat: 1}

func (v *vehicle) forgetNear() {
	clear(v.near)
	v.wide, v.near = nowhere, v.near[:0]
}

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

package geofence

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Prediction is a breach that comes if a vehicle goes on as it does now.
type Prediction struct {
	Fence *Compiled
	InS   float64 // seconds after the vehicle's last fix
	At    geo.Point
}

// maxHorizonS bounds how far Ahead looks, seconds.
const maxHorizonS = 300

// Ahead appends the breaches to out that come within a horizon of seconds (at
// most 300) if the vehicle keeps its velocity from its last sample: the keep-outs
// that it would enter, the speed limits that it would enter too fast and the
// keep-ins that it would leave, the nearest first; of a group of keep-ins that it would leave, the member that stands for it. What it
// breaches already is not among them. The way is one straight line in
// longitude and latitude; heights change by the vertical speed. A way that meets
// more boundary than one step may look at is followed only so far.
//
// Ahead judges by the fence set of the vehicle's last Step or Refresh. It changes
// no state, but may keep what it saw for the next Step, and does not allocate in
// the steady state.
func (s *Shard) Ahead(h vehicles.Handle, horizonS float64, out []Prediction) []Prediction {
	v := s.find(h)
	if v == nil || v.snap == nil || v.velocity.unknown || !(horizonS > 0) {
		return out
	}
	horizonS = min(horizonS, maxHorizonS)
	to := v.coast(horizonS)
	inBox := v.box.contains(to)
	if inBox && !v.box.limited || !to.Valid() {
		return out // the box is convex: nothing lies on the way
	}
	end := Sample{Fix: v.climb(to, horizonS), VelocityUnknown: true}
	if inBox && v.isSafe(&end) {
		return out
	}
	chords := chordsOf(v.fix.Point, to, &s.chords)
	if len(chords) == 0 {
		return out
	}
	l := &s.look
	l.begin(&v.sub)
	if len(chords) == 1 && (v.ahead.holds(&chords[0]) || s.gather.fill(v, v.snap, &chords[0])) {
		l.along(&v.ahead, chords)
	} else {
		l.trace(v.snap, chords)
	}
	start := len(out)
	foresee := func(c *Compiled, met int) {
		if t, ok := v.foresee(c, met, l, chords, &end.Fix); ok {
			out = append(out, Prediction{Fence: c, InS: t * horizonS, At: partWay(chords[0].A, chords[0].B, t)})
		}
	}
	for i := range v.over {
		if o := &v.over[i]; !o.flat && !slices.Contains(l.touched, o.fence) {
			foresee(o.fence, untouched)
		}
	}
	for i, c := range l.touched {
		foresee(c, i)
	}
	for i := range v.groups {
		if g := &v.groups[i]; !g.out && v.mayLeave(g.name, l) {
			if t, ok := s.gap(v, g.name, chords, &end.Fix); ok {
				out = append(out, Prediction{Fence: g.rep, InS: t * horizonS, At: partWay(chords[0].A, chords[0].B, t)})
			}
		}
	}
	slices.SortFunc(out[start:], func(a, b Prediction) int {
		return cmp.Or(cmp.Compare(a.InS, b.InS), strings.Compare(a.Fence.Fence.ID, b.Fence.Fence.ID))
	})
	return out
}

// predict is where the vehicle will be after some seconds.
func (v *vehicle) predict(seconds float64) geo.Fix { return v.climb(v.coast(seconds), seconds) }

// climb is the fix at a point after some seconds of the vehicle's vertical speed.
func (v *vehicle) climb(to geo.Point, seconds float64) geo.Fix {
	f := geo.Fix{Point: to, Heights: v.fix.Heights}
	rise := -float64(v.velocity.D) * 10 * seconds
	if rise == 0 {
		return f
	}
	for d := geo.AMSL; d <= geo.Takeoff; d++ {
		if mm, known := f.Heights.In(d); known {
			f.Heights.Set(d, int32(max(min(float64(mm)+rise, math.MaxInt32), math.MinInt32)))
		}
	}
	return f
}

// mayLeave reports whether the way meets the boundary of a member of a group, or a
// member around the vehicle has a limit.
func (v *vehicle) mayLeave(group string, l *look) bool {
	for i := range v.over {
		if o := &v.over[i]; !o.flat && o.fence.Fence.Group == group {
			return true
		}
	}
	return slices.ContainsFunc(l.touched, func(c *Compiled) bool { return c.Fence.Group == group })
}

// untouched is the place of a fence whose boundary the way does not meet.
const untouched = -1

// foresee is the first moment, 0 to 1 of the way to a fix, at which the vehicle
// breaches a fence that it does not breach yet; met is the fence's place among
// those that the way meets.
func (v *vehicle) foresee(c *Compiled, met int, l *look, chords []geo.Chord, end *geo.Fix) (t float64, ok bool) {
	i := v.find(c)
	over, inside := i >= 0, i >= 0 && v.over[i].inside
	known := met >= 0 && met < len(l.first)
	enters := !inside && (c.Fence.Kind == KeepOut || c.limitSq > 0 && v.velocity.sq() > c.limitSq)
	switch {
	case enters && known && c.band.n == 0:
		return l.first[met], true // from outside, the boundary belongs to it
	case enters:
		return c.firstWithin(v.sub.Class, met != untouched, over, chords, &v.fix, end)
	case c.Fence.Kind == KeepIn && inside && c.Fence.Group == "":
		t = c.band.leaves(v.sub.Class, &v.fix, end)
		switch {
		case known:
			t = min(t, l.first[met])
		case met != untouched:
			t = min(t, c.firstEdge(chords))
		}
		return t, t <= 1
	}
	return 0, false
}

func (c *Compiled) firstWithin(class vehicles.Class, touched, over bool, chords []geo.Chord, from, to *geo.Fix) (t float64, ok bool) {
	t0, t1, some, _ := c.band.window(class, from, to)
	switch {
	case !some:
		return 0, false
	case !touched:
		return t0.Float(), over
	}
	t = math.Inf(1)
	for _, ch := range chords {
		ch.T0, ch.T1 = t0, t1
		for _, p := range c.parts {
			if at, meets := p.region.FirstMeeting(&ch); meets {
				t = min(t, at)
			}
		}
	}
	return t, t <= 1
}

// firstEdge is the first moment at which the way meets the boundary; more than 1
// if it does not.
func (c *Compiled) firstEdge(chords []geo.Chord) float64 {
	t := math.Inf(1)
	for _, ch := range chords {
		for _, p := range c.parts {
			if at, meets := p.region.FirstEdge(&ch); meets {
				t = min(t, at)
			}
		}
	}
	return t
}

// leaves is the first moment at which a movement from within an open band meets
// one of its limits; more than 1 if it does not.
func (b *band) leaves(class vehicles.Class, from, to *geo.Fix) float64 {
	t := math.Inf(1)
	for i := range b.limits[:b.n] {
		l := &b.limits[i]
		h0, known0 := height(class, from, l.datum)
		h1, known1 := height(class, to, l.datum)
		if known0 && known1 && !l.passes(h1, false) {
			t = min(t, (float64(l.mm)-float64(h0))/(float64(h1)-float64(h0)))
		}
	}
	return t
}

// partWay is the point at t of the way from a to b, written within 180 degrees.
func partWay(a, b geo.Point, t float64) geo.Point {
	return geo.Point{Lat: a.Lat + int32(math.Round(float64(b.Lat-a.Lat)*t)),
		Lon: int32(int64(a.Lon) + int64(math.Round((float64(b.Lon)-float64(a.Lon))*t)))}.Wrap()
}

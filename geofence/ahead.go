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
// that it would enter and the keep-ins that it would leave, the nearest first.
// What it breaches already is not among them, nor is a keep-in whose group has
// another member around the vehicle or across the way. The way is one straight line in
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
	if v.staysSafe(horizonS) {
		return out
	}
	end := Sample{Fix: v.predict(horizonS), VelocityUnknown: true}
	if v.isSafe(&end) || !end.Fix.Point.Valid() {
		return out // the box is convex: nothing lies on the way
	}
	chords := chordsOf(v.fix.Point, end.Fix.Point, &s.chords)
	if len(chords) == 0 {
		return out
	}
	l := &s.look
	l.begin(&v.sub)
	way := geo.BoxOf(v.fix.Point, end.Fix.Point)
	if len(chords) == 1 && v.wide.Covers(&way) {
		l.alongRemembered(v.near, chords)
	} else if wide := widened(way); len(chords) == 1 && !v.anew && wide.Covers(&way) {
		v.lookAround(l, wide, chords)
	} else {
		l.trace(v.snap, chords)
	}
	start := len(out)
	foresee := func(c *Compiled, touched bool) {
		if t, ok := v.foresee(c, touched, l.touched, chords, &end.Fix); ok {
			out = append(out, Prediction{Fence: c, InS: t * horizonS, At: partWay(chords[0].A, chords[0].B, t)})
		}
	}
	for i := range v.over {
		if c := v.over[i].fence; c.band.n > 0 && !slices.Contains(l.touched, c) {
			foresee(c, false)
		}
	}
	for _, c := range l.touched {
		foresee(c, true)
	}
	slices.SortFunc(out[start:], func(a, b Prediction) int {
		return cmp.Or(cmp.Compare(a.InS, b.InS), strings.Compare(a.Fence.Fence.ID, b.Fence.Fence.ID))
	})
	return out
}

// lookAround collects what the chords meet and keeps what it finds for the next
// steps and looks ahead: the pieces of boundary, if they are few, and a safe box
// as large as the look.
func (v *vehicle) lookAround(l *look, wide geo.Box, chords []geo.Chord) {
	if !l.around(v.snap, v.fix.Point, wide, chords) {
		return
	}
	if len(l.near) <= maxNear {
		v.forgetNear()
		v.wide, v.near = wide, append(v.near, l.near...)
	}
	if l.box.Contains(v.fix.Point) {
		v.perEast = perEast(v.fix.Point.Lat)
		v.box = safeBox{minLat: l.box.MinLat, maxLat: l.box.MaxLat, minLon: l.box.MinLon, maxLon: l.box.MaxLon}
		v.box.limited = v.bounds.limit(v.sub.Class, &v.fix, v.over)
	}
}

// widened is a box with half of its longer side added all around, clipped as a
// square is.
func widened(b geo.Box) geo.Box {
	r := max(b.MaxLat-b.MinLat, b.MaxLon-b.MinLon) / 2
	lo, hi := square(geo.Point{Lat: b.MinLat, Lon: b.MinLon}, r), square(geo.Point{Lat: b.MaxLat, Lon: b.MaxLon}, r)
	return lo.Union(hi)
}

// staysSafe reports whether a vehicle surely keeps within its safe box, the common
// case: by generous bounds instead of trigonometry (ahead_over_step_1k: a third
// of the time).
func (v *vehicle) staysSafe(seconds float64) bool {
	b := &v.box
	if b.limited || b.minLat > b.maxLat {
		return false
	}
	// Units of the lattice in a centimetre: at most 0.9044 of latitude.
	lat := int64(v.fix.Point.Lat) + int64(float64(v.velocity.N)*seconds*0.914)
	east := float64(v.velocity.E) * seconds * float64(v.perEast)
	lon := int64(v.fix.Point.Lon) + int64(east)
	return lat > int64(b.minLat) && lat < int64(b.maxLat) && lon > int64(b.minLon) && lon < int64(b.maxLon)
}

// predict is where the vehicle will be after some seconds.
func (v *vehicle) predict(seconds float64) geo.Fix {
	f := v.fix
	vel := v.velocity
	f.Point = geo.Moved(f.Point, float64(vel.N)/100*seconds, float64(vel.E)/100*seconds)
	rise := -float64(vel.D) * 10 * seconds
	for d := geo.AMSL; d <= geo.Takeoff; d++ {
		if mm, known := f.Heights.In(d); known {
			f.Heights.Set(d, int32(max(min(float64(mm)+rise, math.MaxInt32), math.MinInt32)))
		}
	}
	return f
}

// foresee is the first moment, 0 to 1 of the way to a fix, at which the vehicle
// breaches a fence that it does not breach yet.
func (v *vehicle) foresee(c *Compiled, touched bool, touchedAll []*Compiled, chords []geo.Chord, end *geo.Fix) (t float64, ok bool) {
	i := v.find(c)
	over, inside := i >= 0, i >= 0 && v.over[i].inside
	switch {
	case c.Fence.Kind == KeepOut && !inside:
		return c.firstWithin(v.sub.Class, touched, over, chords, &v.fix, end)
	case c.Fence.Kind == KeepIn && inside && !v.heldByGroup(c, touchedAll):
		return c.firstWithout(v.sub.Class, touched, chords, &v.fix, end)
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

func (c *Compiled) firstWithout(class vehicles.Class, touched bool, chords []geo.Chord, from, to *geo.Fix) (t float64, ok bool) {
	t = c.band.leaves(class, from, to)
	if !touched {
		return t, t <= 1
	}
	for _, ch := range chords {
		for _, p := range c.parts {
			if at, meets := p.region.FirstEdge(&ch); meets {
				t = min(t, at)
			}
		}
	}
	return t, t <= 1
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

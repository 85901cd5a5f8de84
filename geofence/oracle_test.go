package geofence

import (
	"math/big"
	"slices"
	"strings"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// oracle judges movements by the definition of a breach and nothing else: a loop
// over all fences, all edges, in rational numbers, without boxes, trees or
// memory of anything but the last fix. It shares no code with the engine except
// the distance of the jump guard.
type oracle struct {
	fences []*Compiled
	tracks map[vehicles.Handle]*oracleTrack
}

type oracleTrack struct {
	class, was vehicles.Class
	seen       bool
	fences     []*Compiled // judged by
	smp        Sample
}

func newOracle() *oracle { return &oracle{tracks: map[vehicles.Handle]*oracleTrack{}} }

func (o *oracle) admit(h vehicles.Handle, class vehicles.Class) {
	if t := o.tracks[h]; t != nil {
		t.class = class
		return
	}
	o.tracks[h] = &oracleTrack{class: class, was: class}
}

func (o *oracle) refresh(h vehicles.Handle, nowUS int64) (out []Transition) {
	t := o.tracks[h]
	if !t.seen {
		return nil
	}
	ev := func(kind TransitionKind, c *Compiled, flags Flags) {
		out = append(out, Transition{Kind: kind, Flags: FenceChanged | flags, Handle: h, Fence: c, ReceivedUS: nowUS,
			BootMS: t.smp.BootMS, Before: t.smp.Fix, After: t.smp.Fix})
	}
	for _, old := range t.fences {
		now := findFence(o.fences, old.Fence.ID)
		if !old.Applies(t.was) {
			continue
		}
		if now != nil && now.Applies(t.class) && now.Fence.Kind == old.Fence.Kind {
			was, _ := oracleInside(old, t.was, t.smp.Fix)
			is, unknown := oracleInside(now, t.class, t.smp.Fix)
			if !was && is {
				ev(Entered, now, unknown)
			} else if was && !is {
				ev(Left, now, unknown)
			}
			continue
		}
		if was, _ := oracleInside(old, t.was, t.smp.Fix); was || old.Fence.Kind == KeepIn {
			ev(Ended, old, 0)
		}
	}
	for _, now := range o.fences {
		old := findFence(t.fences, now.Fence.ID)
		if !now.Applies(t.class) || old != nil && old.Applies(t.was) && old.Fence.Kind == now.Fence.Kind {
			continue
		}
		if is, unknown := oracleInside(now, t.class, t.smp.Fix); is {
			ev(Entered, now, unknown)
		} else if now.Fence.Kind == KeepIn {
			ev(Left, now, unknown)
		}
	}
	t.fences, t.was = o.fences, t.class
	return out
}

func (o *oracle) step(h vehicles.Handle, smp Sample) (out []Transition) {
	t := o.tracks[h]
	out = o.refresh(h, smp.ReceivedUS)
	ev := func(kind TransitionKind, c *Compiled, flags Flags) {
		before := t.smp.Fix
		if !t.seen {
			before = smp.Fix
		}
		out = append(out, Transition{Kind: kind, Flags: flags, Handle: h, Fence: c, ReceivedUS: smp.ReceivedUS,
			BootMS: smp.BootMS, Before: before, After: smp.Fix})
	}
	var jump Flags
	if t.seen {
		dt := smp.ReceivedUS - t.smp.ReceivedUS
		if smp.BootMS != 0 && t.smp.BootMS != 0 {
			dt = (int64(smp.BootMS) - int64(t.smp.BootMS)) * 1000
		}
		if dt < 0 && dt > -10_000_000 || dt == 0 && smp.Fix == t.smp.Fix {
			return out
		}
		if dt < 0 {
			dt = max(smp.ReceivedUS-t.smp.ReceivedUS, 0)
		}
		top := map[vehicles.Class]float64{vehicles.UAV: 150, vehicles.ICV: 70, vehicles.USV: 40, vehicles.ClassUnknown: 150}[t.class]
		if geo.Distance(t.smp.Fix.Point, smp.Fix.Point) > min(2*top*max(float64(dt)/1e6, 0.1), 20_000) {
			jump = Jump
		}
	}
	for _, c := range o.fences {
		if !c.Applies(t.class) {
			continue
		}
		is, unknown := oracleInside(c, t.class, smp.Fix)
		if !t.seen {
			if is {
				ev(Entered, c, FirstFix|unknown)
			} else if c.Fence.Kind == KeepIn {
				ev(Left, c, FirstFix|unknown)
			}
			continue
		}
		was, unknownBefore := oracleInside(c, t.class, t.smp.Fix)
		switch {
		case is && !was:
			ev(Entered, c, jump|unknown)
		case was && !is:
			ev(Left, c, jump|unknown)
		case jump == 0 && was == (c.Fence.Kind == KeepIn):
			if oracleMeets(c, t.class, t.smp.Fix, smp.Fix) {
				ev(Crossed, c, unknown|unknownBefore)
			}
		}
	}
	t.seen, t.smp, t.fences, t.was = true, smp, o.fences, t.class
	return out
}

func (o *oracle) breaches(h vehicles.Handle) []string {
	var ids []string
	t := o.tracks[h]
	for _, c := range t.fences {
		if !t.seen || !c.Applies(t.was) {
			continue
		}
		if in, _ := oracleInside(c, t.was, t.smp.Fix); in == (c.Fence.Kind == KeepOut) {
			ids = append(ids, c.Fence.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func findFence(set []*Compiled, id string) *Compiled {
	for _, c := range set {
		if c.Fence.ID == id {
			return c
		}
	}
	return nil
}

type ratPoint struct{ lat, lon *big.Rat }

func rat(v int32) *big.Rat { return big.NewRat(int64(v), 1) }

// oracleInside is the rule of the fence at one fix.
func oracleInside(c *Compiled, class vehicles.Class, f geo.Fix) (bool, Flags) {
	in := oracleCovers(c, ratPoint{rat(f.Point.Lat), rat(f.Point.Lon)})
	var flags Flags
	for i, alt := range []geo.Altitude{c.Fence.Floor, c.Fence.Ceiling} {
		if alt.Datum == geo.NoDatum {
			continue
		}
		mm, known := oracleHeight(class, f, alt.Datum)
		if !known {
			flags = AltitudeUnknown
			in = in && c.Fence.Kind == KeepOut
			continue
		}
		beyond := int64(mm) - int64(alt.MM)
		if i == 0 {
			beyond = -beyond
		}
		in = in && (beyond < 0 || beyond == 0 && c.Fence.Kind == KeepOut)
	}
	return in, flags
}

func oracleHeight(class vehicles.Class, f geo.Fix, d geo.Datum) (int32, bool) {
	mm, known := f.Heights.In(d)
	if !known && d == geo.Takeoff && class != vehicles.UAV && class != vehicles.ClassUnknown {
		return 0, true
	}
	return mm, known
}

// oracleCovers is the horizontal rule: closed for a keep-out, open for a keep-in.
func oracleCovers(c *Compiled, p ratPoint) bool {
	for _, poly := range c.Fence.Shape.Polygons {
		in, on := false, false
		eachOracleEdge(poly, func(a, b geo.Point) {
			if a.Lat > b.Lat {
				a, b = b, a
			}
			if p.lat.Cmp(rat(a.Lat)) < 0 || p.lat.Cmp(rat(b.Lat)) > 0 {
				return
			}
			if a.Lat == b.Lat {
				on = on || p.lon.Cmp(rat(min(a.Lon, b.Lon))) >= 0 && p.lon.Cmp(rat(max(a.Lon, b.Lon))) <= 0
				return
			}
			// Longitude of the edge at the point's latitude.
			t := new(big.Rat).Sub(p.lat, rat(a.Lat))
			t.Quo(t, big.NewRat(int64(b.Lat)-int64(a.Lat), 1))
			x := lerpRat(a.Lon, b.Lon, t)
			switch x.Cmp(p.lon) {
			case 0:
				on = true
			case 1:
				in = in != (p.lat.Cmp(rat(b.Lat)) < 0)
			}
		})
		if on && c.Fence.Kind == KeepOut || in && !on {
			return true
		}
	}
	return false
}

func eachOracleEdge(p geo.Polygon, f func(a, b geo.Point)) {
	for _, ring := range append([]geo.Ring{p.Outer}, p.Holes...) {
		for i := range ring {
			f(ring[i], ring[(i+1)%len(ring)])
		}
	}
}

func lerpRat(a, b int32, t *big.Rat) *big.Rat {
	d := new(big.Rat).Mul(t, big.NewRat(int64(b)-int64(a), 1))
	return d.Add(d, rat(a))
}

// oracleMeets looks at every moment at which something can begin: the ends, the
// meetings with edges, the passing of limits.
func oracleMeets(c *Compiled, class vehicles.Class, from, to geo.Fix) bool {
	moments := []*big.Rat{big.NewRat(0, 1), big.NewRat(1, 1)}
	edgeMet := false
	for _, poly := range c.Fence.Shape.Polygons {
		eachOracleEdge(poly, func(a, b geo.Point) {
			if ts := oracleMeetings(from.Point, to.Point, a, b); len(ts) > 0 {
				edgeMet = true
				moments = append(moments, ts...)
			}
		})
	}
	if c.Fence.Kind == KeepIn {
		return edgeMet
	}
	type linear struct {
		h0, h1, limit int32
		ceiling       bool
	}
	var limits []linear
	for i, alt := range []geo.Altitude{c.Fence.Floor, c.Fence.Ceiling} {
		h0, ok0 := oracleHeight(class, from, alt.Datum)
		h1, ok1 := oracleHeight(class, to, alt.Datum)
		if alt.Datum == geo.NoDatum || !ok0 || !ok1 {
			continue
		}
		limits = append(limits, linear{h0, h1, alt.MM, i == 1})
		if h0 != h1 {
			moments = append(moments, big.NewRat(int64(alt.MM)-int64(h0), int64(h1)-int64(h0)))
		}
	}
	zero, one := big.NewRat(0, 1), big.NewRat(1, 1)
	return slices.ContainsFunc(moments, func(t *big.Rat) bool {
		if t.Cmp(zero) < 0 || t.Cmp(one) > 0 {
			return false
		}
		for _, l := range limits {
			cmp := lerpRat(l.h0, l.h1, t).Cmp(rat(l.limit))
			if cmp > 0 && l.ceiling || cmp < 0 && !l.ceiling {
				return false
			}
		}
		return oracleCovers(c, ratPoint{lerpRat(from.Point.Lat, to.Point.Lat, t), lerpRat(from.Point.Lon, to.Point.Lon, t)})
	})
}

// oracleMeetings are the parameters along ab at which it meets cd: none, one, or
// the two ends of an overlap.
func oracleMeetings(a, b, c, d geo.Point) (out []*big.Rat) {
	ux, uy := int64(b.Lon)-int64(a.Lon), int64(b.Lat)-int64(a.Lat)
	vx, vy := int64(d.Lon)-int64(c.Lon), int64(d.Lat)-int64(c.Lat)
	wx, wy := int64(c.Lon)-int64(a.Lon), int64(c.Lat)-int64(a.Lat)
	det := ux*vy - uy*vx
	if det != 0 {
		t, s := big.NewRat(wx*vy-wy*vx, det), big.NewRat(wx*uy-wy*ux, det)
		zero, one := big.NewRat(0, 1), big.NewRat(1, 1)
		if t.Cmp(zero) >= 0 && t.Cmp(one) <= 0 && s.Cmp(zero) >= 0 && s.Cmp(one) <= 0 {
			out = append(out, t)
		}
		return out
	}
	// Parallel, or no movement: the ends that lie on the other segment.
	on := func(p, q, r geo.Point) bool {
		return (int64(q.Lon)-int64(p.Lon))*(int64(r.Lat)-int64(p.Lat)) == (int64(q.Lat)-int64(p.Lat))*(int64(r.Lon)-int64(p.Lon)) &&
			min(p.Lat, q.Lat) <= r.Lat && r.Lat <= max(p.Lat, q.Lat) && min(p.Lon, q.Lon) <= r.Lon && r.Lon <= max(p.Lon, q.Lon)
	}
	if on(c, d, a) {
		out = append(out, big.NewRat(0, 1))
	}
	if on(c, d, b) {
		out = append(out, big.NewRat(1, 1))
	}
	for _, p := range []geo.Point{c, d} {
		if a != b && on(a, b, p) {
			if ux != 0 {
				out = append(out, big.NewRat(int64(p.Lon)-int64(a.Lon), ux))
			} else {
				out = append(out, big.NewRat(int64(p.Lat)-int64(a.Lat), uy))
			}
		}
	}
	return out
}

func sortTransitions(ts []Transition) {
	slices.SortStableFunc(ts, func(a, b Transition) int {
		if c := int(a.Flags&FenceChanged) - int(b.Flags&FenceChanged); c != 0 {
			return -c
		}
		if c := strings.Compare(a.Fence.Fence.ID, b.Fence.Fence.ID); c != 0 {
			return c
		}
		return int(b.Kind) - int(a.Kind)
	})
}

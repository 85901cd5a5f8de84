package geofence

import (
	"math"
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
	fences []*Compiled // in force
	tracks map[vehicles.Handle]*oracleTrack
}

type oracleTrack struct {
	sub, was Subject
	seen     bool
	fences   []*Compiled // judged by
	smp      Sample
	fast     map[string]bool      // the fences whose speed limit it breaks
	outside  map[string]*Compiled // of the groups that it is outside of: the member that stands for it
}

func newOracle() *oracle { return &oracle{tracks: map[vehicles.Handle]*oracleTrack{}} }

func (o *oracle) admit(h vehicles.Handle, sub Subject) {
	if t := o.tracks[h]; t != nil {
		t.sub = sub
		return
	}
	o.tracks[h] = &oracleTrack{sub: sub, was: sub, fast: map[string]bool{}, outside: map[string]*Compiled{}}
}

// groups compares which groups the vehicle is outside of with which it was.
func (t *oracleTrack) groups(set []*Compiled, fix geo.Fix, ev func(TransitionKind, *Compiled)) {
	now, held := map[string]*Compiled{}, map[string]bool{}
	for _, c := range set {
		if name := c.Fence.Group; name != "" && oracleApplies(c, t.sub) {
			if rep := now[name]; rep == nil || c.Fence.ID < rep.Fence.ID {
				now[name] = c
			}
			in, _ := oracleInside(c, t.sub.Class, fix)
			held[name] = held[name] || in
		}
	}
	for name := range held {
		if held[name] {
			delete(now, name)
		}
	}
	for name, was := range t.outside {
		if rep := now[name]; rep == nil || rep.Fence.ID != was.Fence.ID {
			ev(GroupEntered, was)
		}
	}
	for name, rep := range now {
		if was := t.outside[name]; was == nil || was.Fence.ID != rep.Fence.ID {
			ev(GroupLeft, rep)
		}
	}
	t.outside = now
}

// gap is the first moment at which a way leaves all members of a group for more
// than a centimetre or for good; ok is false when it does not.
func (o *oracle) gap(group string, sub Subject, from, to geo.Fix) (at float64, ok bool) {
	var members []*Compiled
	var cuts []*big.Rat
	for _, c := range o.fences {
		if c.Fence.Group == group && oracleApplies(c, sub) {
			members = append(members, c)
			oracleMoments(c, sub.Class, from, to, func(t *big.Rat, _ bool) { cuts = append(cuts, t) })
		}
	}
	slices.SortFunc(cuts, (*big.Rat).Cmp)
	dLat, dLon := int64(to.Point.Lat)-int64(from.Point.Lat), int64(to.Point.Lon)-int64(from.Point.Lon)
	if dLon > 1_800_000_000 {
		dLon -= 3_600_000_000
	} else if dLon < -1_800_000_000 {
		dLon += 3_600_000_000
	}
	length := float64(max(dLat, -dLat, dLon, -dLon))
	outside := 0.0
	for i := 1; i < len(cuts); i++ {
		if cuts[i-1].Cmp(cuts[i]) == 0 {
			continue
		}
		mid := new(big.Rat).Add(cuts[i-1], cuts[i])
		mid.Quo(mid, big.NewRat(2, 1))
		long, _ := new(big.Rat).Sub(cuts[i], cuts[i-1]).Float64()
		if outside == 0 {
			at, _ = cuts[i-1].Float64()
		}
		outside += long * length
		for _, c := range members {
			if oracleAt(c, sub.Class, from, to, mid) {
				outside = 0
			}
		}
		if last := i == len(cuts)-1; outside > gapUnits || last && outside > 0 {
			return at, true
		}
	}
	return 0, false
}

// gaps adds what the ways within groups mean to the transitions of a step.
func (o *oracle) gaps(t *oracleTrack, smp Sample, out []Transition, ev func(TransitionKind, *Compiled, Flags)) {
	rep, was, is := map[string]*Compiled{}, map[string]bool{}, map[string]bool{}
	for _, c := range o.fences {
		name := c.Fence.Group
		if name == "" || !oracleApplies(c, t.sub) {
			continue
		}
		if r := rep[name]; r == nil || c.Fence.ID < r.Fence.ID {
			rep[name] = c
		}
		in0, _ := oracleInside(c, t.sub.Class, t.smp.Fix)
		in1, _ := oracleInside(c, t.sub.Class, smp.Fix)
		was[name], is[name] = was[name] || in0, is[name] || in1
	}
	for name, c := range rep {
		if _, gap := o.gap(name, t.sub, t.smp.Fix, smp.Fix); !was[name] || !is[name] || !gap {
			continue
		}
		found := false
		for i := range out {
			if out[i].Kind == Crossed && out[i].Fence == c {
				out[i].Flags &^= GroupHeld
				found = true
			}
		}
		if !found {
			ev(Crossed, c, 0)
		}
	}
}

// oracleApplies is who a fence is for, by the text of its fields.
func oracleApplies(c *Compiled, s Subject) bool {
	f := &c.Fence
	classes := f.Classes.List()
	applies := len(classes) == 0 || s.Class == vehicles.ClassUnknown || slices.Contains(classes, s.Class)
	if len(f.Operators) > 0 {
		applies = applies && slices.Contains(f.Operators, s.Operator)
	}
	if len(f.Vehicles) > 0 {
		applies = applies && s.Verified && slices.Contains(f.Vehicles, s.Vehicle)
	}
	if len(f.Permits) > 0 {
		applies = applies && s.Verified && slices.Contains(f.Permits, s.Permit)
	}
	exempt := slices.Contains(f.ExemptOperators, s.Operator) || slices.Contains(f.ExemptVehicles, s.Vehicle) || slices.Contains(f.ExemptPermits, s.Permit)
	return applies && !(exempt && s.Verified)
}

// speed records whether a vehicle breaks a speed limit and says whether that changed.
func (t *oracleTrack) speed(c *Compiled, inside bool, smp Sample) (now, changed bool) {
	was := t.fast[c.Fence.ID]
	now = was
	if !smp.VelocityUnknown {
		now = math.Hypot(float64(smp.Velocity.N), float64(smp.Velocity.E)) > c.Fence.SpeedMPS*100
	}
	now = now && inside && c.Fence.Kind == SpeedLimit
	t.fast[c.Fence.ID] = now
	return now, now != was
}

func oracleSame(a, b *Compiled) bool {
	return a.Fence.Kind == b.Fence.Kind && a.Fence.Group == b.Fence.Group
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
		if !oracleApplies(old, t.was) {
			continue
		}
		if now != nil && oracleApplies(now, t.sub) && oracleSame(now, old) {
			was, _ := oracleInside(old, t.was.Class, t.smp.Fix)
			is, unknown := oracleInside(now, t.sub.Class, t.smp.Fix)
			if !was && is {
				ev(Entered, now, unknown)
			} else if was && !is {
				ev(Left, now, unknown)
			}
			if fast, changed := t.speed(now, is, t.smp); changed {
				ev(map[bool]TransitionKind{true: OverSpeed, false: SpeedOK}[fast], now, unknown)
			}
			continue
		}
		delete(t.fast, old.Fence.ID)
		if was, _ := oracleInside(old, t.was.Class, t.smp.Fix); was || old.Fence.Kind == KeepIn {
			ev(Ended, old, 0)
		}
	}
	for _, now := range o.fences {
		old := findFence(t.fences, now.Fence.ID)
		if !oracleApplies(now, t.sub) || old != nil && oracleApplies(old, t.was) && oracleSame(now, old) {
			continue
		}
		if is, unknown := oracleInside(now, t.sub.Class, t.smp.Fix); is {
			ev(Entered, now, unknown)
		} else if now.Fence.Kind == KeepIn {
			ev(Left, now, unknown)
		}
		is, unknown := oracleInside(now, t.sub.Class, t.smp.Fix)
		if _, fast := t.speed(now, is, t.smp); fast {
			ev(OverSpeed, now, unknown)
		}
	}
	t.groups(o.fences, t.smp.Fix, func(kind TransitionKind, c *Compiled) { ev(kind, c, 0) })
	t.fences, t.was = o.fences, t.sub
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
		device := smp.BootMS != 0 && t.smp.BootMS != 0
		if device {
			dt = (int64(smp.BootMS) - int64(t.smp.BootMS)) * 1000
		}
		if device && dt < 0 && dt > -10_000_000 || dt == 0 && smp.Fix == t.smp.Fix {
			return out
		}
		if dt < 0 {
			dt = max(smp.ReceivedUS-t.smp.ReceivedUS, 0)
			if !device {
				dt = 1_000_000
			}
		}
		top := map[vehicles.Class]float64{vehicles.UAV: 150, vehicles.ICV: 70, vehicles.USV: 40, vehicles.ClassUnknown: 150}[t.sub.Class]
		if geo.Distance(t.smp.Fix.Point, smp.Fix.Point) > min(2*top*max(float64(dt)/1e6, 0.1), 20_000) {
			jump = Jump
		}
	}
	moved := len(out)
	for _, c := range o.fences {
		if !oracleApplies(c, t.sub) {
			continue
		}
		is, unknown := oracleInside(c, t.sub.Class, smp.Fix)
		if fast, changed := t.speed(c, is, smp); changed {
			first := map[bool]Flags{true: 0, false: FirstFix}[t.seen]
			ev(map[bool]TransitionKind{true: OverSpeed, false: SpeedOK}[fast], c, first|jump|unknown)
		}
		if !t.seen {
			if is {
				ev(Entered, c, FirstFix|unknown)
			} else if c.Fence.Kind == KeepIn {
				ev(Left, c, FirstFix|unknown)
			}
			continue
		}
		was, unknownBefore := oracleInside(c, t.sub.Class, t.smp.Fix)
		switch {
		case is && !was:
			ev(Entered, c, jump|unknown)
		case was && !is:
			ev(Left, c, jump|unknown)
		case jump == 0 && was == (c.Fence.Kind == KeepIn):
			if oracleMeets(c, t.sub.Class, t.smp.Fix, smp.Fix) {
				ev(Crossed, c, unknown|unknownBefore|map[bool]Flags{true: GroupHeld}[c.Fence.Group != ""])
			}
		}
	}
	if t.seen && jump == 0 {
		o.gaps(t, smp, out[moved:], ev)
	}
	first := map[bool]Flags{true: 0, false: FirstFix}[t.seen]
	t.groups(o.fences, smp.Fix, func(kind TransitionKind, c *Compiled) { ev(kind, c, first|jump) })
	t.seen, t.smp, t.fences, t.was = true, smp, o.fences, t.sub
	return out
}

func (o *oracle) breaches(h vehicles.Handle) []string {
	var ids []string
	t := o.tracks[h]
	for _, c := range t.fences {
		if !t.seen || !oracleApplies(c, t.was) {
			continue
		}
		in, _ := oracleInside(c, t.was.Class, t.smp.Fix)
		if c.Fence.Group != "" {
			continue
		}
		if c.Fence.Kind == SpeedLimit && t.fast[c.Fence.ID] || c.Fence.Kind != SpeedLimit && in == (c.Fence.Kind == KeepOut) {
			ids = append(ids, c.Fence.ID)
		}
	}
	for _, rep := range t.outside {
		ids = append(ids, rep.Fence.ID)
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
			in = in && c.Fence.Kind != KeepIn
			continue
		}
		beyond := int64(mm) - int64(alt.MM)
		if i == 0 {
			beyond = -beyond
		}
		in = in && (beyond < 0 || beyond == 0 && c.Fence.Kind != KeepIn)
	}
	return in, flags
}

func oracleHeight(class vehicles.Class, f geo.Fix, d geo.Datum) (int32, bool) {
	mm, known := f.Heights.In(d)
	if !known && (d == geo.Takeoff || d == geo.AGL) && class != vehicles.UAV && class != vehicles.ClassUnknown {
		return 0, true
	}
	if amsl, ok := f.Heights.In(geo.AMSL); ok && d == geo.WGS84 && !known {
		return amsl + int32(math.Round(1000*geo.Undulation(f.Point))), true
	}
	return mm, known
}

func sortTransitions(ts []Transition) {
	rank := map[TransitionKind]int{SpeedOK: 0, GroupEntered: 1, Ended: 2, Left: 3, Crossed: 4, Entered: 5, OverSpeed: 6, GroupLeft: 7}
	slices.SortStableFunc(ts, func(a, b Transition) int {
		if c := int(a.Flags&FenceChanged) - int(b.Flags&FenceChanged); c != 0 {
			return -c
		}
		if c := strings.Compare(a.Fence.Fence.ID, b.Fence.Fence.ID); c != 0 {
			return c
		}
		return rank[a.Kind] - rank[b.Kind]
	})
}

package priority

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

const (
	// freshS is how old a fix may be that is relied on; an older one is uncertain by
	// the way that the vehicle may have made, up to slackMax.
	freshS   = 3.0
	slackMax = 2000.0
	// clearLooks is how many looks in a row must find a vehicle out of the way.
	clearLooks = 3
)

// judged is a vehicle of one look.
type judged struct {
	body
	id    *vehicles.Identity
	track *telemetry.TrackView
	ageS  float64
	inS   float64 // until its first conflict
	mover *mover  // of that
	exit  telemetry.Exit
	// deferred: no exit was sought, the next look will.
	deferred bool
}

// away is the direction in which it is tried first to get out, in radians: across the
// course of what comes, on its own side.
func (v *judged) away() float64 {
	l := v.mover.ways[0][0]
	n, e := v.mover.ways[0].at(v.inS)
	course := math.Atan2(l.ve, l.vn)
	if math.Sin(math.Atan2(v.e-e, v.n-n)-course) < 0 {
		return course - math.Pi/2
	}
	return course + math.Pi/2
}

// moveTo is how it gets to a place.
func (v *judged) moveTo(n, e float64) move {
	speed, _ := exitMPS(v.class)
	d := math.Hypot(n-v.n, e-v.e)
	m := move{n: v.n, e: v.e, t1: reactS + d/speed}
	if d > 0 {
		m.vn, m.ve = (n-v.n)/d*speed, (e-v.e)/d*speed
	}
	return m
}

func (v *judged) setHeight(e *telemetry.Exit, change float64) {
	if mm, ok := heightIn(v.class, v.fix, geo.AMSL); ok {
		e.HeightM, e.HeightIs = float64(mm)/1000+change, true
	}
}

// assess is one look at all keep-outs. The memory learns where they were, no more.
func (w *Watch) assess(keepouts []Keepout, kept map[string]*memory, tracks []telemetry.TrackView, nowUS int64) []Picture {
	s := newScene(keepouts, kept, w.cfg.Traffic(), nowUS)
	p := &planner{scene: s, fences: w.fences, apart: w.cfg.Separation, taken: map[[2]int32][]spot{}}
	all, lacking := s.survey(tracks)
	pictures := make([]Picture, len(s.movers))
	first := map[*vehicles.Identity]*judged{}
	for i := range s.movers {
		pictures[i] = s.picture(&s.movers[i], lacking)
	}
	for k := range all {
		v := &all[k]
		p.take(v.n, v.e, v.id.Handle)
		for i := range s.movers {
			m := &s.movers[i]
			if a, is := m.inTheWay(v); is {
				pictures[i].Affected = append(pictures[i].Affected, a)
				if v.mover == nil || a.InS < v.inS {
					v.inS, v.mover = a.InS, m
				}
				first[v.id] = v
			}
		}
	}
	w.offer(p, first)
	for i := range pictures {
		a := pictures[i].Affected
		for k := range a {
			v := first[a[k].Vehicle]
			a[k].Exit, a[k].Call = v.exit, s.call(&pictures[i], v)
		}
		slices.SortFunc(a, func(x, y Affected) int {
			return cmp.Or(cmp.Compare(x.InS, y.InS), cmp.Compare(x.Vehicle.ID, y.Vehicle.ID))
		})
	}
	return pictures
}

// offer gives each vehicle in the way its exit, the most urgent first.
func (w *Watch) offer(p *planner, first map[*vehicles.Identity]*judged) {
	order := make([]*judged, 0, len(first))
	for _, v := range first {
		order = append(order, v)
	}
	slices.SortFunc(order, byUrgency)
	for _, v := range order {
		var before *telemetry.Exit
		for i := range p.scene.movers {
			if c := p.scene.movers[i].memory.of[v.id.ID]; c != nil {
				before = &c.exit
			}
		}
		v.exit = p.exit(v, before)
	}
}

// survey is the vehicles in motion: those with a position, and those without.
func (s *scene) survey(tracks []telemetry.TrackView) (all []judged, lacking []*vehicles.Identity) {
	for i := range tracks {
		t := &tracks[i]
		switch {
		case t.Vehicle.Class.Traffic(), rests(t):
		case !t.HasFix():
			if t.Vehicle.Verified {
				lacking = append(lacking, t.Vehicle)
			}
		default:
			all = append(all, s.judge(t))
		}
	}
	return all, lacking
}

// rests reports whether a vehicle is landed or disarmed, as it said last.
func rests(t *telemetry.TrackView) bool {
	return t.Landed == vehicles.OnGround || t.Seen&vehicles.HasHeartbeat != 0 && !t.Armed
}

func (s *scene) judge(t *telemetry.TrackView) judged {
	v := judged{id: t.Vehicle, track: t, ageS: max(float64(s.nowUS-t.FixUS)/1e6, 0)}
	v.class, v.fix = t.Vehicle.Class, &t.Fix
	v.vn, v.ve, v.up = float64(t.Velocity.N)/100, float64(t.Velocity.E)/100, -float64(t.Velocity.D)/100
	v.n, v.e = geo.Offset(s.origin, t.Fix.Point)
	v.n, v.e = v.n+v.vn*min(v.ageS, freshS), v.e+v.ve*min(v.ageS, freshS)
	if v.ageS > freshS {
		speed, _ := exitMPS(v.class)
		v.slack = min(max(speed, math.Hypot(v.vn, v.ve))*v.ageS, slackMax)
	}
	return v
}

// inTheWay is whether a vehicle is, if it stays or if it goes on.
func (m *mover) inTheWay(v *judged) (a Affected, is bool) {
	if m.where == Unseen || !m.about(v.class) || m.self != 0 && m.self == v.id.Handle {
		return a, false
	}
	stays := v.body
	stays.vn, stays.ve, stays.up = 0, 0, 0
	stay, goOn := m.meets(&stays, 0, m.horizon), m.meets(&v.body, 0, min(m.horizon, goesOnS))
	a = Affected{Vehicle: v.id, InS: min(stay, goOn), At: v.fix.Point, Fix: *v.fix, HeightUnknown: m.heightUnknown(v.class, v.fix)}
	switch {
	case a.InS == never:
		return a, false
	case a.InS == 0:
		a.How = Inside
	case stay <= goOn:
		a.How = Ahead
	default:
		a.How = Heading
	}
	if v.ageS > freshS {
		a.StaleS = v.ageS
	}
	return a, true
}

// call is why the contact of a vehicle in the way has to be called; it is the same
// text from look to look.
func (s *scene) call(p *Picture, v *judged) string {
	what := fmt.Sprintf("It is in the way of priority traffic %q, which needs it clear by %s UTC: ", p.Name, time.UnixMicro(p.ClearByUS).UTC().Format(time.TimeOnly))
	switch {
	case !v.id.Verified:
		return what + "it has not proved who it is, so nothing can be ordered. Find its pilot."
	case v.track.Link == vehicles.LinkLost:
		return what + "its link is lost, no order reaches it. Have its pilot get it out of the way."
	case s.nowUS >= p.ClearByUS:
		return what + "that time has passed. Have its pilot get it out of the way at once."
	case v.exit.Kind == telemetry.ExitNone && !v.deferred:
		return what + "no way out was found. Have its pilot land it or fly it away."
	}
	return ""
}

// picture is a keep-out as it is now, without who is in its way.
func (s *scene) picture(m *mover, lacking []*vehicles.Identity) Picture {
	p := Picture{
		Keepout: *m.keepout, Where: m.where, At: m.point, CourseOf: m.course, SpeedOf: m.speed, RadiusOf: m.radius, AgeS: m.ageS, Verified: m.verified,
	}
	for _, id := range lacking {
		if m.about(id.Class) {
			p.Unjudged = append(p.Unjudged, id)
		}
	}
	if m.where == Unseen {
		return p
	}
	w := m.ways[len(m.ways)-1] // around a turn, if it turns
	p.Path = append(p.Path, m.point)
	for i := range w {
		n, e := w[i].at(w[i].t1)
		if to := geo.Moved(s.origin, n, e); to != p.Path[len(p.Path)-1] {
			p.Path = append(p.Path, to)
		}
	}
	return p
}

// tell raises and ends alerts and calls by what a look found.
func (w *Watch) tell(pictures []Picture, nowUS int64, tracks []telemetry.TrackView) {
	here := make(map[vehicles.VehicleID]*telemetry.TrackView, len(tracks))
	for i := range tracks {
		here[tracks[i].Vehicle.ID] = &tracks[i]
	}
	keepouts := make([]Keepout, len(pictures))
	for i := range pictures {
		p := &pictures[i]
		keepouts[i] = p.Keepout
		m := w.memory[p.ID]
		found := map[vehicles.VehicleID]bool{}
		for k := range p.Affected {
			found[p.Affected[k].Vehicle.ID] = true
			w.found(p, m, &p.Affected[k], nowUS)
		}
		for id, c := range m.of {
			if !found[id] {
				w.missed(m, id, c, here[id], nowUS)
			}
		}
		w.callLost(p, m, nowUS)
	}
	for _, m := range forget(w.memory, keepouts) {
		for _, c := range m.of {
			w.end(m, c, telemetry.CausePriorityEnded, nowUS)
		}
		if m.called {
			w.cfg.Bus.Publish(nowUS, &telemetry.Call{Vehicle: asVehicle(m.id, m.name), Source: telemetry.CallPriority, Cause: telemetry.CausePriorityEnded})
		}
	}
}

func (w *Watch) found(p *Picture, m *memory, a *Affected, nowUS int64) {
	c := m.of[a.Vehicle.ID]
	began := c == nil
	if began {
		c = &conflict{}
		m.of[a.Vehicle.ID] = c
	}
	c.vehicle, c.exit, c.misses = a.Vehicle, a.Exit, 0
	if began {
		w.cfg.Bus.Publish(nowUS, &telemetry.PriorityChange{
			Vehicle: a.Vehicle, Began: true, Fix: telemetry.NewFixEvidence(&a.Fix),
			By: telemetry.InTheWayOf{ID: p.ID, Name: p.Name, How: a.How, InS: a.InS, ClearByUS: p.ClearByUS, Exit: a.Exit.ForAlert()},
		})
	}
	if a.Vehicle.Verified && a.Call != c.called { // of others nobody knows the contact
		w.call(c, a.Call, telemetry.CausePriorityClear, nowUS)
	}
}

// call has people call the contact of a vehicle, for another reason, or not any more.
func (w *Watch) call(c *conflict, why, cause string, nowUS int64) {
	if c.called != "" && why == "" {
		w.cfg.Bus.Publish(nowUS, &telemetry.Call{Vehicle: c.vehicle, Source: telemetry.CallPriority, Why: c.called, Cause: cause})
	}
	if why != "" {
		w.cfg.Bus.Publish(nowUS, &telemetry.Call{Vehicle: c.vehicle, Source: telemetry.CallPriority, Began: true, Why: why})
	}
	c.called = why
}

func (w *Watch) missed(m *memory, id vehicles.VehicleID, c *conflict, t *telemetry.TrackView, nowUS int64) {
	c.misses++
	switch {
	case t == nil:
		w.end(m, c, telemetry.CausePriorityGone, nowUS)
	case rests(t):
		w.end(m, c, telemetry.CausePriorityRests, nowUS)
	case c.misses >= clearLooks:
		w.end(m, c, telemetry.CausePriorityClear, nowUS)
	default:
		return
	}
	delete(m.of, id)
}

func (w *Watch) end(m *memory, c *conflict, cause string, nowUS int64) {
	w.cfg.Bus.Publish(nowUS, &telemetry.PriorityChange{Vehicle: c.vehicle, Cause: cause, By: telemetry.InTheWayOf{ID: m.id, Name: m.name}})
	w.call(c, "", cause, nowUS)
}

// callLost has people call about a track that nobody has seen for too long.
func (w *Watch) callLost(p *Picture, m *memory, nowUS int64) {
	lost := (p.Where == Lost || p.Where == Unseen) && p.AgeS >= callAfterS
	if lost == m.called {
		return
	}
	m.called = lost
	c := telemetry.Call{Vehicle: asVehicle(p.ID, p.Name), Source: telemetry.CallPriority, Began: lost, Cause: "seen_again"}
	switch {
	case lost && p.Where == Unseen:
		c.Why = fmt.Sprintf("Priority traffic %q is bound to %s, which nobody sees: no vehicle is kept clear of it. Call whoever operates it, and place it by hand.", p.Name, p.Track)
	case lost:
		c.Why = fmt.Sprintf("Priority traffic %q (%s) is not seen any more: its keep-out grows. Call whoever operates it, and place it by hand.", p.Name, p.Track)
	}
	w.cfg.Bus.Publish(nowUS, &c)
}

// asVehicle is priority traffic as an alert names it.
func asVehicle(id, name string) *vehicles.Identity {
	return &vehicles.Identity{ID: vehicles.VehicleID(id), Name: name, Class: vehicles.Aircraft, Verified: true}
}

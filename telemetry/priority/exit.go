package priority

import (
	"cmp"
	"math"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// How vehicles get out of the way.
const (
	// reactS is from the offer until the vehicle moves: a person, an order, its answer.
	reactS = 5.0
	// spareS is how much later it may move and still be in time, if there is a choice: else
	// the next look would offer another exit.
	spareS = 10.0
	// exitMargin is how far beyond the keep-out a place has to be.
	exitMargin = 30.0
	// exitReach is how far a vehicle is sent at most.
	exitReach = 3000.0
	// exitDirections are tried, in how many steps outward each once it is free.
	exitDirections = 16
	exitSteps      = 6
	// Of a change of height: how far beyond the limit, how near the start it may come
	// and how far above it, and how far it climbs; the ground is not known.
	exitBeyondM   = 25.0
	exitLeastM    = 20.0
	exitHighestM  = 120.0
	exitClimbM    = 60.0
	exitVertical  = 2.0           // m/s
	maxNewExits   = 100           // sought in one look: the others wait for the next one
	latticeM      = 0.05          // what rounding a place to degE7 may move it, twice
	sampleApartUS = 3_600_000_000 // between two samples of the fence check: no way is a jump
)

// exitMPS is how fast a class gets out, m/s, and how it slows down, m/s².
func exitMPS(class vehicles.Class) (speed, slows float64) {
	switch class {
	case vehicles.USV:
		return 3, 0.3
	case vehicles.ICV:
		return 8, 2
	}
	return 8, 2
}

// planner finds a way out for one vehicle after the other.
type planner struct {
	scene  *scene
	fences *fences
	apart  float64
	taken  map[[2]int32][]spot
	moves  []move
	sought int
}

// spot is where a vehicle is, or is sent to.
type spot struct {
	n, e   float64
	handle vehicles.Handle
}

// move is a way out that was offered: it stands until reactS, and goes straight.
type move struct {
	n, e   float64
	vn, ve float64
	t1     float64
}

func (p *planner) cell(n, e float64) [2]int32 {
	return [2]int32{int32(math.Floor(n / p.apart)), int32(math.Floor(e / p.apart))}
}

func (p *planner) take(n, e float64, h vehicles.Handle) {
	c := p.cell(n, e)
	p.taken[c] = append(p.taken[c], spot{n, e, h})
}

// free reports whether no other vehicle is near a place, or is sent there.
func (p *planner) free(n, e float64, h vehicles.Handle) bool {
	c := p.cell(n, e)
	for i := c[0] - 1; i <= c[0]+1; i++ {
		for j := c[1] - 1; j <= c[1]+1; j++ {
			for _, s := range p.taken[[2]int32{i, j}] {
				if s.handle != h && math.Hypot(s.n-n, s.e-e) < p.apart-latticeM {
					return false
				}
			}
		}
	}
	return true
}

// swept reports whether a keep-out comes over a body that stands.
func (p *planner) swept(b *body, n, e, margin float64) bool {
	at := *b
	at.n, at.e, at.vn, at.ve, at.up = n, e, 0, 0, 0
	at.slack += margin
	return p.meets(&at, 0, never) < never
}

// meets is when any keep-out that is about a body comes over it.
func (p *planner) meets(b *body, t0, t1 float64) float64 {
	first := never
	for i := range p.scene.movers {
		if m := &p.scene.movers[i]; m.about(b.class) && m.where != Unseen {
			first = min(first, m.meets(b, t0, min(t1, m.horizon)))
		}
	}
	return first
}

// exit is the way out for a vehicle; before is what it was offered before.
func (p *planner) exit(v *judged, before *telemetry.Exit) telemetry.Exit {
	e, ok := p.again(v, before)
	if !ok || !e.InTime && before.InTime { // another may be in time still
		if p.sought++; p.sought > maxNewExits {
			v.deferred = !ok
			return cmp.Or(e, telemetry.Exit{Kind: telemetry.ExitNone})
		}
		other, holds := p.hold(v)
		if !holds {
			other = p.best(v)
		}
		if !ok || other.InTime {
			e = other
		}
	}
	p.reserve(v, &e)
	return e
}

func (p *planner) reserve(v *judged, e *telemetry.Exit) {
	n, east := v.n, v.e
	if e.Kind == telemetry.ExitMove {
		n, east = geo.Offset(p.scene.origin, e.Point)
		p.moves = append(p.moves, v.moveTo(n, east))
	}
	p.take(n, east, v.id.Handle)
}

// again offers the same way out once more while it is one: it must not change with
// every look.
func (p *planner) again(v *judged, before *telemetry.Exit) (telemetry.Exit, bool) {
	if before == nil || before.Kind == "" {
		return telemetry.Exit{}, false
	}
	switch before.Kind {
	case telemetry.ExitHold:
		return p.hold(v)
	case telemetry.ExitMove:
		n, e := geo.Offset(p.scene.origin, before.Point)
		if p.swept(&v.body, n, e, exitMargin/2) || !p.free(n, e, v.id.Handle) || !p.fences.allow(v, before.Point, 0) {
			return telemetry.Exit{}, false
		}
		out := p.moved(v, n, e)
		out.Point = before.Point
		return out, true
	}
	return telemetry.Exit{}, false
}

// hold is to stop: nothing comes over where it stands then.
func (p *planner) hold(v *judged) (telemetry.Exit, bool) {
	_, slows := exitMPS(v.class)
	speed := math.Hypot(v.vn, v.ve)
	stopS := speed / slows
	n, e := v.n+v.vn*(reactS+stopS/2), v.e+v.ve*(reactS+stopS/2)
	going := v.body
	if p.meets(&going, 0, reactS+stopS/2) < never || p.swept(&v.body, n, e, 0) {
		return telemetry.Exit{}, false
	}
	out := telemetry.Exit{Kind: telemetry.ExitHold, Point: p.point(n, e), TakesS: reactS + stopS, InTime: true}
	for i := range p.scene.movers {
		if m := &p.scene.movers[i]; m.about(v.class) && m.where != Unseen {
			out.PassesInS = max(out.PassesInS, m.closest(n, e))
		}
	}
	v.setHeight(&out, 0)
	return out, true
}

// best is the quickest way out that is in time with time to spare, else in time, else
// the quickest.
func (p *planner) best(v *judged) telemetry.Exit {
	best, bestRank := telemetry.Exit{Kind: telemetry.ExitNone}, -1
	better := func(e *telemetry.Exit, rank int) bool {
		return rank > bestRank || rank == bestRank && e.TakesS < best.TakesS
	}
	for _, e := range p.vertical(v) {
		if rank := p.rank(v, &e); better(&e, rank) {
			best, bestRank = e, rank
		}
	}
	away := v.away()
	for i := range exitDirections {
		// 0, +1, -1, +2, -2 …: from straight away of its course around
		turn := float64((i+1)/2) * (1 - 2*float64(i%2)) * 2 * math.Pi / exitDirections
		sin, cos := math.Sincos(away + turn)
		tried := 0
		for d := p.apart; d <= exitReach && tried < exitSteps; d += p.apart {
			n, e := v.n+d*cos, v.e+d*sin
			speed, _ := exitMPS(v.class)
			if bestRank == mostRank && reactS+d/speed >= best.TakesS {
				break
			}
			if p.swept(&v.body, n, e, exitMargin) {
				continue
			}
			tried++
			if !p.free(n, e, v.id.Handle) {
				continue
			}
			out := p.moved(v, n, e)
			rank := p.rank(v, &out)
			if better(&out, rank) && p.passes(v, n, e) && p.fences.allow(v, out.Point, 0) {
				best, bestRank = out, rank
				break
			}
		}
	}
	return best
}

const mostRank = 2

// rank is 0 for a way out that is not in time, 1 for one that is, 2 with time to spare.
func (p *planner) rank(v *judged, e *telemetry.Exit) int {
	waits := v.body
	waits.vn, waits.ve, waits.up = 0, 0, 0
	switch {
	case !e.InTime:
		return 0
	case e.Kind != telemetry.ExitMove:
		if p.meets(&waits, 0, e.TakesS+spareS) < never {
			return 1
		}
		return mostRank
	}
	n, east := geo.Offset(p.scene.origin, e.Point)
	m, goes := v.moveTo(n, east), v.body
	goes.vn, goes.ve, goes.up = m.vn, m.ve, 0
	if p.meets(&waits, 0, reactS+spareS) < never || p.meets(&goes, reactS+spareS, m.t1+spareS) < never {
		return 1
	}
	return mostRank
}

// moved is the way to a place.
func (p *planner) moved(v *judged, n, e float64) telemetry.Exit {
	m := v.moveTo(n, e)
	waits, goes := v.body, v.body
	waits.vn, waits.ve, waits.up = 0, 0, 0
	goes.vn, goes.ve, goes.up = m.vn, m.ve, 0
	out := telemetry.Exit{
		Kind: telemetry.ExitMove, Point: p.point(n, e), DistanceM: math.Hypot(n-v.n, e-v.e), TakesS: m.t1,
		Direction: degrees(math.Atan2(e-v.e, n-v.n)),
		InTime:    p.meets(&waits, 0, reactS) == never && p.meets(&goes, reactS, m.t1) == never,
	}
	v.setHeight(&out, 0)
	return out
}

// vertical are the ways up and down: only for an aircraft whose height above the
// sea and above its start is known.
func (p *planner) vertical(v *judged) (out []telemetry.Exit) {
	start, known := v.fix.Heights.In(geo.Takeoff)
	if _, amsl := v.fix.Heights.In(geo.AMSL); v.class != vehicles.UAV || !known || !amsl {
		return nil
	}
	for i := range p.scene.movers {
		m := &p.scene.movers[i]
		for _, l := range [2]struct {
			alt  geo.Altitude
			sign float64
			kind telemetry.ExitKind
		}{{m.keepout.Floor, -1, telemetry.ExitDescend}, {m.keepout.Ceiling, 1, telemetry.ExitClimb}} {
			mm, is := heightIn(v.class, v.fix, l.alt.Datum)
			if l.alt.Datum == geo.NoDatum || !is {
				continue
			}
			// to beyond the limit, up positive
			change := float64(l.alt.MM)/1000 + l.sign*exitBeyondM - float64(mm)/1000
			high := float64(start)/1000 + change
			if change*l.sign <= 0 || l.sign < 0 && high < exitLeastM || l.sign > 0 && (high > exitHighestM || change > exitClimbM) {
				continue
			}
			there := v.body
			fix := shifted(v.fix, change)
			there.fix, there.vn, there.ve, there.up = &fix, 0, 0, 0
			if p.meets(&there, 0, never) < never || !p.fences.allow(v, v.fix.Point, change) {
				continue
			}
			e := telemetry.Exit{Kind: l.kind, Point: v.fix.Point, DistanceM: math.Abs(change), TakesS: reactS + math.Abs(change)/exitVertical}
			waits := v.body
			waits.vn, waits.ve, waits.up = 0, 0, 0
			e.InTime = p.meets(&waits, 0, e.TakesS) == never
			v.setHeight(&e, change)
			out = append(out, e)
		}
	}
	return out
}

// passes reports whether a way out keeps apart from those that were offered: as far
// as the two are now, if they are nearer than that.
func (p *planner) passes(v *judged, n, e float64) bool {
	a := v.moveTo(n, e)
	for i := range p.moves {
		b := &p.moves[i]
		if near := math.Hypot(a.n-b.n, a.e-b.e); a.nearest(b) < min(p.apart, near-1) {
			return false
		}
	}
	return true
}

// nearest is how near two moves come.
func (a *move) nearest(b *move) float64 {
	least := never
	times := [4]float64{0, reactS, min(a.t1, b.t1), max(a.t1, b.t1)}
	for i := range times[:3] {
		n0, e0 := a.at(times[i], b)
		n1, e1 := a.at(times[i+1], b)
		dn, de := n1-n0, e1-e0
		t := 0.0
		if sq := dn*dn + de*de; sq > 0 {
			t = max(0, min(1, -(n0*dn+e0*de)/sq))
		}
		least = min(least, math.Hypot(n0+t*dn, e0+t*de))
	}
	return least
}

// at is where a is seen from b.
func (a *move) at(t float64, b *move) (n, e float64) {
	ta, tb := max(0, min(t, a.t1)-reactS), max(0, min(t, b.t1)-reactS)
	return a.n + a.vn*ta - b.n - b.vn*tb, a.e + a.ve*ta - b.e - b.ve*tb
}

func (p *planner) point(n, e float64) geo.Point { return geo.Moved(p.scene.origin, n, e) }

// fences knows where an exit must not lead.
type fences struct {
	shard *geofence.Shard // nil: nobody set any
	out   []geofence.Transition
}

func newFences(e *geofence.Engine) *fences {
	if e == nil {
		return &fences{}
	}
	return &fences{shard: e.NewShard()}
}

// allow reports whether a straight way, or a change of height, neither leads into a
// breach of a fence nor through one.
func (f *fences) allow(v *judged, to geo.Point, change float64) bool {
	if f.shard == nil {
		return true
	}
	const here = vehicles.Handle(1) // of a shard of our own
	f.shard.Admit(here, geofence.Subject{Class: v.class, Operator: v.id.Operator, Vehicle: v.id.ID, Verified: v.id.Verified})
	defer f.shard.Forget(here)
	f.shard.Step(here, &geofence.Sample{Fix: *v.fix, ReceivedUS: sampleApartUS, VelocityUnknown: true}, nil)
	fix := shifted(v.fix, change)
	fix.Point = to
	f.out = f.shard.Step(here, &geofence.Sample{Fix: fix, ReceivedUS: 2 * sampleApartUS, VelocityUnknown: true}, f.out[:0])
	crosses := slices.ContainsFunc(f.out, func(t geofence.Transition) bool {
		return t.Effect() == geofence.BreachBegins || t.Effect() == geofence.BreachPassed
	})
	return !crosses && f.shard.Breached(here) == 0
}

// shifted is a fix some metres higher.
func shifted(f *geo.Fix, up float64) geo.Fix {
	out := *f
	for _, d := range []geo.Datum{geo.AMSL, geo.WGS84, geo.AGL, geo.Takeoff} {
		if mm, ok := f.Heights.In(d); ok {
			out.Heights.Set(d, mm+int32(math.Round(1000*up)))
		}
	}
	return out
}

// byUrgency orders what is in the way: who meets it first gets the first choice.
func byUrgency(a, b *judged) int {
	return cmp.Or(cmp.Compare(a.inS, b.inS), cmp.Compare(a.id.ID, b.id.ID))
}

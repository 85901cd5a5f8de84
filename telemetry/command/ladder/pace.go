package ladder

import (
	"cmp"
	"slices"
	"time"

	"testzone/telemetry/command"
	"testzone/vehicles"
)

// When one change hits many, orders leave one after another, so that neither radios
// nor people get all at once, and vehicles come home apart from each other (SAFETY 5).
const (
	orderEvery = 20 * time.Millisecond
	homeEvery  = 3 * time.Second
)

// pace gives turns to those whom a change hit. Guarded by Enforcer.mu.
type pace struct {
	waits  map[vehicles.VehicleID]waitsFor
	nextUS int64 // for any order
	homeUS int64 // for a RETURN
}

type waitsFor struct {
	home    bool // it shall return
	mayHold bool // and can hold until then
	urgency float64
	sinceUS int64
}

func (p *pace) init() { p.waits = map[vehicles.VehicleID]waitsFor{} }

// due is when somebody may get the next turn: for something else if it can be held
// meanwhile.
func (p *pace) due(w waitsFor) int64 {
	if w.home && !w.mayHold {
		return max(p.nextUS, p.homeUS)
	}
	return p.nextUS
}

// take gives the turn to a vehicle, unless it is not due or another one is more
// urgent. toHold: it is not yet the turn to return, only to hold until then.
func (p *pace) take(id vehicles.VehicleID, w waitsFor, nowUS int64) (given, toHold bool) {
	if before, ok := p.waits[id]; ok {
		w.sinceUS, w.urgency = before.sinceUS, max(before.urgency, w.urgency) // who holds by now was fast
	}
	p.waits[id] = w
	if nowUS < p.due(w) || p.first(nowUS) != id {
		return false, false
	}
	p.nextUS = nowUS + us(orderEvery)
	switch {
	case w.home && nowUS < p.homeUS:
		return true, true // and it goes on to wait
	case w.home:
		p.homeUS = nowUS + us(homeEvery)
	}
	delete(p.waits, id)
	return true, false
}

// first is who is most urgent of those that are due; empty: nobody is.
func (p *pace) first(nowUS int64) (id vehicles.VehicleID) {
	for other, w := range p.waits {
		if nowUS >= p.due(w) && (id == "" || p.before(other, id)) {
			id = other
		}
	}
	return id
}

func (p *pace) before(a, b vehicles.VehicleID) bool {
	x, y := p.waits[a], p.waits[b]
	return cmp.Or(cmp.Compare(y.urgency, x.urgency), cmp.Compare(x.sinceUS, y.sinceUS), cmp.Compare(a, b)) < 0
}

// inTurn keeps an order back until its turn, when a change hit many: a single breach
// never waits. What waits to go home holds meanwhile, if it can. Called with e.mu held.
func (e *Enforcer) inTurn(v *followed, s *situation, a answer) answer {
	if !slices.ContainsFunc(s.breaches, func(f fact) bool { return f.changed }) {
		delete(e.pace.waits, v.vehicle)
		return a
	}
	defer e.tellTurns()
	if len(e.pace.waits) == 0 && e.hitOthers(v) { // the most urgent of them may be heard in a moment
		e.pace.nextUS = max(e.pace.nextUS, s.nowUS+us(orderEvery))
	}
	last := s.ladder.last()
	held := last != nil && last.Until && s.own() && last.Order == s.newest.ID
	_, can := s.ladder.next([]command.Kind{command.Hold})
	w := waitsFor{home: a.order == command.Return, mayHold: can && !held && s.machine != car, urgency: urgencyOf(s), sinceUS: s.nowUS}
	switch given, toHold := e.pace.take(v.vehicle, w, s.nowUS); {
	case toHold:
		a.order, a.until, a.why = command.Hold, true, "it holds until its turn to return comes"
		return a
	case given:
		return a
	}
	out := is(InTurn, "one change hit many: orders leave one after another, %d wait", len(e.pace.waits))
	out.call = a.call
	return out
}

// hitOthers reports whether a change hit more than this vehicle. Called with e.mu held.
func (e *Enforcer) hitOthers(v *followed) bool {
	for _, o := range e.of {
		if o != v && o.asked(func(b *breach) bool { return b.changed }) {
			return true
		}
	}
	return false
}

// urgencyOf is how soon a vehicle does harm: the faster one first.
func urgencyOf(s *situation) float64 { return float64(s.t.SpeedCMS()) }

// tellTurns has Run look at the pace.
func (e *Enforcer) tellTurns() {
	select {
	case e.turns <- struct{}{}:
	default:
	}
}

// nextTurn wakes who is due, and says when to look again.
func (e *Enforcer) nextTurn() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, at := e.nowUS(), int64(0)
	for id, w := range e.pace.waits {
		if v := e.of[id]; v == nil || v.ladder == nil {
			delete(e.pace.waits, id)
			continue
		}
		if due := e.pace.due(w); at == 0 || due < at {
			at = due
		}
	}
	if id := e.pace.first(now); id != "" {
		e.wake(e.of[id])
		return orderEvery // until it took its turn
	}
	if at == 0 {
		return time.Hour
	}
	return time.Duration(max(at-now, 1000)) * time.Microsecond
}

package ladder

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// wake has a vehicle considered soon. Called with e.mu held.
func (e *Enforcer) wake(v *followed) {
	if e.life == nil || e.stopped || e.cfg.Mode == Off {
		return
	}
	if v.ladder == nil && !v.revised() && !v.asked(func(*breach) bool { return true }) {
		return
	}
	if v.again = true; v.considered {
		return
	}
	v.considered = true
	e.work.Go(func() { e.considerAll(v) })
}

// asked reports whether a vehicle breaches a fence that asks more than to warn, of
// those that which wants.
func (v *followed) asked(which func(*breach) bool) bool {
	for _, b := range v.breaches {
		if strength(b.fence.Fence.Response) > 0 && which(b) {
			return true
		}
	}
	return false
}

// revised reports whether it breaches a fence that was revised since.
func (v *followed) revised() bool {
	for _, b := range v.breaches {
		if b.revised {
			return true
		}
	}
	return false
}

// considerAll considers a vehicle until nothing has happened meanwhile: one goroutine
// per vehicle, so that none waits for another.
func (e *Enforcer) considerAll(v *followed) {
	for {
		e.mu.Lock()
		if !v.again || e.stopped {
			v.considered = false
			e.mu.Unlock()
			return
		}
		v.again = false
		e.mu.Unlock()
		e.consider(v)
	}
}

// consider decides about one vehicle, and does it.
func (e *Enforcer) consider(v *followed) {
	id := e.cfg.Fleet.Identity(v.vehicle)
	track, err := e.track(id)
	if err != nil {
		return // the machine is busy: that says nothing of the vehicle
	}
	newest, ordered, lease := e.cfg.Orders.Now(v.vehicle)
	e.mu.Lock()
	s := e.situation(v, id, track)
	if s == nil {
		e.mu.Unlock()
		return
	}
	if ordered {
		s.newest = &newest
		e.adopt(s)
		s.failsafe = failsafe(id, s)
	}
	s.drifts = e.drifts(v, s)
	a := s.decide()
	if a.order == "" {
		delete(e.pace.waits, v.vehicle) // it keeps nobody back who wants a turn
	} else {
		a = e.inTurn(v, s, a)
	}
	e.put(v, s.ladder, &s.before, a)
	e.mu.Unlock()
	switch {
	case a.order != "":
		e.ask(v, s, a, &command.Basis{Newest: newest.ID, Holder: lease.Holder})
	case (a.state == Ended || a.state == LetBe) && lease.Holder == command.Enforcement:
		e.giveUp(v)
	}
}

// giveUp gives the control of a vehicle up; what the journal does not take is taken
// over by who wants it.
func (e *Enforcer) giveUp(v *followed) {
	ctx, cancel := context.WithTimeout(e.life, trackTime)
	defer cancel()
	_ = e.cfg.Orders.GiveUpLease(ctx, v.vehicle, hand)
}

// hand is who orders.
var hand = command.By{Actor: command.Enforcement, Person: command.Enforcement, Zone: true}

// track is what a vehicle says of itself; nil: it is not followed.
func (e *Enforcer) track(id *vehicles.Identity) (*telemetry.TrackView, error) {
	if id == nil || !id.Verified {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(e.life, trackTime)
	defer cancel()
	t, ok, err := e.cfg.Fleet.Track(ctx, id.Handle)
	if err != nil || !ok {
		return nil, err
	}
	t.Vehicle = id
	return &t, nil
}

// situation is what is known of a vehicle now, with its ladder, which it begins when
// there is none; nil: nothing has to be decided. Called with e.mu held.
func (e *Enforcer) situation(v *followed, id *vehicles.Identity, t *telemetry.TrackView) *situation {
	s := &situation{nowUS: e.nowUS(), mode: e.cfg.Mode, ladder: v.ladder, unfit: e.cfg.Unfit()}
	if s.ladder != nil {
		s.before = *s.ladder.copied()
	}
	if s.unfit == "" && e.cfg.Mode == Act {
		s.guarded = e.guarded(v)
	}
	if id == nil || v.identity == nil || v.identity.Handle != id.Handle {
		if s.ladder == nil || v.identity == nil && s.nowUS-e.startUS < us(returnTime) {
			return nil // it was not heard since the start: what held goes on to hold
		}
		for _, b := range s.ladder.Breaches {
			s.breaches = append(s.breaches, fact{fence: b.Fence, beganUS: b.SinceUS})
		}
		return s
	}
	for _, b := range v.breaches {
		if f := factOf(b, id, t); strength(f.fence.Response) > 0 {
			s.breaches = append(s.breaches, f)
		}
	}
	if s.ladder == nil {
		if len(s.breaches) == 0 {
			return nil
		}
		s.ladder = &Ladder{ID: newLadderID(), Vehicle: id.ID, Class: id.Class.String(), Operator: id.Operator, BeganUS: s.nowUS, Steps: []Step{}}
		v.ladder = s.ladder
	}
	slices.SortFunc(s.breaches, func(a, b fact) int { return strings.Compare(a.fence.ID, b.fence.ID) })
	s.keepSince()
	s.machine, s.t = machineOf(id), t
	if t != nil {
		s.modeName, s.byHand = e.cfg.Fleet.ModeName(id, t.Mode), e.cfg.Fleet.ByHand(id, t.Mode)
		s.jammed = t.HasFix() && e.interfered(t.Fix.Point) || t.Interfered(s.nowUS)
	}
	return s
}

// factOf is a breach by the fence as it is now.
func factOf(b *breach, id *vehicles.Identity, t *telemetry.TrackView) fact {
	c := b.fence
	f := fact{height: true, beganUS: b.beganUS, confirmed: b.confirmedUS != 0, changed: b.changed}
	if t != nil {
		for _, now := range t.Breaches {
			if now.Fence.ID == c.Fence.ID {
				c, f.now = now, true
			}
		}
		f.height = c.HeightKnown(id.Class, &t.Fix)
	}
	f.fence = responseOf(c)
	return f
}

// keepSince has breaches begin when they began before a restart.
func (s *situation) keepSince() {
	before := s.ladder.Breaches
	s.ladder.Breaches = []Breach{}
	for i := range s.breaches {
		f := &s.breaches[i]
		for _, b := range before {
			if b.ID == f.fence.ID {
				f.beganUS = min(f.beganUS, b.SinceUS)
			}
		}
		s.ladder.Breaches = append(s.ladder.Breaches, Breach{f.fence, f.beganUS})
	}
}

// adopt takes an order of the ladder in that its record does not have: the server
// ended between the two.
func (e *Enforcer) adopt(s *situation) {
	o := s.newest
	known := slices.ContainsFunc(s.ladder.Steps, func(st Step) bool { return st.Order == o.ID })
	if s.own() && !known && o.AskedUS >= s.ladder.BeganUS {
		step := Step{Kind: o.Kind, For: s.ladder.Fence.Response, EvidenceUS: o.AskedUS}
		step.take(o)
		s.ladder.Steps = append(s.ladder.Steps, step)
	}
}

// failsafe reports whether a vehicle goes home or lands by itself.
func failsafe(id *vehicles.Identity, s *situation) bool {
	if s.t == nil {
		return false
	}
	return slices.Contains(append(command.Modes(id, command.Return), command.Modes(id, command.Land)...), s.t.Mode)
}

// drifts reports whether a vehicle has moved for long that holds. Called with e.mu held.
func (e *Enforcer) drifts(v *followed, s *situation) bool {
	o := s.newest
	holds := o != nil && s.own() && o.State == command.InEffect && (o.Kind == command.Hold || o.Kind == command.Stop)
	if !holds || s.t == nil || s.machine == winged || s.nowUS-s.t.FixUS > us(freshTime) || s.t.SpeedCMS() < driftCMS {
		v.movesUS = 0
		return false
	}
	if v.movesUS == 0 {
		v.movesUS = s.nowUS
	}
	return s.nowUS-v.movesUS >= us(driftTime)
}

// put makes an answer the state of a ladder, calls people or ends the call, and
// writes it down when something changed. Called with e.mu held.
func (e *Enforcer) put(v *followed, l, before *Ladder, a answer) {
	l.State, l.Why, l.Called = a.state, a.why, a.call
	if a.state == Ended {
		l.Why, l.EndedUS, l.Cause = "", e.nowUS(), a.cause
		v.ladder, v.former = nil, false
		if len(l.Steps) == 0 && before.State == "" {
			return // it was over before anything was known of it
		}
	}
	if e.all[l.ID] == nil {
		e.store(l)
	}
	e.call(v, l, before.Called)
	if !same(l, before) {
		l.ChangedUS = e.nowUS()
		e.write(typeOf(l, before), l)
	}
}

// call says on the bus that somebody has to call the contact, or not any more.
func (e *Enforcer) call(v *followed, l *Ladder, before string) {
	if l.Called == before {
		return
	}
	id := v.identity
	if id == nil { // not heard since the start
		class, _ := vehicles.ParseClass(l.Class)
		id = &vehicles.Identity{ID: l.Vehicle, Name: string(l.Vehicle), Class: class, Operator: l.Operator, Verified: true}
	}
	c := &telemetry.Call{Vehicle: id, Began: l.Called != "", Why: l.Called, Cause: cmp.Or(l.Cause, string(l.State))}
	if last := l.last(); last != nil {
		c.Order = last.Order
	}
	e.cfg.Bus.Publish(e.nowUS(), c)
}

// ask gives the order of a step.
func (e *Enforcer) ask(v *followed, s *situation, a answer, basis *command.Basis) {
	l := s.ladder
	step := Step{Kind: a.order, For: l.Fence.Response, EvidenceUS: e.evidence(v, s), AskedUS: e.nowUS(), Until: a.until}
	o, err := e.cfg.Orders.Ask(e.life, command.Request{
		Vehicle: v.vehicle, Kind: a.order, By: hand, TakeOver: true, Basis: basis,
		Reason: "breach of " + l.Fence.Name,
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	now, before := e.nowUS(), l.copied()
	switch {
	case err == nil:
		step.take(&o)
		l.Override = nil
		if basis.Holder != "" && basis.Holder != command.Enforcement {
			l.TookFrom = basis.Holder
		}
	case errors.Is(err, command.ErrCannot) && a.order == command.Return && command.Modes(s.t.Vehicle, a.order) != nil:
		// Its position was good a moment ago, and this machine returns: somebody was too
		// slow to say where it is. That is no reason to land it.
		return
	case errors.Is(err, command.ErrCannot), errors.Is(err, command.ErrUnverified):
		step.end(Impossible, err.Error(), now)
	case errors.Is(err, command.ErrUnreachable):
		step.end(Unsent, err.Error(), now)
	default: // somebody ordered at the same time, or the server stops: it is decided anew
		return
	}
	l.Steps = append(l.Steps, step)
	v.movesUS = 0
	l.ChangedUS = now
	e.write(typeOf(l, before), l)
	e.wake(v) // an impossible step is followed by the next one
}

// evidence is the receipt of the sample that a step rests on: of a first step that
// nothing held back the one that completed the evidence, else the newest.
func (e *Enforcer) evidence(v *followed, s *situation) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at := v.confirmUS; at != 0 && len(s.ladder.Steps) == 0 && slices.Contains([]State{"", Watching, InTurn}, s.before.State) {
		return at
	}
	return s.t.FixUS
}

// same reports whether two states of a ladder tell the same.
func same(a, b *Ladder) bool {
	return a.State == b.State && a.Called == b.Called && a.Fence == b.Fence && a.TookFrom == b.TookFrom && slices.Equal(a.Steps, b.Steps) &&
		slices.Equal(a.Breaches, b.Breaches) && (a.Override == nil) == (b.Override == nil) &&
		(a.State != HeldBack && a.State != Watching || a.Why == b.Why)
}

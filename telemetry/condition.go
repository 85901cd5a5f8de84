package telemetry

import (
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func (b *Book) takeTransition(t *Transition) {
	fence := &t.Fence.Fence
	key, level := alertKey{typ: breachType(t.Fence), vehicle: t.Vehicle.ID, object: fence.ID}, uint8(Critical)
	if key.typ == OverSpeed {
		level = Warning
	}
	effect := t.Effect()
	switch {
	case effect == geofence.NoEffect:
		return
	case t.Held:
		b.countRaw(key, t.ReceivedUS)
		return
	}
	b.change(key, condition{
		begins: effect != geofence.BreachEnds, ends: effect != geofence.BreachBegins,
		id: t.Vehicle, level: level, timeUS: t.ReceivedUS, cause: endCause(t, effect),
		fence: t.Fence, raw: 1, fill: func(a *Alert) { a.Evidence = newEvidence(t) },
	})
}

func (b *Book) takeJump(j *Jump) {
	key := alertKey{typ: PositionJump, vehicle: j.Vehicle.ID}
	if j.Again {
		b.countRaw(key, j.ReceivedUS)
		return
	}
	signs := vehicles.SignJump
	if v := b.signs.of[j.Vehicle.Handle]; v != nil {
		signs |= v.now
	}
	b.takeSignal(&SignalChange{Vehicle: j.Vehicle, Signs: signs, At: j.After.Point}, j.ReceivedUS)
	if b.signs.groups(j.Vehicle) {
		return // one alarm for the area, not one for each vehicle (SAFETY 13)
	}
	b.change(key, condition{
		begins: true, id: j.Vehicle, level: Caution, timeUS: j.ReceivedUS, raw: 1,
		fill: func(a *Alert) {
			a.Jumped = &JumpedBy{DistanceM: j.DistanceM, DtS: float64(j.DtUS) / 1e6}
			a.Evidence = &Evidence{Before: NewFixEvidence(&j.Before), After: NewFixEvidence(&j.After),
				Datum: geo.NoDatum.String(), ReceivedUS: j.ReceivedUS, BootMS: j.BootMS}
			a.Evidence.rest(&j.Grounds, j.Vehicle.Class)
		},
	})
}

func (b *Book) takeSettled(s *Settled, nowUS int64) {
	b.change(alertKey{typ: s.Type, vehicle: s.Vehicle.ID, object: s.Fence}, condition{
		ends: true, id: s.Vehicle, timeUS: nowUS, cause: s.Cause,
	})
}

// countRaw counts a transition that does not change its condition. It is told
// with the next second: the transition itself has been told already.
func (b *Book) countRaw(key alertKey, nowUS int64) {
	if c, waits := b.flood.deferred[key]; waits {
		c.raw++
		b.flood.deferred[key] = c
		return
	}
	if a := b.byKey[key]; a != nil && a.ClearedUS == 0 {
		next := *a
		next.Raw, next.LastUS = a.Raw+1, max(a.LastUS, nowUS)
		b.store(&next)
		b.counted[a.ID] = true
	}
}

// tellCounted publishes the alerts whose raw transitions were counted.
func (b *Book) tellCounted(nowUS int64) {
	for id := range b.counted {
		if a := b.byID[id]; a != nil && a.ClearedUS == 0 { // an end has told it
			b.cfg.Bus.Publish(nowUS, a)
		}
	}
	clear(b.counted)
}

func (b *Book) takeConfirmed(c *Confirmed, nowUS int64) {
	key := alertKey{typ: breachType(c.Fence), vehicle: c.Vehicle.ID, object: c.Fence.Fence.ID}
	if waits, ok := b.flood.deferred[key]; ok {
		waits.confirmedUS = nowUS
		b.flood.deferred[key] = waits
		return
	}
	if a := b.byKey[key]; a != nil && a.ClearedUS == 0 && a.ConfirmedUS == 0 {
		next := *a
		next.ConfirmedUS, next.LastUS = nowUS, max(a.LastUS, nowUS)
		b.put(&next, nowUS, fact{Type: factConfirmed, ID: a.ID, AtUS: nowUS})
	}
}

func endCause(t *Transition, effect geofence.Effect) string {
	switch {
	case effect == geofence.BreachPassed:
		return "passed_through"
	case t.Kind == geofence.Ended:
		return "fence_ended"
	case t.Flags&geofence.FenceChanged != 0:
		return causeFenceChanged
	}
	return causeComplied
}

func (b *Book) takeLink(l *LinkChange, nowUS int64) {
	c := condition{id: l.Vehicle, level: Warning, timeUS: nowUS, cause: "link_restored"}
	switch {
	case l.To == vehicles.LinkLost && l.Armed:
		c.begins = true
	case l.To == vehicles.LinkNominal:
		c.ends = true
	default:
		return
	}
	b.change(alertKey{typ: LinkLost, vehicle: l.Vehicle.ID}, c)
}

func (b *Book) takePrediction(p *Prediction, nowUS int64) {
	b.change(alertKey{typ: PredictedBreach, vehicle: p.Vehicle.ID, object: p.Fence.Fence.ID}, condition{
		begins: p.Began, ends: !p.Began, id: p.Vehicle, level: Warning, timeUS: nowUS, cause: causeNotForeseen,
		fence: p.Fence,
		fill: func(a *Alert) {
			a.Predicted = &Predicted{InS: p.InS, Lat: p.At.Lat, Lon: p.At.Lon}
			a.Evidence = &Evidence{After: NewFixEvidence(&p.From), Datum: geo.NoDatum.String(), ReceivedUS: nowUS, BootMS: p.BootMS}
		},
	})
}

func (b *Book) takeSeparation(s *Separation, nowUS int64) {
	from := s.A
	if !s.B.Verified {
		from = s.B // who claims to be there pays for the alert
	}
	b.change(alertKey{typ: SeparationLost, vehicle: s.A.ID, object: string(s.B.ID)}, condition{
		begins: s.Began, ends: !s.Began, id: s.A, level: Critical, timeUS: nowUS, cause: s.Cause, from: from,
		fill: func(a *Alert) {
			other := alertVehicle(s.B)
			a.Other = &other
			c := &s.Conflict
			a.Separation = &Closest{InS: c.InS, AtS: c.AtS, HorizontalM: c.HorizontalM, VerticalM: c.VerticalM,
				HeightUnknown: !c.VerticalKnown && c.Minima.VerticalM < geofence.NoVertical, HeightOffM: c.HeightOffM}
		},
	})
}

// condition is a change of one condition: it begins, ends, or both at once.
type condition struct {
	begins, ends bool
	anew         bool // once it has ended it is another one, however soon it begins
	id           *vehicles.Identity
	from         *vehicles.Identity // whose claim it rests on; nil: id's
	level        uint8
	timeUS       int64
	cause        string             // why it ended
	raw          int                // transitions that it stands for
	confirmedUS  int64              // while it waited its breach was confirmed
	fence        *geofence.Compiled // nil: of no fence
	fill         func(*Alert)       // adds the evidence; nil: there is none
}

func (c *condition) complete(a *Alert) {
	if c.fence != nil {
		f := &c.fence.Fence
		a.Fence = &AlertFence{ID: f.ID, Name: f.Name, Kind: f.Kind.String(), Rev: f.Rev}
	}
	a.Raw, a.ConfirmedUS = a.Raw+c.raw, c.confirmedUS
	if c.fill != nil {
		c.fill(a)
	}
}

package telemetry

import (
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func (b *Book) takeTransition(t *Transition) {
	fence := &t.Fence.Fence
	key, level := alertKey{typ: FenceBreach, vehicle: t.Vehicle.ID, object: fence.ID}, uint8(Critical)
	if fence.Kind == geofence.SpeedLimit {
		key.typ, level = OverSpeed, Warning
	}
	effect := t.Effect()
	if effect == geofence.NoEffect {
		return
	}
	b.change(key, condition{
		begins: effect != geofence.BreachEnds, ends: effect != geofence.BreachBegins,
		id: t.Vehicle, level: level, timeUS: t.ReceivedUS, cause: endCause(t, effect),
		fence: t.Fence, fill: func(a *Alert) { a.Evidence = newEvidence(&t.Transition) },
	})
}

func endCause(t *Transition, effect geofence.Effect) string {
	switch {
	case effect == geofence.BreachPassed:
		return "passed_through"
	case t.Kind == geofence.Ended:
		return "fence_ended"
	case t.Flags&geofence.FenceChanged != 0:
		return "fence_changed"
	}
	return "complied"
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
	b.change(alertKey{typ: SeparationLost, vehicle: s.A.ID, object: string(s.B.ID)}, condition{
		begins: s.Began, ends: !s.Began, id: s.A, level: Critical, timeUS: nowUS, cause: s.Cause,
		fill: func(a *Alert) {
			other := alertVehicle(s.B)
			a.Other = &other
			c := &s.Conflict
			a.Separation = &Closest{InS: c.InS, AtS: c.AtS, HorizontalM: c.HorizontalM, VerticalM: c.VerticalM}
		},
	})
}

// condition is a change of one condition: it begins, ends, or both at once.
type condition struct {
	begins, ends bool
	id           *vehicles.Identity
	level        uint8
	timeUS       int64
	cause        string             // why it ended
	fence        *geofence.Compiled // nil: of no fence
	fill         func(*Alert)       // adds the evidence; nil: there is none
}

func (c *condition) complete(a *Alert) {
	if c.fence != nil {
		f := &c.fence.Fence
		a.Fence = &AlertFence{ID: f.ID, Name: f.Name, Kind: f.Kind.String(), Rev: f.Rev}
	}
	if c.fill != nil {
		c.fill(a)
	}
}

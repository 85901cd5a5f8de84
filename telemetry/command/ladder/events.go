package ladder

import (
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// followed is a vehicle that proved who it is. Its fields are guarded by Enforcer.mu.
type followed struct {
	vehicle  vehicles.VehicleID
	identity *vehicles.Identity // of its newest track; nil: it was not heard since the start
	ladder   *Ladder            // the open one; nil: there is none
	breaches map[string]*breach // by fence, those of fences that warn included

	firstUS int64 // of the first fix of its track
	dirtyUS int64 // of the last sign that its data are not good
	clean   bool  // good data ran for long enough after the start
	former  bool  // its ladder is of a former run

	movesUS    int64 // since when it moves although it holds; 0: it does not
	confirmUS  int64 // of the newest sample that completed evidence
	considered bool  // somebody considers it now
	again      bool  // and has to once more
}

// breach is one that has begun and not ended, as the alerts hold it open.
type breach struct {
	fence       *geofence.Compiled
	beganUS     int64
	confirmedUS int64 // the evidence of SAFETY 3 was complete; 0: not since the link was lost
	revised     bool  // the response of the fence may be another one since
	changed     bool  // by a change of the fences, or there before the first fix
}

// followed is called with e.mu held.
func (e *Enforcer) followed(id vehicles.VehicleID) *followed {
	v := e.of[id]
	if v == nil {
		v = &followed{vehicle: id, breaches: map[string]*breach{}}
		for _, l := range e.all {
			if l.Vehicle == id && l.Open() {
				v.ladder = l
			}
		}
		e.of[id] = v
	}
	return v
}

// take takes one event in. What an unverified source does is an alert and no more.
func (e *Enforcer) take(event *telemetry.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := event.TimeUS
	switch b := event.Body.(type) {
	case *telemetry.Transition:
		if b.Vehicle.Verified && !b.Held {
			e.takeTransition(e.heard(b.Vehicle, at), b)
		}
	case *telemetry.Settled:
		if b.Vehicle.Verified && b.Fence != "" && (b.Type == telemetry.FenceBreach || b.Type == telemetry.OverSpeed) {
			v := e.heard(b.Vehicle, at)
			delete(v.breaches, b.Fence)
			e.wake(v)
		}
	case *telemetry.Confirmed:
		if b.Vehicle.Verified {
			e.takeConfirmed(e.heard(b.Vehicle, at), b, at)
		}
	case *telemetry.LinkChange:
		if b.Vehicle.Verified {
			e.takeLink(e.heard(b.Vehicle, at), b, at)
		}
	case *telemetry.Jump:
		e.soil(b.Vehicle, at)
	case *telemetry.Unenforced:
		e.soil(b.Vehicle, at)
	case *telemetry.SignalChange:
		if b.Signs != 0 {
			e.soil(b.Vehicle, at)
		}
	case *telemetry.Begun:
		e.wake(e.heard(b.Vehicle, at)) // what it breaches was told before
	case *telemetry.Gone:
		e.takeGone(b.Vehicle)
	case *telemetry.Alert:
		e.takeArea(b)
	case *telemetry.FenceChange:
		for _, v := range e.of {
			if of := v.breaches[b.ID]; of != nil {
				of.revised = true
				e.wake(v)
			}
		}
	}
}

// heard is who an event is about. Called with e.mu held.
func (e *Enforcer) heard(id *vehicles.Identity, atUS int64) *followed {
	v := e.followed(id.ID)
	if v.identity == nil || v.identity.Handle != id.Handle { // another track: nothing is known of it
		clear(v.breaches)
		v.firstUS, v.dirtyUS, v.movesUS, v.confirmUS = atUS, 0, 0, 0
		v.clean = atUS-e.startUS > us(returnTime) && !v.former
	}
	v.identity = id
	return v
}

func (e *Enforcer) takeTransition(v *followed, t *telemetry.Transition) {
	switch t.Effect() {
	case geofence.BreachBegins:
		v.breaches[t.Fence.Fence.ID] = &breach{
			fence: t.Fence, beganUS: t.ReceivedUS, changed: t.Flags&(geofence.FenceChanged|geofence.FirstFix) != 0,
		}
	case geofence.BreachEnds:
		delete(v.breaches, t.Fence.Fence.ID)
	default:
		return
	}
	e.wake(v)
}

func (e *Enforcer) takeConfirmed(v *followed, c *telemetry.Confirmed, atUS int64) {
	id := c.Fence.Fence.ID
	if v.breaches[id] == nil {
		v.breaches[id] = &breach{beganUS: atUS}
	}
	b := v.breaches[id]
	b.fence, b.confirmedUS, v.confirmUS = c.Fence, atUS, atUS
	e.wake(v)
}

// takeLink forgets what was confirmed before a link was lost.
func (e *Enforcer) takeLink(v *followed, l *telemetry.LinkChange, atUS int64) {
	if l.To == vehicles.LinkLost {
		for _, b := range v.breaches {
			b.confirmedUS = 0
		}
		v.dirtyUS = max(v.dirtyUS, atUS)
	}
	e.wake(v)
}

// soil notes that the data of a vehicle are not good.
func (e *Enforcer) soil(id *vehicles.Identity, atUS int64) {
	if id.Verified {
		v := e.heard(id, atUS)
		v.dirtyUS = max(v.dirtyUS, atUS)
	}
}

func (e *Enforcer) takeGone(id *vehicles.Identity) {
	v := e.of[id.ID]
	if v == nil || v.identity == nil || v.identity.Handle != id.Handle {
		return
	}
	if clear(v.breaches); v.ladder == nil {
		delete(e.of, id.ID)
		return
	}
	e.wake(v)
}

// takeArea notes where satellite navigation is interfered with (SAFETY 13). One that
// unverified vehicles claim holds nothing back.
func (e *Enforcer) takeArea(a *telemetry.Alert) {
	if a.Type != telemetry.GNSSInterference || !a.Vehicle.Verified || a.Area == nil {
		return
	}
	if delete(e.areas, a.ID); a.ClearedUS == 0 {
		e.areas[a.ID] = *a.Area
	}
	for _, v := range e.of {
		if v.ladder != nil {
			e.wake(v)
		}
	}
}

// interfered reports whether a place is within an area of interference. Called with
// e.mu held.
func (e *Enforcer) interfered(p geo.Point) bool {
	for _, a := range e.areas {
		if geo.Distance(geo.Point{Lat: a.Lat, Lon: a.Lon}, p) <= a.RadiusM {
			return true
		}
	}
	return false
}

// guarded reports whether a vehicle gets no automatic order because of the restart
// (SAFETY 8). Called with e.mu held.
func (e *Enforcer) guarded(v *followed) bool {
	if e.confirmed != "" || v.clean {
		return false
	}
	if since := max(v.firstUS, v.dirtyUS); v.firstUS != 0 && e.nowUS()-since >= us(cleanTime) {
		v.clean, v.former = true, false
	}
	return !v.clean
}

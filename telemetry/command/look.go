package command

import (
	"context"
	"time"

	"testzone/telemetry"
	"testzone/vehicles"
)

// watchReplayed looks for the effects of orders of a former start. They are not
// sent again; what shows is noted.
func (d *Dispatcher) watchReplayed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.nowUS()
	for _, id := range d.order {
		o := d.orders[id]
		if o.own || d.newest[o.Vehicle] != o || o.State.Final() && !d.stillLate(o, now) {
			continue
		}
		if o.State == Asked { // it may have left and its entry not
			d.change(o, func(o *Order) {
				o.State, o.EndedUS, o.Why = Expired, now, "the server restarted, and whether it was sent is not known: look at the vehicle, and order anew"
			})
		}
		d.watches[id] = &watch{plan: plan{modes: o.Modes}, sinceUS: now}
	}
}

// stillLate reports whether an effect of an order that was given up is noted.
func (d *Dispatcher) stillLate(o *Order, nowUS int64) bool {
	return o.State.doubtful() && o.age(nowUS) < effectTime+lateTime
}

// look looks at every vehicle with an order whose effect has not shown.
func (d *Dispatcher) look(ctx context.Context) {
	d.mu.Lock()
	ids := make([]string, 0, len(d.watches))
	for id := range d.watches {
		ids = append(ids, id)
	}
	d.mu.Unlock()
	for _, id := range ids {
		o, err := d.Order(id)
		if err != nil {
			continue
		}
		var t telemetry.TrackView
		known := false
		v := d.cfg.Fleet.Identity(o.Vehicle)
		if v != nil && v.Verified {
			t, known = d.track(ctx, v)
		}
		d.weigh(id, v, &t, known)
	}
}

// weigh decides about one order.
func (d *Dispatcher) weigh(id string, v *vehicles.Identity, t *telemetry.TrackView, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, w := d.orders[id], d.watches[id]
	if o == nil || w == nil {
		return
	}
	now := d.nowUS()
	if o.State.Final() && !d.stillLate(o, now) {
		delete(d.watches, id)
		return
	}
	if known {
		w.plan.motion = motionOf(bodyOf(v.Source.MAVType), o.Kind)
		home, ok := d.cfg.Fleet.Home(o.Vehicle)
		at := &home
		if !ok {
			at = nil
		}
		w.to = o.To
		if w.shows(v, &t.Track, at, now) {
			d.change(o, func(o *Order) {
				o.Late = o.State.Final()
				o.State, o.EffectUS, o.EndedUS, o.Why = InEffect, now, now, ""
			})
			delete(d.watches, id)
			if talk := d.talks[o.Vehicle]; talk != nil && d.newest[o.Vehicle] == o {
				talk.cancel() // it would be repeated, perhaps over the head of the pilot
			}
			return
		}
		if o.To != nil && o.UnderWayUS == 0 && !o.State.Final() && w.underWay() {
			d.underWay(o, now)
		}
	}
	if !o.State.Final() && w.waited(o, now) >= effectTime {
		state, why := w.verdict(t, known, now, d.cfg.Fleet.ModeName)
		d.change(o, func(o *Order) { o.State, o.Why, o.EndedUS = state, why, now })
	}
}

// Latency is how long an order took to its effect; 0: it has none.
func (o *Order) Latency() time.Duration {
	if o.EffectUS == 0 {
		return 0
	}
	return time.Duration(o.EffectUS-o.AskedUS) * time.Microsecond
}

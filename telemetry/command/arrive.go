package command

import (
	"math"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// What counts as being where it was sent.
const (
	thereM     = atHomeM
	wingThereM = 200.0 // a fixed wing circles there
	thereMM    = 5_000 // off the height
	progressM  = 1.0   // nearer than before
)

// approach is how near a vehicle comes to the point that it was sent to, by fresh
// positions in the mode for it. The order is done when it is there and stays: one that
// shows the mode and goes elsewhere may come nearer for a while.
type approach struct {
	to *Place

	left       float64 // metres, up and down too
	level      float64 // metres over ground
	offMM      int32   // of the height; math.MaxInt32: not known
	known      bool
	firstLeft  float64
	nearest    float64
	progressUS int64 // when it was last nearer than before
	closes     int   // samples in a row, each nearer than the one before
}

// anew is the same point and nothing seen yet.
func (a *approach) anew() approach { return approach{to: a.to, progressUS: a.progressUS} }

func (a *approach) note(t *vehicles.Track) {
	before := a.left
	a.level, a.offMM = geo.Distance(t.Fix.Point, a.to.Point), 0
	if a.to.Height {
		a.offMM = math.MaxInt32
		if mm, ok := t.Fix.Heights.In(a.to.Datum); ok {
			a.offMM = mm - a.to.MM
		}
	}
	a.left = a.level
	if a.offMM != math.MaxInt32 {
		a.left = math.Hypot(a.level, float64(a.offMM)/1000)
	}
	if !a.known {
		a.known, a.firstLeft, a.nearest = true, a.left, a.left
		return
	}
	if a.closes++; a.left >= before {
		a.closes = 0
	}
	if a.left <= a.nearest-progressM {
		a.nearest, a.progressUS = a.left, t.FixUS
	}
}

// came reports whether it has come nearer.
func (a *approach) came() bool { return a.known && a.firstLeft-a.nearest >= closerM }

// underWay reports whether it comes nearer, and not for a moment only.
func (a *approach) underWay() bool { return a.came() && a.closes >= stillSamples }

// there reports whether the vehicle is where it was sent, and stays.
func (w *watch) there(v *vehicles.Identity) bool {
	if w.to == nil || !w.known || w.offMM > thereMM || w.offMM < -thereMM {
		return false
	}
	switch bodyOf(v.Source.MAVType) {
	case fixedWing:
		return w.level <= wingThereM
	case vtol:
		return w.level <= thereM && w.still >= stillSamples || w.level <= wingThereM && math.Abs(w.turned) >= turnRad
	}
	return w.level <= thereM && w.still >= stillSamples
}

// waited is how long nothing has shown of an order. A long way takes its time, as long
// as the vehicle comes nearer.
func (w *watch) waited(o *Order, nowUS int64) time.Duration {
	since := o.AskedUS
	if o.To != nil {
		since = max(since, w.sinceUS, w.progressUS)
	}
	return time.Duration(nowUS-since) * time.Microsecond
}

// underWay notes that a vehicle is seen to go where it was sent: that is an answer too.
// Called with d.mu held.
func (d *Dispatcher) underWay(o *Order, nowUS int64) {
	d.change(o, func(o *Order) {
		o.State, o.UnderWayUS = Accepted, nowUS
		if o.AcceptedUS == 0 {
			o.AcceptedUS = nowUS
		}
	})
	if talk := d.talks[o.Vehicle]; talk != nil && d.newest[o.Vehicle] == o {
		talk.cancel()
	}
}

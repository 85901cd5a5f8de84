package command

import (
	"fmt"
	"math"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// What counts as an effect.
const (
	freshUS      = 3_000_000 // age of a sample that still shows what a vehicle does
	stillSamples = 3         // in a row
	stillCMS     = 50
	driftCMS     = 100 // of a boat that keeps its place
	movingCMS    = 50  // of one that goes on
	turnRad      = math.Pi / 3
	closerM      = 5.0
	atHomeM      = 15.0
	climbMM      = 3_000 // a copter that returns climbs first
	sunkMM       = 2_000
)

// watch looks whether an order shows. It belongs to the goroutine of Run.
type watch struct {
	plan    plan
	sinceUS int64 // samples before say nothing

	begun  bool // the fields below are set
	first  vehicles.Track
	lastUS int64 // of the newest fix that was looked at
	course float64
	turned float64
	still  int
	goes   int
	sinks  int

	approach // of one that was sent to a point
}

// inMode reports whether the heartbeat shows a mode of the order.
func (w *watch) inMode(t *vehicles.Track) bool {
	if t.HeartbeatUS <= w.sinceUS {
		return false
	}
	if len(w.plan.modes) == 0 {
		return true
	}
	for _, m := range w.plan.modes {
		if t.Mode == m {
			return true
		}
	}
	return false
}

// fresh reports whether the position says what the vehicle does now.
func (w *watch) fresh(t *vehicles.Track, nowUS int64) bool {
	return t.FixUS > w.sinceUS && nowUS-t.FixUS < freshUS
}

// shows reports whether mode and motion show the order. home is nil when it is not
// known.
func (w *watch) shows(v *vehicles.Identity, t *vehicles.Track, home *geo.Point, nowUS int64) bool {
	if !w.inMode(t) || nowUS-t.HeartbeatUS >= freshUS {
		w.begun = false // what it does in another mode is no effect
		return false
	}
	if w.plan.motion == descends && (t.Landed == vehicles.OnGround || !t.Armed) {
		return true // it needs no position for that
	}
	if w.plan.motion == falls {
		return t.Status == vehicles.Terminated || !t.Armed
	}
	if !w.fresh(t, nowUS) {
		return false
	}
	if !w.begun {
		*w = watch{plan: w.plan, sinceUS: w.sinceUS, begun: true, first: *t, course: courseOf(t), approach: w.approach.anew()}
	}
	if t.FixUS > w.lastUS {
		w.lastUS = t.FixUS
		w.note(v, t)
	}
	switch w.plan.motion {
	case stands:
		return w.still >= stillSamples
	case circles:
		return math.Abs(w.turned) >= turnRad || bodyOf(v.Source.MAVType) == vtol && w.still >= stillSamples
	case comesHome:
		return w.home(t, home)
	case goes:
		return w.there(v)
	case descends:
		return t.Landed == vehicles.Landing || w.sinks >= stillSamples || w.first.HasFix() && w.climbed(t) <= -sunkMM
	}
	return w.goes >= stillSamples
}

// note takes a new position in.
func (w *watch) note(v *vehicles.Identity, t *vehicles.Track) {
	limit := uint32(stillCMS)
	if v.Class == vehicles.USV {
		limit = driftCMS
	}
	level, vertical := t.SpeedCMS(), int32(t.Velocity.D)
	if v.Class != vehicles.UAV {
		vertical = 0
	}
	count := func(n *int, is bool) {
		if *n++; !is {
			*n = 0
		}
	}
	count(&w.still, level < limit && vertical < stillCMS && vertical > -stillCMS)
	count(&w.goes, level >= movingCMS || vertical >= movingCMS || vertical <= -movingCMS)
	count(&w.sinks, vertical > 30)
	if level > 300 { // slower the course is noise
		now := courseOf(t)
		w.turned += math.Remainder(now-w.course, 2*math.Pi)
		w.course = now
	}
	if w.to != nil {
		w.approach.note(t)
	}
}

func courseOf(t *vehicles.Track) float64 {
	return math.Atan2(float64(t.Velocity.E), float64(t.Velocity.N))
}

// home reports whether the vehicle returns: it comes closer, is there, or climbs
// to the height of its way back.
func (w *watch) home(t *vehicles.Track, home *geo.Point) bool {
	if t.Landed == vehicles.Landing || t.Landed == vehicles.OnGround || w.climbed(t) >= climbMM {
		return true
	}
	if home == nil { // that it moves in this mode is all that is known
		return w.goes >= stillSamples && geo.Distance(w.first.Fix.Point, t.Fix.Point) >= closerM
	}
	left := geo.Distance(t.Fix.Point, *home)
	return left <= atHomeM || geo.Distance(w.first.Fix.Point, *home)-left >= closerM
}

// climbed is the height in mm that was gained since the mode showed.
func (w *watch) climbed(t *vehicles.Track) int32 {
	for _, d := range []geo.Datum{geo.AMSL, geo.Takeoff, geo.WGS84} {
		before, ok := w.first.Fix.Heights.In(d)
		now, same := t.Fix.Heights.In(d)
		if ok && same {
			return now - before
		}
	}
	return 0
}

// verdict is how an order ends whose effect did not show in time: only fresh
// samples say that there is none.
func (w *watch) verdict(t *telemetry.TrackView, known bool, nowUS int64, modeName func(*vehicles.Identity, uint32) string) (State, string) {
	switch {
	case !known || t.Link == vehicles.LinkLost || nowUS-t.HeartbeatUS >= freshUS:
		return Expired, "the vehicle is silent, nothing shows what became of the order: call its contact; it is not sent again by itself"
	case !w.inMode(&t.Track):
		return NoEffect, fmt.Sprintf("the vehicle stays in %q: call its contact, or order anew", modeName(t.Vehicle, t.Mode))
	case !w.fresh(&t.Track, nowUS):
		return Expired, fmt.Sprintf("the vehicle shows %q and no position: call its contact", modeName(t.Vehicle, t.Mode))
	case w.to != nil && w.came():
		return NoEffect, fmt.Sprintf("the vehicle comes no nearer and is %.0f m from where it was sent: call its contact, or order anew", w.left)
	}
	return NoEffect, fmt.Sprintf("the vehicle shows %q and moves as if it had no order (%.1f m/s over ground): call its contact, or order anew",
		modeName(t.Vehicle, t.Mode), float64(t.SpeedCMS())/100)
}

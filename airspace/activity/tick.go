package activity

import (
	"math"
	"slices"
	"strings"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/vehicles"
)

// Due is when the clock has something to do for the activity next; math.MaxInt64: never.
func (x *Activity) Due(recover time.Duration) int64 {
	due := int64(math.MaxInt64)
	if x.Waiting() {
		due = x.ToUS
	}
	if x.State == Nonconforming && recover > 0 {
		due = x.OutsideUS + recover.Microseconds()
	}
	for i := range x.Clocks {
		if c := &x.Clocks[i]; x.runs(c) {
			due = min(due, c.DueUS+1)
		}
	}
	return due
}

// runs reports whether a clock is still to be met.
func (x *Activity) runs(c *permit.Clock) bool {
	if c.State != permit.ClockOpen || c.Opens {
		return false
	}
	switch c.Step {
	case stepAnswer:
		return x.State == Planned
	case stepReport:
		return x.State == Planned
	case stepConfirm:
		return x.State == Reported
	case stepClose:
		return x.State == Ended
	}
	return false
}

// Recover is how long one may be outside before it is contingent, by the pack.
func Recover(pack *rules.Pack) time.Duration {
	return time.Duration(pack.Conformance.RecoverS * float64(time.Second))
}

// Tick is the activity after what the clock does to it at a moment; changed is false
// when that is nothing. The clock confirms nothing. Without its pack (nil) what has not
// begun ends all the same.
func (x *Activity) Tick(p *permit.Permit, pack *rules.Pack, nowUS int64) (y Activity, changed bool) {
	y = x.clone()
	act := permit.Act{AtUS: nowUS}
	for i := range y.Clocks {
		c := &y.Clocks[i]
		if !y.runs(c) || !time.UnixMicro(nowUS).Truncate(time.Second).After(time.UnixMicro(c.DueUS)) {
			continue
		}
		c.State, c.Warned, changed = permit.ClockMissed, true, true
		act.Reason = c.ID
		switch {
		case c.Step == stepReport && c.Missed == string(rules.Block):
			y.State, y.EndedUS = Missed, nowUS
			y.done(act, "activity.missed")
		case c.Step == stepClose:
			y.done(act, "activity.overdue")
		default: // an answer or a confirmation: it stays as it is, and does not begin
			y.done(act, "activity.clock_missed")
		}
	}
	act.Reason = ""
	switch {
	case y.Waiting() && p.Ended():
		y.State, y.EndedUS, act.Reason = Cancelled, nowUS, "its permit is "+string(p.State)
		y.done(act, "activity.cancelled")
		return y, true
	case y.Waiting() && nowUS >= y.ToUS:
		y.State, y.EndedUS, act.Reason = Missed, nowUS, "its time is over"
		y.done(act, "activity.missed")
		return y, true
	case y.State == Nonconforming && pack != nil && nowUS-y.OutsideUS >= Recover(pack).Microseconds():
		y.State, y.Why = Contingent, "outside for longer than the rules let it come back"
		act.Reason = y.Why
		y.done(act, "activity.contingent")
		return y, true
	}
	return y, changed
}

// Seen is what the loop says of the vehicles of an activity that runs.
type Seen struct {
	Outside  []vehicles.VehicleID // sorted: in breach of the volumes
	Lost     []vehicles.VehicleID // whose link is lost while they may move
	Distress []vehicles.VehicleID // that say they are in distress
	AtRest   bool                 // none of them moves
}

// Observe is the activity after what the loop saw; changed is false when that says
// nothing new. What is contingent stays so until it ends.
func (x *Activity) Observe(s Seen, p *permit.Permit, pack *rules.Pack, nowUS int64) (y Activity, changed bool) {
	act := permit.Act{AtUS: nowUS}
	if !x.Running() {
		return *x, false
	}
	y = x.clone()
	if s.AtRest && (nowUS >= x.ToUS || p.Ended()) {
		act.Reason = "its time is over and its vehicles are at rest"
		y, err := x.End(act, p, pack)
		return y, err == nil
	}
	outside := s.Outside
	if len(outside) == 0 && nowUS >= x.ToUS && !s.AtRest {
		outside = x.Vehicles // a volume in time was left too
	}
	switch {
	case x.State != Contingent && len(s.Distress)+len(s.Lost) > 0:
		y.State, y.Why = Contingent, "in distress: "+names(s.Distress)
		if len(s.Distress) == 0 {
			y.Why = "link lost: " + names(s.Lost)
		}
		act.Reason = y.Why
		y.done(act, "activity.contingent")
	case x.State == Activated && len(outside) > 0:
		y.State, y.Outside, y.OutsideUS = Nonconforming, slices.Clone(outside), nowUS
		y.Left++
		act.Reason = names(outside)
		y.done(act, "activity.nonconforming")
	case x.State == Nonconforming && len(outside) == 0:
		y.State, y.Outside, y.OutsideUS = Activated, nil, 0
		y.done(act, "activity.conforming")
	default:
		return y, false
	}
	return y, true
}

func names(list []vehicles.VehicleID) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = string(id)
	}
	return strings.Join(out, ", ")
}

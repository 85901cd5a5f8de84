package activity

import (
	"fmt"
	"slices"
	"time"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
)

// The steps that a clock of an activity can be of.
const (
	stepPlan    = "plan"
	stepAnswer  = "answer"
	stepReport  = "report"
	stepConfirm = "confirm"
	stepClose   = "close"
)

// clocksOf are the clocks of the activities under a permit.
func clocksOf(p *permit.Permit, pack *rules.Pack) (rules.ActivityClocks, error) {
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return rules.ActivityClocks{}, err
	}
	if p.Application.Emergency && len(k.EmergencyActivity.Names()) > 0 {
		return k.EmergencyActivity, nil
	}
	return k.Activity, nil
}

// setClocks makes the clocks that begin with the plan, and holds its own against it.
func (x *Activity) setClocks(p *permit.Permit, pack *rules.Pack, nowUS int64, faults *[]permit.Fault) error {
	names, err := clocksOf(p, pack)
	if err != nil {
		return err
	}
	for _, c := range []struct{ step, id string }{{stepPlan, names.Plan}, {stepAnswer, names.Answer}, {stepReport, names.Report}, {stepConfirm, names.Confirm}} {
		if c.id == "" {
			continue
		}
		d, err := x.start(pack, c.step, c.id, x.FromUS, nowUS)
		if err != nil {
			return err
		}
		late := !d.Met(time.UnixMicro(nowUS))
		if late && (c.step == stepPlan || c.step == stepReport) {
			*faults = append(*faults, x.tooLate(p, pack, names, c.id, d, nowUS))
		}
	}
	if k := x.clock(stepPlan); k != nil {
		k.State, k.MetUS = permit.ClockMet, nowUS
	}
	return nil
}

// start begins a clock, in place of the one of its step.
func (x *Activity) start(pack *rules.Pack, step, id string, anchorUS, nowUS int64) (rules.Deadline, error) {
	d, err := pack.Deadline(id, time.UnixMicro(anchorUS), pack.Calendar)
	if err != nil {
		return d, err
	}
	c := permit.Clock{ID: id, Step: step, DueUS: d.At.UnixMicro(), Opens: d.Opens, Provisional: d.Provisional, State: permit.ClockOpen, Missed: string(d.Missed),
		WarnUS: d.Warn(time.UnixMicro(nowUS), pack.Alarms.DeadlineShare).UnixMicro()}
	if old := x.clock(step); old != nil {
		*old = c
	} else {
		x.Clocks = append(x.Clocks, c)
	}
	return d, nil
}

// clock is the clock of a step; nil: it has none.
func (x *Activity) clock(step string) *permit.Clock {
	for i := range x.Clocks {
		if x.Clocks[i].Step == step {
			return &x.Clocks[i]
		}
	}
	return nil
}

func (x *Activity) meet(step string, nowUS int64) {
	if c := x.clock(step); c != nil && c.State == permit.ClockOpen {
		c.State, c.MetUS = permit.ClockMet, nowUS
	}
}

// past reports whether the clock of a step has run out.
func (x *Activity) past(step string, nowUS int64) bool {
	c := x.clock(step)
	return c != nil && time.UnixMicro(nowUS).Truncate(time.Second).After(time.UnixMicro(c.DueUS))
}

// tooLate says by how much, and which begin under the permit would be in time.
func (x *Activity) tooLate(p *permit.Permit, pack *rules.Pack, names rules.ActivityClocks, id string, d rules.Deadline, cameUS int64) permit.Fault {
	f := permit.Fault{Code: "clock", Rule: "/clocks/" + id, Item: "from", Minutes: time.UnixMicro(cameUS).Sub(d.At).Minutes(),
		Message: fmt.Sprintf("%s: it had to be here by %s", pack.Clocks[id].Title.En, d.At.Format(time.RFC3339))}
	if from := x.nextStart(p, pack, names, cameUS); from != 0 {
		f.Passes = "a begin at " + local(pack, from)
	} else {
		f.Passes = "no begin within the permit's time would be in time"
	}
	return f
}

// nextStart is the earliest begin for which a plan that comes now is in time: as soon
// as the clocks let it, else at the same time of a later day. 0: there is none.
func (x *Activity) nextStart(p *permit.Permit, pack *rules.Pack, names rules.ActivityClocks, nowUS int64) int64 {
	fits := func(from time.Time) bool {
		for _, id := range []string{names.Plan, names.Report} {
			if id == "" {
				continue
			}
			if d, err := pack.Deadline(id, from, pack.Calendar); err != nil || !d.Met(time.UnixMicro(nowUS)) {
				return false
			}
		}
		us := from.UnixMicro()
		for i := range p.Application.Volumes {
			if holds(p.WindowsOf(i), us, us+x.ToUS-x.FromUS) {
				return us > nowUS
			}
		}
		return false
	}
	start := time.UnixMicro(x.FromUS).In(pack.Location())
	var candidates []time.Time
	for _, id := range []string{names.Plan, names.Report} {
		if c, ok := pack.Clocks[id]; ok && c.Before != nil {
			soon := c.Before.After(time.UnixMicro(nowUS).In(pack.Location())).Truncate(time.Minute).Add(time.Minute)
			candidates = append(candidates, soon)
		}
	}
	for days := 0; days <= 31; days++ {
		candidates = append(candidates, start.AddDate(0, 0, days))
	}
	slices.SortFunc(candidates, time.Time.Compare)
	for _, at := range candidates {
		if fits(at) {
			return at.UnixMicro()
		}
	}
	return 0
}

package activity

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/vehicles"
)

func (x *Activity) state(what string) error {
	return fmt.Errorf("%w: it is %s: %s", ErrState, x.State, what)
}

// Ready reports readiness and the expected begin, by the holder: complete, and in
// time by the pack's clock, else refused with the deadline and what would pass.
// Checked are the vehicles that were checked on the ground; they have to be all.
func (x *Activity) Readied(a permit.Act, p *permit.Permit, pack *rules.Pack, expectedUS int64, checked []vehicles.VehicleID) (Activity, error) {
	if x.State != Planned && x.State != Reported {
		return *x, x.state("readiness is reported of a planned one")
	}
	names, err := clocksOf(p, pack)
	if err != nil {
		return *x, err
	}
	if expectedUS == 0 {
		expectedUS = x.FromUS
	}
	var faults []permit.Fault
	if expectedUS < x.FromUS || expectedUS >= x.ToUS {
		faults = append(faults, permit.Fault{Code: "invalid", Item: "expected", Message: "the expected begin is not within the activity's time", Passes: local(pack, x.FromUS) + " to " + local(pack, x.ToUS)})
	}
	for _, id := range x.Vehicles {
		if !slices.Contains(checked, id) {
			faults = append(faults, permit.Fault{Code: "missing", Item: "checked", Message: fmt.Sprintf("vehicle %s was not checked before the start", id)})
		}
	}
	y := x.clone()
	if names.Report != "" {
		// The later of the planned and the expected begin counts: who says at once that it
		// begins later is in time.
		d, err := y.start(pack, stepReport, names.Report, max(x.FromUS, expectedUS), a.AtUS)
		if err != nil {
			return *x, err
		}
		if !d.Met(time.UnixMicro(a.AtUS)) {
			faults = append(faults, x.reportLate(p, pack, names, d, a.AtUS))
		}
	}
	if len(faults) > 0 {
		return *x, &permit.RulesError{Faults: faults}
	}
	y.meet(stepReport, a.AtUS)
	if names.Confirm != "" {
		if _, err := y.start(pack, stepConfirm, names.Confirm, expectedUS, a.AtUS); err != nil {
			return *x, err
		}
	}
	y.State, y.Ready = Reported, &Readiness{expectedUS, a.By.Person, a.AtUS}
	y.done(a, "activity.reported")
	return y, nil
}

// reportLate says which expected begin within the activity would be in time.
func (x *Activity) reportLate(p *permit.Permit, pack *rules.Pack, names rules.ActivityClocks, d rules.Deadline, nowUS int64) permit.Fault {
	f := x.tooLate(p, pack, names, names.Report, d, nowUS)
	f.Item = "expected"
	if c := pack.Clocks[names.Report]; c.Before != nil {
		if soon := c.Before.After(time.UnixMicro(nowUS).In(pack.Location())).Truncate(time.Minute).Add(time.Minute); soon.UnixMicro() < x.ToUS {
			f.Passes = "an expected begin at " + soon.Format(time.RFC3339)
		}
	}
	return f
}

// Confirm answers a plan, or lets what was reported begin; by another organisation
// than the holder's and by nobody who had a hand in it.
func (x *Activity) Confirm(a permit.Act) (Activity, error) {
	if err := x.fourEyes(a.By); err != nil {
		return *x, err
	}
	y := x.clone()
	switch {
	case x.State == Planned && x.AnsweredUS == 0:
		y.AnsweredUS = a.AtUS
		y.meet(stepAnswer, a.AtUS)
		y.done(a, "activity.answered")
	case x.State == Reported && a.AtUS >= x.ToUS:
		return *x, x.state("its time is over")
	case x.State == Reported:
		y.State = Confirmed
		y.meet(stepAnswer, a.AtUS)
		y.meet(stepConfirm, a.AtUS)
		y.done(a, "activity.confirmed")
	case x.State == Planned:
		return *x, x.state("its plan was answered; readiness has to be reported before it is confirmed")
	default:
		return *x, x.state("what is reported can be confirmed")
	}
	return y, nil
}

// Refuse says no, until it was activated; who confirmed may take it back so.
func (x *Activity) Refuse(a permit.Act) (Activity, error) {
	if err := x.fourEyes(a.By); err != nil {
		return *x, err
	}
	switch {
	case !x.Waiting():
		return *x, x.state("only what has not begun is refused; suspend the permit instead")
	case a.Reason == "":
		return *x, fmt.Errorf("%w: say why: the holder has to know what to do", ErrReport)
	}
	y := x.clone()
	y.meet(stepAnswer, a.AtUS)
	y.meet(stepConfirm, a.AtUS)
	y.State, y.EndedUS = Refused, a.AtUS
	y.done(a, "activity.refused")
	return y, nil
}

// fourEyes refuses who has a hand in the activity.
func (x *Activity) fourEyes(s permit.Signer) error {
	switch {
	case s.Person == "":
		return fmt.Errorf("%w: a person has to confirm, not a token", permit.ErrFourEyes)
	case s.Org == x.Org:
		return fmt.Errorf("%w: it is an activity of your own organisation", permit.ErrFourEyes)
	case slices.ContainsFunc(x.History, func(e Event) bool {
		return e.By == s.Person && (e.Act == "activity.planned" || e.Act == "activity.reported")
	}):
		return fmt.Errorf("%w: you planned or reported it", permit.ErrFourEyes)
	}
	return nil
}

// Activate lets its vehicles move, by the holder. more is what the zone and the loop
// say against it; all of it is said at once.
func (x *Activity) Activate(a permit.Act, p *permit.Permit, pack *rules.Pack, more []permit.Fault) (Activity, error) {
	if !x.Waiting() {
		return *x, x.state("only what has not begun is activated")
	}
	names, err := clocksOf(p, pack)
	if err != nil {
		return *x, err
	}
	var faults []permit.Fault
	fail := func(f permit.Fault) { faults = append(faults, f) }
	switch {
	case names.Confirm != "" && x.State != Confirmed:
		fail(permit.Fault{Code: "clock", Rule: "/clocks/" + names.Confirm, Item: "state", Message: fmt.Sprintf("it is %s and not confirmed: without that it does not begin", x.State)})
	case names.Report != "" && x.State == Planned:
		fail(permit.Fault{Code: "clock", Rule: "/clocks/" + names.Report, Item: "state", Message: "readiness was not reported"})
	}
	begin := x.FromUS
	if x.Ready != nil {
		begin = max(begin, x.Ready.ExpectedUS)
	}
	switch {
	case a.AtUS < x.FromUS:
		fail(permit.Fault{Code: "invalid", Item: "from", Message: "its time has not begun", Minutes: float64(x.FromUS-a.AtUS) / 60e6, Passes: "at " + local(pack, begin)})
	case a.AtUS >= x.ToUS:
		fail(permit.Fault{Code: "invalid", Item: "to", Message: "its time is over", Minutes: float64(a.AtUS-x.ToUS) / 60e6, Passes: "plan another"})
	}
	why := p.Hindrance(pack, a.AtUS)
	if why == "" { // and until it ends: an insurance that lapses during it does not do
		why = p.Hindrance(pack, x.ToUS-1)
	}
	if why != "" {
		fail(permit.Fault{Code: "permit", Item: "permit", Message: why})
	}
	for _, id := range x.Vehicles {
		if !slices.Contains(p.Allowed(), id) {
			fail(permit.Fault{Code: "vehicle", Item: "vehicles", Message: fmt.Sprintf("vehicle %s is none of the permit's any more", id)})
		}
	}
	x.crewFaults(p, pack, &faults)
	if faults = append(faults, more...); len(faults) > 0 {
		return *x, &permit.RulesError{Faults: faults}
	}
	y := x.clone()
	y.State, y.ActivatedUS = Activated, a.AtUS
	y.done(a, "activity.activated")
	return y, nil
}

// End says that its vehicles are at rest: by the holder, a controller, or the loop.
func (x *Activity) End(a permit.Act, p *permit.Permit, pack *rules.Pack) (Activity, error) {
	if !x.Running() {
		return *x, x.state("only what runs is ended; what has not begun is cancelled")
	}
	y := x.clone()
	y.State, y.EndedUS, y.Outside, y.OutsideUS = Ended, a.AtUS, nil, 0
	if pack != nil {
		if names, err := clocksOf(p, pack); err == nil && names.Close != "" {
			if _, err := y.start(pack, stepClose, names.Close, a.AtUS, a.AtUS); err != nil {
				return *x, err
			}
		}
	}
	y.done(a, "activity.ended")
	return y, nil
}

// Cancel gives up what has not begun, by the holder.
func (x *Activity) Cancel(a permit.Act) (Activity, error) {
	if !x.Waiting() {
		return *x, x.state("only what has not begun is cancelled")
	}
	y := x.clone()
	y.State, y.EndedUS = Cancelled, a.AtUS
	y.done(a, "activity.cancelled")
	return y, nil
}

// Close takes the report of what was done, by the holder. One that comes late is taken
// and marked.
func (x *Activity) Close(a permit.Act, r EndReport) (Activity, error) {
	switch {
	case x.State != Ended:
		return *x, x.state("the report is of one that ended")
	case r.BegunUS < x.ActivatedUS || r.EndedUS < r.BegunUS || r.EndedUS > a.AtUS:
		return *x, fmt.Errorf("%w: it began after its activation, ended after its begin and not in the future", ErrReport)
	case r.Takeovers < 0 || r.Takeovers > 10_000 || utf8.RuneCountInString(r.Text) > maxText:
		return *x, fmt.Errorf("%w: 0 to 10,000 takeovers and %d characters", ErrReport, maxText)
	case r.Incidents && r.Text == "":
		return *x, fmt.Errorf("%w: say what happened; it stays in the journal: no personal data", ErrReport)
	}
	y := x.clone()
	r.By, r.AtUS, r.Late = a.By.Person, a.AtUS, x.past(stepClose, a.AtUS)
	if c := y.clock(stepClose); c != nil {
		if c.State, c.MetUS = permit.ClockMet, a.AtUS; r.Late {
			c.State = permit.ClockMissed
		}
	}
	y.State, y.Report = Closed, &r
	y.done(a, "activity.closed")
	return y, nil
}

// Overdue reports whether the report of what ended is late.
func (x *Activity) Overdue(nowUS int64) bool { return x.State == Ended && x.past(stepClose, nowUS) }

package permit

import (
	"fmt"
	"slices"
	"time"

	"testzone/airspace/rules"
)

// clocksOf are the clocks that a submission starts, by the pack.
func (p *Permit) clocksOf(k *rules.Kind) []string {
	if p.Application.Emergency && len(k.EmergencyClocks) > 0 {
		return k.EmergencyClocks
	}
	return k.Clocks
}

// anchor is the moment that a clock counts from, as far as a permit knows it.
func (p *Permit) anchor(a rules.Anchor, submittedUS int64) (us int64, ok bool) {
	switch a {
	case "planned_start", "take_off", "valid_from":
		return p.Application.FromUS, true
	case "valid_to":
		return p.Application.ToUS, true
	case "submitted":
		return submittedUS, true
	}
	return 0, false // of events that are none of the permit's
}

// setClocks makes the clocks of a submission at a moment. A clock that refuses what
// comes late is held against it: a start that did not change against the first
// submission, another one against now, so that moving the start back repairs
// nothing.
func (p *Permit) setClocks(pack *rules.Pack, k *rules.Kind, steps []rules.Step, nowUS int64) *Fault {
	came := nowUS
	if p.Submitted != nil && p.Submitted.FromUS == p.Application.FromUS && p.Submitted.Emergency == p.Application.Emergency {
		came = p.SubmittedUS
	}
	old := p.Clocks
	p.Clocks = nil
	stepOf := map[string]string{}
	ids := append([]string(nil), p.clocksOf(k)...)
	for _, s := range steps {
		if s.Clock == "" {
			continue
		}
		if _, there := stepOf[s.Clock]; !there && !slices.Contains(ids, s.Clock) && !p.Application.Emergency {
			ids = append(ids, s.Clock)
		}
		stepOf[s.Clock] = s.ID
	}
	for _, id := range ids {
		if k.Extension != nil && k.Extension.Clock == id && p.Application.Subtype != "renewal" {
			continue // from when to ask for a renewal is none of a first application's
		}
		rule := pack.Clocks[id]
		us, ok := p.anchor(rule.Anchor, came)
		if !ok {
			continue
		}
		d, err := pack.Deadline(id, time.UnixMicro(us), pack.Calendar)
		if err != nil {
			return &Fault{Code: "clock", Rule: "/clocks/" + id, Message: err.Error()}
		}
		c := Clock{ID: id, Step: stepOf[id], DueUS: d.At.UnixMicro(), Opens: d.Opens, Provisional: d.Provisional, State: ClockOpen, Missed: string(d.Missed),
			WarnUS: d.Warn(time.UnixMicro(came), pack.Alarms.DeadlineShare).UnixMicro()}
		if c.Step == "" && rule.Missed == rules.Escalate { // e.g. the answer to an emergency, which no step names
			c.Step = lastStep(steps)
		}
		if rule.Missed == rules.Refuse {
			if !d.Met(time.UnixMicro(came)) {
				f := p.tooLate(pack, id, d, came)
				return &f
			}
			c.State, c.MetUS = ClockMet, came
		}
		for _, o := range old { // what was met, warned of or missed for the same time stays so
			if o.ID == id && o.DueUS == c.DueUS {
				c.State, c.MetUS, c.Warned = o.State, o.MetUS, o.Warned
			}
		}
		p.Clocks = append(p.Clocks, c)
	}
	return nil
}

// tooLate says by how much, and which start would be in time.
func (p *Permit) tooLate(pack *rules.Pack, id string, d rules.Deadline, cameUS int64) Fault {
	f := Fault{Code: "clock", Rule: "/clocks/" + id, Item: "window", Minutes: time.UnixMicro(cameUS).Sub(d.At).Minutes(),
		Message: fmt.Sprintf("%s: it had to be here by %s", pack.Clocks[id].Title.En, d.At.Format(time.RFC3339))}
	start := time.UnixMicro(p.Application.FromUS).In(pack.Location())
	for days := 1; days <= 31; days++ {
		next := start.AddDate(0, 0, days)
		if n, err := pack.Deadline(id, next, pack.Calendar); err == nil && n.Met(time.UnixMicro(cameUS)) {
			f.Passes = "a planned start at " + next.Format(time.RFC3339)
			break
		}
	}
	return f
}

// meet ends the open clocks of a step.
func (p *Permit) meet(step string, nowUS int64) {
	for i := range p.Clocks {
		c := &p.Clocks[i]
		if c.Step == step && step != "" && c.State == ClockOpen {
			c.State, c.MetUS = ClockMet, nowUS
		}
	}
}

// lastStep is the step that the departments sign in.
func lastStep(steps []rules.Step) (id string) {
	for _, s := range steps {
		if s.SignOff {
			id = s.ID
		}
	}
	return id
}

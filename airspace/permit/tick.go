package permit

import (
	"fmt"
	"math"
	"slices"
	"time"

	"testzone/airspace/rules"
)

// Due is when the clock has something to do for the permit next; math.MaxInt64: never.
func (p *Permit) Due() int64 {
	due := int64(math.MaxInt64)
	switch p.State {
	case rules.Approved:
		if due = p.ToUS; p.Waits == "" {
			due = min(due, p.FromUS)
		}
	case rules.Effective, rules.Suspended:
		due = p.ToUS
	case rules.Submitted, rules.UnderReview, rules.InformationRequested:
	default:
		return due
	}
	for _, c := range p.Clocks {
		if c.State == ClockOpen && !c.Opens && c.Step != "" {
			if c.Warned {
				due = min(due, c.DueUS+1)
			} else {
				due = min(due, c.WarnUS)
			}
		}
	}
	return due
}

// Tick is the permit after what the clock does to it at a moment; changed is false
// when that is nothing. The clock approves nothing: a missed one escalates. Without
// its pack (nil) a permit still ends.
func (p *Permit) Tick(pack *rules.Pack, nowUS int64) (q Permit, changed bool) {
	q = p.clone()
	act := Act{AtUS: nowUS}
	for i := range q.Clocks {
		c := &q.Clocks[i]
		if c.State != ClockOpen || c.Opens || c.Step == "" || q.Ended() || q.State == rules.Draft {
			continue
		}
		late := time.UnixMicro(nowUS).Truncate(time.Second).After(time.UnixMicro(c.DueUS))
		switch {
		case late:
			c.State, c.Warned = ClockMissed, true
			act.Reason = c.ID
			q.done(act, "permit.clock_missed")
			changed = true
		case !c.Warned && nowUS >= c.WarnUS:
			c.Warned = true
			act.Reason = c.ID
			q.done(act, "permit.clock_warned")
			changed = true
		}
	}
	act.Reason = ""
	switch {
	case q.HoldsRoom() && nowUS >= q.ToUS:
		q.State, q.Step, q.EndedUS, q.Waits = rules.Expired, "", nowUS, ""
		q.done(act, "permit.expired")
		return q, true
	case pack != nil && q.State == rules.Approved && nowUS >= q.FromUS:
		why := q.hindrance(pack, nowUS)
		switch {
		case why == "":
			q.State, q.Step, q.Waits, q.EffectiveUS = rules.Effective, "", "", nowUS
			q.done(act, "permit.effective")
			return q, true
		case why != q.Waits:
			q.Waits, act.Reason = why, why
			q.done(act, "permit.waits")
			return q, true
		}
	}
	return q, changed
}

// hindrance is why an approved permit cannot be effective; empty: nothing.
func (p *Permit) hindrance(pack *rules.Pack, nowUS int64) string {
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return err.Error()
	}
	if step, open := p.at(pack); open {
		return fmt.Sprintf("step %s is not passed", step.ID)
	}
	if pack.Status != rules.PackInForce && (p.Override == nil || p.Override.Pack != pack.Key()) {
		return fmt.Sprintf("the rule pack %s is %s: an override has to be signed", pack.Key(), pack.Status)
	}
	if len(p.tier(pack).Treatment.Disclosure) > 0 && (p.PublishedUS == 0 || p.PublishedUS > p.FromUS) {
		return "it was not public before its begin"
	}
	for _, name := range k.Insurance {
		if !slices.ContainsFunc(p.Application.Insurance, func(have Policy) bool {
			return have.Kind == name && suffices(pack.Insurance[name], &have) && have.FromUS <= nowUS && nowUS < have.ToUS
		}) {
			return fmt.Sprintf("the insurance %s is not in force", name)
		}
	}
	return ""
}

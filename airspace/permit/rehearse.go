package permit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"testzone/airspace/rules"
)

// SimulatedAfter is how long a simulated department takes for its answer, by the clock
// of the sandbox. Where a clock of the law or the planned start comes soon it takes half
// of the time until that.
const SimulatedAfter = time.Hour

// SimulatedBy begins the name of each simulated person.
const SimulatedBy = "simulated:"

// Trigger is a word in the title of a rehearsal that says what a simulated department
// does. "sim:reject@police" is for one department, "sim:reject" for whichever is asked
// first.
type Trigger string

// The triggers. Without one everything is approved.
const (
	SimReturn     Trigger = "sim:return"     // asks for more information, once
	SimReject     Trigger = "sim:reject"     // refuses
	SimConditions Trigger = "sim:conditions" // approves with the condition of an observer on site
	SimSilent     Trigger = "sim:silent"     // never answers: without a department none does
	SimRevoke     Trigger = "sim:revoke"     // revokes it after it became effective
)

// triggered reports whether the title has a trigger for a department.
func (p *Permit) triggered(t Trigger, dept string) bool {
	return slices.ContainsFunc(strings.Fields(p.Application.Title), func(word string) bool {
		name, of, only := strings.Cut(word, "@")
		return name == string(t) && (!only || of == dept)
	})
}

// Rehearse is a rehearsal after the next thing that happens to it by itself, at or
// before a moment of the sandbox's clock: a simulated department answers, a simulated
// controller signs the override, or a clock of the pack warns, is missed, begins or ends
// it. changed is false when nothing is due.
func (p *Permit) Rehearse(pack *rules.Pack, toUS int64) (q Permit, changed bool, err error) {
	if !p.Rehearsal {
		return *p, false, nil
	}
	atUS, act := p.simulated(pack)
	const second = int64(time.Second / time.Microsecond)
	// Clocks are looked at each second, as those of others are.
	if due := p.Due(); due < toUS-second && (act == nil || due < atUS) {
		if q, changed = p.Tick(pack, max((due/second+1)*second, p.UpdatedUS)); changed {
			return q, true, nil
		}
	}
	if act == nil || atUS > toUS || p.room() != nil {
		return *p, false, nil
	}
	q, err = act()
	return q, err == nil, err
}

// simulated is what simulated people do next, and when; nil: nothing.
func (p *Permit) simulated(pack *rules.Pack) (atUS int64, act func() (Permit, error)) {
	by := func(dept string) Act {
		return Act{By: Signer{Person: SimulatedBy + cmp.Or(dept, "controller"), Org: "simulated", Department: dept}, AtUS: atUS, Reason: "simulated"}
	}
	required, _ := p.Asked(pack)
	for _, dept := range required {
		may, last := p.May(dept, pack)
		if len(last) > 0 || p.triggered(SimSilent, dept) {
			continue
		}
		atUS = max(p.answersUS(p.WaitingUS()), p.UpdatedUS)
		r := p.simulatedReview(dept, may, pack)
		return atUS, func() (Permit, error) { return p.Review(by(dept), pack, r) }
	}
	switch {
	case p.State == rules.Approved && pack.Status != rules.PackInForce && p.Override == nil && len(required) == 0:
		atUS = max(p.answersUS(p.PublishedUS), p.UpdatedUS)
		return atUS, func() (Permit, error) { return p.SignOverride(by(""), pack) }
	case p.State == rules.Effective && len(p.Decisions) > 0 && p.triggered(SimRevoke, p.Decisions[0].Department):
		atUS = min(p.EffectiveUS+SimulatedAfter.Microseconds(), p.EffectiveUS+(p.ToUS-p.EffectiveUS)/2)
		return atUS, func() (Permit, error) { return p.Revoke(by(p.Decisions[0].Department), false) }
	}
	return 0, nil
}

// answersUS is when an answer comes to what is asked since a moment.
func (p *Permit) answersUS(sinceUS int64) int64 {
	after := SimulatedAfter.Microseconds()
	until := []int64{p.Application.FromUS}
	if c, ok := p.Deadline(); ok {
		until = append(until, c.DueUS)
	}
	for _, us := range until {
		if left := us - sinceUS; left > 0 {
			after = min(after, left/2)
		}
	}
	return sinceUS + after
}

// simulatedReview is what a simulated department says in the step that is open.
func (p *Permit) simulatedReview(dept string, may []Verdict, pack *rules.Pack) Review {
	r := Review{DocHash: p.DocHash, Judgements: map[string]bool{}}
	for _, name := range p.tier(pack).Treatment.Judgements {
		r.Judgements[name] = true
	}
	said := func(v Verdict) bool {
		return slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Verdict == v && (d.Department == dept || !p.named(dept)) })
	}
	for _, c := range []struct {
		trigger Trigger
		verdict Verdict
	}{{SimReturn, Return}, {SimReject, Reject}, {SimConditions, ApproveWithConditions}, {"", Approve}, {"", Pass}} {
		if !slices.Contains(may, c.verdict) || c.trigger != "" && (!p.triggered(c.trigger, dept) || said(c.verdict)) {
			continue
		}
		if r.Verdict = c.verdict; c.verdict == ApproveWithConditions {
			r.Conditions = Terms{Observer: true, Notes: []string{"simulated"}}
		}
		break
	}
	return r
}

// named reports whether the title has a trigger for exactly a department.
func (p *Permit) named(dept string) bool {
	return slices.ContainsFunc(strings.Fields(p.Application.Title), func(word string) bool {
		name, of, _ := strings.Cut(word, "@")
		return strings.HasPrefix(name, "sim:") && of == dept
	})
}

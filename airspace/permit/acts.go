package permit

import (
	"fmt"
	"slices"

	"testzone/airspace/rules"
)

// Draft begins a permit with an application that may be incomplete.
func Draft(id, org string, a Act, app Application, pack *rules.Pack) (Permit, error) {
	p := Permit{ID: id, Org: org, State: rules.Draft, Pack: pack.Key(), CreatedUS: a.AtUS}
	if err := p.put(a, app); err != nil {
		return Permit{}, err
	}
	p.done(a, "permit.drafted")
	return p, nil
}

// put takes a revision of the application.
func (p *Permit) put(a Act, app Application) (err error) {
	if err = app.check(); err != nil {
		return err
	}
	if p.DocHash, err = app.Hash(); err != nil {
		return err
	}
	p.Application = app
	if a.By.Person != "" && !slices.Contains(p.Prepared, a.By.Person) {
		p.Prepared = append(p.Prepared, a.By.Person)
	}
	return nil
}

// Edit replaces the application: of a draft, or when information was requested.
func (p *Permit) Edit(a Act, app Application) (Permit, error) {
	if p.State != rules.Draft && p.State != rules.InformationRequested {
		return *p, fmt.Errorf("%w: an application is edited as a draft, or when information is requested; this one is %s", ErrState, p.State)
	}
	if err := p.noSigner(a.By); err != nil {
		return *p, err
	}
	q := p.clone()
	if q.Submitted != nil && (app.Kind != q.Submitted.Kind || app.Crew != q.Submitted.Crew || app.Subtype != q.Submitted.Subtype) {
		return *p, fmt.Errorf("%w: what kind of permit it is does not change after the submission: withdraw it and apply anew", ErrState)
	}
	if err := q.put(a, app); err != nil {
		return *p, err
	}
	if err := q.room(); err != nil {
		return *p, err
	}
	q.done(a, "permit.edited")
	return q, nil
}

func (p *Permit) room() error {
	if len(p.History) >= maxHistory {
		return fmt.Errorf("%w: it took %d acts already: withdraw it and apply anew", ErrState, maxHistory)
	}
	return nil
}

// Submit hands the application in, first or after information was requested. more
// are the faults that the zone found beside the pack's.
func (p *Permit) Submit(a Act, pack *rules.Pack, more []Fault) (Permit, error) {
	if p.State != rules.Draft && p.State != rules.InformationRequested {
		return *p, fmt.Errorf("%w: it is %s and was submitted before", ErrState, p.State)
	}
	if err := p.noSigner(a.By); err != nil {
		return *p, err
	}
	if err := p.room(); err != nil {
		return *p, err
	}
	q := p.clone()
	if q.Submitted == nil {
		q.Pack = pack.Key()
	}
	faults := append(q.Check(pack, a.AtUS), more...)
	q.Tier = q.tier(pack).Tier
	k, err := pack.Kind(q.Application.Kind)
	if err == nil {
		q.Domain = k.Domain
		if f := q.setClocks(pack, &k, k.StepsOf(q.Facts(pack)), a.AtUS); f != nil {
			faults = append(faults, *f)
		}
	}
	if len(faults) > 0 {
		return *p, &RulesError{faults}
	}
	q.voidChanged(&k)
	if q.Submitted == nil {
		q.SubmittedUS = a.AtUS
	}
	q.keepSeen(a.AtUS)
	app := q.Application
	q.Submitted = &app
	if a.By.Person != "" && !slices.Contains(q.Prepared, a.By.Person) {
		q.Prepared = append(q.Prepared, a.By.Person)
	}
	q.State = rules.Submitted
	if err := q.advance(pack, a.AtUS); err != nil {
		return *p, err
	}
	q.done(a, "permit.submitted")
	return q, nil
}

// voidChanged voids the decisions of the departments that watch what changed since
// the last submission, and every one that was not for it.
func (p *Permit) voidChanged(k *rules.Kind) {
	if p.Submitted == nil {
		return
	}
	items, all := p.Submitted.changed(&p.Application)
	for i := range p.Decisions {
		d := &p.Decisions[i]
		watched, some := k.SignOff.Watch[d.Department]
		switch {
		case d.Verdict == Return: // it is answered
			d.Void = true
		case all, !some && len(items) > 0, some && slices.ContainsFunc(items, func(id string) bool { return slices.Contains(watched, id) }):
			d.Void = true
		}
	}
}

// Withdraw takes an application back, by its applicant.
func (p *Permit) Withdraw(a Act) (Permit, error) {
	switch p.State {
	case rules.Draft, rules.Submitted, rules.UnderReview, rules.InformationRequested, rules.Approved:
		q := p.clone()
		q.State, q.Step, q.EndedUS = rules.Withdrawn, "", a.AtUS
		q.done(a, "permit.withdrawn")
		return q, nil
	}
	return *p, fmt.Errorf("%w: it is %s", ErrState, p.State)
}

// Insure gives the permit other policies, by its holder: its time follows them,
// never beyond what was approved.
func (p *Permit) Insure(a Act, pack *rules.Pack, policies []Policy) (Permit, error) {
	if !p.HoldsRoom() {
		return *p, fmt.Errorf("%w: it is %s; policies of an application are edited in it", ErrState, p.State)
	}
	if err := p.room(); err != nil {
		return *p, err
	}
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return *p, err
	}
	q := p.clone()
	q.Application.Insurance = slices.Clone(policies)
	c := checker{p: &q, a: &q.Application, pack: pack, kind: &k, nowUS: a.AtUS}
	if err := q.Application.check(); err != nil {
		return *p, err
	}
	if c.insurance(); len(c.faults) > 0 {
		return *p, &RulesError{c.faults}
	}
	q.ToUS, q.Waits = min(q.ApprovedToUS, q.insuredTo(pack, &k)), ""
	if q.ToUS <= q.FromUS {
		return *p, fmt.Errorf("%w: these policies leave nothing of its time", ErrState)
	}
	q.done(a, "permit.insured")
	return q, nil
}

// SignOverride lets the permit become effective under a pack that is not in force.
func (p *Permit) SignOverride(a Act, pack *rules.Pack) (Permit, error) {
	switch {
	case p.Ended() || p.State == rules.Draft:
		return *p, fmt.Errorf("%w: it is %s", ErrState, p.State)
	case pack.Status == rules.PackInForce:
		return *p, fmt.Errorf("%w: the rule pack %s is in force, nothing is overridden", ErrState, pack.Key())
	case a.Reason == "":
		return *p, fmt.Errorf("%w: an override has a reason", ErrVerdict)
	}
	if err := p.room(); err != nil {
		return *p, err
	}
	if err := p.fourEyes(a.By); err != nil {
		return *p, err
	}
	if slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Signer == a.By.Person }) {
		return *p, fmt.Errorf("%w: you signed for a department", ErrFourEyes)
	}
	q := p.clone()
	q.Waits = "" // the clock looks anew
	q.Override = &Override{a.By.Person, a.AtUS, a.Reason, pack.Key()}
	q.done(a, "permit.override_signed")
	return q, nil
}

// Suspend stops what the permit allows for now; endNow: its vehicles end at once,
// else they finish and recover.
func (p *Permit) Suspend(a Act, endNow bool) (Permit, error) {
	return p.halt(a, endNow, "permit.suspended", rules.Suspended, rules.Effective)
}

// Revoke ends a permit for good.
func (p *Permit) Revoke(a Act, endNow bool) (Permit, error) {
	return p.halt(a, endNow, "permit.revoked", rules.Revoked, rules.Approved, rules.Effective, rules.Suspended)
}

func (p *Permit) halt(a Act, endNow bool, act string, to rules.State, from ...rules.State) (Permit, error) {
	switch {
	case !slices.Contains(from, p.State):
		return *p, fmt.Errorf("%w: it is %s", ErrState, p.State)
	case a.Reason == "":
		return *p, fmt.Errorf("%w: say why: the holder has to know what to do", ErrVerdict)
	}
	q := p.clone()
	q.State, q.EndNow = to, endNow
	if to == rules.Revoked {
		q.Step, q.EndedUS = "", a.AtUS
	}
	q.done(a, act)
	return q, nil
}

// Resume makes a suspended permit effective again.
func (p *Permit) Resume(a Act, pack *rules.Pack) (Permit, error) {
	switch {
	case p.State != rules.Suspended:
		return *p, fmt.Errorf("%w: it is %s", ErrState, p.State)
	case a.Reason == "":
		return *p, fmt.Errorf("%w: record what was reviewed and that the cause is cleared", ErrVerdict)
	}
	q := p.clone()
	if why := q.hindrance(pack, a.AtUS); why != "" {
		return *p, fmt.Errorf("%w: %s", ErrState, why)
	}
	q.State, q.EndNow = rules.Effective, false
	q.done(a, "permit.resumed")
	return q, nil
}

// fourEyes refuses who has a hand in the application.
func (p *Permit) fourEyes(s Signer) error {
	switch {
	case s.Person == "":
		return fmt.Errorf("%w: a person has to sign, not a token", ErrFourEyes)
	case slices.Contains(p.Prepared, s.Person):
		return fmt.Errorf("%w: you prepared this application", ErrFourEyes)
	case s.Org == p.Org:
		return fmt.Errorf("%w: it is an application of your own organisation", ErrFourEyes)
	}
	return nil
}

// noSigner refuses who signed it from having a hand in the application afterwards.
func (p *Permit) noSigner(s Signer) error {
	signed := func(d Decision) bool { return d.Signer == s.Person && s.Person != "" }
	if slices.ContainsFunc(p.Decisions, signed) || p.Override != nil && p.Override.By == s.Person && s.Person != "" {
		return fmt.Errorf("%w: you signed for a side that looks at this application", ErrFourEyes)
	}
	return nil
}

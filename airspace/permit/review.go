package permit

import (
	"fmt"
	"slices"
	"strings"

	"testzone/airspace/rules"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Review is what a department says about the revision that it looked at.
type Review struct {
	Verdict    Verdict
	DocHash    string
	Conditions Terms
	Judgements map[string]bool
	Reference  string
}

// Review takes a department's verdict. The permit is approved with the last one
// that is needed; whoever calls then has to see that its room is free.
func (p *Permit) Review(a Act, pack *rules.Pack, r Review) (Permit, error) {
	step, open := p.at(pack)
	switch {
	case p.State != rules.Submitted && p.State != rules.UnderReview && p.State != rules.Approved || !open:
		return *p, fmt.Errorf("%w: it is %s and nothing is to be reviewed", ErrState, p.State)
	case r.DocHash != p.DocHash:
		return *p, ErrRevision
	}
	if err := p.Hindered(a.By); err != nil {
		return *p, err
	}
	if err := p.room(); err != nil {
		return *p, err
	}
	if err := p.verdictFault(pack, &step, a, &r); err != nil {
		return *p, err
	}
	q := p.clone()
	q.Decisions = append(q.Decisions, Decision{
		Step: step.ID, Department: a.By.Department, Verdict: r.Verdict, Conditions: r.Conditions, Judgements: r.Judgements, Reason: a.Reason,
		Reference: r.Reference, Signer: a.By.Person, AtUS: a.AtUS, Pack: pack.Key(), DocHash: r.DocHash,
	})
	switch r.Verdict {
	case Return:
		q.State = rules.InformationRequested
	case Reject:
		q.State, q.Step, q.EndedUS = rules.Refused, "", a.AtUS
		q.meet(step.ID, a.AtUS)
	default:
		if err := q.advance(pack, a.AtUS); err != nil {
			return *p, err
		}
	}
	q.done(a, "permit.reviewed")
	return q, nil
}

// twoHats refuses who signed for another department, or overrode the rule pack.
func (p *Permit) twoHats(s Signer) error {
	if p.Override != nil && p.Override.By == s.Person {
		return fmt.Errorf("%w: you overrode its rule pack", ErrFourEyes)
	}
	for _, d := range p.Decisions {
		if d.Signer == s.Person && d.Department != s.Department {
			return fmt.Errorf("%w: you signed this one for %s", ErrFourEyes, d.Department)
		}
	}
	return nil
}

// verdictFault says why a department cannot say this in this step.
func (p *Permit) verdictFault(pack *rules.Pack, step *rules.Step, a Act, r *Review) error {
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return err
	}
	dept := a.By.Department
	required, advises := step.By, false
	if step.SignOff {
		required = pack.Signers(k, p.Facts(pack))
		advises = slices.Contains(k.SignOff.Advise, dept) && !slices.Contains(required, dept)
	}
	if dept == "" || !slices.Contains(required, dept) && !advises {
		return fmt.Errorf("%w: %s is at step %s, which asks %s", ErrNotAsked, p.ID, step.ID, strings.Join(required, ", "))
	}
	if said := p.said(step.ID, dept); said != nil && !advises {
		return fmt.Errorf("%w: %s said %s already", ErrState, dept, said.Verdict)
	}
	var may []Verdict
	switch {
	case advises:
		may = []Verdict{AdviseFor, AdviseAgainst}
	case step.SignOff:
		may = []Verdict{Approve, ApproveWithConditions, Reject}
	default:
		may = []Verdict{Pass, Reject}
	}
	if step.Returns && !advises {
		may = append(may, Return)
	}
	switch {
	case !slices.Contains(may, r.Verdict):
		return fmt.Errorf("%w: %s in step %s: use one of %v", ErrVerdict, r.Verdict, step.ID, may)
	case a.Reason == "" && slices.Contains([]Verdict{Return, Reject, AdviseAgainst}, r.Verdict):
		return fmt.Errorf("%w: %s has a reason", ErrVerdict, r.Verdict)
	case step.SignOff && r.Verdict.positive() && dept == k.SignOff.Decides && p.unsigned(step, required, dept) != nil:
		return fmt.Errorf("%w: %s decides last; still to sign: %s", ErrState, dept, strings.Join(p.unsigned(step, required, dept), ", "))
	}
	if err := p.judged(pack, step, r); err != nil {
		return err
	}
	return p.conditionFault(r)
}

// judged holds the compliance review of tier high: all judgements are recorded,
// and none is no, before the sign-off opens.
func (p *Permit) judged(pack *rules.Pack, step *rules.Step, r *Review) error {
	missing, no := []string{}, []string{}
	for _, name := range p.tier(pack).Treatment.Judgements {
		yes, known := r.Judgements[name]
		for _, d := range p.Decisions {
			if v, ok := d.Judgements[name]; ok && !d.Void && !known {
				yes, known = v, true
			}
		}
		switch {
		case !known:
			missing = append(missing, name)
		case !yes:
			no = append(no, name)
		}
	}
	last := step.ID == p.beforeSignOff(pack)
	switch {
	case (r.Verdict == Pass && last || r.Verdict.positive()) && len(missing) > 0:
		return fmt.Errorf("%w: record first whether it is %s (Article 65)", ErrVerdict, strings.Join(missing, ", "))
	case (r.Verdict == Pass || r.Verdict.positive()) && len(no) > 0:
		return fmt.Errorf("%w: it was found not %s: return or reject it", ErrVerdict, strings.Join(no, ", "))
	}
	return nil
}

// beforeSignOff is the last step by departments before they sign.
func (p *Permit) beforeSignOff(pack *rules.Pack) (id string) {
	for _, s := range p.steps(pack) {
		if s.SignOff {
			return id
		}
		if len(s.By) > 0 {
			id = s.ID
		}
	}
	return id
}

func (p *Permit) conditionFault(r *Review) error {
	c := &r.Conditions
	bare := len(c.Vehicles) == 0 && c.Ceiling == nil && c.FromUS == 0 && c.ToUS == 0 && c.SpeedMPS == 0 && !c.Observer && len(c.Notes) == 0
	if bare != (r.Verdict != ApproveWithConditions) {
		return fmt.Errorf("%w: conditions come with approve_with_conditions, and with nothing else", ErrVerdict)
	}
	if bare {
		return nil
	}
	merged, err := p.terms(append(p.conditions(), *c))
	if err != nil {
		return err
	}
	if from, to := p.span(merged); from >= to {
		return fmt.Errorf("%w: with all conditions no time is left: reject it instead", ErrVerdict)
	}
	return nil
}

// conditions are those that departments made and that hold.
func (p *Permit) conditions() (out []Terms) {
	for _, d := range p.Decisions {
		if d.Verdict == ApproveWithConditions && !d.Void {
			out = append(out, d.Conditions)
		}
	}
	return out
}

// terms are conditions together: the tightest holds.
func (p *Permit) terms(all []Terms) (out Terms, err error) {
	for _, c := range all {
		if len(c.Vehicles) > 0 {
			if out.Vehicles == nil {
				out.Vehicles = p.Application.Vehicles
			}
			out.Vehicles = slices.DeleteFunc(slices.Clone(out.Vehicles), func(id vehicles.VehicleID) bool { return !slices.Contains(c.Vehicles, id) })
			if len(out.Vehicles) == 0 {
				return out, fmt.Errorf("%w: with all conditions no vehicle is left: reject it instead", ErrVerdict)
			}
		}
		if h := c.Ceiling; h != nil {
			if err := p.ceilingFault(h); err != nil {
				return out, err
			}
			if out.Ceiling == nil || h.MM < out.Ceiling.MM {
				out.Ceiling = h
			}
		}
		if c.SpeedMPS < 0 || c.SpeedMPS != c.SpeedMPS {
			return out, fmt.Errorf("%w: a speed is above 0", ErrVerdict)
		}
		if c.SpeedMPS > 0 && (out.SpeedMPS == 0 || c.SpeedMPS < out.SpeedMPS) {
			out.SpeedMPS = c.SpeedMPS
		}
		out.FromUS = max(out.FromUS, c.FromUS)
		if c.ToUS != 0 && (out.ToUS == 0 || c.ToUS < out.ToUS) {
			out.ToUS = c.ToUS
		}
		out.Observer = out.Observer || c.Observer
		out.Notes = append(out.Notes, c.Notes...)
	}
	return out, nil
}

// ceilingFault is why a ceiling cannot be a condition: heights of different datums
// are not compared, and it has to leave room above each floor.
func (p *Permit) ceilingFault(h *Height) error {
	if d, ok := geo.ParseDatum(h.Datum); !ok || d == geo.NoDatum {
		return fmt.Errorf("%w: datum %q of the ceiling", ErrVerdict, h.Datum)
	}
	for i := range p.Application.Volumes {
		v := &p.Application.Volumes[i]
		for _, o := range []*Height{v.Ceiling, v.Floor} {
			if o != nil && o.Datum != h.Datum {
				return fmt.Errorf("%w: the ceiling is %s, volume %d has its heights %s: use its datum", ErrVerdict, h.Datum, i, o.Datum)
			}
		}
		if v.Floor != nil && h.MM <= v.Floor.MM {
			return fmt.Errorf("%w: the ceiling leaves nothing of volume %d: reject it instead", ErrVerdict, i)
		}
	}
	return nil
}

// span is the time that is left of what was applied for.
func (p *Permit) span(t Terms) (fromUS, toUS int64) {
	fromUS, toUS = max(p.Application.FromUS, t.FromUS), p.Application.ToUS
	if t.ToUS != 0 {
		toUS = min(toUS, t.ToUS)
	}
	return fromUS, toUS
}

// steps are those of the pack that the application goes through.
func (p *Permit) steps(pack *rules.Pack) []rules.Step {
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return nil
	}
	return k.StepsOf(p.Facts(pack))
}

// said is what a department said in a step, if that holds and was no return.
func (p *Permit) said(step, dept string) *Decision {
	for i := range p.Decisions {
		if d := &p.Decisions[i]; d.Step == step && d.Department == dept && !d.Void && d.Verdict != Return && d.Verdict != AdviseFor && d.Verdict != AdviseAgainst {
			return d
		}
	}
	return nil
}

// unsigned are the departments but one that have to sign yet.
func (p *Permit) unsigned(step *rules.Step, required []string, but string) (out []string) {
	for _, dept := range required {
		if d := p.said(step.ID, dept); dept != but && (d == nil || !d.Verdict.positive()) {
			out = append(out, dept)
		}
	}
	return out
}

// passed reports whether all that a step asks for is there.
func (p *Permit) passed(pack *rules.Pack, s *rules.Step) bool {
	if s.SignOff {
		k, err := pack.Kind(p.Application.Kind)
		if err != nil {
			return false
		}
		signers := pack.Signers(k, p.Facts(pack))
		return len(signers) > 0 && len(p.unsigned(s, signers, "")) == 0
	}
	return !slices.ContainsFunc(s.By, func(dept string) bool { d := p.said(s.ID, dept); return d == nil || d.Verdict != Pass })
}

// at is the first step that is not passed.
func (p *Permit) at(pack *rules.Pack) (step rules.Step, open bool) {
	for _, s := range p.steps(pack) {
		if !p.passed(pack, &s) {
			return s, true
		}
	}
	return rules.Step{}, false
}

// Asked are the departments that have to say something now, and those that may advise.
func (p *Permit) Asked(pack *rules.Pack) (required, advise []string) {
	if p.State != rules.Submitted && p.State != rules.UnderReview && p.State != rules.Approved {
		return nil, nil
	}
	step, open := p.at(pack)
	if !open {
		return nil, nil
	}
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return nil, nil
	}
	if !step.SignOff {
		for _, dept := range step.By {
			if p.said(step.ID, dept) == nil {
				required = append(required, dept)
			}
		}
		return required, nil
	}
	return p.unsigned(&step, pack.Signers(k, p.Facts(pack)), ""), k.SignOff.Advise
}

// advance moves the permit to the step that is open, and approves it when the
// departments have signed.
func (p *Permit) advance(pack *rules.Pack, nowUS int64) error {
	signed := false
	for _, s := range p.steps(pack) {
		if !p.passed(pack, &s) {
			p.Step = s.ID
			if p.State = s.State; p.State != rules.Approved {
				return nil
			}
			if !signed { // a pack whose plates come before its signatures
				p.State = rules.UnderReview
				return nil
			}
			return p.approve(nowUS, pack)
		}
		signed = signed || s.SignOff
		p.meet(s.ID, nowUS)
	}
	p.Step = ""
	if !signed {
		return fmt.Errorf("%w: the procedure of %s has no signature in it", ErrState, p.Application.Kind)
	}
	p.State = rules.Approved
	return p.approve(nowUS, pack)
}

// approve sets what was granted, once.
func (p *Permit) approve(nowUS int64, pack *rules.Pack) error {
	p.State, p.Waits = rules.Approved, ""
	if p.ApprovedToUS != 0 {
		return nil
	}
	terms, err := p.terms(p.conditions())
	if err != nil {
		return err
	}
	k, err := pack.Kind(p.Application.Kind)
	if err != nil {
		return err
	}
	p.Terms = &terms
	p.FromUS, p.ApprovedToUS = p.span(terms)
	p.FromUS = max(p.FromUS, nowUS)
	p.ToUS = min(p.ApprovedToUS, p.insuredTo(pack, &k))
	if p.FromUS >= p.ToUS {
		return fmt.Errorf("%w: nothing is left of its time: reject it", ErrState)
	}
	p.PublishedUS = nowUS
	return nil
}

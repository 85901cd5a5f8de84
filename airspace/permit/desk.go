package permit

import (
	"slices"

	"testzone/airspace/rules"
)

// Desk is where an application lies on a department's desk.
type Desk string

// The places. One permit lies in one of them, or in none.
const (
	DeskWaiting     Desk = "waiting"     // the department has to say something now
	DeskAdvice      Desk = "advice"      // it may
	DeskInformation Desk = "information" // the applicant is asked for more
	DeskSigned      Desk = "signed"      // it said its part, others did not yet
	DeskDecided     Desk = "decided"     // nothing is open, and it had a part in it
)

// DeskOf is where the permit lies for a department; empty: nowhere, it is none of
// its business.
func (p *Permit) DeskOf(dept string, pack *rules.Pack) Desk {
	if dept == "" || p.SubmittedUS == 0 {
		return ""
	}
	required, advise := p.Asked(pack)
	spoke := slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Department == dept })
	switch {
	case slices.Contains(required, dept):
		return DeskWaiting
	case !spoke && slices.Contains(advise, dept):
		return DeskAdvice
	case !spoke && !slices.Contains(p.parties(pack), dept):
		return ""
	case p.State == rules.InformationRequested:
		return DeskInformation
	case p.State == rules.Submitted, p.State == rules.UnderReview:
		if spoke {
			return DeskSigned
		}
		return "" // its turn comes
	}
	return DeskDecided
}

// parties are the departments that the procedure asks at some time.
func (p *Permit) parties(pack *rules.Pack) (out []string) {
	for _, s := range p.steps(pack) {
		out = append(out, s.By...)
	}
	if k, err := pack.Kind(p.Application.Kind); err == nil {
		out = append(out, pack.Signers(k, p.Facts(pack))...)
		out = append(out, k.SignOff.Advise...)
	}
	return out
}

// WaitingUS is since when the step at hand is open: the last submission, or the last
// verdict of a step before it.
func (p *Permit) WaitingUS() int64 {
	at := p.SubmittedUS
	for _, e := range p.History {
		if e.Act == "permit.submitted" {
			at = max(at, e.AtUS)
		}
	}
	for i := range p.Decisions {
		if d := &p.Decisions[i]; d.Step != p.Step && !d.Void {
			at = max(at, d.AtUS)
		}
	}
	return at
}

// Deadline is the clock that the step at hand ends by, else the next one that runs for
// the permit; false when none does. One that was missed stays the deadline: silence is
// never consent.
func (p *Permit) Deadline() (c Clock, ok bool) {
	for _, own := range []bool{true, false} {
		for _, o := range p.Clocks {
			if o.Opens || o.State == ClockMet || own != (o.Step == p.Step && o.Step != "") {
				continue
			}
			if !ok || o.DueUS < c.DueUS {
				c, ok = o, true
			}
		}
		if ok {
			break
		}
	}
	return c, ok
}

// Block is one thing that keeps a permit from its next state.
type Block struct {
	Code string   // information, waits_for, judgements, override, waits
	Of   []string // departments, judgements or a text
}

// Blocks is what keeps the permit from its next state, whoever has to do it.
func (p *Permit) Blocks(pack *rules.Pack) (out []Block) {
	switch p.State {
	case rules.InformationRequested:
		by := []string{}
		for i := range p.Decisions {
			if d := &p.Decisions[i]; d.Verdict == Return && !d.Void {
				by = append(by, d.Department)
			}
		}
		return []Block{{"information", by}}
	case rules.Submitted, rules.UnderReview, rules.Approved:
	default:
		return nil
	}
	if required, _ := p.Asked(pack); len(required) > 0 {
		out = append(out, Block{"waits_for", required})
	}
	if missing := p.unjudged(pack); len(missing) > 0 && p.State != rules.Approved {
		out = append(out, Block{"judgements", missing})
	}
	if pack.Status != rules.PackInForce && p.Override == nil {
		out = append(out, Block{Code: "override"})
	}
	if p.Waits != "" {
		out = append(out, Block{"waits", []string{p.Waits}})
	}
	return out
}

// unjudged are the judgements of the tier that nobody recorded yet.
func (p *Permit) unjudged(pack *rules.Pack) (out []string) {
	for _, name := range p.tier(pack).Treatment.Judgements {
		if !slices.ContainsFunc(p.Decisions, func(d Decision) bool { _, known := d.Judgements[name]; return known && !d.Void }) {
			out = append(out, name)
		}
	}
	return out
}

// Procedure are the steps of the pack that the application goes through.
func (p *Permit) Procedure(pack *rules.Pack) []rules.Step { return p.steps(pack) }

// Treatment is what the risk tier asks of the application: of the checklist the lines
// that apply to it.
func (p *Permit) Treatment(pack *rules.Pack) rules.Treatment {
	t, f := p.tier(pack).Treatment, p.Facts(pack)
	t.Checklist = slices.DeleteFunc(slices.Clone(t.Checklist), func(l rules.ChecklistItem) bool { return !asked(&l, f) })
	return t
}

// May are the verdicts that a department can give now, and why it can give none to
// which others are open: it decides last.
func (p *Permit) May(dept string, pack *rules.Pack) (may []Verdict, last []string) {
	required, advise := p.Asked(pack)
	asks, advises := slices.Contains(required, dept), slices.Contains(advise, dept)
	step, open := p.at(pack)
	k, err := pack.Kind(p.Application.Kind)
	if !open || err != nil || !asks && !advises {
		return nil, nil
	}
	switch {
	case !asks:
		return []Verdict{AdviseFor, AdviseAgainst}, nil
	case step.SignOff:
		may = []Verdict{Approve, ApproveWithConditions, Reject}
		if dept == k.SignOff.Decides {
			last = p.unsigned(&step, pack.Signers(k, p.Facts(pack)), dept)
		}
	default:
		may = []Verdict{Pass, Reject}
	}
	if len(last) > 0 {
		may = []Verdict{Reject}
	}
	if step.Returns {
		may = append(may, Return)
	}
	return may, last
}

// Hindered is why somebody cannot sign this application whatever the department says:
// an ErrFourEyes, or nil.
func (p *Permit) Hindered(s Signer) error {
	if err := p.fourEyes(s); err != nil {
		return err
	}
	return p.twoHats(s)
}

// Revision is a submission that was replaced by a later one, kept because a department
// looked at it: what changed since is shown to it.
type Revision struct {
	DocHash     string      `json:"doc_hash"`
	AtUS        int64       `json:"at_us"`
	Application Application `json:"application"`
}

// maxSeen bounds the revisions that are kept.
const maxSeen = 4

// keepSeen keeps the submission that is replaced if it is the newest that some
// department spoke about, and drops those that are none's any more.
func (p *Permit) keepSeen(atUS int64) {
	if p.Submitted == nil {
		return
	}
	hash, err := p.Submitted.Hash()
	if err != nil || hash == p.DocHash {
		return
	}
	newest := map[string]string{}
	for i := range p.Decisions {
		newest[p.Decisions[i].Department] = p.Decisions[i].DocHash
	}
	looked := func(hash string) bool {
		for _, h := range newest {
			if h == hash {
				return true
			}
		}
		return false
	}
	seen := slices.DeleteFunc(slices.Clone(p.Seen), func(r Revision) bool { return !looked(r.DocHash) || r.DocHash == hash })
	if looked(hash) {
		seen = append(seen, Revision{hash, atUS, *p.Submitted})
	}
	p.Seen = seen[max(0, len(seen)-maxSeen):]
}

// SeenBy is the revision that a department spoke about last, if it is another one than
// that at hand and is kept.
func (p *Permit) SeenBy(dept string) (*Revision, bool) {
	hash := ""
	for i := range p.Decisions {
		if p.Decisions[i].Department == dept {
			hash = p.Decisions[i].DocHash
		}
	}
	i := slices.IndexFunc(p.Seen, func(r Revision) bool { return r.DocHash == hash })
	if i < 0 || hash == p.DocHash {
		return nil, false
	}
	return &p.Seen[i], true
}

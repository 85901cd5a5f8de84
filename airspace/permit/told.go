package permit

import "testzone/airspace/rules"

// Told is the name under which others are told of the i-th act of a permit's history; a
// verdict is told by what it led to. Not ok: nobody is told.
func Told(p *Permit, i int) (name string, ok bool) {
	e := &p.History[i]
	switch e.Act {
	case "permit.reviewed":
		was := rules.Submitted
		if i > 0 {
			was = p.History[i-1].State
		}
		switch {
		case e.State == was, e.State == rules.UnderReview:
			return "permit.signed", true
		case e.State == rules.Approved, e.State == rules.Refused, e.State == rules.InformationRequested:
			return "permit." + string(e.State), true
		}
		return "", false
	case "permit.submitted", "permit.withdrawn", "permit.waits", "permit.effective", "permit.suspended", "permit.resumed", "permit.revoked", "permit.expired",
		"permit.clock_warned", "permit.clock_missed":
		return e.Act, true
	}
	return "", false
}

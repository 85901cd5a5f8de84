package rules

import "slices"

// ClassOf is the class of an aircraft: the first whose conditions all hold. What
// is not known of it counts against a lighter class.
func (p *Pack) ClassOf(f Facts) string {
	for i := range p.UAV.Classes {
		if t, _ := p.UAV.Classes[i].Needs.Judge(f, nil); t == Yes {
			return p.UAV.Classes[i].Class
		}
	}
	return ""
}

// NeedsApplication says whether a flight needs one, and the rule that decides:
// a trigger, or else the first exemption that matches. What is not known counts
// as the case that needs an application; open are the facts that would help.
func (p *Pack) NeedsApplication(f Facts) (needs bool, by Rule, open []Leaf) {
	for _, r := range p.UAV.Triggers {
		if t, leaves := r.When.Judge(f, nil); t != No {
			return true, r, unknown(leaves)
		}
	}
	for _, r := range p.UAV.Exemptions {
		t, leaves := r.When.Judge(f, nil)
		open = append(open, unknown(leaves)...)
		if t == Yes || t == Unknown && r.Applies {
			return r.Applies, r, open
		}
	}
	return true, Rule{}, open
}

func unknown(leaves []Leaf) []Leaf {
	return slices.DeleteFunc(leaves, func(l Leaf) bool { return l.Truth != Unknown })
}

// TierOf is the risk tier of an application: the first that holds or that what is
// not known leaves possible. An operator may raise it, never lower it.
func (p *Pack) TierOf(f Facts) Tier {
	for _, t := range p.Tiers {
		if truth, _ := t.When.Judge(f, nil); truth != No {
			return t
		}
	}
	return p.Tiers[0] // not reached: the last one holds always
}

// Signers are the departments that have to approve an application, in the order
// of the pack; a condition that cannot be judged asks its departments too.
func (p *Pack) Signers(k Kind, f Facts) (out []string) {
	asked := slices.Clone(k.SignOff.Required)
	for _, c := range k.SignOff.Conditional {
		if t, _ := c.When.Judge(f, nil); t != No {
			asked = append(asked, c.Required...)
		}
	}
	for _, d := range p.Departments {
		if slices.Contains(asked, d.ID) {
			out = append(out, d.ID)
		}
	}
	return out
}

// StepsOf are the steps that an application goes through; one whose condition
// cannot be judged is not left out.
func (k *Kind) StepsOf(f Facts) (out []Step) {
	for _, s := range k.Steps {
		if s.When != nil {
			if t, _ := s.When.Judge(f, nil); t == No {
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// ItemsOf are the items that an application states, those it must and all.
func (k *Kind) ItemsOf(subtype, crew string) (must, all []string) {
	all = k.Items
	if instead, ok := k.SubtypeItems[subtype]; ok {
		all = instead
	}
	all = slices.Concat(all, k.CrewItems[crew])
	for _, id := range all {
		if !slices.Contains(k.Optional, id) {
			must = append(must, id)
		}
	}
	return must, all
}

// GatesOf are the gates of a kind for a crew.
func (k *Kind) GatesOf(crew string) (out []string) {
	for _, g := range k.Gates {
		if g.Crew == "" || g.Crew == crew {
			out = append(out, g.Gate)
		}
	}
	return out
}

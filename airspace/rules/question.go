package rules

import (
	"slices"
	"strings"
)

// Question is a fact that an applicant is asked to declare.
type Question struct {
	Fact, Scope string
	Kind        FactKind
	Words       []string // that the conditions tell apart; of Word only
}

// derived are the facts that follow from an application: nobody declares them.
var derived = []string{"kind", "domain", "tier", "subtype", "crew", "scenario", "vehicles", "uav.class"}

// Derived reports whether a fact follows from the application itself.
func Derived(fact string) bool { return slices.Contains(derived, fact) }

// Questions are the facts that the conditions about a kind ask of the applicant, in
// the order in which the pack asks: classes of aircraft, risk tiers, who signs,
// steps, then the kind's gates. What is asked of each vehicle by itself is not among
// them, nor what the kind decides already.
func (p *Pack) Questions(kind string) []Question {
	k, err := p.Kind(kind)
	if err != nil {
		return nil
	}
	a := newAsker(kind, &k)
	if k.Domain == "uav" {
		for i := range p.UAV.Classes {
			a.ask(&p.UAV.Classes[i].Needs)
		}
	}
	for i := range p.Tiers {
		a.ask(&p.Tiers[i].When)
		for _, line := range p.Tiers[i].Treatment.Checklist {
			a.ask(line.When)
		}
	}
	for i := range k.SignOff.Conditional {
		a.ask(&k.SignOff.Conditional[i].When)
	}
	for _, s := range k.Steps {
		a.ask(s.When)
	}
	for _, g := range k.Gates {
		needs := p.Gates[g.Gate].Needs
		a.ask(&needs)
	}
	return a.out
}

// Scenarios are the tags that the conditions about any kind tell apart.
func (p *Pack) Scenarios() (out []string) {
	for _, k := range p.Kinds {
		for i := range k.SignOff.Conditional {
			out = k.SignOff.Conditional[i].When.words("scenario", out)
		}
	}
	for i := range p.Tiers {
		out = p.Tiers[i].When.words("scenario", out)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// parts are the conditions directly in a condition.
func (c *Condition) parts() []Condition {
	out := slices.Concat(c.All, c.Any)
	if c.Not != nil {
		out = append(out, *c.Not)
	}
	return out
}

// asker collects the questions about a kind.
type asker struct {
	known Known // what follows from the kind
	out   []Question
}

func newAsker(name string, k *Kind) *asker {
	a := asker{known: Known{"kind": name, "domain": k.Domain}}
	if len(k.Crews) == 0 {
		a.known["crew"] = ""
	}
	for fact, kind := range facts {
		if of, _, _ := strings.Cut(fact, "."); kind == YesNo && of != k.Domain && (of == "uav" || of == "usv") {
			a.known[fact] = false // a boat is no aircraft
		}
	}
	return &a
}

// ask adds the facts of a condition that are not yet among the questions. A part that
// the kind decides already asks nothing.
func (a *asker) ask(c *Condition) {
	if c == nil {
		return
	}
	if t, _ := c.Judge(a.known, nil); t != Unknown {
		return
	}
	for _, part := range c.parts() {
		a.ask(&part)
	}
	if c.Fact == "" || Derived(c.Fact) {
		return
	}
	at := slices.IndexFunc(a.out, func(q Question) bool { return q.Fact == c.Fact && q.Scope == c.Scope })
	if at < 0 {
		a.out, at = append(a.out, Question{Fact: c.Fact, Scope: c.Scope, Kind: facts[c.Fact]}), len(a.out)
	}
	q := &a.out[at]
	for _, w := range c.In {
		if !slices.Contains(q.Words, w) {
			q.Words = append(q.Words, w)
		}
	}
}

// words adds those that a condition tells apart in a fact.
func (c *Condition) words(fact string, out []string) []string {
	for _, part := range c.parts() {
		out = part.words(fact, out)
	}
	if c.Fact == fact {
		out = append(out, c.In...)
	}
	return out
}

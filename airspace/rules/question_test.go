package rules

import (
	"slices"
	"testing"
)

// TestQuestions: a kind asks what its conditions need to be judged, and nothing that
// it decides itself.
func TestQuestions(t *testing.T) {
	p := shanghai(t)
	asks := func(kind, fact, scope string) bool {
		return slices.ContainsFunc(p.Questions(kind), func(q Question) bool { return q.Fact == fact && q.Scope == scope })
	}
	for _, c := range []struct {
		kind, fact, scope string
		want              bool
	}{
		{"uav.flight", "uav.mtow_kg", "", true},
		{"uav.flight", "uav.over_crowd", "", true},
		{"uav.flight", "data.biometric", "", true},
		{"uav.flight", "road.public", "", false},
		{"uav.flight", "uav.class", "", false}, // follows
		{"usv.channel_test", "usv.shared_fairway", "", true},
		{"usv.channel_test", "uav.mtow_kg", "", false},
		{"usv.channel_test", "airspace.controlled", "", false},
		{"icv.road_test", "road.public", "", true},
		{"icv.demo_application", "auto_km", "same_segments", true},
		{"site.use", "auto_km", "same_segments", false},
	} {
		if got := asks(c.kind, c.fact, c.scope); got != c.want {
			t.Errorf("%s asks %s@%s: %v", c.kind, c.fact, c.scope, got)
		}
	}
	if p.Questions("none") != nil {
		t.Error("no such kind asks nothing")
	}
}

// TestQuestionsSuffice: who answers all that is asked leaves no tier and no signer open.
func TestQuestionsSuffice(t *testing.T) {
	p := shanghai(t)
	for name, k := range p.Kinds {
		f := newAsker(name, &k).known
		f["crew"], f["tier"], f["uav.class"], f["subtype"], f["vehicles"], f["scenario"] = "", "low", "light", "first", 1.0, ""
		for _, q := range p.Questions(name) {
			at := q.Fact
			if q.Scope != "" {
				at += "@" + q.Scope
			}
			f[at] = map[FactKind]any{YesNo: false, Word: "none", Number: 0.0}[q.Kind]
		}
		for i := range p.Tiers {
			if truth, leaves := p.Tiers[i].When.Judge(f, nil); truth == Unknown {
				t.Errorf("%s: tier %s stays open: %v", name, p.Tiers[i].Tier, unknown(leaves))
			}
		}
		for _, c := range k.SignOff.Conditional {
			if truth, leaves := c.When.Judge(f, nil); truth == Unknown {
				t.Errorf("%s: a signer stays open: %v", name, unknown(leaves))
			}
		}
	}
}

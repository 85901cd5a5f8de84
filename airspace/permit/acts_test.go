package permit

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace/rules"
	"testzone/vehicles"
)

func TestEveryKindBecomesEffectiveByItsDepartments(t *testing.T) {
	for _, pack := range packsOf(t).All() {
		for name, k := range pack.Kinds {
			crews := k.Crews
			if len(crews) == 0 {
				crews = []string{""}
			}
			for _, crew := range crews {
				if name == "icv.commercial" || name == "icv.demo_application" || name == "icv.demo_operation" {
					continue // their gates ask for records of each vehicle: TestGate
				}
				t.Run(pack.Key()+" "+name+" "+crew, func(t *testing.T) {
					from := noon + 5*day
					p := reviewed(t, pack, submitted(t, pack, complete(pack, name, crew, from, from+3600_000_000)), noon+day)
					if p.State != rules.Approved {
						t.Fatalf("after all departments it is %s at %s", p.State, p.Step)
					}
					p, _ = p.Tick(pack, from)
					if pack.Status != rules.PackInForce {
						if p.State != rules.Approved || !strings.Contains(p.Waits, "override") {
							t.Fatalf("under a pack that is %s it is %s, waits for %q", pack.Status, p.State, p.Waits)
						}
						var err error
						if p, err = p.SignOverride(Act{By: Signer{Person: "p_ctl", Org: "zone"}, AtUS: from, Reason: "trial of the procedure"}, pack); err != nil {
							t.Fatal(err)
						}
						p, _ = p.Tick(pack, from+1)
					}
					if p.State != rules.Effective {
						t.Fatalf("at its begin it is %s: %s", p.State, p.Waits)
					}
					if p, _ = p.Tick(pack, p.ToUS); p.State != rules.Expired {
						t.Errorf("at its end it is %s", p.State)
					}
				})
			}
		}
	}
}

func TestWhoMaySign(t *testing.T) {
	pack := packOf(t, shanghai)
	p := submitted(t, pack, complete(pack, "uav.flight", "", noon+5*day, noon+5*day+3600_000_000))
	ok := Review{Verdict: Approve, DocHash: p.DocHash}
	for _, c := range []struct {
		name string
		who  Signer
		r    Review
		want error
	}{
		{"who prepared it", Signer{"p_app", "atm", "atm"}, ok, ErrFourEyes},
		{"of the own organisation", Signer{"p_2", "acme", "atm"}, ok, ErrFourEyes},
		{"a token without a person", Signer{"", "atm", "atm"}, ok, ErrFourEyes},
		{"a department that is not asked", Signer{"p_3", "maritime", "maritime"}, ok, ErrNotAsked},
		{"nobody's department", Signer{"p_3", "zone", ""}, ok, ErrNotAsked},
		{"of another revision", Signer{"p_atm", "atm", "atm"}, Review{Verdict: Approve, DocHash: "old"}, ErrRevision},
		{"who only advises", Signer{"p_police", "police", "police"}, ok, ErrVerdict},
		{"a refusal without a reason", Signer{"p_atm", "atm", "atm"}, Review{Verdict: Reject, DocHash: p.DocHash}, ErrVerdict},
		{"conditions that are none", Signer{"p_atm", "atm", "atm"}, Review{Verdict: ApproveWithConditions, DocHash: p.DocHash}, ErrVerdict},
		{"the one that decides", Signer{"p_atm", "atm", "atm"}, ok, nil},
	} {
		q, err := p.Review(Act{By: c.who, AtUS: noon}, pack, c.r)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if want := map[bool]rules.State{true: rules.Approved, false: rules.UnderReview}[c.want == nil]; q.State != want {
			t.Errorf("%s: it is %s", c.name, q.State)
		}
	}
	// The same approval once more finds nothing to sign.
	q, _ := p.Review(by("atm", noon), pack, ok)
	if _, err := q.Review(by("atm", noon), pack, ok); !errors.Is(err, ErrState) {
		t.Errorf("a second approval: %v", err)
	}
}

func TestNobodySignsForTwoDepartments(t *testing.T) {
	pack := packOf(t, shanghai)
	p := submitted(t, pack, complete(pack, "usv.channel_test", "", noon+5*day, noon+6*day))
	site := Signer{Person: "p_1", Org: "site", Department: "site"}
	p, err := p.Review(Act{By: site, AtUS: noon}, pack, Review{Verdict: Pass, DocHash: p.DocHash})
	if err != nil {
		t.Fatal(err)
	}
	moved := Signer{Person: "p_1", Org: "econ-info", Department: "econ_info"}
	if _, err := p.Review(Act{By: moved, AtUS: noon}, pack, Review{Verdict: Approve, DocHash: p.DocHash}); !errors.Is(err, ErrFourEyes) {
		t.Errorf("one person for two departments: %v", err)
	}
	// Who decides signs last.
	if _, err := p.Review(by("maritime", noon), pack, Review{Verdict: Approve, DocHash: p.DocHash}); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "econ_info") {
		t.Errorf("the deciding department before the others: %v", err)
	}
}

func TestEditVoidsWhatWatchedIt(t *testing.T) {
	pack := packOf(t, shanghai)
	pack.Kinds["uav.flight"] = func() rules.Kind { // police has to sign too, and watches the window
		k := pack.Kinds["uav.flight"]
		k.SignOff.Required = []string{"atm", "police"}
		k.SignOff.Advise = nil
		return k
	}()
	for _, c := range []struct {
		name string
		edit func(*Application)
		void bool
	}{
		{"a field that it does not watch", func(a *Application) { a.Items["comms"] = Item{Text: "radio 123.45"} }, false},
		{"a field that it watches", func(a *Application) { a.ToUS -= 60_000_000 }, true},
		{"a fact that belongs to no item", func(a *Application) { a.Facts["uav.beyond_line_of_sight"] = true }, true},
	} {
		app := complete(pack, "uav.flight", "", noon+5*day, noon+5*day+3600_000_000)
		app.Insurance[0].ToUS += day
		app.People[0].LicenceUS += day
		p := submitted(t, pack, app)
		p, err := p.Review(by("police", noon), pack, Review{Verdict: Approve, DocHash: p.DocHash})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Edit(byApplicant(noon), app); !errors.Is(err, ErrState) {
			t.Errorf("%s: edit under review: %v", c.name, err)
		}
		if p, err = p.Review(by("atm", noon), pack, Review{Verdict: Return, DocHash: p.DocHash}); err != nil || p.State != rules.InformationRequested {
			t.Fatal(p.State, err)
		}
		next := complete(pack, "uav.flight", "", app.FromUS, app.ToUS)
		next.Insurance, next.People = slices.Clone(app.Insurance), app.People
		c.edit(&next)
		if p, err = p.Edit(byApplicant(noon+1), next); err == nil {
			p, err = p.Submit(byApplicant(noon+2), pack, nil)
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if asked, _ := p.Asked(pack); slices.Contains(asked, "police") != c.void {
			t.Errorf("%s: asked again: %v", c.name, asked)
		}
	}
}

func TestInsuranceCutsThePermit(t *testing.T) {
	pack := packOf(t, shanghai)
	from := noon + 5*day
	app := complete(pack, "icv.road_test", "driver", from, from+100*day)
	app.Insurance[0].ToUS = from + 10*day
	p := reviewed(t, pack, submitted(t, pack, app), noon+day)
	if p.ToUS != from+10*day || p.ApprovedToUS != from+100*day {
		t.Fatalf("it ends %d days after its begin, approved for %d", (p.ToUS-from)/day, (p.ApprovedToUS-from)/day)
	}
	longer := slices.Clone(app.Insurance)
	longer[0].ToUS = from + 1000*day
	p, err := p.Insure(byApplicant(noon+2*day), pack, longer)
	if err != nil || p.ToUS != from+100*day {
		t.Errorf("with longer insurance it ends %d days after its begin: %v", (p.ToUS-from)/day, err)
	}
	for _, c := range []struct {
		name string
		more Policy
		end  int64 // days after the begin
	}{
		{"one that follows", Policy{FromUS: from + 10*day, ToUS: from + 30*day}, 30},
		{"one after a gap", Policy{FromUS: from + 11*day, ToUS: from + 30*day}, 10},
		{"another one of a smaller sum", Policy{FromUS: from, ToUS: from + 30*day, PerVehicleCNY: 1}, 10},
	} {
		two := slices.Clone(app.Insurance)
		first := &two[1] // the one with a sum
		two[0].ToUS, first.ToUS = from+1000*day, from+10*day
		c.more.Kind, c.more.Insurer, c.more.Number = first.Kind, first.Insurer, "2"
		if c.more.PerVehicleCNY == 0 {
			c.more.PerVehicleCNY = first.PerVehicleCNY
		}
		q, err := p.Insure(byApplicant(noon+2*day), pack, append(two, c.more))
		if err != nil || q.ToUS != from+c.end*day {
			t.Errorf("%s: it ends %d days after its begin, want %d: %v", c.name, (q.ToUS-from)/day, c.end, err)
		}
	}
	begins := p.clone()
	begins.FromUS = from + 20*day // as a department decided
	if q, err := begins.Insure(byApplicant(noon+2*day), pack, app.Insurance); !errors.Is(err, ErrState) {
		t.Errorf("policies that end before its begin: until %d days after it: %v", (q.ToUS-from)/day, err)
	}
	poor := slices.Clone(longer)
	poor[1].PerVehicleCNY = 1
	if _, err := p.Insure(byApplicant(noon+2*day), pack, poor); !errors.Is(err, ErrRules) {
		t.Errorf("with a smaller sum: %v", err)
	}
}

func TestConditionsTightestWins(t *testing.T) {
	pack := packOf(t, shanghai)
	from := noon + 5*day
	p := submitted(t, pack, complete(pack, "uav.flight", "", from, from+3600_000_000))
	terms := Terms{Vehicles: []vehicles.VehicleID{"v-2"}, Ceiling: &Height{60_000, "agl"}, FromUS: from + 60_000_000, ToUS: from + 600_000_000, SpeedMPS: 8, Observer: true}
	p, err := p.Review(by("atm", noon), pack, Review{Verdict: ApproveWithConditions, DocHash: p.DocHash, Conditions: terms})
	if err != nil {
		t.Fatal(err)
	}
	p, _ = p.SignOverride(Act{By: Signer{Person: "p_ctl", Org: "zone"}, AtUS: noon, Reason: "trial"}, pack)
	if q, _ := p.Tick(pack, from); q.State != rules.Approved {
		t.Errorf("before the begin that the condition sets it is %s", q.State)
	}
	p, _ = p.Tick(pack, from+60_000_000)
	g, ok := p.Grant(from + 60_000_000)
	if !ok || g.State != GrantEffective || len(g.Vehicles) != 1 || g.Vehicles[0] != "v-2" || g.SpeedMPS != 8 || g.Areas[0].Ceiling.MM != 60_000 || !g.To.Equal(time.UnixMicro(from+600_000_000)) {
		t.Errorf("%+v", g)
	}
	for _, v := range p.Volumes() {
		if v.Ceiling.MM != 60_000 || v.ToUS != from+600_000_000 {
			t.Errorf("it takes the room of %+v", v)
		}
	}
	fresh := submitted(t, pack, complete(pack, "uav.flight", "", from, from+3600_000_000))
	bad := Terms{Ceiling: &Height{60_000, "amsl"}}
	if _, err := fresh.Review(by("atm", noon), pack, Review{Verdict: ApproveWithConditions, DocHash: fresh.DocHash, Conditions: bad}); !errors.Is(err, ErrVerdict) {
		t.Errorf("a ceiling of another datum: %v", err)
	}
}

func TestSuspendResumeRevoke(t *testing.T) {
	pack := packOf(t, shanghai)
	from := noon + 5*day
	p := reviewed(t, pack, submitted(t, pack, complete(pack, "uav.flight", "", from, from+3600_000_000)), noon)
	p, _ = p.SignOverride(Act{By: Signer{Person: "p_ctl", Org: "zone"}, AtUS: noon, Reason: "trial"}, pack)
	p, _ = p.Tick(pack, from)
	now := from + 1
	p, err := p.Suspend(by("atm", now), false)
	if g, ok := p.Grant(now); err != nil || !ok || g.State != GrantSuspended || g.EndNow {
		t.Fatal(g.State, err)
	}
	p, err = p.Resume(by("atm", now), pack)
	if g, _ := p.Grant(now); err != nil || g.State != GrantEffective {
		t.Fatal(g.State, err)
	}
	if _, err := p.Revoke(Act{By: Signer{Person: "p_atm", Org: "atm", Department: "atm"}, AtUS: now}, true); !errors.Is(err, ErrVerdict) {
		t.Errorf("revoked without a reason: %v", err)
	}
	p, err = p.Revoke(by("atm", now), true)
	if g, ok := p.Grant(now); err != nil || !ok || g.State != GrantEnding || !g.EndNow {
		t.Fatal(g.State, err)
	}
	if _, ok := p.Grant(now + EndedKept.Microseconds() + 1); ok {
		t.Error("a grant is listed for ever")
	}
	if _, err := p.Resume(by("atm", now), pack); !errors.Is(err, ErrState) {
		t.Errorf("resumed after the revocation: %v", err)
	}
}

// TestOneHandOnly: who signed does not edit or submit what was returned, and who
// overrode the rule pack signs for no department.
func TestOneHandOnly(t *testing.T) {
	pack := packOf(t, "generic@1")
	p := submitted(t, pack, complete(pack, "usv.channel_test", "", noon+5*day, noon+6*day))
	p, err := p.Review(by("authority", noon), pack, Review{Verdict: Return, DocHash: p.DocHash})
	if err != nil {
		t.Fatal(err)
	}
	signer := Act{By: Signer{Person: "p_authority", Org: "acme"}, AtUS: noon}
	if _, err := p.Edit(signer, p.Application); !errors.Is(err, ErrFourEyes) {
		t.Errorf("who returned it edits it: %v", err)
	}
	if _, err := p.Submit(signer, pack, nil); !errors.Is(err, ErrFourEyes) {
		t.Errorf("who returned it submits it: %v", err)
	}
	if p, err = p.Submit(byApplicant(noon), pack, nil); err != nil {
		t.Fatal(err)
	}
	other := Act{By: Signer{Person: "p_other", Org: "authority", Department: "authority"}, AtUS: noon, Reason: "trial year"}
	if p, err = p.SignOverride(other, pack); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Review(other, pack, Review{Verdict: Pass, DocHash: p.DocHash}); !errors.Is(err, ErrFourEyes) {
		t.Errorf("who overrode the pack signs: %v", err)
	}
}

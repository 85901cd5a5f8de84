package permit

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"testzone/airspace/rules"
)

var figures = flag.Bool("figures", false, "print the figures; without it a short form runs")

// walk does random acts of random people to one permit and reports whether it was
// effective, and what was against that if anything was.
func walk(pack *rules.Pack, kind, crew string, r *rand.Rand) (effective int, wrong string) {
	app := complete(pack, kind, crew, noon+5*day, noon+25*day)
	revisions := map[string]Application{}
	now := noon
	p, err := Draft("pm_1", "acme", byApplicant(now), app, pack)
	if err != nil {
		return 0, err.Error()
	}
	people := []Signer{{"p_app", "acme", ""}, {"p_app", "atm", "atm"}, {"p_ctl", "zone", ""}, {"", "atm", "atm"}}
	for _, d := range pack.Departments {
		people = append(people, Signer{"p_" + d.ID, d.ID, d.ID}, Signer{"p_2" + d.ID, d.ID, d.ID}, Signer{"p_everywhere", d.ID, d.ID}, Signer{"p_3", "acme", d.ID})
	}
	verdicts := []Verdict{Pass, Approve, ApproveWithConditions, AdviseFor, Return, Reject}
	for range 120 {
		now += int64(r.IntN(10)) * 3600_000_000
		a := Act{By: people[r.IntN(len(people))], AtUS: now, Reason: "so"}
		q := p
		var err error
		act := r.IntN(14)
		if act <= 2 && r.IntN(5) > 0 { // mostly the applicants; else a department had its hand in it
			a.By = people[0]
		}
		switch act {
		case 0:
			next := p.Application
			next.Title = fmt.Sprint("trial ", r.IntN(1000))
			if r.IntN(2) == 0 {
				next.Title = p.Application.Title
				next.Items = map[string]Item{}
				for id, item := range p.Application.Items {
					next.Items[id] = item
				}
				next.Items["comms"] = Item{Text: fmt.Sprint(r.IntN(1000))}
				if _, has := p.Application.Items["comms"]; !has {
					delete(next.Items, "comms")
				}
			}
			q, err = p.Edit(a, next)
		case 1, 2:
			q, err = p.Submit(a, pack, nil)
		case 3:
			if r.IntN(20) == 0 {
				q, err = p.Withdraw(a)
			}
		case 4:
			q, err = p.Suspend(a, r.IntN(2) == 0)
		case 5:
			q, err = p.Resume(a, pack)
		case 6:
			if r.IntN(10) == 0 {
				q, err = p.Revoke(a, true)
			}
		case 7:
			q, err = p.SignOverride(a, pack)
		case 8:
			q, _ = p.Tick(pack, now)
		default:
			v := Review{Verdict: verdicts[r.IntN(len(verdicts))], DocHash: p.DocHash}
			if v.Verdict == Reject && r.IntN(10) > 0 {
				continue
			}
			if dept, next, ok := p.next(pack); ok && r.IntN(4) > 0 { // else hardly anybody gets to the end
				a.By, v = Signer{"p_" + dept, dept, dept}, next
			}
			if r.IntN(10) == 0 {
				v.DocHash = "another"
			}
			q, err = p.Review(a, pack, v)
		}
		if err != nil {
			if q.Rev != p.Rev {
				return effective, "an act that failed changed the permit: " + err.Error()
			}
			continue
		}
		p = q
		revisions[p.DocHash] = p.Application
		if p.State == rules.Effective {
			effective++
			if wrong := unreviewed(pack, &p, revisions); wrong != "" {
				return effective, wrong
			}
		}
	}
	return effective, ""
}

// unreviewed says what an effective permit lacks; by the rules of the law and not by
// the code that made it effective.
func unreviewed(pack *rules.Pack, p *Permit, revisions map[string]Application) string {
	k := pack.Kinds[p.Application.Kind]
	signer := map[string]string{}
	for _, dept := range pack.Signers(k, p.Facts(pack)) {
		signed := false
		for _, d := range p.Decisions {
			if d.Department != dept || d.Verdict != Approve && d.Verdict != ApproveWithConditions {
				continue
			}
			seen := revisions[d.DocHash]
			if d.DocHash != p.DocHash {
				watch, some := k.SignOff.Watch[dept]
				if !some || seen.Title != p.Application.Title || slices.Contains(watch, "comms") {
					continue // it signed something else
				}
			}
			if d.Signer == "" || slices.Contains(p.Prepared, d.Signer) {
				return dept + " was signed for by who prepared it"
			}
			if signer[d.Signer] != "" && signer[d.Signer] != dept {
				return d.Signer + " signed for two departments"
			}
			signer[d.Signer], signed = dept, true
		}
		if !signed {
			return dept + " did not sign what is effective"
		}
	}
	for _, s := range k.StepsOf(p.Facts(pack)) {
		for _, dept := range s.By {
			if !slices.ContainsFunc(p.Decisions, func(d Decision) bool { return d.Step == s.ID && d.Department == dept && d.Verdict == Pass }) {
				return "step " + s.ID + " was not passed by " + dept
			}
		}
	}
	if pack.Status != rules.PackInForce && p.Override == nil {
		return "the pack is " + string(pack.Status) + " and nobody signed"
	}
	return ""
}

// TestUnreviewedEffective is the figure permit/unreviewed_effective.
func TestUnreviewedEffective(t *testing.T) {
	walks := 25
	if *figures {
		walks = 2000
	}
	unreviewed, reached, all := 0, 0, 0
	for _, pack := range packsOf(t).All() {
		for _, kind := range kindsOf(pack) {
			for _, crew := range crewsOf(pack, kind) {
				seen := 0
				for seed := range walks {
					effective, wrong := walk(pack, kind, crew, rand.New(rand.NewPCG(uint64(seed), 7)))
					seen += effective
					all++
					if wrong != "" {
						unreviewed++
						t.Errorf("%s %s %s, seed %d: %s", pack.Key(), kind, crew, seed, wrong)
					}
				}
				if seen > 0 {
					reached++
				} else if k := pack.Kinds[kind]; k.GatesOf(crew) == nil {
					t.Errorf("%s %s %s: no walk came to an effective permit: the test shows nothing", pack.Key(), kind, crew)
				}
			}
		}
	}
	if *figures {
		fmt.Printf("permit/unreviewed_effective %d permits\n", unreviewed)
		fmt.Fprintf(os.Stderr, "%d random walks over all packs, kinds and crews; goal 0\n", all)
	}
}

func kindsOf(pack *rules.Pack) (out []string) {
	for name := range pack.Kinds {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func crewsOf(pack *rules.Pack, kind string) []string {
	if crews := pack.Kinds[kind].Crews; len(crews) > 0 {
		return crews
	}
	return []string{""}
}

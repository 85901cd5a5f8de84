package permit

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"testzone/airspace/rules"
	"testzone/vehicles"
)

var figures = flag.Bool("figures", false, "print the figures; without it a short form runs")

// walk is one permit to which random people do random things, and what the law has of
// it meanwhile.
type walk struct {
	*rand.Rand
	m      *model
	p      Permit
	now    int64
	count  int // makes each edit one that was not there before
	broken bool
	people []Signer
}

func newWalk(pack *rules.Pack, kind, crew string, seed uint64) (*walk, string) {
	app := complete(pack, kind, crew, noon+5*day, noon+25*day)
	w := &walk{Rand: rand.New(rand.NewPCG(seed, 7)), m: newModel(pack, app), now: noon}
	w.people = []Signer{{"p_app", "acme", ""}, {"p_app", "atm", "atm"}, {"p_ctl", "zone", ""}, {"", "atm", "atm"}}
	for _, d := range pack.Departments {
		w.people = append(w.people, Signer{"p_" + d.ID, d.ID, d.ID}, Signer{"p_2" + d.ID, d.ID, d.ID}, Signer{"p_everywhere", d.ID, d.ID}, Signer{"p_3", "acme", d.ID})
	}
	p, err := Draft("pm_1", "acme", byApplicant(w.now), app, pack)
	if err != nil {
		return nil, err.Error()
	}
	w.p, w.m.prepared["p_app"], w.m.revOf[p.DocHash] = p, true, 0
	return w, ""
}

// run does some acts and reports how often the permit was effective after one, and the
// first thing that the law has otherwise.
func (w *walk) run() (effective int, wrong string) {
	for range 150 {
		w.now += int64(w.IntN(8)) * 3600_000_000
		var before []byte
		look := w.IntN(8) == 0 // it takes longer than the act
		if look {
			before, _ = json.Marshal(&w.p)
		}
		q, did, err := w.act()
		if look {
			if after, _ := json.Marshal(&w.p); string(before) != string(after) {
				return effective, "an act changed the permit that it began with"
			}
		}
		if err != nil {
			if q.Rev != w.p.Rev {
				return effective, "an act that failed changed the permit: " + err.Error()
			}
			continue
		}
		wrong := did()
		w.p = q
		switch required, _ := w.p.Asked(w.m.pack); {
		case wrong != "":
			return effective, wrong
		case w.p.State != w.m.state:
			return effective, fmt.Sprintf("it is %s and by the law %s (%s)", w.p.State, w.m.state, w.m.hindered(w.now))
		case w.p.State == rules.Submitted || w.p.State == rules.UnderReview:
			if _, missing, _ := w.m.open(); !slices.Equal(required, missing) {
				return effective, fmt.Sprintf("%v are asked, and by the law %v", required, missing)
			}
		}
		if w.p.State != rules.Effective {
			continue
		}
		effective++
		g, ok := w.p.Grant(w.now)
		if !ok {
			return effective, "it is effective and grants nothing"
		}
		if beyond := w.m.allows(&g); beyond != "" {
			return effective, "it allows " + beyond
		}
	}
	return effective, ""
}

// act is one random act and what it does to the model once it was let through.
func (w *walk) act() (q Permit, did func() string, err error) {
	m, pack := w.m, w.m.pack
	a := Act{By: w.people[w.IntN(len(w.people))], AtUS: w.now, Reason: "so"}
	if w.IntN(8) == 0 {
		a.Reason = ""
	}
	nothing := func() string { return "" }
	act := w.IntN(19)
	if (m.state == rules.Draft || m.state == rules.InformationRequested) && w.IntN(2) == 0 {
		act = []int{0, 2}[w.IntN(2)] // else few permits are edited after somebody signed
	}
	if act <= 3 && w.IntN(6) > 0 { // mostly the applicants; else a department had its hand in it
		a.By = w.people[0]
	}
	switch act {
	case 0, 1:
		next, touched := w.edit()
		q, err = w.p.Edit(a, next)
		return q, func() string {
			if m.state != rules.Draft && m.state != rules.InformationRequested {
				return "it was edited while it was " + string(m.state)
			}
			if _, known := m.revOf[q.DocHash]; known {
				return "two revisions have one hash"
			}
			m.rev++
			m.app, m.touched, m.prepared[a.By.Person] = next, append(m.touched, touched), true
			m.revOf[q.DocHash] = m.rev
			return m.hands()
		}, err
	case 2, 3:
		q, err = w.p.Submit(a, pack, nil)
		return q, func() string { return m.submit(a.By, w.now) }, err
	case 4:
		if w.IntN(20) > 0 {
			return w.p, nothing, nil
		}
		q, err = w.p.Withdraw(a)
		return q, w.moves(rules.Withdrawn, rules.Draft, rules.Submitted, rules.UnderReview, rules.InformationRequested, rules.Approved), err
	case 5:
		q, err = w.p.Suspend(a, w.IntN(2) == 0)
		return q, w.reasoned(a, w.moves(rules.Suspended, rules.Effective)), err
	case 6:
		q, err = w.p.Resume(a, pack)
		return q, w.reasoned(a, func() string {
			if why := m.hindered(w.now); why != "" {
				return "it was resumed although " + why
			}
			return w.moves(rules.Effective, rules.Suspended)()
		}), err
	case 7:
		if w.IntN(10) > 0 {
			return w.p, nothing, nil
		}
		q, err = w.p.Revoke(a, true)
		return q, w.reasoned(a, w.moves(rules.Revoked, rules.Approved, rules.Effective, rules.Suspended)), err
	case 8:
		q, err = w.p.SignOverride(a, pack)
		return q, w.reasoned(a, func() string {
			m.override = a.By.Person
			if a.By.Person == "" || m.prepared[a.By.Person] || a.By.Org == "acme" || slices.ContainsFunc(m.signs, func(s sign) bool { return s.person == a.By.Person }) {
				return a.By.Person + " overrode the pack and has another hand in it"
			}
			return ""
		}), err
	case 9:
		policies := slices.Clone(w.p.Application.Insurance)
		for i := range policies {
			policies[i].ToUS = m.app.ToUS - int64(w.IntN(10))*day
			if w.IntN(10) == 0 {
				policies[i].PerVehicleCNY = 1
			}
		}
		q, err = w.p.Insure(a, pack, policies)
		return q, func() string {
			if m.toUS == 0 || m.state == rules.Expired || m.state == rules.Revoked {
				return "it was insured while it was " + string(m.state)
			}
			m.policies = policies
			for _, p := range policies {
				if float64(p.PerVehicleCNY) < pack.Insurance[p.Kind].PerVehicleCNY {
					return "a policy of too small a sum was taken"
				}
			}
			return ""
		}, err
	case 10:
		q, _ = w.p.Tick(pack, w.now)
		return q, func() string { m.tick(w.now); return "" }, nil
	}
	v, by := w.verdict(a.By)
	a.By = by
	q, err = w.p.Review(a, pack, v)
	return q, func() string { return m.review(a, v) }, err
}

// moves is a change of the state that is possible from some.
func (w *walk) moves(to rules.State, from ...rules.State) func() string {
	return func() string {
		if !slices.Contains(from, w.m.state) {
			return fmt.Sprintf("it became %s and was %s", to, w.m.state)
		}
		w.m.state = to
		return ""
	}
}

func (w *walk) reasoned(a Act, then func() string) func() string {
	return func() string {
		if a.Reason == "" {
			return "an act was done without its reason"
		}
		return then()
	}
}

// verdict is what somebody says: mostly who is asked and yes, else hardly anybody gets
// to the end.
func (w *walk) verdict(by Signer) (Review, Signer) {
	kinds := []Verdict{Pass, Approve, ApproveWithConditions, AdviseFor, AdviseAgainst, Return, Return, Reject}
	v := Review{Verdict: kinds[w.IntN(len(kinds))], DocHash: w.p.DocHash}
	if v.Verdict == Reject && w.IntN(10) > 0 {
		v.Verdict = Approve
	}
	if step, missing, _ := w.m.open(); len(missing) > 0 && w.IntN(4) > 0 {
		dept := missing[w.IntN(len(missing))]
		by = Signer{"p_" + dept, dept, dept}
		if w.IntN(5) == 0 {
			by.Person = "p_everywhere"
		}
		v.Verdict = Pass
		if step.SignOff {
			v.Verdict = []Verdict{Approve, ApproveWithConditions}[w.IntN(2)]
		}
		if step.Returns && w.IntN(8) == 0 {
			v.Verdict = Return
		}
		if w.IntN(4) > 0 {
			v.Judgements = map[string]bool{"necessary": true, "appropriate": true, "controllable": w.IntN(6) > 0}
		}
	}
	if v.Verdict == ApproveWithConditions {
		v.Conditions = w.conditions()
	}
	if w.IntN(10) == 0 { // an older revision
		hashes := slices.Sorted(maps.Keys(w.m.revOf))
		v.DocHash = hashes[w.IntN(len(hashes))]
	}
	return v, by
}

func (w *walk) conditions() (t Terms) {
	switch w.IntN(5) {
	case 0:
		t.Vehicles = []vehicles.VehicleID{"v-1"}
	case 1:
		t.Ceiling = &Height{int32(20_000 + w.IntN(90_000)), "agl"}
	case 2:
		t.SpeedMPS = 1 + float64(w.IntN(30))
	case 3:
		t.FromUS = w.m.app.FromUS + int64(w.IntN(3))*day
	case 4:
		t.ToUS = w.m.app.ToUS - int64(1+w.IntN(3))*day
	}
	if t.FromUS == 0 {
		t.Notes = []string{"as agreed"}
	}
	return t
}

// edit is the application with one thing changed that never was so before, and the
// item of the pack that this belongs to; "*" for none.
func (w *walk) edit() (next Application, touched string) {
	w.count++
	next = w.m.app
	next.Items, next.Checklist, next.Disclosure, next.Facts = maps.Clone(next.Items), maps.Clone(next.Checklist), maps.Clone(next.Disclosure), maps.Clone(next.Facts)
	if w.broken { // whatever was left out comes back
		w.broken = false
		whole := complete(w.m.pack, next.Kind, next.Crew, next.FromUS, next.ToUS)
		whole.Facts, whole.Volumes, whole.Title = next.Facts, next.Volumes, fmt.Sprint("mended ", w.count)
		return whole, "*"
	}
	ids := slices.Sorted(maps.Keys(next.Items))
	op := w.IntN(16)
	if op >= 3 && op <= 5 && w.IntN(3) > 0 { // what is left out ends most walks
		op = 15
	}
	switch {
	case op == 0:
		next.Title = fmt.Sprint("trial ", w.count)
	case op == 1:
		next.Facts["data.biometric"] = true
		next.Scenario = fmt.Sprint("scenario ", w.count)
	case op == 2:
		next.Facts["uav.beyond_line_of_sight"] = true // with a ceiling above the limit it is of tier high
		next.Scenario = fmt.Sprint("scenario ", w.count)
	case op == 3 && len(ids) > 0:
		w.broken = true
		delete(next.Items, ids[w.IntN(len(ids))])
		next.Title = fmt.Sprint("less ", w.count)
	case op == 4:
		w.broken = true
		next.Vehicles, next.Checklist, next.Disclosure, next.Title = nil, nil, nil, fmt.Sprint("empty ", w.count)
	case op == 5:
		w.broken = true
		next.Insurance, next.Title = nil, fmt.Sprint("uninsured ", w.count)
	case op <= 7:
		next.FromUS += int64(w.count) * 60_000_000
		return next, "window"
	case op <= 9:
		next.Volumes = slices.Clone(next.Volumes)
		next.Volumes[0].Ceiling = &Height{int32(100_000 + w.IntN(2)*50_000 + w.count), "agl"}
		return next, "volume"
	case op == 10:
		next.SpeedMPS = 5 + float64(w.count)
		return next, "volume"
	case op == 11:
		next.Vehicles = []vehicles.VehicleID{"v-1", vehicles.VehicleID(fmt.Sprint("v-", w.count+2))}
		return next, "aircraft"
	case op == 12:
		next.People = []Crewman{{Ref: fmt.Sprint("pilot-", w.count), Role: "remote_pilot", Licence: "CAAC-1", LicenceUS: next.ToUS}}
		return next, "party"
	case op == 13:
		next.Sites = []string{fmt.Sprint("site-", w.count)}
		return next, "sites"
	case op == 14:
		next.ExemptFences = []string{fmt.Sprint("fn_", w.count)}
		return next, "volume"
	case len(ids) > 0:
		id := ids[w.IntN(len(ids))]
		item := next.Items[id]
		item.Text = fmt.Sprint("now ", w.count)
		next.Items[id] = item
		return next, id
	default:
		next.Title = fmt.Sprint("trial ", w.count)
	}
	return next, "*"
}

// variants are a pack as it is, in force, and with departments that watch some items
// only, which no pack has of those that sign; at each of its sandbox sites as well.
func variants(t *testing.T, pack *rules.Pack) (out []*rules.Pack) {
	t.Helper()
	sites := []string{""}
	for _, r := range pack.Sandbox.Relaxations {
		sites = append(sites, r.Site)
	}
	slices.Sort(sites)
	for _, site := range slices.Compact(sites) {
		as, err := pack.For(site)
		if err != nil {
			t.Fatal(err)
		}
		watching := *as
		watching.Status, watching.Kinds = rules.PackInForce, maps.Clone(as.Kinds)
		for name, k := range watching.Kinds {
			k.SignOff.Watch = map[string][]string{}
			for i, d := range pack.Departments {
				k.SignOff.Watch[d.ID] = [][]string{{"window", "volume"}, {"aircraft"}, {"party", "comms"}, {}}[(i+len(name))%4]
			}
			watching.Kinds[name] = k
		}
		out = append(out, as, &watching)
	}
	return out
}

// relaxed is a pack of which a sandbox site has a number otherwise.
func relaxed(t *testing.T, pack *rules.Pack) *rules.Pack {
	t.Helper()
	if len(pack.Sandbox.Relaxable) == 0 {
		return pack
	}
	o, err := pack.Mark(pack.Sandbox.Relaxable[0])
	if err != nil {
		t.Fatal(err)
	}
	q := *pack
	q.Sandbox.Relaxations = []rules.Relaxation{{Site: "lingang-1", Path: o.Path, Value: o.Value, Reason: rules.Text{En: "trial", Zh: "试验"}, SignedBy: "p_1"}}
	return &q
}

// TestUnreviewedEffective is the figure permit/unreviewed_effective.
func TestUnreviewedEffective(t *testing.T) {
	walks := 6
	if *figures {
		walks = 1000
	}
	unreviewed, all := 0, 0
	reached := map[string]int{} // effective permits seen, by kind and crew
	for _, base := range packsOf(t).All() {
		for v, pack := range variants(t, relaxed(t, base)) {
			for _, kind := range kindsOf(pack) {
				for _, crew := range crewsOf(pack, kind) {
					for range walks {
						w, wrong := newWalk(pack, kind, crew, uint64(all))
						if wrong == "" {
							var effective int
							effective, wrong = w.run()
							if k := pack.Kinds[kind]; k.GatesOf(crew) == nil { // few pass a gate and the long way after it
								reached[kind+" "+crew] += effective
							}
						}
						if wrong != "" {
							unreviewed++
							t.Errorf("%s variant %d %s %s, seed %d: %s", pack.Key(), v, kind, crew, all, wrong)
						}
						all++
					}
				}
			}
		}
	}
	for what, n := range reached {
		if n == 0 {
			t.Errorf("%s: no walk came to an effective permit: the test shows nothing", what)
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

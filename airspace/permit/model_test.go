package permit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"testzone/airspace/rules"
	"testzone/vehicles"
)

// model is one permit as the law has it, made of the acts that were let through and
// of nothing that the permit says of itself: who signed which revision for whom, what
// changed since, what was granted with which conditions.
type model struct {
	pack *rules.Pack
	kind rules.Kind

	state     rules.State
	app       Application
	rev       int            // of the application: grows with each edit
	revOf     map[string]int // by what a signature names
	touched   []string       // what was edited since the last submission, "*" for what nobody is said to watch
	submitted bool
	cameUS    int64 // the first submission
	startUS   int64 // planned at the last submission
	prepared  map[string]bool
	signs     []sign
	override  string // person who signed that the pack may be used
	tier      int    // rank: 0 is the highest; -1: none yet

	policies []Policy // in force for the permit, once it is approved
	fromUS   int64
	toUS     int64 // by approval
	terms    []Terms
}

// sign is one verdict.
type sign struct {
	step, dept, person string
	verdict            Verdict
	judged             map[string]bool
	terms              Terms
	stands             bool
}

func newModel(pack *rules.Pack, app Application) *model {
	return &model{pack: pack, kind: pack.Kinds[app.Kind], state: rules.Draft, app: app, revOf: map[string]int{}, prepared: map[string]bool{}, tier: -1}
}

// facts are those that the conditions of the pack are judged by: what is declared,
// and what the volumes say whatever is declared.
func (m *model) facts() rules.Known {
	f := rules.Known{}
	maps.Copy(f, m.app.Facts)
	f["kind"], f["crew"], f["subtype"], f["scenario"], f["domain"] = m.app.Kind, m.app.Crew, m.app.Subtype, m.app.Scenario, m.kind.Domain
	f["vehicles"] = float64(len(m.app.Vehicles))
	height := 0.0
	for _, v := range m.app.Volumes { // all are above ground in these walks
		height = max(height, float64(v.Ceiling.MM)/1000)
	}
	f["uav.true_height_m"] = height
	if m.kind.Domain == "uav" {
		f["uav.class"] = m.pack.ClassOf(f)
		if height > m.pack.UAV.Airspace.ControlledAboveM {
			f["airspace.controlled"] = true
		}
	}
	for name, kind := range rules.FactKinds() {
		of, _, _ := strings.Cut(name, ".")
		if foreign := (of == "uav" || of == "usv") && of != m.kind.Domain; foreign && kind == rules.YesNo {
			f[name] = false
		} else if foreign && kind == rules.Word {
			f[name] = "none"
		}
	}
	if m.tier >= 0 {
		f["tier"] = m.pack.Tiers[m.tier].Tier
	}
	return f
}

// rank is the tier that the application has, the higher of now and before.
func (m *model) rank() int {
	now := slices.IndexFunc(m.pack.Tiers, func(t rules.Tier) bool { return t.Tier == m.pack.TierOf(m.facts()).Tier })
	if m.tier >= 0 {
		return min(now, m.tier)
	}
	return now
}

// lacks says why the application may not be handed in at a moment; empty: nothing that
// these walks leave out.
func (m *model) lacks(nowUS int64) string {
	must, _ := m.kind.ItemsOf(m.app.Subtype, m.app.Crew)
	for _, id := range must {
		if item := m.app.Items[id]; item.empty() {
			return "item " + id
		}
	}
	switch treatment := m.pack.Tiers[m.rank()].Treatment; {
	case m.kind.Domain != "site" && len(m.app.Vehicles) == 0:
		return "a vehicle"
	case m.app.FromUS <= nowUS:
		return "a begin to come"
	case slices.ContainsFunc(treatment.Disclosure, func(name string) bool { return m.app.Disclosure[name] == "" }):
		return "what has to be public"
	case slices.ContainsFunc(treatment.Checklist, func(l rules.ChecklistItem) bool {
		return (l.When == nil || m.app.Facts["data.biometric"] == true) && m.app.Checklist[l.ID] == Answer{}
	}):
		return "an answer of the checklist"
	}
	for _, name := range m.kind.Insurance {
		if !slices.ContainsFunc(m.app.Insurance, func(have Policy) bool {
			return have.Kind == name && have.FromUS <= m.app.FromUS && m.app.FromUS < have.ToUS && float64(have.PerVehicleCNY) >= m.pack.Insurance[name].PerVehicleCNY
		}) {
			return "insurance " + name
		}
	}
	came := nowUS
	if m.submitted && m.startUS == m.app.FromUS {
		came = m.cameUS
	}
	for _, id := range m.kind.Clocks {
		rule := m.pack.Clocks[id]
		if rule.Missed != rules.Refuse || m.kind.Extension != nil && m.kind.Extension.Clock == id {
			continue // from when to ask for a renewal is none of a first application's
		}
		if d, err := m.pack.Deadline(id, time.UnixMicro(m.app.FromUS), m.pack.Calendar); err != nil || time.UnixMicro(came).Truncate(time.Second).After(d.At) {
			return "being in time for " + id
		}
	}
	return ""
}

// submit is a submission that was let through.
func (m *model) submit(by Signer, nowUS int64) string {
	if m.state != rules.Draft && m.state != rules.InformationRequested {
		return "it was handed in while it was " + string(m.state)
	}
	if what := m.lacks(nowUS); what != "" {
		return "it was handed in without " + what
	}
	m.tier = m.rank()
	for i := range m.signs {
		s := &m.signs[i]
		watched, some := m.kind.SignOff.Watch[s.dept]
		if s.verdict == Return || slices.ContainsFunc(m.touched, func(what string) bool { return !some || what == "*" || slices.Contains(watched, what) }) {
			s.stands = false
		}
	}
	if !m.submitted {
		m.cameUS = nowUS
	}
	m.prepared[by.Person], m.submitted, m.startUS, m.touched = true, true, m.app.FromUS, nil
	m.state = m.reached(nowUS)
	return m.hands()
}

// hands says who has a hand on both sides.
func (m *model) hands() string {
	for _, s := range m.signs {
		if s.stands && (m.prepared[s.person] || s.person == m.override) {
			return s.person + " signed for " + s.dept + " what they prepared or overrode"
		}
	}
	return ""
}

func (m *model) steps() []rules.Step { return m.kind.StepsOf(m.facts()) }

// asks are the departments that have to say yes in a step.
func (m *model) asks(s *rules.Step) []string {
	if s.SignOff {
		return m.pack.Signers(m.kind, m.facts())
	}
	return s.By
}

func (m *model) saidYes(s *rules.Step, dept string) bool {
	return slices.ContainsFunc(m.signs, func(x sign) bool {
		yes := x.verdict == Pass && !s.SignOff || (x.verdict == Approve || x.verdict == ApproveWithConditions) && s.SignOff
		return x.stands && x.step == s.ID && x.dept == dept && yes
	})
}

// open is the step at hand and who has to say yes in it yet.
func (m *model) open() (step rules.Step, missing []string, signed bool) {
	for _, s := range m.steps() {
		for _, dept := range m.asks(&s) {
			if !m.saidYes(&s, dept) {
				missing = append(missing, dept)
			}
		}
		if len(missing) > 0 {
			return s, missing, signed
		}
		signed = signed || s.SignOff
	}
	return rules.Step{}, nil, signed
}

// reached is the state that the signatures bring it to; the first time all signed sets
// what is granted.
func (m *model) reached(nowUS int64) rules.State {
	step, missing, signed := m.open()
	if len(missing) > 0 && (!signed || step.State != rules.Approved) {
		return step.State
	}
	if m.toUS == 0 {
		m.fromUS, m.toUS, m.policies = max(m.app.FromUS, nowUS), m.app.ToUS, m.app.Insurance
		for _, s := range m.signs {
			if s.stands && s.verdict == ApproveWithConditions {
				m.terms = append(m.terms, s.terms)
				m.fromUS = max(m.fromUS, s.terms.FromUS)
				if s.terms.ToUS != 0 {
					m.toUS = min(m.toUS, s.terms.ToUS)
				}
			}
		}
	}
	return rules.Approved
}

// review is a verdict that was let through.
func (m *model) review(a Act, v Review) string {
	step, missing, _ := m.open()
	advises := step.SignOff && slices.Contains(m.kind.SignOff.Advise, a.By.Department) && !slices.Contains(m.asks(&step), a.By.Department)
	negative := slices.Contains([]Verdict{Return, Reject, AdviseAgainst}, v.Verdict)
	may := []Verdict{Pass, Reject}
	if step.SignOff {
		may = []Verdict{Approve, ApproveWithConditions, Reject}
	}
	if step.Returns {
		may = append(may, Return)
	}
	if advises {
		may = []Verdict{AdviseFor, AdviseAgainst}
	}
	yes := v.Verdict == Approve || v.Verdict == ApproveWithConditions
	switch {
	case m.state != rules.Submitted && m.state != rules.UnderReview && m.state != rules.Approved:
		return "it was reviewed while it was " + string(m.state)
	case m.revOf[v.DocHash] != m.rev:
		return "a signature for another revision was taken"
	case a.By.Person == "" || m.prepared[a.By.Person] || a.By.Org == "acme" || a.By.Person == m.override:
		return "it was reviewed by who may not: " + a.By.Person
	case slices.ContainsFunc(m.signs, func(s sign) bool { return s.person == a.By.Person && s.dept != a.By.Department }):
		return a.By.Person + " signed for two departments"
	case !advises && !slices.Contains(missing, a.By.Department):
		return a.By.Department + " reviewed and was not asked in " + step.ID
	case !slices.Contains(may, v.Verdict):
		return fmt.Sprintf("%s said %s in %s", a.By.Department, v.Verdict, step.ID)
	case negative && a.Reason == "":
		return "a verdict against it has no reason"
	case yes && a.By.Department == m.kind.SignOff.Decides && len(missing) > 1:
		return "who decides signed before " + strings.Join(missing, ", ")
	}
	m.signs = append(m.signs, sign{step.ID, a.By.Department, a.By.Person, v.Verdict, v.Judgements, v.Conditions, true})
	if yes {
		if what := m.unjudged(); what != "" {
			return "signed without its being found " + what
		}
	}
	switch {
	case v.Verdict == Return:
		m.state = rules.InformationRequested
	case v.Verdict == Reject:
		m.state = rules.Refused
	default:
		m.state = m.reached(a.AtUS)
	}
	return ""
}

// unjudged is what the compliance review of the tier did not find it to be (Article 65).
func (m *model) unjudged() string {
	for _, name := range m.pack.Tiers[m.tier].Treatment.Judgements {
		found := false
		for _, s := range m.signs {
			if yes, said := s.judged[name]; said && s.stands {
				found = yes
			}
		}
		if !found {
			return name
		}
	}
	return ""
}

// hindered says why nobody may move under it at a moment.
func (m *model) hindered(nowUS int64) string {
	if _, missing, _ := m.open(); len(missing) > 0 {
		return "not signed by " + strings.Join(missing, ", ")
	}
	if what := m.unjudged(); what != "" {
		return "not found " + what
	}
	if m.pack.Status != rules.PackInForce && m.override == "" {
		return "its rule pack is " + string(m.pack.Status) + " and nobody signed for that"
	}
	for _, name := range m.kind.Insurance {
		if !slices.ContainsFunc(m.policies, func(p Policy) bool {
			return p.Kind == name && p.FromUS <= nowUS && nowUS < p.ToUS && float64(p.PerVehicleCNY) >= m.pack.Insurance[name].PerVehicleCNY
		}) {
			return "the insurance " + name + " is not in force"
		}
	}
	return m.hands()
}

// endUS is when the permit ends: each kind of insurance has one policy in these walks.
func (m *model) endUS() int64 {
	end := m.toUS
	for _, name := range m.kind.Insurance {
		for _, p := range m.policies {
			if p.Kind == name {
				end = min(end, p.ToUS)
			}
		}
	}
	return end
}

// tick is the clock.
func (m *model) tick(nowUS int64) {
	holds := m.state == rules.Approved || m.state == rules.Effective || m.state == rules.Suspended
	switch {
	case holds && nowUS >= m.endUS():
		m.state = rules.Expired
	case m.state == rules.Approved && nowUS >= m.fromUS && m.hindered(nowUS) == "":
		m.state = rules.Effective
	}
}

// allows says what a grant allows beyond what was signed; empty: nothing.
func (m *model) allows(g *Grant) string {
	for _, c := range append(slices.Clone(m.terms), Terms{Vehicles: m.app.Vehicles, SpeedMPS: m.app.SpeedMPS}) {
		if slices.ContainsFunc(g.Vehicles, func(id vehicles.VehicleID) bool { return len(c.Vehicles) > 0 && !slices.Contains(c.Vehicles, id) }) {
			return fmt.Sprintf("vehicles %v of %v", g.Vehicles, c.Vehicles)
		}
		if c.SpeedMPS > 0 && (g.SpeedMPS == 0 || g.SpeedMPS > c.SpeedMPS) {
			return fmt.Sprintf("%v m/s of %v", g.SpeedMPS, c.SpeedMPS)
		}
		for _, a := range g.Areas {
			if c.Ceiling != nil && (a.Ceiling.Datum.String() != c.Ceiling.Datum || a.Ceiling.MM > c.Ceiling.MM) {
				return fmt.Sprintf("a ceiling of %d mm of %d", a.Ceiling.MM, c.Ceiling.MM)
			}
		}
	}
	for _, a := range g.Areas {
		for _, w := range a.Schedule.Windows {
			if w.FromUS < m.fromUS || w.ToUS > m.endUS() {
				return "a time that was not signed for"
			}
		}
	}
	if len(g.Areas) != len(m.app.Volumes) || g.To.UnixMicro() > m.endUS() || g.From.UnixMicro() < m.fromUS {
		return "another time or other areas than were signed for"
	}
	return ""
}

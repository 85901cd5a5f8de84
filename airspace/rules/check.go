package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// checker looks for what decoding does not see: names that lead nowhere,
// values out of range, steps that leave somebody out.
type checker struct {
	pack *Pack
	errs []error
}

func (c *checker) fail(at, format string, a ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, a...)))
}

var placeName = regexp.MustCompile(`^$|^[a-z0-9-]+(/[a-z0-9-]+)?$`)

func (c *checker) all() {
	p := c.pack
	if p.Schema != schemaName {
		c.fail("/schema", "must be %s", schemaName)
	}
	if p.Version < 1 {
		c.fail("/version", "must be 1 or more")
	}
	if !placeName.MatchString(p.Place) {
		c.fail("/place", "%q must be a city such as cn-shanghai, a district of one such as cn-shanghai/pudong, or empty", p.Place)
	}
	if p.ValidTo != nil && !p.ValidFrom.Before(*p.ValidTo) {
		c.fail("/valid_to", "must be after valid_from")
	}
	if err := p.loadZone(); err != nil {
		c.fail("/tz", "%q %v", p.TZ, err)
	}
	if !p.Calendar.works() {
		c.fail("/calendar/weekend", "leaves no working day")
	}
	c.title("/title", p.Title)
	c.named()
	for _, id := range slices.Sorted(maps.Keys(p.Kinds)) {
		c.kind("/kinds/"+id, p.Kinds[id])
	}
	for _, id := range slices.Sorted(maps.Keys(p.Clocks)) {
		c.clock("/clocks/"+id, p.Clocks[id])
	}
	c.gates()
	c.tiers()
	c.uav()
	c.rest()
	c.sandbox()
}

// named checks the lists that others refer to.
func (c *checker) named() {
	var keys, ids []string
	for i, s := range c.pack.Sources {
		at := fmt.Sprintf("/sources/%d", i)
		if s.Key == "" || strings.ContainsAny(s.Key, ":+ ") || slices.Contains(keys, s.Key) {
			c.fail(at+"/key", "%q must be there once and without : + and spaces", s.Key)
		}
		keys = append(keys, s.Key)
		c.title(at+"/title", s.Title)
	}
	for i, d := range c.pack.Departments {
		at := fmt.Sprintf("/departments/%d", i)
		if d.ID == "" || slices.Contains(ids, d.ID) {
			c.fail(at+"/id", "%q must be there once", d.ID)
		}
		ids = append(ids, d.ID)
		c.title(at+"/title", d.Title)
	}
	for id, item := range c.pack.Items {
		c.title("/items/"+id+"/title", item.Title)
		if (len(item.Document.Types) == 0) != (item.Document.MaxBytes <= 0) {
			c.fail("/items/"+id+"/document", "a document has types and a size in bytes")
		}
	}
}

func (c *checker) title(at string, t Text) {
	if t.En == "" || t.Zh == "" {
		c.fail(at, "must be there in English and Chinese")
	}
}

// known fails for every name that is not among the pack's.
func (c *checker) known(at, what string, names []string, there func(string) bool) {
	for i, n := range names {
		if !there(n) {
			c.fail(fmt.Sprintf("%s/%d", at, i), "there is no %s %q in the pack", what, n)
		}
		if slices.Contains(names[:i], n) {
			c.fail(fmt.Sprintf("%s/%d", at, i), "%q is there twice", n)
		}
	}
}

func (c *checker) department(id string) bool {
	return slices.ContainsFunc(c.pack.Departments, func(d Department) bool { return d.ID == id })
}

func has[V any](m map[string]V) func(string) bool {
	return func(name string) bool { _, ok := m[name]; return ok }
}

func among(list []string) func(string) bool {
	return func(name string) bool { return slices.Contains(list, name) }
}

var (
	domains  = []string{"uav", "icv", "usv", "site"}
	subtypes = []string{"first", "renewal", "change", "add_vehicles", "recognised"}
)

func (c *checker) kind(at string, k Kind) {
	c.title(at+"/title", k.Title)
	if !slices.Contains(domains, k.Domain) {
		c.fail(at+"/domain", "%q must be one of %v", k.Domain, domains)
	}
	c.known(at+"/subtypes", "subtype", k.Subtypes, among(subtypes))
	c.known(at+"/items", "item", k.Items, has(c.pack.Items))
	c.known(at+"/optional", "item of the kind", k.Optional, among(k.Items))
	c.known(at+"/plan_items", "item of the kind", k.PlanItems, among(k.Items))
	for crew, items := range k.CrewItems {
		c.known(at+"/crew_items", "crew", []string{crew}, among(k.Crews))
		c.known(at+"/crew_items/"+crew, "item", items, has(c.pack.Items))
	}
	for sub, items := range k.SubtypeItems {
		c.known(at+"/subtype_items", "subtype of the kind", []string{sub}, among(k.Subtypes))
		c.known(at+"/subtype_items/"+sub, "item", items, has(c.pack.Items))
	}
	c.known(at+"/clocks", "clock", k.Clocks, has(c.pack.Clocks))
	c.known(at+"/emergency_clocks", "clock", k.EmergencyClocks, has(c.pack.Clocks))
	c.known(at+"/activity", "clock", k.Activity.Names(), has(c.pack.Clocks))
	c.known(at+"/emergency_activity", "clock", k.EmergencyActivity.Names(), has(c.pack.Clocks))
	c.known(at+"/insurance", "insurance", k.Insurance, has(c.pack.Insurance))
	if k.Extension != nil {
		c.known(at+"/extension/clock", "clock", []string{k.Extension.Clock}, has(c.pack.Clocks))
	}
	for i, g := range k.Gates {
		in := fmt.Sprintf("%s/gates/%d", at, i)
		c.known(in+"/gate", "gate", []string{g.Gate}, has(c.pack.Gates))
		if g.Crew != "" {
			c.known(in+"/crew", "crew of the kind", []string{g.Crew}, among(k.Crews))
		}
	}
	c.share(at+"/sample_share", k.SampleShare)
	if k.FirstBatch < 0 || k.BatchStep < 0 {
		c.fail(at, "numbers of vehicles must not be negative")
	}
	c.signoff(at+"/signoff", k)
	c.steps(at+"/steps", k)
}

func (c *checker) share(at string, s float64) {
	if s < 0 || s > 1 {
		c.fail(at, "must be a share, 0 to 1")
	}
}

func (c *checker) signoff(at string, k Kind) {
	s := k.SignOff
	c.known(at+"/required", "department", s.Required, c.department)
	c.known(at+"/advise", "department", s.Advise, c.department)
	if !slices.Contains(s.Required, s.Decides) {
		c.fail(at+"/decides", "%q must be among the required ones", s.Decides)
	}
	for i := range s.Conditional {
		in := fmt.Sprintf("%s/conditional/%d", at, i)
		s.Conditional[i].When.check(in+"/when", c.fail)
		c.known(in+"/required", "department", s.Conditional[i].Required, c.department)
	}
	for d, items := range s.Watch {
		c.known(at+"/watch", "department", []string{d}, c.department)
		c.known(at+"/watch/"+d, "item of the kind", items, among(k.Items))
	}
}

// order of the states that steps lead through; the others come by events.
var stepStates = []State{Submitted, UnderReview, Approved}

func (c *checker) steps(at string, k Kind) {
	var ids []string
	signs, last := 0, 0
	for i, s := range k.Steps {
		in := fmt.Sprintf("%s/%d", at, i)
		c.title(in+"/title", s.Title)
		if s.ID == "" || slices.Contains(ids, s.ID) {
			c.fail(in+"/id", "%q must be there once", s.ID)
		}
		ids = append(ids, s.ID)
		n := slices.Index(stepStates, s.State)
		if n < last {
			c.fail(in+"/state", "%q: steps are submitted, under_review or approved, in this order", s.State)
		}
		last = max(last, n)
		c.known(in+"/by", "department", s.By, c.department)
		if s.Clock != "" {
			c.known(in+"/clock", "clock", []string{s.Clock}, has(c.pack.Clocks))
		}
		if s.When != nil {
			s.When.check(in+"/when", c.fail)
		}
		if s.SignOff {
			signs++
			if s.State != UnderReview || s.When != nil || len(s.By) > 0 {
				c.fail(in, "the sign-off is under review, asks the departments of the kind and is never left out")
			}
		}
	}
	if signs != 1 {
		c.fail(at, "exactly one step is the sign-off: nothing becomes effective unreviewed")
	}
}

func (c *checker) clock(at string, k Clock) {
	c.title(at+"/title", k.Title)
	if k.Op != "<=" && k.Op != ">=" {
		c.fail(at+"/op", "%q must be <= or >=", k.Op)
	}
	forms := 0
	for _, set := range []bool{k.DayOffset != nil, k.Before != nil, k.After != nil, k.Workdays != nil} {
		if set {
			forms++
		}
	}
	switch {
	case forms != 1:
		c.fail(at, "a clock has exactly one of day_offset with at, before, after, workdays")
	case k.DayOffset != nil && k.At == nil:
		c.fail(at+"/at", "is missing")
	case k.At != nil && (k.Before != nil || k.After != nil):
		c.fail(at+"/at", "stands with day_offset or workdays only")
	case k.DayOffset != nil && (*k.DayOffset < -366 || *k.DayOffset > 366):
		c.fail(at+"/day_offset", "must be within a year")
	case k.Workdays != nil && (*k.Workdays < 1 || *k.Workdays > 250):
		c.fail(at+"/workdays", "must be 1 to 250")
	}
}

func (c *checker) gates() {
	for _, id := range slices.Sorted(maps.Keys(c.pack.Gates)) {
		g := c.pack.Gates[id]
		c.title("/gates/"+id+"/title", g.Title)
		g.Needs.check("/gates/"+id+"/needs", c.fail)
	}
}

var tierNames = []string{"high", "medium", "low"}

func (c *checker) tiers() {
	for i, t := range c.pack.Tiers {
		at := fmt.Sprintf("/tiers/%d", i)
		if !slices.Contains(tierNames, t.Tier) {
			c.fail(at+"/tier", "%q must be one of %v", t.Tier, tierNames)
		}
		t.When.check(at+"/when", c.fail)
		c.share(at+"/treatment/sample_share", t.Treatment.SampleShare)
		var ids []string
		for k, item := range t.Treatment.Checklist {
			in := fmt.Sprintf("%s/treatment/checklist/%d", at, k)
			c.title(in+"/question", item.Question)
			if item.ID == "" || slices.Contains(ids, item.ID) {
				c.fail(in+"/id", "%q must be there once", item.ID)
			}
			ids = append(ids, item.ID)
			if item.When != nil {
				item.When.check(in+"/when", c.fail)
			}
		}
		if t.Tier == "high" && len(ids) == 0 {
			c.fail(at+"/treatment/checklist", "Article 65 asks a checklist of the high tier")
		}
	}
	if n := len(c.pack.Tiers); n == 0 || !c.pack.Tiers[n-1].When.Always {
		c.fail("/tiers", "the last tier must hold always: every application has one")
	}
}

func (c *checker) uav() {
	u := &c.pack.UAV
	var classes []string
	for i, k := range u.Classes {
		k.Needs.check(fmt.Sprintf("/uav/classes/%d/needs", i), c.fail)
		classes = append(classes, k.Class)
	}
	for duty, list := range u.Duties {
		c.known("/uav/duties/"+duty, "class", list, among(classes))
	}
	c.known("/uav/airspace/suitable_classes", "class", u.Airspace.SuitableClasses, among(classes))
	for name, list := range map[string][]Rule{"triggers": u.Triggers, "exemptions": u.Exemptions} {
		for i, r := range list {
			at := fmt.Sprintf("/uav/%s/%d", name, i)
			c.title(at+"/title", r.Title)
			r.When.check(at+"/when", c.fail)
			c.known(at+"/clocks", "clock", r.Clocks, has(c.pack.Clocks))
		}
	}
}

func (c *checker) rest() {
	p := c.pack
	for id, a := range p.Activation {
		c.title("/activation/"+id+"/title", a.Title)
		a.Needs.check("/activation/"+id+"/needs", c.fail)
	}
	for id, r := range p.Reports {
		c.title("/reports/"+id+"/title", r.Title)
		if (r.Clock == "") == (r.Every == nil) {
			c.fail("/reports/"+id, "a report has a clock or a period, one of them")
		} else if r.Clock != "" {
			c.known("/reports/"+id+"/clock", "clock", []string{r.Clock}, has(p.Clocks))
		}
	}
	c.monthly()
	for id, class := range p.Incidents {
		at := "/incidents/" + id
		c.title(at+"/title", class.Title)
		for name, clock := range map[string]string{"first": class.First, "written": class.Written, "investigation": class.Investigation} {
			if clock != "" || name == "first" {
				c.known(at+"/"+name, "clock", []string{clock}, has(p.Clocks))
			}
			if known, ok := p.Clocks[clock]; ok && !slices.Contains([]Anchor{"event", "landing", "finding"}, known.Anchor) || name != "investigation" && known.Anchor == "finding" {
				c.fail(at+"/"+name, "clock %q counts from %s, which no incident has by then", clock, known.Anchor)
			}
		}
	}
	for id, pol := range p.Insurance {
		c.title("/insurance/"+id+"/title", pol.Title)
	}
	c.known("/people/vehicles_per_officer", "kind", slices.Sorted(maps.Keys(p.People.VehiclesPerOfficer)), has(p.Kinds))
	c.share("/alarms/deadline_share", p.Alarms.DeadlineShare)
	c.share("/alarms/overspeed_share", p.Alarms.OverspeedShare)
	for i, m := range p.Violations.Minor {
		c.title(fmt.Sprintf("/violations/minor/%d/title", i), m.Title)
	}
}

// monthly checks by when monthly reports are due: at most one report says it.
func (c *checker) monthly() {
	had := ""
	for _, id := range slices.Sorted(maps.Keys(c.pack.Reports)) {
		r := c.pack.Reports[id]
		if r.Due == "" {
			continue
		}
		if clock, ok := c.pack.Clocks[r.Due]; !ok || clock.Anchor != "month_end" || r.Every == nil || *r.Every != (Period{Months: 1}) {
			c.fail("/reports/"+id+"/due", "a report of every month (P1M) is due by a clock of the pack that counts from month_end, not %q", r.Due)
		} else if had != "" {
			c.fail("/reports/"+id+"/due", "%s is due monthly: one report says so", had)
		}
		had = id
	}
}

func (c *checker) sandbox() {
	s := &c.pack.Sandbox
	value := func(at string) (any, bool) {
		node, rest, ok := any(c.pack.root), at, at != ""
		for ok && rest != "" {
			node, rest, ok = step(node, rest)
		}
		return node, ok && quantity(node)
	}
	for i, at := range s.Relaxable {
		if _, ok := value(at); !ok {
			c.fail(fmt.Sprintf("/sandbox/relaxable/%d", i), "%q is not the path of a number, a duration or a time of the pack", at)
		}
	}
	for i, r := range s.Relaxations {
		at := fmt.Sprintf("/sandbox/relaxations/%d", i)
		if !slices.Contains(s.Relaxable, r.Path) {
			c.fail(at+"/path", "%q is not among /sandbox/relaxable", r.Path)
		} else if old, ok := value(r.Path); ok && !sameKind(old, r.Value) {
			c.fail(at+"/value", "must be of the kind of the value that it relaxes, %v", old)
		}
		if r.Site == "" || r.SignedBy == "" {
			c.fail(at, "a relaxation names its site and who signed it")
		}
		c.title(at+"/reason", r.Reason)
	}
}

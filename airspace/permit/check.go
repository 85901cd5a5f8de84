package permit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"testzone/airspace/rules"
	"testzone/geofence/geo"
)

// Fault is one rule that speaks against an application.
type Fault struct {
	Code    string  `json:"code"`           // missing, invalid, clock, gate, insurance, licence, vehicle, fence, conflict, class
	Rule    string  `json:"rule,omitempty"` // JSON pointer into the pack
	Item    string  `json:"item,omitempty"` // of the application
	Message string  `json:"message"`
	Metres  float64 `json:"metres,omitempty"`  // by how much
	Minutes float64 `json:"minutes,omitempty"` // by how long
	// Passes is what would pass.
	Passes string `json:"passes,omitempty"`
	// Offer is what would pass as a change of the application; nil: that is for people to find.
	Offer *Offer `json:"offer,omitempty"`
}

// Offer is a change of an application after which a rule no longer speaks against it.
// One of its members is set.
type Offer struct {
	ShiftUS       int64  `json:"shift_us,omitempty"`        // all its times later, or earlier
	ToUS          int64  `json:"to_us,omitempty"`           // an end by then
	ExemptFence   string `json:"exempt_fence,omitempty"`    // ask that the fence does not hold for its vehicles
	PerVehicleCNY int64  `json:"per_vehicle_cny,omitempty"` // of the insurance
}

// RulesError is an ErrRules with all that is wrong.
type RulesError struct{ Faults []Fault }

func (e *RulesError) Error() string {
	if len(e.Faults) == 1 {
		return fmt.Sprintf("%v: %s", ErrRules, e.Faults[0].Message)
	}
	return fmt.Sprintf("%v: %s; and %d more", ErrRules, e.Faults[0].Message, len(e.Faults)-1)
}

// Is makes errors.Is(err, ErrRules) true.
func (e *RulesError) Is(target error) bool { return target == ErrRules }

// Limits of an application.
const (
	maxText     = 4000
	maxVehicles = 1000
	maxVolumes  = 200
	maxWindows  = 1000 // in all volumes
	maxVertices = 10_000
	maxItems    = 100
)

// check refuses what cannot be an application under any pack.
func (a *Application) check() error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrApplication, fmt.Sprintf(format, args...))
	}
	windows, vertices := 0, 0
	for i := range a.Volumes {
		v := &a.Volumes[i]
		windows += len(v.Windows)
		for _, p := range v.Polygons {
			for _, r := range p {
				vertices += len(r)
			}
		}
		for _, h := range []*Height{v.Floor, v.Ceiling} {
			if h == nil {
				continue
			}
			if d, ok := geo.ParseDatum(h.Datum); !ok || d == geo.NoDatum {
				return fault("volume %d: datum %q: use amsl, wgs84, agl or takeoff", i, h.Datum)
			}
		}
		if c := v.Corridor; c != nil {
			vertices += len(c.Line)
		}
	}
	switch n := utf8.RuneCountInString(a.Title); {
	case n < 1 || n > 120:
		return fault("a title has 1 to 120 characters")
	case len(a.Vehicles) > maxVehicles || len(a.People) > maxVehicles || len(a.Roads) > maxVehicles || len(a.Sites) > maxItems || len(a.ExemptFences) > maxItems:
		return fault("at most %d vehicles, people and road segments, %d sites and fences", maxVehicles, maxItems)
	case len(a.Volumes) > maxVolumes || windows > maxWindows || vertices > maxVertices:
		return fault("at most %d volumes with %d windows and %d vertices in all", maxVolumes, maxWindows, maxVertices)
	case len(a.Items) > maxItems || len(a.Facts) > maxItems || len(a.Checklist) > maxItems || len(a.Disclosure) > maxItems || len(a.Insurance) > maxItems:
		return fault("at most %d items, facts, answers, disclosures and policies", maxItems)
	case !(a.SpeedMPS >= 0 && a.SpeedMPS <= 400):
		return fault("the speed is 0 to 400 m/s")
	}
	for id, item := range a.Items {
		if utf8.RuneCountInString(item.Text) > maxText || len(item.Documents) > 20 {
			return fault("item %s: at most %d characters and 20 documents", id, maxText)
		}
		for _, d := range item.Documents {
			if len(d.SHA256) != 64 || strings.Trim(d.SHA256, "0123456789abcdef") != "" || d.Bytes <= 0 {
				return fault("item %s: a document has its SHA-256 in hexadecimal and its size", id)
			}
		}
	}
	for name, v := range a.Facts {
		if err := factFault(name, v); err != "" {
			return fault("fact %s: %s", name, err)
		}
	}
	return nil
}

// ofVehicle parts the name of a fact from the vehicle that it is declared of, where a
// rule asks for something of each: "auto_km@same_route#icv-1".
const ofVehicle = "#"

// vehicleFacts are what is declared of each vehicle, in the application's order.
func (a *Application) vehicleFacts() []rules.Known {
	out := make([]rules.Known, len(a.Vehicles))
	for i, id := range a.Vehicles {
		out[i] = rules.Known{}
		for name, v := range a.Facts {
			if of, is := strings.CutSuffix(name, ofVehicle+string(id)); is {
				out[i][of] = v
			}
		}
	}
	return out
}

// factFault is why an applicant cannot declare a fact.
func factFault(name string, v any) string {
	name, _, _ = strings.Cut(name, ofVehicle)
	base, _, _ := strings.Cut(name, "@")
	kind, ok := rules.KindOfFact(name)
	switch {
	case !ok:
		return "the rules know no such fact"
	case rules.Derived(base):
		return "it follows from the application and is not declared"
	}
	switch v.(type) {
	case bool:
		ok = kind == rules.YesNo
	case string:
		ok = kind == rules.Word
	case float64:
		ok = kind == rules.Number
	default:
		ok = false
	}
	if !ok {
		return "its value is not of its kind: true or false, a word, or a number"
	}
	return ""
}

// Facts are what the conditions of a pack are judged by.
func (p *Permit) Facts(pack *rules.Pack) rules.Known {
	a := &p.Application
	f := rules.Known{}
	maps.Copy(f, a.Facts)
	f["each vehicle"] = a.vehicleFacts()
	f["kind"], f["subtype"], f["crew"], f["scenario"], f["vehicles"] = a.Kind, a.Subtype, a.Crew, a.Scenario, float64(len(a.Vehicles))
	k, err := pack.Kind(a.Kind)
	if err != nil {
		return f
	}
	f["domain"] = k.Domain
	// A boat is no aircraft of a class that is not known: what is asked of another
	// domain is answered by no.
	for name, kind := range rules.FactKinds() {
		if of, _, _ := strings.Cut(name, "."); (of == "uav" || of == "usv") && of != k.Domain {
			switch delete(f, name); kind {
			case rules.YesNo:
				f[name] = false
			case rules.Word:
				f[name] = "none"
			}
		}
	}
	// What the applicant declares never makes less of what the volumes say.
	for i := range a.Volumes {
		c := a.Volumes[i].Ceiling
		if c == nil || c.Datum != geo.AGL.String() && c.Datum != geo.Takeoff.String() { // how far above ground that is, nobody knows
			delete(f, "uav.true_height_m")
			if f["airspace.controlled"] == false {
				delete(f, "airspace.controlled")
			}
			break
		}
		have, _ := f["uav.true_height_m"].(float64)
		f["uav.true_height_m"] = max(have, float64(c.MM)/1000)
	}
	if k.Domain == "uav" {
		f["uav.class"] = pack.ClassOf(f)
		if h, ok := f["uav.true_height_m"].(float64); ok && h > pack.UAV.Airspace.ControlledAboveM {
			f["airspace.controlled"] = true
		}
	}
	if p.Tier != "" {
		f["tier"] = p.Tier
	}
	return f
}

// Check is all that the pack says against the application as it is, whoever
// looks: completeness, validity, gates, insurance. It does not know the zone.
func (p *Permit) Check(pack *rules.Pack, nowUS int64) (out []Fault) {
	a := &p.Application
	k, err := pack.Kind(a.Kind)
	if err != nil {
		return []Fault{{Code: "invalid", Rule: "/kinds", Item: "kind", Message: err.Error(), Passes: strings.Join(slices.Sorted(maps.Keys(pack.Kinds)), ", ")}}
	}
	c := checker{p: p, a: a, pack: pack, kind: &k, at: "/kinds/" + a.Kind, nowUS: nowUS}
	c.form()
	c.items()
	c.time()
	c.insurance()
	c.people()
	c.gates()
	c.treatment()
	return c.faults
}

type checker struct {
	p      *Permit
	a      *Application
	pack   *rules.Pack
	kind   *rules.Kind
	at     string
	nowUS  int64
	faults []Fault
}

func (c *checker) fail(f Fault) { c.faults = append(c.faults, f) }

func (c *checker) form() {
	if !slices.Contains(c.kind.Subtypes, c.a.Subtype) {
		c.fail(Fault{Code: "invalid", Rule: c.at + "/subtypes", Item: "subtype", Message: fmt.Sprintf("subtype %q is none of this kind", c.a.Subtype), Passes: strings.Join(c.kind.Subtypes, ", ")})
	}
	if len(c.kind.Crews) == 0 && c.a.Crew != "" || len(c.kind.Crews) > 0 && !slices.Contains(c.kind.Crews, c.a.Crew) {
		c.fail(Fault{Code: "invalid", Rule: c.at + "/crews", Item: "crew", Message: fmt.Sprintf("crew %q is none of this kind", c.a.Crew), Passes: strings.Join(c.kind.Crews, ", ")})
	}
	if c.kind.Domain != "site" && len(c.a.Vehicles) == 0 {
		c.fail(Fault{Code: "missing", Rule: c.at, Item: "vehicles", Message: "no vehicle is named: a permit is for exactly its vehicles"})
	}
	if len(c.a.Volumes) == 0 {
		c.fail(Fault{Code: "missing", Rule: c.at, Item: "volumes", Message: "no volume is named: where do the vehicles want to be?"})
	}
	for i, v := range c.a.Volumes {
		if c.kind.Domain == "uav" && v.Ceiling == nil {
			c.fail(Fault{Code: "missing", Rule: c.at + "/items", Item: fmt.Sprintf("volumes/%d/ceiling", i), Message: "a flight has a ceiling, with its datum"})
		}
		for _, w := range v.Windows {
			if w[0] >= w[1] || w[0] < c.a.FromUS || w[1] > c.a.ToUS {
				c.fail(Fault{Code: "invalid", Item: fmt.Sprintf("volumes/%d/windows", i), Message: "a window ends after its begin and lies within the time of the application"})
				break
			}
		}
	}
	for i, s := range c.a.Roads {
		if !slices.Contains(RoadClasses(), s.RoadClass) {
			c.fail(Fault{Code: "invalid", Item: fmt.Sprintf("roads/%d/road_class", i), Message: fmt.Sprintf("road class %q", s.RoadClass), Passes: strings.Join(RoadClasses(), ", ")})
		}
	}
	if c.a.Subtype != "first" && c.a.Subtype != "recognised" && c.a.Replaces == "" {
		c.fail(Fault{Code: "missing", Rule: c.at + "/subtypes", Item: "replaces", Message: "say which permit this is a " + c.a.Subtype + " of"})
	}
	if n := c.kind.FirstBatch; n > 0 && c.a.Subtype == "first" && len(c.a.Vehicles) > n {
		c.fail(Fault{Code: "invalid", Rule: c.at + "/first_batch", Item: "vehicles", Message: fmt.Sprintf("%d vehicles at first, %d are asked for", n, len(c.a.Vehicles)), Passes: fmt.Sprintf("%d vehicles", n)})
	}
}

// items asks for all missing ones at once.
func (c *checker) items() {
	must, all := c.kind.ItemsOf(c.a.Subtype, c.a.Crew)
	for _, id := range must {
		item, there := c.a.Items[id]
		if !there || item.empty() {
			c.fail(Fault{Code: "missing", Rule: "/items/" + id, Item: "items/" + id, Message: c.pack.Items[id].Title.En + ": not stated"})
			continue
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.a.Items)) {
		if !slices.Contains(all, id) {
			c.fail(Fault{Code: "invalid", Rule: c.at + "/items", Item: "items/" + id, Message: "this kind of permit has no such item"})
			continue
		}
		doc := c.pack.Items[id].Document
		item := c.a.Items[id]
		if len(doc.Types) > 0 && !item.empty() && len(item.Documents) == 0 {
			c.fail(Fault{Code: "missing", Rule: "/items/" + id + "/document", Item: "items/" + id, Message: c.pack.Items[id].Title.En + ": a document is needed", Passes: strings.Join(doc.Types, ", ")})
		}
		for _, d := range item.Documents {
			if !slices.Contains(doc.Types, d.Type) || d.Bytes > doc.MaxBytes {
				c.fail(Fault{Code: "invalid", Rule: "/items/" + id + "/document", Item: "items/" + id, Message: fmt.Sprintf("a document of %d bytes of type %q", d.Bytes, d.Type),
					Passes: fmt.Sprintf("%s, up to %d bytes", strings.Join(doc.Types, ", "), doc.MaxBytes)})
			}
		}
	}
}

func (c *checker) time() {
	from, to := time.UnixMicro(c.a.FromUS).In(c.pack.Location()), time.UnixMicro(c.a.ToUS).In(c.pack.Location())
	switch {
	case c.a.FromUS >= c.a.ToUS:
		c.fail(Fault{Code: "invalid", Item: "window", Message: "the end is not after the begin"})
	case c.a.FromUS <= c.nowUS && c.p.State != rules.Approved && c.p.State != rules.Effective:
		c.fail(Fault{Code: "invalid", Item: "window", Message: "the begin is past", Minutes: float64(c.nowUS-c.a.FromUS) / 60e6})
	case c.kind.MaxDuration != nil && c.kind.MaxDuration.After(from).Before(to):
		last := c.kind.MaxDuration.After(from)
		c.fail(Fault{Code: "invalid", Rule: c.at + "/max_duration", Item: "window", Message: "longer than this kind of permit can be", Minutes: to.Sub(last).Minutes(), Passes: "an end by " + last.Format(time.RFC3339), Offer: &Offer{ToUS: last.UnixMicro()}})
	}
}

// insurance asks for each that the kind needs, in force at the begin: one that ends
// earlier than the application cuts the permit.
func (c *checker) insurance() {
	for _, name := range c.kind.Insurance {
		if f, ok := c.policyFault(name); ok {
			c.fail(f)
		}
	}
}

func (c *checker) policyFault(name string) (Fault, bool) {
	rule := c.pack.Insurance[name]
	f := Fault{Code: "missing", Rule: "/insurance/" + name, Item: "insurance", Message: rule.Title.En + ": no policy is named"}
	for _, have := range c.a.Insurance {
		if have.Kind != name {
			continue
		}
		f.Code = "insurance"
		switch {
		case have.FromUS > c.a.FromUS || have.ToUS <= c.a.FromUS:
			f.Message = rule.Title.En + ": not in force at the begin"
			f.Minutes = max(float64(have.FromUS-c.a.FromUS), float64(c.a.FromUS-have.ToUS)) / 60e6
		case float64(have.PerVehicleCNY) < rule.PerVehicleCNY:
			f.Message = fmt.Sprintf("%s: %d CNY per vehicle, %.0f are needed", rule.Title.En, have.PerVehicleCNY, rule.PerVehicleCNY)
			f.Passes = fmt.Sprintf("%.0f CNY per vehicle", rule.PerVehicleCNY)
			f.Offer = &Offer{PerVehicleCNY: int64(rule.PerVehicleCNY)}
		case have.Guarantee && !rule.OrGuarantee:
			f.Message = rule.Title.En + ": a letter of guarantee does not do"
		default:
			return Fault{}, false
		}
	}
	return f, true
}

// suffices reports whether a policy is of the sum and kind that a rule asks for.
func suffices(rule rules.Policy, have *Policy) bool {
	return float64(have.PerVehicleCNY) >= rule.PerVehicleCNY && (!have.Guarantee || rule.OrGuarantee)
}

// insuredTo is until when every insurance that is needed is in force without a gap,
// from the begin on.
func (p *Permit) insuredTo(pack *rules.Pack, k *rules.Kind) int64 {
	to := p.Application.ToUS
	for _, name := range k.Insurance {
		covered := max(p.FromUS, p.Application.FromUS)
		for moved := true; moved; {
			moved = false
			for i := range p.Application.Insurance {
				have := &p.Application.Insurance[i]
				if have.Kind == name && suffices(pack.Insurance[name], have) && have.FromUS <= covered && covered < have.ToUS {
					covered, moved = have.ToUS, true
				}
			}
		}
		to = min(to, covered)
	}
	return to
}

func (c *checker) people() {
	for i, m := range c.a.People {
		if m.LicenceUS != 0 && m.LicenceUS < c.a.ToUS {
			c.fail(Fault{Code: "licence", Item: fmt.Sprintf("people/%d", i), Message: m.Ref + ": the licence ends before the application does",
				Minutes: float64(c.a.ToUS-m.LicenceUS) / 60e6, Passes: "an end by " + time.UnixMicro(m.LicenceUS).In(c.pack.Location()).Format(time.RFC3339), Offer: &Offer{ToUS: m.LicenceUS}})
		}
	}
	// One remote pilot's licence is a duty of some classes (Decree 761, 16 and 17).
	if c.kind.Domain == "uav" {
		class, _ := c.p.Facts(c.pack)["uav.class"].(string)
		if slices.Contains(c.pack.UAV.Duties["pilot_licence"], class) && !slices.ContainsFunc(c.a.People, func(m Crewman) bool { return m.Role == "remote_pilot" && m.Licence != "" }) {
			c.fail(Fault{Code: "licence", Rule: "/uav/duties/pilot_licence", Item: "people", Message: "an aircraft of class " + class + " needs a remote pilot with a licence"})
		}
	}
}

func (c *checker) gates() {
	if c.a.Subtype != "first" {
		return // it was passed for the permit that this one replaces
	}
	for _, name := range c.kind.GatesOf(c.a.Crew) {
		gate := c.pack.Gates[name]
		truth, leaves := gate.Needs.Judge(c.p.Facts(c.pack), nil)
		if truth == rules.Yes {
			continue
		}
		short := []string{}
		for _, l := range leaves {
			if l.Truth == rules.Yes {
				continue
			}
			have := "not declared"
			if l.Have != nil {
				have = fmt.Sprint(l.Have)
			}
			name := strings.TrimSuffix(l.Fact+"@"+l.Scope, "@")
			if l.Vehicle >= 0 {
				name += ofVehicle + string(c.a.Vehicles[l.Vehicle])
			}
			short = append(short, name+" "+l.Need+": "+have)
		}
		c.fail(Fault{Code: "gate", Rule: "/gates/" + name, Item: "facts", Message: gate.Title.En + ": " + strings.Join(short, "; ")})
	}
}

// treatment is what the risk tier asks of the application (Article 65 (2)).
func (c *checker) treatment() {
	f := c.p.Facts(c.pack)
	tier := c.p.tier(c.pack)
	for i := range tier.Treatment.Checklist {
		line := &tier.Treatment.Checklist[i]
		if !asked(line, f) {
			continue
		}
		if a := c.a.Checklist[line.ID]; a.Text == "" || a.Evidence == "" {
			c.fail(Fault{Code: "missing", Rule: "/tiers/" + tier.Tier + "/treatment/checklist/" + line.ID, Item: "checklist/" + line.ID, Message: line.Question.En + " (answer with evidence)"})
		}
	}
	for _, name := range tier.Treatment.Disclosure {
		if c.a.Disclosure[name] == "" {
			c.fail(Fault{Code: "missing", Rule: "/tiers/" + tier.Tier + "/treatment/disclosure", Item: "disclosure/" + name, Message: "what has to be public before the start: " + name})
		}
	}
}

func asked(line *rules.ChecklistItem, f rules.Facts) bool {
	if line.When == nil {
		return true
	}
	t, _ := line.When.Judge(f, nil)
	return t != rules.No
}

// tier is the risk tier, at least the one that was recorded: it may be raised, never
// lowered.
func (p *Permit) tier(pack *rules.Pack) rules.Tier {
	computed := pack.TierOf(p.Facts(pack))
	for _, t := range pack.Tiers { // from the highest
		if t.Tier == p.Tier || t.Tier == computed.Tier {
			return t
		}
	}
	return computed
}

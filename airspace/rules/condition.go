package rules

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Condition is a tree of comparisons over facts. Exactly one of its forms is set.
type Condition struct {
	All         []Condition `json:"all,omitempty"`
	Any         []Condition `json:"any,omitempty"`
	Not         *Condition  `json:"not,omitempty"`
	EachVehicle *Condition  `json:"each_vehicle,omitempty"` // holds for each vehicle by itself
	Always      bool        `json:"always,omitempty"`

	// A fact, for a metric within a scope, and one comparison.
	Fact  string   `json:"fact,omitempty"`
	Scope string   `json:"scope,omitempty"`
	Is    *bool    `json:"is,omitempty"`
	In    []string `json:"in,omitempty"`
	Lt    *float64 `json:"lt,omitempty"`
	Le    *float64 `json:"le,omitempty"`
	Ge    *float64 `json:"ge,omitempty"`
	Gt    *float64 `json:"gt,omitempty"`
	Eq    *float64 `json:"eq,omitempty"`
}

// FactKind is what a fact is.
type FactKind uint8

// The kinds of fact: bool, string, float64.
const (
	YesNo FactKind = iota + 1
	Word
	Number
)

// facts are all that a condition may ask about, with the unit in the name. Who
// evaluates a condition supplies them.
var facts = map[string]FactKind{
	// Of the application.
	"kind": Word, "domain": Word, "tier": Word, "subtype": Word, "crew": Word, "scenario": Word,
	"data.biometric": YesNo, "data.important": YesNo,
	"carries.people": YesNo, "carries.goods": YesNo, "carries.dangerous_goods": YesNo,
	"vehicles": Number, "batch.same_make": YesNo, "commercial": YesNo,
	// Of a flight and its aircraft.
	"uav.class": Word, "uav.empty_kg": Number, "uav.mtow_kg": Number, "uav.max_speed_kmh": Number, "uav.true_height_m": Number, "uav.radius_m": Number,
	"uav.micro_power_radio": YesNo, "uav.manual_override": YesNo, "uav.airspace_keeping": YesNo, "uav.reliable_surveillance": YesNo,
	"uav.made_before_2024": YesNo, "uav.reports_identity": YesNo, "uav.beyond_line_of_sight": YesNo,
	"uav.relay": YesNo, "uav.dangerous_or_drop": YesNo, "uav.over_crowd": YesNo, "uav.from_moving_vehicle": YesNo, "uav.distributed_or_swarm": YesNo,
	"uav.agency_own_base": YesNo, "uav.airport_zone_task": YesNo, "uav.routine_agriculture": YesNo, "uav.farm_use": YesNo,
	"airspace.controlled": YesNo, "airspace.suitable": YesNo, "airspace.temporary_control": YesNo,
	// Of the place.
	"road.public": YesNo, "road.class": Word, "site.closed": YesNo, "site.sandbox": YesNo,
	"usv.shared_fairway": YesNo,
	// Of an ICV that drives.
	"ads.in_permitted_area": YesNo, "ads.in_permitted_hours": YesNo, "ads.in_operating_conditions": YesNo, "ads.officer_present": YesNo,
	"ads.version_filed": YesNo, "ads.position_good": YesNo, "ads.telemetry_hz": Number, "plate.valid": YesNo, "insurance.valid": YesNo,
	// Computed from records or declared.
	"auto_hours": Number, "auto_km": Number, "vehicle_km": Number, "coverage_pct": Number, "takeovers": Number, "takeovers_per_100km": Number,
	"violations": Number, "accidents_at_fault": Number, "supervised_trips": Number, "plated_vehicles": Number,
}

// scopes are what a metric may be summed over.
var scopes = []string{"", "same_segments", "same_route", "declared_segments", "open_road", "closed_site", "road_test", "demonstration", "supervised_trips"}

// Facts supplies facts.
type Facts interface {
	// Fact is a bool, string or float64 as the fact is declared, and whether it is known.
	Fact(name, scope string) (any, bool)
	// Vehicles are the facts of each vehicle, for each_vehicle; nil: not known.
	Vehicles() []Facts
}

// Truth is whether a condition holds.
type Truth uint8

// The truths. What is not known is neither: a safe reader takes it for the worse.
const (
	No Truth = iota
	Unknown
	Yes
)

// Leaf is one comparison with what was found.
type Leaf struct {
	Fact, Scope string
	Vehicle     int // index in Facts.Vehicles within each_vehicle, otherwise -1
	Need        string
	Have        any // nil: not known
	Truth       Truth
	// Missing is how much a number lacks of what is needed (or has too much), 0 when it holds.
	Missing float64
}

// Judge evaluates a condition and appends its leaves to out, so that it can be
// shown what is short of what.
func (c *Condition) Judge(f Facts, out []Leaf) (Truth, []Leaf) { return c.judge(f, -1, out) }

func (c *Condition) judge(f Facts, vehicle int, out []Leaf) (Truth, []Leaf) {
	var t Truth
	switch {
	case c.Always:
		return Yes, out
	case c.All != nil:
		t = Yes
		for i := range c.All {
			var one Truth
			one, out = c.All[i].judge(f, vehicle, out)
			t = min(t, one)
		}
		return t, out
	case c.Any != nil:
		for i := range c.Any {
			var one Truth
			one, out = c.Any[i].judge(f, vehicle, out)
			t = max(t, one)
		}
		return t, out
	case c.Not != nil:
		t, out = c.Not.judge(f, vehicle, out)
		return Yes - t, out
	case c.EachVehicle != nil:
		all := f.Vehicles()
		if len(all) == 0 {
			return Unknown, out
		}
		t = Yes
		for i, v := range all {
			var one Truth
			one, out = c.EachVehicle.judge(v, i, out)
			t = min(t, one)
		}
		return t, out
	}
	leaf := c.compare(f)
	leaf.Vehicle = vehicle
	return leaf.Truth, append(out, leaf)
}

func (c *Condition) compare(f Facts) Leaf {
	l := Leaf{Fact: c.Fact, Scope: c.Scope, Truth: Unknown}
	l.Need = c.need()
	have, known := f.Fact(c.Fact, c.Scope)
	if !known {
		return l
	}
	l.Have = have
	holds := false
	switch h := have.(type) {
	case bool:
		if c.Is == nil {
			return l
		}
		holds = h == *c.Is
	case string:
		if c.In == nil {
			return l
		}
		holds = slices.Contains(c.In, h)
	case float64:
		limit := c.limit()
		if limit == nil || h != h { // NaN is no answer
			return l
		}
		holds = c.Lt != nil && h < *limit || c.Le != nil && h <= *limit || c.Ge != nil && h >= *limit || c.Gt != nil && h > *limit || c.Eq != nil && h == *limit
		if !holds {
			l.Missing = max(*limit-h, h-*limit)
		}
	default:
		return l
	}
	l.Truth = No
	if holds {
		l.Truth = Yes
	}
	return l
}

func (c *Condition) limit() *float64 {
	for _, n := range []*float64{c.Lt, c.Le, c.Ge, c.Gt, c.Eq} {
		if n != nil {
			return n
		}
	}
	return nil
}

func (c *Condition) need() string {
	switch {
	case c.Is != nil:
		return fmt.Sprint(*c.Is)
	case c.In != nil:
		return strings.Join(c.In, " | ")
	case c.Lt != nil:
		return fmt.Sprint("< ", *c.Lt)
	case c.Le != nil:
		return fmt.Sprint("<= ", *c.Le)
	case c.Ge != nil:
		return fmt.Sprint(">= ", *c.Ge)
	case c.Gt != nil:
		return fmt.Sprint("> ", *c.Gt)
	}
	return fmt.Sprint("= ", *c.Eq)
}

// check refuses what no facts could satisfy or what nobody supplies.
func (c *Condition) check(at string, fail func(at, format string, a ...any)) {
	forms := 0
	for _, set := range []bool{c.All != nil, c.Any != nil, c.Not != nil, c.EachVehicle != nil, c.Always, c.Fact != ""} {
		if set {
			forms++
		}
	}
	if forms != 1 {
		fail(at, "a condition has exactly one of all, any, not, each_vehicle, always, fact")
		return
	}
	if (c.All != nil || c.Any != nil) && len(c.All)+len(c.Any) == 0 {
		fail(at, "an empty list holds or fails by accident: use always")
	}
	for i := range c.All {
		c.All[i].check(fmt.Sprintf("%s/all/%d", at, i), fail)
	}
	for i := range c.Any {
		c.Any[i].check(fmt.Sprintf("%s/any/%d", at, i), fail)
	}
	if c.Not != nil {
		c.Not.check(at+"/not", fail)
	}
	if c.EachVehicle != nil {
		c.EachVehicle.check(at+"/each_vehicle", fail)
	}
	c.checkFact(at, fail)
}

func (c *Condition) checkFact(at string, fail func(at, format string, a ...any)) {
	numbers := 0
	for _, n := range []*float64{c.Lt, c.Le, c.Ge, c.Gt, c.Eq} {
		if n != nil {
			numbers++
		}
	}
	if c.Fact == "" {
		if numbers > 0 || c.Is != nil || c.In != nil || c.Scope != "" {
			fail(at, "a comparison needs a fact")
		}
		return
	}
	kind, ok := facts[c.Fact]
	if !ok {
		fail(at+"/fact", "%q is not a fact that the program knows", c.Fact)
		return
	}
	if !slices.Contains(scopes, c.Scope) {
		fail(at+"/scope", "%q is not a scope that the program knows", c.Scope)
	}
	is, in := c.Is != nil, len(c.In) > 0
	if is != (kind == YesNo) || in != (kind == Word) || (numbers == 1) != (kind == Number) || numbers > 1 {
		fail(at, "%s is compared by %s", c.Fact, [...]string{YesNo: "is", Word: "in", Number: "one of lt, le, ge, gt, eq"}[kind])
	}
}

// Known are facts by name; within a scope as "name@scope".
type Known map[string]any

// Fact is the fact of a name.
func (k Known) Fact(name, scope string) (any, bool) {
	if scope != "" {
		name += "@" + scope
	}
	v, ok := k[name]
	return v, ok
}

// Vehicles are the []Known under "each vehicle".
func (k Known) Vehicles() (out []Facts) {
	list, _ := k["each vehicle"].([]Known)
	for _, v := range list {
		out = append(out, v)
	}
	return out
}

// KindOfFact is what a fact is, its name as in Known; false when conditions know none.
func KindOfFact(name string) (FactKind, bool) {
	name, scope, _ := strings.Cut(name, "@")
	kind, ok := facts[name]
	return kind, ok && slices.Contains(scopes, scope)
}

// FactKinds are all facts that conditions know.
func FactKinds() iter.Seq2[string, FactKind] { return maps.All(facts) }

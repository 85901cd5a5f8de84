package rules

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// but is facts with others over them.
func but(base Known, over Known) Known {
	out := maps.Clone(base)
	maps.Copy(out, over)
	return out
}

func TestClassesOfAircraft(t *testing.T) {
	p := shanghai(t)
	able := Known{"uav.true_height_m": 40.0, "uav.max_speed_kmh": 40.0, "uav.micro_power_radio": true, "uav.manual_override": true, "uav.airspace_keeping": true, "uav.reliable_surveillance": true}
	for _, c := range []struct {
		name        string
		empty, mtow float64
		over        Known
		want        string
	}{
		{"just below 250 g", 0.249, 0.3, nil, "micro"},
		{"250 g", 0.25, 0.3, nil, "light"},
		{"micro that flies higher", 0.249, 0.3, Known{"uav.true_height_m": 51.0}, "light"},
		{"4 and 7 kg", 4, 7, nil, "light"},
		{"4.01 kg", 4.01, 7, nil, "small"},
		{"7.01 kg at take-off", 4, 7.01, nil, "small"},
		{"3 kg at 120 km/h", 3, 5, Known{"uav.max_speed_kmh": 120.0}, "small"},
		{"3 kg without surveillance", 3, 5, Known{"uav.reliable_surveillance": false}, "medium"},
		{"15 and 25 kg", 15, 25, nil, "small"},
		{"25.1 kg", 15, 25.1, nil, "medium"},
		{"150 kg", 80, 150, nil, "medium"},
		{"150.01 kg", 80, 150.01, nil, "large"},
		{"nothing known of its mass", math.NaN(), math.NaN(), nil, "large"},
	} {
		f := but(able, Known{"uav.empty_kg": c.empty, "uav.mtow_kg": c.mtow})
		if got := p.ClassOf(but(f, c.over)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := p.ClassOf(Known{}); got != "large" {
		t.Errorf("nothing known: %s", got)
	}
}

func TestNeedsApplication(t *testing.T) {
	p := shanghai(t)
	free := Known{
		"uav.relay": false, "uav.dangerous_or_drop": false, "uav.over_crowd": false, "uav.from_moving_vehicle": false, "uav.distributed_or_swarm": false, "uav.farm_use": false,
		"uav.made_before_2024": false, "uav.reports_identity": true, "uav.agency_own_base": false, "uav.airport_zone_task": false,
		"airspace.controlled": false, "airspace.temporary_control": false, "airspace.suitable": true, "uav.class": "light", "uav.true_height_m": 100.0, "uav.routine_agriculture": false,
	}
	farm := Known{"uav.class": "medium", "uav.routine_agriculture": true, "uav.true_height_m": 30.0, "uav.max_speed_kmh": 50.0, "uav.radius_m": 2000.0, "uav.mtow_kg": 150.0}
	for _, c := range []struct {
		name  string
		over  Known
		needs bool
		rule  string
	}{
		{"light in suitable airspace", nil, false, "31(1)"},
		{"relay", Known{"uav.relay": true}, true, "relay"},
		{"drops something", Known{"uav.dangerous_or_drop": true}, true, "dangerous_or_drop"},
		{"drops something on a farm", Known{"uav.dangerous_or_drop": true, "uav.farm_use": true}, false, "31(1)"},
		{"over a crowd", Known{"uav.over_crowd": true}, true, "over_crowd"},
		{"from a car", Known{"uav.from_moving_vehicle": true}, true, "from_moving_vehicle"},
		{"a swarm", Known{"uav.distributed_or_swarm": true}, true, "distributed_or_swarm"},
		{"a trigger wins over the agency's exemption", Known{"uav.relay": true, "uav.agency_own_base": true}, true, "relay"},
		{"old craft", Known{"uav.made_before_2024": true, "uav.reports_identity": false}, true, "61"},
		{"old craft that reports", Known{"uav.made_before_2024": true}, false, "31(1)"},
		{"agency, in controlled airspace", Known{"uav.agency_own_base": true, "airspace.controlled": true, "uav.true_height_m": 120.0}, false, "31(3)"},
		{"agency, above 120 m", Known{"uav.agency_own_base": true, "airspace.controlled": true, "uav.true_height_m": 121.0}, true, "controlled"},
		{"airport task", Known{"uav.airport_zone_task": true, "airspace.controlled": true}, false, "31(4)"},
		{"temporary control", Known{"airspace.temporary_control": true}, true, "controlled"},
		{"medium", Known{"uav.class": "medium"}, true, "26"},
		{"farm", farm, false, "31(2)"},
		{"farm, higher", but(farm, Known{"uav.true_height_m": 31.0}), true, "26"},
		{"not in suitable airspace", Known{"airspace.suitable": false}, true, "26"},
	} {
		needs, rule, _ := p.NeedsApplication(but(free, c.over))
		if needs != c.needs || rule.ID != c.rule {
			t.Errorf("%s: %v by %s, want %v by %s", c.name, needs, rule.ID, c.needs, c.rule)
		}
		if (rule.ID == "31(3)" || rule.ID == "31(4)") != slices.Contains(rule.Clocks, "uav.exempt.confirm") {
			t.Errorf("%s: clocks %v", c.name, rule.Clocks)
		}
	}
	// Whatever is not known, one fact at a time, can only make it need one.
	for fact := range free {
		f := maps.Clone(free)
		delete(f, fact)
		needs, rule, open := p.NeedsApplication(f)
		asks := slices.ContainsFunc(open, func(l Leaf) bool { return l.Fact == fact })
		switch fact {
		case "uav.farm_use", "uav.made_before_2024", "uav.reports_identity", "uav.true_height_m", "uav.routine_agriculture": // decides nothing here
			if needs {
				t.Errorf("%s unknown: needs one by %s", fact, rule.ID)
			}
		case "uav.agency_own_base", "uav.airport_zone_task":
			if needs || !asks {
				t.Errorf("%s unknown: %v by %s, asks %v", fact, needs, rule.ID, open)
			}
		default:
			if !needs || !asks {
				t.Errorf("%s unknown: %v by %s, asks %v", fact, needs, rule.ID, open)
			}
		}
	}
}

func TestTiers(t *testing.T) {
	p := shanghai(t)
	low := Known{"domain": "uav", "kind": "uav.flight", "crew": "", "uav.class": "light", "uav.distributed_or_swarm": false, "uav.over_crowd": false, "uav.dangerous_or_drop": false,
		"uav.beyond_line_of_sight": false, "airspace.controlled": false, "road.public": false, "carries.people": false, "data.biometric": false, "usv.shared_fairway": false}
	car := but(low, Known{"domain": "icv", "kind": "icv.road_test", "uav.class": "", "road.public": true, "crew": "driver"})
	for _, c := range []struct {
		name  string
		facts Known
		want  string
	}{
		{"light", low, "low"},
		{"small", but(low, Known{"uav.class": "small"}), "medium"},
		{"medium", but(low, Known{"uav.class": "medium"}), "high"},
		{"beyond sight", but(low, Known{"uav.beyond_line_of_sight": true}), "low"},
		{"beyond sight in controlled airspace", but(low, Known{"uav.beyond_line_of_sight": true, "airspace.controlled": true}), "high"},
		{"car with a driver", car, "medium"},
		{"car without", but(car, Known{"crew": "driverless"}), "high"},
		{"car without, closed site", but(car, Known{"crew": "driverless", "road.public": false}), "low"},
		{"commercial", but(car, Known{"kind": "icv.commercial"}), "high"},
		{"passengers", but(car, Known{"carries.people": true}), "high"},
		{"faces", but(low, Known{"data.biometric": true}), "high"},
		{"boat", but(low, Known{"domain": "usv", "uav.class": ""}), "medium"},
		{"boat in a fairway", but(low, Known{"domain": "usv", "uav.class": "", "usv.shared_fairway": true}), "high"},
		{"nothing known", Known{}, "high"},
	} {
		if got := p.TierOf(c.facts); got.Tier != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.Tier, c.want)
		}
	}
	if got := p.TierOf(Known{}).Treatment; len(got.Checklist) == 0 || !slices.Equal(got.Judgements, []string{"necessary", "appropriate", "controllable"}) {
		t.Errorf("high: %+v", got)
	}
}

func TestGatesSayWhatIsMissing(t *testing.T) {
	p := shanghai(t)
	judge := func(gate string, f Known) (Truth, []Leaf) {
		g, ok := p.Gates[gate]
		if !ok {
			t.Fatalf("no gate %s", gate)
		}
		return g.Needs.Judge(f, nil)
	}
	f := Known{"auto_hours@same_segments": 212.0, "auto_km@same_segments": 600.0, "accidents_at_fault": 0.0, "violations": 0.0}
	truth, leaves := judge("icv.to_demo_national", f)
	if truth != No || len(leaves) != 4 || leaves[0].Missing != 28 || leaves[0].Need != ">= 240" || leaves[1].Missing != 400 || leaves[2].Truth != Yes {
		t.Errorf("%v %+v", truth, leaves)
	}
	for name, c := range map[string]struct {
		over Known
		want Truth
	}{
		"enough hours":           {Known{"auto_hours@same_segments": 240.0}, Yes},
		"enough kilometres":      {Known{"auto_km@same_segments": 1000.0}, Yes},
		"an accident":            {Known{"auto_km@same_segments": 1000.0, "accidents_at_fault": 1.0}, No},
		"hours of another place": {Known{"auto_hours": 500.0}, No},
	} {
		if got, _ := judge("icv.to_demo_national", but(f, c.over)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	delete(f, "violations")
	if got, _ := judge("icv.to_demo_national", but(f, Known{"auto_km@same_segments": 1000.0})); got != Unknown {
		t.Errorf("violations not known: %v", got)
	}

	fleet := Known{"plated_vehicles": 20.0, "auto_km@road_test": 2e5, "auto_km@demonstration": 1e5, "coverage_pct@declared_segments": 100.0,
		"each vehicle": []Known{{"auto_hours@same_route": 360.0, "auto_km@same_route": 0.0}, {"auto_hours@same_route": 10.0, "auto_km@same_route": 1499.0}}}
	truth, leaves = judge("icv.to_commercial", fleet)
	short := leaves[len(leaves)-1]
	if truth != No || short.Vehicle != 1 || short.Missing != 1 {
		t.Errorf("the second vehicle lacks a kilometre: %v %+v", truth, short)
	}
	delete(fleet, "each vehicle")
	if truth, _ = judge("icv.to_commercial", fleet); truth != Unknown {
		t.Errorf("vehicles not known: %v", truth)
	}
}

func TestConditionsCompare(t *testing.T) {
	yes, n := true, 5.0
	for _, c := range []struct {
		name string
		c    Condition
		f    Known
		want Truth
	}{
		{"below", Condition{Fact: "vehicles", Lt: &n}, Known{"vehicles": 4.0}, Yes},
		{"not below", Condition{Fact: "vehicles", Lt: &n}, Known{"vehicles": 5.0}, No},
		{"above", Condition{Fact: "vehicles", Gt: &n}, Known{"vehicles": 5.1}, Yes},
		{"not above", Condition{Fact: "vehicles", Gt: &n}, Known{"vehicles": 5.0}, No},
		{"equal", Condition{Fact: "vehicles", Eq: &n}, Known{"vehicles": 5.0}, Yes},
		{"no number", Condition{Fact: "vehicles", Lt: &n}, Known{"vehicles": math.NaN()}, Unknown},
		{"text for a number", Condition{Fact: "vehicles", Eq: &n}, Known{"vehicles": "5"}, Unknown},
		{"a number for yes or no", Condition{Fact: "commercial", Is: &yes}, Known{"commercial": 1.0}, Unknown},
		{"something else", Condition{Fact: "commercial", Is: &yes}, Known{"commercial": []int{}}, Unknown},
		{"not unknown is unknown", Condition{Not: &Condition{Fact: "commercial", Is: &yes}}, Known{}, Unknown},
		{"any with an unknown", Condition{Any: []Condition{{Fact: "commercial", Is: &yes}, {Fact: "vehicles", Eq: &n}}}, Known{"vehicles": 5.0}, Yes},
		{"all with an unknown", Condition{All: []Condition{{Fact: "commercial", Is: &yes}, {Fact: "vehicles", Eq: &n}}}, Known{"vehicles": 4.0}, No},
	} {
		if got, _ := c.c.Judge(c.f, nil); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestKinds(t *testing.T) {
	p := shanghai(t)
	if _, err := p.Kind("uav.race"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a kind that is not there: %v", err)
	}
	kind := func(id string) Kind {
		k, err := p.Kind(id)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	flight, road := kind("uav.flight"), kind("icv.road_test")
	if must, all := flight.ItemsOf("first", ""); len(all) != 13 || len(must) != 10 {
		t.Errorf("a flight states %d items, %d of them must", len(all), len(must))
	}
	if must, _ := road.ItemsOf("first", "driver"); len(must) != 16 {
		t.Errorf("a road test encloses %d", len(must))
	}
	if must, _ := road.ItemsOf("first", "driverless"); len(must) != 17 || must[16] != "driverless_proof" {
		t.Errorf("a driverless one %v", must)
	}
	if must, _ := road.ItemsOf("change", "driver"); !slices.Contains(must, "change_reason") || slices.Contains(must, "test_plan") {
		t.Errorf("a change encloses %v", must)
	}
	plain := Known{"data.biometric": false, "data.important": false, "subtype": "first", "tier": "medium"}
	for name, c := range map[string]struct {
		k    Kind
		f    Known
		want string
	}{
		"a flight":              {flight, plain, "atm"},
		"a road test":           {road, plain, "econ_info transport police"},
		"with faces":            {road, but(plain, Known{"data.biometric": true}), "econ_info transport police cyber"},
		"of which it is unsure": {road, Known{}, "econ_info transport police cyber"},
		"a boat":                {kind("usv.channel_test"), plain, "econ_info maritime site"},
	} {
		if got := strings.Join(p.Signers(c.k, c.f), " "); got != c.want {
			t.Errorf("%s: signed by %s, want %s", name, got, c.want)
		}
	}
	steps := func(f Known) string {
		var ids []string
		for _, s := range road.StepsOf(f) {
			ids = append(ids, s.ID+":"+string(s.State))
		}
		return strings.Join(ids, " ")
	}
	if got := steps(plain); got != "intake:submitted first_review:under_review vehicle_check:under_review expert_review:under_review sign_off:under_review plate:approved" {
		t.Errorf("steps: %s", got)
	}
	if got := steps(but(plain, Known{"subtype": "recognised", "tier": "high"})); strings.Contains(got, "vehicle_check") || !strings.Contains(got, "compliance_review") {
		t.Errorf("recognised elsewhere, high: %s", got)
	}
	if got := kind("icv.road_test"); len(got.GatesOf("driver")) != 0 || !slices.Equal(got.GatesOf("driverless"), []string{"icv.enter_driverless"}) {
		t.Errorf("gates: %v", got.Gates)
	}
}

// Every kind of every pack: nothing is approved past those who must sign, and the
// five road classes and stages that the law names have their kinds.
func TestKindsOfEveryPackAreReviewed(t *testing.T) {
	for _, p := range load(t).All() {
		for id, k := range p.Kinds {
			signed := false
			for _, s := range k.StepsOf(Known{}) {
				if s.State == Approved && !signed {
					t.Errorf("%s %s: %s before the sign-off", p.Key(), id, s.ID)
				}
				signed = signed || s.SignOff
			}
			if !signed || len(p.Signers(k, Known{})) == 0 {
				t.Errorf("%s %s: nobody signs", p.Key(), id)
			}
		}
	}
	p := shanghai(t)
	for _, id := range []string{"uav.flight", "uav.standing", "icv.road_test", "icv.demo_application", "icv.demo_operation", "icv.commercial", "usv.channel_test", "site.use"} {
		if _, err := p.Kind(id); err != nil {
			t.Error(err)
		}
	}
}

package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestEveryNumberHasASourceAndAMark(t *testing.T) {
	for _, p := range load(t).All() {
		all, err := p.Origins()
		if err != nil {
			t.Fatalf("%s: %v", p.Key(), err)
		}
		count := map[Mark]int{}
		for _, o := range all {
			if len(o.Cites) == 0 || o.Mark == "" {
				t.Errorf("%s %s = %v: %+v", p.Key(), o.Path, o.Value, o)
			}
			count[o.Mark]++
		}
		t.Logf("%s: %d quantities, %v", p.Key(), len(all), count)
		if len(all) < 50 {
			t.Errorf("%s: only %d quantities were seen", p.Key(), len(all))
		}
		if p.Status == PackInForce {
			t.Errorf("%s says that it is in force as a whole; it is not", p.Key())
		}
	}
}

func TestMarks(t *testing.T) {
	p := shanghai(t)
	for _, c := range []struct{ path, value, cites, mark string }{
		{"/clocks/uav.apply/at", "12:00", "d761:26", "in_force"},
		{"/clocks/uav.decide/at", "21:00", "d761:26", "in_force"},
		{"/clocks/uav.report/before", "PT1H", "d761:30", "in_force"},
		{"/clocks/uav.emg.apply/before", "PT30M", "d761:29", "in_force"},
		{"/clocks/uav.emg.decide/before", "PT10M", "d761:29", "in_force"},
		{"/clocks/icv.first_review/workdays", "5", "xy", "other_city"},
		{"/clocks/icv.severe/after", "PT24H", "memory", "assumption"},
		{"/calendar/holidays/3", "2026-02-15", "holidays-2026", "in_force"},
		{"/gates/icv.to_demo_national/needs/all/0/any/0/ge", "240", "nat-2021", "draft"},
		{"/gates/icv.to_demo_national/needs/all/1/eq", "0", "tz", "assumption"},
		{"/gates/icv.to_commercial/needs/all/1/ge", "200000", "xy", "other_city"},
		{"/uav/classes/0/needs/all/0/lt", "0.25", "d761:62", "in_force"},
		{"/uav/airspace/controlled_above_true_height_m", "120", "d761:19,22", "in_force"},
		{"/insurance/icv_liability/per_vehicle_cny", "5000000", "xy", "other_city"},
		{"/activation/telemetry/needs/ge", "1", "gbt-svp:6.2.2", "draft"},
		{"/alarms/depth_m", "10", "xy", "other_city"},
		{"/alarms/deadline_share", "0.8", "tz", "assumption"},
		{"/alarms/warn_before_end/0", "PT10M", "tz", "assumption"},
		{"/recorder/pre_s", "90", "wuhan-2025", "other_city"},
		{"/recorder/min_pre_s", "15", "gbt-svp", "draft"},
		{"/conformance/recover_s", "60", "f3548", "assumption"},
		{"/tiers/1/treatment/sample_share", "0.1", "ai2022:65 tz", "assumption"},
		{"/kinds/icv.commercial/batch_step", "30", "xy", "other_city"},
	} {
		o, err := p.Mark(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		var cites []string
		for _, k := range o.Cites {
			cites = append(cites, strings.TrimSuffix(k.Source.Key+":"+k.Clause, ":"))
		}
		if got := fmt.Sprint(o.Value, " ", strings.Join(cites, " "), " ", o.Mark); got != c.value+" "+c.cites+" "+c.mark {
			t.Errorf("%s: %s, want %s %s %s", c.path, got, c.value, c.cites, c.mark)
		}
	}
	for src, want := range map[string]Mark{"d761:26": InForce, "tz+d761:26": Assumption, "d761:26+nat-2021": DraftText, "sh-2021-3+xy": Lapsed} {
		if _, mark, err := p.cite(src); err != nil || mark != want {
			t.Errorf("%s is worth %s (%v), want %s: the worst of it", src, mark, err, want)
		}
	}
	if o, err := p.Mark("/insurance/icv_seat/sum_contradicts/0"); err != nil || !strings.Contains(o.Note, "contradicts") {
		t.Errorf("the note: %+v %v", o, err)
	}
	for _, path := range []string{"", "/version", "/clocks/none", "/clocks/uav.apply/at/3", "/departments/99"} {
		if _, err := p.Mark(path); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// The expired norm of 2021 is named so that old permits can cite it; none of the
// pack's own numbers may rest on it.
func TestNoNumberRestsOnTheExpiredNorm(t *testing.T) {
	all, err := shanghai(t).Origins()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		for _, c := range o.Cites {
			if c.Source.Key == "sh-2021-3" {
				t.Errorf("%s = %v", o.Path, o.Value)
			}
		}
	}
}

func TestASandboxRelaxesWhatItMay(t *testing.T) {
	relaxing := func(path, value string) string {
		return strings.Replace(nextYear, `"clocks":`, fmt.Sprintf(`"sandbox": {"src": "tz", "relaxations": [{"site": "lingang-1", "path": %q, "value": %s,
			"reason": {"en": "closed roads", "zh": "封闭道路"}, "signed_by": "a.chen"}]}, "clocks":`, path, value), 1)
	}
	const path = "/gates/icv.enter_driverless/first_batch"
	s, err := Load(with(t, map[string]string{"2027.json": relaxing(path, "20")}))
	if err != nil {
		t.Fatal(err)
	}
	city := get(t, s, "cn-shanghai-2027@1")
	site, err := city.For("lingang-1")
	if err != nil {
		t.Fatal(err)
	}
	if city.Gates["icv.enter_driverless"].FirstBatch != 10 || site.Gates["icv.enter_driverless"].FirstBatch != 20 {
		t.Errorf("city %d, site %d", city.Gates["icv.enter_driverless"].FirstBatch, site.Gates["icv.enter_driverless"].FirstBatch)
	}
	if list := site.Relaxed(); len(list) != 1 || list[0].Path != path || len(city.Relaxed()) != 0 {
		t.Errorf("relaxed: %v", list)
	}
	if o, err := site.Mark(path); err != nil || o.Relaxed == nil || o.Relaxed.SignedBy != "a.chen" || o.Value != json.Number("20") {
		t.Errorf("mark: %+v %v", o, err)
	}
	if o, err := city.Mark(path); err != nil || o.Relaxed != nil {
		t.Errorf("mark in the city: %+v %v", o, err)
	}
	if other, err := city.For("lingang-2"); err != nil || other != city {
		t.Errorf("a site that relaxes nothing: %v", err)
	}
	for name, c := range map[string][2]string{
		"a number that is not listed": {"/gates/icv.to_commercial/needs/all/0/ge", "1"},
		"text for a number":           {path, `"many"`},
		"a path that leads nowhere":   {"/gates/none", "1"},
	} {
		if _, err := Load(with(t, map[string]string{"2027.json": relaxing(c[0], c[1])})); !errors.Is(err, ErrPack) || !strings.Contains(err.Error(), "/sandbox/relaxations/0") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A value that only the whole pack refuses.
	s, err = Load(with(t, map[string]string{"2027.json": relaxing("/clocks/icv.first_review/workdays", "900")}))
	if err == nil {
		_, err = get(t, s, "cn-shanghai-2027@1").For("lingang-1")
	}
	if err == nil || !strings.Contains(err.Error(), "/clocks/icv.first_review/workdays") {
		t.Errorf("900 working days: %v", err)
	}
}

func TestTextsAreInBothLanguages(t *testing.T) {
	han := regexp.MustCompile(`\p{Han}`)
	for _, p := range load(t).All() {
		for id, k := range p.Kinds {
			if !han.MatchString(k.Title.Zh) || han.MatchString(k.Title.En) {
				t.Errorf("%s %s: %+v", p.Key(), id, k.Title)
			}
		}
		for id, i := range p.Items {
			if !han.MatchString(i.Title.Zh) || han.MatchString(i.Title.En) {
				t.Errorf("%s %s: %+v", p.Key(), id, i.Title)
			}
		}
	}
}

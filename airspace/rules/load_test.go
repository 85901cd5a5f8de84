package rules

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func load(t testing.TB) *Set {
	t.Helper()
	s, err := Load(Packs())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t testing.TB, s *Set, key string) *Pack {
	t.Helper()
	p, err := s.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shanghai(t testing.TB) *Pack { return get(t, load(t), "cn-shanghai-2026@1") }

func day(text string) (d Date) {
	if err := d.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return d
}

// with is the folder of the embedded packs with others beside them.
func with(t testing.TB, files map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(Packs(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := fs.ReadFile(Packs(), n)
		if err != nil {
			t.Fatal(err)
		}
		out[n] = &fstest.MapFile{Data: b}
	}
	for n, text := range files {
		out[n] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// changed is the Shanghai pack, alone in its folder, with another value at a path;
// without one (absent) when the value is absent.
func changed(t testing.TB, at string, value any) fs.FS {
	t.Helper()
	b, err := fs.ReadFile(Packs(), "cn-shanghai-2026.json")
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.TrimPrefix(at, "/"), "/")
	node := root
	for _, p := range parts[:len(parts)-1] {
		switch n := node.(type) {
		case map[string]any:
			node = n[p]
		case []any:
			node = n[int(p[0]-'0')]
		}
	}
	last := parts[len(parts)-1]
	switch n := node.(type) {
	case map[string]any:
		if value == absent {
			delete(n, last)
		} else {
			n[last] = value
		}
	case []any:
		n[int(last[0]-'0')] = value
	default:
		t.Fatalf("%s leads nowhere", at)
	}
	if b, err = json.Marshal(root); err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"pack.json": &fstest.MapFile{Data: b}}
}

type nothing struct{}

var absent any = nothing{}

func TestAViolationNamesItsPath(t *testing.T) {
	for _, c := range []struct {
		at     string
		value  any
		names  string // the path in the message, at if empty
		saying string
	}{
		{"/schema", "testzone.rulepack/2", "", "must be testzone.rulepack/1"},
		{"/version", 1.5, "", "whole number"},
		{"/version", 0, "", "1 or more"},
		{"/status", "good", "", "must be in_force"},
		{"/valid_from", "2026-02-30", "", "not a date"},
		{"/valid_to", "2026-01-01", "", "after valid_from"},
		{"/valid_to", absent, "", "is missing"},
		{"/tz", "Asia/Shanghigh", "", "IANA zone"},
		{"/tz", "Local", "", "IANA zone"},
		{"/place", "Shanghai", "", "must be a city"},
		{"/colour", "red", "", "unknown key"},
		{"/title/zh", "", "/title", "English and Chinese"},
		{"/calendar/weekend/0", "caturday", "", "day of the week"},
		{"/calendar/holidays", "none", "", "must be a list"},
		{"/sources/0/mark", "excellent", "", "must be in_force"},
		{"/sources/0/key", "d761", "/sources/1/key", "once"},
		{"/departments/1/id", "third_party", "", "once"},
		{"/items/emergency/document/max_bytes", 0, "/items/emergency/document", "a size"},
		{"/clocks/uav.apply/at", "25:00", "", "time of day"},
		{"/clocks/uav.apply/at", absent, "", "is missing"},
		{"/clocks/uav.apply/before", "PT1H", "/clocks/uav.apply", "exactly one"},
		{"/clocks/uav.apply/op", "<", "", "must be <= or >="},
		{"/clocks/uav.apply/anchor", "midnight", "", "must be one of"},
		{"/clocks/uav.apply/missed", "approve", "", "must be one of"},
		{"/clocks/uav.apply/src", absent, "/clocks/uav.apply/at", "names a source"},
		{"/clocks/uav.apply/src", "d762:26", "/clocks/uav.apply", "not among /sources"},
		{"/clocks/uav.report/before", "1 hour", "", "ISO 8601"},
		{"/clocks/uav.report/before", "PT0S", "", "no time at all"},
		{"/clocks/icv.first_review/workdays", 0, "", "1 to 250"},
		{"/kinds/uav.flight/domain", "air", "", "must be one of"},
		{"/kinds/uav.flight/items/0", "pilot", "", "no item"},
		{"/kinds/uav.flight/items/1", "party", "", "twice"},
		{"/kinds/uav.flight/optional/0", "business_licence", "", "no item of the kind"},
		{"/kinds/uav.flight/clocks/0", "uav.appply", "", "no clock"},
		{"/kinds/uav.flight/signoff/decides", "police", "", "among the required"},
		{"/kinds/uav.flight/signoff/required/0", "airforce", "", "no department"},
		{"/kinds/uav.flight/insurance/0", "hull", "", "no insurance"},
		{"/kinds/uav.flight/steps/2/sign_off", false, "/kinds/uav.flight/steps", "unreviewed"},
		{"/kinds/uav.flight/steps/2/state", "submitted", "", "in this order"},
		{"/kinds/uav.flight/steps/2/state", "effective", "", "in this order"},
		{"/kinds/uav.flight/steps/2/state", "done", "", "not a state"},
		{"/kinds/icv.road_test/gates/0/gate", "icv.no_gate", "/kinds/icv.road_test/gates/0/gate", "no gate"},
		{"/kinds/icv.road_test/gates/0/crew", "robot", "/kinds/icv.road_test/gates/0/crew", "no crew"},
		{"/kinds/icv.road_test/sample_share", 1.2, "", "share"},
		{"/kinds/icv.road_test/max_duration", "P12", "", "ISO 8601"},
		{"/gates/icv.to_commercial/needs/all/0/fact", "plates", "", "not a fact"},
		{"/gates/icv.to_commercial/needs/all/1/scope", "moon", "", "not a scope"},
		{"/gates/icv.to_commercial/needs/all/0/le", 3, "/gates/icv.to_commercial/needs/all/0", "one of lt"},
		{"/gates/icv.to_commercial/needs/all/0/any", []any{}, "/gates/icv.to_commercial/needs/all/0", "exactly one of"},
		{"/gates/icv.to_commercial/needs/all", []any{}, "/gates/icv.to_commercial/needs", "empty list"},
		{"/tiers/2/when", map[string]any{"fact": "data.biometric", "is": true}, "/tiers", "hold always"},
		{"/tiers/0/tier", "extreme", "", "must be one of"},
		{"/tiers/0/treatment/checklist", absent, "/tiers/0/treatment/checklist", "checklist"},
		{"/uav/duties/registration/0", "tiny", "", "no class"},
		{"/uav/exemptions/1/clocks/0", "uav.exempt", "", "no clock"},
		{"/reports/icv.stage/clock", "icv.renewal", "/reports/icv.stage", "one of them"},
		{"/people/vehicles_per_officer/icv.bus", 2, "/people/vehicles_per_officer", "no kind"},
		{"/people/src", absent, "/people/licence_years", "names a source"},
		{"/alarms/depth_m", "10", "", "must be a number"},
		{"/alarms/deadline_share", 80, "", "share"},
		{"/alarms/src_of/deadline_shave", "tz", "", "no such member"},
		{"/alarms/src_of/deadline_share", "nobody", "", "not among /sources"},
		{"/calendar/weekend", []any{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}, "/calendar", "no working day"},
		{"/alarms/mark", "fine", "", "must be in_force"},
		{"/alarms/note", 3, "", "must be text"},
		{"/retention/state", "3 months", "", "ISO 8601"},
		{"/sandbox/relaxable/0", "/clocks/icv.first_review/title", "", "not the path of a number"},
		{"/extends", "cn-shanghai-2025@1", "", "there is no pack"},
		{"/extends", "cn-shanghai-2026@1", "", "extends itself"},
	} {
		names := c.names
		if names == "" {
			names = c.at
		}
		_, err := Load(changed(t, c.at, c.value))
		switch {
		case !errors.Is(err, ErrPack):
			t.Errorf("%s = %v was taken: %v", c.at, c.value, err)
		case !strings.Contains(err.Error(), names) || !strings.Contains(err.Error(), c.saying):
			t.Errorf("%s = %v: %v, wanted %q, %q", c.at, c.value, err, names, c.saying)
		}
	}
	if _, err := Load(changed(t, "/status", "placeholder")); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestAllViolationsComeAtOnce(t *testing.T) {
	f := changed(t, "/clocks/uav.apply/at", "noon").(fstest.MapFS)
	f["pack.json"].Data = []byte(strings.Replace(string(f["pack.json"].Data), `"PT1H"`, `"an hour"`, 1))
	_, err := Load(f)
	if err == nil || !strings.Contains(err.Error(), "/clocks/uav.apply/at") || !strings.Contains(err.Error(), "an hour") {
		t.Errorf("%v", err)
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ text, saying string }{
		{`{"schema": `, "EOF"},
		{`[]`, "is an object"},
		{`{"version": 1}`, "must name the pack"},
		{`{"id": "a@b", "version": 1}`, "must name the pack"},
		{`{"id": "x", "version": 1, "items": {"a": 1, "a": 2}}`, "/items/a: is there twice"},
		{`{"id": "x", "version": 1} {}`, "text follows"},
		{`{"id": "x", "version": 1, "a": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "nested deeper"},
		{`{"id": "x", "version": 1, "a": "` + strings.Repeat("x", maxPack) + `"}`, "larger than"},
		{`{"id": "generic", "version": 1}`, "generic@1 is in generic-1.json already"},
	} {
		if _, err := Load(with(t, map[string]string{"zz.json": c.text})); !errors.Is(err, ErrPack) || !strings.Contains(err.Error(), c.saying) {
			t.Errorf("%.60s: %.200v", c.text, err)
		}
	}
	if _, err := Load(fstest.MapFS{}); !errors.Is(err, ErrNoPack) {
		t.Errorf("an empty folder: %v", err)
	}
}

const nextYear = `{"schema": "testzone.rulepack/1", "id": "cn-shanghai-2027", "version": 1, "place": "cn-shanghai", "extends": "cn-shanghai-2026@1",
 "title": {"en": "Shanghai, 2027", "zh": "上海（2027）"}, "valid_from": "2027-01-01", "valid_to": "2028-01-01", "status": "draft",
 "clocks": {"icv.first_review": {"workdays": 3, "src": "tz"}}}`

func TestAtFindsThePackOfTheDateAndTheDistrict(t *testing.T) {
	second := strings.Replace(strings.Replace(nextYear, `"version": 1`, `"version": 2`, 1), `"workdays": 3`, `"workdays": 4`, 1)
	s, err := Load(with(t, map[string]string{"2027.json": nextYear, "2027-2.json": second}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ date, place, want string }{
		{"2026-01-31", "cn-shanghai", ""},
		{"2026-02-01", "cn-shanghai", "cn-shanghai-2026@1"},
		{"2026-12-31", "cn-shanghai", "cn-shanghai-2026@1"},
		{"2027-01-01", "cn-shanghai", "cn-shanghai-2027@2"},
		{"2028-01-01", "cn-shanghai", "cn-shanghai-2026@1"},
		{"2026-06-01", "cn-shanghai/pudong", "cn-shanghai-pudong-2026@1"},
		{"2026-06-01", "cn-shanghai/minhang", "cn-shanghai-2026@1"},
		{"2027-06-01", "cn-shanghai/minhang", "cn-shanghai-2027@2"},
		{"2026-06-01", "cn-beijing", ""},
		{"2026-06-01", "cn-beijing/haidian", ""},
		{"2026-06-01", "", "generic@1"},
	} {
		p, err := s.At(day(c.date), c.place)
		switch {
		case c.want == "" && !errors.Is(err, ErrNoPack):
			t.Errorf("%s %s: %v", c.date, c.place, err)
		case c.want != "" && (err != nil || p.Key() != c.want):
			t.Errorf("%s %s: %v, want %s", c.date, c.place, err, c.want)
		}
	}
	// A permit under an old version keeps its numbers.
	for key, want := range map[string]int{"cn-shanghai-2026@1": 5, "cn-shanghai-2027@1": 3, "cn-shanghai-2027@2": 4} {
		if p := get(t, s, key); *p.Clocks["icv.first_review"].Workdays != want {
			t.Errorf("%s: %d working days", key, *p.Clocks["icv.first_review"].Workdays)
		}
	}
	if _, err := s.Get("cn-shanghai-2026@2"); !errors.Is(err, ErrNoPack) {
		t.Errorf("a version that is not there: %v", err)
	}
}

func TestAnExtensionSaysWhereItsNumbersComeFrom(t *testing.T) {
	_, err := Load(with(t, map[string]string{"2027.json": strings.Replace(nextYear, `, "src": "tz"`, "", 1)}))
	if !errors.Is(err, ErrPack) || !strings.Contains(err.Error(), "/clocks/icv.first_review/workdays") {
		t.Errorf("3 working days under the source of 5: %v", err)
	}
	s, err := Load(with(t, map[string]string{"2027.json": nextYear}))
	if err != nil {
		t.Fatal(err)
	}
	o, err := get(t, s, "cn-shanghai-2027@1").Mark("/clocks/icv.first_review/workdays")
	if err != nil || o.Mark != Assumption || o.Value != json.Number("3") {
		t.Errorf("%v %v", o, err)
	}
}

// tiny is about the smallest pack there can be: small enough for a fuzzer to find
// its way.
const tiny = `{"schema":"testzone.rulepack/1","id":"t","version":1,"place":"t","title":{"en":"t","zh":"t"},"valid_from":"2026-01-01","valid_to":null,"tz":"UTC","status":"draft",
"sources":[{"key":"s","title":{"en":"s","zh":"s"},"mark":"draft"}],"calendar":{"weekend":["sunday"],"holidays":[],"workdays":[],"known_until":"2026-12-31","src":"s"},
"departments":[{"id":"d","title":{"en":"d","zh":"d"}}],"items":{"i":{"title":{"en":"i","zh":"i"}}},
"kinds":{"k":{"title":{"en":"k","zh":"k"},"domain":"uav","subtypes":["first"],"items":["i"],"signoff":{"decides":"d","required":["d"]},"steps":[{"id":"s","title":{"en":"s","zh":"s"},"state":"under_review","sign_off":true}],"max_duration":"P1M","src":"s"}},
"clocks":{"c":{"title":{"en":"c","zh":"c"},"anchor":"submitted","op":"<=","workdays":5,"missed":"mark","src":"s"},"e":{"title":{"en":"e","zh":"e"},"anchor":"event","op":">=","day_offset":-1,"at":"12:00","missed":"mark","src":"s"}},
"gates":{"g":{"title":{"en":"g","zh":"g"},"needs":{"any":[{"fact":"auto_km","ge":1},{"not":{"fact":"kind","in":["k"]}}]},"src":"s"}},"tiers":[{"tier":"low","when":{"always":true},"treatment":{}}],"insurance":{},
"people":{"licence_years":1,"remote_training_h":1,"remote_control_h":1,"vehicles_per_officer":{"k":1},"src":"s"},
"uav":{"classes":[],"duties":{},"triggers":[],"exemptions":[],"airspace":{"controlled_above_true_height_m":1,"integrated_max_true_height_m":1,"suitable_classes":[],"reasons":[],"src":"s"}},"activation":{},
"alarms":{"depth_m":1,"dwell_s":1,"overspeed_kmh":1,"overspeed_share":0,"overspeed_s":1,"jerk_kmh":1,"jerk_s":1,"deceleration_ms2":-1,"stop_s":{},"gap_s":1,"officer_gap_s":1,"priority":[],"warn_before_end":["PT1M"],"deadline_share":0.5,"src":"s"},
"conformance":{"recover_s":1,"min_percent":1,"excursion_s":1,"excursions_per_hour":1,"plan_ahead":"P1D","max_vertices":3,"margin_m":1,"margin_s":1,"src":"s"},
"recorder":{"ring_s":1,"pre_s":1,"post_s":1,"min_pre_s":1,"min_post_s":1,"icv_min_hz":1,"src":"s"},"retention":{},"reports":{},"violations":{"dispositions":[],"minor":[]},
"sandbox":{"relaxable":["/clocks/c/workdays"],"relaxations":[],"src":"s"}}`

func TestTheSeedOfTheFuzzerIsAPack(t *testing.T) {
	if _, err := Load(fstest.MapFS{"tiny.json": &fstest.MapFile{Data: []byte(tiny)}}); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	names, err := fs.Glob(Packs(), "*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		b, err := fs.ReadFile(Packs(), n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(nextYear))
	f.Add([]byte(tiny))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Load(fstest.MapFS{"pack.json": &fstest.MapFile{Data: b}})
		if err != nil {
			if !errors.Is(err, ErrPack) {
				t.Fatalf("%v", err)
			}
			return
		}
		// What is taken can be used: every quantity has an origin, every clock runs.
		for _, p := range s.All() {
			if _, err := p.Origins(); err != nil {
				t.Fatal(err)
			}
			for id := range p.Clocks {
				if _, err := p.Deadline(id, p.ValidFrom.day(), p.Calendar); err != nil {
					t.Fatal(err)
				}
			}
			p.TierOf(Known{})
			p.NeedsApplication(Known{})
		}
	})
}

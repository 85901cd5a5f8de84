package permit

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"testzone/vehicles"
)

func codes(faults []Fault) (out []string) {
	for _, f := range faults {
		out = append(out, f.Code+" "+f.Item)
	}
	return out
}

func TestCheckSaysAllAtOnce(t *testing.T) {
	pack := packOf(t, shanghai)
	from := noon + 5*day
	app := complete(pack, "uav.flight", "", from, from+3600_000_000)
	delete(app.Items, "comms")
	delete(app.Items, "emergency")
	app.Insurance = nil
	app.People[0].LicenceUS = from
	app.Items["business_licence"] = Item{Text: "of another kind"}
	app.Volumes[0].Ceiling = nil
	p, err := Draft("pm_1", "acme", byApplicant(noon), app, pack)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Submit(byApplicant(noon), pack, []Fault{{Code: "fence", Item: "volumes/0", Message: "in a fence"}})
	var e *RulesError
	if !errors.As(err, &e) || !errors.Is(err, ErrRules) {
		t.Fatal(err)
	}
	got := strings.Join(codes(e.Faults), "; ")
	for _, want := range []string{"missing items/comms", "missing items/emergency", "missing insurance", "licence people/0", "invalid items/business_licence", "missing volumes/0/ceiling", "fence volumes/0"} {
		if !strings.Contains(got, want) {
			t.Errorf("not said: %s, in %s", want, got)
		}
	}
}

func TestCheckOneByOne(t *testing.T) {
	pack := packOf(t, shanghai)
	from := noon + 5*day
	for _, c := range []struct {
		name, kind, crew string
		spoil            func(*Application)
		want             string
	}{
		{"an end before the begin", "uav.flight", "", func(a *Application) { a.ToUS = a.FromUS }, "invalid window"},
		{"a begin that is past", "usv.channel_test", "", func(a *Application) { a.FromUS = noon - 1 }, "invalid window"},
		{"longer than the kind allows", "usv.channel_test", "", func(a *Application) { a.ToUS = a.FromUS + 200*day }, "invalid window"},
		{"a window outside", "uav.flight", "", func(a *Application) { a.Volumes[0].Windows = [][2]int64{{from - 1, from + 1}} }, "invalid volumes/0/windows"},
		{"no vehicle", "uav.flight", "", func(a *Application) { a.Vehicles = nil }, "missing vehicles"},
		{"a crew that the kind does not have", "uav.flight", "", func(a *Application) { a.Crew = "driver" }, "invalid crew"},
		{"no crew", "icv.road_test", "driver", func(a *Application) { a.Crew = "" }, "invalid crew"},
		{"no kilometres", "icv.road_test", "driverless", func(a *Application) { delete(a.Facts, "auto_km@open_road") }, "gate facts"},
		{"too few kilometres", "icv.road_test", "driverless", func(a *Application) { a.Facts["auto_km@open_road"] = 29_999.0 }, "gate facts"},
		{"an insurance of a smaller sum", "icv.road_test", "driver", func(a *Application) { a.Insurance[1].PerVehicleCNY = 4_999_999 }, "insurance insurance"},
		{"an insurance that begins later", "icv.road_test", "driver", func(a *Application) { a.Insurance[0].FromUS = from + 1 }, "insurance insurance"},
		{"a document of another type", "icv.road_test", "driver", func(a *Application) { a.Items["business_licence"].Documents[0].Type = "application/zip" }, "invalid items/business_licence"},
		{"a road of no class", "icv.road_test", "driver", func(a *Application) { a.Roads = []Segment{{"G40", "motorway"}} }, "invalid roads/0/road_class"},
		{"a checklist without evidence", "icv.road_test", "driverless", func(a *Application) { a.Checklist["people"] = Answer{Text: "nobody"} }, "missing checklist/people"},
		{"no disclosure", "uav.flight", "", func(a *Application) { a.Facts["road.public"] = false; delete(a.Disclosure, "contact") }, "missing disclosure/contact"},
		{"a small aircraft without a pilot", "uav.flight", "", func(a *Application) { a.Facts["uav.max_speed_kmh"] = 120.0; a.People = nil }, "licence people"},
		{"a renewal of nothing", "usv.channel_test", "", func(a *Application) { a.Subtype = "renewal" }, "missing replaces"},
	} {
		app := complete(pack, c.kind, c.crew, from, from+3600_000_000)
		p, _ := Draft("pm_1", "acme", byApplicant(noon), app, pack)
		if faults := p.Check(pack, noon); len(faults) > 0 {
			t.Fatalf("%s: before it: %+v", c.name, faults)
		}
		c.spoil(&p.Application)
		if got := strings.Join(codes(p.Check(pack, noon)), "; "); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestApplicationsThatAreNone(t *testing.T) {
	pack := packOf(t, shanghai)
	for _, c := range []struct {
		name string
		edit func(*Application)
	}{
		{"no title", func(a *Application) { a.Title = "" }},
		{"a datum that is none", func(a *Application) { a.Volumes[0].Floor.Datum = "sea" }},
		{"a fact that nobody asks for", func(a *Application) { a.Facts["owner"] = "me" }},
		{"a tier of its own choice", func(a *Application) { a.Facts["tier"] = "low" }},
		{"a class of its own choice", func(a *Application) { a.Facts["uav.class"] = "micro" }},
		{"a number for yes", func(a *Application) { a.Facts["road.public"] = 1.0 }},
		{"a digest that is none", func(a *Application) { a.Items["party"] = Item{Documents: []Document{{SHA256: "../../etc", Bytes: 1}}} }},
	} {
		app := complete(pack, "uav.flight", "", noon+day, noon+2*day)
		c.edit(&app)
		if _, err := Draft("pm_1", "acme", byApplicant(noon), app, pack); !errors.Is(err, ErrApplication) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestBookIsWhatWasSaved(t *testing.T) {
	pack := packOf(t, shanghai)
	b := NewBook()
	p := submitted(t, pack, complete(pack, "icv.road_test", "driverless", noon+5*day, noon+50*day))
	b.Put(p)
	state, err := b.SaveState()
	if err != nil {
		t.Fatal(err)
	}
	got, err := LoadState(state)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, b) {
		x, _ := json.Marshal(p)
		t.Errorf("another book came back than was saved: %.300s", x)
	}
	if ids, _ := got.Due(p.Due()); len(ids) != 1 {
		t.Errorf("due: %v", ids)
	}
}

// TestHeightsOfOtherDatums: how far above ground a ceiling above sea level is, nobody
// knows: what an applicant declares about it makes nothing less.
func TestHeightsOfOtherDatums(t *testing.T) {
	pack := packOf(t, shanghai)
	app := complete(pack, "uav.flight", "", noon+day, noon+2*day)
	app.Facts["uav.true_height_m"], app.Facts["airspace.controlled"] = 50.0, false
	p, err := Draft("pm_1", "acme", byApplicant(noon), app, pack)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ceiling Height
		known   bool
	}{{Height{60_000, "agl"}, true}, {Height{1_000_000, "amsl"}, false}, {Height{1_000_000, "wgs84"}, false}} {
		p.Application.Volumes[0].Ceiling = &c.ceiling
		f := p.Facts(pack)
		_, height := f["uav.true_height_m"]
		_, controlled := f["airspace.controlled"]
		if height != c.known || controlled != c.known {
			t.Errorf("%+v: true height known %v, controlled known %v, want %v", c.ceiling, height, controlled, c.known)
		}
	}
}

// TestGateOfEachVehicle: what a gate asks of each vehicle is declared of each, and one
// that lacks it is named.
func TestGateOfEachVehicle(t *testing.T) {
	pack := packOf(t, shanghai)
	from := noon + 5*day
	app := complete(pack, "icv.commercial", "driver", from, from+3600_000_000)
	app.Vehicles = []vehicles.VehicleID{"icv-1", "icv-2"}
	for name, v := range map[string]float64{"plated_vehicles": 20, "auto_km@road_test": 200_000, "auto_km@demonstration": 100_000, "coverage_pct@declared_segments": 100,
		"auto_km@same_route#icv-1": 1500, "auto_km@same_route#icv-2": 1499} {
		app.Facts[name] = v
	}
	p, err := Draft("pm_1", "acme", byApplicant(noon), app, pack)
	if err != nil {
		t.Fatal(err)
	}
	faults := p.Check(pack, noon)
	if len(faults) != 1 || faults[0].Code != "gate" || !strings.Contains(faults[0].Message, "auto_km@same_route#icv-2 >= 1500: 1499") {
		t.Errorf("of two vehicles one is short, and says of what: %+v", faults)
	}
	p.Application.Facts["auto_hours@same_route#icv-2"] = 360.0 // the other way to pass
	if faults := p.Check(pack, noon); len(faults) != 0 {
		t.Errorf("both pass: %+v", faults)
	}
	p.Application.Vehicles = append(p.Application.Vehicles, "icv-3")
	if faults := p.Check(pack, noon); len(faults) != 1 || !strings.Contains(faults[0].Message, "#icv-3") {
		t.Errorf("a vehicle of which nothing is declared: %+v", faults)
	}
}

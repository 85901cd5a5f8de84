package permit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

func packsOf(t *testing.T) *rules.Set {
	t.Helper()
	set, err := rules.Load(rules.Packs())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func packOf(t *testing.T, key string) *rules.Pack {
	t.Helper()
	p, err := packsOf(t).Get(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const shanghai = "cn-shanghai-2026@1"

func us(t testing.TB, at string) int64 {
	t.Helper()
	x, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return x.UnixMicro()
}

func square(lat, lon string) geofence.Shape {
	return geofence.Shape{Polygons: []geo.Polygon{{Outer: geo.MustRing(fmt.Sprintf("%[1]s0,%[2]s0 %[1]s0,%[2]s5 %[1]s5,%[2]s5 %[1]s5,%[2]s0", lat, lon))}}}
}

// complete is an application that lacks nothing under a pack.
func complete(pack *rules.Pack, kind, crew string, fromUS, toUS int64) Application {
	k := pack.Kinds[kind]
	a := Application{
		Kind: kind, Crew: crew, Subtype: "first", Title: "trial", Scenario: "delivery", FromUS: fromUS, ToUS: toUS,
		Vehicles: []vehicles.VehicleID{"v-1", "v-2"}, People: []Crewman{{Ref: "crew-1", Role: "remote_pilot", Licence: "CAAC-1", LicenceUS: toUS}},
		Items: map[string]Item{}, Checklist: map[string]Answer{}, Disclosure: map[string]string{},
		Facts: map[string]any{
			"uav.empty_kg": 3.0, "uav.mtow_kg": 6.0, "uav.max_speed_kmh": 72.0, "uav.airspace_keeping": true, "uav.reliable_surveillance": true, "uav.manual_override": true,
			"uav.micro_power_radio": false, "uav.distributed_or_swarm": false, "uav.over_crowd": false, "uav.dangerous_or_drop": false, "uav.beyond_line_of_sight": false,
			"uav.relay": false, "uav.from_moving_vehicle": false, "airspace.controlled": false, "airspace.suitable": true, "road.public": true,
			"carries.people": false, "data.biometric": false, "data.important": false, "usv.shared_fairway": false,
			"auto_km@open_road": 40000.0, "auto_hours@same_segments": 500.0, "auto_km@same_segments": 5000.0, "violations": 0.0, "accidents_at_fault": 0.0,
			"violations@same_segments": 0.0, "accidents_at_fault@same_segments": 0.0,
		},
	}
	v := Volume{Floor: &Height{0, "agl"}, Ceiling: &Height{100_000, "agl"}}
	v.SetShape(square("30.90", "121.90"))
	a.Volumes = []Volume{v}
	must, _ := k.ItemsOf("first", crew)
	for _, id := range must {
		item := Item{Text: "as enclosed"}
		if doc := pack.Items[id].Document; len(doc.Types) > 0 {
			item.Documents = []Document{{SHA256: strings.Repeat("a", 64), Type: doc.Types[0], Bytes: 1000}}
		}
		a.Items[id] = item
	}
	for _, name := range k.Insurance {
		a.Insurance = append(a.Insurance, Policy{Kind: name, Insurer: "PICC", Number: "1", FromUS: fromUS - 1, ToUS: toUS, PerVehicleCNY: 6_000_000})
	}
	for _, tier := range pack.Tiers {
		for _, line := range tier.Treatment.Checklist {
			a.Checklist[line.ID] = Answer{"see the plan", "plan, chapter 3"}
		}
		for _, name := range tier.Treatment.Disclosure {
			a.Disclosure[name] = "stated"
		}
	}
	return a
}

func byApplicant(at int64) Act {
	return Act{By: Signer{Person: "p_app", Org: "acme"}, AtUS: at}
}

func by(dept string, at int64) Act {
	return Act{By: Signer{Person: "p_" + dept, Org: dept, Department: dept}, AtUS: at, Reason: "looked at"}
}

var noon = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC).UnixMicro() // 12:00 in Shanghai

const day = 24 * 3600 * 1_000_000

// submitted is a permit that was handed in.
func submitted(t *testing.T, pack *rules.Pack, a Application) Permit {
	t.Helper()
	p, err := Draft("pm_1", "acme", byApplicant(noon), a, pack)
	if err == nil {
		p, err = p.Submit(byApplicant(noon), pack, nil)
	}
	if err != nil {
		t.Fatalf("%v %+v", err, err)
	}
	return p
}

// reviewed is a permit after all departments said yes, in their order.
func reviewed(t *testing.T, pack *rules.Pack, p Permit, at int64) Permit {
	t.Helper()
	for range 30 {
		dept, v, ok := p.next(pack)
		if !ok {
			return p
		}
		var err error
		if p, err = p.Review(by(dept, at), pack, v); err != nil {
			t.Fatalf("%s at %s: %v", dept, p.Step, err)
		}
	}
	t.Fatal("no end of departments")
	return p
}

// next is a department that is asked and the yes that it can say.
func (p *Permit) next(pack *rules.Pack) (dept string, r Review, ok bool) {
	required, _ := p.Asked(pack)
	if len(required) == 0 {
		return "", r, false
	}
	step, _ := p.at(pack)
	r = Review{Verdict: Pass, DocHash: p.DocHash}
	if step.SignOff {
		r.Verdict = Approve
	}
	r.Judgements = map[string]bool{"necessary": true, "appropriate": true, "controllable": true}
	decides := pack.Kinds[p.Application.Kind].SignOff.Decides
	i := slices.IndexFunc(required, func(d string) bool { return d != decides })
	return required[max(i, 0)], r, true
}

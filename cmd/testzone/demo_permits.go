package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/sim"
	"testzone/vehicles"
)

// demoBoat has a permit: it keeps to the channel, while others breach a fence.
const demoBoat = "boat-4"

// ensureDemoPermits adds the demo's departments and applications at the first start of a
// data folder: a boat's that becomes effective, one that is approved for later, a flight
// that waits for its department, and a draft. They go the way of every application.
func ensureDemoPermits(ctx context.Context, r *airspace.Register, now time.Time) error {
	who := airspace.Actor{ID: "demo-applicant", Name: "demo", Person: "demo-applicant", Org: demoOperator, Roles: []airspace.Role{airspace.TestOperator}}
	_, pack, err := r.RulePacks()
	if err != nil || len(r.Permits(who, airspace.PermitFilter{})) > 0 {
		return err
	}
	if _, err := r.Vehicle(airspace.Everybody, demoBoat); err != nil {
		return nil // the configuration has no vehicles that sign
	}
	usv, uav := pack.Kinds["usv.channel_test"], pack.Kinds["uav.flight"]
	if usv.Title.En == "" || uav.Title.En == "" {
		return nil // the rule pack of another place
	}
	if err := demoDepartments(ctx, r, pack, &usv); err != nil {
		return err
	}
	soon, day := now.Add(15*time.Second), 24*time.Hour
	for _, d := range []struct {
		permit.Application
		signed, submitted bool
	}{
		{demoBoatTest("Channel trial 航道试航", soon, 30*day), true, true},
		{demoBoatTest("Night trial 夜间试航", now.Add(40*day), 5*day), true, true},
		{demoFlight("Blood samples to the island 血样运送", now.Add(5*day)), false, true},
		{demoFlight("Roof survey 屋顶勘察", now.Add(9*day)), false, false},
	} {
		p, _, err := r.DraftPermit(ctx, who, completed(pack, d.Application))
		if err == nil && d.submitted {
			p, err = r.SubmitPermit(ctx, who, p.ID)
		}
		if err == nil && d.signed {
			err = signDemoPermit(ctx, r, pack, p)
		}
		if err != nil {
			return fmt.Errorf("demo permit %s: %w", d.Title, err)
		}
	}
	return nil
}

// demoDepartments are those that have a part in a kind of permit.
func demoDepartments(ctx context.Context, r *airspace.Register, pack *rules.Pack, k *rules.Kind) error {
	setUp := airspace.Actor{ID: "demo", Name: "demo", Roles: []airspace.Role{airspace.SetUp}}
	have := r.Organisations()
	for _, d := range pack.Departments {
		part := slices.Contains(k.SignOff.Required, d.ID) || slices.ContainsFunc(k.Steps, func(s rules.Step) bool { return slices.Contains(s.By, d.ID) })
		id := strings.ReplaceAll(d.ID, "_", "-")
		if !part || slices.ContainsFunc(have, func(o airspace.Organisation) bool { return o.ID == id }) {
			continue
		}
		if _, err := r.CreateOrganisation(ctx, setUp, airspace.Organisation{ID: id, Kind: airspace.Department, Name: d.Title.En + " " + d.Title.Zh}); err != nil {
			return fmt.Errorf("demo department %s: %w", id, err)
		}
	}
	return nil
}

// signDemoPermit has somebody of each department sign until the permit is approved, and
// the demo's controller let it be effective under a pack that is not in force.
func signDemoPermit(ctx context.Context, r *airspace.Register, pack *rules.Pack, p permit.Permit) (err error) {
	for p.State != rules.Approved {
		asked, _ := p.Asked(pack)
		before := p.Rev
		for _, dept := range asked {
			may, last := p.May(dept, pack)
			if len(last) > 0 {
				continue
			}
			v := permit.Review{Verdict: permit.Pass, DocHash: p.DocHash}
			if slices.Contains(may, permit.Approve) {
				v.Verdict = permit.Approve
			}
			org := strings.ReplaceAll(dept, "_", "-")
			who := airspace.Actor{ID: "demo-" + org, Name: "demo", Person: "demo-" + org, Org: org, Roles: []airspace.Role{airspace.Reviewer}}
			if p, err = r.ReviewPermit(ctx, who, p.ID, "", v); err != nil {
				return err
			}
			break // what is asked next follows from it
		}
		if p.Rev == before {
			return fmt.Errorf("step %s: nobody can sign", p.Step)
		}
	}
	if pack.Status != rules.PackInForce {
		who := demoController()
		who.Person = "demo-controller"
		_, err = r.SignOverride(ctx, who, p.ID, "demo")
	}
	return err
}

func demoBoatTest(title string, from time.Time, long time.Duration) permit.Application {
	a := permit.Application{
		Kind: "usv.channel_test", Subtype: "first", Title: title, Scenario: "channel", FromUS: from.UnixMicro(), ToUS: from.Add(long).UnixMicro(),
		Vehicles: []vehicles.VehicleID{demoBoat}, SpeedMPS: 15,
	}
	for _, f := range sim.DemoFeatures() {
		if f.Kind == "channel" {
			var v permit.Volume
			v.SetShape(geofence.Shape{Polygons: []geo.Polygon{{Outer: f.Points}}})
			a.Volumes = append(a.Volumes, v)
		}
	}
	return a
}

func demoFlight(title string, from time.Time) permit.Application {
	sw, _ := sim.DemoBounds()
	v := permit.Volume{Floor: &permit.Height{MM: 0, Datum: "agl"}, Ceiling: &permit.Height{MM: 80_000, Datum: "agl"}}
	v.SetShape(geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: sw.Lat + 45_000, Lon: sw.Lon + 60_000}, RadiusM: 120}})
	return permit.Application{
		Kind: "uav.flight", Subtype: "first", Title: title, Scenario: "delivery", FromUS: from.UnixMicro(), ToUS: from.Add(2 * time.Hour).UnixMicro(),
		Vehicles: []vehicles.VehicleID{"copter-1"}, People: []permit.Crewman{{Ref: "crew-1", Role: "remote_pilot", Licence: "CAAC-1"}}, Volumes: []permit.Volume{v},
		Facts: map[string]any{"uav.mtow_kg": 6.0, "airspace.suitable": true},
	}
}

// completed is an application with all that its kind asks for, as if somebody had
// written it: everything that may be declared and is not is answered by no.
func completed(pack *rules.Pack, a permit.Application) permit.Application {
	k := pack.Kinds[a.Kind]
	a.Items, a.Checklist, a.Disclosure = map[string]permit.Item{}, map[string]permit.Answer{}, map[string]string{}
	must, _ := k.ItemsOf(a.Subtype, a.Crew)
	for _, id := range must {
		one := permit.Item{Text: "demo 演示"}
		if doc := pack.Items[id].Document; len(doc.Types) > 0 {
			digest := sha256.Sum256([]byte(id))
			one.Documents = []permit.Document{{SHA256: hex.EncodeToString(digest[:]), Type: doc.Types[0], Bytes: len(id)}}
		}
		a.Items[id] = one
	}
	for _, name := range k.Insurance {
		a.Insurance = append(a.Insurance, permit.Policy{Kind: name, Insurer: "demo", Number: "1", FromUS: a.FromUS, ToUS: a.ToUS,
			PerVehicleCNY: max(int64(pack.Insurance[name].PerVehicleCNY), 1_000_000)})
	}
	facts := map[string]any{}
	for name, kind := range rules.FactKinds() {
		if kind == rules.YesNo {
			facts[name] = false
		}
	}
	for name, v := range a.Facts {
		facts[name] = v
	}
	a.Facts = facts
	for _, tier := range pack.Tiers {
		for _, line := range tier.Treatment.Checklist {
			a.Checklist[line.ID] = permit.Answer{Text: "demo 演示", Evidence: "demo"}
		}
		for _, name := range tier.Treatment.Disclosure {
			a.Disclosure[name] = "demo 演示"
		}
	}
	return a
}

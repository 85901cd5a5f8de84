package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/airspace/permit"
	rulepack "testzone/airspace/rules"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// permitInForce is a permit of acme's for one vehicle, effective for a week.
func permitInForce(id, kind string, v vehicles.VehicleID, now time.Time) permit.Permit {
	from, to := now.Add(-time.Minute).UnixMicro(), now.Add(7*24*time.Hour).UnixMicro()
	area := permit.Volume{Shared: true, Ceiling: &permit.Height{MM: 120_000, Datum: "amsl"}}
	area.SetShape(geofence.Shape{Circle: &geo.Circle{Center: geo.Point{Lat: 309_000_000, Lon: 1_219_300_000}, RadiusM: 500}})
	return permit.Permit{
		ID: id, Org: "acme", State: rulepack.Effective, Pack: "generic@1", Domain: strings.Split(kind, ".")[0], Rev: 9,
		Application: permit.Application{
			Kind: kind, Subtype: "first", Title: "trial", FromUS: from, ToUS: to, Vehicles: []vehicles.VehicleID{v}, Volumes: []permit.Volume{area},
			Insurance: []permit.Policy{{Kind: "liability", Insurer: "PICC", Number: "1", FromUS: from, ToUS: to, PerVehicleCNY: 5_000_000}},
			People:    []permit.Crewman{{Ref: "crew-1", Role: "remote_pilot", Licence: "CAAC-1"}},
			Facts:     map[string]any{"uav.mtow_kg": 6.0},
		},
		ApprovedToUS: to, FromUS: from, ToUS: to, EffectiveUS: from, SubmittedUS: from, CreatedUS: from, UpdatedUS: from,
		Override: &permit.Override{By: "ctl", AtUS: from, Reason: "trial", Pack: "generic@1"},
		History:  []permit.Event{{AtUS: from, Act: "permit.effective", State: rulepack.Effective}},
	}
}

// replayed takes an entry into the register as if the journal had it.
func (z *testZone) replayed(schema uint16, entry map[string]any) {
	z.t.Helper()
	body, err := json.Marshal(entry)
	if err == nil {
		err = z.register.Replay(journal.Record{Entry: journal.Entry{Schema: schema, Body: body}})
	}
	if err != nil {
		z.t.Fatal(err)
	}
}

// activityZone has a permit of acme's in force, and who may do what under it.
type activityZone struct {
	*testZone
	opr, other, rita, ctl account
}

func newActivityZone(t *testing.T) *activityZone {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "harbour": "operator", "authority": "department"} {
		z.organisation(id, kind)
	}
	a := &activityZone{z, z.account("opr", "acme", "test_operator"), z.account("other", "harbour", "applicant"), z.account("rita", "authority", "department_reviewer"), z.account("ctl", "zone", "controller")}
	z.want(z.as(a.opr, "POST", "/v1/vehicles", strings.Replace(vehicleBody("uav-7", 7), `"usv"`, `"uav"`, 1)), "201")
	p := permitInForce("pm_1", "uav.flight", "uav-7", z.clock.now())
	z.replayed(airspace.PermitSchema, map[string]any{"type": "permit.effective", "permit": p, "at_us": p.FromUS})
	return a
}

// planBody is a plan that begins in some time; more are members of it.
func (a *activityZone) planBody(in time.Duration, more string) string {
	from := a.clock.now().Add(in).UTC().Truncate(time.Second)
	return fmt.Sprintf(`{"title":"Blood samples","from":%q,"to":%q,"vehicles":["uav-7"],"people":["crew-1"]%s}`, from.Format(time.RFC3339), from.Add(time.Hour).Format(time.RFC3339), more)
}

const ofPermit = permitPath + "/pm_1/activities"

// TestActivities: a plan is tried, filed once, reported, confirmed by another than
// its holder, and not activated before all that speaks against it is settled.
func TestActivities(t *testing.T) {
	a := newActivityZone(t)
	body := a.planBody(3*time.Hour, "")
	before := a.decisions()
	r := a.as(a.opr, "POST", ofPermit+"?dry_run=true", body, keyHeader, "plan-0001")
	a.want(r, "200")
	if n := a.decisions() - before; n != 0 || !strings.Contains(string(r.body), `"id":""`) {
		t.Errorf("a dry run wrote %d decisions: %s", n, r.body)
	}
	var x Activity
	first := a.as(a.opr, "POST", ofPermit, body, keyHeader, "plan-0001")
	a.want(first, "201")
	first.json(t, &x)
	again := a.as(a.opr, "POST", ofPermit, body, keyHeader, "plan-0001")
	if string(again.body) != string(first.body) || again.StatusCode != http.StatusCreated || a.decisions() != before+1 {
		t.Errorf("again %d %s, first %s", again.StatusCode, again.body, first.body)
	}
	a.want(a.as(a.opr, "POST", ofPermit, body+" ", keyHeader, "plan-0001"), "422 key_reused")
	one := activitiesPath + "/" + x.ID
	if x.State != "planned" || first.Header.Get("Location") != one || len(x.Volumes) != 1 || len(x.Volumes[0].Windows) != 1 || len(x.Clocks) == 0 {
		t.Errorf("planned: %s", first.body)
	}
	a.want(a.as(a.other, "GET", one, ""), "404 not_found")
	a.want(a.as(a.other, "POST", ofPermit, body), "404 not_found")
	a.want(a.as(a.other, "POST", one+"/cancel", `{}`), "404 not_found")

	a.want(a.as(a.opr, "POST", one+"/report", `{"checked":["uav-7"]}`, "If-Match", `"9"`), "412 stale")
	a.want(a.as(a.opr, "POST", one+"/close", `{"begun":"2026-01-05T09:00:00Z","ended":"2026-01-05T09:30:00Z","takeovers":0,"incidents":false}`), "409 activity_state")
	if got := a.faults(a.as(a.opr, "POST", one+"/report", `{"checked":[]}`)); !slices.Equal(got, []string{"missing checked"}) {
		t.Errorf("reported unchecked: %v", got)
	}
	a.want(a.as(a.opr, "POST", one+"/report", `{"checked":["uav-7"]}`, "If-Match", `"1"`), "200")
	a.want(a.as(a.opr, "POST", one+"/confirm", `{}`), "403 forbidden")
	a.want(a.as(a.rita, "POST", one+"/confirm", `{"refuse":true}`), "422 invalid")

	// Everything at once: not confirmed, before its time, a permit that nobody signed, no controller, nobody follows the vehicle.
	got := a.faults(a.as(a.opr, "POST", one+"/activate", `{}`))
	if want := []string{"clock state", "enforcement vehicles/0", "invalid from", "permit permit", "zone vehicles"}; !slices.Equal(got, want) {
		t.Errorf("activated: %v, want %v", got, want)
	}
	a.want(a.as(a.rita, "POST", one+"/confirm", `{}`), "200")
	a.want(a.as(a.ctl, "POST", one+"/end", `{}`), "409 activity_state")
	a.as(a.opr, "POST", one+"/cancel", `{"reason":"fog"}`).json(t, &x)
	if x.State != "cancelled" || x.History[len(x.History)-1].Reason != "fog" {
		t.Errorf("cancelled: %+v", x)
	}
}

// TestActivitiesListed: by permit, state, day and vehicle, page by page.
func TestActivitiesListed(t *testing.T) {
	a := newActivityZone(t)
	var made [3]Activity
	for i := range made {
		a.as(a.opr, "POST", ofPermit, a.planBody(time.Duration(3+25*i)*time.Hour, "")).json(t, &made[i])
	}
	a.want(a.as(a.opr, "POST", activitiesPath+"/"+made[2].ID+"/cancel", `{}`), "200")
	for query, want := range map[string]int{
		activitiesPath: 3, ofPermit: 3, activitiesPath + "?permit=pm_2": 0, activitiesPath + "?permit=pm_1&state=planned": 2, ofPermit + "?state=cancelled": 1,
		activitiesPath + "?day=" + made[1].Day: 1, activitiesPath + "?vehicle=uav-7": 3, activitiesPath + "?vehicle=uav-8": 0,
	} {
		var list struct{ Items []Activity }
		a.as(a.rita, "GET", query, "").json(t, &list)
		if len(list.Items) != want {
			t.Errorf("%s: %d activities, want %d", query, len(list.Items), want)
		}
	}
	var page struct {
		Items []Activity
		Next  *string
	}
	a.as(a.opr, "GET", activitiesPath+"?limit=2", "").json(t, &page)
	if len(page.Items) != 2 || page.Next == nil || page.Items[0].ID != made[0].ID {
		t.Fatalf("first page: %+v", page)
	}
	a.as(a.opr, "GET", activitiesPath+"?limit=2&cursor="+*page.Next, "").json(t, &page)
	if len(page.Items) != 1 || page.Items[0].ID != made[2].ID {
		t.Errorf("second page: %+v", page)
	}
	a.want(a.as(a.opr, "GET", permitPath+"/pm_2/activities", ""), "404 not_found")
	var none struct{ Items []Activity }
	if a.as(a.other, "GET", activitiesPath, "").json(t, &none); len(none.Items) != 0 {
		t.Errorf("another operator sees %+v", none.Items)
	}
}

// TestActivityRefused: a plan that the permit, the clocks or others speak against is
// refused with all of it, and what is not for the caller to say is not taken.
func TestActivityRefused(t *testing.T) {
	a := newActivityZone(t)
	late := a.as(a.opr, "POST", ofPermit, a.planBody(20*time.Minute, ""))
	var p Problem
	late.json(t, &p)
	if i := slices.IndexFunc(p.Faults, func(f PermitFault) bool { return f.Code == "clock" }); i < 0 || p.Faults[i].Rule == "" || p.Faults[i].Minutes <= 0 || !strings.Contains(p.Faults[i].Passes, "a begin at ") {
		t.Errorf("too late: %s", late.body)
	}
	wide := `,"volumes":[{"geometry":{"type":"Point","coordinates":[121.93,30.9]},"radius_m":501}]`
	if got := a.faults(a.as(a.opr, "POST", ofPermit, a.planBody(3*time.Hour, wide))); !slices.Equal(got, []string{"fence volumes/0"}) {
		t.Errorf("wider than its permit: %v", got)
	}
	a.want(a.as(a.opr, "POST", ofPermit, a.planBody(3*time.Hour, strings.Replace(wide, "501", "200", 1))), "201")
	if got := a.faults(a.as(a.opr, "POST", ofPermit, a.planBody(3*time.Hour, ""))); !slices.Contains(got, "conflict vehicles/0") {
		t.Errorf("the same vehicle twice: %v", got)
	}
	for _, more := range []string{`,"state":"activated"`, `,"holder":"harbour"`, `,"takes":[]`, `,"activated_at":"2026-01-05T09:00:00Z"`} {
		a.want(a.as(a.opr, "POST", ofPermit, a.planBody(30*time.Hour, more)), "422 invalid")
	}
	a.want(a.as(a.opr, "GET", activitiesPath+"?state=approved", ""), "422 invalid")
	a.want(a.as(a.opr, "GET", activitiesPath+"?day=tomorrow", ""), "422 invalid")
}

// TestActivityStates: the API shows the states of the domain, and no other.
func TestActivityStates(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(newTestZone(t, zoneOptions{}).server.spec)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, v := range doc.Components.Schemas["Activity"].Value.Properties["state"].Value.Enum {
		have = append(have, v.(string))
	}
	var want []string
	for _, s := range activity.States() {
		want = append(want, string(s))
	}
	if !slices.Equal(have, want) {
		t.Errorf("states %v, want %v", have, want)
	}
}

// faults are those of a refusal, sorted.
func (a *activityZone) faults(r reply) (out []string) {
	a.t.Helper()
	a.want(r, "422 rules")
	var p Problem
	r.json(a.t, &p)
	for _, f := range p.Faults {
		out = append(out, f.Code+" "+f.Item)
	}
	slices.Sort(out)
	return out
}

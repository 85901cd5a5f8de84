package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/airspace/permit"
)

// permitBody is an application that lacks nearly everything.
const permitBody = `{"kind":"uav.flight","subtype":"first","title":"trial","from":"2100-01-05T09:00:00Z","to":"2100-01-05T10:00:00Z"}`

// application is one that lacks nothing but what spoils it.
func application(t *testing.T, from time.Time, spoil func(map[string]any)) string {
	t.Helper()
	to := from.Add(time.Hour)
	a := map[string]any{
		"kind": "uav.flight", "subtype": "first", "title": "Blood samples to the island", "scenario": "delivery", "from": from.Format(time.RFC3339), "to": to.Format(time.RFC3339),
		"vehicles": []string{"uav-7"}, "people": []any{map[string]any{"ref": "crew-1", "role": "remote_pilot", "licence": "CAAC-1"}},
		"insurance": []any{map[string]any{"kind": "liability", "insurer": "PICC", "number": "1", "from": from.Add(-time.Hour).Format(time.RFC3339), "to": to.Format(time.RFC3339), "per_vehicle_cny": 1_000_000}},
		"volumes": []any{map[string]any{"geometry": map[string]any{"type": "Point", "coordinates": []float64{121.9, 30.95}}, "radius_m": 200,
			"floor": map[string]any{"m": 0, "datum": "amsl"}, "ceiling": map[string]any{"m": 100, "datum": "amsl"}}},
		"facts": map[string]any{"uav.mtow_kg": 6, "uav.distributed_or_swarm": false, "uav.over_crowd": false, "uav.dangerous_or_drop": false, "uav.beyond_line_of_sight": false,
			"airspace.controlled": false, "road.public": false, "carries.people": false, "data.biometric": false, "data.important": false},
		"disclosure": map[string]any{}, "items": map[string]any{},
	}
	for _, name := range []string{"what", "where", "when", "who", "contact", "known_limits"} {
		a["disclosure"].(map[string]any)[name] = "stated"
	}
	for _, id := range []string{"party", "aircraft", "mission", "sites", "comms", "window", "volume", "c2_link", "cns", "emergency"} {
		a["items"].(map[string]any)[id] = map[string]any{"text": "as stated"}
	}
	a["items"].(map[string]any)["emergency"] = map[string]any{"documents": []any{map[string]any{"sha256": strings.Repeat("a", 64), "type": "application/pdf", "bytes": 1000}}}
	if spoil != nil {
		spoil(a)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPermitJourney is the documented example: all calls from a new applicant to an
// effective permit, and how many they are (permit/journey_calls).
func TestPermitJourney(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "harbour": "operator", "authority": "department", "forestry": "department"} {
		z.organisation(id, kind)
	}
	opr, other := z.account("opr", "acme", "test_operator"), z.account("other", "harbour", "applicant")
	rita, fred, ctl := z.account("rita", "authority", "department_reviewer"), z.account("fred", "forestry", "department_reviewer"), z.account("ctl", "zone", "controller")
	from := z.clock.now().Add(5 * 24 * time.Hour).Truncate(time.Second)
	calls := 0
	call := func(who account, method, path, body string, want string, header ...string) reply {
		t.Helper()
		calls++
		r := z.as(who, method, path, body, header...)
		z.want(r, want)
		return r
	}
	call(opr, "POST", "/v1/vehicles", strings.Replace(vehicleBody("uav-7", 7), `"usv"`, `"uav"`, 1), "201") // 1
	// 2: what would be said.
	var trial Permit
	call(opr, "POST", permitPath+"?dry_run=true", application(t, from, func(a map[string]any) { delete(a["items"].(map[string]any), "comms") }), "200").json(t, &trial)
	if len(trial.Faults) != 1 || trial.Faults[0].Item != "items/comms" || trial.Faults[0].Rule != "/items/comms" || trial.ID != "" {
		t.Errorf("a trial without comms: %+v", trial.Faults)
	}
	var p Permit
	call(opr, "POST", permitPath, application(t, from, nil), "201").json(t, &p) // 3
	call(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`, "200").json(t, &p)   // 4
	call(rita, "GET", permitPath+"?queue=true", "", "200")                      // 5
	call(rita, "GET", permitPath+"/"+p.ID, "", "200").json(t, &p)               // 6
	if p.State != "under_review" || len(p.Asked) != 1 || p.Asked[0] != "authority" {
		t.Fatalf("after the submission: %s, asked: %v", p.State, p.Asked)
	}
	review := fmt.Sprintf(`{"verdict":"approve","doc_hash":%q,"reference":"ATC 2026-17"}`, p.DocHash)
	call(rita, "POST", permitPath+"/"+p.ID+"/reviews", review, "200").json(t, &p)                                // 7
	call(ctl, "POST", permitPath+"/"+p.ID+"/override", `{"reason":"trial of the procedure"}`, "200").json(t, &p) // 8
	if p.State != "approved" || p.PublishedAt == nil || p.PackStatus != "placeholder" {
		t.Fatalf("after the approval: %+v", p)
	}
	z.clock.advance(5 * 24 * time.Hour)
	if _, err := z.register.TickPermits(t.Context()); err != nil {
		t.Fatal(err)
	}
	for login, a := range map[string]*account{"opr": &opr, "other": &other, "rita": &rita, "fred": &fred} { // their sessions are over
		a.cookie = cookieOf(z.password(login, testPassword))
	}
	call(opr, "GET", permitPath+"/"+p.ID, "", "200").json(t, &p) // 9
	if p.State != "effective" {
		t.Fatalf("at its begin it is %s: %s", p.State, p.Waits)
	}
	if calls > 12 {
		t.Errorf("%d calls", calls)
	}
	if *figures {
		fmt.Printf("permit/journey_calls %d calls\n", calls)
		fmt.Fprintln(os.Stderr, "permit/journey_calls: from a new applicant to an effective permit, with one look of the reviewer; goal <= 12")
	}
	z.want(z.as(other, "GET", permitPath+"/"+p.ID, ""), "404 not_found")
	z.want(z.as(fred, "GET", permitPath+"/"+p.ID, ""), "200")
	z.want(z.as(fred, "POST", permitPath+"/"+p.ID+"/revoke", `{"reason":"trees","end_now":true}`), "403 forbidden")
	var list struct{ Items []Disclosure }
	z.as(other, "GET", "/v1/disclosures", "").json(t, &list)
	if len(list.Items) != 1 || list.Items[0].Disclosed["contact"] != "stated" {
		t.Errorf("disclosed: %+v", list)
	}
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/revoke", `{}`), "422 invalid")
	var ends Permit
	if z.as(rita, "POST", permitPath+"/"+p.ID+"/revoke?dry_run=true", `{"reason":"found unsafe","end_now":true}`).json(t, &ends); ends.Ends == nil || len(ends.Ends.Vehicles) != 0 {
		t.Errorf("a dry run with nobody under way: %+v", ends.Ends)
	}
	z.want(z.as(other, "POST", permitPath+"/"+p.ID+"/revoke?dry_run=true", `{"reason":"who flies there?","end_now":true}`), "404 not_found")
	z.as(rita, "POST", permitPath+"/"+p.ID+"/revoke", `{"reason":"found unsafe","end_now":true}`).json(t, &p)
	if p.Ends != nil {
		t.Errorf("an act previews: %+v", p.Ends)
	}
	if p.State != "revoked" || !p.EndNow {
		t.Errorf("revoked: %s %v", p.State, p.EndNow)
	}
}

// TestPermitAbuse: what is not for the caller to say is refused, and changes nothing.
func TestPermitAbuse(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "authority": "department"} {
		z.organisation(id, kind)
	}
	opr, rita := z.account("opr", "acme", "test_operator"), z.account("rita", "authority", "department_reviewer")
	var p Permit
	z.as(opr, "POST", permitPath, permitBody).json(t, &p)
	for name, c := range map[string]struct{ body, want string }{
		"a state of its own choice":    {strings.Replace(permitBody, `{`, `{"state":"approved",`, 1), "422 invalid"},
		"another holder":               {strings.Replace(permitBody, `{`, `{"holder":"zone",`, 1), "422 invalid"},
		"decisions of its own":         {strings.Replace(permitBody, `{`, `{"decisions":[],`, 1), "422 invalid"},
		"a tier as a fact":             {strings.Replace(permitBody, `{`, `{"facts":{"tier":"low"},`, 1), "422 invalid"},
		"a document that is a path":    {strings.Replace(permitBody, `{`, `{"items":{"party":{"documents":[{"sha256":"../../etc/passwd","type":"application/pdf","bytes":1}]}},`, 1), "422 invalid"},
		"a volume that crosses itself": {strings.Replace(permitBody, `{`, `{"volumes":[{"geometry":{"type":"Point","coordinates":[121.9,30.9]}}],`, 1), "422 invalid"},
	} {
		if r := z.as(opr, "PUT", permitPath+"/"+p.ID, c.body, "If-Match", `"1"`); fmt.Sprint(r.StatusCode) != c.want[:3] {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	z.want(z.as(opr, "POST", permitPath+"/"+p.ID+"/reviews", `{"verdict":"approve","doc_hash":"x"}`), "403 forbidden")
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", `{"verdict":"approve","doc_hash":"x"}`), "404 not_found")
	z.want(z.as(opr, "PUT", permitPath+"/"+p.ID, permitBody), "428 if_match_required")
	var problem Problem
	z.as(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`).json(t, &problem)
	if problem.Code != "rules" || len(problem.Faults) < 10 || len(problem.Errors) != len(problem.Faults) {
		t.Errorf("all faults at once: %s, %d faults", problem.Code, len(problem.Faults))
	}
	var now Permit
	z.as(opr, "GET", permitPath+"/"+p.ID, "").json(t, &now)
	if now.Rev != 1 || now.State != "draft" {
		t.Errorf("what was refused changed it: revision %d, %s", now.Rev, now.State)
	}
	if _, err := z.register.SubmitPermit(t.Context(), airspace.Actor{ID: "x", Person: "p_x", Org: "acme", Roles: []airspace.Role{airspace.Applicant}}, p.ID); !errors.Is(err, permit.ErrRules) {
		t.Errorf("submitted: %v", err)
	}
}

package web

import (
	"strings"
	"testing"
	"time"
)

// TestIncidentsAndMonth: an operator reports an incident, which others do not see, says
// more, and hands in the month, whose file has the same bytes each time.
func TestIncidentsAndMonth(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"acme": "operator", "harbour": "operator", "traffic": "department"} {
		z.organisation(id, kind)
	}
	opr, other, rev := z.account("opr", "acme", "test_operator"), z.account("other", "harbour", "test_operator"), z.account("rev", "traffic", "department_reviewer")
	z.want(z.as(opr, "POST", "/v1/vehicles", vehicleBody("boat-1", 9)), "201")
	at := z.clock.now().Add(-time.Minute)
	body := `{"class":"event","vehicle_id":"boat-1","text":"ran aground","injured":2,"occurred_at":"` + at.UTC().Format(time.RFC3339) + `"}`
	z.want(z.as(other, "POST", incidentsPath, body), "404 not_found")
	z.want(z.as(opr, "POST", incidentsPath, strings.Replace(body, "event", "none", 1)), "422 invalid")
	var x Incident
	z.as(opr, "POST", incidentsPath, body).json(t, &x)
	one := incidentsPath + "/" + x.ID
	if x.Org != "acme" || x.StandDown != nil || len(x.Clocks) != 1 || x.Clocks[0].State != "met" || len(x.Overdue) != 0 {
		t.Fatalf("%+v", x)
	}
	z.want(z.as(other, "GET", one, ""), "404 not_found")
	var list incidentList
	if z.as(other, "GET", incidentsPath, "").json(t, &list); len(list.Items) != 0 {
		t.Errorf("another operator lists %+v", list.Items)
	}
	if z.as(rev, "GET", incidentsPath+"?open=true", "").json(t, &list); len(list.Items) != 1 {
		t.Errorf("a department lists %+v", list.Items)
	}
	z.want(z.as(opr, "POST", one+"/statements", `{"kind":"amendment","text":"no damage"}`), "428 if_match_required")
	z.want(z.as(opr, "POST", one+"/statements", `{"kind":"amendment","text":"no damage"}`, "If-Match", `"1"`), "200")
	z.want(z.as(rev, "POST", one+"/lift", `{"reason":"seen"}`, "If-Match", `"2"`), "409 supervision_state")
	z.want(z.as(rev, "POST", one+"/close", `{"reason":"seen"}`, "If-Match", `"2"`), "200")
	if z.as(rev, "GET", incidentsPath+"?open=true", "").json(t, &list); len(list.Items) != 0 {
		t.Errorf("closed and open: %+v", list.Items)
	}

	_, pack, err := z.server.cfg.Register.RulePacks()
	if err != nil {
		t.Fatal(err)
	}
	month := "/v1/organisations/acme/months/" + at.In(pack.Location()).Format("2006-01")
	var m MonthReport
	z.as(opr, "GET", month, "").json(t, &m)
	if m.Figures.Incidents["event"] != 1 || m.Figures.Injured != 2 || m.Figures.KM != nil || m.Figures.Alerts != nil || m.Over {
		t.Errorf("%+v", m)
	}
	z.want(z.as(other, "GET", month, ""), "404 not_found")
	z.want(z.as(opr, "POST", month, `{}`), "409 supervision_state")
	z.want(z.as(opr, "GET", "/v1/organisations/acme/months/2026-13", ""), "422 invalid")
	file := z.as(opr, "GET", month+"/export", "").body
	for _, line := range []string{",incidents,event,1\n", ",injured,,2\n", ",km,,unknown\n", ",alerts,,unknown\n", ",takeovers,,unknown\n"} {
		if !strings.Contains(string(file), line) {
			t.Errorf("the file lacks %q:\n%s", line, file)
		}
	}
	z.clock.advance(40 * 24 * time.Hour)
	opr = z.account("opr2", "acme", "test_operator") // the session of the other has ended
	if again := z.as(opr, "GET", month+"/export", "").body; string(again) != string(file) {
		t.Errorf("the same journal makes\n%s of\n%s", again, file)
	}
	z.as(opr, "POST", month, `{"note":"one was a passer-by"}`).json(t, &m)
	if m.Submitted == nil || !m.Submitted.Late || len(m.Submitted.Notes) != 1 || m.Overdue || !m.Over {
		t.Errorf("%+v", m)
	}
}

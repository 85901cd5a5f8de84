package web

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestReviewDesk: an application wanders over the desks of the department that decides
// it, with its deadline, what blocks it and what changed since it was looked at.
func TestReviewDesk(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "authority": "department", "forestry": "department"} {
		z.organisation(id, kind)
	}
	opr, rita, fred, ctl := z.account("opr", "acme", "test_operator"), z.account("rita", "authority", "department_reviewer"), z.account("fred", "forestry", "department_reviewer"), z.account("ctl", "zone", "controller")
	from := z.clock.now().Add(5 * 24 * time.Hour).Truncate(time.Second)
	z.want(z.as(opr, "POST", "/v1/vehicles", strings.Replace(vehicleBody("uav-7", 7), `"usv"`, `"uav"`, 1)), "201")
	var p Permit
	z.as(opr, "POST", permitPath, application(t, from, nil)).json(t, &p)
	desk := func(who account, name string) (q ReviewQueue) {
		t.Helper()
		r := z.as(who, "GET", reviewsPath+"?desk="+name, "")
		z.want(r, "200")
		r.json(t, &q)
		return q
	}
	if q := desk(rita, "waiting"); q.Total != 0 {
		t.Errorf("a draft lies on a desk: %+v", q)
	}
	z.as(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`).json(t, &p)
	q := desk(rita, "waiting")
	if q.Department != "authority" || q.Total != 1 || len(q.Items) != 1 || q.Items[0].PermitID != p.ID || q.Counts["waiting"] != 1 {
		t.Fatalf("the desk: %+v", q)
	}
	if d := q.Items[0].Deadline; d == nil || d.ID != "decide" || d.State != "open" {
		t.Errorf("its deadline: %+v", d)
	}
	if b := fmt.Sprint(q.Items[0].Blocks); b != "[{waits_for [authority]} {override []}]" {
		t.Errorf("what blocks it: %s", b)
	}
	if q := desk(fred, "waiting"); q.Total != 0 || q.Counts["decided"] != 0 {
		t.Errorf("it is none of the forestry's: %+v", q)
	}
	if q := desk(ctl, "waiting"); q.Total != 1 {
		t.Errorf("a controller sees what waits: %+v", q)
	}
	assess := func(who account) (a PermitAssessment) {
		t.Helper()
		r := z.as(who, "GET", permitPath+"/"+p.ID+"/assessment", "")
		z.want(r, "200")
		r.json(t, &a)
		return a
	}
	a := assess(rita)
	if fmt.Sprint(a.May) != "[approve approve_with_conditions reject return]" || a.Hindered != "" || a.Seen != nil || len(a.Faults) != 0 || len(a.Steps) == 0 || len(a.Sources) == 0 {
		t.Errorf("the assessment: %+v", a)
	}
	if a := assess(fred); len(a.May) != 0 {
		t.Errorf("who is not asked may say %v", a.May)
	}
	first := p.DocHash
	z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", fmt.Sprintf(`{"verdict":"return","reason":"lower, please","doc_hash":%q}`, p.DocHash)).json(t, &p)
	if q := desk(rita, "information"); q.Total != 1 || fmt.Sprint(q.Items[0].Blocks) != "[{information [authority]}]" {
		t.Errorf("after the return: %+v", q)
	}
	z.want(z.as(opr, "PUT", permitPath+"/"+p.ID, application(t, from, func(m map[string]any) { m["title"] = "Lower" }), "If-Match", fmt.Sprintf("%q", fmt.Sprint(p.Rev))), "200")
	z.as(opr, "POST", permitPath+"/"+p.ID+"/submit", `{}`).json(t, &p)
	if a = assess(rita); a.Seen == nil || a.Seen.DocHash != first || a.Seen.Application.Title != "Blood samples to the island" || a.Permit.Application.Title != "Lower" {
		t.Errorf("what changed: %+v", a.Seen)
	}
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", fmt.Sprintf(`{"verdict":"approve","doc_hash":%q}`, first)), "409 permit_changed")
	z.want(z.as(rita, "POST", permitPath+"/"+p.ID+"/reviews", fmt.Sprintf(`{"verdict":"approve","doc_hash":%q}`, p.DocHash)), "200")
	if q := desk(rita, "decided"); q.Total != 1 || q.Counts["waiting"] != 0 {
		t.Errorf("after the approval: %+v", q)
	}
	if n := assess(rita).Near; len(n) != 0 {
		t.Errorf("beside itself: %+v", n)
	}
}

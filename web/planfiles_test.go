package web

import (
	"encoding/json"
	"strings"
	"testing"
)

// A file of a ground station becomes items to send, and what a vehicle carries a file.
func TestPlanFiles(t *testing.T) {
	const path = "/v1/vehicles/boat-1/plans"
	o := newOwners(t)
	boat := o.sail(10)
	o.heard(boat, 10)
	const text = "QGC WPL 110\n0\t1\t0\t16\t0\t0\t0\t0\t30.9\t121.93\t0\t1\n" +
		"1\t0\t3\t16\t0\t0\t0\tnan\t30.901\t121.931\t0\t1\n2\t0\t2\t20\t0\t0\t0\t0\t0\t0\t0\t1\n"
	read := func(body string) reply {
		return o.as(o.anna, "POST", path+"/file", body, "Content-Type", "application/octet-stream")
	}
	before := o.head()
	var file PlanFile
	r := read(text)
	r.json(t, &file)
	if r.StatusCode != 200 || file.Format != "waypoints" || len(file.Plans) != 1 || file.Plans[0].Kind != "mission" || len(file.Plans[0].Items) != 2 || len(file.Notes) != 1 || o.head() != before {
		t.Fatalf("a waypoint file: %d %s", r.StatusCode, r.body)
	}
	o.want(o.as(o.anna, "GET", path+"/file?format=plan", ""), "409 plan_unknown")
	items, _ := json.Marshal(file.Plans[0].Items)
	o.want(o.as(o.anna, "PUT", path+"/mission", `{"moving":true,"items":`+string(items)+`}`), "202")
	o.plan("mission", "in_step")

	for format, kind := range map[string]string{"plan": "application/json", "waypoints": "text/plain; charset=utf-8"} {
		r := o.as(o.anna, "GET", path+"/file?kind=mission&format="+format, "")
		o.want(r, "200")
		if r.Header.Get("Content-Type") != kind || r.Header.Get("Content-Disposition") != `attachment; filename="boat-1.`+format+`"` {
			t.Errorf("%s: %v", format, r.Header)
		}
		var back PlanFile
		if read(string(r.body)).json(t, &back); len(back.Plans) != 1 || len(back.Plans[0].Items) != 2 || back.Format != format {
			t.Errorf("%s read again: %+v", format, back)
		} else if again, _ := json.Marshal(back.Plans[0].Items); string(again) != string(items) {
			t.Errorf("%s read again: %s, was %s", format, again, items)
		}
		if !strings.Contains(string(r.body), "30.9010000") && format == "waypoints" || !strings.Contains(string(r.body), "121.931") {
			t.Errorf("%s: %s", format, r.body)
		}
	}
	o.want(o.as(o.anna, "GET", path+"/file?kind=fence&format=plan", ""), "409 plan_unknown")
	o.want(o.as(o.anna, "GET", path+"/file", ""), "422 invalid")
	o.want(o.as(o.hugo, "GET", path+"/file?format=plan", ""), "404 not_found")
	o.want(o.as(o.hugo, "POST", path+"/file", text), "404 not_found")
	bad := read(strings.Replace(text, "121.931", "221.931", 1))
	o.want(bad, "422 unreadable_file")
	if p := bad.problem(t); !strings.Contains(p.Detail, "line 3, longitude") {
		t.Errorf("what is wrong is not named: %s", p.Detail)
	}
}

package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// restricting is the body of a restriction of the pad, some minutes from now.
func (z *bookedZone) restricting(from, length int) string {
	at := z.clock.now().Add(time.Duration(from) * time.Minute).UTC()
	return `{"name":"Regatta","kind":"planned","geometry":` + square + `,"from":"` + at.Format(time.RFC3339) + `","to":"` + at.Add(time.Duration(length)*time.Minute).Format(time.RFC3339) + `"}`
}

// A dry run says who is in it and which bookings it meets; published, those whom it
// affects acknowledge it, and each operator sees of the others only how many.
func TestRestrictions(t *testing.T) {
	z := newBookedZone(t, nil)
	b := z.book(z.acme, z.slot(60, 60, ""))
	z.report(z.operated(71, "harbour"), 30.905, 121.925, 50)
	var dry, made Restriction
	r := z.as(z.carl, "POST", restrictionsPath+"?dry_run=true", z.restricting(30, 120))
	r.json(t, &dry)
	if r.StatusCode != http.StatusOK || dry.Impact == nil || dry.Impact.Vehicles.Count != 1 || len(dry.Impact.Bookings) != 1 || dry.Impact.Bookings[0].ID != b.ID {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	r = z.as(z.carl, "POST", restrictionsPath, z.restricting(30, 120))
	r.json(t, &made)
	if r.StatusCode != http.StatusCreated || made.Counts.Told != 1 || made.Told[0].Org != "acme" || made.State != "published" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	one := restrictionsPath + "/" + made.ID
	fence := z.as(z.carl, "GET", "/v1/fences/"+made.Fence, "")
	if !strings.Contains(string(fence.body), `"kind":"restriction","id":"`+made.ID) {
		t.Errorf("its fence: %s", fence.body)
	}
	z.want(z.as(z.carl, "DELETE", "/v1/fences/"+made.Fence, "", "If-Match", `"1"`), "409 not_manual")
	seen := z.as(z.harbour, "GET", one, "")
	if strings.Contains(string(seen.body), "acme") || !strings.Contains(string(seen.body), `"told":1`) {
		t.Errorf("harbour sees %s", seen.body)
	}
	z.want(z.as(z.harbour, "POST", one+"/acknowledge", `{}`, "If-Match", `"1"`), "409 not_told")
	z.want(z.as(z.acme, "POST", one+"/acknowledge", `{}`), "428 if_match_required")
	z.want(z.as(z.acme, "POST", one+"/acknowledge", `{}`, "If-Match", `"1"`), "200")
	z.want(z.as(z.carl, "PATCH", one, `{"to":"`+z.clock.now().Add(4*time.Hour).UTC().Format(time.RFC3339)+`"}`, "If-Match", `"2"`), "200")
	z.clock.advance(31 * time.Minute)
	z.as(z.carl, "GET", one, "").json(t, &made)
	if made.State != "in_force" || made.Counts.Overdue != 1 || !made.Told[0].Overdue {
		t.Errorf("begun and not acknowledged: %+v", made)
	}
	z.want(z.as(z.carl, "POST", one+"/acknowledge", `{"organisation_id":"acme","note":"by telephone"}`, "If-Match", `"3"`), "200")
	z.want(z.as(z.acme, "POST", one+"/end", `{}`, "If-Match", `"4"`), "403 forbidden")
	z.want(z.as(z.carl, "POST", one+"/end", `{"reason":"rain"}`, "If-Match", `"4"`), "200")
	z.want(z.as(z.carl, "POST", one+"/end", `{}`, "If-Match", `"5"`), "409 restriction_over")
	if list := z.as(z.carl, "GET", restrictionsPath, ""); strings.Contains(string(list.body), made.ID) {
		t.Errorf("what is over is listed: %s", list.body)
	}
	z.want(z.as(z.carl, "GET", "/v1/fences/"+made.Fence, ""), "404 not_found")
	z.want(z.as(z.carl, "POST", restrictionsPath, strings.Replace(z.restricting(30, 120), "planned", "urgent", 1)), "201")
	z.want(z.as(z.carl, "POST", restrictionsPath, z.restricting(-30, 120)), "422 invalid")
	z.want(z.as(z.carl, "POST", restrictionsPath, strings.Replace(z.restricting(30, 120), `"name":"Regatta",`, "", 1)), "422 invalid")
}

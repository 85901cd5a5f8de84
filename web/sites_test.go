package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// bookedZone is a zone with a pad of the port, and two operators.
type bookedZone struct {
	*testZone
	carl, acme, harbour, port account
	site                      string
}

func newBookedZone(t *testing.T, change func(body string) string) *bookedZone {
	t.Helper()
	z := &bookedZone{testZone: newTestZone(t, zoneOptions{})}
	z.organisation("zone", "authority")
	for _, org := range []string{"acme", "harbour", "port"} {
		z.organisation(org, "operator")
	}
	z.carl = z.account("carl", "zone", "controller")
	z.acme, z.harbour, z.port = z.account("anna", "acme", "test_operator"), z.account("hugo", "harbour", "applicant"), z.account("pia", "port", "test_operator")
	body := strings.Replace(siteBody("Pad 1", "port"), `"capacity":100`, `"capacity":1,"min_s":600,"max_s":14400,"buffer_s":300,"no_show_s":900`, 1)
	if change != nil {
		body = change(body)
	}
	var at Site
	r := z.as(z.carl, "POST", sitesPath, body)
	if r.StatusCode != http.StatusCreated {
		t.Fatalf("site: %d %s", r.StatusCode, r.body)
	}
	r.json(t, &at)
	z.site = at.ID
	return z
}

// slot is the body of a booking some minutes from now.
func (z *bookedZone) slot(from, length int, more string) string {
	at := z.clock.now().Add(time.Duration(from) * time.Minute).UTC()
	return fmt.Sprintf(`{"site_id":%q,"from":%q,"to":%q%s}`, z.site, at.Format(time.RFC3339), at.Add(time.Duration(length)*time.Minute).Format(time.RFC3339), more)
}

func (z *bookedZone) book(who account, body string) (b BookingAnswer) {
	z.t.Helper()
	r := z.as(who, "POST", bookingsPath, body)
	if r.StatusCode != http.StatusCreated {
		z.t.Fatalf("book: %d %s", r.StatusCode, r.body)
	}
	r.json(z.t, &b)
	return b
}

// A refusal says what is in the way without whose it is, by how much, and what would
// do: what it offers is taken.
func TestBookingRefusal(t *testing.T) {
	z := newBookedZone(t, nil)
	first := z.book(z.acme, z.slot(60, 60, `,"purpose":"brake test"`))
	r := z.as(z.harbour, "POST", bookingsPath, z.slot(90, 60, ""))
	var p Problem
	r.json(t, &p)
	if r.StatusCode != http.StatusConflict || p.Code != "site_taken" || p.Booking == nil || len(p.Booking.Conflicts) != 1 || len(p.Booking.Free) == 0 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if c := p.Booking.Conflicts[0]; c.Rule != "full" || c.Minutes != 35 || c.Booking != "" {
		t.Errorf("%+v", c)
	}
	for _, secret := range []string{"acme", first.ID, "brake", z.acme.ID} {
		if strings.Contains(string(r.body), secret) {
			t.Errorf("it tells harbour %q: %s", secret, r.body)
		}
	}
	free := p.Booking.Free[0]
	z.book(z.harbour, fmt.Sprintf(`{"site_id":%q,"from":%q,"to":%q}`, z.site, free.From, free.To))
}

// Whose a booking is is read by its organisation, the site's owner, the zone and
// departments; others see that the site is taken.
func TestBookingTenancy(t *testing.T) {
	z := newBookedZone(t, nil)
	b := z.book(z.acme, z.slot(60, 60, `,"purpose":"brake test"`))
	for who, sees := range map[*account]bool{&z.acme: true, &z.port: true, &z.carl: true, &z.harbour: false} {
		list, one := z.as(*who, "GET", bookingsPath, ""), z.as(*who, "GET", bookingsPath+"/"+b.ID, "")
		if strings.Contains(string(list.body), b.ID) != sees || (one.StatusCode == 200) != sees || !sees && one.StatusCode != 404 {
			t.Errorf("%s: list %s, one %d", who.ID, list.body, one.StatusCode)
		}
	}
	z.want(z.as(z.harbour, "POST", bookingsPath+"/"+b.ID+"/cancel", `{}`, "If-Match", `"1"`), "404 not_found")
	var when Availability
	r := z.as(z.harbour, "GET", sitesPath+"/"+z.site+"/availability?length_s=3600", "")
	r.json(t, &when)
	if len(when.Taken) != 1 || when.Taken[0].From != b.From || len(when.Free) == 0 || when.Share == 0 || strings.Contains(string(r.body), "acme") {
		t.Errorf("%s", r.body)
	}
}

func TestBookingChanges(t *testing.T) {
	z := newBookedZone(t, func(body string) string { return strings.Replace(body, `"kind"`, `"approval":true,"kind"`, 1) })
	b := z.book(z.acme, z.slot(60, 60, ""))
	one := bookingsPath + "/" + b.ID
	if b.State != "requested" {
		t.Fatalf("it is %s", b.State)
	}
	z.want(z.as(z.acme, "POST", one+"/decision", `{"approve":true}`, "If-Match", `"1"`), "403 forbidden")
	z.want(z.as(z.port, "POST", one+"/decision", `{"approve":false}`, "If-Match", `"1"`), "422 invalid")
	z.want(z.as(z.port, "POST", one+"/decision", `{"approve":true}`, "If-Match", `"1"`), "200")
	z.want(z.as(z.port, "POST", one+"/decision", `{"approve":true}`, "If-Match", `"2"`), "409 booking_over")
	z.want(z.as(z.acme, "PATCH", one, `{"units":5}`, "If-Match", `"2"`), "409 site_taken")
	z.want(z.as(z.acme, "PATCH", one, `{}`), "428 if_match_required")
	z.want(z.as(z.acme, "PATCH", one+"?dry_run=true", `{"to":"`+z.clock.now().Add(90*time.Minute).UTC().Format(time.RFC3339)+`"}`, "If-Match", `"2"`), "200")
	z.want(z.as(z.acme, "POST", one+"/arrival", ``, "If-Match", `"2"`), "422 invalid")
	z.want(z.as(z.acme, "POST", one+"/cancel", `{"reason":"rain"}`, "If-Match", `"2"`), "200")
	z.want(z.as(z.acme, "POST", one+"/cancel", `{}`, "If-Match", `"3"`), "409 booking_over")
	z.want(z.as(z.acme, "POST", bookingsPath, z.slot(60, 60, `,"priority":2`)), "403 forbidden")
	z.want(z.as(z.acme, "POST", bookingsPath, z.slot(60, 60, `,"organisation_id":"harbour"`)), "403 forbidden")
	z.want(z.as(z.acme, "POST", bookingsPath, z.slot(60, -5, "")), "422 invalid")
	z.want(z.as(z.acme, "POST", bookingsPath, z.slot(60, 60, `,"state":"confirmed"`)), "422 invalid")
	z.want(z.as(z.carl, "DELETE", sitesPath+"/"+z.site, "", "If-Match", `"1"`), "204")
	z.want(z.as(z.acme, "POST", bookingsPath, z.slot(60, 60, "")), "409 site_gone")
}

// What of a site is wrong is said at once, where it stands.
func TestSiteFaults(t *testing.T) {
	z := newBookedZone(t, nil)
	r := z.as(z.carl, "POST", sitesPath, `{"name":"x\u202ey","kind":"road","geometry":{"type":"Point","coordinates":[121.92,30.9]},"floor":{"m":50,"datum":"amsl"},"ceiling":{"m":10,"datum":"amsl"}}`)
	z.want(r, "422 invalid")
	for _, at := range []string{"body.name", "body.radius_m"} {
		if !strings.Contains(string(r.body), `"`+at) {
			t.Errorf("nothing of %s: %s", at, r.body)
		}
	}
	z.want(z.as(z.carl, "POST", sitesPath, siteBody("Pad", "nobody")), "422 invalid")
	z.want(z.as(z.carl, "POST", sitesPath, strings.Replace(siteBody("Road", ""), `"pad"`, `"road"`, 1)), "422 invalid")
	z.want(z.as(z.port, "PUT", sitesPath+"/"+z.site, siteBody("Pad 1", "acme"), "If-Match", `"1"`), "403 forbidden")
}

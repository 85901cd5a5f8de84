package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"testzone/telemetry"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// neighbours are two operators in one zone: each flies a vehicle that breaches a
// fence. acme is looked at, harbour looks.
type neighbours struct {
	*testZone
	carl, acme, harbour      account
	auditor                  string
	theirs, own              *vehicles.Identity
	theirAlert, alert, fence string
	theirKey                 string
}

func newNeighbours(t *testing.T) *neighbours {
	t.Helper()
	z, carl, auditor := auditedZone(t)
	z.organisation("acme", "operator")
	z.organisation("harbour", "operator")
	n := &neighbours{testZone: z, carl: carl, auditor: auditor}
	n.acme, n.harbour = z.account("anna", "acme", "test_operator"), z.account("hugo", "harbour", "test_operator")
	n.theirKey = z.key(n.acme, "").Key.ID
	var f Fence
	z.as(carl, "POST", "/v1/fences", fenceBody("river", square, "")).json(t, &f)
	n.fence = f.ID
	n.theirs, n.own = z.operated(71, "acme"), z.operated(72, "harbour")
	z.report(n.theirs, 30.902, 121.922, 50)
	z.report(n.own, 30.908, 121.928, 50)
	n.theirAlert, n.alert = z.alertOf(n.theirs), z.alertOf(n.own)
	z.want(z.as(carl, "POST", "/v1/alerts/"+n.theirAlert+"/acknowledge", `{"note":"a word to anna"}`), "200")
	return n
}

// clean holds that nothing of acme is in what harbour was given: no name, no id of a
// vehicle, person, alert or key, no listener, no note. uav-1 is registered for acme.
func (n *neighbours) clean(what, text string) {
	n.t.Helper()
	for _, secret := range []string{"acme", string(n.theirs.ID), n.theirs.Name, n.theirAlert, n.acme.ID, n.theirKey, "uav-1", "anna"} {
		if strings.Contains(text, secret) {
			n.t.Errorf("%s tells harbour %q: %.400s", what, secret, text)
		}
	}
}

// traffic is how harbour may see acme's vehicle.
func (n *neighbours) traffic() string { return fmt.Sprint("traffic-", uint32(n.theirs.Handle)) }

func TestTenancyOfLists(t *testing.T) {
	n := newNeighbours(t)
	for path, has := range map[string]string{
		"/v1/tracks": n.traffic(), "/v1/tracks/" + n.traffic(): `"reasons":["traffic"]}`, "/v1/tracks?enforced=false": string(n.own.ID), "/v1/vehicles": `"items":[]`,
		"/v1/alerts?state=all": n.alert, "/v1/alerts": n.alert, "/v1/fences/" + n.fence + "/enforcement": string(n.own.ID), "/v1/fences": n.fence,
		"/v1/fences/" + n.fence + "/versions": n.fence, "/v1/fences/export?format=geojson": n.fence, "/v1/organisations": `"harbour"`, "/v1/keys": `"items":[]`,
		"/v1/session": n.harbour.ID, "/v1/zone": "lingang", "/v1/health": `"status"`,
	} {
		r := n.as(n.harbour, "GET", path, "")
		if r.StatusCode != 200 || !strings.Contains(string(r.body), has) {
			t.Errorf("%s answers %d without %s: %s", path, r.StatusCode, has, r.body)
		}
		n.clean(path, string(r.body))
	}
	// A controller sees both: what is missing above is hidden, not absent.
	all := n.as(n.carl, "GET", "/v1/tracks", "").body
	if !strings.Contains(string(all), string(n.theirs.ID)) || strings.Contains(string(all), "traffic-") {
		t.Errorf("the zone sees %s", all)
	}
	for _, list := range []string{"/v1/tracks?limit=1", "/v1/alerts?state=all&limit=1", "/v1/organisations?limit=1"} {
		var page struct{ Next *string }
		n.as(n.carl, "GET", list, "").json(t, &page)
		if page.Next == nil {
			t.Fatalf("%s has one page only", list)
		}
		n.want(n.as(n.harbour, "GET", list+"&cursor="+*page.Next, ""), "422 bad_cursor")
	}
}

// TestTenancyOfIDs: who knows an id gets no further, and the audit tells of the attempt.
func TestTenancyOfIDs(t *testing.T) {
	n := newNeighbours(t)
	for _, c := range []struct{ what, method, path, body, want string }{
		{"getTrack", "GET", "/v1/tracks/" + string(n.theirs.ID), "", "404 not_found"},
		{"getAlert", "GET", "/v1/alerts/" + n.theirAlert, "", "404 not_found"},
		{"acknowledgeAlert", "POST", "/v1/alerts/" + n.alert + "/acknowledge", "", "403 forbidden"},
		{"getOrganisation", "GET", "/v1/organisations/acme", "", "404 not_found"},
		{"getKey", "GET", "/v1/keys/" + n.theirKey, "", "404 not_found"},
		{"revokeKey", "DELETE", "/v1/keys/" + n.theirKey, "", "404 not_found"},
		{"getPerson", "GET", "/v1/people/" + n.acme.ID, "", "404 not_found"},
		{"listPeople", "GET", "/v1/people", "", "403 forbidden"},
		{"previewFence", "POST", "/v1/fences/preview", `{"fence":` + fenceBody("x", square, "") + `}`, "403 forbidden"},
		{"emergencyFence", "POST", "/v1/fences/emergency", `{"center":[121.92,30.9],"radius_m":300}`, "403 forbidden"},
		{"listWebhooks", "GET", "/v1/webhooks", "", "403 forbidden"},
		{"createWebhook", "POST", "/v1/webhooks", `{"url":"https://ops.example.org/"}`, "403 forbidden"},
		{"searchAudit", "GET", "/v1/audit/events?by=" + n.acme.ID, "", "403 forbidden"},
		{"exportAudit", "GET", "/v1/audit/export", "", "403 forbidden"},
		{"auditCheckpoint", "GET", "/v1/audit/checkpoint", "", "403 forbidden"},
		{"auditInclusion", "GET", "/v1/audit/proof/inclusion?seq=1&size=2", "", "403 forbidden"},
		{"auditConsistency", "GET", "/v1/audit/proof/consistency?old=1&new=2", "", "403 forbidden"},
	} {
		r := n.as(n.harbour, c.method, c.path, c.body, "If-Match", `"1"`)
		n.want(r, c.want)
		_, code, _ := strings.Cut(c.want, " ")
		n.audited(n.auditor, c.what, code)
	}
	if k, err := n.register.APIKey(n.theirKey); err != nil || k.Revoked {
		t.Errorf("acme's key: %+v, %v", k, err)
	}
	// An operator's people never include who reads the audit of everybody.
	n.want(n.call(adminToken, "POST", "/v1/people", `{"organisation":"harbour","roles":["auditor"],"login":"eve","name":"","subject":""}`), "422 invalid")
}

// TestTenancyOfEvents: from the start of the journal, by query or by Last-Event-ID.
func TestTenancyOfEvents(t *testing.T) {
	n := newNeighbours(t)
	n.want(n.as(n.carl, "POST", "/v1/fences", fenceBody("the end", square, "")), "201")
	for _, from := range [][2]string{{"?after=0", ""}, {"", "0"}, {"?after=0&types=alert.*,fence.put,person.*,session.*,call.*", ""}} {
		stream, own, fences := n.follow("", from[0], "Cookie", n.harbour.cookie, "Last-Event-ID", from[1]), 0, 0
		for fences < 2 { // the river and the end
			e := stream.next()
			n.clean("an event", string(encodeJSON(&e)))
			if e.Type == "fence.put" {
				fences++
			} else if e.AlertID != n.alert {
				t.Errorf("harbour gets %+v", e)
			} else {
				own++
			}
		}
		if own == 0 {
			t.Error("harbour does not get its own alert")
		}
		stream.stop()
	}
}

// TestTenancyOfLive: dictionary, positions, alerts, transitions, what is followed and
// what a resumed session is told of before.
func TestTenancyOfLive(t *testing.T) {
	n := newNeighbours(t)
	c := n.live("Cookie", n.harbour.cookie)
	c.send(`{"t":"hello","enc":["packed"],"lang":"en","resume":{"epoch":4000000007,"seq":0,"alertSeq":0}}`)
	c.until("welcome", func() bool { return c.epoch != 0 })
	// A view without vehicles: only what is followed comes.
	c.send(`{"t":"sub","bbox":[121.90,30.94,121.901,30.95],"maxHz":10,"zoom":12}`)
	c.send(`{"t":"follow","ids":[%q,%q,%q]}`, n.theirs.ID, n.own.ID, "uav-1")
	c.until("its own vehicle", func() bool { _, ok := c.fleet[uint32(n.own.Handle)]; return ok })
	if len(c.fleet) != 1 {
		t.Errorf("by the id of acme's vehicle harbour follows %v", c.fleet)
	}
	c.send(wholeZone)
	c.until("the traffic picture", func() bool { return len(c.fleet) == 2 })
	if got := c.dict[uint32(n.theirs.Handle)]; got != n.traffic() {
		t.Errorf("acme's vehicle is called %q", got)
	}
	// Both leave and come back, acme first: the zone's own session says when that is told.
	zone := n.live("Cookie", n.carl.cookie)
	zone.hello()
	before := len(c.control)
	moved := func(v *vehicles.Identity) func(controlMessage) bool {
		return func(m controlMessage) bool { return m.T == "transition" && m.Vehicle.ID == string(v.ID) }
	}
	for _, v := range []*vehicles.Identity{n.theirs, n.own} {
		n.report(v, 30.915, 121.935, 50)
		n.report(v, 30.905, 121.925, 50)
		zone.until("a transition in the zone's session", func() bool { return slices.ContainsFunc(zone.control, moved(v)) })
	}
	c.until("its own transition", func() bool { return slices.ContainsFunc(c.control[before:], moved(n.own)) })
	for _, m := range c.control {
		if m.T == "transition" && m.Vehicle.ID != string(n.own.ID) || m.T == "alert" && m.Alert.Vehicle.ID != string(n.own.ID) {
			t.Errorf("harbour gets %+v", m)
		}
	}
	if !slices.ContainsFunc(c.control, func(m controlMessage) bool { return m.T == "alert" && m.Alert.ID == n.alert }) {
		t.Error("the resumed session lacks its own alert")
	}
	if r := c.fleet[uint32(n.theirs.Handle)]; r.Status&^(live.StatusUnverified|live.StatusAltOutRange) != 0 || r.Battery != live.UnknownBattery {
		t.Errorf("of acme's vehicle harbour sees phase, alert level or battery: %+v", r)
	}
	n.clean("the live channel", strings.Join(c.texts, "\n"))
	if _, seen := n.book.Alert(telemetry.OfOperator("harbour"), n.theirAlert); seen {
		t.Error("the book shows it")
	}
}

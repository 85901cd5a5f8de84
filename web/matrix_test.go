package web

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/telemetry"
	"testzone/telemetry/command/bulk"
	"testzone/telemetry/journal"
	"testzone/telemetry/recording"
	"testzone/vehicles"
	"testzone/web/auth"
)

// rightsTable reads testdata/rights.txt: the callers in the order of the table, and
// for each operation the answer to each caller.
func rightsTable(t *testing.T) (callers []string, rows map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/rights.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows = map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Fields(line)
		switch {
		case len(cells) == 0 || strings.HasPrefix(line, "#"):
		case callers == nil:
			callers = cells[1:]
		case len(cells) != len(callers)+1 || rows[cells[0]] != nil:
			t.Fatalf("testdata/rights.txt: a row of %d cells or one twice: %s", len(cells), line)
		default:
			rows[cells[0]] = cells[1:]
		}
	}
	return callers, rows
}

// matrix is a zone with one of each caller, and one of each thing to ask for.
type matrix struct {
	*testZone
	callers map[string][]string // headers
	objects map[string]string   // by the path's first part
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	z := newTestZone(t, zoneOptions{audited: true, documents: true, recording: newRecording(t, recording.Config{}), oidc: &auth.OIDCConfig{
		Issuer: "https://id.example.org", ClientID: "zone", AuthURL: "https://id.example.org/auth", TokenURL: "https://id.example.org/token",
		JWKSURL: "https://id.example.org/keys", RedirectURL: "https://zone.example.org/v1/oidc/callback",
	}})
	m := &matrix{testZone: z, callers: map[string][]string{"none": nil}, objects: map[string]string{}}
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "closed": "operator", "traffic": "department"} {
		z.organisation(id, kind)
	}
	accounts := map[string]account{}
	for _, c := range []struct{ caller, org, role string }{
		{"adm", "zone", "administrator"}, {"second", "zone", "administrator"}, {"ctl", "zone", "controller"}, {"opr", "acme", "test_operator"},
		{"rev", "traffic", "department_reviewer"}, {"app", "acme", "applicant"}, {"obs", "zone", "observer"}, {"aud", "zone", "auditor"},
		{"veh", "acme", "vehicle"}, {"dis", "zone", "controller"}, {"org", "closed", "test_operator"}, {"target", "zone", "observer"},
	} {
		a := z.account(c.caller, c.org, c.role)
		accounts[c.caller] = a
		m.callers[c.caller] = []string{"Cookie", a.cookie}
	}
	ctl, target := accounts["ctl"], accounts["target"]
	var key NewKey
	z.as(ctl, "POST", "/v1/keys", `{"label":"robot","scopes":["zone.read","fence.write"]}`).json(t, &key)
	m.callers["key"] = []string{"Authorization", "Bearer " + key.Secret}
	m.objects["people"], m.objects["organisations"], m.objects["keys"] = target.ID, "acme", z.key(target, "").Key.ID
	m.makeObjects(ctl, accounts["second"], accounts["dis"])
	m.makeVehicle(accounts["opr"])
	m.makeSite(ctl, accounts["opr"])
	z.want(z.call(adminToken, "PUT", "/v1/people/"+accounts["dis"].ID, `{"organisation":"zone","roles":["controller"],"disabled":true}`, "If-Match", `"1"`), "200")
	z.want(z.call(adminToken, "PUT", "/v1/organisations/closed", `{"name":"closed","disabled":true}`, "If-Match", `"1"`), "200")
	return m
}

// makeObjects makes a fence, a vehicle of acme's that breaches it and hears an aircraft,
// a webhook, a proposal, and a duty of somebody who is going to be disabled.
func (m *matrix) makeObjects(ctl, second, dis account) {
	var fence Fence
	m.as(ctl, "POST", "/v1/fences", fenceBody("river", square, "")).json(m.t, &fence)
	m.objects["fences"] = fence.ID
	v := m.operated(1, "acme")
	m.report(v, 30.905, 121.925, 50)
	m.objects["tracks"] = string(v.ID)
	m.traffic.Sighted(helicopter(v.Handle))
	m.objects["traffic"] = "icao-780abc"
	m.objects["alerts"] = m.alertOf(v)
	var duty Duty
	m.as(dis, "POST", "/v1/duty", `{}`).json(m.t, &duty)
	m.objects["duty"] = duty.ID
	var hook NewWebhook
	m.as(second, "POST", "/v1/webhooks", `{"url":"https://ops.example.org/events"}`).json(m.t, &hook)
	m.objects["webhooks"] = hook.ID
	var p Proposal
	m.as(second, "POST", "/v1/proposals", m.proposal()).json(m.t, &p)
	m.objects["proposals"] = p.ID
	var rescue PriorityTraffic
	_, announced, _ := m.asked("announcePriority")
	m.as(ctl, "POST", priorityPath, announced).json(m.t, &rescue)
	m.objects["priority-traffic"] = rescue.ID
	who, _, err := m.server.cfg.Register.PersonActor(ctl.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	end, err := m.server.cfg.Register.ProposeTermination(m.t.Context(), who, "boat-1", "drill", []byte("{}"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.objects["{termination}"] = end.ID
}

// makeVehicle makes a vehicle of acme's with a key, and a gateway.
func (m *matrix) makeVehicle(opr account) {
	m.want(m.as(opr, "POST", "/v1/vehicles", vehicleBody("boat-1", 9)), "201")
	var key NewVehicleKey
	m.as(opr, "POST", "/v1/vehicles/boat-1/keys", `{}`).json(m.t, &key)
	m.want(m.as(opr, "POST", "/v1/gateways", gatewayBody("gw-1", 'a')), "201")
	var draft Permit
	m.as(opr, "POST", permitPath, permitBody).json(m.t, &draft)
	m.objects["permits"], m.objects["rule-packs"] = draft.ID, "now"
	var incident Incident
	m.as(opr, "POST", incidentsPath, m.incident()).json(m.t, &incident)
	m.objects["incidents"] = incident.ID
	m.makeActivity()
	m.objects["bulk-orders"] = "bo_1"
	given := `{"type":"bulk.given","by":"opr","at_us":5,"bulk":{"id":"bo_1","kind":"hold","of":"all","person":"` + opr.ID + `","orders":0,"given_us":5,"ended_us":6}}`
	if err := m.server.cfg.Bulk.Replay(journal.Record{Seq: 1, Entry: journal.Entry{Schema: bulk.Schema, Body: []byte(given)}}); err != nil {
		m.t.Fatal(err)
	}
	m.objects["vehicles"], m.objects["{key}"], m.objects["gateways"] = "boat-1", key.Key.ID, "gw-1"
}

// makeActivity plans a run of acme's boat under a permit that is in force.
func (m *matrix) makeActivity() {
	p, x := permitInForce("pm_1", "usv.channel_test", "boat-1", m.clock.now()), m.clock.now().Add(2*time.Hour).UnixMicro()
	m.replayed(airspace.PermitSchema, map[string]any{"type": "permit.effective", "permit": p, "at_us": p.FromUS})
	run := activity.Activity{
		ID: "ac_1", Permit: p.ID, Org: p.Org, Kind: p.Application.Kind, State: activity.Planned, Pack: p.Pack, Rev: 1, Day: "2026-01-01",
		Plan: activity.Plan{Title: "First run", FromUS: x, ToUS: x + time.Hour.Microseconds(), Vehicles: p.Application.Vehicles},
	}
	m.replayed(airspace.ActivitySchema, map[string]any{"type": "activity.planned", "activity": run, "at_us": p.FromUS})
	m.objects["activities"] = run.ID
}

// makeSite makes a site of acme's, and a booking of it.
func (m *matrix) makeSite(ctl, opr account) {
	var at Site
	m.as(ctl, "POST", sitesPath, siteBody("Pad 1", "acme")).json(m.t, &at)
	m.objects["sites"] = at.ID
	var b BookingAnswer
	m.as(opr, "POST", bookingsPath, m.booking(2*time.Hour)).json(m.t, &b)
	m.objects["bookings"] = b.ID
	var closed Restriction
	m.as(ctl, "POST", restrictionsPath, m.restriction()).json(m.t, &closed)
	m.objects["restrictions"] = closed.ID
}

// restriction closes the place of the site from now on.
func (m *matrix) restriction() string {
	return `{"name":"Regatta","kind":"planned","geometry":` + square + `,"to":"` + m.clock.now().Add(24*time.Hour).UTC().Format(time.RFC3339) + `"}`
}

// incident is one of the vehicle of acme's, a minute ago.
func (m *matrix) incident() string {
	return `{"class":"event","vehicle_id":"boat-1","text":"ran aground","occurred_at":"` + m.clock.now().Add(-time.Minute).UTC().Format(time.RFC3339) + `"}`
}

func siteBody(name, owner string) string {
	return `{"name":"` + name + `","kind":"pad","owner":"` + owner + `","capacity":100,"geometry":` + square + `,"ceiling":{"m":120,"datum":"amsl"}}`
}

// booking asks for an hour of the site.
func (m *matrix) booking(in time.Duration) string {
	from := m.clock.now().Add(in).UTC()
	return `{"site_id":"` + m.objects["sites"] + `","from":"` + from.Format(time.RFC3339) + `","to":"` + from.Add(time.Hour).Format(time.RFC3339) + `"}`
}

func (m *matrix) proposal() string {
	return `{"act":"administrator.appoint","subject":"` + m.objects["people"] + `","reason":"a third one"}`
}

// operated is a vehicle that an operator's listener follows.
func (z *testZone) operated(system uint8, operator string) *vehicles.Identity {
	z.t.Helper()
	id, err := z.registry.OpenUnverified(vehicles.Source{Listener: "of " + operator, Address: "127.0.0.1:5000", SystemID: system, ComponentID: 1, MAVType: 2, Autopilot: 3}, vehicles.UAV, operator)
	if err != nil {
		z.t.Fatal(err)
	}
	return id
}

// alertOf waits for the alert of a vehicle.
func (z *testZone) alertOf(v *vehicles.Identity) (id string) {
	z.t.Helper()
	eventually(z.t, "an alert of "+string(v.ID), func() bool {
		for _, a := range z.book.Alerts(telemetry.WholeZone(), false) {
			if a.Vehicle.ID == v.ID {
				id = a.ID
			}
		}
		return id != ""
	})
	return id
}

// stale is an If-Match of no revision: who may change the thing is told so, and
// the thing is there for the next caller.
const stale = `"999"`

// ask makes the call and returns its status.
func (m *matrix) ask(operation, method, path string, who []string) int {
	m.t.Helper()
	switch operation {
	case liveOperation:
		conn, res, err := m.dial(who...)
		if err == nil {
			_ = conn.Close()
		}
		if res == nil {
			m.t.Fatalf("live: %v", err)
		}
		return res.StatusCode
	case eventsOperation:
		return m.askEvents(who)
	case "readDocument", "deleteDocument": // who may deletes it: the next one finds it again
		m.send(m.callers["opr"], m.objects["permits"], documentBody)
	case "finishOIDC":
		m.clock.advance(time.Minute) // an address has ten attempts in a minute
	}
	if first := strings.Split(path, "/")[2]; strings.Contains(path, "{id}") {
		path = strings.ReplaceAll(path, "{id}", m.objects[first])
		path = strings.ReplaceAll(path, "{key}", m.objects["{key}"])
		path = strings.ReplaceAll(path, "{kind}", "fence")
		path = strings.ReplaceAll(path, "{sha256}", digestOfText(documentBody))
		path = strings.ReplaceAll(path, "{month}", m.clock.now().AddDate(0, -2, 0).Format("2006-01"))
		path = strings.ReplaceAll(path, "{termination}", m.objects["{termination}"])
	}
	query, body, header := m.asked(operation)
	return m.call("", method, path+query, body, append(slices.Clone(who), header...)...).StatusCode
}

// askEvents leaves a stream when it began.
func (m *matrix) askEvents(who []string) int {
	m.t.Helper()
	ctx, leave := context.WithCancel(m.t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, "GET", m.url+eventsPath, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Accept", eventStream)
	for i := 0; i < len(who); i += 2 {
		req.Header.Set(who[i], who[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		m.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// fitsCell compares an answer with a cell of the table. What is allowed is done, or
// refused for what it asks; an answer that says that the call was never judged (bad
// request, wrong media type) is no evidence of rights.
func fitsCell(status int, cell string) bool {
	if cell != "+" {
		return fmt.Sprint(status) == cell
	}
	switch status {
	case http.StatusSwitchingProtocols, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return true
	}
	return status >= 200 && status < 400
}

// TestMatrix calls every operation of the document as everybody, and compares with
// the table that people review.
func TestMatrix(t *testing.T) {
	callers, rows := rightsTable(t)
	m := newMatrix(t)
	eventually(t, "entries to prove", func() bool { return m.server.cfg.Audit.Log.Size() > 2 })
	answers, wrong := 0, 0
	seen := map[string]bool{}
	row := func(method, path string, op *openapi3.Operation) {
		cells := rows[op.OperationID]
		if cells == nil {
			wrong++
			t.Errorf("testdata/rights.txt does not say who may %s", op.OperationID)
			return
		}
		seen[op.OperationID] = true
		for i, caller := range callers {
			answers++
			if got := m.ask(op.OperationID, method, path, m.callers[caller]); !fitsCell(got, cells[i]) {
				wrong++
				t.Errorf("%s as %s answers %d, the table says %s", op.OperationID, caller, got, cells[i])
			}
		}
	}
	var last func() // signs everybody out
	operations(t, m.server.spec, func(method, path string, op *openapi3.Operation) {
		if op.OperationID == "signOut" {
			last = func() { row(method, path, op) }
			return
		}
		row(method, path, op)
	})
	last()
	for id := range rows {
		if !seen[id] {
			wrong++
			t.Errorf("testdata/rights.txt has %s, which is no operation", id)
		}
	}
	if want := len(rows) * len(callers); answers != want {
		t.Errorf("%d answers of %d", answers, want)
	}
	if *figures {
		fmt.Printf("auth/matrix_wrong %d answers\n", wrong)
		fmt.Fprintf(os.Stderr, "%d operations, %d callers, %d answers; goal 0\n", len(rows), len(callers), answers)
	}
}

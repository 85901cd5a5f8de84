package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"testzone/airspace"
	"testzone/telemetry/journal"
)

// notCreating are the POSTs that make nothing which a repetition would make twice.
var notCreating = []string{
	"signIn",            // a session; a dry run of it would be a way to try passwords
	"previewFence",      // reads
	"findRoute",         // keeps nothing
	"askPermitNeed",     // reads
	"acknowledgeAlert",  // the second time answers as the first
	"resumeWebhook",     // If-Match
	"rotateVehicleKeys", // makes no key
	"revokeVehicleKey",
	"readPlan", "readPlanFile", // read
	"noteCall",                                // each time somebody called
	"decideEnforcement", "confirmEnforcement", // make nothing
	"giveBulkOrder", // needs the digest of its preview: TestBulkOrders
	"endPriority",   // If-Match
	"orderExits",    // orders, as giveOrder
	// Both need an aircraft in flight, and make one thing however often they are asked: TestTerminations.
	"proposeTermination", "confirmTermination",
	"endRestriction", "acknowledgeRestriction", // likewise
	"planActivity",                                                                                            // needs a permit in force: TestActivities
	"reportActivity", "confirmActivity", "activateActivity", "endActivity", "cancelActivity", "closeActivity", // act on one
	"readNotifications",                                                                                                 // never goes back
	"submitPermit", "withdrawPermit", "reviewPermit", "overridePermit", "suspendPermit", "resumePermit", "revokePermit", // acts on one: TestPermitRepeated
	"stateIncident", "liftStandDown", "closeIncident", // If-Match
	"giveOrder",                                         // the second time shows what became of it: TestOrders
	"cancelBooking", "decideBooking", "arriveAtBooking", // If-Match
}

// posts are the POSTs of the document that make something.
func posts(t *testing.T, z *testZone) (out []postOperation) {
	operations(t, z.server.spec, func(method, path string, op *openapi3.Operation) {
		if method == http.MethodPost && !slices.Contains(notCreating, op.OperationID) {
			out = append(out, postOperation{path, op})
		}
	})
	if len(out) < 10 {
		t.Fatalf("the document has %d operations that create", len(out))
	}
	return out
}

type postOperation struct {
	path string
	*openapi3.Operation
}

// TestEveryCreationIsGuarded: what makes something takes an Idempotency-Key and can
// be tried, says the document.
func TestEveryCreationIsGuarded(t *testing.T) {
	for _, op := range posts(t, newTestZone(t, zoneOptions{})) {
		if op.Parameters.GetByInAndName("header", keyHeader) == nil {
			t.Errorf("%s takes no %s", op.OperationID, keyHeader)
		}
		if op.Parameters.GetByInAndName("query", "dry_run") == nil {
			t.Errorf("%s cannot be tried with dry_run", op.OperationID)
		}
	}
}

// TestEveryCreationOnce tries, makes and repeats everything that answers 201 in
// the document: as somebody who may, by the table of rights.
func TestEveryCreationOnce(t *testing.T) {
	callers, rights := rightsTable(t)
	m := newMatrix(t)
	for _, op := range posts(t, m.testZone) {
		if op.Responses.Value("201") == nil {
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			who := m.callers[callers[slices.Index(rights[op.OperationID], "+")]]
			query, body, header := m.asked(op.OperationID)
			path := strings.ReplaceAll(op.path, "{id}", m.objects[strings.Split(op.path, "/")[2]])
			key := "once-" + op.OperationID
			ask := func(query, body string) reply {
				return m.call("", "POST", path+query, body, slices.Concat(who, header, []string{keyHeader, key})...)
			}
			and := "?"
			if query != "" {
				and = query + "&"
			}
			before, hooks := m.decisions(), len(m.server.cfg.Notifier.Hooks())
			for _, dry := range []string{"true", "1"} {
				r := ask(and+"dry_run="+dry, body)
				if r.StatusCode != http.StatusOK || r.Header.Get("Location") != "" || r.Header.Get("ETag") != "" || strings.Contains(string(r.body), `"secret":"w`) || strings.Contains(string(r.body), `"secret":"t`) {
					t.Errorf("dry_run=%s answers %d %v %s", dry, r.StatusCode, r.Header, r.body)
				}
			}
			if n := m.decisions() - before; n != 0 || len(m.server.cfg.Notifier.Hooks()) != hooks {
				t.Errorf("two dry runs wrote %d decisions", n)
			}
			first := ask(query, body)
			after := m.decisions()
			entries := 1
			if op.OperationID == "createRestriction" {
				entries = 2 // in one append: its fence is an entry of its own
			}
			if first.StatusCode != http.StatusCreated || after != before+entries {
				t.Fatalf("made: %d, %d decisions: %s", first.StatusCode, after-before, first.body)
			}
			again := ask(query, body)
			switch {
			case op.OperationID == "createKey":
				m.want(again, "409 secret_shown")
			case again.StatusCode != http.StatusCreated || string(again.body) != string(first.body) ||
				again.Header.Get("Location") != first.Header.Get("Location") || again.Header.Get("ETag") != first.Header.Get("ETag"):
				t.Errorf("again: %d %s, first %s", again.StatusCode, again.body, first.body)
			}
			m.want(ask(query, body+" "), "422 key_reused")
			if n := m.decisions() - after; n != 0 {
				t.Errorf("repetitions wrote %d decisions", n)
			}
		})
	}
}

// TestSecretsOfRequests: what is in the journal of a request that had a password
// cannot be compared with a guess.
func TestSecretsOfRequests(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	body := `{"organisation":"zone","roles":["observer"],"login":"ada","name":"Ada","subject":"","password":"first password"}`
	z.want(z.call(adminToken, "POST", "/v1/people", body, keyHeader, "person-ada"), "201")
	z.want(z.call(adminToken, "POST", "/v1/people", strings.Replace(body, "first", "other", 1), keyHeader, "person-ada"), "422 key_reused")
	guess := digestOf(httptest.NewRequest("POST", "/v1/people", nil), []byte(body))
	noted := 0
	err := z.journal.Replay(1, func(rec journal.Record) error {
		if strings.Contains(string(rec.Body), `"key":"person-ada"`) {
			noted++
		}
		if strings.Contains(string(rec.Body), guess) {
			t.Errorf("the journal has the digest of a request with a password: %s", rec.Body)
		}
		return nil
	})
	if err != nil || noted != 1 {
		t.Errorf("%d entries of the request, %v", noted, err)
	}
	z.want(z.password("ada", "first password"), "200")
}

// TestCreationCompleted: the journal has what was decided, and a crash left out
// what stands beside it. The repetition of the request makes up for it.
func TestCreationCompleted(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	ada := z.account("ada", "zone", "administrator")
	// decided decides as the server did before it crashed.
	decided := func(path, key, body string) context.Context {
		q := &journal.Request{By: ada.ID, Key: key}
		q.SHA256 = z.server.cfg.Auth.Secrets().Blind(digestOf(httptest.NewRequest("POST", path, nil), []byte(body)))
		return journal.WithRequest(t.Context(), q)
	}
	actor, _, err := z.register.PersonActor(ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"organisation":"zone","roles":["observer"],"login":"bob","name":"Bob","subject":"","password":"first password"}`
	p, err := z.register.CreatePerson(decided("/v1/people", "person-bob", body), actor, airspace.Person{Org: "zone", Roles: []airspace.Role{airspace.Observer}})
	if err != nil {
		t.Fatal(err)
	}
	r := z.as(ada, "POST", "/v1/people", body, keyHeader, "person-bob")
	z.want(r, "201")
	z.want(z.password("bob", "first password"), "200")
	if !strings.Contains(string(r.body), p.ID) || !strings.Contains(string(r.body), `"login":"bob"`) {
		t.Errorf("completed: %s", r.body)
	}
	body = `{"label":"robot","scopes":["zone.read"]}`
	k, err := z.register.CreateAPIKey(decided("/v1/keys", "key-robot", body), actor, airspace.APIKey{Person: ada.ID, Scopes: []airspace.Scope{airspace.ZoneRead}})
	if err != nil {
		t.Fatal(err)
	}
	var made NewKey
	r = z.as(ada, "POST", "/v1/keys", body, keyHeader, "key-robot")
	z.want(r, "201")
	r.json(t, &made)
	if made.Key.ID != k.ID || made.Key.Label != "robot" {
		t.Errorf("completed: %s", r.body)
	}
	z.want(z.call(made.Secret, "GET", "/v1/zone", ""), "200")
	z.want(z.as(ada, "POST", "/v1/keys", body, keyHeader, "key-robot"), "409 secret_shown")
	if len(z.register.APIKeys()) != 1 || len(z.register.People()) != 2 {
		t.Errorf("%d keys, %d people", len(z.register.APIKeys()), len(z.register.People()))
	}
}

// TestResetOnce: a reset that is repeated does not take away what the person chose
// meanwhile, and one that is tried does nothing.
func TestResetOnce(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	carl := z.account("carl", "zone", "controller")
	reset := func(query, key string) reply {
		return z.call(adminToken, "PUT", "/v1/people/"+carl.ID+"/password"+query, `{"password":"after the reset"}`, keyHeader, key)
	}
	before := z.decisions()
	z.want(reset("?dry_run=true", "reset-carl-1"), "204")
	z.want(z.as(carl, "GET", "/v1/session", ""), "200")
	if n := z.decisions() - before; n != 0 {
		t.Errorf("a dry run wrote %d decisions", n)
	}
	z.want(reset("", "reset-carl-1"), "204")
	r := z.password("carl", "after the reset")
	z.want(r, "200")
	z.want(z.call("", "PUT", "/v1/session/password", `{"current":"after the reset","password":"carl's own choice"}`, "Cookie", cookieOf(r)), "204")
	z.want(reset("", "reset-carl-1"), "204")
	if n := z.decisions() - before; n != 1 {
		t.Errorf("%d decisions, want 1", n)
	}
	z.want(z.password("carl", "carl's own choice"), "200")
	z.want(reset("", "reset-carl-2"), "204")
	z.want(z.password("carl", "carl's own choice"), "401 bad_password")
}

// TestConfirmOnce: who asks again whether its confirmation arrived is told so.
func TestConfirmOnce(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	ada, bob := z.account("ada", "zone", "administrator"), z.account("bob", "zone", "administrator")
	carl := z.account("carl", "zone", "controller")
	r := z.as(ada, "POST", "/v1/proposals", `{"act":"person.erase","subject":"`+carl.ID+`","reason":"left"}`)
	confirm := func(who account, query string) reply {
		return z.as(who, "POST", r.Header.Get("Location")+"/confirm"+query, "", "If-Match", `"1"`, keyHeader, "confirm-1")
	}
	z.want(confirm(bob, "?dry_run=true"), "200")
	z.want(confirm(ada, "?dry_run=true"), "403 same_person")
	z.want(z.as(carl, "GET", "/v1/session", ""), "200")
	if !strings.Contains(string(z.as(ada, "GET", "/v1/people/"+carl.ID, "").body), "Name of carl") {
		t.Error("a dry run erased")
	}
	first, again := confirm(bob, ""), confirm(bob, "")
	z.want(first, "200")
	if string(again.body) != string(first.body) || !strings.Contains(string(first.body), `"state":"confirmed"`) {
		t.Errorf("again %d %s, first %s", again.StatusCode, again.body, first.body)
	}
}

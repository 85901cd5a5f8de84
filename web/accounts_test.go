package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"testzone/airspace"
)

const testPassword = "a password of ada"

// organisation adds an organisation.
func (z *testZone) organisation(id, kind string) {
	z.t.Helper()
	if r := z.call(adminToken, "POST", "/v1/organisations", fmt.Sprintf(`{"id":%q,"kind":%q,"name":%q}`, id, kind, id)); r.StatusCode != 201 {
		z.t.Fatalf("organisation %s: %d %s", id, r.StatusCode, r.body)
	}
}

// account is a person that has signed in with a password of its own.
type account struct {
	Person
	cookie string
}

// person adds a person whose login is name, made with a credential.
func (z *testZone) person(credential, name, org string, roles ...string) Person {
	z.t.Helper()
	list, _ := json.Marshal(roles)
	r := z.call(credential, "POST", "/v1/people", fmt.Sprintf(
		`{"organisation":%q,"roles":%s,"login":%q,"name":"Name of %s","subject":"sub-%s","password":"first password"}`, org, list, name, name, name))
	if r.StatusCode != 201 {
		z.t.Fatalf("person %s: %d %s", name, r.StatusCode, r.body)
	}
	var p Person
	r.json(z.t, &p)
	return p
}

func (z *testZone) password(login, password string) reply {
	z.t.Helper()
	return z.call("", "POST", "/v1/session", fmt.Sprintf(`{"login":%q,"password":%q}`, login, password))
}

func cookieOf(r reply) string { return r.Cookies()[0].Name + "=" + r.Cookies()[0].Value }

// account adds a person, signs it in and gives it a password of its own.
func (z *testZone) account(name, org string, roles ...string) account {
	z.t.Helper()
	p := z.person(adminToken, name, org, roles...)
	r := z.password(name, "first password")
	if r.StatusCode != 200 {
		z.t.Fatalf("first sign-in of %s: %d %s", name, r.StatusCode, r.body)
	}
	r = z.call("", "PUT", "/v1/session/password", `{"current":"first password","password":"`+testPassword+`"}`, "Cookie", cookieOf(r))
	if r.StatusCode != 204 {
		z.t.Fatalf("own password of %s: %d %s", name, r.StatusCode, r.body)
	}
	return account{p, cookieOf(r)}
}

// as calls with an account's session.
func (z *testZone) as(a account, method, path, body string, header ...string) reply {
	z.t.Helper()
	return z.call("", method, path, body, append([]string{"Cookie", a.cookie}, header...)...)
}

// key makes an API key of an account's own.
func (z *testZone) key(a account, more string) NewKey {
	z.t.Helper()
	r := z.as(a, "POST", "/v1/keys", `{"label":"robot","scopes":["zone.read"]`+more+`}`)
	if r.StatusCode != 201 {
		z.t.Fatalf("key: %d %s", r.StatusCode, r.body)
	}
	var k NewKey
	r.json(z.t, &k)
	return k
}

func (z *testZone) code(r reply) string {
	z.t.Helper()
	if r.StatusCode < 400 {
		return fmt.Sprint(r.StatusCode)
	}
	return fmt.Sprint(r.StatusCode, " ", r.problem(z.t).Code)
}

func (z *testZone) want(r reply, want string) {
	z.t.Helper()
	if got := z.code(r); got != want {
		z.t.Errorf("%s %s answers %s, want %s: %s", r.Request.Method, r.Request.URL.Path, got, want, r.body)
	}
}

func TestFirstSignIn(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	p := z.person(adminToken, "ada", "zone", "controller")
	r := z.password("ADA", "first password")
	var s Session
	r.json(t, &s)
	if s.Actor.Person != p.ID || s.Actor.Name != "Name of ada" || !s.Actor.MustChangePassword || len(s.Actor.Scopes) != 0 {
		t.Fatalf("first sign-in: %s", r.body)
	}
	first := cookieOf(r)
	z.want(z.call("", "GET", "/v1/zone", "", "Cookie", first), "403 forbidden")
	change := func(current, next string) reply {
		return z.call("", "PUT", "/v1/session/password", fmt.Sprintf(`{"current":%q,"password":%q}`, current, next), "Cookie", first)
	}
	z.want(change("wrong password", testPassword), "401 bad_password")
	z.want(change("first password", "short"), "422 invalid")
	z.want(change("first password", "aaaaaaaaaaaaaaa"), "422 invalid")
	r = change("first password", testPassword)
	z.want(r, "204")
	z.want(z.call("", "GET", "/v1/zone", "", "Cookie", first), "401 unauthenticated")
	second := cookieOf(r)
	r = z.call("", "GET", "/v1/session", "", "Cookie", second)
	r.json(t, &s)
	if s.Actor.MustChangePassword || !slices.Contains(s.Actor.Scopes, "fence.write") || s.Actor.Organisation != "zone" {
		t.Errorf("after the change: %s", r.body)
	}
	z.want(z.password("ada", "first password"), "401 bad_password")
	z.want(z.password("ada", testPassword), "200")
	z.want(z.password("nobody", testPassword), "401 bad_password")
	for _, body := range []string{`{}`, `{"login":"ada"}`, `{"password":"x"}`, `{"token":"x","login":"ada","password":"y"}`} {
		z.want(z.call("", "POST", "/v1/session", body), "422 invalid")
	}
	// A session by a token has no password to change.
	z.want(z.call("", "PUT", "/v1/session/password", `{"current":"x","password":"`+testPassword+`"}`, "Cookie", z.signIn(observerToken)), "403 no_session")
	if log := z.log.String(); strings.Contains(log, "password of ada") || strings.Contains(log, "Name of ada") {
		t.Error("the log tells a password or a name")
	}
}

func TestBootstrapAfterTheSetUp(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	cookie := z.signIn(adminToken)
	may := func() bool {
		r := z.call(adminToken, "POST", "/v1/fences", fenceBody("x", square, ""))
		byCookie := z.call("", "POST", "/v1/fences", fenceBody("x", square, ""), "Cookie", cookie)
		if r.StatusCode != byCookie.StatusCode {
			t.Errorf("token %d, its session %d", r.StatusCode, byCookie.StatusCode)
		}
		return r.StatusCode == 201
	}
	z.organisation("zone", "authority")
	z.person(adminToken, "carl", "zone", "controller")
	if !may() {
		t.Error("the set-up cannot set a fence")
	}
	z.person(adminToken, "ada", "zone", "administrator")
	if may() {
		t.Error("after the set-up the bootstrap token sets fences")
	}
	z.want(z.call(adminToken, "GET", "/v1/people", ""), "200")
}

func TestSessionsEnd(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	z.account("ada", "zone", "administrator")
	ends := map[string]func(carl account, k NewKey) reply{
		"sign-out": func(c account, _ NewKey) reply { return z.as(c, "DELETE", "/v1/session", "") },
		"role change": func(c account, _ NewKey) reply {
			return z.call(adminToken, "PUT", "/v1/people/"+c.ID, `{"organisation":"zone","roles":["observer"]}`, "If-Match", `"1"`)
		},
		"disabled": func(c account, _ NewKey) reply {
			return z.call(adminToken, "PUT", "/v1/people/"+c.ID, `{"organisation":"zone","roles":["controller"],"disabled":true}`, "If-Match", `"1"`)
		},
		"reset": func(c account, _ NewKey) reply {
			return z.call(adminToken, "PUT", "/v1/people/"+c.ID+"/password", `{"password":"another password"}`)
		},
		"own change": func(c account, _ NewKey) reply {
			return z.as(c, "PUT", "/v1/session/password", `{"current":"`+testPassword+`","password":"another password"}`)
		},
	}
	for name, end := range ends {
		carl := z.account("carl-"+strings.ReplaceAll(name, " ", "-"), "zone", "controller")
		k := z.key(carl, "")
		live := z.live("Cookie", carl.cookie)
		live.hello()
		z.want(end(carl, k), map[bool]string{true: "200", false: "204"}[name == "role change" || name == "disabled"])
		z.want(z.as(carl, "GET", "/v1/session", ""), "401 unauthenticated")
		// The key's owner still has zone.read unless it may not act at all.
		want := "200"
		if name == "disabled" {
			want = "401 bad_token"
		}
		z.want(z.call(k.Secret, "GET", "/v1/zone", ""), want)
		z.clock.advance(recheckEvery)
		if code := live.ended(); code != closeExpired {
			t.Errorf("%s: the live session ended with %d", name, code)
		}
	}
}

// TestRevokedSocket: 30 s at most from the revocation to the closed socket,
// in the time of the server.
func TestRevokedSocket(t *testing.T) {
	if recheckEvery+time.Second > 30*time.Second {
		t.Errorf("open sockets ask again every %v only", recheckEvery)
	}
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	carl := z.account("carl", "zone", "controller")
	k := z.key(carl, "")
	live := z.live("Authorization", "Bearer "+k.Secret)
	live.hello()
	z.want(z.as(carl, "DELETE", "/v1/keys/"+k.Key.ID, "", "If-Match", `"1"`), "204")
	z.want(z.call(k.Secret, "GET", "/v1/zone", ""), "401 bad_token")
	z.clock.advance(recheckEvery)
	if code := live.ended(); code != closeExpired {
		t.Errorf("ended with %d", code)
	}
}

func TestKeys(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	carl, olga := z.account("carl", "zone", "controller"), z.account("olga", "zone", "observer")
	expires := z.clock.now().Add(time.Hour).UTC().Format(time.RFC3339)
	k := z.key(carl, `,"expires_at":"`+expires+`"`)
	if !strings.HasPrefix(k.Secret, "tz_"+k.Key.ID+"_") || len(k.Secret) != len("tz_")+len(k.Key.ID)+1+43 || k.Key.UsedAt != nil {
		t.Errorf("key: %+v", k)
	}
	z.want(z.call(k.Secret, "GET", "/v1/zone", ""), "200")
	z.want(z.call(k.Secret, "POST", "/v1/fences", fenceBody("x", square, "")), "403 forbidden")
	z.want(z.call(k.Secret+"x", "GET", "/v1/zone", ""), "401 bad_token")
	z.want(z.call(strings.Replace(k.Secret, k.Key.ID, "k_0000000000000000", 1), "GET", "/v1/zone", ""), "401 bad_token")
	z.want(z.call(k.Secret, "POST", "/v1/keys", `{"label":"child","scopes":["zone.read"]}`), "403 no_person")
	z.want(z.as(carl, "POST", "/v1/keys", `{"label":"more","scopes":["admin"]}`), "403 own_rights")
	z.want(z.as(olga, "POST", "/v1/keys", `{"label":"carl's","scopes":["zone.read"],"person":"`+carl.ID+`"}`), "403 forbidden")
	elsewhere := z.key(carl, `,"cidrs":["192.0.2.0/24"]`)
	z.want(z.call(elsewhere.Secret, "GET", "/v1/zone", ""), "401 bad_token")
	here := z.key(carl, `,"cidrs":["192.0.2.0/24","127.0.0.0/8"]`)
	z.want(z.call(here.Secret, "GET", "/v1/zone", ""), "200")

	r := z.as(carl, "GET", "/v1/keys/"+k.Key.ID, "")
	var seen Key
	r.json(t, &seen)
	if seen.Label != "robot" || seen.UsedAt == nil || seen.UsedFrom != "127.0.0.1" || seen.Person != carl.ID || strings.Contains(string(r.body), "tz_") {
		t.Errorf("key after its use: %s", r.body)
	}
	z.want(z.as(olga, "GET", "/v1/keys/"+k.Key.ID, ""), "404 not_found")
	z.want(z.as(olga, "DELETE", "/v1/keys/"+k.Key.ID, "", "If-Match", `"1"`), "404 not_found")
	z.want(z.as(carl, "DELETE", "/v1/keys/"+k.Key.ID, ""), "428 if_match_required")
	z.want(z.as(carl, "DELETE", "/v1/keys/"+k.Key.ID, "", "If-Match", `"2"`), "412 stale")
	count := func(r reply) int {
		var list KeyList
		r.json(t, &list)
		return len(list.Items)
	}
	if c, o, a := count(z.as(carl, "GET", "/v1/keys", "")), count(z.as(olga, "GET", "/v1/keys", "")), count(z.call(adminToken, "GET", "/v1/keys", "")); c != 3 || o != 0 || a != 3 {
		t.Errorf("keys seen: owner %d, other %d, administrator %d", c, o, a)
	}
	z.clock.advance(time.Hour)
	z.want(z.call(k.Secret, "GET", "/v1/zone", ""), "401 bad_token")
	z.want(z.call(here.Secret, "GET", "/v1/zone", ""), "200")
	// A key signs in too, and its session is no better than the key.
	cookie := z.signIn(here.Secret)
	z.want(z.call("", "POST", "/v1/fences", fenceBody("x", square, ""), "Cookie", cookie), "403 forbidden")
	z.want(z.call("", "PUT", "/v1/session/password", `{"current":"`+testPassword+`","password":"another password"}`, "Cookie", cookie), "403 no_session")
	z.want(z.as(carl, "DELETE", "/v1/keys/"+here.Key.ID, "", "If-Match", `"1"`), "204")
	z.want(z.call("", "GET", "/v1/session", "", "Cookie", cookie), "401 unauthenticated")
}

// TestPersonalData: names are for administrators and oneself.
func TestPersonalData(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	ada, carl, otto := z.account("ada", "zone", "administrator"), z.account("carl", "zone", "controller"), z.account("otto", "zone", "auditor")
	for name, c := range map[string]struct {
		who  account
		want string
		full bool
	}{
		"administrator": {ada, "200", true}, "oneself": {carl, "200", true}, "auditor": {otto, "200", false},
	} {
		r := z.as(c.who, "GET", "/v1/people/"+carl.ID, "")
		z.want(r, c.want)
		if got := strings.Contains(string(r.body), "Name of carl"); got != c.full {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	z.want(z.as(carl, "GET", "/v1/people/"+ada.ID, ""), "404 not_found")
	z.want(z.as(carl, "GET", "/v1/people", ""), "403 forbidden")
	if r := z.as(otto, "GET", "/v1/people?limit=2", ""); strings.Contains(string(r.body), "Name of ada") || strings.Contains(string(r.body), "Name of carl") || !strings.Contains(string(r.body), `"next":"`) {
		t.Errorf("auditor's list: %s", r.body)
	}
	// A taken login is refused before the journal hears of the person.
	before := len(z.register.People())
	z.want(z.as(ada, "POST", "/v1/people", `{"organisation":"zone","roles":["observer"],"login":"CARL","name":"","subject":""}`), "409 login_taken")
	z.want(z.as(ada, "POST", "/v1/people", `{"organisation":"zone","roles":["observer"],"login":"new","name":"","subject":"","password":"aaaaaaaaaaaaa"}`), "422 invalid")
	if after := len(z.register.People()); after != before {
		t.Errorf("%d people more", after-before)
	}
	z.want(z.as(ada, "PUT", "/v1/people/"+carl.ID+"/profile", `{"login":"karl","name":"Karl","subject":"sub-carl"}`), "200")
	z.want(z.password("karl", testPassword), "200")
	z.want(z.as(carl, "GET", "/v1/session", ""), "200") // a new name ends no session
	// Another identity could be that of whoever sets it.
	z.want(z.as(ada, "PUT", "/v1/people/"+otto.ID+"/profile", `{"login":"otto","name":"Otto","subject":"sub-of-ada"}`), "200")
	z.want(z.as(otto, "GET", "/v1/session", ""), "401 unauthenticated")
	if p, _ := z.register.Person(otto.ID); p.ResetBy != ada.ID {
		t.Errorf("the journal does not say who gave the identity: %+v", p)
	}
	z.want(z.as(ada, "PUT", "/v1/people/"+ada.ID+"/password", `{"password":"another password"}`), "403 own_password")
	z.want(z.as(ada, "POST", "/v1/keys", `{"label":"carl's","scopes":["zone.read"],"person":"`+carl.ID+`"}`), "403 own_rights")
	z.want(z.as(carl, "PUT", "/v1/people/"+carl.ID, `{"organisation":"zone","roles":["administrator"]}`, "If-Match", `"1"`), "403 forbidden")
	z.want(z.as(ada, "PUT", "/v1/people/"+ada.ID, `{"organisation":"zone","roles":["administrator","controller"]}`, "If-Match", `"1"`), "403 own_rights")
	z.want(z.as(ada, "PUT", "/v1/people/"+ada.ID, `{"organisation":"zone","roles":["administrator"],"disabled":true}`, "If-Match", `"1"`), "409 last_administrator")
	z.want(z.as(ada, "PUT", "/v1/people/"+carl.ID, `{"organisation":"zone","roles":["observer"],"id":"x","rev":7}`, "If-Match", `"1"`), "422 invalid")
}

// TestErasure: two persons erase, the journal stays, the data does not.
func TestErasure(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	ada, bob, carl := z.account("ada", "zone", "administrator"), z.account("bob", "zone", "administrator"), z.account("carl", "zone", "controller")
	k := z.key(carl, "")
	r := z.as(ada, "POST", "/v1/proposals", `{"act":"person.erase","subject":"`+carl.ID+`","reason":"left the zone"}`)
	z.want(r, "201")
	var p Proposal
	r.json(t, &p)
	path := r.Header.Get("Location")
	z.want(z.as(ada, "POST", path+"/confirm", "", "If-Match", r.Header.Get("ETag")), "403 same_person")
	z.want(z.call(adminToken, "POST", path+"/confirm", "", "If-Match", r.Header.Get("ETag")), "403 no_person")
	z.want(z.as(carl, "POST", path+"/confirm", "", "If-Match", r.Header.Get("ETag")), "403 forbidden")
	z.want(z.as(bob, "POST", path+"/confirm", ""), "428 if_match_required")
	z.want(z.as(bob, "POST", path+"/confirm", "", "If-Match", r.Header.Get("ETag")), "200")
	z.want(z.as(bob, "POST", path+"/confirm", "", "If-Match", `"2"`), "409 proposal_closed")
	z.want(z.as(bob, "DELETE", path, "", "If-Match", `"2"`), "409 proposal_closed")

	z.want(z.as(carl, "GET", "/v1/session", ""), "401 unauthenticated")
	z.want(z.call(k.Secret, "GET", "/v1/zone", ""), "401 bad_token")
	z.want(z.password("carl", testPassword), "401 bad_password")
	r = z.as(ada, "GET", "/v1/people/"+carl.ID, "")
	if strings.Contains(string(r.body), "carl") || !strings.Contains(string(r.body), `"profile":null`) || !strings.Contains(string(r.body), `"erased":true`) {
		t.Errorf("after the erasure: %s", r.body)
	}
	z.want(z.as(ada, "PUT", "/v1/people/"+carl.ID+"/profile", `{"login":"carl","name":"Carl","subject":""}`), "409 disabled")
	z.want(z.as(ada, "PUT", "/v1/people/"+carl.ID+"/password", `{"password":"another password"}`), "409 disabled")
	if n := len(z.register.APIKeys()); n != 1 {
		t.Errorf("the register forgot the key: %d", n)
	}
	var list ProposalList
	z.as(bob, "GET", "/v1/proposals", "").json(t, &list)
	if len(list.Items) != 1 || list.Items[0].State != "confirmed" || *list.Items[0].ConfirmedBy != bob.ID || list.Items[0].ProposedBy != ada.ID {
		t.Errorf("proposals: %+v", list.Items)
	}
}

// TestConfirmRace: many confirm at once, it happens once.
func TestConfirmRace(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	z.organisation("zone", "authority")
	ada, bob := z.account("ada", "zone", "administrator"), z.account("bob", "zone", "administrator")
	carl := z.person(adminToken, "carl", "zone", "controller")
	r := z.as(ada, "POST", "/v1/proposals", `{"act":"administrator.appoint","subject":"`+carl.ID+`","reason":"third one"}`)
	path, tag := r.Header.Get("Location"), r.Header.Get("ETag")
	codes := make([]int, 50)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			req, _ := http.NewRequest("POST", z.url+path+"/confirm", nil)
			req.Header.Set("Cookie", bob.cookie)
			req.Header.Set("If-Match", tag)
			if res, err := http.DefaultClient.Do(req); err == nil {
				codes[i] = res.StatusCode
				res.Body.Close()
			}
		})
	}
	all.Wait()
	slices.Sort(codes)
	if codes[0] != 200 || codes[1] != 409 || codes[49] != 409 {
		t.Errorf("answers: %v", codes)
	}
	if p, _ := z.register.Person(carl.ID); p.Rev != 2 || !slices.Contains(p.Roles, airspace.Administrator) {
		t.Errorf("appointed: %+v", p)
	}
}

// TestEnums: what the API offers is what the register knows.
func TestEnums(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	doc, err := openapi3.NewLoader().LoadFromData(z.server.spec)
	if err != nil {
		t.Fatal(err)
	}
	list := func(name, property string, items bool) []string {
		s := doc.Components.Schemas[name].Value.Properties[property]
		if items {
			s = s.Value.Items
		}
		out := []string{}
		for _, v := range s.Value.Enum {
			out = append(out, v.(string))
		}
		return out
	}
	for name, pair := range map[string][2][]string{
		"roles":  {list("Rights", "roles", true), textsOf(airspace.Roles())},
		"scopes": {list("KeyInput", "scopes", true), textsOf(airspace.AllScopes())},
		"acts":   {list("ProposalInput", "act", false), textsOf(airspace.Acts())},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: the document has %v, the register %v", name, pair[0], pair[1])
		}
	}
}

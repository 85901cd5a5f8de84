package web

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"testzone/telemetry/audit"
	"testzone/web/auth"
)

// testsOf are the names of the tests in a folder of the module.
func testsOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// TestAttackTable holds that every attack of testdata/attacks.txt has a test that is there.
func TestAttackTable(t *testing.T) {
	text, err := os.ReadFile("testdata/attacks.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	attacks := 0
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		attack, tests, ok := cutLast(line, " : ")
		if !ok {
			t.Errorf("no test: %s", line)
			continue
		}
		attacks++
		if strings.HasPrefix(tests, "- ") {
			continue
		}
		for test := range strings.SplitSeq(tests, ", ") {
			folder, name, _ := strings.Cut(test, " ")
			if known[folder] == nil {
				known[folder] = testsOf(t, folder)
			}
			if !slices.Contains(known[folder], name) {
				t.Errorf("%s: there is no %s in %s", attack, name, folder)
			}
		}
	}
	if attacks < 50 {
		t.Errorf("%d attacks", attacks)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), s[i+len(sep):], true
}

// TestPageWritesNoMarkup: names are text on the page. What turns a string into markup
// is not in its sources, and its policy runs no script of a string: TestPageFiles.
func TestPageWritesNoMarkup(t *testing.T) {
	files := 0
	err := filepath.WalkDir("ui/src", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := os.ReadFile(path)
		files++
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "setHTML", "new Function", "eval("} {
			if strings.Contains(string(source), bad) {
				t.Errorf("%s uses %s", path, bad)
			}
		}
		return err
	})
	if err != nil || files < 20 {
		t.Errorf("%d files: %v", files, err)
	}
}

// attack is one call that must be refused, and what the audit says of it.
type attack struct {
	name string
	call func() reply
	want string // status and code
	what string // operation in the audit; empty: of what was refused before it was known
}

// TestAttacks makes the attacks that are refused for who asks or how often, and looks
// for the entry of each in the audit.
func TestAttacks(t *testing.T) {
	z := newTestZone(t, zoneOptions{audited: true, perPrincipal: Rate{PerSecond: 1, Burst: 300}, oidc: &auth.OIDCConfig{
		Issuer: "https://id.example.org", ClientID: "zone", AuthURL: "https://id.example.org/auth", TokenURL: "https://id.example.org/token",
		JWKSURL: "https://id.example.org/keys", RedirectURL: "https://zone.example.org/v1/oidc/callback",
	}})
	z.organisation("zone", "authority")
	z.account("ada", "zone", "administrator")
	carl, olga, otto := z.account("carl", "zone", "controller"), z.account("olga", "zone", "observer"), z.account("otto", "zone", "auditor")
	expires := z.clock.now().Add(time.Minute).UTC().Format(time.RFC3339)
	old, gone, elsewhere := z.key(carl, `,"expires_at":"`+expires+`"`), z.key(carl, ""), z.key(carl, `,"cidrs":["192.0.2.0/24"]`)
	z.want(z.as(carl, "DELETE", "/v1/keys/"+gone.Key.ID, "", "If-Match", `"1"`), "204")
	z.clock.advance(2 * time.Minute)
	get := func(token, path string, header ...string) func() reply {
		return func() reply { return z.call(token, "GET", path, "", header...) }
	}
	post := func(a account, path, body string, header ...string) func() reply {
		return func() reply { return z.as(a, "POST", path, body, header...) }
	}
	dial := func(header ...string) func() reply {
		return func() reply {
			conn, res, err := z.dial(append([]string{"Cookie", carl.cookie}, header...)...)
			if err == nil {
				_ = conn.Close()
			}
			return z.read(res)
		}
	}
	login := `{"login":"carl","password":"a guess of many"}`
	attacks := []attack{
		{"no credential", get("", "/v1/zone"), "401 unauthenticated", "getZone"},
		{"wrong token", get("wrong-token-wrong-token", "/v1/fences"), "401 bad_token", "listFences"},
		{"expired key", get(old.Secret, "/v1/alerts"), "401 bad_token", "listAlerts"},
		{"revoked key", get(gone.Secret, "/v1/tracks"), "401 bad_token", "listTracks"},
		{"key from another address", get(elsewhere.Secret, "/v1/vehicles"), "401 bad_token", "listVehicles"},
		{"no right", post(olga, "/v1/fences", fenceBody("x", square, "")), "403 forbidden", "createFence"},
		{"no right to follow the audit", get("", "/v1/events", "Accept", eventStream), "401 unauthenticated", "events"},
		{"more rights than one has", post(olga, "/v1/keys", `{"label":"x","scopes":["admin"]}`), "403 own_rights", "createKey"},
		{"key for somebody else", post(carl, "/v1/keys", `{"label":"x","scopes":["zone.read"],"person":"`+olga.ID+`"}`), "403 forbidden", "createKey"},
		{"another's key", func() reply { return z.as(olga, "DELETE", "/v1/keys/"+old.Key.ID, "", "If-Match", `"1"`) }, "404 not_found", "revokeKey"},
		{"another person", func() reply { return z.as(olga, "GET", "/v1/people/"+carl.ID, "") }, "404 not_found", "getPerson"},
		{"from another site", post(carl, "/v1/fences", fenceBody("x", square, ""), "Sec-Fetch-Site", "cross-site"), "403 cross_origin", ""},
		{"form of another origin", post(carl, "/v1/session", "token=x", "Origin", "https://evil.example.org", "Content-Type", "application/x-www-form-urlencoded"), "403 cross_origin", ""},
		{"live of a foreign origin", dial("Origin", "https://evil.example.org"), "403 cross_origin", "live"},
		{"live of the null origin", dial("Origin", "null"), "403 cross_origin", "live"},
		{"live without a credential", dial("Cookie", "", "Authorization", "Bearer wrong-token-wrong-token"), "401 bad_token", "live"},
		{"token in the address", get("", "/v1/zone?token="+adminToken), "401 token_in_url", ""},
		{"sign-in at the provider that nobody began", get("", "/v1/oidc/callback?code=x&state=y"), "401 bad_identity", "finishOIDC"},
		{"wrong password", func() reply { return z.call("", "POST", "/v1/session", login) }, "401 bad_password", "signIn"},
		{"guesses", func() (r reply) {
			for range 11 {
				r = z.call("", "POST", "/v1/session", login)
			}
			return r
		}, "429 too_many_attempts", "signIn"},
		{"requests without end", func() (r reply) {
			for range 1000 {
				if r = z.as(olga, "GET", "/v1/session", ""); r.StatusCode != 200 {
					break
				}
			}
			return r
		}, "429 rate_limited", "getSession"},
	}
	passed := 0
	for _, a := range attacks {
		z.clock.advance(time.Minute) // the audit keeps thirty refusals of one address in a minute
		since := z.head()
		if got := z.code(a.call()); got != a.want {
			passed++
			t.Errorf("%s is answered %s, want %s", a.name, got, a.want)
		}
		_, outcome, _ := strings.Cut(a.want, " ")
		auditor := []string{"Cookie", otto.cookie}
		eventually(t, a.name+" is in the audit", func() bool {
			var list AuditList
			z.call("", "GET", "/v1/audit/events?limit=500", "", auditor...).json(t, &list)
			return slices.ContainsFunc(list.Items, func(e AuditEvent) bool {
				told := e.What == audit.CallRefused && e.Outcome == outcome && strings.HasPrefix(e.Object, strings.TrimSpace(a.what+" /v1/"))
				if a.what == "signIn" { // the door tells of these
					told = e.What == audit.SessionRefused
				}
				return told && e.Seq > since && e.From == "127.0.0.1"
			})
		})
	}
	z.attackKeys(carl)
	if strings.Contains(z.log.String(), adminToken) {
		t.Error("a token is in the log")
	}
	for _, secret := range []string{adminToken, "a guess of many", old.Secret, "wrong-token"} {
		var list AuditList
		z.as(otto, "GET", "/v1/audit/events?q="+url.QueryEscape(secret), "").json(t, &list)
		if len(list.Items) != 0 {
			t.Errorf("the audit keeps %s: %+v", secret, list.Items)
		}
	}
	if *figures {
		fmt.Printf("auth/attacks_passed %d attacks\n", passed)
		fmt.Fprintf(os.Stderr, "%d attacks on the real server here, each with its entry in the audit; the others of web/testdata/attacks.txt are tests of make test; goal 0\n", len(attacks))
	}
}

// attackKeys: a key of a request of somebody else repeats nothing and tells nothing.
func (z *testZone) attackKeys(carl account) {
	z.t.Helper()
	z.clock.advance(time.Minute)
	dora := z.account("dora", "zone", "controller")
	first := z.as(carl, "POST", "/v1/fences", fenceBody("of carl", square, ""), keyHeader, "the-same-key")
	second := z.as(dora, "POST", "/v1/fences", fenceBody("of dora", square, ""), keyHeader, "the-same-key")
	if first.StatusCode != 201 || second.StatusCode != 201 || second.Header.Get("Idempotency-Replayed") != "" || strings.Contains(string(second.body), "of carl") {
		z.t.Errorf("the same key of another: %d %d %s", first.StatusCode, second.StatusCode, second.body)
	}
}

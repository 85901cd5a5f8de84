package web

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"testzone/airspace"
)

var update = flag.Bool("update", false, "write openapi.yaml from the code")

// TestOpenAPIFile holds that the committed document is the one of the code.
func TestOpenAPIFile(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	served := z.call("", "GET", "/openapi.yaml", "")
	if *update {
		if err := os.WriteFile("openapi.yaml", served.body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, served.body) {
		t.Error("openapi.yaml is not what the code says: run go test ./web -run OpenAPIFile -update and look at the change")
	}
}

// operations walks the document.
func operations(t *testing.T, spec []byte, visit func(method, path string, op *openapi3.Operation)) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range doc.Paths.InMatchingOrder() {
		for method, op := range doc.Paths.Value(path).Operations() {
			visit(method, path, op)
		}
	}
}

// TestRights calls every operation without a credential, with a wrong one and
// as an observer.
func TestRights(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	table := rules()
	seen := map[string]bool{}
	operations(t, z.server.spec, func(method, path string, op *openapi3.Operation) {
		rule, ok := table[op.OperationID]
		if !ok {
			t.Errorf("%s %s has no rule of who may call it", method, path)
			return
		}
		seen[op.OperationID] = true
		path = strings.ReplaceAll(path, "{id}", "nobody")
		for _, token := range []string{"", "wrong-token-wrong-token"} {
			r := z.call(token, method, path, "")
			if rule.public {
				if r.StatusCode == http.StatusUnauthorized {
					t.Errorf("%s %s is public and answers 401", method, path)
				}
				continue
			}
			if p := r.problem(t); r.StatusCode != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with token %q answers %d %s, want 401", method, path, token, r.StatusCode, p.Code)
			}
		}
		r := z.call(observerToken, method, path, "")
		// An observer reads all but people, what is proposed about them, webhooks, the
		// audit, gateways and keys of vehicles, comes and goes, looks after its own
		// password and keys and how far it has read, and changes nothing. This one is a
		// token, which has no mail address.
		may := method == "GET" && !slices.Contains([]airspace.Scope{airspace.Admin, airspace.AuditRead, airspace.VehicleRegister}, rule.scope) ||
			strings.HasPrefix(path, "/v1/session") || strings.HasPrefix(path, "/v1/keys") || strings.HasPrefix(path, notificationsPath) || path == "/v1/permit-needs" || path == "/v1/routes" // asks
		may = may && (method != "GET" || path != notificationsPath+"/settings")
		if (r.StatusCode == http.StatusForbidden) == may {
			t.Errorf("%s %s as observer answers %d", method, path, r.StatusCode)
		}
		if op.Security != nil && len(*op.Security) > 0 != rule.public {
			t.Errorf("%s %s documents security %v, public is %v", method, path, *op.Security, rule.public)
		}
	})
	for id := range table {
		if !seen[id] {
			t.Errorf("rule %s is of no operation", id)
		}
	}
}

// TestOpenAPIHasNoTraps looks for what the framework would do by itself.
func TestOpenAPIHasNoTraps(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	spec := string(z.server.spec)
	for _, bad := range []string{"$schema", "ErrorModel", "ErrorDetail", "http://", "x-null", "\n          - array\n"} {
		if strings.Contains(spec, bad) {
			t.Errorf("openapi.yaml contains %q", bad)
		}
	}
	page := z.call("", "GET", "/docs", "")
	html := string(page.body)
	if page.StatusCode != 200 || strings.Contains(html, "<script") || strings.Contains(html, "http://") || strings.Contains(html, "https://") {
		t.Errorf("docs page is not our own: %d", page.StatusCode)
	}
	operations(t, z.server.spec, func(method, path string, op *openapi3.Operation) {
		if !strings.Contains(html, `id="`+op.OperationID+`"`) {
			t.Errorf("docs page lacks %s", op.OperationID)
		}
	})
	if r := z.call("", "GET", "/docs/docs.css", ""); r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/css") {
		t.Errorf("docs style answers %d", r.StatusCode)
	}
	if !slices.Contains([]string{"", "no-referrer"}, page.Header.Get("Referrer-Policy")) {
		t.Error("docs page lacks the security headers")
	}
}

package web

import (
	"strings"
	"testing"
)

func TestWebhooks(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	body := `{"url":"https://ops.example.org/events","types":["alert.*","fence.put"]}`
	if r := z.call(adminToken, "POST", "/v1/webhooks?dry_run=true", body); r.StatusCode != 200 || strings.Contains(string(r.body), "whsec") {
		t.Errorf("dry run: %d %s", r.StatusCode, r.body)
	}
	created := z.call(adminToken, "POST", "/v1/webhooks", body, keyHeader, "hook-number-1")
	var h NewWebhook
	created.json(t, &h)
	if created.StatusCode != 201 || created.Header.Get("ETag") != `"1"` || created.Header.Get("Location") != "/v1/webhooks/"+h.ID || !strings.HasPrefix(h.Secret, "whsec_") ||
		h.State != "active" || h.CreatedBy != "bootstrap" {
		t.Fatalf("create: %d %s", created.StatusCode, created.body)
	}
	if again := z.call(adminToken, "POST", "/v1/webhooks", body, keyHeader, "hook-number-1"); string(again.body) != string(created.body) {
		t.Errorf("again: %s", again.body)
	}
	path := "/v1/webhooks/" + h.ID
	for _, c := range []struct {
		name, token, method, path, body, ifMatch string
		status                                   int
		code                                     string
	}{
		{"list", adminToken, "GET", "/v1/webhooks", "", "", 200, ""},
		{"get", adminToken, "GET", path, "", "", 200, ""},
		{"get none", adminToken, "GET", "/v1/webhooks/wh_none", "", "", 404, "not_found"},
		{"as observer", observerToken, "GET", path, "", "", 403, "forbidden"},
		{"resume without if-match", adminToken, "POST", path + "/resume", "", "", 428, "if_match_required"},
		{"resume", adminToken, "POST", path + "/resume", "", `"1"`, 200, ""},
		{"delete stale", adminToken, "DELETE", path, "", `"1"`, 412, "stale"},
		{"inner address", adminToken, "POST", "/v1/webhooks", `{"url":"https://169.254.169.254/latest"}`, "", 422, "bad_webhook_url"},
		{"inner address, dry", adminToken, "POST", "/v1/webhooks?dry_run=true", `{"url":"https://127.0.0.1/"}`, "", 422, "bad_webhook_url"},
		{"not https", adminToken, "POST", "/v1/webhooks", `{"url":"http://ops.example.org/"}`, "", 422, "bad_webhook_url"},
		{"bad type", adminToken, "POST", "/v1/webhooks", `{"url":"https://ops.example.org/","types":["a b"]}`, "", 422, "invalid"},
		{"read-only field", adminToken, "POST", "/v1/webhooks", `{"url":"https://ops.example.org/","state":"active"}`, "", 422, "invalid"},
		{"delete", adminToken, "DELETE", path, "", `"2"`, 204, ""},
		{"delete again", adminToken, "DELETE", path, "", `"2"`, 404, "not_found"},
	} {
		r := z.call(c.token, c.method, c.path, c.body, "If-Match", c.ifMatch)
		if r.StatusCode != c.status || c.code != "" && r.problem(t).Code != c.code {
			t.Errorf("%s answers %d %s", c.name, r.StatusCode, r.body)
		}
		if strings.Contains(string(r.body), "whsec") {
			t.Errorf("%s tells the secret: %s", c.name, r.body)
		}
	}
	if strings.Contains(z.log.String(), h.Secret) {
		t.Error("the secret is in the log")
	}
}

// TestWebhooksInTheAudit: who made and deleted a webhook is found by an auditor.
func TestWebhooksInTheAudit(t *testing.T) {
	z, _, auditor := auditedZone(t)
	var h NewWebhook
	z.call(adminToken, "POST", "/v1/webhooks", `{"url":"https://ops.example.org/token-in-the-path"}`).json(t, &h)
	z.want(z.call(adminToken, "DELETE", "/v1/webhooks/"+h.ID, "", "If-Match", `"1"`), "204")
	var got []string
	for _, e := range z.found(auditor, "&object=webhook:"+h.ID) {
		got = append(got, strings.Join([]string{e.What, e.Who, e.Why, e.Outcome}, ", "))
	}
	if want := "webhook.delete, bootstrap, to ops.example.org, done; webhook.create, bootstrap, to ops.example.org, done"; strings.Join(got, "; ") != want {
		t.Errorf("the audit says %q", got)
	}
	if r := z.call(auditor, "GET", "/v1/audit/export?format=json", ""); strings.Contains(string(r.body), "token-in-the-path") || strings.Contains(string(r.body), h.Secret) {
		t.Error("the audit has secrets of a webhook")
	}
}

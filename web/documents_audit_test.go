package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"testzone/telemetry/audit"
)

// told waits until the audit has so many entries of an operation and an account, with
// what is refused as the outcome of a refusal.
func (z *documentZone) told(who *account, what, outcome, object string, want int) {
	z.t.Helper()
	n := 0
	eventually(z.t, fmt.Sprintf("%s's %s %s %d times in the audit", who.ID, what, outcome, want), func() bool {
		n = 0
		for _, e := range z.found("", "", "Cookie", z.aud.cookie) {
			if e.Who == who.ID && strings.HasPrefix(e.Object, what+" "+object) && e.Outcome == outcome {
				n++
			}
		}
		return n >= want
	})
	if n != want {
		z.t.Errorf("%s of %s, %s: %d entries, want %d", what, who.ID, outcome, n, want)
	}
}

// TestDocumentAudit: each read of a document and each refusal is in the audit: who,
// which, from where. A list tells nothing of content and is not.
func TestDocumentAudit(t *testing.T) {
	z := newDocumentZone(t)
	z.want(z.sent(documentBody), "201")
	z.told(&z.opr, "sendDocument", "done", z.path(documentBody), 1)
	z.want(z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`), "200")
	for _, who := range []*account{&z.opr, &z.rita, &z.ctl, &z.aud} {
		for range 2 {
			z.want(z.as(*who, "GET", z.path(documentBody), ""), "200")
		}
		z.want(z.as(*who, "GET", permitPath+"/"+z.permit.ID+"/documents", ""), "200")
		z.told(who, "readDocument", "done", z.path(documentBody), 2)
	}
	for _, who := range []*account{&z.mate, &z.other, &z.fred} {
		z.want(z.as(*who, "GET", z.path(documentBody), ""), "404 not_found")
		z.told(who, "readDocument", "not_found", z.path(documentBody), 1)
	}
	events := z.found("", "&what="+audit.CallDone, "Cookie", z.aud.cookie)
	i := slices.IndexFunc(events, func(e AuditEvent) bool { return strings.HasPrefix(e.Object, "readDocument ") })
	if i < 0 || events[i].From == "" {
		t.Errorf("a read in the audit: %+v", events)
	}
}

// TestDocumentRefusalAudit: whatever is not taken is in the audit of who sent it.
func TestDocumentRefusalAudit(t *testing.T) {
	z := newDocumentZone(t)
	script := strings.Replace(documentBody, "/Catalog", "/Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>", 1)
	pdf := []string{"Cookie", z.opr.cookie, "Content-Type", "application/pdf"}
	for _, c := range []struct{ path, body, outcome string }{
		{z.path(script) + documentQuery, script, "document_refused"},
		{z.path("x") + documentQuery, documentBody, "digest_mismatch"},
		{permitPath + "/" + z.permit.ID + "/documents/" + strings.Repeat("A", 64) + documentQuery, documentBody, "invalid"},
		{permitPath + "/" + z.permit.ID + "/documents/..%2F..%2Fetc%2Fpasswd" + documentQuery, documentBody, "invalid"},
		{z.path(documentBody) + "?item=comms", documentBody, "invalid"},
		{z.path("") + documentQuery, strings.Repeat(" ", 21<<20), "too_large"},
		{permitPath + "/pm_none/documents/" + digestOfText(documentBody) + documentQuery, documentBody, "not_found"},
	} {
		r := z.call("", "PUT", c.path, c.body, pdf...)
		if !strings.Contains(string(r.body), `"code":"`+c.outcome+`"`) {
			t.Errorf("%s: %d %s", c.path, r.StatusCode, r.body)
		}
	}
	for outcome, n := range map[string]int{"document_refused": 1, "digest_mismatch": 1, "invalid": 3, "too_large": 1, "not_found": 1} {
		z.told(&z.opr, "sendDocument", outcome, permitPath, n)
	}
	z.want(z.sent(documentBody), "201")
	z.want(z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`), "200")
	z.want(z.as(z.opr, "DELETE", z.path(documentBody), ""), "409 permit_state")
	z.told(&z.opr, "deleteDocument", "permit_state", z.path(documentBody), 1)
}

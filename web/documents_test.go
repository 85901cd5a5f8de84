package web

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	documentQuery = "?item=emergency&title=Emergency+plan.pdf"
	documentBody  = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
)

func digestOfText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// send sends a PDF for the plan of emergencies of a permit.
func (z *testZone) send(who []string, permit, body string) reply {
	z.t.Helper()
	return z.call("", "PUT", permitPath+"/"+permit+"/documents/"+digestOfText(body)+documentQuery, body, slices.Concat(who, []string{"Content-Type", "application/pdf"})...)
}

// documentZone has an applicant with a complete application but for its document, a
// department that is asked, one that is not, a controller, an auditor and another operator.
type documentZone struct {
	*testZone
	opr, mate, other, rita, fred, ctl, aud account
	permit                                 Permit
	from                                   time.Time
}

func newDocumentZone(t *testing.T) *documentZone {
	t.Helper()
	return documentZoneOf(t, zoneOptions{documents: true, audited: true})
}

func documentZoneOf(t *testing.T, opt zoneOptions) *documentZone {
	t.Helper()
	z := &documentZone{testZone: newTestZone(t, opt)}
	for id, kind := range map[string]string{"zone": "authority", "acme": "operator", "harbour": "operator", "authority": "department", "forestry": "department"} {
		z.organisation(id, kind)
	}
	z.opr, z.mate, z.other = z.account("opr", "acme", "test_operator"), z.account("mate", "acme", "observer"), z.account("other", "harbour", "applicant")
	z.rita, z.fred = z.account("rita", "authority", "department_reviewer"), z.account("fred", "forestry", "department_reviewer")
	z.ctl, z.aud = z.account("ctl", "zone", "controller"), z.account("aud", "zone", "auditor")
	z.want(z.as(z.opr, "POST", "/v1/vehicles", strings.Replace(vehicleBody("uav-7", 7), `"usv"`, `"uav"`, 1)), "201")
	z.from = z.clock.now().Add(5 * 24 * time.Hour).Truncate(time.Second)
	z.as(z.opr, "POST", permitPath, z.application(documentBody)).json(t, &z.permit)
	return z
}

// application names a document.
func (z *documentZone) application(body string) string {
	return application(z.t, z.from, func(a map[string]any) {
		a["items"].(map[string]any)["emergency"] = map[string]any{"documents": []any{map[string]any{"sha256": digestOfText(body), "type": "application/pdf", "bytes": len(body)}}}
	})
}

func (z *documentZone) path(body string) string {
	return permitPath + "/" + z.permit.ID + "/documents/" + digestOfText(body)
}

func (z *documentZone) sent(body string) reply {
	z.t.Helper()
	return z.send([]string{"Cookie", z.opr.cookie}, z.permit.ID, body)
}

// TestDocumentJourney: a document is sent, submitted with, read by who decides and
// replaced when they ask.
func TestDocumentJourney(t *testing.T) {
	z := newDocumentZone(t)
	submit := func() reply { return z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`) }
	r := submit()
	z.want(r, "422 rules")
	if p := r.problem(t); len(p.Faults) != 1 || p.Faults[0].Code != "missing" || !strings.Contains(p.Faults[0].Passes, z.path(documentBody)) {
		t.Errorf("submitted without: %+v", p.Faults)
	}
	var d EnclosedDocument
	r = z.sent(documentBody)
	z.want(r, "201")
	r.json(t, &d)
	if d.Title != "Emergency plan.pdf" || d.State != "kept" || d.Bytes != int64(len(documentBody)) || d.SentBy != z.opr.ID || r.Header.Get("ETag") != `"`+d.SHA256+`"` {
		t.Errorf("sent: %+v, %v", d, r.Header)
	}
	before := z.decisions()
	z.want(z.sent(documentBody), "200")
	if n := z.decisions() - before; n != 0 {
		t.Errorf("sent again: %d entries", n)
	}
	z.want(submit(), "200")
	r = z.as(z.rita, "GET", z.path(documentBody), "")
	z.want(r, "200")
	if string(r.body) != documentBody {
		t.Errorf("read: %d bytes", len(r.body))
	}
	for name, want := range map[string]string{"Content-Type": "application/pdf", "Content-Disposition": `attachment; filename="Emergency plan.pdf"`, "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": documentPolicy, "Etag": `"` + d.SHA256 + `"`, "Cache-Control": "no-store"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var list AuditList
	z.as(z.aud, "GET", "/v1/audit/events?what=document.attached", "").json(t, &list)
	if len(list.Items) != 1 || list.Items[0].Object != "permit:"+z.permit.ID+" document:"+d.SHA256 || list.Items[0].Org != "acme" {
		t.Errorf("in the audit: %+v", list.Items)
	}
	z.want(z.as(z.opr, "DELETE", z.path(documentBody), ""), "409 permit_state")
	z.want(z.sent(documentBody+"\n"), "409 permit_state")
	z.as(z.rita, "GET", permitPath+"/"+z.permit.ID, "").json(t, &z.permit)
	z.want(z.as(z.rita, "POST", permitPath+"/"+z.permit.ID+"/reviews", fmt.Sprintf(`{"verdict":"return","doc_hash":%q,"reason":"page 2 is not readable"}`, z.permit.DocHash)), "200")
	better := documentBody + "\n"
	z.clock.advance(time.Minute)
	z.want(z.sent(better), "201")
	z.as(z.opr, "GET", permitPath+"/"+z.permit.ID, "").json(t, &z.permit)
	z.want(z.as(z.opr, "PUT", permitPath+"/"+z.permit.ID, z.application(better), "If-Match", fmt.Sprintf(`"%d"`, z.permit.Rev)), "200")
	z.want(submit(), "200")
	z.as(z.rita, "GET", permitPath+"/"+z.permit.ID, "").json(t, &z.permit)
	if !z.permit.Decisions[0].Void || z.permit.State != "under_review" {
		t.Errorf("after the replacement: %s, %+v", z.permit.State, z.permit.Decisions)
	}
}

// TestDocumentReaders: for who has nothing to do with a permit there are no documents.
func TestDocumentReaders(t *testing.T) {
	z := newDocumentZone(t)
	z.want(z.sent(documentBody), "201")
	nothing := permitPath + "/" + z.permit.ID + "/documents/" + strings.Repeat("0", 64)
	reads := func(when string, want map[*account]string) {
		t.Helper()
		for _, who := range []*account{&z.opr, &z.mate, &z.other, &z.rita, &z.fred, &z.ctl, &z.aud} {
			r, listed, none := z.as(*who, "GET", z.path(documentBody), ""), z.as(*who, "GET", permitPath+"/"+z.permit.ID+"/documents", ""), z.as(*who, "GET", nothing, "")
			expected := "404"
			if want[who] != "" {
				expected = want[who]
			}
			if fmt.Sprint(r.StatusCode) != expected || r.StatusCode != listed.StatusCode || none.StatusCode != 404 {
				t.Errorf("%s, %s: %d %d %d", when, who.ID, r.StatusCode, listed.StatusCode, none.StatusCode)
			}
		}
	}
	reads("a draft", map[*account]string{&z.opr: "200"})
	z.want(z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`), "200")
	reads("submitted", map[*account]string{&z.opr: "200", &z.rita: "200", &z.ctl: "200", &z.aud: "200"})
	for _, who := range []account{z.other, z.rita, z.mate} {
		r := z.call("", "PUT", z.path("x")+documentQuery, "x", "Cookie", who.cookie, "Content-Type", "application/pdf")
		if d := z.as(who, "DELETE", z.path(documentBody), ""); r.StatusCode != 403 && r.StatusCode != 404 || d.StatusCode != 403 && d.StatusCode != 404 {
			t.Errorf("%s sends: %d, deletes: %d", who.ID, r.StatusCode, d.StatusCode)
		}
	}
}

// TestDocumentAbuse: what is not what it says is refused, told and leaves nothing.
func TestDocumentAbuse(t *testing.T) {
	z := newDocumentZone(t)
	put := func(path, body string, header ...string) reply {
		return z.call("", "PUT", path, body, slices.Concat([]string{"Cookie", z.opr.cookie, "Content-Type", "application/pdf"}, header)...)
	}
	script := strings.Replace(documentBody, "/Catalog", "/Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>", 1)
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	w, err := archive.Create("a")
	if err == nil {
		_, err = w.Write(make([]byte, 4<<20))
	}
	if err != nil || archive.Close() != nil {
		t.Fatal(err)
	}
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	own, _ := hex.DecodeString(digestOfText(documentBody))
	long := documentBody + strings.Repeat(" ", 21<<20)
	before := z.decisions()
	for what, c := range map[string]struct {
		r    reply
		want string
	}{
		"another content than announced":   {put(z.path("x")+documentQuery, documentBody), "422 digest_mismatch"},
		"nothing":                          {put(z.path("")+documentQuery, ""), "422 invalid"},
		"a page as a PDF":                  {put(z.path("<html><script>")+documentQuery, "<html><script>"), "422 document_refused"},
		"a PDF that runs a script":         {put(z.path(script)+documentQuery, script), "422 document_refused"},
		"a PDF and a bomb":                 {put(z.path(documentBody+packed.String())+documentQuery, documentBody+packed.String()), "422 document_refused"},
		"a bomb where none is taken":       {put(z.path(packed.String())+documentQuery, packed.String(), "Content-Type", "application/zip"), "422 invalid"},
		"a type that nobody takes":         {put(z.path(documentBody)+documentQuery, documentBody, "Content-Type", "text/html"), "415 unsupported_media_type"},
		"no type":                          {put(z.path(documentBody)+documentQuery, documentBody, "Content-Type", ""), "415 unsupported_media_type"},
		"more than the item takes":         {put(z.path(long)+documentQuery, long), "413 too_large"},
		"no item":                          {put(z.path(documentBody), documentBody), "422 invalid"},
		"an item that takes none":          {put(z.path(documentBody)+"?item=comms", documentBody), "422 invalid"},
		"a digest that is none":            {put(permitPath+"/"+z.permit.ID+"/documents/..%2F..%2Fetc%2Fpasswd"+documentQuery, documentBody), "422 invalid"},
		"a digest in capitals":             {put(permitPath+"/"+z.permit.ID+"/documents/"+strings.Repeat("A", 64)+documentQuery, documentBody), "422 invalid"},
		"a permit that is a path":          {put(permitPath+"/..%2Fx/documents/"+digestOfText(documentBody)+documentQuery, documentBody), "404 not_found"},
		"Content-Digest of something else": {put(z.path(documentBody)+documentQuery, documentBody, "Content-Digest", "sha-256=:"+other+":"), "422 invalid"},
		"Digest of something else":         {put(z.path(documentBody)+documentQuery, documentBody, "Digest", "SHA-256="+other), "422 invalid"},
		"two digests":                      {put(z.path(documentBody)+documentQuery, documentBody, "Content-Digest", "sha-256=:"+other+":, sha-256=:"+base64.StdEncoding.EncodeToString(own)+":"), "422 invalid"},
	} {
		if got := fmt.Sprint(c.r.StatusCode); got != c.want[:3] || !strings.Contains(string(c.r.body), `"code":"`+c.want[4:]+`"`) {
			t.Errorf("%s: %s %s, want %s", what, got, c.r.body, c.want)
		}
	}
	var list documentList
	z.as(z.opr, "GET", permitPath+"/"+z.permit.ID+"/documents", "").json(t, &list)
	if n := z.decisions() - before; len(list.Items) != 0 || n != 0 {
		t.Errorf("%d documents, %d entries of what was refused", len(list.Items), n)
	}
	z.want(put(z.path(documentBody)+"?item=emergency&title="+strings.Repeat("%E5%AD%97", 60)+"..%2F%0D%0Ax", documentBody, "Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(own)+":"), "201")
	if r := z.as(z.opr, "GET", z.path(documentBody), ""); r.Header.Get("Content-Disposition") != `attachment; filename=x.pdf` {
		t.Errorf("saved as %s", r.Header.Get("Content-Disposition"))
	}
	z.want(z.as(z.opr, "DELETE", z.path(documentBody), ""), "204")
	z.want(z.as(z.opr, "GET", z.path(documentBody), ""), "404 not_found")
	if r := z.as(z.opr, "DELETE", z.path(documentBody), ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("deleted twice: %d", r.StatusCode)
	}
}

// TestDocumentLost: a file that is gone is never read as if it were there, and its
// applicant makes good for it.
func TestDocumentLost(t *testing.T) {
	z := newDocumentZone(t)
	z.want(z.sent(documentBody), "201")
	z.want(z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`), "200")
	in := DocumentName{ID: z.permit.ID, SHA256: digestOfText(documentBody)}
	if err := z.server.cfg.Documents.Erase(in.name()); err != nil {
		t.Fatal(err)
	}
	z.want(z.as(z.rita, "GET", z.path(documentBody), ""), "503 document_missing")
	var list documentList
	z.as(z.rita, "GET", permitPath+"/"+z.permit.ID+"/documents", "").json(t, &list)
	if len(list.Items) != 1 || list.Items[0].State != "missing" {
		t.Errorf("listed: %+v", list.Items)
	}
	z.as(z.rita, "GET", permitPath+"/"+z.permit.ID, "").json(t, &z.permit)
	approve := func() reply {
		return z.as(z.rita, "POST", permitPath+"/"+z.permit.ID+"/reviews", fmt.Sprintf(`{"verdict":"approve","doc_hash":%q,"reference":"ATC 1"}`, z.permit.DocHash))
	}
	r := approve()
	z.want(r, "422 rules")
	if p := r.problem(t); p.Faults[0].Code != "document_missing" {
		t.Errorf("approved without: %+v", p.Faults)
	}
	z.want(z.sent(documentBody), "200")
	z.want(z.as(z.rita, "GET", z.path(documentBody), ""), "200")
	z.want(approve(), "200")
}

// TestDocumentsKept: a zone says which documents it keeps, and takes an application
// by that.
func TestDocumentsKept(t *testing.T) {
	for name, c := range map[string]struct {
		opt            zoneOptions
		unsent, submit string
	}{
		"none":     {zoneOptions{}, "409 documents_elsewhere", "200"},
		"optional": {zoneOptions{documents: true, documentsOptional: true}, "201", "200"},
		"required": {zoneOptions{documents: true}, "201", "422 rules"},
	} {
		t.Run(name, func(t *testing.T) {
			z := documentZoneOf(t, c.opt)
			var list documentList
			z.as(z.opr, "GET", permitPath+"/"+z.permit.ID+"/documents", "").json(t, &list)
			if list.Kept != name {
				t.Errorf("it says %q", list.Kept)
			}
			z.want(z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`), c.submit)
			z.as(z.opr, "POST", permitPath, z.application(documentBody)).json(t, &z.permit)
			z.want(z.sent(documentBody), c.unsent)
			z.want(z.as(z.opr, "GET", z.path(documentBody), ""), map[bool]string{true: "200", false: "404 not_found"}[c.opt.documents])
			z.want(z.as(z.opr, "POST", permitPath+"/"+z.permit.ID+"/submit", `{}`), "200")
		})
	}
}

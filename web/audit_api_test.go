package web

import (
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"testzone/telemetry/audit"
)

// auditedZone is a zone with a controller, an auditor and what it signs in with.
func auditedZone(t *testing.T) (z *testZone, carl account, auditor string) {
	t.Helper()
	z = newTestZone(t, zoneOptions{audited: true})
	z.organisation("zone", "authority")
	z.account("ada", "zone", "administrator")
	carl = z.account("carl", "zone", "controller")
	var k NewKey
	z.as(z.account("otto", "zone", "auditor"), "POST", "/v1/keys", `{"label":"audit","scopes":["audit.read"]}`).json(t, &k)
	return z, carl, k.Secret
}

func hashesIn(t *testing.T, texts ...string) (out []tlog.Hash) {
	t.Helper()
	for _, text := range texts {
		h, err := tlog.ParseHash(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
	return out
}

// TestAuditProofs checks with the tools of transparency logs what the server says of
// a journal with real entries: the signature, every entry, every earlier state.
func TestAuditProofs(t *testing.T) {
	z, carl, auditor := auditedZone(t)
	for i := range 12 {
		z.want(z.as(carl, "POST", "/v1/fences", fenceBody(fmt.Sprint("f", i), square, "")), "201")
	}
	z.clock.advance(time.Minute) // all of it is due for a checkpoint
	var c AuditCheckpoint
	var signed audit.Checkpoint
	eventually(t, "a checkpoint", func() bool {
		z.call(auditor, "GET", "/v1/audit/checkpoint", "").json(t, &c)
		var err error
		signed, err = audit.OpenCheckpoint(c.Checkpoint, c.Key)
		return err == nil && signed.Size > 12
	})
	verifier, err := note.NewVerifier(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(c.Checkpoint), note.VerifierList(verifier)); err != nil {
		t.Errorf("signature: %v", err)
	}
	if _, err := note.Open([]byte(strings.Replace(c.Checkpoint, "lingang", "other", 1)), note.VerifierList(verifier)); err == nil {
		t.Error("a changed checkpoint is as good")
	}
	events := z.found(auditor, "")
	for seq := int64(1); seq <= signed.Size; seq++ {
		var in, con AuditProof
		z.call(auditor, "GET", fmt.Sprintf("/v1/audit/proof/inclusion?seq=%d&size=%d", seq, signed.Size), "").json(t, &in)
		chain, err := hex.DecodeString(events[seq-1].Hash)
		if err != nil || events[seq-1].Seq != uint64(seq) {
			t.Fatalf("entry %d: %+v", seq, events[seq-1])
		}
		leaf := tlog.RecordHash(chain)
		if in.Root != signed.Root.String() || in.Leaf != leaf.String() {
			t.Errorf("entry %d: root %s, leaf %s", seq, in.Root, in.Leaf)
		}
		if err := tlog.CheckRecord(hashesIn(t, in.Hashes...), signed.Size, signed.Root, seq-1, leaf); err != nil {
			t.Errorf("entry %d is not shown to be in: %v", seq, err)
		}
		leaf[0] ^= 1
		if tlog.CheckRecord(hashesIn(t, in.Hashes...), signed.Size, signed.Root, seq-1, leaf) == nil {
			t.Errorf("another entry %d is shown to be in", seq)
		}
		z.call(auditor, "GET", fmt.Sprintf("/v1/audit/proof/consistency?old=%d&new=%d", seq, signed.Size), "").json(t, &con)
		old := hashesIn(t, con.Old)[0]
		if err := tlog.CheckTree(hashesIn(t, con.Hashes...), signed.Size, signed.Root, seq, old); err != nil || con.Root != signed.Root.String() {
			t.Errorf("state %d is not continued: %v", seq, err)
		}
	}
	for path, want := range map[string]string{
		"inclusion?seq=1&size=100000": "404 no_such_entries", "inclusion?seq=100000&size=100000": "404 no_such_entries", "inclusion?seq=3&size=2": "404 no_such_entries",
		"inclusion?seq=0&size=2": "422 invalid", "inclusion?seq=-1&size=2": "422 invalid", "inclusion?seq=1": "422 invalid", "inclusion?seq=x&size=2": "422 invalid",
		"consistency?old=2&new=1": "404 no_such_entries", "consistency?old=1&new=100000": "404 no_such_entries", "consistency?old=0&new=1": "422 invalid",
		"consistency?old=9223372036854775807&new=9223372036854775807": "404 no_such_entries",
	} {
		if got := z.code(z.call(auditor, "GET", "/v1/audit/proof/"+path, "")); got != want {
			t.Errorf("%s answers %s, want %s", path, got, want)
		}
	}
}

// TestAuditSearch: what is looked for is found, page by page, and a file of it runs
// nothing in a spreadsheet.
func TestAuditSearch(t *testing.T) {
	z, carl, auditor := auditedZone(t)
	begin := z.clock.now()
	var ids []string
	for range 5 {
		var f Fence
		z.as(carl, "POST", "/v1/fences", fenceBody("river", square, "")).json(t, &f)
		ids = append(ids, f.ID)
	}
	v := z.operated(1, "acme")
	z.report(v, 30.905, 121.925, 50)
	alert := z.alertOf(v)
	const formula = `=HYPERLINK("https://evil.example.org")`
	z.want(z.as(carl, "POST", "/v1/alerts/"+alert+"/acknowledge", `{"note":"=HYPERLINK(\"https://evil.example.org\")"}`), "200")
	z.want(z.as(carl, "GET", "/v1/people", ""), "403 forbidden")
	z.audited(auditor, "listPeople", "forbidden")

	at := func(d time.Duration) string { return url.QueryEscape(begin.Add(d).UTC().Format(time.RFC3339)) }
	for query, want := range map[string]int{
		"&type=fence.put": 5, "&type=fence.*&by=" + carl.ID: 5, "&type=fence.*&by=" + carl.ID + "x": 0, "&object=" + ids[2]: 1, "&type=fence.put&q=" + strings.ToUpper(ids[2]): 1,
		"&type=alert.acknowledged&object=" + alert: 1, "&type=call.refused&by=" + carl.ID: 1, "&type=fence.*&from=" + at(-time.Minute): 5, "&type=fence.*&from=" + at(time.Hour): 0,
		"&type=fence.*&to=" + at(-time.Minute): 0, "&type=fence.*&to=" + at(time.Hour): 5, "&type=session.opened&by=" + carl.ID: 2,
	} {
		if got := z.found(auditor, query); len(got) != want {
			t.Errorf("%s finds %d, want %d: %+v", query, len(got), want, got)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=501", "?from=yesterday", "?unknown=1", "?after=-1", "?q=" + strings.Repeat("x", 201)} {
		if got := z.code(z.call(auditor, "GET", "/v1/audit/events"+query, "")); got != "422 invalid" {
			t.Errorf("%s answers %s", query, got)
		}
	}
	var paged []string
	for after := uint64(0); ; {
		var page AuditList
		z.call(auditor, "GET", fmt.Sprintf("/v1/audit/events?type=fence.put&limit=2&after=%d", after), "").json(t, &page)
		for _, e := range page.Items {
			paged = append(paged, e.Object)
		}
		if page.Next == nil {
			break
		}
		if len(page.Items) != 2 {
			t.Fatalf("a page of %d", len(page.Items))
		}
		after = *page.Next
	}
	if !slices.Equal(paged, ids) {
		t.Errorf("pages: %v, want %v", paged, ids)
	}
	z.checkExports(auditor, formula)
}

// checkExports reads both files of the acknowledgement back.
func (z *testZone) checkExports(auditor, formula string) {
	z.t.Helper()
	r := z.call(auditor, "GET", "/v1/audit/export?type=alert.acknowledged", "")
	rows, err := csv.NewReader(strings.NewReader(string(r.body))).ReadAll()
	if err != nil || len(rows) != 2 || rows[0][6] != "why" || rows[1][6] != "'"+formula {
		z.t.Errorf("csv: %v %q", err, rows)
	}
	if d := r.Header.Get("Content-Disposition"); !strings.Contains(d, "attachment") {
		z.t.Errorf("a browser would show it: %q", d)
	}
	var list AuditList
	z.call(auditor, "GET", "/v1/audit/export?format=json&type=alert.acknowledged", "").json(z.t, &list)
	if len(list.Items) != 1 || list.Items[0].Why != formula {
		z.t.Errorf("json: %+v", list)
	}
	for cell, want := range map[string]string{"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "": "", "a=1": "a=1"} {
		if got := harmless(cell); got != want {
			z.t.Errorf("cell %q becomes %q, want %q", cell, got, want)
		}
	}
}

package web

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"testzone/telemetry/audit"
)

// audited serves the zone once more, with acts and proofs. end stops both when
// every act is in the journal and the tree has every entry.
func audited(t *testing.T, z *testZone) (end func()) {
	t.Helper()
	key, err := audit.LoadKey(t.TempDir(), "zone")
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := audit.NewKeeper(audit.Config{Journal: z.journal, Group: "zone", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	acts := audit.NewRecorder(audit.RecorderConfig{Journal: z.journal})
	z.server.cfg.Acts, z.server.cfg.Audit = acts, keeper
	srv := httptest.NewServer(z.server.Handler())
	t.Cleanup(srv.Close)
	z.url = srv.URL
	ctx, cancel := context.WithCancel(t.Context())
	written, followed := make(chan error, 1), make(chan error, 1)
	go func() { written <- acts.Run(ctx) }()
	proofs, stop := context.WithCancel(t.Context())
	go func() { followed <- keeper.Run(proofs) }()
	return func() {
		cancel()
		<-written
		eventually(t, "the tree has every entry", func() bool { return uint64(keeper.Log.Size()) == z.head() })
		stop()
		<-followed
	}
}

func (z *testZone) events(query string) (out AuditList) {
	z.t.Helper()
	r := z.call(adminToken, "GET", "/v1/audit/events?"+query, "")
	if r.StatusCode != 200 {
		z.t.Fatalf("search %s: %d %s", query, r.StatusCode, r.body)
	}
	r.json(z.t, &out)
	return out
}

// TestActsAreEvents: what was decided and what was refused is found again, with
// who, what, from where and the request's id.
func TestActsAreEvents(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	end := audited(t, z)
	fence := fenceBody("river", square, "")
	id := map[string]string{} // of the request, by name
	for _, k := range []struct {
		name, token, method, path, body string
		header                          []string
		status                          int
	}{
		{"done", adminToken, "POST", "/v1/fences", fence, nil, 201},
		{"forbidden", observerToken, "POST", "/v1/fences", fence, nil, 403},
		{"unauthenticated", "", "POST", "/v1/fences", fence, nil, 401},
		{"cross_origin", adminToken, "POST", "/v1/fences", fence, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"token_in_url", "", "GET", "/v1/fences?token=x", "", nil, 401},
		{"read", adminToken, "GET", "/v1/fences", "", nil, 200},
		{"session", "", "GET", "/v1/session", "", nil, 401},
		{"trial", adminToken, "POST", "/v1/fences/preview", `{"fence":` + fence + `}`, nil, 200},
		{"dry", adminToken, "POST", "/v1/fences?dry_run=true", fence, nil, 200},
	} {
		r := z.call(k.token, k.method, k.path, k.body, k.header...)
		if r.StatusCode != k.status {
			t.Errorf("%s answers %d: %s", k.name, r.StatusCode, r.body)
		}
		id[r.Header.Get("X-Request-Id")] = k.name
	}
	end()
	want := []string{
		"fence.put by admin: done", "done call.done createFence /v1/fences by admin: done", "forbidden call.refused createFence /v1/fences by olga: forbidden",
		"unauthenticated call.refused createFence /v1/fences by : unauthenticated", "cross_origin call.refused /v1/fences by : cross_origin",
		"token_in_url call.refused /v1/fences by : token_in_url",
	}
	admin := z.events("what=fence.put").Items[0].Who
	var got []string
	for _, e := range z.events("").Items {
		who := strings.ReplaceAll(e.Who, admin, "admin")
		if e.What == "fence.put" {
			got = append(got, fmt.Sprintf("%s by %s: %s", e.What, who, e.Outcome))
			continue
		}
		if e.From != "127.0.0.1" {
			t.Errorf("event from %q: %+v", e.From, e)
		}
		got = append(got, fmt.Sprintf("%s %s %s by %s: %s", id[e.RequestID], e.What, e.Object, who, e.Outcome))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAuditSearchAndExport(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for i := range 7 {
		z.fenceNow(fenceBody(fmt.Sprintf("f%d", i), square, ""))
	}
	all := z.events("")
	if len(all.Items) != 7 || all.Next != nil || all.Items[0].Seq != 7 {
		t.Fatalf("events: %+v", all)
	}
	var paged []AuditEvent
	next := ""
	for {
		page := z.events("limit=3&what=fence.*&cursor=" + next)
		paged = append(paged, page.Items...)
		if page.Next == nil {
			break
		}
		next = *page.Next
	}
	if !slices.Equal(paged, all.Items) {
		t.Errorf("pages: %+v, want %+v", paged, all.Items)
	}
	if r := z.call(adminToken, "GET", "/v1/audit/events?what=alert.*&cursor="+next, ""); r.StatusCode != 422 || r.problem(t).Code != "bad_cursor" {
		t.Errorf("the cursor of another search: %d", r.StatusCode)
	}
	one := all.Items[2]
	for query, want := range map[string]int{
		"object=" + url.QueryEscape(one.Object): 1, "who=nobody": 0, "who=" + one.Who: 7, "q=FENCE.P": 7, "what=alert.*": 0,
		"from=2000-01-01T00:00:00Z": 7, "to=2000-01-01T00:00:00Z": 0,
	} {
		if got := z.events(query); len(got.Items) != want {
			t.Errorf("%s finds %d, want %d", query, len(got.Items), want)
		}
		r := z.call(adminToken, "GET", "/v1/audit/export?format=csv&"+query, "")
		rows, err := csv.NewReader(strings.NewReader(string(r.body))).ReadAll()
		if r.StatusCode != 200 || err != nil || len(rows) != 1+want {
			t.Errorf("%s exports %d rows, want %d: %d %v", query, len(rows)-1, want, r.StatusCode, err)
		}
		var items []map[string]any
		z.call(adminToken, "GET", "/v1/audit/export?format=json&"+query, "").json(t, &items)
		if len(items) != want {
			t.Errorf("%s exports %d as JSON, want %d", query, len(items), want)
		}
	}
	for _, path := range []string{"events", "export", "checkpoint", "proof/inclusion?seq=1&size=1", "proof/consistency?old=1&new=1"} {
		if r := z.call(observerToken, "GET", "/v1/audit/"+path, ""); r.StatusCode != 403 {
			t.Errorf("an observer reads %s: %d", path, r.StatusCode)
		}
	}
}

// TestAuditProofs: what the API gives is enough to prove an entry that the search
// showed, and that the journal goes on from an older state of it.
func TestAuditProofs(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	end := audited(t, z)
	for i := range 5 {
		z.fenceNow(fenceBody(fmt.Sprintf("f%d", i), square, ""))
	}
	end()
	size := int64(z.head())
	var p AuditProof
	for _, e := range z.events("").Items {
		z.call(adminToken, "GET", fmt.Sprintf("/v1/audit/proof/inclusion?seq=%d&size=%d", e.Seq, size), "").json(t, &p)
		hash, err := hex.DecodeString(e.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(hashes(t, p.Hashes...), size, hash1(t, p.Root), int64(e.Seq)-1, tlog.RecordHash(hash)); err != nil {
			t.Errorf("entry %d is not proved: %v", e.Seq, err)
		}
		if tlog.CheckRecord(hashes(t, p.Hashes...), size, hash1(t, p.Root), int64(e.Seq)-1, tlog.RecordHash([]byte("other"))) == nil {
			t.Errorf("another entry %d is proved, too", e.Seq)
		}
	}
	for old := int64(1); old <= size; old++ {
		p = AuditProof{}
		z.call(adminToken, "GET", fmt.Sprintf("/v1/audit/proof/consistency?old=%d&new=%d", old, size), "").json(t, &p)
		if err := tlog.CheckTree(hashes(t, p.Hashes...), size, hash1(t, p.Root), old, hash1(t, p.Old)); err != nil {
			t.Errorf("the journal does not go on from %d: %v", old, err)
		}
		if old < size && tlog.CheckTree(hashes(t, p.Hashes...), size, hash1(t, p.Root), old, hash1(t, p.Root)) == nil {
			t.Errorf("a forked journal of %d goes on", old)
		}
	}
	for _, path := range []string{"inclusion?seq=1&size=999", "inclusion?seq=9&size=3", "consistency?old=1&new=999", "consistency?old=4&new=2"} {
		if r := z.call(adminToken, "GET", "/v1/audit/proof/"+path, ""); r.StatusCode != 404 || r.problem(t).Code != "no_such_entries" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.body)
		}
	}
}

func hash1(t *testing.T, s string) tlog.Hash { return hashes(t, s)[0] }

func hashes(t *testing.T, all ...string) (out []tlog.Hash) {
	t.Helper()
	for _, s := range all {
		h, err := tlog.ParseHash(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
	return out
}

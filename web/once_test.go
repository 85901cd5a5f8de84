package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"testzone/telemetry/journal"
)

func (z *testZone) head() uint64 { return z.server.cfg.Journal().Head }

// decisions counts those of the journal; facts come by themselves.
func (z *testZone) decisions() (n int) {
	z.t.Helper()
	err := z.journal.Replay(1, func(rec journal.Record) error {
		if rec.Kind == journal.Decision {
			n++
		}
		return nil
	})
	if err != nil {
		z.t.Fatal(err)
	}
	return n
}

func TestIdempotencyKey(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	body := fenceBody("river", square, "")
	first := z.call(adminToken, "POST", "/v1/fences", body, keyHeader, "key-number-1")
	head := z.head()
	for _, c := range []struct {
		name, token, path, body, key string
		status                       int
		code                         string
	}{
		{"again", adminToken, "/v1/fences", body, "key-number-1", 201, ""},
		{"other body", adminToken, "/v1/fences", fenceBody("lake", square, ""), "key-number-1", 422, "key_reused"},
		{"other operation", adminToken, "/v1/fences/emergency", `{"center":[121.92,30.9],"radius_m":50}`, "key-number-1", 422, "key_reused"},
		{"other alert", adminToken, "/v1/alerts/al_1/acknowledge", "", "key-number-1", 422, "key_reused"},
		{"too short", adminToken, "/v1/fences", body, "seven77", 422, "bad_key"},
		{"too long", adminToken, "/v1/fences", body, strings.Repeat("k", 81), 422, "bad_key"},
		{"with a space", adminToken, "/v1/fences", body, "key number 1", 422, "bad_key"},
		{"who may not", observerToken, "/v1/fences", body, "key-number-1", 403, "forbidden"},
		{"faulty", adminToken, "/v1/fences", `{}`, "key-number-2", 422, "invalid"},
	} {
		r := z.call(c.token, "POST", c.path, c.body, keyHeader, c.key)
		if r.StatusCode != c.status || c.code != "" && r.problem(t).Code != c.code {
			t.Errorf("%s answers %d %s", c.name, r.StatusCode, r.body)
		}
		if c.status == 201 && (string(r.body) != string(first.body) || r.Header.Get("ETag") != first.Header.Get("ETag") ||
			r.Header.Get("Location") != first.Header.Get("Location") || r.Header.Get("Idempotency-Replayed") != "true") {
			t.Errorf("%s answers other than the first time: %v %s", c.name, r.Header, r.body)
		}
	}
	if z.head() != head {
		t.Errorf("%d entries were written", z.head()-head)
	}
	// A request that failed did not use up its key.
	if r := z.call(adminToken, "POST", "/v1/fences", body, keyHeader, "key-number-2"); r.StatusCode != 201 || r.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("after a fault: %d %s", r.StatusCode, r.body)
	}
	// Two with one key at the same time are one.
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { z.call(adminToken, "POST", "/v1/fences", body, keyHeader, "key-number-3") })
	}
	wg.Wait()
	if n := len(z.register.Fences()); n != 3 {
		t.Errorf("%d fences, want 3", n)
	}
}

func TestRequestsOfTheJournal(t *testing.T) {
	q := NewRequests()
	const day = journal.RequestWindowUS
	for seq, body := range []string{
		`{"type":"fence.put","request":{"by":"ada","key":"k1","sha256":"aa"}}`,
		`{"type":"x","note":"\"request\":{"}`, `"request":{`, `{"request":{"by":5}}`,
	} {
		if err := q.Replay(journal.Record{Entry: journal.Entry{TimeUS: int64(seq), Body: []byte(body)}}); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		by, key, sha string
		at           int64
		again        bool
		err          error
	}{
		{"ada", "k1", "aa", day, true, nil},
		{"ada", "k1", "bb", day, false, journal.ErrKeyReused},
		{"ada", "k1", "bb", day + 1, false, nil},
		{"bob", "k1", "bb", day, false, nil},
	} {
		r := &journal.Request{By: c.by, Key: c.key, SHA256: c.sha}
		again, err := q.begin(t.Context(), r, c.at)
		if again != c.again || err != c.err {
			t.Errorf("%+v: %v, %v", c, again, err)
		}
		if err == nil {
			q.end(r)
		}
	}
	for i := range maxRequests + 10 {
		q.note(&journal.Request{By: "eve", Key: fmt.Sprint(i)}, 5)
	}
	if len(q.byName) != maxRequests || len(q.order) != maxRequests {
		t.Errorf("%d requests are remembered", len(q.byName))
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	v := z.open(1, 1)
	z.report(v, 30.905, 121.925, 50)
	var f Fence
	z.call(adminToken, "POST", "/v1/fences", fenceBody("old", square, "")).json(t, &f)
	before := z.decisions()
	change := fmt.Sprintf(`{"changes":[{"op":"create","fence":%s},{"op":"delete","id":%q,"rev":1}]}`, fenceBody("new", square, ""), f.ID)
	for _, c := range []struct {
		name, token, method, path, body, ifMatch string
		status                                   int
		has                                      string
	}{
		{"create", adminToken, "POST", "/v1/fences", fenceBody("new", square, ""), "", 200, `"breaches":1`},
		{"create badly", adminToken, "POST", "/v1/fences", fenceBody("", square, ""), "", 422, `body.name`},
		{"create as observer", observerToken, "POST", "/v1/fences", fenceBody("new", square, ""), "", 403, `forbidden`},
		{"replace", adminToken, "PUT", "/v1/fences/" + f.ID, fenceBody("new", square, ""), `"1"`, 200, `"rev":2`},
		{"replace stale", adminToken, "PUT", "/v1/fences/" + f.ID, fenceBody("new", square, ""), `"4"`, 412, `stale`},
		{"replace nothing", adminToken, "PUT", "/v1/fences/fn_none", fenceBody("new", square, ""), `"4"`, 404, `not_found`},
		{"restore", adminToken, "POST", "/v1/fences/" + f.ID + "/restore", `{"rev":1}`, `"1"`, 200, `"breaches":1`},
		{"restore what never was", adminToken, "POST", "/v1/fences/" + f.ID + "/restore", `{"rev":7}`, `"1"`, 404, `no_such_version`},
		{"emergency", adminToken, "POST", "/v1/fences/emergency", `{"center":[121.925,30.905],"radius_m":500}`, "", 200, `"breaches":1`},
		{"batch", adminToken, "POST", "/v1/fences/batch", change, "", 200, `{"id":"","rev":1,"deleted":false,"impact":{"count":1,"breaches":1}},{"id":"` + f.ID + `","rev":2,"deleted":true}`},
		{"batch stale", adminToken, "POST", "/v1/fences/batch", strings.Replace(change, `"rev":1`, `"rev":3`, 1), "", 409, `stale`},
	} {
		r := z.call(c.token, c.method, c.path+"?dry_run=true", c.body, "If-Match", c.ifMatch, keyHeader, "the-same-key")
		if r.StatusCode != c.status || !strings.Contains(string(r.body), c.has) {
			t.Errorf("%s answers %d %s", c.name, r.StatusCode, r.body)
		}
	}
	if n := z.decisions() - before; n != 0 || len(z.register.Fences()) != 1 {
		t.Errorf("%d decisions were written", n)
	}
	if r := z.call(adminToken, "POST", "/v1/fences", fenceBody("new", square, ""), keyHeader, "the-same-key"); r.StatusCode != http.StatusCreated {
		t.Errorf("a dry run used up its key: %s", r.body)
	}
}

func TestRates(t *testing.T) {
	z := newTestZone(t, zoneOptions{perPrincipal: Rate{PerSecond: 0.001, Burst: 3}, perAddress: Rate{PerSecond: 0.001, Burst: 10}})
	ask := func(token string) reply { return z.call(token, "GET", "/v1/fences", "") }
	for range 3 {
		ask(observerToken)
	}
	r := ask(observerToken)
	if p := r.problem(t); r.StatusCode != 429 || p.Code != "rate_limited" || r.Header.Get("Retry-After") == "" {
		t.Errorf("the fourth answers %d %s, retry after %q", r.StatusCode, p.Code, r.Header.Get("Retry-After"))
	}
	if r := ask(adminToken); r.StatusCode != 200 {
		t.Errorf("somebody else answers %d", r.StatusCode)
	}
	for range 5 {
		z.call("", "GET", "/v1/health", "")
	}
	if r := z.call("", "GET", "/nowhere", ""); r.StatusCode != 429 || r.problem(t).Code != "rate_limited" {
		t.Errorf("the eleventh of an address answers %d", r.StatusCode)
	}
	// An emergency does not wait, whoever else asks from the same address.
	for range 5 {
		if r := z.call(adminToken, "POST", emergencyPath, `{"center":[121.92,30.9],"radius_m":50}`); r.StatusCode != 201 {
			t.Errorf("an emergency fence answers %d %s", r.StatusCode, r.body)
		}
	}
	for token, status := range map[string]int{observerToken: 403, "": 401} {
		if r := z.call(token, "POST", emergencyPath, `{"center":[121.92,30.9],"radius_m":50}`); r.StatusCode != status {
			t.Errorf("an emergency fence of %q answers %d", token, r.StatusCode)
		}
	}
	z.clock.advance(3 * time.Hour)
	if r := ask(observerToken); r.StatusCode != 200 {
		t.Errorf("later: %d", r.StatusCode)
	}
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle(Rate{PerSecond: 1, Burst: 2})
	now := time.Unix(1_800_000_000, 0)
	for i := range maxThrottled {
		_ = th.take(fmt.Sprint(i), now)
	}
	for i, want := range []bool{true, true, false, false} {
		if got := th.take(fmt.Sprint("late", i), now) == nil; got != want {
			t.Errorf("late name %d is served %v, want %v: those without room share one limit", i, got, want)
		}
	}
	if len(th.byName) != maxThrottled {
		t.Errorf("%d names", len(th.byName))
	}
	if err := th.take("later", now.Add(time.Minute)); err != nil || len(th.byName) != 1 {
		t.Errorf("names at rest give way: %v, %d names", err, len(th.byName))
	}
}

func TestPagesLink(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for i := range 3 {
		z.call(adminToken, "POST", "/v1/fences", fenceBody(fmt.Sprint("f", i), square, ""))
	}
	r := z.call(observerToken, "GET", "/v1/fences?limit=2", "")
	link := r.Header.Get("Link")
	path, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	if !ok || !strings.HasPrefix(path, "/v1/fences?") || !strings.Contains(path, "limit=2") {
		t.Fatalf("link is %q", link)
	}
	var page FenceList
	last := z.call(observerToken, "GET", path, "")
	last.json(t, &page)
	if len(page.Items) != 1 || last.Header.Get("Link") != "" {
		t.Errorf("the next page: %d fences, link %q", len(page.Items), last.Header.Get("Link"))
	}
	if r := z.call(adminToken, "GET", path, ""); r.StatusCode != 422 || r.problem(t).Code != "bad_cursor" {
		t.Errorf("somebody else's cursor answers %d", r.StatusCode)
	}
}

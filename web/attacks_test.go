package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"testzone/telemetry/journal"
)

// TestBombs: what is small to send and large to handle.
func TestBombs(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(make([]byte, 64<<20))
	_ = zip.Close()
	deep := strings.Repeat("[", 100_000)
	for _, c := range []struct {
		name, path, body string
		header           []string
		status           int
		code             string
	}{
		{"depth", "/v1/fences", deep, nil, 400, "malformed"},
		{"depth in a fence", "/v1/fences", `{"geometry":` + deep + `}`, nil, 400, "malformed"},
		{"depth in a batch", "/v1/fences/batch", `{"changes":` + strings.Repeat(`[{"a":`, 50_000) + `}`, nil, 400, "malformed"},
		{"depth in a file", "/v1/fences/import?format=geojson", deep, nil, 422, "unreadable_file"},
		{"depth of a preview", "/v1/fences/preview", deep, nil, 400, "malformed"},
		{"300 kB", "/v1/fences", `{"name":"` + strings.Repeat("x", 300_000) + `"}`, nil, 413, "too_large"},
		{"3 MB of a batch", "/v1/fences/batch", strings.Repeat(" ", 3<<20), nil, 413, "too_large"},
		{"10 kB of a sign-in", "/v1/session", strings.Repeat(" ", 10<<10), nil, 413, "too_large"},
		{"packed", "/v1/fences", packed.String(), []string{"Content-Encoding", "gzip"}, 400, "malformed"},
		{"packed file", "/v1/fences/import?format=kml", packed.String(), []string{"Content-Encoding", "gzip", "Content-Type", kmlType}, 422, "unreadable_file"},
		{"long query", "/v1/fences?cursor=" + strings.Repeat("x", 401), "", nil, 422, "invalid"},
		{"not utf-8 in a batch", "/v1/fences/batch", "{\"changes\":[\"\xc3\x28\"]}", nil, 400, "malformed"},
	} {
		r := z.call(adminToken, "POST", c.path, c.body, c.header...)
		if p := r.problem(t); r.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s answers %d %s, want %d %s", c.name, r.StatusCode, p.Code, c.status, c.code)
		}
	}
	if n := len(z.register.Fences()); n != 0 {
		t.Errorf("%d fences were set", n)
	}
}

// exchange writes to a connection and reads what comes until it is closed.
func exchange(t *testing.T, z *testZone, send string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(z.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, send) // the server may close before all is written
	got, err := io.ReadAll(conn)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Errorf("the server keeps the connection of %.40q", send)
	}
	return string(got)
}

func TestHeaderAttacks(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	var all sync.WaitGroup
	for _, c := range []struct{ name, send, status string }{
		{"many headers", "GET /v1/health HTTP/1.1\r\nHost: z\r\n" + strings.Repeat("X-A: b\r\n", 20_000) + "\r\n", "431"},
		{"one long header", "GET /v1/health HTTP/1.1\r\nHost: z\r\nX-A: " + strings.Repeat("b", 100_000) + "\r\n\r\n", "431"},
		{"long address", "GET /" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\nHost: z\r\n\r\n", "431"},
		{"slow headers", "GET /v1/health HTTP/1.1\r\nHost: z\r\nX-A", ""},
		{"nothing at all", "", ""},
		{"two lengths", "POST /v1/session HTTP/1.1\r\nHost: z\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "400"},
		{"length and chunks", "POST /v1/session HTTP/1.1\r\nHost: z\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"line break in a header", "GET /v1/health HTTP/1.1\r\nHost: z\r\nConnection: close\r\nX-A: a\x00b\r\n\r\n", "400"},
	} {
		all.Go(func() {
			got := exchange(t, z, c.send)
			// Who sends nothing whole is cut off, with or without a word.
			if status, _ := strings.CutPrefix(got, "HTTP/1.1 "); !strings.HasPrefix(status, c.status) || strings.HasPrefix(status, "2") {
				t.Errorf("%s answers %.60q", c.name, got)
			}
		})
	}
	all.Wait()
	if r := z.call("", "GET", "/v1/health", ""); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

// TestNobodyIsReadFor: a body is not read before it is known who sends it.
func TestNobodyIsReadFor(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for token, want := range map[string]int{"": 401, "a-token-that-is-not-one": 401, observerToken: 403} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(z.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		// The body never comes; who waits for it does not answer.
		fmt.Fprintf(conn, "POST /v1/fences HTTP/1.1\r\nHost: z\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n", token)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != want {
			t.Errorf("%q is answered %v, %v before the body", token, res, err)
		}
		_ = conn.Close()
	}
}

func TestTokenInAddress(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for _, path := range []string{"/v1/fences?token=" + adminToken, "/v1/zone?access_token=" + adminToken, "/v1/live?token=" + adminToken, "/v1/events?api_key=x", "/?token=x", "/v1/zone?a=b&token="} {
		for _, token := range []string{"", adminToken} {
			r := z.call(token, "GET", path, "")
			if p := r.problem(t); r.StatusCode != 401 || p.Code != "token_in_url" {
				t.Errorf("%s answers %d %s", path, r.StatusCode, p.Code)
			}
		}
	}
	if strings.Contains(z.log.String(), adminToken) {
		t.Error("the token is in the log")
	}
}

// TestReadOnlyFields: what is the server's to say is refused, not ignored.
func TestReadOnlyFields(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for _, field := range []string{
		`"id":"fn_mine"`, `"rev":7`, `"origin":{"kind":"permit","id":"pm_1"}`, `"created_at":"2020-01-01T00:00:00Z"`, `"updated_at":"2020-01-01T00:00:00Z"`,
		`"updated_by":"olga"`, `"in_force":false`, `"tenant":"acme"`, `"state":"approved"`, `"impact":null`, `"__proto__":{}`,
	} {
		r := z.call(adminToken, "POST", "/v1/fences", fenceBody("x", square, ","+field))
		if p := r.problem(t); r.StatusCode != 422 || p.Code != "invalid" || len(p.Errors) != 1 {
			t.Errorf("%s is answered %d %s", field, r.StatusCode, r.body)
		}
	}
	if r := z.call(adminToken, "POST", "/v1/alerts/al_1/acknowledge", `{"note":"x","at":"2020-01-01T00:00:00Z"}`); r.StatusCode != 422 {
		t.Errorf("a time of an acknowledgement: %d", r.StatusCode)
	}
}

// TestNames: no two names look the same and none turns the text around it.
func TestNames(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	for _, name := range []string{
		"a\u202eb", "a\u2066b", "a\u200bb", "a\u200db", "a\u2060b", "a\u00adb", "a\ufeffb", "a\u180eb", "a\u3164b", "a\u2800b", "a\u034fb", "a\U000e0041b", "a\ufe0fb",
		"a\u2028b", "a\u0000b", "a\nb", "a\x1b[2Jb", "a\u0085b", "a\ue000b", "\u00a0 ", "\u3000",
	} {
		if r := z.call(adminToken, "POST", "/v1/fences", fenceBody(name, square, "")); r.StatusCode != 422 || !strings.Contains(string(r.body), `"body.name"`) {
			t.Errorf("%q is answered %d", name, r.StatusCode)
		}
		group := strings.Replace(fenceBody(name, square, `,"group":"x"`), `"name"`, `"group"`, 1)
		if r := z.call(adminToken, "POST", "/v1/fences", strings.Replace(group, `"group":"x"`, `"name":"x"`, 1)); r.StatusCode != 422 || !strings.Contains(string(r.body), `"body.group"`) {
			t.Errorf("group %q is answered %d %s", name, r.StatusCode, r.body)
		}
	}
	for _, name := range []string{"临港新片区 1号", "Ŝipo №5", "<script>alert(1)</script>", "a  b", "עיר", "x\u0301"} {
		if r := z.call(adminToken, "POST", "/v1/fences", fenceBody(name, square, "")); r.StatusCode != 201 {
			t.Errorf("%q is answered %s", name, r.body)
		}
	}
}

// TestOneOfManyChangesWins: of many changes of one revision exactly one is made.
func TestOneOfManyChangesWins(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	var f Fence
	z.call(adminToken, "POST", "/v1/fences", fenceBody("x", square, "")).json(t, &f)
	var won, stale atomic.Int32
	var all sync.WaitGroup
	work := make(chan int)
	for range 50 {
		all.Go(func() {
			for i := range work {
				switch r := z.call(adminToken, "PUT", "/v1/fences/"+f.ID, fenceBody(fmt.Sprint("n", i), square, ""), "If-Match", `"1"`); r.StatusCode {
				case 200:
					won.Add(1)
				case 412:
					stale.Add(1)
				}
			}
		})
	}
	for i := range 1000 {
		work <- i
	}
	close(work)
	all.Wait()
	if won.Load() != 1 || stale.Load() != 999 {
		t.Errorf("%d won and %d were stale", won.Load(), stale.Load())
	}
}

func FuzzEvent(f *testing.F) {
	f.Add(uint16(1), []byte(`{"type":"fence.batch","changes":[{"fence":{"id":"a","rev":1}},{"id":"b","rev":2}]}`))
	f.Add(uint16(2), []byte(`{"type":"alert.raised","alert":{"id":"a","evidence":{"before":null}}}`))
	f.Add(uint16(2), []byte(`{"type":"alert.acknowledged","ack":null}`))
	f.Fuzz(func(t *testing.T, schema uint16, body []byte) {
		rec := journal.Record{Seq: 1, Entry: journal.Entry{Schema: schema, Body: body}}
		for _, all := range []bool{false, true} {
			e, visible := eventOf(&rec, all)
			if !visible {
				continue
			}
			if line := encodeJSON(&e); bytes.ContainsAny(line, "\r\n") || strings.ContainsAny(e.Type, "\r\n") {
				t.Errorf("an event breaks its line: %q %q", e.Type, line)
			}
			if !all && (e.Entry != nil || e.Hash != "") {
				t.Errorf("everybody sees %+v", e)
			}
		}
	})
}

// TestEveryAnswerIsInTheLog: an operator finds each request by its id.
func TestEveryAnswerIsInTheLog(t *testing.T) {
	z := newTestZone(t, zoneOptions{debug: true})
	for _, path := range []string{"/v1/zone", "/v1/fences/fn_none", "/nowhere\nlevel=ERROR", "/docs"} {
		req := strings.ReplaceAll(path, "\n", "%0a")
		r := z.call(observerToken, "GET", req, "")
		id := r.Header.Get("X-Request-Id")
		eventually(t, "the line of "+path, func() bool {
			for line := range strings.Lines(z.log.String()) {
				if strings.Contains(line, `"request_id":"`+id+`"`) && strings.Contains(line, fmt.Sprintf(`"status":%d`, r.StatusCode)) {
					return id != ""
				}
			}
			return false
		})
	}
	if strings.Contains(z.log.String(), "\nlevel=ERROR") {
		t.Error("a path wrote a line of its own")
	}
	if e := z.follow(observerToken, "?after=0"); e == nil {
		t.Error("no stream through the log's writer")
	}
}

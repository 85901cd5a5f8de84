package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/journal"
)

// eventReader reads a stream of events.
type eventReader struct {
	t    *testing.T
	res  *http.Response
	in   *bufio.Scanner
	stop context.CancelFunc
}

func (z *testZone) follow(token, query string, header ...string) *eventReader {
	z.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", z.url+eventsPath+query, nil)
	if err != nil {
		z.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Accept", eventStream)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		z.t.Fatal(err)
	}
	z.t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != eventStream {
		z.t.Fatalf("%s answers %d %s", query, res.StatusCode, res.Header.Get("Content-Type"))
	}
	return &eventReader{t: z.t, res: res, in: bufio.NewScanner(res.Body), stop: cancel}
}

// next is the next event.
func (r *eventReader) next() (e Event) {
	r.t.Helper()
	id, kind := "", ""
	for r.in.Scan() {
		name, value, _ := strings.Cut(r.in.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				r.t.Fatalf("%s: %v", value, err)
			}
			if fmt.Sprint(e.Seq) != id || e.Type != kind {
				r.t.Errorf("event %s %s has data %s", id, kind, value)
			}
			return e
		}
	}
	r.t.Fatalf("the stream ended: %v", r.in.Err())
	return e
}

func TestEvents(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	now := z.follow(observerToken, "")
	var f Fence
	z.call(adminToken, "POST", "/v1/fences", fenceBody("river", square, "")).json(t, &f)
	z.call(adminToken, "DELETE", "/v1/fences/"+f.ID, "", "If-Match", `"1"`)
	entry := func(schema uint16, body string) {
		if _, err := z.journal.Append(t.Context(), journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: schema, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	entry(77, `{"type":"person.signed_in","by":"carl","address":"10.1.2.3"}`)
	entry(telemetry.FactSchema, `{"type":"alert.cleared","id":"al_1","cause":"left"}`)
	entry(telemetry.FactSchema, `{"type":"alert.raised","alert":{"id":"al_2","type":"fence_breach","level":3}}`)
	entry(telemetry.FactSchema, `{"type":"alert.acknowledged","id":"al_2","ack":{"by":"carl","at_us":5,"note":"seen"}}`)

	put := now.next()
	if put.Type != "fence.put" || put.By != "bootstrap" || len(put.Fences) != 1 || put.Fences[0].ID != f.ID || put.Fences[0].Rev != 1 || put.Entry != nil || put.Hash != "" {
		t.Errorf("put: %+v", put)
	}
	if gone := now.next(); gone.Type != "fence.deleted" || !gone.Fences[0].Deleted || gone.Fences[0].Rev != 2 {
		t.Errorf("deleted: %+v", gone)
	}
	// What is between, only an auditor sees.
	if cleared := now.next(); cleared.Type != "alert.cleared" || cleared.AlertID != "al_1" || cleared.Cause != "left" {
		t.Errorf("cleared: %+v", cleared)
	}
	if raised := now.next(); raised.Type != "alert.raised" || raised.Alert == nil || raised.AlertID != "al_2" || raised.Alert.Level != 3 {
		t.Errorf("raised: %+v", raised)
	}
	if ack := now.next(); ack.Type != "alert.acknowledged" || ack.By != "carl" || ack.Note != "seen" {
		t.Errorf("acknowledged: %+v", ack)
	}
	for _, c := range []struct {
		name, query string
		header      []string
		want        string
	}{
		{"all", "?after=0", nil, "fence.put"},
		{"a family", "?after=0&types=alert.*", nil, "alert.cleared"},
		{"two types", "?after=0&types=x,alert.raised", nil, "alert.raised"},
		{"resumed", "", []string{"Last-Event-ID", fmt.Sprint(put.Seq)}, "fence.deleted"},
		{"resumed with the first address", "?after=0", []string{"Last-Event-ID", fmt.Sprint(put.Seq)}, "fence.deleted"},
	} {
		if e := z.follow(observerToken, c.query, c.header...).next(); e.Type != c.want {
			t.Errorf("%s: %s, want %s", c.name, e.Type, c.want)
		}
	}
	// The stream ends with the server.
	if err := z.stop(); err != nil {
		t.Error(err)
	}
	for now.in.Scan() {
		if text := now.in.Text(); text != "" {
			t.Errorf("after the stop: %q", text)
		}
	}
}

func TestEventsOfAuditors(t *testing.T) {
	rec := journal.Record{Seq: 9, Entry: journal.Entry{Schema: 77, Body: []byte(`{"type":"person.signed_in","by":"carl"}`)}}
	if e, visible := eventOf(&rec, false); visible {
		t.Errorf("everybody sees %+v", e)
	}
	e, visible := eventOf(&rec, true)
	if !visible || e.Type != "person.signed_in" || e.By != "carl" || string(e.Entry) != string(rec.Body) || len(e.Hash) != 64 {
		t.Errorf("an auditor sees %+v", e)
	}
	for _, body := range []string{"", "\xff", `{"type":"a\nb"}`, `{"type":5}`, `[]`} {
		for _, schema := range []uint16{airspace.DecisionSchema, telemetry.FactSchema, 5} {
			rec := journal.Record{Seq: 9, Entry: journal.Entry{Schema: schema, Body: []byte(body)}}
			if e, visible := eventOf(&rec, true); !visible || e.Type != "entry" {
				t.Errorf("%q is shown as %+v", body, e)
			}
			if e, visible := eventOf(&rec, false); visible {
				t.Errorf("everybody sees %q as %+v", body, e)
			}
		}
	}
}

// TestControlEvents: the state of the zone is told to everybody, who is on duty to
// auditors alone; both by their names.
func TestControlEvents(t *testing.T) {
	for _, c := range []struct {
		body, want string
		everybody  bool
	}{
		{`{"act":"zone.state","changes":[{"state":{"state":"clear","reason":"storm","rev":4,"updated_by":"carl"},"safer":true}],"by":"carl"}`, "zone.state", true},
		{`{"act":"duty.sign_on","changes":[{"duty":{"id":"dt_1","person":"p"}}],"by":"carl"}`, "duty.sign_on", false},
		{`{"act":"zone.state","changes":[]}`, "zone.state", false},
		{`{"act":"zone.state","changes":7}`, "zone.state", false},
	} {
		rec := journal.Record{Seq: 9, Entry: journal.Entry{Schema: airspace.ControlSchema, Body: []byte(c.body)}}
		if e, visible := eventOf(&rec, true); !visible || e.Type != c.want {
			t.Errorf("%s: an auditor sees %+v", c.body, e)
		}
		e, visible := eventOf(&rec, false)
		if visible != c.everybody || visible && (e.Zone == nil || e.Zone.State != "clear" || e.Zone.Reason != "storm" || e.By != "carl" || e.Entry != nil) {
			t.Errorf("%s: everybody sees %+v, %v", c.body, e, visible)
		}
	}
}

func TestEventRequests(t *testing.T) {
	z := newTestZone(t, zoneOptions{oldest: func() uint64 { return 2 }})
	for i := range 3 {
		z.call(adminToken, "POST", "/v1/fences", fenceBody(fmt.Sprint(i), square, ""))
	}
	for _, c := range []struct {
		name, query, last, accept string
		status                    int
		code                      string
	}{
		{"not a stream", "", "", "application/json", 406, "not_acceptable"},
		{"unknown query", "?type=fence.put", "", eventStream, 422, "invalid"},
		{"bad type", "?types=fence.put,%0a", "", eventStream, 422, "invalid"},
		{"empty type", "?types=,", "", eventStream, 422, "invalid"},
		{"not a number", "?after=x", "", eventStream, 422, "invalid"},
		{"negative", "", "-1", eventStream, 422, "invalid"},
		{"trimmed", "?after=0", "", eventStream, 410, "trimmed"},
		{"of a journal that is not ours", "", "1000", eventStream, 410, "trimmed"},
	} {
		r := z.call(observerToken, "GET", eventsPath+c.query, "", "Accept", c.accept, "Last-Event-ID", c.last)
		if p := r.problem(t); r.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s answers %d %s", c.name, r.StatusCode, r.body)
		}
	}
	if e := z.follow(observerToken, "?after=1").next(); e.Seq != 2 {
		t.Errorf("the oldest: %d", e.Seq)
	}
	for range maxOwnStreams {
		z.follow(adminToken, "")
	}
	if r := z.call(adminToken, "GET", eventsPath, "", "Accept", eventStream); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("one stream too many answers %d", r.StatusCode)
	}
}

// stuckWriter is a connection whose reader takes nothing.
type stuckWriter struct {
	recorder
	deadline time.Time
}

func (w *stuckWriter) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }
func (w *stuckWriter) SetReadDeadline(time.Time) error    { return nil }
func (w *stuckWriter) FlushError() error {
	if w.deadline.IsZero() {
		return nil
	}
	return &net.OpError{Op: "write", Err: context.DeadlineExceeded}
}

func TestSlowEventReaderIsClosed(t *testing.T) {
	z := newTestZone(t, zoneOptions{})
	w := &stuckWriter{recorder: *newRecorder()}
	r := w.request("GET", eventsPath)
	r.Header.Set("Accept", eventStream)
	r.Header.Set("Authorization", "Bearer "+observerToken)
	z.server.serveEvents(w, r) // returns, or the test does not end
	if w.deadline.IsZero() || z.server.streams.all != 0 || len(z.server.streams.byWho) != 0 {
		t.Errorf("deadline %v, %d streams", w.deadline, z.server.streams.all)
	}
}

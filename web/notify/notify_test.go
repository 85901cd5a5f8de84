package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"testzone/telemetry/journal"
)

// receiver is a real HTTP server that keeps what it took.
type receiver struct {
	*httptest.Server
	got chan string // "seq body" of each that was taken

	mu     sync.Mutex // guards the fields below
	answer []int      // to come; then 200
	asked  int
	heads  []http.Header
}

func newReceiver(t *testing.T, answer ...int) *receiver {
	r := &receiver{got: make(chan string, 100), answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		status := 200
		if len(r.answer) > 0 {
			status, r.answer = r.answer[0], r.answer[1:]
		}
		r.asked++
		r.heads = append(r.heads, q.Header.Clone())
		r.mu.Unlock()
		if status == 302 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		if status == 200 {
			r.got <- q.Header.Get(EventHeader) + " " + string(body)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

func (r *receiver) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-r.got:
		if got != want {
			t.Errorf("the receiver took %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("the receiver did not get %q", want)
	}
}

func newJournal(t *testing.T) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: t.TempDir(), SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func write(t *testing.T, j *journal.Journal, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if _, err := j.Append(t.Context(), journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: 9, Body: []byte(b)}); err != nil {
			t.Fatal(err)
		}
	}
}

// config sends what begins with one of the types.
func config(j *journal.Journal, path string) Config {
	return Config{
		Path: path, Source: j, First: time.Millisecond, Longest: 2 * time.Millisecond, Save: time.Millisecond, UnsafeAllowInternal: true,
		Encode: func(rec *journal.Record, types []string) ([]byte, bool) {
			for _, t := range types {
				if strings.HasPrefix(string(rec.Body), t) {
					return rec.Body, true
				}
			}
			return nil, false
		},
	}
}

// run makes a notifier and runs it until stop.
func run(t *testing.T, cfg Config) (n *Notifier, stop func()) {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return n, stop
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	late := time.After(10 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("timed out: %s", what)
		}
	}
}

func TestDelivery(t *testing.T) {
	j, r, path := newJournal(t), newReceiver(t), filepath.Join(t.TempDir(), "webhooks.json")
	write(t, j, "a before the hook")
	n, stop := run(t, config(j, path))
	hook, secret, err := n.Create(t.Context(), "ada", r.URL+"/hook", []string{"a", "c"})
	if err != nil {
		t.Fatal(err)
	}
	r.answers(500, 302, 503) // a redirect is a failure like others
	write(t, j, "a1", "b1", "c1")
	r.expect(t, "3 a1")
	r.expect(t, "5 c1")
	r.mu.Lock()
	if r.asked != 5 {
		t.Errorf("asked %d times, want 5: two events and three failures", r.asked)
	}
	for i, h := range r.heads {
		unix, _ := strconv.ParseInt(strings.TrimPrefix(strings.Split(h.Get(SignatureHeader), ",")[0], "t="), 10, 64)
		body := "a1"
		if i == 4 {
			body = "c1"
		}
		if h.Get(SignatureHeader) != Sign(secret, unix, []byte(body)) || h.Get(HookHeader) != hook.ID || time.Since(time.Unix(unix, 0)) > time.Minute {
			t.Errorf("delivery %d is signed %q", i, h.Get(SignatureHeader))
		}
	}
	r.mu.Unlock()
	until(t, "the place is kept", func() bool { h, _ := n.Hook(hook.ID); return h.Acked == 5 && h.Attempts == 0 && h.LastError == "" })
	stop()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with secrets: %v, %v", info, err)
	}

	// What happens while it is down is sent after the start; a down receiver loses nothing.
	write(t, j, "b2", "a2")
	r.answers(500, 500)
	n, stop = run(t, config(j, path))
	r.expect(t, "7 a2")
	if hooks := n.Hooks(); len(hooks) != 1 || hooks[0].URL != hook.URL {
		t.Errorf("after the restart: %+v", hooks)
	}
	if err := n.Delete(t.Context(), "ada", hook.ID, 2); !errors.Is(err, ErrStale) {
		t.Errorf("stale delete: %v", err)
	}
	if err := n.Delete(t.Context(), "ada", hook.ID, 1); err != nil {
		t.Error(err)
	}
	if err := n.Delete(t.Context(), "ada", hook.ID, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("delete again: %v", err)
	}
	stop()
	if n, err = New(config(j, path)); err != nil || len(n.Hooks()) != 0 {
		t.Errorf("a deleted hook is back: %v", err)
	}
}

func TestGiveUpAndResume(t *testing.T) {
	j, r := newJournal(t), newReceiver(t)
	now, mu := time.Unix(1_800_000_000, 0), sync.Mutex{}
	cfg := config(j, "")
	cfg.GiveUp = time.Hour
	cfg.Clock = func() time.Time { // each look is a minute later
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Minute)
		return now
	}
	n, _ := run(t, cfg)
	hook, _, err := n.Create(t.Context(), "ada", r.URL, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	r.answers(repeated(500, 1000)...)
	write(t, j, "a1", "a2")
	until(t, "given up", func() bool { h, _ := n.Hook(hook.ID); return h.State == GivenUp })
	h, _ := n.Hook(hook.ID)
	if h.Attempts < 20 || h.Attempts > 61 || h.LastError != "the receiver answered 500" || h.Acked != 1 || h.Rev != 2 {
		t.Errorf("given up: %+v", h)
	}
	r.answers()
	if _, err := n.Resume(t.Context(), "ada", hook.ID, h.Rev); err != nil {
		t.Fatal(err)
	}
	r.expect(t, "2 a1")
	r.expect(t, "3 a2")
	r.answers(410)
	write(t, j, "a3")
	until(t, "gone", func() bool { h, _ := n.Hook(hook.ID); return h.State == GivenUp && h.LastError == errGone.Error() })
}

func repeated(status, n int) (out []int) {
	for range n {
		out = append(out, status)
	}
	return out
}

func TestCreateOnce(t *testing.T) {
	n, err := New(config(newJournal(t), filepath.Join(t.TempDir(), "w.json")))
	if err != nil {
		t.Fatal(err)
	}
	ctx := func(by, sha string) context.Context {
		return journal.WithRequest(t.Context(), &journal.Request{By: by, Key: "key-of-mine", SHA256: sha})
	}
	first, secret, err := n.Create(ctx("ada", "a"), "ada", "http://127.0.0.1:9/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, s, err := n.Create(ctx("ada", "a"), "ada", "http://127.0.0.1:9/", nil); err != nil || again.ID != first.ID || s != secret {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, _, err := n.Create(ctx("ada", "b"), "ada", "http://127.0.0.1:8/", nil); !errors.Is(err, journal.ErrKeyReused) {
		t.Errorf("another request: %v", err)
	}
	if other, s, err := n.Create(ctx("bob", "a"), "bob", "http://127.0.0.1:9/", nil); err != nil || other.ID == first.ID || s == secret {
		t.Errorf("somebody else: %+v, %v", other, err)
	}
	n.cfg.MaxHooks = 2
	if _, _, err := n.Create(t.Context(), "ada", "http://127.0.0.1:9/", nil); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
}

func TestAddressesOfTheInnerNetwork(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001::1", "fec0::1",
	} {
		if !internal(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
	}
	for _, a := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"} {
		if internal(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as internal", a)
		}
	}
	if !internal(netip.Addr{}) {
		t.Error("no address counts as public")
	}
}

func TestURLs(t *testing.T) {
	for _, c := range []struct {
		url string
		err error
	}{
		{"https://ops.example.org/hook?x=1", nil},
		{"https://1.1.1.1/", nil},
		{"http://ops.example.org/", ErrURL},
		{"ftp://ops.example.org/", ErrURL},
		{"file:///etc/passwd", ErrURL},
		{"https:///x", ErrURL},
		{"https://:443/", ErrURL},
		{"", ErrURL},
		{"https://u:p@ops.example.org/", ErrURL},
		{"https://ops.example.org/#x", ErrURL},
		{"https://127.0.0.1/", ErrInternal},
		{"https://[::1]/", ErrInternal},
		{"https://169.254.169.254/latest/meta-data", ErrInternal},
		{"https://ops.example.org/" + strings.Repeat("x", maxURL), ErrURL},
	} {
		if err := checkURL(c.url, false); !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%.60s: %v, want %v", c.url, err, c.err)
		}
	}
}

// TestNamesThatLeadWithin: what a name resolves to is judged when connecting.
// localhost resolves without a network.
func TestNamesThatLeadWithin(t *testing.T) {
	r := newReceiver(t)
	n, err := New(Config{Source: newJournal(t), Encode: func(*journal.Record, []string) ([]byte, bool) { return nil, false }})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(r.URL, "http://"), ":")
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0177.0.0.1", "2130706433", "0x7f.1"} {
		err := n.post(t.Context(), "wh_1", fmt.Sprintf("http://%s:%s/", host, port), "s", 1, []byte("x"))
		if err == nil {
			t.Errorf("%s was connected to", host)
		}
		if host == "localhost" && !errors.Is(err, ErrInternal) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if r.asked != 0 {
		t.Errorf("%d requests arrived", r.asked)
	}
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.json")
	for _, text := range []string{"", "{", `{"version":2}`, `{"version":1,"hooks":[null]}`, `{"version":1,"hooks":[{"id":"wh_1","rev":1,"url":"https://a/"}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(config(newJournal(t), path)); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
	// A file that cannot be written makes no hook that is forgotten later.
	n, err := New(config(newJournal(t), filepath.Join(path, "x.json", "y")))
	if err == nil {
		_, _, err = n.Create(t.Context(), "ada", "http://127.0.0.1:9/", nil)
	}
	if !errors.Is(err, ErrStore) || n != nil && len(n.Hooks()) != 0 {
		t.Errorf("unwritable: %v", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"version":1,"hooks":[{"id":"wh_1","rev":1,"url":"https://a/","secret":"s","state":"active"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		hooks, err := parseFile(raw)
		if err != nil {
			return
		}
		for _, h := range hooks {
			if h.ID == "" || h.Secret == "" {
				t.Errorf("took %+v", h)
			}
		}
	})
}

package admin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func serve(t *testing.T, cfg Config) (get func(path, host string) (int, string)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(cfg)
	s.Histogram("testzone_test_seconds", "A test.", []float64{1}).Observe(0.5)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func(path, host string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
}

func TestProbes(t *testing.T) {
	var stuck error
	var reasons []Reason
	get := serve(t, Config{
		Alive:   func(context.Context) error { return stuck },
		Ready:   func() []Reason { return reasons },
		Figures: func() []Figure { return nil },
	})
	for _, tc := range []struct {
		name    string
		stuck   error
		reasons []Reason
		path    string
		status  int
		says    string
	}{
		{"alive", nil, nil, "/livez", 200, `"alive"`},
		{"ready", nil, nil, "/readyz", 200, `{"status":"ready","reasons":[]}`},
		{"degraded is alive", nil, []Reason{{"journal_read_only", "the disk is full"}}, "/livez", 200, `"alive"`},
		{"degraded is not ready", nil, []Reason{{"journal_read_only", "the disk is full"}}, "/readyz", 503, "the disk is full"},
		{"stuck is dead", errors.New("shard 1 does not answer"), nil, "/livez", 503, "shard 1"},
		{"stuck is not ready", errors.New("shard 1 does not answer"), nil, "/readyz", 503, `"stuck"`},
		{"unknown", nil, nil, "/", 404, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stuck, reasons = tc.stuck, tc.reasons
			if status, body := get(tc.path, ""); status != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	if status, _ := get("/metrics", "evil.example:8081"); status != http.StatusMisdirectedRequest {
		t.Errorf("a page that points its name here gets %d", status)
	}
	if status, _ := get("/livez", "localhost:1"); status != 200 {
		t.Errorf("localhost gets %d", status)
	}
}

func TestMetrics(t *testing.T) {
	get := serve(t, Config{
		Alive: func(context.Context) error { return nil }, Ready: func() []Reason { return nil },
		Figures: func() []Figure {
			return []Figure{
				{Name: "testzone_frames_total", Help: "Frames.", Counter: true, Value: 5, Label: "listener", Of: "open\"\n"},
				{Name: "testzone_frames_total", Help: "Frames.", Counter: true, Value: 7, Label: "listener", Of: "b"},
				{Name: "testzone_tracks", Help: "Tracks.", Value: 3},
			}
		},
	})
	status, body := get("/metrics", "")
	for _, want := range []string{
		`testzone_frames_total{listener="open\"\n"} 5`, `testzone_frames_total{listener="b"} 7`, "\ntestzone_tracks 3",
		"# TYPE testzone_frames_total counter", "# HELP testzone_tracks Tracks.", "go_goroutines", "testzone_test_seconds_count 1",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%d: %q is missing", status, want)
		}
	}
	if status, body = get("/debug/pprof/", ""); status != 200 || !strings.Contains(body, "goroutine") {
		t.Errorf("pprof: %d", status)
	}
}

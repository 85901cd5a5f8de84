package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"testzone/telemetry/journal"
	"testzone/telemetry/watchdog"
)

func adminServer(t *testing.T, data string) *server {
	t.Helper()
	conf := defaultConfig()
	conf.DataDir, conf.HTTP.Addr, conf.Admin.Addr = data, "127.0.0.1:0", "127.0.0.1:0"
	s, err := newServer(t.Context(), serverConfig{config: conf, tokenHash: sha256.Sum256([]byte(testToken)), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runFor runs a server until during has returned.
func runFor(t *testing.T, s *server, during func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	s.whenStarted = func() error { close(started); return nil }
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	select {
	case <-started:
		during()
	case err := <-done:
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAdminListener(t *testing.T) {
	s := adminServer(t, t.TempDir())
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	if err := s.alive(short); err == nil {
		t.Error("shards that do not run are said to be alive")
	}
	cancel()
	runFor(t, s, func() {
		get := func(path string) (int, string) {
			resp, err := http.Get("http://" + s.adminListener.Addr().String() + path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(b)
		}
		for path, want := range map[string]string{
			"/livez": `"alive"`, "/readyz": `"ready"`, "/metrics": "testzone_journal_ok 1", "/debug/pprof/cmdline": "testzone",
		} {
			if status, body := get(path); status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d %.200s", path, status, body)
			}
		}
		for _, token := range []string{testToken, "tz_nobody"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", s.url()+"/v1/fences", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		s.durations.synced(time.Second)
		_, body := get("/metrics")
		for _, want := range []string{
			`testzone_http_request_duration_seconds_count{operation="listFences",status="2xx"} 1`,
			`testzone_http_request_duration_seconds_count{operation="listFences",status="4xx"} 1`,
			`testzone_journal_sync_duration_seconds_bucket{le="+Inf"}`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("metrics lack %s", want)
			}
		}
	})
}

// TestBlindInterval: what nobody watched between two runs stands in the journal.
func TestBlindInterval(t *testing.T) {
	data := t.TempDir()
	gaps := func() (out []watchdog.Gap) {
		j, err := journal.Open(journal.Config{Dir: filepath.Join(data, "journal"), Group: defaultConfig().Zone.ID})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		err = j.Replay(1, func(r journal.Record) error {
			var g watchdog.Gap
			if r.Schema == watchdog.Schema {
				out = append(out, g)
				return json.Unmarshal(r.Body, &out[len(out)-1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	run := func() { runFor(t, adminServer(t, data), func() {}) }

	run()
	if n := len(gaps()); n != 0 {
		t.Errorf("a new zone has %d gaps", n)
	}
	heartbeat := filepath.Join(data, "heartbeat")
	last, err := watchdog.ReadFile(heartbeat)
	if err != nil || last.State != watchdog.Stopped {
		t.Fatalf("after an orderly stop the file says %+v, %v", last, err)
	}
	run()
	if g := gaps(); len(g) != 1 || g[0].After != watchdog.AfterStop || g[0].FromUS != last.At.UnixMicro() || g[0].ToUS <= g[0].FromUS {
		t.Errorf("after a stop: %+v", g)
	}

	// The file of a server that was killed.
	crashed := watchdog.Beat{Zone: "zone", At: time.Now().Add(time.Second), PID: 1, State: watchdog.OK}
	if err := os.WriteFile(heartbeat, []byte(crashed.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run()
	if g := gaps(); len(g) != 2 || g[1].After != watchdog.AfterCrash || g[1].FromUS != crashed.At.UnixMilli()*1000 {
		t.Errorf("after a crash: %+v", g)
	}

	if err := os.Remove(heartbeat); err != nil {
		t.Fatal(err)
	}
	run()
	if g := gaps(); len(g) != 3 || g[2].After != watchdog.AfterUnknown || g[2].FromUS != g[1].ToUS {
		t.Errorf("without a file, from the newest entry: %+v", g)
	}
}

// TestWatchKilledServer kills a real server; the outside watchdog says so.
func TestWatchKilledServer(t *testing.T) {
	data := t.TempDir()
	p := start(t, "demo", "--http", "127.0.0.1:0", "--mavlink", "127.0.0.1:0", "--signed", "127.0.0.1:0", "--data-dir", data)
	lost := make(chan error, 1)
	go func() {
		lost <- watchdog.Watch(t.Context(), watchdog.WatchConfig{File: filepath.Join(data, "heartbeat"), After: 3 * time.Second})
	}()
	select {
	case err := <-lost:
		t.Fatalf("it was lost while it ran: %v", err)
	case <-time.After(4 * time.Second): // longer than the silence that counts
	}
	p.kill()
	if err := <-lost; !errors.Is(err, watchdog.ErrLost) || !strings.Contains(err.Error(), "last heartbeat of zone demo") {
		t.Errorf("%v", err)
	}
}

func TestAdminAddress(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := serverConfig{config: defaultConfig()}
	taken.Admin.Addr = ln.Addr().String()
	if _, err := taken.listenAdmin(); err == nil || !strings.Contains(err.Error(), "admin.addr") {
		t.Errorf("a chosen port that is taken: %v", err)
	}
	taken.Admin.Addr = adminOff
	if got, err := taken.listenAdmin(); got != nil || err != nil {
		t.Errorf("off: %v, %v", got, err)
	}
	for addr, ok := range map[string]bool{"": true, "off": true, "127.0.0.1:9": true, "0.0.0.0:8081": false, ":8081": false, "x": false} {
		cfg := defaultConfig()
		if cfg.Admin.Addr = addr; (cfg.check() == nil) != ok {
			t.Errorf("%q: %v", addr, cfg.check())
		}
	}
}

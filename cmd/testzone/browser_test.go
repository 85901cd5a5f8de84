package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDemoInBrowser runs the browser tests of web/ui in Chromium against the
// demo: the map moves, a breach raises its alert, acknowledge works by mouse
// and keyboard, no request leaves the host, no console error, axe is content.
func TestDemoInBrowser(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "web", "ui", "dist", "index.html")); err != nil {
		t.Fatal("the page is not built: run `make ui` first, or the tests by `make test`")
	}
	p := start(t, "demo", "--http", "127.0.0.1:0", "--mavlink", "127.0.0.1:0", "--signed", "127.0.0.1:0", "--data-dir", t.TempDir())
	suites, err := filepath.Glob(filepath.Join(root, "web", "ui", "test", "browser", "*.test.mjs"))
	if err != nil || len(suites) == 0 {
		t.Fatalf("no browser tests: %v", err)
	}
	args := []string{"--test", "--test-concurrency=1"}
	for _, s := range suites {
		args = append(args, filepath.Join("test", "browser", filepath.Base(s)))
	}
	out := node(t, 40*time.Minute, []string{"TZ_URL=" + p.url, "TZ_TOKEN=" + p.token, "TZ_MAVLINK=" + p.mavlink}, args...)
	t.Log(out)
}

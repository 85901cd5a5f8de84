package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAccountsInBrowser sets a zone up and lets its administrators work in the page:
// two persons, new passwords, disabled people, the audit page by page. Not in the
// demo: once there are administrators its token has not the rights of the other tests.
func TestAccountsInBrowser(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "web", "ui", "dist", "index.html")); err != nil {
		t.Fatal("the page is not built: run `make ui` first, or the tests by `make test`")
	}
	config := filepath.Join(t.TempDir(), "testzone.yaml")
	text := fmt.Sprintf(`
zone: {id: test, name: Test, tz: Asia/Shanghai, bbox: [121.90, 30.88, 121.96, 30.92]}
data_dir: %q
log: {level: info}
mavlink: [{name: open, addr: "127.0.0.1:0", mode: open}]
http: {addr: "127.0.0.1:0"}
`, t.TempDir())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--config", config)
	t.Log(node(t, 8*time.Minute, []string{"TZ_URL=" + p.url, "TZ_TOKEN=" + p.token}, "--test", filepath.Join("test", "accounts", "administration.test.mjs")))
}

package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPeopleLiveThroughAKill: who was added signs in after a kill -9, and the
// data folder tells no name to whoever has not the key.
func TestPeopleLiveThroughAKill(t *testing.T) {
	data, keyDir := t.TempDir(), t.TempDir()
	config := "secrets_key_file: " + filepath.Join(keyDir, "key")
	p := serve(t, data, config)
	post := func(p *program, path string, body map[string]any) (int, []byte) {
		t.Helper()
		status, _, raw, err := p.call("POST", path, body)
		if err != nil {
			t.Fatal(err)
		}
		return status, raw
	}
	if status, raw := post(p, "/v1/organisations", map[string]any{"id": "zone", "kind": "authority", "name": "Zone authority"}); status != http.StatusCreated {
		t.Fatalf("organisation: %d %s", status, raw)
	}
	ada := map[string]any{
		"organisation": "zone", "roles": []string{"controller"}, "login": "lovelace", "name": "Ada Lovelace", "subject": "", "password": "engine of analysis",
	}
	status, raw := post(p, "/v1/people", ada)
	if status != http.StatusCreated {
		t.Fatalf("person: %d %s", status, raw)
	}
	var made struct{ ID string }
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	p.kill()

	p = serve(t, data, config)
	status, raw = post(p, "/v1/session", map[string]any{"login": "lovelace", "password": "engine of analysis"})
	if status != http.StatusOK || !strings.Contains(string(raw), made.ID) || !strings.Contains(string(raw), "Ada Lovelace") {
		t.Errorf("sign-in after the kill: %d %s", status, raw)
	}
	if status, _ := post(p, "/v1/session", map[string]any{"login": "lovelace", "password": "engine of difference"}); status != http.StatusUnauthorized {
		t.Errorf("wrong password: %d", status)
	}
	p.terminate()
	if log := p.output(); !strings.Contains(log, "event=refused") || strings.Contains(log, "lovelace") {
		t.Errorf("the log lacks the refusal, or tells the login:\n%s", log)
	}
	seen := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte("ovelace")) {
			t.Errorf("%s tells who is known", path)
		}
		if bytes.Contains(raw, []byte(made.ID)) {
			seen++
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Errorf("the journal does not know the person: %v", err)
	}
}

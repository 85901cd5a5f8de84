package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestVehicleCommands enrols a vehicle and a gateway as a script does.
func TestVehicleCommands(t *testing.T) {
	p := serve(t, t.TempDir(), signedListener)
	p.ask(http.StatusCreated, "POST", "/v1/organisations", map[string]any{"id": "acme", "kind": "operator", "name": "Acme"}, nil)
	c := &cli{t: t, home: t.TempDir(), env: []string{"TESTZONE_TOKEN=" + testToken, "TESTZONE_SERVER=" + p.url}}
	boat := `{"id":"boat-1","name":"Boat","class":"usv","operator":"acme","mavlink":{"listener":"signed","system_id":9}}`
	gateway := `{"id":"gw-1","name":"Pier","operator":"acme","fingerprint":"` + strings.Repeat("a", 64) + `"}`
	own := "00112233445566778899aabbccddeeff0123456789abcdef0f1e2d3c4b5a6978"
	output := filepath.Join(t.TempDir(), "key")
	ids := regexp.MustCompile(`vk_\S+`)
	var key string
	for _, s := range []struct {
		name, stdin string
		args        []string
		code        int
		has         string // in standard output, of a failure in standard error
	}{
		{"dry run", boat, []string{"vehicles", "register", "-", "--dry-run"}, 0, "nothing was changed; boat-1"},
		{"register", boat, []string{"vehicles", "register", "-"}, 0, "boat-1\n"},
		{"register again", boat, []string{"vehicles", "register", "-"}, exitConflict, "exists"},
		{"register badly", `{"id":"x"}`, []string{"vehicles", "register", "-"}, exitInvalid, "name"},
		{"list", "", []string{"vehicles", "list"}, 0, "boat-1  Boat  usv    acme      signed    9       registered  never_seen"},
		{"show", "", []string{"vehicles", "show", "boat-1"}, 0, `"system_id": 9`},
		{"show none", "", []string{"vehicles", "show", "boat-2"}, exitNotFound, "not_found"},
		{"key into a file", "", []string{"vehicles", "add-key", "boat-1", "-o", output}, 0, ""},
		{"key over a file", "", []string{"vehicles", "add-key", "boat-1", "-o", output}, exitUsage, "exists"},
		{"key of its own", own + "\n", []string{"vehicles", "add-key", "boat-1", "--secret-file", "-"}, 0, own},
		{"one too many", "", []string{"vehicles", "add-key", "boat-1", "-o", output + "2"}, exitConflict, "too_many_keys"},
		{"keys", "", []string{"vehicles", "keys", "boat-1"}, 0, "next"},
		{"rotate", "", []string{"vehicles", "rotate-keys", "boat-1"}, 0, " is retiring\n"},
		{"revoke what", "", []string{"vehicles", "revoke-key", "boat-1"}, exitUsage, "VEHICLE KEY"},
		{"revoke none", "", []string{"vehicles", "revoke-key", "boat-1", "vk_none"}, exitNotFound, "not_found"},
		{"enrol", gateway, []string{"gateways", "enrol", "-"}, 0, "gw-1\n"},
		{"gateways", "", []string{"gateways", "list"}, 0, "gw-1  Pier  acme      enrolled  aaaa"},
		{"revoke gateway", "", []string{"gateways", "revoke", "gw-1"}, 0, ""},
		{"revoke gateway again", "", []string{"gateways", "revoke", "gw-1"}, exitConflict, "gateway_revoked"},
		{"withdraw stale", "", []string{"vehicles", "withdraw", "boat-1", "--rev", "1"}, exitConflict, "stale"},
	} {
		code, stdout, stderr := c.run(s.stdin, s.args...)
		shown := stdout
		if s.code != 0 {
			shown = stderr
		}
		if code != s.code || !strings.Contains(shown, s.has) {
			t.Errorf("%s: exit %d, want %d\n%s%s", s.name, code, s.code, stdout, stderr)
		}
		if s.name == "keys" {
			key = ids.FindAllString(stdout, -1)[1]
		}
	}
	if code, stdout, stderr := c.run("", "vehicles", "revoke-key", "boat-1", key, "--reason", "lost"); code != 0 || !strings.Contains(stdout, key+" is retiring") {
		t.Errorf("revoke %s: %d %s%s", key, code, stdout, stderr)
	}
	if code, stdout, stderr := c.run("", "vehicles", "withdraw", "boat-1"); code != 0 {
		t.Errorf("withdraw: %d %s%s", code, stdout, stderr)
	}
	info, err := os.Stat(output)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 65 {
		t.Errorf("the file of the key: %+v, %v", info, err)
	}
	if _, err := os.Stat(output + "2"); err == nil {
		t.Error("a key that was not made left a file")
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"right", hexOf(7) + "\n", 0o600, ""},
		{"others can read it", hexOf(7), 0o644, "chmod"},
		{"short", hexOf(7)[2:], 0o600, "64 hex digits"},
		{"no key", "secret", 0o600, "64 hex digits"},
		{"empty key", hexOf(0), 0o600, "64 hex digits"},
	} {
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		key, err := readKeyFile(path)
		if c.want == "" && (err != nil || key[0] != 7 || key[31] != 7) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// The key goes over no network, and its command says what it needs.
func TestSignSetupCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(hexOf(7)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--udp", "0.0.0.0:0"}, "must not cross a network"},
		{[]string{"--device", "/dev/null"}, "/dev/null"},
		{[]string{"--device", "/dev/null", "--udp", "127.0.0.1:0"}, "none of the others"},
		{nil, "device"},
	} {
		out, err := exec.Command(executable, append([]string{"sign-setup", "--key-file", path, "--system-id", "1"}, c.args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) || strings.Contains(string(out), hexOf(7)) {
			t.Errorf("%v: %v, %s", c.args, err, out)
		}
	}
}

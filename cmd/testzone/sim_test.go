package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimScript: a script is read before anything is sent, and a fault names its line.
func TestSimScript(t *testing.T) {
	for _, c := range []struct{ script, err string }{
		{"uav-1 1s link lost 1s\nall jam", ""},
		{"uav-1 1s link lost 1s\nuav-1 lazy", "line 2: want a behaviour"},
		{"copter-99 jam", `no vehicle is called "copter-99"`},
	} {
		path := filepath.Join(t.TempDir(), "day.scenario")
		if err := os.WriteFile(path, []byte(c.script), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := newCommand()
		cmd.SetArgs([]string{"sim", "--script", path, "--vehicles", "2", "--duration", "1ms", "--target", "127.0.0.1:9"})
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		err := cmd.ExecuteContext(t.Context())
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: %v, want %q", c.script, err, c.err)
		}
	}
}

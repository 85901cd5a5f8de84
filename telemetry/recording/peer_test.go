package recording

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestIndependentReader: node-mavlink reads every frame of a recording with its
// stamp and its signature, and of a shareable export without.
func TestIndependentReader(t *testing.T) {
	ui, err := filepath.Abs("../../web/ui")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(ui, "node_modules", "node-mavlink")); err != nil {
		t.Fatal("web/ui/node_modules is missing: run `make ui` first, or the tests by `make test`")
	}
	script, err := filepath.Abs("testdata/readtlog.mjs")
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	folder := t.TempDir()
	sent, plain := frames(t, 1, n, true), frames(t, 1, n, false)
	running(t, Config{Dir: folder}, func(r *Recorder) {
		l := link(t, r, "signed")
		for i, f := range sent {
			l.Record(startUS+int64(i)*1000, f)
		}
	})
	r := ofFolder(t, folder)
	for _, c := range []struct {
		name   string
		form   Form
		want   [][]byte
		signed int
	}{
		{"evidence", Evidence, sent, n},
		{"shareable", Shareable, plain, 0},
	} {
		raw, _ := exported(t, r, Query{Listener: "signed"}, c.form)
		file := filepath.Join(t.TempDir(), "export.tlog")
		write(t, file, raw)
		cmd := exec.CommandContext(t.Context(), "node", script, file)
		cmd.Dir = ui
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("node: %v\n%s", err, out)
		}
		var found struct {
			Frames, Signed   int
			First, Last, Sum string // stamps in ms: it reads no finer
		}
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		sum := sha256.Sum256(bytes.Join(c.want, nil))
		if found.Frames != n || found.Signed != c.signed || found.First != fmt.Sprint(startUS/1000) || found.Last != fmt.Sprint(startUS/1000+n-1) || found.Sum != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: node-mavlink found %+v", c.name, found)
		}
		t.Logf("%s: %+v", c.name, found)
	}
}

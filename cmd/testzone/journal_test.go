package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"testzone/telemetry/journal"
)

// testzone runs a command in this process.
func testzoneCommand(args ...string) (output string, err error) {
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	err = cmd.Execute()
	return out.String(), err
}

func openJournal(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: dir, Group: "pier", SegmentBytes: 4096, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func appendFacts(t *testing.T, j *journal.Journal, n int) {
	t.Helper()
	for range n {
		if _, err := j.Append(t.Context(), journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: 9, Body: make([]byte, 400)}); err != nil {
			t.Fatal(err)
		}
	}
}

// What an operator does with a journal: back it up beside the server, find damage,
// restore, or repair with loss.
func TestJournalCommands(t *testing.T) {
	data := t.TempDir()
	dir, backup, back := filepath.Join(data, "journal"), filepath.Join(data, "backup"), filepath.Join(data, "back")
	j := openJournal(t, dir)
	appendFacts(t, j, 30)
	expect := func(wantErr string, parts []string, args ...string) {
		t.Helper()
		out, err := testzoneCommand(append([]string{"journal"}, args...)...)
		if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
			t.Fatalf("%v: %v", args, err)
		}
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Fatalf("%v: %q is not in\n%s", args, part, out)
			}
		}
	}
	expect("", []string{"is sound", "a server has it open"}, "verify", dir)
	expect("", []string{"copied and verified", " entries in "}, "backup", dir, backup)
	expect("another process has the journal open", nil, "repair", "--accept-loss", dir)
	expect("did you mean "+dir, nil, "verify", data)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	expect("already holds a journal", nil, "restore", backup, dir)
	expect("", []string{"30 entries in 5 segments"}, "verify", dir)
	expect("", []string{"is sound: nothing was changed"}, "repair", "--accept-loss", dir)

	const second = "00000000000000000008.seg"
	b, err := os.ReadFile(filepath.Join(dir, second))
	if err != nil {
		t.Fatal(err)
	}
	b[96+2*496+200] ^= 1 // in the third entry there
	if err := os.WriteFile(filepath.Join(dir, second), b, 0o600); err != nil {
		t.Fatal(err)
	}
	expect("the journal is damaged", []string{"first bad entry: 10", second, "offset: 1088"}, "verify", dir)
	expect("the journal is damaged", nil, "backup", dir, filepath.Join(data, "other"))
	expect("--accept-loss", nil, "repair", dir)

	expect("", []string{"copied and verified"}, "restore", backup, back)
	appendFacts(t, openJournal(t, back), 1)

	expect("", []string{"lost: entries 10 to 30", "kept as it was: " + filepath.Join(dir, second), "entry 10 of the journal"}, "repair", "--accept-loss", dir)
	expect("", []string{"10 entries in 2 segments"}, "verify", dir)
	appendFacts(t, openJournal(t, dir), 1)
}

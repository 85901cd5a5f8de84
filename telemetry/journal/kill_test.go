package journal

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

const killDir = "TESTZONE_JOURNAL_KILL_DIR"

// TestMain is the writer that TestKill9 kills when its environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func killConfig(dir string) Config {
	return Config{Dir: dir, Group: "zone-a", SegmentBytes: 256 << 10, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// writeUntilKilled appends from eight goroutines, and writes each acknowledged
// entry to standard output: the id and its sequence, 24 bytes in one write.
func writeUntilKilled(dir string) error {
	j, err := Open(killConfig(dir))
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				batch := make([]Entry, 1+rand.IntN(3))
				for i := range batch {
					batch[i] = Entry{ID: NewID(), Kind: Fact, Schema: 1, Body: make([]byte, rand.IntN(500))}
				}
				seqs, err := j.Append(context.Background(), batch...)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				for i, seq := range seqs {
					line := binary.LittleEndian.AppendUint64(batch[i].ID[:], seq)
					if _, err := os.Stdout.Write(line); err != nil {
						os.Exit(1)
					}
				}
			}
		})
	}
	wg.Wait()
	return nil
}

func TestKill9(t *testing.T) {
	rounds := 10
	dir := t.TempDir()
	acked := map[ID]uint64{}
	for range rounds {
		before := len(acked)
		killOnce(t, dir, acked)
		j := mustOpen(t, killConfig(dir))
		found := map[ID]uint64{}
		for _, r := range records(t, j, 1) {
			if old, twice := found[r.ID]; twice {
				t.Fatalf("entry %d is there again at %d", old, r.Seq)
			}
			found[r.ID] = r.Seq
		}
		for id, seq := range acked {
			if found[id] != seq {
				t.Fatalf("entry acknowledged at %d is at %d", seq, found[id])
			}
		}
		mustClose(t, j)
		if len(acked) == before {
			t.Fatal("nothing was acknowledged in a round: the test does not kill a writer at work")
		}
	}
	t.Logf("%d acknowledged entries after %d kills", len(acked), rounds)
}

// killOnce starts the writer and kills it some time after its first entries.
func killOnce(t *testing.T, dir string, acked map[ID]uint64) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kill *time.Timer
	in := bufio.NewReader(out)
	for {
		var line [24]byte
		if _, err := io.ReadFull(in, line[:]); err != nil {
			break // the writer is dead; a part of a line was not acknowledged
		}
		acked[ID(line[:16])] = binary.LittleEndian.Uint64(line[16:])
		if kill == nil {
			kill = time.AfterFunc(time.Duration(rand.IntN(250))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed
	if kill == nil {
		t.Fatal("the writer ended by itself")
	}
	kill.Stop()
}

package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// The environment that makes the test binary the writer which kills itself: the
// folder, the point, and how often the point is passed before.
const (
	killDir  = "TESTZONE_JOURNAL_KILL_DIR"
	killAt   = "TESTZONE_JOURNAL_KILL_AT"
	killPass = "TESTZONE_JOURNAL_KILL_PASS"
)

// allPoints are the named points; a test holds that a life passes each of them.
var allPoints = []point{
	pointWrite, pointWritten, pointSynced,
	pointFull, pointFooter, pointFooterSynced, pointTruncated, pointSealed,
	pointCreated, pointAllocated, pointHeader, pointHeaderSynced, pointFolderSynced,
	pointMark, pointMarkSynced,
	pointSnapCreated, pointSnapWritten, pointSnapSynced, pointSnapRenamed, pointSnapFolder, pointSnapOldRemoved,
}

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
	return Config{Dir: dir, Group: "zone-a", SegmentBytes: 16 << 10, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

const killWriters = 8

// killState is where one writer stands: its next request, and the sequence that
// its aggregate was last acknowledged at.
type killState struct{ Next, Seq uint64 }

// killBatch is one request of a writer: the same each time it is sent.
func killBatch(writer int, s killState) []Entry {
	rng := rand.New(rand.NewPCG(uint64(writer), s.Next))
	batch := make([]Entry, 1+rng.IntN(3))
	for i := range batch {
		batch[i] = Entry{
			Kind: Decision, Schema: 1, TimeUS: int64(s.Next), Body: make([]byte, rng.IntN(500)),
			Expect: []Expect{{Agg: Aggregate("writer:" + strconv.Itoa(writer)), Seq: s.Seq}},
		}
		batch[i].ID = killID(writer, s.Next, i)
	}
	return batch
}

func killID(writer int, request uint64, i int) (id ID) {
	id[0], id[1] = byte(writer+1), byte(i)
	le.PutUint64(id[8:], request)
	return id
}

// killAck is what the writer reports, in one write: an acknowledged request.
type killAck struct {
	Writer, Entries uint32
	Request         uint64
	Seqs            [3]uint64
}

// writeUntilKilled goes on where its standard input says, reports on standard
// output, and kills itself at its point.
func writeUntilKilled(dir string) error {
	var states [killWriters]killState
	if err := binary.Read(os.Stdin, le, &states); err != nil {
		return err
	}
	pass, err := strconv.ParseInt(os.Getenv(killPass), 10, 64)
	if err != nil {
		return err
	}
	var left atomic.Int64
	left.Store(pass)
	cfg := killConfig(dir)
	cfg.reached = func(p point) {
		if string(p) == os.Getenv(killAt) && left.Add(-1) < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	j, err := Open(cfg)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for writer, s := range states {
		wg.Go(func() {
			for {
				batch := killBatch(writer, s)
				seqs, err := j.Append(context.Background(), batch...)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				ack := killAck{Writer: uint32(writer), Entries: uint32(len(seqs)), Request: s.Next}
				copy(ack.Seqs[:], seqs)
				var line bytes.Buffer
				_ = binary.Write(&line, le, ack) // of fixed size
				if _, err := os.Stdout.Write(line.Bytes()); err != nil {
					os.Exit(1)
				}
				s = killState{Next: s.Next + 1, Seq: seqs[len(seqs)-1]}
			}
		})
	}
	wg.Go(func() {
		_ = j.Follow(context.Background(), 1, func(r Record) error {
			if r.Seq%40 == 0 {
				return j.WriteSnapshot(r.Seq, r.Hash, 1, bytes.NewBuffer(r.Hash[:]))
			}
			return nil
		})
	})
	wg.Wait()
	return nil
}

// killLife is one journal over many kills.
type killLife struct {
	dir    string
	states [killWriters]killState
	acked  map[ID]uint64

	missing, duplicate int // in the last round
	halves             int
	retried            int // requests that had been written without an answer, sent again
	head               uint64
}

// round runs the writer until it dies at the point, and looks at what is there.
func (k *killLife) round(t *testing.T, p point, pass int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+k.dir, killAt+"="+string(p), killPass+"="+strconv.Itoa(pass))
	var in bytes.Buffer
	_ = binary.Write(&in, le, k.states) // of fixed size
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		var ack killAck
		if err := binary.Read(lines, le, &ack); err != nil {
			break // the writer is dead; a part of a line was not acknowledged
		}
		for i := range ack.Entries {
			k.acked[killID(int(ack.Writer), ack.Request, int(i))] = ack.Seqs[i]
		}
		if ack.Seqs[0] <= k.head {
			k.retried++
		}
		k.states[ack.Writer] = killState{Next: ack.Request + 1, Seq: ack.Seqs[ack.Entries-1]}
	}
	_ = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s: the writer ended with %v", p, cmd.ProcessState)
	}
	k.look(t, p)
}

func (k *killLife) look(t *testing.T, p point) {
	t.Helper()
	j, err := Open(killConfig(k.dir))
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	found := map[ID]uint64{}
	requests := map[ID]int{}
	for _, r := range records(t, j, 1) {
		if _, twice := found[r.ID]; twice {
			k.duplicate++
		}
		found[r.ID] = r.Seq
		request := r.ID
		request[1] = 0
		requests[request]++
	}
	for id, seq := range k.acked {
		if found[id] != seq {
			k.missing++
		}
	}
	for id, n := range requests {
		if n != len(killBatch(int(id[0])-1, killState{Next: le.Uint64(id[8:])})) {
			k.halves++
		}
	}
	if s, err := j.LatestSnapshot(1); err == nil && !bytes.Equal(s.State, s.Hash[:]) {
		t.Fatalf("%s: the snapshot of entry %d is another one", p, s.Seq)
	} else if err != nil && j.Health().Snapshot != 0 {
		t.Fatalf("%s: snapshot: %v", p, err)
	}
	k.head, _ = j.Head()
	mustClose(t, j)
}

// killRounds kills writers at points drawn from a seed; each folder lives for 20.
func killRounds(t *testing.T, rounds int) (missing, duplicate int) {
	rng := rand.New(rand.NewPCG(9, 9))
	var k *killLife
	acked, retried, perPoint := 0, 0, map[point]int{}
	// On a busy machine fewer requests are under way at a kill: it goes on until
	// enough of them were.
	round := 0
	for ; round < rounds || retried < rounds/2 && round < 5*rounds; round++ {
		if round%20 == 0 {
			k = &killLife{dir: t.TempDir(), acked: map[ID]uint64{}}
		}
		p := allPoints[round%len(allPoints)]
		if round >= len(allPoints) { // each once, and then any
			p = allPoints[rng.IntN(len(allPoints))]
		}
		before, again := len(k.acked), k.retried
		k.missing, k.duplicate = 0, 0
		k.round(t, p, rng.IntN(1+rng.IntN(8)))
		perPoint[p]++
		acked += len(k.acked) - before
		retried += k.retried - again
		missing, duplicate = missing+k.missing, duplicate+k.duplicate
		if k.halves > 0 {
			t.Fatalf("%s: %d requests by half", p, k.halves)
		}
	}
	t.Logf("%d kills at %d points: %d acknowledged entries, %d requests written without an answer and sent again", round, len(perPoint), acked, retried)
	if acked < 10*rounds || retried < rounds/2 {
		t.Errorf("the test does not press")
	}
	return missing, duplicate
}

// A point that no life passes would prove nothing.
func TestPoints(t *testing.T) {
	passed := map[point]int{}
	var mu sync.Mutex
	cfg := quiet(newCrashFS())
	cfg.reached = func(p point) { mu.Lock(); defer mu.Unlock(); passed[p]++ }
	j := mustOpen(t, cfg)
	for n := range uint64(40) {
		mustAppend(t, j, entryOf(n, 200))
		if n%10 == 9 {
			seq, hash := j.Head()
			if err := j.WriteSnapshot(seq, hash, 1, bytes.NewBufferString("state")); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustClose(t, j)
	for _, p := range allPoints {
		if passed[p] == 0 {
			t.Errorf("%q is not passed", p)
		}
	}
	if len(passed) != len(allPoints) {
		t.Errorf("%d points are passed, %d are known", len(passed), len(allPoints))
	}
}

package recording

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sealedFolder is a folder with one sealed file of n frames, some of them refused
// ones beside it.
func sealedFolder(t *testing.T, sent [][]byte) (folder, name string) {
	t.Helper()
	folder = t.TempDir()
	running(t, Config{Dir: folder}, func(r *Recorder) {
		l := link(t, r, "open")
		for i, f := range sent {
			l.Record(startUS+int64(i)*100_000, f)
			l.Quarantine(startUS+int64(i)*100_000, f, uint8(i/100))
		}
	})
	return folder, "open/20261125T203000Z-000"
}

// unseal takes the last line of an index away, as a crash does.
func unseal(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[:bytes.LastIndexByte(raw[:len(raw)-1], '\n')+1]
	write(t, path, raw)
	return raw
}

func write(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMend: after whatever a crash leaves of a file and of its index, the whole
// entries are there, sealed, and what was behind them is told.
func TestMend(t *testing.T) {
	sent := frames(t, 1, 300, false)
	entry := len(sent[0]) + stampSize
	for _, c := range []struct {
		name  string
		data  func([]byte) []byte
		index func([]byte) []byte
		want  int
		cut   int64
		torn  bool
	}{
		{name: "not closed", want: 300},
		{name: "cut in a frame", data: func(b []byte) []byte { return b[:len(b)-5] }, want: 299, cut: int64(entry - 5)},
		{name: "cut in a stamp", data: func(b []byte) []byte { return b[:len(b)-entry+3] }, want: 299, cut: 3},
		{name: "cut after a stamp", data: func(b []byte) []byte { return b[:len(b)-entry+8] }, want: 299, cut: 8},
		{name: "zeros behind", data: func(b []byte) []byte { return append(b, make([]byte, 4096)...) }, want: 300, cut: 4096},
		{name: "a hole of zeros", data: func(b []byte) []byte { clear(b[100*entry : 200*entry]); return b }, want: 100, cut: int64(200 * entry), torn: true},
		{name: "shorter than its index", data: func(b []byte) []byte { return b[:10*entry] }, want: 10},
		{name: "empty", data: func([]byte) []byte { return nil }, want: 0},
		{name: "index cut in a line", index: func(b []byte) []byte { return b[:len(b)-20] }, want: 300},
		{name: "index empty", index: func([]byte) []byte { return nil }, want: 300},
		{name: "index of junk", index: func([]byte) []byte { return []byte("{}\n{\"point\":{}}\njunk") }, want: 300},
		{name: "no index", index: nil, want: 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder, name := sealedFolder(t, sent)
			data, index := filepath.Join(folder, name+dataSuffix), filepath.Join(folder, name+indexSuffix)
			raw := unseal(t, index)
			if c.index != nil {
				write(t, index, c.index(raw))
			} else if c.name == "no index" {
				if err := os.Remove(index); err != nil {
					t.Fatal(err)
				}
			}
			whole, err := os.ReadFile(data)
			if err != nil {
				t.Fatal(err)
			}
			if c.data != nil {
				write(t, data, c.data(whole))
			}
			running(t, Config{Dir: folder}, func(r *Recorder) { synctest.Wait() })
			r := ofFolder(t, folder)
			var segs []Segment
			for _, s := range r.Segments() {
				if !s.Quarantine {
					segs = append(segs, s)
				}
			}
			if c.want == 0 {
				if _, err := os.Stat(data); len(segs) != 0 || !os.IsNotExist(err) {
					t.Errorf("%+v %v", segs, err)
				}
				return
			}
			if len(segs) != 1 || !segs[0].Sealed || segs[0].Frames != uint64(c.want) || segs[0].Systems[1] != uint64(c.want) || segs[0].Cut != c.cut {
				t.Fatalf("%+v, want %d frames and %d bytes cut", segs, c.want, c.cut)
			}
			out, _ := exported(t, r, Query{Listener: "open"}, Evidence)
			if _, got := read(t, out); !slices.EqualFunc(got, sent[:c.want], bytes.Equal) {
				t.Errorf("%d frames, not those that were whole", len(got))
			}
			if _, err := os.Stat(filepath.Join(folder, name+tornSuffix)); (err == nil) != c.torn {
				t.Errorf("what was damaged is kept: %v, want %v", err == nil, c.torn)
			}
		})
	}
}

// TestMendKeepsWhatOnlyTheIndexKnows: the reasons of refusals, and gaps.
func TestMendKeepsWhatOnlyTheIndexKnows(t *testing.T) {
	folder, name := sealedFolder(t, frames(t, 1, 300, false))
	index := filepath.Join(folder, strings.Replace(name, "/", "/quarantine/", 1)+indexSuffix)
	raw := unseal(t, index)
	write(t, index, appendLine(raw, indexLine{Gap: &Gap{FromUS: startUS, ToUS: startUS + 1, Frames: 7, Bytes: 70, Why: "behind"}}))
	running(t, Config{Dir: folder}, func(r *Recorder) { synctest.Wait() })
	r := ofFolder(t, folder)
	for _, s := range r.Segments() {
		if s.Quarantine && (fmt.Sprint(s.Reasons) != "map[reason_0:100 reason_1:100 reason_2:100]" || gaps(r)["behind"] != 7) {
			t.Errorf("%+v", s)
		}
	}
}

const killEnv = "TESTZONE_RECORDING_KILL"

func TestMain(m *testing.M) {
	if folder := os.Getenv(killEnv); folder != "" {
		fmt.Fprintln(os.Stderr, recordUntilKilled(folder))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// numbered is a frame that says which one it is.
func numbered(n uint32) []byte {
	f := []byte{magicV1, 4, byte(n), 1, 1, 200, 0, 0, 0, 0, 0x12, 0x34}
	binary.LittleEndian.PutUint32(f[6:], n)
	return f
}

// recordUntilKilled records numbered frames, 50,000 a second, and says each ten
// thousand when it is done.
func recordUntilKilled(folder string) error {
	r, err := New(Config{Dir: folder, SegmentBytes: 200 << 10, FlushEvery: 100 * time.Millisecond})
	if err != nil {
		return err
	}
	go func() { _ = r.Run(context.Background()) }()
	l, err := r.Link("open")
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	for n := uint32(0); ; {
		<-tick.C
		now := time.Now().UnixMicro()
		for range 50 {
			l.Record(now, numbered(n))
			n++
		}
		if n%10_000 == 0 {
			fmt.Println(n)
		}
	}
}

// TestKill: a recorder that is killed in the middle of writing leaves files that
// are whole after the next start: a row without holes, and no more missing at its
// end than was not yet flushed.
func TestKill(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 5 {
		folder := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+folder)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		given := uint32(0)
		for range 2 + rng.IntN(3) { // at a time of its own choice, at least 0.4 s after the first frame
			if !lines.Scan() {
				t.Fatal("the recorder ended")
			}
			if _, err := fmt.Sscan(lines.Text(), &given); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Duration(rng.IntN(50)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()

		running(t, Config{Dir: folder}, func(r *Recorder) { synctest.Wait() })
		r := ofFolder(t, folder)
		next := uint32(0)
		for _, s := range r.Segments() {
			if !s.Sealed {
				t.Errorf("%s is not sealed", s.Name)
			}
			raw, err := os.ReadFile(filepath.Join(folder, s.Name+dataSuffix))
			if err != nil {
				t.Fatal(err)
			}
			for len(raw) > 0 {
				e, ok := firstEntry(raw)
				if !ok {
					t.Fatalf("round %d: %s is damaged %d bytes before its end", round, s.Name, len(raw))
				}
				if !bytes.Equal(e.frame, numbered(next)) {
					t.Fatalf("round %d: after frame %d comes %x", round, next, e.frame)
				}
				next, raw = next+1, raw[e.size:]
			}
		}
		// Flushed every 50 ms, with a second for a machine that is busy.
		if next+50_000 < given || next < 10_000 {
			t.Errorf("round %d: %d frames are kept, %d were given", round, next, given)
		}
		t.Logf("round %d: %d frames in %d files, %d were told of", round, next, len(r.Segments()), given)
	}
}

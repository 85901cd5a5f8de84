package recording

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialect"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	gomav "github.com/bluenviron/gomavlib/v3/pkg/frame"

	"testzone/telemetry/mavlink"
)

// startUS is 2026-11-25 20:30:00 UTC.
var startUS = time.Date(2026, 11, 25, 20, 30, 0, 0, time.UTC).UnixMicro()

// frames makes n valid frames of a system, encoded by gomavlib, which shares no
// code with ours; signed ones with a key of sevens.
func frames(t testing.TB, system uint8, n int, signed bool) [][]byte {
	t.Helper()
	d := &dialect.ReadWriter{Dialect: ardupilotmega.Dialect}
	if err := d.Initialize(); err != nil {
		t.Fatal(err)
	}
	key := gomav.NewV2Key(bytes.Repeat([]byte{7}, 32))
	rw := d.GetMessage(33)
	out := make([][]byte, n)
	for i := range out {
		f := &gomav.V2Frame{SequenceNumber: byte(i), SystemID: system, ComponentID: 1, Message: rw.Write(&ardupilotmega.MessageGlobalPositionInt{
			TimeBootMs: uint32(i), Lat: 309000000 + int32(i), Lon: 1219000000, Alt: 50000, RelativeAlt: 45000, Hdg: 9000,
		}, true)}
		if signed {
			f.IncompatibilityFlag = gomav.V2FlagSigned
		}
		f.Checksum = f.GenerateChecksum(rw.CRCExtra())
		if signed {
			f.SignatureLinkID, f.SignatureTimestamp = 3, 36288000000000+uint64(i)
			f.Signature = f.GenerateSignature(key)
		}
		var buf bytes.Buffer
		w := &gomav.Writer{ByteWriter: &buf}
		if err := w.Initialize(); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
		out[i] = buf.Bytes()
	}
	return out
}

// clock is what a recorder believes.
func clock(us int64) func() time.Time { return func() time.Time { return time.UnixMicro(us) } }

// running calls use while a recorder runs in a bubble of its own time, and stops it.
func running(t *testing.T, cfg Config, use func(*Recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Clock == nil {
			cfg.Clock = clock(startUS)
		}
		r, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		use(r)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time pass in the bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func link(t *testing.T, r *Recorder, name string) *Link {
	t.Helper()
	l, err := r.Link(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// read is every frame of a .tlog with its stamp, read by package mavlink; it holds
// that nothing is damaged.
func read(t *testing.T, raw []byte) (stamps []int64, out [][]byte) {
	t.Helper()
	for e, err := range mavlink.ReadTlog(bytes.NewReader(raw)) {
		if err != nil {
			t.Fatal(err)
		}
		stamps, out = append(stamps, e.Time.UnixMicro()), append(out, bytes.Clone(e.Frame))
	}
	return stamps, out
}

// exported is what an export of everything gives.
func exported(t *testing.T, r *Recorder, q Query, form Form) ([]byte, Exported) {
	t.Helper()
	if q.ToUS == 0 {
		q.ToUS = stampMax
	}
	var out bytes.Buffer
	x, err := r.Export(t.Context(), &out, q, form)
	if err != nil {
		t.Fatal(err)
	}
	if int64(out.Len()) != x.Bytes {
		t.Errorf("%d bytes, and %d are told", out.Len(), x.Bytes)
	}
	return out.Bytes(), x
}

// ofFolder is the recording in a folder, whose recorder does not run.
func ofFolder(t *testing.T, folder string) *Recorder {
	t.Helper()
	r, err := New(Config{Dir: folder, Strip: mavlink.StripSignature})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestByteExact: what links take is in the files byte for byte, each link in its
// own; while it is written and after a start.
func TestByteExact(t *testing.T) {
	folder := t.TempDir()
	signed, other := frames(t, 1, 1000, true), frames(t, 2, 500, false)
	running(t, Config{Dir: folder, SyncEvery: time.Second}, func(r *Recorder) {
		open, boat := link(t, r, "signed"), link(t, r, "boat-1")
		if link(t, r, "signed") != open {
			t.Error("a second link of one name")
		}
		for i, f := range signed {
			open.Record(startUS+int64(i)*10_000, f)
		}
		for i, f := range other {
			boat.Record(startUS+int64(i)*20_000, f)
			boat.Quarantine(startUS+int64(i)*20_000, f, uint8(i/100))
		}
		pass(1100 * time.Millisecond) // flushed after a second at the latest
		if _, x := exported(t, r, Query{Listener: "signed"}, Evidence); x.Frames != 1000 {
			t.Errorf("%d of 1000 frames after a second", x.Frames)
		}
		if st := r.Stats(); st.Frames != 2000 || st.Stopped != "" || st.Err != nil {
			t.Errorf("%+v", st)
		}
	})
	r := ofFolder(t, folder)
	raw, x := exported(t, r, Query{Listener: "signed"}, Evidence)
	stamps, got := read(t, raw)
	if !slices.EqualFunc(got, signed, bytes.Equal) || stamps[999] != startUS+9_990_000 || x.Left+uint64(x.Damaged) != 0 {
		t.Errorf("%d frames, not those that were given; %+v", len(got), x)
	}
	raw, _ = exported(t, r, Query{Listener: "boat-1", Quarantine: true}, Evidence)
	if _, got = read(t, raw); !slices.EqualFunc(got, other, bytes.Equal) {
		t.Error("the quarantine is not what was given")
	}
	for _, s := range r.Segments() {
		file, err := os.ReadFile(filepath.Join(folder, s.Name+dataSuffix))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(file)
		if !s.Sealed || s.SHA256 != hex.EncodeToString(sum[:]) || int64(len(file)) != s.Bytes || len(s.Gaps) > 0 {
			t.Errorf("%+v, the file has %d bytes and %x", s, len(file), sum)
		}
		if s.Quarantine && !maps.Equal(s.Reasons, map[string]uint64{"reason_0": 100, "reason_1": 100, "reason_2": 100, "reason_3": 100, "reason_4": 100}) {
			t.Errorf("reasons %v", s.Reasons)
		}
	}
}

// TestRotation: at the size and at the hour a new file begins; nothing is lost and
// nothing is twice, and no file is larger than it may be.
func TestRotation(t *testing.T) {
	folder := t.TempDir()
	const limit = 1 << 10
	sent := frames(t, 1, 500, true)
	entry := int64(len(sent[0]) + stampSize)
	running(t, Config{Dir: folder, SegmentBytes: limit, BufferBytes: 4 << 10, Buffers: 40}, func(r *Recorder) {
		l := link(t, r, "open")
		for i, f := range sent {
			us := startUS
			if i >= 250 {
				us += hourUS / 2 // 21:00:00 exactly
			}
			l.Record(us, f)
		}
	})
	r := ofFolder(t, folder)
	raw, _ := exported(t, r, Query{Listener: "open"}, Evidence)
	if _, got := read(t, raw); !slices.EqualFunc(got, sent, bytes.Equal) {
		t.Errorf("%d frames of %d, or in another order", len(got), len(sent))
	}
	segs := r.Segments()
	for i, s := range segs {
		if s.Bytes > limit || s.FromUS/hourUS != s.ToUS/hourUS {
			t.Errorf("%s: %d bytes from %d to %d", s.Name, s.Bytes, s.FromUS, s.ToUS)
		}
		if last := i == len(segs)-1 || segs[i+1].FromUS != s.FromUS; !last && s.Bytes+entry <= limit {
			t.Errorf("%s: ended at %d bytes", s.Name, s.Bytes)
		}
	}
	if segs[0].Name != "open/20261125T203000Z-000" || segs[len(segs)-1].Name[:21] != "open/20261125T210000Z" {
		t.Errorf("%s .. %s", segs[0].Name, segs[len(segs)-1].Name)
	}
}

// TestIdleHourIsSealed: no frame is needed to end an hour.
func TestIdleHourIsSealed(t *testing.T) {
	var now time.Time
	running(t, Config{Dir: t.TempDir(), Clock: func() time.Time { return time.UnixMicro(startUS).Add(time.Since(now)) }}, func(r *Recorder) {
		now = time.Now()
		link(t, r, "open").Record(startUS, frames(t, 1, 1, false)[0])
		pass(29 * time.Minute)
		if segs := r.Segments(); len(segs) != 1 || segs[0].Sealed {
			t.Errorf("within the hour: %+v", segs)
		}
		pass(2 * time.Minute)
		if segs := r.Segments(); len(segs) != 1 || !segs[0].Sealed {
			t.Errorf("after the hour: %+v", segs)
		}
	})
}

// TestKeysAreNeverKept: SETUP_SIGNING holds a key.
func TestKeysAreNeverKept(t *testing.T) {
	folder := t.TempDir()
	secret := bytes.Repeat([]byte{0xA5}, 32)
	setup := append([]byte{magicV2, 42, 0, 0, 0, 1, 1, 0, 1, 0}, make([]byte, 44)...)
	copy(setup[20:], secret)
	running(t, Config{Dir: folder}, func(r *Recorder) {
		l := link(t, r, "open")
		l.Record(startUS, setup)
		l.Quarantine(startUS, setup, 1)
		f := frames(t, 1, 1, false)[0]
		l.Record(startUS, f)
		l.Quarantine(startUS, f, 1)
	})
	names, err := dir(folder).List()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, secret) {
			t.Errorf("%s holds a key", name)
		}
		if strings.HasSuffix(name, dataSuffix) && len(raw) > 0 {
			files++
		}
	}
	if files != 2 {
		t.Errorf("%d files, want one of what was accepted and one of what was not", files)
	}
}

// TestQuarantineHasLimits: a flood is kept in part, and a frame that does not say
// where it ends is counted: a log with it could not be read.
func TestQuarantineHasLimits(t *testing.T) {
	f := frames(t, 1, 1, false)[0]
	running(t, Config{Dir: t.TempDir(), QuarantineRate: 10, Reason: func(uint8) string { return "crc" }}, func(r *Recorder) {
		l := link(t, r, "open")
		for i := range 300 {
			l.Quarantine(startUS+int64(i)*10_000, f, 0) // 100 in a second
		}
		l.Quarantine(startUS, f[:20], 0)
		l.Quarantine(0, f, 0)
		l.Quarantine(startUS, nil, 0)
		pass(time.Second)
		st := r.Stats()
		if st.Frames != 30 || st.Lost["limited"] != 270 || st.Lost["cut"] != 3 {
			t.Errorf("%+v", st)
		}
		gaps := map[string]uint64{}
		for _, g := range r.Segments()[0].Gaps {
			gaps[g.Why] += g.Frames
		}
		if gaps["limited"] != 270 || gaps["cut"] != 3 {
			t.Errorf("gaps %v", gaps)
		}
	})
}

func TestRecordDoesNotAllocate(t *testing.T) {
	r, err := New(Config{Dir: t.TempDir(), QuarantineRate: 1e9})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l := link(t, r, "open")
	f := frames(t, 1, 1, true)[0]
	// Nobody writes: all buffers fill, and are then dropped whole.
	if n := testing.AllocsPerRun(100_000, func() { l.Record(startUS, f); l.Quarantine(startUS, f, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(l.frames.full) != r.cfg.Buffers-1 || l.frames.holes[holeBehind].frames == 0 {
		t.Error("the buffers were not filled")
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []Config{{}, {Dir: "x", Buffers: 1}, {Dir: "x", BufferBytes: 10}, {Dir: "x", MaxAge: -1}, {Dir: "x", SegmentBytes: 20}} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	folder := t.TempDir()
	r := ofFolder(t, folder)
	for _, name := range []string{"", "Open", "../x", "a/b", strings.Repeat("a", 41)} {
		if _, err := r.Link(name); !errors.Is(err, ErrConfig) {
			t.Errorf("link %q: %v", name, err)
		}
	}
	if _, err := New(Config{Dir: folder}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second recorder: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, ErrConfig) {
		t.Errorf("run after close: %v", err)
	}
	if fmt.Sprint(holeReason(0)) != "none" {
		t.Error("no hole has a name")
	}
}

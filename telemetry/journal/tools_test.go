package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Verify says is what a start would say, and it changes nothing.
func TestVerifyIsAStartThatChangesNothing(t *testing.T) {
	whole, want := threeSegments(t)
	names := slices.Sorted(maps.Keys(whole))
	rng := rand.New(rand.NewPCG(4, 4))
	refused := 0
	for range 150 {
		files := maps.Clone(whole)
		name := names[rng.IntN(len(names))]
		files[name] = slices.Clone(files[name])
		if at := rng.IntN(len(files[name])); rng.IntN(2) == 0 {
			files[name][at] ^= 1
		} else {
			files[name] = files[name][:at]
		}
		disk := folderOf(files)
		report, err := Verify(Config{FS: disk, SegmentBytes: 2048})
		if !maps.EqualFunc(files, disk.files(), bytes.Equal) || disk.ops > 0 {
			t.Fatalf("%d changes", disk.ops)
		}
		j, openErr := Open(quiet(disk))
		if (err == nil) != (openErr == nil) {
			t.Fatalf("verify: %v, open: %v", err, openErr)
		}
		if err != nil {
			var damage, again *DamageError
			if !errors.As(err, &damage) || !errors.As(openErr, &again) || *damage != *again {
				t.Fatalf("verify: %v, open: %v", err, openErr)
			}
			refused++
			continue
		}
		if report.Entries != uint64(len(want)) || report.Hash != want[len(want)-1].Hash || report.TornBytes != j.Health().Repaired {
			t.Fatalf("%+v, and the start: %+v", report, j.Health())
		}
		mustClose(t, j)
	}
	if refused < 40 || refused > 145 {
		t.Errorf("%d of 150 refused: the test does not do what it says", refused)
	}
	if _, err := Verify(Config{FS: newCrashFS()}); !errors.Is(err, ErrNoJournal) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Verify(Config{Dir: t.TempDir() + "/none"}); err == nil {
		t.Error("a missing folder is sound")
	}
}

// Beside a server that writes, verify and backup see a prefix of what it wrote.
func TestCopyBesideTheWriter(t *testing.T) {
	from := quiet(nil)
	from.Dir = t.TempDir()
	from.SegmentBytes = 16 << 10
	j := mustOpen(t, from)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := j.Append(t.Context(), entryOf(n, 300)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	last := uint64(0)
	for range 20 {
		report, err := Verify(Config{Dir: from.Dir})
		if err != nil || !report.Live || report.Entries < last {
			t.Fatalf("%+v after %d entries, %v", report, last, err)
		}
		to := Config{Dir: t.TempDir() + "/backup"}
		copied, err := Copy(Config{Dir: from.Dir}, to)
		if err != nil || copied.Entries < report.Entries {
			t.Fatalf("%+v, %v", copied, err)
		}
		to.Group, to.SegmentBytes = from.Group, from.SegmentBytes
		b := mustOpen(t, to)
		seq, hash := b.Head()
		if seq != copied.Entries || hash != copied.Hash {
			t.Fatalf("%d entries of %d", seq, copied.Entries)
		}
		if seq > 0 {
			if want, err := j.hashAt(seq); err != nil || want != hash {
				t.Fatalf("entry %d is another one in the backup (%v)", seq, err)
			}
		}
		mustAppend(t, b, entryOf(1<<40, 10)) // a backup is a journal
		mustClose(t, b)
		last = report.Entries
	}
	close(stop)
	<-ended
	if last < 20 {
		t.Errorf("only %d entries were written: the test does not press", last)
	}
}

func TestBackupAndRestore(t *testing.T) {
	disk, j := snapped(t)
	want := records(t, j, 1)
	mustClose(t, j)
	torn := disk.files() // as a kill leaves it: with a torn tail behind the entries
	names := slices.Sorted(maps.Keys(torn))
	newest := names[slices.Index(names, snapshotName(20))-1]
	copy(torn[newest][len(torn[newest])-40:], "half of an entry")
	disk = folderOf(torn)
	backup, back := newCrashFS(), newCrashFS()
	for _, step := range []struct{ from, to *crashFS }{{disk, backup}, {backup, back}} {
		report, err := Copy(Config{FS: step.from}, Config{FS: step.to})
		if err != nil || report.Entries != 40 || !slices.Equal(report.Snapshots, []uint64{20, 30}) {
			t.Fatalf("%+v, %v", report, err)
		}
		if _, err := Copy(Config{FS: step.from}, Config{FS: step.to}); !errors.Is(err, ErrNotEmpty) {
			t.Fatalf("over another journal: %v", err)
		}
	}
	back = back.crash(rand.New(rand.NewPCG(1, 1))) // what Copy returned from is durable
	j = mustOpen(t, quiet(back))
	if d := cmp.Diff(want, records(t, j, 1)); d != "" {
		t.Fatal(d)
	}
	if s, err := j.LatestSnapshot(3); err != nil || s.Seq != 30 {
		t.Fatalf("snapshot %+v, %v", s, err)
	}
	mustClose(t, j)
	files := disk.files()
	files[segmentName(1)][200] ^= 1
	var damage *DamageError
	if _, err := Copy(Config{FS: folderOf(files)}, Config{FS: newCrashFS()}); !errors.As(err, &damage) {
		t.Fatalf("a damaged journal was copied: %v", err)
	}
}

// A backup that is cut off anywhere does not pass for a journal with fewer entries.
func TestCopyCutOff(t *testing.T) {
	disk, j := snapped(t)
	want := records(t, j, 1)
	mustClose(t, j)
	rng := rand.New(rand.NewPCG(7, 7))
	whole := 0
	for offAt := 1; whole < 10; offAt++ {
		to := newCrashFS()
		to.offAt = offAt
		if _, err := Copy(Config{FS: disk}, Config{FS: to}); err == nil {
			whole++
		}
		to = to.crash(rng)
		j, err := Open(quiet(to))
		if err != nil {
			continue
		}
		if got := records(t, j, 1); len(got) != 0 && len(got) != len(want) {
			t.Fatalf("cut off at change %d: %d of %d entries", offAt, len(got), len(want))
		}
		mustClose(t, j)
	}
}

// Any one byte damaged: after the repair the journal opens, holds a prefix, and
// says what was lost; the damaged files are kept.
func TestAcceptLoss(t *testing.T) {
	whole, want := threeSegments(t)
	whole[snapshotName(uint64(len(want)))] = []byte("newest")
	rng := rand.New(rand.NewPCG(5, 5))
	lossless, lossy := 0, 0
	for name := range whole {
		for at := rng.IntN(7); at < len(whole[name]); at += 1 + rng.IntN(80) {
			files := maps.Clone(whole)
			files[name] = slices.Clone(files[name])
			files[name][at] ^= 0x20
			disk := folderOf(files)
			cfg := quiet(disk)
			_, before := Verify(cfg)
			r, err := AcceptLoss(cfg)
			if before == nil {
				if err != nil || r.Seq != 0 || disk.ops > 0 {
					t.Fatalf("a sound journal: %+v, %v, %d changes", r, err, disk.ops)
				}
				continue
			}
			if errors.Is(err, ErrNothingLeft) && name == segmentName(1) && disk.ops == 0 {
				continue
			}
			if err != nil {
				t.Fatalf("%s, offset %d: %v", name, at, err)
			}
			disk = disk.crash(rng) // what AcceptLoss returned from is durable
			checkRepair(t, disk, files, want, r)
			if r.From == 0 {
				lossless++
			} else {
				lossy++
			}
		}
	}
	t.Logf("%d repairs without loss, %d with", lossless, lossy)
	if lossless < 2 || lossy < 30 {
		t.Error("the test does not do what it says")
	}
}

func checkRepair(t *testing.T, disk *crashFS, files map[string][]byte, want []Record, r Repair) {
	t.Helper()
	j := mustOpen(t, quiet(disk))
	defer j.Close()
	got := records(t, j, 1)
	n := len(got) - 1
	told := got[n]
	var body Repair
	if err := json.Unmarshal(told.Body, &body); err != nil {
		t.Fatal(err)
	}
	body.Seq = told.Seq
	if d := cmp.Diff(r, body); d != "" || told.Kind != Control || told.Schema != ControlSchema {
		t.Fatalf("%v: %s", told.Kind, d)
	}
	if n > 0 && got[n-1].Hash != want[n-1].Hash {
		t.Fatalf("the first %d entries are other ones", n)
	}
	if n == len(want) && r.From != 0 || n < len(want) && (r.From != uint64(n+1) || r.To != uint64(len(want))) {
		t.Fatalf("%d of %d entries are left, and it says %+v", n, len(want), r)
	}
	now := disk.files()
	for _, kept := range r.Kept {
		name, _, _ := strings.Cut(kept, ".damaged-")
		if !strings.HasPrefix(string(files[name]), string(now[kept])) || strings.Trim(string(files[name][len(now[kept]):]), "\x00") != "" {
			t.Fatalf("%s is not %s as it was", kept, name)
		}
	}
	for name, b := range files {
		changed := !bytes.Equal(bytes.TrimRight(now[name], "\x00"), bytes.TrimRight(b, "\x00"))
		if changed && name != watermarkName && !slices.ContainsFunc(r.Kept, func(kept string) bool { return strings.HasPrefix(kept, name+".damaged-") }) {
			t.Fatalf("%s was changed and no copy was kept", name)
		}
	}
	mustAppend(t, j, entryOf(7777, 20))
}

// Cut off at any change, a repair can be begun again, and the loss is told.
func TestAcceptLossCutOff(t *testing.T) {
	whole, want := threeSegments(t)
	running := folderOf(whole) // killed soon after a watermark
	j := mustOpen(t, quiet(running))
	for n := range uint64(3) {
		mustAppend(t, j, entryOf(3000+n, 20))
	}
	killed, wantKilled := running.files(), records(t, j, 1)
	last, at := j.segs[len(j.segs)-1], j.segs[len(j.segs)-1].end-2*int64(frameSize(24))-40
	mustClose(t, j)
	rng := rand.New(rand.NewPCG(6, 6))
	done := 0
	for offAt := 1; done < 20; offAt++ {
		files, want := maps.Clone(whole), want
		name := slices.Sorted(maps.Keys(whole))[rng.IntN(3)]
		place := int64(headerSize + rng.IntN(600))
		if offAt%2 == 0 {
			files, want, name, place = maps.Clone(killed), wantKilled, last.name, at
		}
		files[name] = slices.Clone(files[name])
		files[name][place] ^= 4
		disk := folderOf(files)
		disk.offAt = offAt
		_, err := AcceptLoss(quiet(disk))
		if err == nil {
			done++
		}
		disk = disk.crash(rng)
		if _, err := AcceptLoss(quiet(disk)); err != nil {
			if errors.Is(err, ErrNothingLeft) {
				continue
			}
			t.Fatalf("cut off at change %d: %v", offAt, err)
		}
		j := mustOpen(t, quiet(disk))
		got := records(t, j, 1)
		told := false
		for _, r := range got {
			told = told || r.Kind == Control
		}
		if !told && len(got) < len(want) {
			t.Fatalf("cut off at change %d: %d of %d entries are left, and nobody is told", offAt, len(got), len(want))
		}
		mustClose(t, j)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	files, _ := threeSegments(t)
	for name := range files {
		newer := maps.Clone(files)
		newer[name] = slices.Clone(files[name])
		if name == watermarkName {
			continue
		}
		copy(newer[name], "TZSEG002")
		le.PutUint32(newer[name][92:], crc32c(newer[name][:92]))
		disk := folderOf(newer)
		_, open := Open(quiet(disk))
		_, verify := Verify(Config{FS: disk})
		_, repair := AcceptLoss(Config{FS: disk})
		for _, err := range []error{open, verify, repair} {
			var damage *DamageError
			if !errors.Is(err, ErrNewer) || errors.As(err, &damage) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if d := cmp.Diff(newer, disk.files()); d != "" {
			t.Errorf("%s was changed: %s", name, d)
		}
	}
	b, ends, id := build([]int{1}, []int{1})
	f, _, _ := parseFrame(b[ends[0]:], &id)
	f.flags = 1
	copy(b[ends[0]:], appendFrame(nil, &id, &f))
	disk := folderOf(map[string][]byte{segmentName(1): b, watermarkName: markAt(t, b, id, 1)})
	if _, err := Open(quiet(disk)); !errors.Is(err, ErrNewer) {
		t.Errorf("an entry with unknown flags: %v", err)
	}
}

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// threeSegments is a cleanly closed journal of three segments.
func threeSegments(t *testing.T) (map[string][]byte, []Record) {
	t.Helper()
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	for n := uint64(0); j.Health().Segments < 3; n++ {
		mustAppend(t, j, entryOf(3*n, int(n*7%90)), decision(3*n+1, Expect{Agg: Aggregate(fmt.Sprint("permit:", n))}))
	}
	mustAppend(t, j, entryOf(1000, 33), entryOf(1001, 8))
	mustAppend(t, j, entryOf(1002, 50))
	want := records(t, j, 1)
	mustClose(t, j)
	return disk.files(), want
}

// opened says what became of a damaged journal: refused, or all there. Anything
// else is silent loss, and an error.
func opened(files map[string][]byte, want []Record) (refused bool, err error) {
	j, err := Open(quiet(folderOf(files)))
	var damage *DamageError
	if errors.As(err, &damage) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("refused with %w", err)
	}
	defer j.Close()
	n, last := 0, [32]byte{}
	if err := j.Replay(1, func(r Record) error { n++; last = r.Hash; return nil }); err != nil {
		return false, err
	}
	if n != len(want) || n > 0 && last != want[n-1].Hash {
		return false, fmt.Errorf("opened with %d records of %d", n, len(want))
	}
	return false, nil
}

// TestFiguresDamage damages a closed journal of three segments in every way that
// one byte or one cut can.
func TestFiguresDamage(t *testing.T) {
	files, want := threeSegments(t)
	silent := flipEveryByte(t, files, want) + cutEverywhere(t, files, want)
	figure("journal/damage_silent", silent, "places")
	if silent > 0 {
		t.Errorf("%d damages were not noticed", silent)
	}
}

func flipEveryByte(t *testing.T, files map[string][]byte, want []Record) (silent int) {
	refused, harmless := 0, 0
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		for at := range files[name] {
			for _, flip := range []byte{0x01, 0xff} {
				damaged := maps.Clone(files)
				damaged[name] = slices.Clone(files[name])
				damaged[name][at] ^= flip
				no, err := opened(damaged, want)
				switch {
				case err != nil, !no && (name == names[0] || name == names[1]): // full segments, their padding included
					silent++
					t.Errorf("%s, offset %d, flip %#x: not noticed (%v)", name, at, flip, err)
				case no:
					refused++
				default:
					harmless++
				}
			}
		}
	}
	t.Logf("flips: %d refused, %d harmless", refused, harmless)
	if refused < 4000 || harmless < 1000 {
		t.Errorf("%d refused, %d harmless: the test does not do what it says", refused, harmless)
	}
	return silent
}

func cutEverywhere(t *testing.T, files map[string][]byte, want []Record) (silent int) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(n string) bool { return n == watermarkName })
	last := names[len(names)-1]
	end := len(files[last])
	for end > 0 && files[last][end-1] == 0 {
		end--
	}
	end = (end + 7) &^ 7
	cut := func(name string, size int, must bool) {
		damaged := maps.Clone(files)
		damaged[name] = files[name][:size]
		if refused, err := opened(damaged, want); err != nil || must && !refused || name == last && refused != must {
			silent++
			t.Errorf("%s cut to %d bytes: refused %v, %v", name, size, refused, err)
		}
	}
	for size := range files[last] {
		cut(last, size, size < end)
	}
	for name := range files {
		for size := range files[name] {
			if name != last {
				cut(name, size, name != watermarkName)
			}
		}
		damaged := maps.Clone(files)
		delete(damaged, name)
		if refused, err := opened(damaged, want); !refused {
			silent++
			t.Errorf("without %s it opens: %v", name, err)
		}
	}
	if refused, err := opened(map[string][]byte{watermarkName: files[watermarkName]}, want); !refused {
		silent++
		t.Errorf("without any segment it opens: %v", err)
	}
	return silent
}

// build makes a segment whose bytes a test can lay out: each group is one
// group commit, its numbers are the sizes of the requests in it.
func build(groups ...[]int) (b []byte, ends []int, id [16]byte) {
	id = [16]byte{1, 2, 3}
	h := segHeader{journalID: id, first: 1, prev: genesis("zone-a"), epoch: 1}
	b = h.encode()
	c := newCommitter(&Config{})
	c.epoch, c.last = 1, h.prev
	n := uint64(0)
	for _, sizes := range groups {
		var requests []*request
		for _, entries := range sizes {
			var batch []Entry
			for range entries {
				batch = append(batch, entryOf(n, 100))
				n++
			}
			r, err := newRequest(batch)
			if err != nil {
				panic(err)
			}
			requests = append(requests, r)
		}
		var g group
		c.plan(&id, &g, requests)
		b = append(b, g.buf...)
		ends = append(ends, len(b))
	}
	return b, ends, id
}

// mark is a watermark at the n-th entry of a segment.
func markAt(t *testing.T, b []byte, id [16]byte, n uint64) []byte {
	t.Helper()
	s := scanner{id: &id, b: b, at: headerSize, hash: genesis("zone-a")}
	for s.seq < n {
		if s.next() == nil {
			t.Fatalf("no entry %d", n)
		}
	}
	w := watermark{counter: 1, seq: n, segment: 1, offset: uint64(s.at), hash: s.hash}
	return append(make([]byte, slotSize), w.encode()...)
}

func TestRepairRules(t *testing.T) {
	const size = 192 // of a frame with a body of 100 bytes: 88 + 4 + 100
	zero := func(b []byte, from, to int) { clear(b[from:to]) }
	tests := []struct {
		name   string
		groups [][]int
		mark   uint64
		damage func(b []byte, ends []int) []byte
		want   uint64 // last entry, if it opens
		reason string // of the refusal
		broken bool   // a torn tail is set aside
	}{
		{"clean", [][]int{{1}, {1}}, 1, func(b []byte, _ []int) []byte { return b }, 2, "", false},
		{"garbage behind the end", [][]int{{1}, {1}}, 2, func(b []byte, _ []int) []byte { return append(b, "garbage"...) }, 2, "", true},
		{"last batch torn", [][]int{{1}, {1}}, 1, func(b []byte, ends []int) []byte { zero(b, ends[1]-50, ends[1]); return b }, 1, "", true},
		{"last batch cut off", [][]int{{1}, {1}}, 1, func(b []byte, ends []int) []byte { return b[:ends[1]-50] }, 1, "", true},
		{"last batch, flipped", [][]int{{1}, {1}}, 1, func(b []byte, ends []int) []byte { b[ends[0]+90] ^= 1; return b }, 1, "", true},
		{"durable by the watermark", [][]int{{1}, {1}}, 2, func(b []byte, ends []int) []byte { zero(b, ends[1]-50, ends[1]); return b }, 0, "entries up to 2 were written", false},
		{"durable, tail all zero", [][]int{{1}, {1}}, 2, func(b []byte, ends []int) []byte { zero(b, ends[0], ends[1]); return b }, 0, "entries up to 2 were written", false},
		{"a later batch behind it", [][]int{{1}, {1}, {1}}, 1, func(b []byte, ends []int) []byte { b[ends[0]+90] ^= 1; return b }, 0, "later ones behind it", false},
		{"a later batch behind zeros", [][]int{{1}, {1}, {1}}, 1, func(b []byte, ends []int) []byte { zero(b, ends[0], ends[1]); return b }, 0, "later ones behind it", false},
		{"hole in the last batch", [][]int{{1}, {1, 1, 1}}, 1, func(b []byte, ends []int) []byte { zero(b, ends[0]+size, ends[0]+2*size); return b }, 2, "", true},
		{"hole at its beginning", [][]int{{1}, {1, 1, 1}}, 1, func(b []byte, ends []int) []byte { zero(b, ends[0], ends[0]+size); return b }, 1, "", true},
		{"end of a request is missing", [][]int{{1}, {1, 3}}, 1, func(b []byte, ends []int) []byte { zero(b, ends[1]-size, ends[1]); return b }, 2, "", true},
		{"end of a request was cut off", [][]int{{3}}, 0, func(b []byte, ends []int) []byte { return b[:ends[0]-size] }, 0, "", true},
		{"header damaged", [][]int{{1}}, 1, func(b []byte, _ []int) []byte { b[40] ^= 1; return b }, 0, "header of the segment", false},
		{"an entry of another history", [][]int{{1}, {1}, {1}}, 1, func(b []byte, ends []int) []byte {
			var id [16]byte
			copy(id[:], b[8:])
			f, _, _ := parseFrame(b[ends[0]:], &id)
			f.timeUS++
			copy(b[ends[0]:], appendFrame(nil, &id, &f))
			return b
		}, 0, "does not continue the chain", false},
		{"an entry twice", [][]int{{1}, {1}}, 1, func(b []byte, ends []int) []byte { return append(b, b[ends[0]:ends[1]]...) }, 0, "wrong sequence", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, ends, id := build(tt.groups...)
			wm := markAt(t, b, id, tt.mark)
			b = tt.damage(b, ends)
			disk := folderOf(map[string][]byte{segmentName(1): b, watermarkName: wm})
			j, err := Open(quiet(disk))
			var damage *DamageError
			if tt.reason != "" {
				if !errors.As(err, &damage) || !strings.Contains(damage.Reason, tt.reason) || damage.File != segmentName(1) {
					t.Fatalf("got %v", err)
				}
				if got := disk.files()[segmentName(1)]; !bytes.Equal(got, b) {
					t.Fatal("a refused journal was changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if seq, _ := j.Head(); seq != tt.want {
				t.Fatalf("opens with %d entries, want %d", seq, tt.want)
			}
			repaired := j.Health().Repaired
			if (repaired > 0) != tt.broken {
				t.Fatalf("%d bytes were set aside", repaired)
			}
			mustAppend(t, j, entryOf(500, 10))
			want := records(t, j, 1)
			mustClose(t, j)
			if tt.broken {
				name := segmentName(1) + ".broken-20251122T120000Z"
				copied, ok := disk.files()[name]
				if !ok || int64(len(copied)) != repaired || !bytes.Contains(b, copied) {
					t.Fatalf("copy %s: %v, %d bytes of %d", name, ok, len(copied), repaired)
				}
			}
			j = mustOpen(t, quiet(disk.crash(rand.New(rand.NewPCG(1, 1)))))
			if d := cmp.Diff(want, records(t, j, 1)); d != "" || j.Health().Repaired != 0 {
				t.Fatal(d)
			}
		})
	}
}

// The watermark knows the hash of its entry: another history of the same length
// is not taken for this one.
func TestWatermarkOfAnotherHistory(t *testing.T) {
	b, _, id := build([]int{1}, []int{1})
	for _, seq := range []uint64{0, 2} {
		wm := markAt(t, b, id, seq)
		wm[slotSize+40] ^= 1
		le.PutUint32(wm[slotSize+72:], crc32c(wm[slotSize:slotSize+72]))
		_, err := Open(quiet(folderOf(map[string][]byte{segmentName(1): b, watermarkName: wm})))
		var damage *DamageError
		if !errors.As(err, &damage) || !strings.Contains(damage.Reason, "were replaced") {
			t.Errorf("watermark at %d: %v", seq, err)
		}
	}
}

// A new segment that is all zeros was never begun, or is lost: the watermark
// tells which.
func TestNewestSegmentAllZero(t *testing.T) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	n := uint64(0)
	for ; j.Health().Segments < 2; n++ {
		mustAppend(t, j, entryOf(n, 500))
	}
	second := segmentName(n) // its first entry is the last one
	files := disk.files()    // not closed: as after a kill
	if _, ok := files[second]; !ok {
		t.Fatalf("no segment %s in %v", second, slices.Sorted(maps.Keys(files)))
	}
	files[second] = make([]byte, len(files[second]))
	if refused, err := opened(files, nil); !refused {
		t.Errorf("an acknowledged entry was lost silently: %v", err)
	}
	// The watermark as it was before the second segment was begun.
	first := folderOf(map[string][]byte{segmentName(1): files[segmentName(1)]})
	w := watermark{counter: 1, seq: 0, segment: 1, offset: headerSize, hash: genesis("zone-a")}
	first.put(watermarkName, append(make([]byte, slotSize), w.encode()...))
	for _, zeros := range []int{0, 50, 2048} {
		files := first.files()
		files[second] = make([]byte, zeros)
		j := mustOpen(t, quiet(folderOf(files)))
		if seq := mustAppend(t, j, entryOf(900, 500))[0]; seq != n {
			t.Errorf("%d zeros: the next entry is %d, want %d", zeros, seq, n)
		}
		mustClose(t, j)
	}
}

// The text is for somebody who is tired.
func TestDamageErrorSaysWhatToDo(t *testing.T) {
	text := (&DamageError{File: "00000000000000000001.seg", Offset: 4096, SeqBefore: 17, SeqAfter: 19, Reason: "an entry is damaged"}).Error()
	for _, part := range []string{"00000000000000000001.seg", "offset 4096", "17", "19", "an entry is damaged", "backup", "copy"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
}

// What rots while the server runs is found when it is read, and stops the writing.
func TestDamageWhileRunning(t *testing.T) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	for n := range uint64(30) {
		mustAppend(t, j, entryOf(n, 100))
	}
	f, err := disk.Open(segmentName(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, headerSize+192+100); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	seen := 0
	err = j.Replay(1, func(Record) error { seen++; return nil })
	if !errors.As(err, &damage) || damage.Offset != headerSize+192 || damage.SeqBefore != 1 || seen != 1 {
		t.Fatalf("after %d records: %v", seen, err)
	}
	if _, err := j.Append(t.Context(), entryOf(99, 1)); !errors.Is(err, ErrReadOnly) {
		t.Fatalf("append on a damaged journal: %v", err)
	}
}

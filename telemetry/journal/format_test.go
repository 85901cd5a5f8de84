package journal

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The test vector of FORMAT.md. Its payload is without an aggregate list.
func TestFrameVector(t *testing.T) {
	var id [16]byte
	f := frame{seq: 1, epoch: 1, kind: Decision, schema: 1, timeUS: 1763812800123456, prev: genesis("zone-a"), payload: []byte(`{"a":1}`)}
	for i := range id {
		id[i], f.id[i] = byte(i), byte(0xa0+i)
	}
	want := strings.ReplaceAll("07000000 25073a71 00000000 00000000 0100000000000000 01000000 01 00 0100 40d266ab2d440600 "+
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 7a53ae7ef11cea83801ce960cde78fffed46096578ab7e9d6d9b06c00d04372e 7b2261223a317d 00", " ", "")
	b := appendFrame(nil, &id, &f)
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("frame\n%s, want\n%s", got, want)
	}
	sum := chain(b)
	if got := hex.EncodeToString(sum[:]); got != "1031582995f6ea3ab47e4196c34bee09e184ca6239470bf025ba3ce865d31946" {
		t.Errorf("chain hash %s", got)
	}
	back, size, intact := parseFrame(b, &id)
	if d := cmp.Diff(f, back, cmp.AllowUnexported(frame{})); d != "" || size != 96 || !intact {
		t.Errorf("%v, %d bytes: %s", intact, size, d)
	}
	other := id
	other[0]++
	if _, _, intact := parseFrame(b, &other); intact {
		t.Error("the frame of another copy counts as intact")
	}
}

// What the writer makes is what FORMAT.md says, byte by byte.
func TestFileVector(t *testing.T) {
	disk := newCrashFS()
	j := mustOpen(t, quiet(disk))
	mustAppend(t, j, Entry{
		ID: ID{0xa0}, Kind: Decision, Schema: 7, TimeUS: 1763812800123456, Body: []byte(`{"a":1}`),
		Expect: []Expect{{Agg: "permit:1"}, {Agg: "airspace:z", Any: true}},
	}, entryOf(2, 1))
	mustClose(t, j)
	b := disk.files()["00000000000000000001.seg"]
	payload := "26000000" + "0800" + "0000000000000000" + hex.EncodeToString([]byte("permit:1")) +
		"0a01" + "0000000000000000" + hex.EncodeToString([]byte("airspace:z")) + hex.EncodeToString([]byte(`{"a":1}`))
	first := genesis("zone-a")
	tests := []struct {
		name     string
		from, to int
		want     string
	}{
		{"magic", 0, 8, hex.EncodeToString([]byte("TZSEG001"))},
		{"journal id", 8, 24, hex.EncodeToString(j.id[:])},
		{"first sequence", 24, 32, "0100000000000000"},
		{"created", 32, 40, "40d266ab2d440600"},
		{"hash before", 40, 72, hex.EncodeToString(first[:])},
		{"epoch and zeros", 72, 92, "01000000" + strings.Repeat("00", 16)},
		{"length", 96, 100, "31000000"},
		{"batch index, rest", 104, 112, "0000000001000000"},
		{"payload and padding", 96 + 88, 96 + 88 + 56, payload + strings.Repeat("00", 7)},
		{"second frame: batch index, rest", 96 + 144 + 8, 96 + 144 + 16, "0100000000000000"},
	}
	for _, tt := range tests {
		if got := hex.EncodeToString(b[tt.from:tt.to]); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	w, ok, err := readWatermark(disk)
	seq, hash := j.Head()
	want := watermark{counter: w.counter, seq: seq, segment: 1, offset: 96 + 144 + 96, hash: hash}
	if d := cmp.Diff(want, w, cmp.AllowUnexported(watermark{})); d != "" || !ok || err != nil {
		t.Errorf("watermark %v %v: %s", ok, err, d)
	}
}

func TestPayloadRefuses(t *testing.T) {
	tests := []struct{ name, hex string }{
		{"empty", ""},
		{"short prefix", "000000"},
		{"list longer than the payload", "0500000061"},
		{"cut off head", "03000000010061"},
		{"cut off name", "0b000000020000000000000000000061"},
		{"no name", "0a00000000000000000000000000"},
		{"unknown mode", "0b000000010200000000000000000061"},
		{"sequence without compare", "0b00000001010100000000000000" + "61"},
	}
	for _, tt := range tests {
		b, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := parsePayload(b); err == nil {
			t.Errorf("%s: was accepted", tt.name)
		}
	}
}

// What decodes encodes to the same bytes, and is an entry that can be appended.
func FuzzPayload(f *testing.F) {
	for _, e := range []Entry{
		entryOf(1, 0), entryOf(1, 30), decision(1, Expect{Agg: "permit:1", Seq: 7}),
		decision(2, Expect{Agg: "a"}, Expect{Agg: Aggregate(strings.Repeat("b", MaxAggregate)), Any: true}),
	} {
		f.Add(appendPayload(nil, &e))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		expect, body, err := parsePayload(b)
		if err != nil {
			return
		}
		e := Entry{Expect: expect, Body: body}
		if again := appendPayload(nil, &e); !bytes.Equal(again, b) || payloadSize(&e) != len(b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

// Any bytes as a segment and a watermark: Open never panics, and what it accepts
// it accepts again, with the same entries, after more was appended. With mend the
// checksums are set right first, so that the fuzzer gets behind them.
func FuzzOpen(f *testing.F) {
	for _, n := range []int{0, 1, 5} {
		disk := newCrashFS()
		j := mustOpen(f, quiet(disk))
		for i := range n {
			mustAppend(f, j, entryOf(uint64(2*i), 30), decision(uint64(2*i+1), Expect{Agg: Aggregate("abcdefg"[i : i+1])}))
		}
		mustClose(f, j)
		files := disk.files()
		seg, wm := files[segmentName(1)], files[watermarkName]
		seg = bytes.TrimRight(seg, "\x00")
		f.Add(seg, wm, false)
		f.Add(seg[:len(seg)*2/3], wm, true)
		f.Add(seg, []byte{}, true)
		f.Add(append(bytes.Clone(seg), seg[headerSize:]...), wm[:slotSize], true)
	}
	f.Fuzz(func(t *testing.T, seg, wm []byte, mend bool) {
		if len(seg) > 1<<16 || len(wm) > 1<<12 {
			return
		}
		seg, wm = bytes.Clone(seg), bytes.Clone(wm)
		if mend {
			mendSums(seg, wm)
		}
		disk := folderOf(map[string][]byte{segmentName(1): seg, watermarkName: wm})
		var want []Record
		for round := range 3 {
			j, err := openAlone(disk)
			if err != nil {
				if round > 0 {
					t.Fatalf("opened once, and then: %v", err)
				}
				return
			}
			got := records(t, j, 1)
			if round > 0 {
				if !reflect.DeepEqual(want, got) { // cmp is not the same each run
					t.Fatalf("%d records, and then %d others", len(want), len(got))
				}
			}
			r, err := newRequest([]Entry{entryOf(uint64(1000+round), 700)})
			if err != nil {
				t.Fatal(err)
			}
			if j.commit([]*request{r}); r.err != nil {
				t.Fatal(r.err)
			}
			if want = records(t, j, 1); r.seqs[0] == uint64(len(got)+1) && len(want) != len(got)+1 {
				t.Fatalf("%d records, one appended, %d records", len(got), len(want))
			}
		}
	})
}

// openAlone is Open without the goroutine: the fuzzer needs each run to be the
// same. The journal is never closed, as after a kill.
func openAlone(disk FS) (*Journal, error) {
	cfg := quiet(disk)
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	j := newJournal(cfg, disk)
	return j, j.recover()
}

func mendSums(seg, wm []byte) {
	if len(seg) >= headerSize {
		copy(seg, headerMagic)
		le.PutUint32(seg[92:], crc32c(seg[:92]))
	}
	var id [16]byte
	copy(id[:], seg[min(8, len(seg)):])
	for at := headerSize; at+frameHead <= len(seg); {
		n := int(le.Uint32(seg[at:]))
		if n == 0 || n > len(seg) || at+frameSize(n) > len(seg) {
			break
		}
		le.PutUint32(seg[at+4:], frameCRC(&id, seg[at:at+frameHead+n]))
		at += frameSize(n)
	}
	for at := 0; at+slotUsed <= len(wm); at += slotSize {
		copy(wm[at:], watermarkMagic)
		le.PutUint32(wm[at+72:], crc32c(wm[at:at+72]))
	}
}

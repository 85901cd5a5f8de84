package recording

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// TestOwnFramesOnly: of a file that holds several systems, only what is the asker's
// leaves, from when it is.
func TestOwnFramesOnly(t *testing.T) {
	folder := t.TempDir()
	one, two := frames(t, 1, 100, false), frames(t, 2, 100, false)
	running(t, Config{Dir: folder}, func(r *Recorder) {
		l := link(t, r, "signed")
		for i := range one {
			l.Record(startUS+int64(i)*1e6, one[i])
			l.Record(startUS+int64(i)*1e6, two[i])
		}
	})
	r := ofFolder(t, folder)
	for name, c := range map[string]struct {
		own     map[uint8]int64
		systems func(uint8) bool
		want    [][]byte
	}{
		"nothing":            {map[uint8]int64{}, nil, nil},
		"one, from the 40th": {map[uint8]int64{1: startUS + 40e6}, nil, one[40:]},
		"asked for another":  {map[uint8]int64{1: 0}, func(id uint8) bool { return id == 2 }, nil},
		"both asked for":     {map[uint8]int64{2: startUS + 99e6}, func(uint8) bool { return true }, two[99:]},
	} {
		raw, _ := exported(t, r, Query{Listener: "signed", Own: c.own, Systems: c.systems}, Evidence)
		_, got := read(t, raw)
		if !bytes.Equal(bytes.Join(got, nil), bytes.Join(c.want, nil)) {
			t.Errorf("%s: %d frames, want %d", name, len(got), len(c.want))
		}
	}
}

func TestShareableHasNoSignature(t *testing.T) {
	folder := t.TempDir()
	signed, plain := frames(t, 1, 200, true), frames(t, 1, 200, false)
	odd := bytes.Clone(signed[0])
	odd[20] ^= 1 // its checksum is wrong: it cannot be made anew
	running(t, Config{Dir: folder}, func(r *Recorder) {
		l := link(t, r, "signed")
		for _, f := range append(slices.Clone(signed), odd) {
			l.Record(startUS, f)
		}
		pass(2 * time.Second)
		var out bytes.Buffer
		if _, err := r.Export(t.Context(), &out, Query{Listener: "signed", ToUS: stampMax}, Shareable); !errors.Is(err, ErrConfig) || out.Len() > 0 {
			t.Errorf("without Strip: %v, %d bytes", err, out.Len())
		}
	})
	raw, x := exported(t, ofFolder(t, folder), Query{Listener: "signed"}, Shareable)
	if _, got := read(t, raw); !slices.EqualFunc(got, plain, bytes.Equal) || x.Left != 1 {
		t.Errorf("not the frames without signature; %+v", x)
	}
}

// TestExportChooses: times and systems, against a loop over everything.
func TestExportChooses(t *testing.T) {
	folder := t.TempDir()
	type kept struct {
		us    int64
		frame []byte
	}
	var all []kept
	one, two := frames(t, 1, 400, false), frames(t, 2, 400, false)
	running(t, Config{Dir: folder, SegmentBytes: 8 << 10}, func(r *Recorder) {
		l := link(t, r, "open")
		for i := range one {
			us := startUS + int64(i)*50_000
			all = append(all, kept{us, one[i]})
			if i%7 == 0 { // and a clock that is set back for a moment
				all = append(all, kept{us - 120_000, two[i]})
			}
		}
		for _, k := range all {
			l.Record(k.us, k.frame)
		}
	})
	r := ofFolder(t, folder)
	if n := len(r.Segments()); n < 2 {
		t.Fatalf("%d segments", n)
	}
	for _, c := range []struct {
		name     string
		from, to int64
		systems  []uint8
	}{
		{"all", 0, stampMax, nil},
		{"none", startUS + 60_000_000, stampMax, nil},
		{"nothing at all", startUS + 5, startUS + 5, nil},
		{"a moment", startUS + 5_000_000, startUS + 5_000_001, nil},
		{"some", startUS + 3_333_000, startUS + 9_876_543, nil},
		{"one system", startUS + 3_333_000, startUS + 9_876_543, []uint8{2}},
		{"both", 0, startUS + 9_876_543, []uint8{1, 2}},
		{"none of these", 0, stampMax, []uint8{3}},
	} {
		var want [][]byte
		for _, k := range all {
			if k.us >= c.from && k.us < c.to && (c.systems == nil || slices.Contains(c.systems, k.frame[5])) {
				want = append(want, k.frame)
			}
		}
		q := Query{Listener: "open", FromUS: c.from, ToUS: c.to}
		if c.systems != nil {
			q.Systems = func(id uint8) bool { return slices.Contains(c.systems, id) }
		}
		raw, _ := exported(t, r, q, Evidence)
		if _, got := read(t, raw); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d frames, want %d", c.name, len(got), len(want))
		}
	}
	if _, err := r.Export(t.Context(), &bytes.Buffer{}, Query{Listener: "nobody", ToUS: stampMax}, Evidence); !errors.Is(err, ErrNoListener) {
		t.Errorf("of no listener: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Export(ended, &bytes.Buffer{}, Query{Listener: "open", ToUS: stampMax}, Evidence); !errors.Is(err, context.Canceled) {
		t.Errorf("of who has gone: %v", err)
	}
}

package recording

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

// FuzzEntries: any bytes as the file of a crash: it is mended without a panic, and
// what is left is the start of what was there, of whole entries only.
func FuzzEntries(f *testing.F) {
	stamp := binary.BigEndian.AppendUint64(nil, uint64(startUS))
	entry := append(stamp, numbered(7)...)
	f.Add([]byte{})
	f.Add(entry)
	f.Add(bytes.Repeat(entry, 3))
	f.Add(append(bytes.Clone(entry), entry[:11]...))
	f.Add(append(bytes.Clone(stamp), magicV2, 3, 1, 0, 0, 9, 1, 0, 1, 0, 1, 2, 3))
	f.Add(append(bytes.Clone(stamp), magicV2, 255))
	f.Add(append(bytes.Clone(entry), make([]byte, 400)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		want := 0
		for {
			e, ok := firstEntry(in[want:])
			if !ok {
				break
			}
			if e.size != stampSize+len(e.frame) || e.us < stampMin || e.us > stampMax {
				t.Fatalf("entry %+v", e)
			}
			want += e.size
		}
		folder := t.TempDir()
		path := filepath.Join(folder, "open", "20261125T203000Z-000.tlog")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, in)
		running(t, Config{Dir: folder}, func(r *Recorder) { synctest.Wait() })
		left, err := os.ReadFile(path)
		if want == 0 && !os.IsNotExist(err) || want > 0 && (err != nil || !bytes.Equal(left, in[:want])) {
			t.Errorf("%d bytes are left of %d whole ones: %v", len(left), want, err)
		}
	})
}

// FuzzIndex: any bytes as an index: no panic, and the points are within the file,
// one behind the other. What is read and written again is the same.
func FuzzIndex(f *testing.F) {
	s := &segment{quarantine: true}
	e := entry{us: startUS, frame: numbered(1), size: 20}
	s.enter(&e, "crc")
	s.endPoint()
	f.Add(s.lines, int64(20))
	f.Add(appendLine(s.lines, indexLine{Seal: &seal{Frames: 1, SHA256: "x"}}), int64(100))
	f.Add(appendLine(nil, indexLine{Gap: &Gap{Why: "behind"}}), int64(0))
	f.Add([]byte("{\"point\":{\"at\":-5,\"bytes\":9223372036854775807}}\n"), int64(7))
	f.Add([]byte("{}\n"), int64(7))
	f.Fuzz(func(t *testing.T, in []byte, size int64) {
		lines, good := readIndex(in)
		if good < 0 || good > int64(len(in)) {
			t.Fatalf("%d of %d bytes are good", good, len(in))
		}
		end := int64(0)
		for _, p := range points(lines, size) {
			if p.At != end || p.Bytes <= 0 || p.At+p.Bytes > size {
				t.Fatalf("a point at %d of %d bytes, after %d, in a file of %d", p.At, p.Bytes, end, size)
			}
			end += p.Bytes
		}
		var out []byte
		for _, l := range lines {
			out = appendLine(out, l)
		}
		if again, n := readIndex(out); len(again) != len(lines) || n != int64(len(out)) {
			t.Errorf("%d lines of %d are read again", len(again), len(lines))
		}
	})
}

package recording

import (
	"bytes"
	"testing"
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

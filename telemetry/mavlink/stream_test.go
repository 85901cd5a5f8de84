package mavlink

import (
	"bytes"
	"testing"
)

// A byte stream gives the same frames however it is cut, boot text and noise in between.
func TestStreamIsCutAnywhere(t *testing.T) {
	s, other := newSigner(1, keyA), &sender{sys: 1, comp: 1}
	whole := join([]byte("boot: \xfd text\n"), s.next(copterBeat()), s.next(somewhere()), []byte("noise \xfe"),
		s.next(statusText("armed")), other.frame(somewhere()), s.next(somewhere()))
	whole = append(whole, make([]byte, 300)...) // what looks like the start of a frame ends
	for step := 1; step <= len(whole); step++ {
		b, _ := signedBench(t, credential("uav-7", 1, keyA))
		var rest []byte
		for at := 0; at < len(whole); at += step {
			rest = append(bytes.Clone(rest), whole[at:min(at+step, len(whole))]...)
			if rest = b.stream(addrA, rest); len(rest) >= maxFrame {
				t.Fatalf("step %d: %d bytes are left", step, len(rest))
			}
		}
		b.flush()
		if len(b.rec.positions()) != 2 || len(b.rec.notes) != 1 || b.stats.Refused[Unsigned] != 1 {
			t.Fatalf("step %d: %d positions, %d notes, refused %v", step, len(b.rec.positions()), len(b.rec.notes), b.stats.Refused)
		}
		if b.stats.Bytes != uint64(len(whole)) {
			t.Errorf("step %d: %d of %d bytes counted", step, b.stats.Bytes, len(whole))
		}
		balance(t, &b.stats)
	}
}

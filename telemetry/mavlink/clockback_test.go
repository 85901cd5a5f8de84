package mavlink

import (
	"testing"
	"time"
)

// A wall clock that is set back while the server runs must not turn everything
// that flies into frames of the future (SAFETY 10).
func TestServerClockIsSetBack(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	s := newSigner(1, keyA)
	b.send(addrA, s.next(copterBeat()), s.next(somewhere()))
	b.start = b.start.Add(-2 * time.Hour) // the monotonic clock goes on
	b.advance(time.Second - 2*time.Hour)
	b.send(addrA, s.next(copterBeat()), s.next(somewhere()))
	if got := len(b.rec.positions()); got != 2 {
		t.Errorf("%d positions were taken in, want 2", got)
	}
	only(t, &b.stats, nil)
}

package mavlink

import (
	"testing"
	"time"

	"testzone/vehicles"
)

// A vehicle that is heard over a link anew is sent to over it at once: the route
// that it had elsewhere is older.
func TestRouteIsAsNewAsItsFrame(t *testing.T) {
	b, _ := signedBench(t, credential("uav-7", 1, keyA))
	s := newSigner(1, keyA)
	b.send(addrA, s.next(copterBeat()))
	heard := func() int64 {
		r, ok := b.routes.get(vehicles.Handle(1))
		if !ok {
			t.Fatal("no route")
		}
		return r.HeardUS
	}
	if got := heard(); got != b.at.UnixMicro() {
		t.Errorf("heard at %d, want %d", got, b.at.UnixMicro())
	}
	b.advance(1500 * time.Millisecond)
	b.send(addrB, s.next(copterBeat()))
	if got := heard(); got != b.at.UnixMicro() {
		t.Errorf("heard at a new address at %d, want %d", got, b.at.UnixMicro())
	}
}

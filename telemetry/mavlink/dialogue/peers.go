package dialogue

import (
	"sync/atomic"

	"testzone/vehicles"
)

const peerChunk = 1024

// peers finds vehicles by handle without a lock: Reports looks for each report.
// Who writes holds the Exchange's mu.
type peers struct {
	chunks [(vehicles.MaxHandles + peerChunk - 1) / peerChunk]atomic.Pointer[[peerChunk]atomic.Pointer[peer]]
}

// get returns nil for a vehicle that is not open.
func (t *peers) get(h vehicles.Handle) *peer {
	if h >= vehicles.MaxHandles {
		return nil
	}
	c := t.chunks[h/peerChunk].Load()
	if c == nil {
		return nil
	}
	return c[h%peerChunk].Load()
}

// set takes a handle below MaxHandles.
func (t *peers) set(h vehicles.Handle, p *peer) {
	c := &t.chunks[h/peerChunk]
	if c.Load() == nil {
		c.Store(new([peerChunk]atomic.Pointer[peer]))
	}
	c.Load()[h%peerChunk].Store(p)
}

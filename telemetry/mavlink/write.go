package mavlink

import (
	"net"
	"net/netip"
	"sync"
)

// Write sends a frame from the socket that the listener receives on, so that a
// NAT between it and the vehicle lets it through. It never waits: when the
// kernel's buffer is full it returns ErrBusy.
func (l *Listener) Write(to netip.AddrPort, frame []byte) error {
	return l.receivers[0].sock.write(to, frame) // all share one address
}

// gate keeps a descriptor from being closed while it is written to: its number
// could be that of another file by then.
type gate struct {
	mu     sync.RWMutex // guards the field below
	closed bool
}

func (g *gate) use(f func() error) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return net.ErrClosed
	}
	return f()
}

func (g *gate) end(close func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	return close()
}

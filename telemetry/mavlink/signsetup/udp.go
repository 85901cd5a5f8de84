package signsetup

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// UDP is a Link to a simulator on this machine: it answers to whoever was heard
// last.
type UDP struct {
	*net.UDPConn

	mu   sync.Mutex // guards the field below
	peer netip.AddrPort
}

// ListenUDP binds a loopback address.
func ListenUDP(addr string) (*UDP, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	if !a.IP.IsLoopback() {
		return nil, fmt.Errorf("%s: %w", addr, ErrNetwork)
	}
	conn, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, err
	}
	return &UDP{UDPConn: conn}, nil
}

// Read takes one datagram.
func (u *UDP) Read(b []byte) (int, error) {
	n, from, err := u.ReadFromUDPAddrPort(b)
	if err == nil {
		u.mu.Lock()
		u.peer = from
		u.mu.Unlock()
	}
	return n, err
}

// Write sends one datagram to whoever was heard last.
func (u *UDP) Write(b []byte) (int, error) {
	u.mu.Lock()
	to := u.peer
	u.mu.Unlock()
	if !to.Addr().Unmap().IsLoopback() {
		return 0, ErrNotHeard
	}
	return u.WriteToUDPAddrPort(b, to)
}

//go:build !linux

package mavlink

import (
	"net"
	"time"
)

func openSocket(addr *net.UDPAddr, buffer int, shared bool) (socket, error) {
	return openPortable(addr, buffer, shared)
}

// rest waits; the portable socket reads one datagram at a time, so waiting
// saves nothing.
func rest(time.Duration) {}

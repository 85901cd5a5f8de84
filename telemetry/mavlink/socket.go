package mavlink

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// portableSocket reads one datagram per call through the net package. It is
// what systems without recvmmsg use; the tests run it on every system.
type portableSocket struct {
	conn   *net.UDPConn
	local  netip.AddrPort
	buffer int
	slot   [slotSize + 1]byte // one byte more shows that a datagram was cut
}

func openPortable(addr *net.UDPAddr, buffer int, shared bool) (socket, error) {
	if shared {
		return nil, fmt.Errorf("%w: several receivers of one address need Linux", ErrConfig)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, err
	}
	// What the kernel made of it cannot be read back portably.
	for conn.SetReadBuffer(buffer) != nil && buffer > 64<<10 {
		buffer /= 2
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return &portableSocket{
		conn:   conn,
		local:  netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
		buffer: buffer,
	}, nil
}

func (s *portableSocket) read(b *batch) (int, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(wake)); err != nil {
		return 0, err
	}
	n, from, err := s.conn.ReadFromUDPAddrPort(s.slot[:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, nil
	case errors.Is(err, net.ErrClosed):
		return 0, err
	case err != nil:
		return 0, nil // an ICMP error of something that was sent; the socket lives
	}
	b.cut[0] = n > slotSize
	b.data[0] = s.slot[:min(n, slotSize)]
	b.from[0] = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	return 1, nil
}

func (s *portableSocket) write(to netip.AddrPort, frame []byte) error {
	_, err := s.conn.WriteToUDPAddrPort(frame, to)
	return err
}

func (s *portableSocket) drops() (uint32, bool) { return 0, false }
func (s *portableSocket) addr() netip.AddrPort  { return s.local }
func (s *portableSocket) receiveBuffer() int    { return s.buffer }
func (s *portableSocket) close() error          { return s.conn.Close() }

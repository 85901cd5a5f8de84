package mavlink

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

func (s *linuxSocket) write(to netip.AddrPort, frame []byte) error {
	var sa unix.Sockaddr
	switch {
	case s.local.Addr().Is4():
		if !to.Addr().Unmap().Is4() {
			return fmt.Errorf("send to %s from %s: %w", to, s.local, unix.EAFNOSUPPORT)
		}
		sa = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	default: // an IPv6 socket takes IPv4 in its mapped form
		zone, err := zoneID(to.Addr().Zone())
		if err != nil {
			return err
		}
		sa = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: zone}
	}
	return s.gate.use(func() error {
		switch err := unix.Sendto(s.fd, frame, unix.MSG_DONTWAIT, sa); err {
		case nil:
			return nil
		case unix.EAGAIN, unix.ENOBUFS:
			return ErrBusy
		default:
			return os.NewSyscallError("sendto", err)
		}
	})
}

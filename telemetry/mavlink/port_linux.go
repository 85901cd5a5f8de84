//go:build linux && !ppc64 && !ppc64le

package mavlink

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenPort opens a serial device for plain bytes: 8 data bits, no parity, one
// stop bit, no flow control. Nobody else can open it meanwhile. Reads and writes
// of the file obey deadlines.
func OpenPort(device string, baud int) (*os.File, error) {
	if baud <= 0 {
		return nil, fmt.Errorf("%w: %d baud", ErrConfig, baud)
	}
	// NONBLOCK: do not wait for a carrier, and let the runtime poll the file.
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: device, Err: err}
	}
	if err := setRaw(fd, baud); err != nil {
		_ = unix.Close(fd)
		return nil, &os.PathError{Op: "set up serial device", Path: device, Err: err}
	}
	return os.NewFile(uintptr(fd), device), nil
}

// setRaw is cfmakeraw(3), the speed, and exclusive use.
func setRaw(fd, baud int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF | unix.INPCK
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB | unix.CSTOPB | unix.CRTSCTS | unix.CBAUD
	t.Cflag |= unix.CS8 | unix.CREAD | unix.CLOCAL | unix.BOTHER // BOTHER: any speed, not only those of the table
	t.Ispeed, t.Ospeed = uint32(baud), uint32(baud)
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, t); err != nil {
		return err
	}
	return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0)
}

package signsetup

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"testzone/telemetry/mavlink"
)

// Over a device the tool does what it does over UDP.
func TestSerial(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	port, err := mavlink.OpenPort(fmt.Sprintf("/dev/pts/%d", n), 57_600)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	key := mavlink.Key{7}
	a := autopilot{system: 1}
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		b := make([]byte, 4096)
		for {
			if _, err := master.Write(append([]byte("boot\r\n"), a.beat()...)); err != nil {
				return
			}
			n, err := master.Read(b) // waits for the tool
			if err != nil {
				return
			}
			if answer := a.take(t, b[:n]); answer != nil {
				if _, err := master.Write(answer); err != nil {
					return
				}
			}
		}
	}()
	if err := Run(t.Context(), Config{Link: port, System: 1, Key: key, Prove: time.Second, Probe: time.Second}); err != nil {
		t.Error(err)
	}
	if err := Run(t.Context(), Config{Link: port, System: 2, Key: key, Hear: time.Second}); !errors.Is(err, ErrNotHeard) {
		t.Error(err)
	}
	port.Close()
	<-beats
}

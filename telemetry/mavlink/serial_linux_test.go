package mavlink

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A device that is not there yet, that speaks with boot text in between, that
// is pulled out, and that comes back as another one under the same name.
func TestSerial(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ttyUSB0")
	sink := newChannelSink()
	s, err := OpenSerial(StreamConfig{Config: Config{Name: "radio"}, Device: path, Baud: 115_200}, sink)
	if err != nil {
		t.Fatal(err)
	}
	s.wait = Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
	runStreams(t, s)
	until(t, "an attempt to open", func() bool { return s.Links().Failed > 0 })

	v := &sender{sys: 3, comp: 1}
	first, device := pty(t)
	if err := os.Symlink(device, path); err != nil {
		t.Fatal(err)
	}
	// Bytes are taken only once the device is open and raw.
	until(t, "the device", func() bool { return s.Links().Up == 1 })
	write(t, first, join([]byte("ArduCopter V4.5\r\n\xfd\x07"), v.frame(copterBeat())))
	write(t, first, join([]byte{0, 0x0a, 0x0d, 0x11, 0x13}, v.frame(somewhere())))
	src := take(t, sink.opened)
	if src.Addr.String() != "[::%ttyUSB0]:0" || src.SystemID != 3 || src.Listener != "radio" {
		t.Errorf("source %+v", src)
	}
	take(t, sink.reports)
	take(t, sink.reports)

	// The other direction, byte for byte, control characters included.
	down := []byte("\x0a\x0d\x11\x13\x03\x04\x1a\x00 down")
	if err := s.Write(src.Addr, down); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(down))
	if _, err := io.ReadFull(first, got); err != nil || !bytes.Equal(got, down) {
		t.Errorf("got %x, %v, want %x", got, err, down)
	}

	second, device := pty(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(device, path); err != nil {
		t.Fatal(err)
	}
	first.Close()
	until(t, "the device again", func() bool { l := s.Links(); return l.Up == 1 && l.Opened == 2 })
	write(t, second, v.frame(somewhere()))
	if r := take(t, sink.reports); r.Handle != 3 {
		t.Errorf("report %+v: the same vehicle on the same device is another one", r)
	}
	if n := len(sink.opened); n != 0 {
		t.Errorf("%d sources were opened again", n)
	}
	if st := s.Stats(); st.Garbage == 0 || st.Lost != 0 || st.Hot != 3 {
		t.Errorf("%+v", st)
	}
}

func TestOpenPort(t *testing.T) {
	if _, err := OpenPort("/dev/null", 57_600); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("no terminal: %v", err)
	}
	if _, err := OpenPort(filepath.Join(t.TempDir(), "none"), 57_600); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no device: %v", err)
	}
	_, device := pty(t)
	if _, err := OpenPort(device, 0); !errors.Is(err, ErrConfig) {
		t.Errorf("no speed: %v", err)
	}
	for _, baud := range []int{57_600, 921_600, 123_456} {
		p, err := OpenPort(device, baud)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := p.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var have *unix.Termios
		if ctl := conn.Control(func(fd uintptr) { have, err = unix.IoctlGetTermios(int(fd), unix.TCGETS2) }); ctl != nil || err != nil {
			t.Fatal(ctl, err)
		}
		if have.Ospeed != uint32(baud) || have.Lflag&(unix.ECHO|unix.ICANON) != 0 || have.Cflag&unix.CRTSCTS != 0 {
			t.Errorf("%d baud: %+v", baud, have)
		}
		p.Close()
	}
}

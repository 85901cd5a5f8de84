package gateway

import (
	"bytes"
	"io"
	"testing"
)

// A serial device brings frames one by one, and is written to.
func TestSerialGateway(t *testing.T) {
	master, device := pty(t)
	r, id := serve(t, nil), identity(t)
	r.enrol(t, id, "van", 1)
	c, err := NewClient(ClientConfig{Server: r.Addr().String(), Identity: id, Pin: &r.id.Fingerprint, Listen: "off", Device: device})
	if err != nil {
		t.Fatal(err)
	}
	run(t, c.Run)
	until(t, "the device", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.port != nil
	})
	v := &sender{sys: 1, comp: 1}
	one, two := v.beat(), v.beat()
	write(t, master, append(append([]byte("boot \xfd\x09"), one...), two[:5]...))
	write(t, master, two[5:])
	for _, want := range [][]byte{one, two} {
		if got := take(t, r.zone.frames); !bytes.Equal(got, want) {
			t.Errorf("got %x, want %x", got, want)
		}
	}
	route, _ := r.Route(1)
	down := (&sender{sys: 250, comp: 190}).text("\x03\x04\x11\x13\r\n")
	if err := r.Write(route.Addr, down); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(down))
	if _, err := io.ReadFull(master, got); err != nil || !bytes.Equal(got, down) {
		t.Errorf("got %x, %v", got, err)
	}
}

package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"testzone/telemetry/mavlink"
)

// relay stands between a fleet and the listener of a server: the fleet's sockets live on
// when the server is another one, on another port, and what the server sends is seen.
type relay struct {
	front *net.UDPConn

	mu    sync.Mutex // guards the fields below
	to    netip.AddrPort
	backs map[netip.AddrPort]*net.UDPConn
	sent  []sentOrder
}

// sentOrder is a command that the server sent to a vehicle.
type sentOrder struct {
	at      time.Time
	system  uint8
	command uint16
}

// newRelay passes datagrams on until the test ends.
func newRelay(t *testing.T) *relay {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{front: front, backs: map[netip.AddrPort]*net.UDPConn{}}
	var work sync.WaitGroup
	work.Go(func() { r.forth(&work) })
	t.Cleanup(func() {
		_ = front.Close()
		r.mu.Lock()
		for _, back := range r.backs {
			_ = back.Close()
		}
		r.backs = nil
		r.mu.Unlock()
		work.Wait()
	})
	return r
}

func (r *relay) addr() string { return r.front.LocalAddr().String() }

// aim has the datagrams go to a listener from now on.
func (r *relay) aim(t *testing.T, addr string) {
	t.Helper()
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
}

// forth passes on what vehicles send, each from a socket of its own.
func (r *relay) forth(work *sync.WaitGroup) {
	buf := make([]byte, 2048)
	for {
		n, vehicle, err := r.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		back, to := r.backs[vehicle], r.to
		if back == nil && r.backs != nil {
			if back, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err == nil {
				r.backs[vehicle] = back
				work.Go(func() { r.back(back, vehicle) })
			}
		}
		r.mu.Unlock()
		if back != nil && to.IsValid() {
			_, _ = back.WriteToUDPAddrPort(buf[:n], to) // nobody listens while the server is down
		}
	}
}

// back passes on what the server sends to a vehicle.
func (r *relay) back(conn *net.UDPConn, vehicle netip.AddrPort) {
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		r.tap(buf[:n])
		_, _ = r.front.WriteToUDPAddrPort(buf[:n], vehicle)
	}
}

// orderCommands are the MAV_CMD that make a vehicle do something: return, land, flight
// termination, set mode, reposition, pause or go on, arm, start a mission.
var orderCommands = []uint16{20, 21, 185, 176, 192, 193, 400, 300}

// tap notes the orders in a datagram.
func (r *relay) tap(b []byte) {
	for {
		raw, rest, ok := mavlink.NextFrame(b)
		if !ok {
			return
		}
		b = rest
		if raw[0] != 0xFD || len(raw) < 12 {
			continue
		}
		id := uint32(raw[7]) | uint32(raw[8])<<8 | uint32(raw[9])<<16
		var payload [40]byte
		copy(payload[:], raw[10:10+int(raw[1])])
		command := binary.LittleEndian.Uint16(payload[28:]) // in COMMAND_INT and COMMAND_LONG alike
		if (id == 75 || id == 76) && slices.Contains(orderCommands, command) {
			r.mu.Lock()
			r.sent = append(r.sent, sentOrder{time.Now(), payload[30], command})
			r.mu.Unlock()
		}
	}
}

// orders are the commands that were sent to a vehicle since a time.
func (r *relay) orders(system uint8, since time.Time) (out []uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sent {
		if s.system == system && !s.at.Before(since) {
			out = append(out, s.command)
		}
	}
	return out
}

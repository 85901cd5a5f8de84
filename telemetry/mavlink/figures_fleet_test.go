//go:build linux

package mavlink

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"golang.org/x/sys/unix"

	"testzone/vehicles"
)

// perListener is how many vehicles one listener of the figures has: system ids
// are its own.
const perListener = 250

// fleetKey is the key of vehicle i of a listener.
func fleetKey(listener, i int) Key {
	return sha256.Sum256(fmt.Appendf(nil, "figures %d %d", listener, i))
}

func fleetCredentials(listener, n int) (out []*Credential) {
	for i := range n {
		out = append(out, &Credential{
			Vehicle: vehicles.VehicleID(fmt.Sprintf("v-%d-%d", listener, i)), SystemID: uint8(i + 1),
			KeyID: fmt.Sprint(listener, i), Key: fleetKey(listener, i), Stamps: &Stamps{},
		})
	}
	return out
}

// fleetVehicle writes its frames in place: what is measured is the receiver.
type fleetVehicle struct {
	signed   bool
	key      Key
	seq      uint8
	ts       Stamp
	beat     []byte
	position []byte
	attitude []byte
	v        verifier
}

func newFleetVehicle(listener, i int, signed bool) *fleetVehicle {
	s := &sender{sys: uint8(i + 1), comp: 1}
	f := &fleetVehicle{signed: signed, key: fleetKey(listener, i), ts: StampOf(time.Now())}
	room := func(b []byte) []byte {
		if signed {
			b = append(b, make([]byte, signature)...)
			b[2] |= flagSigned
		}
		return b
	}
	f.beat, f.position = room(s.frame(copterBeat())), room(s.frame(somewhere()))
	f.attitude = room(s.frame(&ardupilotmega.MessageAttitude{TimeBootMs: 7, Roll: 0.5, Yaw: 1, Yawspeed: 0.1}))
	return f
}

// stamp makes a frame the next one of the vehicle.
func (f *fleetVehicle) stamp(b []byte) []byte {
	b[4] = f.seq
	f.seq++
	end := overheadV2 - 2 + int(b[1])
	extra := testCatalog().lookup(uint32(b[7])).extra
	binary.LittleEndian.PutUint16(b[end:], testCatalog().checksum(b[1:end], extra))
	if !f.signed {
		return b
	}
	f.ts++
	s := b[len(b)-signature:]
	s[0] = 1
	for i := range 6 {
		s[1+i] = byte(f.ts >> (8 * i))
	}
	n := len(b) - hashSize
	copy(f.v.buf[:], f.key[:])
	copy(f.v.buf[len(f.key):], b[:n])
	sum := sha256.Sum256(f.v.buf[:len(f.key)+n])
	copy(b[n:], sum[:hashSize])
	return b
}

// at is the next frame of a kind: 0 a heartbeat, odd ones positions with the
// clock as boot time, even ones attitudes.
func (f *fleetVehicle) at(kind int) []byte {
	switch {
	case kind == 0:
		return f.stamp(f.beat)
	case kind%2 == 1:
		binary.LittleEndian.PutUint32(f.position[10:], monotonicUS())
		return f.stamp(f.position)
	}
	return f.stamp(f.attitude)
}

// blaster sends many datagrams per call, each with a source address of its own
// within 127.0.0.0/8, from one socket.
type blaster struct {
	fd    int
	msgs  [blastSize]mmsghdr
	iovs  [blastSize]unix.Iovec
	to    [blastSize]unix.RawSockaddrInet4
	ctl   [blastSize]control
	bytes [blastSize][512]byte
	n     int
	sent  uint64
}

const blastSize = 64

// control is the ancillary message IP_PKTINFO.
type control struct {
	head unix.Cmsghdr
	info unix.Inet4Pktinfo
	_    [4]byte
}

func newBlaster(t *testing.T) *blaster {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(os.NewSyscallError("socket", err))
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	b := &blaster{fd: fd}
	for i := range b.msgs {
		b.iovs[i].Base = &b.bytes[i][0]
		b.to[i].Family = unix.AF_INET
		b.ctl[i].head = unix.Cmsghdr{Level: unix.IPPROTO_IP, Type: unix.IP_PKTINFO}
		b.ctl[i].head.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		h := &b.msgs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.to[i])), unix.SizeofSockaddrInet4
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
		h.Control = (*byte)(unsafe.Pointer(&b.ctl[i]))
		h.SetControllen(int(unsafe.Sizeof(control{})))
	}
	return b
}

// send queues a datagram; source is a number from 1 to 16 million.
func (b *blaster) send(t *testing.T, source uint32, to *net.UDPAddr, datagram []byte) {
	i := b.n
	b.iovs[i].SetLen(copy(b.bytes[i][:], datagram))
	b.to[i].Addr = [4]byte(to.IP.To4())
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&b.to[i].Port))[:], uint16(to.Port))
	b.ctl[i].info.Spec_dst = [4]byte{127, byte(source >> 16), byte(source >> 8), byte(source)}
	if b.n++; b.n == blastSize {
		b.flush(t)
	}
}

func (b *blaster) flush(t *testing.T) {
	for at := 0; at < b.n; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.msgs[at])), uintptr(b.n-at), 0, 0, 0)
		switch errno {
		case 0:
			at += int(n)
			b.sent += uint64(n)
		case unix.EAGAIN, unix.EINTR, unix.ENOBUFS:
		default:
			t.Fatal(os.NewSyscallError("sendmmsg", errno))
		}
	}
	b.n = 0
}

// fleet is vehicles that send to the listeners of one receiver.
type fleet struct {
	b        *blaster
	to       []*net.UDPAddr
	vehicles []*fleetVehicle
	next     int
}

func newFleet(t *testing.T, p *process, n int, signed bool) *fleet {
	f := &fleet{b: newBlaster(t), to: p.addrs}
	for i := range n {
		f.vehicles = append(f.vehicles, newFleetVehicle(i/perListener, i%perListener, signed))
	}
	return f
}

// one sends the next frame, round robin over the vehicles; of each vehicle one in
// 20 is a heartbeat, the first one too.
func (f *fleet) one(t *testing.T) {
	i := f.next % len(f.vehicles)
	f.b.send(t, uint32(i+1), f.to[i/perListener], f.vehicles[i].at(f.next/len(f.vehicles)%20))
	f.next++
}

// begin makes every vehicle known.
func (f *fleet) begin(t *testing.T, p *process) counts {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range f.vehicles {
		f.one(t)
		if f.next%10 == 0 { // a gomavlib node has a backlog of 128 new sources
			f.b.flush(t)
			<-tick.C
		}
	}
	f.b.flush(t)
	return p.settle(t, f.b.sent)
}

// pace sends at a rate for a time: as many frames each ms as are due by the clock.
func (f *fleet) pace(t *testing.T, perSecond int, d time.Duration, beside func(due int)) (n int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	start := time.Now()
	total := int(int64(perSecond) * d.Milliseconds() / 1000)
	for n < total {
		<-tick.C
		due := min(total, int(time.Since(start).Microseconds()*int64(perSecond)/1_000_000))
		for ; n < due; n++ {
			f.one(t)
			if beside != nil {
				beside(n)
			}
		}
		f.b.flush(t)
	}
	return n
}

// Package gateway carries MAVLink between a ground station and the server for
// autopilots that cannot sign. A Client beside the ground station passes what it
// hears over mutual TLS to a Server, which answers for the system ids that were
// enrolled with that gateway, and brings back what the server sends to them.
//
// Bytes are not changed in either direction, and order is kept. What is late is
// dropped: a datagram older than 2 s at the server, a frame for a vehicle older
// than 2 s at the gateway. Losses inside the gateway are counted by sequence
// numbers. SETUP_SIGNING, which holds a key, passes in neither direction.
//
// A gateway that is lost is silence for its vehicles: their links degrade like
// any other, and nothing here tells them from vehicles out of range. The Client
// trusts whoever can send to its UDP socket: keep that on loopback.
//
// PROTOCOL.md is the format. Client and Server are safe for concurrent use; Run
// owns their goroutines.
package gateway

import (
	"errors"
	"time"
)

var (
	// ErrNotEnrolled is returned when the server does not know the key of this gateway.
	ErrNotEnrolled = errors.New("the server does not know this gateway: enrol its fingerprint")
	// ErrVersion is returned when the two sides speak different versions of the protocol.
	ErrVersion = errors.New("gateway and server speak different versions of the protocol: update the older")
	// ErrProtocol is returned when the other side broke the protocol; it wraps how.
	ErrProtocol = errors.New("gateway protocol broken")
	// ErrReplaced is returned when a newer connection with the same key took the place.
	ErrReplaced = errors.New("replaced by a newer connection with the same key: one identity file is for one gateway")
	// ErrStopped is returned when the server ends the connection because it stops.
	ErrStopped = errors.New("the server stops")
	// ErrWrongServer is returned when the server shows another key than the pinned one.
	ErrWrongServer = errors.New("the server's key is not the pinned one")
	// ErrNotConnected is returned by Write when the gateway is not connected.
	ErrNotConnected = errors.New("gateway is not connected")
	// ErrBusy is returned by Write when the gateway does not take frames as fast as they come.
	ErrBusy = errors.New("gateway does not keep up")
	// ErrFrame is returned by Write for bytes that are not one frame of the dialect, and for SETUP_SIGNING.
	ErrFrame = errors.New("not a frame that may be sent")
	// ErrRunning is returned by Run when it was called before, or after Close.
	ErrRunning = errors.New("gateway: was already run or closed")
	// ErrConfig is returned when a configuration cannot be used.
	ErrConfig = errors.New("gateway: bad configuration")
)

// Times and sizes of PROTOCOL.md.
const (
	staleAfter  = 2 * time.Second // SAFETY 3 and 4: neither evidence nor orders are late
	silentAfter = 5 * time.Second
	pingEvery   = time.Second
	statusEvery = time.Second

	// handshakeTime is for TLS, hello and welcome together.
	handshakeTime = 5 * time.Second

	// sendBuffer is asked of the kernel: what waits there cannot be replaced by
	// newer telemetry.
	sendBuffer = 64 << 10
)

// clock counts µs from its start and never steps.
type clock struct{ start time.Time }

func (c clock) now() uint64 { return uint64(time.Since(c.start).Microseconds()) }

package mavlink

import (
	"net/netip"

	"testzone/vehicles"
)

// Route is how a vehicle is reached that proved who it is.
type Route struct {
	Handle vehicles.Handle
	// Credential is what it proved itself with; nil: with nothing, and nothing is
	// ever sent there.
	Credential *Credential
	Addr       netip.AddrPort
	SystemID   uint8
	Autopilot  uint8 // component id
	// HeardUS is when its newest valid frame was received over this link, in µs
	// since the Unix epoch: of several links the newest is sent over.
	HeardUS int64
}

// Link is what a Sender reaches vehicles over: a listener, a stream, a gateway.
// Both methods are safe for concurrent use.
type Link interface {
	// Route tells where a bound vehicle is; ok=false: it is not bound here.
	Route(h vehicles.Handle) (r Route, ok bool)
	// Write hands one frame over. It returns an error rather than wait for long:
	// a link that is stuck for seconds stops the heartbeats of its vehicles.
	Write(to netip.AddrPort, frame []byte) error
}

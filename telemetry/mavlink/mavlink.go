// Package mavlink turns MAVLink datagrams into vehicles.Reports: it owns the
// UDP socket, walks every frame of a datagram (versions 1 and 2), checks the
// CRC against the ardupilotmega dialect, and decodes the hot messages in place.
// Cold messages (STATUSTEXT, HOME_POSITION, …) are decoded with gomavlib.
//
// A source is (listener, ip:port, system id). Only the heartbeat of an
// autopilot component of a vehicle type opens one, and only the component that
// sent it reports for it: ground stations, radios, cameras and companions never
// become a track and never move one. Nothing here verifies signatures yet, so
// everything a Listener reports is UNVERIFIED.
//
// Every frame is accounted for once; Stats holds
//
//	Frames  = Decoded + the sum of Refused
//	Decoded = Hot + Cold + Sighted + Ignored      (delivered: all but Ignored)
//
// so a sender of n intact frames can compute what is unaccounted as
// n - Frames - frames in KernelDrops. A frame that is cut or damaged counts as
// one refused frame, noise between frames as one Garbage per datagram.
//
// All calls of a Sink come from the one receiving goroutine of its Listener.
// Sequence gaps (Lost) include frames whose id is not in the dialect: they
// cannot be checked and therefore never touch a vehicle.
package mavlink

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

// Errors of this package.
var (
	// ErrRunning is returned by Run when the Listener already ran or was closed.
	ErrRunning = errors.New("mavlink: listener was already run or closed")
	// ErrConfig is returned by Listen when the configuration cannot be used.
	ErrConfig = errors.New("mavlink: bad listener configuration")
)

// Sink takes what a Listener decodes. All calls of one listener come from its
// receiving goroutine, or goroutines: see Config.Receivers; a Sink that blocks
// stops the listener.
type Sink interface {
	// Open gives a handle to a source whose autopilot heartbeat was just seen.
	// ok=false: the zone is full; the source stays unseen, is counted as refused
	// and asked for again at most once a second.
	Open(src Source) (h vehicles.Handle, ok bool)
	// Reports hands over a batch in the order of arrival. The slice is valid
	// during the call only.
	Reports(batch []vehicles.Report)
	// Note hands over a cold message of a vehicle. Reports of the same datagrams
	// may come before or after it. receivedUS is in µs since the Unix epoch.
	Note(h vehicles.Handle, receivedUS int64, msg message.Message)
	// Close says that a source was silent for Config.Idle and its session is
	// dropped; the handle will not be used again by this listener.
	Close(h vehicles.Handle)
}

// Recorder takes the bytes of frames as they were received. It is called by the
// receiving goroutine: it must not block, allocate, or keep the slice.
// SETUP_SIGNING, which holds a key, is never given to it.
type Recorder interface {
	// Record takes a frame that was accepted.
	Record(receivedUS int64, frame []byte)
	// Quarantine takes a frame that was refused, as evidence.
	Quarantine(receivedUS int64, frame []byte, why Reason)
}

// Source is who sends: what makes it unique on an open listener, and what its
// heartbeat said about the machine.
type Source struct {
	Listener              string
	Addr                  netip.AddrPort
	SystemID, ComponentID uint8
	Class                 vehicles.Class
	MAVType, Autopilot    uint8 // MAV_TYPE, MAV_AUTOPILOT

	// Vehicle is who proved to be it; empty on an open listener, where nobody does.
	Vehicle vehicles.VehicleID
}

// Config of a Listener. The zero value listens on a free port of 127.0.0.1.
type Config struct {
	Name string // in the configuration and in every Source, e.g. "open"
	Addr string // host:port; "" is 127.0.0.1:0; ":14550" is every address, IPv6 included

	// Keys is who may speak here. Without it the listener is open: anybody may,
	// and all of it is UNVERIFIED.
	Keys *Keyring
	// Recorder keeps the raw frames; nil: nobody does.
	Recorder Recorder
	// Suspect is told of sources that show signatures which are not theirs, at
	// most ten a minute. It is called by the receiving goroutine and must not block.
	Suspect func(Suspicion)
	// NotBefore is a time that was certainly reached: that of the newest entry
	// and signature of the run before. A server whose clock is behind it does not
	// take honest signatures for ones of the future (SAFETY 10).
	NotBefore time.Time

	// Traffic takes sightings of others, and own remote ids; nil: they are ignored.
	Traffic Traffic

	Limits Limits
	Idle   time.Duration    // silence after which a session is dropped; 5 minutes
	Clock  func() time.Time // time.Now; read once per batch of datagrams

	// Receivers is how many sockets share the address, each with a goroutine of
	// its own; default 1, which is the best on two cores. With more the Sink is
	// called by all of them at once. Only Linux can do it.
	Receivers int
	// ReceiveBuffer is what to ask of the kernel, in bytes; 16 MiB. What was
	// achieved is in Listener.ReceiveBuffer: without CAP_NET_ADMIN the kernel
	// caps it silently at net.core.rmem_max.
	ReceiveBuffer int
	// Pause is the longest wait after a nearly empty read at more than 5,000
	// datagrams/s. It adds up to this to the latency and saves a wake-up per
	// datagram (see bench-mavlink). 0 is 1 ms, negative never waits.
	Pause time.Duration

	Logger *slog.Logger // nil: silent. At most one summary a second.
}

// Limits bound what one listener lets through. Zero is the default that each
// field names, negative is no limit (not for the tables). A replay or load-test
// listener raises them by name in its configuration.
type Limits struct {
	PerSource      int // frames/s of one vehicle; 200
	BurstPerSource int // frames at once; twice PerSource

	UnknownPerSource int // heartbeats/s of vehicles without session from one ip:port; 5, on signed listeners 20
	// UnknownTotal is the same for all of them together: 1,000; on signed
	// listeners 100,000 signatures, which cost 3 % of a core, so that forged
	// addresses cannot keep an honest vehicle out.
	UnknownTotal       int
	UnknownPerDatagram int // frames without session in one datagram; 16

	NotesPerSource   int // cold messages/s of one vehicle, 64 at once; 10
	NotesTotal       int // cold messages/s together; 1,000
	AnswersPerSource int // messages/s of exchanges with a vehicle that proved who it is, 64 at once; 200

	Sessions int // sources with a session; 8,192. Costs about 200 bytes each
	Pending  int // sources remembered without a session; 256, oldest evicted
}

func (l Limits) withDefaults(signed bool) Limits {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&l.PerSource, 200)
	def(&l.BurstPerSource, 2*l.PerSource)
	if signed {
		def(&l.UnknownPerSource, 20)
		def(&l.UnknownTotal, 100_000)
	}
	def(&l.UnknownPerSource, 5)
	def(&l.UnknownTotal, 1000)
	def(&l.UnknownPerDatagram, 16)
	def(&l.NotesPerSource, 10)
	def(&l.NotesTotal, 1000)
	def(&l.AnswersPerSource, 200)
	if l.Sessions <= 0 {
		l.Sessions = 8192
	}
	if l.Pending <= 0 {
		l.Pending = 256
	}
	return l
}

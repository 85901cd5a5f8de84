package mavlink

import "iter"

// Reason says why a frame was refused.
type Reason uint8

// The reasons. Each refused frame has exactly one.
const (
	CRC            Reason = iota // checksum wrong
	Length                       // cut off, or not the length of the message in MAVLink 1
	Flags                        // unknown incompatibility flag
	UnknownID                    // id not in the dialect: cannot be checked, never acted on
	Rate                         // over a limit of its source, or of all unknown sources
	NoSession                    // of a source whose autopilot heartbeat was not seen
	NotVehicle                   // heartbeat of a ground station, camera, radio, …
	Refused                      // the Sink or the session table is full
	OtherComponent               // not of the component that owns the track
	BadFloat                     // NaN or infinite where a number is needed
	Mailbox                      // cold message over the budget
	NotEnrolled                  // signed listener: no vehicle here has the system id
	Unsigned                     // signed listener: no signature
	BadSignature                 // signed with no key of the vehicle
	Replay                       // its signing timestamp was seen, or is older than the last one
	Future                       // its signing timestamp is more than an hour ahead
	WrongComponent               // right signature, but of a component that may not use the key
	Muted                        // of a source whose signatures were wrong too often
	ReasonCount
	accepted = ReasonCount
)

// String is the label of the reason in metrics.
func (r Reason) String() string {
	switch r {
	case CRC:
		return "crc"
	case Length:
		return "length"
	case Flags:
		return "flags"
	case UnknownID:
		return "unknown_id"
	case Rate:
		return "rate"
	case NoSession:
		return "no_session"
	case NotVehicle:
		return "not_vehicle"
	case Refused:
		return "refused"
	case OtherComponent:
		return "other_component"
	case BadFloat:
		return "bad_float"
	case Mailbox:
		return "mailbox_full"
	case NotEnrolled:
		return "not_enrolled"
	case Unsigned:
		return "unsigned"
	case BadSignature:
		return "bad_signature"
	case Replay:
		return "replay"
	case Future:
		return "future"
	case WrongComponent:
		return "wrong_component"
	case Muted:
		return "muted"
	}
	return "unknown"
}

// Stats counts since the Listener was made. See the package comment for how the
// numbers add up.
type Stats struct {
	Datagrams   uint64
	Bytes       uint64
	Garbage     uint64 // datagrams with bytes that are no frame
	Truncated   uint64 // datagrams longer than a slot of 2,048 bytes; what fitted was read
	KernelDrops uint64 // datagrams that the kernel dropped because the buffer was full

	Frames  uint64 // found, whatever became of them
	Decoded uint64 // passed every check
	Hot     uint64 // each is one Report
	Cold    uint64 // each is one Note
	Sighted uint64 // each is one Sighting of Traffic
	Ignored uint64 // messages that nobody here asks for
	Refused [ReasonCount]uint64

	NoPosition uint64 // Reports of Hot without position: 0/0, off the globe, no GPS fix
	Lost       uint64 // gaps in the sequence numbers of the track-owning components

	Opened   uint64 // sessions
	Roamed   uint64 // of them: further addresses of a vehicle that has a session
	Closed   uint64
	Sessions uint64 // now
}

// add sums the counters of several receivers.
func (s *Stats) add(o *Stats) {
	s.Datagrams += o.Datagrams
	s.Bytes += o.Bytes
	s.Garbage += o.Garbage
	s.Truncated += o.Truncated
	s.KernelDrops += o.KernelDrops
	s.Frames += o.Frames
	s.Decoded += o.Decoded
	s.Hot += o.Hot
	s.Cold += o.Cold
	s.Ignored += o.Ignored
	for i, n := range o.Refused {
		s.Refused[i] += n
	}
	s.NoPosition += o.NoPosition
	s.Lost += o.Lost
	s.Opened += o.Opened
	s.Roamed += o.Roamed
	s.Closed += o.Closed
	s.Sessions += o.Sessions
}

// RefusedTotal is the number of refused frames, whatever the reason.
func (s *Stats) RefusedTotal() uint64 {
	var n uint64
	for _, v := range s.Refused {
		n += v
	}
	return n
}

// Counters yields every number under the name that metrics use; refused frames
// by the label of their reason.
func (s *Stats) Counters() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, c := range []struct {
			name string
			v    uint64
		}{
			{"datagrams", s.Datagrams}, {"bytes", s.Bytes}, {"garbage", s.Garbage},
			{"truncated", s.Truncated}, {"kernel_drop", s.KernelDrops},
			{"frames", s.Frames}, {"decoded", s.Decoded}, {"delivered", s.Hot + s.Cold + s.Sighted},
			{"hot", s.Hot}, {"cold", s.Cold}, {"sighted", s.Sighted}, {"ignored", s.Ignored},
			{"no_position", s.NoPosition}, {"lost", s.Lost},
			{"opened", s.Opened}, {"roamed", s.Roamed}, {"closed", s.Closed}, {"sessions", s.Sessions},
		} {
			if !yield(c.name, c.v) {
				return
			}
		}
		for r, v := range s.Refused {
			if !yield(Reason(r).String(), v) {
				return
			}
		}
	}
}

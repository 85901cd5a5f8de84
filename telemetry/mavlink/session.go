package mavlink

import (
	"net/netip"
	"time"

	"testzone/vehicles"
)

// key is the identity of a source on one listener. System id 0 is no source
// (MAVLink: broadcast) and stands for the whole address in the pending table.
type key struct {
	addr netip.AddrPort
	sys  uint8
}

// slot is where the decoder looks first for the session of a source. Vehicles
// behind one address differ in port or system id; those that are alike but for
// the address share a slot.
func slot(addr netip.AddrPort, sys uint8) int {
	return int((uint32(addr.Port())<<8 | uint32(sys)) * 0x9E3779B1 >> 22)
}

// session is a source whose autopilot heartbeat was accepted. Times are in ns
// since the decoder started.
type session struct {
	handle   vehicles.Handle
	class    vehicles.Class
	owner    uint8 // component id that owns the track
	seen     bool  // lastSeq is set
	lastSeq  uint8
	gpsFix   uint8 // of the last GPS_RAW_INT; fixUnseen before the first
	battery  bool  // BATTERY_STATUS knows the charge: SYS_STATUS is not asked
	lastSeen int64
	frames   bucket
	notes    bucket
	answers  bucket

	// Of vehicles that proved who they are; cred is nil on an open listener.
	key                key
	vehicle            vehicles.VehicleID
	cred               *Credential // under whose key the last frame was signed
	mavType, autopilot uint8       // of the heartbeat
	leads              bool        // of the vehicle's sessions, what is sent to it goes here
	suspicion

	plans     planNumbers // of the last MISSION_CURRENT
	sightings bucket
	signal    [signalReceivers]uint8 // last GNSS_INTEGRITY of each receiver
}

const (
	fixUnseen = 255
	// boundSessions is from how many addresses one vehicle is heard at once: two
	// radios, and one that it has just left.
	boundSessions = 4
)

func (s *session) route() Route {
	return Route{Handle: s.handle, Addr: s.key.addr, SystemID: s.key.sys, Autopilot: s.owner, Credential: s.cred}
}

// gap follows the sequence numbers of the owner and returns how many frames are
// missing before this one. A step back (duplicate, late frame) is none.
func (s *session) gap(seq uint8) uint64 {
	if !s.seen {
		s.seen, s.lastSeq = true, seq
		return 0
	}
	d := seq - s.lastSeq - 1
	if d >= 128 {
		return 0
	}
	s.lastSeq = seq
	return uint64(d)
}

// rate is a limit of a bucket, in ns: one token per interval, and how far ahead
// of the clock the bucket may run. An interval of 0 does not limit.
type rate struct{ interval, ahead int64 }

// perSecond allows n/s and burst at once; n < 0 does not limit.
func perSecond(n, burst int) rate {
	if n < 0 || burst < 0 {
		return rate{}
	}
	iv := int64(time.Second) / int64(max(n, 1))
	return rate{iv, iv * int64(max(burst, 1)-1)}
}

// more is r with room for n more tokens at once.
func (r rate) more(n int64) rate { return rate{r.interval, r.ahead + r.interval*n} }

// bucket is a token bucket in the form of GCRA: it holds the time at which all
// that was taken will be paid for.
type bucket struct{ paid int64 }

func (b *bucket) take(now int64, r rate) bool {
	if r.interval == 0 {
		return true
	}
	t := max(b.paid, now)
	if t-now > r.ahead {
		return false
	}
	b.paid = t + r.interval
	return true
}

// pending remembers sources without session in a bounded ring; a new one evicts
// the oldest.
type pending struct {
	index map[key]int
	slots []pendingSlot
	next  int
}

type pendingSlot struct {
	key    key
	used   bool
	bucket bucket
	until  int64 // do not ask the Sink before
	suspicion
}

func newPending(n int) *pending {
	return &pending{index: make(map[key]int, n), slots: make([]pendingSlot, n)}
}

// find returns the slot of k, nil if it has none.
func (p *pending) find(k key) *pendingSlot {
	if i, ok := p.index[k]; ok {
		return &p.slots[i]
	}
	return nil
}

// get returns the slot of k and makes one if needed. It is valid until the next
// get.
func (p *pending) get(k key) *pendingSlot {
	if s := p.find(k); s != nil {
		return s
	}
	i := p.next
	p.next = (i + 1) % len(p.slots)
	s := &p.slots[i]
	if s.used {
		delete(p.index, s.key)
	}
	*s = pendingSlot{key: k, used: true}
	p.index[k] = i
	return s
}

package mavlink

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"

	"testzone/vehicles"
)

const (
	hashSize = 6 // of the signature: the first bytes of the SHA-256

	// suspicious is how many frames of one source must be refused for the same
	// kind of reason within suspicionTime before somebody is told.
	suspicious    = 10
	suspicionTime = int64(time.Minute)
	// mutedInterval is between two signatures that are looked at of a source that
	// is muted: an honest vehicle behind its address is not shut out for good.
	mutedInterval = int64(time.Second)
)

// Suspicion is a source that shows a signature which is not its own: damage
// does not look like this, the checksum is right.
type Suspicion struct {
	Listener string
	Addr     netip.AddrPort
	SystemID uint8
	Vehicle  vehicles.VehicleID // who the system id is of
	Why      Reason             // BadSignature, Replay, Future, WrongComponent
	Count    int                // frames within a minute
}

// verifier checks signatures. It belongs to one goroutine and does not allocate.
type verifier struct {
	buf [len(Key{}) + maxFrame]byte // key and frame
}

// right reports whether a signed frame was signed with the key: the signature is
// the first 6 bytes of SHA-256 over key and frame up to the timestamp.
func (v *verifier) right(k *Key, frame []byte) bool {
	n := len(frame) - hashSize
	copy(v.buf[:], k[:])
	copy(v.buf[len(k):], frame[:n])
	sum := sha256.Sum256(v.buf[:len(k)+n])
	return subtle.ConstantTimeCompare(sum[:hashSize], frame[n:]) == 1
}

// signatureOf reads link id and timestamp of a signed frame.
func signatureOf(frame []byte) (link uint8, ts Stamp) {
	s := frame[len(frame)-signature:]
	return s[0], Stamp(s[1]) | Stamp(s[2])<<8 | Stamp(s[3])<<16 | Stamp(s[4])<<24 | Stamp(s[5])<<32 | Stamp(s[6])<<40
}

// suspicion counts what one source is suspected of.
type suspicion struct {
	since int64
	n     int
	muted int64 // until when; 0: never was
	tried int64 // while muted
}

// add counts a frame; true when it is time to tell, once per suspicionTime.
func (s *suspicion) add(now int64) bool {
	if now-s.since > suspicionTime || s.n == 0 {
		s.since, s.n = now, 0
	}
	s.n++
	return s.n == suspicious
}

// authenticate decides whether a frame is of who it says, and finds or opens the
// session. s is the session of its source, nil if there is none.
func (d *decoder) authenticate(s *session, f *frame) (*session, Reason) {
	list := d.set[f.sys]
	if len(list) == 0 {
		return s, NotEnrolled
	}
	cred := list[0]
	if !cred.Vouched {
		if !f.signed {
			return s, Unsigned
		}
		if s == nil {
			if why := d.mayTry(f, cred); why != accepted {
				return nil, why
			}
		}
		if cred = d.signer(s, list, f.raw); cred == nil {
			d.suspect(f.sys, s, list[0], BadSignature)
			return s, BadSignature
		}
	}
	if !cred.allows(f.comp) {
		d.suspect(f.sys, s, cred, WrongComponent)
		return s, WrongComponent
	}
	if !cred.Vouched {
		link, ts := signatureOf(f.raw)
		switch cred.Stamps.accept(f.comp, link, ts, d.latest) {
		case replayed:
			d.suspect(f.sys, s, cred, Replay)
			return s, Replay
		case future:
			d.suspect(f.sys, s, cred, Future)
			return s, Future
		}
	}
	if s == nil {
		return d.bind(key{d.from, f.sys}, f, cred)
	}
	if s.cred != cred {
		s.cred, s.leads = cred, false // the route names the key
	}
	if !s.leads && f.comp == s.owner {
		d.follow(s)
	}
	return s, accepted
}

// mayTry decides whether the signature of a frame without session is looked at.
// Only the autopilot's frames can open one: its heartbeat the first, any other
// one further addresses of a vehicle that is bound.
func (d *decoder) mayTry(f *frame, cred *Credential) Reason {
	if f.comp != cred.autopilot() || f.id != idHeartbeat && d.bound[cred.Vehicle] == nil {
		return NoSession
	}
	p := d.pending.get(key{addr: d.from})
	if d.now < p.muted {
		if d.now-p.tried < mutedInterval {
			return Muted
		}
		p.tried = d.now
		return accepted
	}
	// Its own address pays first, so that a flood from one address cannot spend
	// what all share.
	if !p.bucket.take(d.now, d.addrRate) || !d.unknown.take(d.now, d.unknownRate) {
		return Rate
	}
	return accepted
}

// signer is the credential with whose key the frame was signed, nil if none.
func (d *decoder) signer(s *session, list []*Credential, raw []byte) *Credential {
	var tried *Credential
	if s != nil {
		if tried = s.cred; d.verifier.right(&tried.Key, raw) {
			return tried
		}
	}
	for _, c := range list {
		if c != tried && d.verifier.right(&c.Key, raw) {
			return c
		}
	}
	return nil
}

// suspect counts against the source, mutes one that has no session, and tells.
// A session is never muted: whoever forges its address would silence it.
func (d *decoder) suspect(sys uint8, s *session, cred *Credential, why Reason) {
	var about *suspicion
	if s != nil {
		about = &s.suspicion
	} else {
		about = &d.pending.get(key{addr: d.from}).suspicion
	}
	if !about.add(d.now) {
		return
	}
	if s == nil && why == BadSignature {
		about.muted, about.tried = d.now+suspicionTime, d.now
	}
	if d.tell != nil && d.told.take(d.now, d.tellRate) {
		d.tell(Suspicion{Listener: d.name, Addr: d.from, SystemID: sys, Vehicle: cred.Vehicle, Why: why, Count: about.n})
	}
}

// bind opens a session for an authentic frame of the autopilot. One vehicle has
// at most boundSessions: a further address replaces the one that was silent longest.
func (d *decoder) bind(k key, f *frame, cred *Credential) (*session, Reason) {
	if f.comp != cred.autopilot() {
		return nil, OtherComponent
	}
	have := d.bound[cred.Vehicle]
	src := Source{Listener: d.name, Addr: k.addr, SystemID: k.sys, ComponentID: f.comp, Vehicle: cred.Vehicle}
	s := &session{cred: cred, vehicle: cred.Vehicle, owner: f.comp, gpsFix: fixUnseen, lastSeen: d.now, key: k}
	switch {
	case f.id == idHeartbeat:
		p := d.padded(f.payload)
		var ok bool
		if src.Class, ok = classOf(p[4], p[5]); !ok {
			return nil, NotVehicle
		}
		src.MAVType, src.Autopilot = p[4], p[5]
	case len(have) == 0:
		return nil, NoSession
	default:
		src.Class, src.MAVType, src.Autopilot = have[0].class, have[0].mavType, have[0].autopilot
	}
	if len(have) > 0 {
		s.gpsFix, s.battery = have[len(have)-1].gpsFix, have[len(have)-1].battery
	}
	s.class, s.mavType, s.autopilot = src.Class, src.MAVType, src.Autopilot
	if len(have) == 0 && len(d.sessions) >= d.limits.Sessions {
		return nil, Refused
	}
	h, ok := d.sink.Open(src)
	if !ok {
		return nil, Refused
	}
	s.handle = h
	if len(have) == boundSessions {
		d.drop(oldest(have))
	}
	d.bound[cred.Vehicle] = append(d.bound[cred.Vehicle], s)
	if len(have) > 0 {
		d.stats.Roamed++
	}
	d.keep(s)
	return s, accepted
}

// unbind takes a session from its vehicle, and leads elsewhere if it led here.
func (d *decoder) unbind(s *session) {
	list := slices.DeleteFunc(d.bound[s.vehicle], func(o *session) bool { return o == s })
	if d.bound[s.vehicle] = list; len(list) == 0 {
		delete(d.bound, s.vehicle)
	}
	var next *session
	if s.leads && len(list) > 0 {
		next = list[len(list)-1]
		next.leads = true
	}
	d.routes.replace(s.handle, s.key.addr, next)
}

// lead sends to the vehicle here from now on.
func (d *decoder) lead(s *session) {
	for _, o := range d.bound[s.vehicle] {
		o.leads = false
	}
	s.leads = true
	route := s.route()
	route.HeardUS = d.heardUS(s)
	d.routes.set(route)
}

// leadTime is for how long the address where a vehicle was heard last stays the
// one it is sent to although it is heard at another one too.
const leadTime = int64(time.Second)

// follow leads to a session when that which led has fallen silent.
func (d *decoder) follow(s *session) {
	for _, o := range d.bound[s.vehicle] {
		if o.leads && d.now-o.lastSeen < leadTime {
			return
		}
	}
	d.lead(s)
}

func oldest(list []*session) *session {
	old := list[0]
	for _, s := range list[1:] {
		if s.lastSeen < old.lastSeen {
			old = s
		}
	}
	return old
}

// revalidate ends the sessions of credentials that are gone, after a change of
// the keyring.
func (d *decoder) revalidate() {
	next := d.keys.current()
	if next == d.set {
		return
	}
	d.set = next
	for _, s := range d.sessions {
		if c := stillValid(next[s.key.sys], s); c != nil {
			s.cred = c
		} else {
			d.drop(s)
		}
	}
}

// stillValid is the credential under which the session's vehicle spoke last, in a
// new list; nil when it is gone.
func stillValid(list []*Credential, s *session) *Credential {
	for _, c := range list {
		if c.Vehicle == s.cred.Vehicle && c.KeyID == s.cred.KeyID && c.Vouched == s.cred.Vouched && c.autopilot() == s.owner {
			return c
		}
	}
	return nil
}

package mavlink

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/minimal"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/vehicles"
)

var (
	// ErrNoRoute is returned when a vehicle is not bound over any link now, or proved nothing: nothing is ever sent to an UNVERIFIED source.
	ErrNoRoute = errors.New("the vehicle is not reachable over an authenticated link")
	// ErrBusy is returned when a frame cannot be sent now: too many wait for the same vehicle, or the link takes no more. Try again later.
	ErrBusy = errors.New("the link to the vehicle is busy")
	// ErrSendRate is returned when more frames/s would go to one vehicle than its limit. Try again later.
	ErrSendRate = errors.New("over the limit of frames to one vehicle")
	// ErrForbidden is returned for a message that must not cross a network: SETUP_SIGNING, which holds a key.
	ErrForbidden = errors.New("the message must not be sent over a network")
	// ErrTarget is returned when a message is addressed to another system than the vehicle that it shall go to.
	ErrTarget = errors.New("the message is addressed to another system")
)

const (
	idCommandLong = 76
	idCommandInt  = 75

	// groundStation is the default ArduPilot SYSID_MYGCS. A vehicle counts its
	// heartbeats for its own link failsafe: ours would hide that the operator's
	// ground station is gone.
	groundStation = 255
)

// SenderConfig of a Sender. The zero value is what the zone is to its vehicles.
type SenderConfig struct {
	SystemID    uint8 // 250; never 255
	ComponentID uint8 // 190, MAV_COMP_ID_MISSIONPLANNER, customary for ground stations
	// LinkID of our signatures, the same for the life of the server: a vehicle
	// remembers 16 streams and refuses the next one until it reboots. 1.
	LinkID uint8

	PerVehicle int // frames/s to one vehicle; 200
	Burst      int // frames at once; twice PerVehicle
	Waiting    int // callers that may wait for the same vehicle; 64

	// NotBefore is a time that was certainly reached, as in Config: a server whose
	// clock is behind it does not sign what its vehicles take for a replay.
	NotBefore time.Time

	Clock func() time.Time // time.Now
}

func (cfg *SenderConfig) withDefaults() error {
	for _, f := range []struct {
		p   *uint8
		def uint8
	}{{&cfg.SystemID, 250}, {&cfg.ComponentID, 190}, {&cfg.LinkID, 1}} {
		if *f.p == 0 {
			*f.p = f.def
		}
	}
	for _, f := range []struct {
		p   *int
		def int
	}{{&cfg.PerVehicle, 200}, {&cfg.Burst, 2 * max(cfg.PerVehicle, 200)}, {&cfg.Waiting, 64}} {
		if *f.p <= 0 {
			*f.p = f.def
		}
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.SystemID == groundStation {
		return fmt.Errorf("%w: system id 255 is the operators' ground stations': vehicles would not notice that theirs is gone", ErrConfig)
	}
	return nil
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

// Sender sends to vehicles that proved who they are, over the link that each was
// heard on last, signed with the key that it proved itself with; behind a
// gateway, which answers for the link, unsigned. Frames to one vehicle go out one
// after the other with rising stamps. Send returns when the link has the frame,
// which is no proof that the vehicle got it. Safe for concurrent use.
type Sender struct {
	cfg   SenderConfig
	codec *Codec
	start time.Time
	beat  message.Message

	frameRate, orderRate rate

	sent, bytes, beats, lateBeats, failed atomic.Uint64
	refused                               [6]atomic.Uint64 // as in sendErrors, in its order

	mu    sync.RWMutex // guards the fields below
	links []*senderLink
	boxes map[vehicles.Handle]*outbox
	seqs  map[peer]*sequence
}

// senderLink is a link with what the heartbeats need.
type senderLink struct {
	Link
	beating atomic.Bool
}

// outbox is the turn of one vehicle.
type outbox struct {
	opens   int // guarded by the Sender's mu
	waiting atomic.Int32
	gone    atomic.Bool // closed, perhaps while somebody waited

	turn   chan struct{} // holds one while a frame goes out; guards the fields below
	bucket bucket
	peer   peer
	seq    *sequence
	buf    [maxFrame]byte
}

// peer is what has a sequence of its own: what hears all that we send there.
type peer struct {
	link *senderLink
	addr netip.AddrPort
}

// sequence numbers the frames to one peer.
type sequence struct {
	users int // outboxes; guarded by the Sender's mu
	next  atomic.Uint32
}

// NewSender makes a Sender without links. Run sends the heartbeats.
func NewSender(cfg SenderConfig) (*Sender, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	codec, err := NewCodec()
	if err != nil {
		return nil, err
	}
	s := &Sender{
		cfg: cfg, codec: codec, start: cfg.Clock(),
		boxes: map[vehicles.Handle]*outbox{}, seqs: map[peer]*sequence{},
		frameRate: perSecond(cfg.PerVehicle, cfg.Burst),
	}
	// What brings a vehicle to safety, and the heartbeats, have room left when a
	// transfer used up the rest.
	s.orderRate = s.frameRate.more(max(int64(cfg.Burst)/4, 4))
	s.beat = &minimal.MessageHeartbeat{
		Type: minimal.MAV_TYPE_GCS, Autopilot: minimal.MAV_AUTOPILOT_INVALID,
		SystemStatus: minimal.MAV_STATE_ACTIVE, MavlinkVersion: 3,
	}
	return s, nil
}

// Attach adds a link. What it knows of bound vehicles is asked with every frame.
func (s *Sender) Attach(l Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = append(s.links[:len(s.links):len(s.links)], &senderLink{Link: l})
}

// Open lets frames and heartbeats go to a vehicle. It is called once per session
// of the vehicle, and Close once at the end of each.
func (s *Sender) Open(h vehicles.Handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[h]
	if b == nil {
		b = &outbox{turn: make(chan struct{}, 1)}
		s.boxes[h] = b
	}
	b.opens++
}

// Close ends what Open began. It does not wait for a frame that goes out.
func (s *Sender) Close(h vehicles.Handle) {
	s.mu.Lock()
	b := s.boxes[h]
	if b == nil {
		s.mu.Unlock()
		return
	}
	last := false
	if b.opens--; b.opens == 0 {
		delete(s.boxes, h)
		last = true
	}
	s.mu.Unlock()
	if last {
		b.gone.Store(true)
		s.clean(b)
	}
}

// end gives the turn to the next one.
func (s *Sender) end(b *outbox) {
	<-b.turn
	if b.gone.Load() {
		s.clean(b)
	}
}

// clean frees what a closed outbox holds, unless somebody has the turn: who ends
// it cleans up.
func (s *Sender) clean(b *outbox) {
	select {
	case b.turn <- struct{}{}:
		s.leave(b)
		<-b.turn
	default:
	}
}

// Route is over which link and where a vehicle is reached now; ErrNoRoute.
func (s *Sender) Route(h vehicles.Handle) (Route, error) {
	_, r, err := s.route(h)
	return r, err
}

// Self is the system and component id that we send from.
func (s *Sender) Self() (systemID, componentID uint8) { return s.cfg.SystemID, s.cfg.ComponentID }

func (s *Sender) route(h vehicles.Handle) (*senderLink, Route, error) {
	s.mu.RLock()
	links := s.links
	s.mu.RUnlock()
	var on *senderLink
	var best Route
	for _, l := range links {
		if r, ok := l.Route(h); ok && r.Credential != nil && (on == nil || r.HeardUS > best.HeardUS) {
			on, best = l, r
		}
	}
	if on == nil {
		return nil, Route{}, fmt.Errorf("vehicle with handle %d: %w", h, ErrNoRoute)
	}
	return on, best, nil
}

// Send sends a message to a vehicle. A message with a target must name the
// vehicle's system id. The errors are those of this package, and what the link
// says; after one, the frame was not sent.
func (s *Sender) Send(h vehicles.Handle, msg message.Message) error {
	err := s.send(h, msg)
	if err != nil {
		s.count(err)
	}
	return err
}

func (s *Sender) send(h vehicles.Handle, msg message.Message) error {
	id := msg.GetID()
	if id == idSetupSigning {
		return fmt.Errorf("SETUP_SIGNING: %w", ErrForbidden)
	}
	s.mu.RLock()
	b := s.boxes[h]
	s.mu.RUnlock()
	if b == nil {
		return fmt.Errorf("vehicle with handle %d: %w", h, ErrNoRoute)
	}
	if int(b.waiting.Add(1)) > s.cfg.Waiting {
		b.waiting.Add(-1)
		return fmt.Errorf("%d frames wait for the vehicle: %w", s.cfg.Waiting, ErrBusy)
	}
	defer b.waiting.Add(-1)
	b.turn <- struct{}{}
	defer s.end(b)
	if b.gone.Load() {
		return fmt.Errorf("vehicle with handle %d: %w", h, ErrNoRoute)
	}
	link, r, err := s.route(h)
	if err != nil {
		return err
	}
	if target, ok := targetOf(msg); ok && target != r.SystemID {
		return fmt.Errorf("message %d to system %d, vehicle %s is system %d: %w", id, target, r.Credential.Vehicle, r.SystemID, ErrTarget)
	}
	limit := s.frameRate
	if id == idCommandLong || id == idCommandInt || id == idHeartbeat {
		limit = s.orderRate
	}
	if !b.bucket.take(int64(s.cfg.Clock().Sub(s.start)), limit) {
		return fmt.Errorf("vehicle %s, %d frames/s: %w", r.Credential.Vehicle, s.cfg.PerVehicle, ErrSendRate)
	}
	return s.put(b, link, r, msg)
}

// put frames, signs and hands over. Called in b's turn.
func (s *Sender) put(b *outbox, link *senderLink, r Route, msg message.Message) error {
	s.join(b, peer{link, r.Addr})
	from := Origin{s.cfg.SystemID, s.cfg.ComponentID, uint8(b.seq.next.Add(1) - 1)}
	frame, err := s.codec.Append(b.buf[:0], from, msg)
	if err != nil {
		return err
	}
	if c := r.Credential; !c.Vouched {
		frame, err = s.codec.Sign(frame, &c.Key, s.cfg.LinkID, c.Stamps.Next(s.now()))
		if err != nil {
			return err
		}
	}
	if err := link.Write(r.Addr, frame); err != nil {
		return fmt.Errorf("send to vehicle %s at %s: %w", r.Credential.Vehicle, r.Addr, err)
	}
	s.sent.Add(1)
	s.bytes.Add(uint64(len(frame)))
	return nil
}

// now is the clock for stamps.
func (s *Sender) now() time.Time {
	if t := s.cfg.Clock(); t.After(s.cfg.NotBefore) {
		return t
	}
	return s.cfg.NotBefore
}

// join takes the sequence of a peer. Called in b's turn.
func (s *Sender) join(b *outbox, p peer) {
	if b.seq != nil && b.peer == p {
		return
	}
	s.leave(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	b.peer, b.seq = p, s.seqs[p]
	if b.seq == nil {
		b.seq = &sequence{}
		s.seqs[p] = b.seq
	}
	b.seq.users++
}

// leave gives the sequence of a peer back. Called in b's turn.
func (s *Sender) leave(b *outbox) {
	if b.seq == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.seq.users--; b.seq.users == 0 {
		delete(s.seqs, b.peer)
	}
	b.seq = nil
}

// targetOf is the system that a message is addressed to, if it has an address.
func targetOf(msg message.Message) (uint8, bool) {
	if msg.GetID() == idTimesync { // 0 in an answer of older peers: for everybody
		return 0, false
	}
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return 0, false
	}
	f := v.Elem().FieldByName("TargetSystem")
	if !f.IsValid() {
		return 0, false
	}
	return uint8(f.Uint()), true
}

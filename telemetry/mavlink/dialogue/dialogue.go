// Package dialogue holds conversations with vehicles over MAVLink: commands with
// their acknowledgements, plans, messages on request, parameters, the offset of
// clocks, and what the zone asks a vehicle when it is heard first: who it is, where
// its home is, what it does when its link is lost.
//
// An Exchange joins a mavlink.Sender, which sends, with a mavlink.Sink, which
// hands on what vehicles answer (Note). Each conversation has a mailbox of its
// own for 64 answers, which takes nothing but what that conversation waits for:
// no telemetry and no other conversation can push an answer out. A vehicle has
// goroutines only while somebody converses with it. Only vehicles that proved who
// they are take part; nothing is ever sent to others.
//
// An acknowledgement is not the effect: whoever orders something confirms it by
// the state that the vehicle reports; a plan is read back before it counts as on
// board. Timers and retries are those of MAVLink's protocols: the answer to a
// command or about a parameter is waited for 1 s, that to the offer of a plan 1.5 s,
// to an item of it 250 ms, a request is sent six times at most, that of an item on a
// poor link eleven times, and a command that is in progress may take 30 s from one
// sign of progress to the next. All methods are safe for concurrent use. Note and
// Reports never wait.
package dialogue

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

var (
	// ErrConfig is returned when an Exchange has nothing to send with.
	ErrConfig = errors.New("dialogue: bad configuration")
	// ErrGone is returned when the vehicle's session ends during a conversation: whether it got the last request is not known.
	ErrGone = errors.New("the vehicle is not heard any more")
	// ErrNoAnswer is returned when a vehicle does not answer in time, however often it is asked. Whether it did what it was asked is not known.
	ErrNoAnswer = errors.New("the vehicle does not answer")
	// ErrPending is returned when the same command waits for its acknowledgement already, or a plan is transferred: the answers could not be told apart.
	ErrPending = errors.New("the same command is pending")
	// ErrRefused is returned when a vehicle says no; the error is a *Refusal.
	ErrRefused = errors.New("the vehicle refuses")
	// ErrRestarted is returned when a vehicle restarts during the transfer of a plan. What it carries is not known.
	ErrRestarted = errors.New("the vehicle restarted meanwhile")
	// ErrStored is returned when a vehicle stored something else than it was given; the error says where it differs.
	ErrStored = errors.New("the vehicle stored something else")
	// ErrTooMany is returned when too many conversations with one vehicle are open.
	ErrTooMany = errors.New("too many conversations with the vehicle")
)

// Sender is what an Exchange sends with: a mavlink.Sender.
type Sender interface {
	Send(h vehicles.Handle, msg message.Message) error
	Route(h vehicles.Handle) (mavlink.Route, error)
	Self() (systemID, componentID uint8)
}

// Config of an Exchange. Sender is needed.
type Config struct {
	Sender Sender

	// What was learned of a vehicle is told here, by the goroutine that asked. It
	// is asked when it is heard first and again after it restarted. Nil: nobody
	// wants to know, and it is not asked.
	Identified func(vehicles.VehicleID, Version)
	Home       func(vehicles.VehicleID, Home)
	LostLink   func(vehicles.VehicleID, LostLink)

	// PlanIDs is told when a vehicle says that it carries other plans than before,
	// whoever gave it them. It is called by the goroutine that receives: it must
	// not block.
	PlanIDs func(vehicles.VehicleID, PlanIDs)

	// Restarted is told at once when a vehicle began anew: what was known of what it
	// carries is not any more. It has to be quick. Nil: nobody wants to know.
	Restarted func(vehicles.VehicleID)

	// MayArm answers vehicles that ask whether they may arm; nil: nobody answers
	// them. ArmAnswered is told of each answer, by the goroutine that sends it.
	MayArm      MayArmFunc
	ArmAnswered func(vehicles.VehicleID, ArmVerdict)

	// VouchedRates: the message rates of vehicles behind a gateway are raised
	// too. By default the ground station there owns them.
	VouchedRates bool
	// Greetings is how many vehicles are asked at once when they are heard first; 128.
	Greetings int

	Clock  func() time.Time // time.Now; the clock that Note's times come from
	Logger *slog.Logger     // nil: silent
}

// Exchange holds all conversations.
type Exchange struct {
	cfg     Config
	sys     uint8 // our own ids
	comp    uint8
	greet   chan *peer
	replies chan reply
	arming  chan armAsked

	overflow, unanswered, ungreeted atomic.Uint64

	mu    sync.Mutex // held to open and close
	peers peers
}

// peer is a vehicle that proved who it is.
type peer struct {
	handle    vehicles.Handle
	vehicle   vehicles.VehicleID
	mavType   uint8
	autopilot uint8
	done      chan struct{} // closed with its last session
	requests  chan struct{} // holds one while a message or its rate is asked for: both are commands of one id
	opens     int           // guarded by the Exchange's mu
	bootMS    atomic.Uint32 // newest; 0: none yet
	boots     atomic.Uint32 // restarts that were seen
	rates     counts

	mu           sync.Mutex // guards the fields below
	boxes        []*Mailbox
	pending      map[uint16]bool // commands by MAV_CMD
	debts        map[uint16]debt // likewise
	capabilities uint64          // MAV_PROTOCOL_CAPABILITY; 0: not known
	greeting     bool            // it is being asked, or will be
	again        bool            // and restarted since
	tries        int             // without an answer
	armed        armMemory
	plans        PlanIDs
}

// New makes an Exchange. Run greets vehicles.
func New(cfg Config) (*Exchange, error) {
	if cfg.Sender == nil {
		return nil, fmt.Errorf("%w: no sender", ErrConfig)
	}
	if cfg.Greetings <= 0 {
		cfg.Greetings = 128
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Exchange{
		cfg: cfg, greet: make(chan *peer, 16384), replies: make(chan reply, 256), arming: make(chan armAsked, 256),
	}
	e.sys, e.comp = cfg.Sender.Self()
	return e, nil
}

// Open is called with every session of a vehicle, as mavlink.Sink.Open is, and
// Close once at the end of each. Sources that proved nothing are left alone.
func (e *Exchange) Open(h vehicles.Handle, src mavlink.Source) {
	if src.Vehicle == "" || h >= vehicles.MaxHandles {
		return
	}
	e.mu.Lock()
	p := e.peers.get(h)
	fresh := p == nil
	if fresh {
		p = &peer{
			handle: h, vehicle: src.Vehicle, mavType: src.MAVType, autopilot: src.Autopilot,
			done: make(chan struct{}), requests: make(chan struct{}, 1), pending: map[uint16]bool{}, debts: map[uint16]debt{},
		}
		e.peers.set(h, p)
	}
	p.opens++
	e.mu.Unlock()
	if fresh {
		e.askToGreet(p)
	}
}

// Close ends what Open began; with the last session all conversations end.
func (e *Exchange) Close(h vehicles.Handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.peers.get(h)
	if p == nil {
		return
	}
	if p.opens--; p.opens == 0 {
		e.peers.set(h, nil)
		close(p.done)
	}
}

func (e *Exchange) peer(h vehicles.Handle) (*peer, error) {
	if p := e.peers.get(h); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("vehicle with handle %d: %w", h, mavlink.ErrNoRoute)
}

// Note takes what a vehicle says beside its telemetry, as mavlink.Sink.Note. What
// no conversation waits for is not kept.
func (e *Exchange) Note(h vehicles.Handle, receivedUS int64, msg message.Message) {
	p := e.peers.get(h)
	if p == nil {
		return
	}
	if m, ok := msg.(*ardupilotmega.MessageTimesync); ok && m.Tc1 == 0 {
		select {
		case e.replies <- reply{h, receivedUS, m.Ts1}:
		default:
			e.overflow.Add(1)
		}
		return
	}
	if e.asksToArm(p, msg) || e.newPlans(p, msg) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.boxes {
		if !b.match(msg) {
			continue
		}
		room := cap(b.letters)
		if msg.GetID() == idStatusText {
			room -= mailboxSize / 4 // text never keeps an acknowledgement out
		}
		if len(b.letters) >= room { // only Note fills it, and p.mu is held
			e.overflow.Add(1)
			continue
		}
		b.letters <- Letter{receivedUS, msg}
	}
}

// Counters yields what went wrong, under the names that metrics use.
func (e *Exchange) Counters() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		_ = yield("mailbox_full", e.overflow.Load()) &&
			yield("unanswered", e.unanswered.Load()) &&
			yield("greetings_dropped", e.ungreeted.Load())
	}
}

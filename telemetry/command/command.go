// Package command answers who may order a vehicle about, what is sent for an
// order, and whether the order had its effect.
//
// A Dispatcher holds the control lease of each vehicle, one hand at a time, and
// the orders. An order of safe direction (HOLD, STOP, RETURN, LAND) leaves at once
// and its entry is written in parallel; RESUME waits for the journal and names the
// order that it ends. What a class, an autopilot or the moment does not allow is
// refused at once, with what to do instead. An acknowledgement is not the effect:
// an order is in effect when fresh samples show the mode and the motion. Orders
// expire, are sent within the session in which they were asked only, and after a
// restart nothing is sent again. Nothing is ever sent to an UNVERIFIED vehicle.
// Flight termination is no order that can be asked for: it is switched off by default,
// two persons decide, and it is durable before it leaves.
//
// Nothing here orders by itself, and no road class, people or water below a vehicle
// is known: persons decide. A Dispatcher is safe for concurrent use; Replay comes
// before Run. Times are microseconds since the Unix epoch of the injected clock.
package command

import (
	"context"
	"errors"
	"sync"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

var (
	// ErrConfig is returned when a Dispatcher lacks a part it cannot work without.
	ErrConfig = errors.New("command is not configured")
	// ErrCannot is returned for an order that the vehicle, its class or the moment does not allow; the text says what to do instead.
	ErrCannot = errors.New("the order cannot be given")
	// ErrUnverified is returned for an order to a vehicle that did not prove who it is: nothing is ever sent to it.
	ErrUnverified = errors.New("the vehicle has not proved who it is, nothing is sent to it: call its contact")
	// ErrUnreachable is returned when a vehicle is not heard over an authenticated link now.
	ErrUnreachable = errors.New("the vehicle is not reachable now: call its contact")
	// ErrLeased is returned when somebody else has the control of the vehicle.
	ErrLeased = errors.New("somebody else controls the vehicle: take it over explicitly")
	// ErrSafer is returned when a safer order to the vehicle was given at the same time.
	ErrSafer = errors.New("a safer order was given at the same time")
	// ErrMoved is returned when RESUME names another order than the newest one: it was decided on a state that is gone.
	ErrMoved = errors.New("the order to end is not the newest one: look at the vehicle's orders and decide again")
	// ErrNotYours is returned when RESUME shall end what somebody else ordered.
	ErrNotYours = errors.New("somebody else stopped the vehicle")
	// ErrTooMany is returned when one person orders a vehicle about faster than anybody can mean it.
	ErrTooMany = errors.New("too many orders to the vehicle within seconds: wait, and look at its orders")
	// ErrSwitchedOff is returned when flights are not ended here: the zone's configuration says so.
	ErrSwitchedOff = errors.New("flight termination is switched off (orders.flight_termination in the configuration)")
	// ErrSituation is returned when the situation is another than the one that two persons decided on.
	ErrSituation = errors.New("the situation is another than when it was proposed: look, and propose it anew if it still has to be")
	// ErrNoOrder is returned when there is no order with that id.
	ErrNoOrder = errors.New("no such order")
	// ErrNotDurable is returned when the journal did not take what has to be durable first; nothing was sent.
	ErrNotDurable = errors.New("the journal does not accept entries")
	// ErrStopping is returned when the server stops.
	ErrStopping = errors.New("the server is stopping")
	// ErrNoAnswer is returned by a Wire when the vehicle did not acknowledge.
	ErrNoAnswer = errors.New("the vehicle does not acknowledge")
)

// Limits of time.
const (
	// acceptTime is how long an order may wait for its acknowledgement, effectTime
	// for its effect; both from when it was asked.
	acceptTime = 30 * time.Second
	effectTime = 60 * time.Second
	// lateTime is how long after that an effect is still noticed and reported.
	lateTime = 3 * time.Minute
	// atOnce: of two orders within this time the safer one wins.
	atOnce = 2 * time.Second
	// writeTime is how long the answer to an order that has left waits for the journal.
	writeTime = time.Second
	lookEvery = 200 * time.Millisecond
	// trackTime is how long a shard may take to say where a vehicle is.
	trackTime = 500 * time.Millisecond
)

// Of one person to one vehicle: no more orders than this within that time. Others
// are not kept from theirs.
const (
	maxOrders = 20
	ordersIn  = 10 * time.Second
)

// keepOrders is how many orders are remembered; the journal keeps them all.
const keepOrders = 10_000

// Wire reaches vehicles that proved who they are.
type Wire interface {
	// Command sends a command and waits for its acknowledgement, which may take
	// until ctx ends. The errors wrap ErrUnreachable or ErrNoAnswer, or are a
	// *Refusal. It returns soon after ctx has ended.
	Command(ctx context.Context, h vehicles.Handle, c Command) error
}

// Command is a MAV_CMD with its parameters.
type Command struct {
	ID     uint16
	Params [7]float64
	// Located: parameters 5 to 7 are a position, degrees and metres in a MAV_FRAME: it
	// goes as COMMAND_INT.
	Located bool
	Frame   uint8
}

// Refusal is the error when a vehicle says no.
type Refusal struct {
	Unsupported bool // it does not know the command: another may do
	Text        string
}

func (r *Refusal) Error() string { return r.Text }

// Fleet is what the zone knows of its vehicles now.
type Fleet interface {
	// Identity is who is followed under an id; nil: nobody.
	Identity(id vehicles.VehicleID) *vehicles.Identity
	// Track is the current state of who is followed.
	Track(ctx context.Context, h vehicles.Handle) (t telemetry.TrackView, ok bool, err error)
	// Home is where a vehicle returns to, if it is known.
	Home(id vehicles.VehicleID) (p geo.Point, known bool)
	// ModeName names an autopilot's flight mode.
	ModeName(v *vehicles.Identity, mode uint32) string
}

// Appender is the journal.
type Appender interface {
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
}

// Config of a Dispatcher. Wire, Fleet and Journal go together; without them it only replays,
// and reaches no vehicle.
type Config struct {
	Wire    Wire
	Fleet   Fleet
	Journal Appender
	Calls   Calls          // default: nobody is told whom to call
	Bus     *telemetry.Bus // default: nobody is told what changes
	Ways    Ways           // default: no vehicle is sent to a point
	Ground  Ground         // default: nobody says what is below a vehicle

	Termination bool             // two persons may end a flight; default they may not
	Clock       func() time.Time // time.Now
}

// Dispatcher holds leases and orders.
type Dispatcher struct {
	cfg    Config
	scribe *scribe
	born   int64 // µs: what was decided before was decided on another start's view
	life   context.Context
	end    context.CancelFunc
	work   sync.WaitGroup // conversations

	mu      sync.Mutex // guards the fields below
	stopped bool
	orders  map[string]*Order
	order   []string // ids, oldest first
	newest  map[vehicles.VehicleID]*Order
	ofOne   map[vehicles.VehicleID][]*Order // the orders to each vehicle, oldest first
	leases  map[vehicles.VehicleID]Lease
	news    news
	answers map[requestName]answer

	talks   map[vehicles.VehicleID]*talk // the newest conversation of each vehicle
	watches map[string]*watch            // of orders whose effect is looked for

	calls    map[vehicles.VehicleID]*Call // the newest of each vehicle
	attended map[vehicles.VehicleID]bool  // somebody may have to be called

	standing map[vehicles.VehicleID]int64 // since when; not guarded, it belongs to lookAtCalls
}

// New makes a Dispatcher.
func New(cfg Config) (*Dispatcher, error) {
	if (cfg.Wire == nil) != (cfg.Journal == nil) || (cfg.Wire == nil) != (cfg.Fleet == nil) {
		return nil, ErrConfig
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	d := &Dispatcher{
		cfg: cfg, orders: map[string]*Order{}, newest: map[vehicles.VehicleID]*Order{},
		ofOne: map[vehicles.VehicleID][]*Order{}, leases: map[vehicles.VehicleID]Lease{},
		answers: map[requestName]answer{}, talks: map[vehicles.VehicleID]*talk{}, watches: map[string]*watch{},
		calls: map[vehicles.VehicleID]*Call{}, attended: map[vehicles.VehicleID]bool{}, standing: map[vehicles.VehicleID]int64{},
	}
	d.life, d.end = context.WithCancel(context.Background())
	d.born = d.nowUS()
	d.scribe = newScribe(cfg.Journal, cfg.Clock, d.durable)
	return d, nil
}

// Run looks for effects and writes to the journal until ctx ends; then it ends all
// conversations and writes what still waits.
func (d *Dispatcher) Run(ctx context.Context) error {
	var writing sync.WaitGroup
	writing.Go(d.scribe.run)
	d.watchReplayed()
	d.attendOpen()
	var calls sync.WaitGroup
	calls.Go(func() { each(ctx, d.lookAtCalls) }) // not after a thousand looks for effects
	each(ctx, func(ctx context.Context) {
		d.look(ctx)
		d.tellLate()
	})
	calls.Wait()
	d.mu.Lock()
	d.stopped = true
	d.mu.Unlock()
	d.end()
	d.work.Wait()
	d.scribe.stop()
	writing.Wait()
	return ctx.Err()
}

// each looks every lookEvery until ctx ends.
func each(ctx context.Context, look func(context.Context)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// identity is who is followed under an id; nil: nobody, or nothing can be ordered here.
func (d *Dispatcher) identity(id vehicles.VehicleID) *vehicles.Identity {
	if d.cfg.Fleet == nil {
		return nil
	}
	return d.cfg.Fleet.Identity(id)
}

// Health says why orders are not kept as they should; empty when all is well.
func (d *Dispatcher) Health() []telemetry.Reason { return d.scribe.health() }

func (d *Dispatcher) nowUS() int64 { return d.cfg.Clock().UnixMicro() }

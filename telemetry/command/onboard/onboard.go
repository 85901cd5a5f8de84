// Package onboard answers what a vehicle carries: the mission, the fences and the
// rally points that are stored in it, whether they are those that it was sent, and
// whether a plan may be stored there at all.
//
// Plans holds one Record for each vehicle and kind of plan. Nothing is sent before
// it was checked by the judgement of the fence engine: what would have the vehicle,
// its home, its rally points, its way back or a leg of its mission in breach is
// refused with the item and the fence (SAFETY 5). A plan counts as carried only when
// it was read back and is the same by meaning. What a vehicle cannot carry of a
// fence (its heights, schedule, speed, margin) is listed with each upload: only the
// server enforces that. After a restart of the vehicle or of the server nothing is
// known until it was read back.
//
// Nobody is kept from clearing what a vehicle carries, and nothing is uploaded by
// itself. Heights below a way are those of the items: terrain is not known. Items
// are counted from 1. Plans is safe for concurrent use; Replay comes before Run.
// Times are microseconds since the Unix epoch of the injected clock.
package onboard

import (
	"context"
	"errors"
	"sync"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

var (
	// ErrConfig is returned when Plans lacks a part that it cannot work without.
	ErrConfig = errors.New("onboard is not configured")
	// ErrRefused is returned when a plan must not be stored in the vehicle; the error is a *Refused.
	ErrRefused = errors.New("the plan is not sent to the vehicle")
	// ErrBusy is returned while a plan goes to or comes from the vehicle: there is one transfer at a time.
	ErrBusy = errors.New("a plan is on its way to or from the vehicle: wait until that is done")
	// ErrMoves is returned when the plan of a moving vehicle shall change without the explicit word that this is meant.
	ErrMoves = errors.New("the vehicle is armed and not parked: say that its plan shall change while it moves")
	// ErrGone is returned by a Wire when the vehicle is not reachable, and ErrSilent when it does not answer.
	ErrGone   = errors.New("the vehicle is not heard any more")
	ErrSilent = errors.New("the vehicle does not answer")
)

// ItemError is returned by a Wire when a vehicle does not take a plan, or stored
// something else.
type ItemError struct {
	Item int // from 1; 0: the whole plan
	Text string
}

func (e *ItemError) Error() string { return e.Text }

// Receipt is what a vehicle says of a plan that it stored.
type Receipt struct {
	OpaqueID uint32 // by which it names the plan; 0: it has no names
	Items    int
}

// Wire reaches vehicles that proved who they are.
type Wire interface {
	// Upload stores a plan in a vehicle, reads it back and compares. The errors wrap
	// ErrGone, ErrSilent or ErrBusy, or are an *ItemError.
	Upload(ctx context.Context, h vehicles.Handle, p vehicles.Plan, progress func(done, total int)) (Receipt, error)
	// Read reads what a vehicle carries.
	Read(ctx context.Context, h vehicles.Handle, k vehicles.PlanKind) (vehicles.Plan, Receipt, error)
	// Clear empties a kind.
	Clear(ctx context.Context, h vehicles.Handle, k vehicles.PlanKind) error
	// Param reads a parameter of the vehicle.
	Param(ctx context.Context, h vehicles.Handle, name string) (float64, error)
	// EnableFence has a vehicle act by the fences that it carries. An answer is no
	// proof that it does.
	EnableFence(ctx context.Context, h vehicles.Handle) error
}

// Fleet is what the zone knows of its vehicles now.
type Fleet interface {
	// Identity is who is followed under an id; nil: nobody.
	Identity(id vehicles.VehicleID) *vehicles.Identity
	// Track is the current state of who is followed.
	Track(ctx context.Context, h vehicles.Handle) (t telemetry.TrackView, ok bool, err error)
	// Home is where a vehicle returns to, if it is known.
	Home(id vehicles.VehicleID) (p geo.Point, known bool)
	// ReturnM is how high it flies there, metres above take-off; nil: as high as it is.
	ReturnM(id vehicles.VehicleID) *float64
}

// Leases is who has the control of a vehicle: a command.Dispatcher.
type Leases interface {
	Lease(id vehicles.VehicleID) (l command.Lease, ok bool)
	TakeLease(ctx context.Context, id vehicles.VehicleID, by command.By, takeOver bool, reason string) (command.Lease, error)
}

// Config of Plans. All but MaxFenceItems and Clock go together; without them it
// only replays, and reaches no vehicle.
type Config struct {
	Wire    Wire
	Fleet   Fleet
	Leases  Leases
	Engine  *geofence.Engine // the zone's fences
	Journal command.Appender

	// MaxFenceItems is how many items of the zone's fences a vehicle is given: the
	// keep-ins, and the keep-outs next to its home. Default 500.
	MaxFenceItems int
	Clock         func() time.Time // time.Now
}

// Plans holds what every vehicle carries.
type Plans struct {
	cfg  Config
	log  *writer
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup // conversations

	sets sets

	mu      sync.Mutex // guards the fields below
	stopped bool
	records map[name]*Record
	busy    map[vehicles.VehicleID]bool
	wanted  map[name]*reading    // to be read back
	judged  []*geofence.Compiled // the fences that the records were compared with
}

// name is what there is one Record of.
type name struct {
	vehicle vehicles.VehicleID
	kind    vehicles.PlanKind
}

// New makes Plans.
func New(cfg Config) (*Plans, error) {
	for _, there := range []bool{cfg.Fleet != nil, cfg.Leases != nil, cfg.Engine != nil, cfg.Journal != nil} {
		if there != (cfg.Wire != nil) {
			return nil, ErrConfig
		}
	}
	if cfg.MaxFenceItems <= 0 {
		cfg.MaxFenceItems = 500
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	p := &Plans{cfg: cfg, records: map[name]*Record{}, busy: map[vehicles.VehicleID]bool{}, wanted: map[name]*reading{}}
	p.life, p.end = context.WithCancel(context.Background())
	p.log = newWriter(cfg.Journal, p.durable)
	return p, nil
}

// lookEvery is how often it is looked whether plans went stale or wait to be read.
const lookEvery = time.Second

// Run reads plans back, follows the zone's fences and writes to the journal until
// ctx ends; then it ends all conversations and writes what still waits.
func (p *Plans) Run(ctx context.Context) error {
	var writing sync.WaitGroup
	writing.Go(p.log.run)
	p.doubtReplayed()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.readWanted()
			p.followFences()
			continue
		case <-ctx.Done():
		}
		break
	}
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.end()
	p.work.Wait()
	p.log.stop()
	writing.Wait()
	return ctx.Err()
}

// Pilot is which MAV_AUTOPILOT a vehicle that is followed has, and its home, if
// that is known.
func (p *Plans) Pilot(id vehicles.VehicleID) (autopilot uint8, home *geo.Point, followed bool) {
	if p.cfg.Fleet == nil {
		return 0, nil, false
	}
	v := p.cfg.Fleet.Identity(id)
	if v == nil {
		return 0, nil, false
	}
	at, known := p.cfg.Fleet.Home(id)
	return v.Source.Autopilot, pointOr(at, known), true
}

// Health says why plans are not kept as they should; empty when all is well.
func (p *Plans) Health() []telemetry.Reason { return p.log.health() }

func (p *Plans) nowUS() int64 { return p.cfg.Clock().UnixMicro() }

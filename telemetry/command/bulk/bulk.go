// Package bulk answers what one order to many vehicles would do, and gives it.
//
// A preview names every vehicle of a selection: what it would be told, whose
// control that takes away, why it cannot be told and has to be called about, and when
// its order leaves. The act is of a preview that somebody saw, and of the count that
// they typed: a vehicle that was not in it is never ordered about, one that has come
// to rest meanwhile is left alone. HOLD and STOP leave at once. RETURN and LAND of
// vehicles whose ways come close leave one after another; who has to wait is held
// meanwhile (SAFETY 5). A vehicle that was not brought to do it is called about.
//
// The record is in the journal, and outlives the server; what had not left when the
// server stopped is not sent. Distances are metres, times microseconds since the Unix
// epoch. The way home is taken as a straight line, and heights do not separate. A
// Giver is safe for concurrent use.
package bulk

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
	// ErrConfig is returned when a Giver lacks a part it cannot work without.
	ErrConfig = errors.New("bulk orders are not configured")
	// ErrSelection is returned for an order to many that selects nobody in particular, or too many; the text says which.
	ErrSelection = errors.New("say which vehicles are meant")
	// ErrKind is returned for an order that is given to one vehicle at a time.
	ErrKind = errors.New("an order to many is hold, stop, return, land or clear")
	// ErrChanged is returned when the act is not of a preview that holds: look at the new one.
	ErrChanged = errors.New("what the order would do is not what was looked at: look again, and type the count")
	// ErrNone is returned when there is no bulk order with that id.
	ErrNone = errors.New("no such bulk order")
)

// Clear has every vehicle brought to a safe end, by its class: aircraft return, or are
// held and called about; cars stop; boats are held.
const Clear command.Kind = "clear"

// Kinds lists what many can be told.
func Kinds() []command.Kind {
	return []command.Kind{command.Hold, command.Stop, command.Return, command.Land, Clear}
}

// MaxVehicles is how many one order can be to: its record is one entry of the journal.
const MaxVehicles = 1500

// Orders is the dispatcher.
type Orders interface {
	Check(ctx context.Context, q command.Request, t *telemetry.TrackView) error
	Ask(ctx context.Context, q command.Request) (command.Order, error)
	Order(id string) (command.Order, error)
	Now(id vehicles.VehicleID) (o command.Order, ok bool, l command.Lease)
	Orders(wants func(*command.Order) bool) []command.Order
	NeedCall(v *vehicles.Identity, why string)
	GiveUpLease(ctx context.Context, id vehicles.VehicleID, by command.By) error
}

// Zone is what is known of the vehicles now.
type Zone interface {
	Tracks(ctx context.Context) ([]telemetry.TrackView, error)
	// Against are the vehicles that do not comply with the state of the zone.
	Against(ctx context.Context) (map[vehicles.VehicleID]bool, error)
	Home(id vehicles.VehicleID) (p geo.Point, known bool)
}

// Config of a Giver. Orders, Zone and Journal go together; without them it only
// replays.
type Config struct {
	Orders  Orders
	Zone    Zone
	Journal command.Appender
	// Unfit says why no order may leave to a vehicle without a person who gives it
	// (SAFETY 8, 10, 13); empty: nothing. Default nothing.
	Unfit func(t *telemetry.TrackView) string
	// ByHand reports whether a pilot steers in a flight mode (SAFETY 7). Default never.
	ByHand func(v *vehicles.Identity, mode uint32) bool
	Clock  func() time.Time // default time.Now
}

// Selection is which vehicles are meant: those that fit all that is said. Nobody
// else's than those that sees owns are ever meant, nor traffic that is not the zone's.
type Selection struct {
	All       bool // needed when nothing else is said
	Against   bool // that do not comply with the state of the zone
	Classes   vehicles.Classes
	Operators []string
	Vehicles  []vehicles.VehicleID
	Within    *geofence.Compiled // over its shape and in its band

	View telemetry.View
	Text string // as it was asked, for the record
}

// Request is an order to many.
type Request struct {
	Kind     command.Kind
	Of       Selection
	By       command.By
	Reason   string
	TakeOver bool   // the control of the vehicles, from who has it
	Digest   string // of the preview that was looked at
	Expect   int    // how many it orders about, as somebody typed it
}

// Giver previews and gives orders to many.
type Giver struct {
	cfg  Config
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	stopped  bool
	previews []*Preview // that somebody may act on, oldest first
	bulks    map[string]*Bulk
	order    []string      // ids, oldest first
	lost     error         // why the journal lacks an entry
	tail     chan struct{} // closed when the last entry so far was written
}

// New makes a Giver.
func New(cfg Config) (*Giver, error) {
	if (cfg.Orders == nil) != (cfg.Zone == nil) || (cfg.Orders == nil) != (cfg.Journal == nil) {
		return nil, ErrConfig
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Unfit == nil {
		cfg.Unfit = func(*telemetry.TrackView) string { return "" }
	}
	if cfg.ByHand == nil {
		cfg.ByHand = func(*vehicles.Identity, uint32) bool { return false }
	}
	g := &Giver{cfg: cfg, bulks: map[string]*Bulk{}}
	g.life, g.end = context.WithCancel(context.Background())
	return g, nil
}

// Run ends what a former start left open, and the orders when ctx ends.
func (g *Giver) Run(ctx context.Context) error {
	g.interrupt()
	<-ctx.Done()
	g.mu.Lock()
	g.stopped = true
	g.mu.Unlock()
	g.end()
	g.work.Wait()
	return ctx.Err()
}

// Health says why bulk orders are not kept as they should; empty when all is well.
func (g *Giver) Health() []telemetry.Reason {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lost == nil {
		return nil
	}
	return []telemetry.Reason{{Code: "bulk_facts_lost", Text: "The record of a bulk order is not in the journal (" + g.lost.Error() +
		"). Its orders left; after a restart the record would be missing. Mend the disk."}}
}

func (g *Giver) nowUS() int64 { return g.cfg.Clock().UnixMicro() }

// write appends an entry after those before. The orders have left: an error is kept
// for Health. Called with g.mu held.
func (g *Giver) write(e entry) <-chan error {
	done, before, mine := make(chan error, 1), g.tail, make(chan struct{})
	g.tail = mine
	g.work.Go(func() {
		defer close(mine)
		if before != nil {
			<-before
		}
		_, err := g.cfg.Journal.Append(context.WithoutCancel(g.life), e.draft())
		if err != nil {
			g.mu.Lock()
			g.lost = err
			g.mu.Unlock()
		}
		done <- err
	})
	return done
}

// Package priority answers which vehicles are in the way of priority traffic (a
// rescue helicopter, an ambulance, a ship), when, and where each can go (SAFETY 15).
//
// A Keepout is a decision about one priority traffic: what moves and how, the
// radius and the band that it keeps free, how far ahead, and by when the way has to
// be clear. It follows a track of ADS-B, AIS or remote id, or what people placed by
// hand. A Watch looks once a second: a vehicle is in the way when it is inside, when
// the keep-out comes over it if it stays, or when it moves into the keep-out if it
// goes on. Each gets a way out; no two are sent to the same place. A height that is
// not known counts as inside. A track that is not seen any more is extrapolated, and
// its keep-out grows by the way that it may have made.
//
// The Watch orders nothing: it raises alerts, offers exits and calls people. It
// knows no terrain, no roads and no depth. A Watch is safe for concurrent use.
// Distances are metres, times of the look-ahead seconds from now, other times
// microseconds since the Unix epoch of the injected clock.
package priority

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// ErrConfig is returned when a Watch lacks a part it cannot work without.
var ErrConfig = errors.New("priority is not configured")

// Keepout is what was decided about one priority traffic.
type Keepout struct {
	ID   string
	Name string
	Kind string // e.g. helicopter, for people

	// Track is the traffic that it follows; empty: it was placed by hand, and was at
	// the first point of Route at AtUS, before that standing there. With more points it
	// goes along them and stands at the last; with one it goes straight on at Course.
	Track  vehicles.VehicleID
	Route  []geo.Point
	AtUS   int64
	Course float64 // degrees
	Speed  float64 // m/s

	Radius     float64
	Floor      geo.Altitude // NoDatum: none
	Ceiling    geo.Altitude
	Classes    vehicles.Classes // whom it is about; empty: everybody
	LookAheadS float64
	ClearByUS  int64
}

// Where says how well it is known where a priority traffic is.
type Where string

// What is known of where it is.
const (
	Seen    Where = "seen"    // its track is fresh
	Lost    Where = "lost"    // its track is old: extrapolated, the keep-out grows
	Unseen  Where = "unseen"  // its track was never seen: nobody knows where to keep out of
	Waiting Where = "waiting" // placed by hand, and not yet under way
	Placed  Where = "placed"  // by hand: nobody watches it
	Arrived Where = "arrived" // at the end of its route
)

// Picture is a priority traffic as it is now, and who is in its way.
type Picture struct {
	Keepout
	Where    Where
	At       geo.Point // if Where is not Unseen
	CourseOf float64   // degrees, now
	SpeedOf  float64   // m/s, now
	RadiusOf float64   // of the keep-out now: Radius and what is uncertain
	AgeS     float64   // of its track, or since it was placed
	Verified bool      // somebody vouches for where it is
	Path     []geo.Point
	Affected []Affected // by time to the conflict
	// Unjudged are vehicles in motion of which nobody knows where they are: they may
	// be in the way.
	Unjudged []*vehicles.Identity
}

// How a vehicle is in the way.
const (
	Inside  = "inside"  // now
	Ahead   = "ahead"   // the keep-out comes over it if it stays
	Heading = "heading" // it moves into the keep-out if it goes on
)

// Affected is a vehicle in the way of a priority traffic.
type Affected struct {
	Vehicle *vehicles.Identity
	How     string
	InS     float64 // until the conflict; 0: now
	At      geo.Point
	Fix     geo.Fix
	Exit    telemetry.Exit
	// HeightUnknown: it counts as inside the band because its height is not known.
	HeightUnknown bool
	StaleS        float64 // age of its fix, when it is too old to be relied on
	Call          string  // why its contact has to be called; empty: an order reaches it
}

// Config of a Watch. Pipeline, Bus and Keepouts are needed.
type Config struct {
	Tracks   func(ctx context.Context) ([]telemetry.TrackView, error)
	Traffic  func() []telemetry.TrafficView // default none
	Bus      *telemetry.Bus
	Keepouts func() []Keepout // those in force
	Engine   *geofence.Engine // fences that no exit leads into; nil: none
	Clock    func() time.Time // default time.Now
	// Separation is the least distance between the places that vehicles are sent to;
	// default 50 m.
	Separation float64
}

// every is the time between two looks.
const every = time.Second

// Watch looks who is in the way of priority traffic.
type Watch struct {
	cfg  Config
	wake chan struct{}

	looking sync.Mutex // guards the fields below, while somebody looks
	fences  *fences
	memory  map[string]*memory // by keep-out

	mu       sync.Mutex // guards the fields below
	pictures []Picture
	looked   time.Time // newest look
}

// New makes a Watch; Run has it look.
func New(cfg Config) (*Watch, error) {
	if cfg.Tracks == nil || cfg.Bus == nil || cfg.Keepouts == nil {
		return nil, fmt.Errorf("%w: tracks, bus and keep-outs are needed", ErrConfig)
	}
	if cfg.Traffic == nil {
		cfg.Traffic = func() []telemetry.TrafficView { return nil }
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Separation <= 0 {
		cfg.Separation = 50
	}
	return &Watch{cfg: cfg, wake: make(chan struct{}, 1), memory: map[string]*memory{}, fences: newFences(cfg.Engine), looked: cfg.Clock()}, nil
}

// Wake has it look at once: a decision was made.
func (w *Watch) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.wake:
		}
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("look who is in the way of priority traffic: %w", err)
		}
	}
}

// Look looks now: it raises and ends alerts.
func (w *Watch) Look(ctx context.Context) error {
	keepouts := w.cfg.Keepouts()
	w.looking.Lock()
	defer w.looking.Unlock()
	if len(keepouts) == 0 && len(w.memory) == 0 {
		w.show(nil)
		return nil
	}
	tracks, err := w.cfg.Tracks(ctx)
	if err != nil {
		return err
	}
	nowUS := w.cfg.Clock().UnixMicro()
	pictures := w.assess(keepouts, w.memory, tracks, nowUS)
	w.tell(pictures, nowUS, tracks)
	w.show(pictures)
	return nil
}

func (w *Watch) show(pictures []Picture) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pictures, w.looked = pictures, w.cfg.Clock()
}

// late is how old the newest look may be.
const late = 10 * time.Second

// Late is how long nobody has looked, though there is priority traffic; 0 if all is well.
func (w *Watch) Late() time.Duration {
	if len(w.cfg.Keepouts()) == 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if since := w.cfg.Clock().Sub(w.looked); since > late {
		return since
	}
	return 0
}

// Pictures are the priority traffic of the newest look, by id.
func (w *Watch) Pictures() []Picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pictures)
}

// Picture is one of them.
func (w *Watch) Picture(id string) (p Picture, ok bool) {
	for _, p := range w.Pictures() {
		if p.ID == id {
			return p, true
		}
	}
	return p, false
}

// Preview is what a keep-out would mean now, were it in force beside the others; it
// takes the place of one with the same id. Nothing changes.
func (w *Watch) Preview(ctx context.Context, k Keepout) (Picture, error) {
	tracks, err := w.cfg.Tracks(ctx)
	if err != nil {
		return Picture{}, fmt.Errorf("look who would be in the way: %w", err)
	}
	keepouts := slices.DeleteFunc(slices.Clone(w.cfg.Keepouts()), func(o Keepout) bool { return o.ID == k.ID })
	w.looking.Lock()
	defer w.looking.Unlock()
	kept := map[string]*memory{}
	for id, m := range w.memory {
		kept[id] = m.clone()
	}
	for _, p := range w.assess(append(keepouts, k), kept, tracks, w.cfg.Clock().UnixMicro()) {
		if p.ID == k.ID {
			return p, nil
		}
	}
	return Picture{}, nil // assess pictures them all
}

// InTheWay names the priority traffic whose keep-out is over a place now or comes
// over it within its look-ahead, whatever the height: who starts there climbs.
// Traffic that was never seen may be anywhere.
func (w *Watch) InTheWay(class vehicles.Class, at geo.Point) (name string, is bool) {
	keepouts := w.cfg.Keepouts()
	if len(keepouts) == 0 {
		return "", false
	}
	w.looking.Lock()
	defer w.looking.Unlock()
	kept := map[string]*memory{}
	for id, m := range w.memory {
		kept[id] = m.clone()
	}
	s := newScene(keepouts, kept, w.cfg.Traffic(), w.cfg.Clock().UnixMicro())
	n, e := geo.Offset(s.origin, at)
	for i := range s.movers {
		m := &s.movers[i]
		if m.about(class) && (m.where == Unseen || m.comesOver(n, e, 0)) {
			return m.keepout.Name, true
		}
	}
	return "", false
}

// forget drops what is not in force any more.
func forget(kept map[string]*memory, keepouts []Keepout) (gone []*memory) {
	is := map[string]bool{}
	for i := range keepouts {
		is[keepouts[i].ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		if !is[id] {
			gone = append(gone, kept[id])
			delete(kept, id)
		}
	}
	return gone
}

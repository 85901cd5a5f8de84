package telemetry

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

var (
	// ErrNoAlert is returned when there is no alert with that id.
	ErrNoAlert = errors.New("no such alert")
	// ErrNotDurable is returned when an acknowledgement could not be written to the journal.
	ErrNotDurable = errors.New("the journal does not accept entries")
)

const (
	// reopenUS: the same condition on the same vehicle within this time of its
	// end re-opens the alert instead of raising another. An acknowledgement that
	// is older than this does not cover what began again.
	reopenUS = 30_000_000
	// keepClosed is how many closed alerts the book holds for the history.
	keepClosed = 10_000
)

// BookConfig of a Book. All but Clock and SectorsAt are needed.
type BookConfig struct {
	Bus      *Bus
	Journal  Appender
	Pipeline *Pipeline
	Clock    func() time.Time // default time.Now

	// SectorsAt names the sectors of the zone that hold a place. It is asked at each new
	// alert and may not wait. Default: alerts are of no sector.
	SectorsAt func(geo.Point) []string
}

// Appender is the journal as the book needs it.
type Appender interface {
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
}

// Book holds the alerts. An alert leaves on the bus at once, its journal entry
// is written in parallel; an acknowledgement is answered when it is durable.
// Safe for concurrent use; Replay comes before Run.
type Book struct {
	cfg    BookConfig
	sub    *Subscription
	writer *factWriter

	mu        sync.Mutex // guards the fields below
	byID      map[string]*Alert
	byKey     map[alertKey]*Alert                      // the newest alert of each condition
	byVehicle map[vehicles.VehicleID]map[string]*Alert // open alerts
	order     []string                                 // ids, oldest first
	flood     flood
	signs     interference
	counted   map[string]bool // ids of alerts whose raw count is yet to be told
}

// alertKey is one condition.
type alertKey struct {
	typ     AlertType
	vehicle vehicles.VehicleID
	object  string // fence or second vehicle
}

func keyOf(a *Alert) alertKey {
	k := alertKey{typ: a.Type, vehicle: a.Vehicle.ID}
	switch {
	case a.Fence != nil:
		k.object = a.Fence.ID
	case a.Other != nil:
		k.object = string(a.Other.ID)
	case a.Mismatch != nil:
		k.object = a.Mismatch.What
	case a.Area != nil && len(a.Area.Vehicles) > 0:
		k.object = string(a.Area.Vehicles[0].ID)
	case a.Suspect != nil:
		k.object = a.Suspect.Why
	case a.Type == CallPerson:
		k.object = string(a.Source)
	case a.Priority != nil:
		k.object = a.Priority.ID
	}
	return k
}

// NewBook makes a book and joins the bus, so that no transition between here
// and Run is missed.
func NewBook(cfg BookConfig) *Book {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	b := &Book{
		cfg: cfg, byID: map[string]*Alert{}, byKey: map[alertKey]*Alert{},
		byVehicle: map[vehicles.VehicleID]map[string]*Alert{}, flood: newFlood(), signs: newInterference(), counted: map[string]bool{},
	}
	b.writer = newFactWriter(cfg.Journal, cfg.Clock, b.durable)
	b.sub, _ = cfg.Bus.Subscribe(SubscribeConfig{Name: "alert_book", Reserved: true, Limit: 50_000})
	return b
}

// Run turns events into alerts until ctx ends; then it takes what still waits
// on the bus and writes every fact.
func (b *Book) Run(ctx context.Context) error {
	defer b.sub.Close()
	var wg sync.WaitGroup
	wg.Go(b.writer.run)
	defer wg.Wait()
	defer b.writer.stop()
	b.endFormerEpoch()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-b.sub.Ready():
		case <-second.C:
			b.tick()
			continue
		case <-ctx.Done():
			err := b.takeAll()
			b.endFlood()
			return err
		}
		if err := b.takeAll(); err != nil {
			return err
		}
	}
}

func (b *Book) takeAll() error {
	events, err := b.sub.Take()
	for i := range events {
		b.take(&events[i])
	}
	if err != nil {
		return fmt.Errorf("alert book: %w", err)
	}
	return nil
}

// endFormerEpoch clears the alerts of tracks that ended with the former start
// of the server: an unverified id is never used again, so nothing else would. An
// interference, a conflict with priority traffic or a call about it that goes on is
// found again.
func (b *Book) endFormerEpoch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Clock().UnixMicro()
	for _, id := range b.order {
		a := b.byID[id]
		former := a.Type == GNSSInterference || a.Type == PriorityConflict || a.Source == CallPriority || a.Source == CallRestriction || !a.Vehicle.Verified && a.Vehicle.Handle == 0
		if former && a.ClearedUS == 0 {
			b.clear(a, now, "server_restarted")
		}
	}
}

func (b *Book) take(e *Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch body := e.Body.(type) {
	case *Transition:
		b.takeTransition(body)
	case *Jump:
		b.takeJump(body)
	case *Settled:
		b.takeSettled(body, e.TimeUS)
	case *Unenforced:
		b.takeUnenforced(body, e.TimeUS)
	case *Confirmed:
		b.takeConfirmed(body, e.TimeUS)
	case *LinkChange:
		b.takeLink(body, e.TimeUS)
	case *Prediction:
		b.takePrediction(body, e.TimeUS)
	case *Separation:
		b.takeSeparation(body, e.TimeUS)
	case *IdentityChange:
		b.takeIdentity(body, e.TimeUS)
	case *SignalChange:
		b.takeSignal(body, e.TimeUS)
	case *StartChange:
		b.takeStart(body, e.TimeUS)
	case *PermitNotice:
		b.takePermit(body, e.TimeUS)
	case *Call:
		b.takeCall(body, e.TimeUS)
	case *Suspect:
		b.takeSuspect(body, e.TimeUS)
	case *PriorityChange:
		b.takePriority(body, e.TimeUS)
	case *Begun:
		b.signs.proved[body.Vehicle.Handle] = true
		for _, a := range b.openOf(body.Vehicle.ID) {
			if a.endsWithTrack() && a.Vehicle.Handle != body.Vehicle.Handle {
				b.clear(a, e.TimeUS, "server_restarted")
			}
		}
	case *Gone:
		b.flood.forget(body.Vehicle.ID)
		delete(b.signs.of, body.Vehicle.Handle)
		delete(b.signs.proved, body.Vehicle.Handle)
		for _, a := range b.openOf(body.Vehicle.ID) {
			if a.endsWithTrack() {
				b.clear(a, e.TimeUS, "track_ended")
			}
		}
	}
}

// openOf lists the open alerts of a vehicle.
func (b *Book) openOf(id vehicles.VehicleID) []*Alert {
	var out []*Alert
	for _, a := range b.byVehicle[id] {
		out = append(out, a)
	}
	return out
}

// change acts on a condition at once, or leaves it to the next second when the
// flood rules say so: what holds then is raised then.
func (b *Book) change(key alertKey, c condition) {
	now := b.cfg.Clock()
	if b.flood.defers(key, &c, now, b.byKey[key]) {
		if c.begins { // the map shows it at once, whenever its alert comes
			b.cfg.Pipeline.raiseAlertLevel(c.id.Handle, c.level)
		}
		return
	}
	b.apply(key, &c)
}

func (b *Book) apply(key alertKey, c *condition) {
	a := b.byKey[key]
	if c.begins {
		a = b.raise(key, c)
	}
	if c.ends && a != nil && a.ClearedUS == 0 {
		if !c.begins && c.raw > 0 { // with a beginning it is counted
			next := *a
			next.Raw += c.raw
			a = &next
		}
		b.clear(a, c.timeUS, c.cause)
	}
}

// raise makes or re-opens the alert of a condition.
func (b *Book) raise(key alertKey, c *condition) *Alert {
	if a := b.byKey[key]; a != nil && b.continues(a, c) {
		next := *a
		c.complete(&next)
		next.BegunUS, next.LastUS, next.Count = c.timeUS, c.timeUS, a.Count+1
		next.Vehicle.Handle = c.id.Handle // that of this run: the map shows the level by it
		next.ClearedUS, next.Cause = 0, ""
		if !a.covers(c.timeUS) {
			next.Ack = nil
		}
		b.put(&next, c.timeUS, fact{Type: factRepeated, Alert: &next})
		return &next
	}
	a := &Alert{
		ID: newAlertID(), Type: key.typ, Level: c.level, Vehicle: alertVehicle(c.id),
		RaisedUS: c.timeUS, BegunUS: c.timeUS, LastUS: c.timeUS, Count: 1,
	}
	c.complete(a)
	a.Under, a.Sectors = b.signs.under(c.id.Handle), b.sectorsOf(a)
	b.put(a, c.timeUS, fact{Type: factRaised, Alert: a})
	return a
}

// continues reports whether a condition that begins is that of an alert once
// more: it still holds, or has just ended, and the fence asks the same.
func (b *Book) continues(a *Alert, c *condition) bool {
	if c.fence != nil && a.Fence != nil && a.Fence.Rev != c.fence.Fence.Rev && a.ClearedUS != 0 {
		return false
	}
	return a.ClearedUS == 0 || !c.anew && c.timeUS-a.ClearedUS < reopenUS
}

func (b *Book) clear(a *Alert, nowUS int64, cause string) {
	next := *a
	next.ClearedUS, next.LastUS, next.Cause = nowUS, nowUS, cause
	b.put(&next, nowUS, fact{Type: factCleared, ID: a.ID, AtUS: nowUS, Cause: cause, Raw: next.Raw})
}

// put makes a the current state of its alert, tells everybody, and hands the
// fact to the journal. The bus comes first: an alert never waits for a disk.
func (b *Book) put(a *Alert, nowUS int64, f fact) {
	b.store(a)
	b.cfg.Bus.Publish(nowUS, a)
	b.writer.add(f, nowUS, nil)
	b.mark(a.Vehicle)
}

func (b *Book) store(a *Alert) {
	key := keyOf(a)
	if _, known := b.byID[a.ID]; !known {
		b.order = append(b.order, a.ID)
		b.byKey[key] = a
	} else if newest := b.byKey[key]; newest == nil || newest.ID == a.ID {
		b.byKey[key] = a
	}
	b.byID[a.ID] = a
	open := b.byVehicle[a.Vehicle.ID]
	switch {
	case a.Open() && open == nil:
		b.byVehicle[a.Vehicle.ID] = map[string]*Alert{a.ID: a}
	case a.Open():
		open[a.ID] = a
	case open != nil:
		delete(open, a.ID)
		if len(open) == 0 {
			delete(b.byVehicle, a.Vehicle.ID)
		}
	}
}

// trim forgets the oldest closed alerts; the journal keeps them all.
func (b *Book) trim() {
	drop := len(b.order) - keepClosed
	if drop < keepClosed/10 {
		return
	}
	b.order = slices.DeleteFunc(b.order, func(id string) bool {
		a := b.byID[id]
		if drop <= 0 || a.Open() {
			return false
		}
		drop--
		delete(b.byID, id)
		if newest := b.byKey[keyOf(a)]; newest != nil && newest.ID == id {
			delete(b.byKey, keyOf(a))
		}
		return true
	})
}

// mark shows the highest unacknowledged level of a vehicle on the live channel.
func (b *Book) mark(v AlertVehicle) {
	if v.Handle == 0 {
		return
	}
	level := uint8(0)
	for _, a := range b.byVehicle[v.ID] {
		if a.Ack == nil {
			level = max(level, a.Level)
		}
	}
	b.cfg.Pipeline.setAlertLevel(v.Handle, level)
}

// Alert is one alert as a view shows it.
func (b *Book) Alert(view View, id string) (Alert, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.byID[id]
	if ok {
		a, ok = view.Alert(a)
	}
	if !ok {
		return Alert{}, false
	}
	return *a, true
}

// Alerts lists the alerts of a view, newest first; only open ones unless all is set.
func (b *Book) Alerts(view View, all bool) []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Alert
	for _, id := range b.order {
		a := b.byID[id]
		if !all && !a.Open() {
			continue
		}
		if shown, ok := view.Alert(a); ok {
			out = append(out, *shown)
		}
	}
	slices.SortStableFunc(out, func(x, y Alert) int { return cmp.Compare(y.RaisedUS, x.RaisedUS) })
	return out
}

// Health says why the book is degraded; empty when it is not.
func (b *Book) Health() []Reason {
	out := b.writer.health()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.flood.late(b.cfg.Clock()); n > 0 {
		out = append(out, Reason{"alerts_deferred", fmt.Sprintf(
			"%d alerts of unverified vehicles wait because there are more than people can read. The map shows the vehicles' levels. Find the source that floods, see /v1/tracks.", n)})
	}
	return out
}

// Unwritten is how many alert facts the journal does not have yet.
func (b *Book) Unwritten() int { return b.writer.unwritten() }

func newAlertID() string {
	var r [8]byte
	_, _ = rand.Read(r[:]) // crypto/rand.Read never fails
	return "al_" + hex.EncodeToString(r[:])
}

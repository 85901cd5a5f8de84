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

	"testzone/geofence"
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
	// end re-opens the alert instead of raising another.
	reopenUS = 30_000_000
	// unverifiedPerMinute is the alert quota of sources that proved nothing.
	unverifiedPerMinute = 300
	// keepClosed is how many closed alerts the book holds for the history.
	keepClosed = 10_000
)

// BookConfig of a Book. All but Clock are needed.
type BookConfig struct {
	Bus      *Bus
	Journal  Appender
	Pipeline *Pipeline
	Clock    func() time.Time // default time.Now
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

	mu     sync.Mutex // guards the fields below
	byID   map[string]*Alert
	byKey  map[alertKey]*Alert // the newest alert of each condition
	order  []string            // ids, oldest first
	window int64               // minute of the unverified quota
	used   int
}

// alertKey is one condition.
type alertKey struct {
	typ     AlertType
	vehicle vehicles.VehicleID
	fence   string
}

func keyOf(a *Alert) alertKey {
	k := alertKey{typ: a.Type, vehicle: a.Vehicle.ID}
	if a.Fence != nil {
		k.fence = a.Fence.ID
	}
	return k
}

// NewBook makes a book and joins the bus, so that no transition between here
// and Run is missed.
func NewBook(cfg BookConfig) *Book {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	b := &Book{cfg: cfg, byID: map[string]*Alert{}, byKey: map[alertKey]*Alert{}}
	b.writer = newFactWriter(cfg.Journal, cfg.Clock, b.durable)
	b.sub, _ = cfg.Bus.Subscribe(SubscribeConfig{Name: "alert_book", Reserved: true, Limit: 50_000})
	return b
}

// Run turns events into alerts until ctx ends, and then writes what waits.
func (b *Book) Run(ctx context.Context) error {
	defer b.sub.Close()
	var wg sync.WaitGroup
	wg.Go(b.writer.run)
	defer wg.Wait()
	defer b.writer.stop()
	b.endFormerEpoch()
	for {
		events, err := b.sub.Next(ctx)
		for i := range events {
			b.take(&events[i])
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("alert book: %w", err)
		}
	}
}

// endFormerEpoch clears the alerts of tracks that ended with the former start
// of the server: an unverified id is never used again, so nothing else would.
func (b *Book) endFormerEpoch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Clock().UnixMicro()
	for _, id := range b.order {
		if a := b.byID[id]; a.ClearedUS == 0 && !a.Vehicle.Verified && a.Vehicle.Handle == 0 {
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
	case *LinkChange:
		b.takeLink(body, e.TimeUS)
	case *Gone:
		for _, a := range b.byKey {
			if a.Vehicle.ID == body.Vehicle.ID && a.ClearedUS == 0 {
				b.clear(a, e.TimeUS, "track_ended")
			}
		}
	}
}

func (b *Book) takeTransition(t *Transition) {
	fence := &t.Fence.Fence
	key := alertKey{typ: FenceBreach, vehicle: t.Vehicle.ID, fence: fence.ID}
	switch t.Effect() {
	case geofence.BreachBegins:
		b.begin(key, t)
	case geofence.BreachPassed:
		if a := b.begin(key, t); a != nil {
			b.clear(a, t.ReceivedUS, "passed_through")
		}
	case geofence.BreachEnds:
		if a := b.byKey[key]; a != nil && a.ClearedUS == 0 {
			b.clear(a, t.ReceivedUS, endCause(t))
		}
	}
}

func endCause(t *Transition) string {
	switch {
	case t.Kind == geofence.Ended:
		return "fence_ended"
	case t.Flags&geofence.FenceChanged != 0:
		return "fence_changed"
	}
	return "complied"
}

func (b *Book) begin(key alertKey, t *Transition) *Alert {
	fence := &t.Fence.Fence
	return b.raise(key, t.Vehicle, Critical, t.ReceivedUS, func(a *Alert) {
		a.Fence = &AlertFence{ID: fence.ID, Name: fence.Name, Kind: fence.Kind.String(), Rev: fence.Rev}
		a.Evidence = newEvidence(&t.Transition)
	})
}

func (b *Book) takeLink(l *LinkChange, nowUS int64) {
	key := alertKey{typ: LinkLost, vehicle: l.Vehicle.ID}
	switch {
	case l.To == vehicles.LinkLost && l.Armed:
		b.raise(key, l.Vehicle, Warning, nowUS, func(*Alert) {})
	case l.To == vehicles.LinkNominal:
		if a := b.byKey[key]; a != nil && a.ClearedUS == 0 {
			b.clear(a, nowUS, "link_restored")
		}
	}
}

// raise makes or re-opens the alert of a condition. It returns nil when the
// quota of unverified sources is used up: the flood alert counts it instead.
func (b *Book) raise(key alertKey, id *vehicles.Identity, level uint8, nowUS int64, fill func(*Alert)) *Alert {
	if a := b.byKey[key]; a != nil && (a.ClearedUS == 0 || nowUS-a.ClearedUS < reopenUS) {
		next := *a
		fill(&next)
		next.LastUS, next.Count = nowUS, a.Count+1
		if a.ClearedUS != 0 {
			// Re-opened: who acknowledged it is not disturbed again, the level is the same.
			next.ClearedUS, next.Cause = 0, ""
		}
		b.put(&next, nowUS, fact{Type: factRepeated, Alert: &next})
		return &next
	}
	if !id.Verified && key.typ != UnverifiedFlood && !b.withinQuota(nowUS) {
		flood := alertKey{typ: UnverifiedFlood, vehicle: "unverified"}
		a := b.raise(flood, &vehicles.Identity{ID: "unverified", Name: "unverified sources"}, Caution, nowUS, func(*Alert) {})
		b.clear(a, nowUS, "counted") // each refusal re-opens it: the count says how many
		return nil
	}
	a := &Alert{ID: newAlertID(), Type: key.typ, Level: level, Vehicle: alertVehicle(id), RaisedUS: nowUS, LastUS: nowUS, Count: 1}
	fill(a)
	b.put(a, nowUS, fact{Type: factRaised, Alert: a})
	return a
}

func (b *Book) withinQuota(nowUS int64) bool {
	if minute := nowUS / 60_000_000; minute != b.window {
		b.window, b.used = minute, 0
	}
	b.used++
	return b.used <= unverifiedPerMinute
}

func (b *Book) clear(a *Alert, nowUS int64, cause string) {
	next := *a
	next.ClearedUS, next.LastUS, next.Cause = nowUS, nowUS, cause
	b.put(&next, nowUS, fact{Type: factCleared, ID: a.ID, AtUS: nowUS, Cause: cause})
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
	if _, known := b.byID[a.ID]; !known {
		b.order = append(b.order, a.ID)
		b.trim()
	}
	b.byID[a.ID] = a
	b.byKey[keyOf(a)] = a
}

// trim forgets the oldest closed alerts; the journal keeps them all.
func (b *Book) trim() {
	if len(b.order) < 2*keepClosed {
		return
	}
	kept := b.order[:0]
	drop := len(b.order) - keepClosed
	for _, id := range b.order {
		a := b.byID[id]
		if a == nil { // the one that is being stored
			kept = append(kept, id)
			continue
		}
		if drop > 0 && !a.Open() {
			drop--
			delete(b.byID, id)
			if b.byKey[keyOf(a)] == a {
				delete(b.byKey, keyOf(a))
			}
			continue
		}
		kept = append(kept, id)
	}
	b.order = kept
}

// mark shows the highest unacknowledged level of a vehicle on the live channel.
func (b *Book) mark(v AlertVehicle) {
	if v.Handle == 0 {
		return
	}
	level := uint8(0)
	for _, a := range b.byKey {
		if a.Vehicle.ID == v.ID && a.Ack == nil && a.Open() {
			level = max(level, a.Level)
		}
	}
	b.cfg.Pipeline.setAlertLevel(v.Handle, level)
}

// Acknowledge records that a person has seen an alert. It returns when that is
// durable; a second acknowledgement returns the first.
func (b *Book) Acknowledge(ctx context.Context, id, by, note string) (Alert, error) {
	b.mu.Lock()
	a, ok := b.byID[id]
	if !ok {
		b.mu.Unlock()
		return Alert{}, fmt.Errorf("acknowledge %s: %w", id, ErrNoAlert)
	}
	if a.Ack != nil {
		defer b.mu.Unlock()
		return *a, nil
	}
	now := b.cfg.Clock().UnixMicro()
	ack := &Acknowledgement{By: by, AtUS: now, Note: note}
	done := make(chan error, 1)
	b.writer.add(fact{Type: factAcknowledged, ID: id, Ack: ack, AtUS: now}, now, done)
	b.mu.Unlock()

	select {
	case err := <-done:
		if err != nil {
			return Alert{}, fmt.Errorf("acknowledge %s: %w: %w", id, ErrNotDurable, err)
		}
	case <-ctx.Done():
		return Alert{}, fmt.Errorf("acknowledge %s: %w", id, ctx.Err())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	current, ok := b.byID[id]
	if !ok {
		return Alert{}, fmt.Errorf("acknowledge %s: %w", id, ErrNoAlert)
	}
	return *current, nil
}

// durable is called by the writer, in the order of the journal.
func (b *Book) durable(f *fact, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := f.ID
	if f.Alert != nil {
		id = f.Alert.ID
	}
	a, ok := b.byID[id]
	if !ok {
		return
	}
	next := *a
	next.JournalSeq = seq
	if f.Type == factAcknowledged && a.Ack == nil {
		next.Ack = f.Ack
		next.LastUS = max(next.LastUS, f.Ack.AtUS)
		b.store(&next)
		b.cfg.Bus.Publish(f.Ack.AtUS, &next)
		b.mark(next.Vehicle)
		return
	}
	b.store(&next)
}

// Alert is one alert.
func (b *Book) Alert(id string) (Alert, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.byID[id]
	if !ok {
		return Alert{}, false
	}
	return *a, true
}

// Alerts lists alerts, newest first; only open ones unless all is set.
func (b *Book) Alerts(all bool) []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Alert
	for _, id := range b.order {
		if a := b.byID[id]; a != nil && (all || a.Open()) {
			out = append(out, *a)
		}
	}
	slices.SortStableFunc(out, func(x, y Alert) int { return cmp.Compare(y.RaisedUS, x.RaisedUS) })
	return out
}

// Health says why the book is degraded; empty when it is not.
func (b *Book) Health() []Reason { return b.writer.health() }

func newAlertID() string {
	var r [8]byte
	_, _ = rand.Read(r[:]) // crypto/rand.Read never fails
	return "al_" + hex.EncodeToString(r[:])
}

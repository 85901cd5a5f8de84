package telemetry

import (
	"cmp"
	"slices"
	"time"

	"testzone/vehicles"
)

// The flood rules. Nobody reads more alerts than these, and a source that
// proved nothing must not be able to bury those of the others. No breach is
// lost by them: what is deferred and still holds a second later is raised then.
const (
	// unverifiedPerMinute is how many breaches of unverified sources, and apart
	// from them how many of their other conditions, may begin in a minute.
	unverifiedPerMinute = 300
	// addressPerMinute is how many of either one source address may begin.
	addressPerMinute = 60
	// changesPerMinute is how often one condition may begin and end in a minute
	// before it changes at most once a second.
	changesPerMinute = 20
	// openUnverified is how many alerts of unverified sources may be cleared and
	// not acknowledged; the oldest beyond are folded into the flood alert.
	openUnverified = 5000
)

// foldedBy is the name under which the system closes an alert that is one of
// too many.
const foldedBy = "system:flood"

// flood decides what is acted on at once and what waits for the next second.
type flood struct {
	breaches, others budget
	addresses        map[addressKey]*budget
	changes          map[alertKey]int // in the minute changesIn
	changesIn        int64
	deferred         map[alertKey]condition // the newest state of what waits
	refused          int                    // beginnings that had no budget, since the last tick
}

// addressKey is one address, for its breaches or for everything else.
type addressKey struct {
	address string
	breach  bool
}

func newFlood() flood {
	return flood{addresses: map[addressKey]*budget{}, changes: map[alertKey]int{}, deferred: map[alertKey]condition{}}
}

// budget is a minute's allowance.
type budget struct {
	minute int64
	used   int
}

// left reports whether the minute's limit is not used up.
func (b *budget) left(now time.Time, limit int) bool {
	if m := now.Unix() / 60; m > b.minute { // never back: a step of the clock refills nothing
		b.minute, b.used = m, 0
	}
	return b.used < limit
}

// defers reports whether a change must wait, and keeps it if so. current is the
// newest alert of the condition, or nil.
func (f *flood) defers(key alertKey, c *condition, now time.Time, current *Alert) bool {
	if _, waits := f.deferred[key]; waits {
		f.hold(key, c, current)
		return true
	}
	if !c.begins && (current == nil || current.ClearedUS != 0) {
		return false // nothing will come of it
	}
	if f.changes[key]++; f.changes[key] > changesPerMinute {
		f.hold(key, c, current)
		return true
	}
	if c.begins && !f.allows(key, c, now) {
		f.hold(key, c, current)
		return true
	}
	return false
}

func (f *flood) allows(key alertKey, c *condition, now time.Time) bool {
	from := cmp.Or(c.from, c.id)
	if from.Verified {
		return true
	}
	b := &f.others
	if key.typ == FenceBreach {
		b = &f.breaches
	}
	at := addressKey{from.Source.Address, key.typ == FenceBreach}
	address := f.addresses[at]
	if address == nil {
		address = &budget{}
		f.addresses[at] = address
	}
	if !address.left(now, addressPerMinute) || !b.left(now, unverifiedPerMinute) {
		f.refused++
		return false
	}
	address.used++
	b.used++
	return true
}

// late is how many alerts have waited for more than two seconds.
func (f *flood) late(now time.Time) (n int) {
	for _, c := range f.deferred {
		if c.begins && now.UnixMicro()-c.timeUS > stalledAfter.Microseconds() {
			n++
		}
	}
	return n
}

// hold keeps the newest state of a condition. A breach that began and ended
// while it waited is kept as one that passed: it is still raised.
func (f *flood) hold(key alertKey, c *condition, current *Alert) {
	next := *c
	was, waits := f.deferred[key]
	if waits && c.ends && !c.begins && was.begins {
		next = was
		next.ends, next.cause = true, c.cause
	}
	if waits {
		next.raw = was.raw + c.raw
	}
	f.deferred[key] = next
}

// forget drops what waits of a vehicle that is gone; the flood alert has counted it.
func (f *flood) forget(id vehicles.VehicleID) {
	for key := range f.deferred {
		if key.vehicle == id {
			delete(f.deferred, key)
		}
	}
}

// tick is done once a second: what waited is acted on as far as the budgets
// allow, oldest first, and the flood alert counts the rest.
func (b *Book) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Clock()
	if m := now.Unix() / 60; m != b.flood.changesIn {
		b.flood.changesIn = m
		clear(b.flood.changes)
		clear(b.flood.addresses)
	}
	keys := make([]alertKey, 0, len(b.flood.deferred))
	for key := range b.flood.deferred {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y alertKey) int {
		return int(b.flood.deferred[x].timeUS - b.flood.deferred[y].timeUS)
	})
	refused := b.flood.refused
	for _, key := range keys {
		c := b.flood.deferred[key]
		if c.begins && !b.flood.allows(key, &c, now) {
			continue
		}
		delete(b.flood.deferred, key)
		b.apply(key, &c)
	}
	b.flood.refused = 0
	b.endSuspicions(now.UnixMicro())
	b.tellCounted(now.UnixMicro())
	b.watchAreas(now.UnixMicro())
	folded := b.fold(now.UnixMicro())
	if refused+folded > 0 {
		b.countFlood(refused+folded, now.UnixMicro())
	}
	b.trim()
}

// endFlood raises what waits of verified vehicles when the book stops. An
// unverified track ends with the server.
func (b *Book) endFlood() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, c := range b.flood.deferred {
		if c.id.Verified {
			b.apply(key, &c)
		}
	}
	clear(b.flood.deferred)
}

// countFlood raises or repeats the alert that stands for what people are spared.
func (b *Book) countFlood(n int, nowUS int64) {
	key := alertKey{typ: UnverifiedFlood, vehicle: "unverified"}
	c := condition{
		id: &vehicles.Identity{ID: key.vehicle, Name: "unverified sources"}, level: Caution, timeUS: nowUS, cause: "counted", ends: true,
	}
	a := b.byKey[key]
	if a == nil || a.Ack != nil {
		c.begins = true
		a = b.raise(key, &c)
		n--
	}
	next := *a
	next.Count, next.BegunUS, next.LastUS, next.ClearedUS, next.Cause = a.Count+n, nowUS, nowUS, nowUS, c.cause
	b.put(&next, nowUS, fact{Type: factRepeated, Alert: &next})
}

// fold closes the oldest cleared alerts of unverified sources when there are
// too many for people to acknowledge.
func (b *Book) fold(nowUS int64) (n int) {
	var old []*Alert
	for _, id := range b.order {
		if a := b.byID[id]; !a.Vehicle.Verified && a.ClearedUS != 0 && a.Ack == nil && a.Type != UnverifiedFlood {
			old = append(old, a)
		}
	}
	for _, a := range old[:max(0, len(old)-openUnverified)] {
		next := *a
		next.Ack = &Acknowledgement{By: foldedBy, AtUS: nowUS}
		b.put(&next, nowUS, fact{Type: factFolded, ID: a.ID, Ack: next.Ack, AtUS: nowUS})
		n++
	}
	return n
}

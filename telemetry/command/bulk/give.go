package bulk

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

	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// State is what has become of a vehicle's part of an order to many. Those of an order
// that was given are command.State's.
type State string

// The states beside those of orders.
const (
	Waiting State = "waiting"  // its time has not come
	Cannot  State = "cannot"   // it was not ordered; its contact is called, if one is known
	Leased  State = "leased"   // it was left to who has its control
	NotSent State = "not_sent" // the rest was cancelled, or the server stopped
	Left    State = "left"     // it came to rest, or somebody else ordered it about, before its time
)

// Bulk is an order to many that was given. Its JSON is the journal's form: members
// are added, never changed.
type Bulk struct {
	ID       string       `json:"id"`
	Kind     command.Kind `json:"kind"`
	Of       string       `json:"of"` // the selection, as it was asked
	By       string       `json:"by"`
	Person   string       `json:"person"`
	Zone     bool         `json:"zone,omitempty"`
	Reason   string       `json:"reason,omitempty"`
	TakeOver bool         `json:"take_over,omitempty"`
	Orders   int          `json:"orders"`
	AtRest   int          `json:"at_rest,omitempty"`
	Items    []Item       `json:"items"`

	GivenUS     int64  `json:"given_us"`
	CancelledUS int64  `json:"cancelled_us,omitempty"`
	CancelledBy string `json:"cancelled_by,omitempty"`
	EndedUS     int64  `json:"ended_us,omitempty"` // nothing more becomes of it
	Why         string `json:"why,omitempty"`      // it ended before it was through

	Durable bool          `json:"-"` // the journal has it
	Tally   map[State]int `json:"-"` // how many items are in each state; of a list

	request *journal.Request
	cancel  context.CancelFunc // of what has not left; nil: of a former start
}

// endTime bounds how long the results of a bulk order are looked for after its last
// orders left: orders are over after a minute.
const endTime = 90 * time.Second

// atATime is how many vehicles are told at the same time.
const atATime = 64

// writeTime is how long the answer waits for the journal: the orders leave.
const writeTime = time.Second

// ChangedError is the error when an order is not of a preview that holds.
type ChangedError struct{ Now *Preview }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%v: it orders %d vehicles about now", ErrChanged, e.Now.Orders)
}

// Is makes it an ErrChanged.
func (e *ChangedError) Is(target error) bool { return target == ErrChanged }

// Give gives an order to many, as it was looked at. The orders leave while it is
// written down. The same request of ctx again gets the same one.
func (g *Giver) Give(ctx context.Context, q Request) (Bulk, error) {
	if before, ok, err := g.answered(ctx); ok || err != nil {
		return before, err
	}
	saw := g.seen(q.Digest)
	now, err := g.Preview(ctx, q)
	if err != nil {
		return Bulk{}, err
	}
	if now.Orders+now.Calls == 0 || saw == nil || saw.Kind != q.Kind || saw.Orders != q.Expect || !saw.covers(now) {
		return Bulk{}, &ChangedError{now}
	}
	return g.give(ctx, &q, now)
}

// give has what a preview says leave.
func (g *Giver) give(ctx context.Context, q *Request, now *Preview) (Bulk, error) {
	b := &Bulk{
		ID: newID(), Kind: q.Kind, Of: q.Of.Text, By: q.By.Actor, Person: q.By.Person, Zone: q.By.Zone, Reason: q.Reason, TakeOver: q.TakeOver,
		Orders: now.Orders, AtRest: now.AtRest, Items: slices.Clone(now.Items), GivenUS: g.nowUS(), request: journal.RequestOf(ctx),
	}
	for i := range b.Items {
		it := &b.Items[i]
		switch {
		case it.Kind != "":
			it.State = Waiting
		case it.Leased:
			it.State = Leased
		default:
			it.State = Cannot
		}
	}
	rest, cancel := context.WithCancel(g.life)
	b.cancel = cancel
	g.mu.Lock()
	if g.stopped {
		g.mu.Unlock()
		cancel()
		return Bulk{}, command.ErrStopping
	}
	g.store(b)
	given := entry{Type: typeGiven, By: b.By, AtUS: b.GivenUS, Bulk: b.copied(), Request: b.request}
	g.work.Go(func() { g.carryOut(rest, b, q) })
	written := g.write(given)
	g.mu.Unlock()
	select {
	case err := <-written:
		g.mu.Lock()
		b.Durable = err == nil
		g.mu.Unlock()
	case <-time.After(writeTime):
	case <-ctx.Done():
	}
	return g.Bulk(b.ID)
}

func newID() string {
	var r [8]byte
	_, _ = rand.Read(r[:]) // crypto/rand.Read never fails
	return "bo_" + hex.EncodeToString(r[:])
}

// carryOut has the orders leave and looks what becomes of them.
func (g *Giver) carryOut(rest context.Context, b *Bulk, q *Request) {
	defer b.cancel()
	g.each(b, func(it *Item) bool { return it.calls() && it.Kind == "" }, func(it *Item) { g.call(it, cmp.Or(it.Call, it.Cannot)) })
	g.each(b, func(it *Item) bool { return it.State == Waiting }, func(it *Item) {
		switch {
		case it.AfterS == 0:
			g.tell(b, q, it, it.Kind)
		case it.Held:
			g.tell(b, q, it, command.Hold)
		}
	})
	for _, after := range b.waves() {
		if !g.sleep(rest, b, after) {
			break
		}
		if b.Kind == End {
			g.stillEndable(rest, b, after)
		}
		g.each(b, func(it *Item) bool { return it.AfterS == after && g.mayFollow(b, it) }, func(it *Item) { g.tell(b, q, it, it.Kind) })
	}
	g.follow(b)
}

// waves are the times at which more orders leave, in seconds.
func (b *Bulk) waves() (out []int) {
	for i := range b.Items {
		if s := b.Items[i].AfterS; s > 0 {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sleep waits for the time of a wave; false when the rest is not sent.
func (g *Giver) sleep(rest context.Context, b *Bulk, afterS int) bool {
	due := time.NewTimer(time.Duration(b.GivenUS+int64(afterS)*1_000_000-g.nowUS()) * time.Microsecond)
	defer due.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-due.C:
			return rest.Err() == nil
		case <-tick.C:
			g.refresh(b)
		case <-rest.Done():
			return false
		}
	}
}

// each does something for the items that fit, many at the same time. do gets a copy
// whose state it may change by g.note.
func (g *Giver) each(b *Bulk, fits func(*Item) bool, do func(*Item)) {
	g.mu.Lock()
	var todo []Item
	for i := range b.Items {
		if fits(&b.Items[i]) {
			todo = append(todo, b.Items[i])
		}
	}
	g.mu.Unlock()
	var all sync.WaitGroup
	slots := make(chan struct{}, atATime)
	for i := range todo {
		slots <- struct{}{}
		all.Go(func() {
			do(&todo[i])
			<-slots
		})
	}
	all.Wait()
}

// tell orders one vehicle.
func (g *Giver) tell(b *Bulk, q *Request, it *Item, k command.Kind) {
	if g.life.Err() != nil {
		return
	}
	o, err := g.cfg.Orders.Ask(g.life, command.Request{
		Vehicle: it.Vehicle, Kind: k, By: q.By, Reason: q.Reason, TakeOver: q.TakeOver, Bulk: b.ID,
	})
	switch {
	case err == nil:
		g.note(b, it.Vehicle, func(it *Item) {
			it.Order = o.ID
			if it.Why = ""; k == it.Kind {
				it.State, it.Why = State(o.State), o.Why
			}
		})
	case errors.Is(err, command.ErrStopping) || g.life.Err() != nil:
	case errors.Is(err, command.ErrLeased) || errors.Is(err, command.ErrSafer):
		g.note(b, it.Vehicle, func(it *Item) { it.State, it.Why = Left, err.Error() })
	default:
		g.note(b, it.Vehicle, func(it *Item) { it.State, it.Why = Cannot, err.Error() })
		g.call(it, err.Error())
	}
}

func (g *Giver) call(it *Item, why string) {
	if it.id == nil {
		return
	}
	g.cfg.Orders.NeedCall(it.id, why)
}

// note changes an item.
func (g *Giver) note(b *Bulk, id vehicles.VehicleID, change func(*Item)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range b.Items {
		if b.Items[i].Vehicle == id {
			change(&b.Items[i])
			return
		}
	}
}

// mayFollow is whether a vehicle that waited is told now. Called with g.mu held.
func (g *Giver) mayFollow(b *Bulk, it *Item) bool {
	if it.State != Waiting {
		return false
	}
	if o, ok, _ := g.cfg.Orders.Now(it.Vehicle); ok && o.Bulk != b.ID && o.AskedUS >= b.GivenUS {
		it.State, it.Why = Left, fmt.Sprintf("%s by %s came between", o.Kind, o.Person)
		return false
	}
	return true
}

// follow looks what becomes of the orders until nothing more does.
func (g *Giver) follow(b *Bulk) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	late := time.After(endTime)
	for open := true; open; {
		open = g.refresh(b)
		if !open {
			break
		}
		select {
		case <-tick.C:
		case <-late:
			open = false
		case <-g.life.Done():
			return // the next start ends it
		}
	}
	if b.Kind == End {
		g.endOrders(b)
	}
	g.mu.Lock()
	b.EndedUS = g.nowUS()
	for i := range b.Items {
		if it := &b.Items[i]; it.State == Waiting {
			it.State, it.Why = NotSent, "the server stopped before its time came"
		}
	}
	g.write(entry{Type: typeEnded, AtUS: b.EndedUS, Bulk: b.copied()})
	g.mu.Unlock()
}

// refresh takes the states of the orders over; false when nothing more becomes of any
// that left.
func (g *Giver) refresh(b *Bulk) (open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range b.Items {
		it := &b.Items[i]
		if it.Order == "" {
			continue
		}
		o, err := g.cfg.Orders.Order(it.Order)
		if err != nil {
			continue // it was forgotten: long over
		}
		open = open || !o.State.Final()
		switch {
		case o.Kind == it.Kind:
			it.State, it.Why = State(o.State), o.Why
		case it.State == Waiting && o.State == command.Superseded:
			it.State, it.Why = Left, "somebody else ordered it about "+o.Why
		case it.State == Waiting && o.State.Final() && o.State != command.InEffect:
			it.State, it.Why = State(o.State), fmt.Sprintf("it was to be held first, and nothing else is sent: %s", o.Why)
		}
	}
	return open
}

// Cancel keeps what has not left from leaving. What left is not taken back.
func (g *Giver) Cancel(ctx context.Context, id string, by command.By) (Bulk, error) {
	g.mu.Lock()
	b := g.bulks[id]
	switch {
	case b == nil:
		g.mu.Unlock()
		return Bulk{}, fmt.Errorf("bulk order %s: %w", id, ErrNone)
	case g.stopped:
		g.mu.Unlock()
		return Bulk{}, command.ErrStopping
	case b.EndedUS != 0 || b.CancelledUS != 0 || b.cancel == nil:
		defer g.mu.Unlock()
		return *b.copied(), nil
	}
	b.CancelledUS, b.CancelledBy = g.nowUS(), by.Person
	for i := range b.Items {
		if it := &b.Items[i]; it.State == Waiting && it.AfterS > 0 {
			it.State, it.Why = NotSent, "cancelled by "+by.Person
		}
	}
	b.cancel()
	written := g.write(entry{Type: typeCancelled, By: by.Actor, AtUS: b.CancelledUS, Bulk: b.copied()})
	g.mu.Unlock()
	select {
	case err := <-written:
		if err != nil {
			return Bulk{}, fmt.Errorf("bulk order %s, nothing more leaves: %w: %w", id, command.ErrNotDurable, err)
		}
	case <-ctx.Done():
	}
	return g.Bulk(id)
}

// interrupt ends the orders of a former start. Nothing is sent.
func (g *Giver) interrupt() {
	g.mu.Lock()
	var open []*Bulk
	for _, id := range g.order {
		if b := g.bulks[id]; b.EndedUS == 0 && b.cancel == nil {
			open = append(open, b)
		}
	}
	g.mu.Unlock()
	for _, b := range open {
		var given []command.Order
		if g.cfg.Orders != nil {
			given = g.cfg.Orders.Orders(func(o *command.Order) bool { return o.Bulk == b.ID })
		}
		g.mu.Lock()
		b.EndedUS, b.Why = g.nowUS(), "the server restarted: what had not left was not sent"
		for i := range b.Items {
			it := &b.Items[i]
			if it.State == Waiting {
				it.State, it.Why = NotSent, b.Why
			}
			for j := range given { // newest first
				if o := &given[j]; o.Vehicle == it.Vehicle && o.Kind == it.Kind {
					it.Order, it.State, it.Why = o.ID, State(o.State), o.Why
					break
				}
			}
		}
		g.write(entry{Type: typeEnded, AtUS: b.EndedUS, Bulk: b.copied()})
		g.mu.Unlock()
	}
}

// Bulk is one order to many, with what has become of it by now.
func (g *Giver) Bulk(id string) (Bulk, error) {
	g.mu.Lock()
	b := g.bulks[id]
	g.mu.Unlock()
	if b == nil {
		return Bulk{}, fmt.Errorf("bulk order %s: %w", id, ErrNone)
	}
	if g.cfg.Orders != nil {
		g.refresh(b)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return *b.copied(), nil
}

// Bulks lists those that are wanted, newest first, with tallies instead of items.
func (g *Giver) Bulks(wants func(*Bulk) bool) []Bulk {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := []Bulk{}
	for _, id := range slices.Backward(g.order) {
		if b := g.bulks[id]; wants(b) {
			short := *b
			short.Items, short.Tally = nil, map[State]int{}
			for i := range b.Items {
				short.Tally[b.Items[i].State]++
			}
			out = append(out, short)
		}
	}
	return out
}

func (b *Bulk) copied() *Bulk {
	c := *b
	c.Items = slices.Clone(b.Items)
	return &c
}

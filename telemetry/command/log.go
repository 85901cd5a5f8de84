package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"testzone/telemetry/journal"
)

// Schema is the payload type of the journal's entries about orders and control
// leases: JSON, an entry.
const Schema = 13

// The types of entries, beside those of the states of orders.
const (
	typeTaken   = "lease.taken"
	typeGivenUp = "lease.given_up"
)

func typeOf(s State) string { return "order." + string(s) }

// entry is the journal's form of what happened: the record as it is from now on.
// Members are added, never changed.
type entry struct {
	Type    string           `json:"type"`
	By      string           `json:"by,omitempty"` // of whom ordered; empty for what the vehicle did
	AtUS    int64            `json:"at_us"`
	Order   *Order           `json:"order,omitempty"`
	Lease   *Lease           `json:"lease,omitempty"` // that the order took, or alone
	Call    *Call            `json:"call,omitempty"`
	Request *journal.Request `json:"request,omitempty"`
}

// errEntry is returned when an entry of the journal cannot be read, e.g. because a
// newer program wrote it.
var errEntry = errors.New("order entry is not readable by this program")

type requestName struct{ by, key string }

// answer is the order that a request led to.
type answer struct {
	sha256 string
	order  string
	atUS   int64
}

// maxAnswers bounds the answers that are kept.
const maxAnswers = 10_000

// noteAnswer keeps what a request led to. Called with d.mu held.
func (d *Dispatcher) noteAnswer(q *journal.Request, a answer) {
	if len(d.answers) >= maxAnswers {
		maps.DeleteFunc(d.answers, func(_ requestName, old answer) bool { return a.atUS-old.atUS > journal.RequestWindowUS })
	}
	if len(d.answers) < maxAnswers {
		d.answers[requestName{q.By, q.Key}] = a
	}
}

// Answered is the order that the request of ctx led to before.
func (d *Dispatcher) Answered(ctx context.Context) (o Order, ok bool, err error) {
	q := journal.RequestOf(ctx)
	if q == nil {
		return o, false, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.answers[requestName{q.By, q.Key}]
	switch {
	case !ok || d.nowUS()-a.atUS > journal.RequestWindowUS || d.orders[a.order] == nil:
		return o, false, nil
	case a.sha256 != q.SHA256:
		return o, false, journal.ErrKeyReused
	}
	return *d.orders[a.order].copied(), true, nil
}

func (o *Order) copied() *Order {
	c := *o
	c.Modes = slices.Clone(o.Modes)
	return &c
}

// store takes an order in as the newest of its vehicle, or in place of the same
// one. Called with d.mu held.
func (d *Dispatcher) store(o *Order) {
	old, known := d.orders[o.ID]
	mine := d.ofOne[o.Vehicle]
	if !known {
		d.order = append(d.order, o.ID)
		d.ofOne[o.Vehicle] = append(mine, o)
	} else if i := slices.Index(mine, old); i >= 0 {
		mine[i] = o
	}
	d.orders[o.ID] = o
	if n := d.newest[o.Vehicle]; !known || n.ID == o.ID { // by the order of the journal: a clock may be set back
		d.newest[o.Vehicle] = o
	}
	d.trim()
}

// trim forgets the oldest orders that are over; the newest of a vehicle stays.
func (d *Dispatcher) trim() {
	drop := len(d.order) - keepOrders
	if drop < keepOrders/10 {
		return
	}
	d.order = slices.DeleteFunc(d.order, func(id string) bool {
		o := d.orders[id]
		if drop <= 0 || !o.State.Final() || d.newest[o.Vehicle] == o {
			return false
		}
		drop--
		delete(d.orders, id)
		delete(d.watches, id)
		d.ofOne[o.Vehicle] = slices.DeleteFunc(d.ofOne[o.Vehicle], func(of *Order) bool { return of == o })
		return true
	})
}

// change changes an order and writes it down. Called with d.mu held.
func (d *Dispatcher) change(o *Order, by func(*Order)) {
	by(o)
	d.scribe.add(entry{Type: typeOf(o.State), AtUS: d.nowUS(), Order: o.copied()})
	d.tellOrder(o)
	d.attend(o)
}

// durable is called by the scribe, in the order of the journal.
func (d *Dispatcher) durable(e *entry, seq uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Order != nil && d.orders[e.Order.ID] != nil {
		d.orders[e.Order.ID].JournalSeq = seq
		d.tellOrder(d.orders[e.Order.ID])
	}
}

// Replay takes one journal record in. Records of other schemas are not ours. It is
// called for every record, in order, before Run.
func (d *Dispatcher) Replay(rec journal.Record) error {
	if rec.Schema != Schema {
		return nil
	}
	var e entry
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, errEntry, err)
	}
	if e.Order == nil && e.Lease == nil && e.Call == nil || e.Order != nil && e.Order.ID == "" {
		return fmt.Errorf("journal entry %d: %w: %s", rec.Seq, errEntry, e.Type)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Lease != nil {
		d.leases[e.Lease.Vehicle] = *e.Lease
	}
	if e.Call != nil {
		d.noteCall(e.Call)
	}
	if e.Order != nil {
		e.Order.JournalSeq = rec.Seq
		d.store(e.Order)
		if e.Request != nil {
			d.noteAnswer(e.Request, answer{e.Request.SHA256, e.Order.ID, e.AtUS})
		}
	}
	return nil
}

// Order is one order.
func (d *Dispatcher) Order(id string) (Order, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.orders[id]
	if o == nil {
		return Order{}, fmt.Errorf("order %s: %w", id, ErrNoOrder)
	}
	return *o.copied(), nil
}

// Orders lists the orders that a query wants, newest first.
func (d *Dispatcher) Orders(wants func(*Order) bool) []Order {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []Order{}
	for _, id := range slices.Backward(d.order) {
		if o := d.orders[id]; wants(o) {
			out = append(out, *o.copied())
		}
	}
	return out
}

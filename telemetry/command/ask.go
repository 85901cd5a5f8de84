package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// Request is what somebody orders.
type Request struct {
	Vehicle  vehicles.VehicleID
	Kind     Kind
	By       By
	Reason   string
	TakeOver bool   // the control of the vehicle, from who has it
	Ends     string // Resume: id of the order that it ends
	Bulk     string // id of the bulk order that it is part of: Ask does not wait for the journal
	To       *Place // Reposition: where to
	Try      bool   // check everything, and neither send nor change anything
	Basis    *Basis // if that has moved the order fails with ErrMoved; nil: whatever it is

	termination *Termination // Terminate
}

// Ask gives an order. One of safe direction is on its way when it returns; Order.JournalSeq
// is 0 when the journal did not have it within a second. RESUME is durable, and then
// leaves. The same request of ctx again gets the same order. What became of it
// stands in Order.State, then and later.
func (d *Dispatcher) Ask(ctx context.Context, q Request) (Order, error) {
	if before, ok, err := d.Answered(ctx); !q.Try && (ok || err != nil) {
		return before, err
	}
	v := d.identity(q.Vehicle)
	switch {
	case v == nil:
		return Order{}, fmt.Errorf("%s to %s: %w", q.Kind, q.Vehicle, ErrUnreachable)
	case !v.Verified:
		return Order{}, fmt.Errorf("%s to %s: %w", q.Kind, q.Vehicle, ErrUnverified)
	}
	p, err := planFor(v, q.Kind)
	if err != nil {
		return Order{}, err
	}
	t, known := d.track(ctx, v)
	if err := allowedNow(q.Kind, &t, known, d.nowUS()); err != nil {
		return Order{}, err
	}
	if q.Kind == Reposition {
		if err := d.aim(&p, &t, q.To); err != nil {
			return Order{}, err
		}
	}
	o, done, err := d.put(ctx, &q, v, p, &t)
	if err != nil {
		return Order{}, fmt.Errorf("%s to %s: %w", q.Kind, q.Vehicle, err)
	}
	if q.Try {
		return Order{
			Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, Kind: q.Kind, State: Asked, By: q.By.Actor, Person: q.By.Person,
			Zone: q.By.Zone, Reason: q.Reason, Ends: q.Ends, To: q.To, Command: p.commands[0].ID, Modes: p.modes, AskedUS: d.nowUS(),
		}, nil
	}
	if q.Bulk != "" && q.Kind.Safe() { // none of many waits for the disk
		return d.Order(o)
	}
	return d.wait(ctx, o, done)
}

// Check is whether an order could be given to a vehicle that is as t says: what Ask
// with Try would say.
func (d *Dispatcher) Check(ctx context.Context, q Request, t *telemetry.TrackView) error {
	v := t.Vehicle
	if !v.Verified {
		return fmt.Errorf("%s to %s: %w", q.Kind, v.ID, ErrUnverified)
	}
	p, err := planFor(v, q.Kind)
	if err == nil {
		err = allowedNow(q.Kind, t, true, d.nowUS())
	}
	if err != nil {
		return err
	}
	q.Vehicle, q.Try = v.ID, true
	if _, _, err = d.put(ctx, &q, v, p, t); err != nil {
		err = fmt.Errorf("%s to %s: %w", q.Kind, v.ID, err)
	}
	return err
}

// track is a vehicle as it is now. A shard that does not answer keeps no order of
// safe direction back.
func (d *Dispatcher) track(ctx context.Context, v *vehicles.Identity) (t telemetry.TrackView, known bool) {
	ctx, cancel := context.WithTimeout(ctx, trackTime)
	defer cancel()
	t, known, err := d.cfg.Fleet.Track(ctx, v.Handle)
	t.Vehicle = v
	return t, known && err == nil
}

// put makes an order the newest of its vehicle and lets it leave, or has it wait
// for the journal.
func (d *Dispatcher) put(ctx context.Context, q *Request, v *vehicles.Identity, p plan, t *telemetry.TrackView) (string, <-chan error, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return "", nil, ErrStopping
	}
	if q.Basis != nil && !d.holds(q.Basis, v.ID) {
		return "", nil, ErrMoved
	}
	lease, taken, err := d.grasp(v, q.By, q.TakeOver, q.Reason)
	if err != nil {
		return "", nil, err
	}
	now, before := d.nowUS(), d.newest[v.ID]
	if err := mayFollowTermination(q, before, t); err != nil {
		return "", nil, err
	}
	if d.recent(v.ID, q.By.Person, now) >= maxOrders {
		return "", nil, ErrTooMany
	}
	if err := d.mayFollow(q, v, p, t, before, now); err != nil {
		return "", nil, err
	}
	if q.Try {
		return "", nil, nil
	}
	o := &Order{
		ID: newOrderID(), Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, Kind: q.Kind, State: Asked,
		By: q.By.Actor, Person: q.By.Person, Zone: q.By.Zone, Reason: q.Reason, Ends: q.Ends, Bulk: q.Bulk, To: q.To, Modes: p.modes, ModeBefore: t.Mode, AskedUS: now, own: true,
	}
	if q.termination != nil {
		o.Termination, o.Confirmed = q.termination.ID, q.termination.Confirmed
	}
	if stop := d.stopOf(v.ID); stop != nil && slices.Contains(stop.Modes, t.Mode) {
		o.ModeBefore = stop.ModeBefore // one order after another: of the mission before the first
	}
	if before != nil && !before.State.Final() {
		d.change(before, func(b *Order) { b.State, b.Why, b.EndedUS = Superseded, "by "+o.ID, now })
	}
	if before != nil {
		delete(d.watches, before.ID)
	}
	d.store(o)
	e := entry{Type: typeOf(o.State), By: o.By, AtUS: now, Order: o.copied(), Request: journal.RequestOf(ctx)}
	if taken {
		d.leases[v.ID], e.Lease = lease, &lease
		d.tellLease(v.ID, v.Operator)
	}
	d.tellOrder(o)
	if e.Request != nil {
		d.noteAnswer(e.Request, answer{e.Request.SHA256, o.ID, now})
	}
	written := d.scribe.add(e)
	if o.Kind.Safe() {
		d.depart(o, v.Handle, p)
		return o.ID, written, nil
	}
	done := make(chan error, 1)
	d.work.Go(func() { done <- d.afterWriting(o.ID, v.Handle, p, written) })
	return o.ID, done, nil
}

// recent is how many orders somebody gave a vehicle within ordersIn. Called with
// d.mu held.
func (d *Dispatcher) recent(id vehicles.VehicleID, person string, nowUS int64) (n int) {
	for _, o := range slices.Backward(d.ofOne[id]) {
		if o.age(nowUS) > ordersIn {
			break
		}
		if o.Person == person {
			n++
		}
	}
	return n
}

// mayFollow is whether an order may come after the newest one. Called with d.mu held.
func (d *Dispatcher) mayFollow(q *Request, v *vehicles.Identity, p plan, t *telemetry.TrackView, before *Order, nowUS int64) error {
	if q.Kind == Resume {
		return mayResume(q, p, t, d.stopOf(v.ID), d.cfg.Fleet.ModeName)
	}
	// What the zone holds, for a helicopter perhaps, an operator does not send on a way.
	if stop := d.stopOf(v.ID); (q.Kind == Return || q.Kind == Reposition) && !q.By.Zone && stop != nil && stop.Zone &&
		(stop.Kind == Hold || stop.Kind == Stop) && (len(stop.Modes) == 0 || slices.Contains(stop.Modes, t.Mode)) {
		return fmt.Errorf("%w: %s of the zone did: ask there", ErrNotYours, stop.Person)
	}
	if before == nil || before.State.Final() || before.age(nowUS) > atOnce || rank(v.Class, before.Kind) <= rank(v.Class, q.Kind) {
		return nil
	}
	return fmt.Errorf("%s by %s: %w: look what becomes of it, and order again", before.Kind, before.By, ErrSafer)
}

// stopOf is the order that a vehicle is under: the newest but RESUME that it did
// not refuse, and that no RESUME has ended. Called with d.mu held.
func (d *Dispatcher) stopOf(id vehicles.VehicleID) *Order {
	for _, o := range slices.Backward(d.ofOne[id]) {
		switch {
		case o.State == Refused:
		case o.Kind != Resume:
			return o
		case o.State == InEffect:
			return nil
		}
	}
	return nil
}

// mayResume is whether RESUME may end an order (SAFETY 2, 7).
func mayResume(q *Request, p plan, t *telemetry.TrackView, before *Order, modeName func(*vehicles.Identity, uint32) string) error {
	switch {
	case before == nil || before.ID != q.Ends:
		return ErrMoved
	case before.Kind == Land || before.Kind == Terminate:
		return cannot("RESUME ends HOLD, STOP, RETURN or REPOSITION, and the newest order is %s", before.Kind)
	case before.Zone && !q.By.Zone:
		return fmt.Errorf("%w: %s of the zone did, and only the zone lets it go on: ask there", ErrNotYours, before.Person)
	case before.Person != q.By.Person && !q.TakeOver:
		return fmt.Errorf("%w: %s did; take it over explicitly, or ask there", ErrNotYours, before.Person)
	case len(before.Modes) > 0 && !slices.Contains(before.Modes, t.Mode):
		return cannot("the vehicle is in %q and not in the mode of the order: its pilot has it, who goes on", modeName(t.Vehicle, t.Mode))
	case len(p.modes) > 0 && !slices.Contains(p.modes, before.ModeBefore):
		return cannot("the vehicle was in %q before it was stopped and not in a mission: its operator lets it go on", modeName(t.Vehicle, before.ModeBefore))
	}
	return nil
}

// afterWriting lets an order leave that had to be durable first.
func (d *Dispatcher) afterWriting(id string, h vehicles.Handle, p plan, written <-chan error) error {
	err := <-written
	d.mu.Lock()
	defer d.mu.Unlock()
	o, now := d.orders[id], d.nowUS()
	switch {
	case o == nil || o.State != Asked: // a safer one came
		return err
	case err != nil:
		d.change(o, func(o *Order) { o.State, o.Why, o.EndedUS = Expired, "never sent: the journal did not take it", now })
		return fmt.Errorf("%w: nothing was sent: %w", ErrNotDurable, err)
	case o.age(now) >= patience(o.Kind) || d.stopped:
		d.change(o, func(o *Order) { o.State, o.Why, o.EndedUS = Expired, "never sent: the journal took too long", now })
		return nil
	}
	d.depart(o, h, p)
	return nil
}

// wait is the order as it is soon.
func (d *Dispatcher) wait(ctx context.Context, id string, done <-chan error) (Order, error) {
	o, err := d.Order(id)
	if err != nil {
		return o, err
	}
	var late <-chan time.Time
	if o.Kind.Safe() {
		timer := time.NewTimer(writeTime)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case err = <-done:
	case <-late:
	case <-ctx.Done():
		if !o.Kind.Safe() {
			err = fmt.Errorf("the outcome is not known yet, look at the vehicle's orders: %w", ctx.Err())
		}
	}
	if err != nil && (!o.Kind.Safe() || errors.Is(err, ErrStopping)) {
		return Order{}, err
	}
	return d.Order(id)
}

package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"testzone/vehicles"
)

// Lease is who has the control of a vehicle: one hand at a time.
type Lease struct {
	Vehicle  vehicles.VehicleID `json:"vehicle"`
	Operator string             `json:"operator"`
	Holder   string             `json:"holder"`         // person; "": nobody, it was given up
	Zone     bool               `json:"zone,omitempty"` // the holder is of the zone's own people
	SinceUS  int64              `json:"since_us"`
	From     string             `json:"from,omitempty"` // whom it was taken from
	Reason   string             `json:"reason,omitempty"`
}

// holds reports whether somebody has the control.
func (l *Lease) holds() bool { return l.Holder != "" }

// grasp is the lease of a vehicle when by orders it; changed is false when by has
// it already. Called with d.mu held.
func (d *Dispatcher) grasp(v *vehicles.Identity, by By, takeOver bool, reason string) (l Lease, changed bool, err error) {
	old := d.leases[v.ID]
	switch {
	case old.Holder == by.Person:
		return old, false, nil
	case old.holds() && !takeOver:
		return old, false, fmt.Errorf("%s has the control of vehicle %s: %w", old.Holder, v.ID, ErrLeased)
	}
	return Lease{
		Vehicle: v.ID, Operator: v.Operator, Holder: by.Person, Zone: by.Zone, SinceUS: d.nowUS(), From: old.Holder, Reason: reason,
	}, true, nil
}

// TakeLease gives somebody the control of a vehicle, durably. Who has it already
// keeps it; that of somebody else is taken over explicitly.
func (d *Dispatcher) TakeLease(ctx context.Context, id vehicles.VehicleID, by By, takeOver bool, reason string) (Lease, error) {
	v := d.identity(id)
	switch {
	case v == nil:
		return Lease{}, fmt.Errorf("control of %s: %w", id, ErrUnreachable)
	case !v.Verified:
		return Lease{}, fmt.Errorf("control of %s: %w", id, ErrUnverified)
	}
	d.mu.Lock()
	l, changed, err := d.grasp(v, by, takeOver, reason)
	if err != nil || !changed {
		d.mu.Unlock()
		return l, err
	}
	return l, d.writeLease(ctx, typeTaken, by, l)
}

// GiveUpLease ends the control that somebody has; others end it by taking over.
func (d *Dispatcher) GiveUpLease(ctx context.Context, id vehicles.VehicleID, by By) error {
	d.mu.Lock()
	l := d.leases[id]
	switch {
	case !l.holds():
		d.mu.Unlock()
		return nil
	case l.Holder != by.Person:
		d.mu.Unlock()
		return fmt.Errorf("%s has the control of vehicle %s: %w", l.Holder, id, ErrLeased)
	}
	l.From, l.Holder, l.Zone, l.SinceUS, l.Reason = l.Holder, "", false, d.nowUS(), ""
	return d.writeLease(ctx, typeGivenUp, by, l)
}

// writeLease makes a lease the current one and waits until it is durable. Called
// with d.mu held, which it releases.
func (d *Dispatcher) writeLease(ctx context.Context, typ string, by By, l Lease) error {
	if d.stopped {
		d.mu.Unlock()
		return ErrStopping
	}
	before, had := d.leases[l.Vehicle]
	d.leases[l.Vehicle] = l
	d.tellLease(l.Vehicle, l.Operator)
	done := d.scribe.add(entry{Type: typ, By: by.Actor, AtUS: l.SinceUS, Lease: &l})
	d.mu.Unlock()
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.leases[l.Vehicle] == l { // nobody changed it since
			if d.leases[l.Vehicle] = before; !had {
				delete(d.leases, l.Vehicle)
			}
			d.tellLease(l.Vehicle, l.Operator)
		}
		return fmt.Errorf("control of vehicle %s: %w: %w", l.Vehicle, ErrNotDurable, err)
	case <-ctx.Done():
		return fmt.Errorf("control of vehicle %s, the outcome is not known yet: %w", l.Vehicle, ctx.Err())
	}
}

// Lease is who has the control of a vehicle; ok is false when nobody has.
func (d *Dispatcher) Lease(id vehicles.VehicleID) (l Lease, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l = d.leases[id]
	return l, l.holds()
}

// Leases lists the control that somebody has and that a query wants, by vehicle.
func (d *Dispatcher) Leases(wants func(*Lease) bool) (out []Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.leases {
		if l.holds() && wants(&l) {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Lease) int { return cmp.Compare(a.Vehicle, b.Vehicle) })
	return out
}

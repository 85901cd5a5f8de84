package onboard

import (
	"context"
	"errors"
	"fmt"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// Request is a plan that somebody has stored in a vehicle.
type Request struct {
	Vehicle  vehicles.VehicleID
	Kind     vehicles.PlanKind
	Items    []vehicles.PlanItem // none with FromZone
	FromZone bool                // the zone's fences
	Enable   bool                // and have the vehicle act by them
	Union    bool                // of items: within one inclusion is enough
	By       command.By
	Reason   string
	TakeOver bool // the control of the vehicle, from who has it
	Moving   bool // the explicit word that the vehicle may move meanwhile
	Try      bool // check everything, and neither send nor change anything
}

// Upload checks a plan and has it stored in a vehicle; it returns when that has
// begun and is durable. What becomes of it stands in Record.State, then and later.
// A trial gives the record that it would be, and what speaks against it.
func (p *Plans) Upload(ctx context.Context, q Request) (Record, []Fault, error) {
	v, t, known, err := p.reach(ctx, q.Vehicle)
	if err != nil {
		return Record{}, nil, fmt.Errorf("%s of %s: %w", q.Kind, q.Vehicle, err)
	}
	if err := p.mayChange(v, &t, q.By, q.TakeOver, q.Moving); err != nil {
		return Record{}, nil, fmt.Errorf("%s of %s: %w", q.Kind, q.Vehicle, err)
	}
	r := &Record{
		Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, Kind: q.Kind.String(), State: Uploading, Source: OfPeople, Union: q.Union,
		Enable: q.Enable, By: q.By.Actor, Person: q.By.Person, Zone: q.By.Zone, Reason: q.Reason, AskedUS: p.nowUS(),
	}
	plan, faults := p.judge(ctx, &q, v, &t, known, r)
	r.Sent, r.Total = itemsOf(&plan), len(plan.Items)
	switch {
	case q.Try:
		r.count()
		return *r, faults, nil
	case len(faults) > 0:
		return Record{}, faults, &Refused{faults}
	}
	return p.begin(ctx, v, r, q, func(ctx context.Context) { p.send(ctx, v, plan) })
}

// Clear has a vehicle forget what it carries of a kind.
func (p *Plans) Clear(ctx context.Context, q Request) (Record, error) {
	v, t, _, err := p.reach(ctx, q.Vehicle)
	if err == nil {
		err = p.mayChange(v, &t, q.By, q.TakeOver, q.Moving)
	}
	if err != nil {
		return Record{}, fmt.Errorf("%s of %s: %w", q.Kind, q.Vehicle, err)
	}
	r := &Record{
		Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, Kind: q.Kind.String(), State: Uploading, Why: "it is being cleared",
		By: q.By.Actor, Person: q.By.Person, Zone: q.By.Zone, Reason: q.Reason, AskedUS: p.nowUS(),
	}
	out, _, err := p.begin(ctx, v, r, q, func(ctx context.Context) {
		err := p.cfg.Wire.Clear(ctx, v.Handle, q.Kind)
		p.ended(name{v.ID, q.Kind}, err, func(r *Record) {
			r.State, r.Why, r.Known, r.Carried, r.OpaqueID = None, "", true, nil, 0
		})
	})
	return out, err
}

// reach finds a vehicle to which something can be sent.
func (p *Plans) reach(ctx context.Context, id vehicles.VehicleID) (v *vehicles.Identity, t telemetry.TrackView, known bool, err error) {
	if p.cfg.Fleet != nil {
		v = p.cfg.Fleet.Identity(id)
	}
	switch {
	case v == nil:
		return v, t, false, command.ErrUnreachable
	case !v.Verified:
		return v, t, false, command.ErrUnverified
	}
	if t, known, err = p.cfg.Fleet.Track(ctx, v.Handle); err != nil {
		return v, t, false, err
	}
	if known && t.Link == vehicles.LinkLost {
		return v, t, known, command.ErrUnreachable
	}
	return v, t, known, nil
}

// mayChange is whether somebody may change what the vehicle carries now.
func (p *Plans) mayChange(v *vehicles.Identity, t *telemetry.TrackView, by command.By, takeOver, moving bool) error {
	if t.Armed && t.Phase() != vehicles.Parked && !moving {
		return ErrMoves
	}
	if l, ok := p.cfg.Leases.Lease(v.ID); ok && l.Holder != by.Person && !takeOver {
		return fmt.Errorf("%s has the control of vehicle %s: %w", l.Holder, v.ID, command.ErrLeased)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[v.ID] {
		return ErrBusy
	}
	return nil
}

// judge makes the plan and finds what speaks against it.
func (p *Plans) judge(ctx context.Context, q *Request, v *vehicles.Identity, t *telemetry.TrackView, known bool, r *Record) (vehicles.Plan, []Fault) {
	sub := subjectOf(v)
	c := &check{place: place{sub: sub, returnM: p.cfg.Fleet.ReturnM(v.ID)}}
	home, hasHome := p.cfg.Fleet.Home(v.ID)
	placed := c.placeOf(t, known, home, hasHome)
	plan := vehicles.Plan{Kind: q.Kind, Items: q.Items}
	join := false
	if q.FromZone {
		set := p.sets.of(p.cfg.Engine.Fences(), &sub, v.Source.Autopilot, pointOr(home, hasHome), p.cfg.MaxFenceItems)
		plan, r.Parts, r.Union, join, r.Source = set.plan, set.parts, set.union, set.join, OfZone
		r.Home = pointOr(home, hasHome)
		if len(plan.Items) == 0 {
			c.fault(FaultNothing, 0, nil, "none of the zone's fences can be carried by this vehicle: only the server enforces them")
		}
	}
	if len(plan.Items) > MaxItems {
		c.fault(FaultTooMany, 0, nil, "%d items, the limit is %d", len(plan.Items), MaxItems)
	}
	if !placed || len(c.faults) > 0 {
		c.shape(plan.Check())
		return plan, c.faults
	}
	if q.Kind != vehicles.PlanRally {
		c.rally = p.rallyOf(v.ID, c)
	}
	switch q.Kind {
	case vehicles.PlanMission:
		c.mission(&plan, p.cfg.Engine, v.Source.Autopilot)
		if len(c.faults) == 0 {
			c.againstCarried(&plan, p.carriedFence(v.ID), v.Source.Autopilot)
		}
	case vehicles.PlanFence:
		c.fences(&plan, r)
		if own, err := fencesOf(&plan, false, nil); err == nil && !q.FromZone {
			join = inclusions(own) > 1
		}
		if len(c.faults) == 0 && join {
			p.checkUnion(ctx, c, v, r.Union)
		}
	case vehicles.PlanRally:
		c.rallies(&plan, p.cfg.Engine)
	}
	return plan, c.faults
}

func subjectOf(v *vehicles.Identity) geofence.Subject {
	return geofence.Subject{Class: v.Class, Operator: v.Operator, Vehicle: v.ID, Verified: v.Verified}
}

func pointOr[T any](p T, ok bool) *T {
	if !ok {
		return nil
	}
	return &p
}

// optionUnion is bit 1 of ArduPilot's FENCE_OPTIONS: within one inclusion is enough.
const optionUnion = 2

// checkUnion holds that an ArduPilot joins several inclusions as the plan means it.
func (p *Plans) checkUnion(ctx context.Context, c *check, v *vehicles.Identity, union bool) {
	if v.Source.Autopilot != vehicles.AutopilotArduPilot {
		return
	}
	value, err := p.cfg.Wire.Param(ctx, v.Handle, "FENCE_OPTIONS")
	switch {
	case err != nil:
		c.fault(FaultInclusion, 0, nil, "the plan has several inclusions, and how the vehicle joins them is not known (its FENCE_OPTIONS: %v): send one area", err)
	case (int(value)&optionUnion != 0) != union:
		set := map[bool]string{true: "set", false: "clear"}[union]
		c.fault(FaultInclusion, 0, nil, "the plan has several inclusions, and the vehicle's FENCE_OPTIONS are %d: %s bit 1 (union) first, or send one area", int(value), set)
	}
}

// rallyOf are the rally points that a vehicle is known to carry.
func (p *Plans) rallyOf(id vehicles.VehicleID, c *check) (out []geo.Fix) {
	p.mu.Lock()
	r := p.records[name{id, vehicles.PlanRally}]
	p.mu.Unlock()
	if r == nil || !r.Known {
		return nil
	}
	for i := range r.Carried {
		it := vehicles.PlanItem(r.Carried[i])
		if fix, why := c.fixOf(&it, c.home); why == "" {
			out = append(out, fix)
		}
	}
	return out
}

// carriedFence is the fence record of a vehicle, if what it carries is known.
func (p *Plans) carriedFence(id vehicles.VehicleID) *Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.records[name{id, vehicles.PlanFence}]; r != nil && r.Known && len(r.Carried) > 0 {
		return r.copied()
	}
	return nil
}

// begin takes the control of the vehicle, writes a transfer down and lets it begin.
func (p *Plans) begin(ctx context.Context, v *vehicles.Identity, r *Record, q Request, transfer func(context.Context)) (Record, []Fault, error) {
	n := r.name()
	p.mu.Lock()
	switch {
	case p.stopped:
		p.mu.Unlock()
		return Record{}, nil, command.ErrStopping
	case p.busy[v.ID]:
		p.mu.Unlock()
		return Record{}, nil, ErrBusy
	}
	p.busy[v.ID] = true
	p.mu.Unlock()
	if _, err := p.cfg.Leases.TakeLease(ctx, v.ID, q.By, q.TakeOver, q.Reason); err != nil {
		p.release(v.ID)
		return Record{}, nil, err
	}
	r.Upload = newUploadID()
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return Record{}, nil, command.ErrStopping
	}
	before := p.records[n]
	if before != nil {
		r.OpaqueID = before.OpaqueID
	}
	written := p.change(n, r.By, func(now *Record) { *now = *r })
	p.work.Add(1) // before Run can wait for what works
	p.mu.Unlock()
	durable := make(chan error, 1)
	go func() {
		defer p.work.Done()
		defer p.release(v.ID)
		err := <-written
		durable <- err
		if err != nil { // nothing was sent
			p.restore(n, before)
			return
		}
		transfer(p.life)
	}()
	select {
	case err := <-durable:
		if err != nil {
			return Record{}, nil, fmt.Errorf("%w: nothing was sent: %w", command.ErrNotDurable, err)
		}
	case <-ctx.Done():
		return Record{}, nil, fmt.Errorf("the outcome is not known yet, look at the vehicle's plans: %w", ctx.Err())
	}
	return p.Record(v.ID, n.kind), nil, nil
}

func (p *Plans) release(id vehicles.VehicleID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, id)
}

// restore undoes what the journal refused.
func (p *Plans) restore(n name, before *Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records[n] = before; before == nil {
		delete(p.records, n)
	}
}

// send has a plan stored and, when it is, the vehicle act by it.
func (p *Plans) send(ctx context.Context, v *vehicles.Identity, plan vehicles.Plan) {
	n := name{v.ID, plan.Kind}
	receipt, err := p.cfg.Wire.Upload(ctx, v.Handle, plan, func(done, total int) { p.progress(n, done, total) })
	enable := false
	p.ended(n, err, func(r *Record) {
		r.State, r.Why, r.Known, r.Carried, r.OpaqueID = InStep, "", true, r.Sent, receipt.OpaqueID
		enable = r.Enable
	})
	if err != nil || !enable {
		return
	}
	err = p.cfg.Wire.EnableFence(ctx, v.Handle)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(n, "", func(r *Record) {
		if r.Enabled = err == nil; err != nil {
			r.Why = fmt.Sprintf("the vehicle carries the fences and was not made to act by them: %v; have its operator enable them", err)
		}
	})
}

// progress notes how far a transfer is. It is not written down.
func (p *Plans) progress(n name, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.records[n]; r != nil && r.State == Uploading {
		r.Done, r.Total = done, total
	}
}

// ended notes how a transfer ended.
func (p *Plans) ended(n name, err error, good func(*Record)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records[n] == nil {
		return
	}
	var item *ItemError
	p.change(n, "", func(r *Record) {
		r.EndedUS, r.Done, r.Total, r.Item = p.nowUS(), 0, 0, 0
		switch {
		case err == nil:
			r.ReadUS = r.EndedUS
			good(r)
			return
		case errors.As(err, &item):
			r.State, r.Why, r.Item = Failed, item.Text, item.Item
		case p.life.Err() != nil:
			r.State, r.Why = Failed, "the server stopped in the middle of it"
		default:
			r.State, r.Why = Failed, err.Error()
		}
		r.Known, r.Enabled = false, false
		r.Why += ". What the vehicle carries now is not known: have it read back, or send the plan once more"
	})
}

// Record is what is known of a kind of plan in a vehicle.
func (p *Plans) Record(id vehicles.VehicleID, k vehicles.PlanKind) Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.records[name{id, k}]; r != nil {
		return *r.copied()
	}
	return NeverRead(id, k)
}

// NeverRead is the record of a plan of which nothing is known.
func NeverRead(id vehicles.VehicleID, k vehicles.PlanKind) Record {
	return Record{Vehicle: id, Kind: k.String(), State: Unknown, Why: "what the vehicle carries was never read: have it read back"}
}

package onboard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/telemetry/command"
	"testzone/vehicles"
)

// reading is a kind of plan that waits to be read back.
type reading struct {
	tries  int
	notYet time.Time
	by     command.By // who asked for it; zero: nobody
}

const (
	readTries = 4
	// readAgain is how long after it failed it is tried again.
	readAgain = 15 * time.Second
	// readAtOnce is how many vehicles are read at the same time.
	readAtOnce = 32
)

// Restarted is told when a vehicle began anew: nothing is known of what it carries.
// It does not wait.
func (p *Plans) Restarted(id vehicles.VehicleID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := vehicles.PlanMission; k <= vehicles.PlanRally; k++ {
		if r := p.records[name{id, k}]; r != nil && r.State != Unknown && r.State != Uploading {
			p.doubt(name{id, k}, "the vehicle restarted: it is read back as soon as it answers")
		}
	}
}

// FenceLacking is why the zone's fences do not count as carried by a vehicle, in as
// many letters as a pilot is shown; empty: they do.
func (p *Plans) FenceLacking(id vehicles.VehicleID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.records[name{id, vehicles.PlanFence}]
	switch {
	case r == nil || r.State == Unknown:
		return "fence on board unknown"
	case r.State != InStep || r.Source != OfZone:
		return "fence on board " + strings.ReplaceAll(string(r.State), "_", " ")
	case !r.Enabled:
		return "fence on board not enabled"
	}
	return ""
}

// Heard is told when a vehicle that was heard first, or restarted, answers: what it
// carries is read back. It does not wait.
func (p *Plans) Heard(id vehicles.VehicleID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := vehicles.PlanMission; k <= vehicles.PlanRally; k++ {
		n := name{id, k}
		r := p.records[n]
		if r == nil || r.State == None && r.Upload == "" {
			continue
		}
		if r.State != Unknown && r.State != Uploading {
			p.doubt(n, "the vehicle came back: it is being read back")
		}
		p.wanted[n] = &reading{}
	}
}

// IDs is told by which names a vehicle calls what it carries; 0: it has none. Another
// name than before is another plan.
func (p *Plans) IDs(id vehicles.VehicleID, mission, fence, rally uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, now := range []uint32{mission, fence, rally} {
		n := name{id, vehicles.PlanKind(k)}
		r := p.records[n]
		if r == nil || now == 0 || r.OpaqueID == now || r.OpaqueID == 0 && r.State != None || r.State == Uploading || r.State == Unknown || p.busy[id] || p.wanted[n] != nil {
			continue
		}
		p.change(n, "", func(r *Record) {
			r.State, r.Known, r.Enabled, r.OpaqueID = Stale, false, false, now
			r.Why = fmt.Sprintf("the vehicle says that it carries another %s now: somebody else gave it one; it is being read back", r.Kind)
		})
		p.wanted[n] = &reading{}
	}
}

// ReadBack has what a vehicle carries read now.
func (p *Plans) ReadBack(ctx context.Context, id vehicles.VehicleID, k vehicles.PlanKind, by command.By) (Record, error) {
	v, _, _, err := p.reach(ctx, id)
	if err != nil {
		return Record{}, fmt.Errorf("%s of %s: %w", k, id, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := name{id, k}
	r := p.records[n]
	switch {
	case p.stopped:
		return Record{}, command.ErrStopping
	case p.busy[id]:
		return Record{}, fmt.Errorf("%s of %s: %w", k, id, ErrBusy)
	case r == nil: // it is not worth an entry before something is known
		r = &Record{Vehicle: v.ID, Class: v.Class.String(), Operator: v.Operator, Kind: k.String(), State: Unknown, Why: "it is being read"}
		p.records[n] = r
	}
	q := &reading{tries: readTries - 1, by: by}
	p.read(n, v, q)
	return *r.copied(), nil
}

// readWanted begins to read back what waits for it.
func (p *Plans) readWanted() {
	now := p.cfg.Clock()
	p.mu.Lock()
	defer p.mu.Unlock()
	names := []name{}
	for n := range p.wanted {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b name) int {
		return strings.Compare(string(a.vehicle), string(b.vehicle))*4 + int(a.kind) - int(b.kind)
	})
	for _, n := range names {
		q := p.wanted[n]
		if p.busy[n.vehicle] || now.Before(q.notYet) || len(p.busy) >= readAtOnce {
			continue
		}
		v := p.cfg.Fleet.Identity(n.vehicle)
		if v == nil || !v.Verified {
			delete(p.wanted, n) // Heard comes again
			continue
		}
		p.read(n, v, q)
	}
}

// read begins to read a kind of plan back. Called with p.mu held.
func (p *Plans) read(n name, v *vehicles.Identity, q *reading) {
	if p.stopped {
		return
	}
	p.busy[n.vehicle] = true
	delete(p.wanted, n)
	p.work.Go(func() {
		plan, receipt, err := p.cfg.Wire.Read(p.life, v.Handle, n.kind)
		if err == nil {
			err = plan.Check()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.busy, n.vehicle)
		switch q.tries++; {
		case p.life.Err() != nil:
		case err == nil:
			p.found(n, v, &plan, receipt, q.by.Actor)
		case q.tries < readTries:
			q.notYet = p.cfg.Clock().Add(readAgain)
			p.wanted[n] = q
		default:
			p.change(n, q.by.Actor, func(r *Record) {
				r.State, r.Known, r.Why = Unknown, false, fmt.Sprintf("it could not be read back: %v", err)
			})
		}
	})
}

// found takes in what a vehicle was read to carry. Called with p.mu held.
func (p *Plans) found(n name, v *vehicles.Identity, plan *vehicles.Plan, receipt Receipt, by string) {
	p.change(n, by, func(r *Record) {
		r.Class, r.Operator = v.Class.String(), v.Operator
		r.ReadUS, r.OpaqueID, r.Known, r.Item = p.nowUS(), receipt.OpaqueID, true, 0
		sent := PlanOf(n.kind, r.Sent)
		d := sent.Differs(plan, v.Source.Autopilot)
		switch {
		case r.Upload != "" && d == nil:
			r.State, r.Why, r.Carried = InStep, "", r.Sent
		case r.Upload != "":
			r.State, r.Carried = Stale, itemsOf(plan)
			r.Why = fmt.Sprintf("the vehicle carries another %s than it was sent (%s): send it once more, or look who gave it the other one", n.kind, d)
			if d.Item >= 0 {
				r.Item = d.Item + 1
			}
		default:
			r.State, r.Why, r.Carried, r.Source = InStep, "", itemsOf(plan), OfVehicle
		}
		if len(plan.Items) == 0 && len(r.Sent) == 0 {
			r.State, r.Why, r.Carried = None, "", nil
		}
		p.compareWithZone(r, v)
	})
}

// compareWithZone makes the record of carried fences stale that are not those which
// the zone asks for now.
func (p *Plans) compareWithZone(r *Record, v *vehicles.Identity) {
	if r.Kind != vehicles.PlanFence.String() || r.State != InStep && !(r.State == Stale && r.Source == OfZone) {
		return
	}
	switch r.Source {
	case OfVehicle:
		r.State, r.Why = Stale, "the vehicle carried these fences when it was read, and nobody here sent them: send it the zone's"
	case OfZone:
		sub := subjectOf(v)
		set := p.sets.of(p.cfg.Engine.Fences(), &sub, v.Source.Autopilot, r.Home, p.cfg.MaxFenceItems)
		now := itemsOf(&set.plan)
		switch {
		case !same(now, r.Sent) || set.union != r.Union:
			r.State, r.Why = Stale, "the zone's fences changed since: "+partsChanged(r.Parts, set.parts)+"; send them once more"
		case r.State == Stale && r.Known && same(r.Carried, r.Sent):
			r.State, r.Why, r.Parts = InStep, "", set.parts
		}
	}
}

// partsChanged says which fences are others.
func partsChanged(before, now []Part) string {
	was := map[string]Part{}
	for _, b := range before {
		was[b.ID] = b
	}
	var out []string
	for _, n := range now {
		b, there := was[n.ID]
		delete(was, n.ID)
		switch {
		case (!there || b.Items == 0) && n.Items > 0:
			out = append(out, fmt.Sprintf("%q (%s) is new", n.Name, n.ID))
		case there && b.Items > 0 && n.Items == 0:
			out = append(out, fmt.Sprintf("%q (%s) cannot be carried any more", n.Name, n.ID))
		case there && b.Rev != n.Rev && n.Items > 0:
			out = append(out, fmt.Sprintf("%q (%s) is another", n.Name, n.ID))
		}
	}
	for _, b := range before {
		if _, gone := was[b.ID]; gone && b.Items > 0 {
			out = append(out, fmt.Sprintf("%q (%s) is gone", b.Name, b.ID))
		}
	}
	if len(out) > 5 {
		out = append(out[:5], fmt.Sprintf("and %d more", len(out)-5))
	}
	if len(out) == 0 {
		return "others have room now"
	}
	return strings.Join(out, ", ")
}

// followFences looks which carried fences are no longer those of the zone.
func (p *Plans) followFences() {
	fences := p.cfg.Engine.Fences()
	p.mu.Lock()
	changed := !slices.Equal(fences, p.judged)
	p.judged = slices.Clone(fences)
	var all []*Record
	for n, r := range p.records {
		if changed && n.kind == vehicles.PlanFence && r.Source == OfZone && r.Known {
			all = append(all, r.copied())
		}
	}
	p.mu.Unlock()
	for _, r := range all {
		v := p.cfg.Fleet.Identity(r.Vehicle)
		if v == nil {
			continue // it is read back when it is heard, and compared then
		}
		next := r.copied()
		if p.compareWithZone(next, v); next.State == r.State && next.Why == r.Why {
			continue
		}
		p.mu.Lock()
		if now := p.records[r.name()]; now.Upload == r.Upload && now.State == r.State { // else it was compared meanwhile
			p.change(r.name(), "", func(r *Record) { r.State, r.Why, r.Parts = next.State, next.Why, next.Parts })
		}
		p.mu.Unlock()
	}
}

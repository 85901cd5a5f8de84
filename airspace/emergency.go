package airspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// Emergency is a keep-out circle that has to be there at once.
type Emergency struct {
	Center  geo.Point
	RadiusM float64
	Name    string        // default "Emergency"
	For     time.Duration // default one hour
	Classes vehicles.Classes
}

// emergencyPatience is how long the answer to an emergency fence waits for the
// journal.
const emergencyPatience = time.Second

// emergency is a fence that is in force before the journal has it.
type emergency struct {
	record   FenceRecord
	decision *decision
}

// CreateEmergencyFence sets a keep-out circle of all heights from now on. It is in
// force at once: a keep-out that the journal does not have yet does no harm. Its
// entry goes before those that wait, and touches the zone's airspace without
// compare, so that no other decision can make it fail. When the journal has it
// within a second it is answered as durable; otherwise it is answered as
// Provisional, see Emergencies.
func (r *Register) CreateEmergencyFence(ctx context.Context, who Actor, e Emergency) (FenceRecord, error) {
	p, at, err := r.planEmergency(who, e)
	if err != nil {
		return FenceRecord{}, err
	}
	d, err := r.fenceDecision(ctx, who, at, p)
	if err != nil {
		return FenceRecord{}, fmt.Errorf("emergency fence: %w", err)
	}
	d.urgent, d.drafts[0].entry.Emergency = true, true
	set := &emergency{decision: d, record: FenceRecord{
		Fence: p.compiled.Fence, CreatedUS: at, UpdatedUS: at, UpdatedBy: who.ID, Provisional: true, compiled: p.compiled,
	}}
	before, err := r.putEmergency(set)
	if err != nil || before != nil {
		return before.fence(), err
	}
	r.begin(d)
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), emergencyPatience)
	defer cancel()
	_ = r.publishFences(patient) // only time can be up: then who publishes now puts it in force next
	if r.cfg.FenceChanged != nil && !d.ended() {
		r.cfg.FenceChanged(set.record)
	}
	select {
	case <-d.done:
	case <-patient.Done():
	}
	switch {
	case !d.ended():
	case d.err == nil:
		return first(d.records), nil
	case errors.Is(d.err, journal.ErrKeyReused): // nothing new was asked for
		_, err := r.withdrawEmergency(patient, p.id, 1)
		return FenceRecord{}, errors.Join(d.err, err)
	}
	return set.record, nil
}

// putEmergency takes an emergency fence into the set, or says what its request led
// to before.
func (r *Register) putEmergency(e *emergency) (before *answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := e.decision.request
	if before, err = r.answered(q, r.cfg.Clock()); err != nil || before != nil {
		return before, err
	}
	for _, other := range r.emergencies {
		if o := other.decision.request; q != nil && o != nil && o.By == q.By && o.Key == q.Key {
			if o.SHA256 != q.SHA256 {
				return nil, journal.ErrKeyReused
			}
			return &answer{records: []FenceRecord{other.record}}, nil
		}
	}
	r.emergencies[e.record.Fence.ID] = e
	r.keepOuts.change(e.record.Fence.ID)
	return nil, nil
}

// ProvisionalFence is an emergency fence that is in force and not in the journal.
type ProvisionalFence struct {
	FenceRecord
	// Err is why the journal refused it: the fence ends at its time, when it is
	// deleted, or with the server. Nil: it may still come into the journal.
	Err error
}

// Emergencies lists the fences that are in force and not in the journal, by id.
// Somebody has to be told.
func (r *Register) Emergencies() []ProvisionalFence {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []ProvisionalFence
	for _, e := range sorted(r.emergencies) {
		f := ProvisionalFence{FenceRecord: e.record}
		if e.decision.ended() {
			f.Err = e.decision.err
		}
		out = append(out, f)
	}
	return out
}

// withdrawEmergency takes back a fence that the journal refused. One that may still
// come into the journal is not, its deletion is a decision that waits for it.
func (r *Register) withdrawEmergency(ctx context.Context, id string, rev uint64) (done bool, err error) {
	r.mu.Lock()
	e := r.emergencies[id]
	if done = e != nil && rev == e.record.Fence.Rev && e.decision.ended(); done {
		delete(r.emergencies, id)
		r.keepOuts.change(id)
	}
	r.mu.Unlock()
	if !done {
		return false, nil
	}
	err = r.publishFences(ctx)
	if gone := e.record; r.cfg.FenceChanged != nil {
		gone.Deleted, gone.compiled, gone.UpdatedUS = true, nil, r.cfg.Clock().UnixMicro()
		gone.Fence.Rev++
		r.cfg.FenceChanged(gone)
	}
	return true, err
}

func (r *Register) planEmergency(who Actor, e Emergency) (p plan, atUS int64, err error) {
	if !who.May(FenceEmergency) {
		return plan{}, 0, fmt.Errorf("emergency fence: %s: %w", who.ID, ErrForbidden)
	}
	if e.Name == "" {
		e.Name = "Emergency"
	}
	if e.For <= 0 {
		e.For = time.Hour
	}
	now := r.cfg.Clock().Truncate(time.Millisecond) // the precision of the API
	p, err = planPut(geofence.Fence{
		Name: e.Name, Kind: geofence.KeepOut, Shape: geofence.Shape{Circle: &geo.Circle{Center: e.Center, RadiusM: e.RadiusM}},
		Classes: e.Classes, Response: geofence.Warn,
		Schedule: geofence.Schedule{Windows: []geofence.Window{{FromUS: now.UnixMicro(), ToUS: now.Add(e.For).UnixMicro()}}},
	}, newID("fn_"), 0)
	if err != nil {
		return plan{}, 0, fmt.Errorf("emergency fence: %w", err)
	}
	return p, now.UnixMicro(), nil
}

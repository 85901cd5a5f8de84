package airspace

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// MaxTold is how many changes of one decision are told one by one.
const MaxTold = 200

// ChangeOp is what a change of a batch does.
type ChangeOp uint8

// The operations.
const (
	Create ChangeOp = iota + 1
	Replace
	Delete
)

// Change is one change of a batch. Create ignores ID and Rev, Delete ignores
// Fence.
type Change struct {
	Op    ChangeOp
	ID    string
	Rev   uint64 // the revision that was seen
	Fence geofence.Fence
}

// BatchFault is what is wrong with one change of a batch.
type BatchFault struct {
	Index int
	Err   error
}

// BatchError says everything for which a batch was not applied.
type BatchError struct {
	Faults []BatchFault
}

func (e *BatchError) Error() string {
	parts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		parts[i] = fmt.Sprintf("change %d: %v", f.Index, f.Err)
	}
	return strings.Join(parts, "; ")
}

// Unwrap is the errors of all changes.
func (e *BatchError) Unwrap() []error {
	out := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		out[i] = f.Err
	}
	return out
}

// ApplyBatch makes all changes or none, in one decision: they come in force
// together. The records are in the order of the changes. A *BatchError names
// every change that cannot be made.
func (r *Register) ApplyBatch(ctx context.Context, who Actor, changes []Change) ([]FenceRecord, error) {
	if !who.May(FenceWrite) {
		return nil, fmt.Errorf("change fences: %s: %w", who.ID, ErrForbidden)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	plans, faults := planBatch(changes)
	if err := r.decide.take(ctx); err != nil {
		return nil, err
	}
	defer r.decide.give()
	if before, err := r.answered(ctx); err != nil || before != nil {
		return before, err
	}
	if err := r.checkBatch(plans, faults); err != nil {
		return nil, err
	}
	return r.decideMany(ctx, who, plans)
}

// planBatch checks the definitions of a batch, before the decision queue.
func planBatch(changes []Change) (plans []plan, faults map[int]error) {
	plans, faults = make([]plan, len(changes)), map[int]error{}
	seen := map[string]bool{}
	for i, c := range changes {
		var err error
		if plans[i], err = c.plan(); err == nil && seen[plans[i].id] {
			err = fmt.Errorf("fence %s: %w", c.ID, ErrTwice)
		}
		if err != nil {
			faults[i] = err
		}
		seen[plans[i].id] = true
	}
	return plans, faults
}

// checkBatch holds a batch against the state; faults are those known before.
func (r *Register) checkBatch(plans []plan, faults map[int]error) error {
	for i := range plans {
		if err := r.checkFence(&plans[i]); err != nil && faults[i] == nil {
			faults[i] = err
		}
	}
	if len(faults) > 0 {
		return batchError(faults)
	}
	return nil
}

func (c *Change) plan() (plan, error) {
	switch c.Op {
	case Create:
		return planPut(c.Fence, newID("fn_"), 0)
	case Replace:
		if c.Rev == 0 {
			return plan{id: c.ID}, ErrStale
		}
		p, err := planPut(c.Fence, c.ID, c.Rev)
		p.id, p.rev = c.ID, c.Rev
		return p, err
	case Delete:
		if c.Rev == 0 {
			return plan{id: c.ID}, ErrStale
		}
		return plan{id: c.ID, rev: c.Rev}, nil
	}
	return plan{}, fmt.Errorf("operation %d: %w", c.Op, ErrOperation)
}

func batchError(faults map[int]error) *BatchError {
	e := &BatchError{}
	for i, err := range faults {
		e.Faults = append(e.Faults, BatchFault{i, err})
	}
	slices.SortFunc(e.Faults, func(a, b BatchFault) int { return a.Index - b.Index })
	return e
}

// One entry of a batch holds at most this; the journal's limits are a little higher.
const (
	entryChanges = journal.MaxExpect - 1 // and the zone
	entryBytes   = journal.MaxBody - 1024
)

// decideMany writes one batch as entries of one Append, which the journal keeps
// whole. Called with the turn.
func (r *Register) decideMany(ctx context.Context, who Actor, plans []plan) ([]FenceRecord, error) {
	at, request := r.cfg.Clock().UnixMicro(), journal.RequestOf(ctx)
	var entries []journal.Entry
	var part []json.RawMessage
	var aggregates []journal.Aggregate
	size := 0
	flush := func() error {
		body := struct { // fenceEntry, with changes that are encoded already
			Type    string            `json:"type"`
			Changes []json.RawMessage `json:"changes"`
			By      string            `json:"by"`
			AtUS    int64             `json:"at_us"`
			Request *journal.Request  `json:"request,omitempty"`
		}{fenceBatch, part, who.ID, at, request}
		entry, err := r.entry(at, &body, false, aggregates...)
		entries, part, aggregates, size = append(entries, entry), nil, nil, 0
		return err
	}
	ids := make([]string, len(plans))
	for i := range plans {
		change, err := json.Marshal(plans[i].change())
		if err != nil {
			return nil, fmt.Errorf("encode decision: %w", err)
		}
		if len(part) > 0 && (len(part) == entryChanges || size+len(change)+1 > entryBytes) {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		part, aggregates, size = append(part, change), append(aggregates, fenceAggregate(plans[i].id)), size+len(change)+1
		ids[i] = plans[i].id
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if err := r.commit(ctx, entries...); err != nil {
		return nil, fmt.Errorf("change %d fences: %w", len(plans), err)
	}
	r.tell(ids...)
	out := make([]FenceRecord, len(ids))
	for i, id := range ids {
		var err error
		if out[i], err = r.Fence(id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// RestoreFence gives a manual fence the definition of an older version, as a
// new revision, if rev is its current revision; that of a tombstone brings a
// deleted fence back.
func (r *Register) RestoreFence(ctx context.Context, who Actor, id string, rev, version uint64) (FenceRecord, error) {
	if before, err := r.answered(ctx); err != nil || before != nil { // what is checked below was checked the first time
		return first(before), err
	}
	p, err := r.planRestore(who, id, rev, version)
	if err != nil {
		return FenceRecord{}, err
	}
	return r.decideOne(ctx, who, p)
}

func (r *Register) planRestore(who Actor, id string, rev, version uint64) (plan, error) {
	if !who.May(FenceWrite) {
		return plan{}, fmt.Errorf("restore fence %s: %s: %w", id, who.ID, ErrForbidden)
	}
	if rev == 0 {
		return plan{}, fmt.Errorf("restore fence %s: %w", id, ErrStale)
	}
	versions, err := r.FenceVersions(id)
	if err != nil {
		return plan{}, err
	}
	i := slices.IndexFunc(versions, func(v FenceVersion) bool { return v.Fence.Rev == version && !v.Deleted })
	if i < 0 {
		return plan{}, fmt.Errorf("fence %s, revision %d: %w", id, version, ErrNoVersion)
	}
	if err := r.checkFence(&plan{id: id, rev: rev, revive: true}); err != nil {
		return plan{}, err
	}
	p, err := planPut(versions[i].Fence, id, rev)
	if err != nil {
		return plan{}, fmt.Errorf("fence %q: %w", versions[i].Fence.Name, err)
	}
	p.revive = true
	return p, nil
}

// Emergency is a keep-out circle that has to be there at once.
type Emergency struct {
	Center  geo.Point
	RadiusM float64
	Name    string        // default "Emergency"
	For     time.Duration // default one hour
	Classes vehicles.Classes
}

// CreateEmergencyFence sets a keep-out circle of all heights from now on. It
// touches the zone's airspace without compare, so that no other decision can
// make it fail.
func (r *Register) CreateEmergencyFence(ctx context.Context, who Actor, e Emergency) (FenceRecord, error) {
	if err := r.decide.take(ctx); err != nil {
		return FenceRecord{}, err
	}
	defer r.decide.give()
	if before, err := r.answered(ctx); err != nil || before != nil {
		return first(before), err
	}
	p, at, err := r.planEmergency(who, e)
	if err != nil {
		return FenceRecord{}, err
	}
	body := fenceEntry{Type: fencePut, Fence: encodeFence(p.fence), By: who.ID, AtUS: at, Request: journal.RequestOf(ctx)}
	entry, err := r.entry(at, &body, true, fenceAggregate(p.id))
	if err == nil {
		err = r.commit(ctx, entry)
	}
	if err != nil {
		return FenceRecord{}, fmt.Errorf("emergency fence: %w", err)
	}
	r.tell(p.id)
	return r.Fence(p.id)
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

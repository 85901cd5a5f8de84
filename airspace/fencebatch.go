package airspace

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"testzone/geofence"
	"testzone/telemetry/journal"
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
	d, err := r.batchDecision(ctx, who, plans, faults)
	if err == nil {
		err = r.decide(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	return d.records, nil
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

// checkBatch holds a batch against the state; known are the faults that were found
// before. Called with r.mu held.
func (r *Register) checkBatch(plans []plan, known map[int]error) error {
	faults := maps.Clone(known)
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

// batchDecision is the decision to carry out all plans: entries of one append, which
// the journal keeps whole. One with faults is never written.
func (r *Register) batchDecision(ctx context.Context, who Actor, plans []plan, faults map[int]error) (*decision, error) {
	d, err := newDecision(ctx, decision{plan: func(time.Time) error { return r.checkBatch(plans, faults) }})
	if err != nil {
		return nil, err
	}
	for i := range plans {
		d.about = append(d.about, fenceAggregate(plans[i].id))
	}
	if len(faults) > 0 {
		return d, nil
	}
	e := fenceEntry{Type: fenceBatch, By: who.ID, AtUS: r.cfg.Clock().UnixMicro(), Request: d.request}
	var part []json.RawMessage
	var changes []readChange
	size := 0
	flush := func() error {
		body, err := json.Marshal(&struct { // fenceEntry, with changes that are encoded already
			Type    string            `json:"type"`
			Changes []json.RawMessage `json:"changes"`
			By      string            `json:"by"`
			AtUS    int64             `json:"at_us"`
			Request *journal.Request  `json:"request,omitempty"`
		}{e.Type, part, e.By, e.AtUS, e.Request})
		d.drafts = append(d.drafts, r.fenceDraft(&e, len(d.drafts), body, changes))
		d.size += len(body)
		part, changes, size = nil, nil, 0
		return err
	}
	for i := range plans {
		change := plans[i].change()
		form, err := json.Marshal(&change.fenceChange)
		if err != nil {
			return nil, fmt.Errorf("encode decision: %w", err)
		}
		if len(part) > 0 && (len(part) == entryChanges || size+len(form)+1 > entryBytes) {
			if err := flush(); err != nil {
				return nil, fmt.Errorf("encode decision: %w", err)
			}
		}
		part, changes, size = append(part, form), append(changes, change), size+len(form)+1
	}
	if err := flush(); err != nil {
		return nil, fmt.Errorf("encode decision: %w", err)
	}
	return d, nil
}

// RestoreFence gives a manual fence the definition of an older version, as a
// new revision, if rev is its current revision; that of a tombstone brings a
// deleted fence back.
func (r *Register) RestoreFence(ctx context.Context, who Actor, id string, rev, version uint64) (FenceRecord, error) {
	if before, err := r.answerOf(ctx); err != nil || before != nil { // what is checked below was checked the first time
		return before.fence(), err
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
	r.mu.RLock()
	err = r.checkFence(&plan{id: id, rev: rev, revive: true})
	r.mu.RUnlock()
	if err != nil {
		return plan{}, err
	}
	p, err := planPut(versions[i].Fence, id, rev)
	if err != nil {
		return plan{}, fmt.Errorf("fence %q: %w", versions[i].Fence.Name, err)
	}
	p.revive = true
	return p, nil
}

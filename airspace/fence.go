package airspace

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"testzone/geofence"
	"testzone/telemetry/journal"
)

// ManualOrigin is the origin of a fence that a person drew.
const ManualOrigin = "manual"

// FenceRecord is a fence with its history's newest facts.
type FenceRecord struct {
	Fence     geofence.Fence
	CreatedUS int64
	UpdatedUS int64
	UpdatedBy string
	Deleted   bool // tombstone: Fence.Rev is the revision of the deletion
	// Provisional: an emergency fence that is in force and not yet in the journal.
	Provisional bool

	compiled *geofence.Compiled // nil for a tombstone
}

// Compiled is the fence's geometry; nil for a tombstone.
func (f *FenceRecord) Compiled() *geofence.Compiled { return f.compiled }

// StaleError says which revision is the current one. It is an ErrStale.
type StaleError struct {
	What    string // kind of object; default fence
	ID      string
	Current uint64
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("%s %s has revision %d now: read it again and repeat your change", cmp.Or(e.What, "fence"), e.ID, e.Current)
}

// Is makes errors.Is(err, ErrStale) true.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// Fences lists the fences that exist, by id.
func (r *Register) Fences() []FenceRecord { return r.fencesThat(false) }

// DeletedFences lists the tombstones, by id.
func (r *Register) DeletedFences() []FenceRecord { return r.fencesThat(true) }

func (r *Register) fencesThat(deleted bool) []FenceRecord {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]FenceRecord, 0, len(r.fences))
	for _, f := range r.fences {
		if f.Deleted == deleted {
			out = append(out, *f)
		}
	}
	for _, e := range r.emergencies {
		if !deleted {
			out = append(out, e.record)
		}
	}
	slices.SortFunc(out, func(a, b FenceRecord) int { return cmp.Compare(a.Fence.ID, b.Fence.ID) })
	return out
}

// Fence is one fence, or its tombstone.
func (r *Register) Fence(id string) (FenceRecord, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if f, ok := r.fences[id]; ok {
		return *f, nil
	}
	if e, ok := r.emergencies[id]; ok {
		return e.record, nil
	}
	return FenceRecord{}, fmt.Errorf("fence %s: %w", id, ErrNotFound)
}

// CreateFence sets a new manual fence. ID, Origin and Rev are the register's.
func (r *Register) CreateFence(ctx context.Context, who Actor, f geofence.Fence) (FenceRecord, error) {
	if !who.May(FenceWrite) {
		return FenceRecord{}, fmt.Errorf("create fence: %s: %w", who.ID, ErrForbidden)
	}
	return r.putFence(ctx, who, f, newID("fn_"), 0)
}

// ReplaceFence gives a manual fence a new definition, if rev is its current revision.
func (r *Register) ReplaceFence(ctx context.Context, who Actor, id string, rev uint64, f geofence.Fence) (FenceRecord, error) {
	if !who.May(FenceWrite) {
		return FenceRecord{}, fmt.Errorf("replace fence %s: %s: %w", id, who.ID, ErrForbidden)
	}
	if rev == 0 { // no revision is 0: to checkFence it would mean "must not exist"
		return FenceRecord{}, fmt.Errorf("replace fence %s: %w", id, ErrStale)
	}
	return r.putFence(ctx, who, f, id, rev)
}

func (r *Register) putFence(ctx context.Context, who Actor, f geofence.Fence, id string, rev uint64) (FenceRecord, error) {
	p, err := planPut(f, id, rev)
	if err != nil {
		return FenceRecord{}, fmt.Errorf("fence %q: %w", f.Name, err)
	}
	return r.decideOne(ctx, who, p)
}

// DeleteFence takes a manual fence away, if rev is its current revision. A
// tombstone stays.
func (r *Register) DeleteFence(ctx context.Context, who Actor, id string, rev uint64) error {
	if !who.May(FenceWrite) {
		return fmt.Errorf("delete fence %s: %s: %w", id, who.ID, ErrForbidden)
	}
	if rev == 0 { // as in ReplaceFence: a deletion of what never was must not reach the journal
		return fmt.Errorf("delete fence %s: %w", id, ErrStale)
	}
	if done, err := r.withdrawEmergency(ctx, id, rev); done {
		return err
	}
	_, err := r.decideOne(ctx, who, plan{id: id, rev: rev})
	return err
}

// plan is one change of a fence that is about to be decided.
type plan struct {
	id       string
	rev      uint64             // the revision that it changes; 0: the fence must not exist yet
	revive   bool               // rev may be that of a tombstone
	compiled *geofence.Compiled // nil: delete
	form     *fenceJSON         // of compiled
}

// planPut checks a definition: before the decision queue, because geometry may
// take milliseconds. What is compiled is what a replay will read.
func planPut(f geofence.Fence, id string, rev uint64) (plan, error) {
	f.ID, f.Rev = id, rev+1
	f.Origin = geofence.Origin{Kind: ManualOrigin}
	return planDefined(f, rev)
}

// planDefined is planPut for a fence of whatever origin, with its id and its revision.
func planDefined(f geofence.Fence, rev uint64) (plan, error) {
	if f.Response == "" {
		f.Response = geofence.Warn
	}
	form := encodeFence(&f)
	kept, err := form.decode()
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrDefinition, err)
	}
	compiled, err := geofence.Compile(kept)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrDefinition, err)
	}
	return plan{id: f.ID, rev: rev, compiled: compiled, form: form}, nil
}

func (p *plan) change() readChange {
	if p.compiled == nil {
		return readChange{fenceChange: fenceChange{ID: p.id, Rev: p.rev + 1}}
	}
	return readChange{fenceChange: fenceChange{Fence: p.form}, compiled: p.compiled}
}

// decideOne decides about one fence by itself.
func (r *Register) decideOne(ctx context.Context, who Actor, p plan) (FenceRecord, error) {
	d, err := r.fenceDecision(ctx, who, r.cfg.Clock().UnixMicro(), p)
	if err == nil {
		err = r.decide(ctx, d)
	}
	if err != nil {
		return FenceRecord{}, err
	}
	return first(d.records), nil
}

// fenceDecision is the decision to carry out one plan.
func (r *Register) fenceDecision(ctx context.Context, who Actor, atUS int64, p plan) (*decision, error) {
	e := fenceEntry{Type: fencePut, Fence: p.form, By: who.ID, AtUS: atUS, Request: journal.RequestOf(ctx)}
	if p.compiled == nil {
		e.Type, e.ID, e.Rev = fenceDeleted, p.id, p.rev+1
	}
	body, err := json.Marshal(&e)
	if err != nil {
		return nil, fmt.Errorf("encode decision: %w", err)
	}
	return newDecision(ctx, decision{
		about: []journal.Aggregate{fenceAggregate(p.id)}, size: len(body),
		plan:   func(time.Time) error { return r.checkFence(&p) },
		drafts: []draft{r.fenceDraft(&e, 0, body, []readChange{p.change()})},
	})
}

// fenceDraft is the part of a decision that is one entry.
func (r *Register) fenceDraft(e *fenceEntry, part int, body []byte, changes []readChange) draft {
	d := draft{
		entry: journal.Entry{ID: journal.NewID(), Kind: journal.Decision, Schema: DecisionSchema, TimeUS: e.AtUS, Body: body},
		zone:  true,
	}
	if e.Request != nil {
		d.entry.ID = e.Request.EntryID(e.AtUS, part)
	}
	for i := range changes {
		id := changes[i].id()
		d.touches, d.fences = append(d.touches, fenceAggregate(id)), append(d.fences, id)
	}
	d.apply = func() error {
		for i := range changes {
			if err := r.applyFence(e, &changes[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return d
}

func fenceAggregate(id string) journal.Aggregate { return journal.Aggregate("fence:" + id) }

// tell says which fences a decision changed. Only the decider calls it, so that the
// order is that of the decisions.
func (r *Register) tell(changed []FenceRecord) {
	if r.cfg.FenceChanged == nil {
		return
	}
	if len(changed) > MaxTold {
		r.cfg.FenceChanged(FenceRecord{UpdatedUS: r.cfg.Clock().UnixMicro()})
		return
	}
	for _, f := range changed {
		r.cfg.FenceChanged(f)
	}
}

// checkFence holds a plan against the state. Called with r.mu held.
func (r *Register) checkFence(p *plan) error {
	f, ok := r.fences[p.id]
	switch {
	case p.rev == 0 && !ok:
		return nil
	case !ok, f.Deleted && !p.revive:
		return fmt.Errorf("fence %s: %w", p.id, ErrNotFound)
	case f.Fence.Origin.Kind != ManualOrigin:
		return fmt.Errorf("fence %s comes from %s %s: %w", p.id, f.Fence.Origin.Kind, f.Fence.Origin.ID, ErrNotManual)
	case f.Fence.Rev != p.rev:
		return &StaleError{ID: p.id, Current: f.Fence.Rev}
	}
	return nil
}

func newID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return prefix + hex.EncodeToString(b[:])
}

package airspace

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

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
	slices.SortFunc(out, func(a, b FenceRecord) int { return cmp.Compare(a.Fence.ID, b.Fence.ID) })
	return out
}

// Fence is one fence, or its tombstone.
func (r *Register) Fence(id string) (FenceRecord, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f, ok := r.fences[id]
	if !ok {
		return FenceRecord{}, fmt.Errorf("fence %s: %w", id, ErrNotFound)
	}
	return *f, nil
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
	_, err := r.decideOne(ctx, who, plan{id: id, rev: rev})
	return err
}

// plan is one change of a fence that is about to be decided.
type plan struct {
	id     string
	rev    uint64          // the revision that it changes; 0: the fence must not exist yet
	revive bool            // rev may be that of a tombstone
	fence  *geofence.Fence // nil: delete
}

// planPut checks a definition: before the decision queue, because geometry may
// take milliseconds.
func planPut(f geofence.Fence, id string, rev uint64) (plan, error) {
	f.ID, f.Rev = id, rev+1
	f.Origin = geofence.Origin{Kind: ManualOrigin}
	if f.Response == "" {
		f.Response = geofence.Warn
	}
	if _, err := geofence.Compile(f); err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrDefinition, err)
	}
	return plan{id: id, rev: rev, fence: &f}, nil
}

func (p *plan) change() fenceChange {
	if p.fence == nil {
		return fenceChange{ID: p.id, Rev: p.rev + 1}
	}
	return fenceChange{Fence: encodeFence(p.fence)}
}

// decideOne decides about one fence by itself.
func (r *Register) decideOne(ctx context.Context, who Actor, p plan) (FenceRecord, error) {
	if err := r.decide.take(ctx); err != nil {
		return FenceRecord{}, err
	}
	defer r.decide.give()
	if before, err := r.answered(ctx); err != nil || before != nil {
		return first(before), err
	}
	if err := r.checkFence(&p); err != nil {
		return FenceRecord{}, err
	}
	c := p.change()
	body := fenceEntry{Type: fencePut, Fence: c.Fence, By: who.ID, AtUS: r.cfg.Clock().UnixMicro(), Request: journal.RequestOf(ctx)}
	if p.fence == nil {
		body.Type, body.Fence, body.ID, body.Rev = fenceDeleted, nil, c.ID, c.Rev
	}
	entry, err := r.entry(body.AtUS, &body, false, fenceAggregate(p.id))
	if err != nil {
		return FenceRecord{}, err
	}
	if err := r.commit(ctx, entry); err != nil {
		return FenceRecord{}, fmt.Errorf("fence %s: %w", p.id, err)
	}
	r.tell(p.id)
	return r.Fence(p.id)
}

func fenceAggregate(id string) journal.Aggregate { return journal.Aggregate("fence:" + id) }

// commit makes entries durable, takes them into the state and puts the fences
// in force. Called with the turn.
func (r *Register) commit(ctx context.Context, entries ...journal.Entry) error {
	return r.carry(ctx, func() error { return r.follow(ctx, entries) })
}

func (r *Register) follow(ctx context.Context, entries []journal.Entry) error {
	if q := journal.RequestOf(ctx); q != nil {
		for i := range entries {
			entries[i].ID = q.EntryID(entries[i].TimeUS, i)
		}
	}
	records, err := r.append(context.WithoutCancel(ctx), entries)
	if err != nil {
		return err
	}
	for _, rec := range records {
		if err := r.Replay(rec); err != nil {
			return err // unreachable: what was just compiled compiles again
		}
	}
	if err := r.publishFences(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("decided but not yet in force: %w", err)
	}
	return nil
}

// tell says which fences changed. Called with the turn, so that the order
// is that of the decisions.
func (r *Register) tell(ids ...string) {
	if r.cfg.FenceChanged == nil {
		return
	}
	if len(ids) > MaxTold {
		r.cfg.FenceChanged(FenceRecord{UpdatedUS: r.cfg.Clock().UnixMicro()})
		return
	}
	for _, id := range ids {
		if f, err := r.Fence(id); err == nil {
			r.cfg.FenceChanged(f)
		}
	}
}

func (r *Register) checkFence(p *plan) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
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

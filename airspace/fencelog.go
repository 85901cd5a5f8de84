package airspace

import (
	"encoding/json"
	"fmt"
	"slices"

	"testzone/geofence"
	"testzone/telemetry/journal"
)

// MaxVersions is how many versions of one fence are kept at hand; the journal
// has them all.
const MaxVersions = 100

// FenceVersion is a fence as it was from one decision on.
type FenceVersion struct {
	Fence   geofence.Fence // of a deletion: what was deleted, with the revision of the deletion
	AtUS    int64
	By      string
	Deleted bool
}

// FenceVersions lists the versions of a fence, deleted ones included, newest
// first; at most MaxVersions.
func (r *Register) FenceVersions(id string) ([]FenceVersion, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	versions, ok := r.versions[id]
	if !ok {
		return nil, fmt.Errorf("fence %s: %w", id, ErrNotFound)
	}
	out := slices.Clone(versions)
	slices.Reverse(out)
	return out, nil
}

// readChange is a change of an entry with its geometry, nil for a deletion.
type readChange struct {
	fenceChange
	compiled *geofence.Compiled
}

// id is the fence that it changes.
func (c *readChange) id() string {
	if c.compiled == nil {
		return c.ID
	}
	return c.compiled.Fence.ID
}

// readFence decodes a fence entry and compiles the fences that it sets.
func readFence(rec journal.Record) (e fenceEntry, changes []readChange, err error) {
	if err := json.Unmarshal(rec.Body, &e); err != nil {
		return e, nil, fmt.Errorf("%w: %w", errFenceEntry, err)
	}
	list := e.Changes
	switch {
	case e.Type == fencePut && e.Fence != nil:
		list = []fenceChange{{Fence: e.Fence}}
	case e.Type == fenceDeleted:
		list = []fenceChange{{ID: e.ID, Rev: e.Rev}}
	case e.Type != fenceBatch || len(list) == 0:
		return e, nil, fmt.Errorf("%w: type %q", errFenceEntry, e.Type)
	}
	for _, c := range list {
		change := readChange{fenceChange: c}
		if c.Fence != nil {
			f, err := c.Fence.decode()
			if err != nil {
				return e, nil, err
			}
			if change.compiled, err = geofence.Compile(f); err != nil {
				return e, nil, fmt.Errorf("fence %s: %w", f.ID, err)
			}
		}
		changes = append(changes, change)
	}
	return e, changes, nil
}

// applyFence takes one change of a durable entry into the state. Called with
// r.mu held.
func (r *Register) applyFence(e *fenceEntry, c *readChange) error {
	if c.compiled == nil {
		old := r.fences[c.ID]
		if old == nil {
			return fmt.Errorf("%w: deletes fence %s, which never was", errFenceEntry, c.ID)
		}
		gone := *old
		gone.Deleted, gone.compiled = true, nil
		gone.Fence.Rev, gone.UpdatedUS, gone.UpdatedBy = c.Rev, e.AtUS, e.By
		r.setFence(&gone, e.Request)
		return nil
	}
	f := &FenceRecord{Fence: c.compiled.Fence, CreatedUS: e.AtUS, UpdatedUS: e.AtUS, UpdatedBy: e.By, compiled: c.compiled}
	if old := r.fences[f.Fence.ID]; old != nil {
		f.CreatedUS = old.CreatedUS
	}
	r.setFence(f, e.Request)
	return nil
}

func (r *Register) setFence(f *FenceRecord, request *journal.Request) {
	id := f.Fence.ID
	r.fences[id] = f
	delete(r.emergencies, id) // it is durable now
	r.keepOuts.change(id)
	if request != nil {
		r.answers.noteFence(request, f.UpdatedUS, f)
	}
	versions := append(r.versions[id], FenceVersion{Fence: f.Fence, AtUS: f.UpdatedUS, By: f.UpdatedBy, Deleted: f.Deleted})
	if extra := len(versions) - MaxVersions; extra > 0 {
		versions = slices.Delete(versions, 0, extra)
	}
	r.versions[id] = versions
}

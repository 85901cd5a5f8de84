package airspace

import "fmt"

// CheckBatch says what ApplyBatch would answer now, and changes nothing. A fence
// that would be created has no id.
func (r *Register) CheckBatch(who Actor, changes []Change) ([]FenceRecord, error) {
	if !who.May(FenceWrite) {
		return nil, fmt.Errorf("change fences: %s: %w", who.ID, ErrForbidden)
	}
	plans, faults := planBatch(changes)
	r.mu.RLock()
	err := r.checkBatch(plans, faults)
	r.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	out := make([]FenceRecord, len(plans))
	for i := range plans {
		out[i] = r.would(who, &plans[i])
	}
	return out, nil
}

// CheckRestore says what RestoreFence would answer now, and changes nothing.
func (r *Register) CheckRestore(who Actor, id string, rev, version uint64) (FenceRecord, error) {
	p, err := r.planRestore(who, id, rev, version)
	if err != nil {
		return FenceRecord{}, err
	}
	return r.would(who, &p), nil
}

// CheckEmergency says what CreateEmergencyFence would answer now, and changes nothing.
func (r *Register) CheckEmergency(who Actor, e Emergency) (FenceRecord, error) {
	p, _, err := r.planEmergency(who, e)
	if err != nil {
		return FenceRecord{}, err
	}
	return r.would(who, &p), nil
}

// would is the record that a plan leads to.
func (r *Register) would(who Actor, p *plan) FenceRecord {
	now := r.cfg.Clock().UnixMicro()
	out, err := r.Fence(p.id)
	if err != nil { // a new one
		out.CreatedUS = now
	}
	out.UpdatedUS, out.UpdatedBy, out.Deleted, out.compiled = now, who.ID, p.compiled == nil, nil
	if p.compiled != nil {
		out.Fence = p.compiled.Fence
	}
	if out.Fence.Rev = p.rev + 1; p.rev == 0 {
		out.Fence.ID = ""
	}
	return out
}

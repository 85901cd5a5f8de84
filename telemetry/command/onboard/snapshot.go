package onboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// savedPlan is one record in a snapshot. The same program reads it that wrote it, so
// that its form may change at will.
type savedPlan struct {
	Seq     uint64  `json:"seq"`
	Plan    *Record `json:"plan"`
	Sent    []Item  `json:"sent"`
	Carried []Item  `json:"carried"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
func (p *Plans) SaveState() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []savedPlan{}
	for _, r := range p.records {
		all = append(all, savedPlan{r.JournalSeq, r, r.Sent, r.Carried})
	}
	slices.SortFunc(all, func(a, b savedPlan) int {
		return strings.Compare(string(a.Plan.Vehicle)+"\x00"+a.Plan.Kind, string(b.Plan.Vehicle)+"\x00"+b.Plan.Kind)
	})
	return json.Marshal(all)
}

// LoadState reads what SaveState wrote; install makes it the state of Plans into
// which nothing was replayed. Nothing changes before install is called.
func (p *Plans) LoadState(b []byte) (install func(), err error) {
	var all []savedPlan
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("state of the plans: %w", err)
	}
	for i := range all {
		if all[i].Plan == nil || !all[i].Plan.named() {
			return nil, fmt.Errorf("state of the plans: plan %d is of no vehicle or kind", i+1)
		}
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range all {
			s.Plan.JournalSeq, s.Plan.Sent, s.Plan.Carried = s.Seq, s.Sent, s.Carried
			p.records[s.Plan.name()] = s.Plan
		}
	}, nil
}

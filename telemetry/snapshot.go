package telemetry

import (
	"encoding/json"
	"fmt"
)

// bookState is the book's part of a snapshot: all that Replay builds. The same
// program reads it that wrote it, so that its form may change at will.
type bookState struct {
	Alerts []alertState `json:"alerts"` // oldest first
}

type alertState struct {
	Seq   uint64 `json:"seq"` // of its newest fact
	Alert *Alert `json:"alert"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
// It is for a book that only replays. Closed alerts that Run would forget are
// forgotten.
func (b *Book) SaveState() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trim()
	s := bookState{Alerts: make([]alertState, len(b.order))}
	for i, id := range b.order {
		a := b.byID[id]
		s.Alerts[i] = alertState{a.JournalSeq, a}
	}
	return json.Marshal(&s)
}

// LoadState reads what SaveState wrote; install makes it the state of a book into
// which nothing was replayed. Nothing changes before install is called.
func (b *Book) LoadState(state []byte) (install func(), err error) {
	var s bookState
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("state of the alert book: %w", err)
	}
	for i, a := range s.Alerts {
		if a.Alert == nil || a.Alert.ID == "" {
			return nil, fmt.Errorf("state of the alert book: alert %d has no id", i+1)
		}
		a.Alert.JournalSeq = a.Seq
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, a := range s.Alerts {
			b.store(a.Alert)
		}
	}, nil
}

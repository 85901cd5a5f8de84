package ladder

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// Schema is the payload type of the journal's entries about enforcement: JSON, an
// entry.
const Schema = 15

// The types of entries that are no state of a ladder.
const (
	typeStep      = "enforcement.step"
	typeDecided   = "enforcement.decided"
	typeConfirmed = "enforcement.confirmed"
)

// entry is the journal's form of what happened: the record as it is from now on.
// Members are added, never changed.
type entry struct {
	Type   string  `json:"type"`
	By     string  `json:"by,omitempty"` // of whom decided
	AtUS   int64   `json:"at_us"`
	Reason string  `json:"reason,omitempty"`
	Ladder *Ladder `json:"ladder,omitempty"`

	Request *journal.Request `json:"request,omitempty"` // that it answers
}

// errEntry is returned when an entry of the journal cannot be read, e.g. because a
// newer program wrote it.
var errEntry = errors.New("enforcement entry is not readable by this program")

// typeOf names what changed.
func typeOf(l, before *Ladder) string {
	if len(l.Steps) > len(before.Steps) {
		return typeStep
	}
	return "enforcement." + string(l.State)
}

// write has a ladder written down as it is. Called with e.mu held.
func (e *Enforcer) write(typ string, l *Ladder) {
	e.writeEntry(&entry{Type: typ, AtUS: e.nowUS(), Ladder: l.copied()})
}

func (e *Enforcer) writeEntry(n *entry) <-chan error {
	body, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("enforcement entry does not encode: %v", err)) // only a defect of ours
	}
	// What was enforced is kept while there is any room.
	return e.queue.Add(journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: Schema, TimeUS: n.AtUS, Body: body, Emergency: true})
}

// store keeps a ladder, and forgets the oldest ones that are over. Called with e.mu held.
func (e *Enforcer) store(l *Ladder) {
	if e.all[l.ID] == nil {
		e.order = append(e.order, l.ID)
	}
	e.all[l.ID] = l
	drop := len(e.order) - keepLadders
	if drop < keepLadders/10 {
		return
	}
	e.order = slices.DeleteFunc(e.order, func(id string) bool {
		if drop <= 0 || e.all[id].Open() {
			return false
		}
		drop--
		delete(e.all, id)
		return true
	})
}

// Replay takes one journal record in. Records of other schemas are not ours. It is
// called for every record, in order, before Run.
func (e *Enforcer) Replay(rec journal.Record) error {
	if rec.Schema != Schema {
		return nil
	}
	var n entry
	if err := json.Unmarshal(rec.Body, &n); err != nil {
		return fmt.Errorf("journal entry %d: %w: %w", rec.Seq, errEntry, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case n.Type == typeConfirmed: // of a former run: it says nothing of this one
		return nil
	case n.Ladder == nil || n.Ladder.ID == "" || n.Ladder.Vehicle == "":
		return fmt.Errorf("journal entry %d: %w: %s", rec.Seq, errEntry, n.Type)
	}
	e.store(n.Ladder)
	return nil
}

// savedState is the part of a snapshot: all that Replay builds. The same program
// reads it that wrote it, so that its form may change at will.
type savedState struct {
	Ladders []*Ladder `json:"ladders"` // oldest first
}

// SaveState is all that the records which were replayed have led to, for LoadState.
func (e *Enforcer) SaveState() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := savedState{Ladders: []*Ladder{}}
	for _, id := range e.order {
		s.Ladders = append(s.Ladders, e.all[id])
	}
	return json.Marshal(&s)
}

// LoadState reads what SaveState wrote; install makes it the state of an Enforcer into
// which nothing was replayed. Nothing changes before install is called.
func (e *Enforcer) LoadState(b []byte) (install func(), err error) {
	var s savedState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("state of the enforcement: %w", err)
	}
	for i, l := range s.Ladders {
		if l == nil || l.ID == "" {
			return nil, fmt.Errorf("state of the enforcement: ladder %d has no id", i+1)
		}
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, l := range s.Ladders {
			e.store(l)
		}
	}, nil
}

// Ladders lists those that a query wants, newest first.
func (e *Enforcer) Ladders(wants func(*Ladder) bool) []Ladder {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []Ladder{}
	for _, id := range slices.Backward(e.order) {
		if l := e.all[id]; wants(l) {
			out = append(out, *l.copied())
		}
	}
	return out
}

// openOf is the open ladder of a vehicle. Called with e.mu held.
func (e *Enforcer) openOf(id vehicles.VehicleID) *Ladder {
	if v := e.of[id]; v != nil {
		return v.ladder
	}
	return nil
}

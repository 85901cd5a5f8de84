package supervision

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Book is the supervision of a zone, as the journal built it.
type Book struct {
	incidents map[string]Incident
	months    map[string]Monthly // submitted reports, by MonthKey
}

// NewBook is an empty book.
func NewBook() *Book {
	return &Book{incidents: map[string]Incident{}, months: map[string]Monthly{}}
}

// Put takes an incident as it is from now on.
func (b *Book) Put(x Incident) { b.incidents[x.ID] = x }

// PutMonth takes a monthly report as it is from now on.
func (b *Book) PutMonth(m Monthly) { b.months[MonthKey(m.Org, m.Month)] = m }

// Incident is one incident; what is reached from it is not to be changed.
func (b *Book) Incident(id string) (Incident, bool) {
	x, ok := b.incidents[id]
	return x, ok
}

// Month is a report that was submitted.
func (b *Book) Month(org, month string) (Monthly, bool) {
	m, ok := b.months[MonthKey(org, month)]
	return m, ok
}

// Incidents are those that a filter takes, the newest first.
func (b *Book) Incidents(takes func(*Incident) bool) (out []Incident) {
	for _, x := range b.incidents {
		if takes(&x) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(x, y Incident) int {
		return cmp.Or(cmp.Compare(y.ReportedUS, x.ReportedUS), cmp.Compare(y.ID, x.ID))
	})
	return out
}

// StandsDown is the incident for which a permit stands down; ok is false when none.
func (b *Book) StandsDown(permit string) (id string, ok bool) {
	for _, x := range b.incidents {
		if x.Permit == permit && x.StandsDown() && (!ok || x.ID < id) {
			id, ok = x.ID, true
		}
	}
	return id, ok
}

// Due are the incidents for which the clock has something to do at a moment, by id.
func (b *Book) Due(nowUS int64) (ids []string) {
	for id, x := range b.incidents {
		if x.Due() <= nowUS {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

type bookState struct {
	Incidents []Incident `json:"incidents"`
	Months    []Monthly  `json:"months"`
}

// SaveState is the whole book, for LoadState of the same program.
func (b *Book) SaveState() ([]byte, error) {
	var s bookState
	for _, id := range slices.Sorted(maps.Keys(b.incidents)) {
		s.Incidents = append(s.Incidents, b.incidents[id])
	}
	for _, key := range slices.Sorted(maps.Keys(b.months)) {
		s.Months = append(s.Months, b.months[key])
	}
	return json.Marshal(&s)
}

// LoadState makes a book of what SaveState wrote.
func LoadState(state []byte) (*Book, error) {
	b := NewBook()
	if len(state) == 0 {
		return b, nil
	}
	var s bookState
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("state of the supervision: %w", err)
	}
	for _, x := range s.Incidents {
		b.Put(x)
	}
	for _, m := range s.Months {
		b.PutMonth(m)
	}
	return b, nil
}

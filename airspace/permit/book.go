package permit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"testzone/airspace/rules"
)

// Book is all permits of a zone, as the journal built them. It belongs to whoever
// locks it.
type Book struct {
	byID map[string]*Permit
	due  map[string]int64 // when the clock has something to do, by permit

	drafts map[string]int // by organisation
	// rehearsals are those that are open: they follow other clocks.
	rehearsals map[string]bool
}

// NewBook is an empty book.
func NewBook() *Book {
	return &Book{byID: map[string]*Permit{}, due: map[string]int64{}, drafts: map[string]int{}, rehearsals: map[string]bool{}}
}

// Put takes a permit as it is from now on.
func (b *Book) Put(p Permit) {
	if old := b.byID[p.ID]; old != nil && old.State == rules.Draft {
		b.drafts[old.Org]--
	}
	if p.State == rules.Draft {
		b.drafts[p.Org]++
	}
	b.byID[p.ID] = &p
	b.setDue(&p)
}

// Drafts is how many drafts an organisation has.
func (b *Book) Drafts(org string) int { return b.drafts[org] }

func (b *Book) setDue(p *Permit) {
	switch {
	case p.Ended() || p.State == rules.Draft:
		delete(b.due, p.ID)
		delete(b.rehearsals, p.ID)
	case p.Rehearsal:
		b.rehearsals[p.ID] = true
	default:
		b.due[p.ID] = p.Due()
	}
}

// Rehearsals are the ids of the rehearsals that are open.
func (b *Book) Rehearsals() []string { return slices.Sorted(maps.Keys(b.rehearsals)) }

// Get is a permit; what is reached from it is not to be changed.
func (b *Book) Get(id string) (Permit, bool) {
	p, ok := b.byID[id]
	if !ok {
		return Permit{}, false
	}
	return *p, true
}

// Len is how many permits there are.
func (b *Book) Len() int { return len(b.byID) }

// List are the permits that a filter takes, by id.
func (b *Book) List(takes func(*Permit) bool) (out []Permit) {
	for _, p := range b.byID {
		if takes(p) {
			out = append(out, *p)
		}
	}
	slices.SortFunc(out, func(x, y Permit) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// Due are the ids of the permits for which the clock has something to do at a
// moment, those first for which it is due longest, and when the next one is.
func (b *Book) Due(nowUS int64) (ids []string, next int64) {
	next = 1<<63 - 1
	for id, at := range b.due {
		if at <= nowUS {
			ids = append(ids, id)
		} else {
			next = min(next, at)
		}
	}
	slices.SortFunc(ids, func(x, y string) int { return cmp.Or(cmp.Compare(b.due[x], b.due[y]), cmp.Compare(x, y)) })
	return ids, next
}

// SaveState is the whole book, for LoadState of the same program.
func (b *Book) SaveState() ([]byte, error) {
	list := make([]*Permit, 0, len(b.byID))
	for _, id := range slices.Sorted(maps.Keys(b.byID)) {
		list = append(list, b.byID[id])
	}
	return json.Marshal(list)
}

// LoadState makes a book of what SaveState wrote.
func LoadState(state []byte) (*Book, error) {
	b := NewBook()
	if len(state) == 0 {
		return b, nil
	}
	var list []Permit
	if err := json.Unmarshal(state, &list); err != nil {
		return nil, fmt.Errorf("state of the permits: %w", err)
	}
	for _, p := range list {
		b.Put(p)
	}
	return b, nil
}

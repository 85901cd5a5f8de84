package activity

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"testzone/vehicles"
)

// Book is all activities of a zone, as the journal built them. It belongs to whoever
// locks it.
type Book struct {
	byID      map[string]*Activity
	byPermit  map[string][]string                        // ids, in the order of their planning
	byVehicle map[vehicles.VehicleID]map[string]struct{} // of those that hold room
	open      map[string]struct{}                        // for which clock or loop may have something to do
}

// NewBook is an empty book.
func NewBook() *Book {
	return &Book{byID: map[string]*Activity{}, byPermit: map[string][]string{}, byVehicle: map[vehicles.VehicleID]map[string]struct{}{}, open: map[string]struct{}{}}
}

// Put takes an activity as it is from now on.
func (b *Book) Put(x Activity) {
	if old := b.byID[x.ID]; old != nil {
		for _, id := range old.Vehicles {
			delete(b.byVehicle[id], x.ID)
			if len(b.byVehicle[id]) == 0 {
				delete(b.byVehicle, id)
			}
		}
	} else {
		b.byPermit[x.Permit] = append(b.byPermit[x.Permit], x.ID)
	}
	b.byID[x.ID] = &x
	delete(b.open, x.ID)
	if x.Holds() || x.State == Ended {
		b.open[x.ID] = struct{}{}
	}
	if !x.Holds() {
		return
	}
	for _, id := range x.Vehicles {
		if b.byVehicle[id] == nil {
			b.byVehicle[id] = map[string]struct{}{}
		}
		b.byVehicle[id][x.ID] = struct{}{}
	}
}

// Get is an activity; what is reached from it is not to be changed.
func (b *Book) Get(id string) (Activity, bool) {
	x, ok := b.byID[id]
	if !ok {
		return Activity{}, false
	}
	return *x, true
}

// List are the activities of a permit, or (empty) of all, that a filter takes, by
// their begin and id.
func (b *Book) List(permit string, takes func(*Activity) bool) (out []Activity) {
	each := func(x *Activity) {
		if takes(x) {
			out = append(out, *x)
		}
	}
	if permit != "" {
		for _, id := range b.byPermit[permit] {
			each(b.byID[id])
		}
	} else {
		for _, x := range b.byID {
			each(x)
		}
	}
	slices.SortFunc(out, func(x, y Activity) int { return cmp.Or(cmp.Compare(x.FromUS, y.FromUS), cmp.Compare(x.ID, y.ID)) })
	return out
}

// Of are the activities of a vehicle that hold room, by id.
func (b *Book) Of(id vehicles.VehicleID) (out []Activity) {
	for _, name := range slices.Sorted(maps.Keys(b.byVehicle[id])) {
		out = append(out, *b.byID[name])
	}
	return out
}

// Open are the activities that are not over, by id: those that hold room, and those
// whose report is due.
func (b *Book) Open() (out []Activity) {
	for _, name := range slices.Sorted(maps.Keys(b.open)) {
		out = append(out, *b.byID[name])
	}
	return out
}

// Holding is how many activities of a permit hold room.
func (b *Book) Holding(permit string) (n int) {
	for _, id := range b.byPermit[permit] {
		if b.byID[id].Holds() {
			n++
		}
	}
	return n
}

// SaveState is the whole book, for LoadState of the same program.
func (b *Book) SaveState() ([]byte, error) {
	list := make([]*Activity, 0, len(b.byID))
	for _, permit := range slices.Sorted(maps.Keys(b.byPermit)) {
		for _, id := range b.byPermit[permit] {
			list = append(list, b.byID[id])
		}
	}
	return json.Marshal(list)
}

// LoadState makes a book of what SaveState wrote.
func LoadState(state []byte) (*Book, error) {
	b := NewBook()
	if len(state) == 0 {
		return b, nil
	}
	var list []Activity
	if err := json.Unmarshal(state, &list); err != nil {
		return nil, fmt.Errorf("state of the activities: %w", err)
	}
	for _, x := range list {
		b.Put(x)
	}
	return b, nil
}

package notice

import (
	"encoding/json"
	"fmt"
)

// state is a book in a snapshot: the same program reads it that wrote it.
type state struct {
	All  []*Notice         `json:"all"`
	Read map[string]uint64 `json:"read"`
	Said map[string]int64  `json:"said"`
}

// SaveState is the whole book, for LoadState of the same program.
func (b *Book) SaveState() ([]byte, error) {
	return json.Marshal(state{b.all, b.read, b.said})
}

// LoadState makes a book of what SaveState wrote.
func LoadState(raw []byte) (*Book, error) {
	b := NewBook()
	if len(raw) == 0 {
		return b, nil
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("state of the notices: %w", err)
	}
	for _, n := range s.All {
		b.put(n)
	}
	for person, id := range s.Read {
		b.read[person] = id
	}
	for key, until := range s.Said {
		b.said[key] = until
	}
	return b, nil
}

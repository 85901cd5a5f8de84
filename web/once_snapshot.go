package web

import (
	"encoding/json"
	"fmt"
)

// requestState is one request in a snapshot. The same program reads it that wrote
// it, so that its form may change at will.
type requestState struct {
	By     string `json:"by"`
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	AtUS   int64  `json:"at_us"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
func (q *Requests) SaveState() ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := make([]requestState, len(q.order))
	for i, name := range q.order {
		seen := q.byName[name]
		s[i] = requestState{name.by, name.key, seen.sha256, seen.atUS}
	}
	return json.Marshal(s)
}

// LoadState reads what SaveState wrote; install makes it the state. Nothing changes
// before install is called.
func (q *Requests) LoadState(b []byte) (install func(), err error) {
	var s []requestState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("state of the requests: %w", err)
	}
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, r := range s {
			name := requestName{r.By, r.Key}
			q.byName[name] = seenRequest{r.SHA256, r.AtUS}
			q.order = append(q.order, name)
		}
	}, nil
}

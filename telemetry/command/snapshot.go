package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"testzone/telemetry/journal"
)

// savedState is the part of a snapshot: all that Replay builds. The same program
// reads it that wrote it, so that its form may change at will.
type savedState struct {
	Orders  []savedOrder  `json:"orders"` // oldest first
	Leases  []Lease       `json:"leases"`
	Calls   []Call        `json:"calls"`
	Answers []savedAnswer `json:"answers"`
}

type savedOrder struct {
	Seq   uint64 `json:"seq"`
	Order *Order `json:"order"`
}

type savedAnswer struct {
	By     string `json:"by"`
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	Order  string `json:"order"`
	AtUS   int64  `json:"at_us"`
}

// SaveState is all that the records which were replayed have led to, for LoadState.
func (d *Dispatcher) SaveState() ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := savedState{Orders: []savedOrder{}}
	for _, id := range d.order {
		s.Orders = append(s.Orders, savedOrder{d.orders[id].JournalSeq, d.orders[id]})
	}
	for _, l := range d.leases {
		s.Leases = append(s.Leases, l)
	}
	slices.SortFunc(s.Leases, func(a, b Lease) int { return strings.Compare(string(a.Vehicle), string(b.Vehicle)) })
	s.Calls = d.sortedCalls(func(*Call) bool { return true })
	for n, a := range d.answers {
		s.Answers = append(s.Answers, savedAnswer{n.by, n.key, a.sha256, a.order, a.atUS})
	}
	slices.SortFunc(s.Answers, func(a, b savedAnswer) int { return strings.Compare(a.By+"\x00"+a.Key, b.By+"\x00"+b.Key) })
	return json.Marshal(&s)
}

// LoadState reads what SaveState wrote; install makes it the state of a Dispatcher
// into which nothing was replayed. Nothing changes before install is called.
func (d *Dispatcher) LoadState(b []byte) (install func(), err error) {
	var s savedState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("state of the orders: %w", err)
	}
	for i, o := range s.Orders {
		if o.Order == nil || o.Order.ID == "" {
			return nil, fmt.Errorf("state of the orders: order %d has no id", i+1)
		}
		o.Order.JournalSeq = o.Seq
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, o := range s.Orders {
			d.store(o.Order)
		}
		for _, l := range s.Leases {
			d.leases[l.Vehicle] = l
		}
		for _, c := range s.Calls {
			d.noteCall(&c)
		}
		for _, a := range s.Answers {
			d.noteAnswer(&journal.Request{By: a.By, Key: a.Key}, answer{a.SHA256, a.Order, a.AtUS})
		}
	}, nil
}

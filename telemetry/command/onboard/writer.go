package onboard

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
)

// writer writes entries to the journal in their order.
type writer struct {
	journal command.Appender
	durable func(*Record, uint64)
	wake    chan struct{}

	mu      sync.Mutex // guards the fields below
	queue   []waiting
	stopped bool
	lost    int
	cause   error
}

type waiting struct {
	entry  journal.Entry
	record *Record
	done   chan error
}

func newWriter(j command.Appender, durable func(*Record, uint64)) *writer {
	return &writer{journal: j, durable: durable, wake: make(chan struct{}, 1)}
}

// add has an entry about a record written; the channel tells when it was. The
// record does not change any more.
func (w *writer) add(e entry, r *Record) <-chan error {
	body, err := json.Marshal(&e)
	if err != nil {
		panic(fmt.Sprintf("entry about a plan does not encode: %v", err)) // only a defect of ours
	}
	one := waiting{journal.Entry{ID: journal.NewID(), Kind: journal.Fact, Schema: Schema, TimeUS: e.AtUS, Body: body}, r, make(chan error, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		one.done <- command.ErrStopping
		return one.done
	}
	w.queue = append(w.queue, one)
	w.signal()
	return one.done
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop has run end when all is written.
func (w *writer) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.signal()
}

// batch is how many entries are written at once: with the items of a plan each.
const batch = 16

func (w *writer) run() {
	for {
		w.mu.Lock()
		some := w.queue[:min(len(w.queue), batch)]
		w.queue = w.queue[len(some):]
		stopped := w.stopped
		w.mu.Unlock()
		switch {
		case len(some) > 0:
			w.write(some)
		case stopped:
			return
		default:
			<-w.wake
		}
	}
}

func (w *writer) write(some []waiting) {
	entries := make([]journal.Entry, len(some))
	for i := range some {
		entries[i] = some[i].entry
	}
	seqs, err := w.journal.Append(context.Background(), entries...)
	if err != nil {
		w.mu.Lock()
		w.lost, w.cause = w.lost+len(some), err
		w.mu.Unlock()
	}
	for i := range some {
		if err == nil {
			w.durable(some[i].record, seqs[i])
		}
		some[i].done <- err
	}
}

func (w *writer) health() (out []telemetry.Reason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost > 0 {
		out = append(out, telemetry.Reason{Code: "plan_facts_lost", Text: fmt.Sprintf(
			"%d entries about what vehicles carry are not in the journal (%v). What is shown is right; after a restart it is read back. Mend the disk.", w.lost, w.cause)})
	}
	return out
}

package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"testzone/telemetry/journal"
)

// FactSchema is the payload type of the alert facts in the journal: JSON with
// a "type" that begins with "alert.".
const FactSchema = 2

// The facts.
const (
	factRaised       = "alert.raised"       // the whole alert
	factRepeated     = "alert.repeated"     // the whole alert: began again
	factCleared      = "alert.cleared"      // id, at, cause, raw
	factConfirmed    = "alert.confirmed"    // id, at
	factAcknowledged = "alert.acknowledged" // id, ack
	factFolded       = "alert.folded"       // id, ack of the system: one of too many open alerts of unverified tracks
)

type fact struct {
	Type  string           `json:"type"`
	Alert *Alert           `json:"alert,omitempty"`
	ID    string           `json:"id,omitempty"`
	AtUS  int64            `json:"at_us,omitempty"`
	Cause string           `json:"cause,omitempty"`
	Raw   int              `json:"raw,omitempty"`
	Ack   *Acknowledgement `json:"ack,omitempty"`

	Request *journal.Request `json:"request,omitempty"` // under whose key it was asked for
}

// Replay takes one journal record into the book. Records of other schemas are
// not the book's. It is called for every record, in order, before Run.
func (b *Book) Replay(rec journal.Record) error {
	if rec.Schema != FactSchema {
		return nil
	}
	var f fact
	if err := json.Unmarshal(rec.Body, &f); err != nil {
		return fmt.Errorf("journal entry %d: alert fact: %w", rec.Seq, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch f.Type {
	case factRaised, factRepeated:
		if f.Alert == nil || f.Alert.ID == "" {
			return fmt.Errorf("journal entry %d: alert fact without an alert", rec.Seq)
		}
		f.Alert.JournalSeq = rec.Seq
		if before := b.byID[f.Alert.ID]; before != nil && f.Alert.Ack == nil && before.covers(f.Alert.LastUS) {
			// It began again while its acknowledgement was on the way to the disk.
			f.Alert.Ack = before.Ack
		}
		b.store(f.Alert)
		return nil
	}
	a, ok := b.byID[f.ID]
	if !ok {
		return nil // forgotten by trim
	}
	next := *a
	next.JournalSeq = rec.Seq
	switch f.Type {
	case factCleared:
		next.ClearedUS, next.LastUS, next.Cause = f.AtUS, f.AtUS, f.Cause
		next.Raw = max(next.Raw, f.Raw)
	case factConfirmed:
		next.ConfirmedUS, next.LastUS = f.AtUS, f.AtUS
	case factAcknowledged, factFolded:
		if f.Ack != nil && a.Ack == nil {
			next.acknowledge(f.Ack)
		}
	default:
		return fmt.Errorf("journal entry %d: unknown alert fact %q", rec.Seq, f.Type)
	}
	b.store(&next)
	return nil
}

// factWriter writes facts to the journal in order, in batches, so that the
// book never waits for a disk.
type factWriter struct {
	journal Appender
	clock   func() time.Time
	durable func(f *fact, seq uint64)
	wake    chan struct{}

	mu      sync.Mutex // guards the fields below
	queue   []waitingFact
	writing []waitingFact // the batch that the journal has in hand
	lost    uint64        // facts that the journal refused
	cause   error         // of the last refusal
	stopped bool
}

type waitingFact struct {
	fact   fact
	timeUS int64
	came   time.Time
	done   chan<- error // nil when nobody waits
}

func newFactWriter(j Appender, clock func() time.Time, durable func(*fact, uint64)) *factWriter {
	return &factWriter{journal: j, clock: clock, durable: durable, wake: make(chan struct{}, 1)}
}

func (w *factWriter) add(f fact, timeUS int64, done chan<- error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		if done != nil {
			done <- errStopping
		}
		return
	}
	w.queue = append(w.queue, waitingFact{f, timeUS, w.clock(), done})
	w.signal()
}

var errStopping = errors.New("the server is stopping")

func (w *factWriter) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *factWriter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.signal()
}

// run writes until stop, and then what still waits.
func (w *factWriter) run() {
	for {
		w.mu.Lock()
		batch := w.queue[:min(len(w.queue), 256)]
		w.queue = w.queue[len(batch):]
		w.writing = batch
		stopped := w.stopped
		w.mu.Unlock()
		if len(batch) > 0 {
			w.write(batch)
			continue
		}
		if stopped {
			return
		}
		<-w.wake
	}
}

func (w *factWriter) write(batch []waitingFact) {
	entries := make([]journal.Entry, len(batch))
	for i := range batch {
		body, err := json.Marshal(&batch[i].fact)
		if err != nil {
			panic(fmt.Sprintf("alert fact does not encode: %v", err)) // only a defect of ours
		}
		entries[i] = journal.Entry{
			ID: journal.NewID(), Kind: journal.Fact, Schema: FactSchema, TimeUS: batch[i].timeUS, Body: body,
			Emergency: true, // what happened is kept while there is any room
		}
	}
	seqs, err := w.journal.Append(context.Background(), entries...)
	if err != nil {
		w.mu.Lock()
		w.lost += uint64(len(batch))
		w.cause = err
		w.mu.Unlock()
	}
	for i := range batch {
		if err == nil {
			w.durable(&batch[i].fact, seqs[i])
		}
		if batch[i].done != nil {
			batch[i].done <- err
		}
	}
}

// unwritten is how many facts the journal does not have yet.
func (w *factWriter) unwritten() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.writing) + len(w.queue)
}

func (w *factWriter) health() []Reason {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Reason
	if w.lost > 0 {
		out = append(out, Reason{"alert_facts_lost", fmt.Sprintf(
			"%d alert facts are not in the journal (%v). Alerts still show; after a restart these would be missing. Mend the disk and restart.", w.lost, w.cause)})
	}
	if n := len(w.writing) + len(w.queue); n > 0 {
		oldest := w.clock()
		for _, list := range [][]waitingFact{w.queue, w.writing} {
			if len(list) > 0 {
				oldest = list[0].came
			}
		}
		if wait := w.clock().Sub(oldest); wait > stalledAfter {
			out = append(out, Reason{"journal_stalled", fmt.Sprintf(
				"The oldest of %d alert facts has waited %.0f s for the journal. Alerts still show, acknowledgements do not complete. Check the disk of the data folder.", n, wait.Seconds())})
		}
	}
	return out
}

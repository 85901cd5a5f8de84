package command

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/journal"
)

// scribe writes entries to the journal in their order, in batches, so that no order
// waits for a disk.
type scribe struct {
	journal Appender
	clock   func() time.Time
	durable func(*entry, uint64)
	wake    chan struct{}

	mu      sync.Mutex // guards the fields below
	queue   []waiting
	writing []waiting
	stopped bool
	lost    int
	cause   error
}

type waiting struct {
	entry entry
	came  time.Time
	done  chan error
}

func newScribe(j Appender, clock func() time.Time, durable func(*entry, uint64)) *scribe {
	return &scribe{journal: j, clock: clock, durable: durable, wake: make(chan struct{}, 1)}
}

// add has an entry written; the channel tells when it was.
func (s *scribe) add(e entry) <-chan error {
	done := make(chan error, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		done <- ErrStopping
		return done
	}
	s.queue = append(s.queue, waiting{e, s.clock(), done})
	s.signal()
	return done
}

func (s *scribe) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// stop has run end when all is written.
func (s *scribe) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.signal()
}

func (s *scribe) run() {
	for {
		s.mu.Lock()
		s.writing = s.queue[:min(len(s.queue), 256)]
		s.queue = s.queue[len(s.writing):]
		batch, stopped := s.writing, s.stopped
		s.mu.Unlock()
		if len(batch) > 0 {
			s.write(batch)
			continue
		}
		if stopped {
			return
		}
		<-s.wake
	}
}

func (s *scribe) write(batch []waiting) {
	entries := make([]journal.Entry, len(batch))
	for i := range batch {
		e := &batch[i].entry
		body, err := json.Marshal(e)
		if err != nil {
			panic(fmt.Sprintf("order entry does not encode: %v", err)) // only a defect of ours
		}
		id := journal.NewID()
		if e.Request != nil {
			id = e.Request.EntryID(e.AtUS, 0)
		}
		// What was ordered is kept while there is any room.
		entries[i] = journal.Entry{ID: id, Kind: journal.Fact, Schema: Schema, TimeUS: e.AtUS, Body: body, Emergency: true}
	}
	seqs, err := s.journal.Append(context.Background(), entries...)
	if err != nil {
		s.mu.Lock()
		s.lost, s.cause = s.lost+len(batch), err
		s.mu.Unlock()
	}
	for i := range batch {
		if err == nil {
			s.durable(&batch[i].entry, seqs[i])
		}
		batch[i].done <- err
	}
}

// stalledAfter is how long an entry may wait for the journal.
const stalledAfter = 2 * time.Second

func (s *scribe) health() (out []telemetry.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		out = append(out, telemetry.Reason{Code: "order_facts_lost", Text: fmt.Sprintf(
			"%d entries about orders are not in the journal (%v). Orders still leave; after a restart these would be missing. Mend the disk and restart.", s.lost, s.cause)})
	}
	for _, list := range [][]waiting{s.writing, s.queue} {
		if len(list) == 0 {
			continue
		}
		if wait := s.clock().Sub(list[0].came); wait > stalledAfter {
			out = append(out, telemetry.Reason{Code: "order_journal_stalled", Text: fmt.Sprintf(
				"An order has waited %.0f s for the journal. Orders of safe direction still leave, RESUME and control leases do not. Check the disk of the data folder.", wait.Seconds())})
		}
		break
	}
	return out
}

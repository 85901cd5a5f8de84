package journal

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrQueueStopped is returned for an entry that came after the end of a Queue.
var ErrQueueStopped = errors.New("journal queue has stopped")

// queueBatch is how many entries are appended together.
const queueBatch = 256

// Queue appends entries in their order, in batches, so that who writes a fact does
// not wait for a disk. An entry that the journal refuses is lost, and counted. Safe
// for concurrent use.
type Queue struct {
	to    Appender
	clock func() time.Time
	wake  chan struct{}

	mu      sync.Mutex // guards the fields below
	waits   []queued
	writing []queued
	stopped bool
	lost    int
	cause   error
}

// Appender is what a Queue writes to.
type Appender interface {
	Append(ctx context.Context, batch ...Entry) ([]uint64, error)
}

type queued struct {
	entry Entry
	came  time.Time
	done  chan error
}

// NewQueue makes a queue; clock nil is time.Now. Nothing is written before Run.
func NewQueue(to Appender, clock func() time.Time) *Queue {
	if clock == nil {
		clock = time.Now
	}
	return &Queue{to: to, clock: clock, wake: make(chan struct{}, 1)}
}

// Add has an entry appended; the channel tells when it is durable, or why not.
func (q *Queue) Add(e Entry) <-chan error {
	done := make(chan error, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		done <- ErrQueueStopped
		return done
	}
	q.waits = append(q.waits, queued{e, q.clock(), done})
	q.signal()
	return done
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Stop has Run end when all is written.
func (q *Queue) Stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.signal()
}

// Run writes until Stop.
func (q *Queue) Run() {
	for {
		q.mu.Lock()
		q.writing = q.waits[:min(len(q.waits), queueBatch)]
		q.waits = q.waits[len(q.writing):]
		batch, stopped := q.writing, q.stopped
		q.mu.Unlock()
		if len(batch) > 0 {
			q.write(batch)
			continue
		}
		if stopped {
			return
		}
		<-q.wake
	}
}

func (q *Queue) write(batch []queued) {
	entries := make([]Entry, len(batch))
	for i := range batch {
		entries[i] = batch[i].entry
	}
	_, err := q.to.Append(context.Background(), entries...)
	if err != nil {
		q.mu.Lock()
		q.lost, q.cause = q.lost+len(batch), err
		q.mu.Unlock()
	}
	for i := range batch {
		batch[i].done <- err
	}
}

// Lost is how many entries the journal refused, and why the last ones.
func (q *Queue) Lost() (n int, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost, q.cause
}

// Waits is how long the oldest entry has waited.
func (q *Queue) Waits() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, list := range [][]queued{q.writing, q.waits} {
		if len(list) > 0 {
			return q.clock().Sub(list[0].came)
		}
	}
	return 0
}

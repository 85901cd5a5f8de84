// Package journal is the ordered, hash-chained log of everything that was
// decided or happened in a zone group, kept in segment files of one folder.
//
// Append is durable when it returns: the entries of one call are all written or
// none is, over a power loss too. Decisions name the aggregates they depend on
// with the sequence they were made against; when one moved, the append is
// refused with a ConflictError. An entry whose id is known returns its old
// sequence, so that a retry is harmless; an id is known for at least 24 hours.
// Replay and Follow yield the records in order, each once. Times are microseconds
// since 1970 and come from the proposer.
//
// A Journal is safe for concurrent use; one process holds a folder at a time.
// Open verifies every frame of every segment (CRC32C, sequence, chain), repairs
// the torn tail that a crash leaves and refuses any other damage; once a day all is
// read again. The first error of a write or sync, or damage, makes the journal
// read-only until it is opened again. Snapshots spare a start the old entries.
// Verify, Copy and AcceptLoss are for operators.
//
// It does not promise that an Append that failed left nothing behind: after an
// error that says so, the outcome is unknown until a retry with the same ids.
// FORMAT.md beside this file describes every byte.
package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrConflict is returned when an aggregate moved since the decision was
	// made; the error is a *ConflictError that names it.
	ErrConflict = errors.New("an aggregate moved meanwhile")
	// ErrReadOnly is returned when a write or sync failed earlier, or the
	// journal was found damaged: nothing is accepted until it is opened again.
	ErrReadOnly = errors.New("the journal is read-only")
	// ErrUnknown is returned, with the cause, when nobody can say yet whether what
	// was asked for is in the journal or will be.
	ErrUnknown = errors.New("it is not known yet whether this happened: read again before you repeat it; under its Idempotency-Key it happens once")
	// ErrClosed is returned when the journal was closed.
	ErrClosed = errors.New("the journal is closed")
	// ErrTooLarge is returned when an entry or a batch exceeds the limits
	// (MaxBody, MaxBatch, MaxBatchBytes, MaxExpect, MaxAggregate).
	ErrTooLarge = errors.New("too large for the journal")
	// ErrInvalid is returned when an entry cannot be stored as it is: no id, an
	// unknown kind, an empty aggregate or one that is named twice.
	ErrInvalid = errors.New("not a valid journal entry")
	// ErrLocked is returned when another process has the journal open.
	ErrLocked = errors.New("another process has the journal open")
	// ErrNewer is returned when a newer version of the program wrote the journal:
	// run that version. Nothing was changed.
	ErrNewer = errors.New("a newer version of the program wrote the journal: run that version")
	// ErrOtherGroup is returned when the folder holds the journal of another zone group.
	ErrOtherGroup = errors.New("the journal belongs to another zone group")
)

// Limits of one entry and of one Append. A body carries facts, not files.
const (
	MaxBody       = 1 << 20  // bytes of Entry.Body
	MaxBatch      = 1024     // entries of one Append
	MaxBatchBytes = 16 << 20 // bytes of one Append, frames included
	MaxExpect     = 256      // aggregates of one entry
	MaxAggregate  = 255      // bytes of the name of an aggregate
)

// ConflictError says which aggregate moved. Nothing of the batch was written.
type ConflictError struct {
	Agg     Aggregate
	Current uint64 // the entry that touched it last; 0 = none yet
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("aggregate %q is at entry %d: %v", string(e.Agg), e.Current, ErrConflict)
}

// Unwrap makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Aggregate names what a decision depends on: "permit:pm_7", "airspace:zone-a".
type Aggregate string

// Expect is one aggregate that an entry touches, and the state it was decided
// on. The expectations of one Append are compared with the state before that
// Append: two entries of it may touch one aggregate with the same expectation.
type Expect struct {
	Agg Aggregate
	Seq uint64 // the last entry that touched it; 0 = must not exist yet
	Any bool   // touch without compare; Seq is not stored
}

// ID is the idempotency id of an entry, chosen by the proposer.
type ID [16]byte

// NewID is a random id.
func NewID() (id ID) {
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails
	return id
}

// Kind is what an entry is.
type Kind uint8

// The kinds, as stored.
const (
	Decision Kind = 1 // compares its aggregates
	Fact     Kind = 2 // happened; usually without aggregates
	Control  Kind = 3 // about the journal itself
)

func (k Kind) String() string {
	switch k {
	case Decision:
		return "decision"
	case Fact:
		return "fact"
	case Control:
		return "control"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Entry is what a proposer appends. Everything random or read from a clock is
// fixed here, so that every follower builds the same state.
type Entry struct {
	ID     ID
	Kind   Kind
	Schema uint16 // type and version of Body
	TimeUS int64  // microseconds since 1970, decided by the proposer
	Expect []Expect
	Body   []byte // at most MaxBody bytes, canonical encoding

	// Emergency entries are taken while the disk has room for anything at all;
	// see ErrNoSpace. It is not stored.
	Emergency bool
}

// Record is an entry at its place in the journal. Its Body belongs to the receiver.
type Record struct {
	Seq   uint64
	Epoch uint32 // raised when a distributed journal was fenced; 1 in the embedded one
	Entry
	Hash [32]byte // chain hash of this entry
}

// Config configures a Journal. The zero value works with a Dir or an FS.
type Config struct {
	Dir          string           // folder, made if missing; default "journal"
	Group        string           // zone group name, goes into the first hash; default "zone"
	FS           FS               // default: the operating system's, in Dir
	Clock        func() time.Time // stamps new segments and kept torn tails; default time.Now
	SegmentBytes int64            // size of a segment, allocated at once and read whole at Open; default 64 MiB, at most 1 GiB
	Logger       *slog.Logger     // default slog.Default()
	ScrubEvery   time.Duration    // how often everything is read again while running; default 24 h, negative = never
	ScrubRate    int64            // bytes/s of that; default 8 MiB/s

	// Synced is told how long each data sync of a batch took, before the batch is
	// answered; default nobody. It has to be quick.
	Synced func(took time.Duration)

	anyGroup bool        // the tools take the group that the journal has
	reached  func(point) // tests fail or end the process there; called by one goroutine or another
}

// maxSegment bounds the memory that Open takes for one segment.
const maxSegment = 1 << 30

func (c *Config) fill() error {
	if c.Dir == "" {
		c.Dir = "journal"
	}
	if c.Group == "" {
		c.Group = "zone"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 64 << 20
	}
	if c.SegmentBytes < headerSize+frameHead+footerSize || c.SegmentBytes > maxSegment {
		return fmt.Errorf("segment size %d: from %d to %d bytes are possible", c.SegmentBytes, headerSize+frameHead+footerSize, maxSegment)
	}
	if c.ScrubEvery == 0 {
		c.ScrubEvery = 24 * time.Hour
	}
	if c.ScrubRate <= 0 {
		c.ScrubRate = 8 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return nil
}

// Journal is the embedded journal. Open makes one.
type Journal struct {
	cfg  Config
	fs   FS
	lock io.Closer
	id   [16]byte // of this copy; immutable once open

	wake chan struct{} // 1: the queue has work, or the journal closes
	done chan struct{} // closed when the committer ended

	quit     context.CancelFunc // ends the scrub
	scrubbed chan struct{}      // closed when the scrub ended

	planning chan struct{} // 1: held by who plans
	writing  chan struct{} // 1: held by who writes
	summing  sync.Mutex    // guards c.sum: groups are added in the order of the file
	c        committer     // see there who may touch what

	snapMu sync.Mutex // held while a snapshot is written

	asked atomic.Int64 // appends that are not answered yet
	spare sync.Pool    // of *request

	mu       sync.Mutex // guards the fields below
	queue    []*request
	busy     bool // a group is being synced: the committer looks at the queue now and then
	closed   bool
	cause    error // first failure; not nil = read-only
	segs     []segment
	seq      uint64
	hash     [32]byte
	lastSync time.Duration
	repaired int64
	snapped  uint64        // newest snapshot; 0 = none
	clean    time.Time     // when the last scrub ended well
	moved    chan struct{} // closed and replaced when the head moves, closed for good by Close
}

// Open opens the journal of a folder, or makes it. It reads and verifies every
// segment, sets aside the torn tail that a crash left, and refuses other damage
// with a *DamageError. Close it to release the folder.
func Open(cfg Config) (*Journal, error) {
	if err := cfg.fill(); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	fs := cfg.FS
	if fs == nil {
		var err error
		if fs, err = openDir(cfg.Dir); err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
	}
	lock, err := fs.Lock()
	if err != nil {
		return nil, fmt.Errorf("open journal in %s: %w", cfg.Dir, err)
	}
	j := newJournal(cfg, fs)
	j.lock = lock
	if err := j.recover(); err != nil {
		_ = j.c.closeFiles()
		_ = lock.Close()
		return nil, fmt.Errorf("open journal in %s: %w", cfg.Dir, err)
	}
	go j.commitLoop()
	ctx, quit := context.WithCancel(context.Background())
	j.quit, j.scrubbed = quit, make(chan struct{})
	go j.scrubLoop(ctx)
	return j, nil
}

// newJournal is one that recover has not filled yet; cfg is filled.
func newJournal(cfg Config, store FS) *Journal {
	return &Journal{
		cfg: cfg, fs: store, c: newCommitter(&cfg),
		wake: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{}),
		planning: make(chan struct{}, 1), writing: make(chan struct{}, 1),
	}
}

// Head is the last durable entry and its chain hash. Before the first entry the
// sequence is 0 and the hash depends on the zone group only.
func (j *Journal) Head() (seq uint64, hash [32]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq, j.hash
}

// Close writes what still waits, notes the head in the watermark and releases
// the folder. Followers end with ErrClosed. A second Close does nothing.
func (j *Journal) Close() error {
	j.mu.Lock()
	first := !j.closed
	j.closed = true
	j.mu.Unlock()
	if !first {
		<-j.done
		return nil
	}
	j.quit()
	j.signal()
	<-j.done
	<-j.scrubbed
	err := j.c.closeFiles()
	j.mu.Lock()
	close(j.moved)
	j.mu.Unlock()
	if err = errors.Join(err, j.lock.Close()); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// fail makes the journal read-only. After a failed sync the kernel may have
// dropped the pages: a second sync would lie, so there is no way back.
func (j *Journal) fail(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	j.mu.Lock()
	first := j.cause == nil
	if first {
		j.cause = err
	}
	j.mu.Unlock()
	if first {
		j.cfg.Logger.Error("journal is read-only until the restart", "dir", j.cfg.Dir, "err", err)
	}
	return err
}

// refused is the error of an Append that was not begun; nil when it may begin.
// The caller holds mu.
func (j *Journal) refused() error {
	if j.cause != nil {
		return fmt.Errorf("append: %w: %w", ErrReadOnly, j.cause)
	}
	if j.closed {
		return fmt.Errorf("append: %w", ErrClosed)
	}
	return nil
}

// Append writes a batch: all of it or nothing, durable when it returns. Entries
// whose id is known are not written again; seqs has the old sequence for them.
//
// When ctx ends, or the disk fails, while the batch is being written, its outcome
// is unknown: the error says so, and only a retry with the same ids may follow.
func (j *Journal) Append(ctx context.Context, batch ...Entry) (seqs []uint64, err error) {
	j.asked.Add(1)
	defer j.asked.Add(-1)
	if len(batch) == 0 {
		return nil, nil
	}
	r, err := j.takeRequest(batch)
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	j.mu.Lock()
	if err := j.refused(); err != nil {
		j.mu.Unlock()
		return nil, err
	}
	j.queue = append(j.queue, r)
	wake := !j.busy || len(j.queue) >= gatherAt
	j.mu.Unlock()
	if wake {
		j.signal()
	}

	select {
	case <-r.done:
		return j.outcome(r)
	case <-ctx.Done():
	}
	if j.withdraw(r) {
		return nil, fmt.Errorf("append: %w", ctx.Err())
	}
	select { // it may have ended at the same moment
	case <-r.done:
		return j.outcome(r)
	default:
		return nil, fmt.Errorf("append: outcome unknown, retry with the same id: %w: %w", ErrUnknown, ctx.Err())
	}
}

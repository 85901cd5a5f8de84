package journal

import (
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"
)

// One group commit takes at most this much, so that the first of a crowd does
// not wait for all of it. There is no timer: while one batch is being synced the
// next gathers by itself.
const (
	groupEntries = 1024
	groupBytes   = 1 << 20
)

// watermarkEvery is how far the watermark may lag behind the head while entries
// are written.
const watermarkEvery = 200 * time.Millisecond

// request is one Append on its way to the committer.
type request struct {
	entries  []Entry // Body is not used
	payloads [][]byte
	size     int // of the frames, in bytes

	seqs []uint64      // written by the committer before done is closed
	err  error         // likewise
	done chan struct{} // closed when the outcome is known
}

// newRequest checks and encodes in the caller's goroutine; nothing of the
// caller's is kept but strings.
func newRequest(batch []Entry) (*request, error) {
	if len(batch) > MaxBatch {
		return nil, fmt.Errorf("%d entries in one batch, %d are possible: %w", len(batch), MaxBatch, ErrTooLarge)
	}
	r := &request{
		entries: slices.Clone(batch), payloads: make([][]byte, len(batch)),
		seqs: make([]uint64, len(batch)), done: make(chan struct{}),
	}
	for i := range batch {
		if err := checkEntry(&batch[i]); err != nil {
			return nil, fmt.Errorf("entry %d of the batch: %w", i+1, err)
		}
		r.size += frameSize(payloadSize(&batch[i]))
		if r.size > MaxBatchBytes {
			return nil, fmt.Errorf("batch of more than %d bytes: %w", MaxBatchBytes, ErrTooLarge)
		}
		r.payloads[i] = appendPayload(make([]byte, 0, payloadSize(&batch[i])), &batch[i])
		r.entries[i].Expect = slices.Clone(batch[i].Expect)
		r.entries[i].Body = nil
	}
	return r, nil
}

// withdraw takes a request out of the queue; false when the committer has it.
func (j *Journal) withdraw(r *request) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.Index(j.queue, r)
	if i < 0 {
		return false
	}
	j.queue = slices.Delete(j.queue, i, i+1)
	return true
}

// committer is the state of the one goroutine that writes. All entry ids and
// aggregates are kept in memory: about 60 bytes per entry for the ids. The
// window of a retry is at least a day, so this may shrink once snapshots exist.
type committer struct {
	ids  map[ID]uint64
	aggs map[Aggregate]uint64

	epoch uint32
	seq   uint64 // last entry written
	hash  [32]byte

	seg   segment
	file  File      // of seg
	end   int64     // behind the last frame in file
	space int64     // allocated bytes of file
	sum   hash.Hash // over file[:end]

	marks File      // the watermark
	noted watermark // its last value
	buf   []byte    // of one group commit

	segmentBytes int64 // see Config
	free         int64 // on the file system, before this group commit; -1 = not known

	reached func(point) // see Config; nil outside of tests
}

func newCommitter(cfg *Config) committer {
	return committer{
		ids: map[ID]uint64{}, aggs: map[Aggregate]uint64{},
		segmentBytes: cfg.SegmentBytes, free: -1, reached: cfg.reached,
	}
}

func (c *committer) closeFiles() error {
	var errs []error
	for _, f := range []File{c.file, c.marks} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	c.file, c.marks = nil, nil
	return errors.Join(errs...)
}

// commitLoop is the committer. It ends when the journal is closed and the queue
// is empty.
func (j *Journal) commitLoop() {
	defer close(j.done)
	lag := time.NewTimer(watermarkEvery)
	defer lag.Stop()
	lag.Stop()
	armed := false
	for {
		select {
		case <-j.wake:
		case <-lag.C:
			armed = false
			j.watermark()
			continue
		}
		group, closed := j.take()
		if len(group) > 0 {
			j.commit(group)
			j.signal()
			if !armed {
				lag.Reset(watermarkEvery)
				armed = true
			}
			continue
		}
		if closed {
			j.watermark()
			return
		}
	}
}

// take removes one group from the queue.
func (j *Journal) take() (group []*request, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, entries, bytes := 0, 0, 0
	for _, r := range j.queue {
		entries += len(r.entries)
		bytes += r.size
		if n > 0 && (entries > groupEntries || bytes > groupBytes) {
			break
		}
		n++
	}
	group = slices.Clone(j.queue[:n])
	j.queue = slices.Delete(j.queue, 0, n)
	return group, j.closed
}

func (j *Journal) watermark() {
	j.mu.Lock()
	healthy := j.cause == nil
	j.mu.Unlock()
	if healthy && j.c.noted.seq != j.c.seq {
		if err := j.c.noteWatermark(j.fs); err != nil {
			_ = j.fail("note the watermark", err)
		}
	}
}

// commit checks, writes, syncs and answers one group.
func (j *Journal) commit(group []*request) {
	j.mu.Lock()
	err := j.cause
	j.mu.Unlock()
	if err != nil { // it failed while these were waiting: they are not written
		answer(group, fmt.Errorf("append: %w: %w", ErrReadOnly, err))
		return
	}
	c := &j.c
	c.look(j.fs)
	plan := c.plan(&j.id, group)
	if len(plan.frames) == 0 {
		answer(group, nil)
		return
	}
	took, err := j.write(plan)
	if err != nil {
		err = j.fail("write entries", err)
		answer(group, fmt.Errorf("append: outcome unknown, retry with the same id after the restart: %w: %w", ErrReadOnly, err))
		return
	}
	j.mu.Lock()
	j.segs[len(j.segs)-1] = c.seg
	j.seq, j.hash, j.lastSync = c.seq, c.hash, took
	moved := j.moved
	j.moved = make(chan struct{})
	j.mu.Unlock()
	close(moved)
	answer(group, nil)
}

// answer ends the requests; err nil leaves the error that a request has.
func answer(group []*request, err error) {
	for _, r := range group {
		if err != nil {
			r.err = err
		}
		if r.err != nil {
			r.seqs = nil
		}
		close(r.done)
	}
}

// planned is one group commit: the frames, in buf, and what follows from them.
type planned struct {
	buf    []byte
	frames []int // size of each
	first  uint64
	hash   [32]byte // of the last
}

// plan decides every request of a group and encodes its frames. The maps move
// at once: if the write fails then, nothing is ever appended again. That also
// lets a request see the ones before it in its group.
func (c *committer) plan(id *[16]byte, group []*request) planned {
	p := planned{buf: c.buf[:0], first: c.seq + 1, hash: c.hash}
	for _, r := range group {
		fresh, err := c.check(r)
		if err == nil && fresh > 0 {
			err = c.spaceFor(r)
		}
		if err != nil {
			r.err = fmt.Errorf("append: %w", err)
			continue
		}
		for i := range r.entries {
			e := &r.entries[i]
			if seq, known := c.ids[e.ID]; known {
				r.seqs[i] = seq
				continue
			}
			seq := p.first + uint64(len(p.frames))
			fresh--
			at := len(p.buf)
			p.buf = appendFrame(p.buf, id, &frame{
				batch: uint32(len(p.frames)), rest: uint32(fresh), seq: seq, epoch: c.epoch, kind: e.Kind,
				schema: e.Schema, timeUS: e.TimeUS, id: e.ID, prev: p.hash, payload: r.payloads[i],
			})
			p.hash = chain(p.buf[at:])
			p.frames = append(p.frames, len(p.buf)-at)
			r.seqs[i] = seq
			c.note(e, seq)
		}
	}
	if c.buf = p.buf; cap(c.buf) > 2*groupBytes {
		c.buf = nil // a rare large batch does not stay in memory
	}
	return p
}

// check compares the expectations of a whole request before any of it counts.
// It returns how many of its entries are new.
func (c *committer) check(r *request) (fresh int, err error) {
	var inside map[ID]bool
	for i := range r.entries {
		e := &r.entries[i]
		if _, known := c.ids[e.ID]; known || inside[e.ID] {
			continue
		}
		if len(r.entries) > 1 {
			if inside == nil {
				inside = make(map[ID]bool, len(r.entries))
			}
			inside[e.ID] = true
		}
		fresh++
		for _, x := range e.Expect {
			if current := c.aggs[x.Agg]; !x.Any && current != x.Seq {
				return 0, &ConflictError{Agg: x.Agg, Current: current}
			}
		}
	}
	return fresh, nil
}

func (c *committer) note(e *Entry, seq uint64) {
	if _, known := c.ids[e.ID]; !known {
		c.ids[e.ID] = seq
	}
	for i := range e.Expect {
		c.aggs[e.Expect[i].Agg] = seq
	}
}

// write puts the frames behind the last one, in a new segment if they do not
// fit, and syncs them. It returns the time of the sync.
func (j *Journal) write(p planned) (took time.Duration, err error) {
	c := &j.c
	if err := j.makeRoom(int64(len(p.buf))); err != nil {
		return 0, err
	}
	c.reach(pointWrite)
	if _, err := c.file.WriteAt(p.buf, c.end); err != nil {
		return 0, err
	}
	c.reach(pointWritten)
	begin := time.Now() // a duration for the health page, not a time of the domain
	if err := c.file.Datasync(); err != nil {
		return 0, err
	}
	took = time.Since(begin)
	c.reach(pointSynced)
	c.sum.Write(p.buf)
	for i, size := range p.frames {
		c.seg.noteFrame(p.first+uint64(i), c.end, c.end+int64(size))
		c.end += int64(size)
	}
	c.seq += uint64(len(p.frames))
	c.hash = p.hash
	return took, nil
}

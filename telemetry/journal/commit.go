package journal

import (
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"
)

// One group commit takes at most this much, so that the first of a crowd does
// not wait for all of it. There is no timer: while one batch is being synced the
// next gathers by itself.
const (
	groupEntries = 1024
	groupBytes   = 1 << 20
	gatherAt     = 32 // requests that are worth planning while a group is being synced
)

// watermarkEvery is how far the watermark may lag behind the head while entries
// are written.
const watermarkEvery = 200 * time.Millisecond

// committer is the state of the one goroutine that writes.
type committer struct {
	ids  idWindow
	aggs map[Aggregate]uint64

	epoch uint32
	seq   uint64 // last entry in the file; durable unless a group is being synced
	hash  [32]byte

	seg   segment
	file  File      // of seg
	end   int64     // behind the last frame in file
	space int64     // allocated bytes of file
	sum   hash.Hash // over file[:end]

	marks File      // the watermark
	noted watermark // its last value

	group  []*request // that is planned and not yet written
	buf    []byte     // its frames
	frames []int      // the size of each
	last   [32]byte   // hash of the last of them

	segmentBytes int64 // see Config
	free         int64 // on the file system, before this group commit; -1 = not known

	reached func(point) // see Config; nil outside of tests
}

func newCommitter(cfg *Config) committer {
	return committer{
		aggs:         map[Aggregate]uint64{},
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

// commitLoop is the committer. While one group commit is being synced it plans the
// next one: on a fast disk checksums and hashes take as long as the sync. A group is
// written only after the one before it was synced. It ends when the journal is
// closed and the queue is empty.
func (j *Journal) commitLoop() {
	defer close(j.done)
	groups, settled := make(chan written), make(chan struct{}, 1)
	var syncer sync.WaitGroup
	syncer.Go(func() {
		for w := range groups {
			j.settle(w, func() { settled <- struct{}{} })
		}
	})
	defer syncer.Wait()
	defer close(groups)
	lag := time.NewTimer(watermarkEvery)
	defer lag.Stop()
	lag.Stop()
	armed, late, busy := false, false, false
	for {
		select {
		case <-j.wake:
		case <-settled:
			busy = false
		case <-lag.C:
			armed, late = false, true
		}
		rest, closed := j.gather(busy)
		if busy {
			continue
		}
		if late {
			j.watermark()
			late = false
		}
		switch {
		case len(j.c.group) > 0:
			busy = j.flush(groups, rest)
			j.signal()
			if !armed {
				lag.Reset(watermarkEvery)
				armed = true
			}
		case closed && rest == 0:
			j.watermark()
			return
		}
	}
}

// gather plans what waits, up to the size of a group commit; rest is what is left.
func (j *Journal) gather(busy bool) (rest int, closed bool) {
	c := &j.c
	j.mu.Lock()
	n, entries, bytes := 0, len(c.frames), len(c.buf)
	for _, r := range j.queue {
		entries += len(r.entries)
		bytes += r.size
		if n+len(c.group) > 0 && (entries > groupEntries || bytes > groupBytes) {
			break
		}
		n++
	}
	group := slices.Clone(j.queue[:n])
	j.queue = slices.Delete(j.queue, 0, n)
	rest, closed, j.busy = len(j.queue), j.closed, busy
	j.mu.Unlock()
	if n > 0 {
		if len(c.group) == 0 {
			c.look(j.fs)
		}
		c.plan(&j.id, group)
	}
	return rest, closed
}

// flush writes the planned group and has it synced. It does so itself when nobody
// else waits: that saves a lone writer the way to another goroutine. busy is true
// when the group is on its way.
func (j *Journal) flush(groups chan<- written, waiting int) (busy bool) {
	alone := waiting == 0 && len(j.c.group) == 1
	w, ok := j.put()
	switch {
	case !ok:
	case alone:
		j.settle(w, func() {})
	default:
		groups <- w
		busy = true
		j.mu.Lock()
		j.busy = true
		j.mu.Unlock()
	}
	j.c.planned(ok)
	return busy
}

// commit plans, writes and settles one group.
func (j *Journal) commit(group []*request) {
	j.c.look(j.fs)
	j.c.plan(&j.id, group)
	w, ok := j.put()
	if ok {
		j.settle(w, func() {})
	}
	j.c.planned(ok)
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

// plan decides every request of a group and encodes its frames behind those that
// are planned already. The maps move at once: if the write fails then, nothing is
// ever appended again. That also lets a request see the ones before it.
func (c *committer) plan(id *[16]byte, group []*request) {
	if len(c.frames) == 0 {
		c.last = c.hash
	}
	c.group = append(c.group, group...)
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
			if seq, known := c.ids.seq(e.ID); known {
				r.seqs[i] = seq
				continue
			}
			seq := c.seq + 1 + uint64(len(c.frames))
			fresh--
			at := len(c.buf)
			c.buf = appendFrame(c.buf, id, &frame{
				batch: uint32(len(c.frames)), rest: uint32(fresh), seq: seq, epoch: c.epoch, kind: e.Kind,
				schema: e.Schema, timeUS: e.TimeUS, id: e.ID, prev: c.last, payload: r.payloads[i],
			})
			c.last = chain(c.buf[at:])
			c.frames = append(c.frames, len(c.buf)-at)
			r.seqs[i] = seq
			c.note(e, seq)
		}
	}
}

// planned ends the group that was planned; written is true when it is in the file.
func (c *committer) planned(written bool) {
	if written {
		c.sum.Write(c.buf) // while the disk works
	}
	c.group, c.frames = nil, c.frames[:0]
	if c.buf = c.buf[:0]; cap(c.buf) > 2*groupBytes {
		c.buf = nil // a rare large batch does not stay in memory
	}
}

// check compares the expectations of a whole request before any of it counts.
// It returns how many of its entries are new.
func (c *committer) check(r *request) (fresh int, err error) {
	var inside map[ID]bool
	for i := range r.entries {
		e := &r.entries[i]
		if _, known := c.ids.seq(e.ID); known || inside[e.ID] {
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
	if _, known := c.ids.seq(e.ID); !known {
		c.ids.add(e.ID, seq, e.TimeUS)
	}
	for i := range e.Expect {
		c.aggs[e.Expect[i].Agg] = seq
	}
}

// written is a group commit that is in the file and waits for its sync.
type written struct {
	group []*request
	file  File
	seg   segment // with its frames
	seq   uint64  // of the last
	hash  [32]byte
}

// put writes the planned group behind the last one, in a new segment if it does not
// fit. Without frames, or after an error, it answers at once and ok is false.
func (j *Journal) put() (w written, ok bool) {
	c := &j.c
	j.mu.Lock()
	err := j.cause
	j.mu.Unlock()
	if err != nil { // it failed while these were waiting: they are not written
		answer(c.group, fmt.Errorf("append: %w: %w", ErrReadOnly, err))
		return w, false
	}
	if len(c.frames) == 0 {
		answer(c.group, nil)
		return w, false
	}
	err = j.makeRoom(int64(len(c.buf)))
	if err == nil {
		c.reach(pointWrite)
		_, err = c.file.WriteAt(c.buf, c.end)
	}
	if err != nil {
		j.unknown(c.group, err)
		return w, false
	}
	c.reach(pointWritten)
	for _, size := range c.frames {
		c.seq++
		c.seg.noteFrame(c.seq, c.end, c.end+int64(size))
		c.end += int64(size)
	}
	c.hash = c.last
	return written{group: c.group, file: c.file, seg: c.seg, seq: c.seq, hash: c.hash}, true
}

// settle syncs a group and answers it. It calls settled when the next one may be
// written.
func (j *Journal) settle(w written, settled func()) {
	begin := time.Now() // a duration for the health page, not a time of the domain
	if err := w.file.Datasync(); err != nil {
		j.unknown(w.group, err)
		settled()
		return
	}
	took := time.Since(begin)
	j.c.reach(pointSynced)
	j.mu.Lock()
	j.segs[len(j.segs)-1] = w.seg
	j.seq, j.hash, j.lastSync = w.seq, w.hash, took
	moved := j.moved
	j.moved = make(chan struct{})
	j.mu.Unlock()
	settled()
	close(moved)
	answer(w.group, nil)
}

// unknown answers a group of which nobody can say what is on the disk.
func (j *Journal) unknown(group []*request, err error) {
	err = j.fail("write entries", err)
	answer(group, fmt.Errorf("append: outcome unknown, retry with the same id after the restart: %w: %w", ErrReadOnly, err))
}

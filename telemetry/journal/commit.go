package journal

import (
	"errors"
	"fmt"
	"hash"
	"runtime"
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

// committer is the state of the two goroutines that commit. While one has its group
// synced, the other plans the next; who holds Journal.planning has the first part,
// who holds Journal.writing the second.
type committer struct {
	ids   idWindow
	aggs  map[Aggregate]uint64
	ahead uint64   // last entry that was planned
	last  [32]byte // its hash
	chain chainHash
	free  int64       // on the file system, before this group commit; -1 = not known
	lag   *time.Timer // until the watermark is due
	armed bool        // lag runs
	late  bool        // the watermark is due

	seq   uint64 // last entry in the file; durable unless a group is being synced
	hash  [32]byte
	seg   segment
	file  File      // of seg
	end   int64     // behind the last frame in file
	space int64     // allocated bytes of file
	room  int64     // free when the group was planned that is being written
	sum   hash.Hash // over file[:end]
	marks File      // the watermark
	noted watermark // its last value

	epoch        uint32
	segmentBytes int64       // see Config
	reached      func(point) // see Config; nil outside of tests
}

func newCommitter(cfg *Config) committer {
	return committer{
		aggs:         map[Aggregate]uint64{},
		segmentBytes: cfg.SegmentBytes, free: -1, room: -1, reached: cfg.reached, chain: newChainHash(),
	}
}

// resume plans on behind the last entry in the file.
func (c *committer) resume() { c.ahead, c.last = c.seq, c.hash }

// group is what one write and one sync make durable.
type group struct {
	requests []*request
	buf      []byte // the frames
	frames   []int  // the size of each
	last     [32]byte
	free     int64
}

// reset makes room for the next group.
func (g *group) reset() {
	clear(g.requests)
	g.requests, g.frames = g.requests[:0], g.frames[:0]
	if g.buf = g.buf[:0]; cap(g.buf) > 2*groupBytes {
		g.buf = nil // a rare large batch does not stay in memory
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

// commitLoop commits until the journal is closed and the queue is empty: two
// goroutines by turns. On a fast disk checksums and hashes take as long as a sync,
// and the answers to a crowd as well; a group is written only after the one before
// it was synced.
func (j *Journal) commitLoop() {
	defer close(j.done)
	j.c.resume()
	j.c.lag = time.NewTimer(watermarkEvery)
	j.c.lag.Stop()
	var both sync.WaitGroup
	both.Go(j.commitByTurns)
	both.Go(j.commitByTurns)
	both.Wait()
}

func (j *Journal) commitByTurns() {
	var g group
	c := &j.c
	j.planning <- struct{}{}
	disk := false // nobody else writes
	for {
		rest, closed := j.gather(&g, !disk)
		if disk && c.late {
			j.watermark()
			c.late = false
		}
		switch {
		case disk && len(g.requests) > 0:
			if !c.armed {
				c.lag.Reset(watermarkEvery)
				c.armed = true
			}
			// When nobody else waits, the other goroutine is not worth waking.
			alone := rest == 0 && len(g.requests) == 1
			if !alone {
				<-j.planning
			}
			err := j.write(&g)
			j.summing.Lock() // before the next group is in the file
			if !alone {
				<-j.writing
				runtime.Gosched() // the next group first: its answers take as long as these
				disk = false
			}
			answer(g.requests, err)
			c.sum.Write(g.buf)
			j.summing.Unlock()
			g.reset()
			if !alone {
				j.planning <- struct{}{}
			}
			continue
		case disk && closed && rest == 0:
			j.watermark()
			<-j.planning
			<-j.writing
			return
		}
		turn := j.writing
		if disk {
			turn = nil
		}
		select {
		case <-j.wake:
		case turn <- struct{}{}:
			disk = true
		case <-c.lag.C:
			c.armed, c.late = false, true
		}
	}
}

// gather plans what waits, up to the size of a group commit; rest is what is left.
func (j *Journal) gather(g *group, busy bool) (rest int, closed bool) {
	c := &j.c
	j.mu.Lock()
	n, entries, bytes := 0, len(g.frames), len(g.buf)
	for _, r := range j.queue {
		entries += len(r.entries)
		bytes += r.size
		if n+len(g.requests) > 0 && (entries > groupEntries || bytes > groupBytes) {
			break
		}
		n++
	}
	before := len(g.requests)
	g.requests = append(g.requests, j.queue[:n]...)
	j.queue = slices.Delete(j.queue, 0, n)
	rest, closed, j.busy = len(j.queue), j.closed, busy
	j.mu.Unlock()
	if n > 0 {
		if before == 0 {
			c.look(j.fs)
		}
		c.plan(&j.id, g, g.requests[before:])
	}
	return rest, closed
}

// commit plans, writes and answers requests; nobody else commits.
func (j *Journal) commit(requests []*request) {
	j.c.resume()
	j.c.look(j.fs)
	g := group{requests: requests}
	j.c.plan(&j.id, &g, requests)
	answer(requests, j.write(&g))
	j.c.sum.Write(g.buf)
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

// plan decides requests of a group and encodes their frames behind those that are
// planned already. The maps move at once: if the write fails then, nothing is ever
// appended again. That also lets a request see the ones before it.
func (c *committer) plan(id *[16]byte, g *group, requests []*request) {
	for _, r := range requests {
		fresh, err := c.check(r)
		if err == nil && fresh > 0 {
			err = c.spaceFor(r)
		}
		if err != nil {
			r.err = fmt.Errorf("append: %w", err)
			continue
		}
		single := fresh == 1 && len(r.entries) == 1 // is not looked up again
		for i := range r.entries {
			e := &r.entries[i]
			if !single {
				if seq, known := c.ids.seq(e.ID); known {
					r.seqs[i] = seq
					continue
				}
			}
			c.ahead++
			fresh--
			at := len(g.buf)
			g.buf = appendFrame(g.buf, id, &frame{
				batch: uint32(len(g.frames)), rest: uint32(fresh), seq: c.ahead, epoch: c.epoch, kind: e.Kind,
				schema: e.Schema, timeUS: e.TimeUS, id: e.ID, prev: c.last, payload: r.payloads[i],
			})
			c.last = c.chain.of(g.buf[at:])
			g.frames = append(g.frames, len(g.buf)-at)
			r.seqs[i] = c.ahead
			c.note(e, c.ahead)
		}
	}
	g.last, g.free = c.last, c.free
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

// note takes an entry that is new into the maps.
func (c *committer) note(e *Entry, seq uint64) {
	c.ids.add(e.ID, seq, e.TimeUS)
	for i := range e.Expect {
		c.aggs[e.Expect[i].Agg] = seq
	}
}

// write puts a group behind the last one, in a new segment if it does not fit, and
// syncs it. It does not answer; err is for all requests of the group.
func (j *Journal) write(g *group) error {
	c := &j.c
	j.mu.Lock()
	err := j.cause
	j.mu.Unlock()
	if err != nil { // it failed while these were waiting: they are not written
		return fmt.Errorf("append: %w: %w", ErrReadOnly, err)
	}
	if len(g.frames) == 0 {
		return nil
	}
	c.room = g.free
	err = j.makeRoom(int64(len(g.buf)))
	if err == nil {
		c.reach(pointWrite)
		_, err = c.file.WriteAt(g.buf, c.end)
	}
	if err != nil {
		return j.unknown(err)
	}
	c.reach(pointWritten)
	for _, size := range g.frames {
		c.seq++
		c.seg.noteFrame(c.seq, c.end, c.end+int64(size))
		c.end += int64(size)
	}
	c.hash = g.last
	begin := time.Now() // a duration for the health page, not a time of the domain
	if err := c.file.Datasync(); err != nil {
		return j.unknown(err)
	}
	took := time.Since(begin)
	if j.cfg.Synced != nil {
		j.cfg.Synced(took)
	}
	c.reach(pointSynced)
	j.mu.Lock()
	j.segs[len(j.segs)-1] = c.seg
	j.seq, j.hash, j.lastSync = c.seq, c.hash, took
	moved := j.moved
	j.moved = make(chan struct{})
	j.mu.Unlock()
	close(moved)
	return nil
}

// unknown is the error of a group of which nobody can say what is on the disk.
func (j *Journal) unknown(err error) error {
	err = j.fail("write entries", err)
	return fmt.Errorf("append: outcome unknown, retry with the same id after the restart: %w: %w: %w", ErrUnknown, ErrReadOnly, err)
}

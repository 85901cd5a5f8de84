package recording

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"
)

// retryAfter is how long nothing is tried after the disk failed.
const retryAfter = 10 * time.Second

// output is where the writer puts one stream. It belongs to the writer.
type output struct {
	rec    *Recorder
	stream *stream
	seg    *segment          // nil: none is open
	holes  [holeReasons]hole // not yet in an index
	failed time.Time         // when the disk failed; zero: it did not
	why    holeReason        // what is missing since then is missing for
	more   seal              // of what fit counted
}

// write is the one goroutine that writes the streams of all links.
func (r *Recorder) write(ctx context.Context) {
	tick := time.NewTicker(r.cfg.FlushEvery / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.drain(true)
			for _, o := range r.outputs() {
				o.close()
				o.tellLost()
			}
			return
		case <-tick.C:
			r.drain(true)
		case <-r.wake:
			r.drain(false)
		}
	}
}

func (r *Recorder) outputs() []*output {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.outs)
}

// drain writes what is full, with all also what is not; one buffer of each stream
// in turn.
func (r *Recorder) drain(all bool) {
	outs := r.outputs()
	wrote := true
	for range r.cfg.Buffers + 1 { // what comes meanwhile has time
		if !wrote {
			break
		}
		wrote = false
		for _, o := range outs {
			if b := o.stream.take(all); b != nil {
				o.put(b)
				o.stream.give(b)
				wrote = true
			}
		}
	}
	for _, o := range outs {
		o.tellHoles()
		o.endIdle()
	}
	r.tellStopped(outs)
}

// tellStopped says whether something is not written now.
func (r *Recorder) tellStopped(outs []*output) {
	stopped := holeReason(0)
	if r.low.Load() {
		stopped = holeSpace
	}
	now := r.cfg.Clock()
	for _, o := range outs {
		if now.Sub(o.failed) > time.Minute { // nothing came since that could be tried
			o.failed = time.Time{}
		}
		if !o.failed.IsZero() {
			stopped = o.why
		}
	}
	r.stopped.Store(int32(stopped))
}

// put writes the entries of a buffer.
func (o *output) put(b *buffer) {
	rest, why := b.data, b.why
	for len(rest) > 0 {
		e, ok := firstEntry(rest)
		if !ok {
			panic("recording: a buffer holds what is no entry") // add put it there
		}
		if !o.ready(&e) {
			o.lose(rest)
			return
		}
		n, frames := o.fit(rest, why)
		if !o.append(rest[:n]) {
			o.lose(rest)
			return
		}
		rest = rest[n:]
		if why != nil {
			why = why[frames:]
		}
	}
}

// ready opens a segment that has room for an entry, if it may.
func (o *output) ready(e *entry) bool {
	r := o.rec
	if o.seg != nil && (!o.room(e) || r.low.Load() || o.seg.unsynced.Load()) {
		o.close()
	}
	if o.seg != nil {
		return true
	}
	if r.low.Load() {
		o.why = holeSpace
		return false
	}
	if !o.failed.IsZero() && r.cfg.Clock().Sub(o.failed) < retryAfter {
		return false
	}
	s, err := r.create(o.stream.listener, o.stream.quarantine, e.us)
	if err != nil {
		o.fail("create a file", err)
		return false
	}
	o.seg, o.failed = s, time.Time{}
	return true
}

// room tells whether an entry belongs into the open segment. A clock that is set
// back ends no segment.
func (o *output) room(e *entry) bool {
	p := &o.seg.point
	return p.At+p.Bytes+int64(e.size) <= o.rec.cfg.SegmentBytes && e.us/hourUS <= o.seg.hour
}

// fit counts the entries at the start of b that the segment has room for.
func (o *output) fit(b []byte, why []uint8) (n, frames int) {
	o.more = seal{}
	for n < len(b) {
		e, _ := firstEntry(b[n:])
		if !o.room(&e) {
			break
		}
		reason := ""
		if why != nil {
			reason = o.rec.cfg.Reason(why[frames])
		}
		o.seg.enter(&e, reason)
		o.more.count(&e, reason)
		n += e.size
		frames++
	}
	return n, frames
}

// append writes what fit counted.
func (o *output) append(b []byte) bool {
	s := o.seg
	if _, err := s.data.Write(b); err != nil {
		o.fail("write", err)
		return false
	}
	s.sum.Write(b)
	o.rec.written.Add(o.more.Frames)
	o.rec.bytes.Add(uint64(len(b)))
	s.grow(&o.more)
	if err := s.flush(); err != nil {
		o.fail("write the index", err)
	}
	return true
}

// lose counts entries that cannot be written.
func (o *output) lose(b []byte) {
	for len(b) > 0 {
		e, _ := firstEntry(b)
		o.holes[o.why].add(e.us, e.us, 1, e.size)
		o.rec.lost[o.why].Add(1)
		b = b[e.size:]
	}
}

// fail gives the segment up.
func (o *output) fail(what string, err error) {
	o.failed, o.why = o.rec.cfg.Clock(), holeDisk
	if errors.Is(err, syscall.ENOSPC) {
		o.why = holeSpace
	}
	o.rec.fail(what, err)
	if o.seg != nil {
		o.seg.broken = true
		o.close()
	}
}

// tellHoles puts into the index what is missing.
func (o *output) tellHoles() {
	for why, h := range o.stream.missed() {
		if h.frames == 0 {
			continue
		}
		o.rec.lost[why].Add(h.frames)
		o.holes[why].merge(&h)
	}
	if o.seg == nil || o.seg.broken {
		return
	}
	for why := range o.holes {
		if h := &o.holes[why]; h.frames > 0 {
			o.seg.tell(Gap{FromUS: h.from, ToUS: h.to, Frames: h.frames, Bytes: h.bytes, Why: holeReason(why).String()})
			*h = hole{}
		}
	}
}

// tellLost says at the end what no index tells of.
func (o *output) tellLost() {
	for why, h := range o.holes {
		if h.frames > 0 {
			o.rec.cfg.Logger.Warn("frames were not recorded, and no index tells of them", "listener", o.stream.listener,
				"quarantine", o.stream.quarantine, "frames", h.frames, "why", holeReason(why).String())
		}
	}
}

// endIdle ends the segment of an hour that is over when nothing comes any more.
func (o *output) endIdle() {
	if o.seg != nil && o.rec.cfg.Clock().Add(-idleAfter).UnixMicro()/hourUS > o.seg.hour {
		o.close()
	}
}

// idleAfter the end of the hour nothing of it is on its way any more.
const idleAfter = 10 * time.Second

// close hands the segment over to be sealed.
func (o *output) close() {
	s := o.seg
	if s == nil {
		return
	}
	if !s.broken {
		o.tellHoles()
		s.endPoint()
	}
	o.seg = nil
	o.rec.mu.Lock()
	o.rec.done = append(o.rec.done, s)
	o.rec.mu.Unlock()
	select {
	case o.rec.keep <- struct{}{}:
	default:
	}
}

package recording

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Form is what an export is for.
type Form uint8

const (
	// Evidence is byte for byte what was recorded, signatures included.
	Evidence Form = iota
	// Shareable has no signatures: with them, who has the key could be found by trying.
	Shareable
)

// Query says what of a recording is asked for.
type Query struct {
	Listener     string
	Quarantine   bool  // what was refused, instead of what was accepted
	FromUS, ToUS int64 // stamps from the one up to, but without, the other
	// Systems, if not nil, says whose frames; it is asked for each.
	Systems func(system uint8) bool
	// Own, if not nil, holds the only system ids whose frames may be given out, each
	// with the stamp from which on.
	Own map[uint8]int64
}

// Exported counts what became of an export.
type Exported struct {
	Frames  uint64
	Bytes   int64
	Left    uint64 // frames that Strip could not strip and that were left out
	Damaged int64  // bytes of files that are no longer what was written
}

// Export writes what is asked for as one .tlog, in the order of arrival. It reads
// the files piece by piece. What came less than FlushEvery ago may be missing.
func (r *Recorder) Export(ctx context.Context, w io.Writer, q Query, form Form) (Exported, error) {
	x := exporter{rec: r, ctx: ctx, query: q, out: bufio.NewWriterSize(w, 64<<10)}
	if form == Shareable {
		if x.strip = r.cfg.Strip; x.strip == nil {
			return x.done, fmt.Errorf("%w: nothing here takes signatures away", ErrConfig)
		}
	}
	known := false
	for _, s := range r.catalog.all() {
		if s.listener != q.Listener {
			continue
		}
		known = true
		if s.quarantine != q.Quarantine || !s.overlaps(q.FromUS, q.ToUS) {
			continue
		}
		if err := x.segment(s); err != nil {
			return x.done, fmt.Errorf("export %s: %w", s.name, err)
		}
	}
	if !known {
		return x.done, ErrNoListener
	}
	return x.done, x.out.Flush()
}

func (s *segment) overlaps(from, to int64) bool {
	s.catalog.mu.Lock()
	defer s.catalog.mu.Unlock()
	return s.seal.Frames > 0 && s.seal.From < to && s.seal.To >= from
}

// exporter is one export.
type exporter struct {
	rec   *Recorder
	ctx   context.Context
	query Query
	strip func(dst, frame []byte) ([]byte, bool)
	out   *bufio.Writer
	done  Exported
	buf   []byte
}

// segment exports what fits of one file. One that was deleted meanwhile is gone.
func (x *exporter) segment(s *segment) error {
	data, err := x.rec.fs.Open(s.name + dataSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer data.Close()
	s.catalog.mu.Lock()
	size := s.seal.Bytes
	s.catalog.mu.Unlock()
	for _, p := range x.pieces(s, size) {
		if err := x.piece(data, p.At, p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// pieces are the runs of the file that may hold what is asked for, neighbours
// together. What the index does not know, because it is still written or cannot be
// read, is one of them.
func (x *exporter) pieces(s *segment, size int64) (out []point) {
	end := int64(0)
	add := func(at, bytes int64) {
		if n := len(out); n > 0 && out[n-1].At+out[n-1].Bytes == at {
			out[n-1].Bytes += bytes
			return
		}
		out = append(out, point{At: at, Bytes: bytes})
	}
	for _, p := range x.index(s, size) {
		end = p.At + p.Bytes
		if p.From < x.query.ToUS && p.To >= x.query.FromUS && x.wants(&p.Systems, p.To) {
			add(p.At, p.Bytes)
		}
	}
	if end < size {
		add(end, size-end)
	}
	return out
}

func (x *exporter) index(s *segment, size int64) []point {
	f, err := x.rec.fs.Open(s.name + indexSuffix)
	if err != nil {
		return nil
	}
	defer f.Close()
	raw, err := readAll(f)
	if err != nil {
		return nil
	}
	lines, _ := readIndex(raw)
	return points(lines, size)
}

func (x *exporter) wants(systems *counts, newest int64) bool {
	for id, n := range systems {
		if n > 0 && x.query.of(uint8(id), newest) {
			return true
		}
	}
	return false
}

// of tells whether a frame of a system with this stamp is asked for.
func (q *Query) of(system uint8, us int64) bool {
	if q.Own != nil {
		if from, ok := q.Own[system]; !ok || us < from {
			return false
		}
	}
	return q.Systems == nil || q.Systems(system)
}

// piece exports what fits of a run of entries.
func (x *exporter) piece(data File, at, bytes int64) error {
	in := bufio.NewReaderSize(io.NewSectionReader(data, at, bytes), 256<<10)
	for n := 0; bytes > 0; n++ {
		if n%1024 == 0 && x.ctx.Err() != nil {
			return x.ctx.Err()
		}
		b, err := in.Peek(int(min(bytes, maxEntry)))
		if err != nil && err != io.EOF {
			return err
		}
		e, ok := firstEntry(b)
		if !ok {
			x.done.Damaged += bytes
			return nil
		}
		if err := x.entry(&e, b[:e.size]); err != nil {
			return err
		}
		if _, err := in.Discard(e.size); err != nil {
			return err
		}
		bytes -= int64(e.size)
	}
	return nil
}

func (x *exporter) entry(e *entry, raw []byte) error {
	if e.us < x.query.FromUS || e.us >= x.query.ToUS || !x.query.of(systemOf(e.frame), e.us) {
		return nil
	}
	if x.strip != nil {
		out, ok := x.strip(append(x.buf[:0], raw[:stampSize]...), e.frame)
		if !ok {
			x.done.Left++
			return nil
		}
		x.buf, raw = out, out
	}
	n, err := x.out.Write(raw)
	x.done.Frames++
	x.done.Bytes += int64(n)
	return err
}

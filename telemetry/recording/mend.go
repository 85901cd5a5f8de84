package recording

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// mend seals what a former run left open: each file is cut behind its last whole
// entry, and its index is made whole.
func (r *Recorder) mend() {
	r.mu.Lock()
	torn := r.torn
	r.torn = nil
	r.mu.Unlock()
	for _, name := range torn {
		s, err := r.mendOne(name)
		if err != nil {
			r.fail("mend "+name, err)
			continue
		}
		if s == nil {
			continue
		}
		told := s.told()
		r.cfg.Logger.Info("a recording that was not closed is whole again", "name", name,
			"frames", told.Frames, "bytes", told.Bytes, "cut_bytes", told.Cut)
	}
}

// mendOne returns nil when nothing was in the file.
func (r *Recorder) mendOne(name string) (_ *segment, err error) {
	listener, quarantine, _ := whose(name)
	s := &segment{name: name, listener: listener, quarantine: quarantine, sum: sha256.New()}
	if s.data, err = r.fs.Open(name + dataSuffix); err != nil {
		return nil, err
	}
	if s.index, err = r.openIndex(s); err != nil {
		return nil, errors.Join(err, s.data.Close())
	}
	size, err := s.data.Size()
	if err == nil {
		err = r.recount(s, size)
	}
	if err == nil && s.seal.Bytes < size {
		err = r.cut(s, size)
	}
	if err != nil {
		return nil, errors.Join(err, s.data.Close(), s.index.Close())
	}
	if s.seal.Frames == 0 {
		return nil, errors.Join(s.data.Close(), s.index.Close(), r.remove(name))
	}
	r.catalog.add(s)
	return s, s.finish(r.fs)
}

// openIndex makes an index if a crash came before there was one.
func (r *Recorder) openIndex(s *segment) (File, error) {
	f, err := r.fs.Open(s.name + indexSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return r.fs.Create(s.name + indexSuffix)
	}
	return f, err
}

// recount reads the data as far as it is whole, and writes the index for it anew:
// only the gaps, and the reasons of refusals, are nowhere else.
func (r *Recorder) recount(s *segment, size int64) error {
	raw, err := readAll(s.index)
	if err != nil {
		return err
	}
	lines, _ := readIndex(raw)
	s.lines = appendLine(nil, indexLine{Head: &indexHead{Format: formatVersion, Listener: s.listener, Quarantine: s.quarantine}})
	runs := runsOf(lines, size)
	in := bufio.NewReaderSize(io.NewSectionReader(s.data, 0, size), 256<<10)
	for {
		b, err := in.Peek(maxEntry)
		if err != nil && err != io.EOF {
			return err
		}
		e, ok := firstEntry(b)
		if !ok {
			break
		}
		reason := runs.next(s.quarantine)
		s.enter(&e, reason)
		s.seal.count(&e, reason)
		s.sum.Write(b[:e.size])
		if _, err := in.Discard(e.size); err != nil {
			return err
		}
	}
	s.endPoint()
	for _, l := range lines {
		if l.Gap != nil {
			s.lines = appendLine(s.lines, indexLine{Gap: l.Gap})
			s.seal.addGap(*l.Gap)
		}
	}
	return s.index.Truncate(0)
}

// reasons are the runs of an index, one frame after the other.
type reasons struct{ runs []reasonRun }

func runsOf(lines []indexLine, size int64) *reasons {
	out := &reasons{}
	for _, p := range points(lines, size) {
		out.runs = append(out.runs, p.Why...)
	}
	return out
}

// lostReason is that of refused frames whose line of the index a crash took.
const lostReason = "not_known"

func (r *reasons) next(quarantine bool) string {
	if !quarantine {
		return ""
	}
	for len(r.runs) > 0 {
		if r.runs[0].Frames > 0 {
			r.runs[0].Frames--
			return r.runs[0].Reason
		}
		r.runs = r.runs[1:]
	}
	return lostReason
}

// cut ends a file behind its last whole entry. What is more than the start of an
// entry, and not only zeros, is kept beside it.
func (r *Recorder) cut(s *segment, size int64) error {
	s.seal.Cut = size - s.seal.Bytes
	if s.seal.Cut > maxEntry {
		if err := r.keepTorn(s, size); err != nil {
			return fmt.Errorf("keep what is damaged: %w", err)
		}
	}
	return s.data.Truncate(s.seal.Bytes)
}

func (r *Recorder) keepTorn(s *segment, size int64) error {
	var f File
	b := make([]byte, 256<<10)
	for at := s.seal.Bytes; at < size; {
		n, err := s.data.ReadAt(b[:min(int64(len(b)), size-at)], at)
		if n == 0 {
			return err
		}
		at += int64(n)
		if f == nil && len(bytes.Trim(b[:n], "\x00")) == 0 {
			continue // a machine that lost its power leaves zeros
		}
		if f == nil {
			if f, err = r.fs.Create(s.name + tornSuffix); err != nil {
				return err
			}
		}
		if _, err := f.Write(b[:n]); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if f == nil {
		return nil
	}
	return errors.Join(f.Sync(), f.Close())
}

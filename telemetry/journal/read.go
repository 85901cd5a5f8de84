package journal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
)

// Replay yields the records from..head, head being that of the call, in order.
// from 0 is the first. An error of apply ends it and is returned, wrapped.
func (j *Journal) Replay(from uint64, apply func(Record) error) error {
	j.mu.Lock()
	to, closed := j.seq, j.closed
	j.mu.Unlock()
	if closed {
		return fmt.Errorf("replay: %w", ErrClosed)
	}
	r := reader{j: j, next: max(from, 1)}
	defer r.close()
	if err := r.read(context.Background(), to, apply); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

// Follow yields the records from.. in order, and then each new one when it is
// durable. It returns when ctx ends, the journal closes or apply fails. A slow
// apply delays nobody: what it has not yet seen is read from the files.
func (j *Journal) Follow(ctx context.Context, from uint64, apply func(Record) error) error {
	r := reader{j: j, next: max(from, 1)}
	defer r.close()
	for {
		j.mu.Lock()
		to, closed, moved := j.seq, j.closed, j.moved
		j.mu.Unlock()
		if err := r.read(ctx, to, apply); err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		if closed {
			select { // the committer may still write what was queued
			case <-j.done:
				j.mu.Lock()
				last := j.seq
				j.mu.Unlock()
				if last == to {
					return fmt.Errorf("follow: %w", ErrClosed)
				}
				continue
			case <-ctx.Done():
				return fmt.Errorf("follow: %w", ctx.Err())
			}
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("follow: %w", ctx.Err())
		}
	}
}

// reader walks over the records of the files, and verifies them again: what was
// right at Open may have rotted since.
type reader struct {
	j    *Journal
	next uint64 // sequence to yield next

	seg    segment // that file is open
	file   File
	in     *bufio.Reader
	at     int64  // offset of the next frame
	atSeq  uint64 // its sequence
	hash   [32]byte
	linked bool // hash is that of atSeq-1
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

// locate is the segment that holds seq, which is not above the head.
func (j *Journal) locate(seq uint64) segment {
	j.mu.Lock()
	defer j.mu.Unlock()
	i, found := slices.BinarySearchFunc(j.segs, seq, func(s segment, seq uint64) int {
		switch {
		case s.first > seq:
			return 1
		case s.first < seq:
			return -1
		}
		return 0
	})
	if !found {
		i--
	}
	return j.segs[i]
}

// open places the reader at or before next.
func (r *reader) open() error {
	seg := r.j.locate(r.next)
	follows := r.linked && r.atSeq == r.next
	if r.file == nil || seg.name != r.seg.name {
		r.close()
		f, err := r.j.fs.Open(seg.name)
		if err != nil {
			return fmt.Errorf("open segment %s: %w", seg.name, err)
		}
		r.file, r.at, r.atSeq = f, headerSize, seg.first
	}
	r.seg = seg
	if !follows {
		i, found := slices.BinarySearchFunc(seg.marks, r.next, func(m mark, seq uint64) int {
			switch {
			case m.seq > seq:
				return 1
			case m.seq < seq:
				return -1
			}
			return 0
		})
		if !found {
			i--
		}
		r.at, r.atSeq, r.linked = seg.marks[i].at, seg.marks[i].seq, false
	}
	section := io.NewSectionReader(r.file, r.at, seg.end-r.at)
	if r.in == nil {
		r.in = bufio.NewReaderSize(section, 64<<10)
	} else {
		r.in.Reset(section)
	}
	return nil
}

// read yields up to and including to.
func (r *reader) read(ctx context.Context, to uint64, apply func(Record) error) error {
	for r.next <= to {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.file == nil || r.next > r.seg.last {
			if err := r.open(); err != nil {
				return err
			}
		}
		rec, err := r.record()
		if err != nil {
			return err
		}
		if rec.Seq < r.next {
			continue
		}
		r.next++
		if err := apply(rec); err != nil {
			return fmt.Errorf("entry %d: %w", rec.Seq, err)
		}
	}
	return nil
}

// record reads the frame at r.at. The record owns its bytes.
func (r *reader) record() (rec Record, err error) {
	head, err := r.in.Peek(4)
	if err != nil {
		return rec, fmt.Errorf("read segment %s: %w", r.seg.name, err)
	}
	n := le.Uint32(head)
	if n == 0 || n > maxPayload || r.at+int64(frameSize(int(n))) > r.seg.end {
		return rec, r.damaged("the length of an entry is wrong")
	}
	b := make([]byte, frameSize(int(n)))
	if _, err := io.ReadFull(r.in, b); err != nil {
		return rec, fmt.Errorf("read segment %s: %w", r.seg.name, err)
	}
	f, size, intact := parseFrame(b, &r.j.id)
	if !intact || f.seq != r.atSeq || r.linked && f.prev != r.hash {
		return rec, r.damaged("an entry is not what was written")
	}
	r.hash, r.linked = chain(b), true
	r.at += int64(size)
	r.atSeq++
	return f.record(r.hash)
}

// damaged stops the writing as well: see FORMAT.md "Damage".
func (r *reader) damaged(reason string) error {
	err := &DamageError{File: r.seg.name, Offset: r.at, SeqBefore: r.atSeq - 1, Reason: reason}
	_ = r.j.fail("read entries", err)
	return err
}

// record decodes a frame that was checked; the body stays a part of it.
func (f *frame) record(hash [32]byte) (Record, error) {
	expect, body, err := parsePayload(f.payload)
	if err != nil {
		return Record{}, fmt.Errorf("entry %d: %w", f.seq, err)
	}
	return Record{
		Seq: f.seq, Epoch: f.epoch, Hash: hash,
		Entry: Entry{ID: f.id, Kind: f.kind, Schema: f.schema, TimeUS: f.timeUS, Expect: expect, Body: body},
	}, nil
}

package journal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"
)

// scrubLoop looks for what rots while the server runs for months: a damage that is
// found while the last backup is still good costs nothing.
func (j *Journal) scrubLoop(ctx context.Context) {
	defer close(j.scrubbed)
	if j.cfg.ScrubEvery < 0 {
		return
	}
	for {
		if pause(ctx, j.cfg.ScrubEvery) != nil {
			return
		}
		if err := j.Scrub(ctx); err != nil && ctx.Err() == nil {
			return // the journal is read-only, and says why
		}
	}
}

// Scrub reads every byte of the journal up to its head again, at Config.ScrubRate.
// What it finds makes the journal read-only: nothing is added to a damaged chain.
func (j *Journal) Scrub(ctx context.Context) error {
	j.mu.Lock()
	segs, head := append([]segment(nil), j.segs...), j.seq
	j.mu.Unlock()
	for i, seg := range segs {
		err := j.scrubHeader(seg)
		if err == nil && i < len(segs)-1 {
			err = j.scrubSealed(ctx, seg)
		} else if err == nil {
			err = j.scrubFrames(ctx, seg.first, head)
		}
		if err == nil {
			continue
		}
		err = fmt.Errorf("read the journal again: %w", err)
		if ctx.Err() == nil {
			_ = j.fail("scrub", err)
		}
		return err
	}
	j.mu.Lock()
	j.clean = j.cfg.Clock()
	j.mu.Unlock()
	return nil
}

func (j *Journal) scrubHeader(seg segment) error {
	f, err := j.fs.Open(seg.name)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, headerSize)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if h, ok := parseHeader(b); !ok || h.first != seg.first || h.journalID != j.id {
		return &DamageError{File: seg.name, SeqBefore: seg.first - 1, Reason: "the header of the segment is damaged"}
	}
	return nil
}

// scrubSealed compares a full segment with its footer; only when it differs its
// entries are read one by one, to name the place.
func (j *Journal) scrubSealed(ctx context.Context, seg segment) error {
	f, err := j.fs.Open(seg.name)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	in := io.NewSectionReader(f, 0, seg.end)
	for {
		n, err := io.CopyN(sum, in, 1<<20)
		if wait := j.rest(ctx, n); wait != nil {
			return wait
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	b := make([]byte, footerSize)
	if _, err := f.ReadAt(b, seg.end); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	end, ok := parseFooter(b)
	if ok && end.sum == [32]byte(sum.Sum(nil)) && end.last == seg.last {
		return nil
	}
	if err := j.scrubFrames(ctx, seg.first, seg.last); err != nil {
		return err
	}
	return &DamageError{File: seg.name, Offset: seg.end, SeqBefore: seg.last, Reason: "the footer, or the checksum of the whole segment, is wrong"}
}

func (j *Journal) scrubFrames(ctx context.Context, from, to uint64) error {
	r := reader{j: j, next: from}
	defer r.close()
	read := int64(0)
	return r.read(ctx, to, func(rec Record) error {
		if read += int64(frameSize(payloadSize(&rec.Entry))); read < 1<<20 {
			return nil
		}
		n := read
		read = 0
		return j.rest(ctx, n)
	})
}

// rest keeps the rate after n bytes.
func (j *Journal) rest(ctx context.Context, n int64) error {
	return pause(ctx, time.Duration(float64(n)/float64(j.cfg.ScrubRate)*float64(time.Second)))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

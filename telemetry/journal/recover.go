package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const segmentSuffix = ".seg"

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// segmentFirsts finds the segments among the names of a folder, in order.
func segmentFirsts(names []string) []uint64 {
	var firsts []uint64
	for _, name := range names {
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		if first, err := strconv.ParseUint(digits, 10, 64); ok && err == nil && segmentName(first) == name {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts
}

// recovery is what Open knows while it walks over the segments.
type recovery struct {
	*committer
	j     *Journal
	group [32]byte // the hash before entry 1
	wm    watermark
	wmOK  bool
	segs  []segment
	buf   []byte // the segment that is being read
}

// recover verifies all segments in order, rebuilds the maps, repairs what a
// crash leaves (FORMAT.md "Repair") and makes ready to append.
func (j *Journal) recover() error {
	names, err := j.fs.List()
	if err != nil {
		return err
	}
	rec := &recovery{committer: &j.c, j: j, group: genesis(j.cfg.Group)}
	rec.epoch, rec.hash = 1, rec.group
	if snaps := snapshotSeqs(names); len(snaps) > 0 {
		j.snapped = snaps[len(snaps)-1]
	}
	if rec.wm, rec.wmOK, err = readWatermark(j.fs); err != nil {
		return err
	}
	// After a kill the names may stand in the page cache only.
	if err := j.fs.SyncDir(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	firsts := segmentFirsts(names)
	fresh, err := rec.nothingYet(firsts)
	if err != nil {
		return err
	}
	if fresh {
		_, _ = rand.Read(j.id[:]) // crypto/rand.Read never fails
	} else if err := rec.walk(firsts); err != nil {
		return err
	}
	if rec.file == nil { // no segment yet, or the last one is full
		err := rec.begin(j.fs, j.id, j.cfg.SegmentBytes, j.cfg.Clock().UnixMicro())
		if err != nil && fresh {
			return err
		}
		if err != nil { // what is there can still be read
			_ = j.fail("make a segment", err)
		} else {
			rec.segs = append(rec.segs, rec.seg)
		}
	} else if err := rec.noteWatermark(j.fs); err != nil {
		return err
	}
	j.segs, j.seq, j.hash = rec.segs, rec.seq, rec.hash
	return nil
}

// nothingYet is true for an empty folder and for one whose making a crash cut
// off: the first frame is written only after the first watermark.
func (rec *recovery) nothingYet(firsts []uint64) (bool, error) {
	switch {
	case len(firsts) == 0 && rec.wmOK:
		return false, &DamageError{File: watermarkName, SeqBefore: 0, SeqAfter: rec.wm.seq, Reason: fmt.Sprintf(
			"the watermark says that entry %d was written, but all segment files are missing", rec.wm.seq)}
	case len(firsts) == 0:
		return true, nil
	case firsts[0] != 1:
		return false, &DamageError{File: segmentName(firsts[0]), SeqAfter: firsts[0], Reason: "the segment files before this one are missing"}
	case rec.wmOK:
		if !slices.Contains(firsts, rec.wm.segment) {
			return false, &DamageError{File: segmentName(rec.wm.segment), SeqBefore: rec.wm.segment - 1, Reason: "this segment file is missing: the watermark says that it was being written"}
		}
		return false, nil
	case len(firsts) == 1:
		b, f, err := rec.load(segmentName(1))
		if err != nil {
			return false, err
		}
		if err := f.Close(); err != nil {
			return false, err
		}
		if len(b) <= headerSize || zeroUntil(b[headerSize:]) == len(b)-headerSize {
			return true, nil
		}
	}
	return false, &DamageError{File: watermarkName, Reason: "the watermark is missing or unreadable, so that nobody can tell whether the last entries are complete"}
}

// load reads a whole segment into a buffer that the next load uses again.
func (rec *recovery) load(name string) ([]byte, File, error) {
	f, err := rec.j.fs.Open(name)
	if err != nil {
		return nil, nil, err
	}
	size, err := f.Size()
	if err == nil && size > maxSegment+MaxBatchBytes+headerSize+footerSize {
		err = &DamageError{File: name, Reason: fmt.Sprintf("the file has %d bytes, more than a segment can have", size)}
	}
	if err == nil {
		rec.buf = slices.Grow(rec.buf[:0], int(size))[:size]
		_, err = f.ReadAt(rec.buf, 0)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("read segment %s: %w", name, err)
	}
	return rec.buf, f, nil
}

func (rec *recovery) walk(firsts []uint64) error {
	for i, first := range firsts {
		b, f, err := rec.load(segmentName(first))
		if err != nil {
			return err
		}
		rec.file, rec.space = f, int64(len(b)) // closed by closeFiles if this fails
		rec.seg = segment{name: segmentName(first), first: first, last: first - 1, end: headerSize}
		last := i == len(firsts)-1
		again, err := rec.header(b, i == 0, last)
		if err != nil {
			return err
		}
		if again { // the header was never written: begin makes the file again
			rec.file = nil
			if err := f.Close(); err != nil {
				return err
			}
			break
		}
		if err := rec.segment(b, last); err != nil {
			return err
		}
	}
	rec.buf = nil
	return rec.openMarks()
}

func (rec *recovery) openMarks() error {
	f, err := rec.j.fs.Open(watermarkName)
	if err != nil {
		return err
	}
	rec.marks, rec.noted = f, rec.wm
	return nil
}

// damage is an error at an offset of the segment that is being read.
func (rec *recovery) damage(at int64, after uint64, format string, args ...any) error {
	return &DamageError{File: rec.seg.name, Offset: at, SeqBefore: rec.seq, SeqAfter: after, Reason: fmt.Sprintf(format, args...)}
}

// header checks the head of a segment against what came before. again is true
// when a crash cut off the making of the last segment.
func (rec *recovery) header(b []byte, first, last bool) (again bool, err error) {
	h, ok := parseHeader(b)
	if ok && first && rec.j.cfg.anyGroup {
		rec.group, rec.hash = h.prev, h.prev
	}
	switch {
	case newerHeader(b):
		return false, fmt.Errorf("file %s, format %q: %w", rec.seg.name, b[:8], ErrNewer)
	case !ok && last && !first && rec.wm.segment != rec.seg.first && rec.seg.first == rec.seq+1 &&
		(len(b) <= headerSize || zeroUntil(b[headerSize:]) == len(b)-headerSize):
		// Its header would have been durable before the watermark named it.
		return true, rec.checkWatermark()
	case !ok:
		return false, rec.damage(0, 0, "the header of the segment is damaged")
	case h.first != rec.seg.first:
		return false, rec.damage(0, h.first, "the file belongs to another place: its first entry is %d", h.first)
	case h.first != rec.seq+1:
		return false, rec.damage(0, h.first, "the segment files between are missing")
	case first && h.prev != rec.group:
		return false, fmt.Errorf("%w: it was not made for %q", ErrOtherGroup, rec.j.cfg.Group)
	case h.prev != rec.hash:
		return false, rec.damage(0, h.first, "the segment does not continue the one before it: one of the two was replaced")
	case !first && h.journalID != rec.j.id:
		return false, rec.damage(0, h.first, "the segment is of another copy of the journal")
	case h.epoch < rec.epoch:
		return false, rec.damage(0, h.first, "the epoch goes back from %d to %d", rec.epoch, h.epoch)
	}
	rec.j.id, rec.epoch = h.journalID, h.epoch
	return false, nil
}

// segment verifies the frames of one segment and takes them into the maps.
func (rec *recovery) segment(b []byte, last bool) error {
	s := scanner{id: &rec.j.id, b: b, at: headerSize, seq: rec.seq, hash: rec.hash}
	for {
		entries := s.next()
		if entries == nil {
			break
		}
		for i := range entries {
			if err := rec.take(&entries[i]); err != nil {
				return err
			}
		}
	}
	if s.fault == faultNewer {
		return fmt.Errorf("file %s, offset %d: %w", rec.seg.name, s.at, ErrNewer)
	}
	if s.fault != "" {
		return rec.damage(s.at, s.faultSeq, "%s", s.fault)
	}
	rec.end = s.doneAt
	if f, ok := parseFooter(b[s.at:]); ok && s.at == s.doneAt {
		return rec.sealed(b, f, last)
	}
	if !last {
		return rec.damage(s.at, 0, "an entry or the end of the segment is damaged")
	}
	return rec.tail(b, &s)
}

// take notes one verified entry.
func (rec *recovery) take(x *scanned) error {
	r, err := x.frame.record(x.hash)
	if err != nil {
		return rec.damage(x.at, x.seq, "an entry cannot be decoded: %v", err)
	}
	if r.Seq == rec.wm.seq && x.hash != rec.wm.hash {
		return rec.damage(x.at, x.seq, "the entry is not the one that the watermark notes: the files were replaced")
	}
	rec.note(&r.Entry, r.Seq)
	rec.seg.noteFrame(r.Seq, x.at, x.at+int64(frameSize(len(x.payload))))
	rec.seq, rec.hash = r.Seq, x.hash
	return nil
}

// sealed checks a full segment against its footer.
func (rec *recovery) sealed(b []byte, f footer, last bool) error {
	end, size := rec.end, int64(len(b))
	switch {
	case f.dataEnd != uint64(end) || f.last != rec.seq || f.count != rec.seg.last-rec.seg.first+1 || f.hash != rec.hash:
		return rec.damage(end, 0, "the footer does not fit the segment")
	case f.sum != sha256.Sum256(b[:end]):
		return rec.damage(end, 0, "the checksum of the whole segment is wrong")
	case size > end+footerSize && !last:
		return rec.damage(end+footerSize, 0, "there is something behind the footer")
	}
	if last {
		if at, seq, found := laterFrame(b, &rec.j.id, end+footerSize, rec.seq); found {
			return rec.damage(end, seq, "there is an entry behind the footer, at offset %d", at)
		}
		if err := rec.checkWatermark(); err != nil {
			return err
		}
		// A crash between footer and truncation. What was read may be in the page
		// cache only: make it durable before it counts.
		if size > end+footerSize {
			if err := rec.file.Truncate(end + footerSize); err != nil {
				return err
			}
		}
		if err := rec.file.Sync(); err != nil {
			return err
		}
	}
	rec.segs = append(rec.segs, rec.seg)
	err := rec.file.Close()
	rec.file = nil
	return err
}

// checkWatermark refuses when entries are missing that were durable.
func (rec *recovery) checkWatermark() error {
	if rec.wm.seq > rec.seq {
		return rec.damage(rec.end, 0, "entries up to %d were written and are missing", rec.wm.seq)
	}
	if rec.wm.seq == 0 && rec.wm.hash != rec.group {
		return rec.damage(rec.end, 0, "the watermark is of another journal: the files were replaced")
	}
	return nil
}

// tail looks at what stands behind the last frame of the segment that was being
// written, repairs a torn tail and makes the segment ready.
func (rec *recovery) tail(b []byte, s *scanner) error {
	if err := rec.checkWatermark(); err != nil {
		return err
	}
	rest := b[rec.end:]
	if zeroUntil(rest) < len(rest) {
		if at, seq, found := laterFrame(b, &rec.j.id, s.at, s.seq); found {
			return rec.damage(s.at, seq, "an entry is damaged, and there are later ones behind it at offset %d", at)
		}
		if err := rec.setAside(rest, rec.end); err != nil {
			return fmt.Errorf("repair the torn tail of %s: %w", rec.seg.name, err)
		}
	}
	if rec.space < rec.j.cfg.SegmentBytes {
		if err := rec.file.Allocate(rec.j.cfg.SegmentBytes); err != nil {
			// What is there can be read, and the next segment will say it again.
			rec.j.cfg.Logger.Warn("segment cannot be allocated", "file", rec.seg.name, "bytes", rec.j.cfg.SegmentBytes, "err", err)
		} else {
			rec.space = rec.j.cfg.SegmentBytes
		}
	}
	// What was read may be in the page cache only: make it durable before it counts.
	if err := rec.file.Sync(); err != nil {
		return err
	}
	rec.sum = sha256.New()
	rec.sum.Write(b[:rec.end])
	rec.segs = append(rec.segs, rec.seg)
	return nil
}

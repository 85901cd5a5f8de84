package journal

import (
	"crypto/sha256"
	"fmt"
)

// segment is what readers need of one segment file.
type segment struct {
	name  string
	first uint64
	last  uint64 // first-1 when it has no frame
	end   int64  // behind the last frame
	marks []mark // places to begin reading
}

// mark is where a frame begins; every markEvery-th has one.
type mark struct {
	seq uint64
	at  int64
}

const markEvery = 256

// noteFrame takes one frame at offset at into the segment.
func (s *segment) noteFrame(seq uint64, at, end int64) {
	if (seq-s.first)%markEvery == 0 {
		s.marks = append(s.marks, mark{seq, at})
	}
	s.last, s.end = seq, end
}

// makeRoom makes sure that n bytes and a footer fit behind the last frame.
func (j *Journal) makeRoom(n int64) error {
	c := &j.c
	if c.file != nil && c.end+n+footerSize <= c.space {
		return nil
	}
	size := c.segmentSize(n)
	if c.file != nil && c.seg.last < c.seg.first { // still empty, only too small
		if err := c.file.Allocate(size); err != nil {
			return err
		}
		c.space = size
		return nil
	}
	j.summing.Lock()
	defer j.summing.Unlock()
	if c.file != nil {
		if err := c.seal(); err != nil {
			return fmt.Errorf("seal segment %s: %w", c.seg.name, err)
		}
	}
	if err := c.begin(j.fs, j.id, size, j.cfg.Clock().UnixMicro()); err != nil {
		return err
	}
	j.mu.Lock()
	j.segs = append(j.segs, c.seg)
	j.mu.Unlock()
	return nil
}

// seal closes the segment that is being written. The order matters: see FORMAT.md.
func (c *committer) seal() error {
	f := footer{count: c.seg.last - c.seg.first + 1, last: c.seg.last, dataEnd: uint64(c.end), hash: c.hash}
	c.sum.Sum(f.sum[:0])
	c.reach(pointFull)
	if _, err := c.file.WriteAt(f.encode(), c.end); err != nil {
		return err
	}
	c.reach(pointFooter)
	if err := c.file.Datasync(); err != nil {
		return err
	}
	c.reach(pointFooterSynced)
	if err := c.file.Truncate(c.end + footerSize); err != nil {
		return err
	}
	c.reach(pointTruncated)
	if err := c.file.Sync(); err != nil {
		return err
	}
	c.reach(pointSealed)
	err := c.file.Close()
	c.file = nil
	return err
}

// begin makes the segment behind the last entry, and notes it in the watermark
// before its first frame: a header that is missing later was never written, or
// is damage, and the watermark tells which.
func (c *committer) begin(store FS, id [16]byte, size, nowUS int64) error {
	h := segHeader{journalID: id, first: c.seq + 1, createdUS: nowUS, prev: c.hash, epoch: c.epoch}
	name := segmentName(h.first)
	f, err := store.Create(name)
	if err != nil {
		return fmt.Errorf("create segment %s: %w", name, err)
	}
	c.file = f
	c.reach(pointCreated)
	if err := f.Allocate(size); err != nil {
		return fmt.Errorf("allocate segment %s: %w", name, err)
	}
	c.reach(pointAllocated)
	b := h.encode()
	if _, err := f.WriteAt(b, 0); err != nil {
		return fmt.Errorf("write header of segment %s: %w", name, err)
	}
	c.reach(pointHeader)
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync segment %s: %w", name, err)
	}
	c.reach(pointHeaderSynced)
	if err := store.SyncDir(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	c.reach(pointFolderSynced)
	c.seg = segment{name: name, first: h.first, last: h.first - 1, end: headerSize}
	c.end, c.space, c.sum = headerSize, size, sha256.New()
	c.sum.Write(b)
	return c.noteWatermark(store)
}

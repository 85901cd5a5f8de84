package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// The watermark is a lower bound of what is durable: two slots of one sector
// each, written alternately, so that a torn write leaves the older one. It is
// what tells a damaged tail from a torn one.
const (
	watermarkName = "watermark"
	slotSize      = 512
	slotUsed      = 76
)

const watermarkMagic = "TZWMARK1"

type watermark struct {
	counter uint64
	seq     uint64
	segment uint64 // first sequence of the segment that was being written
	offset  uint64 // end of the frame of seq, or of the header of that segment
	hash    [32]byte
}

func (w *watermark) encode() []byte {
	b := make([]byte, slotSize)
	copy(b, watermarkMagic)
	le.PutUint64(b[8:], w.counter)
	le.PutUint64(b[16:], w.seq)
	le.PutUint64(b[24:], w.segment)
	le.PutUint64(b[32:], w.offset)
	copy(b[40:], w.hash[:])
	le.PutUint32(b[72:], crc32c(b[:72]))
	return b
}

func parseSlot(b []byte) (w watermark, ok bool) {
	if len(b) < slotUsed || string(b[:8]) != watermarkMagic || le.Uint32(b[72:]) != crc32c(b[:72]) {
		return w, false
	}
	w.counter, w.seq = le.Uint64(b[8:]), le.Uint64(b[16:])
	w.segment, w.offset = le.Uint64(b[24:]), le.Uint64(b[32:])
	copy(w.hash[:], b[40:])
	return w, true
}

// readWatermark finds the newer valid slot; ok is false when the file is missing
// or neither slot is valid.
func readWatermark(store FS) (w watermark, ok bool, err error) {
	f, err := store.Open(watermarkName)
	if errors.Is(err, fs.ErrNotExist) {
		return w, false, nil
	}
	if err != nil {
		return w, false, fmt.Errorf("open watermark: %w", err)
	}
	defer f.Close()
	b := make([]byte, 2*slotSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return w, false, fmt.Errorf("read watermark: %w", err)
	}
	b = b[:n]
	for at := 0; at < len(b); at += slotSize {
		if s, valid := parseSlot(b[at:]); valid && (!ok || s.counter > w.counter) {
			w, ok = s, true
		}
	}
	return w, ok, nil
}

// noteWatermark writes the head into the older slot and syncs it. What it notes
// is durable already.
func (c *committer) noteWatermark(store FS) error {
	w := watermark{counter: c.noted.counter + 1, seq: c.seq, segment: c.seg.first, offset: uint64(c.end), hash: c.hash}
	return c.writeWatermark(store, w)
}

func (c *committer) writeWatermark(store FS, w watermark) error {
	made := c.marks == nil
	if made {
		f, err := store.Create(watermarkName)
		if err != nil {
			return fmt.Errorf("create watermark: %w", err)
		}
		c.marks = f
	}
	if _, err := c.marks.WriteAt(w.encode(), int64(w.counter%2)*slotSize); err != nil {
		return fmt.Errorf("write watermark: %w", err)
	}
	c.reach(pointMark)
	if err := c.marks.Datasync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	if made {
		if err := store.SyncDir(); err != nil {
			return fmt.Errorf("sync folder: %w", err)
		}
	}
	c.reach(pointMarkSynced)
	c.noted = w
	return nil
}

package journal

import (
	"errors"
	"fmt"
)

// ErrNoSpace is returned when the file system has too little room: decisions are
// refused below two segments, everything but emergencies below one. It ends by
// itself when there is room again.
var ErrNoSpace = errors.New("too little disk space for the journal")

// look asks for the free space once per group commit; a file system that does not
// tell is not asked to refuse anything.
func (c *committer) look(store FS) {
	var err error
	if c.free, err = store.Free(); err != nil {
		c.free = -1
	}
}

// spaceFor refuses a request while little is left, so that what is left holds the
// facts and at last the emergencies.
func (c *committer) spaceFor(r *request) error {
	if c.free < 0 || c.free >= 2*c.segmentBytes {
		return nil
	}
	for i := range r.entries {
		e := &r.entries[i]
		need, what := 2*c.segmentBytes, "decisions are"
		if c.free < c.segmentBytes {
			need, what = c.segmentBytes, "everything but emergencies is"
		} else if e.Kind != Decision {
			continue
		}
		if !e.Emergency {
			return fmt.Errorf("%d MiB are free, %s refused below %d MiB: make room on the disk of the journal, nothing has to be restarted: %w",
				c.free>>20, what, need>>20, ErrNoSpace)
		}
	}
	return nil
}

// segmentSize is the space to allocate for a new segment that must hold n bytes:
// a whole one, or half of what is left when that is less.
func (c *committer) segmentSize(n int64) int64 {
	size := c.segmentBytes
	if c.room >= 0 && c.room < size {
		size = c.room / 2
	}
	return max(size, headerSize+n+footerSize)
}

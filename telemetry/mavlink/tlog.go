package mavlink

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// TlogEntry is one frame of a telemetry log with the time of its recording.
type TlogEntry struct {
	Time  time.Time // UTC, µs
	Frame []byte    // as recorded; valid until the next entry is asked for
}

// TlogDamage is the error for a place of a log that could not be read.
type TlogDamage struct {
	Offset int64 // of the first bad byte in the file
	Bytes  int64 // that were skipped
}

func (e *TlogDamage) Error() string {
	return fmt.Sprintf("mavlink: tlog damaged at byte %d: %d bytes skipped", e.Offset, e.Bytes)
}

const (
	stampSize = 8 // big-endian µs since the Unix epoch

	tlogLookAhead = stampSize + maxFrame + stampSize + 1

	// Stamps outside are taken for damage: 2000-01-01 .. 2100-01-01.
	stampMin = 946_684_800_000_000
	stampMax = 4_102_444_800_000_000
	// After damage an entry must not be older than the last good one by more.
	stampBack = 5_000_000
)

// ReadTlog yields the entries of a telemetry log: 8 bytes big-endian
// microseconds since the Unix epoch, then the raw frame, repeated. A damaged
// place is reported once as *TlogDamage and reading goes on behind it, at the
// next frame with a valid checksum and a plausible time. An error of r is
// yielded last.
func ReadTlog(r io.Reader) iter.Seq2[TlogEntry, error] {
	return func(yield func(TlogEntry, error) bool) {
		cat, err := newCatalog()
		if err != nil {
			yield(TlogEntry{}, err)
			return
		}
		readTlog(cat, r, yield)
	}
}

func readTlog(cat *catalog, r io.Reader, yield func(TlogEntry, error) bool) {
	t := tlog{cat: cat, r: bufio.NewReaderSize(r, 64<<10)}
	for {
		e, err := t.next()
		if errors.Is(err, io.EOF) || !yield(e, err) {
			return
		}
		if err != nil && !errors.As(err, new(*TlogDamage)) {
			return
		}
	}
}

type tlog struct {
	cat    *catalog
	r      *bufio.Reader
	offset int64
	last   uint64 // stamp of the last good entry, 0: none yet
	held   int    // bytes of the entry that the caller looks at
}

// next returns an entry, a *TlogDamage, io.EOF, or an error of the reader.
func (t *tlog) next() (TlogEntry, error) {
	if err := t.discard(t.held); err != nil {
		return TlogEntry{}, err
	}
	t.held = 0
	start, inSync := t.offset, true
	for {
		b, err := t.r.Peek(tlogLookAhead)
		if err != nil && !errors.Is(err, io.EOF) {
			return TlogEntry{}, fmt.Errorf("mavlink: read tlog at byte %d: %w", t.offset, err)
		}
		switch n := t.entry(b, inSync); {
		case n > 0 && inSync:
			stamp := binary.BigEndian.Uint64(b)
			t.last, t.held = stamp, n
			return TlogEntry{Time: time.UnixMicro(int64(stamp)).UTC(), Frame: b[stampSize:n:n]}, nil
		case n > 0 || len(b) == 0 && !inSync:
			return TlogEntry{}, &TlogDamage{Offset: start, Bytes: t.offset - start}
		case len(b) == 0:
			return TlogEntry{}, io.EOF
		}
		inSync = false
		if err := t.discard(1); err != nil {
			return TlogEntry{}, err
		}
	}
}

func (t *tlog) discard(n int) error {
	d, err := t.r.Discard(n)
	t.offset += int64(d)
	return err
}

// entry returns the length of the entry at the start of b, 0 if there is none.
// In step with the log, what follows may vouch for a frame whose checksum is
// unknown or wrong: logs hold what was received. Out of step only the checksum
// does.
func (t *tlog) entry(b []byte, inSync bool) int {
	if len(b) < stampSize {
		return 0
	}
	stamp := binary.BigEndian.Uint64(b)
	n, ok := frameLen(b[stampSize:])
	n += stampSize
	if !ok || n > len(b) || stamp < stampMin || stamp > stampMax {
		return 0
	}
	if !inSync && stamp+stampBack < t.last {
		return 0
	}
	if _, why := t.cat.check(b[stampSize:n], &frame{}); why == accepted {
		return n
	}
	if inSync && (len(b) == n || len(b) > n+stampSize && boundary(b[n+stampSize:])) {
		return n
	}
	return 0
}

package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// The index of a segment is lines of JSON, each with one of these members. See
// FORMAT.md.
type indexLine struct {
	Head  *indexHead `json:"head,omitempty"`
	Point *point     `json:"point,omitempty"`
	Gap   *Gap       `json:"gap,omitempty"`
	Seal  *seal      `json:"seal,omitempty"`
}

const formatVersion = 1

type indexHead struct {
	Format     int    `json:"format"`
	Listener   string `json:"listener"`
	Quarantine bool   `json:"quarantine,omitempty"`
}

// point is a run of entries: where it starts in the file, and what is in it.
type point struct {
	At      int64       `json:"at"`
	Bytes   int64       `json:"bytes"`
	From    int64       `json:"from_us"` // oldest stamp
	To      int64       `json:"to_us"`   // newest stamp
	Frames  uint64      `json:"frames"`
	Systems counts      `json:"systems"`
	Why     []reasonRun `json:"why,omitempty"` // of the quarantine: of each frame, in order
}

// reasonRun is a reason and for how many frames in a row.
type reasonRun struct {
	Reason string `json:"reason"`
	Frames uint64 `json:"frames"`
}

// counts are frames by system id.
type counts [256]uint64

// MarshalJSON leaves out those that sent nothing.
func (c *counts) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for id, n := range c {
		if n == 0 {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = strconv.AppendInt(b, int64(id), 10)
		b = append(b, '"', ':')
		b = strconv.AppendUint(b, n, 10)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *counts) UnmarshalJSON(b []byte) error {
	var m map[uint8]uint64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*c = counts{}
	for id, n := range m {
		c[id] = n
	}
	return nil
}

// seal is the last line: the sum of all, and the digest of the file.
type seal struct {
	From    int64             `json:"from_us"`
	To      int64             `json:"to_us"`
	Frames  uint64            `json:"frames"`
	Bytes   int64             `json:"bytes"`
	Systems counts            `json:"systems"`
	Reasons map[string]uint64 `json:"reasons,omitempty"`
	Gaps    []Gap             `json:"gaps,omitempty"`
	Cut     int64             `json:"cut_bytes,omitempty"` // behind the last whole entry, after a crash
	SHA256  string            `json:"sha256"`
}

// Gap is what was not kept: why is behind (the writer was), disk (it failed),
// no_space, limited (more refused frames than are kept) or cut (frames that do not
// say where they end).
type Gap struct {
	FromUS int64  `json:"from_us"`
	ToUS   int64  `json:"to_us"`
	Frames uint64 `json:"frames"`
	Bytes  uint64 `json:"bytes"`
	Why    string `json:"why"`
}

func appendLine(to []byte, l indexLine) []byte {
	raw, err := json.Marshal(l)
	if err != nil {
		panic(err) // numbers and strings of ours
	}
	return append(append(to, raw...), '\n')
}

// readIndex reads the lines of an index up to the first that is not whole; good is
// where that is.
func readIndex(b []byte) (lines []indexLine, good int64) {
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return lines, good
		}
		var l indexLine
		if json.Unmarshal(b[:end], &l) != nil || l == (indexLine{}) {
			return lines, good
		}
		lines, good, b = append(lines, l), good+int64(end)+1, b[end+1:]
	}
}

// points are those of an index that fit a file of size bytes: each begins where the
// one before ends.
func points(lines []indexLine, size int64) (out []point) {
	end := int64(0)
	for _, l := range lines {
		p := l.Point
		if p == nil {
			continue
		}
		if p.At != end || p.Bytes <= 0 || p.Bytes > size-end {
			return out
		}
		end += p.Bytes
		out = append(out, *p)
	}
	return out
}

// maxIndex bounds the index that is read into memory: far beyond one of an hour.
const maxIndex = 64 << 20

func readAll(f File) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > maxIndex {
		return nil, fmt.Errorf("an index of %d MiB: at most %d are possible", size>>20, maxIndex>>20)
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// sealTail is enough for the longest seal.
const sealTail = 64 << 10

// readSeal reads the last line of an index; nil: it is no seal.
func readSeal(f File) (*seal, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(size, sealTail))
	if _, err := f.ReadAt(b, size-int64(len(b))); err != nil && err != io.EOF {
		return nil, err
	}
	text, whole := bytes.CutSuffix(b, []byte{'\n'})
	if !whole {
		return nil, nil
	}
	var l indexLine
	if json.Unmarshal(text[bytes.LastIndexByte(text, '\n')+1:], &l) != nil {
		return nil, nil
	}
	return l.Seal, nil
}

package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	quarantineDir = "quarantine"
	dataSuffix    = ".tlog"
	indexSuffix   = ".index"
	tornSuffix    = ".torn"
	nameTime      = "20060102T150405Z"

	// A point covers so much at most: an export reads that much too much.
	pointUS    = 1_000_000
	pointBytes = 1 << 20

	maxGaps = 50 // of a segment that are told one by one
)

// Segment is a file as the outside sees it.
type Segment struct {
	Name         string // of the file without its ending, below the folder, e.g. open/20261125T200000Z-000
	Listener     string
	Quarantine   bool
	FromUS, ToUS int64 // oldest and newest stamp
	Frames       uint64
	Bytes        int64
	Systems      map[uint8]uint64  // frames by system id
	Reasons      map[string]uint64 // of the quarantine: frames by reason
	Gaps         []Gap             // at most 50; later ones are added to the last of their reason
	Cut          int64             // bytes behind the last whole entry that a crash left
	Sealed       bool
	SHA256       string // of the sealed file
}

// segment is one file with its index. While it is written its files are the
// writer's to append to and housekeeping's to sync; a segment that is done is
// housekeeping's alone.
type segment struct {
	name        string
	listener    string
	quarantine  bool
	hour        int64
	data, index File // nil: sealed
	sum         hash.Hash
	point       point
	lines       []byte      // of the index, not yet written
	broken      bool        // the disk failed: it is closed as it is, and mended at the next start
	named       bool        // its name is durable; housekeeping's
	unsynced    atomic.Bool // a sync failed: what is in it may not reach the disk

	catalog *catalog
	// guarded by catalog.mu
	seal   seal
	sealed bool
	extra  int64 // bytes of the index
}

// catalog is every segment there is.
type catalog struct {
	mu   sync.Mutex // guards the field below, and what its segments say
	segs []*segment // by time
}

func (c *catalog) add(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.catalog = c
	c.segs = append(c.segs, s)
	slices.SortStableFunc(c.segs, func(a, b *segment) int { return strings.Compare(a.order(), b.order()) })
}

func (c *catalog) remove(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.segs = slices.DeleteFunc(c.segs, func(o *segment) bool { return o == s })
}

func (c *catalog) size() (n int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.segs {
		bytes += s.seal.Bytes + s.extra
	}
	return len(c.segs), bytes
}

// all is a copy of the list.
func (c *catalog) all() []*segment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.segs)
}

// order sorts by time, which the name starts with.
func (s *segment) order() string { return s.name[strings.LastIndexByte(s.name, '/')+1:] + s.name }

// told is the segment as the outside sees it.
func (s *segment) told() Segment {
	s.catalog.mu.Lock()
	defer s.catalog.mu.Unlock()
	out := Segment{
		Name: s.name, Listener: s.listener, Quarantine: s.quarantine, FromUS: s.seal.From, ToUS: s.seal.To,
		Frames: s.seal.Frames, Bytes: s.seal.Bytes, Systems: map[uint8]uint64{}, Reasons: maps.Clone(s.seal.Reasons),
		Gaps: slices.Clone(s.seal.Gaps), Cut: s.seal.Cut, Sealed: s.sealed, SHA256: s.seal.SHA256,
	}
	for id, n := range s.seal.Systems {
		if n > 0 {
			out.Systems[uint8(id)] = n
		}
	}
	return out
}

// Segments are all files, the oldest first. What was received less than FlushEvery
// ago is not in them yet.
func (r *Recorder) Segments() []Segment {
	segs := r.catalog.all()
	out := make([]Segment, 0, len(segs))
	for _, s := range segs {
		if told := s.told(); told.Frames > 0 {
			out = append(out, told)
		}
	}
	return out
}

// Knows tells whether anything of a listener is kept.
func (r *Recorder) Knows(listener string) bool {
	return slices.ContainsFunc(r.catalog.all(), func(s *segment) bool { return s.listener == listener })
}

// folder is where the files of a stream are.
func folder(listener string, quarantine bool) string {
	if quarantine {
		return listener + "/" + quarantineDir
	}
	return listener
}

// create makes the files of a segment whose first entry has this stamp.
func (r *Recorder) create(listener string, quarantine bool, us int64) (*segment, error) {
	base := folder(listener, quarantine) + "/" + time.UnixMicro(us).UTC().Format(nameTime)
	s := &segment{listener: listener, quarantine: quarantine, hour: us / hourUS, sum: sha256.New()}
	var err error
	for n := range 1000 {
		s.name = fmt.Sprintf("%s-%03d", base, n)
		if s.data, err = r.fs.Create(s.name + dataSuffix); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if s.index, err = r.fs.Create(s.name + indexSuffix); err != nil {
		return nil, errors.Join(err, s.data.Close(), r.fs.Remove(s.name+dataSuffix))
	}
	s.lines = appendLine(nil, indexLine{Head: &indexHead{Format: formatVersion, Listener: listener, Quarantine: quarantine}})
	r.catalog.add(s)
	return s, nil
}

const hourUS = 3600_000_000

// enter counts an entry that follows in the file.
func (s *segment) enter(e *entry, reason string) {
	p := &s.point
	if p.Frames > 0 && (e.us-p.From >= pointUS || p.Bytes >= pointBytes) {
		s.endPoint()
	}
	if p.Frames == 0 || e.us < p.From {
		p.From = e.us
	}
	p.To = max(p.To, e.us)
	p.Frames++
	p.Bytes += int64(e.size)
	p.Systems[systemOf(e.frame)]++
	if !s.quarantine {
		return
	}
	if n := len(p.Why); n > 0 && p.Why[n-1].Reason == reason {
		p.Why[n-1].Frames++
		return
	}
	p.Why = append(p.Why, reasonRun{reason, 1})
}

// endPoint puts the point into the index.
func (s *segment) endPoint() {
	if s.point.Frames == 0 {
		return
	}
	s.lines = appendLine(s.lines, indexLine{Point: &s.point})
	s.point = point{At: s.point.At + s.point.Bytes}
}

// tell puts a gap into the index.
func (s *segment) tell(g Gap) {
	s.lines = appendLine(s.lines, indexLine{Gap: &g})
	s.catalog.mu.Lock()
	defer s.catalog.mu.Unlock()
	s.seal.addGap(g)
}

// addGap keeps gaps one by one while they are few.
func (s *seal) addGap(g Gap) {
	if len(s.Gaps) < maxGaps {
		s.Gaps = append(s.Gaps, g)
		return
	}
	for i := len(s.Gaps) - 1; i >= 0; i-- {
		if o := &s.Gaps[i]; o.Why == g.Why {
			o.FromUS, o.ToUS, o.Frames, o.Bytes = min(o.FromUS, g.FromUS), max(o.ToUS, g.ToUS), o.Frames+g.Frames, o.Bytes+g.Bytes
			return
		}
	}
	s.Gaps = append(s.Gaps, g) // of a new reason: there are five
}

// count adds to the sum one entry.
func (s *seal) count(e *entry, reason string) {
	if s.Frames == 0 || e.us < s.From {
		s.From = e.us
	}
	s.To = max(s.To, e.us)
	s.Frames++
	s.Bytes += int64(e.size)
	s.Systems[systemOf(e.frame)]++
	if reason != "" {
		if s.Reasons == nil {
			s.Reasons = map[string]uint64{}
		}
		s.Reasons[reason]++
	}
}

// grow adds what was written.
func (s *segment) grow(by *seal) {
	s.catalog.mu.Lock()
	defer s.catalog.mu.Unlock()
	sum := &s.seal
	if sum.Frames == 0 || by.From < sum.From {
		sum.From = by.From
	}
	sum.To = max(sum.To, by.To)
	sum.Frames += by.Frames
	sum.Bytes += by.Bytes
	for id, n := range by.Systems {
		sum.Systems[id] += n
	}
	for reason, n := range by.Reasons {
		if sum.Reasons == nil {
			sum.Reasons = map[string]uint64{}
		}
		sum.Reasons[reason] += n
	}
}

// flush writes the lines of the index.
func (s *segment) flush() error {
	if len(s.lines) == 0 {
		return nil
	}
	if _, err := s.index.Write(s.lines); err != nil {
		return err
	}
	s.catalog.mu.Lock()
	s.extra += int64(len(s.lines))
	s.catalog.mu.Unlock()
	s.lines = s.lines[:0]
	return nil
}

// finish seals a segment that nothing is added to any more, and makes it durable.
func (s *segment) finish(store FS) error {
	if s.broken {
		return errors.Join(s.data.Close(), s.index.Close())
	}
	s.catalog.mu.Lock()
	s.seal.SHA256 = hex.EncodeToString(s.sum.Sum(nil))
	sum := s.seal
	s.catalog.mu.Unlock()
	s.lines = appendLine(s.lines, indexLine{Seal: &sum})
	// The seal says what is on the disk: it is written when that is true.
	err := s.data.Sync()
	if err == nil {
		err = errors.Join(s.flush(), s.index.Sync(), store.SyncDir(folder(s.listener, s.quarantine)))
	}
	err = errors.Join(err, s.data.Close(), s.index.Close())
	if err == nil {
		s.catalog.mu.Lock()
		s.sealed = true
		s.catalog.mu.Unlock()
	}
	return err
}

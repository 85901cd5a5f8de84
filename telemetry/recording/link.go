package recording

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// holeReason is why frames are missing.
type holeReason uint8

const (
	_           holeReason = iota
	holeBehind             // the writer was behind
	holeDisk               // the disk failed
	holeSpace              // too little room on the disk
	holeLimited            // over QuarantineRate
	holeCut                // a frame that does not say where it ends, or without a plausible time
	holeReasons
)

func (h holeReason) String() string {
	switch h {
	case holeBehind:
		return "behind"
	case holeDisk:
		return "disk"
	case holeSpace:
		return "no_space"
	case holeLimited:
		return "limited"
	case holeCut:
		return "cut"
	}
	return "none"
}

// hole is what was not kept, for one reason.
type hole struct {
	from, to int64 // µs
	frames   uint64
	bytes    uint64
}

// add counts frames between two times.
func (h *hole) add(from, to int64, frames, bytes int) {
	h.merge(&hole{from, to, uint64(frames), uint64(bytes)})
}

func (h *hole) merge(o *hole) {
	if h.frames == 0 || o.from < h.from {
		h.from = o.from
	}
	h.to = max(h.to, o.to)
	h.frames += o.frames
	h.bytes += o.bytes
}

// buffer is a run of entries.
type buffer struct {
	data     []byte
	why      []uint8 // of the quarantine: one for each frame
	frames   int
	from, to int64 // µs
}

func (b *buffer) reset() { *b = buffer{data: b.data[:0], why: b.why[:0]} }

// stream is the entries of one link on their way to the writer.
type stream struct {
	rec        *Recorder
	listener   string
	quarantine bool

	mu     sync.Mutex // guards the fields below; held for a copy, never while the disk works
	active *buffer
	full   []*buffer // oldest first
	spare  []*buffer
	holes  [holeReasons]hole // since the writer asked
	second int64             // of the limit
	kept   int               // frames in it
}

func newStream(r *Recorder, listener string, quarantine bool) *stream {
	n := r.cfg.Buffers
	if quarantine {
		n = 2
	}
	s := &stream{rec: r, listener: listener, quarantine: quarantine, full: make([]*buffer, 0, n), spare: make([]*buffer, 0, n)}
	for range n {
		b := &buffer{data: make([]byte, 0, r.cfg.BufferBytes)}
		if quarantine {
			b.why = make([]uint8, 0, r.cfg.BufferBytes/(stampSize+headV1))
		}
		s.spare = append(s.spare, b)
	}
	s.active, s.spare = s.spare[n-1], s.spare[:n-1]
	return s
}

// add copies one frame into the active buffer. It does not allocate, and does not
// wait for the disk.
func (s *stream) add(us int64, frame []byte, why uint8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if us < stampMin || us > stampMax || len(frame) == 0 || frameLen(frame) != len(frame) {
		s.holes[holeCut].add(us, us, 1, len(frame))
		return
	}
	if s.quarantine && !s.withinRate(us) {
		s.holes[holeLimited].add(us, us, 1, len(frame))
		return
	}
	b := s.active
	if len(b.data)+stampSize+len(frame) > cap(b.data) {
		b = s.next()
	}
	b.data = binary.BigEndian.AppendUint64(b.data, uint64(us))
	b.data = append(b.data, frame...)
	if s.quarantine {
		b.why = append(b.why, why)
	}
	if b.frames == 0 || us < b.from {
		b.from = us
	}
	b.to = max(b.to, us)
	b.frames++
}

func (s *stream) withinRate(us int64) bool {
	if second := us / 1e6; second != s.second {
		s.second, s.kept = second, 0
	}
	s.kept++
	return s.kept <= s.rec.cfg.QuarantineRate
}

// next replaces the full active buffer. When the writer has all others, what is in
// it is dropped whole.
func (s *stream) next() *buffer {
	if len(s.spare) == 0 {
		b := s.active
		s.holes[holeBehind].add(b.from, b.to, b.frames, len(b.data))
		b.reset()
		return b
	}
	s.full = append(s.full, s.active)
	s.active, s.spare = s.spare[len(s.spare)-1], s.spare[:len(s.spare)-1]
	select {
	case s.rec.wake <- struct{}{}:
	default:
	}
	return s.active
}

// take is the oldest buffer that is full, or with all the one that is being filled;
// nil: there is none.
func (s *stream) take(all bool) *buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.full) > 0 {
		b := s.full[0]
		s.full = s.full[:copy(s.full, s.full[1:])]
		return b
	}
	if !all || s.active.frames == 0 {
		return nil
	}
	b := s.active
	s.active, s.spare = s.spare[len(s.spare)-1], s.spare[:len(s.spare)-1] // nothing is full: the writer has none
	return b
}

// give returns a buffer that was written.
func (s *stream) give(b *buffer) {
	b.reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = append(s.spare, b)
}

// missed returns the holes since it was asked before.
func (s *stream) missed() (out [holeReasons]hole) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, s.holes = s.holes, [holeReasons]hole{}
	return out
}

// Link takes the frames of one listener. Its methods neither block nor allocate;
// they are safe for concurrent use.
type Link struct {
	frames, quarantine *stream
}

// Link is that of a listener; the same one for the same name, which is that of
// its folder: 1 to 40 of a-z, 0-9 and -.
func (r *Recorder) Link(listener string) (*Link, error) {
	if !validName(listener) {
		return nil, fmt.Errorf("%w: listener %q: 1 to 40 of a-z, 0-9 and - are possible", ErrConfig, listener)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.links[listener]; l != nil {
		return l, nil
	}
	l := &Link{frames: newStream(r, listener, false), quarantine: newStream(r, listener, true)}
	r.links[listener] = l
	r.outs = append(r.outs, &output{rec: r, stream: l.frames}, &output{rec: r, stream: l.quarantine})
	return l, nil
}

// Record takes a frame that was accepted, with the time of its arrival in µs since
// the Unix epoch.
func (l *Link) Record(receivedUS int64, frame []byte) {
	if len(frame) >= headV2 && holdsKey(frame) {
		return
	}
	l.frames.add(receivedUS, frame, 0)
}

// Quarantine takes a frame that was refused, and why.
func (l *Link) Quarantine(receivedUS int64, frame []byte, why uint8) {
	if len(frame) >= headV2 && holdsKey(frame) {
		return
	}
	l.quarantine.add(receivedUS, frame, why)
}

func validName(s string) bool {
	if len(s) < 1 || len(s) > 40 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// Package recording keeps what links received, byte for byte, as files that other
// programs read: .tlog, 8 bytes of big-endian microseconds since the Unix epoch
// (when the server received it) and the raw MAVLink frame, repeated. FORMAT.md
// beside it describes the files and the index beside each of them.
//
// A Link takes frames of one listener without blocking and without allocating,
// whatever the disk does: one goroutine writes for all links, and when it is
// behind, whole buffers are dropped and the hole is written down. Frames that were
// refused go to a quarantine of their own. What a frame means is not looked at,
// beyond its length and its system id; SETUP_SIGNING, which holds a key, is never
// kept.
//
// A crash of the program loses at most the last second, one of the machine the
// last SyncEvery. Files are sealed with a SHA-256 each hour or when they are
// full, kept for MaxAge within MaxBytes, and recording stops before the disk of
// the journal is full. A Recorder is safe for concurrent use.
package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of this package.
var (
	// ErrConfig is returned by New, Link and Export for what cannot be used.
	ErrConfig = errors.New("recording: not usable")
	// ErrLocked is returned by New when another process records into the folder.
	ErrLocked = errors.New("recording: another process records into this folder")
	// ErrNoListener is returned by Export when nothing of the listener is kept.
	ErrNoListener = errors.New("nothing is recorded of this listener")
)

// Config of a Recorder. The zero value with a Dir works.
type Config struct {
	Dir string // folder of the recording
	FS  FS     // instead of Dir: tests

	SegmentBytes    int64         // size of a file at most; 256 MiB
	MaxAge          time.Duration // of what is kept; 30 days
	MaxBytes        int64         // of all files together but the quarantine; 20 GiB
	QuarantineBytes int64         // of the quarantine of all links together; 1 GiB
	QuarantineRate  int           // refused frames/s kept of one link: a flood must not push out what came before; 1,000
	// MinFree is the room that recording leaves on its disk: it stops below.
	// Default 5 %, at least 512 MiB and at most 2 GiB. Negative: none.
	MinFree int64

	BufferBytes int           // of one buffer; 256 KiB
	Buffers     int           // of one link; 8, which hold 0.4 s of 100,000 frames/s
	FlushEvery  time.Duration // a frame is in the file after this at the latest; 1 s
	SyncEvery   time.Duration // an open file is on the disk after this; 5 s

	// Strip appends frame without its signature to dst, for exports that may leave
	// the zone; ok=false: it cannot. Without it there are no such exports.
	Strip func(dst, frame []byte) (out []byte, ok bool)
	// Reason names the reason of a refusal; default its number.
	Reason func(why uint8) string

	Clock  func() time.Time // for retention and idle files; time.Now
	Logger *slog.Logger     // nil: silent
}

func (c *Config) withDefaults() error {
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 256 << 20
	}
	if c.MaxAge == 0 {
		c.MaxAge = 30 * 24 * time.Hour
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 20 << 30
	}
	if c.QuarantineBytes == 0 {
		c.QuarantineBytes = 1 << 30
	}
	if c.QuarantineRate == 0 {
		c.QuarantineRate = 1000
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = 256 << 10
	}
	if c.Buffers == 0 {
		c.Buffers = 8
	}
	if c.FlushEvery == 0 {
		c.FlushEvery = time.Second
	}
	if c.SyncEvery == 0 {
		c.SyncEvery = 5 * time.Second
	}
	if c.Reason == nil {
		c.Reason = func(why uint8) string { return fmt.Sprint("reason_", why) }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.FS == nil && c.Dir == "":
		return fmt.Errorf("%w: no folder", ErrConfig)
	case c.BufferBytes < maxEntry || c.Buffers < 2 || c.SegmentBytes < maxEntry:
		return fmt.Errorf("%w: a buffer or file that holds no frame, or fewer than two buffers", ErrConfig)
	case c.MaxAge < 0 || c.MaxBytes < 0 || c.QuarantineBytes < 0 || c.QuarantineRate < 0 || c.FlushEvery < 0 || c.SyncEvery < 0:
		return fmt.Errorf("%w: a limit below 0", ErrConfig)
	}
	return nil
}

// Recorder keeps the frames of all links.
type Recorder struct {
	cfg     Config
	fs      FS
	lock    io.Closer
	wake    chan struct{} // a buffer is full
	keep    chan struct{} // a file is to be sealed
	claimed atomic.Bool

	stopped atomic.Int32 // holeReason for which nothing is written now, 0: it is
	free    atomic.Int64 // bytes, -1: not known
	low     atomic.Bool  // too few of them
	written atomic.Uint64
	bytes   atomic.Uint64
	lost    [holeReasons]atomic.Uint64 // frames

	catalog catalog

	mu    sync.Mutex // guards the fields below
	links map[string]*Link
	outs  []*output  // what each stream is written to; the writer's but for its growth
	done  []*segment // to be sealed
	torn  []string   // names of segments that a former run did not seal
	err   error      // of the disk, the last one
}

// New takes the folder and reads what is in it. A disk that does not answer is no
// error: recording is not what a zone stands still for. Run then tries again.
func New(cfg Config) (*Recorder, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	r := &Recorder{cfg: cfg, fs: cfg.FS, wake: make(chan struct{}, 1), keep: make(chan struct{}, 1), links: map[string]*Link{}}
	if r.fs == nil {
		r.fs = dir(cfg.Dir)
	}
	r.free.Store(-1)
	lock, err := r.fs.Lock()
	switch {
	case errors.Is(err, ErrLocked):
		return nil, err
	case err != nil:
		r.fail("open the recording", err)
	default:
		r.lock = lock
	}
	if err := r.load(); err != nil {
		r.fail("read the recording", err)
	}
	r.measure()
	return r, nil
}

// Close gives the folder up that Run was never called for.
func (r *Recorder) Close() error {
	if !r.claimed.CompareAndSwap(false, true) {
		return nil
	}
	return r.unlock()
}

func (r *Recorder) unlock() error {
	if r.lock == nil {
		return nil
	}
	return r.lock.Close()
}

// fail keeps and logs what went wrong with the disk.
func (r *Recorder) fail(what string, err error) {
	r.mu.Lock()
	r.err = fmt.Errorf("%s: %w", what, err)
	r.mu.Unlock()
	r.cfg.Logger.Warn("recording failed", "what", what, "err", err)
}

// Run writes until ctx ends, and then what it still has. It can be called once.
func (r *Recorder) Run(ctx context.Context) error {
	if !r.claimed.CompareAndSwap(false, true) {
		return fmt.Errorf("%w: it ran before", ErrConfig)
	}
	var wg sync.WaitGroup
	written := make(chan struct{})
	wg.Go(func() {
		defer close(written)
		r.write(ctx)
	})
	wg.Go(func() { r.housekeeping(written) })
	wg.Wait()
	return r.unlock()
}

// Stats are counters since New, and the state of now.
type Stats struct {
	Frames, Bytes uint64            // that were written
	Lost          map[string]uint64 // frames that were not, by why: see Gap
	Segments      int
	KeptBytes     int64  // of all files
	FreeBytes     int64  // of the disk; -1: not known
	Stopped       string // why nothing is written now: no_space, disk; empty: it is
	Err           error  // what the disk said last
}

// Stats is safe for concurrent use.
func (r *Recorder) Stats() Stats {
	st := Stats{Frames: r.written.Load(), Bytes: r.bytes.Load(), Lost: map[string]uint64{}, FreeBytes: r.free.Load()}
	for why := holeBehind; why < holeReasons; why++ {
		st.Lost[why.String()] = r.lost[why].Load()
	}
	if why := holeReason(r.stopped.Load()); why != 0 {
		st.Stopped = why.String()
	}
	st.Segments, st.KeptBytes = r.catalog.size()
	r.mu.Lock()
	defer r.mu.Unlock()
	st.Err = r.err
	return st
}

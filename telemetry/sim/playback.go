package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"testzone/telemetry/mavlink"
)

// defaultMaxRate bounds a playback without pacing: a receiver with a buffer of
// a few hundred KiB keeps up with it.
const defaultMaxRate = 5000.0

// PlaybackConfig says which recorded flight to send, where to, and how fast.
type PlaybackConfig struct {
	Path    string        // telemetry log; or
	File    io.Reader     // the same, opened; Loop needs an io.Seeker
	Target  string        // host:port; default DefaultTarget
	Speed   float64       // 1 is as recorded; 0: as fast as MaxRate allows
	MaxRate float64       // frames/s when Speed is 0; default 5000
	MaxGap  time.Duration // a longer silence in the recording is cut to this; 0: kept
	Loop    bool          // start again at the end, until the context ends

	dial func(target string) (conn, error) // tests; default a connected UDP socket
}

// PlaybackStats counts what was sent.
type PlaybackStats struct {
	Frames    uint64
	Bytes     uint64
	Errors    uint64 // writes that failed; their frames are not counted as sent
	Damaged   uint64 // places of the recording that could not be read
	Skipped   uint64 // bytes in these places
	Rounds    int    // times the recording was sent to its end
	Duration  time.Duration
	Recorded  time.Duration // time that the recording spans, of the last round
	BySystem  map[uint8]uint64
	ByMessage map[uint32]uint64
}

// player is one playback.
type player struct {
	cfg   PlaybackConfig
	conn  conn
	timer *time.Timer
	stats PlaybackStats
}

// Playback sends a recorded flight, each frame byte for byte as one datagram,
// frames of unknown messages and with wrong checksums included. Deadlines
// follow from the recorded times alone, so the pace does not drift; where the
// recorded clock steps back, frames follow each other at once. It returns at
// the end of the recording or, without an error, when ctx ends.
func Playback(ctx context.Context, cfg PlaybackConfig) (PlaybackStats, error) {
	p := &player{cfg: cfg, stats: PlaybackStats{BySystem: map[uint8]uint64{}, ByMessage: map[uint32]uint64{}}}
	if err := p.open(); err != nil {
		return p.stats, err
	}
	if cfg.Path != "" {
		file, err := os.Open(cfg.Path)
		if err != nil {
			return p.stats, fmt.Errorf("play back: %w", err)
		}
		defer file.Close()
		p.cfg.File = file
	}
	c, err := p.cfg.dial(p.cfg.Target)
	if err != nil {
		return p.stats, fmt.Errorf("open socket to %s: %w", p.cfg.Target, err)
	}
	defer c.Close()
	p.conn = c
	p.timer = time.NewTimer(0)
	defer p.timer.Stop()

	begin := time.Now()
	err = p.rounds(ctx)
	p.stats.Duration = time.Since(begin)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return p.stats, err
}

// open completes the configuration.
func (p *player) open() error {
	c := &p.cfg
	if c.Target == "" {
		c.Target = DefaultTarget
	}
	if c.MaxRate == 0 {
		c.MaxRate = defaultMaxRate
	}
	if c.dial == nil {
		c.dial = dialUDP
	}
	switch {
	case (c.Path == "") == (c.File == nil):
		return fmt.Errorf("%w: playback needs either a path or a reader", ErrConfig)
	case !(c.Speed >= 0 && c.Speed <= 1e6):
		return fmt.Errorf("%w: playback speed %v, want 0 to 1e6", ErrConfig, c.Speed)
	case !(c.MaxRate >= 1 && c.MaxRate <= 1e6):
		return fmt.Errorf("%w: %v frames/s, want 1 to 1e6", ErrConfig, c.MaxRate)
	case c.MaxGap < 0:
		return fmt.Errorf("%w: gap %v", ErrConfig, c.MaxGap)
	}
	if _, ok := c.File.(io.Seeker); c.Loop && c.File != nil && !ok {
		return fmt.Errorf("%w: this reader cannot be rewound, so it cannot loop", ErrTlog)
	}
	return nil
}

func (p *player) rounds(ctx context.Context) error {
	for {
		before := p.stats.Frames + p.stats.Errors
		if err := p.round(ctx); err != nil {
			return err
		}
		if p.stats.Frames+p.stats.Errors == before {
			return fmt.Errorf("%w: no frames in it", ErrTlog)
		}
		p.stats.Rounds++
		if !p.cfg.Loop {
			return nil
		}
		if _, err := p.cfg.File.(io.Seeker).Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("rewind recorded flight: %w", err)
		}
	}
}

// round sends the recording once.
func (p *player) round(ctx context.Context) error {
	start := time.Now()
	var last time.Time         // newest recorded time
	var elapsed time.Duration  // recorded time since the first frame, gaps cut
	var recorded time.Duration // the same, gaps kept
	n := 0
	for e, err := range mavlink.ReadTlog(p.cfg.File) {
		var damage *mavlink.TlogDamage
		if errors.As(err, &damage) {
			p.stats.Damaged++
			p.stats.Skipped += uint64(damage.Bytes)
			continue
		}
		if err != nil {
			return fmt.Errorf("read recorded flight: %w", err)
		}
		if n > 0 && e.Time.After(last) {
			gap := e.Time.Sub(last)
			recorded += gap
			if p.cfg.MaxGap > 0 {
				gap = min(gap, p.cfg.MaxGap)
			}
			elapsed += gap
		}
		if n == 0 || e.Time.After(last) {
			last = e.Time
		}
		due := time.Duration(float64(n) / p.cfg.MaxRate * float64(time.Second))
		if p.cfg.Speed > 0 {
			due = time.Duration(float64(elapsed) / p.cfg.Speed)
		}
		if err := p.wait(ctx, start.Add(due)); err != nil {
			return err
		}
		p.send(e.Frame)
		n++
	}
	p.stats.Recorded = recorded
	return nil
}

// wait sleeps until the deadline. Waits below the grain are not worth a
// wake-up: the frames go out together.
func (p *player) wait(ctx context.Context, deadline time.Time) error {
	d := time.Until(deadline)
	if d < grain {
		return ctx.Err()
	}
	p.timer.Reset(d)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.timer.C:
		return nil
	}
}

func (p *player) send(frame []byte) {
	if err := writeDatagram(p.conn, frame); err != nil {
		p.stats.Errors++
		return
	}
	p.stats.Frames++
	p.stats.Bytes += uint64(len(frame))
	if system, id, ok := origin(frame); ok {
		p.stats.BySystem[system]++
		p.stats.ByMessage[id]++
	}
}

// origin reads the sending system and the message id of a frame; the log
// reader vouches for its length.
func origin(f []byte) (system uint8, id uint32, ok bool) {
	switch {
	case len(f) >= 8 && f[0] == 0xFE: // MAVLink 1
		return f[3], uint32(f[5]), true
	case len(f) >= 12 && f[0] == 0xFD: // MAVLink 2
		return f[5], uint32(f[7]) | uint32(f[8])<<8 | uint32(f[9])<<16, true
	}
	return 0, 0, false
}

// Package watchdog tells the outside that the zone is supervised: a heartbeat
// file and datagrams, once a second, as long as the loops that judge and alert
// really move. That they stop is the message "supervision lost" (SAFETY 12): a
// program beside the server, or on another machine, watches for it.
//
// A beat is one line of text: "testzone <zone> <unix milliseconds> <pid> <state>",
// where state is ok, degraded, or stopped as the last word of an orderly stop. The
// file is replaced atomically. It is not synced to disk: after a power loss an
// older beat may be found, never half of one.
//
// Beat and Watch each own one goroutine, that of Run.
package watchdog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrNoBeat is returned when a text is not a beat.
	ErrNoBeat = errors.New("not a heartbeat of testzone")
	// ErrLost is returned by Watch when the beats stopped.
	ErrLost = errors.New("SUPERVISION LOST")
)

// The states of a beat.
const (
	OK       = "ok"
	Degraded = "degraded"
	Stopped  = "stopped"
)

// Beat is one sign of life.
type Beat struct {
	Zone  string // without spaces
	At    time.Time
	PID   int
	State string
}

// String is the line.
func (b Beat) String() string {
	return fmt.Sprintf("testzone %s %d %d %s\n", b.Zone, b.At.UnixMilli(), b.PID, b.State)
}

// Parse reads the line.
func Parse(line string) (Beat, error) {
	f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	if len(f) != 5 || f[0] != "testzone" || f[1] == "" || f[4] != OK && f[4] != Degraded && f[4] != Stopped {
		return Beat{}, ErrNoBeat
	}
	ms, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Beat{}, ErrNoBeat
	}
	pid, err := strconv.Atoi(f[3])
	if err != nil {
		return Beat{}, ErrNoBeat
	}
	return Beat{Zone: f[1], At: time.UnixMilli(ms), PID: pid, State: f[4]}, nil
}

// ReadFile is the newest beat of a file.
func ReadFile(path string) (Beat, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Beat{}, err
	}
	beat, err := Parse(string(b))
	if err != nil {
		return Beat{}, fmt.Errorf("%s: %w", path, err)
	}
	return beat, nil
}

// Config of a Heart.
type Config struct {
	Zone string
	File string   // empty: none
	UDP  []string // addresses that get each beat
	// Alive says why the zone is not supervised now; nil: it is. While it is not,
	// or does not answer, there is no beat.
	Alive func(ctx context.Context) error
	// Degraded says whether the state is degraded; default never.
	Degraded func() bool
	Every    time.Duration // default 1 s
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Heart beats.
type Heart struct {
	cfg   Config
	conns []net.Conn
	quiet bool // the last beat was withheld
}

// New makes a heart. It fails when an address cannot be resolved or the file
// cannot be written: a watchdog that silently does not work is worse than none.
func New(cfg Config) (*Heart, error) {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Degraded == nil {
		cfg.Degraded = func() bool { return false }
	}
	h := &Heart{cfg: cfg}
	for _, addr := range cfg.UDP {
		c, err := net.Dial("udp", addr)
		if err != nil {
			h.close()
			return nil, fmt.Errorf("watchdog address %s: %w", addr, err)
		}
		h.conns = append(h.conns, c)
	}
	if cfg.File != "" {
		if err := os.MkdirAll(filepath.Dir(cfg.File), 0o755); err != nil {
			h.close()
			return nil, fmt.Errorf("watchdog file: %w", err)
		}
	}
	return h, nil
}

func (h *Heart) close() {
	for _, c := range h.conns {
		_ = c.Close()
	}
}

// Run beats until ctx ends; its last word is then "stopped".
func (h *Heart) Run(ctx context.Context) error {
	defer h.close()
	tick := time.NewTicker(h.cfg.Every)
	defer tick.Stop()
	for {
		h.once(ctx)
		select {
		case <-ctx.Done():
			h.tell(Stopped)
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (h *Heart) once(ctx context.Context) {
	// Asked for at most one period: a beat that comes late is a beat that stopped.
	asked, cancel := context.WithTimeout(ctx, h.cfg.Every)
	err := h.cfg.Alive(asked)
	cancel()
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if !h.quiet {
			h.cfg.Logger.Error("supervision lost: no heartbeat is sent", "err", err)
		}
		h.quiet = true
		return
	}
	if h.quiet {
		h.cfg.Logger.Info("supervision is back: the heartbeat goes on")
		h.quiet = false
	}
	state := OK
	if h.cfg.Degraded() {
		state = Degraded
	}
	h.tell(state)
}

func (h *Heart) tell(state string) {
	line := []byte(Beat{Zone: h.cfg.Zone, At: h.cfg.Clock(), PID: os.Getpid(), State: state}.String())
	for _, c := range h.conns {
		_, _ = c.Write(line) // nobody there: the watcher knows
	}
	if h.cfg.File == "" {
		return
	}
	next := h.cfg.File + ".next"
	err := os.WriteFile(next, line, 0o644)
	if err == nil {
		err = os.Rename(next, h.cfg.File)
	}
	if err != nil {
		h.cfg.Logger.Error("heartbeat file not written", "file", h.cfg.File, "err", err)
	}
}

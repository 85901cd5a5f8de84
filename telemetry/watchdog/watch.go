package watchdog

import (
	"context"
	"fmt"
	"net"
	"time"
)

// maxBeat is more than a beat is long.
const maxBeat = 256

// WatchConfig says what to watch: a file or an address to listen at.
type WatchConfig struct {
	File  string
	UDP   string        // address to bind
	After time.Duration // without a beat for so long supervision is lost; default 5 s
	Every time.Duration // how often a file is read; default 500 ms
	// Bound tells the address that is listened at; may be nil.
	Bound func(net.Addr)
}

// Watch returns when supervision is lost, an ErrLost that says since when, or
// when ctx ends. An orderly stop of the server is a loss as well: nobody watches.
func Watch(ctx context.Context, cfg WatchConfig) error {
	if cfg.After <= 0 {
		cfg.After = 5 * time.Second
	}
	if cfg.Every <= 0 {
		cfg.Every = 500 * time.Millisecond
	}
	beats := make(chan Beat)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := func() error { return readFile(ctx, cfg, beats) }
	if cfg.UDP != "" {
		conn, err := net.ListenPacket("udp", cfg.UDP)
		if err != nil {
			return fmt.Errorf("watch %s: %w", cfg.UDP, err)
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		if cfg.Bound != nil {
			cfg.Bound(conn.LocalAddr())
		}
		read = func() error { return readUDP(ctx, conn, beats) }
	}
	failed := make(chan error, 1)
	go func() { failed <- read() }()
	return wait(ctx, cfg.After, beats, failed)
}

func wait(ctx context.Context, after time.Duration, beats <-chan Beat, failed <-chan error) error {
	late := time.NewTimer(after)
	defer late.Stop()
	var last Beat
	for {
		select {
		case b := <-beats:
			if b.State == Stopped {
				return fmt.Errorf("%w: the server of zone %s was stopped at %s", ErrLost, b.Zone, b.At.Format(time.RFC3339))
			}
			last = b
			late.Reset(after)
		case <-late.C:
			if last.Zone == "" {
				return fmt.Errorf("%w: no heartbeat within %v", ErrLost, after)
			}
			return fmt.Errorf("%w: the last heartbeat of zone %s was at %s, %v ago", ErrLost, last.Zone, last.At.Format(time.RFC3339), after)
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readFile tells each beat that is another one than the last. The file's own time
// counts for nothing: a beat of an hour ago is no sign of life.
func readFile(ctx context.Context, cfg WatchConfig, beats chan<- Beat) error {
	tick := time.NewTicker(cfg.Every)
	defer tick.Stop()
	first, err := ReadFile(cfg.File)
	last, known := first, err == nil
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		b, err := ReadFile(cfg.File)
		if err != nil || known && b == last {
			continue
		}
		last, known = b, true
		select {
		case beats <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func readUDP(ctx context.Context, conn net.PacketConn, beats chan<- Beat) error {
	buf := make([]byte, maxBeat)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		b, err := Parse(string(buf[:n]))
		if err != nil {
			continue
		}
		select {
		case beats <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

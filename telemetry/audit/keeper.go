package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"testzone/telemetry/journal"
)

// Source is the journal as the keeper needs it.
type Source interface {
	Follow(ctx context.Context, from uint64, apply func(journal.Record) error) error
	Append(ctx context.Context, batch ...journal.Entry) ([]uint64, error)
}

// Config of a Keeper. Journal, Group and Key are needed.
type Config struct {
	Journal Source
	Group   string
	Key     *Key
	File    string        // where the newest checkpoint is written as well; empty: nowhere
	Every   time.Duration // at most so long after an entry it is covered; default 10 s
	Entries int64         // or after so many; default 1,000
	Clock   func() time.Time
	Logger  *slog.Logger
}

// Keeper follows the journal into a Log and signs checkpoints.
type Keeper struct {
	cfg Config
	Log Log

	mu     sync.Mutex // guards the fields below
	newest string     // signed checkpoint
	owed   int64      // entries since the last checkpoint that are no checkpoints
	since  time.Time  // of the first of them
}

// NewKeeper makes a keeper.
func NewKeeper(cfg Config) (*Keeper, error) {
	if cfg.Journal == nil || cfg.Group == "" || cfg.Key == nil {
		return nil, errors.New("an audit needs a journal, its group and a key")
	}
	if cfg.Every <= 0 {
		cfg.Every = 10 * time.Second
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 1000
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Keeper{cfg: cfg}, nil
}

// Checkpoint is the newest signed checkpoint; "" before the first.
func (k *Keeper) Checkpoint() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.newest
}

// Key is the public key.
func (k *Keeper) Key() string { return k.cfg.Key.Verifier }

// Run follows the journal until ctx ends. A checkpoint is an entry itself and is
// covered by the next one; it does not ask for one.
func (k *Keeper) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	followed := make(chan error, 1)
	go func() { followed <- k.cfg.Journal.Follow(ctx, uint64(k.Log.Size())+1, k.Replay) }()
	tick := time.NewTicker(min(k.cfg.Every/4, time.Second))
	defer tick.Stop()
	for {
		select {
		case err := <-followed:
			return err
		case <-tick.C:
			if !k.due() {
				continue
			}
			if err := k.sign(ctx); err != nil && ctx.Err() == nil {
				k.cfg.Logger.Error("audit checkpoint not written to the journal or to its file; the next one comes with the next entry at the latest", "err", err)
			}
		}
	}
}

// Replay takes the next record in. Whoever reads the whole journal at the start may
// call it before Run, which goes on from there.
func (k *Keeper) Replay(rec journal.Record) error {
	if err := k.Log.Add(&rec); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if signed := checkpointOf(&rec); signed != "" {
		k.newest = signed
		// What came between its root and itself is still owed.
		if c, err := OpenCheckpoint(signed, ""); err == nil {
			k.owed = int64(rec.Seq) - 1 - c.Size
			k.since = k.cfg.Clock()
		}
		return nil
	}
	if k.owed == 0 {
		k.since = k.cfg.Clock()
	}
	k.owed++
	return nil
}

func (k *Keeper) due() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.owed >= k.cfg.Entries || k.owed > 0 && k.cfg.Clock().Sub(k.since) >= k.cfg.Every
}

// sign writes a checkpoint of what the log holds now.
func (k *Keeper) sign(ctx context.Context) error {
	size := k.Log.Size()
	root, err := k.Log.Root(size)
	if err != nil {
		return err
	}
	now := k.cfg.Clock()
	signed, err := k.cfg.Key.Sign(Checkpoint{Group: k.cfg.Group, Size: size, Root: root, At: now})
	if err != nil {
		return err
	}
	e, err := checkpointEntry(signed, now)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.owed, k.newest = 0, signed // so that it is not signed twice while it is on its way
	k.mu.Unlock()
	if _, err := k.cfg.Journal.Append(ctx, e); err != nil {
		k.mu.Lock()
		k.owed, k.since = k.owed+1, now
		k.mu.Unlock()
		return err
	}
	return k.export(signed)
}

// export writes the checkpoint to its file, whole or not at all.
func (k *Keeper) export(signed string) error {
	if k.cfg.File == "" {
		return nil
	}
	next := k.cfg.File + ".next"
	if err := os.MkdirAll(filepath.Dir(k.cfg.File), 0o755); err != nil {
		return fmt.Errorf("audit checkpoint file: %w", err)
	}
	if err := os.WriteFile(next, []byte(signed), 0o644); err != nil {
		return fmt.Errorf("audit checkpoint file: %w", err)
	}
	if err := os.Rename(next, k.cfg.File); err != nil {
		return fmt.Errorf("audit checkpoint file: %w", err)
	}
	return nil
}

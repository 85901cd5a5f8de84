package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"testzone/airspace/document"
	"testzone/telemetry"
	"testzone/web/auth"
)

// permitTick is how often the clock looks at permits: what they begin and end is in
// the loop a second later at most.
const permitTick = time.Second

// eraseTick is how often documents whose time is over are erased.
const eraseTick = time.Hour

// newDocuments opens the store of permits' documents, under a key of the key file.
func (s *server) newDocuments() (*document.Store, error) {
	key, err := auth.StoreKey(filepath.Join(s.cfg.DataDir, "secrets"), s.cfg.secretsKey(), "documents")
	if err != nil {
		return nil, err
	}
	return document.Open(document.Config{Dir: filepath.Join(s.cfg.DataDir, "documents"), Key: key})
}

// runPermits has permits begin and end, and their clocks warn, until ctx ends.
func (s *server) runPermits(ctx context.Context) error {
	tick := time.NewTicker(permitTick)
	defer tick.Stop()
	said, erased := "", time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_, err := s.register.TickPermits(ctx)
		err = errors.Join(err, s.lookOperating(ctx))
		if now := time.Now(); now.Sub(erased) >= eraseTick {
			_, late := s.register.EraseDocuments(ctx)
			err, erased = errors.Join(err, late), now
		}
		switch {
		case err == nil || ctx.Err() != nil:
			said = ""
		case err.Error() != said: // once, not every second
			said = err.Error()
			s.cfg.log.Error("permits do not follow the clock", "error", err)
		}
	}
}

// lookOperating follows who moves under what permit. It gives up on a shard that does
// not answer, and looks again.
func (s *server) lookOperating(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, freshSample)
	defer cancel()
	tracks, err := s.pipeline.Tracks(ctx, telemetry.WholeZone())
	if err != nil {
		return err
	}
	return s.operating.look(ctx, tracks, time.Now())
}

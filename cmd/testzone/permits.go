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

// newDocuments opens the store of permits' documents, under a key of the key file; nil:
// the zone keeps none.
func (s *server) newDocuments() (*document.Store, error) {
	if d := s.cfg.Permits.Documents; d != documentsOptional && d != documentsRequired {
		return nil, nil
	}
	dir := filepath.Join(s.cfg.DataDir, "documents")
	have, err := document.Any(dir)
	if err != nil {
		return nil, err
	}
	key, err := auth.StoreKey(filepath.Join(s.cfg.DataDir, "secrets"), s.cfg.secretsKey(), "documents", have)
	if err != nil {
		return nil, err
	}
	return document.Open(document.Config{Dir: dir, Key: key})
}

// sweepDocuments erases what a crash left between a file and its decision.
func (s *server) sweepDocuments() error {
	if s.documents == nil {
		return nil
	}
	n, err := s.documents.Sweep(s.register.DocumentThere)
	switch {
	case errors.Is(err, document.ErrManyUnnamed):
		s.cfg.log.Error("documents not swept", "error", err)
		return nil
	case n > 0:
		s.cfg.log.Warn("documents without a decision erased", "documents", n)
	}
	return err
}

// runPermits has permits and activities begin and end, and their clocks and those of
// incidents warn, until ctx ends.
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
		var err error
		if s.clockBehind() == 0 { // else schedules freeze (SAFETY 10): no clock is missed at a false time
			_, err = s.register.TickPermits(ctx)
			err = errors.Join(err, s.register.TickActivities(ctx), s.register.TickSupervision(ctx))
		}
		err = errors.Join(err, s.lookOperating(ctx))
		if now := time.Now(); now.Sub(erased) >= eraseTick && s.clockBehind() == 0 {
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
	// Activities first: the tracks are of before the fences that this look puts them under.
	return errors.Join(s.lookActivities(ctx, tracks), s.operating.look(ctx, tracks, time.Now()))
}

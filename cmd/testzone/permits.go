package main

import (
	"context"
	"errors"
	"time"

	"testzone/telemetry"
)

// permitTick is how often the clock looks at permits: what they begin and end is in
// the loop a second later at most.
const permitTick = time.Second

// runPermits has permits and activities begin and end, and their clocks warn, until ctx ends.
func (s *server) runPermits(ctx context.Context) error {
	tick := time.NewTicker(permitTick)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if s.clockBehind() == 0 { // else schedules freeze (SAFETY 10): no clock is missed at a false time
			_, err = s.register.TickPermits(ctx)
			err = errors.Join(err, s.register.TickActivities(ctx))
		}
		err = errors.Join(err, s.lookOperating(ctx))
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

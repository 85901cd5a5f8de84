package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/command/bulk"
	"testzone/vehicles"
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
	return s.operating.look(ctx, tracks, time.Now())
}

// ending is what is told to who moves under a permit that ends now.
func ending(permitID string, of []vehicles.VehicleID) bulk.Ending {
	return bulk.Ending{Vehicles: of, Reason: fmt.Sprintf("permit %s allows no more: end now", permitID), Text: "permit " + permitID}
}

// endNow has vehicles end whose permit was taken away so. Who cannot be ordered without
// a person is called about; it fails only when the zone cannot be asked who is there.
func (s *server) endNow(permitID string, of []vehicles.VehicleID) {
	ctx, cancel := context.WithTimeout(context.Background(), freshSample)
	defer cancel()
	b, ok, err := s.bulk.GiveEnd(ctx, ending(permitID, of))
	switch {
	case err != nil:
		s.cfg.log.Error("vehicles are not told to end: order them to a safe end", "permit", permitID, "vehicles", len(of), "error", err)
		for _, id := range of {
			if v := (orderFleet{s}).Identity(id); v != nil {
				s.orders.NeedCall(v, fmt.Sprintf("permit %s allows no more, and it could not be told to end now (%v): call its contact, or order it to a safe end", permitID, err))
			}
		}
	case ok:
		s.cfg.log.Warn("vehicles are told to end now", "permit", permitID, "order", b.ID, "ordered", b.Orders)
	}
}

// previewEnd is what who moves under a permit now would be told, if that ended now.
func (s *server) previewEnd(ctx context.Context, permitID string) (*bulk.Preview, error) {
	return s.bulk.PreviewEnd(ctx, ending(permitID, s.operating.movingUnder(permitID, time.Now())))
}

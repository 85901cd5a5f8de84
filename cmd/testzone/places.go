package main

import (
	"context"
	"time"
)

// placesTick is how often it is looked whether bookings are not used.
const placesTick = 5 * time.Second

// tendPlaces does what is due of bookings, until ctx ends.
func (s *server) tendPlaces(ctx context.Context) error {
	tick := time.NewTicker(placesTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := s.register.ReleaseNoShows(ctx); err != nil && ctx.Err() == nil {
			s.cfg.log.Warn("bookings that are not used were not released; tried again", "err", err)
		}
	}
}

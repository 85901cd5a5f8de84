package main

import (
	"context"
	"fmt"
	"time"

	"testzone/airspace"
	"testzone/airspace/rules"
	"testzone/geofence"
	"testzone/telemetry"
	"testzone/vehicles"
)

// placesTick is how often it is looked what is due of bookings and restrictions.
const placesTick = 5 * time.Second

// tendPlaces releases bookings that are not used, takes the fences of restrictions away
// that are over, and has those called who did not acknowledge one, until ctx ends.
func (s *server) tendPlaces(ctx context.Context) error {
	tick := time.NewTicker(placesTick)
	defer tick.Stop()
	called := map[string]calledFor{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := s.register.ReleaseNoShows(ctx); err != nil && ctx.Err() == nil {
			s.cfg.log.Warn("bookings that are not used were not released; tried again", "err", err)
		}
		if err := s.register.EndRestrictions(ctx); err != nil && ctx.Err() == nil {
			s.cfg.log.Warn("the end of a restriction was not noted; tried again", "err", err)
		}
		if err := s.callUnread(ctx, called); err != nil && ctx.Err() == nil {
			s.cfg.log.Warn("who has not acknowledged a restriction was not looked for; tried again", "err", err)
		}
	}
}

// calledFor is a vehicle whose contact has to be called.
type calledFor struct {
	vehicle *vehicles.Identity
	why     string
}

// callUnread has the contacts of moving vehicles called whose operator has not
// acknowledged a restriction that is for them, and ends the calls that are not needed
// any more. Whose operator has nothing under way stands on the board alone.
func (s *server) callUnread(ctx context.Context, called map[string]calledFor) error {
	need, err := s.unread(ctx)
	if err != nil {
		return err
	}
	s.callFor(called, need, telemetry.CallRestriction, "acknowledged, or the restriction is over")
	return nil
}

// callFor ends the calls of a source that are not needed any more, and begins those that are.
func (s *server) callFor(called, need map[string]calledFor, source telemetry.CallSource, over string) {
	now := time.Now().UnixMicro()
	for id, c := range called {
		if _, still := need[id]; !still {
			s.bus.Publish(now, &telemetry.Call{Vehicle: c.vehicle, Source: source, Cause: over})
			delete(called, id)
		}
	}
	for id, c := range need {
		if called[id].why != c.why {
			s.bus.Publish(now, &telemetry.Call{Vehicle: c.vehicle, Source: source, Began: true, Why: c.why})
			called[id] = c
		}
	}
}

// unread is whom to call, by vehicle.
func (s *server) unread(ctx context.Context) (map[string]calledFor, error) {
	need, now := map[string]calledFor{}, time.Now().UnixMicro()
	var overdue []airspace.Restriction
	for _, t := range s.register.Restrictions(false) {
		if len(t.Unacknowledged(now)) > 0 {
			overdue = append(overdue, t)
		}
	}
	if len(overdue) == 0 {
		return need, nil
	}
	tracks, err := s.pipeline.Tracks(ctx, telemetry.WholeZone())
	if err != nil {
		return need, err
	}
	for _, t := range overdue {
		f, err := s.register.Fence(t.Fence)
		if err != nil || f.Compiled() == nil {
			continue // it ended meanwhile
		}
		late := map[string]bool{}
		for _, n := range t.Unacknowledged(now) {
			late[n.Org] = true
		}
		for i := range tracks {
			v := tracks[i].Vehicle
			subject := geofence.Subject{Class: v.Class, Operator: v.Operator, Vehicle: v.ID, Verified: v.Verified}
			if v.Verified && late[v.Operator] && !telemetry.AtRest(&tracks[i].Track) && f.Compiled().AppliesTo(&subject) {
				need[string(v.ID)] = calledFor{v, fmt.Sprintf("%s has not acknowledged the restriction %q, in force from %s to %s: tell its pilot, then acknowledge it for them",
					v.Operator, t.Name, time.UnixMicro(t.FromUS).UTC().Format("15:04"), time.UnixMicro(t.ToUS).UTC().Format("2 Jan 15:04 MST"))}
			}
		}
	}
	return need, nil
}

// restricted is why a vehicle may not start where it is: a temporary restriction.
func (s *server) restricted(ctx context.Context, h vehicles.Handle) string {
	t, ok, err := s.pipeline.Track(ctx, telemetry.WholeZone(), h)
	switch {
	case err != nil:
		return "server busy, ask again"
	case !ok || !t.HasFix():
		return "" // of which no fence is enforced: refused before
	}
	subject := geofence.Subject{Class: t.Vehicle.Class, Operator: t.Vehicle.Operator, Vehicle: t.Vehicle.ID, Verified: t.Vehicle.Verified}
	if name := s.register.RestrictedAt(&subject, t.Fix); name != "" {
		return "restricted: " + name
	}
	return ""
}

// noticeDue is by when something that begins at a moment has to be published, by the
// rule pack that holds then; 0: none says.
func (s *server) noticeDue(clock string, fromUS int64) (dueUS int64, pack string) {
	set, err := rules.Load(rules.Packs())
	if err != nil {
		s.cfg.log.Error("rule packs cannot be read", "err", err)
		return 0, ""
	}
	at := time.UnixMicro(fromUS)
	if loc, err := time.LoadLocation(s.cfg.Zone.TZ); err == nil {
		at = at.In(loc)
	}
	p, err := set.At(rules.DateOf(at), s.cfg.Zone.Place)
	if err != nil {
		return 0, ""
	}
	due, err := p.Deadline(clock, at, p.Calendar)
	if err != nil {
		return 0, ""
	}
	return due.At.UnixMicro(), p.Key()
}

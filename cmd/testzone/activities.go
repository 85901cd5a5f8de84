package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/geofence"
	"testzone/telemetry"
	"testzone/vehicles"
)

// The values of permits.activities.
const (
	activitiesOptional = "optional"
	activitiesRequired = "required"
)

// notEnforced is why a vehicle could not be held to its permit if it began to move now
// (SAFETY 9): whoever activates an activity is told.
func (s *server) notEnforced(ctx context.Context, id vehicles.VehicleID, permitID string) []string {
	ctx, cancel := context.WithTimeout(ctx, freshSample)
	defer cancel()
	h, ok := s.registry.Lookup(id)
	if !ok {
		return []string{"not connected"}
	}
	why, err := s.pipeline.Unready(ctx, h)
	if err != nil {
		return []string{"the server is busy: ask again"}
	}
	for i := range why {
		why[i] = strings.ReplaceAll(why[i], "_", " ")
	}
	if !s.operating.has(id, permitID, time.Now()) {
		why = append(why, "the loop does not have the permit yet: ask again")
	}
	if s.cfg.Arming.Fence {
		if lacks := s.plans.FenceLacking(id); lacks != "" {
			why = append(why, lacks)
		}
	}
	for _, place := range []string{s.restricted(ctx, h), s.inTheWay(ctx, h)} {
		if place != "" && !slices.Contains(why, place) {
			why = append(why, place)
		}
	}
	return why
}

// has reports whether the loop knows a permit that allows a vehicle to move now.
func (o *operating) has(id vehicles.VehicleID, permitID string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read()
	g := o.grant(id, permitID)
	return g != nil && g.Allows(id, now)
}

// active is the grant of the activity under which a vehicle may move now; nil: there
// is none. Called with o.mu held.
func (o *operating) active(id vehicles.VehicleID, now time.Time) *permit.Grant {
	if o.activity == nil {
		return nil
	}
	g := o.grant(id, o.activity(id, now))
	if g == nil || !g.Allows(id, now) || !openNow(g, now) {
		return nil
	}
	return g
}

// lacksActivity reports whether a vehicle needs an activity and has none that is
// activated. Called with o.mu held.
func (o *operating) lacksActivity(id vehicles.VehicleID, class vehicles.Class, now time.Time) bool {
	return o.activities && o.needs(class) && o.activity(id, now) == ""
}

// judged reports whether the loop holds a vehicle to the fences of a permit since the
// last look.
func (o *operating) judged(id vehicles.VehicleID, permitID string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.of[id]
	return v != nil && v.inLoop == permitID
}

// lookActivities tells the register what the loop sees of the activities that run.
func (s *server) lookActivities(ctx context.Context, tracks []telemetry.TrackView) (err error) {
	running := s.register.RunningActivities()
	if len(running) == 0 {
		return nil
	}
	of := make(map[vehicles.VehicleID]*telemetry.TrackView, len(tracks))
	for i := range tracks {
		t := &tracks[i]
		if had := of[t.Vehicle.ID]; t.Vehicle.Verified && !t.Traffic && (had == nil || had.Handle < t.Handle) {
			of[t.Vehicle.ID] = t
		}
	}
	for i := range running {
		x := &running[i]
		err = errors.Join(err, s.register.ObserveActivity(ctx, x.ID, seenOf(x, of, s.enrolled.moves, s.operating.judged)))
	}
	return err
}

// seenOf is what the tracks say of the vehicles of an activity. Of one that is not
// heard nothing is known, least of all that it is at rest; and one that was outside
// has come back when the loop, which judges it by its permit, saw it inside.
func seenOf(x *activity.Activity, of map[vehicles.VehicleID]*telemetry.TrackView, moves func(string) bool, judged func(vehicles.VehicleID, string) bool) activity.Seen {
	seen := activity.Seen{AtRest: true}
	for _, id := range slices.Sorted(slices.Values(x.Vehicles)) {
		t, moving := of[id], moves(string(id))
		heard := t != nil && t.Link < vehicles.LinkLost
		switch {
		case t != nil && !heard && moving:
			seen.Lost = append(seen.Lost, id)
		case heard && moving && t.Phase() == vehicles.PhaseEmergency:
			seen.Distress = append(seen.Distress, id)
		}
		if !heard || moving {
			seen.AtRest = false
		}
		outside := slices.Contains(x.Outside, id)
		if heard && judged(id, x.Permit) {
			outside = slices.ContainsFunc(t.Breaches, func(f *geofence.Compiled) bool { return bounds(x, &f.Fence) })
		}
		if outside {
			seen.Outside = append(seen.Outside, id)
		}
	}
	return seen
}

// bounds reports whether a fence is an edge of an activity: its own, or its permit's.
func bounds(x *activity.Activity, f *geofence.Fence) bool {
	if f.Kind != geofence.KeepIn {
		return false
	}
	o := f.Origin
	return o.Kind == airspace.ActivityOrigin && o.ID == x.ID || o.Kind == airspace.PermitOrigin && o.ID == x.Permit
}

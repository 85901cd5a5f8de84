package main

import (
	"context"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/priority"
	"testzone/vehicles"
	"testzone/web"
)

// newPriority watches who is in the way of priority traffic.
func (s *server) newPriority() (err error) {
	s.priority, err = priority.New(priority.Config{
		Tracks: func(ctx context.Context) ([]telemetry.TrackView, error) {
			return s.pipeline.Tracks(ctx, telemetry.WholeZone())
		},
		Traffic: func() []telemetry.TrafficView { return s.traffic.Tracks(telemetry.WholeZone()) },
		Bus:     s.bus, Engine: s.engine,
		Keepouts: func() (out []priority.Keepout) {
			for _, p := range s.register.Priorities(false) {
				out = append(out, web.KeepoutOf(&p))
			}
			return out
		},
	})
	return err
}

// inTheWay is why a vehicle may not start where it is: priority traffic is there or
// comes over it, or nobody knows where the vehicle is while there is any. Empty: it may.
func (s *server) inTheWay(ctx context.Context, h vehicles.Handle) (why string) {
	if len(s.register.Priorities(false)) == 0 {
		return ""
	}
	t, ok, err := s.pipeline.Track(ctx, telemetry.WholeZone(), h)
	switch {
	case err != nil:
		return "server busy, ask again"
	case !ok || !t.HasFix():
		return "no position"
	}
	if name, is := s.priority.InTheWay(t.Vehicle.Class, t.Fix.Point); is {
		return "priority traffic: " + name
	}
	return ""
}

// priorityHealth says when a restart would end priority traffic.
func (s *server) priorityHealth(add func(code, format string, args ...any)) {
	for _, p := range s.register.Priorities(false) {
		switch {
		case p.Err != nil:
			add("priority_not_durable", "Priority traffic %q is in force, but the journal refused it (%v): a restart ends it. Mend the disk, and change it once more.", p.Name, p.Err)
		case p.Provisional && time.Since(time.UnixMicro(p.UpdatedUS)) > waitsAfter:
			add("priority_not_durable", "Priority traffic %q is in force, but the journal does not have it yet: a restart ends it. Check the disk.", p.Name)
		}
	}
	if late := s.priority.Late(); late > 0 {
		add("priority_not_watched", "Nobody has looked for %s who is in the way of priority traffic. Restart the server, and keep the way clear by hand.", late.Round(time.Second))
	}
}

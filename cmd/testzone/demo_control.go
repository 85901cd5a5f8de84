package main

import (
	"context"
	"time"

	"testzone/telemetry/command"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/sim"
)

// demoHold is how long the demo's controller leaves what enforcement holds where it is.
const demoHold = 30 * time.Second

// resumeHeld is the demo's controller: it lets a vehicle go on that enforcement has held
// for a while at the demo's own fence, unless somebody else has taken it over, so that
// the demo goes on. What other fences hold is left to people.
func (f *demoFleet) resumeHeld(ctx context.Context) error {
	own := ""
	for _, d := range sim.DemoFences() {
		if d.ID == sim.FenceHospital {
			own = d.Name
		}
	}
	by := command.By{Actor: demoController().ID, Person: demoController().ID, Zone: true}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		before := time.Now().Add(-demoHold).UnixMicro()
		for _, l := range f.server.ladders.Ladders(func(l *ladder.Ladder) bool {
			return l.State == ladder.InEffect && l.Decision == nil && l.Fence.Name == own
		}) {
			held, _, lease := f.server.orders.Now(l.Vehicle)
			if held.Person != command.Enforcement || held.EffectUS > before || lease.Holder != command.Enforcement {
				continue
			}
			_, err := f.server.orders.Ask(ctx, command.Request{
				Vehicle: l.Vehicle, Kind: command.Resume, By: by, TakeOver: true, Ends: held.ID, Reason: "the demo's controller lets it go on",
			})
			if err == nil {
				err = f.server.orders.GiveUpLease(ctx, l.Vehicle, by)
			}
			if err != nil && ctx.Err() == nil {
				f.server.cfg.log.Warn("the demo's controller could not let a vehicle go on", "vehicle", l.Vehicle, "err", err)
			}
		}
	}
}

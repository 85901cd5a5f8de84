package main

import (
	"fmt"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// orderWays judges ways by the fences in force, as the engine judges who flies them.
type orderWays struct{ engine *geofence.Engine }

// wayUS is the time of the way for the engine: long enough that none is a jump.
const wayUS = 3_600_000_000

// Blocked is command.Ways'. A way out of a fence that the vehicle is in is free.
func (w orderWays) Blocked(v *vehicles.Identity, from, to geo.Fix) string {
	const h = vehicles.Handle(1)
	shard := w.engine.NewShard()
	shard.Admit(h, geofence.Subject{Class: v.Class, Operator: v.Operator, Vehicle: v.ID, Verified: v.Verified})
	sample := func(at geo.Fix, us int64) *geofence.Sample {
		return &geofence.Sample{Fix: at, ReceivedUS: us, VelocityUnknown: true}
	}
	shard.Step(h, sample(from, wayUS), nil)
	for _, t := range shard.Step(h, sample(to, 2*wayUS), nil) {
		if e := t.Effect(); e == geofence.BreachBegins || e == geofence.BreachPassed {
			return fmt.Sprintf("on the way fence %q (%s) would be breached", t.Fence.Fence.Name, t.Fence.Fence.ID)
		}
	}
	for _, c := range shard.Breaches(h, nil) {
		if c.Fence.Kind != geofence.SpeedLimit {
			return fmt.Sprintf("there fence %q (%s) is breached", c.Fence.Name, c.Fence.ID)
		}
	}
	return ""
}

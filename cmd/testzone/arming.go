package main

import (
	"context"
	"strings"
	"time"

	"testzone/telemetry"
	"testzone/telemetry/audit"
	"testzone/telemetry/mavlink/dialogue"
	"testzone/vehicles"
)

// armingConfig is what a vehicle needs besides to arm.
type armingConfig struct {
	// Fence asks for the zone's fences on board, read back and accepted to act by.
	// Off by default: not every autopilot carries fences.
	Fence bool `yaml:"onboard_fence"`
}

// mayArm answers a vehicle that proved who it is and asks whether it may arm: by
// what was decided, and by whether the fences could be enforced for it (SAFETY 9).
func (s *server) mayArm(ctx context.Context, h vehicles.Handle, v vehicles.VehicleID) dialogue.ArmVerdict {
	ok, reason := s.register.MayStart(string(v))
	// Where a vehicle is that never said so no fence is enforced: refused below.
	if t, known, err := s.pipeline.Track(ctx, telemetry.WholeZone(), h); ok && err == nil && known && t.HasFix() {
		ok, reason = s.register.MayStartAt(string(v), t.Fix.Point)
	}
	if !ok {
		return dialogue.ArmVerdict{Reason: reason}
	}
	if id := s.registry.Identity(h); id != nil {
		if why := s.operating.mayStart(v, id.Class, time.Now()); why != "" {
			return dialogue.ArmVerdict{Reason: why}
		}
	}
	why, err := s.pipeline.Unready(ctx, h)
	switch {
	case err != nil:
		return dialogue.ArmVerdict{Reason: "server busy, ask again"}
	case len(why) > 0:
		return dialogue.ArmVerdict{Reason: strings.ReplaceAll(strings.Join(why, ", "), "_", " ")}
	}
	if s.cfg.Arming.Fence {
		if why := s.plans.FenceLacking(v); why != "" {
			return dialogue.ArmVerdict{Reason: why}
		}
	}
	if why := s.restricted(ctx, h); why != "" {
		return dialogue.ArmVerdict{Reason: why}
	}
	if why := s.inTheWay(ctx, h); why != "" {
		return dialogue.ArmVerdict{Reason: why}
	}
	return dialogue.ArmVerdict{Granted: true}
}

// armAnswered writes down what a vehicle was answered.
func (s *server) armAnswered(v vehicles.VehicleID, verdict dialogue.ArmVerdict) {
	act := audit.Act{Type: audit.ArmGranted, What: "arm", Object: "vehicle:" + string(v)}
	if !verdict.Granted {
		act.Type, act.Outcome = audit.ArmDenied, verdict.Reason
	}
	s.acts.Record(act)
}

package main

import (
	"time"

	"testzone/telemetry"
	"testzone/telemetry/command/ladder"
	"testzone/telemetry/mavlink"
	"testzone/vehicles"
)

// enforcementConfig is what the server may do about breaches by itself.
type enforcementConfig struct {
	Mode string `yaml:"mode"` // act (default): order what the response of a fence asks; advise: say it only; off
}

func (c *enforcementConfig) check(bad func(format string, args ...any)) {
	switch ladder.Mode(c.Mode) {
	case "", ladder.Act, ladder.Advise, ladder.Off:
	default:
		bad("enforcement.mode %q: use act, advise or off", c.Mode)
	}
}

func (s *server) newEnforcement() (err error) {
	s.ladders, err = ladder.New(ladder.Config{
		Orders: s.orders, Fleet: orderFleet{s}, Bus: s.bus, Journal: s.journal, Mode: ladder.Mode(s.cfg.Enforcement.Mode), Unfit: s.unfit,
	})
	return err
}

// ByHand is ladder.Fleet's.
func (f orderFleet) ByHand(v *vehicles.Identity, mode uint32) bool {
	return mavlink.ByHand(v.Source.MAVType, v.Source.Autopilot, mode)
}

// clockBehind is how far this machine's clock is behind the newest entry that the
// journal had at the start; 0 when it is less than a second.
func (s *server) clockBehind() time.Duration {
	if behind := time.Duration(s.newestUS-time.Now().UnixMicro()) * time.Microsecond; behind > time.Second {
		return behind
	}
	return 0
}

// unfit is why no automatic order may leave (SAFETY 10); empty: none.
func (s *server) unfit() string {
	if s.clockBehind() > 0 {
		return "this machine's clock is behind the newest journal entry: set it, then restart"
	}
	return ""
}

// unsure is why no order may leave to a vehicle that nobody gives by hand (SAFETY 8,
// 10, 13); empty: none.
func (s *server) unsure(t *telemetry.TrackView) string {
	if why := s.unfit(); why != "" {
		return why
	}
	return s.ladders.Unsure(t)
}

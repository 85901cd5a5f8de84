package telemetry

import (
	"context"
	"fmt"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const (
	// staleFixUS is the age from which a position is no ground to judge a vehicle on.
	staleFixUS = 5_000_000
	// enforcedLooks is how many looks in a row, one a second, must find the same
	// before an alert begins or ends.
	enforcedLooks = 3
)

// Unenforced says that the fences are no longer enforced for an armed vehicle
// that could be ordered something, or that they are again (SAFETY 9).
type Unenforced struct {
	Vehicle *vehicles.Identity
	Began   bool
	Cause   string // why it ended
	Grounds Grounds
	Why     Lack
	Fix     *FixEvidence // nil: no position yet
}

func (*Unenforced) event() {}

// watchEnforcement looks once a second at the vehicles with an authenticated
// source. An unverified one is marked as such all the time. What holds of a
// vehicle whose link is lost goes on to hold: that has an alert of its own.
func (s *shard) watchEnforcement() {
	for _, v := range s.all {
		if !v.id.Verified || v.track.Link == vehicles.LinkLost {
			continue
		}
		why := s.unenforced(v)
		if (why != 0) == v.unenforced {
			v.looksOther = 0
			continue
		}
		if v.looksOther++; v.looksOther < enforcedLooks {
			continue
		}
		v.unenforced, v.looksOther = !v.unenforced, 0
		u := &Unenforced{Vehicle: v.id, Began: v.unenforced, Cause: causeEnforced, Grounds: s.grounds(v, 0), Why: why}
		if !v.track.Armed {
			u.Cause = causeDisarmed
		}
		if v.track.HasFix() {
			u.Fix = NewFixEvidence(&v.track.Fix)
		}
		s.p.cfg.Bus.Publish(s.p.cfg.Clock().UnixMicro(), u)
	}
}

// unenforced is why the fences of a vehicle cannot be enforced now; 0 when they
// can, or when it is disarmed.
func (s *shard) unenforced(v *owned) (why Lack) {
	if !v.track.Armed {
		return 0
	}
	return s.blind(v)
}

// blind is why the fences of a vehicle cannot be enforced now, or could not if it
// started.
func (s *shard) blind(v *owned) (why Lack) {
	g := s.grounds(v, 0)
	g.AltitudeUnknown = s.fences.HeightLacking(v.id.Handle)
	why = g.Lacks(v.id.Class) & (LacksOrder | LacksKnownQuality | LacksGoodQuality | LacksAltitude | LacksSignal)
	if !v.track.HasFix() || g.AgeUS > staleFixUS {
		why |= LacksFreshness
	}
	return why
}

// Unready is why the fences could not be enforced for a vehicle if it started now,
// in the words of the API; empty when they could.
func (p *Pipeline) Unready(ctx context.Context, h vehicles.Handle) ([]string, error) {
	got := make(chan []string, 1)
	p.of(h).in.do(func(s *shard) {
		k := uint32(h) / s.p.shardCount()
		if k >= uint32(len(s.byNum)) || s.byNum[k] == nil {
			got <- []string{"no_position"}
			return
		}
		v := s.byNum[k]
		why := s.blind(v).Names()
		if !v.id.Verified {
			why = append(why, LacksIdentity.Names()...)
		}
		if v.track.Link == vehicles.LinkLost {
			why = append(why, vehicles.PhaseLinkLost.String())
		}
		got <- why
	})
	select {
	case why := <-got:
		return why, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("whether a vehicle could start: %w", ctx.Err())
	}
}

func (b *Book) takeUnenforced(u *Unenforced, nowUS int64) {
	b.change(alertKey{typ: NotEnforced, vehicle: u.Vehicle.ID}, condition{
		begins: u.Began, ends: !u.Began, id: u.Vehicle, level: Warning, timeUS: nowUS, cause: u.Cause,
		fill: func(a *Alert) {
			a.Evidence = &Evidence{After: u.Fix, Datum: geo.NoDatum.String(), ReceivedUS: nowUS}
			a.Evidence.rest(&u.Grounds, u.Vehicle.Class)
			a.Evidence.Lacks = u.Why.Names()
		},
	})
}

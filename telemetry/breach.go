package telemetry

import (
	"math"
	"slices"
	"strings"

	"testzone/geofence"
	"testzone/vehicles"
)

// breach is a breach of one vehicle as the alerts see it. It begins with the raw
// transition. It ends only when the vehicle complies by more than the accuracy
// of its position, or for many fixes in a row: a vehicle that stands on an edge
// flickers, and the condition that people deal with does not.
type breach struct {
	fence     *geofence.Compiled
	inside    uint32 // plausible fixes in it since the last raw beginning
	outside   uint32 // plausible fixes since the last raw end, while ending
	ending    bool   // by the raw transitions it has ended
	confirmed bool
}

// settledFixes is how many plausible fixes in a row end a condition although it
// may be there still by the accuracy of the position: 2 s at 10 Hz. Boats
// report more slowly.
func settledFixes(class vehicles.Class) uint32 {
	if class == vehicles.USV {
		return 10
	}
	return 20
}

// Settled says that a condition of which the raw transitions were held back
// from the alerts is over.
type Settled struct {
	Vehicle *vehicles.Identity
	Type    AlertType
	Fence   string // its id; empty: of no fence
	Cause   string
}

// Confirmed says, once in a breach and again after each loss of the link, that the
// grounds now suffice for an automatic order.
type Confirmed struct {
	Vehicle *vehicles.Identity
	Fence   *geofence.Compiled
	Grounds Grounds
}

func (*Settled) event()   {}
func (*Confirmed) event() {}

// Why conditions ended.
const (
	causeComplied  = "complied"
	causePlausible = "plausible_again"
	causeEnforced  = "enforced_again"
	causeDisarmed  = "disarmed"

	causeFenceChanged = "fence_changed"
	causeOtherReason  = "another_reason"
)

// hold says whether a transition is kept from the alerts: it is the end of a
// breach that may not be one, or the breach once more. A first beginning never is.
func (s *shard) hold(v *owned, t *geofence.Transition) bool {
	effect := t.Effect()
	if effect == geofence.NoEffect {
		return false
	}
	i, open := v.breachOf(t.Fence)
	if open && breachType(v.breaches[i].fence) != breachType(t.Fence) {
		s.end(v, i, t.ReceivedUS, causeFenceChanged) // under its id is now another condition
		open = false
	}
	switch {
	case !open:
		if effect == geofence.BreachBegins {
			v.breaches = slices.Insert(v.breaches, i, breach{fence: t.Fence})
		}
		return false
	case effect == geofence.BreachBegins:
		b := &v.breaches[i]
		b.fence, b.ending, b.inside = t.Fence, false, 0
		return true
	case effect == geofence.BreachPassed:
		v.breaches[i].outside = 0
		return true
	case t.Kind == geofence.Ended, t.Flags&geofence.FenceChanged != 0, s.isOver(v, &v.breaches[i]):
		v.breaches = slices.Delete(v.breaches, i, i+1)
		return false
	}
	v.breaches[i].ending, v.breaches[i].outside = true, 0
	return true
}

// breachOf finds the open breach of a fence, or where it belongs.
func (v *owned) breachOf(c *geofence.Compiled) (i int, open bool) {
	return slices.BinarySearchFunc(v.breaches, c.Fence.ID, func(b breach, id string) int { return strings.Compare(b.fence.Fence.ID, id) })
}

// isOver reports whether the vehicle, after a plausible fix, is out of a breach
// by more than the accuracy of its position.
func (s *shard) isOver(v *owned, b *breach) bool {
	if v.run == 0 {
		return false
	}
	h, up := v.track.Accuracy(v.track.FixUS)
	return s.fences.IsClear(v.id.Handle, b.fence, geofence.Accuracy{HorizontalM: float64(h) / 1000, VerticalM: float64(up) / 1000})
}

// settle takes a fix into the open breaches of a vehicle. Does not allocate but
// for what it tells.
func (s *shard) settle(v *owned) {
	if v.run == 0 {
		return // not a plausible one
	}
	for i := len(v.breaches) - 1; i >= 0; i-- { // backwards: an entry may be taken out
		b := &v.breaches[i]
		switch {
		case b.ending:
			if b.outside++; min(v.run, b.outside) < settledFixes(v.id.Class) && !s.isOver(v, b) {
				continue
			}
			s.end(v, i, v.track.FixUS, causeComplied)
		case !b.confirmed:
			if b.inside++; b.inside >= orderFixes(v.id.Class) {
				s.confirm(v, b)
			}
		}
	}
}

// end tells the end of a breach that was held back, and forgets it.
func (s *shard) end(v *owned, i int, timeUS int64, cause string) {
	c := v.breaches[i].fence
	v.breaches = slices.Delete(v.breaches, i, i+1)
	s.p.cfg.Bus.Publish(timeUS, &Settled{Vehicle: v.id, Type: breachType(c), Fence: c.Fence.ID, Cause: cause})
}

// endGone ends the breaches whose end was held back when their fence asks nothing
// of the vehicle any more: it may never send another fix.
func (s *shard) endGone(v *owned, nowUS int64) {
	however := geofence.Accuracy{HorizontalM: math.Inf(1), VerticalM: math.Inf(1)}
	for i := len(v.breaches) - 1; i >= 0; i-- {
		if b := &v.breaches[i]; b.ending && s.fences.IsClear(v.id.Handle, b.fence, however) {
			s.end(v, i, nowUS, causeFenceChanged)
		}
	}
}

// confirm tells when the grounds of a breach have become sufficient.
func (s *shard) confirm(v *owned, b *breach) {
	if !v.id.Verified {
		return // never sufficient
	}
	g := s.grounds(v, 0)
	g.Fixes = min(v.run, b.inside)
	b.fence = s.fences.Current(v.id.Handle, b.fence) // it may have been revised around the vehicle
	g.AltitudeUnknown = !b.fence.HeightKnown(v.id.Class, &v.track.Fix)
	if g.Lacks(v.id.Class) != 0 {
		return
	}
	b.confirmed = true
	s.p.cfg.Bus.Publish(v.track.FixUS, &Confirmed{Vehicle: v.id, Fence: b.fence, Grounds: g})
}

// unconfirm has the breaches of a vehicle confirmed anew: what was known before its
// link was lost says nothing of now (SAFETY 4).
func (v *owned) unconfirm() {
	for i := range v.breaches {
		v.breaches[i].confirmed, v.breaches[i].inside = false, 0
	}
}

// breachType is the type of the alert of a breach.
func breachType(c *geofence.Compiled) AlertType {
	if c.Fence.Kind == geofence.SpeedLimit {
		return OverSpeed
	}
	return FenceBreach
}

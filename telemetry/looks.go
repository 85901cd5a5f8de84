package telemetry

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// EnforcementLook is what one look at a vehicle found: whether its fences could be
// judged and acted on, or could if it started (SAFETY 9).
type EnforcementLook struct {
	Vehicle  *vehicles.Identity
	Armed    bool
	LinkLost bool
	Why      Lack // of an unverified one LacksIdentity too
	HasFix   bool
	At       geo.Point // the last position, if HasFix
}

// Enforced reports whether nothing was lacking.
func (l *EnforcementLook) Enforced() bool { return l.Why == 0 && !l.LinkLost }

// Reasons are why it is not enforced, in the words of the API.
func (l *EnforcementLook) Reasons() []string {
	out := l.Why.Names()
	if l.LinkLost {
		out = append(out, vehicles.PhaseLinkLost.String())
	}
	return out
}

// tellLooks hands what a look at every vehicle finds to whoever counts it.
func (s *shard) tellLooks() {
	if s.p.cfg.Looked == nil {
		return
	}
	s.found = s.found[:0]
	for _, v := range s.all {
		if v.id.Class.Traffic() {
			continue
		}
		l := EnforcementLook{
			Vehicle: v.id, Armed: v.track.Armed, LinkLost: v.track.Link == vehicles.LinkLost, Why: s.blind(v),
			HasFix: v.track.HasFix(), At: v.track.Fix.Point,
		}
		if !v.id.Verified {
			l.Why |= LacksIdentity
		}
		s.found = append(s.found, l)
	}
	s.p.cfg.Looked(s.p.steady(), s.found)
}

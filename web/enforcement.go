package web

import (
	"cmp"
	"slices"

	"testzone/telemetry"
)

// maxUnenforced is how many fences that are not enforced a track names; it
// counts them all.
const maxUnenforced = 50

// EnforcementByFence says of each fence in force that applies to a vehicle whether
// it is enforced (SAFETY 9).
type EnforcementByFence struct {
	Apply       int               `json:"apply" doc:"Fences in force that apply to the vehicle"`
	Enforced    int               `json:"enforced" doc:"Of these, those that can be judged and acted on"`
	NotEnforced []UnenforcedFence `json:"not_enforced" doc:"The others, by name; at most 50"`
}

// UnenforcedFence is a fence that is not enforced for a vehicle.
type UnenforcedFence struct {
	FenceID   string   `json:"fence_id"`
	FenceName string   `json:"fence_name"`
	Reasons   []string `json:"reasons" enum:"unverified,no_position,stale,link_lost,altitude_unknown,out_of_order,quality_unknown,estimator_bad,gnss_interference"`
}

const altitudeUnknown = "altitude_unknown"

// byFence says it fence by fence: what the vehicle lacks concerns each of them,
// an unknown height only those whose band asks for it.
func (j *judgement) byFence(v *telemetry.TrackView, reasons []string) *EnforcementByFence {
	out := &EnforcementByFence{NotEnforced: []UnenforcedFence{}}
	of := slices.DeleteFunc(slices.Clone(reasons), func(r string) bool { return r == altitudeUnknown })
	subject := subjectOf(v.Vehicle)
	for _, c := range j.fences {
		if !c.AppliesTo(&subject) {
			continue
		}
		out.Apply++
		why := of
		if v.HasFix() && !c.HeightKnown(v.Vehicle.Class, &v.Track.Fix) {
			why = append(slices.Clone(of), altitudeUnknown)
		}
		if len(why) == 0 {
			out.Enforced++
			continue
		}
		out.NotEnforced = append(out.NotEnforced, UnenforcedFence{FenceID: c.Fence.ID, FenceName: c.Fence.Name, Reasons: why})
	}
	slices.SortFunc(out.NotEnforced, func(a, b UnenforcedFence) int {
		return cmp.Or(cmp.Compare(len(b.Reasons), len(a.Reasons)), cmp.Compare(a.FenceName, b.FenceName), cmp.Compare(a.FenceID, b.FenceID))
	})
	out.NotEnforced = out.NotEnforced[:min(len(out.NotEnforced), maxUnenforced)]
	return out
}

// split counts the vehicles for which a fence is not enforced, and keeps those
// that are asked for: "true", "false", or all.
func (j *judgement) split(all []telemetry.TrackView, enforced string) (kept []telemetry.TrackView, not int) {
	kept = all[:0]
	for i := range all {
		is := j.enforcement(&all[i]).Enforced
		if !is {
			not++
		}
		if enforced == "" || (enforced == "true") == is {
			kept = append(kept, all[i])
		}
	}
	return kept, not
}

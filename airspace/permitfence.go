package airspace

import (
	"errors"
	"fmt"
	"slices"

	"testzone/airspace/permit"
	"testzone/geofence"
)

// PermitOrigin is the origin of a fence that a permit made: no person edits it.
const PermitOrigin = "permit"

// grantFences are the fences that a grant makes for exactly its vehicles while they
// operate under it: while it is effective a keep-in for each of its areas, of which
// to be in one is enough, and where it sets a speed, that limit. Once it is suspended
// or ending there is no keep-in any more, so that the way home is no breach (SAFETY 1,
// 16). An area binds in its windows only.
func grantFences(g *permit.Grant) (set []*geofence.Compiled, err error) {
	if g.State == permit.GrantEnded || len(g.Vehicles) == 0 {
		return nil, nil // an empty list would mean all vehicles
	}
	group := ""
	if len(g.Areas) > 1 { // each movement is compared with every group in force: one area needs none
		group = permit.Of(g.Permit)
	}
	for i := range g.Areas {
		a := &g.Areas[i]
		f := geofence.Fence{
			ID: fmt.Sprintf("permit-%s-%d", g.Permit, i), Name: "permit " + g.Permit, Kind: geofence.KeepIn,
			Shape: a.Shape, Floor: a.Floor, Ceiling: a.Ceiling, Schedule: a.Schedule,
			Vehicles: g.Vehicles, Permits: []string{g.Permit}, Group: group,
			Response: geofence.Warn, Origin: geofence.Origin{Kind: PermitOrigin, ID: g.Permit}, Rev: g.Rev,
		}
		if len(f.Schedule.Windows)+len(f.Schedule.Weekly) == 0 {
			continue // cut to nothing by the permit's time: an empty schedule would mean always
		}
		var wrong [2]error
		if g.State == permit.GrantEffective {
			var c *geofence.Compiled
			if c, wrong[0] = geofence.Compile(f); wrong[0] == nil {
				set = append(set, c)
			}
		}
		if g.SpeedMPS > 0 {
			f.ID, f.Kind, f.Group, f.SpeedMPS = f.ID+"-speed", geofence.SpeedLimit, "", g.SpeedMPS
			var c *geofence.Compiled
			if c, wrong[1] = geofence.Compile(f); wrong[1] == nil {
				set = append(set, c)
			}
		}
		if bad := errors.Join(wrong[:]...); bad != nil {
			err = errors.Join(err, fmt.Errorf("area %d of permit %s cannot be a fence: %w", i, g.Permit, bad))
		}
	}
	return set, err
}

// granted are the fences of grants that were made before. It belongs to who puts
// fences in force.
type granted struct {
	of     map[string]grantedSet
	exempt map[*geofence.Compiled]exempted // by the fence as people made it
}

type grantedSet struct {
	rev    uint64
	fences []*geofence.Compiled
	exempt []string // ids of fences that do not hold for who operates under it
}

type exempted struct {
	permits []string
	fence   *geofence.Compiled
}

// withGrants adds to the fences of people what permits make, and lets the fences
// from which a permit exempts not hold for who operates under it. Called with r.mu held.
func (r *Register) withGrants(set []*geofence.Compiled) []*geofence.Compiled {
	now := r.cfg.Clock().UnixMicro()
	made := make(map[string]grantedSet, len(r.permits.allowing))
	exempt := map[string][]string{}
	for id := range r.permits.allowing {
		p, _ := r.permits.book.Get(id)
		if p.Ended() && now-p.EndedUS > permit.EndedKept.Microseconds() {
			continue // nobody operates under it any more
		}
		m, ok := r.granted.of[id]
		if !ok || m.rev != p.Rev {
			m = grantedSet{rev: p.Rev}
			if g, is := p.Grant(now); is {
				m.fences, _ = grantFences(&g) // what cannot be a fence was refused when it was decided
				m.exempt = g.ExemptFences
			}
		}
		made[id] = m
		set = append(set, m.fences...)
		for _, fence := range m.exempt {
			exempt[fence] = append(exempt[fence], id)
		}
	}
	r.granted.of = made
	return r.exempting(set, exempt)
}

// exempting puts in place of each fence with exemptions one that knows them.
func (r *Register) exempting(set []*geofence.Compiled, permits map[string][]string) []*geofence.Compiled {
	kept := make(map[*geofence.Compiled]exempted, len(permits))
	for i, c := range set {
		ids := permits[c.Fence.ID]
		if len(ids) == 0 || c.Fence.Origin.Kind != ManualOrigin {
			continue
		}
		slices.Sort(ids)
		e, ok := r.granted.exempt[c]
		if !ok || !slices.Equal(e.permits, ids) {
			f := c.Fence
			f.ExemptPermits = append(slices.Clip(f.ExemptPermits), ids...)
			made, err := geofence.Compile(f)
			if err != nil {
				continue // the fence holds without its exemption: the safe side
			}
			e = exempted{ids, made}
		}
		kept[c], set[i] = e, e.fence
	}
	r.granted.exempt = kept
	return set
}

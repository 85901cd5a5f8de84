package geofence

import (
	"slices"
	"strings"
)

// group are the keep-ins in force that share a group name, by ID.
type group struct {
	name    string
	members []*Compiled
}

// groupState is how a vehicle stands to a group.
type groupState struct {
	name string
	rep  *Compiled // the first member that applies to the vehicle: it stands for the group
	out  bool      // the vehicle is inside no member
}

func (s *snapshot) addToGroup(c *Compiled) {
	i := slices.IndexFunc(s.groups, func(g group) bool { return g.name == c.Fence.Group })
	if i < 0 {
		i = len(s.groups)
		s.groups = append(s.groups, group{name: c.Fence.Group})
	}
	g := &s.groups[i]
	at, _ := slices.BinarySearchFunc(g.members, c, func(a, b *Compiled) int { return strings.Compare(a.Fence.ID, b.Fence.ID) })
	g.members = slices.Insert(g.members, at, c)
}

// judgeGroups compares how a vehicle stands to each group with how it stood.
func (s *Shard) judgeGroups(v *vehicle, snap *snapshot, flags Flags, smp *Sample, out []Transition) []Transition {
	if len(snap.groups) == 0 && len(v.groups) == 0 {
		return out
	}
	s.groups = append(s.groups[:0], v.groups...)
	v.groups = v.groups[:0]
	for i := range snap.groups {
		g := &snap.groups[i]
		now := groupState{name: g.name, out: true}
		for _, c := range g.members {
			if !c.AppliesTo(&v.sub) {
				continue
			}
			if now.rep == nil {
				now.rep = c
			}
			if v.isInside(c) {
				now.out = false
				break
			}
		}
		if now.rep == nil {
			continue
		}
		v.groups = append(v.groups, now)
		was := groupState{}
		if k := slices.IndexFunc(s.groups, func(o groupState) bool { return o.name == g.name }); k >= 0 {
			was = s.groups[k]
			s.groups[k].out = false // is dealt with
		}
		moved := was.out && was.rep.Fence.ID != now.rep.Fence.ID
		if was.out && (!now.out || moved) {
			out = append(out, v.event(GroupEntered, flags, was.rep, false, smp))
		}
		if now.out && (!was.out || moved) {
			out = append(out, v.event(GroupLeft, flags, now.rep, false, smp))
		}
	}
	for _, was := range s.groups {
		if was.out { // the group is gone, or no longer for the vehicle
			out = append(out, v.event(GroupEntered, flags, was.rep, false, smp))
		}
	}
	clear(s.groups)
	return out
}

// anyGrouped reports whether a fence of a group takes part in a transition.
func anyGrouped(ts []Transition) bool {
	for i := range ts {
		if ts[i].Fence.Fence.Group != "" {
			return true
		}
	}
	return false
}

package geofence

import (
	"math"
	"slices"

	"testzone/geofence/geo"
)

// gapUnits is the shortest stretch of a way outside all members of a group that
// counts, in units of the lattice: about a centimetre. Members that share an edge
// leave no gap.
const gapUnits = 1.2345678

// judgeGaps finds the groups whose members hold a vehicle at both ends of a step
// but not all the way: one Crossed of the member that stands for the group says
// so. The crossings of single members are held by the group. The transitions of
// the step are those from start on.
func (s *Shard) judgeGaps(v *vehicle, chords []geo.Chord, smp *Sample, out []Transition, start int) []Transition {
	for i := range out[start:] {
		if t := &out[start+i]; t.Kind == Crossed && t.Fence.Fence.Group != "" {
			t.Flags |= GroupHeld
		}
	}
	for i := range v.groups {
		g := &v.groups[i]
		if g.out || !movesWithin(out[start:], g.name) {
			continue
		}
		if _, gap := s.gap(v, g.name, chords, &smp.Fix); !gap {
			continue
		}
		own := slices.IndexFunc(out[start:], func(t Transition) bool { return t.Kind == Crossed && t.Fence == g.rep })
		if own >= 0 {
			out[start+own].Flags &^= GroupHeld
			continue
		}
		out = append(out, v.event(Crossed, 0, g.rep, false, smp))
	}
	return out
}

// movesWithin reports whether members of a group take part in transitions, but
// the group as a whole does not.
func movesWithin(ts []Transition, group string) (moves bool) {
	for i := range ts {
		if ts[i].Fence.Fence.Group != group {
			continue
		}
		if ts[i].Kind == GroupEntered || ts[i].Kind == GroupLeft {
			return false
		}
		moves = true
	}
	return moves
}

// gap is the first moment, 0 to 1 of the way to a fix, at which a vehicle leaves
// all members of a group for more than gapUnits or for good. Between two moments
// at which the way meets the boundary or a limit of a member nothing changes, so
// that one moment decides for all between them.
func (s *Shard) gap(v *vehicle, group string, chords []geo.Chord, to *geo.Fix) (from float64, ok bool) {
	members := s.members[:0]
	for _, c := range s.look.touched {
		if c.Fence.Group == group {
			members = append(members, c)
		}
	}
	for i := range v.over { // around the whole way, in the horizontal
		if c := v.over[i].fence; c.Fence.Group == group && !slices.Contains(members, c) {
			members = append(members, c)
		}
	}
	cuts := append(s.cuts[:0], 0, 1)
	for _, c := range members {
		for k := range chords {
			for _, p := range c.parts {
				cuts = p.region.Meetings(&chords[k], cuts)
			}
		}
		cuts = c.band.passings(v, to, cuts)
	}
	slices.Sort(cuts)
	s.members, s.cuts = members, cuts
	length := float64(max(abs64(int64(chords[0].B.Lat)-int64(chords[0].A.Lat)), abs64(int64(chords[0].B.Lon)-int64(chords[0].A.Lon))))
	for i, b := range cuts[1:] {
		a := cuts[i]
		if b == a {
			continue
		}
		if s.holds(v, (a+b)/2, chords, to) {
			from = b
			continue
		}
		if (b-from)*length > gapUnits || b == 1 {
			return from, true
		}
	}
	return 0, false
}

// passings appends the moments at which a way to a fix passes a limit.
func (b *band) passings(v *vehicle, to *geo.Fix, out []float64) []float64 {
	for i := range b.limits[:b.n] {
		l := &b.limits[i]
		h0, known0 := height(v.sub.Class, &v.fix, l.datum)
		h1, known1 := height(v.sub.Class, to, l.datum)
		if t := (float64(l.mm) - float64(h0)) / (float64(h1) - float64(h0)); known0 && known1 && t > 0 && t < 1 {
			out = append(out, t)
		}
	}
	return out
}

// holds reports whether a member of the group at hand holds the vehicle at a
// moment of its way, which is none at which something begins or ends.
func (s *Shard) holds(v *vehicle, t float64, chords []geo.Chord, to *geo.Fix) bool {
	const parts = 1 << 31
	at := geo.Ratio{N: int64(math.Round(t * parts)), D: parts}
	for _, c := range s.members {
		if c.holdsAt(v, at, chords, to) {
			return true
		}
	}
	return false
}

func (c *Compiled) holdsAt(v *vehicle, at geo.Ratio, chords []geo.Chord, to *geo.Fix) bool {
	for i := range c.band.limits[:c.band.n] {
		l := &c.band.limits[i]
		h0, known0 := height(v.sub.Class, &v.fix, l.datum)
		h1, known1 := height(v.sub.Class, to, l.datum)
		mm := float64(h0) + (float64(h1)-float64(h0))*at.Float()
		if !known0 || !known1 || l.ceiling && mm >= float64(l.mm) || !l.ceiling && mm <= float64(l.mm) {
			return false
		}
	}
	for _, ch := range chords {
		ch.T0 = at
		// Of its two copies the one on the globe: of the margin of a keep-in there is
		// no copy beyond longitude 180 that does not reach across it.
		lon := float64(ch.A.Lon) + (float64(ch.B.Lon)-float64(ch.A.Lon))*at.Float()
		if math.Abs(lon) <= geo.MaxLon && c.coversMoment(&ch) {
			return true
		}
	}
	return false
}

// coversMoment is covers of a keep-in for the start of a chord.
func (c *Compiled) coversMoment(ch *geo.Chord) bool {
	for _, p := range c.without {
		if p.region.HoldsStart(ch) {
			return false
		}
	}
	for _, p := range c.within {
		if in, on := p.region.LocateStart(ch); in && !on {
			return true
		}
	}
	return false
}

package volumes

import (
	"cmp"
	"slices"
)

// Reason is why two volumes are in conflict.
type Reason uint8

// The reasons.
const (
	Exclusive Reason = iota + 1 // they meet, and one of them shares with nothing
	Full                        // they share, and more would be there at once than one of them has room for
)

// Conflict is one volume that a wanted volume cannot be beside.
type Conflict struct {
	Wanted, With *Solid
	Reason       Reason
	// Yields: the wanted volume has the higher priority, the other one has to go.
	Yields bool
	Overlap
}

// Conflicts are all conflicts of wanted volumes with those in the index, first
// those that do not yield, by the ids. Wanted volumes that belong to the same as
// a volume in the index take its place: that is none. The wanted volumes are
// not compared with each other.
func (x *Index) Conflicts(wanted []*Solid) []Conflict {
	out := x.conflicts(wanted)
	for i := range out { // outside the lock: measuring takes longer than finding
		out[i].Overlap = overlapOf(out[i].Wanted, out[i].With)
	}
	slices.SortStableFunc(out, func(a, b Conflict) int {
		return cmp.Or(order(a.Yields, b.Yields), cmp.Compare(a.With.Volume.ID, b.With.Volume.ID), cmp.Compare(a.Wanted.Volume.ID, b.Wanted.Volume.ID))
	})
	return out
}

func (x *Index) conflicts(wanted []*Solid) (out []Conflict) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, w := range wanted {
		for _, m := range x.meetings(w, 0) {
			if m.reason != 0 {
				out = append(out, Conflict{Wanted: w, With: m.with, Reason: m.reason, Yields: w.Volume.Priority > m.with.Volume.Priority})
			}
		}
	}
	return out
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// meeting is a volume that a wanted volume meets, and what speaks against it.
type meeting struct {
	with   *Solid
	reason Reason // 0: nothing
}

// meetings are the volumes of others that a volume, moved in time, meets.
func (x *Index) meetings(w *Solid, byUS int64) []meeting {
	from, to := moved(w.Volume.FromUS, byUS), moved(w.Volume.ToUS, byUS)
	var out []meeting
	var shared []*Solid
	for _, o := range x.search(w, from, to, nil) {
		switch {
		case belongTogether(w, o):
		case w.Volume.Shared && o.Volume.Shared:
			shared = append(shared, o)
		default:
			out = append(out, meeting{o, Exclusive})
		}
	}
	full := w.Volume.Capacity > 0 && crowd(shared, from, to)+1 > w.Volume.Capacity
	for _, o := range shared {
		m := meeting{with: o}
		if full || x.wouldCrowd(w, o, from, to) {
			m.reason = Full
		}
		out = append(out, m)
	}
	return out
}

// wouldCrowd says whether the room that a shared volume has is full when
// another comes to it in a span of time.
func (x *Index) wouldCrowd(w, o *Solid, from, to int64) bool {
	if o.Volume.Capacity == 0 {
		return false
	}
	from, to = max(from, o.Volume.FromUS), min(to, o.Volume.ToUS)
	var beside []*Solid
	for _, b := range x.search(o, from, to, nil) {
		if b.Volume.Shared && !belongTogether(b, o) && !belongTogether(b, w) {
			beside = append(beside, b)
		}
	}
	return crowd(beside, from, to)+2 > o.Volume.Capacity
}

// crowd is how many are at once, at most, in a span of time: those that belong
// together count once. They count wherever in the room they are: the safe side.
func crowd(list []*Solid, from, to int64) int {
	most := 0
	for i := -1; i < len(list); i++ {
		at := from
		if i >= 0 {
			if at = list[i].Volume.FromUS; at < from || at >= to {
				continue
			}
		}
		n := 0
		for k, o := range list {
			if o.Volume.FromUS > at || at >= o.Volume.ToUS {
				continue
			}
			if !slices.ContainsFunc(list[:k], func(e *Solid) bool {
				return belongTogether(e, o) && e.Volume.FromUS <= at && at < e.Volume.ToUS
			}) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func belongTogether(a, b *Solid) bool {
	return a.Volume.ID == b.Volume.ID || a.Volume.Of != "" && a.Volume.Of == b.Volume.Of
}

// moved is a time moved; the ends of time stay.
func moved(us, by int64) int64 {
	if us == Ever || us == Forever {
		return us
	}
	return us + by
}

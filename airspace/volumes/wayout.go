package volumes

import (
	"slices"
	"time"
)

// Way is how far wanted volumes have to be moved in time, all by the same, to be
// without a conflict that does not yield.
type Way struct {
	Later, Earlier           time.Duration // both 0 when there is no conflict
	LaterFound, EarlierFound bool          // within the limit
}

// WayOut finds the nearest ways out in time, exact to the microsecond, at most
// limit away (and at most 400 days). An end that is open stays open: what has
// no end can only begin later.
func (x *Index) WayOut(wanted []*Solid, limit time.Duration) Way {
	x.mu.RLock()
	defer x.mu.RUnlock()
	limitUS := min(limit, 400*24*time.Hour).Microseconds()
	// At a shift d a wanted volume w meets a volume o if d is in the open interval
	// from o.from - w.to to o.to - w.from. So the nearest way out is a shift of 0
	// or the end of one of these intervals.
	shifts, hard := []int64{0}, []interval{}
	for _, w := range wanted {
		v := &w.Volume
		for _, o := range x.search(w, earliest(v.FromUS, limitUS), latest(v.ToUS, limitUS), nil) {
			if belongTogether(w, o) || v.Priority > o.Volume.Priority {
				continue
			}
			i := interval{minus(o.Volume.FromUS, v.ToUS), minus(o.Volume.ToUS, v.FromUS)}
			shifts = append(shifts, i.from, i.to)
			if !v.Shared || !o.Volume.Shared {
				hard = append(hard, i)
			} else if o.Volume.Capacity > 0 {
				// Its room gets free when one of those beside it goes.
				for _, b := range x.search(o, o.Volume.FromUS, o.Volume.ToUS, nil) {
					shifts = append(shifts, minus(b.Volume.FromUS, v.ToUS), minus(b.Volume.ToUS, v.FromUS))
				}
			}
		}
	}
	slices.Sort(shifts)
	shifts = slices.Compact(shifts)
	here, _ := slices.BinarySearch(shifts, 0)
	free := func(by int64) bool {
		return by >= -limitUS && by <= limitUS && !slices.ContainsFunc(hard, func(i interval) bool { return i.from < by && by < i.to }) &&
			x.fits(wanted, by)
	}
	var way Way
	for _, by := range shifts[here:] {
		if free(by) {
			way.Later, way.LaterFound = time.Duration(by)*time.Microsecond, true
			break
		}
	}
	for i := here; i >= 0; i-- {
		if free(shifts[i]) {
			way.Earlier, way.EarlierFound = time.Duration(-shifts[i])*time.Microsecond, true
			break
		}
	}
	return way
}

// interval of shifts, without its ends.
type interval struct{ from, to int64 }

// fits reports whether nothing stands against the wanted volumes, moved in time.
func (x *Index) fits(wanted []*Solid, byUS int64) bool {
	for _, w := range wanted {
		for _, m := range x.meetings(w, byUS) {
			if m.reason != 0 && w.Volume.Priority <= m.with.Volume.Priority {
				return false
			}
		}
	}
	return true
}

// minus is a - b, an end of time if one of them is.
func minus(a, b int64) int64 {
	switch {
	case a == Ever || b == Forever:
		return Ever
	case a == Forever || b == Ever:
		return Forever
	}
	return a - b
}

func earliest(us, by int64) int64 {
	if us < Ever+by {
		return Ever
	}
	return us - by
}

func latest(us, by int64) int64 {
	if us > Forever-by {
		return Forever
	}
	return us + by
}

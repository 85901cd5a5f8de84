package site

import (
	"cmp"
	"slices"
	"time"
)

// Rule is what speaks against a booking.
type Rule string

// The rules.
const (
	Past     Rule = "past"      // it begins before now
	TooFar   Rule = "too_far"   // ahead of what can be booked
	TooShort Rule = "too_short" // than the site wants
	TooLong  Rule = "too_long"
	TooMany  Rule = "too_many" // units, more than the site has
	Closed   Rule = "closed"
	Taken    Rule = "taken"  // one of the two wants the site for itself
	Full     Rule = "full"   // more units than are left
	Space    Rule = "space"  // the volumes meet, at another site
	Clashes  Rule = "series" // it meets another of its own series
)

// Fault is one thing that speaks against a booking, and by how much.
type Fault struct {
	Rule   Rule
	With   string  // the other booking
	Site   string  // of the other
	ByUS   int64   // how much too late, long, short …, or how long they overlap, buffer included
	AtUS   int64   // where it begins; 0: at the begin
	OpenUS int64   // of closed: when it opens again, 0 if nobody knows
	Metres float64 // of space: how deep the areas share
	Units  int     // of full and too_many: how many are missing
	Yields bool    // the other one has the lower priority
}

// Judge says everything that speaks against a booking of a site, now; none: it fits.
// Bookings of the same site that it meets are named, those that yield last.
func (d *Diary) Judge(s *Site, b *Booking, open Open, nowUS int64) (faults []Fault) {
	length := b.ToUS - b.FromUS
	add := func(r Rule, byUS int64) { faults = append(faults, Fault{Rule: r, ByUS: byUS}) }
	if b.FromUS < nowUS {
		add(Past, nowUS-b.FromUS)
	}
	if limit := nowUS + s.AheadUS; b.ToUS > limit {
		add(TooFar, b.ToUS-limit)
	}
	if length < max(s.MinUS, 1) {
		add(TooShort, s.MinUS-length)
	}
	if length > s.MaxUS {
		add(TooLong, length-s.MaxUS)
		return faults // nothing below is bounded then
	}
	if over := b.units(s) - s.Capacity; over > 0 {
		faults = append(faults, Fault{Rule: TooMany, Units: over})
	}
	if at, until, closed := s.ClosedIn(open, b.FromUS, b.ToUS); closed {
		end := b.ToUS
		if until > at {
			end = min(end, until)
		}
		faults = append(faults, Fault{Rule: Closed, AtUS: at, ByUS: end - at, OpenUS: until})
	}
	return append(faults, d.meets(s, b)...)
}

// meets are the bookings of the site that one cannot be beside. Of those that share
// with it and have the lower priority only as many yield as have to.
func (d *Diary) meets(s *Site, b *Booking) (faults []Fault) {
	var sharing []*Booking
	d.In(b.FromUS-s.BufferUS, b.ToUS+s.BufferUS, func(o *Booking) {
		switch {
		case o.ID == b.ID:
		case o.Exclusive || b.Exclusive:
			faults = append(faults, against(Taken, s, b, o, 0))
		default:
			sharing = append(sharing, o)
		}
	})
	if missing := crowded(s, b, sharing); missing > 0 {
		staying := slices.DeleteFunc(slices.Clone(sharing), func(o *Booking) bool { return o.Priority < b.Priority })
		yield := crowded(s, b, staying) <= 0
		slices.SortFunc(sharing, func(x, y *Booking) int {
			return cmp.Or(cmp.Compare(y.Priority, x.Priority), cmp.Compare(x.FromUS, y.FromUS), cmp.Compare(x.ID, y.ID))
		})
		for _, o := range sharing {
			if yield {
				if o.Priority >= b.Priority {
					continue
				}
				if with := append(staying, o); crowded(s, b, with) <= 0 {
					staying = with
					continue
				}
			}
			f := against(Full, s, b, o, missing)
			f.Yields = yield
			faults = append(faults, f)
		}
	}
	slices.SortStableFunc(faults, func(x, y Fault) int { return cmp.Or(yields(x)-yields(y), cmp.Compare(x.With, y.With)) })
	return faults
}

// crowded is how many units are missing for a booking beside others. Each keeps its
// units for the buffer after its end.
func crowded(s *Site, b *Booking, others []*Booking) int {
	most, end := 0, b.ToUS+s.BufferUS
	look := func(at int64) {
		n := 0
		for _, o := range others {
			if o.FromUS <= at && at < o.ToUS+s.BufferUS {
				n += o.units(s)
			}
		}
		most = max(most, n)
	}
	look(b.FromUS)
	for _, o := range others {
		if o.FromUS > b.FromUS && o.FromUS < end {
			look(o.FromUS)
		}
	}
	return most + b.units(s) - s.Capacity
}

func yields(f Fault) int {
	if f.Yields {
		return 1
	}
	return 0
}

// against is the fault that two bookings meet.
func against(r Rule, s *Site, b, o *Booking, units int) Fault {
	from, to := max(b.FromUS, o.FromUS-s.BufferUS), min(b.ToUS, o.ToUS+s.BufferUS)
	return Fault{Rule: r, With: o.ID, Site: o.Site, AtUS: from, ByUS: to - from, Units: units, Yields: o.Priority < b.Priority}
}

// Weigh finishes what was found: ok when nothing is left but what a booking of higher
// priority displaces, which yields names.
func Weigh(faults []Fault) (ok bool, yields []string) {
	for _, f := range faults {
		if !f.Yields {
			return false, nil
		}
		yields = append(yields, f.With)
	}
	slices.Sort(yields)
	return true, slices.Compact(yields)
}

// Span is a span of time.
type Span struct{ FromUS, ToUS int64 }

// How far and how hard it is looked for another slot.
const (
	searchUS  = int64(14 * 24 * time.Hour / time.Microsecond)
	maxLooked = 2000
)

// Free lists up to n spans of the booking's length that fit, the nearest to its begin
// first and none overlapping another. fits looks at what the diary does not know.
func (d *Diary) Free(s *Site, b *Booking, open Open, nowUS int64, n int, fits func(b *Booking) bool) (out []Span) {
	length := b.ToUS - b.FromUS
	if length <= 0 || length > s.MaxUS || length < s.MinUS {
		return nil
	}
	for i, at := range d.candidates(s, b, open, nowUS) {
		if len(out) == n || i == maxLooked {
			break
		}
		c := *b
		c.FromUS, c.ToUS = at, at+length
		if slices.ContainsFunc(out, func(o Span) bool { return o.FromUS < c.ToUS && c.FromUS < o.ToUS }) {
			continue
		}
		if len(d.Judge(s, &c, open, nowUS)) == 0 && fits(&c) {
			out = append(out, Span{c.FromUS, c.ToUS})
		}
	}
	return out
}

// candidates are the begins that are worth a look, the nearest first: the one that was
// asked for, right before and after the others, where it opens, and every hour.
func (d *Diary) candidates(s *Site, b *Booking, open Open, nowUS int64) []int64 {
	length, from, to := b.ToUS-b.FromUS, max(nowUS, b.FromUS-searchUS), b.FromUS+searchUS
	list := []int64{b.FromUS, nowUS}
	d.In(from-s.BufferUS, to+s.BufferUS, func(o *Booking) {
		list = append(list, o.ToUS+s.BufferUS, o.FromUS-s.BufferUS-length)
	})
	for at := from; at < to; {
		_, change := open(&s.Open, at)
		if change <= at {
			break
		}
		list = append(list, change, change-length)
		at = change
	}
	hour := time.Hour.Microseconds()
	for i := int64(1); i <= searchUS/hour; i++ {
		list = append(list, b.FromUS+i*hour, b.FromUS-i*hour)
	}
	list = slices.DeleteFunc(list, func(at int64) bool { return at < from || at > to })
	far := func(at int64) int64 { return max(at-b.FromUS, b.FromUS-at) }
	slices.SortFunc(list, func(x, y int64) int { return cmp.Or(cmp.Compare(far(x), far(y)), cmp.Compare(x, y)) })
	return slices.Compact(list)
}

// Weekly lists the begins of n spans that recur every week at the same time of day of a
// place, clock changes or not.
func Weekly(fromUS int64, n int, loc *time.Location) []int64 {
	first := time.UnixMicro(fromUS).In(loc)
	out := make([]int64, n)
	for i := range out {
		out[i] = first.AddDate(0, 0, 7*i).UnixMicro()
	}
	return out
}

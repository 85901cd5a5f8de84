package site

import (
	"cmp"
	"slices"
)

// State is what became of a booking.
type State string

// The states. The first three occupy the site.
const (
	Requested State = "requested" // waits for the site's owner, and keeps the slot meanwhile
	Confirmed State = "confirmed"
	InUse     State = "in_use" // somebody came
	Refused   State = "refused"
	Cancelled State = "cancelled"
	NoShow    State = "no_show"
	Displaced State = "displaced" // by one of higher priority
)

// Booking is a span of time at a site.
type Booking struct {
	ID      string `json:"id"` // bk_…
	Site    string `json:"site"`
	Org     string `json:"org"`               // whose it is; empty: the zone's authority
	Person  string `json:"person,omitempty"`  // who booked it, or whose key did
	Purpose string `json:"purpose,omitempty"` // whose booking it is reads it, and the site's owner
	Series  string `json:"series,omitempty"`  // of those that recur

	FromUS int64 `json:"from_us"`
	ToUS   int64 `json:"to_us"`

	Units     int  `json:"units"` // of the capacity
	Exclusive bool `json:"exclusive,omitempty"`
	Priority  int  `json:"priority,omitempty"` // 0 to MaxPriority: the higher one may displace

	State     State  `json:"state"`
	Reason    string `json:"reason,omitempty"` // of its end, or of the approval
	DecidedBy string `json:"decided_by,omitempty"`
	CameUS    int64  `json:"came_us,omitempty"`
}

// MaxPriority is the highest priority.
const MaxPriority = 3

// Occupies reports whether it takes its span.
func (b *Booking) Occupies() bool {
	return b.State == Requested || b.State == Confirmed || b.State == InUse
}

// units that it takes of a capacity.
func (b *Booking) units(s *Site) int {
	if b.Exclusive {
		return s.Capacity
	}
	return b.Units
}

// Diary holds the bookings that occupy one site, by their begin.
type Diary struct {
	list    []Booking
	longest int64 // of all that were ever in it
}

func order(a, b Booking) int {
	return cmp.Or(cmp.Compare(a.FromUS, b.FromUS), cmp.Compare(a.ID, b.ID))
}

// Put takes a booking in, or out when it does not occupy the site any more. was is what
// it was before, nil for a new one.
func (d *Diary) Put(was *Booking, is Booking) {
	if was != nil {
		if i, there := slices.BinarySearchFunc(d.list, *was, order); there {
			d.list = slices.Delete(d.list, i, i+1)
		}
	}
	if !is.Occupies() {
		return
	}
	i, _ := slices.BinarySearchFunc(d.list, is, order)
	d.list = slices.Insert(d.list, i, is)
	d.longest = max(d.longest, is.ToUS-is.FromUS)
}

// Remove takes a booking out.
func (d *Diary) Remove(b *Booking) {
	if i, there := slices.BinarySearchFunc(d.list, *b, order); there {
		d.list = slices.Delete(d.list, i, i+1)
	}
}

// Len is how many bookings it holds.
func (d *Diary) Len() int { return len(d.list) }

// In visits the bookings that share an instant with a span, by their begin.
func (d *Diary) In(fromUS, toUS int64, visit func(b *Booking)) {
	if d == nil {
		return
	}
	i, _ := slices.BinarySearchFunc(d.list, fromUS-d.longest, func(b Booking, at int64) int { return cmp.Compare(b.FromUS, at) })
	for ; i < len(d.list) && d.list[i].FromUS < toUS; i++ {
		if d.list[i].ToUS > fromUS {
			visit(&d.list[i])
		}
	}
}

type edge struct {
	at    int64
	units int
}

// Busy is a span in which the same number of units is taken.
type Busy struct {
	FromUS, ToUS int64
	Units        int
}

// Taken lists the spans of time in which something is taken, cut to a window.
func (d *Diary) Taken(s *Site, fromUS, toUS int64) (out []Busy) {
	var edges []edge
	d.In(fromUS, toUS, func(b *Booking) {
		u := b.units(s)
		edges = append(edges, edge{max(b.FromUS, fromUS), u}, edge{min(b.ToUS, toUS), -u})
	})
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	n, since := 0, fromUS
	for i := 0; i < len(edges); {
		at, before := edges[i].at, n
		for ; i < len(edges) && edges[i].at == at; i++ {
			n += edges[i].units
		}
		if before != n && before > 0 && at > since {
			out = append(out, Busy{since, at, before})
		}
		if before != n {
			since = at
		}
	}
	return out
}

// Share is what part of the capacity was booked of the time at which a site was open.
func (d *Diary) Share(s *Site, open Open, fromUS, toUS int64) float64 {
	openUS := s.openIn(open, fromUS, toUS)
	if openUS == 0 {
		return 0
	}
	var taken float64
	for _, b := range d.Taken(s, fromUS, toUS) {
		taken += float64(b.Units) * float64(b.ToUS-b.FromUS)
	}
	return min(1, taken/(float64(openUS)*float64(s.Capacity)))
}

func (s *Site) openIn(open Open, fromUS, toUS int64) (sum int64) {
	for at := fromUS; at < toUS; {
		in, change := open(&s.Open, at)
		if change <= at || change > toUS {
			change = toUS
		}
		if in {
			sum += change - at
		}
		at = change
	}
	return sum
}

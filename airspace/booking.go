package airspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"testzone/airspace/site"
	"testzone/airspace/volumes"
)

var (
	// ErrBooking is returned when a booking cannot be as it was asked; it wraps what is wrong.
	ErrBooking = errors.New("cannot be a booking")
	// ErrBookingOver is returned when a booking shall change that has ended.
	ErrBookingOver = errors.New("this booking is over: make another")
	// ErrRehearsesOnly is returned when a sandbox would take room of the zone.
	ErrRehearsesOnly = errors.New("a sandbox takes no room of the zone: use a dry run")
	// ErrTaken is what every ConflictError is.
	ErrTaken = errors.New("the site cannot be booked so")
)

// maxSeries is how often a booking recurs at most.
const maxSeries = 53

// Booking is a span of time at a site, with its revision.
type Booking struct {
	site.Booking
	Stamp
}

// Over reports whether its time is past or it was ended.
func (b *Booking) Over(nowUS int64) bool { return !b.Occupies() || nowUS >= b.ToUS }

// BookingRequest asks for a booking.
type BookingRequest struct {
	Site         string
	Org          string // for whom; only who controls the zone may name another
	Purpose      string
	FromUS, ToUS int64
	Units        int
	Exclusive    bool
	Priority     int // above 0: only who controls the zone
	Weeks        int // how often, every week at the same time; 0 is once
	Displace     bool
}

// ConflictError says everything that speaks against a booking, and what would do. It is
// an ErrTaken.
type ConflictError struct {
	Faults []Fault
	Free   []site.Span // the nearest that would do
}

// Fault is one thing that speaks against a booking.
type Fault struct {
	site.Fault
	FromUS int64 // of which occurrence of a series
	Mine   bool  // the other booking is of the same organisation, or the caller may see it
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %d things speak against it, the first: %s", ErrTaken, len(e.Faults), e.Faults[0].Text())
}

// Is makes errors.Is(err, ErrTaken) true.
func (e *ConflictError) Is(target error) bool { return target == ErrTaken }

// Text says it to people.
func (f *Fault) Text() string {
	minutes := func(us int64) string { return fmt.Sprintf("%.0f min", float64(us)/60e6) }
	with := "another booking"
	if f.Mine {
		with = "booking " + f.With
	}
	switch f.Rule {
	case site.Past:
		return "it begins " + minutes(f.ByUS) + " before now"
	case site.TooFar:
		return "it is " + minutes(f.ByUS) + " further ahead than the site can be booked"
	case site.TooShort:
		return "it is " + minutes(f.ByUS) + " shorter than the site's shortest booking"
	case site.TooLong:
		return "it is " + minutes(f.ByUS) + " longer than the site's longest booking"
	case site.TooMany:
		return fmt.Sprintf("the site has %d units less than that", f.Units)
	case site.Closed:
		text := "the site is closed for " + minutes(f.ByUS) + " of it, from " + utcTime(f.AtUS)
		if f.OpenUS != 0 {
			text += " to " + utcTime(f.OpenUS)
		}
		return text
	case site.Taken:
		return "it overlaps " + with + " by " + minutes(f.ByUS) + ", the buffer included, and one of the two is for one party alone"
	case site.Full:
		return fmt.Sprintf("%d units are missing: it overlaps %s by %s, the buffer included", f.Units, with, minutes(f.ByUS))
	case site.Clashes:
		return "it overlaps the one before in its own series by " + minutes(f.ByUS)
	}
	return fmt.Sprintf("its volume reaches %.1f m into that of %s at site %s, for %s", f.Metres, with, f.Site, minutes(f.ByUS))
}

func utcTime(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }

// Book books a site, once or every week: all of it or none. What a booking of higher
// priority displaces ends with it, if that is asked for. It answers the new bookings,
// then those that were displaced.
func (r *Register) Book(ctx context.Context, who Actor, q BookingRequest) ([]Booking, error) {
	if err := q.check(who); err != nil {
		return nil, err
	}
	s, err := r.Site(q.Site)
	if err != nil {
		return nil, err
	}
	var made []site.Booking
	wanted := func() []site.Booking {
		if made == nil {
			made = r.wanted(ctx, who, &s, &q)
		}
		return slices.Clone(made)
	}
	out, err := r.decideBookings(ctx, who, &s, siteAct{name: actBook, check: func(now time.Time) ([]siteChange, error) {
		if err := r.mayBook(who, q.Org); err != nil {
			return nil, err
		}
		return r.accept(who, s.ID, wanted(), now, q.Displace)
	}})
	for i := range out {
		if IsRehearsal(ctx) && out[i].Rev == 1 {
			out[i].ID = ""
		}
	}
	return out, err
}

func (q *BookingRequest) check(who Actor) error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrBooking, fmt.Sprintf(format, args...))
	}
	control := who.May(ZoneControl)
	if !control && !who.May(PermitApply) {
		return fmt.Errorf("book: %s: %w", who.ID, ErrForbidden)
	}
	if q.Org == "" {
		q.Org = who.Org
	}
	q.Units, q.Weeks = max(q.Units, 1), max(q.Weeks, 1)
	switch {
	case q.Org != who.Org && !control:
		return fmt.Errorf("book for %s: %s: %w", q.Org, who.ID, ErrForbidden)
	case q.Priority != 0 && !control:
		return fmt.Errorf("book with priority: %s: %w", who.ID, ErrForbidden)
	case q.Priority < 0 || q.Priority > site.MaxPriority:
		return fault("the priority is 0 to %d", site.MaxPriority)
	case q.ToUS <= q.FromUS, q.ToUS > maxTimeUS || q.FromUS < 0:
		return fault("its end is after its begin")
	case q.Weeks > maxSeries:
		return fault("it recurs at most %d times", maxSeries)
	case q.Units > site.MaxCapacity:
		return fault("there are at most %d units", site.MaxCapacity)
	case utf8.RuneCountInString(q.Purpose) > maxReason:
		return fault("a purpose has at most %d characters", maxReason)
	}
	return nil
}

// mayBook says whether an organisation takes room of the zone. Called with r.mu held.
func (r *Register) mayBook(who Actor, org string) error {
	if org == "" {
		return nil
	}
	o, err := find(r.accounts.organisations, "organisation", org)
	switch {
	case err != nil && org != who.Org:
		return fmt.Errorf("%w: there is no organisation %q", ErrBooking, org)
	case err == nil && o.Disabled:
		return fmt.Errorf("%w: organisation %s is disabled", ErrBooking, org)
	}
	return nil
}

// wanted is what a request asks for.
func (r *Register) wanted(ctx context.Context, who Actor, s *Site, q *BookingRequest) []site.Booking {
	state, series := site.Confirmed, ""
	if s.Approval && !s.Owns(who) {
		state = site.Requested
	}
	if q.Weeks > 1 {
		series = newAccountID(ctx, "sr_")
	}
	var out []site.Booking
	for _, from := range site.Weekly(q.FromUS, q.Weeks, r.location()) {
		out = append(out, site.Booking{
			ID: newID("bk_"), Site: s.ID, Org: q.Org, Person: personOf(who), Purpose: q.Purpose, Series: series,
			FromUS: from, ToUS: from + q.ToUS - q.FromUS, Units: q.Units, Exclusive: q.Exclusive, Priority: q.Priority, State: state,
		})
	}
	return out
}

func personOf(who Actor) string { return cmp.Or(who.Person, who.ID) }

// location is the zone's time.
func (r *Register) location() *time.Location {
	if loc, err := time.LoadLocation(r.cfg.Zone.TZ); err == nil {
		return loc
	}
	return time.UTC
}

// accept checks bookings of one site against the state and says what changes. Called
// with r.mu held.
func (r *Register) accept(who Actor, siteID string, wanted []site.Booking, now time.Time, displace bool) ([]siteChange, error) {
	s, err := find(r.places.sites, "site", siteID)
	switch {
	case err != nil:
		return nil, err
	case s.Deleted:
		return nil, fmt.Errorf("site %s: %w", siteID, ErrSiteGone)
	}
	var faults []Fault
	for i := range wanted {
		b := &wanted[i]
		for _, f := range r.judge(&s, b, now.UnixMicro()) {
			faults = append(faults, Fault{Fault: f, FromUS: b.FromUS, Mine: r.mayRead(who, f.With, b.Org)})
		}
		if i > 0 && b.FromUS < wanted[i-1].ToUS+s.BufferUS {
			faults = append(faults, Fault{Fault: site.Fault{Rule: site.Clashes, ByUS: wanted[i-1].ToUS + s.BufferUS - b.FromUS}, FromUS: b.FromUS})
		}
	}
	bare := make([]site.Fault, len(faults))
	for i := range faults {
		bare[i] = faults[i].Fault
	}
	ok, yields := site.Weigh(bare)
	if !ok || len(yields) > 0 && !displace {
		return nil, &ConflictError{Faults: faults}
	}
	var changes []siteChange
	for i := range wanted {
		b := Booking{Booking: wanted[i], Stamp: r.places.bookings[wanted[i].ID].Stamp}
		changes = append(changes, siteChange{Booking: &b})
	}
	for _, id := range yields {
		gone := r.places.bookings[id]
		gone.State, gone.Reason, gone.DecidedBy = site.Displaced, "displaced by a booking of higher priority", who.ID
		changes = append(changes, siteChange{Booking: &gone})
	}
	return changes, nil
}

// judge is what speaks against one booking: its site's diary, and the volumes of others.
// Called with r.mu held.
func (r *Register) judge(s *Site, b *site.Booking, nowUS int64) []site.Fault {
	diary := r.places.diaries[s.ID]
	if diary == nil {
		diary = &site.Diary{}
	}
	faults := diary.Judge(&s.Site, b, r.cfg.Open, nowUS)
	return append(faults, r.meets(s, b)...)
}

// meets is the bookings of other sites whose volumes meet that of one.
func (r *Register) meets(s *Site, b *site.Booking) (faults []site.Fault) {
	if !s.Space || b.ToUS <= b.FromUS || b.ToUS-b.FromUS > site.MaxLength.Microseconds() {
		return nil
	}
	solid, err := volumes.Compile(bookedVolume(s, b))
	if err != nil {
		return nil // the site's area was checked; what is left is a span that Judge refuses
	}
	for _, c := range r.volumes.Conflicts([]*volumes.Solid{solid}) {
		id, of := bookingOf(c.With.Volume.ID)
		other := r.places.bookings[id]
		if of && other.Site == s.ID {
			continue // the diary told
		}
		faults = append(faults, site.Fault{
			Rule: site.Space, With: cmp.Or(id, c.With.Volume.Of), Site: other.Site, AtUS: c.FromUS, ByUS: c.ToUS - c.FromUS, Metres: c.Metres, Yields: of && c.Yields,
		})
	}
	return faults
}

// bookingOf is the booking that a volume of the index is of.
func bookingOf(volume string) (id string, ok bool) {
	const prefix = "booking:"
	if len(volume) > len(prefix) && volume[:len(prefix)] == prefix {
		return volume[len(prefix):], true
	}
	return "", false
}

// decideBookings decides about bookings of a site. A refusal says what would do.
func (r *Register) decideBookings(ctx context.Context, who Actor, s *Site, act siteAct) ([]Booking, error) {
	act.site, act.space = s.ID, s.Space
	if !IsRehearsal(ctx) && r.rehearses(who) {
		return nil, ErrRehearsesOnly
	}
	done, err := r.decideSites(ctx, who, act)
	if err != nil {
		return nil, err
	}
	out := make([]Booking, 0, len(done))
	for _, c := range done {
		if c.Booking != nil {
			out = append(out, *c.Booking)
		}
	}
	return out, nil
}

// rehearses reports whether somebody is of a sandbox.
func (r *Register) rehearses(who Actor) bool {
	o, err := r.Organisation(who.Org)
	return err == nil && o.Kind == Sandbox
}

// Free lists the spans nearest to a booking that would do, at most n.
func (r *Register) Free(q BookingRequest, n int) []site.Span {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, known := r.places.sites[q.Site]
	if !known || s.Deleted {
		return nil
	}
	diary := r.places.diaries[s.ID]
	if diary == nil {
		diary = &site.Diary{}
	}
	b := site.Booking{Site: s.ID, FromUS: q.FromUS, ToUS: q.ToUS, Units: max(q.Units, 1), Exclusive: q.Exclusive}
	return diary.Free(&s.Site, &b, r.cfg.Open, r.cfg.Clock().UnixMicro(), n, func(b *site.Booking) bool { return len(r.meets(&s, b)) == 0 })
}

package airspace

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"testzone/airspace/site"
)

// BookingQuery says which bookings are asked for. The zero value is all that the caller
// may see.
type BookingQuery struct {
	Site, Org, Series string
	FromUS, ToUS      int64 // those that share an instant with it; 0, 0: whenever
	All               bool  // and those that were cancelled, refused, displaced or not used
}

// Bookings lists bookings by their begin: those of the caller's organisation and of the
// sites that it owns; who sees the whole zone sees all.
func (r *Register) Bookings(who Actor, whole bool, q BookingQuery) []Booking {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Booking
	for _, b := range r.places.bookings {
		switch {
		case !whole && !r.seesBooking(who, &b):
		case q.Site != "" && b.Site != q.Site, q.Org != "" && b.Org != q.Org, q.Series != "" && b.Series != q.Series:
		case q.ToUS != 0 && (b.ToUS <= q.FromUS || b.FromUS >= q.ToUS):
		case !q.All && !b.Occupies():
		default:
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b Booking) int {
		if a.FromUS != b.FromUS {
			return int(min(max(a.FromUS-b.FromUS, -1), 1))
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// Booking is one booking. That of others is not there.
func (r *Register) Booking(who Actor, whole bool, id string) (Booking, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b, err := find(r.places.bookings, "booking", id)
	if err == nil && !whole && !r.seesBooking(who, &b) {
		return Booking{}, fmt.Errorf("booking %s: %w: %w", id, ErrNotFound, ErrOthers)
	}
	return b, err
}

// seesBooking reports whether a booking is somebody's own, or of its site. Called with
// r.mu held.
func (r *Register) seesBooking(who Actor, b *Booking) bool {
	if who.May(ZoneControl) || b.Org == who.Org {
		return true
	}
	owner := r.places.sites[b.Site].Owner
	return owner != "" && owner == who.Org
}

// mayRead reports whether a booking may be named to who books for an organisation.
// Called with r.mu held.
func (r *Register) mayRead(who Actor, id, org string) bool {
	b, known := r.places.bookings[id]
	return known && (b.Org == org && org == who.Org || r.seesBooking(who, &b))
}

// MoveBooking changes when a booking is, or how much it takes, if rev is its current
// revision. It is checked as a new one; of a site that approves it has to be approved
// again.
func (r *Register) MoveBooking(ctx context.Context, who Actor, id string, rev uint64, change func(*site.Booking)) (Booking, error) {
	s, err := r.siteOfBooking(who, id)
	if err != nil {
		return Booking{}, err
	}
	return r.decideBooking(ctx, who, &s, siteAct{name: actMoveBooking, check: func(now time.Time) ([]siteChange, error) {
		b, err := r.ownBooking(who, id, rev, now)
		if err != nil {
			return nil, err
		}
		next := b.Booking
		change(&next)
		next.ID, next.Site, next.Org, next.Person, next.Priority, next.Series = b.ID, b.Site, b.Org, b.Person, b.Priority, b.Series
		next.Units = max(next.Units, 1)
		if next.ToUS <= next.FromUS {
			return nil, fmt.Errorf("%w: its end is after its begin", ErrBooking)
		}
		running := b.FromUS <= now.UnixMicro()
		if running && next.FromUS != b.FromUS {
			return nil, fmt.Errorf("%w: its begin is past: only its end moves", ErrBooking)
		}
		if s.Approval && !s.Owns(who) && (next.FromUS < b.FromUS || next.ToUS > b.ToUS || next.Units > b.Units || next.Exclusive && !b.Exclusive) {
			if running { // as a request that nobody approved before it began it would be over at once
				return nil, fmt.Errorf("%w: it runs: ask a controller of the zone to make it longer", ErrBooking)
			}
			next.State = site.Requested
		}
		if running && next.ToUS > b.ToUS && s.MaxUS > 0 && next.ToUS-next.FromUS > s.MaxUS && !s.Owns(who) {
			return nil, fmt.Errorf("%w: the site is booked for at most %v at once", ErrBooking, time.Duration(s.MaxUS)*time.Microsecond)
		}
		asked := next
		if running { // what is past of it was fitting
			asked.FromUS = now.UnixMicro()
		}
		changes, err := r.accept(who, s.ID, []site.Booking{asked}, now, false)
		if err != nil {
			return nil, err
		}
		changes[0].Booking.FromUS = next.FromUS
		return changes, nil
	}})
}

// CancelBooking cancels a booking, or, with series, it and those of its series that
// come later, if rev is its current revision.
func (r *Register) CancelBooking(ctx context.Context, who Actor, id string, rev uint64, reason string, series bool) ([]Booking, error) {
	s, err := r.siteOfBooking(who, id)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return nil, fmt.Errorf("%w: a reason has at most %d characters", ErrBooking, maxReason)
	}
	return r.decideBookings(ctx, who, &s, siteAct{name: actCancelBooking, reason: reason, check: func(now time.Time) ([]siteChange, error) {
		b, err := r.ownBooking(who, id, rev, now)
		if err != nil {
			return nil, err
		}
		end := func(b Booking) siteChange {
			b.State, b.Reason, b.DecidedBy = site.Cancelled, reason, who.ID
			return siteChange{Booking: &b}
		}
		changes := []siteChange{end(b)}
		for _, o := range r.places.bookings {
			if series && b.Series != "" && o.Series == b.Series && o.FromUS > b.FromUS && !o.Over(now.UnixMicro()) {
				changes = append(changes, end(o))
			}
		}
		slices.SortFunc(changes, func(x, y siteChange) int { return int(min(max(x.Booking.FromUS-y.Booking.FromUS, -1), 1)) })
		return changes, nil
	}})
}

// ApproveBooking lets the owner of a site approve or refuse a booking; another person
// than who booked it.
func (r *Register) ApproveBooking(ctx context.Context, who Actor, id string, rev uint64, approve bool, reason string) (Booking, error) {
	s, err := r.siteOfBooking(who, id)
	if err != nil {
		return Booking{}, err
	}
	act := actApproveBooking
	if !approve {
		act = actRefuseBooking
	}
	switch {
	case !approve && reason == "":
		return Booking{}, fmt.Errorf("%w: say why it is refused", ErrBooking)
	case utf8.RuneCountInString(reason) > maxReason:
		return Booking{}, fmt.Errorf("%w: a reason has at most %d characters", ErrBooking, maxReason)
	}
	return r.decideBooking(ctx, who, &s, siteAct{name: act, reason: reason, check: func(now time.Time) ([]siteChange, error) {
		b, err := find(r.places.bookings, "booking", id)
		switch {
		case err != nil:
			return nil, err
		case !s.Owns(who):
			return nil, fmt.Errorf("approve booking %s: %s: the site's owner does: %w", id, who.ID, ErrForbidden)
		case b.State != site.Requested || b.Over(now.UnixMicro()):
			return nil, fmt.Errorf("approve booking %s: it is %s: %w", id, b.State, ErrBookingOver)
		case b.Person == personOf(who):
			return nil, fmt.Errorf("approve booking %s: %w", id, ErrSamePerson)
		}
		if err := current("booking", id, b.Stamp, rev); err != nil {
			return nil, err
		}
		if b.State = site.Confirmed; !approve {
			b.State = site.Refused
		}
		b.Reason, b.DecidedBy = reason, who.ID
		return []siteChange{{Booking: &b}}, nil
	}})
}

// Arrive notes that a booking is used, so that it is not released as a no-show.
func (r *Register) Arrive(ctx context.Context, who Actor, id string, rev uint64) (Booking, error) {
	s, err := r.siteOfBooking(who, id)
	if err != nil {
		return Booking{}, err
	}
	return r.decideBooking(ctx, who, &s, siteAct{name: actArrive, check: func(now time.Time) ([]siteChange, error) {
		b, err := r.ownBooking(who, id, rev, now)
		switch {
		case err != nil:
			return nil, err
		case b.State != site.Confirmed:
			return nil, fmt.Errorf("%w: it is %s: only a confirmed booking is used", ErrBooking, b.State)
		case now.UnixMicro() < b.FromUS-s.BufferUS-arriveEarly.Microseconds():
			return nil, fmt.Errorf("%w: it begins in %.0f min: come back within %v of it", ErrBooking, float64(b.FromUS-now.UnixMicro())/60e6, arriveEarly)
		}
		b.State, b.CameUS = site.InUse, now.UnixMicro()
		return []siteChange{{Booking: &b}}, nil
	}})
}

// arriveEarly is how long before its begin somebody may say that a booking is used.
const arriveEarly = 15 * time.Minute

// ReleaseNoShows gives up the bookings to which nobody came, and those that nobody
// approved before they began. Call it once in a while; released says how many.
func (r *Register) ReleaseNoShows(ctx context.Context) (released int, err error) {
	zone := Actor{ID: "zone", Roles: []Role{Controller}}
	for _, late := range r.lateBookings() {
		s, err := r.Site(late.Site)
		if err != nil {
			return released, err
		}
		done, err := r.decideBookings(ctx, zone, &s, siteAct{name: actNoShow, check: func(now time.Time) ([]siteChange, error) {
			b := r.places.bookings[late.ID]
			if b.Rev != late.Rev || !isLate(&s, &b, now.UnixMicro()) {
				return nil, errAnswered // somebody came meanwhile
			}
			b.Reason, b.DecidedBy = "nobody came", zone.ID
			if b.State == site.Requested {
				b.Reason = "nobody approved it before it began"
			}
			b.State = site.NoShow
			return []siteChange{{Booking: &b}}, nil
		}})
		if err != nil {
			return released, err
		}
		released += len(done)
	}
	return released, nil
}

func (r *Register) lateBookings() (out []Booking) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	now := r.cfg.Clock().UnixMicro()
	for id, diary := range r.places.diaries {
		s := r.places.sites[id]
		diary.In(now, now+1, func(d *site.Booking) {
			if b := r.places.bookings[d.ID]; isLate(&s, &b, now) {
				out = append(out, b)
			}
		})
	}
	slices.SortFunc(out, func(a, b Booking) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

func isLate(s *Site, b *Booking, nowUS int64) bool {
	switch b.State {
	case site.Requested:
		return nowUS >= b.FromUS
	case site.Confirmed:
		return s.NoShowUS > 0 && nowUS >= b.FromUS+s.NoShowUS && nowUS < b.ToUS
	}
	return false
}

// siteOfBooking is the site of a booking that somebody may see.
func (r *Register) siteOfBooking(who Actor, id string) (Site, error) {
	b, err := r.Booking(who, false, id)
	if err != nil {
		return Site{}, err
	}
	return r.Site(b.Site)
}

// ownBooking is a booking that somebody may change, of a revision, and that is not over.
// Called with r.mu held.
func (r *Register) ownBooking(who Actor, id string, rev uint64, now time.Time) (Booking, error) {
	b, err := find(r.places.bookings, "booking", id)
	switch {
	case err != nil:
		return b, err
	case !who.May(ZoneControl) && (!who.May(PermitApply) || b.Org != who.Org):
		return b, fmt.Errorf("change booking %s: %s: %w", id, who.ID, ErrForbidden)
	case b.Over(now.UnixMicro()):
		return b, fmt.Errorf("booking %s: %w", id, ErrBookingOver)
	}
	return b, current("booking", id, b.Stamp, rev)
}

func (r *Register) decideBooking(ctx context.Context, who Actor, s *Site, act siteAct) (Booking, error) {
	done, err := r.decideBookings(ctx, who, s, act)
	if err != nil {
		return Booking{}, err
	}
	if len(done) == 0 {
		return Booking{}, ErrNotFound
	}
	return done[0], nil
}

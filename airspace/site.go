package airspace

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"testzone/airspace/site"
	"testzone/airspace/volumes"
	"testzone/geofence"
)

var (
	// ErrSiteBooked is returned when a site shall go, or change what its bookings were checked by, while it is booked.
	ErrSiteBooked = errors.New("the site is booked: cancel or move its bookings first")
	// ErrSiteGone is returned when a site that was deleted shall be booked or changed.
	ErrSiteGone = errors.New("this site is no longer there")
)

// Site is a place that is booked, with its revision.
type Site struct {
	site.Site
	Stamp
}

// Sites lists the sites, by id; with the tombstones if deleted is set.
func (r *Register) Sites(deleted bool) []Site {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Site, 0, len(r.places.sites))
	for _, s := range sorted(r.places.sites) {
		if deleted || !s.Deleted {
			out = append(out, s)
		}
	}
	return out
}

// Site is one site, or its tombstone.
func (r *Register) Site(id string) (Site, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return find(r.places.sites, "site", id)
}

// CreateSite adds a site. The zone's authority does it, for whichever owner.
func (r *Register) CreateSite(ctx context.Context, who Actor, s site.Site) (Site, error) {
	if !who.May(ZoneControl) {
		return Site{}, fmt.Errorf("create site: %s: %w", who.ID, ErrForbidden)
	}
	s.ID, s.Deleted = newAccountID(ctx, "st_"), false
	made := Site{Site: s}
	if err := made.checkAll(); err != nil {
		return Site{}, err
	}
	return r.decideSite(ctx, who, siteAct{name: actCreateSite, check: func(time.Time) ([]siteChange, error) {
		if err := r.checkOwner(made.Owner); err != nil {
			return nil, err
		}
		return []siteChange{{Site: encodeSite(made)}}, nil
	}})
}

// checkAll is Check and the area.
func (s *Site) checkAll() error {
	if err := s.Site.Check(); err != nil {
		return err
	}
	f := s.Area()
	f.ID = "site"
	if _, err := geofence.Compile(f); err != nil {
		return fmt.Errorf("%w: %w", site.ErrSite, err)
	}
	if s.Space { // its bookings are volumes, of which the index asks more
		if _, err := volumes.Compile(bookedVolume(s, &site.Booking{ID: "bk", FromUS: 1, ToUS: 2})); err != nil {
			return fmt.Errorf("%w: %w", site.ErrSite, err)
		}
	}
	return nil
}

func (r *Register) checkOwner(org string) error {
	if org == "" {
		return nil
	}
	o, err := find(r.accounts.organisations, "organisation", org)
	switch {
	case err != nil, o.Disabled:
		return fmt.Errorf("%w: there is no organisation %q", site.ErrSite, org)
	case o.Kind == Sandbox:
		return fmt.Errorf("%w: a sandbox owns nothing in the zone", site.ErrSite)
	}
	return nil
}

// Owns reports whether somebody acts for the owner of a site: the zone's controllers do
// for every one.
func (s *Site) Owns(who Actor) bool {
	return who.May(ZoneControl) || s.Owner != "" && who.Org == s.Owner && who.May(PermitApply)
}

// ReplaceSite gives a site a new definition, if rev is its current revision. Its owner
// may; only the zone's authority gives it to another owner, moves it, or says that rule
// packs may relax numbers there. What bookings were checked by stays while it is booked.
func (r *Register) ReplaceSite(ctx context.Context, who Actor, rev uint64, s site.Site) (Site, error) {
	next := Site{Site: s}
	next.Deleted = false
	if err := next.checkAll(); err != nil {
		return Site{}, err
	}
	return r.decideSite(ctx, who, siteAct{name: actReplaceSite, site: s.ID, space: true, check: func(now time.Time) ([]siteChange, error) {
		have, err := r.ownSite(who, s.ID, rev)
		if err != nil {
			return nil, err
		}
		if err := r.checkOwner(next.Owner); err != nil {
			return nil, err
		}
		next.Stamp = have.Stamp
		was, is := have.Area(), next.Area()
		moved := !sameArea(&was, &is) || have.Space != next.Space
		if !who.May(ZoneControl) && (moved || have.Owner != next.Owner || have.Sandbox != next.Sandbox || have.Kind != next.Kind) {
			return nil, fmt.Errorf("change the area, kind, owner or sandbox of site %s: the zone's authority does: %w", s.ID, ErrForbidden)
		}
		if (moved || next.Capacity < have.Capacity || next.BufferUS > have.BufferUS) && r.bookedAfter(s.ID, now.UnixMicro()) {
			return nil, fmt.Errorf("move site %s, or take of its capacity or buffer: %w", s.ID, ErrSiteBooked)
		}
		return []siteChange{{Site: encodeSite(next)}}, nil
	}})
}

// DeleteSite takes away a site that nobody has booked. A tombstone stays.
func (r *Register) DeleteSite(ctx context.Context, who Actor, id string, rev uint64) (Site, error) {
	return r.decideSite(ctx, who, siteAct{name: actDeleteSite, site: id, check: func(now time.Time) ([]siteChange, error) {
		s, err := r.ownSite(who, id, rev)
		if err != nil {
			return nil, err
		}
		if r.bookedAfter(id, now.UnixMicro()) {
			return nil, fmt.Errorf("delete site %s: %w", id, ErrSiteBooked)
		}
		s.Deleted = true
		return []siteChange{{Site: encodeSite(s)}}, nil
	}})
}

// ownSite is a site that somebody may change, of a revision. Called with r.mu held.
func (r *Register) ownSite(who Actor, id string, rev uint64) (Site, error) {
	s, err := find(r.places.sites, "site", id)
	switch {
	case err != nil:
		return s, err
	case !s.Owns(who):
		return s, fmt.Errorf("change site %s: %s: %w", id, who.ID, ErrForbidden)
	case s.Deleted:
		return s, fmt.Errorf("site %s: %w", id, ErrSiteGone)
	}
	return s, current("site", id, s.Stamp, rev)
}

// bookedAfter reports whether a site is booked at a moment or later. Called with r.mu held.
func (r *Register) bookedAfter(id string, nowUS int64) (booked bool) {
	r.places.diaries[id].In(nowUS, maxTimeUS, func(*site.Booking) { booked = true })
	return booked
}

func (r *Register) decideSite(ctx context.Context, who Actor, act siteAct) (Site, error) {
	done, err := r.decideSites(ctx, who, act)
	if err != nil {
		return Site{}, err
	}
	for _, c := range done {
		if c.Site != nil {
			return c.Site.decode()
		}
	}
	return Site{}, ErrNotFound
}

// sameArea reports whether two fences are of the same place.
func sameArea(a, b *geofence.Fence) bool {
	x, y := encodeFence(a), encodeFence(b)
	x.Name, y.Name, x.Schedule, y.Schedule = "", "", nil, nil
	return reflect.DeepEqual(x, y)
}

// Utilisation is what part of a site was or is booked of the time at which it is open.
func (r *Register) Utilisation(id string, fromUS, toUS int64) (float64, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, err := find(r.places.sites, "site", id)
	if err != nil {
		return 0, err
	}
	diary := r.places.diaries[id]
	if diary == nil {
		return 0, nil
	}
	return diary.Share(&s.Site, r.cfg.Open, fromUS, toUS), nil
}

// Taken lists the spans in which units of a site are taken, by whomever.
func (r *Register) Taken(id string, fromUS, toUS int64) ([]site.Busy, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, err := find(r.places.sites, "site", id)
	if err != nil {
		return nil, err
	}
	diary := r.places.diaries[id]
	if diary == nil {
		return nil, nil
	}
	return diary.Taken(&s.Site, fromUS, toUS), nil
}

// OpenSpans lists the spans of a window in which a site is open.
func (r *Register) OpenSpans(s *Site, fromUS, toUS int64) (out []site.Span) {
	for at := fromUS; at < toUS; {
		in, change := r.cfg.Open(&s.Open, at)
		if change <= at || change > toUS {
			change = toUS
		}
		if in {
			out = append(out, site.Span{FromUS: at, ToUS: change})
		}
		at = change
	}
	return out
}

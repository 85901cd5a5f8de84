package airspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"testzone/airspace/site"
	"testzone/airspace/volumes"
	"testzone/geofence"
	"testzone/telemetry/journal"
)

// SiteSchema is the payload type of the journal's entries about sites and their
// bookings: JSON, a siteEntry.
const SiteSchema = 21

// errSiteEntry is returned when an entry about sites or bookings cannot be read, e.g.
// because a newer program wrote it.
var errSiteEntry = errors.New("entry about a site or a booking is not readable by this program")

// The acts, for whoever reads the journal.
const (
	actCreateSite  = "site.created"
	actReplaceSite = "site.changed"
	actDeleteSite  = "site.deleted"

	actBook           = "booking.made"
	actMoveBooking    = "booking.changed"
	actCancelBooking  = "booking.cancelled"
	actApproveBooking = "booking.approved"
	actRefuseBooking  = "booking.refused"
	actArrive         = "booking.arrived"
	actNoShow         = "booking.no_show"
)

// siteEntry is the journal's form of a decision about sites and bookings: the records
// as they are from now on. Members are added, never changed.
type siteEntry struct {
	Type    string           `json:"type"`
	Changes []siteChange     `json:"changes"`
	Reason  string           `json:"reason,omitempty"`
	By      string           `json:"by"`
	AtUS    int64            `json:"at_us"`
	Request *journal.Request `json:"request,omitempty"`
}

// siteChange is one record, exactly one member.
type siteChange struct {
	Site    *siteJSON `json:"site,omitempty"`
	Booking *Booking  `json:"booking,omitempty"`
}

// siteJSON is a site with its area in lattice units, as fences are written.
type siteJSON struct {
	Site
	Area *fenceJSON `json:"area"`
}

func encodeSite(s Site) *siteJSON {
	f := s.Area()
	return &siteJSON{s, encodeFence(&f)}
}

// Area is the site's area as a fence, which is how areas are checked and written.
func (s *Site) Area() geofence.Fence {
	return geofence.Fence{ID: s.ID, Name: s.Name, Kind: geofence.KeepOut, Response: geofence.Warn, Shape: s.Shape, Floor: s.Floor, Ceiling: s.Ceiling, Schedule: s.Open}
}

func (j *siteJSON) decode() (Site, error) {
	out := j.Site
	if j.Area == nil {
		return out, fmt.Errorf("%w: a site without an area", errSiteEntry)
	}
	f, err := j.Area.decode()
	out.Shape, out.Floor, out.Ceiling, out.Open = f.Shape, f.Floor, f.Ceiling, f.Schedule
	return out, err
}

// places is the part of the register's state that is about what can be booked.
type places struct {
	sites    map[string]Site
	bookings map[string]Booking
	answers  keptAnswers[[]siteChange]

	diaries map[string]*site.Diary // of the bookings that occupy a site, by site
}

func newPlaces() places {
	return places{map[string]Site{}, map[string]Booking{}, keptAnswers[[]siteChange]{}, map[string]*site.Diary{}}
}

// keepBookings is how long one that is over can be read.
const keepBookings = 180 * 24 * time.Hour

func siteAggregate(id string) journal.Aggregate { return journal.Aggregate("site:" + id) }

// siteAct is a decision about a site and its bookings.
type siteAct struct {
	name, reason string
	site         string // whose state the check looks at; empty: a new one
	space        bool   // and at the zone's airspace
	check        func(now time.Time) ([]siteChange, error)
}

// decideSites decides about a site or its bookings: check looks at the state, which is
// locked for reading, and says what the records shall be. Stamps are written here. Check
// and acceptance are one: of two decisions about the same site, or about the airspace,
// the second is checked when the first is durable. A request that was decided before
// gets its first answer.
func (r *Register) decideSites(ctx context.Context, who Actor, act siteAct) ([]siteChange, error) {
	if IsRehearsal(ctx) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return stampedSites(who, r.cfg.Clock(), act.check)
	}
	about := []journal.Aggregate{}
	if act.site != "" {
		about = append(about, siteAggregate(act.site))
	}
	if act.space {
		about = append(about, r.zone)
	}
	d, err := newDecision(ctx, decision{about: about})
	if err != nil {
		return nil, err
	}
	var changes []siteChange // the decider's: whoever leaves before it is done does not touch it
	d.plan = func(now time.Time) (err error) {
		before, ok, err := r.places.answers.of(d.request, now)
		if err != nil {
			return err
		}
		if ok {
			changes = before
			return errAnswered
		}
		if changes, err = stampedSites(who, now, act.check); err != nil {
			return err
		}
		e := siteEntry{Type: act.name, Changes: changes, Reason: act.reason, By: who.ID, AtUS: now.UnixMicro(), Request: d.request}
		entry, kept, err := encodedEntry(SiteSchema, &e, e.AtUS, e.Request)
		d.drafts = []draft{{entry: entry, zone: act.space, touches: touchedSites(changes), apply: func() error { return r.applySites(kept) }}}
		return err
	}
	if err := r.decide(ctx, d); err != nil && !errors.Is(err, errAnswered) {
		return nil, err
	}
	return changes, nil
}

func touchedSites(changes []siteChange) (out []journal.Aggregate) {
	for _, c := range changes {
		id := ""
		if c.Site != nil {
			id = c.Site.ID
		} else {
			id = c.Booking.Site
		}
		if a := siteAggregate(id); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func stampedSites(who Actor, now time.Time, check func(now time.Time) ([]siteChange, error)) ([]siteChange, error) {
	changes, err := check(now)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		s := &Stamp{}
		if c.Site != nil {
			s = &c.Site.Stamp
		} else {
			s = &c.Booking.Stamp
		}
		if s.Rev++; s.Rev == 1 {
			s.CreatedUS = now.UnixMicro()
		}
		s.UpdatedUS, s.UpdatedBy = now.UnixMicro(), who.ID
	}
	return changes, nil
}

// applySites takes the records of a durable entry into the state. Called with r.mu held.
func (r *Register) applySites(e *siteEntry) error {
	if len(e.Changes) == 0 {
		return fmt.Errorf("%w: %s changes nothing", errSiteEntry, e.Type)
	}
	for _, c := range e.Changes {
		switch {
		case c.Site != nil:
			s, err := c.Site.decode()
			if err != nil {
				return err
			}
			r.places.sites[s.ID] = s
			if err := r.moveVolumes(&s); err != nil {
				return err
			}
		case c.Booking != nil:
			if err := r.applyBooking(*c.Booking); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: %s", errSiteEntry, e.Type)
		}
	}
	if e.Request != nil {
		r.places.answers.note(e.Request, e.AtUS, e.Changes)
	}
	r.noted(r.noticesOfBookings(e)...)
	r.forgetBookings(e.AtUS)
	return nil
}

// applyBooking takes a booking into the state, the diary of its site and the index of
// volumes. Called with r.mu held.
func (r *Register) applyBooking(b Booking) error {
	s, known := r.places.sites[b.Site]
	if !known {
		return fmt.Errorf("%w: booking %s of site %s, which never was", errSiteEntry, b.ID, b.Site)
	}
	diary := r.places.diaries[b.Site]
	if diary == nil {
		diary = &site.Diary{}
		r.places.diaries[b.Site] = diary
	}
	if was, known := r.places.bookings[b.ID]; known {
		diary.Remove(&was.Booking)
	}
	diary.Put(nil, b.Booking)
	r.places.bookings[b.ID] = b
	return r.putVolume(&s, &b.Booking)
}

// putVolume keeps the volume of a booking in the index as it has to be.
func (r *Register) putVolume(s *Site, b *site.Booking) error {
	r.volumes.Remove(volumeID(b.ID))
	if !s.Space || !b.Occupies() {
		return nil
	}
	solid, err := volumes.Compile(bookedVolume(s, b))
	if err == nil {
		err = r.volumes.Insert(solid)
	}
	if err != nil {
		return fmt.Errorf("booking %s: %w", b.ID, err)
	}
	return nil
}

// moveVolumes keeps the volumes of a site's bookings where the site is.
func (r *Register) moveVolumes(s *Site) (err error) {
	r.places.diaries[s.ID].In(0, maxTimeUS, func(b *site.Booking) { err = errors.Join(err, r.putVolume(s, b)) })
	return err
}

// maxTimeUS is later than any time that is stored.
const maxTimeUS = 1 << 60

func volumeID(booking string) string { return "booking:" + booking }

// bookedVolume is what a booking takes of the airspace, its buffer included. How many
// share the site is counted by the diary: the index keeps others out of what one has
// alone.
func bookedVolume(s *Site, b *site.Booking) volumes.Volume {
	id := volumeID(b.ID)
	return volumes.Volume{
		ID: id, Of: id, Shape: s.Shape, Floor: s.Floor, Ceiling: s.Ceiling,
		FromUS: b.FromUS, ToUS: b.ToUS + s.BufferUS, Priority: b.Priority, Shared: !b.Exclusive,
	}
}

// forgetBookings drops what was over long ago, once in a while. Called with r.mu held.
func (r *Register) forgetBookings(nowUS int64) {
	if len(r.places.bookings)%256 != 0 {
		return
	}
	for id, b := range r.places.bookings {
		if nowUS-b.ToUS > keepBookings.Microseconds() {
			r.places.diaries[b.Site].Remove(&b.Booking)
			r.volumes.Remove(volumeID(id))
			delete(r.places.bookings, id)
		}
	}
}

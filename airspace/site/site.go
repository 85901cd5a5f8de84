// Package site says what a place of the test zone is that people book, and whether a
// booking fits beside the others.
//
// A Site has an area, a capacity and times at which it is open. A Booking takes some
// units of the capacity, or all of it, for a span of time. A Diary holds the bookings of
// one site; Judge says everything that speaks against one, and Free finds the nearest
// spans that would do. Between two bookings that cannot share the site lies its buffer.
//
// Whether bookings of different sites meet in space is not asked here: a site that
// takes space has volumes in the index of package volumes.
//
// Times are Unix microseconds, spans half-open. A Diary is not safe for concurrent use.
// Nothing here reads a clock: opening times are asked of an Open. Kinds of sites follow
// the Shanghai AI industry regulations of 2022, articles 43 and 44.
package site

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// ErrSite is returned when a site cannot be as it was asked; it wraps what is wrong.
var ErrSite = errors.New("cannot be a site")

// Kind is what a site is.
type Kind string

// The kinds.
const (
	TestBase  Kind = "test_base"
	Pad       Kind = "pad" // take-off and landing point
	Aerodrome Kind = "aerodrome"
	Road      Kind = "road" // a section of one of the road classes
	Waterway  Kind = "waterway"
	Berth     Kind = "berth"
	TestTrack Kind = "test_track"
	Hangar    Kind = "hangar"
	Frequency Kind = "frequency" // a slot of the radio spectrum
)

// Kinds lists what a site may be.
func Kinds() []Kind {
	return []Kind{TestBase, Pad, Aerodrome, Road, Waterway, Berth, TestTrack, Hangar, Frequency}
}

// RoadClasses lists the classes of road that article 43 names.
func RoadClasses() []string {
	return []string{"highway", "expressway", "urban", "urban_expressway", "specific_area"}
}

// Limits of a site.
const (
	MaxCapacity = 1000
	MaxLength   = 31 * 24 * time.Hour // of a booking
	maxBuffer   = 24 * time.Hour
	maxText     = 200
)

// Site is a place, or a resource of one, that is booked.
type Site struct {
	ID        string `json:"id"` // st_…
	Name      string `json:"name"`
	Kind      Kind   `json:"kind"`
	RoadClass string `json:"road_class,omitempty"` // of a road
	Owner     string `json:"owner"`                // organisation; empty: the zone's authority
	Contact   string `json:"contact,omitempty"`    // of a post, not of a person: everybody reads it
	District  string `json:"district,omitempty"`   // as rule packs name it
	Sandbox   bool   `json:"sandbox,omitempty"`    // rule packs may relax numbers here

	Shape          geofence.Shape    `json:"-"`
	Floor, Ceiling geo.Altitude      `json:"-"`
	Open           geofence.Schedule `json:"-"` // zero: always

	// Space: a booking takes the area and the heights, so that it counts at other
	// sites there too. A hangar or a frequency takes none.
	Space    bool `json:"space"`
	Capacity int  `json:"capacity"` // units that may be booked at once

	MinUS    int64 `json:"min_us,omitempty"` // shortest booking
	MaxUS    int64 `json:"max_us"`           // longest
	BufferUS int64 `json:"buffer_us,omitempty"`
	NoShowUS int64 `json:"no_show_us,omitempty"` // released that long after its begin, unless somebody came; 0: never
	AheadUS  int64 `json:"ahead_us"`             // how far ahead it can be booked
	Approval bool  `json:"approval,omitempty"`   // its owner approves each booking

	Deleted bool `json:"deleted,omitempty"` // tombstone
}

// Check says what is wrong with a site, beside its area.
func (s *Site) Check() error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrSite, fmt.Sprintf(format, args...))
	}
	day := (24 * time.Hour).Microseconds()
	switch n := utf8.RuneCountInString(s.Name); {
	case n < 1 || n > 120:
		return fault("a name has 1 to 120 characters")
	case utf8.RuneCountInString(s.Contact) > maxText, utf8.RuneCountInString(s.District) > maxText:
		return fault("contact and district have at most %d characters", maxText)
	case !slices.Contains(Kinds(), s.Kind):
		return fault("kind %q: use one of %v", s.Kind, Kinds())
	case s.Kind == Road && !slices.Contains(RoadClasses(), s.RoadClass):
		return fault("road class %q: a road is one of %v", s.RoadClass, RoadClasses())
	case s.Kind != Road && s.RoadClass != "":
		return fault("only a road has a road class")
	case s.Capacity < 1 || s.Capacity > MaxCapacity:
		return fault("the capacity is 1 to %d", MaxCapacity)
	case s.MaxUS <= 0 || s.MaxUS > MaxLength.Microseconds():
		return fault("the longest booking is up to %d days", MaxLength/(24*time.Hour))
	case s.MinUS < 0 || s.MinUS > s.MaxUS:
		return fault("the shortest booking is not longer than the longest")
	case s.BufferUS < 0 || s.BufferUS > maxBuffer.Microseconds():
		return fault("the buffer is up to a day")
	case s.NoShowUS < 0 || s.NoShowUS > day:
		return fault("a booking is released within a day of its begin, or never")
	case s.AheadUS <= 0 || s.AheadUS > 366*2*day:
		return fault("it can be booked up to two years ahead")
	}
	return nil
}

// Open says whether a schedule holds at a moment, and when that changes next; 0: not
// soon.
type Open func(s *geofence.Schedule, atUS int64) (in bool, changeUS int64)

// ClosedIn is the first moment of a span at which a site is closed; ok is false when it
// is open all the time. untilUS is when it opens again, 0 if nobody knows.
func (s *Site) ClosedIn(open Open, fromUS, toUS int64) (atUS, untilUS int64, ok bool) {
	for at := fromUS; at < toUS; {
		in, change := open(&s.Open, at)
		if !in {
			return at, change, true
		}
		if change <= at {
			return 0, 0, false
		}
		at = change
	}
	return 0, 0, false
}

// Package volumes answers which volumes in space and time meet: the 4D index
// under permits, intents, bookings and restrictions.
//
// A volume is a shape, an altitude band and a span of time. Two volumes meet
// when their spans of time share an instant, their bands more than a centimetre
// and their shapes more than a centimetre (F3548-21, IntersectionMinimumPrecision);
// volumes that only touch do not meet. Edges are straight in longitude and latitude;
// circles and corridors are what lies within a distance of a point or a line and
// are never made polygons. Heights whose datums cannot be compared (above
// ground beside above sea level) meet: the safe side, and a Conflict says so.
//
// Times are Unix microseconds, spans half-open, heights millimetres, lengths
// metres. An Index is safe for concurrent use, a Solid is immutable. The index
// decides nothing about who may fly: it reports conflicts, and how far in time
// the nearest place without one is.
package volumes

import (
	"errors"
	"fmt"
	"math"
	"time"

	"testzone/geofence"
	"testzone/geofence/geo"
)

var (
	// ErrVolume is returned when a volume cannot be one: its shape, band or time is unsound.
	ErrVolume = errors.New("unsound volume")
	// ErrExists is returned when the index already holds a volume of that id.
	ErrExists = errors.New("a volume of this id is in the index: remove it first")
)

// Ends of a span of time that has none.
const (
	Ever    = math.MinInt64 // as FromUS: since ever
	Forever = math.MaxInt64 // as ToUS: no end
)

// Volume is a shape in an altitude band during a span of time.
type Volume struct {
	ID string // unique within an index
	// Of names what the volume belongs to, such as one intent or one booking.
	// Volumes of the same are never in conflict with each other. Empty: nothing.
	Of string

	Shape          geofence.Shape
	Floor, Ceiling geo.Altitude // NoDatum: no limit
	FromUS, ToUS   int64        // [FromUS, ToUS)

	Priority int // the higher one stays; of equals the one that was there

	// Shared volumes may overlap each other, exclusive ones nothing. A Capacity
	// other than 0 says how many, counted by Of and itself among them, may
	// share the room at once.
	Shared   bool
	Capacity int
}

// Config of an Index. The zero value works.
type Config struct {
	// Slice is the finest division of time, 15 min if 0. A volume lies in up to
	// five slices; finer ones make inserts dearer and queries of short spans cheaper.
	Slice time.Duration
}

// Precision is how much of each dimension two volumes have to share to meet,
// in metres.
const Precision = 0.01

// maxSpan bounds a volume: 10 degrees of longitude or latitude.
const maxSpan = 100_000_000

// maxVertices bounds the vertices of a volume: those of an intent, F3548-21.
const maxVertices = 10_000

// check refuses what a shape's own checks do not see.
func (v *Volume) check() error {
	switch {
	case v.ID == "":
		return fmt.Errorf("%w: it has no id", ErrVolume)
	case v.ToUS <= v.FromUS:
		return fmt.Errorf("%w %s: its end is not after its begin", ErrVolume, v.ID)
	case v.Floor.Datum != geo.NoDatum && v.Floor.Datum == v.Ceiling.Datum && int64(v.Ceiling.MM)-int64(v.Floor.MM) <= precisionMM:
		return fmt.Errorf("%w %s: its ceiling is not more than %d mm above its floor", ErrVolume, v.ID, precisionMM)
	case v.Capacity < 0 || v.Capacity > 0 && !v.Shared:
		return fmt.Errorf("%w %s: only a shared volume has a capacity, of 1 or more", ErrVolume, v.ID)
	}
	return nil
}

package geofence

import (
	"errors"
	"fmt"
	"strings"

	"testzone/geofence/geo"
)

var (
	// ErrKind is returned when a fence is neither keep-out nor keep-in nor speed limit.
	ErrKind = errors.New("kind must be keep-out, keep-in or speed limit")
	// ErrSpeed is returned when a speed limit has no speed between 0.1 and 400 m/s, or another kind has one.
	ErrSpeed = errors.New("a speed limit, and nothing else, must have a speed of 0.1 to 400 m/s")
	// ErrEdges is returned when a fence's edges are neither straight in longitude and latitude nor geodesic.
	ErrEdges = errors.New("edges must be lonlat or geodesic")
	// ErrGroup is returned when a fence other than a keep-in names a group.
	ErrGroup = errors.New("only keep-in fences form groups")
	// ErrMargin is returned when a margin is not between 0 and 5000 m.
	ErrMargin = errors.New("margin must be 0 to 5000 m")
	// ErrNoShape is returned when a fence has neither polygons nor a circle nor a corridor, or more than one of them.
	ErrNoShape = errors.New("shape must be polygons, one circle or one corridor")
)

// Reason is why a shape was refused.
type Reason string

// The reasons of a ShapeError.
const (
	OutOfRange     Reason = "out of range"        // Vertex: latitude or longitude is off the globe
	NearPole       Reason = "too near a pole"     // Vertex: latitude beyond 89 degrees
	TooFewVertices Reason = "too few vertices"    // Ring: fewer than 3 distinct vertices
	ZeroArea       Reason = "zero area"           // Ring: all vertices lie on one line
	Spike          Reason = "spike"               // Vertex: the edges before and after it lie on each other
	EdgesCross     Reason = "edges cross"         // EdgeA, EdgeB: they share a point that they must not share
	HoleOutside    Reason = "hole outside"        // Ring: the hole does not lie within the outer ring
	HolesOverlap   Reason = "holes overlap"       // Ring, RingB: one hole lies within another
	PartsOverlap   Reason = "polygons overlap"    // Polygon, PolygonB of a keep-in: one lies within the other
	EdgeTooLong    Reason = "edge too long"       // EdgeA: spans more than 90 degrees
	TooWide        Reason = "too wide"            // Ring: spans 180 degrees or more
	Antimeridian   Reason = "antimeridian"        // EdgeA: crosses longitude 180 and reaches far beyond
	TooLarge       Reason = "too many vertices"   // more than MaxVertices, or too many rings
	TooComplex     Reason = "too complex"         // the check of crossing edges would take too long
	BadWidth       Reason = "width out of range"  // half of the corridor's width is not between 1 m and 5 km
	Folds          Reason = "corridor folds"      // Vertex of a keep-in corridor: too sharp a turn; None: it comes back to itself
	Vanishes       Reason = "vanishes"            // the margin leaves nothing of a keep-in
	BadRadius      Reason = "radius out of range" // the circle's radius is not between 1 m and 200 km
)

// None stands in a ShapeError for a vertex, edge or ring that it does not name.
const None = -1

// ShapeError says what is wrong with a shape and where. Vertex i and edge i
// (from vertex i to the next one) count from 0 in the ring as it was given;
// ring 0 is the outer ring, ring i the hole i-1.
type ShapeError struct {
	Reason            Reason
	Polygon, PolygonB int // PolygonB, RingB: of EdgeB, or of the second ring
	Ring, RingB       int
	EdgeA, EdgeB      int
	Vertex            int
	Points            []geo.Point // the vertex, or the ends of EdgeA and of EdgeB
	Detail            string
}

func (e *ShapeError) Error() string {
	var b strings.Builder
	if e.Ring != None {
		b.WriteString(ringName(e.Polygon, e.Ring) + ": ")
	}
	b.WriteString(string(e.Reason))
	switch {
	case e.Vertex != None:
		fmt.Fprintf(&b, " at vertex %d (%v)", e.Vertex, e.Points[0])
	case e.EdgeB != None:
		fmt.Fprintf(&b, ": edge %d (%v to %v) meets edge %d (%v to %v)",
			e.EdgeA, e.Points[0], e.Points[1], e.EdgeB, e.Points[2], e.Points[3])
		if e.Polygon != e.PolygonB || e.Ring != e.RingB {
			b.WriteString(" of " + ringName(e.PolygonB, e.RingB))
		}
	case e.EdgeA != None:
		fmt.Fprintf(&b, ": edge %d (%v to %v)", e.EdgeA, e.Points[0], e.Points[1])
	case e.RingB != None:
		b.WriteString(": lies within " + ringName(e.PolygonB, e.RingB))
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

func ringName(polygon, ring int) string {
	if ring == 0 {
		return fmt.Sprintf("polygon %d outer ring", polygon)
	}
	return fmt.Sprintf("polygon %d hole %d", polygon, ring-1)
}

// BandError says what is wrong with an altitude band.
type BandError struct {
	Field  string // "floor" or "ceiling"
	Detail string
}

func (e *BandError) Error() string { return e.Field + ": " + e.Detail }

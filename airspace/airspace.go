// Package airspace is the slow side of the zone: what was decided, by whom, and
// what follows from it for the fences.
//
// Register is the state that the journal builds. Every change is a decision:
// checked against the state, appended to the journal with the revisions it was
// made against, and applied only when the journal has it. A decision is
// answered when it is durable. What the register decides becomes fences, which
// it hands to whoever enforces them; the register never sees a position.
//
// Who may decide is decided here too: organisations, people with roles, API
// keys and acts of two persons. The register knows people by id only; names and
// passwords stand outside of the journal, where they can be erased.
//
// Register is safe for concurrent use. Times are microseconds since the Unix
// epoch; the clock is injected and its readings are stored in the entries, so
// that a replay builds the same state.
package airspace

import (
	"errors"

	"testzone/geofence/geo"
)

var (
	// ErrNotFound is returned when there is no object with that id.
	ErrNotFound = errors.New("not found")
	// ErrStale is returned when the object changed since the revision that the caller saw.
	ErrStale = errors.New("changed since you read it")
	// ErrNotManual is returned when a fence belongs to a permit, an intent or a restriction and cannot be edited by itself.
	ErrNotManual = errors.New("fence is not a manual one")
	// ErrNoVersion is returned when a fence has no version of that revision to go back to, or no longer.
	ErrNoVersion = errors.New("no such version")
	// ErrDefinition is returned when a definition cannot be compiled; it wraps what Compile says.
	ErrDefinition = errors.New("cannot be a fence")
	// ErrTwice is returned when two changes of one batch are of the same fence.
	ErrTwice = errors.New("changed twice in one batch")
	// ErrOperation is returned when a change of a batch does not say what to do.
	ErrOperation = errors.New("operation must be create, replace or delete")
	// ErrForbidden is returned when the actor lacks the scope for a decision.
	ErrForbidden = errors.New("not allowed")
)

// Zone is the test zone that this deployment runs.
type Zone struct {
	ID    string
	Name  string
	TZ    string    // IANA name, e.g. Asia/Shanghai
	South geo.Point // south-west corner of the zone's box
	North geo.Point // north-east corner

	Sectors []Sector // that controllers sign on to; none: only to the whole zone
}

// Box is the zone's box.
func (z *Zone) Box() geo.Box { return geo.BoxOf(z.South, z.North) }

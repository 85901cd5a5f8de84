// Package telemetry is the live side of the zone: it takes reports in, keeps
// the track of every vehicle, asks the fence engine about each movement, and
// tells subscribers what happened.
//
// The way of a report: a listener calls Pipeline.Reports with a batch; the
// shard that owns the vehicle (handle modulo shards, one goroutine) updates the
// Track, steps the fences and publishes transitions on the Bus. The Book turns
// transitions into alerts, publishes them at once and writes them to the
// journal in parallel. The Fanout copies all tracks ten times a second into a
// Picture that every live session shares.
//
// One vehicle's reports are handled in the order in which they were received.
// Per report there is no allocation, no lock and no log line. Sessions that
// cannot keep up are closed; the alert book is never closed and never loses an
// event: when it falls behind, Health says so. Times are microseconds since the
// Unix epoch, from the injected clock.
package telemetry

import (
	"testzone/geofence"
	"testzone/vehicles"
)

// Event is one thing that happened, in the order of the live channel.
type Event struct {
	Seq    uint64 // live sequence: rises by one within an epoch, from 1
	TimeUS int64
	Body   Body
}

// Body is what happened: *Transition, *Jump, *Settled, *Confirmed, *Unenforced,
// *Prediction, *Separation, *Suspect, *IdentityChange, *SignalChange, *Alert,
// *FenceChange, *LinkChange, *Begun or *Gone.
// Bodies are immutable once published.
type Body interface{ event() }

// Transition is a fence crossing together with the vehicle that made it.
type Transition struct {
	geofence.Transition
	Vehicle *vehicles.Identity
	Grounds Grounds
	Held    bool // the alerts count it and do nothing more: see breach
}

// FenceChange says that a fence has a new revision, or was deleted.
type FenceChange struct {
	ID      string
	Rev     uint64
	Deleted bool
}

// LinkChange says that a vehicle's link changed state.
type LinkChange struct {
	Vehicle *vehicles.Identity
	From    vehicles.LinkState
	To      vehicles.LinkState
	Armed   bool // what is armed and silent may move unseen
}

// Begun says that a vehicle's first fix was judged. What holds of it has been
// told before: an alert of a former run that was not raised again is over.
type Begun struct {
	Vehicle *vehicles.Identity
}

// Gone says that a vehicle is no longer followed: its source was silent for long.
type Gone struct {
	Vehicle *vehicles.Identity
}

func (*Transition) event()  {}
func (*Alert) event()       {}
func (*FenceChange) event() {}
func (*Begun) event()       {}
func (*LinkChange) event()  {}
func (*Gone) event()        {}

// Reason is why a part of the system is degraded, for people.
type Reason struct {
	Code string // stable, e.g. "journal_read_only"
	Text string // what is wrong and what to do
}

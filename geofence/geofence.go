// Package geofence decides, for one movement of one vehicle, which fences it
// entered, left or crossed. Positions are WGS-84 in 1e-7 degrees; a point on
// the edge of a keep-out fence is inside, a point on the edge of a keep-in
// fence is outside: the safe side. An Engine is safe for concurrent use; a
// Shard belongs to one goroutine.
package geofence

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Kind is what a fence asks.
type Kind uint8

// The kinds. A keep-out fence is a closed set, a keep-in fence an open one; a
// speed limit holds within a closed set.
const (
	KeepOut Kind = iota + 1
	KeepIn
	SpeedLimit
)

// Response is what the enforcement ladder does on a breach; data only here.
type Response string

// The responses. Warn is the default of a new fence (SAFETY 5).
const (
	Warn   Response = "warn"
	Hold   Response = "hold"
	Return Response = "return"
	Land   Response = "land"
	Stop   Response = "stop"
)

// Origin says who made a fence: a person (manual), or the register on behalf
// of a permit, an intent or a restriction with that ID.
type Origin struct {
	Kind string
	ID   string
}

// EdgeModel says what the line between two vertices is.
type EdgeModel uint8

// The edge models.
const (
	LonLat   EdgeModel = iota // straight in longitude and latitude, as in GeoJSON and MAVLink
	Geodesic                  // the shortest line on the ellipsoid
)

// Shape is the horizontal extent: polygons with holes, one circle, or one
// corridor.
type Shape struct {
	Polygons []geo.Polygon
	Circle   *geo.Circle
	Corridor *geo.Corridor
}

// Fence is the definition of one electronic fence.
type Fence struct {
	ID       string
	Name     string
	Kind     Kind
	Shape    Shape
	Floor    geo.Altitude // NoDatum: no lower limit
	Ceiling  geo.Altitude // NoDatum: no upper limit
	Classes  vehicles.Classes
	Response Response
	Origin   Origin
	Rev      uint64

	Edges           EdgeModel
	Schedule        Schedule
	Operators       []string             // empty: of any operator
	Vehicles        []vehicles.VehicleID // empty: any; an unverified vehicle is none of a list
	ExemptOperators []string             // an unverified vehicle is never exempt
	ExemptVehicles  []vehicles.VehicleID
	Permits         []string // empty: under any permit or none; an unverified vehicle operates under none
	ExemptPermits   []string
	SpeedMPS        float64 // SpeedLimit: highest speed over ground within
	MarginM         float64 // a keep-out grows by it, a keep-in shrinks
	Group           string  // keep-ins of one group: being inside any of them complies
}

// Sample is one position of one vehicle, in the order of its source.
type Sample struct {
	Fix        geo.Fix
	ReceivedUS int64  // server time, microseconds
	BootMS     uint32 // device time
	Velocity   vehicles.Velocity

	VelocityUnknown bool // Velocity means nothing: speed limits are not judged
}

// TransitionKind is what happened between a vehicle and a fence.
type TransitionKind uint8

// The kinds of transition.
const (
	Entered TransitionKind = iota + 1
	Left
	Crossed // met the fence between two fixes that lie on the same side
	Ended   // the fence was removed, left force, asks something else or no longer applies, while its state was held

	OverSpeed // a sample within a speed limit is faster than that
	SpeedOK   // no longer

	// Of a group of keep-ins; the first member that applies to the vehicle stands
	// for it. Each member has its own Entered and Left besides.
	GroupLeft    // the vehicle is inside no member
	GroupEntered // inside one again, or the group is gone
)

// Flags are attributes of a transition.
type Flags uint8

// The flags.
const (
	FirstFix        Flags = 1 << iota // the vehicle's first fix: it was never seen on the other side
	FenceChanged                      // the fence moved over the vehicle, not the vehicle into the fence
	AltitudeUnknown                   // no height in the fence's datum: judged on the safe side
	Jump                              // the step was longer than the vehicle can move: set difference only, no chord test
	GroupHeld                         // of a Crossed keep-in: another member of its group holds the vehicle, or was met on the way
)

// Transition is one fence crossing as a fact.
type Transition struct {
	Kind       TransitionKind
	Flags      Flags
	Handle     vehicles.Handle
	Fence      *Compiled // immutable: the revision that decided
	ReceivedUS int64
	BootMS     uint32
	Before     geo.Fix // equal to After on a first fix
	After      geo.Fix
	Datum      geo.Datum // the datum that decided; NoDatum when the fence has no band
}

// Effect is what a transition means for the fence's demand.
type Effect uint8

// The effects.
const (
	NoEffect     Effect = iota
	BreachBegins        // entered a keep-out, left a keep-in, broke a speed limit
	BreachEnds          // the opposite, or the fence ended
	BreachPassed        // crossed: began and ended between two fixes
)

// Effect says what the transition means: the alert book acts on it.
func (t *Transition) Effect() Effect {
	switch kind := t.Fence.Fence.Kind; {
	case t.Kind == OverSpeed || t.Kind == GroupLeft:
		return BreachBegins
	case t.Kind == SpeedOK || t.Kind == GroupEntered:
		return BreachEnds
	case t.Fence.Fence.Group != "" && t.Kind != Ended && (t.Kind != Crossed || t.Flags&GroupHeld != 0):
		return NoEffect // the group decides
	case kind == SpeedLimit && t.Kind != Ended:
		return NoEffect // to be there is no breach
	}
	switch t.Kind {
	case Crossed:
		return BreachPassed
	case Ended:
		return BreachEnds
	case Entered:
		if t.Fence.Fence.Kind == KeepOut {
			return BreachBegins
		}
		return BreachEnds
	case Left:
		if t.Fence.Fence.Kind == KeepIn {
			return BreachBegins
		}
		return BreachEnds
	}
	return NoEffect
}

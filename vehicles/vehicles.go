// Package vehicles answers which machines there are and what they last said:
// identities and dense handles, classes, reports in our units, tracks, and the
// state of each vehicle's link.
//
// A Report is one telemetry message, whatever protocol it came by; a Track is
// the current state that reports add up to. A Handle is a dense number that
// names a vehicle within one epoch (one start of the server): 0 is unused and
// no handle is used twice. Positions are degE7 WGS-84, heights millimetres with
// datum, speeds cm/s, headings 0.01 degree clockwise from true north, times
// microseconds since the Unix epoch.
//
// Registry is safe for concurrent use. Report and Track are values; a Track is
// owned by the shard that owns the vehicle.
package vehicles

import "fmt"

// VehicleID is the identity that people, the API and the journal use.
type VehicleID string

// Handle names a vehicle within one epoch.
type Handle uint32

// Class is the kind of machine.
type Class uint8

// The classes of the regulations: unmanned aircraft, intelligent connected
// vehicles, unmanned surface vessels.
const (
	ClassUnknown Class = iota
	UAV
	ICV
	USV
	// Traffic that is not the zone's: seen through ADS-B, AIS or remote id. It is
	// no class of a registration or of a fence; it is never judged by fences and
	// never commanded.
	Aircraft
	Vessel
	classCount

	trafficClasses = Aircraft // and above
)

var classNames = [classCount]string{"unknown", "uav", "icv", "usv", "aircraft", "vessel"}

// Traffic reports whether it is a class of traffic that is not the zone's.
func (c Class) Traffic() bool { return c >= trafficClasses && c < classCount }

// String is the name used in the API and in scenarios.
func (c Class) String() string {
	if c >= classCount {
		return fmt.Sprintf("class %d", uint8(c))
	}
	return classNames[c]
}

// ParseClass reads the name of a class that a vehicle can be registered with;
// "unknown" and traffic are none.
func ParseClass(s string) (Class, bool) {
	for c := UAV; c < trafficClasses; c++ {
		if classNames[c] == s {
			return c, true
		}
	}
	return ClassUnknown, false
}

// Classes is a set of classes. The empty set matches every class.
type Classes uint8

// ClassSet is the set of the given classes.
func ClassSet(cs ...Class) Classes {
	var s Classes
	for _, c := range cs {
		s |= 1 << c
	}
	return s
}

// Match reports whether c is in the set. A vehicle of unknown class matches
// every set: what we cannot classify is judged by every rule. Traffic matches
// none.
func (s Classes) Match(c Class) bool {
	return !c.Traffic() && (s == 0 || c == ClassUnknown || s&(1<<c) != 0)
}

// List is the set in the order of the constants.
func (s Classes) List() []Class {
	var out []Class
	for c := UAV; c < trafficClasses; c++ {
		if s&(1<<c) != 0 {
			out = append(out, c)
		}
	}
	return out
}

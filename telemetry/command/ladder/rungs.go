package ladder

import (
	"testzone/geofence"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// machine is how a vehicle can be brought to safety.
type machine uint8

const (
	unknownMachine machine = iota
	copter
	winged // a fixed wing, and a VTOL: both may need way to stay in the air
	car
	boat
)

func machineOf(v *vehicles.Identity) machine {
	switch v.Class {
	case vehicles.UAV:
		if command.Circles(v) {
			return winged
		}
		return copter
	case vehicles.ICV:
		return car
	case vehicles.USV:
		return boat
	}
	return unknownMachine
}

// steps are what is ordered, one after another while it has no effect. After the last
// one a person is called.
type steps struct {
	kinds []command.Kind
	call  string // why a person is called at once, too; empty: not yet
}

const (
	noSurvey  = "the fence asks to land, and nobody surveyed what is below: decide whether it lands there"
	noLanding = "the fence asks to land, and this machine cannot land where it is"
	noRoad    = "whether it may stand there is not known: look at the road behind it"
)

// rungs is the ladder: which steps follow on each other, by machine and by the
// response of the fence.
//
// A copter holds in place, goes home, and lands last: what is below it is unknown, so
// that it lands only when nothing else had an effect (SAFETY 6, 11). What needs way to
// fly circles, goes home, and never lands where it is. A car stands only where the
// response of the fence says so; else it is held and somebody is called at once, for
// the road may be one on which standing kills. A boat has no STOP and no LAND of its
// own. Termination of flight is in no cell.
var rungs = map[machine]map[geofence.Response]steps{
	copter: {
		geofence.Hold:   {kinds: []command.Kind{command.Hold, command.Return, command.Land}},
		geofence.Stop:   {kinds: []command.Kind{command.Stop, command.Return, command.Land}},
		geofence.Return: {kinds: []command.Kind{command.Return, command.Hold, command.Land}},
		geofence.Land:   {kinds: []command.Kind{command.Hold, command.Return, command.Land}, call: noSurvey},
	},
	winged: {
		geofence.Hold:   {kinds: []command.Kind{command.Hold, command.Return}},
		geofence.Stop:   {kinds: []command.Kind{command.Hold, command.Return}},
		geofence.Return: {kinds: []command.Kind{command.Return, command.Hold}},
		geofence.Land:   {kinds: []command.Kind{command.Hold, command.Return}, call: noLanding},
	},
	car: {
		geofence.Hold:   {kinds: []command.Kind{command.Hold}, call: noRoad},
		geofence.Stop:   {kinds: []command.Kind{command.Stop}},
		geofence.Return: {kinds: []command.Kind{command.Return, command.Hold}, call: noRoad},
		geofence.Land:   {kinds: []command.Kind{command.Hold}, call: noLanding + ", and " + noRoad},
	},
	boat: {
		geofence.Hold:   {kinds: []command.Kind{command.Hold, command.Return}},
		geofence.Stop:   {kinds: []command.Kind{command.Stop, command.Return}},
		geofence.Return: {kinds: []command.Kind{command.Return, command.Hold}},
		geofence.Land:   {kinds: []command.Kind{command.Hold, command.Return}, call: noLanding},
	},
}

// Would says what a fence would have a vehicle ordered, one step after another while
// none has an effect, and why somebody would be called at once; empty: nobody. Who did
// not prove who it is is never ordered.
func Would(v *vehicles.Identity, r geofence.Response) (kinds []command.Kind, call string) {
	if !v.Verified {
		return nil, ""
	}
	s := rungs[machineOf(v)][r]
	return s.kinds, s.call
}

// strength orders responses: of several fences the one that asks most decides. 0: it
// orders nothing.
func strength(r geofence.Response) int {
	switch r {
	case geofence.Hold:
		return 1
	case geofence.Stop:
		return 2
	case geofence.Return:
		return 3
	case geofence.Land:
		return 4
	}
	return 0
}

// soft reports whether a pilot by hand is respected for a set time only by the clock:
// at a fence that asks no more than to go no further. One that wants the vehicle out,
// down or standing is hard, and a controller decides (SAFETY 7).
func soft(r geofence.Response) bool { return r == geofence.Hold }

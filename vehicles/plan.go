package vehicles

import (
	"errors"
	"fmt"
	"math"

	"testzone/geofence/geo"
)

// PlanKind is what a plan is for: MAV_MISSION_TYPE.
type PlanKind uint8

// The kinds of plans that a vehicle stores apart from each other.
const (
	PlanMission PlanKind = iota
	PlanFence
	PlanRally
	planKinds
)

var planKindNames = [planKinds]string{"mission", "fence", "rally"}

func (k PlanKind) String() string {
	if k >= planKinds {
		return fmt.Sprintf("kind of plan %d", uint8(k))
	}
	return planKindNames[k]
}

// ParsePlanKind reads the name of a kind.
func ParsePlanKind(s string) (PlanKind, bool) {
	for k, name := range planKindNames {
		if name == s {
			return PlanKind(k), true
		}
	}
	return 0, false
}

// Frames of a plan: MAV_FRAME. What follows from them is the height in Z.
const (
	FrameGlobal         = 0 // Z is above mean sea level
	FrameMission        = 2 // no position
	FrameGlobalRelative = 3 // Z is above home
	FrameGlobalInt      = 5 // as FrameGlobal
	FrameRelativeInt    = 6 // as FrameGlobalRelative
	FrameTerrain        = 10
	FrameTerrainInt     = 11
)

// Commands of a fence and of rally points: MAV_CMD.
const (
	FenceReturnPoint      = 5000
	FencePolygonInclusion = 5001
	FencePolygonExclusion = 5002
	FenceCircleInclusion  = 5003
	FenceCircleExclusion  = 5004
	RallyPoint            = 5100
)

// MaxPlanItems is how many items a plan may have: the most that any autopilot
// that we know of stores, and a bound for what one that lies makes us keep.
const MaxPlanItems = 5000

// PlanItem is one item of a plan: MISSION_ITEM_INT.
type PlanItem struct {
	Command      uint16     // MAV_CMD
	Frame        uint8      // MAV_FRAME
	Params       [4]float32 // NaN: not set
	X, Y         int32      // latitude and longitude, degE7; parameters 5 and 6 of a command without position
	Z            float32    // metres in Frame; parameter 7 of a command without position
	Current      bool       // a vehicle says so of the item that it is at
	Autocontinue bool       // on to the next item when this one is done
}

// Point is where the item is; ok=false: its command has no position.
func (i *PlanItem) Point() (p geo.Point, ok bool) {
	if !i.located() {
		return geo.Point{}, false
	}
	return geo.Point{Lat: i.X, Lon: i.Y}, true
}

// located reports whether X, Y and Z are a position. Commands that the
// definitions give none to store three parameters there.
func (i *PlanItem) located() bool {
	switch i.Command {
	case 16, 17, 18, 19, 21, 22, 31, 82, // waypoint, loiter (3), land, take-off, loiter to altitude, spline
		84, 85, 94, 80, // VTOL take-off and landing, payload place, region of interest
		179, 189, 192, 195, 201, // home, start of the landing, reposition, region of interest (2)
		FenceReturnPoint, FencePolygonInclusion, FencePolygonExclusion, FenceCircleInclusion, FenceCircleExclusion, RallyPoint:
		return i.Frame != FrameMission
	}
	return false
}

// high reports whether Z is a height in Frame: that of a position, or one to
// change to (NAV_CONTINUE_AND_CHANGE_ALT, CONDITION_CHANGE_ALT).
func (i *PlanItem) high() bool { return i.located() || i.Command == 30 || i.Command == 113 }

// Plan is what a vehicle is to carry. A mission has no item for home, whatever
// the autopilot makes of it. A nil or empty Items clears the kind.
type Plan struct {
	Kind  PlanKind
	Items []PlanItem
}

// ErrPlan is returned when a plan makes no sense; the error is a *PlanError.
var ErrPlan = errors.New("the plan is not one that a vehicle can be given")

// PlanError names what is wrong with a plan.
type PlanError struct {
	Kind PlanKind
	Item int // from 0; -1: the whole plan
	Why  string
}

func (e *PlanError) Error() string {
	if e.Item < 0 {
		return fmt.Sprintf("%s: %s", e.Kind, e.Why)
	}
	return fmt.Sprintf("%s, item %d: %s", e.Kind, e.Item+1, e.Why)
}

// Is makes a PlanError an ErrPlan.
func (e *PlanError) Is(target error) bool { return target == ErrPlan }

// Check looks at what autopilots do not: some take a polygon that announces more
// vertices than it has. It is asked before a plan is sent and of one that was read.
func (p *Plan) Check() error {
	if p.Kind >= planKinds {
		return &PlanError{p.Kind, -1, "there is no such kind"}
	}
	if len(p.Items) > MaxPlanItems {
		return &PlanError{p.Kind, -1, fmt.Sprintf("%d items; a vehicle takes %d at most", len(p.Items), MaxPlanItems)}
	}
	for n := range p.Items {
		if why := p.Items[n].wrong(p.Kind); why != "" {
			return &PlanError{p.Kind, n, why}
		}
	}
	if p.Kind == PlanFence {
		return p.checkPolygons()
	}
	return nil
}

// wrong says what is wrong with an item of a kind of plan; "": nothing.
func (i *PlanItem) wrong(k PlanKind) string {
	fence := i.Command >= FenceReturnPoint && i.Command <= FenceCircleExclusion
	switch {
	case (k == PlanFence) != fence, (k == PlanRally) != (i.Command == RallyPoint):
		return fmt.Sprintf("command %d has no place in a %s", i.Command, k)
	case k != PlanMission && !i.located():
		return fmt.Sprintf("frame %d has no position", i.Frame)
	case i.located() && !(geo.Point{Lat: i.X, Lon: i.Y}).Valid():
		return fmt.Sprintf("%d, %d (degE7) is not on the earth", i.X, i.Y)
	case math.IsNaN(float64(i.Z)) && k == PlanRally, math.IsInf(float64(i.Z), 0):
		return "it has no height"
	case i.circle() && !(i.Params[0] > 0 && i.Params[0] <= 1e6):
		return fmt.Sprintf("a radius of %g m", i.Params[0])
	}
	return ""
}

func (i *PlanItem) circle() bool {
	return i.Command == FenceCircleInclusion || i.Command == FenceCircleExclusion
}

func (i *PlanItem) vertex() bool {
	return i.Command == FencePolygonInclusion || i.Command == FencePolygonExclusion
}

// checkPolygons holds that each polygon has as many vertices as each of them says.
func (p *Plan) checkPolygons() error {
	for n := 0; n < len(p.Items); n++ {
		first := &p.Items[n]
		if !first.vertex() {
			continue
		}
		count := first.Params[0]
		if !(count >= 3 && count <= MaxPlanItems) || count != float32(int(count)) {
			return &PlanError{p.Kind, n, fmt.Sprintf("a polygon of %g vertices", count)}
		}
		for end := n + int(count) - 1; n <= end; n++ {
			if n == len(p.Items) || p.Items[n].Command != first.Command || p.Items[n].Params[0] != count {
				return &PlanError{p.Kind, min(n, len(p.Items)-1), fmt.Sprintf("a polygon of %d vertices ends after %d", int(count), int(count)-1-(end-n))}
			}
		}
		n--
	}
	return nil
}

// PlanDifference is where a plan that a vehicle stored means something else than
// the one that it was sent.
type PlanDifference struct {
	Item         int    // from 0; -1: the whole plan
	Field        string // "count", "command", "frame", "param1" to "param4", "x", "y", "z", "autocontinue"
	Sent, Stored float64
}

func (d *PlanDifference) String() string {
	if d.Item < 0 {
		return fmt.Sprintf("%s: sent %v, stored %v", d.Field, d.Sent, d.Stored)
	}
	return fmt.Sprintf("item %d, %s: sent %v, stored %v", d.Item+1, d.Field, d.Sent, d.Stored)
}

// What may become of a number on its way into an autopilot and back.
const (
	planPositionE7 = 3     // degE7: positions in double, truncated; 3 cm
	planHeightM    = 0.015 // heights in whole centimetres, rounded or cut, of a float
	planParam      = 1e-3  // other numbers, and the same share of large ones by planShare
	planShare      = 1e-6  // of a float that was calculated with
)

// AutopilotArduPilot is MAV_AUTOPILOT_ARDUPILOTMEGA.
const AutopilotArduPilot = 3

// Differs returns the first difference in meaning to what a vehicle with a
// MAV_AUTOPILOT stored; nil: it carries the plan. Frames that say the same of the
// height are equal, positions and numbers within what autopilots round; which
// item is the current one is no part of the plan. Items of a fence have no
// height. ArduPilot keeps no NaN: it returns 0 for a parameter that is not set. A
// parameter that was set and comes back as 0 is a difference: the vehicle will
// not do it.
func (p *Plan) Differs(stored *Plan, autopilot uint8) *PlanDifference {
	if p.Kind != stored.Kind {
		return &PlanDifference{-1, "kind", float64(p.Kind), float64(stored.Kind)}
	}
	for n := range min(len(p.Items), len(stored.Items)) {
		if d := p.Items[n].differs(&stored.Items[n], p.Kind, autopilot); d != nil {
			d.Item = n
			return d
		}
	}
	if len(p.Items) != len(stored.Items) {
		return &PlanDifference{-1, "count", float64(len(p.Items)), float64(len(stored.Items))}
	}
	return nil
}

var planParams = [4]string{"param1", "param2", "param3", "param4"}

func (i *PlanItem) differs(s *PlanItem, k PlanKind, autopilot uint8) *PlanDifference {
	if i.Command != s.Command {
		return &PlanDifference{0, "command", float64(i.Command), float64(s.Command)}
	}
	located := i.located()
	if located != s.located() || i.high() && k != PlanFence && heightOf(i.Frame) != heightOf(s.Frame) {
		return &PlanDifference{0, "frame", float64(i.Frame), float64(s.Frame)}
	}
	for n, v := range i.Params {
		if v != v && s.Params[n] == 0 && autopilot == AutopilotArduPilot {
			continue
		}
		if !near(v, s.Params[n], planParam) {
			return &PlanDifference{0, planParams[n], float64(v), float64(s.Params[n])}
		}
	}
	within := int64(0)
	if located {
		within = planPositionE7
	}
	switch {
	case apart(i.X, s.X) > within:
		return &PlanDifference{0, "x", float64(i.X), float64(s.X)}
	case apart(i.Y, s.Y) > within:
		return &PlanDifference{0, "y", float64(i.Y), float64(s.Y)}
	case k != PlanFence && !near(i.Z, s.Z, planHeightM):
		return &PlanDifference{0, "z", float64(i.Z), float64(s.Z)}
	case k == PlanMission && i.Autocontinue != s.Autocontinue:
		return &PlanDifference{0, "autocontinue", one(i.Autocontinue), one(s.Autocontinue)}
	}
	return nil
}

// heightOf maps frames whose Z means the same to one.
func heightOf(frame uint8) uint8 {
	switch frame {
	case FrameGlobalInt:
		return FrameGlobal
	case FrameRelativeInt:
		return FrameGlobalRelative
	case FrameTerrainInt:
		return FrameTerrain
	}
	return frame
}

func near(a, b float32, within float64) bool {
	if a != a || b != b {
		return a != a && b != b
	}
	x, y := float64(a), float64(b)
	return x == y || math.Abs(x-y) <= max(within, planShare*math.Abs(x)) // x == y: infinities
}

func apart(a, b int32) int64 { return max(int64(a)-int64(b), int64(b)-int64(a)) }

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

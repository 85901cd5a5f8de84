package onboard

import (
	"fmt"
	"math"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// MAV_CMD of missions.
const (
	navReturn   = 20
	navLand     = 21
	navTakeoff  = 22
	navDelay    = 93
	navLast     = 95 // above are those that do not fly
	vtolTakeoff = 84
	vtolLand    = 85
	doJump      = 177
	doFence     = 207
)

// flown are the commands that take the vehicle to their position.
var flown = map[uint16]bool{16: true, 17: true, 18: true, 19: true, navLand: true, navTakeoff: true, 31: true, 82: true, vtolTakeoff: true, vtolLand: true, 94: true}

// refusedCommands are those that no check could judge what follows.
var refusedCommands = map[uint16]string{
	32:  "follows something",
	176: "leaves the mission for another mode",
	179: "moves the vehicle's home",
	185: "ends the flight, which nothing does by itself",
	192: "flies elsewhere",
	400: "disarms",
	601: "jumps to a tag",
}

// mission judges a mission: every leg, and the way home from every item.
func (c *check) mission(plan *vehicles.Plan, e *geofence.Engine, autopilot uint8) {
	if !c.shape(plan.Check()) {
		return
	}
	fixes := c.fixesOf(plan)
	if len(c.faults) > 0 {
		return
	}
	c.base(e)
	if len(c.faults) > 0 {
		return // all legs would say the same
	}
	c.legs(plan, fixes, newWay(e, c.sub), autopilot)
}

// spot is where an item takes the vehicle.
type spot struct {
	fix geo.Fix
	ok  bool // it takes it somewhere
}

// fixesOf is where each item takes the vehicle.
func (c *check) fixesOf(plan *vehicles.Plan) []spot {
	out := make([]spot, len(plan.Items))
	last := c.at
	for i := range plan.Items {
		it := &plan.Items[i]
		if why := unjudged(it); why != "" {
			c.fault(FaultItem, i+1, nil, "item %d, command %d: %s", i+1, it.Command, why)
			continue
		}
		switch {
		case flown[it.Command]:
			fix, why := c.fixOf(it, last)
			if why != "" {
				c.fault(FaultItem, i+1, nil, "item %d: %s", i+1, why)
				continue
			}
			out[i], last = spot{fix, true}, fix
		case it.Command == navReturn:
			out[i], last = spot{c.home, true}, c.home
		}
	}
	return out
}

// unjudged is why nobody can say where an item takes the vehicle; "": it can be said.
func unjudged(it *vehicles.PlanItem) string {
	if why := refusedCommands[it.Command]; why != "" {
		return "it " + why + ": take it out"
	}
	_, located := it.Point()
	switch {
	case it.Command < navLast && !located && it.Command != navReturn && it.Command != navDelay && !flown[it.Command]:
		return "what it flies is not known here: take it out"
	case flown[it.Command] && !located:
		return "it has no position"
	case it.Command == doFence && it.Params[0] != 1:
		return "it switches the fence off: take it out"
	}
	return ""
}

// fixOf is the place of an item. Position 0, 0 means where the vehicle is then.
func (c *check) fixOf(it *vehicles.PlanItem, last geo.Fix) (fix geo.Fix, why string) {
	p, ok := it.Point()
	if !ok {
		return fix, "it has no position"
	}
	if p == (geo.Point{}) {
		p = last.Point
	}
	if it.Command == navLand || it.Command == vtolLand { // on the ground, wherever that is
		fix = geo.Fix{Point: p}
		fix.Heights.Set(geo.AGL, 0)
		return fix, ""
	}
	if z := float64(it.Z); math.IsNaN(z) {
		return above(p, &last), ""
	} else if math.Abs(z) > 100_000 {
		return fix, fmt.Sprintf("a height of %g m", z)
	}
	mm := int32(math.Round(float64(it.Z) * 1000))
	fix.Point = p
	amsl, known := c.homeAMSL()
	switch it.Frame {
	case vehicles.FrameGlobal, vehicles.FrameGlobalInt:
		fix.Heights.Set(geo.AMSL, mm)
		if known {
			fix.Heights.Set(geo.Takeoff, mm-amsl)
		}
	case vehicles.FrameGlobalRelative, vehicles.FrameRelativeInt:
		fix.Heights.Set(geo.Takeoff, mm)
		if known {
			fix.Heights.Set(geo.AMSL, mm+amsl)
		}
	case vehicles.FrameTerrain, vehicles.FrameTerrainInt:
		fix.Heights.Set(geo.AGL, mm)
	default:
		return fix, fmt.Sprintf("frame %d: only global frames (0, 3, 5, 6, 10, 11) are judged", it.Frame)
	}
	return fix, ""
}

// legs judges the way from the vehicle through all items, the jumps, and from each
// item back.
func (c *check) legs(plan *vehicles.Plan, spots []spot, w *way, autopilot uint8) {
	w.begin(c.at)
	from := "the vehicle"
	last := c.at
	for i, s := range spots {
		it := &plan.Items[i]
		if it.Command == doJump {
			c.jump(plan, spots, w, i, from, last, autopilot)
			continue
		}
		if !s.ok {
			continue
		}
		to := fmt.Sprintf("item %d", i+1)
		for _, m := range c.leg(w, it, last, s.fix) {
			c.fault(FaultLeg, i+1, m.fence, "the leg from %s to %s %s", from, to, m.says())
		}
		from, last = to, s.fix
	}
	for i, s := range spots {
		switch plan.Items[i].Command {
		case navReturn, navLand, vtolLand: // it is there, or stands
			continue
		}
		if s.ok {
			c.wayBack(w, i+1, fmt.Sprintf("item %d", i+1), s.fix)
		}
	}
}

// leg follows one leg: up first at a take-off, down last at a landing or a return.
func (c *check) leg(w *way, it *vehicles.PlanItem, from, to geo.Fix) (out []met) {
	switch it.Command {
	case navTakeoff, vtolTakeoff:
		out = w.to(geo.Fix{Point: from.Point, Heights: to.Heights})
	case navLand, vtolLand:
		out = w.to(above(to.Point, &from))
	case navReturn:
		cruise := from
		if c.sub.Class == vehicles.UAV && c.returnM != nil {
			cruise = raised(from, *c.returnM)
		}
		out = append(w.to(cruise), w.to(above(to.Point, &cruise))...)
	}
	return append(out, w.to(to)...)
}

// jump judges the leg from before a jump to its target, which counts as its
// autopilot counts: ArduPilot's item 0 is home.
func (c *check) jump(plan *vehicles.Plan, spots []spot, w *way, i int, from string, last geo.Fix, autopilot uint8) {
	target := -1
	if n := plan.Items[i].Params[0]; n >= 0 && n <= vehicles.MaxPlanItems { // NaN fails
		target = int(n)
	}
	if autopilot == vehicles.AutopilotArduPilot {
		target--
	}
	for target >= 0 && target < len(spots) && !spots[target].ok { // on to the next that flies somewhere
		target++
	}
	if target < 0 || target >= len(spots) {
		c.fault(FaultItem, i+1, nil, "item %d jumps to an item that is not there", i+1)
		return
	}
	w.begin(last)
	for _, m := range c.leg(w, &plan.Items[target], last, spots[target].fix) {
		c.fault(FaultLeg, i+1, m.fence, "the leg from %s by the jump of item %d to item %d %s", from, i+1, target+1, m.says())
	}
	w.begin(last) // as before the jump: afterwards the mission goes on
}

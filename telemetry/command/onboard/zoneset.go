package onboard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Lost is what a vehicle cannot carry of a fence: only the server enforces it.
type Lost string

// What is lost. Of those in lostWhole nothing of the fence is carried.
const (
	LostSpeed    Lost = "speed_limit"   // on board is no speed limit
	LostSchedule Lost = "schedule"      // on board is no time
	LostFloor    Lost = "floor"         // on board it would hold down to the ground
	LostHole     Lost = "hole"          // an exclusion has no holes
	LostJoin     Lost = "join"          // this autopilot does not join the keep-ins as the zone does
	LostSize     Lost = "vertices"      // too many vertices
	LostRoom     Lost = "room"          // others are nearer to the vehicle's home
	LostMeridian Lost = "meridian"      // it reaches across longitude 180
	LostCeiling  Lost = "ceiling"       // a keep-out: on board it holds at every height
	LostBand     Lost = "altitude_band" // a keep-in: on board it holds at every height
	LostMargin   Lost = "margin"        // on board is the line as it was drawn
)

// maxPolygon is how many vertices a polygon has at most: autopilots count them in a
// byte (from memory, not tried).
const maxPolygon = 250

var lostWhole = []Lost{LostSpeed, LostSchedule, LostFloor, LostHole, LostJoin, LostSize, LostRoom, LostMeridian}

// Part is what becomes of one of the zone's fences in the plan of a vehicle.
type Part struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Kind  string `json:"kind"`
	Rev   uint64 `json:"rev"`
	First int    `json:"first,omitempty"` // its first item, from 1
	Items int    `json:"items,omitempty"` // 0: it is not carried
	Lost  []Lost `json:"lost,omitempty"`
}

// fenceSet is the zone's fences as a vehicle can carry them.
type fenceSet struct {
	plan  vehicles.Plan
	parts []Part
	union bool // the vehicle has to take several inclusions as one area
	join  bool // there are several, so that it matters
}

// piece is one polygon or circle of a fence; item is empty for a polygon.
type piece struct {
	circle *vehicles.PlanItem
	ring   geo.Ring
}

func (p *piece) items() int {
	if p.circle != nil {
		return 1
	}
	return len(p.ring)
}

// carried is one fence on its way into a plan.
type carried struct {
	fence  *geofence.Compiled
	pieces []piece    // of its own kind
	holes  []geo.Ring // of a keep-in: exclusions
	lost   []Lost
	away   float64 // metres from home
}

func (c *carried) out() bool {
	return slices.ContainsFunc(c.lost, func(l Lost) bool { return slices.Contains(lostWhole, l) })
}

func (c *carried) items() (n int) {
	for i := range c.pieces {
		n += c.pieces[i].items()
	}
	for _, h := range c.holes {
		n += len(h)
	}
	return n
}

// sets makes fence sets. What a fence becomes for a class is remembered while it is
// in force: a change of one fence among many asks for the set of every vehicle.
type sets struct {
	mu    sync.Mutex // guards the field below
	known map[classFence]*carried
}

type classFence struct {
	fence *geofence.Compiled
	class vehicles.Class
}

// carry is what can be carried of the fences that apply to a vehicle.
func (s *sets) carry(fences []*geofence.Compiled, sub *geofence.Subject) (out []*carried) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) > 2*int(classes)*len(fences)+1000 {
		s.known = map[classFence]*carried{}
	}
	for _, c := range fences {
		if !c.AppliesTo(sub) {
			continue
		}
		key := classFence{c, sub.Class}
		if s.known[key] == nil {
			s.known[key] = carry(c, sub.Class)
		}
		k := *s.known[key]
		k.lost = slices.Clone(k.lost)
		out = append(out, &k)
	}
	return out
}

const classes = vehicles.USV

// of makes a plan of the fences that apply to a vehicle. Fences of which nothing can
// be carried are listed, too.
func (s *sets) of(fences []*geofence.Compiled, sub *geofence.Subject, autopilot uint8, home *geo.Point, room int) fenceSet {
	all := s.carry(fences, sub)
	set := fenceSet{plan: vehicles.Plan{Kind: vehicles.PlanFence}}
	set.joinKeepIns(all, autopilot)
	order(all, home)
	keepIns := 0
	for _, c := range all {
		if c.fence.Fence.Kind == geofence.KeepIn && !c.out() {
			keepIns += c.items()
		}
	}
	for _, c := range all {
		p := Part{ID: c.fence.Fence.ID, Name: c.fence.Fence.Name, Kind: kindName(c.fence.Fence.Kind), Rev: c.fence.Fence.Rev}
		n := c.items()
		if c.fence.Fence.Kind == geofence.KeepIn {
			n = keepIns - len(set.plan.Items) // all of them or none: some of a group would ask more than the group
		}
		if !c.out() && len(set.plan.Items)+n > room {
			c.lost = append(c.lost, LostRoom)
		}
		if p.Lost = c.lost; !c.out() {
			p.First, p.Items = len(set.plan.Items)+1, c.items()
			set.add(c)
		}
		set.parts = append(set.parts, p)
	}
	return set
}

var kindNames = map[geofence.Kind]string{geofence.KeepOut: "keep_out", geofence.KeepIn: "keep_in", geofence.SpeedLimit: "speed_limit"}

func kindName(k geofence.Kind) string { return kindNames[k] }

// order puts keep-ins first, then what is nearest to home: what there is no room
// for at the end is what matters least there.
func order(all []*carried, home *geo.Point) {
	for _, c := range all {
		if c.fence.Fence.Kind != geofence.KeepIn && home != nil {
			c.away = 1 + c.distance(*home)
		}
	}
	slices.SortStableFunc(all, func(a, b *carried) int {
		return cmp.Or(cmp.Compare(a.away, b.away), strings.Compare(a.fence.Fence.ID, b.fence.Fence.ID))
	})
}

// distance is how far the nearest vertex or circle is, in metres that are good
// enough to rank by.
func (c *carried) distance(from geo.Point) float64 {
	north, east := geo.UnitsPerMetre(from.Lat)
	metres := func(p geo.Point) float64 {
		return math.Hypot((float64(p.Lat)-float64(from.Lat))/north, math.Remainder(float64(p.Lon)-float64(from.Lon), 2*geo.MaxLon)/east)
	}
	best := math.Inf(1)
	for _, p := range c.pieces {
		if p.circle != nil {
			best = min(best, max(metres(geo.Point{Lat: p.circle.X, Lon: p.circle.Y})-float64(p.circle.Params[0]), 0))
		}
		for _, v := range p.ring {
			best = min(best, metres(v))
		}
	}
	return math.Round(best)
}

// carry is what can be carried of one fence.
func carry(c *geofence.Compiled, class vehicles.Class) *carried {
	f := &c.Fence
	k := &carried{fence: c}
	lose := func(when bool, what Lost) {
		if when && !slices.Contains(k.lost, what) {
			k.lost = append(k.lost, what)
		}
	}
	lose(f.Kind == geofence.SpeedLimit, LostSpeed)
	lose(!f.Schedule.Always(), LostSchedule)
	banded := f.Floor.Datum != geo.NoDatum || f.Ceiling.Datum != geo.NoDatum
	switch {
	case f.Kind == geofence.KeepIn:
		lose(banded, LostBand)
	case f.Floor.Datum != geo.NoDatum && f.Floor.MM > 0:
		k.lost = append(k.lost, LostFloor)
	case f.Ceiling.Datum != geo.NoDatum && class == vehicles.UAV:
		k.lost = append(k.lost, LostCeiling)
	}
	if k.out() {
		return k
	}
	k.shape(f)
	for _, p := range k.pieces {
		lose(p.circle == nil && len(p.ring) > maxPolygon, LostSize)
		lose(slices.ContainsFunc(p.ring, func(v geo.Point) bool { return !v.Valid() }), LostMeridian)
	}
	return k
}

// corridorArc is how many edges round the end of a corridor: it reaches up to 4 % of
// its half width farther there than the zone's.
const corridorArc = 6

// shape fills in the pieces. Of a circle or corridor the margin is part of them.
func (k *carried) shape(f *geofence.Fence) {
	if c := f.Shape.Circle; c != nil {
		item := vehicles.PlanItem{Command: vehicles.FenceCircleExclusion, Frame: vehicles.FrameGlobalInt, X: c.Center.Lat, Y: c.Center.Lon, Autocontinue: true}
		radius := c.RadiusM + f.MarginM
		if f.Kind == geofence.KeepIn {
			item.Command, radius = vehicles.FenceCircleInclusion, c.RadiusM-f.MarginM
		}
		item.Params = [4]float32{float32(radius)}
		k.pieces = []piece{{circle: &item}}
		return
	}
	if c := f.Shape.Corridor; c != nil && f.Kind != geofence.KeepIn {
		for i, b := range c.Line[1:] {
			a := c.Line[i]
			if d := int64(b.Lon) - int64(a.Lon); d > geo.MaxLon || d < -geo.MaxLon {
				k.lost = append(k.lost, LostMeridian)
				return
			}
			if a != b {
				k.pieces = append(k.pieces, piece{ring: geo.Capsule(a, b, f.Edges == geofence.Geodesic, c.WidthM/2+f.MarginM, corridorArc)})
			}
		}
		return
	}
	drawn := k.fence
	if f.MarginM > 0 && f.Shape.Corridor == nil {
		plain := *f
		plain.MarginM = 0
		var err error
		if drawn, err = geofence.Compile(plain); err != nil { // a fence stays one without its margin
			panic(fmt.Sprintf("fence %s does not compile without its margin: %v", f.ID, err))
		}
		k.lost = append(k.lost, LostMargin)
	}
	for _, p := range drawn.Outlines() {
		k.pieces = append(k.pieces, piece{ring: p.Outer})
		k.holes = append(k.holes, p.Holes...)
	}
	if len(k.holes) > 0 && f.Kind != geofence.KeepIn {
		k.lost = append(k.lost, LostHole)
	}
}

// joinKeepIns decides which keep-ins can be carried together. The zone asks for all
// of them, of a group or of several polygons for one. ArduPilot asks for all
// inclusions, or with an option for any; PX4 for any (not tried against one). What
// another autopilot does is not known.
func (s *fenceSet) joinKeepIns(all []*carried, autopilot uint8) {
	areas := map[string][]*carried{} // by group; a fence without one is a group
	names := []string{}
	for _, c := range all {
		if c.fence.Fence.Kind != geofence.KeepIn {
			continue
		}
		name := "fence " + c.fence.Fence.ID
		if c.fence.Fence.Group != "" {
			name = "group " + c.fence.Fence.Group
		}
		if areas[name] == nil {
			names = append(names, name)
		}
		areas[name] = append(areas[name], c)
	}
	single, several := []string{}, []string{}
	for _, n := range names {
		lost, pieces, holes := false, 0, 0
		for _, c := range areas[n] {
			lost, pieces, holes = lost || c.out(), pieces+len(c.pieces), holes+len(c.holes)
		}
		switch {
		case lost, pieces > 1 && holes > 0: // half of a group asks more than the group
			leaveOut(areas[n])
		case pieces > 1:
			several = append(several, n)
		default:
			single = append(single, n)
		}
	}
	all1, any1 := autopilot == vehicles.AutopilotArduPilot, autopilot == vehicles.AutopilotArduPilot || autopilot == autopilotPX4
	switch {
	case len(single)+len(several) <= 1 && len(several) == 0:
	case len(several) == 1 && len(single) == 0 && any1:
		s.join, s.union = true, true
		several = nil
	case len(single) > 1 && all1:
		s.join = true
	case len(single) == 1:
	default:
		for _, n := range single {
			leaveOut(areas[n])
		}
	}
	for _, n := range several {
		leaveOut(areas[n])
	}
}

const autopilotPX4 = 12

func leaveOut(cs []*carried) {
	for _, c := range cs {
		if !c.out() {
			c.lost = append(c.lost, LostJoin)
		}
	}
}

// add appends the items of a fence.
func (s *fenceSet) add(c *carried) {
	command := uint16(vehicles.FencePolygonExclusion)
	if c.fence.Fence.Kind == geofence.KeepIn {
		command = vehicles.FencePolygonInclusion
	}
	for _, p := range c.pieces {
		if p.circle != nil {
			s.plan.Items = append(s.plan.Items, *p.circle)
			continue
		}
		s.addRing(command, p.ring)
	}
	for _, h := range c.holes {
		s.addRing(vehicles.FencePolygonExclusion, h)
	}
}

func (s *fenceSet) addRing(command uint16, ring geo.Ring) {
	for _, v := range ring {
		s.plan.Items = append(s.plan.Items, vehicles.PlanItem{
			Command: command, Frame: vehicles.FrameGlobalInt, Params: [4]float32{float32(len(ring))}, X: v.Lat, Y: v.Lon, Autocontinue: true,
		})
	}
}

package geofence

import (
	"slices"
	"strings"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Shard judges the vehicles of one goroutine.
type Shard struct {
	engine   *Engine
	slots    []uint32 // by handle: index into vehicles, 0 none
	vehicles []vehicle
	motions  []motion // of vehicles, one for one
	free     []uint32

	// Scratch of one slow step.
	look   look
	here   here
	cells  cells
	gather gather
	chords [2]geo.Chord
	groups []groupState

	members []*Compiled // of the group whose gaps are looked for
	cuts    []float64

	boxless bool // for tests and figures: the cells alone
	plain   bool // for tests and figures: every step searches the tree

	diff diff // the last change of the fence set that a vehicle followed
}

// motion is the part of a vehicle's state that the fast path reads and writes. The
// motions of a shard lie together in memory: the others stay out of its way
// (step_over_search_1k: a third of the time).
type motion struct {
	box        safeBox
	bootMS     uint32
	snap       *snapshot // that state and box were judged by; nil before the first fix
	receivedUS int64
	fix        geo.Fix // the last one
	velocity   velocity
}

// vehicle is the state of one vehicle.
type vehicle struct {
	*motion

	boxedAt geo.Point // where box was made
	handle  vehicles.Handle
	futile  uint8 // how often boxes were left at once of late, see boxPays
	tries   uint8
	anew    bool        // sub is not was: every fence is to be judged anew
	cell    *cell       // where it was last looked at; nil before, and where there is none
	over    []overFence // fences whose shape the vehicle is within, whatever its height
	sub     Subject
	groups  []groupState
	bounds  bounds  // of box
	was     Subject // that the state was judged by
	ahead   course
}

// overFence is a fence whose shape contains the vehicle by the fence's edge rule.
type overFence struct {
	fence  *Compiled
	inside bool // its height is within the band, too
	fast   bool // inside a speed limit, and faster than that
	flat   bool // heights and speed do not matter to the fence
}

// velocity is what a sample says of the speed over ground.
type velocity struct {
	vehicles.Velocity
	unknown bool
}

func (smp *Sample) velocity() velocity { return velocity{smp.Velocity, smp.VelocityUnknown} }

func newShard(e *Engine) *Shard {
	s := &Shard{engine: e, vehicles: make([]vehicle, 1), motions: make([]motion, 1)}
	s.vehicles[0].motion = &s.motions[0]
	s.look.init()
	s.here.init()
	s.cells.init()
	s.gather.init()
	return s
}

// Admit announces a vehicle before its first Step. Admitting it again with
// another subject is allowed at any time; its state follows at the next Step or
// Refresh. A vehicle that was never admitted is judged by every fence.
func (s *Shard) Admit(h vehicles.Handle, sub Subject) {
	if v := s.find(h); v != nil {
		if v.sub != sub {
			v.sub, v.anew, v.box = sub, v.snap != nil, emptyBox
			v.ahead.forget()
		}
		return
	}
	for int(h) >= len(s.slots) {
		s.slots = append(s.slots, make([]uint32, max(64, int(h)+1-len(s.slots)))...)
	}
	i := uint32(len(s.vehicles))
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.grow()
	}
	s.slots[h] = i
	v := &s.vehicles[i]
	*v.motion = motion{box: emptyBox}
	*v = vehicle{motion: v.motion, over: v.over[:0], groups: v.groups[:0], ahead: v.ahead, handle: h, sub: sub, was: sub}
	v.ahead.forget()
	if v.over == nil {
		v.over = make([]overFence, 0, 4)
	}
}

// grow makes room for one more vehicle.
func (s *Shard) grow() {
	room := cap(s.motions)
	s.motions = append(s.motions, motion{})
	s.vehicles = append(s.vehicles, vehicle{})
	first := len(s.motions) - 1
	if cap(s.motions) != room { // they moved
		first = 0
	}
	for i := first; i < len(s.motions); i++ {
		s.vehicles[i].motion = &s.motions[i]
	}
}

// Forget drops a vehicle's state. It causes no transitions.
func (s *Shard) Forget(h vehicles.Handle) {
	if v := s.find(h); v != nil {
		v.handle, v.snap, v.cell = 0, nil, nil
		clear(v.over)
		clear(v.groups)
		v.groups = v.groups[:0]
		v.ahead.forget()
		s.free = append(s.free, s.slots[h])
		s.slots[h] = 0
	}
}

// find is the vehicle's state, nil when it was not admitted.
func (s *Shard) find(h vehicles.Handle) *vehicle {
	if int(h) >= len(s.slots) || s.slots[h] == 0 {
		return nil
	}
	return &s.vehicles[s.slots[h]]
}

// Step judges one movement and appends its transitions to out. If the fence set
// changed since the vehicle was last judged, the transitions of the change at
// its old position come first. A sample that is older than the last one of the
// same run, repeats it or lies off the globe is no movement.
//
// Step takes no lock, reads no clock and does not allocate in the steady state.
// Within one change or movement transitions are ordered by fence ID.
func (s *Shard) Step(h vehicles.Handle, smp *Sample, out []Transition) []Transition {
	if int(h) < len(s.slots) {
		i := s.slots[h]
		m := &s.motions[i] // slot 0 has no snapshot and never matches
		if m.snap == s.engine.snap.Load() && m.box.contains(smp.Fix.Point) && m.isNewer(smp) &&
			(!m.box.limited || s.vehicles[i].bounds.hold(smp)) {
			m.take(smp)
			return out
		}
	}
	return s.step(h, smp, out)
}

// isNewer is the common case of order.
func (m *motion) isNewer(smp *Sample) bool {
	if smp.BootMS == 0 || m.bootMS == 0 {
		return smp.ReceivedUS > m.receivedUS
	}
	return int32(smp.BootMS-m.bootMS) > 0
}

func (s *Shard) step(h vehicles.Handle, smp *Sample, out []Transition) []Transition {
	v := s.find(h)
	if v == nil {
		s.Admit(h, Subject{})
		v = s.find(h)
	}
	snap := s.engine.snap.Load()
	if v.snap != nil && (v.snap != snap || v.anew) {
		out = s.follow(v, snap, smp.ReceivedUS, out)
	}
	if !smp.Fix.Point.Valid() {
		return out
	}
	if v.snap == nil {
		return s.first(v, snap, smp, out)
	}
	dtUS, is := v.order(smp)
	if is == late {
		return out
	}
	if v.isSafe(smp) {
		v.take(smp)
		return out
	}
	start := len(out)
	chords := chordsOf(v.fix.Point, smp.Fix.Point, &s.chords)
	if len(chords) == 0 || isJump(v.sub.Class, v.fix.Point, smp.Fix.Point, dtUS) {
		out = s.jump(v, smp, out)
	} else {
		out = s.move(v, smp, chords, out)
	}
	if anyGrouped(out[start:]) {
		jumped := out[start].Flags & Jump
		if out = s.judgeGroups(v, snap, jumped, smp, out); jumped == 0 {
			out = s.judgeGaps(v, chords, smp, out, start)
		}
	}
	v.take(smp)
	sortByFence(out[start:])
	return out
}

func (m *motion) take(smp *Sample) {
	m.fix, m.receivedUS, m.bootMS, m.velocity = smp.Fix, smp.ReceivedUS, smp.BootMS, smp.velocity()
}

// Refresh judges the standing vehicles after the fence set or a subject changed
// and appends their transitions, all with FenceChanged, to out.
func (s *Shard) Refresh(nowUS int64, out []Transition) []Transition {
	snap := s.engine.snap.Load()
	for i := range s.vehicles {
		if v := &s.vehicles[i]; v.snap != nil && (v.snap != snap || v.anew) {
			out = s.follow(v, snap, nowUS, out)
		}
	}
	return out
}

// Breached reports how many fences the vehicle breaches now, by the fence set
// that it was last judged by.
func (s *Shard) Breached(h vehicles.Handle) int {
	v := s.find(h)
	if v == nil || v.snap == nil {
		return 0
	}
	n := v.snap.keepInsOf(&v.was)
	for i := range v.over {
		switch o := &v.over[i]; {
		case o.fence.Fence.Kind == KeepIn && o.inside && o.fence.Fence.Group == "":
			n--
		case o.breached():
			n++
		}
	}
	for i := range v.groups {
		if v.groups[i].out {
			n++
		}
	}
	return n
}

// breached reports whether the vehicle breaches the fence by being within it.
func (o *overFence) breached() bool {
	return o.inside && (o.fence.Fence.Kind == KeepOut || o.fast)
}

// keepInsOf is how many keep-ins apply to a vehicle.
func (s *snapshot) keepInsOf(sub *Subject) int {
	n, rest := 0, s.keepIns
	if int(sub.Class) < countedClasses {
		n, rest = s.keepInCount[sub.Class], s.keepInsListed
	}
	for _, c := range rest {
		if c.AppliesTo(sub) {
			n++
		}
	}
	return n
}

// Breaches appends the fences that the vehicle breaches now to out, by ID. The
// first member of a group that applies to the vehicle stands for the group.
func (s *Shard) Breaches(h vehicles.Handle, out []*Compiled) []*Compiled {
	v := s.find(h)
	if v == nil || v.snap == nil {
		return out
	}
	start := len(out)
	for _, o := range v.over {
		if o.breached() {
			out = append(out, o.fence)
		}
	}
	for _, c := range v.snap.keepIns {
		if c.AppliesTo(&v.was) && c.Fence.Group == "" && !v.isInside(c) {
			out = append(out, c)
		}
	}
	for _, g := range v.groups {
		if g.out {
			out = append(out, g.rep)
		}
	}
	slices.SortFunc(out[start:], func(a, b *Compiled) int { return strings.Compare(a.Fence.ID, b.Fence.ID) })
	return out
}

// find is the index of a fence in the list of those the vehicle is over, or -1.
func (v *vehicle) find(c *Compiled) int {
	for i := range v.over {
		if v.over[i].fence == c {
			return i
		}
	}
	return -1
}

func (v *vehicle) isInside(c *Compiled) bool {
	i := v.find(c)
	return i >= 0 && v.over[i].inside
}

func (v *vehicle) isFast(c *Compiled) bool {
	i := v.find(c)
	return i >= 0 && v.over[i].fast
}

// set records whether the vehicle is over a fence, within its band, and too fast.
func (v *vehicle) set(c *Compiled, over, inside, fast bool) {
	i := v.find(c)
	switch {
	case i >= 0 && over:
		v.over[i].inside, v.over[i].fast = inside, fast
	case i >= 0:
		last := len(v.over) - 1
		v.over[i] = v.over[last]
		v.over[last] = overFence{}
		v.over = v.over[:last]
	case over:
		v.over = append(v.over, overFence{c, inside, fast, c.band.n == 0 && c.limitSq == 0})
	}
}

// kindOrder puts what ended before what began.
var kindOrder = [...]int{SpeedOK: 1, GroupEntered: 2, Ended: 3, Left: 4, Crossed: 5, Entered: 6, OverSpeed: 7, GroupLeft: 8}

func sortByFence(ts []Transition) {
	if len(ts) < 2 {
		return
	}
	slices.SortStableFunc(ts, func(a, b Transition) int {
		if c := strings.Compare(a.Fence.Fence.ID, b.Fence.Fence.ID); c != 0 {
			return c
		}
		return kindOrder[a.Kind] - kindOrder[b.Kind]
	})
}

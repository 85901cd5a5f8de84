package sim

import (
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"
)

// act is what a vehicle does.
type act uint8

const (
	follows act = iota // its course
	stands             // where it was on its course
	circles            // a fixed wing
	returns            // straight to where its course begins, and down there
	lands              // comes down where it is
	piloted            // by hand: in circles
	goes               // straight to a place, and stays there
	falls              // its flight was ended: the motors stand
)

// Commands that a vehicle obeys.
const (
	cmdReturn   = 20
	cmdLand     = 21
	cmdSetMode  = 176
	cmdContinue = 193

	cmdTerminate = 185
)

// modesOf are the modes that a vehicle knows, the preferred number first.
func (k *kind) modesOf() map[act][]uint32 {
	switch k.mavType {
	case copter.mavType:
		return map[act][]uint32{follows: {3}, stands: {17, 5}, returns: {6}, lands: {9}, goes: {4}}
	case fixedWing.mavType: // it does not return: it would have to land like a plane
		return map[act][]uint32{follows: {10}, circles: {12}, goes: {15}}
	case rover.mavType:
		return map[act][]uint32{follows: {10}, stands: {4}, returns: {11}, goes: {15}}
	}
	return map[act][]uint32{follows: {10}, stands: {5, 4}, returns: {11}, goes: {15}}
}

// doing is what a vehicle does since an order. It is immutable: the time of the
// course runs slower and slower until the vehicle stands on it, and faster again
// when it goes on, so that nothing jumps.
type doing struct {
	act  act
	mode uint32
	from float64 // seconds since the start of the fleet
	at   float64 // of the course, seconds, at from
	rate float64 // of its time at from, 0..1
	ramp float64 // seconds that braking and starting take
	base *state  // where it was at from, when that was off its course; nil: on it

	journey *journey // a mission in place of its course; nil: none
	haven   *vec     // the rally point that it returns to; nil: its home
	target  target   // goes: where to
	back    bool     // it was sent off its course, and takes it up again at the time at
	joinS   float64  // of one that does: from its stand until it is on its course again
	startS  float64  // and that starting there takes
}

// course is the time of the course, and how fast it runs, at t.
func (d *doing) course(t float64) (at, rate float64) {
	u := t - d.from
	if d.act == follows && d.base != nil { // on its way back
		return (&doing{act: follows, at: d.at, ramp: d.startS}).course(max(u-d.ramp-d.joinS, 0))
	}
	if d.act == circles || u < 0 { // u < 0: it waits until its circle closes
		return d.at, 1
	}
	if d.act == follows {
		if u < d.ramp {
			return d.at + u*d.rate + (1-d.rate)*u*u/(2*d.ramp), d.rate + (1-d.rate)*u/d.ramp
		}
		return d.at + (1+d.rate)*d.ramp/2 + u - d.ramp, 1
	}
	if u < d.ramp {
		return d.at + d.rate*(u-u*u/(2*d.ramp)), d.rate * (1 - u/d.ramp)
	}
	return d.at + d.rate*d.ramp/2, 0
}

// onCourse is the vehicle at a time of its course that runs at a rate.
func (m *member) onCourse(at, rate float64) state {
	s := m.course.at(at)
	s.at = m.rotated(s.at).add(m.origin)
	s.vel = m.rotated(s.vel).scale(rate)
	s.heading += m.turn
	return s
}

// circleM is the radius that a fixed wing holds on.
const circleM = 80.0

// acting is the state of a vehicle under an order.
func (m *member) acting(d *doing, t float64) state {
	u := t - d.from
	var s state
	if d.act == falls {
		return m.falling(*d.base, u)
	}
	if d.base != nil {
		s = d.braking(u)
	} else {
		at, rate := d.course(t)
		s = m.onPath(d, at, rate)
	}
	switch d.act {
	case piloted:
		s, s.manual = m.circling(s, u), true
	case circles:
		s = m.circling(s, u)
	case returns:
		s = m.returning(s, u-d.ramp, d.haven)
	case lands:
		s = m.sinking(s, u-d.ramp)
	case goes:
		s = m.going(s, u-d.ramp, &d.target)
	case follows:
		switch {
		case d.base != nil:
			s = m.rejoining(s, d, u-d.ramp)
		case u < 0:
			s = m.circling(s, u)
		}
	}
	s.mode = d.mode
	return s
}

// braking is u seconds of coming to a stand off the course.
func (d *doing) braking(u float64) state {
	s := *d.base
	s.mode, s.manual = 0, false
	if d.ramp == 0 { // it need not stand
		return s
	}
	v := min(max(u, 0), d.ramp)
	s.at = s.at.add(s.vel.scale(v - v*v/(2*d.ramp)))
	s.vel = s.vel.scale(1 - v/d.ramp)
	s.hold = s.hold || u >= d.ramp
	if s.at.z < 0 {
		s.at.z = 0
	}
	return s
}

// circling is u seconds of a circle to the right that begins, or ends, in s.
func (m *member) circling(s state, u float64) state {
	v := math.Hypot(s.vel.x, s.vel.y)
	if v < 1 {
		return s // on the ground
	}
	a, h0 := v*u/circleM, math.Atan2(s.vel.x, s.vel.y)
	sin0, cos0 := math.Sincos(h0)
	sin1, cos1 := math.Sincos(h0 + a)
	s.at = s.at.add(vec{circleM * (cos0 - cos1), circleM * (sin1 - sin0), 0})
	s.vel = vec{v * sin1, v * cos1, 0}
	s.heading += a
	return s
}

// returning is u seconds of the way back from a stand, to a rally point if there
// is one.
func (m *member) returning(s state, u float64, haven *vec) state {
	if u <= 0 {
		return s
	}
	home := m.onCourse(0, 0).at
	if haven != nil {
		home = *haven
	}
	way := vec{home.x - s.at.x, home.y - s.at.y, 0}
	gone, speed, took := trapezoid(way.norm(), m.kind.agility.cruise, m.kind.agility.accel, u)
	s.vel = way.unit().scale(speed)
	s.at = s.at.add(way.unit().scale(gone))
	s.hold, s.ground = false, false
	if way.norm() > 0 {
		s.heading = math.Atan2(way.x, way.y)
	}
	if u > took && m.kind.flies {
		return m.sinking(s, u-took)
	}
	return s
}

// sinking is u seconds of coming down from a stand.
func (m *member) sinking(s state, u float64) state {
	if u <= 0 || s.ground {
		return s
	}
	sink := m.kind.agility.sink
	s.vel, s.at.z = vec{0, 0, -sink}, s.at.z-sink*u
	if s.at.z <= 0 {
		s.at.z, s.vel, s.ground = 0, vec{}, true
	}
	return s
}

// falling is u seconds of free fall.
func (m *member) falling(s state, u float64) state {
	u = max(u, 0)
	if s.ended = true; s.ground {
		return s
	}
	down := (s.vel.z + math.Sqrt(s.vel.z*s.vel.z+2*gravity*max(s.at.z, 0))) / gravity // seconds until it is down
	v := min(u, down)
	s.at = s.at.add(s.vel.scale(v)).sub(vec{0, 0, gravity * v * v / 2})
	s.vel.z -= gravity * v
	s.hold = false
	if u >= down {
		s.at.z, s.vel, s.ground = 0, vec{}, true
	}
	return s
}

// ended stops the motors for good.
func (m *member) ended(param1 float32, t float64) ardupilotmega.MAV_RESULT {
	switch {
	case !m.kind.flies:
		return ardupilotmega.MAV_RESULT_UNSUPPORTED
	case param1 <= 0.5:
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_DENIED)
	}
	if old := m.doing.Load(); old == nil || old.act != falls {
		s := m.truly(t)
		m.doing.Store(&doing{act: falls, mode: s.mode, from: t, base: &s})
	}
	return ardupilotmega.MAV_RESULT_ACCEPTED
}

// trapezoid is the way and the speed u seconds after a start from standing over d
// metres to standing, and how long all of it takes.
func trapezoid(d, v, a, u float64) (gone, speed, took float64) {
	v = min(v, math.Sqrt(d*a))
	if v == 0 {
		return 0, 0, 0
	}
	up := v / a
	took = 2*up + (d-v*up)/v
	switch left := took - u; {
	case left <= 0:
		return d, 0, took
	case u < up:
		return a * u * u / 2, a * u, took
	case left < up:
		return d - a*left*left/2, a * left, took
	}
	return v*up/2 + v*(u-up), v, took
}

// ordered is what a vehicle answers to an order, which it obeys from t on.
func (m *member) ordered(command common.MAV_CMD, param1, param2 float32, t float64) ardupilotmega.MAV_RESULT {
	to, mode := m.kind.meant(command, param1, param2)
	switch {
	case command == cmdTerminate:
		return m.ended(param1, t)
	case mode != 0:
		return m.turnTo(to, mode, t)
	case command == cmdSetMode:
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_DENIED)
	}
	return ardupilotmega.MAV_RESULT_UNSUPPORTED
}

// turnTo has the vehicle do something else.
func (m *member) turnTo(to act, mode uint32, t float64) ardupilotmega.MAV_RESULT {
	old := m.doing.Load()
	if old == nil {
		old = &doing{act: follows, from: t, at: m.along(t), rate: 1}
	}
	if old.act == falls {
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_DENIED)
	}
	if old.act == to {
		again := *old
		again.mode = mode
		m.doing.Store(&again)
		return ardupilotmega.MAV_RESULT_ACCEPTED
	}
	if to == follows {
		if r, ok := m.renewed(old, t); ok {
			return r
		}
	}
	if to == follows && old.back && old.act != follows && !m.acting(old, t).ground {
		m.doing.Store(m.rejoins(old, mode, t))
		return ardupilotmega.MAV_RESULT_ACCEPTED
	}
	leaves := old.act == returns || old.act == lands
	switch off := old.base != nil || leaves && t-old.from > old.ramp; {
	case (off || leaves) && to == follows, off && m.acting(old, t).ground:
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_DENIED) // it has left its course
	case off, to == piloted:
		next := m.turnedFrom(m.acting(old, t), to, mode, t)
		if to == stands { // what was sent off its course and is stopped goes back to it
			next.back, next.at, next.journey = old.back, old.at, old.journey
		}
		m.doing.Store(next)
		return ardupilotmega.MAV_RESULT_ACCEPTED
	}
	next := &doing{act: to, mode: mode, from: t, journey: old.journey}
	next.at, next.rate = old.course(t)
	s := m.acting(old, t)
	speed := s.vel.norm()
	if to == follows {
		speed = m.onPath(next, next.at, 1).vel.norm()
	}
	next.ramp = max(speed/m.kind.agility.accel, 0.5)
	if to == returns {
		next.haven = m.rallies(s.at)
	}
	switch {
	case to == circles && t < old.from: // it has not left the circle before
		next.from, next.at = old.from, old.at
	case to == circles:
		next.ramp = 0
	case old.act == circles: // it goes on with its course when the circle closes
		round := 2 * math.Pi * circleM / max(speed, 1)
		next.from, next.at, next.rate, next.ramp = old.from+math.Ceil((t-old.from)/round)*round, old.at, 1, 0
	}
	m.doing.Store(next)
	return ardupilotmega.MAV_RESULT_ACCEPTED
}

// pilotMS is how fast at least a pilot flies by hand.
const pilotMS = 3.0

// turnedFrom is what a vehicle does from a state off its course.
func (m *member) turnedFrom(s state, to act, mode uint32, t float64) *doing {
	next := &doing{act: to, mode: mode, from: t, base: &s, ramp: max(s.vel.norm()/m.kind.agility.accel, 0.5)}
	if to == returns {
		next.haven = m.rallies(s.at)
	}
	if to == circles || to == piloted || to == goes && m.kind == &fixedWing {
		next.ramp = 0
		s.vel.z, s.hold = 0, false
		if math.Hypot(s.vel.x, s.vel.y) < pilotMS && !s.ground {
			sin, cos := math.Sincos(s.heading)
			s.vel = vec{pilotMS * sin, pilotMS * cos, 0}
		}
	}
	return next
}

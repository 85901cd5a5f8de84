package sim

import (
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"

	"testzone/vehicles"
)

// MAV_CMD_DO_REPOSITION, and of MAV_DO_REPOSITION_FLAGS: into the mode that goes to points.
const (
	cmdReposition = 192
	changeMode    = 1
)

// spot is the position in a COMMAND_INT.
type spot struct {
	x, y  int32 // degE7
	z     float32
	frame common.MAV_FRAME
	is    bool // it is a COMMAND_INT
}

// target is where a vehicle was sent, and how fast.
type target struct {
	to    vec
	speed float64 // m/s
}

// sent is what a vehicle answers when it is sent to a place, where it goes from t on.
func (m *member) sent(o *order, t float64) ardupilotmega.MAV_RESULT {
	old, s := m.doing.Load(), m.truly(t)
	modes := m.kind.modesOf()[goes]
	guided := old != nil && old.act == goes
	switch {
	case !o.at.is:
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_COMMAND_INT_ONLY)
	case !framed(o.at.frame):
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_COMMAND_UNSUPPORTED_MAV_FRAME)
	case s.ground, s.ended, int(o.param2)&changeMode == 0 && !guided, math.Abs(float64(o.at.x)) > 90e7, math.Abs(float64(o.at.y)) > 180e7:
		return ardupilotmega.MAV_RESULT(common.MAV_RESULT_DENIED)
	}
	place := vehicles.PlanItem{X: o.at.x, Y: o.at.y, Z: o.at.z, Frame: uint8(o.at.frame)}
	to := target{m.placeOf(&place, s.at), m.kind.agility.cruise}
	if m.kind.flies && o.at.z != o.at.z { // no height: it keeps its own
		to.to.z = s.at.z
	}
	if v := float64(o.param1); v > 0 {
		to.speed = min(v, to.speed)
	}
	if guided && old.target == to { // asked again
		return ardupilotmega.MAV_RESULT_ACCEPTED
	}
	next := m.turnedFrom(s, goes, modes[0], t)
	next.target = to
	next.at, next.journey, next.back = m.leftAt(old, t)
	m.doing.Store(next)
	return ardupilotmega.MAV_RESULT_ACCEPTED
}

// leftAt is where on its course, or on its mission, a vehicle was that is sent off it;
// back=false: it left that before, or could not join it again.
func (m *member) leftAt(old *doing, t float64) (at float64, j *journey, back bool) {
	switch {
	case m.kind == &fixedWing: // it would come there from anywhere, and cannot turn on the spot
		return 0, nil, false
	case old == nil:
		return m.along(t), nil, true
	case old.back:
		return old.at, old.journey, true
	case old.base != nil, old.act == returns, old.act == lands:
		return 0, nil, false
	}
	at, _ = old.course(t)
	return at, old.journey, true
}

// framed reports whether a vehicle knows a frame: above the sea, or above its home.
func framed(f common.MAV_FRAME) bool {
	switch f {
	case vehicles.FrameGlobal, vehicles.FrameGlobalInt, vehicles.FrameGlobalRelative, vehicles.FrameRelativeInt:
		return true
	}
	return false
}

// going is u seconds of the way from a stand to a place, and of staying there.
func (m *member) going(s state, u float64, to *target) state {
	switch {
	case m.kind == &fixedWing:
		return m.wingTo(s, u, to)
	case u <= 0:
		return s
	}
	way := to.to.sub(s.at)
	gone, speed, took := trapezoid(way.norm(), m.climbs(way, to.speed), m.kind.agility.accel, u)
	s.at, s.vel = s.at.add(way.unit().scale(gone)), way.unit().scale(speed)
	s.hold = u >= took
	if math.Hypot(way.x, way.y) > 0.1 {
		s.heading = math.Atan2(way.x, way.y)
	}
	return s
}

// climbs is how fast at most a vehicle goes along a way, which may lead up or down.
func (m *member) climbs(way vec, speed float64) float64 {
	vertical := m.kind.agility.climb
	if way.z < 0 {
		vertical = m.kind.agility.sink
	}
	if steep := math.Abs(way.unit().z); steep*speed > vertical {
		return vertical / steep
	}
	return speed
}

// wingTo is u seconds of a fixed wing that was sent to a place: a circle to the right
// until it heads for the place, straight there, and in circles. It climbs or sinks on
// the way, and goes on with that when it is there.
func (m *member) wingTo(s state, u float64, to *target) state {
	v := math.Hypot(s.vel.x, s.vel.y)
	if v < 1 || u <= 0 {
		return s
	}
	turn := tangent(s, to.to) * circleM / v // seconds
	rise, rate := to.to.z-s.at.z, m.kind.agility.climb
	lift := math.Copysign(min(rate*u, math.Abs(rise)), rise)
	out := m.circling(s, min(u, turn))
	if left := u - turn; left > 0 {
		way := vec{to.to.x - out.at.x, to.to.y - out.at.y, 0}
		gone := min(v*left, way.norm())
		out.at = out.at.add(way.unit().scale(gone))
		if over := left - way.norm()/v; over > 0 {
			out = m.circling(out, over)
		}
	}
	if out.at.z += lift; math.Abs(lift) < math.Abs(rise) {
		out.vel.z = math.Copysign(rate, rise)
	}
	return out
}

// tangent is how far, in radians, a fixed wing turns to the right until it heads for a
// place; what lies within its circle it flies around.
func tangent(s state, to vec) float64 {
	h := math.Atan2(s.vel.x, s.vel.y)
	sin, cos := math.Sincos(h)
	dx, dy := to.x-(s.at.x+circleM*cos), to.y-(s.at.y-circleM*sin) // from the centre
	d := math.Hypot(dx, dy)
	if d <= circleM {
		return 2 * math.Pi * 1000
	}
	// It leaves the circle where the radius and the way to the place are square; there it
	// heads for the place, which is acos(r/d) of the circle further on.
	leaves := math.Atan2(dx, dy) - math.Acos(circleM/d) + math.Pi/2
	turn := math.Mod(leaves-h, 2*math.Pi)
	if turn < 0 {
		turn += 2 * math.Pi
	}
	return turn
}

// rejoins is what a vehicle does that goes back to where it was sent off its course,
// and follows it from there.
func (m *member) rejoins(old *doing, mode uint32, t float64) *doing {
	next := m.turnedFrom(m.acting(old, t), follows, mode, t)
	next.at, next.journey, next.back = old.at, old.journey, true
	accel := m.kind.agility.accel
	way := m.onPath(next, next.at, 0).at.sub(next.braking(next.ramp).at)
	_, _, next.joinS = trapezoid(way.norm(), m.climbs(way, m.kind.agility.cruise), accel, 0)
	next.startS = max(m.onPath(next, next.at, 1).vel.norm()/accel, 0.5)
	return next
}

// rejoining is u seconds of that, from a stand.
func (m *member) rejoining(s state, d *doing, u float64) state {
	if u < d.joinS {
		return m.going(s, u, &target{m.onPath(d, d.at, 0).at, m.kind.agility.cruise})
	}
	at, rate := d.course(d.from + d.ramp + u)
	return m.onPath(d, at, rate)
}

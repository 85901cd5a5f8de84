package sim

import (
	"math"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Commands of a mission that a vehicle knows: MAV_CMD. Others are passed over.
const (
	cmdWaypoint     = 16
	cmdLoiter       = 17
	cmdLoiterTime   = 19
	cmdTakeoff      = 22
	cmdSpline       = 82
	cmdChangeSpeed  = 178
	cmdMissionStart = 300
	cmdFenceEnable  = 207
)

// sharp is the turn, in radians, from which on a vehicle stops at a waypoint: the
// round of a sharper one would pass too far from it.
const sharp = 2.0

// journey is an uploaded mission with its timetable: a braking from where the
// vehicle was, the way through the waypoints, and a stand at the end.
type journey struct {
	id     uint32 // of the plan
	start  doing  // braking
	course *course
	ends   float64   // seconds from its begin to the stand
	item   []int     // of the plan, for each waypoint
	passed []float64 // seconds from its begin to each waypoint
	lands  bool      // at the end
}

// at is the vehicle u seconds after the begin of the journey, whose time runs at a rate.
func (f *journey) at(u, rate float64, k *kind) state {
	v := u - f.start.ramp
	if v < 0 {
		s := f.start.braking(u)
		s.vel = s.vel.scale(rate)
		return s
	}
	s := f.course.at(min(v, f.ends-f.start.ramp))
	if first := &f.course.knots[1]; v < first.t { // turns on the spot to its first leg
		s.heading = f.start.base.heading + wrapPi(first.heading-f.start.base.heading)*v/first.t
	}
	s.vel = s.vel.scale(rate)
	if u >= f.ends {
		s.vel, s.hold = vec{}, true
	}
	s.ground = k.flies && s.at.z <= 0 && (u >= f.ends && f.lands || v < f.course.knots[1].t)
	return s
}

// reached is the item that the vehicle is at u seconds after the begin.
func (f *journey) reached(u float64) int {
	for n, t := range f.passed {
		if u < t {
			return f.item[n]
		}
	}
	return f.item[len(f.item)-1]
}

// onPath is the vehicle at a time of its course or of its journey.
func (m *member) onPath(d *doing, at, rate float64) state {
	if d.journey != nil {
		return d.journey.at(at, rate, m.kind)
	}
	return m.onCourse(at, rate)
}

// begins has a vehicle fly the mission that it carries, from an item on.
func (m *member) begins(first int, t float64) ardupilotmega.MAV_RESULT {
	const failed = ardupilotmega.MAV_RESULT_FAILED
	id, items := m.board.keeps(vehicles.PlanMission)
	s := m.stateAt(t, 0)
	switch {
	case m.kind == &fixedWing:
		return ardupilotmega.MAV_RESULT_UNSUPPORTED // its way would begin with a stop
	case first < 0 || first >= len(items), m.asks && m.armedAt.Load() == 0:
		return failed
	case s.ground && items[first].Command != cmdTakeoff:
		return failed // it would roll to its first waypoint
	}
	f, err := m.fly(s, items, first)
	if err != nil {
		return failed
	}
	f.id = id
	m.doing.Store(&doing{act: follows, mode: m.kind.mode, from: t, rate: 1, ramp: 0.5, journey: f})
	return ardupilotmega.MAV_RESULT_ACCEPTED
}

// fly lays out a journey through the items from first on.
func (m *member) fly(s state, items []vehicles.PlanItem, first int) (*journey, error) {
	f := &journey{start: doing{base: &s, ramp: max(s.vel.norm()/m.kind.agility.accel, 0.5)}}
	begin := f.start.braking(f.start.ramp).at
	wps := []waypoint{{at: begin, hold: 1}}
	for n := first; n < len(items); n++ {
		it := &items[n]
		last := &wps[len(wps)-1]
		stop := false
		switch it.Command {
		case cmdWaypoint, cmdSpline:
			wps = append(wps, waypoint{at: m.placeOf(it, last.at), hold: float64(max(it.Params[0], 0))})
		case cmdLoiterTime:
			wps = append(wps, waypoint{at: m.placeOf(it, last.at), hold: float64(max(it.Params[0], 1))})
		case cmdLoiter:
			wps = append(wps, waypoint{at: m.placeOf(it, last.at), hold: 1})
			stop = true
		case cmdTakeoff:
			wps = append(wps, waypoint{at: vec{last.at.x, last.at.y, m.heightOf(it)}, hold: 1})
		case cmdLand, cmdReturn:
			to := m.onCourse(0, 0).at
			if at := m.placeOf(it, last.at); it.Command == cmdLand {
				to = at
			}
			to.z = last.at.z
			wps = append(wps, waypoint{at: to, hold: 1})
			if m.kind.flies {
				f.item = append(f.item, n)
				wps = append(wps, waypoint{at: vec{to.x, to.y, 0}, hold: 1})
			}
			stop, f.lands = true, true
		case cmdChangeSpeed:
			last.speed = min(float64(it.Params[1]), m.kind.agility.cruise)
			continue
		default:
			continue
		}
		now := &wps[len(wps)-1]
		if now.speed = last.speed; now.at == last.at { // it is there
			wps = wps[:len(wps)-1]
			last.hold = max(last.hold, now.hold, 1)
			continue
		}
		f.item = append(f.item, n)
		if stop {
			break
		}
	}
	if len(f.item) == 0 {
		return nil, ErrConfig
	}
	return f, f.lay(wps, m.kind)
}

// radiusOf is how near to a waypoint a vehicle turns to the next one.
func (k *kind) radiusOf() float64 {
	switch k {
	case &rover:
		return carRadius
	case &boat:
		return boatRadius
	}
	return copterRadius
}

// lay makes the timetable. The way back to the begin that a course has is never
// travelled.
func (f *journey) lay(wps []waypoint, k *kind) (err error) {
	last := len(wps) - 1
	wps[last].hold = max(wps[last].hold, 1)
	for i := 1; i < last; i++ {
		in, out := wps[i].at.sub(wps[i-1].at).unit(), wps[i+1].at.sub(wps[i].at).unit()
		switch straight := in.dot(out); {
		case wps[i].hold > 0:
		case straight < math.Cos(sharp):
			wps[i].hold = 1
		default:
			wps[i].radius = k.radiusOf()
		}
	}
	if f.course, err = newCourse(wps, k.agility, 0); err != nil {
		return err
	}
	knots := f.course.knots
	at := 0
	for i := 1; i <= last; i++ {
		near := math.Inf(1)
		for n := at; n < len(knots)-1; n++ {
			if d := knots[n].at.sub(wps[i].at).norm(); d < near-1e-9 {
				near, at = d, n
			} else if d > near+2*k.radiusOf() {
				break
			}
		}
		f.passed = append(f.passed, f.start.ramp+knots[at].t)
	}
	f.ends = f.passed[len(f.passed)-1]
	return nil
}

// placeOf is where an item is; without a position, where the vehicle comes from.
func (m *member) placeOf(it *vehicles.PlanItem, from vec) vec {
	if it.X == 0 && it.Y == 0 {
		return vec{from.x, from.y, m.heightOf(it)}
	}
	at := m.plane.local(geo.Point{Lat: it.X, Lon: it.Y})
	at.z = m.heightOf(it)
	return at
}

// heightOf is the height of an item above the ground, which is flat.
func (m *member) heightOf(it *vehicles.PlanItem) float64 {
	if !m.kind.flies || it.Z != it.Z {
		return 0
	}
	if it.Frame == vehicles.FrameGlobal || it.Frame == vehicles.FrameGlobalInt {
		return max(float64(it.Z)-groundMM/1000, 0)
	}
	return max(float64(it.Z), 0)
}

// renewed has a vehicle that is told to go on begin the mission that was uploaded
// since; ok=false: there is none.
func (m *member) renewed(old *doing, t float64) (r ardupilotmega.MAV_RESULT, ok bool) {
	if m.board == nil || m.kind == &fixedWing {
		return 0, false
	}
	id, items := m.board.keeps(vehicles.PlanMission)
	if len(items) == 0 || old.journey != nil && old.journey.id == id {
		return 0, false
	}
	return m.begins(0, t), true
}

// carriesOut obeys commands about what is on board; ok=false: it is none.
func (m *member) carriesOut(command common.MAV_CMD, param1 float32, t float64) (r ardupilotmega.MAV_RESULT, ok bool) {
	if m.board == nil || m.station.signer == nil {
		return 0, false
	}
	switch command {
	case cmdMissionStart:
		return m.begins(max(int(param1)-m.board.homes(vehicles.PlanMission), 0), t), true
	case cmdFenceEnable:
		m.values.set("FENCE_ENABLE", min(param1, 1))
		return ardupilotmega.MAV_RESULT_ACCEPTED, true
	}
	return 0, false
}

package sim

import (
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/streamwriter"

	"testzone/vehicles"
)

// kind is what a class of simulated machine is to MAVLink.
type kind struct {
	class   vehicles.Class
	mavType ardupilotmega.MAV_TYPE
	mode    uint32 // custom_mode AUTO of the ArduPilot firmware for this type
	agility agility
	flies   bool
	cellsMV uint16 // full battery
	params  []param

	manual    uint32  // custom_mode in which a pilot flies it
	failsafeS float64 // how long it goes on without its link; as params say
	failsafe  []act   // what it does then: the first that it can
}

// Speeds and accelerations are everyday values of small machines. A plane does
// not stop; a rover and a boat do not turn on the spot.
var (
	copter = kind{vehicles.UAV, ardupilotmega.MAV_TYPE_QUADROTOR, 3,
		agility{cruise: 10, accel: 2, lateral: 2.5, climb: 2.5, sink: 1.5, spin: 0.8}, true, 16800, copterParams,
		16, 5, []act{returns}}
	fixedWing = kind{vehicles.UAV, ardupilotmega.MAV_TYPE_FIXED_WING, 10,
		agility{cruise: 20, accel: 1, lateral: 5, climb: 3, sink: 3}, true, 25200, planeParams,
		5, 5, []act{returns, circles}}
	rover = kind{vehicles.ICV, ardupilotmega.MAV_TYPE_GROUND_ROVER, 10,
		agility{cruise: 11, accel: 1.5, lateral: 2}, false, 51000, roverParams,
		0, 1.5, []act{stands}}
	boat = kind{vehicles.USV, ardupilotmega.MAV_TYPE_SURFACE_BOAT, 10,
		agility{cruise: 9.5, accel: 0.4, lateral: 0.8}, false, 51000, boatParams,
		0, 1.5, []act{returns}}
)

// member is one vehicle of a fleet.
type member struct {
	index  int
	name   string
	kind   *kind
	sysid  uint8
	socket int

	plane  plane
	course *course
	phase  float64 // seconds into the round at the start
	origin vec     // of the course in the plane
	cos    float64 // rotation of the course, clockwise
	sin    float64
	turn   float64 // the same in radians

	bootMS  uint32     // device time at the start
	wander  [4]float64 // phases of the position error
	charge  float64    // seconds of use at the start
	encoder streamwriter.Writer
	group   *group
	station station
	doing   atomic.Pointer[doing] // nil: it had no order

	board    *Board // nil: it does not hear
	values   settings
	guard    guard
	rebooted atomic.Int64 // ns after the start of the fleet; 0: it did not restart

	events   atomic.Pointer[[]*event] // how it behaves; nil: as it should
	frames   atomic.Uint64            // either way, while its link drops some
	late     lateOrders
	pretends atomic.Uint32   // custom_mode that it shows and does not fly; 0: none
	done     map[*event]bool // of events that happen once

	asks    bool         // it does not start before the zone grants that
	armedAt atomic.Int64 // ns after the start of the fleet; 0: it was not granted
}

func newMember(name string, k *kind, p plane, c *course, rng *rand.Rand) *member {
	m := &member{
		name: name, kind: k, plane: p, course: c, cos: 1,
		phase:  rng.Float64() * c.period,
		bootMS: 60_000 + uint32(rng.IntN(600_000)),
		charge: rng.Float64() * batteryS / 2,
	}
	for i := range m.wander {
		m.wander[i] = rng.Float64() * 2 * math.Pi
	}
	return m
}

// rotate turns the course clockwise about its origin.
func (m *member) rotate(rad float64) {
	m.turn = rad
	m.sin, m.cos = math.Sincos(rad)
}

// truly is where it would be if nothing carried it off.
func (m *member) truly(t float64) state {
	if d := m.doing.Load(); d != nil {
		return m.acting(d, t)
	}
	return m.onCourse(m.along(t), 1)
}

// at is the state t seconds after the start.
func (m *member) at(t, noiseM float64) state {
	s := m.truly(t)
	if off, vel := m.drifted(t); !s.ground {
		s.at, s.vel = s.at.add(off), s.vel.add(vel)
	}
	if noiseM > 0 {
		// A slow wander with periods of tens of seconds, as GNSS errors have.
		w := &m.wander
		s.at.x += noiseM * 0.5 * (math.Sin(t/7.3+w[0]) + math.Sin(t/23.1+w[1]))
		s.at.y += noiseM * 0.5 * (math.Sin(t/8.9+w[2]) + math.Sin(t/19.7+w[3]))
	}
	return s
}

func (m *member) rotated(v vec) vec {
	return vec{v.x*m.cos + v.y*m.sin, v.y*m.cos - v.x*m.sin, v.z}
}

// batteryS is how long a battery lasts from full to batteryLow; then it is changed.
const (
	batteryS   = 3600.0
	batteryLow = 0.35
)

// battery is the charge from 1 to batteryLow after t seconds.
func (m *member) battery(t float64) float64 {
	used := math.Mod(t+m.charge, batteryS) / batteryS
	return 1 - (1-batteryLow)*used
}

// tilt is roll, pitch and their rates from the motion around t.
func (m *member) tilt(t, noiseM float64) (roll, pitch, yaw, yawRate float64) {
	const h = 0.1 // s
	a, b := m.at(t-h, noiseM), m.at(t+h, noiseM)
	yawRate = (b.heading - a.heading) / (2 * h)
	if math.Abs(b.heading-a.heading) > math.Pi { // the round closed in between
		yawRate = wrapPi(b.heading-a.heading) / (2 * h)
	}
	s := m.at(t, noiseM)
	yaw = wrapPi(s.heading)
	if !m.kind.flies || s.ground {
		return 0, 0, yaw, yawRate
	}
	acc := b.vel.sub(a.vel).scale(1 / (2 * h))
	sn, cs := math.Sincos(s.heading)
	forward, right := acc.x*sn+acc.y*cs, acc.x*cs-acc.y*sn
	roll = math.Atan(right / gravity)
	if m.kind == &copter {
		return roll, -math.Atan(forward / gravity), yaw, yawRate
	}
	return roll, math.Atan2(s.vel.z, math.Hypot(s.vel.x, s.vel.y)), yaw, yawRate
}

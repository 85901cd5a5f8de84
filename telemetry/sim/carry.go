package sim

import (
	"math"
	"sync"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/message"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const (
	idMissionCurrent = 42
	idFenceStatus    = 162
)

// What a vehicle does that leaves its fence: FENCE_ACTION of ArduCopter. Those
// of rovers and boats stop instead of landing.
const (
	fenceReports = 0
	fenceReturns = 1
	fenceLands   = 2
	fenceBrakes  = 4
)

// fenceParams are the parameters of the fence on board.
var fenceParams = []param{
	whole("FENCE_ENABLE", 0), whole("FENCE_ACTION", fenceReturns), whole("FENCE_TYPE", 7), real("FENCE_ALT_MAX", 100),
}

// settings are parameters that were set.
type settings struct {
	mu sync.Mutex // guards the field below
	of map[string]float32
}

func (s *settings) set(name string, v float32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]float32{}
	}
	s.of[name] = v
}

func (s *settings) get(name string, otherwise float32) float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.of[name]; ok {
		return v
	}
	return otherwise
}

// params are the parameters of a vehicle with their values of now.
func (m *member) params() []param {
	out := append(m.kind.params[:len(m.kind.params):len(m.kind.params)], fenceParams...)
	for i := range out {
		p := &out[i]
		p.value = m.values.get(p.name, p.value)
		if p.name == "RALLY_TOTAL" && m.board != nil {
			p.value = float32(len(m.board.Plan(vehicles.PlanRally).Items))
		}
	}
	return out
}

// setParam sets a parameter that it has, and says its value.
func (m *member) setParam(q *ardupilotmega.MessageParamSet) []message.Message {
	all := m.params()
	for i, p := range all {
		if p.name != q.ParamId || m.station.signer == nil {
			continue
		}
		if p.typ == q.ParamType && !math.IsNaN(float64(q.ParamValue)) {
			m.values.set(p.name, q.ParamValue)
			p.value = q.ParamValue
		}
		return []message.Message{p.says(i, len(all))}
	}
	return nil
}

func (p *param) says(index, count int) message.Message {
	return &ardupilotmega.MessageParamValue{
		ParamId: p.name, ParamValue: p.value, ParamType: p.typ, ParamCount: uint16(count), ParamIndex: uint16(index),
	}
}

// guard is what a vehicle knows of its fence. It belongs to the goroutine of its group.
type guard struct {
	outside bool
	count   uint16
	kind    ardupilotmega.FENCE_BREACH
	sinceMS uint32
}

// onBoard is what a vehicle says by itself of what it carries; it keeps to its fence.
func (m *member) onBoard(at time.Duration) []message.Message {
	if m.board == nil {
		return nil
	}
	if m.values.get("FENCE_ENABLE", 0) != 0 {
		m.watch(at)
	}
	return m.board.Tick(at)
}

// watch reacts once when the vehicle leaves its fence.
func (m *member) watch(at time.Duration) {
	t := at.Seconds()
	s := m.stateAt(t, 0)
	kind := m.breached(s)
	was := m.guard.outside
	m.guard.outside = kind != 0 && !s.ground
	if !m.guard.outside || was {
		return
	}
	m.guard.count, m.guard.kind, m.guard.sinceMS = m.guard.count+1, kind, m.boot(at)
	var wanted []act
	switch int(m.values.get("FENCE_ACTION", fenceReturns)) {
	case fenceReports:
		return
	case fenceLands:
		wanted = []act{lands, stands, circles}
	case fenceBrakes:
		wanted = []act{stands, circles}
	default:
		wanted = []act{returns, lands, circles}
	}
	modes := m.kind.modesOf()
	for _, a := range wanted {
		if len(modes[a]) > 0 {
			m.turnTo(a, modes[a][0], t)
			return
		}
	}
}

// breached is how a vehicle is outside its fence; 0: it is inside.
func (m *member) breached(s state) ardupilotmega.FENCE_BREACH {
	if m.kind.flies && int(m.values.get("FENCE_TYPE", 7))&1 != 0 && s.at.z > float64(m.values.get("FENCE_ALT_MAX", 100)) {
		return ardupilotmega.FENCE_BREACH_MAXALT
	}
	if _, items := m.board.keeps(vehicles.PlanFence); outside(m.plane, items, s.at) {
		return ardupilotmega.FENCE_BREACH_BOUNDARY
	}
	return 0
}

// outside reports whether a place is outside a fence: outside of any inclusion, or
// inside of any exclusion.
func outside(on plane, items []vehicles.PlanItem, at vec) bool {
	place := func(i *vehicles.PlanItem) vec { return on.local(geo.Point{Lat: i.X, Lon: i.Y}) }
	for n := 0; n < len(items); n++ {
		i := &items[n]
		switch i.Command {
		case vehicles.FenceCircleInclusion, vehicles.FenceCircleExclusion:
			c := place(i)
			in := math.Hypot(at.x-c.x, at.y-c.y) <= float64(i.Params[0])
			if in != (i.Command == vehicles.FenceCircleInclusion) {
				return true
			}
		case vehicles.FencePolygonInclusion, vehicles.FencePolygonExclusion:
			var ring []vec
			for end := min(n+int(i.Params[0]), len(items)); n < end; n++ {
				ring = append(ring, place(&items[n]))
			}
			n--
			if within(ring, at) != (i.Command == vehicles.FencePolygonInclusion) {
				return true
			}
		}
	}
	return false
}

// within counts the edges to the east.
func within(ring []vec, at vec) (in bool) {
	for i, b := range ring {
		a := ring[(i+len(ring)-1)%len(ring)]
		if (a.y > at.y) != (b.y > at.y) && at.x < a.x+(b.x-a.x)*(at.y-a.y)/(b.y-a.y) {
			in = !in
		}
	}
	return in
}

// rallies is the nearest of the rally points that a vehicle carries, or its home if
// that is nearer; nil: home.
func (m *member) rallies(at vec) (nearest *vec) {
	if m.board == nil {
		return nil
	}
	level := func(v vec) float64 { return math.Hypot(v.x-at.x, v.y-at.y) }
	best := level(m.onCourse(0, 0).at)
	_, points := m.board.keeps(vehicles.PlanRally)
	for _, i := range points {
		if p := m.plane.local(geo.Point{Lat: i.X, Lon: i.Y}); level(p) < best {
			nearest, best = &p, level(p)
		}
	}
	return nearest
}

// carried is what a vehicle says once a second of its plans; nil: nothing is there.
func (m *member) carried(t float64) message.Message {
	if m.board == nil || !m.board.used() {
		return nil
	}
	c := m.board.Current()
	c.MissionState = ardupilotmega.MISSION_STATE_NOT_STARTED
	if c.Total == 0 {
		c.MissionState = ardupilotmega.MISSION_STATE_NO_MISSION
	}
	if d := m.doing.Load(); d != nil && d.journey != nil && d.journey.id == c.MissionId && c.Total > 0 {
		u, _ := d.course(t)
		c.Seq = uint16(d.journey.reached(u) + m.board.homes(vehicles.PlanMission))
		switch {
		case d.act != follows:
			c.MissionState = ardupilotmega.MISSION_STATE_PAUSED
		case u >= d.journey.ends:
			c.MissionState = ardupilotmega.MISSION_STATE_COMPLETE
		default:
			c.MissionState = ardupilotmega.MISSION_STATE_ACTIVE
		}
	}
	return c
}

// fenceStatus is nil while the fence is off.
func (m *member) fenceStatus() message.Message {
	if m.board == nil || m.values.get("FENCE_ENABLE", 0) == 0 {
		return nil
	}
	status := &ardupilotmega.MessageFenceStatus{BreachCount: m.guard.count, BreachTime: m.guard.sinceMS, BreachType: m.guard.kind}
	if m.guard.outside {
		status.BreachStatus = 1
	}
	return status
}

// restarted has the device's clock begin anew: its plans are kept, its transfers not.
func (m *member) restarted(since time.Duration) { m.rebooted.Store(max(int64(since), 1)) }

// equip gives a vehicle that hears its store of plans.
func (f *Fleet) equip(m *member) {
	home := m.plane.point(m.onCourse(0, 1).at)
	var faults PlanFaults
	if f.cfg.PlanFaults != nil {
		faults = f.cfg.PlanFaults(m.sysid)
	}
	m.board = NewBoard(m.sysid, autopilot3, vehicles.PlanItem{X: home.Lat, Y: home.Lon, Z: groundMM / 1000}, faults)
	m.board.restart = func() { m.restarted(time.Since(f.begun)) }
}

// Carried is what vehicle i carries of a kind; nothing, if the fleet does not hear.
func (f *Fleet) Carried(i int, k vehicles.PlanKind) vehicles.Plan {
	if b := f.members[i].board; b != nil {
		return b.Plan(k)
	}
	return vehicles.Plan{Kind: k}
}

// Refused counts the messages of transfers of plans that vehicle i did not take
// since they did not belong there, and those that came again.
func (f *Fleet) Refused(i int) (refused, repeated uint64) {
	if b := f.members[i].board; b != nil {
		return b.Refused()
	}
	return 0, 0
}

package sim

import (
	"math"
	"testing"
	"time"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"

	"testzone/vehicles"
)

// carrying is an obeying vehicle with a store of plans.
func carrying(t *testing.T, k *kind) *member {
	t.Helper()
	m := obeying(t, k)
	m.board = NewBoard(1, autopilot3, vehicles.PlanItem{}, PlanFaults{})
	return m
}

// to is an item at a place of the vehicle's plane, metres above home.
func (m *member) to(command uint16, x, y, z float64, p ...float32) vehicles.PlanItem {
	at := m.plane.point(vec{x: x, y: y})
	i := vehicles.PlanItem{Command: command, Frame: vehicles.FrameRelativeInt, X: at.Lat, Y: at.Lon, Z: float32(z), Autocontinue: true}
	copy(i.Params[:], p)
	return i
}

// TestJourney: a vehicle flies, drives or sails the mission that was uploaded: it
// passes each waypoint in their order, keeps to the speeds, never jumps, and stands
// at the end; what interrupts it, it goes on from.
func TestJourney(t *testing.T) {
	accepted := ardupilotmega.MAV_RESULT_ACCEPTED
	type order struct {
		at      float64
		command common.MAV_CMD
		p1, p2  float32
	}
	mission := func(m *member) []vehicles.PlanItem {
		return []vehicles.PlanItem{
			m.to(cmdWaypoint, 700, 100, 40), m.to(cmdWaypoint, 700, 400, 50), {Command: cmdChangeSpeed, Frame: vehicles.FrameMission, Params: [4]float32{1, 4}},
			m.to(cmdWaypoint, 300, 500, 50), m.to(cmdWaypoint, 500, 480, 45, 12), m.to(cmdLoiter, 500, 300, 45),
			m.to(cmdWaypoint, 900, 900, 45), // behind a loiter without end
		}
	}
	for _, c := range []struct {
		name   string
		kind   *kind
		orders []order
	}{
		{"copter", &copter, []order{{20, cmdMissionStart, 0, 0}}},
		{"rover", &rover, []order{{20, cmdMissionStart, 0, 0}}},
		{"boat", &boat, []order{{20, cmdMissionStart, 0, 0}}},
		{"copter, in the middle of a turn", &copter, []order{{66, cmdMissionStart, 0, 0}}},
		{"rover, told to go on after a stop", &rover, []order{{20, cmdSetMode, 1, 4}, {40, cmdContinue, 1, 0}}},
		{"copter, held and resumed", &copter, []order{{20, cmdMissionStart, 0, 0}, {60, cmdSetMode, 1, 17}, {90, cmdSetMode, 1, 3}}},
		{"boat, held while it brakes for its mission", &boat, []order{{20, cmdMissionStart, 0, 0}, {21, cmdSetMode, 1, 5}, {60, cmdContinue, 1, 0}}},
	} {
		m := carrying(t, c.kind)
		items := mission(m)
		m.board.store(vehicles.PlanMission, items)
		near := make([]float64, len(items))
		for i := range near {
			near[i] = math.Inf(1)
		}
		const h = 0.1
		before, slow, next, seen := m.at(0, 0), 0.0, 0, -1
		var s state
		for u := h; u < 900; u += h {
			if next < len(c.orders) && u >= c.orders[next].at {
				o := c.orders[next]
				r, ok := m.carriesOut(o.command, o.p1, u)
				if !ok {
					r = m.ordered(o.command, o.p1, o.p2, u)
				}
				if r != accepted {
					t.Fatalf("%s: order %d is answered %v", c.name, next, r)
				}
				next++
			}
			s = m.at(u, 0)
			if step := s.at.sub(before.at).norm(); step > c.kind.agility.cruise*h*1.1+0.01 || math.IsNaN(step) {
				t.Fatalf("%s: at %.1f s it jumps %.2f m", c.name, u, step)
			}
			before = s
			d := m.doing.Load()
			if d == nil || d.journey == nil {
				continue
			}
			for i := range items {
				if p, ok := items[i].Point(); ok {
					at := m.plane.local(p)
					near[i] = min(near[i], math.Hypot(s.at.x-at.x, s.at.y-at.y))
				}
			}
			seq := int(m.carried(u).(*ardupilotmega.MessageMissionCurrent).Seq)
			if seq < seen || seq == 0 {
				t.Fatalf("%s: at %.1f s it goes back from item %d to %d", c.name, u, seen, seq)
			}
			if seen = seq; seq == 4 { // behind the change of speed; home is item 0
				slow = max(slow, s.vel.norm())
			}
		}
		for i, d := range near[:6] {
			if limit := c.kind.radiusOf(); i != 2 && d > limit {
				t.Errorf("%s: it passes item %d at %.1f m, want %.0f", c.name, i+1, d, limit)
			}
		}
		if near[6] < 200 {
			t.Errorf("%s: it goes on behind the end, to %.0f m from the last item", c.name, near[6])
		}
		if slow > 4.1 || slow < 3 || near[4] > 0.1 || s.vel.norm() > 0.01 {
			t.Errorf("%s: %.1f m/s fast, ends %.1f m from its end as %+v", c.name, slow, near[4], s)
		}
		if end := m.carried(900).(*ardupilotmega.MessageMissionCurrent); end.MissionState != ardupilotmega.MISSION_STATE_COMPLETE || end.Seq != 6 || end.Total != 7 {
			t.Errorf("%s: at its end it says %+v", c.name, end)
		}
	}
}

// TestJourneyEnds: a landing lands, a return goes home, and a vehicle on the
// ground begins with a take-off or not at all.
func TestJourneyEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   *kind
		ground bool
		items  func(m *member) []vehicles.PlanItem
		want   ardupilotmega.MAV_RESULT
		ends   vec
	}{
		{"lands", &copter, false, func(m *member) []vehicles.PlanItem {
			return []vehicles.PlanItem{m.to(cmdWaypoint, 300, 100, 40), m.to(cmdLand, 350, 150, 0)}
		}, ardupilotmega.MAV_RESULT_ACCEPTED, vec{350, 150, 0}},
		{"returns", &copter, false, func(m *member) []vehicles.PlanItem {
			return []vehicles.PlanItem{m.to(cmdWaypoint, 300, 100, 40), {Command: cmdReturn, Frame: vehicles.FrameMission}}
		}, ardupilotmega.MAV_RESULT_ACCEPTED, vec{60, 0, 0}},
		{"takes off", &copter, true, func(m *member) []vehicles.PlanItem {
			return []vehicles.PlanItem{{Command: cmdTakeoff, Frame: vehicles.FrameRelativeInt, Z: 30}, m.to(cmdWaypoint, 300, 100, 40)}
		}, ardupilotmega.MAV_RESULT_ACCEPTED, vec{300, 100, 40}},
		{"does not roll", &copter, true, func(m *member) []vehicles.PlanItem {
			return []vehicles.PlanItem{m.to(cmdWaypoint, 300, 100, 40)}
		}, ardupilotmega.MAV_RESULT_FAILED, vec{}},
		{"has nothing", &copter, false, func(*member) []vehicles.PlanItem { return nil }, ardupilotmega.MAV_RESULT_FAILED, vec{}},
		{"has nothing to go to", &rover, false, func(*member) []vehicles.PlanItem {
			return []vehicles.PlanItem{{Command: cmdChangeSpeed, Params: [4]float32{1, 4}}}
		}, ardupilotmega.MAV_RESULT_FAILED, vec{}},
		{"a fixed wing", &fixedWing, false, func(m *member) []vehicles.PlanItem {
			return []vehicles.PlanItem{m.to(cmdWaypoint, 300, 100, 40)}
		}, ardupilotmega.MAV_RESULT_UNSUPPORTED, vec{}},
	} {
		m := carrying(t, c.kind)
		m.board.store(vehicles.PlanMission, c.items(m))
		if c.ground {
			m.ordered(cmdLand, 0, 0, 1)
			if !m.at(100, 0).ground {
				t.Fatal("it does not land")
			}
		}
		got, ok := m.carriesOut(cmdMissionStart, 0, 100)
		if !ok || got != c.want {
			t.Errorf("%s: answered %v", c.name, got)
		}
		if c.want != ardupilotmega.MAV_RESULT_ACCEPTED {
			continue
		}
		s := m.at(600, 0)
		if c.name == "returns" {
			c.ends = m.onCourse(0, 0).at
			c.ends.z = 0
		}
		if s.at.sub(c.ends).norm() > 0.2 || s.ground != (c.ends.z == 0) {
			t.Errorf("%s: ends as %+v, want %v", c.name, s, c.ends)
		}
	}
}

// TestFenceOnBoard: a vehicle that carries a fence and watches it reacts when it
// leaves it, as its parameter says, once, and says that it is outside.
func TestFenceOnBoard(t *testing.T) {
	circle := func(m *member, command uint16, x, y float64, radius float32) []vehicles.PlanItem {
		return []vehicles.PlanItem{m.to(command, x, y, 0, radius)}
	}
	square := func(m *member, command uint16, x, y, side float64) (out []vehicles.PlanItem) {
		for _, c := range [][2]float64{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}} {
			out = append(out, m.to(command, c[0], c[1], 0, 4))
		}
		return out
	}
	for _, c := range []struct {
		name   string
		kind   *kind
		fence  func(m *member) []vehicles.PlanItem
		action float32
		off    bool
		want   act
		status uint8
	}{
		{"returns", &copter, func(m *member) []vehicles.PlanItem { return circle(m, vehicles.FenceCircleInclusion, 0, 0, 300) }, fenceReturns, false, returns, 1},
		{"lands", &copter, func(m *member) []vehicles.PlanItem {
			return square(m, vehicles.FencePolygonExclusion, 300, -50, 100)
		}, fenceLands, false, lands, 1},
		{"brakes", &copter, func(m *member) []vehicles.PlanItem {
			return square(m, vehicles.FencePolygonInclusion, -50, -50, 300)
		}, fenceBrakes, false, stands, 1},
		{"reports only", &copter, func(m *member) []vehicles.PlanItem { return circle(m, vehicles.FenceCircleExclusion, 400, 0, 50) }, fenceReports, false, follows, 1},
		{"rover cannot land", &rover, func(m *member) []vehicles.PlanItem { return circle(m, vehicles.FenceCircleInclusion, 0, 0, 300) }, fenceLands, false, stands, 1},
		{"a fixed wing cannot return", &fixedWing, func(m *member) []vehicles.PlanItem { return circle(m, vehicles.FenceCircleInclusion, 0, 0, 300) }, fenceReturns, false, circles, 1},
		{"switched off", &copter, func(m *member) []vehicles.PlanItem { return circle(m, vehicles.FenceCircleInclusion, 0, 0, 300) }, fenceReturns, true, follows, 0},
		{"stays inside", &copter, func(m *member) []vehicles.PlanItem { return circle(m, vehicles.FenceCircleInclusion, 0, 0, 3000) }, fenceReturns, false, follows, 0},
	} {
		m := carrying(t, c.kind)
		m.phase = 0
		m.board.store(vehicles.PlanFence, c.fence(m))
		m.values.set("FENCE_ACTION", c.action)
		if r, ok := m.carriesOut(cmdFenceEnable, 1, 0); !ok || r != ardupilotmega.MAV_RESULT_ACCEPTED {
			t.Fatal("the fence cannot be switched on")
		}
		if c.off {
			m.carriesOut(cmdFenceEnable, 0, 0)
		}
		broke := uint8(0)
		for at := time.Second; at < 55*time.Second; at += 200 * time.Millisecond {
			m.onBoard(at)
			if f, ok := m.fenceStatus().(*ardupilotmega.MessageFenceStatus); ok {
				broke = max(broke, f.BreachStatus)
			}
		}
		got := follows
		if d := m.doing.Load(); d != nil {
			got = d.act
		}
		if got != c.want || broke != c.status {
			t.Errorf("%s: it does %d, want %d; outside %d, want %d", c.name, got, c.want, broke, c.status)
		}
		if c.status == 1 && c.want != circles && m.guard.count != 1 {
			t.Errorf("%s: %d breaches of one way out", c.name, m.guard.count)
		}
	}
}

// TestReturnsToRally: a vehicle returns to the nearest rally point, or home if that
// is nearer.
func TestReturnsToRally(t *testing.T) {
	for _, c := range []struct {
		name   string
		points [][2]float64
		want   int // of points; -1: home
	}{
		{"none", nil, -1}, {"the nearest", [][2]float64{{900, 300}, {650, 200}, {650, 900}}, 1}, {"home is nearer", [][2]float64{{3000, 3000}}, -1},
	} {
		for _, taken := range []bool{false, true} { // off its course, too
			m := carrying(t, &copter)
			m.phase = 0
			var items []vehicles.PlanItem
			for _, p := range c.points {
				items = append(items, m.to(vehicles.RallyPoint, p[0], p[1], 30))
			}
			m.board.store(vehicles.PlanRally, items)
			if taken {
				m.takenOver(85)
			}
			if got := m.ordered(cmdReturn, 0, 0, 90); got != ardupilotmega.MAV_RESULT_ACCEPTED {
				t.Fatal(got)
			}
			want := m.onCourse(0, 0).at
			if c.want >= 0 {
				want = vec{x: c.points[c.want][0], y: c.points[c.want][1]}
			}
			if s := m.at(900, 0); !s.ground || math.Hypot(s.at.x-want.x, s.at.y-want.y) > 0.2 {
				t.Errorf("%s: it comes down at %+v, want %+v", c.name, s.at, want)
			}
		}
	}
}

package sim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/gomavlib/v3/pkg/dialects/ardupilotmega"
	"github.com/bluenviron/gomavlib/v3/pkg/dialects/common"

	"testzone/geofence/geo"
)

// obeying is a vehicle of a kind on a square course, in the air or on the surface.
func obeying(t *testing.T, k *kind) *member {
	t.Helper()
	z := 0.0
	if k.flies {
		z = 40
	}
	c, err := newCourse([]waypoint{
		{at: vec{0, 0, z}, radius: 60}, {at: vec{600, 0, z}, radius: 60}, {at: vec{600, 600, z}, radius: 60}, {at: vec{0, 600, z}, radius: 60},
	}, k.agility, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := newMember("m", k, newPlane(geo.Point{Lat: 309000000, Lon: 1219300000}), c, rand.New(rand.NewPCG(1, 2)))
	m.station.signer = &signer{}
	return m
}

// TestObeys: whatever is ordered and when, a vehicle never jumps; and it ends as the
// order says.
func TestObeys(t *testing.T) {
	type order struct {
		at      float64
		command common.MAV_CMD
		p1, p2  float32
		want    common.MAV_RESULT
	}
	begin := obeying(t, &copter).onCourse(0, 0).at // of every course, but for a height
	still := func(s state) bool { return s.vel.norm() < 0.01 }
	flying := func(s state) bool { return s.vel.norm() > 5 }
	for _, c := range []struct {
		name   string
		kind   *kind
		orders []order
		mode   uint32
		ends   func(s state) bool
	}{
		{"copter holds", &copter, []order{{20, cmdSetMode, 1, 17, 0}}, 17, still},
		{"copter goes on", &copter, []order{{20, cmdSetMode, 1, 5, 0}, {22, cmdSetMode, 1, 3, 0}, {23, cmdSetMode, 1, 17, 0}, {40, cmdContinue, 1, 0, 0}}, 3, flying},
		{"copter lands", &copter, []order{{20, cmdLand, 0, 0, 0}}, 9, func(s state) bool { return still(s) && s.ground && s.at.z == 0 }},
		{"copter lands from a stand", &copter, []order{{20, cmdContinue, 0, 0, 0}, {21, cmdLand, 0, 0, 0}, {30, cmdSetMode, 1, 3, common.MAV_RESULT_DENIED}}, 9, func(s state) bool { return s.ground }},
		{"copter returns", &copter, []order{{60, cmdReturn, 0, 0, 0}}, 6, func(s state) bool {
			return s.ground && s.at.sub(begin).norm() < 41 && math.Hypot(s.at.x-begin.x, s.at.y-begin.y) < 0.1
		}},
		{"copter knows no such mode", &copter, []order{{20, cmdSetMode, 1, 16, common.MAV_RESULT_DENIED}}, 0, flying},
		{"wing circles", &fixedWing, []order{{20, cmdSetMode, 1, 12, 0}}, 12, flying},
		{"wing goes on", &fixedWing, []order{{20, cmdSetMode, 1, 12, 0}, {50, cmdSetMode, 1, 10, 0}, {52, cmdSetMode, 1, 12, 0}, {90, cmdSetMode, 1, 10, 0}}, 10, flying},
		{"wing does not return", &fixedWing, []order{{20, cmdReturn, 0, 0, common.MAV_RESULT_UNSUPPORTED}}, 0, flying},
		{"rover stops", &rover, []order{{20, cmdSetMode, 1, 4, 0}}, 4, still},
		{"rover does not land", &rover, []order{{20, cmdLand, 0, 0, common.MAV_RESULT_UNSUPPORTED}}, 0, flying},
		{"boat keeps its place", &boat, []order{{20, cmdSetMode, 1, 5, 0}}, 5, still},
		{"boat returns", &boat, []order{{60, cmdReturn, 0, 0, 0}}, 11, func(s state) bool { return still(s) && math.Hypot(s.at.x-begin.x, s.at.y-begin.y) < 0.1 }},
	} {
		m, next := obeying(t, c.kind), 0
		before := m.at(0, 0)
		const h = 0.1
		var s state
		for u := h; u < 300; u += h {
			if next < len(c.orders) && u >= c.orders[next].at {
				o := c.orders[next]
				if got := m.ordered(o.command, o.p1, o.p2, u); got != ardupilotmega.MAV_RESULT(o.want) {
					t.Errorf("%s: order %d is answered %v, want %v", c.name, next, got, o.want)
				}
				next++
			}
			s = m.at(u, 0)
			if step, fastest := s.at.sub(before.at).norm(), c.kind.agility.cruise*h; step > fastest*1.1+0.01 || math.IsNaN(step) {
				t.Fatalf("%s: at %.1f s it jumps %.2f m", c.name, u, step)
			}
			before = s
		}
		if s.mode != c.mode || !c.ends(s) {
			t.Errorf("%s: it ends as %+v, want mode %d", c.name, s, c.mode)
		}
	}
}

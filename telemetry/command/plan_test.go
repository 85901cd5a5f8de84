package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"testzone/vehicles"
)

// TestWhatIsSent: the exact commands by class, autopilot and order, in the order in
// which they are tried, and the modes that show the effect.
func TestWhatIsSent(t *testing.T) {
	const copter, wing, quadplane, car, ship = 2, 1, 20, 10, 11
	for _, c := range []struct {
		class     vehicles.Class
		mavType   uint8
		autopilot uint8
		kind      Kind
		want      string // command:param1,param2,param3 …; modes; or what the refusal says
	}{
		{vehicles.UAV, copter, arduPilot, Hold, "176:1,17,0 176:1,5,0 [17 5]"},
		{vehicles.UAV, copter, arduPilot, Stop, "176:1,17,0 176:1,5,0 [17 5]"},
		{vehicles.UAV, copter, arduPilot, Return, "20:0,0,0 176:1,6,0 [6 21]"},
		{vehicles.UAV, copter, arduPilot, Land, "21:0,0,0 176:1,9,0 [9]"},
		{vehicles.UAV, copter, arduPilot, Resume, "176:1,3,0 [3]"},
		{vehicles.UAV, wing, arduPilot, Hold, "176:1,12,0 [12]"},
		{vehicles.UAV, wing, arduPilot, Stop, "order HOLD, it circles"},
		{vehicles.UAV, wing, arduPilot, Return, "20:0,0,0 176:1,11,0 [11]"},
		{vehicles.UAV, wing, arduPilot, Land, "order RETURN or HOLD"},
		{vehicles.UAV, wing, arduPilot, Resume, "176:1,10,0 [10]"},
		{vehicles.UAV, quadplane, arduPilot, Hold, "176:1,12,0 [12]"},
		{vehicles.UAV, quadplane, arduPilot, Stop, "176:1,19,0 [19]"},
		{vehicles.UAV, quadplane, arduPilot, Return, "20:0,0,0 176:1,11,0 [11 21]"},
		{vehicles.UAV, quadplane, arduPilot, Land, "176:1,20,0 [20]"},
		{vehicles.ICV, car, arduPilot, Hold, "176:1,4,0 [4]"},
		{vehicles.ICV, car, arduPilot, Stop, "176:1,4,0 [4]"},
		{vehicles.ICV, car, arduPilot, Return, "20:0,0,0 176:1,11,0 [11 12]"},
		{vehicles.ICV, car, arduPilot, Land, "order STOP"},
		{vehicles.ICV, car, arduPilot, Resume, "176:1,10,0 [10]"},
		{vehicles.USV, ship, arduPilot, Hold, "176:1,5,0 176:1,4,0 [5 4]"},
		{vehicles.USV, ship, arduPilot, Stop, "176:1,5,0 176:1,4,0 [5 4]"},
		{vehicles.USV, ship, arduPilot, Return, "20:0,0,0 176:1,11,0 [11 12]"},
		{vehicles.USV, ship, arduPilot, Land, "order HOLD or RETURN"},
		{vehicles.USV, ship, arduPilot, Resume, "176:1,10,0 [10]"},
		{vehicles.UAV, copter, px4, Hold, "176:1,4,3 [50593792]"},
		{vehicles.UAV, copter, px4, Stop, "176:1,4,3 [50593792]"},
		{vehicles.UAV, copter, px4, Return, "20:0,0,0 176:1,4,5 [84148224]"},
		{vehicles.UAV, copter, px4, Land, "21:0,0,0 176:1,4,6 [100925440]"},
		{vehicles.UAV, copter, px4, Resume, "176:1,4,4 [67371008]"},
		{vehicles.UAV, wing, px4, Hold, "176:1,4,3 [50593792]"},
		{vehicles.UAV, wing, px4, Land, "order RETURN or HOLD"},
		{vehicles.ICV, car, px4, Stop, "176:1,4,3 [50593792]"},
		{vehicles.ICV, car, px4, Land, "order STOP"},
		{vehicles.USV, ship, px4, Hold, "176:1,4,3 [50593792]"},
		{vehicles.UAV, copter, 0, Hold, "193:0,0,0 []"},
		{vehicles.UAV, copter, 0, Land, "21:0,0,0 []"},
		{vehicles.UAV, copter, 0, Return, "20:0,0,0 []"},
		{vehicles.ICV, car, 0, Resume, "193:1,0,0 []"},
		{vehicles.UAV, car, arduPilot, Hold, "says that it is a ground vehicle"},
		{vehicles.ICV, copter, arduPilot, Land, "says that it is a copter"},
		{vehicles.UAV, 12, arduPilot, Land, "machine of unknown type"},
	} {
		v := &vehicles.Identity{Class: c.class, Source: vehicles.Source{MAVType: c.mavType, Autopilot: c.autopilot}}
		p, err := planFor(v, c.kind)
		got := ""
		for _, m := range p.commands {
			got += fmt.Sprintf("%d:%v,%v,%v ", m.ID, m.Params[0], m.Params[1], m.Params[2])
			if slices.Max(m.Params[3:]) != 0 {
				t.Errorf("%v has parameters that mean something else", m)
			}
		}
		got += fmt.Sprint(p.modes)
		if err != nil {
			if !errors.Is(err, ErrCannot) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of type %d, autopilot %d, %s: %v, want %s", c.class, c.mavType, c.autopilot, c.kind, err, c.want)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s of type %d, autopilot %d, %s:\n got %s\nwant %s", c.class, c.mavType, c.autopilot, c.kind, got, c.want)
		}
	}
}

// TestSaferOrderOfAClass: what stands can be told everything else.
func TestSaferOrderOfAClass(t *testing.T) {
	for class, want := range map[vehicles.Class][]Kind{
		vehicles.UAV: {Resume, Land, Return, Stop, Hold},
		vehicles.ICV: {Resume, Land, Return, Hold, Stop},
		vehicles.USV: {Resume, Land, Return, Stop, Hold},
	} {
		for i := 1; i < len(want); i++ {
			if rank(class, want[i-1]) >= rank(class, want[i]) {
				t.Errorf("%s: %s is not safer than %s", class, want[i], want[i-1])
			}
		}
	}
}

package mavlink

import "testing"

func TestByHand(t *testing.T) {
	for _, c := range []struct {
		name            string
		kind, autopilot uint8
		mode            uint32
		want            bool
	}{
		{"copter, stabilize", 2, 3, 0, true},
		{"copter, loiter", 2, 3, 5, true},
		{"copter, auto", 2, 3, 3, false},
		{"copter, brake", 2, 3, 17, false},
		{"plane, fly by wire", 1, 3, 5, true},
		{"plane, loiter", 1, 3, 12, false},
		{"VTOL, hover by hand", 20, 3, 18, true},
		{"rover, manual", 10, 3, 0, true},
		{"boat, loiter", 11, 3, 5, false},
		{"submarine", 12, 3, 0, false},
		{"PX4, position control", 2, 12, 3 << 16, true},
		{"PX4, hold", 2, 12, 4<<16 | 3<<24, false},
		{"another autopilot", 2, 9, 0, false},
	} {
		if got := ByHand(c.kind, c.autopilot, c.mode); got != c.want {
			t.Errorf("%s: by hand %v", c.name, got)
		}
	}
}

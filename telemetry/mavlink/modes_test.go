package mavlink_test

import (
	"testing"

	"testzone/telemetry/mavlink"
)

func TestModeName(t *testing.T) {
	tests := []struct {
		name               string
		mavType, autopilot uint8
		mode               uint32
		want               string
	}{
		{"copter", 2, 3, 6, "return"},
		{"plane: the same number is another mode", 1, 3, 6, "fly by wire B"},
		{"boat", 11, 3, 5, "loiter"},
		{"PX4", 2, 12, 84148224, "return"},
		{"number without a name", 2, 3, 99, "mode 99"},
		{"unknown autopilot", 2, 0, 6, "mode 6"},
		{"submarine", 12, 3, 0, "mode 0"},
	}
	for _, tc := range tests {
		if got := mavlink.ModeName(tc.mavType, tc.autopilot, tc.mode); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

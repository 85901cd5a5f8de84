package geofence

import "fmt"

var kindNames = map[Kind]string{KeepOut: "keep_out", KeepIn: "keep_in", SpeedLimit: "speed_limit"}

// String is the name used in the API and in the journal.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ParseKind reads a name as String writes it.
func ParseKind(s string) (Kind, bool) {
	for k, name := range kindNames {
		if name == s {
			return k, true
		}
	}
	return 0, false
}

// ParseResponse reads a response; the empty string is Warn.
func ParseResponse(s string) (Response, bool) {
	switch r := Response(s); r {
	case "":
		return Warn, true
	case Warn, Hold, Return, Land, Stop:
		return r, true
	}
	return "", false
}

var transitionNames = map[TransitionKind]string{Entered: "entered", Left: "left", Crossed: "crossed", Ended: "ended",
	OverSpeed: "over_speed", SpeedOK: "speed_ok", GroupLeft: "group_left", GroupEntered: "group_entered"}

// String is the name used in scenarios and on the live channel.
func (k TransitionKind) String() string {
	if s, ok := transitionNames[k]; ok {
		return s
	}
	return fmt.Sprintf("transition %d", uint8(k))
}

// Names lists the flags that are set.
func (f Flags) Names() []string {
	var out []string
	for _, n := range []struct {
		flag Flags
		name string
	}{{FirstFix, "first_fix"}, {FenceChanged, "fence_changed"}, {AltitudeUnknown, "altitude_unknown"}, {Jump, "jump"}, {GroupHeld, "group_held"}} {
		if f&n.flag != 0 {
			out = append(out, n.name)
		}
	}
	return out
}

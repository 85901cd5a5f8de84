package ladder

import (
	"slices"
	"strings"
	"testing"

	"testzone/geofence"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// TestRungs is the ladder as people read it: the steps of each machine at each
// response, with a ! where somebody is called at once.
func TestRungs(t *testing.T) {
	of := map[string]*vehicles.Identity{
		"copter": {Class: vehicles.UAV, Source: vehicles.Source{MAVType: 2}},
		"wing":   {Class: vehicles.UAV, Source: vehicles.Source{MAVType: 1}},
		"VTOL":   {Class: vehicles.UAV, Source: vehicles.Source{MAVType: 20}},
		"car":    {Class: vehicles.ICV, Source: vehicles.Source{MAVType: 10}},
		"boat":   {Class: vehicles.USV, Source: vehicles.Source{MAVType: 11}},
		"other":  {Class: vehicles.ClassUnknown},
	}
	want := map[string]string{ // hold / stop / return / land
		"copter": "hold return land / stop return land / return hold land / hold return land!",
		"wing":   "hold return / hold return / return hold / hold return!",
		"VTOL":   "hold return / hold return / return hold / hold return!",
		"car":    "hold! / stop / return hold! / hold!",
		"boat":   "hold return / stop return / return hold / hold return!",
		"other":  " /  /  / ",
	}
	for name, id := range of {
		var got []string
		for _, r := range []geofence.Response{geofence.Hold, geofence.Stop, geofence.Return, geofence.Land} {
			if kinds, call := Would(id, r); len(kinds) != 0 || call != "" {
				t.Errorf("%s has not proved who it is, and would be ordered %v", name, kinds)
			}
			proved := *id
			proved.Verified = true
			kinds, call := Would(&proved, r)
			words := ""
			for _, k := range kinds {
				words += " " + string(k)
			}
			if call != "" {
				words += "!"
			}
			got = append(got, strings.TrimSpace(words))
		}
		if text := strings.Join(got, " / "); text != want[name] {
			t.Errorf("%s: %q, want %q", name, text, want[name])
		}
	}
	for m, responses := range rungs {
		if len(responses[geofence.Warn].kinds) != 0 {
			t.Errorf("machine %d: a fence that warns orders something", m)
		}
		for r, c := range responses {
			// SAFETY 6: down is where nothing is left, for nobody surveyed what is below.
			if i := slices.Index(c.kinds, command.Land); i >= 0 && (i != len(c.kinds)-1 || m != copter) {
				t.Errorf("machine %d, %s: LAND is not the last step of a copter", m, r)
			}
			for _, k := range c.kinds {
				if !k.Safe() {
					t.Errorf("machine %d, %s: %s is not of safe direction", m, r, k)
				}
			}
		}
	}
}

// A machine that nothing can be ordered of is a call at once; one whose position went
// is not sent home.
func TestWhatCannotBeOrderedIsACall(t *testing.T) {
	for _, c := range []struct {
		name     string
		response geofence.Response
		mavType  uint8
		class    vehicles.Class
		told     string
		state    State
		called   bool
	}{
		{"a boat at a fence that asks to land", geofence.Land, 11, vehicles.USV, "hold", InEffect, true},
		{"a car on a road that nobody knows", geofence.Hold, 10, vehicles.ICV, "hold", InEffect, true},
		{"a car where it may stand", geofence.Stop, 10, vehicles.ICV, "hold", InEffect, false},
		{"what says that it is another machine", geofence.Hold, 11, vehicles.UAV, "", Exhausted, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWith(t, c.response, func(f *flier) { f.mavType, f.class, f.mode = c.mavType, c.class, autoOf(c.mavType) }, func(t *testing.T, w *world, f *flier) {
				w.fly(14e9)
				if l := w.is(f, c.state); f.told() != c.told || (l.Called != "") != c.called {
					t.Errorf("told %q, %+v", f.told(), l)
				}
			})
		})
	}
}

func autoOf(mavType uint8) uint32 {
	if mavType == 2 {
		return auto
	}
	return 10
}

package planfile

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

const px4 = 12

var nan = float32(math.NaN())

// survey is a file as a ground station writes it: keys that are not known here,
// positions that are not set, an inclusion and an exclusion that share two corners.
const survey = `{"fileType":"Plan","version":1,"groundStation":"QGroundControl",
"geoFence":{"version":2,"breachReturn":[30.905,121.935,20],
 "polygons":[{"inclusion":true,"version":1,"polygon":[[30.90,121.92],[30.90,121.94],[30.92,121.94],[30.92,121.92]]},
             {"inclusion":false,"version":1,"polygon":[[30.90,121.94],[30.92,121.94],[30.91,121.95]]}],
 "circles":[{"inclusion":false,"version":1,"circle":{"center":[30.91,121.93],"radius":25.5}}]},
"mission":{"version":2,"firmwareType":12,"vehicleType":2,"cruiseSpeed":15,"hoverSpeed":5,"globalPlanAltitudeMode":1,"plannedHomePosition":[30.901,121.931,4.5],
 "items":[{"type":"SimpleItem","command":22,"frame":3,"params":[15,0,0,null,30.901,121.931,40],"autoContinue":true,"doJumpId":1,"Altitude":40,"AltitudeMode":1},
          {"type":"SimpleItem","command":16,"frame":3,"params":[0,0,0,null,30.9012345,121.9312345,40.1],"autoContinue":true,"doJumpId":2},
          {"type":"SimpleItem","command":177,"frame":2,"params":[2,3,0,0,0,0,0],"autoContinue":true,"doJumpId":3},
          {"type":"SimpleItem","command":20,"frame":2,"params":[0,0,0,0,0,0,0],"autoContinue":false,"doJumpId":4}]},
"rallyPoints":{"version":2,"points":[[30.902,121.932,30]]}}`

func TestReadQGC(t *testing.T) {
	s, err := Read([]byte(survey), px4)
	if err != nil {
		t.Fatal(err)
	}
	mission, fence, rally := s.Plans[vehicles.PlanMission].Items, s.Plans[vehicles.PlanFence].Items, s.Plans[vehicles.PlanRally].Items
	if len(mission) != 4 || len(fence) != 9 || len(rally) != 1 || s.Format != QGC {
		t.Fatalf("%d, %d and %d items", len(mission), len(fence), len(rally))
	}
	if it := mission[1]; it.X != 309012345 || it.Y != 1219312345 || it.Z != 40.1 || it.Params[3] == it.Params[3] || !it.Autocontinue || mission[3].Autocontinue {
		t.Errorf("the waypoint is %+v", it)
	}
	if s.Home == nil || s.Home.AMSL != 4.5 || s.Home.Point != (geo.Point{Lat: 309010000, Lon: 1219310000}) {
		t.Errorf("home %+v", s.Home)
	}
	if it := fence[8]; it.Command != vehicles.FenceCircleExclusion || it.Params[0] != 25.5 || it.X != 309100000 {
		t.Errorf("the circle is %+v", it)
	}
	if fence[0].Command != vehicles.FenceReturnPoint || fence[1].Command != vehicles.FencePolygonInclusion || fence[5].Command != vehicles.FencePolygonExclusion || fence[5].Params[0] != 3 {
		t.Errorf("the fences are %+v", fence)
	}
	// Item 2 of the file is the second: as such autopilots count, number 1.
	if mission[2].Params[0] != 1 {
		t.Errorf("PX4 jumps to %g", mission[2].Params[0])
	}
	if s, err = Read([]byte(survey), vehicles.AutopilotArduPilot); err != nil || s.Plans[vehicles.PlanMission].Items[2].Params[0] != 2 {
		t.Errorf("ArduPilot jumps to %g, %v", s.Plans[vehicles.PlanMission].Items[2].Params[0], err)
	}
}

// TestRefused: the error names the item and the key.
func TestRefused(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(survey, old) {
			t.Fatalf("no %q in the file", old)
		}
		return strings.Replace(survey, old, new, 1)
	}
	const line = "QGC WPL 110\n0\t1\t0\t16\t0\t0\t0\t0\t30.9\t121.93\t4\t1\n"
	for _, c := range []struct{ name, file, want string }{
		{"nothing", "", "neither a .plan"},
		{"not whole", survey[:200], "unexpected end"},
		{"another file", change(`"fileType":"Plan"`, `"fileType":"Parameters"`), "fileType: it is \"Parameters\""},
		{"newer", change(`"version":1,"groundStation"`, `"version":2,"groundStation"`), "version: version 2"},
		{"no items", `{"fileType":"Plan","version":1}`, "neither a mission nor"},
		{"survey", change(`"type":"SimpleItem","command":16`, `"type":"ComplexItem","complexItemType":"survey","command":16`), `mission, item 2, complexItemType: a "survey" is not interpreted`},
		{"no frame", change(`"command":16,"frame":3`, `"command":16`), "mission, item 2, frame: it is missing"},
		{"text for a number", change(`"command":16`, `"command":"16"`), "mission, item 2, command: a string"},
		{"six parameters", change(`[0,0,0,null,30.9012345,`, `[0,0,0,30.9012345,`), "mission, item 2, params: 6 parameters"},
		{"no latitude", change(`null,30.9012345`, `null,null`), "mission, item 2, params[4]"},
		{"longitude first", change(`30.9012345,121.9312345`, `121.9312345,30.9012345`), "mission, item 2, params[4]: 121.9312345, 30.9012345 is not on the earth: it seems that longitude comes first"},
		{"other numbers of items", change(`"doJumpId":2`, `"doJumpId":7`), "mission, item 2, doJumpId"},
		{"jump to nowhere", change(`"params":[2,3`, `"params":[-1,3`), "mission, item 3, parameter 1: it jumps to item -1"},
		{"polygon swapped", change(`[30.90,121.92]`, `[121.92,30.90]`), "fence, polygons[0].polygon[0]: 121.92, 30.9"},
		{"inside or outside", change(`"inclusion":false,"version":1,"polygon"`, `"version":1,"polygon"`), "fence, polygons[1].inclusion"},
		{"a line", change(`[[30.90,121.94],[30.92,121.94],[30.91,121.95]]`, `[[30.90,121.94],[30.92,121.94]]`), "fence, polygons[1].polygon: 2 vertices"},
		{"no radius", change(`,"radius":25.5`, ``), "fence, circles[0].circle.radius"},
		{"radius 0", change(`"radius":25.5`, `"radius":0`), "fence, item 9: a radius of 0 m"},
		{"rally without height", change(`[30.902,121.932,30]`, `[30.902,121.932]`), "rally, item 1, points[0]: 2 numbers, not 3"},
		{"other waypoint file", "QGC WPL 120\n", `line 1: the first line must be "QGC WPL 110"`},
		{"columns", line + "1\t0\t3\t16\n", "line 3: 4 columns, not 12"},
		{"line missing", line + "2\t0\t3\t16\t0\t0\t0\t0\t30.9\t121.93\t4\t1\n", "line 3, index: 2 follows where 1"},
		{"no number", line + "1\t0\t3\t16\t0\tx\t0\t0\t30.9\t121.93\t4\t1\n", `line 3, parameter 2: "x"`},
		{"infinite", line + "1\t0\t3\t16\t0\t0\t0\t0\t30.9\t121.93\tinf\t1\n", `line 3, altitude: "inf"`},
		{"line swapped", line + "1\t0\t3\t16\t0\t0\t0\t0\t121.93\t30.9\t4\t1\n", "line 3, latitude: 121.93, 30.9 is not on the earth: it seems"},
		{"kinds mixed", line + "1\t0\t3\t16\t0\t0\t0\t0\t30.9\t121.93\t4\t1\n2\t0\t3\t5100\t0\t0\t0\t0\t30.9\t121.93\t4\t1\n", "line 4, item 2, command: 5100 is of a rally"},
		{"home alone", line, "neither a mission nor"},
	} {
		_, err := Read([]byte(c.file), px4)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Read(make([]byte, MaxBytes+1), px4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file that is too large: %v", err)
	}
}

// TestWaypoints: the first line is home if it looks like it, and jumps count from it.
func TestWaypoints(t *testing.T) {
	const home = "0\t1\t0\t16\t0\t0\t0\t0\t30.90100000\t121.93100000\t4.500000\t1\r\n"
	const body = "\t0\t3\t16\t0\t0\t0\tnan\t30.9012345\t121.9312345\t40.1\t1\r\n"
	const jump = "\t0\t2\t177\t1\t3\t0\t0\t0\t0\t0\t1\r\n"
	for _, c := range []struct {
		name, file string
		autopilot  uint8
		items      int
		home       bool
		to         float32
	}{
		{"with home", "QGC WPL 110\r\n" + home + "1" + body + "2" + jump, px4, 2, true, 0},
		{"with home, ArduPilot", "QGC WPL 110\r\n# by hand\r\n" + home + "1" + body + "2" + jump, vehicles.AutopilotArduPilot, 2, true, 1},
		{"without home", "QGC WPL 110\n0" + body + "1" + jump, px4, 2, false, 1},
		{"without home, ArduPilot", "QGC WPL 110\n0" + body + "1" + jump, vehicles.AutopilotArduPilot, 2, false, 2},
	} {
		s, err := Read([]byte(c.file), c.autopilot)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		m := s.Plans[vehicles.PlanMission].Items
		if len(m) != c.items || (s.Home != nil) != c.home || (len(s.Notes) > 0) != c.home || m[1].Params[0] != c.to {
			t.Errorf("%s: %d items, home %v, notes %q, jump to %g", c.name, len(m), s.Home, s.Notes, m[1].Params[0])
		}
		if m[0].X != 309012345 || m[0].Z != 40.1 || m[0].Params[3] == m[0].Params[3] {
			t.Errorf("%s: %+v", c.name, m[0])
		}
	}
}

// TestRoundTrip: what is written is read with the same meaning.
func TestRoundTrip(t *testing.T) {
	for _, autopilot := range []uint8{px4, vehicles.AutopilotArduPilot} {
		s, err := Read([]byte(survey), autopilot)
		if err != nil {
			t.Fatal(err)
		}
		again(t, s, QGC, autopilot)
		for k := range s.Plans {
			one := &Set{Home: s.Home}
			one.Plans[k] = s.Plans[k]
			again(t, one, Waypoints, autopilot)
		}
	}
	// A first waypoint above the sea is not taken for home.
	s := &Set{}
	s.Plans[vehicles.PlanMission].Items = []vehicles.PlanItem{{Command: 16, X: 309000000, Y: 1219300000, Z: 40, Params: [4]float32{0, 0, 0, nan}}}
	again(t, s, Waypoints, px4)
}

func again(t *testing.T, s *Set, format Format, autopilot uint8) {
	t.Helper()
	var file bytes.Buffer
	if err := Write(&file, format, s, autopilot); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	got, err := Read(file.Bytes(), autopilot)
	if err != nil {
		t.Fatalf("%s: %v\n%s", format, err, file.Bytes())
	}
	for k := range s.Plans {
		s.Plans[k].Kind = vehicles.PlanKind(k)
		if d := s.Plans[k].Differs(&got.Plans[k], px4); d != nil {
			t.Errorf("%s: %s\n%s", format, d, file.Bytes())
		}
	}
	if (got.Home == nil) != (s.Home == nil && len(s.Plans[vehicles.PlanMission].Items) > 0) && len(s.Plans[vehicles.PlanMission].Items) > 0 {
		t.Errorf("%s: home %v, was %v", format, got.Home, s.Home)
	}
}

func TestCannotCarry(t *testing.T) {
	at := func(command uint16, frame uint8, group float32) vehicles.PlanItem {
		return vehicles.PlanItem{Command: command, Frame: frame, Params: [4]float32{50, group}, X: 309000000, Y: 1219300000, Z: 9}
	}
	rally, fence := [3]vehicles.Plan{}, [3]vehicles.Plan{}
	rally[vehicles.PlanRally].Items = []vehicles.PlanItem{at(vehicles.RallyPoint, vehicles.FrameGlobalInt, 0)}
	fence[vehicles.PlanFence].Items = []vehicles.PlanItem{at(vehicles.FenceCircleInclusion, vehicles.FrameGlobalInt, 2)}
	both := rally
	both[vehicles.PlanFence] = fence[vehicles.PlanFence]
	returns := [3]vehicles.Plan{}
	returns[vehicles.PlanFence].Items = []vehicles.PlanItem{at(vehicles.FenceReturnPoint, vehicles.FrameGlobalInt, 0)}
	for _, c := range []struct {
		name   string
		plans  [3]vehicles.Plan
		format Format
		want   string
	}{
		{"rally above the sea", rally, QGC, "rally, item 1, frame"},
		{"group of inclusions", fence, QGC, "fence, item 1, parameter 2"},
		{"return above the sea", returns, QGC, "fence, item 1, frame"},
		{"two kinds", both, Waypoints, "one kind of plan"},
		{"nothing", [3]vehicles.Plan{}, Waypoints, "nothing to write"},
		{"another format", rally, "kml", "plan or waypoints"},
	} {
		if err := Write(&bytes.Buffer{}, c.format, &Set{Plans: c.plans}, px4); !errors.Is(err, ErrCannotCarry) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzRead: nothing panics, and what is read is written and read again the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(survey))
	f.Add([]byte("QGC WPL 110\n0\t1\t0\t16\t0\t0\t0\t0\t30.9\t121.93\t4\t1\n1\t0\t3\t16\t0\t0\t0\tnan\t30.9\t121.93\t4\t1\n"))
	f.Add([]byte("QGC WPL 110\n0\t1\t3\t5100\t0\t0\t0\t0\t30.9\t121.93\t4\t1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(data, px4)
		if err != nil {
			if s != nil {
				t.Fatal("both a set and an error")
			}
			return
		}
		for k := range s.Plans {
			one := &Set{Home: s.Home}
			one.Plans[k] = s.Plans[k]
			if len(one.Plans[k].Items) == 0 {
				continue
			}
			var file bytes.Buffer
			if err := Write(&file, Waypoints, one, px4); err != nil {
				if errors.Is(err, ErrMalformed) {
					continue // a jump beyond the limit by one
				}
				t.Fatalf("%v\n%s", err, data)
			}
			got, err := Read(file.Bytes(), px4)
			if err != nil {
				t.Fatalf("%v\n%s", err, file.Bytes())
			}
			if d := one.Plans[k].Differs(&got.Plans[k], px4); d != nil {
				t.Fatalf("%s\n%s", d, file.Bytes())
			}
		}
	})
}

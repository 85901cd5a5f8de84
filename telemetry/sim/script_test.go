package sim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScript(t *testing.T) {
	for _, tc := range []struct{ in, want string }{ // want: the line again, or a part of the error
		{"uav-3 20s link lost 15s", "uav-3 20s link lost 15s"},
		{"uav-3\t0s   link deaf", "uav-3 link deaf"},
		{"area 30.90,121.93 500m 60s jam 120s", "area 30.9000000,121.9300000 500m 1m0s jam 2m0s"},
		{"uav-4 refuse hold", "uav-4 refuse hold"},
		{"uav-4 5s refuse all 1m", "uav-4 5s refuse all 1m0s"},
		{"uav-6 pilot takes over", "uav-6 pilot takes over"},
		{"all 1s link drops 12.5% 3s", "all 1s link drops 12.5% 3s"},
		{"boat-1 drift 0.5m/s 270 1m", "boat-1 drift 0.5m/s 270 1m0s"},
		{"car-1 delay 3s 5s", "car-1 delay 3s 5s"},
		{"car-1 glitch 120m", "car-1 glitch 120m"},
		{"car-1 estimator fails", "car-1 estimator fails"},
		{"uav-3 20s link 15s", `want a behaviour, as "link lost", have "link 15s"`},
		{"uav-3 linklost", "want a behaviour"},
		{"uav-3", "want a behaviour"},
		{"uav-3 20s jam 15", `want how long it goes on, have "15"`},
		{"uav-3 20s jam 0s", "not nothing"},
		{"uav-3 20s jam 5s 6s", `want the end of the line, have "6s"`},
		{"uav-3 -20s jam", "a time is negative"},
		{"uav-3 refuse takeoff", "say what it refuses"},
		{"uav-3 refuse", "say what it refuses"},
		{"uav-3 delay", "how late"},
		{"uav-3 delay 2h", "up to 1h"},
		{"uav-3 link drops 20", `want a share of the frames as 20%, have "20"`},
		{"uav-3 link drops 120%", "0% to 100%"},
		{"uav-3 drift 0.5m/s", "want a course"},
		{"uav-3 drift 0.5 270", "want a speed"},
		{"uav-3 drift 0.5m/s 361", "0 to 360"},
		{"uav-3 glitch NaNm", "how far it jumps"},
		{"area 30.9,121.93 jam", "want a radius"},
		{"area 30.9 500m jam", "want a place"},
		{"area 30.9,121.93 0m jam", "an area has a centre"},
		{"area 30.9,121.93 50m drift 1m/s 90", "name the vehicle that drifts"},
	} {
		events, err := ParseScript("# remark\n\n" + tc.in)
		switch {
		case err == nil && (len(events) != 1 || events[0].String() != tc.want):
			t.Errorf("%q is read as %v, want %q", tc.in, events, tc.want)
		case err != nil && (!errors.Is(err, ErrScript) || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%q: %v, want %q", tc.in, err, tc.want)
		}
	}
}

// The scenarios of the folder are for vehicles of the demo.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.scenario")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		events, err := ParseScript(string(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f, err := New(Config{Script: events, dial: (&wire{}).dial})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = f.Close()
	}
	if _, err := New(Config{Script: []Event{{Vehicle: "uav-99", Does: Jammed}}, dial: (&wire{}).dial}); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), `"uav-1"`) {
		t.Errorf("a vehicle that there is not: %v", err)
	}
}

// FuzzScript: what is read is written as a line that is read as the same.
func FuzzScript(f *testing.F) {
	f.Add("uav-3 20s link lost 15s\nall link drops 20%")
	f.Add("area 30.90,121.93 500m 60s jam 120s")
	f.Add("boat-1 drift 0.5m/s 270 1m\n# x\ncar-1 refuse hold 3s")
	f.Fuzz(func(t *testing.T, text string) {
		events, err := ParseScript(text)
		if err != nil {
			return
		}
		for _, e := range events {
			line := e.String()
			again, err := ParseScript(line)
			if err != nil || len(again) != 1 || again[0].String() != line {
				t.Errorf("%q is read as %q, which is read as %v, %v", text, line, again, err)
			}
		}
	})
}

package geofence

import (
	"testing"
	"time"
)

// TestInForceAt asks about moments, and holds that asking puts nothing in force.
func TestInForceAt(t *testing.T) {
	e := NewEngine(Config{Location: mustLoad(t, "Asia/Shanghai"), Place: placeAt(t, "31.23,121.47"), Holidays: []Date{{2026, 10, 1}}})
	window := func(from, to string) Window { return Window{instant(t, from), instant(t, to)} }
	windows := Schedule{Windows: []Window{
		window("2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z"), window("2026-03-01T08:30:00Z", "2026-03-01T10:00:00Z"),
		window("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"), window("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"),
	}}
	const mon = Days(1)
	eight, nine := Edge{Clock, 8 * 60}, Edge{Clock, 9 * 60}
	mondays := Schedule{Weekly: []Weekly{{mon, eight, nine}}}
	always := Schedule{Weekly: []Weekly{{allDays, Edge{Clock, 0}, Edge{Clock, 24 * 60}}}}
	holidays := Schedule{Weekly: []Weekly{{0, eight, nine}}, Holidays: HolidaysOnly}
	daylight := Schedule{Weekly: []Weekly{{allDays, Edge{Sunrise, 0}, Edge{Sunset, 0}}}}
	for _, tc := range []struct {
		name   string
		s      Schedule
		at     string
		in     bool
		change string
	}{
		{"no schedule", Schedule{}, "2026-01-01T00:00:00Z", true, ""},
		{"months before a window", windows, "2025-11-01T00:00:00Z", false, "2026-03-01T08:00:00Z"},
		{"windows that overlap and touch are one", windows, "2026-03-01T08:00:00Z", true, "2026-03-01T11:00:00Z"},
		{"between windows", windows, "2026-03-01T11:00:00Z", false, "2027-01-01T00:00:00Z"},
		{"after the last window", windows, "2027-01-02T00:00:00Z", false, ""},
		{"within a Monday's", mondays, "2026-11-23T08:59:59+08:00", true, "2026-11-23T09:00:00+08:00"},
		{"a week before it", mondays, "2026-11-23T09:00:00+08:00", false, "2026-11-30T08:00:00+08:00"},
		{"every day and hour", always, "2026-11-23T09:00:00+08:00", true, ""},
		{"a holiday within a week", holidays, "2026-09-28T00:00:00+08:00", false, "2026-10-01T08:00:00+08:00"},
		{"a holiday that is further away", holidays, "2026-09-01T00:00:00+08:00", false, ""},
	} {
		in, change := e.InForceAt(&tc.s, instant(t, tc.at))
		got := ""
		if change != 0 {
			got = time.UnixMicro(change).UTC().Format(time.RFC3339)
		}
		want := tc.change
		if want != "" {
			want = time.UnixMicro(instant(t, want)).UTC().Format(time.RFC3339)
		}
		if in != tc.in || got != want {
			t.Errorf("%s: %v until %q, want %v until %q", tc.name, in, got, tc.in, want)
		}
	}
	// Each edge of a week of days: the answer holds until it, and not at it.
	for at, n := instant(t, "2026-06-21T12:00:00+08:00"), 0; n < 14; n++ {
		in, change := e.InForceAt(&daylight, at)
		before, _ := e.InForceAt(&daylight, change-1)
		then, _ := e.InForceAt(&daylight, change)
		if change <= at || before != in || then == in {
			t.Fatalf("edge %d: at %d %v, before %d %v, then %v", n, at, in, change, before, then)
		}
		at = change
	}

	f := Fence{ID: "a", Kind: KeepOut, Rev: 1, Shape: Shape{Polygons: polygons(unitSquare)}, Schedule: windows}
	e.SetFences([]*Compiled{mustCompile(t, f)})
	e.Advance(instant(t, "2026-03-01T07:00:00Z"))
	if in, _ := e.InForceAt(&windows, instant(t, "2026-03-01T08:00:00Z")); !in || e.InForce("a") {
		t.Errorf("asked for an hour later: %v, and in force: %v", in, e.InForce("a"))
	}
}

package geofence

import (
	"errors"
	"math"
	"testing"
	"time"

	"testzone/geofence/geo"
)

func mustLoad(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func placeAt(t *testing.T, s string) geo.Point {
	t.Helper()
	p, err := geo.ParsePoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSun compares with published almanac times, to the minute and one more.
func TestSun(t *testing.T) {
	for _, tc := range []struct{ name, at, zone, day, rise, set string }{
		{"Shanghai, summer", "31.23,121.47", "Asia/Shanghai", "2024-06-21", "04:51", "19:02"},
		{"Shanghai, winter", "31.23,121.47", "Asia/Shanghai", "2024-12-21", "06:48", "16:56"},
		{"London, summer", "51.5074,-0.1278", "Europe/London", "2024-06-20", "04:43", "21:21"},
		{"London, winter", "51.5074,-0.1278", "Europe/London", "2024-12-21", "08:04", "15:53"},
		{"New York", "40.7128,-74.006", "America/New_York", "2024-03-20", "06:59", "19:08"},
		{"Sydney", "-33.8688,151.2093", "Australia/Sydney", "2024-12-21", "05:41", "20:05"},
	} {
		zone := mustLoad(t, tc.zone)
		day, err := time.ParseInLocation(time.DateOnly, tc.day, zone)
		if err != nil {
			t.Fatal(err)
		}
		rise, set, state := sunTimes(placeAt(t, tc.at), day.Add(12*time.Hour).UnixMicro())
		for _, e := range []struct {
			got  int64
			want string
		}{{rise, tc.rise}, {set, tc.set}} {
			want, err := time.ParseInLocation("2006-01-02 15:04", tc.day+" "+e.want, zone)
			if err != nil {
				t.Fatal(err)
			}
			if off := time.UnixMicro(e.got).Sub(want).Abs(); off > time.Minute || state != sunRises {
				t.Errorf("%s: %v, want %v", tc.name, time.UnixMicro(e.got).In(zone), want)
			}
		}
	}
}

func TestSchedule(t *testing.T) {
	shanghai, berlin := newCalendar(mustLoad(t, "Asia/Shanghai"), placeAt(t, "31.23,121.47"), []Date{{2026, 10, 1}}), newCalendar(mustLoad(t, "Europe/Berlin"), placeAt(t, "52.5,13.4"), nil)
	tromso := newCalendar(mustLoad(t, "Europe/Oslo"), placeAt(t, "69.65,18.96"), nil)
	clock := func(h, m int) Edge { return Edge{Clock, h*60 + m} }
	daily := func(from, to Edge) Schedule { return Schedule{Weekly: []Weekly{{allDays, from, to}}} }
	window := func(from, to string) Window {
		return Window{instant(t, from), instant(t, to)}
	}
	const mon, fri, thu = Days(1), Days(1 << 4), Days(1 << 3)
	for _, tc := range []struct {
		name string
		cal  *calendar
		s    Schedule
		at   string
		in   bool
	}{
		{"always", shanghai, Schedule{}, "2026-01-01T00:00:00Z", true},
		{"window begins", shanghai, Schedule{Windows: []Window{window("2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z")}}, "2026-01-01T08:00:00Z", true},
		{"before it", shanghai, Schedule{Windows: []Window{window("2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z")}}, "2026-01-01T07:59:59.999999Z", false},
		{"window ends", shanghai, Schedule{Windows: []Window{window("2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z")}}, "2026-01-01T09:00:00Z", false},
		{"window or weekly", shanghai, Schedule{Windows: []Window{window("2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z")}, Weekly: []Weekly{{mon, clock(8, 0), clock(9, 0)}}}, "2026-11-23T08:30:00+08:00", true},
		{"Friday past midnight", shanghai, Schedule{Weekly: []Weekly{{fri, clock(22, 0), clock(2, 0)}}}, "2026-11-28T01:59:59+08:00", true},
		{"it is over", shanghai, Schedule{Weekly: []Weekly{{fri, clock(22, 0), clock(2, 0)}}}, "2026-11-28T02:00:00+08:00", false},
		{"Friday before it", shanghai, Schedule{Weekly: []Weekly{{fri, clock(22, 0), clock(2, 0)}}}, "2026-11-27T01:00:00+08:00", false},
		{"whole day", shanghai, Schedule{Weekly: []Weekly{{mon, clock(0, 0), clock(24, 0)}}}, "2026-11-23T23:59:59+08:00", true},
		{"the next day", shanghai, Schedule{Weekly: []Weekly{{mon, clock(0, 0), clock(24, 0)}}}, "2026-11-24T00:00:00+08:00", false},
		{"holiday as a day", shanghai, Schedule{Weekly: []Weekly{{thu, clock(8, 0), clock(9, 0)}}}, "2026-10-01T08:00:00+08:00", true},
		{"except holidays", shanghai, Schedule{Weekly: []Weekly{{thu, clock(8, 0), clock(9, 0)}}, Holidays: HolidaysExcept}, "2026-10-01T08:00:00+08:00", false},
		{"only holidays", shanghai, Schedule{Weekly: []Weekly{{0, clock(8, 0), clock(9, 0)}}, Holidays: HolidaysOnly}, "2026-10-01T08:00:00+08:00", true},
		{"only holidays, on another day", shanghai, Schedule{Weekly: []Weekly{{allDays, clock(8, 0), clock(9, 0)}}, Holidays: HolidaysOnly}, "2026-10-02T08:00:00+08:00", false},
		{"daylight", shanghai, daily(Edge{Sunrise, -30}, Edge{Sunset, 60}), "2024-06-21T04:25:00+08:00", true},
		{"before it", shanghai, daily(Edge{Sunrise, -30}, Edge{Sunset, 60}), "2024-06-21T04:18:00+08:00", false},
		{"after it", shanghai, daily(Edge{Sunrise, -30}, Edge{Sunset, 60}), "2024-06-21T20:05:00+08:00", false},
		{"night", shanghai, daily(Edge{Sunset, 0}, Edge{Sunrise, 0}), "2024-06-21T03:00:00+08:00", true},
		{"no daylight is left", shanghai, daily(Edge{Sunrise, 600}, Edge{Sunset, -600}), "2024-06-21T12:00:00+08:00", false},
		{"late until sunrise", shanghai, daily(clock(22, 0), Edge{Sunrise, 0}), "2024-06-22T04:45:00+08:00", true},
		{"polar day", tromso, daily(Edge{Sunrise, 0}, Edge{Sunset, 0}), "2026-06-21T23:59:00Z", true},
		{"polar day at its midnight", tromso, daily(Edge{Sunrise, 0}, Edge{Sunset, 0}), "2026-06-21T22:44:00Z", true},
		{"no night in it", tromso, daily(Edge{Sunset, 0}, Edge{Sunrise, 0}), "2026-06-21T22:44:00Z", false},
		{"polar night", tromso, daily(Edge{Sunrise, 0}, Edge{Sunset, 0}), "2026-12-21T10:45:00Z", false},
		{"night at its noon", tromso, daily(Edge{Sunset, 0}, Edge{Sunrise, 0}), "2026-12-21T10:44:00Z", true},
		// Clocks go from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25.
		{"begins within the leap", berlin, daily(clock(2, 30), clock(4, 0)), "2026-03-29T01:00:00Z", true},
		{"before the leap", berlin, daily(clock(2, 30), clock(4, 0)), "2026-03-29T00:59:59Z", false},
		{"ends within the leap", berlin, daily(clock(1, 0), clock(2, 30)), "2026-03-29T00:59:59Z", true},
		{"after the leap", berlin, daily(clock(1, 0), clock(2, 30)), "2026-03-29T01:00:00Z", false},
		{"begins in the hour that comes twice", berlin, daily(clock(2, 30), clock(4, 0)), "2026-10-25T00:30:00Z", true},
		{"ends in the hour that comes twice", berlin, daily(clock(1, 0), clock(2, 30)), "2026-10-25T01:29:59Z", true},
		{"summer", berlin, daily(clock(8, 0), clock(9, 0)), "2026-07-01T06:00:00Z", true},
		{"winter", berlin, daily(clock(8, 0), clock(9, 0)), "2026-12-01T06:00:00Z", false},
	} {
		if errs := tc.s.check(); len(errs) > 0 {
			t.Errorf("%s: %v", tc.name, errs)
		}
		at := instant(t, tc.at)
		f := tc.cal.at(&tc.s, at)
		if f.in != tc.in || f.fromUS > at || f.untilUS <= at {
			t.Errorf("%s: %+v", tc.name, f)
		}
	}
}

// TestScheduleEdges walks along a week of edges: at each of them the answer holds
// until the next.
func TestScheduleEdges(t *testing.T) {
	cal := newCalendar(mustLoad(t, "Europe/Berlin"), placeAt(t, "52.5,13.4"), []Date{{2026, 10, 26}})
	s := Schedule{Weekly: []Weekly{{1 | 1<<6, Edge{Clock, 150}, Edge{Clock, 170}}, {1 << 2, Edge{Sunset, 30}, Edge{Sunrise, -30}}}, Holidays: HolidaysExcept}
	now := instant(t, "2026-10-24T00:00:00Z")
	end := now + 10*86_400_000_000
	changes := 0
	for was := cal.at(&s, now); now < end; {
		until := cal.at(&s, now).untilUS
		for probe := now; probe < until && probe < end; probe += 7 * minuteUS {
			if cal.at(&s, probe).in != was.in {
				t.Fatalf("changes at %v, before %v", time.UnixMicro(probe), time.UnixMicro(until))
			}
		}
		now = until
		if is := cal.at(&s, now); now < end && is.in != was.in {
			changes++
			was = is
		}
	}
	if changes != 8 { // Sunday, Wednesday night, Sunday and Monday after; Monday 26 is a holiday
		t.Errorf("%d changes", changes)
	}
}

func instant(t *testing.T, s string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

func TestScheduleRefuses(t *testing.T) {
	ok := Weekly{1, Edge{Clock, 0}, Edge{Clock, 60}}
	for _, tc := range []struct {
		name string
		s    Schedule
		want ScheduleError
	}{
		{"empty window", Schedule{Windows: []Window{{0, 5}, {5, 5}}}, ScheduleError{Field: "windows", Index: 1}},
		{"no day", Schedule{Weekly: []Weekly{ok, {0, Edge{}, Edge{Clock, 60}}}}, ScheduleError{Field: "weekly", Index: 1}},
		{"an eighth day", Schedule{Weekly: []Weekly{{1 << 7, Edge{}, Edge{Clock, 60}}}}, ScheduleError{Field: "weekly", Index: 0}},
		{"24:01", Schedule{Weekly: []Weekly{{1, Edge{}, Edge{Clock, 1441}}}}, ScheduleError{Field: "weekly", Index: 0}},
		{"from 24:00", Schedule{Weekly: []Weekly{{1, Edge{Clock, 1440}, Edge{Clock, 60}}}}, ScheduleError{Field: "weekly", Index: 0}},
		{"13 hours before sunrise", Schedule{Weekly: []Weekly{{1, Edge{Sunrise, -780}, Edge{Clock, 60}}}}, ScheduleError{Field: "weekly", Index: 0}},
		{"moonrise", Schedule{Weekly: []Weekly{{1, Edge{9, 0}, Edge{Clock, 60}}}}, ScheduleError{Field: "weekly", Index: 0}},
		{"a rule about nothing", Schedule{Holidays: HolidaysOnly}, ScheduleError{Field: "holidays", Index: None}},
		{"an unknown rule", Schedule{Weekly: []Weekly{ok}, Holidays: 7}, ScheduleError{Field: "holidays", Index: None}},
		{"too many windows", Schedule{Windows: make([]Window, maxWindows+1)}, ScheduleError{Field: "windows", Index: None}},
	} {
		_, err := Compile(Fence{Kind: KeepOut, Shape: Shape{Polygons: polygons(unitSquare)}, Schedule: tc.s})
		var got *ScheduleError
		if !errors.As(err, &got) || got.Field != tc.want.Field || got.Index != tc.want.Index {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestAdvance lets a fence come into force over a standing vehicle and leave it.
func TestAdvance(t *testing.T) {
	f := Fence{ID: "a", Kind: KeepOut, Rev: 1, Shape: Shape{Polygons: polygons(unitSquare)}, Schedule: Schedule{Windows: []Window{{2_000_000_000, 3_000_000_000}}}}
	r := newRig(t, mustCompile(t, f))
	if !r.engine.InForce("a") {
		t.Error("before the first Advance the safe side holds")
	}
	for _, want := range []struct {
		now     int64
		changed bool
		next    int64
		out     string
	}{
		{1_000_000_000, true, 2_000_000_000, ""},
		{1_999_999_999, false, 2_000_000_000, ""},
		{2_000_000_000, true, 3_000_000_000, "entered a fence_changed"},
		{3_000_000_000, true, math.MaxInt64, "ended a fence_changed"},
		{2_500_000_000, true, 3_000_000_000, "entered a fence_changed"}, // the clock was set back
	} {
		changed, next := r.engine.Advance(want.now)
		if changed != want.changed || next != want.next {
			t.Errorf("advance to %d: %v, %d", want.now, changed, next)
		}
		if want.now == 1_000_000_000 {
			r.step("31.05,121.05", 0)
		}
		if got := brief(r.shard.Refresh(want.now, nil)); got != want.out {
			t.Errorf("at %d: %q, want %q", want.now, got, want.out)
		}
	}
	r.engine.SetFences([]*Compiled{mustCompile(t, f)}) // the same once more
	if got := brief(r.shard.Refresh(r.now, nil)); got != "" || !r.engine.InForce("a") || r.engine.InForce("b") {
		t.Errorf("set again: %q", got)
	}
}

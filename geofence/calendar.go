package geofence

import (
	"fmt"
	"math"
	"time"

	"testzone/geofence/geo"
)

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// calendar says what the days and hours of schedules mean in one zone.
type calendar struct {
	location *time.Location
	place    geo.Point
	holidays map[Date]bool
}

func newCalendar(location *time.Location, place geo.Point, holidays []Date) *calendar {
	c := &calendar{location: location, place: place, holidays: make(map[Date]bool, len(holidays))}
	if location == nil {
		c.location = time.UTC
	}
	for _, d := range holidays {
		c.holidays[d] = true
	}
	return c
}

// force is whether a schedule is in force, and for how long that is sure:
// within [fromUS, untilUS). At untilUS it is to be asked again.
type force struct {
	in              bool
	fromUS, untilUS int64
}

// How many days around a moment are looked at. An entry begins and ends up to
// half a day (the offset of a sun edge) and another half (the zone's time
// against the sun's) beside its day, and lasts into the next one.
const (
	daysBefore = 3
	daysAfter  = 4
)

// at judges a schedule at a moment.
func (c *calendar) at(s *Schedule, nowUS int64) force {
	f := force{fromUS: nowUS, untilUS: math.MaxInt64}
	span := func(from, to int64) {
		if from >= to {
			return
		}
		f.in = f.in || from <= nowUS && nowUS < to
		for _, edge := range [2]int64{from, to} {
			if edge > nowUS {
				f.untilUS = min(f.untilUS, edge)
			}
		}
	}
	for _, w := range s.Windows {
		span(w.FromUS, w.ToUS)
	}
	if len(s.Weekly) == 0 {
		f.in = f.in || len(s.Windows) == 0
		return f
	}
	y, m, d := time.UnixMicro(nowUS).In(c.location).Date()
	for i := -daysBefore; i <= daysAfter; i++ {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC) // as a date only
		for k := range s.Weekly {
			if w := &s.Weekly[k]; c.falls(w, s.Holidays, day) {
				span(c.occurrence(w, day))
			}
		}
	}
	// What begins later than the days that were looked at is found when they are over.
	horizon := c.wall(time.Date(y, m, d+daysAfter-1, 0, 0, 0, 0, time.UTC), 0, false)
	f.untilUS = min(f.untilUS, horizon)
	return f
}

// falls reports whether a weekly entry begins on a day.
func (c *calendar) falls(w *Weekly, rule HolidayRule, day time.Time) bool {
	holiday := c.holidays[Date{day.Year(), day.Month(), day.Day()}]
	switch {
	case rule == HolidaysOnly:
		return holiday
	case rule == HolidaysExcept && holiday:
		return false
	}
	return w.Days&(1<<((int(day.Weekday())+6)%7)) != 0
}

// occurrence is the span of a weekly entry that begins on a day; empty when From
// is not before To. From sunrise to sunset is always within one day and from
// sunset to sunrise always into the next; for all others To decides by coming
// after From on the same day, or not.
func (c *calendar) occurrence(w *Weekly, day time.Time) (fromUS, toUS int64) {
	fromUS = c.edge(w.From, day, false)
	switch {
	case w.From.Base == Sunset && w.To.Base == Sunrise:
		return fromUS, c.edge(w.To, day.AddDate(0, 0, 1), true)
	case w.From.Base == Sunrise && w.To.Base == Sunset:
		return fromUS, c.edge(w.To, day, true)
	case w.From.Base == w.To.Base:
		if w.To.Minutes <= w.From.Minutes {
			day = day.AddDate(0, 0, 1)
		}
		return fromUS, c.edge(w.To, day, true)
	}
	if toUS = c.edge(w.To, day, true); toUS <= fromUS {
		toUS = c.edge(w.To, day.AddDate(0, 0, 1), true)
	}
	return fromUS, toUS
}

// edge is the moment of an edge on a day, Unix microseconds.
func (c *calendar) edge(e Edge, day time.Time, end bool) int64 {
	if e.Base == Clock {
		return c.wall(day, e.Minutes, end)
	}
	rise, set, _ := sunTimes(c.place, c.wall(day, 720, false))
	if e.Base == Sunset {
		rise = set
	}
	return rise + int64(e.Minutes)*minuteUS
}

// wall is when the zone's clocks show a minute of a day. When they show it twice
// an entry begins at the first time and ends at the second; when they leap over
// it, it is the moment of the leap.
func (c *calendar) wall(day time.Time, minute int, end bool) int64 {
	shown := day.Unix() + int64(minute)*60
	offset := func(unix int64) int64 {
		_, o := time.Unix(unix, 0).In(c.location).Zone()
		return int64(o)
	}
	first, second := shown-offset(shown-86_400), shown-offset(shown+86_400)
	isFirst, isSecond := first+offset(first) == shown, second+offset(second) == shown
	switch {
	case isFirst && (!isSecond || !end):
		return first * 1_000_000
	case isSecond:
		return second * 1_000_000
	}
	leap, _ := time.Unix(max(first, second), 0).In(c.location).ZoneBounds()
	return leap.Unix() * 1_000_000
}

// Limits of a schedule.
const (
	maxWindows   = 1000
	maxWeekly    = 100
	maxSunOffset = 720 // minutes
	allDays      = Days(1<<7 - 1)
)

// ScheduleError says what is wrong with a schedule.
type ScheduleError struct {
	Field  string // "windows", "weekly" or "holidays"
	Index  int    // of the window or weekly entry; None when it is not one of them
	Detail string
}

func (e *ScheduleError) Error() string {
	if e.Index == None {
		return fmt.Sprintf("schedule %s: %s", e.Field, e.Detail)
	}
	return fmt.Sprintf("schedule %s %d: %s", e.Field, e.Index, e.Detail)
}

// check refuses schedules that can never be in force, or say what they cannot mean.
func (s *Schedule) check() (errs []error) {
	bad := func(field string, i int, detail string) { errs = append(errs, &ScheduleError{field, i, detail}) }
	if len(s.Windows) > maxWindows {
		bad("windows", None, fmt.Sprintf("at most %d", maxWindows))
	}
	if len(s.Weekly) > maxWeekly {
		bad("weekly", None, fmt.Sprintf("at most %d", maxWeekly))
	}
	switch {
	case s.Holidays > HolidaysOnly:
		bad("holidays", None, "unknown rule")
	case s.Holidays != HolidaysAsDays && len(s.Weekly) == 0:
		bad("holidays", None, "the rule is about weekly entries, and there are none")
	}
	if len(errs) > 0 {
		return errs
	}
	for i, w := range s.Windows {
		if w.FromUS >= w.ToUS {
			bad("windows", i, "is empty: it must end after it begins")
		}
	}
	for i := range s.Weekly {
		w := &s.Weekly[i]
		switch {
		case w.Days > allDays:
			bad("weekly", i, "unknown day of the week")
		case w.Days == 0 && s.Holidays != HolidaysOnly:
			bad("weekly", i, "is empty: it names no day")
		}
		for _, e := range [2]Edge{w.From, w.To} {
			switch {
			case e.Base > Sunset:
				bad("weekly", i, "an edge must be a time of day, sunrise or sunset")
			case e.Base == Clock && (e.Minutes < 0 || e.Minutes > 1440):
				bad("weekly", i, "a time of day must lie between 00:00 and 24:00")
			case e.Minutes < -maxSunOffset || e.Minutes > 1440 || e.Base != Clock && e.Minutes > maxSunOffset:
				bad("weekly", i, "an edge may lie at most 12 hours from sunrise or sunset")
			}
		}
		if w.From == (Edge{Clock, 1440}) {
			bad("weekly", i, "must begin before 24:00")
		}
	}
	return errs
}

// isAlways reports whether the schedule is the zero one.
func (s *Schedule) isAlways() bool { return len(s.Windows) == 0 && len(s.Weekly) == 0 }

package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Date is a day of the calendar: "2026-02-01".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the date of a moment in its location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// UnmarshalText reads a date.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a date such as 2026-02-01", text)
	}
	*d = DateOf(t)
	return nil
}

// String writes the date as UnmarshalText reads it.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.day().Before(e.day()) }

// day is the date as a moment, for arithmetic with days only.
func (d Date) day() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (d Date) plus(days int) Date { return DateOf(d.day().AddDate(0, 0, days)) }

// TimeOfDay is a time of the clock: "21:00"; "24:00" is the end of the day.
type TimeOfDay struct{ Hour, Minute int }

// UnmarshalText reads a time of day.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	m := timeOfDay.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q is not a time of day such as 21:00", text)
	}
	t.Hour, _ = strconv.Atoi(string(m[1]))
	t.Minute, _ = strconv.Atoi(string(m[2]))
	if t.Hour > 24 || t.Minute > 59 || t.Hour == 24 && t.Minute > 0 {
		return fmt.Errorf("%q is not a time of day such as 21:00", text)
	}
	return nil
}

// String writes the time as UnmarshalText reads it.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute) }

var timeOfDay = regexp.MustCompile(`^(\d\d):(\d\d)$`)

// Period is an ISO 8601 duration: "P3M", "PT1H30M". Years, months and days are
// those of the calendar, whatever their length.
type Period struct {
	Years, Months, Days     int
	Hours, Minutes, Seconds int
}

var period = regexp.MustCompile(`^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?$`)

// UnmarshalText reads a duration; it must not be zero.
func (p *Period) UnmarshalText(text []byte) error {
	m := period.FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf("%q is not an ISO 8601 duration such as P3M or PT1H", text)
	}
	var n [8]int
	for i := 1; i < len(n); i++ {
		n[i], _ = strconv.Atoi(m[i]) // digits only; "" is 0
	}
	*p = Period{n[1], n[2], 7*n[3] + n[4], n[5], n[6], n[7]}
	if (*p == Period{}) {
		return fmt.Errorf("%q is no time at all", text)
	}
	return nil
}

// After is the moment a period after t, by the calendar of t's location. A day
// that a month does not have becomes its last one.
func (p Period) After(t time.Time) time.Time { return p.add(t, 1) }

// Before is the moment a period before t.
func (p Period) Before(t time.Time) time.Time { return p.add(t, -1) }

func (p Period) add(t time.Time, sign int) time.Time {
	if p.Years != 0 || p.Months != 0 {
		y, m, d := t.Date()
		first := time.Date(y+sign*p.Years, m+time.Month(sign*p.Months), 1, 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		t = time.Date(first.Year(), first.Month(), min(d, last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	return t.AddDate(0, 0, sign*p.Days).Add(time.Duration(sign) * p.clock())
}

func (p Period) clock() time.Duration {
	return time.Duration(p.Hours)*time.Hour + time.Duration(p.Minutes)*time.Minute + time.Duration(p.Seconds)*time.Second
}

// Text is a name or sentence in both languages.
type Text struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

package rules

import (
	"errors"
	"testing"
	"time"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Each case is counted by hand on the calendar of 2026.
func TestDeadlines(t *testing.T) {
	p := shanghai(t)
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ clock, from, want, why string }{
		// The vectors of the reference: the local date of the start counts.
		{"uav.apply", "2026-11-24T09:00:00+08:00", "2026-11-23T12:00:00+08:00", ""},
		{"uav.decide", "2026-11-24T09:00:00+08:00", "2026-11-23T21:00:00+08:00", ""},
		{"uav.report", "2026-11-24T09:00:00+08:00", "2026-11-24T08:00:00+08:00", ""},
		{"uav.emg.apply", "2026-11-24T09:00:00+08:00", "2026-11-24T08:30:00+08:00", ""},
		{"uav.emg.decide", "2026-11-24T09:00:00+08:00", "2026-11-24T08:50:00+08:00", ""},
		{"uav.apply", "2026-11-23T16:30:00Z", "2026-11-23T12:00:00+08:00", "the 24th in Shanghai"},
		{"uav.plan", "2026-11-23T16:30:00Z", "2026-11-23T12:00:00+08:00", ""},
		{"uav.report", "2026-11-23T16:30:00Z", "2026-11-23T23:30:00+08:00", ""},
		{"uav.emg.apply", "2026-11-23T16:30:00Z", "2026-11-24T00:00:00+08:00", ""},
		{"uav.emg.decide", "2026-11-23T16:30:00Z", "2026-11-24T00:20:00+08:00", ""},
		{"uav.apply", "2026-03-01T06:00:00+08:00", "2026-02-28T12:00:00+08:00", "over the end of February"},
		{"uav.decide", "2027-01-01T10:00:00+08:00", "2026-12-31T21:00:00+08:00", "over the end of the year"},
		{"uav.apply", "2026-03-29T09:00:00+08:00", "2026-03-28T12:00:00+08:00", "summer time begins elsewhere: not here"},
		{"uav.report", "2026-03-08T03:30:00+08:00", "2026-03-08T02:30:00+08:00", "an hour that New York does not have"},
		{"tca.major", "2026-11-01T10:00:00+08:00", "2026-10-31T10:00:00+08:00", "24 h are 24 h where others change the clock"},
		{"uav.event", "2026-11-01T10:00:00+08:00", "2026-11-02T10:00:00+08:00", ""},
		{"uav.exempt.confirm", "2026-11-24T00:30:00+08:00", "2026-11-23T23:30:00+08:00", ""},
		{"tca.urgent", "2026-11-24T00:10:00+08:00", "2026-11-23T23:40:00+08:00", ""},

		// Five working days after the day of submission, to their end.
		{"icv.first_review", "2026-11-23T10:00:00+08:00", "2026-12-01T00:00:00+08:00", "Mon: 24 25 26 27, 30"},
		{"icv.first_review", "2026-11-20T23:59:00+08:00", "2026-11-28T00:00:00+08:00", "Fri: 23 24 25 26 27"},
		{"icv.first_review", "2026-11-20T16:30:00Z", "2026-11-28T00:00:00+08:00", "Sat 00:30 in Shanghai: the same"},
		{"icv.first_review", "2026-11-22T10:00:00+08:00", "2026-11-28T00:00:00+08:00", "Sun"},
		{"icv.first_review", "2026-02-12T10:00:00+08:00", "2026-02-27T00:00:00+08:00", "Thu: 13, Sat 14 is worked, holidays 15-23, 24 25 26"},
		{"icv.first_review", "2026-09-30T10:00:00+08:00", "2026-10-14T00:00:00+08:00", "Wed: holidays 1-7, 8 9, Sat 10 is worked, 12 13"},
		{"icv.accident", "2026-09-24T10:00:00+08:00", "2026-10-01T00:00:00+08:00", "Thu: Mid-Autumn 25-27, 28 29 30"},
		{"icv.accident", "2026-09-17T10:00:00+08:00", "2026-09-22T00:00:00+08:00", "Thu: 18, Sun 20 is worked, 21"},
		{"icv.liability", "2026-04-30T10:00:00+08:00", "2026-05-12T00:00:00+08:00", "Thu: holidays 1-5, 6 7 8, Sat 9 is worked, 11"},
		{"icv.accident", "2026-06-18T10:00:00+08:00", "2026-06-25T00:00:00+08:00", "Thu: Dragon Boat 19-21, 22 23 24"},

		// Months end earlier than others.
		{"icv.renewal", "2026-05-31T00:00:00+08:00", "2026-02-28T00:00:00+08:00", "three months before the 31st of May"},
		{"icv.renewal", "2028-05-31T00:00:00+08:00", "2028-02-29T00:00:00+08:00", "a leap year"},
		{"icv.renewal", "2027-01-15T00:00:00+08:00", "2026-10-15T00:00:00+08:00", ""},
	} {
		want := moment(t, c.want)
		for _, zone := range []*time.Location{time.UTC, newYork, p.Location()} {
			got, err := p.Deadline(c.clock, moment(t, c.from).In(zone), p.Calendar)
			if err != nil {
				t.Fatal(err)
			}
			if !got.At.Equal(want) || got.Provisional {
				t.Errorf("%s from %s (%v): %v, want %v %s", c.clock, c.from, zone, got, c.want, c.why)
			}
		}
	}
	if _, err := p.Deadline("uav.aply", time.Time{}, p.Calendar); !errors.Is(err, ErrUnknown) {
		t.Errorf("a clock that is not there: %v", err)
	}
}

func TestADeadlineBeyondThePublishedHolidaysIsProvisional(t *testing.T) {
	p := shanghai(t)
	from := moment(t, "2026-12-29T10:00:00+08:00") // 30 31, then 2027
	d, err := p.Deadline("icv.first_review", from, p.Calendar)
	if err != nil || !d.Provisional || !d.At.Equal(moment(t, "2027-01-06T00:00:00+08:00")) {
		t.Errorf("%v %v", d, err)
	}
	// An operator's calendar knows them.
	cal := p.Calendar
	cal.Holidays = append(cal.Holidays, day("2027-01-01"))
	cal.KnownUntil = day("2027-12-31")
	d, err = p.Deadline("icv.first_review", from, cal)
	if err != nil || d.Provisional || !d.At.Equal(moment(t, "2027-01-07T00:00:00+08:00")) {
		t.Errorf("%v %v", d, err)
	}
	cal.Weekend = []Weekday{0, 1, 2, 3, 4, 5, 6}
	if _, err = p.Deadline("icv.first_review", from, cal); !errors.Is(err, ErrPack) {
		t.Errorf("a calendar without a working day: %v", err)
	}
}

func TestMetIsInclusiveToTheSecond(t *testing.T) {
	p := shanghai(t)
	apply, err := p.Deadline("uav.apply", moment(t, "2026-11-24T09:00:00+08:00"), p.Calendar)
	if err != nil {
		t.Fatal(err)
	}
	renewal, err := p.Deadline("icv.renewal", moment(t, "2027-01-15T00:00:00+08:00"), p.Calendar)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		d    Deadline
		off  time.Duration
		want bool
	}{
		{apply, -time.Second, true}, {apply, 0, true}, {apply, 999 * time.Millisecond, true}, {apply, time.Second, false},
		{renewal, -time.Second, false}, {renewal, -time.Millisecond, false}, {renewal, 0, true}, {renewal, time.Hour, true},
	} {
		if got := c.d.Met(c.d.At.Add(c.off)); got != c.want {
			t.Errorf("%s %v: %v", c.d.Clock, c.off, got)
		}
	}
	if apply.Opens || !renewal.Opens || apply.Missed != Refuse {
		t.Errorf("%+v %+v", apply, renewal)
	}
	since := moment(t, "2026-11-23T02:00:00+08:00")
	if got := apply.Warn(since, p.Alarms.DeadlineShare); !got.Equal(moment(t, "2026-11-23T10:00:00+08:00")) {
		t.Errorf("warns at %v: 8 of 10 hours later is 10:00", got)
	}
	if got := apply.Warn(apply.At.Add(time.Hour), 0.8); !got.Equal(apply.At) {
		t.Errorf("began late, warns at %v", got)
	}
}

func TestDaylightSavingDoesNotMoveADay(t *testing.T) {
	// A pack of a zone that has it: the time of day stays, hours are hours.
	f := changed(t, "/tz", "America/New_York")
	s, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	p := get(t, s, "cn-shanghai-2026@1")
	for _, c := range []struct{ clock, from, want string }{
		{"uav.apply", "2026-03-09T09:00:00-04:00", "2026-03-08T12:00:00-04:00"},
		{"uav.apply", "2026-03-08T09:00:00-04:00", "2026-03-07T12:00:00-05:00"},
		{"tca.major", "2026-03-08T09:00:00-04:00", "2026-03-07T08:00:00-05:00"},
	} {
		d, err := p.Deadline(c.clock, moment(t, c.from), p.Calendar)
		if err != nil || !d.At.Equal(moment(t, c.want)) {
			t.Errorf("%s from %s: %v %v, want %s", c.clock, c.from, d.At, err, c.want)
		}
	}
}

package rules

import (
	"fmt"
	"slices"
	"time"
)

// Clock is a deadline in law: until (op "<=") or from (op ">=") a moment that is
// counted from an anchor.
type Clock struct {
	Title  Text   `json:"title"`
	Anchor Anchor `json:"anchor"`
	Op     string `json:"op"`
	// One of: a time of the day some days beside the anchor's day; a period before
	// or after it; working days after it, to the end of the last or to At.
	DayOffset *int       `json:"day_offset,omitempty"`
	At        *TimeOfDay `json:"at,omitempty"`
	Before    *Period    `json:"before,omitempty"`
	After     *Period    `json:"after,omitempty"`
	Workdays  *int       `json:"workdays,omitempty"`
	Missed    Missed     `json:"missed"`
}

// Anchor is the moment that a clock is counted from.
type Anchor string

var anchors = []Anchor{"planned_start", "take_off", "landing", "valid_from", "valid_to", "tca_start", "submitted", "event", "finding", "published", "month_end"}

// UnmarshalText reads an anchor.
func (a *Anchor) UnmarshalText(text []byte) error {
	*a = Anchor(text)
	return oneOf(text, anchors)
}

// Missed is what a missed clock does.
type Missed string

// What a missed clock does. Silence is never consent: none of them approves.
const (
	Refuse   Missed = "refuse"   // what came late is not taken
	Escalate Missed = "escalate" // to the next level; nothing is decided by it
	Block    Missed = "block"    // the activity does not begin
	MarkLate Missed = "mark"     // it counts all the same, and is marked late
	Suspend  Missed = "suspend"
)

// UnmarshalText reads what a missed clock does.
func (m *Missed) UnmarshalText(text []byte) error {
	*m = Missed(text)
	return oneOf(text, []Missed{Refuse, Escalate, Block, MarkLate, Suspend})
}

func oneOf[T ~string](text []byte, all []T) error {
	for _, a := range all {
		if string(a) == string(text) {
			return nil
		}
	}
	return fmt.Errorf("%q must be one of %v", text, all)
}

// Calendar says which days are working days.
type Calendar struct {
	Weekend  []Weekday `json:"weekend"`
	Holidays []Date    `json:"holidays"`
	Workdays []Date    `json:"workdays"` // of the weekend, worked for a holiday
	// KnownUntil is the last day for which the holidays are published.
	KnownUntil Date `json:"known_until"`
}

// Weekday is a day of the week: "saturday".
type Weekday time.Weekday

// UnmarshalText reads a day of the week.
func (w *Weekday) UnmarshalText(text []byte) error {
	for i, name := range [7]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
		if name == string(text) {
			*w = Weekday(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a day of the week such as saturday", text)
}

// Workday reports whether a day is a working day, and whether that is sure: the
// holidays of its year may not be published yet.
func (c *Calendar) Workday(d Date) (works, sure bool) {
	sure = !c.KnownUntil.Before(d)
	for _, w := range c.Workdays {
		if w == d {
			return true, sure
		}
	}
	for _, h := range c.Holidays {
		if h == d {
			return false, sure
		}
	}
	for _, w := range c.Weekend {
		if d.day().Weekday() == time.Weekday(w) {
			return false, sure
		}
	}
	return true, sure
}

// works reports whether there are working days at all.
func (c *Calendar) works() bool {
	for d := range Weekday(7) {
		if !slices.Contains(c.Weekend, d) {
			return true
		}
	}
	return false
}

// Deadline is a clock that runs.
type Deadline struct {
	Clock string
	At    time.Time // in the pack's zone
	// Opens: the clock says from when, not until when.
	Opens bool
	// Provisional: it counts working days beyond the published holidays.
	Provisional bool
	Missed      Missed
}

// Met reports whether something at a moment is in time: the deadline itself is,
// to the second (the texts do not settle the equal case).
func (d Deadline) Met(t time.Time) bool {
	t = t.Truncate(time.Second)
	if d.Opens {
		return !t.Before(d.At)
	}
	return !t.After(d.At)
}

// Warn is when a clock that began at a moment warns: after a share of its time.
func (d Deadline) Warn(since time.Time, share float64) time.Time {
	if !since.Before(d.At) {
		return d.At
	}
	return since.Add(time.Duration(share * float64(d.At.Sub(since)))).Truncate(time.Second)
}

// Deadline is when a clock runs out whose anchor is at a moment, by a calendar:
// the pack's own, or one with an operator's corrections.
func (p *Pack) Deadline(clock string, from time.Time, cal Calendar) (Deadline, error) {
	c, ok := p.Clocks[clock]
	if !ok {
		return Deadline{}, fmt.Errorf("clock %q: %w %s", clock, ErrUnknown, p.Key())
	}
	d := Deadline{Clock: clock, Opens: c.Op == ">=", Missed: c.Missed}
	from = from.In(p.location)
	day := DateOf(from)
	switch {
	case c.DayOffset != nil:
		d.At = p.moment(day.plus(*c.DayOffset), *c.At)
	case c.Before != nil:
		d.At = c.Before.Before(from)
	case c.After != nil:
		d.At = c.After.After(from)
	case !cal.works():
		return Deadline{}, fmt.Errorf("clock %s: %w: the calendar has no working day", clock, ErrPack)
	default:
		for left := *c.Workdays; left > 0; {
			day = day.plus(1)
			works, sure := cal.Workday(day)
			d.Provisional = d.Provisional || !sure
			if works {
				left--
			}
		}
		end := TimeOfDay{Hour: 24}
		if c.At != nil {
			end = *c.At
		}
		d.At = p.moment(day, end)
	}
	return d, nil
}

// moment is a time of day on a date in the pack's zone.
func (p *Pack) moment(d Date, t TimeOfDay) time.Time {
	return time.Date(d.Year, d.Month, d.Day, t.Hour, t.Minute, 0, 0, p.location)
}

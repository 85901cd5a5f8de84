package zonefile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"testzone/geofence"
)

// Schedule says when a fence is in force: while a window or a weekly entry
// holds.
type Schedule struct {
	Windows  []Window `json:"windows" required:"false" maxItems:"1000"`
	Weekly   []Weekly `json:"weekly" required:"false" maxItems:"100"`
	Holidays string   `json:"holidays" required:"false" enum:"as_days,except,only" default:"as_days" doc:"What the zone's holidays do to the weekly entries: nothing; they do not hold; they hold only then"`
}

// Window is a span of time.
type Window struct {
	From string `json:"from" format:"date-time"`
	To   string `json:"to" format:"date-time" doc:"No longer in force then"`
}

// Weekly is a span of the day on some days of the week, in the zone's time.
type Weekly struct {
	Days []string `json:"days" enum:"mon,tue,wed,thu,fri,sat,sun" maxItems:"7" uniqueItems:"true" doc:"Of from; may be empty only with holidays \"only\""`
	From string   `json:"from" maxLength:"16" doc:"HH:MM, or sunrise or sunset with an offset" example:"sunrise-00:30"`
	To   string   `json:"to" maxLength:"16" doc:"Like from; not after it: on the day after" example:"18:00"`
}

func dayNames() [7]string { return [7]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// scheduleOf is the form of a schedule; nil for always.
func scheduleOf(s *geofence.Schedule) *Schedule {
	if len(s.Windows) == 0 && len(s.Weekly) == 0 {
		return nil
	}
	out := &Schedule{Windows: []Window{}, Weekly: []Weekly{}, Holidays: "as_days"}
	switch s.Holidays {
	case geofence.HolidaysExcept:
		out.Holidays = "except"
	case geofence.HolidaysOnly:
		out.Holidays = "only"
	}
	for _, w := range s.Windows {
		out.Windows = append(out.Windows, Window{formatTime(w.FromUS), formatTime(w.ToUS)})
	}
	for _, w := range s.Weekly {
		entry := Weekly{Days: []string{}, From: formatEdge(w.From), To: formatEdge(w.To)}
		for i, name := range dayNames() {
			if w.Days&(1<<i) != 0 {
				entry.Days = append(entry.Days, name)
			}
		}
		out.Weekly = append(out.Weekly, entry)
	}
	return out
}

// formatTime writes milliseconds, and microseconds only where there are some.
func formatTime(us int64) string {
	t := time.UnixMicro(us).UTC()
	if us%1000 == 0 {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

func (d *decoder) schedule(s *Schedule) (out geofence.Schedule) {
	if s == nil {
		return out
	}
	if len(s.Windows) == 0 && len(s.Weekly) == 0 {
		d.fault("schedule", "has neither a window nor a weekly entry: leave it out for a fence that is always in force")
	}
	if len(s.Windows) > 1000 || len(s.Weekly) > 100 {
		d.fault("schedule", "has more than 1000 windows or 100 weekly entries")
		return out
	}
	for i, w := range s.Windows {
		out.Windows = append(out.Windows, d.window(fmt.Sprintf("schedule.windows[%d]", i), w))
	}
	for i, w := range s.Weekly {
		if len(w.Days) == 0 && s.Holidays != "only" {
			d.fault(fmt.Sprintf("schedule.weekly[%d].days", i), "names no day")
		}
		out.Weekly = append(out.Weekly, d.weekly(fmt.Sprintf("schedule.weekly[%d]", i), w))
	}
	switch s.Holidays {
	case "", "as_days":
	case "except":
		out.Holidays = geofence.HolidaysExcept
	case "only":
		out.Holidays = geofence.HolidaysOnly
	default:
		d.fault("schedule.holidays", "expected as_days, except or only")
	}
	if out.Holidays != geofence.HolidaysAsDays && len(s.Weekly) == 0 {
		d.fault("schedule.holidays", "is about weekly entries, of which there are none")
	}
	return out
}

func (d *decoder) window(at string, w Window) geofence.Window {
	from, err1 := time.Parse(time.RFC3339Nano, w.From)
	to, err2 := time.Parse(time.RFC3339Nano, w.To)
	if err1 != nil {
		d.fault(at+".from", "expected a time such as 2030-01-31T08:00:00Z")
	}
	if err2 != nil {
		d.fault(at+".to", "expected a time such as 2030-01-31T08:00:00Z")
	}
	out := geofence.Window{FromUS: from.UnixMicro(), ToUS: to.UnixMicro()}
	if err1 == nil && err2 == nil && out.ToUS <= out.FromUS {
		d.fault(at, "ends before it begins")
	}
	return out
}

func (d *decoder) weekly(at string, w Weekly) (out geofence.Weekly) {
	var ok bool
	if out.From, ok = parseEdge(w.From); !ok {
		d.fault(at+".from", "expected HH:MM, or sunrise or sunset with an offset such as sunset+01:00")
	}
	if out.To, ok = parseEdge(w.To); !ok {
		d.fault(at+".to", "expected HH:MM, or sunrise or sunset with an offset such as sunset+01:00")
	}
	for i, name := range w.Days {
		bit := geofence.Days(0)
		for n, known := range dayNames() {
			if name == known {
				bit = 1 << n
			}
		}
		if bit == 0 {
			d.fault(fmt.Sprintf("%s.days[%d]", at, i), "expected mon, tue, wed, thu, fri, sat or sun")
		}
		out.Days |= bit
	}
	return out
}

// parseEdge reads "08:00", "24:00", "sunrise", "sunset+01:00".
func parseEdge(s string) (e geofence.Edge, ok bool) {
	sun, rest := geofence.Clock, s
	for _, b := range []struct {
		name string
		base geofence.EdgeBase
	}{{"sunrise", geofence.Sunrise}, {"sunset", geofence.Sunset}} {
		if after, found := strings.CutPrefix(s, b.name); found {
			sun, rest = b.base, after
		}
	}
	if sun == geofence.Clock {
		minutes, ok := parseClock(rest)
		return geofence.Edge{Base: geofence.Clock, Minutes: minutes}, ok
	}
	if rest == "" {
		return geofence.Edge{Base: sun}, true
	}
	minutes, ok := parseClock(rest[1:])
	if rest[0] == '-' {
		minutes = -minutes
	}
	return geofence.Edge{Base: sun, Minutes: minutes}, ok && (rest[0] == '+' || rest[0] == '-')
}

// parseClock reads HH:MM up to 24:00 as minutes.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	minutes := int(h)*60 + int(m)
	return minutes, err1 == nil && err2 == nil && m < 60 && minutes <= 24*60
}

func formatEdge(e geofence.Edge) string {
	minutes, sign := e.Minutes, "+"
	if minutes < 0 {
		minutes, sign = -minutes, "-"
	}
	clock := fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
	switch e.Base {
	case geofence.Sunrise:
		return "sunrise" + sign + clock
	case geofence.Sunset:
		return "sunset" + sign + clock
	}
	return clock
}

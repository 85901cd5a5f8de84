package geofence

// Schedule says when a fence is in force: whenever one of its windows or weekly
// entries holds. The zero value is always.
type Schedule struct {
	Windows  []Window
	Weekly   []Weekly
	Holidays HolidayRule
}

// Window is a span of time, half-open: [FromUS, ToUS), Unix microseconds.
type Window struct {
	FromUS, ToUS int64
}

// Days is a set of days of the week; Monday is bit 0.
type Days uint8

// Weekly is a span of the day on some days of the week, in the zone's time.
// When To is not after From it ends on the day after; the day is that of From.
type Weekly struct {
	Days     Days
	From, To Edge
}

// EdgeBase is what an edge of the day is counted from.
type EdgeBase uint8

// The bases.
const (
	Clock   EdgeBase = iota // midnight
	Sunrise                 // at the zone's place
	Sunset
)

// Edge is a moment of the day: minutes after its base, before it if negative.
type Edge struct {
	Base    EdgeBase
	Minutes int
}

// HolidayRule says what the zone's holidays do to the weekly entries.
type HolidayRule uint8

// The rules.
const (
	HolidaysAsDays HolidayRule = iota // nothing
	HolidaysExcept                    // they do not hold on holidays
	HolidaysOnly                      // they hold on holidays only, whatever the weekday
)

package geofence

import "math"

// weekUS is a bit more than a week: within it a weekly schedule is over and comes again.
const weekUS = 8 * 24 * 60 * minuteUS

// scheduleEdges is how many edges of one schedule are looked at.
const scheduleEdges = 2*maxWindows + 64

// InForceAt says whether a schedule would be in force at a moment, and when
// that changes next; 0 when it does not, or, of weekly entries, not within a week.
// It reads the engine's calendar only, and changes nothing of what is in force.
func (e *Engine) InForceAt(s *Schedule, atUS int64) (in bool, changeUS int64) {
	f := e.calendar.at(s, atUS)
	in = f.in
	for range scheduleEdges {
		if f.untilUS == math.MaxInt64 || len(s.Weekly) > 0 && f.untilUS-atUS > weekUS {
			return in, 0
		}
		if f = e.calendar.at(s, f.untilUS); f.in != in {
			return in, f.fromUS
		}
	}
	return in, 0
}

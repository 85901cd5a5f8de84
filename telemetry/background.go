package telemetry

import (
	"math"
	"slices"
	"time"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// What signs of single troubles are: receivers fail, walls reflect. An area is named
// only when more vehicles show signs at once than that explains.
const (
	// proneFor is how long after a sign of its own a vehicle is no witness: its receiver
	// fails again and again, or it is between walls.
	proneFor = 10 * time.Minute
	// backgroundFor is how long single signs are remembered, and backgroundGrace what a
	// start is taken to have been quiet before.
	backgroundFor   = time.Hour
	backgroundGrace = 2 * time.Minute
	// backgroundAlarms is how many alarms an hour may come of chance alone. See
	// TestInterferenceFigures of the simulator.
	backgroundAlarms = 1e-3
	backgroundMost   = 4096 // signs that are remembered
)

// background is how often vehicles show signs, each for itself.
type background struct {
	sinceUS int64 // of the first sign that was looked at
	single  []single
}

type single struct {
	handle   vehicles.Handle
	verified bool
	at       geo.Point
	us       int64
}

// note remembers the sign of a vehicle that is in no area.
func (b *background) note(v *signed) {
	old := v.beganUS - backgroundFor.Microseconds()
	drop := 0
	for drop < len(b.single) && (b.single[drop].us < old || len(b.single)-drop >= backgroundMost) {
		drop++
	}
	b.single = append(slices.Delete(b.single, 0, drop), single{v.id.Handle, v.id.Verified, v.at, v.beganUS})
}

// forget takes the last sign of a vehicle back: it had a common cause.
func (b *background) forget(v *signed) {
	b.single = slices.DeleteFunc(b.single, func(s single) bool {
		return s.handle == v.id.Handle && v.beganUS-s.us <= interferedWithin.Microseconds()
	})
}

// needs is how many vehicles around v must show signs at once until they have a common
// cause: three, or more where single troubles are frequent. What unverified vehicles
// claim does not raise the number for verified ones.
func (b *background) needs(v *signed, verified bool) int {
	n := 0
	for _, s := range b.single {
		before := v.beganUS - s.us
		if before > interferedWithin.Microseconds() && before <= backgroundFor.Microseconds() &&
			(s.verified || !verified) && geo.Distance(s.at, v.at) <= interferedM {
			n++
		}
	}
	watched := min(time.Duration(v.beganUS-b.sinceUS)*time.Microsecond, backgroundFor) + backgroundGrace
	hourly := float64(n) / max(watched, backgroundGrace).Hours()
	mean := hourly * interferedWithin.Hours()
	// The others are a Poisson number: tail is the chance of so many or more.
	term := math.Exp(-mean)
	tail, others := 1-term, 1
	for tail*hourly >= backgroundAlarms || others+1 < interferedLeast {
		term *= mean / float64(others)
		tail -= term
		others++
	}
	return others + 1
}

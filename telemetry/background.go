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
	// backgroundFor is how long single signs are remembered.
	backgroundFor = time.Hour
	// backgroundGrace is how many minutes what is expected of a fleet weighs beside what
	// was seen of it: much after a start, little after an hour.
	backgroundGrace = 10 * time.Minute
	// backgroundAlarms is how many alarms an hour may come of chance alone. See
	// TestInterferenceFigures of the simulator.
	backgroundAlarms = 1e-3
	backgroundMost   = 4096 // signs that are remembered
)

// evidence is a group of signs. Those of the receiver itself are rarer for single
// troubles than all together, so that fewer of them say more.
type evidence uint8

const (
	anySign evidence = iota
	ofReceiver
	evidences
)

// evidenceOf are the signs of each, and how often a vehicle shows one for itself in an hour
// as far as nothing else is known.
var evidenceOf = [evidences]struct {
	signs  vehicles.Signs
	hourly float64
}{
	anySign:    {vehicles.SignJump | vehicles.SignEstimator | vehicles.SignNoFix | vehicles.SignJammed | vehicles.SignSpoofed, 1},
	ofReceiver: {vehicles.SignNoFix | vehicles.SignJammed | vehicles.SignSpoofed, 0.2},
}

// trouble is when a vehicle showed signs of a group.
type trouble struct {
	beganUS int64 // the newest; 0: never
	// beforeUS is the sign before which was not of the same trouble; 0: none, or it was
	// of an area.
	beforeUS int64
	grouped  bool // the newest was of an area
}

// begin takes a new sign in. Signs that follow each other at once are of one trouble.
func (t *trouble) begin(nowUS int64) (another bool) {
	another = !t.within(nowUS)
	if another {
		t.beforeUS = t.beganUS
		if t.grouped {
			t.beforeUS = 0
		}
		t.grouped = false
	}
	t.beganUS = nowUS
	return another
}

// within reports whether it began shortly before a time.
func (t *trouble) within(us int64) bool {
	return t.beganUS != 0 && us-t.beganUS <= interferedWithin.Microseconds()
}

// prone reports whether the vehicle showed a sign of its own not long before.
func (t *trouble) prone() bool {
	return t.beforeUS != 0 && t.beganUS-t.beforeUS <= proneFor.Microseconds()
}

// background is how often vehicles show signs of a group, each for itself.
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
func (b *background) note(v *signed, nowUS int64) {
	old, drop := nowUS-backgroundFor.Microseconds(), 0
	for drop < len(b.single) && (b.single[drop].us < old || len(b.single)-drop >= backgroundMost) {
		drop++
	}
	b.single = append(slices.Delete(b.single, 0, drop), single{v.id.Handle, v.id.Verified, v.at, nowUS})
}

// forget takes the last sign of a vehicle back: it had a common cause.
func (b *background) forget(h vehicles.Handle, nowUS int64) {
	b.single = slices.DeleteFunc(b.single, func(s single) bool {
		return s.handle == h && nowUS-s.us <= 2*interferedWithin.Microseconds()
	})
}

// needs is how many vehicles around v must show signs at once until they have a common
// cause: three, or more where single troubles are frequent, or expected of a fleet that
// shows expected signs an hour. What unverified vehicles claim does not raise the number
// for verified ones.
func (b *background) needs(v *signed, verified bool, expected float64, nowUS int64) int {
	n := 0
	for _, s := range b.single {
		before := nowUS - s.us
		if before > interferedWithin.Microseconds() && before <= backgroundFor.Microseconds() &&
			(s.verified || !verified) && geo.Distance(s.at, v.at) <= interferedM {
			n++
		}
	}
	watched := min(max(time.Duration(nowUS-b.sinceUS)*time.Microsecond, 0), backgroundFor)
	hourly := (float64(n) + expected*backgroundGrace.Hours()) / (watched + backgroundGrace).Hours()
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

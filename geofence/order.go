package geofence

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// sequence is what a sample is in the order of its source.
type sequence uint8

const (
	next   sequence = iota
	late            // older than the last one, or the same once more
	reboot          // the source's clock went far back: a new run
)

// unknownUS is taken for the time of a step over which the server's clock was set
// back: a usual one.
const unknownUS = 1_000_000

// lateUS is how far behind the last sample one may lie and still be a late one
// of the same run.
const lateUS = 10_000_000

// order says what a sample is and how long after the last one it was made, in
// microseconds. The source's own clock decides; it wraps after 49.7 days. Samples
// of a source without a clock come in their order: a receive time that goes back
// is that of a server whose clock was set back.
func (v *vehicle) order(smp *Sample) (dtUS int64, is sequence) {
	received := smp.ReceivedUS - v.receivedUS
	dtUS = received
	device := smp.BootMS != 0 && v.bootMS != 0
	if device {
		dtUS = int64(int32(smp.BootMS-v.bootMS)) * 1000
	}
	switch {
	case dtUS == 0 && smp.Fix == v.fix:
		return 0, late
	case !device && dtUS < 0:
		return unknownUS, next
	case !device:
		return dtUS, next
	case dtUS >= 0:
		return dtUS, next
	case dtUS > -lateUS:
		return dtUS, late
	}
	return received, reboot
}

// A step longer than a vehicle can travel is a jump: its way is not known. The
// bounds are generous because reports come late and in bunches.
const (
	jumpMargin  = 2
	minJumpUS   = 100_000
	maxChordM   = 20_000 // a longer way is not judged as a straight line, either
	metresAUnit = 0.0112 // at most, of one unit of the lattice in any direction
)

func topSpeed(class vehicles.Class) float64 {
	switch class {
	case vehicles.ICV:
		return 70
	case vehicles.USV:
		return 40
	}
	return 150 // UAV, and what we cannot classify; m/s
}

// isJump reports whether a vehicle cannot have travelled from a to b in dtUS.
func isJump(class vehicles.Class, a, b geo.Point, dtUS int64) bool {
	limit := min(topSpeed(class)*jumpMargin*float64(max(dtUS, minJumpUS))/1e6, maxChordM)
	units := abs64(int64(a.Lat)-int64(b.Lat)) + abs64(int64(a.Lon)-int64(b.Lon))
	if float64(units)*metresAUnit <= limit {
		return false // spares the common case the trigonometry
	}
	return geo.Distance(a, b) > limit
}

package geofence

import (
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Movement is what a sample is as a movement of its vehicle, whatever the fences.
type Movement uint8

// The movements.
const (
	NoMovement Movement = iota // late, the same once more, or off the globe: Step passes it over
	NewRun                     // the first fix, or the first after the source began anew
	Plausible                  // as far as a vehicle of its class can have moved
	Teleport                   // farther: its way is not known
)

// Jumped is a teleport: one bounded transition of the vehicle itself, beside
// those that the fences at its two ends cause (with the flag Jump).
type Jumped struct {
	Handle     vehicles.Handle
	ReceivedUS int64
	BootMS     uint32
	Before     geo.Fix
	After      geo.Fix
	DistanceM  float64 // in the horizontal
	DtUS       int64   // by the source's clock, or by receipt where it has none
}

// Weigh says what the sample that the next Step judges is as a movement, and how
// long after the last one it was made, in microseconds; it fills j for a Teleport
// only. It is the same whether the vehicle is near a fence or not. Does not
// allocate.
func (s *Shard) Weigh(h vehicles.Handle, smp *Sample, j *Jumped) (m Movement, dtUS int64) {
	v := s.find(h)
	switch {
	case !smp.Fix.Point.Valid():
		return NoMovement, 0
	case v == nil || v.snap == nil:
		return NewRun, 0
	}
	dtUS, is := v.order(smp)
	switch {
	case is == late:
		return NoMovement, 0
	case isJump(v.sub.Class, v.fix.Point, smp.Fix.Point, dtUS):
		*j = Jumped{Handle: h, ReceivedUS: smp.ReceivedUS, BootMS: smp.BootMS, Before: v.fix, After: smp.Fix,
			DistanceM: geo.Distance(v.fix.Point, smp.Fix.Point), DtUS: dtUS}
		return Teleport, dtUS
	case is == reboot:
		return NewRun, dtUS
	}
	return Plausible, dtUS
}

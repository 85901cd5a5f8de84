package telemetry

import (
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

const (
	// lookEvery is how many link ticks pass between two looks ahead: one second.
	lookEvery = 10
	// aheadMisses is how many looks in a row must not find a predicted breach
	// before it ends: a course wavers.
	aheadMisses = 3
	// freshFixUS is how old a position may be to be extrapolated.
	freshFixUS = 2_000_000
)

// Prediction says that a vehicle will breach a fence if it goes on as it does,
// or that this no longer holds.
type Prediction struct {
	Vehicle *vehicles.Identity
	Fence   *geofence.Compiled
	Began   bool
	InS     float64 // seconds until then
	At      geo.Point
	From    geo.Fix
	BootMS  uint32
}

func (*Prediction) event() {}

// Why a prediction ended.
const causeNotForeseen = "course_changed"

// foreseen is a predicted breach of one vehicle.
type foreseen struct {
	fence  *geofence.Compiled
	misses int
}

// lookAhead compares what each vehicle on its way is about to breach with what was
// told before.
func (s *shard) lookAhead() {
	horizon := s.p.cfg.LookAheadS
	if horizon <= 0 {
		return
	}
	for _, v := range s.all {
		s.ahead = s.ahead[:0]
		if v.fixUS != 0 && s.nowUS-v.fixUS < freshFixUS && isMoving(&v.track) {
			s.ahead = s.fences.Ahead(v.id.Handle, horizon, s.ahead)
		}
		s.tellForeseen(v)
	}
}

// isMoving reports whether a vehicle is on its way somewhere. Its phase does not
// tell when it is in an emergency or its link is lost.
func isMoving(t *vehicles.Track) bool {
	at := *t
	at.Link, at.Status = vehicles.LinkNominal, 0
	return at.Phase() == vehicles.Moving
}

func (s *shard) tellForeseen(v *owned) {
	for i := range v.foreseen {
		v.foreseen[i].misses++
	}
	for i := range s.ahead {
		p := &s.ahead[i]
		if k := v.foresees(p.Fence); k >= 0 {
			v.foreseen[k] = foreseen{fence: p.Fence}
			continue
		}
		v.foreseen = append(v.foreseen, foreseen{fence: p.Fence})
		s.p.cfg.Bus.Publish(v.track.FixUS, &Prediction{
			Vehicle: v.id, Fence: p.Fence, Began: true, InS: p.InS, At: p.At, From: v.track.Fix, BootMS: v.track.FixMS,
		})
	}
	kept := v.foreseen[:0]
	for _, f := range v.foreseen {
		if f.misses < aheadMisses {
			kept = append(kept, f)
			continue
		}
		s.p.cfg.Bus.Publish(s.p.cfg.Clock().UnixMicro(), &Prediction{Vehicle: v.id, Fence: f.fence})
	}
	v.foreseen = kept
}

func (v *owned) foresees(c *geofence.Compiled) int {
	for i := range v.foreseen {
		if v.foreseen[i].fence.Fence.ID == c.Fence.ID {
			return i
		}
	}
	return -1
}

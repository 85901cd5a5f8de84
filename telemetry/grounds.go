package telemetry

import (
	"testzone/geofence"
	"testzone/vehicles"
)

// Grounds are what a judgement of a vehicle rests on (SAFETY 3): whoever orders
// anything by it asks them first.
type Grounds struct {
	Fixes           uint32 // consecutive plausible fixes: no jump, none late, no gap of 5 s
	Verified        bool   // the source is authenticated
	Jump            bool   // the fix itself was a jump, or what was judged by it, or too few plausible ones came since one: a false place may be steady
	OutOfOrder      bool   // so many fixes are late that two vehicles may speak as one
	AltitudeUnknown bool   // in the datum of the fence
	Quality         vehicles.Quality
	Interfered      bool  // the receiver says that its signals are jammed or spoofed
	AgeUS           int64 // of the fix, when it was judged
}

// Lack is a reason why grounds do not suffice for an automatic order.
type Lack uint16

// The reasons.
const (
	LacksIdentity Lack = 1 << iota
	LacksFixes
	LacksPlausibility
	LacksOrder
	LacksKnownQuality
	LacksGoodQuality
	LacksAltitude
	LacksFreshness
	LacksSignal
)

// lackNames are the words of the API and the journal, by bit.
var lackNames = [...]string{"unverified", "few_fixes", "jump", "out_of_order", "quality_unknown", "estimator_bad", "altitude_unknown", "stale", "gnss_interference"}

// Names lists the reasons; empty when there is none.
func (l Lack) Names() []string {
	out := []string{}
	for i, name := range lackNames {
		if l&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// orderFixes is how many consecutive plausible fixes an automatic order needs.
// In street canyons reflections last longest; an aircraft sees the sky and is
// fast, a boat sees it and reports slowly.
func orderFixes(class vehicles.Class) uint32 {
	switch class {
	case vehicles.UAV, vehicles.USV:
		return 3
	}
	return 5
}

// Lacks says why the grounds do not suffice for an automatic order to a vehicle
// of a class; 0: they do. Does not allocate.
func (g *Grounds) Lacks(class vehicles.Class) (why Lack) {
	for _, c := range [...]struct {
		lack bool
		why  Lack
	}{
		{!g.Verified, LacksIdentity},
		{g.Fixes < orderFixes(class), LacksFixes},
		{g.Jump, LacksPlausibility},
		{g.OutOfOrder, LacksOrder},
		{g.Quality == vehicles.QualityUnknown, LacksKnownQuality},
		{g.Quality == vehicles.QualityBad, LacksGoodQuality},
		{g.AltitudeUnknown, LacksAltitude},
		{g.AgeUS > freshFixUS, LacksFreshness},
		{g.Interfered, LacksSignal},
	} {
		if c.lack {
			why |= c.why
		}
	}
	return why
}

// fixGapUS is the longest gap between two fixes that are consecutive.
const fixGapUS = 5_000_000

// Jump says that a vehicle's position jumped: one for each jump, whatever the
// fences at its ends say. It orders nothing.
type Jump struct {
	geofence.Jumped
	Vehicle *vehicles.Identity
	Grounds Grounds
	Again   bool // before the vehicle moved plausibly for long enough since the last one
}

func (*Jump) event() {}

// weigh counts the plausible fixes of a vehicle and tells of jumps.
func (s *shard) weigh(v *owned, smp *geofence.Sample) {
	m, dtUS := s.fences.Weigh(v.id.Handle, smp, &s.jump)
	v.jumped = m == geofence.Teleport
	switch {
	case m == geofence.NoMovement:
		v.run = 0
		return
	case m == geofence.Teleport:
		v.run = 0
		s.tell(v, smp.ReceivedUS, &Jump{Jumped: s.jump, Vehicle: v.id, Grounds: s.grounds(v, geofence.Jump), Again: v.jumping})
		v.jumping = true
		return
	case m == geofence.NewRun, dtUS > fixGapUS:
		v.run = 1
	default:
		v.run++
	}
	if v.jumping && v.run >= settledFixes(v.id.Class) {
		v.jumping = false
		s.p.cfg.Bus.Publish(smp.ReceivedUS, &Settled{Vehicle: v.id, Type: PositionJump, Cause: causePlausible})
	}
}

// grounds are those of a judgement by the vehicle's last fix.
func (s *shard) grounds(v *owned, flags geofence.Flags) Grounds {
	now := s.p.cfg.Clock().UnixMicro()
	return Grounds{
		Fixes: v.run, Verified: v.id.Verified, Jump: v.jumped || v.jumping || flags&geofence.Jump != 0,
		OutOfOrder: v.track.OutOfOrder(), AltitudeUnknown: flags&geofence.AltitudeUnknown != 0, Quality: v.track.Quality(now),
		Interfered: v.track.Interfered(now),
		AgeUS:      max(now-v.track.FixUS, s.nowUS-v.fixUS, 0), // the steady clock holds when the other is set back
	}
}

package onboard

import (
	"math"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// way follows a planned way through fences, by the judgement of the engine that
// would judge the vehicle there.
type way struct {
	shard *geofence.Shard
	sub   geofence.Subject
	at    geo.Fix
	nowUS int64
	turns []geofence.Transition
}

func newWay(e *geofence.Engine, sub geofence.Subject) *way {
	return &way{shard: e.NewShard(), sub: sub}
}

const (
	wayHandle = vehicles.Handle(1)
	// stepUS is the time of a step: long enough that no step of pieceM is a jump.
	stepUS = 3_600_000_000
	// pieceM is the longest step: the engine judges longer ones by their ends.
	pieceM = 10_000
)

// met is a fence that a way would breach.
type met struct {
	fence   *geofence.Compiled
	kind    geofence.TransitionKind
	unknown bool // its height there is not known in the datum of the fence
}

// begin puts the vehicle somewhere and tells what it breaches there.
func (w *way) begin(at geo.Fix) (out []met) {
	w.shard.Forget(wayHandle)
	w.shard.Admit(wayHandle, w.sub)
	w.step(at)
	for _, c := range w.shard.Breaches(wayHandle, nil) {
		if c.Fence.Kind != geofence.SpeedLimit {
			out = append(out, met{c, geofence.Entered, !c.HeightKnown(w.sub.Class, &at)})
		}
	}
	return out
}

// to goes straight on to a fix and tells which breaches begin on the way.
func (w *way) to(end geo.Fix) (out []met) {
	from := w.at
	points := append(geo.Along(from.Point, end.Point, false, pieceM, nil), end.Point)
	for i, p := range points {
		part := end
		if i+1 < len(points) {
			part = between(&from, &end, float64(i+1)/float64(len(points)))
			part.Point = p
		}
		for _, t := range w.step(part) {
			if e := t.Effect(); e == geofence.BreachBegins || e == geofence.BreachPassed {
				out = append(out, met{t.Fence, t.Kind, t.Flags&geofence.AltitudeUnknown != 0})
			}
		}
	}
	return out
}

func (w *way) step(fix geo.Fix) []geofence.Transition {
	w.nowUS += stepUS
	w.at = fix
	w.turns = w.shard.Step(wayHandle, &geofence.Sample{Fix: fix, ReceivedUS: w.nowUS, VelocityUnknown: true}, w.turns[:0])
	return w.turns
}

// between is the height part of the way from a to b; what is not known at both ends
// is not known between them.
func between(a, b *geo.Fix, part float64) (f geo.Fix) {
	for d := geo.AMSL; d <= geo.Takeoff; d++ {
		from, ok1 := a.Heights.In(d)
		to, ok2 := b.Heights.In(d)
		if ok1 && ok2 {
			f.Heights.Set(d, from+int32(math.Round(float64(int64(to)-int64(from))*part)))
		}
	}
	return f
}

// withoutGround are heights elsewhere at the same level: the ground there is another.
func withoutGround(h geo.Heights, riseMM int32) (out geo.Heights) {
	for _, d := range []geo.Datum{geo.AMSL, geo.WGS84, geo.Takeoff} {
		if mm, ok := h.In(d); ok {
			out.Set(d, mm+riseMM)
		}
	}
	return out
}

// raised is a fix with its height above take-off no lower than m metres.
func raised(f geo.Fix, m float64) geo.Fix {
	up, known := f.Heights.In(geo.Takeoff)
	want := int32(math.Round(m * 1000))
	if !known || up >= want {
		return f
	}
	return geo.Fix{Point: f.Point, Heights: withoutGround(f.Heights, want-up)}
}

// above is the fix at a point at the level of another fix.
func above(p geo.Point, level *geo.Fix) geo.Fix {
	if p == level.Point {
		return *level
	}
	return geo.Fix{Point: p, Heights: withoutGround(level.Heights, 0)}
}

package onboard

import (
	"math"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// way follows a planned way through fences, by the judgement of the engine that
// would judge the vehicle there.
type way struct{ of *geofence.Way }

func newWay(e *geofence.Engine, sub geofence.Subject) *way { return &way{e.NewWay(sub)} }

// pieceM is the longest step: the engine judges longer ones by their ends.
const pieceM = 10_000

// met is a fence that a way would breach.
type met struct {
	fence   *geofence.Compiled
	kind    geofence.TransitionKind
	unknown bool // its height there is not known in the datum of the fence
}

// begin puts the vehicle somewhere and tells what it breaches there.
func (w *way) begin(at geo.Fix) []met { return metOf(w.of.Begin(at)) }

// to goes straight on to a fix and tells which breaches begin on the way.
func (w *way) to(end geo.Fix) []met { return metOf(w.of.To(end, pieceM)) }

func metOf(all []geofence.Met) (out []met) {
	for _, m := range all {
		out = append(out, met{m.Fence, m.Kind, m.HeightUnknown})
	}
	return out
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

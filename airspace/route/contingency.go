package route

import (
	"math"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
)

// Back is the straight way home that an aircraft flies by itself when it loses its link:
// at the height where it is, down over the begin.
type Back struct {
	Leg    int // that ends where it starts
	Fences []*geofence.Compiled
}

// waysBack looks at the way home from the end of each leg but the last.
func (f *fences) waysBack(a *Air, r *Route, judge *geofence.Engine) (out []Back) {
	home := a.Via[0]
	for i, l := range r.Legs[:len(r.Legs)-1] {
		w := judge.NewWay(a.Subject)
		met := w.Begin(a.fix(l.To, l.ToMM))
		met = append(met, w.To(a.fix(home, l.ToMM), pieceM)...)
		met = append(met, w.To(a.fix(home, a.BeginMM), pieceM)...)
		b := Back{Leg: i}
		for _, m := range met {
			if len(b.Fences) < nearest && !slices.Contains(b.Fences, m.Fence) {
				b.Fences = append(b.Fences, m.Fence)
			}
		}
		out = append(out, b)
	}
	return out
}

// Volume is the space in which an aircraft is during one leg, for a time.
type Volume struct {
	Outline        geo.Ring
	FloorMM        int32 // AMSL
	CeilingMM      int32
	FromUS, TillUS int64 // microseconds since the Unix epoch
}

// Volumes are those of a route that is flown exactly, with the clearances that were
// asked, and with that much time before and after.
func (r *Route) Volumes(a *Air, spareS float64) []Volume {
	out := make([]Volume, len(r.Legs))
	spare, around := int64(spareS*1e6), max(a.ClearanceM, 1)
	for i, l := range r.Legs {
		out[i] = Volume{
			Outline: geo.Capsule(l.From, l.To, false, around, geo.ArcFor(around)),
			FloorMM: min(l.FromMM, l.ToMM) - int32(a.upDown()), CeilingMM: max(l.FromMM, l.ToMM) + int32(a.upDown()),
			FromUS: a.DepartUS + int64(l.FromS*1e6) - spare, TillUS: a.DepartUS + int64(math.Ceil(l.ToS*1e6)) + spare,
		}
	}
	return out
}

package geofence

import (
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// Way follows a planned way through the fences of an engine, by the judgement that a
// vehicle gets there. It belongs to one goroutine.
type Way struct {
	shard *Shard
	sub   Subject
	at    geo.Fix
	nowUS int64
	turns []Transition
}

// Met is a fence that a way would breach. Lengths are metres over ground, as exact as
// the pieces in which the way is followed.
type Met struct {
	Fence         *Compiled
	Kind          TransitionKind
	HeightUnknown bool      // it counts, because the height there is not known in its datum
	FromM         float64   // from the begin of the leg to where its breach begins
	At            geo.Point // where that is
	InsideM       float64   // of the leg in breach
	AtEnd         bool      // it is breached at the end of the leg
}

// NewWay is a way of a vehicle that is as sub says.
func (e *Engine) NewWay(sub Subject) *Way { return &Way{shard: e.NewShard(), sub: sub} }

const (
	wayHandle = vehicles.Handle(1) // of a shard of its own
	// wayStepUS is the time of a step: long enough that no step is a jump.
	wayStepUS = 3_600_000_000
)

// Begin puts the vehicle somewhere and tells what it breaches there.
func (w *Way) Begin(at geo.Fix) []Met {
	w.shard.Forget(wayHandle)
	w.shard.Admit(wayHandle, w.sub)
	w.step(at)
	return w.Breached()
}

// Breached is what the vehicle breaches where it is now.
func (w *Way) Breached() (out []Met) {
	for _, c := range w.shard.Breaches(wayHandle, nil) {
		if c.Fence.Kind != SpeedLimit {
			out = append(out, Met{Fence: c, Kind: Entered, HeightUnknown: !c.HeightKnown(w.sub.Class, &w.at), At: w.at.Point, AtEnd: true})
		}
	}
	return out
}

// To goes straight on to a fix, in pieces of at most pieceM metres, and tells which
// breaches begin on the way. No fence between two pieces is missed.
func (w *Way) To(end geo.Fix, pieceM float64) (out []Met) {
	from := w.at
	length := geo.Distance(from.Point, end.Point)
	points := append(geo.Along(from.Point, end.Point, false, pieceM, nil), end.Point)
	each := length / float64(len(points))
	open := map[*Compiled]int{} // index in out
	for i, p := range points {
		part := end
		if i+1 < len(points) {
			part = heightsBetween(&from, &end, float64(i+1)/float64(len(points)))
			part.Point = p
		}
		for _, t := range w.step(part) {
			switch e := t.Effect(); e {
			case BreachBegins, BreachPassed:
				if e == BreachBegins {
					open[t.Fence] = len(out)
				}
				out = append(out, Met{
					Fence: t.Fence, Kind: t.Kind, HeightUnknown: t.Flags&AltitudeUnknown != 0, FromM: each * float64(i), At: t.Before.Point, InsideM: each,
				})
			case BreachEnds:
				if n, is := open[t.Fence]; is {
					out[n].InsideM = each*float64(i+1) - out[n].FromM
					delete(open, t.Fence)
				}
			}
		}
	}
	for _, n := range open {
		out[n].AtEnd, out[n].InsideM = true, length-out[n].FromM
	}
	return out
}

func (w *Way) step(fix geo.Fix) []Transition {
	w.nowUS += wayStepUS
	w.at = fix
	w.turns = w.shard.Step(wayHandle, &Sample{Fix: fix, ReceivedUS: w.nowUS, VelocityUnknown: true}, w.turns[:0])
	return w.turns
}

// heightsBetween is the height part of the way from a to b; what is not known at both ends
// is not known between them.
func heightsBetween(a, b *geo.Fix, part float64) (f geo.Fix) {
	for d := geo.AMSL; d <= geo.Takeoff; d++ {
		from, ok1 := a.Heights.In(d)
		to, ok2 := b.Heights.In(d)
		if ok1 && ok2 {
			f.Heights.Set(d, from+int32(math.Round(float64(int64(to)-int64(from))*part)))
		}
	}
	return f
}

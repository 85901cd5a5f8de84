package route

import (
	"errors"
	"fmt"
	"slices"

	"testzone/geofence/geo"
)

// Why there is no way.
var (
	ErrBegin = errors.New("the begin is not clear of what is to be avoided")
	ErrEnd   = errors.New("the end is not clear of what is to be avoided")
	ErrNoWay = errors.New("no way was found")
)

const (
	greedy    = 1.05  // weight of a first search, whose way bounds the second
	few       = 2_000 // corners in an ellipse: it is searched whole
	windowM   = 600   // of a way, looked through at once
	inWindow  = 500   // corners
	unbounded = 1e9   // metres
)

// Find is a short way from one place to another, turns and ends.
func (w *World) Find(from, to geo.Point) ([]geo.Point, error) {
	switch {
	case !w.Free(from):
		return nil, fmt.Errorf("%w: %v", ErrBegin, from)
	case !w.Free(to):
		return nil, fmt.Errorf("%w: %v", ErrEnd, to)
	}
	way := w.find(w.of(from), w.of(to))
	if way == nil {
		return nil, ErrNoWay
	}
	out := make([]geo.Point, len(way))
	for i, p := range way {
		out[i] = w.point(p)
	}
	out[0], out[len(out)-1] = from, to
	return out, nil
}

func (w *World) find(a, b pt) []pt {
	if w.clear(a, b) {
		return []pt{a, b}
	}
	way := w.over(a, b, unbounded, greedy)
	if way == nil {
		return w.exact(a, b, unbounded, len(w.corners.items)) // what is seen from afar
	}
	way = w.taut(way)
	if best := w.exact(a, b, length(way)-leastM, few); best != nil {
		return best
	}
	if best := w.over(a, b, length(way)-leastM, 1); best != nil {
		way = w.taut(best)
	}
	return w.taut(w.improved(way))
}

// improved looks through pieces of the way, each overlapping the next by half, for a
// shorter one.
func (w *World) improved(way []pt) []pt {
	for i := 0; i+2 < len(way); {
		k := i + 2
		for k+1 < len(way) && length(way[i:k+2]) <= windowM {
			k++
		}
		old := length(way[i : k+1])
		if better := w.exact(way[i], way[k], old-leastM, inWindow); better != nil {
			way = slices.Replace(way, i, k+1, better...)
			k = i + len(better) - 1
		}
		i = max(i+1, (i+k)/2)
	}
	return way
}

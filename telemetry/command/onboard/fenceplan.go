package onboard

import (
	"fmt"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/vehicles"
)

// anyArea is the group of inclusions of which being within one is enough.
const anyArea = "any"

// fencesOf are the fences that a plan of kind fence stands for: at every height, all
// the time. union: one inclusion is enough; parts: of the zone's fences, for their
// names. The error is a *vehicles.PlanError.
func fencesOf(plan *vehicles.Plan, union bool, parts []Part) ([]*geofence.Compiled, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	var out []*geofence.Compiled
	for n := 0; n < len(plan.Items); {
		f, took := fenceAt(plan.Items[n:])
		if took > 1 && took > maxPolygon {
			return nil, &vehicles.PlanError{Kind: plan.Kind, Item: n, Why: fmt.Sprintf("a polygon of %d vertices; a vehicle takes %d", took, maxPolygon)}
		}
		if f.Kind != 0 { // a return point is none
			f.ID, f.Name = fmt.Sprintf("item %d", n+1), nameOf(parts, n+1)
			if f.Kind == geofence.KeepIn && union {
				f.Group = anyArea
			}
			c, err := geofence.Compile(f)
			if err != nil {
				return nil, &vehicles.PlanError{Kind: plan.Kind, Item: n, Why: err.Error()}
			}
			out = append(out, c)
		}
		n += took
	}
	return out, nil
}

// nameOf is the name of the zone's fence that an item is of; empty: of none.
func nameOf(parts []Part, item int) string {
	for _, p := range parts {
		if item >= p.First && item < p.First+p.Items {
			return p.Name
		}
	}
	return ""
}

// fenceAt reads the fence that begins with the first item, and how many items it
// has; one that makes no fence has no kind.
func fenceAt(items []vehicles.PlanItem) (f geofence.Fence, took int) {
	first := &items[0]
	f.Kind = geofence.KeepOut
	if first.Command == vehicles.FencePolygonInclusion || first.Command == vehicles.FenceCircleInclusion {
		f.Kind = geofence.KeepIn
	}
	at, _ := first.Point()
	switch first.Command {
	case vehicles.FenceCircleInclusion, vehicles.FenceCircleExclusion:
		f.Shape.Circle = &geo.Circle{Center: at, RadiusM: float64(first.Params[0])}
		return f, 1
	case vehicles.FencePolygonInclusion, vehicles.FencePolygonExclusion:
		took = int(first.Params[0])
		ring := make(geo.Ring, took)
		for i := range ring {
			ring[i], _ = items[i].Point()
		}
		f.Shape.Polygons = []geo.Polygon{{Outer: ring}}
		return f, took
	}
	return geofence.Fence{}, 1
}

// inclusions is how many areas a fence plan asks a vehicle to stay within.
func inclusions(fences []*geofence.Compiled) (n int) {
	for _, c := range fences {
		if c.Fence.Kind == geofence.KeepIn {
			n++
		}
	}
	return n
}

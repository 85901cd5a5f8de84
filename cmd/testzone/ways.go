package main

import (
	"cmp"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// orderWays judges ways by the fences in force, as the engine judges who flies them.
type orderWays struct{ engine *geofence.Engine }

// A way is judged in pieces of wayPieceM metres, a long one in wayPieces: so exactly is
// known where a fence begins on it.
const (
	wayPieceM = 2.0
	wayPieces = 500
)

// Breached is command.Ways'. A way out of a fence that the vehicle is in is free.
func (w orderWays) Breached(v *vehicles.Identity, from, to geo.Fix) (out []command.Met) {
	way := w.engine.NewWay(geofence.Subject{Class: v.Class, Operator: v.Operator, Vehicle: v.ID, Verified: v.Verified})
	way.Begin(from)
	length := geo.Distance(from.Point, to.Point)
	met := way.To(to, max(wayPieceM, length/wayPieces))
	for _, m := range way.Breached() {
		if !slices.ContainsFunc(met, func(b geofence.Met) bool { return b.AtEnd && b.Fence == m.Fence }) {
			m.At, m.InsideM = from.Point, length // it stays in a fence that it is in
			met = append(met, m)
		}
	}
	for _, m := range met {
		f := &m.Fence.Fence
		out = append(out, command.Met{
			ID: f.ID, Name: f.Name, Kind: f.Kind.String(), FromM: m.FromM, At: m.At, InsideM: m.InsideM, AtEnd: m.AtEnd, HeightUnknown: m.HeightUnknown,
		})
	}
	slices.SortStableFunc(out, func(a, b command.Met) int { return cmp.Compare(a.FromM, b.FromM) })
	return out
}

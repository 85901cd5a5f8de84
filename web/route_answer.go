package web

import (
	"math"

	"testzone/airspace/route"
	"testzone/geofence"
	"testzone/geofence/geo"
)

// MAV_CMD and MAV_FRAME of a mission.
const (
	waypoint, land, takeoff = 16, 21, 22
	frameAMSL               = 0
)

func routePathOf(air *route.Air, r *route.Route, kind string, clearance float64, lands bool) RoutePath {
	at := func(s float64) string { return timeOf(air.DepartUS + int64(math.Round(s*1e6))) }
	out := RoutePath{
		Kind: kind, Clearance: clearance, Level: metres(r.LevelMM), Length: tenths(r.LengthM), Seconds: tenths(r.Seconds),
		Depart: at(0), Arrive: at(r.Seconds), Legs: []RouteLeg{}, Near: []NearFence{}, Volumes: []RouteVolume{}, Back: []RouteBack{},
		Mission: missionOf(r, lands),
	}
	for _, l := range r.Legs {
		out.Legs = append(out.Legs, RouteLeg{
			From: routePoint(l.From, l.FromMM), To: routePoint(l.To, l.ToMM), Begins: at(l.FromS), Ends: at(l.ToS), Length: tenths(l.LengthM), Bearing: tenths(l.BearingDegrees),
		})
	}
	for _, n := range r.Near {
		out.Near = append(out.Near, NearFence{routeFence(n.Fence), tenths(n.Metres), n.LegFrom + 1})
	}
	wide := *air
	wide.ClearanceM = clearance
	for _, v := range r.Volumes(&wide, routeSpareS) {
		shape := geofence.Shape{Polygons: []geo.Polygon{{Outer: v.Outline}}}
		out.Volumes = append(out.Volumes, RouteVolume{
			Geometry: geometryOf(&shape), Lower: metres(v.FloorMM), Upper: metres(v.CeilingMM), From: timeOf(v.FromUS), Till: timeOf(v.TillUS),
		})
	}
	for _, b := range r.Back {
		out.Back = append(out.Back, RouteBack{b.Leg + 1, len(b.Fences) == 0, routeFences(b.Fences)})
	}
	return out
}

// missionOf has the autopilot climb where the route begins, and go from leg to leg.
func missionOf(r *route.Route, lands bool) []PlanItem {
	item := func(command int, to geo.Point, mm int32) PlanItem {
		unset := PlanParam(math.NaN())
		on := true
		return PlanItem{Command: command, Frame: frameAMSL, Autocontinue: &on, Params: []PlanParam{
			0, 0, 0, unset, PlanParam(degrees(to.Lat)), PlanParam(degrees(to.Lon)), PlanParam(metres(mm)),
		}}
	}
	out := []PlanItem{}
	for i, l := range r.Legs {
		command := waypoint
		switch {
		case i == 0 && l.From == l.To && l.ToMM > l.FromMM:
			command = takeoff
		case i == len(r.Legs)-1 && lands && l.From == l.To && l.ToMM < l.FromMM:
			command = land
		}
		out = append(out, item(command, l.To, l.ToMM))
	}
	if last := r.Legs[len(r.Legs)-1]; lands && out[len(out)-1].Command != land {
		out = append(out, item(land, last.To, last.ToMM))
	}
	return out
}

func routePoint(p geo.Point, mm int32) RoutePoint {
	return RoutePoint{degrees(p.Lat), degrees(p.Lon), metres(mm)}
}

func routeFence(c *geofence.Compiled) RouteFence {
	return RouteFence{c.Fence.ID, c.Fence.Name, c.Fence.Kind.String()}
}

func routeFences(set []*geofence.Compiled) []RouteFence {
	out := []RouteFence{}
	for _, c := range set[:min(len(set), 20)] {
		out = append(out, routeFence(c))
	}
	return out
}

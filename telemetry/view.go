package telemetry

import (
	"fmt"
	"strconv"
	"strings"

	"testzone/vehicles"
)

// View is what somebody may see of the zone's vehicles. Every query takes one,
// so that no handler can forget it. The zero value sees of each vehicle only the
// traffic picture that safety needs: where it is, how it moves, its class.
type View struct {
	whole    bool
	operator string
}

// WholeZone sees everything: the zone's own people.
func WholeZone() View { return View{whole: true} }

// OfOperator sees the vehicles and alerts of one operator in full.
func OfOperator(id string) View { return View{operator: id} }

// Whole reports whether the view sees everything.
func (v View) Whole() bool { return v.whole }

// Owns reports whether the view sees the vehicles of an operator in full.
func (v View) Owns(operator string) bool {
	return v.whole || v.operator != "" && v.operator == operator
}

// Shows reports whether the view shows a vehicle in full: its own, and traffic that
// is nobody's, which tells the whole sky who it is.
func (v View) Shows(id *vehicles.Identity) bool {
	return v.Owns(id.Operator) || id.Class.Traffic()
}

// trafficID names a vehicle of somebody else within this epoch.
const trafficID = "traffic-"

// Identity is a vehicle as the view shows it: one of somebody else without its
// name, its operator and its source. Nil stays nil.
func (v View) Identity(id *vehicles.Identity) *vehicles.Identity {
	if id == nil || v.Shows(id) {
		return id
	}
	return &vehicles.Identity{
		Handle: id.Handle, Class: id.Class, Verified: id.Verified,
		ID: vehicles.VehicleID(fmt.Sprint(trafficID, uint32(id.Handle))),
	}
}

// Lookup finds a vehicle by the id that the view shows it by.
func (v View) Lookup(r *vehicles.Registry, id vehicles.VehicleID) (vehicles.Handle, bool) {
	if h, ok := r.Lookup(id); ok {
		known := r.Identity(h)
		return h, known != nil && v.Owns(known.Operator)
	}
	number, ok := strings.CutPrefix(string(id), trafficID)
	if !ok {
		return 0, false
	}
	h, err := strconv.ParseUint(number, 10, 32)
	if err != nil || h == 0 || h >= vehicles.MaxHandles {
		return 0, false
	}
	known := r.Identity(vehicles.Handle(h))
	return vehicles.Handle(h), known != nil && !v.Owns(known.Operator)
}

// track is a track as the view shows it.
func (v View) track(t TrackView) TrackView {
	if v.Owns(t.Vehicle.Operator) {
		return t
	}
	const shown = vehicles.HasPosition
	return TrackView{
		Vehicle: v.Identity(t.Vehicle), Traffic: true,
		Track: vehicles.Track{
			Handle: t.Handle, Class: t.Class, Seen: t.Seen & shown,
			Fix: t.Fix, Velocity: t.Velocity, Heading: t.Heading, FixUS: t.FixUS, FixMS: t.FixMS, HeartbeatUS: t.HeartbeatUS,
			HAccMM: vehicles.AccUnknown, VAccMM: vehicles.AccUnknown, Battery: vehicles.BatteryUnknown,
		},
	}
}

// Alert is an alert as the view shows it; ok is false when it is none of its
// business. Of two vehicles that come too close an operator sees its own in full
// and the other as traffic.
func (v View) Alert(a *Alert) (shown *Alert, ok bool) {
	if v.whole {
		return a, true
	}
	if a.Area != nil {
		return v.area(a)
	}
	mine := v.Owns(a.Vehicle.Operator)
	other := a.Other != nil && v.Owns(a.Other.Operator)
	if a.Other != nil && a.Other.traffic() {
		other = mine
	}
	if !mine && !other {
		return nil, false
	}
	masked := *a
	if !mine {
		masked.Vehicle = traffic(a.Vehicle)
	}
	if a.Other != nil && !other {
		o := traffic(*a.Other)
		masked.Other = &o
	}
	return &masked, true
}

// area is an interference as the view shows it: where it is, and the own vehicles
// in it. Who has none there does not see it.
func (v View) area(a *Alert) (shown *Alert, ok bool) {
	masked, area := *a, *a.Area
	area.Vehicles = nil
	for _, in := range a.Area.Vehicles {
		if v.Owns(in.Operator) {
			area.Vehicles = append(area.Vehicles, in)
		}
	}
	masked.Area = &area
	return &masked, len(area.Vehicles) > 0
}

func traffic(v AlertVehicle) AlertVehicle {
	id := vehicles.VehicleID(trafficID + "unknown") // of an epoch before this one
	if v.Handle != 0 {
		id = vehicles.VehicleID(fmt.Sprint(trafficID, uint32(v.Handle)))
	}
	return AlertVehicle{ID: id, Handle: v.Handle, Class: v.Class, Verified: v.Verified}
}

// Event is an event as the view shows it; ok is false when it is none of its
// business. What is not named here an operator does not see.
func (v View) Event(b Body) (shown Body, ok bool) {
	if v.whole {
		return b, true
	}
	switch b := b.(type) {
	case *Alert:
		return v.Alert(b)
	case *Transition:
		return b, b.Vehicle != nil && v.Owns(b.Vehicle.Operator)
	case *Jump:
		return b, b.Vehicle != nil && v.Owns(b.Vehicle.Operator)
	case *FenceChange:
		return b, true
	}
	return b, v.notice(b)
}

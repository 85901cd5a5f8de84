package command

import (
	"context"
	"errors"
	"fmt"
	"math"

	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// ErrWay is returned when a fence is in the way of where a vehicle shall go.
var ErrWay = errors.New("a fence is in the way")

// Place is where a vehicle is sent: a point, and for an aircraft a height.
type Place struct {
	Point  geo.Point `json:"point"`
	MM     int32     `json:"mm,omitempty"`
	Datum  geo.Datum `json:"datum,omitempty"`
	Height bool      `json:"height,omitempty"` // it says how high
}

// Ways judges the way of a vehicle before it is sent on it.
type Ways interface {
	// Breached are the fences that a vehicle would breach that goes straight from one fix
	// to another, in the order in which it comes to them.
	Breached(v *vehicles.Identity, from, to geo.Fix) []Met
}

// Met is a fence that a way would breach. Lengths are metres over ground.
type Met struct {
	ID, Name, Kind string
	FromM          float64 // from the begin of the way to where it begins to be breached
	At             geo.Point
	InsideM        float64 // how much of the way is in breach, about
	AtEnd          bool    // and is when the vehicle is there
	HeightUnknown  bool    // it counts, because the height there is not known in the datum of the fence
}

func (m *Met) String() string {
	text := fmt.Sprintf("fence %q (%s) would be breached, %.0f m from here, for %.0f m of the way", m.Name, m.ID, m.FromM, m.InsideM)
	if m.AtEnd {
		text = fmt.Sprintf("fence %q (%s) is breached at the point", m.Name, m.ID)
	}
	if m.HeightUnknown {
		text += ", as its height there is not known in the datum of the fence"
	}
	return text
}

// Way is what would become of a vehicle that is sent to a point.
type Way struct {
	Class   vehicles.Class
	From    geo.Point
	M       float64 // over ground
	RiseMM  int32   // of an aircraft
	Fences  []Met   // that it would breach; it is not sent there
	command Command
}

// MAV_CMD_DO_REPOSITION and what goes with it.
const (
	cmdReposition = 192
	changeMode    = 1 // MAV_DO_REPOSITION_FLAGS: into the mode that goes to points

	frameAMSL     = 0 // MAV_FRAME_GLOBAL
	frameRelative = 3 // MAV_FRAME_GLOBAL_RELATIVE_ALT: above home
)

// maxWayM is how far a vehicle is sent straight: farther needs a route.
const maxWayM = 10_000

// Look is what would become of a vehicle that is sent to a point now. Nothing is sent.
func (d *Dispatcher) Look(ctx context.Context, id vehicles.VehicleID, to *Place) (Way, error) {
	v := d.identity(id)
	switch {
	case v == nil:
		return Way{}, fmt.Errorf("look at the way of %s: %w", id, ErrUnreachable)
	case !v.Verified:
		return Way{}, fmt.Errorf("look at the way of %s: %w", id, ErrUnverified)
	}
	p, err := planFor(v, Reposition)
	if err != nil {
		return Way{}, err
	}
	t, known := d.track(ctx, v)
	if err := allowedNow(Reposition, &t, known, d.nowUS()); err != nil {
		return Way{}, err
	}
	return d.wayTo(&p, &t, to)
}

// aim puts the target into the command, when the straight way there is free.
func (d *Dispatcher) aim(p *plan, t *telemetry.TrackView, to *Place) error {
	way, err := d.wayTo(p, t, to)
	if err != nil {
		return err
	}
	if len(way.Fences) > 0 {
		return fmt.Errorf("%w: %s: choose another point, or order HOLD or RETURN", ErrWay, &way.Fences[0])
	}
	p.commands[0] = way.command
	return nil
}

// wayTo is the straight way to a point, and the command for it.
func (d *Dispatcher) wayTo(p *plan, t *telemetry.TrackView, to *Place) (Way, error) {
	switch {
	case to == nil || !to.Point.Valid():
		return Way{}, cannot("REPOSITION needs a point to go to")
	case d.cfg.Ways == nil:
		return Way{}, cannot("nobody can judge the way here: order HOLD or RETURN")
	}
	w := Way{Class: t.Vehicle.Class, From: t.Fix.Point, M: geo.Distance(t.Fix.Point, to.Point), command: p.commands[0]}
	if w.M > maxWayM {
		return Way{}, cannot("the point is farther than %d km: a route has to be planned", maxWayM/1000)
	}
	end := geo.Fix{Point: to.Point, Heights: t.Fix.Heights}
	c := &w.command
	c.Frame, c.Params[4], c.Params[5] = frameRelative, float64(to.Point.Lat)/1e7, float64(to.Point.Lon)/1e7
	if t.Vehicle.Class == vehicles.UAV {
		rise, err := riseTo(t, to)
		if err != nil {
			return Way{}, err
		}
		if to.Datum == geo.AMSL {
			c.Frame = frameAMSL
		}
		c.Params[6], end.Heights, w.RiseMM = float64(to.MM)/1000, risen(t.Fix.Heights, rise), rise
	}
	w.Fences = d.cfg.Ways.Breached(t.Vehicle, t.Fix, end)
	return w, nil
}

// riseTo is how much an aircraft climbs to its target, mm.
func riseTo(t *telemetry.TrackView, to *Place) (int32, error) {
	if !to.Height || to.Datum != geo.AMSL && to.Datum != geo.Takeoff {
		return 0, cannot("an aircraft needs the height to go at, in metres above sea level (amsl) or above its take-off (takeoff)")
	}
	now, known := t.Fix.Heights.In(to.Datum)
	if !known {
		return 0, cannot("the height of the vehicle is not known in %s: order HOLD, or say the height in the other datum", to.Datum)
	}
	rise := int64(to.MM) - int64(now)
	if rise > math.MaxInt32/4 || rise < -math.MaxInt32/4 {
		return 0, cannot("no aircraft flies at %d m", to.MM/1000)
	}
	return int32(rise), nil
}

// risen are heights elsewhere, so much higher: the ground there is another, and is not
// known.
func risen(h geo.Heights, mm int32) (out geo.Heights) {
	for _, d := range []geo.Datum{geo.AMSL, geo.WGS84, geo.Takeoff} {
		if at, ok := h.In(d); ok {
			out.Set(d, at+mm)
		}
	}
	return out
}

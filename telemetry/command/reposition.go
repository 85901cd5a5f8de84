package command

import (
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
	// Blocked says which fence a vehicle would breach that goes straight from one fix to
	// another; empty: none.
	Blocked(v *vehicles.Identity, from, to geo.Fix) string
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

// aim puts the target into the command, when the straight way there is free.
func (d *Dispatcher) aim(p *plan, t *telemetry.TrackView, to *Place) error {
	switch {
	case to == nil || !to.Point.Valid():
		return cannot("REPOSITION needs a point to go to")
	case d.cfg.Ways == nil:
		return cannot("nobody can judge the way here: order HOLD or RETURN")
	case geo.Distance(t.Fix.Point, to.Point) > maxWayM:
		return cannot("the point is farther than %d km: a route has to be planned", maxWayM/1000)
	}
	end := geo.Fix{Point: to.Point, Heights: t.Fix.Heights}
	c := &p.commands[0]
	c.Frame, c.Params[4], c.Params[5] = frameRelative, float64(to.Point.Lat)/1e7, float64(to.Point.Lon)/1e7
	if t.Vehicle.Class == vehicles.UAV {
		rise, err := riseTo(t, to)
		if err != nil {
			return err
		}
		if to.Datum == geo.AMSL {
			c.Frame = frameAMSL
		}
		c.Params[6], end.Heights = float64(to.MM)/1000, risen(t.Fix.Heights, rise)
	}
	if fence := d.cfg.Ways.Blocked(t.Vehicle, t.Fix, end); fence != "" {
		return fmt.Errorf("%w: %s: choose another point, or order HOLD or RETURN", ErrWay, fence)
	}
	return nil
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

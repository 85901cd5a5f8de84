package command

import (
	"fmt"
	"math"
	"slices"

	"testzone/telemetry"
	"testzone/vehicles"
)

// MAV_CMD of orders.
const (
	cmdReturn   = 20  // NAV_RETURN_TO_LAUNCH
	cmdLand     = 21  // NAV_LAND
	cmdSetMode  = 176 // DO_SET_MODE
	cmdContinue = 193 // DO_PAUSE_CONTINUE
)

// MAV_AUTOPILOT with known modes.
const (
	arduPilot = 3
	px4       = 12
)

// plan is what is sent for an order: the first, and if the vehicle does not know
// it the next.
type plan struct {
	commands []Command
	modes    []uint32 // that its heartbeat shows then; none: they are not known
	motion   motion
}

// motion is how the effect of an order shows.
type motion uint8

const (
	stands motion = iota
	circles
	comesHome
	descends
	moves
	goes // to a point
	falls
)

// body is how a vehicle moves, by its MAV_TYPE.
type body uint8

const (
	noBody body = iota
	copter
	fixedWing
	vtol // a fixed wing that can hover
	rover
	boat
)

var bodyNames = [...]string{"machine of unknown type", "copter", "fixed wing", "VTOL", "ground vehicle", "boat"}

func bodyOf(mavType uint8) body {
	switch mavType {
	case 2, 3, 4, 13, 14, 15, 29, 35:
		return copter
	case 1:
		return fixedWing
	case 19, 20, 21, 22, 23, 24, 25:
		return vtol
	case 10:
		return rover
	case 11:
		return boat
	}
	return noBody
}

// fits reports whether a machine of a class moves so.
func (b body) fits(c vehicles.Class) bool {
	switch b {
	case copter, fixedWing, vtol:
		return c == vehicles.UAV
	case rover:
		return c == vehicles.ICV
	case boat:
		return c == vehicles.USV
	}
	return false
}

func setMode(n uint32) Command {
	return Command{ID: cmdSetMode, Params: [7]float64{1, float64(n)}}
}

func setPX4Mode(sub uint32) Command {
	return Command{ID: cmdSetMode, Params: [7]float64{1, 4, float64(sub)}}
}

// px4Auto is the custom_mode of PX4's main mode AUTO with a sub mode.
func px4Auto(sub uint32) uint32 { return 4<<16 | sub<<24 }

// cannot is why an order is not given, and what to do instead.
func cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCannot, fmt.Sprintf(format, args...))
}

// planFor is what is sent to a machine for an order.
func planFor(v *vehicles.Identity, k Kind) (plan, error) {
	b := bodyOf(v.Source.MAVType)
	if !b.fits(v.Class) {
		return plan{}, cannot("the vehicle is registered as %s and says that it is a %s (MAV_TYPE %d): call its contact, and mend the registration",
			v.Class, bodyNames[b], v.Source.MAVType)
	}
	p := plan{motion: motionOf(b, k)}
	switch {
	case k == Terminate:
		return plan{}, cannot("nobody ends a flight alone, and nothing does it by itself: a controller proposes it, another one confirms")
	case k == Stop && b == fixedWing:
		return plan{}, cannot("a fixed wing cannot stop: order HOLD, it circles")
	case k == Land && b == fixedWing:
		return plan{}, cannot("a fixed wing does not land where it is: order RETURN or HOLD")
	case k == Land && b == rover:
		return plan{}, cannot("a ground vehicle does not land: order STOP")
	case k == Land && b == boat:
		return plan{}, cannot("a boat does not land: order HOLD or RETURN")
	case k == Reposition && b == rover:
		return plan{}, cannot("a car is not sent to a point, nobody knows the lanes between: order STOP, and call its contact")
	}
	if k == Reposition {
		p.commands = []Command{{ID: cmdReposition, Params: [7]float64{-1, changeMode, 0, math.NaN()}, Located: true}}
	}
	switch v.Source.Autopilot {
	case arduPilot:
		p.ofArduPilot(b, k)
	case px4:
		p.ofPX4(k)
	default: // its modes are not known, and never guessed
		p.portable(k)
	}
	if len(p.commands) == 0 {
		return plan{}, cannot("nothing is known that makes this %s do it: call its contact", bodyNames[b])
	}
	return p, nil
}

func motionOf(b body, k Kind) motion {
	switch k {
	case Return:
		return comesHome
	case Land:
		return descends
	case Resume:
		return moves
	case Reposition:
		return goes
	case Terminate:
		return falls
	}
	if b == fixedWing || b == vtol { // one that hovers shows it by standing, see watch
		return circles
	}
	return stands
}

// arduPilotModes are the numbers of the modes for an order, the preferred one first.
// A copter in LOITER obeys the sticks, so that one whose transmitter is off would
// descend: BRAKE first. A boat drifts in HOLD: LOITER first.
var arduPilotModes = map[body]map[Kind][]uint32{
	copter:    {Hold: {17, 5}, Stop: {17, 5}, Return: {6, 21}, Land: {9}, Resume: {3}, Reposition: {4}},
	fixedWing: {Hold: {12}, Return: {11}, Resume: {10}, Reposition: {15}},
	vtol:      {Hold: {12}, Stop: {19}, Return: {11, 21}, Land: {20}, Resume: {10}, Reposition: {15}},
	rover:     {Hold: {4}, Stop: {4}, Return: {11, 12}, Resume: {10}},
	boat:      {Hold: {5, 4}, Stop: {5, 4}, Return: {11, 12}, Resume: {10}, Reposition: {15}},
}

func (p *plan) ofArduPilot(b body, k Kind) {
	p.modes = arduPilotModes[b][k]
	if len(p.modes) == 0 {
		return
	}
	switch {
	case k == Reposition: // the command changes the mode by itself
	case k == Return:
		p.commands = []Command{{ID: cmdReturn}, setMode(p.modes[0])}
	case k == Land && b == copter:
		p.commands = []Command{{ID: cmdLand}, setMode(p.modes[0])}
	default:
		for _, m := range p.modes {
			p.commands = append(p.commands, setMode(m))
		}
	}
}

// PX4's sub modes of AUTO.
const (
	px4Loiter  = 3
	px4Mission = 4
	px4Return  = 5
	px4Land    = 6
)

func (p *plan) ofPX4(k Kind) {
	sub := map[Kind]uint32{Hold: px4Loiter, Stop: px4Loiter, Return: px4Return, Land: px4Land, Resume: px4Mission, Reposition: px4Loiter}[k]
	p.modes = []uint32{px4Auto(sub)}
	if k == Reposition {
		return
	}
	p.commands = []Command{setPX4Mode(sub)}
	switch k {
	case Return:
		p.commands = slices.Insert(p.commands, 0, Command{ID: cmdReturn})
	case Land:
		p.commands = slices.Insert(p.commands, 0, Command{ID: cmdLand})
	}
}

func (p *plan) portable(k Kind) {
	switch k {
	case Hold, Stop:
		p.commands = []Command{{ID: cmdContinue}}
	case Return:
		p.commands = []Command{{ID: cmdReturn}}
	case Land:
		p.commands = []Command{{ID: cmdLand}}
	case Resume:
		p.commands = []Command{{ID: cmdContinue, Params: [7]float64{1}}}
	}
}

// staleUS is the age from which a position is no ground to send a vehicle on a way.
const staleUS = 5_000_000

// allowedNow is whether the moment allows an order: known is false when nothing is
// known of the vehicle's state.
func allowedNow(k Kind, t *telemetry.TrackView, known bool, nowUS int64) error {
	switch k {
	case Return:
		if !known || !t.HasFix() || nowUS-t.FixUS > staleUS || t.Quality(nowUS) == vehicles.QualityBad || t.Interfered(nowUS) {
			return cannot("the vehicle has no position that it can return by: order %s, and call its contact", withoutPosition(t.Vehicle))
		}
		if t.Phase() == vehicles.Parked {
			return cannot("the vehicle is parked: nothing has to return")
		}
	case Reposition:
		if !known || !t.HasFix() || nowUS-t.FixUS > staleUS || t.Quality(nowUS) == vehicles.QualityBad || t.Interfered(nowUS) {
			return cannot("the vehicle has no position that it can go by: order %s, and call its contact", withoutPosition(t.Vehicle))
		}
		if t.Phase() == vehicles.Parked {
			return cannot("the vehicle is parked, and is never started from here: its operator starts it")
		}
	case Land:
		if known && t.Phase() == vehicles.Parked {
			return cannot("the vehicle is on the ground")
		}
	case Resume:
		switch {
		case !known || nowUS-t.HeartbeatUS > staleUS:
			return cannot("what the vehicle does now is not known: wait until it is heard")
		case !t.Armed || t.Landed == vehicles.OnGround:
			return cannot("the vehicle is parked, and is never started from here: its operator starts it")
		}
	}
	return nil
}

// withoutPosition is what to order a vehicle that does not know where it is.
func withoutPosition(v *vehicles.Identity) string {
	switch bodyOf(v.Source.MAVType) {
	case copter, vtol:
		return "LAND or HOLD"
	case rover:
		return "STOP"
	}
	return "HOLD"
}

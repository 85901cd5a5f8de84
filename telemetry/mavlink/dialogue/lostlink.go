package dialogue

import (
	"context"

	"testzone/vehicles"
)

// Short names for the tables.
const (
	unknown = vehicles.LostLinkUnknown
	goOn    = vehicles.LostLinkContinue
	goHome  = vehicles.LostLinkReturn
	land    = vehicles.LostLinkLand
	hold    = vehicles.LostLinkHold
	end     = vehicles.LostLinkTerminate
)

// LostLink is what a vehicle's parameters say that it does without its links. A nil
// field is not known.
type LostLink struct {
	Action           vehicles.LostLinkAction // without its ground station
	ContinuesMission *bool                   // a mission goes on all the same
	DelayS           *float64
	Manual           vehicles.LostLinkAction // without the transmitter of its pilot
	ReturnM          *float64                // height on the way back, metres above take-off (TAKEOFF); nil also: as high as it is
	Rally            *bool                   // it has rally points, and returns to the nearest
	BatteryMAh       *float64

	Parameters map[string]float64 // as read
	Unanswered []string           // that were asked for in vain
	AtUS       int64              // when they were read, µs since the Unix epoch
}

// Known is what a registration says of it, which has one action: that in a mission.
func (l *LostLink) Known() vehicles.LostLink {
	action := l.Action
	if l.ContinuesMission != nil && *l.ContinuesMission {
		action = goOn
	}
	return vehicles.LostLink{
		Action: action, ReturnM: l.ReturnM, Rally: l.Rally != nil && *l.Rally, Basis: vehicles.FromParameters, AtUS: l.AtUS,
	}
}

// MAV_AUTOPILOT and MAV_TYPE that decide which parameters there are.
const (
	autopilotArduPilot = 3

	typeRover = 10
	typeBoat  = 11
	typeSub   = 12
)

// firmware is the kind of software on a vehicle.
type firmware uint8

const (
	otherFirmware firmware = iota
	arduCopter
	arduPlane
	arduRover // boats too
	px4
)

func firmwareOf(mavType, autopilot uint8) firmware {
	switch {
	case autopilot == autopilotPX4:
		return px4
	case autopilot != autopilotArduPilot || mavType == typeSub:
		return otherFirmware
	case mavType == typeRover || mavType == typeBoat:
		return arduRover
	case mavType == 1 || mavType >= 19 && mavType <= 25: // fixed wing, VTOL
		return arduPlane
	}
	return arduCopter
}

// profileParams are the parameters that the profile is read from. Versions differ
// in some names: each vehicle answers those that it has.
var profileParams = map[firmware][]string{
	arduCopter: {"FS_GCS_ENABLE", "FS_GCS_TIMEOUT", "FS_THR_ENABLE", "FS_OPTIONS", "RTL_ALT", "RTL_ALT_M", "RALLY_TOTAL", "BATT_CAPACITY"},
	arduPlane:  {"FS_GCS_ENABL", "FS_LONG_ACTN", "FS_LONG_TIMEOUT", "ALT_HOLD_RTL", "RTL_ALTITUDE", "RALLY_TOTAL", "BATT_CAPACITY"},
	arduRover:  {"FS_GCS_ENABLE", "FS_ACTION", "FS_TIMEOUT", "FS_GCS_TIMEOUT", "FS_THR_ENABLE", "RALLY_TOTAL", "BATT_CAPACITY"},
	px4:        {"NAV_DLL_ACT", "NAV_RCL_ACT", "RTL_RETURN_ALT", "COM_DL_LOSS_T", "BAT1_CAPACITY"},
}

// lostLink reads the profile. With an error the profile says that nothing is known.
func (e *Exchange) lostLink(ctx context.Context, p *peer) (LostLink, error) {
	kind := firmwareOf(p.mavType, p.autopilot)
	names := profileParams[kind]
	var got map[string]float64
	var err error
	if len(names) > 0 {
		got, err = e.params(ctx, p, names)
	}
	l := profileOf(kind, got)
	l.Unanswered = unanswered(names, got)
	l.Parameters, l.AtUS = got, e.cfg.Clock().UnixMicro()
	return l, err
}

// twins are two names of the same thing in different versions.
var twins = map[string]string{
	"RTL_ALT": "RTL_ALT_M", "RTL_ALT_M": "RTL_ALT", "ALT_HOLD_RTL": "RTL_ALTITUDE", "RTL_ALTITUDE": "ALT_HOLD_RTL",
	"FS_TIMEOUT": "FS_GCS_TIMEOUT", "FS_GCS_TIMEOUT": "FS_TIMEOUT",
}

func unanswered(names []string, got map[string]float64) (out []string) {
	for _, n := range names {
		_, ok := got[n]
		if _, other := got[twins[n]]; !ok && !other {
			out = append(out, n)
		}
	}
	return out
}

// profileOf says what parameters mean.
func profileOf(kind firmware, got map[string]float64) LostLink {
	l := LostLink{Action: unknown, Manual: unknown}
	read := parameters(got)
	switch kind {
	case arduCopter:
		l.copter(read)
	case arduPlane:
		l.plane(read)
	case arduRover:
		l.rover(read)
	case px4:
		l.px4(read)
	}
	if kind != px4 {
		if n, ok := read["RALLY_TOTAL"]; ok {
			some := n > 0
			l.Rally = &some
		}
		l.BatteryMAh = read.positive("BATT_CAPACITY", 1)
	}
	return l
}

type parameters map[string]float64

// positive is a parameter in another unit, nil if it is not there or not above 0.
func (p parameters) positive(name string, scale float64) *float64 {
	v, ok := p[name]
	if !ok || v <= 0 {
		return nil
	}
	v *= scale
	return &v
}

// action is what the value of a parameter stands for.
func (p parameters) action(name string, means map[int]vehicles.LostLinkAction) vehicles.LostLinkAction {
	v, ok := p[name]
	if !ok || v != float64(int(v)) {
		return unknown
	}
	if a, ok := means[int(v)]; ok {
		return a
	}
	return unknown
}

// either is the first of two that is there.
func either(a, b *float64) *float64 {
	if a != nil {
		return a
	}
	return b
}

// Of actions that fall back on another one where they cannot be done, the one that
// needs less counts: smart return or return is a return, brake or land a hold.
var (
	copterActions = map[int]vehicles.LostLinkAction{0: goOn, 1: goHome, 2: goHome, 3: goHome, 4: goHome, 5: land, 6: goHome, 7: hold}

	copterRadioActions = map[int]vehicles.LostLinkAction{0: goOn, 1: goHome, 2: goHome, 3: land, 4: goHome, 5: goHome, 6: goHome, 7: hold}
)

func (l *LostLink) copter(p parameters) {
	l.Action = p.action("FS_GCS_ENABLE", copterActions)
	l.Manual = p.action("FS_THR_ENABLE", copterRadioActions)
	if v, ok := p["FS_OPTIONS"]; ok {
		// Bit 1: go on in a mission; until version 4 a value of its own.
		on := int(v)&2 != 0 || p["FS_GCS_ENABLE"] == 2
		l.ContinuesMission = &on
	}
	l.ReturnM = either(p.positive("RTL_ALT_M", 1), p.positive("RTL_ALT", 0.01))
	l.DelayS = p.positive("FS_GCS_TIMEOUT", 1)
}

func (l *LostLink) plane(p parameters) {
	long := p.action("FS_LONG_ACTN", map[int]vehicles.LostLinkAction{
		0: goOn, 1: goHome, 2: land, // glides down
		3: end,  // parachute
		4: goOn, // its mission
		5: land,
	})
	l.Manual = long
	switch v, ok := p["FS_GCS_ENABL"]; {
	case ok && v == 0: // the failsafe of the ground station is off
		l.Action = goOn
	case ok:
		l.Action = long
	}
	l.ReturnM = either(p.positive("RTL_ALTITUDE", 1), p.positive("ALT_HOLD_RTL", 0.01))
	l.DelayS = p.positive("FS_LONG_TIMEOUT", 1)
}

func (l *LostLink) rover(p parameters) {
	action := p.action("FS_ACTION", map[int]vehicles.LostLinkAction{
		0: goOn, 1: goHome, 2: hold, 3: goHome, 4: goHome, 5: end, 6: hold,
	})
	switch v, ok := p["FS_GCS_ENABLE"]; {
	case ok && v == 0:
		l.Action = goOn
	case ok:
		l.Action = action
		on := v == 2
		l.ContinuesMission = &on
	}
	switch v, ok := p["FS_THR_ENABLE"]; {
	case ok && v == 0:
		l.Manual = goOn
	case ok:
		l.Manual = action
	}
	l.DelayS = either(p.positive("FS_GCS_TIMEOUT", 1), p.positive("FS_TIMEOUT", 1))
}

var px4Actions = map[int]vehicles.LostLinkAction{0: goOn, 1: hold, 2: goHome, 3: land, 5: end, 6: end} // 6: motors off

func (l *LostLink) px4(p parameters) {
	l.Action = p.action("NAV_DLL_ACT", px4Actions)
	l.Manual = p.action("NAV_RCL_ACT", px4Actions)
	l.ReturnM = p.positive("RTL_RETURN_ALT", 1)
	l.DelayS = p.positive("COM_DL_LOSS_T", 1)
	l.BatteryMAh = p.positive("BAT1_CAPACITY", 1)
}

// Package planfile reads and writes the plans of vehicles as the files of ground
// stations: QGroundControl's .plan (JSON, version 1: mission, fences and rally points
// together) and the waypoint file that begins with "QGC WPL 110" (one kind of plan).
//
// Nothing is left out in silence: a file is read whole, or refused with the item,
// counted from 1, and the key. Complex items (surveys, landing patterns) have no
// meaning without the program that made them; a mission that has one is refused. The
// home of a file is no item of the mission; Notes say what was taken as home. Jumps
// count in files from home as item 0; in a Set they count as the autopilot does that
// Read and Write are told: ArduPilot from home too, all others from the first item.
//
// Positions are WGS-84, latitude first; heights are metres in the frame of the item.
// Fences in these files have neither heights nor schedules. What Write wrote, Read
// reads back with the same meaning. What the plan would have a vehicle do is not
// judged here. Everything is a function of its arguments.
package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

var (
	// ErrTooLarge is returned when a file has more than MaxBytes.
	ErrTooLarge = errors.New("the plan file is too large")
	// ErrMalformed is returned when a file cannot be read as a plan; the error is an *Error.
	ErrMalformed = errors.New("the plan file cannot be read")
	// ErrCannotCarry is returned when a format has no place for a part of a plan; the error is an *Error.
	ErrCannotCarry = errors.New("the file format cannot carry the plan")
)

// MaxBytes of one file.
const MaxBytes = 8 << 20

// Format is a file format.
type Format string

// The formats.
const (
	QGC       Format = "plan"      // QGroundControl .plan
	Waypoints Format = "waypoints" // QGC WPL 110, of one kind of plan
)

// Home is the planned home of a file.
type Home struct {
	Point geo.Point
	AMSL  float64 // metres
}

// unknownHome is what files say that must name a home and know none.
var unknownHome = Home{}

// Set is what a file holds. A kind that has no items is not in the file.
type Set struct {
	Format Format
	Plans  [3]vehicles.Plan // by kind
	Home   *Home
	Notes  []string // what was assumed
}

// Error says what is wrong with which part of a file.
type Error struct {
	Err  error  // ErrMalformed or ErrCannotCarry
	Kind string // mission, fence or rally; empty: the whole file
	Item int    // from 1; 0: none
	Line int    // of a waypoint file, from 1; 0: none
	Key  string // or column; empty: none
	Why  string
}

func (e *Error) Error() string {
	at := e.Kind
	if e.Line > 0 {
		at = fmt.Sprintf("line %d", e.Line)
	}
	if e.Item > 0 {
		at += fmt.Sprintf(", item %d", e.Item)
	}
	if e.Key != "" {
		at += ", " + e.Key
	}
	if at == "" {
		return e.Err.Error() + ": " + e.Why
	}
	return fmt.Sprintf("%s: %s: %s", e.Err, at, e.Why)
}

func (e *Error) Unwrap() error { return e.Err }

// Read reads a file of either format for a vehicle with a MAV_AUTOPILOT.
func Read(data []byte, autopilot uint8) (*Set, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(data), MaxBytes, ErrTooLarge)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte order mark
	var s *Set
	var err error
	switch start := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(start, []byte("QGC WPL")):
		s, err = readWaypoints(data)
	case bytes.HasPrefix(start, []byte("{")):
		s, err = readQGC(data)
	default:
		return nil, &Error{Err: ErrMalformed, Why: `it is neither a .plan of QGroundControl (it begins with "{") nor a waypoint file (its first line is "QGC WPL 110")`}
	}
	if err != nil {
		return nil, err
	}
	empty := true
	for k := range s.Plans {
		p := &s.Plans[k]
		p.Kind = vehicles.PlanKind(k)
		empty = empty && len(p.Items) == 0
		if err := p.Check(); err != nil {
			return nil, checked(err)
		}
	}
	if empty {
		return nil, &Error{Err: ErrMalformed, Why: "it has neither a mission nor fences nor rally points"}
	}
	if err := jumps(s.Plans[vehicles.PlanMission].Items, fromFile(autopilot)); err != nil {
		return nil, err
	}
	return s, nil
}

// checked is what vehicles found wrong with a plan.
func checked(err error) error {
	var p *vehicles.PlanError
	if !errors.As(err, &p) {
		return err
	}
	return &Error{Err: ErrMalformed, Kind: p.Kind.String(), Item: p.Item + 1, Why: p.Why}
}

// doJump is MAV_CMD_DO_JUMP.
const doJump = 177

// fromFile is what makes the number of an item in a file one of an autopilot.
func fromFile(autopilot uint8) int {
	if autopilot == vehicles.AutopilotArduPilot {
		return 0
	}
	return -1
}

// Jumps reports whether a mission has jumps: what their numbers mean depends on the
// autopilot.
func Jumps(p *vehicles.Plan) bool {
	return slices.ContainsFunc(p.Items, func(i vehicles.PlanItem) bool { return i.Command == doJump })
}

// jumps moves the targets of jumps.
func jumps(items []vehicles.PlanItem, by int) error {
	for n := range items {
		if items[n].Command != doJump {
			continue
		}
		to := &items[n].Params[0]
		if !(*to >= 0 && *to <= vehicles.MaxPlanItems) || *to != float32(math.Trunc(float64(*to))) || int(*to)+by < 0 {
			return &Error{Err: ErrMalformed, Kind: vehicles.PlanMission.String(), Item: n + 1, Key: "parameter 1", Why: fmt.Sprintf("it jumps to item %g, which is not there", *to)}
		}
		*to += float32(by)
	}
	return nil
}

// Write writes plans for people with a ground station: Waypoints of exactly one kind.
func Write(w io.Writer, format Format, s *Set, autopilot uint8) error {
	out := *s
	for k := range out.Plans {
		p := &out.Plans[k]
		p.Kind, p.Items = vehicles.PlanKind(k), append([]vehicles.PlanItem(nil), p.Items...)
		if err := p.Check(); err != nil {
			return checked(err)
		}
	}
	if err := jumps(out.Plans[vehicles.PlanMission].Items, -fromFile(autopilot)); err != nil {
		return err
	}
	switch format {
	case QGC:
		return writeQGC(w, &out, autopilot)
	case Waypoints:
		return writeWaypoints(w, &out)
	}
	return &Error{Err: ErrCannotCarry, Why: "the format must be plan or waypoints"}
}

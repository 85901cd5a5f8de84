package planfile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"testzone/vehicles"
)

const waypointsHead = "QGC WPL 110"

// columns of a line of a waypoint file.
var columns = []string{"index", "current", "frame", "command", "parameter 1", "parameter 2", "parameter 3", "parameter 4", "latitude", "longitude", "altitude", "autocontinue"}

func readWaypoints(data []byte) (*Set, error) {
	s := &Set{Format: Waypoints}
	var items []vehicles.PlanItem
	var lines []int // of items
	lineNo, index := 0, 0
	head, home := false, false
	for line := range bytes.Lines(data) {
		lineNo++
		text := strings.TrimSpace(string(line))
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
			continue
		case !head:
			if head = true; text != waypointsHead {
				return nil, &Error{Err: ErrMalformed, Line: lineNo, Why: fmt.Sprintf("the first line must be %q", waypointsHead)}
			}
			continue
		}
		item, err := readLine(strings.Fields(text), lineNo, index)
		if err != nil {
			return nil, err
		}
		if index++; index == 1 && item.Command == 16 && item.Frame == vehicles.FrameGlobal {
			s.home(&item, lineNo)
			home = true
			continue
		}
		items, lines = append(items, item), append(lines, lineNo)
		if len(items) > vehicles.MaxPlanItems {
			return nil, &Error{Err: ErrMalformed, Line: lineNo, Why: fmt.Sprintf("more than %d items", vehicles.MaxPlanItems)}
		}
	}
	kind := vehicles.PlanMission
	for n := range items {
		k := kindOf(items[n].Command)
		if n > 0 && k != kind {
			return nil, &Error{Err: ErrMalformed, Line: lines[n], Item: n + 1, Key: "command", Why: fmt.Sprintf("%d is of a %s, the items before are of a %s: one file holds one of them", items[n].Command, k, kind)}
		}
		kind = k
	}
	s.Plans[kind].Items = items
	if !home && kind == vehicles.PlanMission { // its first line is no home: jumps count from it
		if err := jumps(items, 1); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// home takes in the first line, which is home, as Mission Planner and QGroundControl
// write it; 0, 0 stands for unknown.
func (s *Set) home(item *vehicles.PlanItem, line int) {
	p, _ := item.Point()
	if at := (Home{p, float64(item.Z)}); at != unknownHome {
		s.Home = &at
	}
	s.Notes = append(s.Notes, fmt.Sprintf("line %d, a waypoint above sea level at index 0, is the planned home and no item of the mission", line))
}

func kindOf(command uint16) vehicles.PlanKind {
	switch {
	case command >= vehicles.FenceReturnPoint && command <= vehicles.FenceCircleExclusion:
		return vehicles.PlanFence
	case command == vehicles.RallyPoint:
		return vehicles.PlanRally
	}
	return vehicles.PlanMission
}

// readLine reads the line of an item.
func readLine(fields []string, line, index int) (vehicles.PlanItem, error) {
	wrong := func(column int, format string, args ...any) error {
		e := &Error{Err: ErrMalformed, Line: line, Why: fmt.Sprintf(format, args...)}
		if column >= 0 {
			e.Key = columns[column]
		}
		return e
	}
	if len(fields) != len(columns) {
		return vehicles.PlanItem{}, wrong(-1, "%d columns, not %d", len(fields), len(columns))
	}
	var whole [4]uint64
	for n, most := range []uint64{math.MaxUint16, 1, math.MaxUint8, math.MaxUint16} {
		v, err := strconv.ParseUint(fields[n], 10, 64)
		if err != nil || v > most {
			return vehicles.PlanItem{}, wrong(n, "%q is not a whole number from 0 to %d", cut(fields[n]), most)
		}
		whole[n] = v
	}
	if whole[0] != uint64(index) {
		return vehicles.PlanItem{}, wrong(0, "%d follows where %d was to come: a line is missing or twice", whole[0], index)
	}
	var params [7]float64
	for n := range params {
		v, err := strconv.ParseFloat(fields[4+n], 64)
		if err != nil || math.IsInf(v, 0) {
			return vehicles.PlanItem{}, wrong(4+n, "%q is not a number", cut(fields[4+n]))
		}
		params[n] = v
	}
	on := fields[11]
	if on != "0" && on != "1" {
		return vehicles.PlanItem{}, wrong(11, "%q is neither 0 nor 1", cut(on))
	}
	item, bad := vehicles.PlanItemOf(uint16(whole[3]), uint8(whole[2]), params, on == "1")
	if bad > 0 {
		return item, wrong(3+bad, "%s is out of range", fields[3+bad])
	}
	if p, ok := item.Point(); ok && !p.Valid() {
		return item, wrong(8, "%s", notOnEarth(params[4], params[5]))
	}
	return item, nil
}

// cut keeps what a file says short in a message.
func cut(s string) string {
	if len(s) > 30 {
		return s[:30] + "…"
	}
	return s
}

func notOnEarth(lat, lon float64) string {
	why := fmt.Sprintf("%g, %g is not on the earth", lat, lon)
	if math.Abs(lat) > 90 && math.Abs(lat) <= 180 && math.Abs(lon) <= 90 {
		why += ": it seems that longitude comes first; latitude does"
	}
	return why
}

func writeWaypoints(w io.Writer, s *Set) error {
	var of *vehicles.Plan
	for k := range s.Plans {
		if p := &s.Plans[k]; len(p.Items) > 0 {
			if of != nil {
				return &Error{Err: ErrCannotCarry, Why: fmt.Sprintf("a waypoint file has room for one kind of plan, not for a %s and a %s", of.Kind, p.Kind)}
			}
			of = p
		}
	}
	if of == nil {
		return &Error{Err: ErrCannotCarry, Why: "there is nothing to write"}
	}
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, waypointsHead)
	index := 0
	line := func(it *vehicles.PlanItem) {
		fmt.Fprintf(out, "%d\t%d\t%d\t%d", index, one(index == 0), it.Frame, it.Command)
		for k, v := range it.Seven() {
			prec := -1
			if _, located := it.Point(); located && (k == 4 || k == 5) {
				prec = 8
			}
			fmt.Fprintf(out, "\t%s", strconv.FormatFloat(v, 'f', prec, 64))
		}
		fmt.Fprintf(out, "\t%d\n", one(it.Autocontinue))
		index++
	}
	if of.Kind == vehicles.PlanMission {
		home := vehicles.PlanItem{Command: 16, Frame: vehicles.FrameGlobal, Autocontinue: true}
		if s.Home != nil {
			home.X, home.Y, home.Z = s.Home.Point.Lat, s.Home.Point.Lon, float32(s.Home.AMSL)
		}
		line(&home)
	}
	for n := range of.Items {
		line(&of.Items[n])
	}
	return out.Flush()
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

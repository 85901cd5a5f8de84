package planfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// The parts of a .plan. Numbers are pointers: null and absent are not 0.
type (
	qgcFile struct {
		FileType      string    `json:"fileType"`
		Version       int       `json:"version"`
		GroundStation string    `json:"groundStation"`
		GeoFence      *qgcFence `json:"geoFence"`
		Mission       *qgcPlan  `json:"mission"`
		RallyPoints   *qgcRally `json:"rallyPoints"`
	}
	qgcPlan struct {
		Version      int               `json:"version"`
		Firmware     int               `json:"firmwareType"`
		VehicleType  int               `json:"vehicleType"`
		CruiseMS     float64           `json:"cruiseSpeed"`
		HoverMS      float64           `json:"hoverSpeed"`
		AltitudeMode int               `json:"globalPlanAltitudeMode"`
		Home         []*float64        `json:"plannedHomePosition"`
		Items        []json.RawMessage `json:"items"`
	}
	qgcItem struct {
		Type    string     `json:"type"`
		Complex string     `json:"complexItemType,omitempty"`
		Command *uint16    `json:"command"`
		Frame   *uint8     `json:"frame"`
		Params  []*float64 `json:"params"`
		On      *bool      `json:"autoContinue"`
		JumpID  int        `json:"doJumpId"`
	}
	qgcFence struct {
		Version  int               `json:"version"`
		Polygons []json.RawMessage `json:"polygons"`
		Circles  []json.RawMessage `json:"circles"`
		Return   []*float64        `json:"breachReturn,omitempty"`
	}
	qgcPolygon struct {
		Inclusion *bool        `json:"inclusion"`
		Ring      [][]*float64 `json:"polygon"`
		Version   int          `json:"version"`
	}
	qgcCircle struct {
		Inclusion *bool `json:"inclusion"`
		Circle    struct {
			Center []*float64 `json:"center"`
			Radius *float64   `json:"radius"`
		} `json:"circle"`
		Version int `json:"version"`
	}
	qgcRally struct {
		Version int          `json:"version"`
		Points  [][]*float64 `json:"points"`
	}
)

// part names a part of a .plan in errors.
type part struct {
	kind vehicles.PlanKind
	item int // from 1; 0: none
	what string
}

func (p part) wrong(key, format string, args ...any) error {
	if p.what != "" {
		key = p.what + key
	}
	return &Error{Err: ErrMalformed, Kind: p.kind.String(), Item: p.item, Key: key, Why: fmt.Sprintf(format, args...)}
}

// decode reads a part; what is wrong is named by its key.
func (p part) decode(raw json.RawMessage, to any) error {
	err := json.Unmarshal(raw, to)
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typ):
		return p.wrong(typ.Field, "a %s has no place there", cut(typ.Value))
	case err != nil:
		return p.wrong("", "%v", err)
	}
	return nil
}

// position reads [latitude, longitude] and, if it is there, a height.
func (p part) position(key string, in []*float64, room int) (at geo.Point, height float64, err error) {
	if len(in) != room {
		return at, 0, p.wrong(key, "%d numbers, not %d", len(in), room)
	}
	for n, v := range in {
		if v == nil {
			return at, 0, p.wrong(fmt.Sprintf("%s[%d]", key, n), "it is null")
		}
	}
	if !(math.Abs(*in[0]) <= 90 && math.Abs(*in[1]) <= 180) {
		return at, 0, p.wrong(key, "%s", notOnEarth(*in[0], *in[1]))
	}
	if room == 3 {
		height = *in[2]
	}
	return geo.Point{Lat: int32(math.Round(*in[0] * 1e7)), Lon: int32(math.Round(*in[1] * 1e7))}, height, nil
}

func readQGC(data []byte) (*Set, error) {
	var f qgcFile
	if err := json.Unmarshal(data, &f); err != nil {
		var typ *json.UnmarshalTypeError
		e := &Error{Err: ErrMalformed, Why: err.Error()}
		if errors.As(err, &typ) {
			e.Key, e.Why = typ.Field, fmt.Sprintf("a %s has no place there", cut(typ.Value))
		}
		return nil, e
	}
	switch {
	case f.FileType != "Plan":
		return nil, &Error{Err: ErrMalformed, Key: "fileType", Why: fmt.Sprintf("it is %q, and not Plan", cut(f.FileType))}
	case f.Version != 1:
		return nil, &Error{Err: ErrMalformed, Key: "version", Why: fmt.Sprintf("version %d is not known here, only 1", f.Version)}
	}
	s := &Set{Format: QGC}
	for _, read := range []func(*Set) error{f.Mission.read, f.GeoFence.read, f.RallyPoints.read} {
		if err := read(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (m *qgcPlan) read(s *Set) error {
	if m == nil {
		return nil
	}
	p := part{kind: vehicles.PlanMission}
	switch {
	case m.Version != 2:
		return p.wrong("version", "version %d is not known here, only 2: open the file in QGroundControl and store it anew", m.Version)
	case len(m.Items) > vehicles.MaxPlanItems:
		return p.wrong("items", "%d items; a vehicle takes %d at most", len(m.Items), vehicles.MaxPlanItems)
	}
	if m.Home != nil {
		at, amsl, err := p.position("plannedHomePosition", m.Home, 3)
		if err != nil {
			return err
		}
		if s.Home = (&Home{at, amsl}); *s.Home == unknownHome {
			s.Home = nil
		}
	}
	for n, raw := range m.Items {
		p.item = n + 1
		item, err := p.missionItem(raw)
		if err != nil {
			return err
		}
		s.Plans[p.kind].Items = append(s.Plans[p.kind].Items, item)
	}
	return nil
}

func (p part) missionItem(raw json.RawMessage) (item vehicles.PlanItem, err error) {
	var it qgcItem
	if err := p.decode(raw, &it); err != nil {
		return item, err
	}
	switch {
	case it.Type == "ComplexItem":
		return item, p.wrong("complexItemType", "a %q is not interpreted here and a mission without it would be another: send the mission to the vehicle from the ground station and read it back, or have it stored as simple items", cut(it.Complex))
	case it.Type != "SimpleItem":
		return item, p.wrong("type", "it is %q, and not SimpleItem", cut(it.Type))
	case it.Command == nil:
		return item, p.wrong("command", "it is missing")
	case it.Frame == nil:
		return item, p.wrong("frame", "it is missing")
	case it.JumpID != 0 && it.JumpID != p.item:
		return item, p.wrong("doJumpId", "it is %d: jumps would lead elsewhere", it.JumpID)
	case len(it.Params) != 7:
		return item, p.wrong("params", "%d parameters, not 7", len(it.Params))
	}
	var params [7]float64
	for n, v := range it.Params {
		if params[n] = math.NaN(); v != nil {
			params[n] = *v
		}
	}
	item, bad := vehicles.PlanItemOf(*it.Command, *it.Frame, params, it.On == nil || *it.On)
	if bad > 0 {
		return item, p.wrong(fmt.Sprintf("params[%d]", bad-1), "it is null or out of range")
	}
	if at, ok := item.Point(); ok && !at.Valid() {
		return item, p.wrong("params[4]", "%s", notOnEarth(params[4], params[5]))
	}
	return item, nil
}

func (g *qgcFence) read(s *Set) error {
	if g == nil {
		return nil
	}
	fences := &s.Plans[vehicles.PlanFence].Items
	if g.Version != 2 && (len(g.Polygons) > 0 || len(g.Circles) > 0 || g.Return != nil) {
		return part{kind: vehicles.PlanFence}.wrong("version", "version %d is not known here, only 2: open the file in QGroundControl and store it anew", g.Version)
	}
	if g.Return != nil {
		at, up, err := part{kind: vehicles.PlanFence}.position("breachReturn", g.Return, 3)
		if err != nil {
			return err
		}
		*fences = append(*fences, vehicles.PlanItem{Command: vehicles.FenceReturnPoint, Frame: vehicles.FrameRelativeInt, X: at.Lat, Y: at.Lon, Z: float32(up), Autocontinue: true})
	}
	for n, raw := range g.Polygons {
		items, err := part{vehicles.PlanFence, 0, fmt.Sprintf("polygons[%d].", n)}.polygon(raw)
		if err != nil {
			return err
		}
		*fences = append(*fences, items...)
		if len(*fences) > vehicles.MaxPlanItems {
			break // Check says so
		}
	}
	for n, raw := range g.Circles {
		item, err := part{vehicles.PlanFence, 0, fmt.Sprintf("circles[%d].", n)}.circle(raw)
		if err != nil {
			return err
		}
		*fences = append(*fences, item)
	}
	return nil
}

func (p part) polygon(raw json.RawMessage) ([]vehicles.PlanItem, error) {
	var in qgcPolygon
	if err := p.decode(raw, &in); err != nil {
		return nil, err
	}
	if in.Inclusion == nil {
		return nil, p.wrong("inclusion", "it is missing: whether vehicles stay inside or outside is not said")
	}
	if len(in.Ring) < 3 || len(in.Ring) > vehicles.MaxPlanItems {
		return nil, p.wrong("polygon", "%d vertices", len(in.Ring))
	}
	command := uint16(vehicles.FencePolygonExclusion)
	if *in.Inclusion {
		command = vehicles.FencePolygonInclusion
	}
	var out []vehicles.PlanItem
	for n, v := range in.Ring {
		at, _, err := p.position(fmt.Sprintf("polygon[%d]", n), v, 2)
		if err != nil {
			return nil, err
		}
		out = append(out, vehicles.PlanItem{Command: command, Frame: vehicles.FrameGlobalInt, Params: [4]float32{float32(len(in.Ring))}, X: at.Lat, Y: at.Lon, Autocontinue: true})
	}
	return out, nil
}

func (p part) circle(raw json.RawMessage) (item vehicles.PlanItem, err error) {
	var in qgcCircle
	if err := p.decode(raw, &in); err != nil {
		return item, err
	}
	switch {
	case in.Inclusion == nil:
		return item, p.wrong("inclusion", "it is missing: whether vehicles stay inside or outside is not said")
	case in.Circle.Radius == nil:
		return item, p.wrong("circle.radius", "it is missing")
	}
	at, _, err := p.position("circle.center", in.Circle.Center, 2)
	item = vehicles.PlanItem{Command: vehicles.FenceCircleExclusion, Frame: vehicles.FrameGlobalInt, Params: [4]float32{float32(*in.Circle.Radius)}, X: at.Lat, Y: at.Lon, Autocontinue: true}
	if *in.Inclusion {
		item.Command = vehicles.FenceCircleInclusion
	}
	return item, err
}

func (r *qgcRally) read(s *Set) error {
	if r == nil || len(r.Points) == 0 {
		return nil
	}
	p := part{kind: vehicles.PlanRally}
	if r.Version != 1 && r.Version != 2 {
		return p.wrong("version", "version %d is not known here, only 1 and 2", r.Version)
	}
	for n, v := range r.Points {
		p.item = n + 1
		at, up, err := p.position(fmt.Sprintf("points[%d]", n), v, 3)
		if err != nil {
			return err
		}
		s.Plans[p.kind].Items = append(s.Plans[p.kind].Items, vehicles.PlanItem{Command: vehicles.RallyPoint, Frame: vehicles.FrameRelativeInt, X: at.Lat, Y: at.Lon, Z: float32(up), Autocontinue: true})
	}
	return nil
}

func writeQGC(w io.Writer, s *Set, autopilot uint8) error {
	home := unknownHome
	if s.Home != nil {
		home = *s.Home
	}
	f := qgcFile{
		FileType: "Plan", Version: 1, GroundStation: "testzone",
		// The speeds are those that QGroundControl asks for; they are not sent to a vehicle.
		Mission: &qgcPlan{
			Version: 2, Firmware: int(autopilot), VehicleType: 2, CruiseMS: 15, HoverMS: 5, AltitudeMode: 1,
			Home: append(pair(home.Point), &home.AMSL), Items: []json.RawMessage{},
		},
		GeoFence:    &qgcFence{Version: 2, Polygons: []json.RawMessage{}, Circles: []json.RawMessage{}},
		RallyPoints: &qgcRally{Version: 2, Points: [][]*float64{}},
	}
	mission := s.Plans[vehicles.PlanMission].Items
	for n := range mission {
		it := &mission[n]
		seven := it.Seven()
		out := qgcItem{Type: "SimpleItem", Command: &it.Command, Frame: &it.Frame, On: &it.Autocontinue, JumpID: n + 1}
		for k := range seven {
			v := &seven[k]
			if math.IsNaN(*v) {
				v = nil
			}
			out.Params = append(out.Params, v)
		}
		f.Mission.Items = append(f.Mission.Items, encoded(out))
	}
	if err := f.GeoFence.write(s.Plans[vehicles.PlanFence].Items); err != nil {
		return err
	}
	rally := s.Plans[vehicles.PlanRally].Items
	for n := range rally {
		it := &rally[n]
		if !relative(it.Frame) {
			return &Error{Err: ErrCannotCarry, Kind: "rally", Item: n + 1, Key: "frame", Why: "a .plan has rally points above home only: write a waypoint file"}
		}
		up := it.Seven()[6]
		f.RallyPoints.Points = append(f.RallyPoints.Points, append(pair(geo.Point{Lat: it.X, Lon: it.Y}), &up))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "    ")
	return e.Encode(&f)
}

func encoded(v any) json.RawMessage {
	raw, _ := json.Marshal(v) // numbers and strings: it cannot fail
	return raw
}

func relative(frame uint8) bool {
	return frame == vehicles.FrameGlobalRelative || frame == vehicles.FrameRelativeInt
}

func pair(p geo.Point) []*float64 {
	lat, lon := float64(p.Lat)/1e7, float64(p.Lon)/1e7
	return []*float64{&lat, &lon}
}

func (g *qgcFence) write(items []vehicles.PlanItem) error {
	for n := 0; n < len(items); n++ {
		it := &items[n]
		at, params := geo.Point{Lat: it.X, Lon: it.Y}, it.Seven()
		cannot := func(key, why string) error {
			return &Error{Err: ErrCannotCarry, Kind: "fence", Item: n + 1, Key: key, Why: why}
		}
		inclusion := it.Command == vehicles.FencePolygonInclusion || it.Command == vehicles.FenceCircleInclusion
		switch {
		case it.Command == vehicles.FenceReturnPoint && g.Return != nil:
			return cannot("command", "a .plan has one return point: write a waypoint file")
		case it.Command == vehicles.FenceReturnPoint && it.Z != 0 && !relative(it.Frame):
			return cannot("frame", "a .plan has the return point above home only: write a waypoint file")
		case it.Command == vehicles.FenceReturnPoint:
			up := params[6]
			if math.IsNaN(up) {
				up = 0
			}
			g.Return = append(pair(at), &up)
		case inclusion && it.Params[1] != 0 && it.Params[1] == it.Params[1]:
			return cannot("parameter 2", "a .plan has no groups of inclusions: write a waypoint file")
		case it.Command == vehicles.FencePolygonInclusion || it.Command == vehicles.FencePolygonExclusion:
			count := int(it.Params[0]) // checked
			p := qgcPolygon{Inclusion: &inclusion, Version: 1}
			for _, v := range items[n : n+count] {
				p.Ring = append(p.Ring, pair(geo.Point{Lat: v.X, Lon: v.Y}))
			}
			g.Polygons = append(g.Polygons, encoded(p))
			n += count - 1
		default:
			c := qgcCircle{Inclusion: &inclusion, Version: 1}
			c.Circle.Center, c.Circle.Radius = pair(at), &params[0]
			g.Circles = append(g.Circles, encoded(c))
		}
	}
	return nil
}

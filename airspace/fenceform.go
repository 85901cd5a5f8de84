package airspace

import (
	"errors"
	"fmt"
	"slices"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry/journal"
	"testzone/vehicles"
)

// fenceEntry is the journal's form of decisions about fences, in lattice units.
// Schema DecisionSchema. Members are added, never changed: entries of older
// programs are read for ever.
type fenceEntry struct {
	Type    string        `json:"type"` // fence.put, fence.deleted, fence.batch
	Fence   *fenceJSON    `json:"fence,omitempty"`
	ID      string        `json:"id,omitempty"`
	Rev     uint64        `json:"rev,omitempty"`
	Changes []fenceChange `json:"changes,omitempty"` // of a batch, in its order
	By      string        `json:"by"`
	AtUS    int64         `json:"at_us"`

	Request *journal.Request `json:"request,omitempty"` // under whose key; in every entry of a batch
}

// fenceChange is one change of a batch: a fence that is put, or a deletion.
type fenceChange struct {
	Fence *fenceJSON `json:"fence,omitempty"`
	ID    string     `json:"id,omitempty"`
	Rev   uint64     `json:"rev,omitempty"`
}

const (
	fencePut     = "fence.put"
	fenceDeleted = "fence.deleted"
	fenceBatch   = "fence.batch"
)

type fenceJSON struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Polygons [][][][2]int32 `json:"polygons,omitempty"` // polygon, ring (first is outer), vertex {lon, lat} degE7
	Circle   *circleJSON    `json:"circle,omitempty"`
	Corridor *corridorJSON  `json:"corridor,omitempty"`
	Floor    *altitudeJSON  `json:"floor,omitempty"`
	Ceiling  *altitudeJSON  `json:"ceiling,omitempty"`
	Classes  []string       `json:"classes,omitempty"`
	Response string         `json:"response"`
	Origin   string         `json:"origin"`
	OriginID string         `json:"origin_id,omitempty"`
	Rev      uint64         `json:"rev"`

	Edges           string               `json:"edges,omitempty"` // "geodesic"; absent: straight in lon/lat
	Schedule        *scheduleJSON        `json:"schedule,omitempty"`
	Operators       []string             `json:"operators,omitempty"`
	Vehicles        []vehicles.VehicleID `json:"vehicles,omitempty"`
	ExemptOperators []string             `json:"exempt_operators,omitempty"`
	ExemptVehicles  []vehicles.VehicleID `json:"exempt_vehicles,omitempty"`
	Permits         []string             `json:"permits,omitempty"`
	ExemptPermits   []string             `json:"exempt_permits,omitempty"`
	SpeedMPS        float64              `json:"speed_mps,omitempty"`
	MarginM         float64              `json:"margin_m,omitempty"`
	Group           string               `json:"group,omitempty"`
}

type circleJSON struct {
	Center  [2]int32 `json:"center"`
	RadiusM float64  `json:"radius_m"`
}

type corridorJSON struct {
	Line   [][2]int32 `json:"line"`
	WidthM float64    `json:"width_m"`
}

type altitudeJSON struct {
	MM    int32  `json:"mm"`
	Datum string `json:"datum"`
}

type scheduleJSON struct {
	Windows  [][2]int64   `json:"windows,omitempty"` // from, to in Unix microseconds
	Weekly   []weeklyJSON `json:"weekly,omitempty"`
	Holidays string       `json:"holidays,omitempty"` // "except" or "only"
}

type weeklyJSON struct {
	Days uint8    `json:"days"` // Monday is bit 0
	From edgeJSON `json:"from"`
	To   edgeJSON `json:"to"`
}

type edgeJSON struct {
	Base    string `json:"base,omitempty"` // "sunrise" or "sunset"; absent: the clock
	Minutes int    `json:"minutes"`
}

func encodeFence(f *geofence.Fence) *fenceJSON {
	out := &fenceJSON{
		ID: f.ID, Name: f.Name, Kind: f.Kind.String(), Response: string(f.Response),
		Origin: f.Origin.Kind, OriginID: f.Origin.ID, Rev: f.Rev,
		Floor: encodeAltitude(f.Floor), Ceiling: encodeAltitude(f.Ceiling), Schedule: encodeSchedule(&f.Schedule),
		Operators: f.Operators, Vehicles: f.Vehicles, ExemptOperators: f.ExemptOperators, ExemptVehicles: f.ExemptVehicles,
		Permits: f.Permits, ExemptPermits: f.ExemptPermits,
		SpeedMPS: f.SpeedMPS, MarginM: f.MarginM, Group: f.Group,
	}
	if f.Edges == geofence.Geodesic {
		out.Edges = geodesicEdges
	}
	for _, p := range f.Shape.Polygons {
		rings := [][][2]int32{encodeRing(p.Outer)}
		for _, h := range p.Holes {
			rings = append(rings, encodeRing(h))
		}
		out.Polygons = append(out.Polygons, rings)
	}
	if c := f.Shape.Circle; c != nil {
		out.Circle = &circleJSON{Center: [2]int32{c.Center.Lon, c.Center.Lat}, RadiusM: c.RadiusM}
	}
	if c := f.Shape.Corridor; c != nil {
		out.Corridor = &corridorJSON{Line: encodeRing(c.Line), WidthM: c.WidthM}
	}
	for _, c := range f.Classes.List() {
		out.Classes = append(out.Classes, c.String())
	}
	return out
}

const geodesicEdges = "geodesic"

func encodeRing(r []geo.Point) [][2]int32 {
	out := make([][2]int32, len(r))
	for i, p := range r {
		out[i] = [2]int32{p.Lon, p.Lat}
	}
	return out
}

func encodeAltitude(a geo.Altitude) *altitudeJSON {
	if a.Datum == geo.NoDatum {
		return nil
	}
	return &altitudeJSON{MM: a.MM, Datum: a.Datum.String()}
}

func encodeSchedule(s *geofence.Schedule) *scheduleJSON {
	if len(s.Windows) == 0 && len(s.Weekly) == 0 && s.Holidays == geofence.HolidaysAsDays {
		return nil
	}
	out := &scheduleJSON{Holidays: holidayNames()[s.Holidays]}
	for _, w := range s.Windows {
		out.Windows = append(out.Windows, [2]int64{w.FromUS, w.ToUS})
	}
	for _, w := range s.Weekly {
		out.Weekly = append(out.Weekly, weeklyJSON{Days: uint8(w.Days), From: encodeEdge(w.From), To: encodeEdge(w.To)})
	}
	return out
}

func encodeEdge(e geofence.Edge) edgeJSON {
	return edgeJSON{Base: edgeBaseNames()[e.Base], Minutes: e.Minutes}
}

func holidayNames() map[geofence.HolidayRule]string {
	return map[geofence.HolidayRule]string{geofence.HolidaysAsDays: "", geofence.HolidaysExcept: "except", geofence.HolidaysOnly: "only"}
}

func edgeBaseNames() map[geofence.EdgeBase]string {
	return map[geofence.EdgeBase]string{geofence.Clock: "", geofence.Sunrise: "sunrise", geofence.Sunset: "sunset"}
}

var errFenceEntry = errors.New("fence entry is not readable")

func (j *fenceJSON) decode() (geofence.Fence, error) {
	f := geofence.Fence{
		ID: j.ID, Name: j.Name, Response: geofence.Response(j.Response),
		Origin: geofence.Origin{Kind: j.Origin, ID: j.OriginID}, Rev: j.Rev,
		Operators: orNil(j.Operators), Vehicles: orNil(j.Vehicles),
		ExemptOperators: orNil(j.ExemptOperators), ExemptVehicles: orNil(j.ExemptVehicles),
		Permits: orNil(j.Permits), ExemptPermits: orNil(j.ExemptPermits),
		SpeedMPS: j.SpeedMPS, MarginM: j.MarginM, Group: j.Group,
	}
	var ok bool
	if f.Kind, ok = geofence.ParseKind(j.Kind); !ok {
		return f, fmt.Errorf("%w: kind %q", errFenceEntry, j.Kind)
	}
	switch j.Edges {
	case "":
	case geodesicEdges:
		f.Edges = geofence.Geodesic
	default:
		return f, fmt.Errorf("%w: edges %q", errFenceEntry, j.Edges)
	}
	for _, name := range j.Classes {
		c, ok := vehicles.ParseClass(name)
		if !ok {
			return f, fmt.Errorf("%w: class %q", errFenceEntry, name)
		}
		f.Classes |= vehicles.ClassSet(c)
	}
	var errs [4]error
	f.Shape, errs[0] = j.shape()
	f.Floor, errs[1] = j.Floor.decode()
	f.Ceiling, errs[2] = j.Ceiling.decode()
	f.Schedule, errs[3] = j.Schedule.decode()
	return f, errors.Join(errs[:]...)
}

// orNil makes an empty list the one that JSON without it gives, and a copy: the
// state keeps nothing of a caller's.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

func (j *fenceJSON) shape() (s geofence.Shape, err error) {
	for _, rings := range j.Polygons {
		if len(rings) == 0 {
			return s, fmt.Errorf("%w: polygon without a ring", errFenceEntry)
		}
		p := geo.Polygon{Outer: decodeRing(rings[0])}
		for _, h := range rings[1:] {
			p.Holes = append(p.Holes, decodeRing(h))
		}
		s.Polygons = append(s.Polygons, p)
	}
	if c := j.Circle; c != nil {
		s.Circle = &geo.Circle{Center: geo.Point{Lon: c.Center[0], Lat: c.Center[1]}, RadiusM: c.RadiusM}
	}
	if c := j.Corridor; c != nil {
		s.Corridor = &geo.Corridor{Line: decodeRing(c.Line), WidthM: c.WidthM}
	}
	return s, nil
}

func (a *altitudeJSON) decode() (geo.Altitude, error) {
	if a == nil {
		return geo.Altitude{}, nil
	}
	d, ok := geo.ParseDatum(a.Datum)
	if !ok {
		return geo.Altitude{}, fmt.Errorf("%w: datum %q", errFenceEntry, a.Datum)
	}
	return geo.Altitude{MM: a.MM, Datum: d}, nil
}

func (s *scheduleJSON) decode() (out geofence.Schedule, err error) {
	if s == nil {
		return out, nil
	}
	known := false
	for rule, name := range holidayNames() {
		if name == s.Holidays {
			out.Holidays, known = rule, true
		}
	}
	if !known {
		return out, fmt.Errorf("%w: holidays %q", errFenceEntry, s.Holidays)
	}
	for _, w := range s.Windows {
		out.Windows = append(out.Windows, geofence.Window{FromUS: w[0], ToUS: w[1]})
	}
	for _, w := range s.Weekly {
		from, err1 := w.From.decode()
		to, err2 := w.To.decode()
		if err := errors.Join(err1, err2); err != nil {
			return out, err
		}
		out.Weekly = append(out.Weekly, geofence.Weekly{Days: geofence.Days(w.Days), From: from, To: to})
	}
	return out, nil
}

func (e edgeJSON) decode() (geofence.Edge, error) {
	for base, name := range edgeBaseNames() {
		if name == e.Base {
			return geofence.Edge{Base: base, Minutes: e.Minutes}, nil
		}
	}
	return geofence.Edge{}, fmt.Errorf("%w: edge from %q", errFenceEntry, e.Base)
}

func decodeRing(r [][2]int32) geo.Ring {
	out := make(geo.Ring, len(r))
	for i, v := range r {
		out[i] = geo.Point{Lon: v[0], Lat: v[1]}
	}
	return out
}

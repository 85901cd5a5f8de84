package web

import (
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/zonefile"
)

// Fence is an electronic fence.
type Fence struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Kind        string             `json:"kind" enum:"keep_out,keep_in,speed_limit"`
	Geometry    Geometry           `json:"geometry"`
	RadiusM     *float64           `json:"radius_m,omitempty" doc:"Of the circle around a Point"`
	WidthM      *float64           `json:"width_m,omitempty" doc:"Of the corridor around a LineString, from side to side"`
	Edges       string             `json:"edges" enum:"lonlat,geodesic" doc:"What the line between two vertices is"`
	Floor       *zonefile.Height   `json:"floor" doc:"Lower limit; null: none"`
	Ceiling     *zonefile.Height   `json:"ceiling" doc:"Upper limit; null: none"`
	Schedule    *zonefile.Schedule `json:"schedule" doc:"Null: always in force"`
	Applies     zonefile.Applies   `json:"applies"`
	Response    string             `json:"response" enum:"warn,hold,return,land,stop" doc:"What is asked of a vehicle in breach"`
	SpeedMPS    *float64           `json:"speed_mps" doc:"Highest speed over ground within a speed limit; null for other kinds"`
	MarginM     float64            `json:"margin_m" doc:"A keep-out grows by it, a keep-in shrinks"`
	Group       string             `json:"group" doc:"Being inside any keep-in of a group complies with all of them; empty: none"`
	InForce     bool               `json:"in_force" doc:"By its schedule, now; for people of a sandbox by the clock of the sandbox, which enforcement does not follow"`
	ChangesAt   *string            `json:"changes_at" format:"date-time" doc:"When in_force changes next; null: never, or, of weekly entries, not within a week"`
	Origin      Origin             `json:"origin"`
	Provisional bool               `json:"provisional,omitempty" doc:"An emergency fence that is in force and that the journal does not have yet: it may end with the server"`

	Rev       uint64 `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string `json:"created_at" format:"date-time"`
	UpdatedAt string `json:"updated_at" format:"date-time"`
	UpdatedBy string `json:"updated_by" doc:"Actor id"`
}

// Origin says who made a fence.
type Origin struct {
	Kind string `json:"kind" doc:"manual, permit, intent or restriction; only manual fences may be changed here" example:"manual"`
	ID   string `json:"id" doc:"Of the permit, intent or restriction; empty for manual"`
}

// FenceInput is what a caller may say about a fence.
type FenceInput struct {
	Name     string             `json:"name" minLength:"1" maxLength:"120"`
	Kind     string             `json:"kind" enum:"keep_out,keep_in,speed_limit"`
	Geometry Geometry           `json:"geometry"`
	RadiusM  *float64           `json:"radius_m,omitempty" minimum:"1" maximum:"200000" doc:"Needed with a Point, and only there"`
	WidthM   *float64           `json:"width_m,omitempty" minimum:"2" maximum:"10000" doc:"Needed with a LineString, and only there: from side to side"`
	Edges    string             `json:"edges,omitempty" enum:"lonlat,geodesic" default:"lonlat" doc:"What the line between two vertices is"`
	Floor    *zonefile.Height   `json:"floor,omitempty" accept:"null"`
	Ceiling  *zonefile.Height   `json:"ceiling,omitempty" accept:"null"`
	Schedule *zonefile.Schedule `json:"schedule,omitempty" accept:"null" doc:"Null: always in force"`
	Applies  *zonefile.Applies  `json:"applies,omitempty"`
	Response string             `json:"response,omitempty" enum:"warn,hold,return,land,stop" default:"warn"`
	SpeedMPS *float64           `json:"speed_mps,omitempty" nullable:"true" maximum:"400" doc:"Needed by a speed limit, and only there"`
	MarginM  float64            `json:"margin_m,omitempty" minimum:"0" maximum:"5000" doc:"A keep-out grows by it, a keep-in shrinks"`
	Group    string             `json:"group,omitempty" maxLength:"120" doc:"Of keep-ins"`

	fence    geofence.Fence     // what Resolve made of it
	compiled *geofence.Compiled // nil if it has faults
}

// formFault marks a fault of which the schema may have told already.
type formFault struct{}

// Resolve finds what a schema cannot: it runs with the schema's own check, so
// that all faults come in one answer.
func (in *FenceInput) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	form, rest := in.resolve(prefix.String())
	out := make([]error, 0, len(form)+len(rest))
	for _, f := range form {
		out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message, Value: formFault{}})
	}
	for _, f := range rest {
		out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message})
	}
	return out
}

// resolve separates what a schema may find too from what it cannot.
func (in *FenceInput) resolve(body string) (form []zonefile.Fault, rest []FieldError) {
	at := body + ".geometry"
	properties := zonefile.Properties{
		Name: in.Name, Kind: in.Kind, Edges: in.Edges, Floor: in.Floor, Ceiling: in.Ceiling, Schedule: in.Schedule, Applies: in.Applies,
		Response: in.Response, SpeedMPS: in.SpeedMPS, MarginM: in.MarginM, Group: in.Group,
	}
	f, form := properties.Fence(body)
	if len(in.Geometry) == 0 {
		return form, nil // the schema says that it is missing
	}
	shape, rest := parseGeometry(in.Geometry, at)
	f.Shape = shape
	measured := len(rest) == 0
	for _, m := range []struct {
		name, of string
		needed   bool
		given    *float64
	}{{"radius_m", "Point", shape.Circle != nil, in.RadiusM}, {"width_m", "LineString", shape.Corridor != nil, in.WidthM}} {
		switch {
		case m.needed && m.given == nil:
			rest = append(rest, FieldError{body + "." + m.name, "a " + m.of + " needs " + m.name})
			measured = false
		case !m.needed && m.given != nil:
			rest = append(rest, FieldError{body + "." + m.name, "only a " + m.of + " has " + m.name})
		case m.needed && shape.Circle != nil:
			f.Shape.Circle.RadiusM = *m.given
		case m.needed:
			f.Shape.Corridor.WidthM = *m.given
		}
	}
	if !measured {
		return form, rest
	}
	judged := f
	if len(form) > 0 { // told already: only the geometry and the band are still judged
		judged = geofence.Fence{Kind: geofence.KeepOut, Shape: f.Shape, Floor: f.Floor, Ceiling: f.Ceiling, Edges: f.Edges}
		if f.Kind == geofence.KeepIn {
			judged.Kind = f.Kind
		}
	}
	compiled, err := geofence.Compile(judged)
	if err != nil {
		rest = append(rest, shapeFaults(err, &f.Shape, body)...)
	}
	if len(form) == 0 && len(rest) == 0 {
		in.fence, in.compiled = f, compiled
	}
	return form, rest
}

// fenceOf is a fence for somebody whose clock is ahead.
func (s *Server) fenceOf(r *airspace.FenceRecord, ahead time.Duration) Fence {
	f := &r.Fence
	p := zonefile.PropertiesOf(f)
	inForce, changesAt := s.schedule(r, ahead)
	return Fence{
		ID: f.ID, Name: p.Name, Kind: p.Kind, Geometry: geometryOf(&f.Shape), RadiusM: p.RadiusM, WidthM: p.WidthM, Edges: p.Edges,
		Floor: p.Floor, Ceiling: p.Ceiling, Schedule: p.Schedule, Applies: *p.Applies, Response: p.Response, SpeedMPS: p.SpeedMPS,
		MarginM: p.MarginM, Group: p.Group, InForce: inForce, ChangesAt: changesAt,
		Origin: Origin{Kind: f.Origin.Kind, ID: f.Origin.ID}, Rev: f.Rev,
		CreatedAt: timeOf(r.CreatedUS), UpdatedAt: timeOf(r.UpdatedUS), UpdatedBy: r.UpdatedBy, Provisional: r.Provisional,
	}
}

// inputOf is a definition in the form in which it is given to the API.
func inputOf(f *geofence.Fence) *FenceInput {
	p := zonefile.PropertiesOf(f)
	return &FenceInput{
		Name: p.Name, Kind: p.Kind, Geometry: geometryOf(&f.Shape), RadiusM: p.RadiusM, WidthM: p.WidthM, Edges: p.Edges,
		Floor: p.Floor, Ceiling: p.Ceiling, Schedule: p.Schedule, Applies: p.Applies, Response: p.Response, SpeedMPS: p.SpeedMPS,
		MarginM: p.MarginM, Group: p.Group,
	}
}

// batchFaults says in places of the request why a batch was not applied.
func batchFaults(err *airspace.BatchError) (faults []FieldError, stale bool) {
	stale = true
	for _, f := range err.Faults {
		at := "body.changes[" + itoa(f.Index) + "]"
		faults = append(faults, FieldError{at, f.Err.Error()})
		stale = stale && errors.Is(f.Err, airspace.ErrStale)
	}
	return faults, stale
}

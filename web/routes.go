package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace/route"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

const (
	routeTimeout = 8 * time.Second     // for the waiting and the planning of one
	routeAhead   = 30 * 24 * time.Hour // departures are planned
	routeLate    = time.Minute         // a departure may be in the past when it is planned
	routeSpareS  = 10                  // of its volumes, before and after
)

// RoutePlace is where a route begins or ends.
type RoutePlace struct {
	Lat    float64 `json:"lat" minimum:"-90" maximum:"90"`
	Lon    float64 `json:"lon" minimum:"-180" maximum:"180"`
	Height float64 `json:"height_m" minimum:"-1000" maximum:"100000" doc:"Above mean sea level"`
}

// RouteInput asks for a route through the air.
type RouteInput struct {
	Vehicle string      `json:"vehicle_id,omitempty" maxLength:"64" doc:"Who flies it: the fences that are for it count. Empty: an aircraft that no fence names"`
	From    *RoutePlace `json:"from,omitempty" doc:"Default: where the vehicle is now"`
	Via     []Position  `json:"via,omitempty" maxItems:"98" doc:"To be passed, in this order"`
	To      RoutePlace  `json:"to"`
	Depart  *time.Time  `json:"depart_at,omitempty" doc:"Default now; at most 30 days ahead. Fences count as they are while it is flown"`

	Level   float64  `json:"level_m" minimum:"-1000" maximum:"100000" doc:"Height above mean sea level to fly at between the climb and the descent"`
	Lowest  *float64 `json:"lowest_m,omitempty" minimum:"-1000" maximum:"100000" doc:"The level may be as low; default level_m"`
	Highest *float64 `json:"highest_m,omitempty" minimum:"-1000" maximum:"100000" doc:"The level may be as high; default level_m"`
	Ground  *float64 `json:"ground_m,omitempty" minimum:"-1000" maximum:"9000" doc:"Height of the ground above mean sea level, where it is flat and known. Without it a fence above ground counts at every height"`

	Speed     float64 `json:"speed_mps,omitempty" minimum:"0.1" maximum:"200" default:"10" doc:"Over ground"`
	Climb     float64 `json:"climb_mps,omitempty" minimum:"0.1" maximum:"100" default:"3"`
	Sink      float64 `json:"sink_mps,omitempty" minimum:"0.1" maximum:"100" default:"2"`
	Clearance float64 `json:"clearance_m,omitempty" minimum:"1" maximum:"5000" default:"20" doc:"To every fence, sideways"`
	Up        float64 `json:"vertical_clearance_m,omitempty" minimum:"1" maximum:"1000" default:"5" doc:"To every fence, up and down"`

	Land         bool `json:"land,omitempty" doc:"The last item of the mission lands"`
	Alternatives bool `json:"alternatives,omitempty" doc:"And look for a route with more clearance, and for a higher one"`
}

// Resolve finds what a schema cannot.
func (in *RouteInput) Resolve(huma.Context) (faults []error) {
	fault := func(at, message string) {
		faults = append(faults, &huma.ErrorDetail{Location: "body." + at, Message: message})
	}
	if in.From == nil && in.Vehicle == "" {
		fault("from", "say where the route begins, or which vehicle flies it from where it is")
	}
	if in.Lowest != nil && *in.Lowest > in.Level {
		fault("lowest_m", "is above level_m")
	}
	if in.Highest != nil && *in.Highest < in.Level {
		fault("highest_m", "is below level_m")
	}
	return faults
}

// RoutePoint is a place of a route.
type RoutePoint struct {
	Lat    float64 `json:"lat"`
	Lon    float64 `json:"lon"`
	Height float64 `json:"height_m" doc:"Above mean sea level"`
}

// RouteLeg is a straight piece of a route.
type RouteLeg struct {
	From    RoutePoint `json:"from"`
	To      RoutePoint `json:"to"`
	Begins  string     `json:"begins_at" format:"date-time"`
	Ends    string     `json:"ends_at" format:"date-time"`
	Length  float64    `json:"length_m" doc:"Over ground: 0 of a climb and of a descent"`
	Bearing float64    `json:"bearing_degrees"`
}

// RouteFence is a fence that a route has to do with.
type RouteFence struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind" enum:"keep_out,keep_in,speed_limit"`
}

// NearFence is a fence beside a route.
type NearFence struct {
	RouteFence
	Metres float64 `json:"metres" doc:"From its edge to the nearest point of the route, over ground"`
	Leg    int     `json:"leg" doc:"Which leg comes so near, from 1"`
}

// RouteVolume is where an aircraft that flies a route is during one leg.
type RouteVolume struct {
	Geometry Geometry `json:"geometry" doc:"The leg and its clearance, a polygon"`
	Lower    float64  `json:"lower_m" doc:"Above mean sea level"`
	Upper    float64  `json:"upper_m" doc:"Above mean sea level"`
	From     string   `json:"from" format:"date-time"`
	Till     string   `json:"till" format:"date-time"`
}

// RouteBack is the straight way home of an aircraft that loses its link at the end of a leg.
type RouteBack struct {
	Leg    int          `json:"leg" doc:"From 1"`
	Clear  bool         `json:"clear"`
	Fences []RouteFence `json:"fences" doc:"That it would breach"`
}

// RoutePath is one way that was found; the fence engine has judged it and found no breach.
type RoutePath struct {
	Kind      string        `json:"kind" enum:"short,wide,high" doc:"wide: with the most of eight, four and two times the clearance; high: at highest_m, where noise is less"`
	Clearance float64       `json:"clearance_m" doc:"That it keeps, sideways"`
	Level     float64       `json:"level_m" doc:"Above mean sea level"`
	Length    float64       `json:"length_m" doc:"Over ground"`
	Seconds   float64       `json:"seconds"`
	Depart    string        `json:"depart_at" format:"date-time"`
	Arrive    string        `json:"arrive_at" format:"date-time"`
	Legs      []RouteLeg    `json:"legs"`
	Near      []NearFence   `json:"near" doc:"Fences within 500 m of it at its level, nearest first, at most 20"`
	Volumes   []RouteVolume `json:"volumes" doc:"One of each leg, with its clearances and 10 s before and after"`
	Back      []RouteBack   `json:"back" doc:"The way home from the end of each leg but the last: straight at that height, then down where the route begins"`
	Mission   []PlanItem    `json:"mission" doc:"For PUT /v1/vehicles/{id}/plans/mission"`
}

// Route is the answer to who asks for one.
type Route struct {
	RoutePath
	Assumed      []RouteFence `json:"assumed" doc:"Fences whose heights are not known here: they were kept out of, or in, at every height"`
	Alternatives []RoutePath  `json:"alternatives"`
}

// RouteRefusal is why there is no route, and what would do.
type RouteRefusal struct {
	Reason string       `json:"reason" enum:"begin,end,level,no_way,verification" doc:"begin, end: the aircraft would not be clear there, or on its climb or descent; level: none of the heights could be looked at; no_way: fences enclose it; verification: a way was found, and the fence engine would see a breach on it"`
	At     Position     `json:"position"`
	Fences []RouteFence `json:"fences" doc:"In the way, at most 20"`
	Levels []float64    `json:"levels_m" doc:"That were looked at, above mean sea level"`
	Later  *string      `json:"later" format:"date-time" doc:"The first departure of the next two days at which there is a route; null: none is known"`
	Level  *float64     `json:"level_m" doc:"The nearest level outside of what was asked at which there is a route; null: none is known"`
}

func (s *Server) routeEndpoints(api huma.API) {
	endpoint(s, api, operation("routes", "findRoute", http.MethodPost, "/v1/routes",
		"A route through the air that keeps clear of the fences as they will be while it is flown; nothing is kept", 400, 401, 403, 404, 409, 413, 415, 503), s.findRoute)
}

func (s *Server) findRoute(ctx context.Context, in *struct{ Body RouteInput }) (*struct{ Body Route }, error) {
	air, err := s.airOf(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	if s.cfg.Routes == nil {
		return nil, newProblem(ctx, http.StatusServiceUnavailable, "no_planner", "This server plans no routes.")
	}
	ctx, done := context.WithTimeout(ctx, routeTimeout)
	defer done()
	found, err := s.cfg.Routes.Plan(ctx, air)
	var others []route.Other
	if err == nil && in.Body.Alternatives {
		others, err = s.cfg.Routes.Others(ctx, air, found)
	}
	var refused *route.Refusal
	switch {
	case errors.As(err, &refused):
		return nil, refusedRoute(ctx, air, refused)
	case errors.Is(err, context.DeadlineExceeded):
		p := newProblem(ctx, http.StatusServiceUnavailable, "route_timeout", fmt.Sprintf("No route was found within %v. Ask for fewer places on the way, or again when fewer are planned.", routeTimeout))
		p.header = http.Header{"Retry-After": {"5"}}
		return nil, p
	case err != nil:
		return nil, err
	}
	out := Route{RoutePath: routePathOf(air, found, "short", air.ClearanceM, in.Body.Land), Assumed: routeFences(found.Assumed), Alternatives: []RoutePath{}}
	for _, o := range others {
		out.Alternatives = append(out.Alternatives, routePathOf(air, o.Route, o.Kind, o.ClearanceM, in.Body.Land))
	}
	return &struct{ Body Route }{out}, nil
}

// airOf is what is asked, for the planner.
func (s *Server) airOf(ctx context.Context, in *RouteInput) (*route.Air, error) {
	now := s.cfg.Clock()
	depart := now
	if in.Depart != nil {
		depart = *in.Depart
	}
	switch {
	case depart.Before(now.Add(-routeLate)):
		return nil, routeFault(ctx, "depart_at", "is over: it is "+timeOf(now.UnixMicro())+" now")
	case depart.After(now.Add(routeAhead)):
		return nil, routeFault(ctx, "depart_at", "is more than 30 days ahead: fences are not set so early")
	}
	air := &route.Air{
		Subject: geofence.Subject{Class: vehicles.UAV}, DepartUS: depart.UnixMicro(),
		LikedMM: millimetres(in.Level), LeastMM: millimetres(in.Level), MostMM: millimetres(in.Level),
		SpeedMPS: in.Speed, ClimbMPS: in.Climb, SinkMPS: in.Sink,
		ClearanceM: in.Clearance, HeightM: in.Up,
	}
	if in.Lowest != nil {
		air.LeastMM = millimetres(*in.Lowest)
	}
	if in.Highest != nil {
		air.MostMM = millimetres(*in.Highest)
	}
	if in.Ground != nil {
		air.GroundMM, air.GroundSeen = millimetres(*in.Ground), true
	}
	from, mm := geo.Point{}, int32(0)
	if in.Vehicle != "" {
		v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.Vehicle)
		if err != nil {
			return nil, err
		}
		reg := v.Registration()
		if reg.Class != vehicles.UAV {
			return nil, routeFault(ctx, "vehicle_id", "is no aircraft: routes on roads and on water are not planned yet")
		}
		air.Subject = geofence.Subject{Class: reg.Class, Operator: reg.Operator, Vehicle: reg.ID, Verified: true}
		if in.From == nil {
			if from, mm, err = s.whereIs(ctx, reg.ID); err != nil {
				return nil, err
			}
		}
	}
	if in.From != nil {
		from, mm = geo.Point{Lat: degE7(in.From.Lat), Lon: degE7(in.From.Lon)}, millimetres(in.From.Height)
	}
	air.BeginMM, air.EndMM = mm, millimetres(in.To.Height)
	air.Via = append(air.Via, from)
	for _, v := range in.Via {
		air.Via = append(air.Via, geo.Point{Lat: degE7(v.Lat), Lon: degE7(v.Lon)})
	}
	air.Via = append(air.Via, geo.Point{Lat: degE7(in.To.Lat), Lon: degE7(in.To.Lon)})
	if err := air.Check(); err != nil {
		return nil, routeFault(ctx, "", err.Error())
	}
	return air, nil
}

// whereIs is the place of a vehicle and its height above mean sea level.
func (s *Server) whereIs(ctx context.Context, id vehicles.VehicleID) (at geo.Point, mm int32, err error) {
	view := s.viewOf(ctx)
	h, known := view.Lookup(s.cfg.Registry, id)
	var t telemetry.TrackView
	if known {
		if t, known, err = s.cfg.Pipeline.Track(ctx, view, h); err != nil {
			return at, 0, err
		}
	}
	mm, high := t.Track.Fix.Heights.In(geo.AMSL)
	if !known || !t.HasFix() || !high {
		return at, 0, routeFault(ctx, "from", "where the vehicle is, or how high, is not known now: say where the route begins")
	}
	return t.Track.Fix.Point, mm, nil
}

func routeFault(ctx context.Context, at, message string) error {
	p := newProblem(ctx, http.StatusUnprocessableEntity, "invalid", "The request has faults; see errors.")
	p.Errors = []FieldError{{strings.TrimSuffix("body."+at, "."), message}}
	return p
}

func millimetres(m float64) int32 { return int32(math.Round(m * 1000)) }

// refusedRoute says why there is none, and what to do.
func refusedRoute(ctx context.Context, air *route.Air, r *route.Refusal) *Problem {
	out := &RouteRefusal{Reason: r.Reason, At: positionOf(r.Place), Fences: routeFences(r.Fences), Levels: []float64{}, Later: optionalTime(r.LaterUS)}
	for _, mm := range r.LevelsMM {
		out.Levels = append(out.Levels, metres(mm))
	}
	var names []string
	for _, f := range out.Fences[:min(len(out.Fences), 3)] {
		names = append(names, f.Name)
	}
	in := "is outside of the zone, or nearer to its edge or to a fence than the clearance"
	if len(names) > 0 {
		in = "is not clear of " + strings.Join(names, ", ")
	}
	var text string
	switch r.Reason {
	case "begin":
		text = "The begin of the route " + in + "."
	case "end":
		text = "The end of the route, or a place on it, " + in + "."
	case "verification":
		text = "The way that was found would breach " + strings.Join(names, ", ") + " by the fence engine's judgement."
	default:
		if text = "There is no way"; len(names) > 0 {
			text += " past " + strings.Join(names, ", ")
		}
		text += " with these clearances and levels."
	}
	if r.HasLevel {
		text += fmt.Sprintf(" At %.0f m there is one.", metres(r.HigherMM))
		out.Level = new(float64)
		*out.Level = metres(r.HigherMM)
	}
	if r.LaterUS != 0 {
		text += " There is one from " + timeOf(r.LaterUS) + " on."
	}
	if !r.HasLevel && r.LaterUS == 0 {
		text += " Ask for other places, a wider range of levels or less clearance."
	}
	p := newProblem(ctx, http.StatusConflict, "no_route", text)
	p.Route = out
	return p
}

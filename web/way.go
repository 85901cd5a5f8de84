package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/geofence/zonefile"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// Way is what would become of a vehicle that is sent to a point now.
type Way struct {
	VehicleID string     `json:"vehicle_id"`
	From      Position   `json:"from"`
	To        Place      `json:"to"`
	Distance  float64    `json:"distance_m" doc:"Over ground"`
	Climb     float64    `json:"climb_m" doc:"Of an aircraft: positive up"`
	Clear     bool       `json:"clear" doc:"No fence is in the way. The ground, and what stands on it, is not known"`
	Fences    []WayFence `json:"fences" doc:"That it would breach, in the order in which it comes to them; it is not sent there"`
	Priority  string     `json:"priority" doc:"Name of priority traffic whose keep-out is over the point, or comes over it; empty: none"`
}

// WayFence is a fence that a way would breach.
type WayFence struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Kind          string   `json:"kind" enum:"keep_out,keep_in,speed_limit"`
	FromM         float64  `json:"from_m" doc:"From where the vehicle is to where its breach begins"`
	Position      Position `json:"position" doc:"Where that is"`
	InsideM       float64  `json:"inside_m" doc:"How much of the way is in breach"`
	AtEnd         bool     `json:"at_end" doc:"It is breached at the point itself"`
	HeightUnknown bool     `json:"height_unknown" doc:"It counts, because the height there is not known in its datum"`
}

type wayInput struct {
	ID     string  `path:"id" maxLength:"64"`
	Lat    float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
	Lon    float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Height float64 `query:"height_m" minimum:"-1000" maximum:"100000" doc:"Of an aircraft, needed: at which height"`
	Datum  string  `query:"datum" enum:"amsl,takeoff" doc:"Of height_m"`
}

func (s *Server) wayEndpoint(api huma.API) {
	endpoint(s, api, operation("orders", "lookAtWay", http.MethodGet, "/v1/vehicles/{id}/way",
		"What would become of a vehicle that is sent straight to a point: nothing is sent", 401, 403, 404, 409), s.lookAtWay)
}

func (s *Server) lookAtWay(ctx context.Context, in *wayInput) (*struct{ Body Way }, error) {
	if _, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID); err != nil {
		return nil, err
	}
	to := Place{Lat: in.Lat, Lon: in.Lon}
	if in.Datum != "" {
		to.Height = &zonefile.Height{M: in.Height, Datum: in.Datum}
	}
	target := to.place()
	way, err := s.cfg.Orders.Look(ctx, vehicles.VehicleID(in.ID), target)
	if err != nil {
		return nil, err
	}
	out := Way{
		VehicleID: in.ID, From: positionOf(way.From), To: *placeOf(target), Distance: tenths(way.M), Climb: tenths(float64(way.RiseMM) / 1000),
		Clear: len(way.Fences) == 0, Fences: []WayFence{},
	}
	for _, m := range way.Fences {
		out.Fences = append(out.Fences, wayFenceOf(&m))
	}
	if s.cfg.Priority != nil {
		out.Priority, _ = s.cfg.Priority.InTheWay(way.Class, target.Point)
	}
	return &struct{ Body Way }{out}, nil
}

func wayFenceOf(m *command.Met) WayFence {
	return WayFence{
		ID: m.ID, Name: m.Name, Kind: m.Kind, FromM: tenths(m.FromM), Position: positionOf(m.At), InsideM: tenths(m.InsideM),
		AtEnd: m.AtEnd, HeightUnknown: m.HeightUnknown,
	}
}

package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry"
	"testzone/vehicles"
)

// TrafficTrack is an aircraft, a ship or a drone that is not the zone's, as the
// zone's vehicles hear it.
type TrafficTrack struct {
	ID         string            `json:"id" doc:"icao-, mmsi- or rid- and its own address, whoever reports it"`
	Handle     uint32            `json:"handle" format:"int64" doc:"Names it on the live channel within this epoch"`
	Name       string            `json:"name"`
	Class      string            `json:"class" enum:"aircraft,vessel"`
	Means      string            `json:"means" enum:"adsb,ais,remote_id"`
	Verified   bool              `json:"verified" doc:"A vehicle that proved who it is reports it; what it says of itself nobody vouches for"`
	Simulated  bool              `json:"simulated" doc:"It says itself that it is none"`
	Reporters  []TrafficReporter `json:"reporters" doc:"Who heard it last, newest first; those of the caller's own vehicles"`
	SameAs     *string           `json:"same_as" doc:"The vehicle of the zone that it is; null: none that is known"`
	Position   Position          `json:"position"`
	PositionAt string            `json:"position_at" format:"date-time" doc:"When it was there: receipt less the age that the reporter states"`
	Age        float64           `json:"age_s"`
	Heights    Heights           `json:"heights"`
	PressureM  *float64          `json:"pressure_altitude_m" doc:"In the standard atmosphere: not above sea level"`
	PressureBy *float64          `json:"pressure_off_m" doc:"How far it counts as off the height above sea level"`
	Course     *float64          `json:"course_deg" doc:"Over ground"`
	Speed      *float64          `json:"speed_mps" doc:"Over ground"`
	Climb      *float64          `json:"climb_mps" doc:"Positive up"`
	OnGround   bool              `json:"on_ground"`
	Callsign   string            `json:"callsign"`
	ShipName   string            `json:"ship_name"`
	Serial     string            `json:"serial_number" doc:"Of a remote id"`
	Squawk     *int              `json:"squawk" doc:"As digits: 7700 is the number 7700"`
	Distress   string            `json:"distress" enum:",hijack,radio,emergency" doc:"What it says of an emergency"`
	Category   *int              `json:"category" doc:"ADSB_EMITTER_TYPE, AIS_TYPE or MAV_ODID_UA_TYPE"`
	Pilot      *Position         `json:"pilot" doc:"Where a drone's pilot stands; for the zone's people and the departments"`
}

// TrafficReporter is a vehicle that heard a track.
type TrafficReporter struct {
	ID string `json:"id"`
	At string `json:"at" format:"date-time" doc:"Of its newest report: receipt less age"`
}

// TrafficList is all traffic.
type TrafficList struct {
	Items []TrafficTrack `json:"items"`
	Next  *string        `json:"next" doc:"Cursor of the next page; null at the end"`
}

type trafficListOutput struct {
	Body TrafficList
}

type trafficOutput struct {
	Body TrafficTrack
}

func (s *Server) trafficEndpoints(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "listTraffic", Method: http.MethodGet, Path: "/v1/traffic", Tags: []string{"vehicles"},
		Summary: "Aircraft, ships and drones that are not the zone's", Errors: []int{401, 403},
	}, s.listTraffic)
	endpoint(s, api, huma.Operation{
		OperationID: "getTraffic", Method: http.MethodGet, Path: "/v1/traffic/{id}", Tags: []string{"vehicles"},
		Summary: "One of them", Errors: []int{401, 403, 404},
	}, s.getTraffic)
}

func (s *Server) listTraffic(ctx context.Context, in *struct {
	Page
}) (*trafficListOutput, error) {
	var all []telemetry.TrafficView
	if s.cfg.Traffic != nil {
		all = s.cfg.Traffic.Tracks(s.viewOf(ctx))
	}
	views, next, err := paginate(s.cursors, listOf(ctx, "traffic"), in.Page, all,
		func(v *telemetry.TrafficView) string { return string(v.Vehicle.ID) },
		func(v *telemetry.TrafficView, last string) bool { return string(v.Vehicle.ID) > last })
	if err != nil {
		return nil, err
	}
	out := TrafficList{Items: []TrafficTrack{}, Next: next}
	nowUS := s.cfg.Clock().UnixMicro()
	for i := range views {
		out.Items = append(out.Items, trafficOf(&views[i], nowUS))
	}
	return &trafficListOutput{Body: out}, nil
}

func (s *Server) getTraffic(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"128"`
}) (*trafficOutput, error) {
	if s.cfg.Traffic == nil {
		return nil, telemetry.ErrNoTraffic
	}
	v, err := s.cfg.Traffic.Track(s.viewOf(ctx), vehicles.VehicleID(in.ID))
	if err != nil {
		return nil, err
	}
	return &trafficOutput{Body: trafficOf(&v, s.cfg.Clock().UnixMicro())}, nil
}

func trafficOf(v *telemetry.TrafficView, nowUS int64) TrafficTrack {
	id, t, now := v.Vehicle, &v.Track, &v.Sighting
	out := TrafficTrack{
		ID: string(id.ID), Handle: uint32(id.Handle), Name: id.Name, Class: id.Class.String(), Verified: id.Verified,
		Means: now.Means.String(), Simulated: now.Has&vehicles.SeenSimulated != 0, OnGround: now.Has&vehicles.SeenOnGround != 0,
		Reporters: []TrafficReporter{}, Position: positionOf(t.Fix.Point), PositionAt: timeOf(v.SeenUS),
		Age: float64(max(nowUS-v.SeenUS, 0)) / 1e6, Heights: heightsOf(&t.Fix.Heights),
		Callsign: now.Callsign.String(), ShipName: now.Name.String(), Serial: now.Serial.String(), Distress: now.Distress(),
	}
	for _, r := range v.By {
		out.Reporters = append(out.Reporters, TrafficReporter{ID: string(r.Vehicle.ID), At: timeOf(r.SeenUS)})
	}
	if v.Same != nil {
		same := string(v.Same.ID)
		out.SameAs = &same
	}
	number := func(is bool, value float64) *float64 {
		if !is {
			return nil
		}
		return &value
	}
	out.PressureM = number(now.Has&vehicles.SeenPressure != 0, metres(now.PressureMM))
	out.PressureBy = number(now.Has&vehicles.SeenPressure != 0, v.OffM)
	out.Course = number(t.Heading != vehicles.HeadingUnknown, float64(t.Heading)/100)
	out.Speed = number(v.Velocity, float64(t.SpeedCMS())/100)
	out.Climb = number(now.Has&vehicles.SeenVertical != 0, 0-float64(now.Velocity.D)/100)
	if now.Has&vehicles.SeenSquawk != 0 {
		squawk := int(now.Squawk)
		out.Squawk = &squawk
	}
	if now.Has&vehicles.SeenCategory != 0 {
		category := int(now.Category)
		out.Category = &category
	}
	if now.Has&vehicles.SeenOperator != 0 {
		pilot := positionOf(now.Operator)
		out.Pilot = &pilot
	}
	return out
}

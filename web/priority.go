package web

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/geofence/zonefile"
	"testzone/telemetry"
	"testzone/telemetry/priority"
	"testzone/vehicles"
)

const priorityPath = "/v1/priority-traffic"

// PriorityTraffic is traffic that has priority, with the keep-out that moves with it.
type PriorityTraffic struct {
	ID          string           `json:"id" doc:"Empty after a dry run"`
	Name        string           `json:"name"`
	Kind        string           `json:"kind" enum:"helicopter,aircraft,ambulance,fire_engine,police,ship,other"`
	Track       string           `json:"track" doc:"Id of the traffic that it follows; empty: placed by hand"`
	Route       []Position       `json:"route" doc:"Placed by hand: it was at the first point at the time at, and goes on along the others; with one point along course_deg"`
	At          *string          `json:"at" format:"date-time"`
	Course      float64          `json:"course_deg"`
	Speed       float64          `json:"speed_mps"`
	Radius      float64          `json:"radius_m" doc:"Of the keep-out"`
	Floor       *zonefile.Height `json:"floor" doc:"Null: none"`
	Ceiling     *zonefile.Height `json:"ceiling" doc:"Null: none"`
	Classes     []string         `json:"classes" doc:"Whom it is about; empty: everybody"`
	LookAhead   float64          `json:"look_ahead_s"`
	ClearBy     string           `json:"clear_by" format:"date-time" doc:"By when nobody is to be in its way"`
	Until       string           `json:"until" format:"date-time" doc:"It ends by itself"`
	EndedAt     *string          `json:"ended_at" format:"date-time"`
	Reason      string           `json:"reason" doc:"Of its end"`
	Provisional bool             `json:"provisional" doc:"It is in force so and the journal does not have it yet: a restart would end it"`
	Refused     string           `json:"refused,omitempty" doc:"Why the journal refused it"`

	Now *PriorityNow `json:"now" doc:"As the newest look found it, or in a dry run this one; null: it is over, nobody looked yet, or in the answer to an announcement"`

	Rev       uint64 `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string `json:"created_at" format:"date-time"`
	UpdatedAt string `json:"updated_at" format:"date-time"`
	UpdatedBy string `json:"updated_by" doc:"Actor id"`
}

// PriorityNow is where priority traffic is and who is in its way.
type PriorityNow struct {
	ClearIn  float64            `json:"clear_in_s" doc:"Until clear_by; negative: past"`
	Where    string             `json:"where" enum:"seen,lost,unseen,waiting,placed,arrived" doc:"lost: its track is old, the keep-out grows; unseen: its track was never seen, nobody is kept clear; placed: by hand, nobody watches it"`
	Position *Position          `json:"position" doc:"Null: nobody knows"`
	Course   float64            `json:"course_deg"`
	Speed    float64            `json:"speed_mps"`
	Radius   float64            `json:"radius_m" doc:"With what is uncertain"`
	Age      float64            `json:"age_s" doc:"Of its track, or since it was placed"`
	Verified bool               `json:"verified" doc:"Somebody who proved who it is reports it, or people placed it"`
	Path     []Position         `json:"path" doc:"Of the look-ahead, from where it is"`
	Affected []PriorityAffected `json:"affected" doc:"Vehicles in its way that the caller may see in full, by time to the conflict; at most 1000"`
	Unjudged []AlertVehicle     `json:"unjudged" doc:"Vehicles in motion of which nobody knows where they are"`
}

// PriorityAffected is a vehicle in the way of priority traffic.
type PriorityAffected struct {
	Vehicle       AlertVehicle `json:"vehicle"`
	Operator      string       `json:"operator"`
	How           string       `json:"how" enum:"inside,ahead,heading" doc:"ahead: the keep-out comes over it if it stays; heading: it moves into it if it goes on"`
	InS           float64      `json:"in_s" doc:"Until then; 0: now"`
	Position      Position     `json:"position"`
	HeightUnknown bool         `json:"height_unknown" doc:"It counts as inside the height band for that"`
	Stale         float64      `json:"stale_s" doc:"Age of its position, if that is too old to be relied on; else 0"`
	Exit          PriorityExit `json:"exit"`
	Call          string       `json:"call" doc:"Why its contact has to be called, and what to say; empty: an order reaches it"`
	Contact       *Contact     `json:"contact" doc:"Whom to call. Personal data, as of a vehicle: null for others, and if nobody is known"`
}

// PriorityExit is a way out that is offered; nothing is ordered by itself.
type PriorityExit struct {
	ID        string   `json:"id" doc:"Of this way out: one to another place has another"`
	Kind      string   `json:"kind" enum:"hold,move,descend,climb,none" doc:"hold: stay, it passes; none: no way out was found"`
	Position  Position `json:"position" doc:"Where it stands then; of none meaningless"`
	Height    *float64 `json:"height_amsl_m" doc:"Then; null: not known"`
	Direction float64  `json:"direction_deg" doc:"Of a move"`
	Distance  float64  `json:"distance_m"`
	Takes     float64  `json:"takes_s" doc:"Until it is there, with the time to react"`
	PassesIn  float64  `json:"passes_in_s" doc:"Of hold"`
	InTime    bool     `json:"in_time" doc:"It is out before the conflict"`
}

// AlertPriority is what an alert says of the priority traffic that a vehicle is in the
// way of.
type AlertPriority struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	How     string       `json:"how" enum:"inside,ahead,heading"`
	InS     float64      `json:"in_s" doc:"Seconds after the alert was raised"`
	ClearBy string       `json:"clear_by" format:"date-time"`
	Exit    PriorityExit `json:"exit" doc:"As it was offered first: see /v1/priority-traffic for that of now"`
}

func alertPriorityOf(p *telemetry.InTheWayOf) *AlertPriority {
	if p == nil {
		return nil
	}
	e := &p.Exit
	return &AlertPriority{
		ID: p.ID, Name: p.Name, How: p.How, InS: tenths(p.InS), ClearBy: timeOf(p.ClearByUS), Exit: PriorityExit{
			ID: exitID(e.Kind, geo.Point{Lat: e.Lat, Lon: e.Lon}, e.HeightM), Kind: string(e.Kind), Position: positionOf(geo.Point{Lat: e.Lat, Lon: e.Lon}), Direction: tenths(e.Direction), Distance: tenths(e.DistanceM),
			Takes: tenths(e.TakesS), PassesIn: tenths(e.PassesInS), InTime: e.InTime,
		},
	}
}

type priorityOutput struct {
	Body struct {
		Items []PriorityTraffic `json:"items"`
	}
}

func (s *Server) priorityEndpoints(api huma.API) {
	const tag = "priority-traffic"
	endpoint(s, api, operation(tag, "listPriorities", http.MethodGet, priorityPath, "Priority traffic, by id, and who is in its way", 401, 403), s.listPriorities)
	endpoint(s, api, operation(tag, "getPriority", http.MethodGet, priorityPath+"/{id}", "One of them; what is over for a day after", 401, 403, 404), s.getPriority)
	announce := creation(tag, "announcePriority", priorityPath, "Have vehicles kept clear of priority traffic from now on; a dry run says who is in its way", 400, 401, 403, 409, 413, 415, 503)
	announce.Description = "When the journal does not take it within a second, it is in force all the same and the answer says provisional."
	endpoint(s, api, announce, s.announcePriority)
	endpoint(s, api, operation(tag, "changePriority", http.MethodPatch, priorityPath+"/{id}", "Place it anew, or change what is kept clear and by when; in force when this answers",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.changePriority)
	endpoint(s, api, operation(tag, "endPriority", http.MethodPost, priorityPath+"/{id}/end", "End priority traffic: it has passed",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.endPriority)
	endpoint(s, api, operation(tag, "orderExits", http.MethodPost, priorityPath+"/{id}/exits", "Order vehicles in its way to take the exits that they are offered",
		400, 401, 403, 404, 409, 413, 415, 503), s.orderExits)
}

// KeepoutOf is what is watched of a decision about priority traffic.
func KeepoutOf(p *airspace.Priority) priority.Keepout {
	k := priority.Keepout{
		ID: p.ID, Name: p.Name, Kind: p.Kind, Track: vehicles.VehicleID(p.Track), AtUS: p.AtUS, Course: p.CourseDeg, Speed: p.SpeedMPS,
		Radius: p.RadiusM, Floor: altitudeOf(p.Floor), Ceiling: altitudeOf(p.Ceiling), LookAheadS: p.LookAheadS, ClearByUS: p.ClearByUS,
	}
	for _, at := range p.Route {
		k.Route = append(k.Route, geo.Point{Lat: at.Lat, Lon: at.Lon})
	}
	for _, name := range p.Classes {
		if c, ok := vehicles.ParseClass(name); ok {
			k.Classes |= vehicles.ClassSet(c)
		}
	}
	return k
}

func altitudeOf(l *airspace.PriorityLimit) (a geo.Altitude) {
	if l != nil {
		a.MM = l.MM
		a.Datum, _ = geo.ParseDatum(l.Datum)
	}
	return a
}

func limitOf(l *airspace.PriorityLimit) *zonefile.Height {
	if l == nil {
		return nil
	}
	return &zonefile.Height{M: metres(l.MM), Datum: l.Datum}
}

func (s *Server) priorityOf(ctx context.Context, p *airspace.Priority, now *priority.Picture) PriorityTraffic {
	out := PriorityTraffic{
		ID: p.ID, Name: p.Name, Kind: p.Kind, Track: p.Track, Route: []Position{}, At: optionalTime(p.AtUS), Course: p.CourseDeg, Speed: p.SpeedMPS,
		Radius: p.RadiusM, Floor: limitOf(p.Floor), Ceiling: limitOf(p.Ceiling), Classes: append([]string{}, p.Classes...), LookAhead: p.LookAheadS,
		ClearBy: timeOf(p.ClearByUS), Until: timeOf(p.UntilUS), EndedAt: optionalTime(p.EndedUS), Reason: p.Reason,
		Provisional: p.Provisional, Rev: p.Rev, CreatedAt: timeOf(p.CreatedUS), UpdatedAt: timeOf(p.UpdatedUS), UpdatedBy: p.UpdatedBy,
	}
	for _, at := range p.Route {
		out.Route = append(out.Route, positionOf(geo.Point{Lat: at.Lat, Lon: at.Lon}))
	}
	if p.Err != nil {
		out.Refused = "the journal accepts nothing: check its disk"
	}
	if now != nil && p.InForce(s.cfg.Clock()) {
		out.Now = s.pictureOf(ctx, now)
	}
	return out
}

func (s *Server) pictureOf(ctx context.Context, p *priority.Picture) *PriorityNow {
	out := &PriorityNow{
		ClearIn: tenths(float64(p.ClearByUS-s.cfg.Clock().UnixMicro()) / 1e6),
		Where:   string(p.Where), Course: tenths(p.CourseOf), Speed: tenths(p.SpeedOf), Radius: tenths(p.RadiusOf), Age: tenths(p.AgeS), Verified: p.Verified,
		Path: []Position{}, Affected: []PriorityAffected{}, Unjudged: []AlertVehicle{},
	}
	if p.Where != priority.Unseen {
		at := positionOf(p.At)
		out.Position = &at
	}
	for _, at := range p.Path {
		out.Path = append(out.Path, positionOf(at))
	}
	view := s.viewOf(ctx)
	for i := range p.Affected {
		if a := &p.Affected[i]; view.Owns(a.Vehicle.Operator) && len(out.Affected) < maxPreview {
			out.Affected = append(out.Affected, s.affectedOf(ctx, a))
		}
	}
	for _, id := range p.Unjudged {
		if view.Owns(id.Operator) && len(out.Unjudged) < maxPreview {
			out.Unjudged = append(out.Unjudged, vehicleOf(id.Handle, id))
		}
	}
	return out
}

func (s *Server) affectedOf(ctx context.Context, a *priority.Affected) PriorityAffected {
	e := &a.Exit
	out := PriorityAffected{
		Vehicle: vehicleOf(a.Vehicle.Handle, a.Vehicle), Operator: a.Vehicle.Operator, How: a.How, InS: tenths(a.InS), Position: positionOf(a.At),
		HeightUnknown: a.HeightUnknown, Stale: tenths(a.StaleS), Call: a.Call, Contact: s.contactOf(ctx, string(a.Vehicle.ID)),
		Exit: PriorityExit{
			ID: exitID(e.Kind, e.Point, e.HeightM), Kind: string(e.Kind), Position: positionOf(e.Point), Direction: tenths(e.Direction), Distance: tenths(e.DistanceM),
			Takes: tenths(e.TakesS), PassesIn: tenths(e.PassesInS), InTime: e.InTime,
		},
	}
	if e.HeightIs {
		height := tenths(e.HeightM)
		out.Exit.Height = &height
	}
	return out
}

func tenths(v float64) float64 { return math.Round(v*10) / 10 }

func (s *Server) listPriorities(ctx context.Context, in *struct {
	State string `query:"state" enum:"in_force,all" default:"in_force" doc:"all: and what is over, for a day after"`
}) (*priorityOutput, error) {
	out := &priorityOutput{}
	out.Body.Items = []PriorityTraffic{}
	for _, p := range s.cfg.Register.Priorities(in.State == "all") {
		out.Body.Items = append(out.Body.Items, s.priorityOf(ctx, &p, s.picture(p.ID)))
	}
	return out, nil
}

// picture is what the newest look found; nil: nobody looked.
func (s *Server) picture(id string) *priority.Picture {
	if s.cfg.Priority != nil {
		if p, ok := s.cfg.Priority.Picture(id); ok {
			return &p
		}
	}
	return nil
}

func (s *Server) getPriority(ctx context.Context, in *idInput) (*oneOutput[PriorityTraffic], error) {
	p, err := s.cfg.Register.Priority(in.ID)
	if err != nil {
		return nil, err
	}
	return s.onePriority(ctx, &p)
}

func (s *Server) onePriority(ctx context.Context, p *airspace.Priority) (*oneOutput[PriorityTraffic], error) {
	return &oneOutput[PriorityTraffic]{ETag: etag(p.Rev), Body: s.priorityOf(ctx, p, s.picture(p.ID))}, nil
}

// lookAt is what priority traffic means now: looked at for the answer.
func (s *Server) lookAt(ctx context.Context, p *airspace.Priority) (*priority.Picture, error) {
	if s.cfg.Priority == nil {
		return nil, nil
	}
	picture, err := s.cfg.Priority.Preview(ctx, KeepoutOf(p))
	return &picture, err
}

func (s *Server) announcePriority(ctx context.Context, in *announcePriorityInput) (*triedOutput[PriorityTraffic], error) {
	asked := in.Body.priority(s.cfg.Clock())
	p, err := s.cfg.Register.AnnouncePriority(in.under(ctx), actorOf(ctx), asked)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		return &triedOutput[PriorityTraffic]{Status: http.StatusCreated, ETag: etag(p.Rev), Location: priorityPath + "/" + p.ID, Body: s.priorityOf(ctx, &p, nil)}, nil
	}
	now, err := s.lookAt(ctx, &p)
	if err != nil {
		return nil, err
	}
	return &triedOutput[PriorityTraffic]{Status: http.StatusOK, Body: s.priorityOf(ctx, &p, now)}, nil
}

func (s *Server) changePriority(ctx context.Context, in *changePriorityInput) (*oneOutput[PriorityTraffic], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Clock()
	p, err := s.cfg.Register.ChangePriority(in.under(ctx), actorOf(ctx), in.ID, rev, func(p *airspace.Priority) { in.Body.change(p, now) })
	if err != nil {
		return nil, err
	}
	picture, err := s.lookAt(ctx, &p)
	if err != nil && in.DryRun {
		return nil, err
	}
	return &oneOutput[PriorityTraffic]{ETag: etag(p.Rev), Body: s.priorityOf(ctx, &p, picture)}, nil
}

func (s *Server) endPriority(ctx context.Context, in *endPriorityInput) (*oneOutput[PriorityTraffic], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Register.EndPriority(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return s.onePriority(ctx, &p)
}

// defaults of what a caller leaves out.
const (
	defaultLookAheadS = 180.0
	defaultClearIn    = 3 * time.Minute
)

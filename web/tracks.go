package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/vehicles"
)

// staleUS is the age from which a position is no ground to judge a vehicle on.
const staleUS = 5_000_000

// Track is the current state of one vehicle that is seen.
type Track struct {
	ID                   string      `json:"id"`
	Handle               uint32      `json:"handle" format:"int64" doc:"Names the vehicle on the live channel within this epoch"`
	Name                 string      `json:"name"`
	Class                string      `json:"class" enum:"unknown,uav,icv,usv"`
	Operator             string      `json:"operator"`
	Verified             bool        `json:"verified" doc:"The source is authenticated"`
	Source               Source      `json:"source"`
	Link                 string      `json:"link" enum:"nominal,degraded,lost"`
	Phase                string      `json:"phase" enum:"unknown,parked,moving,holding,returning,landing,emergency,link_lost"`
	Position             *Position   `json:"position" doc:"Null until one is reported"`
	Heights              Heights     `json:"heights"`
	Heading              *float64    `json:"heading_deg" minimum:"0" maximum:"360" doc:"Clockwise from true north"`
	Speed                *float64    `json:"speed_mps" doc:"Over ground"`
	Climb                *float64    `json:"climb_mps" doc:"Positive up"`
	Mode                 Mode        `json:"mode"`
	Armed                bool        `json:"armed"`
	Battery              *int        `json:"battery_pct"`
	Fix                  *FixQuality `json:"fix" doc:"Null until the receiver reports its quality"`
	Estimator            string      `json:"estimator" enum:"unknown,healthy,faulty" doc:"What the vehicle says of its own position estimate"`
	Jamming              string      `json:"jamming" enum:"unknown,ok,warning,critical" doc:"What the receiver says of it; warning: it copes. Unknown when it did not say within 5 s"`
	Spoofing             string      `json:"spoofing" enum:"unknown,ok,warning,critical"`
	Grounds              *Grounds    `json:"grounds" doc:"What a judgement of now rests on; null: no position"`
	VehicleFenceBreached *bool       `json:"vehicle_fence_breached" doc:"The vehicle's own view of its on-board fence; null: it says nothing"`
	Enforcement          Enforcement `json:"enforcement"`
	Breaches             []Breach    `json:"breaches" doc:"Fences that the vehicle breaches now"`
	AlertLevel           int         `json:"alert_level" minimum:"0" maximum:"3" doc:"Highest unacknowledged alert"`
	PositionAt           *string     `json:"position_at" format:"date-time"`
	HeartbeatAt          *string     `json:"heartbeat_at" format:"date-time"`
	Reports              uint64      `json:"reports"`
	Traffic              bool        `json:"traffic" doc:"The vehicle is another operator's: only where it is and how it moves is shown, and its id holds within this epoch"`
}

// Source says where a vehicle's messages come from.
type Source struct {
	Listener    string `json:"listener"`
	Address     string `json:"address"`
	SystemID    int    `json:"system_id"`
	ComponentID int    `json:"component_id"`
	MAVType     int    `json:"mav_type"`
	Autopilot   int    `json:"autopilot"`
}

// Mode is the autopilot's flight mode.
type Mode struct {
	Number uint32 `json:"number" format:"int64"`
	Name   string `json:"name"`
}

// FixQuality is how good the receiver says that its position is.
type FixQuality struct {
	Type       int      `json:"type" doc:"0-1 none, 2 two-dimensional, 3 and more three-dimensional"`
	Satellites *int     `json:"satellites"`
	HAcc       *float64 `json:"hacc_m"`
	VAcc       *float64 `json:"vacc_m"`
	HDOP       *float64 `json:"hdop"`
}

// Enforcement says whether every fence that applies can be judged, and why not.
type Enforcement struct {
	Enforced bool     `json:"enforced"`
	Reasons  []string `json:"reasons" enum:"traffic,unverified,no_position,stale,link_lost,altitude_unknown,out_of_order,quality_unknown,estimator_bad,gnss_interference"`

	Fences *EnforcementByFence `json:"fences,omitempty" doc:"Fence by fence; of one track only, and of none that is traffic"`
}

// Breach is a fence that a vehicle breaches.
type Breach struct {
	FenceID   string `json:"fence_id"`
	FenceName string `json:"fence_name"`
}

// TrackList is one page of tracks.
type TrackList struct {
	Items       []Track `json:"items"`
	NotEnforced int     `json:"not_enforced" doc:"Of all vehicles of the class, on whatever page: those for which not every fence is enforced"`

	Next *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

type trackListOutput struct {
	Body TrackList
}

type trackOutput struct {
	Body Track
}

type trackListInput struct {
	Class    string `query:"class" enum:"unknown,uav,icv,usv" doc:"Only this class"`
	Enforced string `query:"enforced" enum:"true,false" doc:"Only those for which every fence is enforced, or is not"`
	Page
}

func (s *Server) trackEndpoints(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "listTracks", Method: http.MethodGet, Path: "/v1/tracks", Tags: []string{"vehicles"},
		Summary: "All that is seen now, UNVERIFIED included", Errors: []int{401, 403, 503},
	}, s.listTracks)
	endpoint(s, api, huma.Operation{
		OperationID: "getTrack", Method: http.MethodGet, Path: "/v1/tracks/{id}", Tags: []string{"vehicles"},
		Summary: "One track", Errors: []int{401, 403, 404, 503},
	}, s.getTrack)
}

func (s *Server) listTracks(ctx context.Context, in *trackListInput) (*trackListOutput, error) {
	all, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	if in.Class != "" {
		kept := all[:0]
		for i := range all {
			if all[i].Vehicle.Class.String() == in.Class {
				kept = append(kept, all[i])
			}
		}
		all = kept
	}
	j := s.judge()
	all, notEnforced := j.split(all, in.Enforced)
	views, next, err := paginate(s.cursors, listOf(ctx, "tracks class="+in.Class+" enforced="+in.Enforced), in.Page, all,
		func(v *telemetry.TrackView) string { return strconv.FormatUint(uint64(v.Handle), 10) },
		func(v *telemetry.TrackView, last string) bool {
			h, err := strconv.ParseUint(last, 10, 32)
			return err == nil && uint64(v.Handle) > h
		})
	if err != nil {
		return nil, err
	}
	out := TrackList{Items: []Track{}, NotEnforced: notEnforced, Next: next}
	for i := range views {
		out.Items = append(out.Items, s.trackOf(&views[i], j))
	}
	return &trackListOutput{Body: out}, nil
}

func (s *Server) getTrack(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"128"`
}) (*trackOutput, error) {
	view := s.viewOf(ctx)
	h, ok := view.Lookup(s.cfg.Registry, vehicles.VehicleID(in.ID))
	if !ok {
		if _, known := s.cfg.Registry.Lookup(vehicles.VehicleID(in.ID)); known {
			return nil, fmt.Errorf("%w: %w", errNoTrack, errHidden)
		}
		return nil, errNoTrack
	}
	track, ok, err := s.cfg.Pipeline.Track(ctx, view, h)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNoTrack
	}
	j := s.judge()
	out := s.trackOf(&track, j)
	if !track.Traffic {
		out.Enforcement.Fences = j.byFence(&track, out.Enforcement.Reasons)
	}
	return &trackOutput{Body: out}, nil
}

func (s *Server) trackOf(v *telemetry.TrackView, j *judgement) Track {
	id := v.Vehicle
	jamming, spoofing := v.Signal(j.nowUS)
	out := Track{
		ID: string(id.ID), Handle: uint32(id.Handle), Name: id.Name, Class: id.Class.String(), Operator: id.Operator, Verified: id.Verified,
		Source: Source{
			Listener: id.Source.Listener, Address: id.Source.Address, SystemID: int(id.Source.SystemID),
			ComponentID: int(id.Source.ComponentID), MAVType: int(id.Source.MAVType), Autopilot: int(id.Source.Autopilot),
		},
		Link: v.Link.String(), Phase: v.Phase().String(), Heights: heightsOf(&v.Track.Fix.Heights),
		Mode: Mode{Number: v.Mode, Name: s.cfg.ModeName(id, v.Mode)}, Armed: v.Armed,
		Enforcement: j.enforcement(v), Breaches: []Breach{}, AlertLevel: int(v.AlertLevel),
		Estimator: v.Estimator.String(), Jamming: jamming.String(), Spoofing: spoofing.String(), PositionAt: optionalTime(v.FixUS), HeartbeatAt: optionalTime(v.HeartbeatUS), Reports: v.Reports, Traffic: v.Traffic,
	}
	if v.HasFix() {
		out.Position = &Position{Lat: degrees(v.Track.Fix.Point.Lat), Lon: degrees(v.Track.Fix.Point.Lon)}
		speed, climb := float64(v.SpeedCMS())/100, -float64(v.Velocity.D)/100
		if climb == 0 {
			climb = 0 // not minus zero
		}
		out.Speed, out.Climb = &speed, &climb
		if v.Heading != vehicles.HeadingUnknown {
			heading := float64(v.Heading) / 100
			out.Heading = &heading
		}
	}
	if v.Seen&vehicles.HasBattery != 0 && v.Battery != vehicles.BatteryUnknown {
		battery := int(v.Battery)
		out.Battery = &battery
	}
	if v.Seen&vehicles.HasQuality != 0 {
		out.Fix = fixQuality(&v.Track)
	}
	if v.HasFix() {
		out.Grounds = groundsOf(&v.Grounds, id.Class)
	}
	if v.Seen&vehicles.HasFenceFlag != 0 {
		breached := v.Breached
		out.VehicleFenceBreached = &breached
	}
	for _, f := range v.Breaches {
		out.Breaches = append(out.Breaches, Breach{FenceID: f.Fence.ID, FenceName: f.Fence.Name})
	}
	return out
}

func fixQuality(t *vehicles.Track) *FixQuality {
	q := &FixQuality{Type: int(t.FixType)}
	if t.Satellites != vehicles.SatsUnknown {
		n := int(t.Satellites)
		q.Satellites = &n
	}
	if t.HAccMM != vehicles.AccUnknown {
		m := float64(t.HAccMM) / 1000
		q.HAcc = &m
	}
	if t.VAccMM != vehicles.AccUnknown {
		m := float64(t.VAccMM) / 1000
		q.VAcc = &m
	}
	if t.HDOP != 0 && t.HDOP != vehicles.HDOPUnknown {
		hdop := float64(t.HDOP) / 100
		q.HDOP = &hdop
	}
	return q
}

// judgement is what is needed to say whether a vehicle's fences can be judged:
// who has a fence in force with a band in each datum.
type judgement struct {
	nowUS int64
	bands map[band]bool   // of fences for everybody of a class
	lists map[listed]bool // of fences that name operators, vehicles or permits

	fences []*geofence.Compiled // in force
}

type band struct {
	classes vehicles.Classes
	datum   geo.Datum
}

type listed struct {
	fence *geofence.Compiled
	datum geo.Datum
}

func (s *Server) judge() *judgement {
	j := &judgement{nowUS: s.cfg.Clock().UnixMicro(), bands: map[band]bool{}, lists: map[listed]bool{}}
	for _, r := range s.cfg.Register.Fences() {
		if s.cfg.InForce(r.Fence.ID) {
			j.add(r.Compiled())
		}
	}
	return j
}

func (j *judgement) add(c *geofence.Compiled) {
	f := &c.Fence
	j.fences = append(j.fences, c)
	for _, d := range []geo.Datum{f.Floor.Datum, f.Ceiling.Datum} {
		switch {
		case d == geo.NoDatum:
		case f.NamesSomebody():
			j.lists[listed{c, d}] = true
		default:
			j.bands[band{f.Classes, d}] = true
		}
	}
}

// enforcement never leaves it open: SAFETY rule 9.
func (j *judgement) enforcement(v *telemetry.TrackView) Enforcement {
	if v.Traffic {
		return Enforcement{Reasons: []string{"traffic"}}
	}
	reasons := []string{}
	if !v.Vehicle.Verified {
		reasons = append(reasons, "unverified")
	}
	switch {
	case !v.HasFix():
		reasons = append(reasons, "no_position")
	case j.nowUS-v.FixUS > staleUS:
		reasons = append(reasons, "stale")
	}
	if v.Link == vehicles.LinkLost {
		reasons = append(reasons, "link_lost")
	}
	if v.HasFix() && j.altitudeMissing(v) {
		reasons = append(reasons, altitudeUnknown)
	}
	if v.OutOfOrder() {
		reasons = append(reasons, "out_of_order")
	}
	if v.HasFix() {
		switch v.Quality(j.nowUS) {
		case vehicles.QualityUnknown:
			reasons = append(reasons, "quality_unknown")
		case vehicles.QualityBad:
			reasons = append(reasons, "estimator_bad")
		}
		if v.Interfered(j.nowUS) {
			reasons = append(reasons, "gnss_interference")
		}
	}
	return Enforcement{Enforced: len(reasons) == 0, Reasons: reasons}
}

// altitudeMissing reports whether a fence in force needs a height that this
// vehicle does not report.
func (j *judgement) altitudeMissing(v *telemetry.TrackView) bool {
	for b := range j.bands {
		if b.classes.Match(v.Vehicle.Class) && !heightKnown(v, b.datum) {
			return true
		}
	}
	subject := subjectOf(v.Vehicle)
	for l := range j.lists {
		if !heightKnown(v, l.datum) && l.fence.AppliesTo(&subject) {
			return true
		}
	}
	return false
}

// heightKnown reports whether the engine can judge a band in this datum.
func heightKnown(v *telemetry.TrackView, d geo.Datum) bool {
	heights := &v.Track.Fix.Heights
	if _, known := heights.In(d); known {
		return true
	}
	switch d {
	case geo.Takeoff, geo.AGL: // ground and water vehicles are on the ground, which is their start's height
		return v.Vehicle.Class == vehicles.ICV || v.Vehicle.Class == vehicles.USV
	case geo.WGS84: // follows from that above the geoid
		_, known := heights.In(geo.AMSL)
		return known
	}
	return false
}

func subjectOf(v *vehicles.Identity) geofence.Subject {
	return geofence.Subject{Class: v.Class, Operator: v.Operator, Vehicle: v.ID, Verified: v.Verified}
}

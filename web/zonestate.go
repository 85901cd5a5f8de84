package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/zonefile"
	"testzone/telemetry"
)

// ZoneState is what the zone may be used for now.
type ZoneState struct {
	State       string  `json:"state" enum:"open,no_new_starts,clear,closed" doc:"no_new_starts: who moves may finish; clear: everybody comes to rest or leaves; closed: nobody moves"`
	Reason      string  `json:"reason"`
	Since       *string `json:"since" format:"date-time" doc:"Null: nothing was ever decided, the zone is open"`
	By          string  `json:"by" doc:"Actor id"`
	Provisional bool    `json:"provisional" doc:"It is in force and the journal does not have it yet: a restart would end it"`
	Refused     string  `json:"refused,omitempty" doc:"Why the journal refused it: ask once more when that is mended"`
	Rev         uint64  `json:"rev"`
}

func zoneStateOf(s *airspace.ZoneStatus) ZoneState {
	out := ZoneState{State: string(s.State), Reason: s.Reason, Since: optionalTime(s.UpdatedUS), By: s.UpdatedBy, Provisional: s.Provisional, Rev: s.Rev}
	if s.Err != nil {
		out.Refused = "the journal accepts nothing: check its disk"
	}
	return out
}

// RestrictionOf is what a state of the zone asks of vehicles.
func RestrictionOf(s airspace.ZoneStatus) telemetry.Restriction {
	if s.State == airspace.ZoneOpen {
		return telemetry.Restriction{}
	}
	return telemetry.Restriction{State: string(s.State), SinceUS: s.UpdatedUS, AtRest: s.State != airspace.ZoneNoNewStarts}
}

// ZoneStateInput is what the zone shall be.
type ZoneStateInput struct {
	State  string `json:"state" enum:"open,no_new_starts,clear,closed"`
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Stays in the journal: no personal data"`
}

// Resolve finds what a schema cannot.
func (in *ZoneStateInput) Resolve(huma.Context) []error { return reasonFault(in.Reason) }

// reasonFault refuses a reason that would deceive whoever reads it on a page.
func reasonFault(reason string) []error {
	if message := zonefile.TextFault(reason); message != "" {
		return []error{&huma.ErrorDetail{Location: "body.reason", Message: message}}
	}
	return nil
}

type setZoneStateInput struct {
	Trial
	IfMatch string `header:"If-Match" doc:"ETag of the state that you read: needed for a step back towards open" example:"\"3\""`
	Body    ZoneStateInput
}

// ComplianceBoard is who complies with the state of the zone.
type ComplianceBoard struct {
	State    string              `json:"state" enum:"open,no_new_starts,clear,closed" doc:"That was compared with; open: nothing is asked of anybody"`
	Since    *string             `json:"since" format:"date-time" doc:"Null while the zone is open"`
	Vehicles int                 `json:"vehicles" doc:"That you may see and that were looked at"`
	Against  int                 `json:"against" doc:"Those of them that do not comply"`
	Items    []VehicleCompliance `json:"items" doc:"Those that do not comply first; at most 1000"`
}

// VehicleCompliance is how a vehicle stands to the state of the zone.
type VehicleCompliance struct {
	Vehicle  AlertVehicle `json:"vehicle"`
	Operator string       `json:"operator"`
	Phase    string       `json:"phase" enum:"unknown,parked,moving,holding,returning,landing,emergency,link_lost"`
	Position *Position    `json:"position" doc:"Where it was last; null: it never said"`
	HeardAt  *string      `json:"heard_at" format:"date-time"`
	Complies bool         `json:"complies"`
	Why      string       `json:"why" enum:"at_rest,outside,finishing,moving,started,appeared,link_lost,unknown" doc:"finishing: it moved before and may; started, appeared: it began to move, or was first seen moving, against the state"`
	Since    string       `json:"since" format:"date-time" doc:"Since when it complies, or does not"`
	Contact  *Contact     `json:"contact" doc:"Whom to call. Personal data, as of a vehicle: null for others, and if nobody is known"`
}

type complianceOutput struct {
	Body ComplianceBoard
}

func (s *Server) zoneStateEndpoints(api huma.API) {
	const tag, path = "zone", "/v1/zone/state"
	endpoint(s, api, operation(tag, "getZoneState", http.MethodGet, path, "What the zone may be used for now", 401, 403), s.getZoneState)
	endpoint(s, api, operation(tag, "setZoneState", http.MethodPut, path,
		"Open, restrict, clear or close the zone; the safe direction is in force at once, without If-Match", 400, 401, 403, 412, 413, 415, 428, 503), s.setZoneState)
	endpoint(s, api, operation(tag, "getCompliance", http.MethodGet, "/v1/zone/compliance", "Who complies with the state of the zone, and whom to call", 401, 403, 503), s.getCompliance)
}

func (s *Server) getZoneState(context.Context, *struct{}) (*oneOutput[ZoneState], error) {
	state := s.cfg.Register.State()
	return &oneOutput[ZoneState]{ETag: etag(state.Rev), Body: zoneStateOf(&state)}, nil
}

func (s *Server) setZoneState(ctx context.Context, in *setZoneStateInput) (*oneOutput[ZoneState], error) {
	rev := uint64(0)
	if in.IfMatch != "" {
		var err error
		if rev, err = revision(in.IfMatch); err != nil {
			return nil, err
		}
	}
	state, err := s.cfg.Register.SetState(in.under(ctx), actorOf(ctx), airspace.ZoneState(in.Body.State), in.Body.Reason, rev)
	if err != nil {
		return nil, err
	}
	return &oneOutput[ZoneState]{ETag: etag(state.Rev), Body: zoneStateOf(&state)}, nil
}

func (s *Server) getCompliance(ctx context.Context, _ *struct{}) (*complianceOutput, error) {
	out := ComplianceBoard{State: string(airspace.ZoneOpen), Items: []VehicleCompliance{}}
	if s.cfg.Warden == nil {
		return &complianceOutput{Body: out}, nil
	}
	is, all, err := s.cfg.Warden.Board(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	if is.State != "" {
		out.State, out.Since = is.State, optionalTime(is.SinceUS)
	}
	for i := range all {
		if out.Vehicles++; !all[i].Complies {
			out.Against++
		}
		if len(out.Items) < maxPreview {
			out.Items = append(out.Items, s.complianceOf(ctx, &all[i]))
		}
	}
	return &complianceOutput{Body: out}, nil
}

func (s *Server) complianceOf(ctx context.Context, c *telemetry.Compliance) VehicleCompliance {
	out := VehicleCompliance{
		Vehicle: vehicleOf(c.Vehicle.Handle, c.Vehicle), Operator: c.Vehicle.Operator, Phase: c.Phase.String(), HeardAt: optionalTime(c.HeardUS),
		Complies: c.Complies, Why: c.Why, Since: timeOf(c.SinceUS), Contact: s.contactOf(ctx, string(c.Vehicle.ID)),
	}
	if c.HasFix {
		at := positionOf(c.At)
		out.Position = &at
	}
	return out
}

// contactOf is who answers for a vehicle, for those who may know.
func (s *Server) contactOf(ctx context.Context, vehicle string) *Contact {
	if who := actorOf(ctx); !who.May(airspace.ZoneControl) && !who.May(airspace.VehicleRegister) {
		return nil
	}
	c := s.cfg.VehicleSecrets.Contact(vehicle)
	if c == nil {
		return nil
	}
	shown := Contact(*c)
	return &shown
}

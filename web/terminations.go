package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// Termination is the end of a flight that one controller proposed: the motors stop and
// the aircraft falls.
type Termination struct {
	ID          string   `json:"id" doc:"Empty after a dry run"`
	VehicleID   string   `json:"vehicle_id"`
	State       string   `json:"state" enum:"open,confirmed,withdrawn,expired" doc:"What the two persons decided; what came of it says the order"`
	Reason      string   `json:"reason"`
	ProposedBy  string   `json:"proposed_by" doc:"Person"`
	ConfirmedBy *string  `json:"confirmed_by" doc:"Person; null before"`
	ProposedAt  string   `json:"proposed_at" format:"date-time"`
	ExpiresAt   string   `json:"expires_at" format:"date-time"`
	TakeOver    bool     `json:"take_over" doc:"The control of the vehicle is taken from who had it"`
	Seen        Prospect `json:"seen" doc:"What the first person saw"`
	Order       *Order   `json:"order" doc:"Null: nothing was sent"`
}

// Prospect is what would come of ending a flight. Nobody here knows who and what is
// below, nor the wind: the reach is without drag, glide or parachute.
type Prospect struct {
	At       string   `json:"at" format:"date-time"`
	Position Position `json:"position"`
	FixAt    string   `json:"fix_at" format:"date-time"`
	HeightM  *float64 `json:"height_m" doc:"Null: not known"`
	Datum    string   `json:"datum" doc:"Of the height; empty: not known. Only agl is above what it falls on"`
	SpeedMS  float64  `json:"speed_mps" doc:"Over ground"`
	ClimbMS  float64  `json:"climb_mps"`
	Course   float64  `json:"course_deg"`
	FallS    *float64 `json:"fall_s" doc:"Free fall; null: not known"`
	ReachM   *float64 `json:"reach_m" doc:"How far along its course it comes while it falls; null: not known"`
	Over     []string `json:"over" doc:"Fences and sectors here, whatever the height"`
	Doubts   []string `json:"doubts" doc:"Why this may not be so"`
	Holder   string   `json:"holder" doc:"Person that has the control; empty: nobody"`
	Below    string   `json:"below" enum:"unknown" doc:"People and things below: nobody surveyed them"`
}

// Terminations is what was proposed for a vehicle, and what would come of it now.
type Terminations struct {
	Enabled bool          `json:"enabled" doc:"orders.flight_termination of the configuration"`
	Now     *Prospect     `json:"now" doc:"Null: it cannot be ended from here now"`
	Why     string        `json:"why" doc:"Why it cannot"`
	Items   []Termination `json:"items" doc:"Newest first, 50 at most"`
}

// TerminationInput proposes the end of a flight.
type TerminationInput struct {
	Vehicle  string `json:"vehicle" maxLength:"64" doc:"The vehicle's id once more, as a person typed it"`
	Reason   string `json:"reason" minLength:"1" maxLength:"500" doc:"Stays in the journal: no personal data"`
	TakeOver bool   `json:"take_over,omitempty" doc:"Take the control of the vehicle from who has it"`
}

// TerminationConfirm is what the second person sends.
type TerminationConfirm struct {
	Vehicle string `json:"vehicle" maxLength:"64" doc:"The vehicle's id once more, as a person typed it"`
}

type proposeTerminationInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body TerminationInput
}

// Resolve finds what a schema cannot.
func (in *proposeTerminationInput) Resolve(huma.Context) []error {
	if faults := typed(in.Body.Vehicle, in.ID); faults != nil {
		return faults
	}
	return textFault("body.reason", in.Body.Reason)
}

type confirmTerminationInput struct {
	ID          string `path:"id" maxLength:"64"`
	Termination string `path:"termination" maxLength:"64"`
	Trial
	Body TerminationConfirm
}

// Resolve finds what a schema cannot.
func (in *confirmTerminationInput) Resolve(huma.Context) []error {
	return typed(in.Body.Vehicle, in.ID)
}

// typed is the fault when a person did not type which vehicle it is about.
func typed(name, vehicle string) []error {
	if name == vehicle {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: "body.vehicle", Message: "type the id of the vehicle whose flight ends, exactly"}}
}

type withdrawTerminationInput struct {
	ID          string `path:"id" maxLength:"64"`
	Termination string `path:"termination" maxLength:"64"`
}

func (s *Server) terminationEndpoints(api huma.API) {
	const tag, path = "terminations", "/v1/vehicles/{id}/terminations"
	endpoint(s, api, operation(tag, "listTerminations", http.MethodGet, path, "What was proposed to end the flight of a vehicle, and what would come of it now", 401, 403, 404), s.listTerminations)
	endpoint(s, api, creation(tag, "proposeTermination", path, "Propose to end a flight: another controller confirms within 60 s; a dry run is the preview", 400, 401, 403, 404, 409, 413, 415, 503), s.proposeTermination)
	endpoint(s, api, operation(tag, "confirmTermination", http.MethodPost, path+"/{termination}/confirm", "Confirm what another controller proposed: it is written down, and then the motors stop. Nothing takes it back",
		400, 401, 403, 404, 409, 413, 415, 503), s.confirmTermination)
	endpoint(s, api, operation(tag, "withdrawTermination", http.MethodDelete, path+"/{termination}", "Withdraw an open proposal", 401, 403, 404, 409, 503), s.withdrawTermination)
}

// seenTermination is the register's form of what the first person saw.
type seenTermination struct {
	Operator string           `json:"operator"`
	TakeOver bool             `json:"take_over,omitempty"`
	Prospect command.Prospect `json:"prospect"`
}

func prospectOf(p *command.Prospect) Prospect {
	out := Prospect{
		At: timeOf(p.AtUS), Position: positionOf(p.Point), FixAt: timeOf(p.FixUS), SpeedMS: float64(p.SpeedCMS) / 100,
		ClimbMS: -float64(p.DownCMS) / 100, Course: p.Course, Over: append([]string{}, p.Over...), Doubts: append([]string{}, p.Doubts...),
		Holder: p.Holder, Below: "unknown",
	}
	if p.Height {
		m, fall, reach := metres(p.HeightMM), p.FallS, p.ReachM
		out.HeightM, out.Datum, out.FallS, out.ReachM = &m, p.Datum.String(), &fall, &reach
	}
	return out
}

func (s *Server) terminationOf(p *airspace.Proposal) Termination {
	var seen seenTermination
	_ = json.Unmarshal(p.Seen, &seen) // what we wrote ourselves
	out := Termination{
		ID: p.ID, VehicleID: p.Subject, State: string(p.State), Reason: p.Reason, ProposedBy: p.By,
		ProposedAt: timeOf(p.CreatedUS), ExpiresAt: timeOf(p.ExpiresUS), TakeOver: seen.TakeOver, Seen: prospectOf(&seen.Prospect),
	}
	if p.Confirmed != "" {
		out.ConfirmedBy = &p.Confirmed
		for _, o := range s.cfg.Orders.Orders(func(o *command.Order) bool { return o.Termination == p.ID }) {
			shown := orderOf(&o)
			out.Order = &shown
		}
	}
	return out
}

func (s *Server) listTerminations(ctx context.Context, in *idInput) (*struct{ Body Terminations }, error) {
	if _, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID); err != nil {
		return nil, err
	}
	out := Terminations{Enabled: s.cfg.Orders.Terminates(), Items: []Termination{}}
	now, err := s.cfg.Orders.Prospect(ctx, vehicles.VehicleID(in.ID))
	if err == nil {
		shown := prospectOf(&now)
		out.Now = &shown
	} else {
		out.Why = err.Error()
	}
	all := s.cfg.Register.Terminations(in.ID)
	for i := range all[:min(len(all), 50)] {
		out.Items = append(out.Items, s.terminationOf(&all[i]))
	}
	return &struct{ Body Terminations }{out}, nil
}

// zoneHand is the hand of a controller; an operator's people end no flight.
func (s *Server) zoneHand(ctx context.Context, id string) (command.By, error) {
	by, err := s.hand(ctx, id)
	if err == nil && !by.Zone {
		err = fmt.Errorf("only the zone's controllers end a flight: %w", errForbidden)
	}
	return by, err
}

func (s *Server) proposeTermination(ctx context.Context, in *proposeTerminationInput) (*triedOutput[Termination], error) {
	by, err := s.zoneHand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID)
	if err != nil {
		return nil, err
	}
	now, err := s.cfg.Orders.Prospect(ctx, vehicles.VehicleID(in.ID))
	if err == nil {
		_, err = s.cfg.Orders.Terminate(ctx, &command.Termination{
			Vehicle: vehicles.VehicleID(in.ID), By: by, Reason: in.Body.Reason, TakeOver: in.Body.TakeOver, Seen: now, Try: true,
		})
	}
	if err != nil {
		return nil, err
	}
	seen, err := json.Marshal(&seenTermination{Operator: v.Operator, TakeOver: in.Body.TakeOver, Prospect: now})
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Register.ProposeTermination(in.under(ctx), actorOf(ctx), in.ID, in.Body.Reason, seen)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return &triedOutput[Termination]{Status: http.StatusOK, Body: s.terminationOf(&p)}, nil
	}
	s.cfg.Orders.TellTermination(p.ID, v.Operator)
	return &triedOutput[Termination]{Status: http.StatusCreated, Location: "/v1/vehicles/" + in.ID + "/terminations", Body: s.terminationOf(&p)}, nil
}

// confirmTermination checks all before it asks the register, whose decision comes once.
func (s *Server) confirmTermination(ctx context.Context, in *confirmTerminationInput) (*struct{ Body Termination }, error) {
	if _, err := s.zoneHand(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.terminationAt(in.ID, in.Termination)
	if err != nil {
		return nil, err
	}
	var seen seenTermination
	if err := json.Unmarshal(p.Seen, &seen); err != nil {
		return nil, err
	}
	x := command.Termination{
		ID: p.ID, Vehicle: vehicles.VehicleID(in.ID), By: command.By{Actor: p.By, Person: p.By, Zone: true}, Confirmed: actorOf(ctx).Person,
		Reason: p.Reason, TakeOver: seen.TakeOver, Seen: seen.Prospect, Try: true,
	}
	if p.State == airspace.ProposalOpen {
		if _, err := s.cfg.Orders.Terminate(ctx, &x); err != nil {
			return nil, err
		}
	}
	if p, err = s.cfg.Register.ConfirmTermination(in.under(ctx), actorOf(ctx), p.ID); err != nil {
		return nil, err
	}
	if in.DryRun {
		return &struct{ Body Termination }{s.terminationOf(&p)}, nil
	}
	x.Try = false
	_, err = s.cfg.Orders.Terminate(ctx, &x)
	s.cfg.Orders.TellTermination(p.ID, seen.Operator)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Termination }{s.terminationOf(&p)}, nil
}

// terminationAt is what was proposed for a vehicle.
func (s *Server) terminationAt(vehicle, id string) (airspace.Proposal, error) {
	p, err := s.cfg.Register.Termination(id)
	if err == nil && p.Subject != vehicle {
		err = fmt.Errorf("termination %s is not of vehicle %s: %w", id, vehicle, airspace.ErrNotFound)
	}
	return p, err
}

func (s *Server) withdrawTermination(ctx context.Context, in *withdrawTerminationInput) (*struct{}, error) {
	if _, err := s.zoneHand(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.terminationAt(in.ID, in.Termination)
	if err == nil {
		p, err = s.cfg.Register.WithdrawTermination(ctx, actorOf(ctx), p.ID)
	}
	if err != nil {
		return nil, err
	}
	var seen seenTermination
	_ = json.Unmarshal(p.Seen, &seen)
	s.cfg.Orders.TellTermination(p.ID, seen.Operator)
	return nil, nil
}

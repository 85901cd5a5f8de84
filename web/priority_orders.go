package web

import (
	"context"
	"net/http"
	"slices"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/telemetry/priority"
)

// ExitsInput says which vehicles shall take the exits that they are offered.
type ExitsInput struct {
	Vehicles []string `json:"vehicles,omitempty" maxItems:"1000" uniqueItems:"true" doc:"Ids; empty: all that are in the way and that the caller may order"`
	TakeOver bool     `json:"take_over,omitempty" doc:"Take the control of the vehicles from who has it"`
}

type orderExitsInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body ExitsInput
}

// ExitOrders is what became of the exits.
type ExitOrders struct {
	Items []ExitOrder `json:"items" doc:"By time to the conflict"`
}

// ExitOrder is the order to one vehicle, or why there is none.
type ExitOrder struct {
	VehicleID string       `json:"vehicle_id"`
	Exit      PriorityExit `json:"exit"`
	Order     *Order       `json:"order" doc:"Null: none was given"`
	Code      string       `json:"code" doc:"Of the problem; empty: none"`
	Why       string       `json:"why" doc:"Why none was given, and what to do"`
}

// exitOrder is the order that takes a vehicle out by an exit; why: there is none.
func exitOrder(e *telemetry.Exit) (kind command.Kind, why string) {
	switch e.Kind {
	case telemetry.ExitHold:
		return command.Hold, ""
	case telemetry.ExitNone:
		return "", "No way out was found: call its pilot."
	}
	return "", "This vehicle cannot be ordered to a place: call its pilot, or order RETURN or LAND if that is the better way out."
}

// orderExits orders one vehicle after the other, the most urgent first.
func (s *Server) orderExits(ctx context.Context, in *orderExitsInput) (*struct{ Body ExitOrders }, error) {
	p, err := s.cfg.Register.Priority(in.ID)
	switch {
	case err != nil:
		return nil, err
	case !p.InForce(s.cfg.Clock()):
		return nil, airspace.ErrPriorityOver
	}
	out := &struct{ Body ExitOrders }{ExitOrders{Items: []ExitOrder{}}}
	picture := s.picture(p.ID)
	if picture == nil {
		return out, nil
	}
	view := s.viewOf(ctx)
	for i := range picture.Affected {
		a := &picture.Affected[i]
		if id := string(a.Vehicle.ID); view.Owns(a.Vehicle.Operator) && (len(in.Body.Vehicles) == 0 || slices.Contains(in.Body.Vehicles, id)) {
			out.Body.Items = append(out.Body.Items, s.orderExit(ctx, &p, a, in))
		}
	}
	return out, nil
}

func (s *Server) orderExit(ctx context.Context, p *airspace.Priority, a *priority.Affected, in *orderExitsInput) ExitOrder {
	out := ExitOrder{VehicleID: string(a.Vehicle.ID), Exit: s.affectedOf(ctx, a).Exit}
	kind, why := exitOrder(&a.Exit)
	if kind == "" {
		out.Code, out.Why = "no_order", why
		return out
	}
	by, err := s.hand(ctx, out.VehicleID)
	if err == nil {
		var o command.Order
		o, err = s.cfg.Orders.Ask(ofVehicle(ctx, out.VehicleID), command.Request{
			Vehicle: a.Vehicle.ID, Kind: kind, By: by, Reason: "priority traffic: " + p.Name, TakeOver: in.Body.TakeOver, Try: in.DryRun,
		})
		if err == nil {
			shown := orderOf(&o)
			out.Order = &shown
			return out
		}
	}
	problem := s.problemOf(ctx, err)
	out.Code, out.Why = problem.Code, problem.Detail
	if problem.Status == http.StatusNotFound { // it is seen, and not registered
		out.Why = "It is not a registered vehicle, nothing is ever sent to it: find its pilot."
	}
	return out
}

// ofVehicle makes the request of ctx one of its own for each vehicle, so that it is
// answered for each when it comes again.
func ofVehicle(ctx context.Context, vehicle string) context.Context {
	q := journal.RequestOf(ctx)
	if q == nil {
		return ctx
	}
	own := *q
	own.Key += "/" + vehicle
	return journal.WithRequest(ctx, &own)
}

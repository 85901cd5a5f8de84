package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/journal"
	"testzone/telemetry/priority"
	"testzone/vehicles"
)

// ExitsInput says which vehicles shall take the exits that they are offered.
type ExitsInput struct {
	Vehicles []string `json:"vehicles,omitempty" maxItems:"1000" uniqueItems:"true" doc:"Ids; empty: all that are in the way and that the caller may order"`
	TakeOver bool     `json:"take_over,omitempty" doc:"Take the control of the vehicles from who has it"`
	// Seen keeps a press on a page that is a moment old from sending anybody elsewhere.
	Seen map[string]string `json:"seen,omitempty" doc:"Ids of the exits that the caller saw, by vehicle: who is offered another now is not ordered"`
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

// exitID names a way out by what it asks for.
func exitID(kind telemetry.ExitKind, to geo.Point, heightM float64) string {
	switch kind {
	case telemetry.ExitMove:
		return fmt.Sprintf("%s:%d,%d", kind, to.Lat, to.Lon)
	case telemetry.ExitClimb, telemetry.ExitDescend: // where it is
		return fmt.Sprintf("%s:%.0f", kind, heightM)
	}
	return string(kind)
}

// exitOrder is the order that takes a vehicle out by an exit; code and why: there is none.
func exitOrder(a *priority.Affected) (q command.Request, code, why string) {
	q.Kind = command.Reposition
	switch e := &a.Exit; e.Kind {
	case telemetry.ExitHold:
		q.Kind = command.Hold
	case telemetry.ExitMove, telemetry.ExitClimb, telemetry.ExitDescend:
		q.To = &command.Place{Point: e.Point}
		start, known := a.Fix.Heights.In(geo.Takeoff)
		switch {
		case a.Vehicle.Class == vehicles.ICV:
			return q, "no_order", "A car is not sent to a place, nobody knows the lanes between: call who drives it, or order STOP if that is the better way out."
		case a.Vehicle.Class != vehicles.UAV:
		case e.HeightIs:
			q.To.MM, q.To.Datum, q.To.Height = int32(math.Round(1000*e.HeightM)), geo.AMSL, true
		case known && e.Kind == telemetry.ExitMove: // as high as it is
			q.To.MM, q.To.Datum, q.To.Height = start, geo.Takeoff, true
		default:
			return q, "no_order", "Its height is not known, so that it cannot be sent there: call its pilot, or order HOLD, RETURN or LAND if that is the better way out."
		}
	default:
		return q, "no_order", "No way out was found: call its pilot."
	}
	return q, "", ""
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
	view, is := s.viewOf(ctx), map[string]bool{}
	for i := range picture.Affected {
		a := &picture.Affected[i]
		if id := string(a.Vehicle.ID); view.Owns(a.Vehicle.Operator) && (len(in.Body.Vehicles) == 0 || slices.Contains(in.Body.Vehicles, id)) {
			is[id] = true
			out.Body.Items = append(out.Body.Items, s.orderExit(ctx, &p, a, in))
		}
	}
	for _, id := range in.Body.Vehicles {
		if is[id] {
			continue
		}
		if o := s.answeredExit(ctx, id, in); o != nil {
			out.Body.Items = append(out.Body.Items, ExitOrder{VehicleID: id, Exit: PriorityExit{Kind: string(telemetry.ExitNone)}, Order: o})
		} else {
			out.Body.Items = append(out.Body.Items, ExitOrder{
				VehicleID: id, Exit: PriorityExit{Kind: string(telemetry.ExitNone)}, Code: "not_in_the_way", Why: "It is not in the way any more, or is not yours: it is told nothing.",
			})
		}
	}
	return out, nil
}

func (s *Server) orderExit(ctx context.Context, p *airspace.Priority, a *priority.Affected, in *orderExitsInput) ExitOrder {
	out := ExitOrder{VehicleID: string(a.Vehicle.ID), Exit: s.affectedOf(ctx, a).Exit}
	if out.Order = s.answeredExit(ctx, out.VehicleID, in); out.Order != nil {
		return out
	}
	seen, told := in.Body.Seen[out.VehicleID]
	q, code, why := exitOrder(a)
	if told && seen != out.Exit.ID {
		code, why = "exit_changed", "It is offered another way out now: look at it, and order again."
	}
	if code != "" {
		out.Code, out.Why = code, why
		return out
	}
	by, err := s.hand(ctx, out.VehicleID)
	if err == nil {
		q.Vehicle, q.By, q.Reason, q.TakeOver, q.Try = a.Vehicle.ID, by, "priority traffic: "+p.Name, in.Body.TakeOver, in.DryRun
		var o command.Order
		if o, err = s.cfg.Orders.Ask(ofVehicle(ctx, out.VehicleID), q); err == nil {
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

// answeredExit is the order that the same request gave before, whatever the vehicle is
// offered by now; nil: it gave none.
func (s *Server) answeredExit(ctx context.Context, vehicle string, in *orderExitsInput) *Order {
	if in.DryRun {
		return nil
	}
	o, ok, err := s.cfg.Orders.Answered(ofVehicle(ctx, vehicle))
	if !ok || err != nil { // what is wrong with the key is said when it is ordered
		return nil
	}
	shown := orderOf(&o)
	return &shown
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

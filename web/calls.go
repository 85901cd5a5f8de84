package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/command"
	"testzone/vehicles"
)

// Call is why somebody calls the contact of a vehicle, and what came of it.
type Call struct {
	VehicleID string  `json:"vehicle_id"`
	Open      bool    `json:"open" doc:"Somebody still has to call"`
	Order     string  `json:"order" doc:"Id of the order that came to nothing; empty: none could be given"`
	Why       string  `json:"why" doc:"What happened, and what to say; empty: somebody called of their own accord"`
	Since     string  `json:"since" format:"date-time"`
	Tries     int     `json:"tries" doc:"Times that somebody called"`
	Outcome   string  `json:"outcome" enum:"reached,not_reached,not_needed," doc:"Of the last try"`
	Note      string  `json:"note"`
	By        string  `json:"by" doc:"Person that called last"`
	TriedAt   *string `json:"tried_at" format:"date-time"`
	EndedAt   *string `json:"ended_at" format:"date-time"`
	Cause     string  `json:"cause" doc:"Why it ended: in_effect, at_rest, called or not_needed"`
}

// CallInput is what came of calling a contact.
type CallInput struct {
	Outcome string `json:"outcome" enum:"reached,not_reached,not_needed" doc:"reached: who answers for the vehicle brings it to safety; not_needed: it is known to be safe; not_reached: somebody calls again"`
	Note    string `json:"note,omitempty" maxLength:"500" doc:"Stays in the journal: no personal data"`
}

// Resolve finds what a schema cannot.
func (in *CallInput) Resolve(huma.Context) []error { return textFault("body.note", in.Note) }

// CallList is every call that somebody has to make.
type CallList struct {
	Items []OpenCall `json:"items" doc:"Oldest first"`
}

// OpenCall is a call that somebody has to make, and to whom.
type OpenCall struct {
	Call
	Contact *Contact `json:"contact" doc:"Whom to call. Personal data, as of a vehicle: null for others, and if nobody is known"`
}

func callOf(c *command.Call) Call {
	return Call{
		VehicleID: string(c.Vehicle), Open: c.Open(), Order: c.Order, Why: c.Why, Since: timeOf(c.SinceUS), Tries: c.Tries,
		Outcome: string(c.Outcome), Note: c.Note, By: c.By, TriedAt: optionalTime(c.TriedUS), EndedAt: optionalTime(c.EndedUS), Cause: c.Cause,
	}
}

func (s *Server) callEndpoints(api huma.API) {
	const tag = "orders"
	endpoint(s, api, operation(tag, "listCalls", http.MethodGet, "/v1/calls", "Whom somebody has to call, because an order came to nothing", 401, 403), s.listCalls)
	endpoint(s, api, operation(tag, "noteCall", http.MethodPost, "/v1/vehicles/{id}/call",
		"Note what came of calling the contact of a vehicle", 400, 401, 403, 404, 413, 415, 503), s.noteCall)
}

func (s *Server) listCalls(ctx context.Context, _ *struct{}) (*struct{ Body CallList }, error) {
	view, out := s.viewOf(ctx), CallList{Items: []OpenCall{}}
	for _, c := range s.cfg.Orders.OpenCalls() {
		if view.Owns(c.Operator) {
			out.Items = append(out.Items, OpenCall{callOf(&c), s.contactOf(ctx, string(c.Vehicle))})
		}
	}
	return &struct{ Body CallList }{out}, nil
}

type noteCallInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body CallInput
}

func (s *Server) noteCall(ctx context.Context, in *noteCallInput) (*struct{ Body Call }, error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID)
	if err != nil {
		return nil, err
	}
	class, _ := vehicles.ParseClass(v.Class)
	c, err := s.cfg.Orders.Called(ctx, &vehicles.Identity{ID: vehicles.VehicleID(v.ID), Class: class, Operator: v.Operator, Verified: true}, by, command.Outcome(in.Body.Outcome), in.Body.Note)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Call }{callOf(&c)}, nil
}

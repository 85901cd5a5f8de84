package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/zonefile"
	"testzone/telemetry/command"
	"testzone/vehicles"
)

// Order is what a vehicle was told, and what became of it.
type Order struct {
	ID        string  `json:"id" doc:"Empty after a dry run"`
	VehicleID string  `json:"vehicle_id"`
	Class     string  `json:"class" enum:"uav,icv,usv"`
	Kind      string  `json:"kind" enum:"hold,stop,return,land,resume,reposition,terminate" doc:"terminate cannot be ordered: two persons decide it, see terminations"`
	State     string  `json:"state" enum:"asked,sent,accepted,in_effect,refused,no_answer,no_effect,expired,superseded" doc:"in_effect: mode and motion show it; an acknowledgement is not enough"`
	Open      bool    `json:"open" doc:"Something may still become of it"`
	Why       string  `json:"why" doc:"Why it is so, and what to do"`
	By        string  `json:"by" doc:"Actor id"`
	Person    string  `json:"person" doc:"Who answers for it"`
	Zone      bool    `json:"zone" doc:"By the zone's own people; only they let the vehicle go on"`
	Reason    string  `json:"reason"`
	Ends      string  `json:"ends" doc:"Of resume: the order that it ends"`
	Command   *int    `json:"command" doc:"MAV_CMD that was sent last; null: none"`
	AskedAt   string  `json:"asked_at" format:"date-time"`
	SentAt    *string `json:"sent_at" format:"date-time"`
	Accepted  *string `json:"accepted_at" format:"date-time"`
	UnderWay  *string `json:"under_way_at" format:"date-time" doc:"Of reposition: it is seen to come nearer; in_effect: it is there"`
	EffectAt  *string `json:"effect_at" format:"date-time"`
	EndedAt   *string `json:"ended_at" format:"date-time"`
	Late      bool    `json:"late" doc:"The effect showed after the order had been given up"`
	LatencyMS *int64  `json:"latency_ms" doc:"From the order to its effect"`
	Durable   bool    `json:"durable" doc:"The journal has it"`
	To        *Place  `json:"to" doc:"Of reposition: where to; else null"`
	Bulk      string  `json:"bulk" doc:"Id of the order to many that it is part of; empty: none"`

	Termination string `json:"termination" doc:"Of terminate: id of what two persons decided"`
	ConfirmedBy string `json:"confirmed_by" doc:"Of terminate: the second person; person is the first"`
}

// Lease is who has the control of a vehicle.
type Lease struct {
	VehicleID string `json:"vehicle_id"`
	Holder    string `json:"holder" doc:"Person"`
	Zone      bool   `json:"zone" doc:"Of the zone's own people"`
	Since     string `json:"since" format:"date-time"`
	From      string `json:"from" doc:"Whom it was taken from; empty: nobody"`
	Reason    string `json:"reason"`
}

// OrderList is one page of orders.
type OrderList struct {
	Items []Order `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

// VehicleOrders is one page of the orders to a vehicle.
type VehicleOrders struct {
	Lease *Lease  `json:"lease" doc:"Who has the control; null: nobody"`
	Items []Order `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

// OrderInput is an order to a vehicle.
type OrderInput struct {
	Kind     string `json:"kind" enum:"hold,stop,return,land,resume,reposition"`
	Reason   string `json:"reason,omitempty" maxLength:"500"`
	TakeOver bool   `json:"take_over,omitempty" doc:"Take the control of the vehicle from who has it"`
	Ends     string `json:"ends,omitempty" maxLength:"64" doc:"Of resume, needed: the order that it ends"`
	To       *Place `json:"to,omitempty" doc:"Of reposition, needed: where to"`
}

// Resolve finds what a schema cannot.
func (in *OrderInput) Resolve(huma.Context) []error {
	if (in.Kind == string(command.Resume)) != (in.Ends != "") {
		return []error{&huma.ErrorDetail{Location: "body.ends", Message: "resume names the order that it ends, and no other order does"}}
	}
	if (in.Kind == string(command.Reposition)) != (in.To != nil) {
		return []error{&huma.ErrorDetail{Location: "body.to", Message: "reposition says where to, and no other order does"}}
	}
	return textFault("body.reason", in.Reason)
}

// LeaseInput takes the control of a vehicle.
type LeaseInput struct {
	Reason   string `json:"reason,omitempty" maxLength:"500"`
	TakeOver bool   `json:"take_over,omitempty" doc:"From who has it"`
}

// Resolve finds what a schema cannot.
func (in *LeaseInput) Resolve(huma.Context) []error { return textFault("body.reason", in.Reason) }

// textFault is why a text would show other than it is.
func textFault(location, text string) []error {
	if text == "" {
		return nil
	}
	if message := zonefile.TextFault(strings.ReplaceAll(text, "\n", " ")); message != "" {
		return []error{&huma.ErrorDetail{Location: location, Message: message}}
	}
	return nil
}

type giveOrderInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body OrderInput
}

type takeLeaseInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body LeaseInput
}

type listOrdersInput struct {
	State string `query:"state" enum:"open,all" default:"open" doc:"Only those of which something may still become, or all"`
	Page
}

type vehicleOrdersInput struct {
	ID string `path:"id" maxLength:"64"`
	Page
}

func (s *Server) orderEndpoints(api huma.API) {
	const tag, path = "orders", "/v1/vehicles/{id}"
	give := creation(tag, "giveOrder", path+"/orders", "Order a vehicle; an order of safe direction leaves at once, resume when it is durable", 400, 401, 403, 404, 409, 413, 415, 503)
	endpoint(s, api, give, s.giveOrder)
	s.wayEndpoint(api)
	endpoint(s, api, operation(tag, "listVehicleOrders", http.MethodGet, path+"/orders", "Orders to a vehicle, newest first, and who has its control", 401, 403, 404), s.listVehicleOrders)
	endpoint(s, api, operation(tag, "listOrders", http.MethodGet, "/v1/orders", "Orders, newest first", 401, 403), s.listOrders)
	endpoint(s, api, operation(tag, "takeLease", http.MethodPut, path+"/lease", "Take the control of a vehicle", 400, 401, 403, 404, 409, 413, 415, 503), s.takeLease)
	endpoint(s, api, operation(tag, "giveUpLease", http.MethodDelete, path+"/lease", "Give the control of a vehicle up", 401, 403, 404, 409, 503), s.giveUpLease)
}

func orderOf(o *command.Order) Order {
	out := Order{
		ID: o.ID, VehicleID: string(o.Vehicle), Class: o.Class, Kind: string(o.Kind), State: string(o.State), Open: !o.State.Final(), Why: o.Why,
		By: o.By, Person: o.Person, Zone: o.Zone, Reason: o.Reason, Ends: o.Ends, AskedAt: timeOf(o.AskedUS), SentAt: optionalTime(o.SentUS),
		Accepted: optionalTime(o.AcceptedUS), UnderWay: optionalTime(o.UnderWayUS), EffectAt: optionalTime(o.EffectUS), EndedAt: optionalTime(o.EndedUS), Late: o.Late, Durable: o.JournalSeq != 0,
		Bulk: o.Bulk, To: placeOf(o.To), Termination: o.Termination, ConfirmedBy: o.Confirmed,
	}
	if o.EffectUS != 0 {
		ms := o.Latency().Milliseconds()
		out.LatencyMS = &ms
	}
	if o.Command != 0 {
		id := int(o.Command)
		out.Command = &id
	}
	return out
}

func leaseOf(l *command.Lease) Lease {
	return Lease{VehicleID: string(l.Vehicle), Holder: l.Holder, Zone: l.Zone, Since: timeOf(l.SinceUS), From: l.From, Reason: l.Reason}
}

// hand is whose hand on a vehicle the caller is: of the zone's own people that of a
// controller, of an operator's people that on its own vehicles.
func (s *Server) hand(ctx context.Context, id string) (by command.By, err error) {
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, id)
	if err != nil {
		return by, err
	}
	who := actorOf(ctx)
	by = command.By{Actor: who.ID, Person: cmp.Or(who.Person, who.ID)}
	by.Zone = who.May(airspace.ZoneControl) && s.viewOf(ctx).Whole()
	if !by.Zone && who.Org != v.Operator {
		return by, fmt.Errorf("vehicle %s is not your organisation's: %w", id, errForbidden)
	}
	return by, nil
}

func (s *Server) giveOrder(ctx context.Context, in *giveOrderInput) (*triedOutput[Order], error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	o, err := s.cfg.Orders.Ask(ctx, command.Request{
		Vehicle: vehicles.VehicleID(in.ID), Kind: command.Kind(in.Body.Kind), By: by,
		Reason: in.Body.Reason, TakeOver: in.Body.TakeOver, Ends: in.Body.Ends, To: in.Body.To.place(), Try: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	out := &triedOutput[Order]{Status: http.StatusCreated, Location: "/v1/vehicles/" + in.ID + "/orders", Body: orderOf(&o)}
	if in.DryRun {
		out.Status, out.Location = http.StatusOK, ""
	}
	return out, nil
}

// orderKey orders lists: newest first, then by id. Fixed width, so that strings
// compare as the numbers do.
func orderKey(o *command.Order) string { return timeOf(o.AskedUS) + " " + o.ID }

func (s *Server) pageOfOrders(ctx context.Context, list string, page Page, wants func(*command.Order) bool) (items []Order, next *string, err error) {
	all := s.cfg.Orders.Orders(wants)
	slices.SortFunc(all, func(a, b command.Order) int { return strings.Compare(orderKey(&b), orderKey(&a)) })
	orders, next, err := paginate(s.cursors, listOf(ctx, list), page, all, orderKey,
		func(o *command.Order, last string) bool { return orderKey(o) < last })
	items = []Order{}
	for i := range orders {
		items = append(items, orderOf(&orders[i]))
	}
	return items, next, err
}

func (s *Server) listOrders(ctx context.Context, in *listOrdersInput) (*struct{ Body OrderList }, error) {
	view := s.viewOf(ctx)
	items, next, err := s.pageOfOrders(ctx, "orders state="+in.State, in.Page, func(o *command.Order) bool {
		return view.Owns(o.Operator) && (in.State == "all" || !o.State.Final())
	})
	if err != nil {
		return nil, err
	}
	return &struct{ Body OrderList }{OrderList{items, next}}, nil
}

func (s *Server) listVehicleOrders(ctx context.Context, in *vehicleOrdersInput) (*struct{ Body VehicleOrders }, error) {
	v, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, in.ID)
	if err != nil {
		return nil, err
	}
	view := s.viewOf(ctx)
	items, next, err := s.pageOfOrders(ctx, "orders of "+in.ID, in.Page, func(o *command.Order) bool {
		return string(o.Vehicle) == v.ID && view.Owns(o.Operator) // whose it was before keeps what was ordered then
	})
	if err != nil {
		return nil, err
	}
	out := VehicleOrders{Items: items, Next: next}
	if l, ok := s.cfg.Orders.Lease(vehicles.VehicleID(v.ID)); ok && view.Owns(l.Operator) {
		shown := leaseOf(&l)
		out.Lease = &shown
	}
	return &struct{ Body VehicleOrders }{out}, nil
}

func (s *Server) takeLease(ctx context.Context, in *takeLeaseInput) (*struct{ Body Lease }, error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	l, err := s.cfg.Orders.TakeLease(ctx, vehicles.VehicleID(in.ID), by, in.Body.TakeOver, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Lease }{leaseOf(&l)}, nil
}

func (s *Server) giveUpLease(ctx context.Context, in *idInput) (*struct{}, error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Orders.GiveUpLease(ctx, vehicles.VehicleID(in.ID), by)
}

package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/command"
	"testzone/telemetry/command/bulk"
	"testzone/vehicles"
)

// BulkOrder is an order to many vehicles: what it would do, or what became of it.
type BulkOrder struct {
	ID        string         `json:"id" doc:"Empty of a preview"`
	Kind      string         `json:"kind" enum:"hold,stop,return,land,clear,end" doc:"end: what was allowed no more ends, by class; nobody gives it by hand"`
	Of        string         `json:"of" doc:"Which vehicles were meant, as it was asked"`
	By        string         `json:"by" doc:"Actor id"`
	Person    string         `json:"person" doc:"Who answers for it"`
	Reason    string         `json:"reason"`
	TakeOver  bool           `json:"take_over"`
	Orders    int            `json:"orders" doc:"How many vehicles it orders about: the count to type"`
	Calls     int            `json:"calls" doc:"Of a preview: how many cannot be ordered what they should be, so that somebody is called"`
	Leased    int            `json:"leased" doc:"Of a preview: how many are left to who has their control"`
	AtRest    int            `json:"at_rest" doc:"How many are left alone: they can stay as they are"`
	Crossing  int            `json:"crossing" doc:"Of a preview: pairs whose ways come close, which leave one after another"`
	LastsS    int            `json:"lasts_s" doc:"Of a preview: seconds until the last orders leave"`
	Digest    string         `json:"digest" doc:"Of a preview: stands for it"`
	Items     []BulkItem     `json:"items" doc:"Who is ordered about first; empty in a list"`
	Tally     map[string]int `json:"tally" doc:"How many are in each state; of one that was given"`
	GivenAt   *string        `json:"given_at" format:"date-time" doc:"Null of a preview"`
	Cancelled *string        `json:"cancelled_at" format:"date-time" doc:"What had not left was not sent"`
	EndedAt   *string        `json:"ended_at" format:"date-time" doc:"Nothing more becomes of it"`
	Why       string         `json:"why" doc:"Why it ended before it was through"`
	Durable   bool           `json:"durable" doc:"The journal has it"`
}

// BulkItem is one vehicle of an order to many.
type BulkItem struct {
	VehicleID string   `json:"vehicle_id"`
	Name      string   `json:"name"`
	Class     string   `json:"class"`
	Operator  string   `json:"operator"`
	Kind      string   `json:"kind" enum:"hold,stop,return,land," doc:"What it is told; empty: nothing"`
	AfterS    int      `json:"after_s" doc:"Seconds after the first orders at which its own leaves"`
	Held      bool     `json:"held" doc:"It is held until then"`
	Cannot    string   `json:"cannot" doc:"Why it is not told what it should be"`
	Call      string   `json:"call" doc:"Why somebody is called about it, told or not; empty: only if cannot says so"`
	Leased    bool     `json:"leased" doc:"It is left to who has its control"`
	Holder    string   `json:"holder" doc:"Person that has the control; empty: you or nobody"`
	Crosses   int      `json:"crosses" doc:"Ways of others that come close to its own"`
	With      []string `json:"with" doc:"A few of those others"`
	State     string   `json:"state" enum:"waiting,cannot,leased,not_sent,left,asked,sent,accepted,in_effect,refused,no_answer,no_effect,expired,superseded," doc:"Empty of a preview. left: it came to rest, or somebody else ordered it about, before its time"`
	Why       string   `json:"why"`
	Order     string   `json:"order" doc:"Id of its newest order"`
	LatencyMS *int64   `json:"latency_ms" doc:"From its order to the effect"`
}

// BulkSelection is which vehicles are meant: those that fit all that is said.
type BulkSelection struct {
	All       bool     `json:"all,omitempty" doc:"Needed when nothing else is said"`
	Against   bool     `json:"against,omitempty" doc:"That do not comply with the state of the zone"`
	Classes   []string `json:"classes,omitempty" enum:"uav,icv,usv" maxItems:"3"`
	Operators []string `json:"operators,omitempty" maxItems:"100"`
	Vehicles  []string `json:"vehicles,omitempty" maxItems:"1500"`
	Fence     string   `json:"fence,omitempty" maxLength:"64" doc:"Over its shape and in its band"`
	Area      Geometry `json:"area,omitempty" required:"false" doc:"Over this polygon, or this Point with area_radius_m"`
	RadiusM   *float64 `json:"area_radius_m,omitempty" minimum:"1" maximum:"200000"`
}

// BulkInput is an order to many.
type BulkInput struct {
	Kind     string        `json:"kind" enum:"hold,stop,return,land,clear" doc:"clear: a safe end by class: aircraft return, or are held and called about; cars stop; boats are held"`
	Of       BulkSelection `json:"of"`
	Reason   string        `json:"reason,omitempty" maxLength:"500"`
	TakeOver bool          `json:"take_over,omitempty" doc:"Take the control of the vehicles from who has it"`
	Digest   string        `json:"digest,omitempty" maxLength:"64" doc:"Of the preview that was looked at, not older than 5 minutes; not of a dry run"`
	Expect   int           `json:"expect,omitempty" minimum:"0" doc:"How many vehicles it orders about, as somebody typed it; not of a dry run"`

	area *FenceInput
}

// Resolve finds what a schema cannot.
func (in *BulkInput) Resolve(huma.Context) (faults []error) {
	if len(in.Of.Area) > 0 && in.Of.Fence != "" {
		faults = append(faults, &huma.ErrorDetail{Location: "body.of.area", Message: "either a fence or an area"})
	}
	if len(in.Of.Area) > 0 {
		in.area = &FenceInput{Name: "area", Kind: "keep_out", Geometry: in.Of.Area, RadiusM: in.Of.RadiusM}
		_, rest := in.area.resolve("body.of.area")
		for _, f := range rest {
			faults = append(faults, &huma.ErrorDetail{Location: f.Location, Message: f.Message})
		}
	}
	return append(faults, textFault("body.reason", in.Reason)...)
}

// BulkList is one page of orders to many.
type BulkList struct {
	Items []BulkOrder `json:"items"`
	Next  *string     `json:"next" doc:"Cursor of the next page; null at the end"`
}

type giveBulkInput struct {
	Trial
	Body BulkInput
}

func (s *Server) bulkEndpoints(api huma.API) {
	const tag, path = "orders", "/v1/bulk-orders"
	give := creation(tag, "giveBulkOrder", "/v1/orders", "Order many vehicles, as a preview (dry_run) showed it; of another count or preview, 409 with the new one",
		400, 401, 403, 404, 409, 413, 415, 503)
	endpoint(s, api, give, s.giveBulkOrder)
	endpoint(s, api, operation(tag, "listBulkOrders", http.MethodGet, path, "Orders to many vehicles, newest first", 401, 403), s.listBulkOrders)
	endpoint(s, api, operation(tag, "getBulkOrder", http.MethodGet, path+"/{id}", "One order to many vehicles, and what became of each", 401, 403, 404), s.getBulkOrder)
	endpoint(s, api, operation(tag, "cancelBulkOrder", http.MethodDelete, path+"/{id}", "Keep what has not left yet from leaving", 401, 403, 404, 503), s.cancelBulkOrder)
}

func bulkItemsOf(items []bulk.Item) []BulkItem {
	out := make([]BulkItem, 0, len(items))
	for i := range items {
		it := &items[i]
		item := BulkItem{
			VehicleID: string(it.Vehicle), Name: it.Name, Class: it.Class, Operator: it.Operator, Kind: string(it.Kind), AfterS: it.AfterS, Held: it.Held,
			Cannot: it.Cannot, Call: it.Call, Leased: it.Leased, Holder: it.Holder, Crosses: it.Crosses, With: it.With, State: string(it.State), Why: it.Why, Order: it.Order,
		}
		if item.With == nil {
			item.With = []string{}
		}
		out = append(out, item)
	}
	return out
}

func previewOf(p *bulk.Preview, q *bulk.Request) BulkOrder {
	return BulkOrder{
		Kind: string(p.Kind), Of: q.Of.Text, By: q.By.Actor, Person: q.By.Person, Reason: q.Reason, TakeOver: q.TakeOver, Orders: p.Orders, Calls: p.Calls,
		Leased: p.Leased, AtRest: p.AtRest, Crossing: p.Crossing, LastsS: int(p.Lasts.Seconds()), Digest: p.Digest, Items: bulkItemsOf(p.Items), Tally: map[string]int{},
	}
}

func (s *Server) bulkOf(b *bulk.Bulk) BulkOrder {
	out := BulkOrder{
		ID: b.ID, Kind: string(b.Kind), Of: b.Of, By: b.By, Person: b.Person, Reason: b.Reason, TakeOver: b.TakeOver, Orders: b.Orders, AtRest: b.AtRest,
		Items: bulkItemsOf(b.Items), Tally: map[string]int{}, GivenAt: optionalTime(b.GivenUS), Cancelled: optionalTime(b.CancelledUS), EndedAt: optionalTime(b.EndedUS),
		Why: b.Why, Durable: b.Durable,
	}
	for state, n := range b.Tally {
		out.Tally[string(state)] = n
	}
	for i := range out.Items {
		it := &out.Items[i]
		out.Tally[it.State]++
		if o, err := s.cfg.Orders.Order(it.Order); err == nil && o.EffectUS != 0 && string(o.Kind) == it.Kind {
			ms := o.Latency().Milliseconds()
			it.LatencyMS = &ms
		}
	}
	return out
}

// bulkRequest is whose hand gives which order to whom.
func (s *Server) bulkRequest(ctx context.Context, in *BulkInput) (q bulk.Request, err error) {
	who, view := actorOf(ctx), s.viewOf(ctx)
	q = bulk.Request{Kind: command.Kind(in.Kind), Reason: in.Reason, TakeOver: in.TakeOver, Digest: in.Digest, Expect: in.Expect}
	q.By = command.By{Actor: who.ID, Person: cmp.Or(who.Person, who.ID), Zone: who.May(airspace.ZoneControl) && view.Whole()}
	if !q.By.Zone {
		view = telemetry.OfOperator(who.Org)
	}
	of := &in.Of
	q.Of = bulk.Selection{All: of.All, Against: of.Against, Operators: of.Operators, View: view}
	for _, name := range of.Classes {
		if c, ok := vehicles.ParseClass(name); ok {
			q.Of.Classes |= vehicles.ClassSet(c)
		}
	}
	for _, id := range of.Vehicles {
		q.Of.Vehicles = append(q.Of.Vehicles, vehicles.VehicleID(id))
	}
	said := *of
	if in.area != nil {
		said.Area, q.Of.Within = Geometry(`"drawn"`), in.area.compiled
	}
	text, err := json.Marshal(&said)
	if err != nil {
		return q, err
	}
	q.Of.Text = string(text)
	if of.Fence != "" {
		f, err := s.cfg.Register.Fence(of.Fence)
		if err != nil {
			return q, err
		}
		q.Of.Within = f.Compiled()
	}
	return q, nil
}

func (s *Server) giveBulkOrder(ctx context.Context, in *giveBulkInput) (*triedOutput[BulkOrder], error) {
	q, err := s.bulkRequest(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		p, err := s.cfg.Bulk.Preview(ctx, q)
		if err != nil {
			return nil, err
		}
		return &triedOutput[BulkOrder]{Status: http.StatusOK, Body: previewOf(p, &q)}, nil
	}
	b, err := s.cfg.Bulk.Give(ctx, q)
	var changed *bulk.ChangedError
	if errors.As(err, &changed) {
		p := newProblem(ctx, http.StatusConflict, "bulk_changed", changed.Error())
		now := previewOf(changed.Now, &q)
		p.Preview = &now
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	return &triedOutput[BulkOrder]{Status: http.StatusCreated, Location: "/v1/bulk-orders/" + b.ID, Body: s.bulkOf(&b)}, nil
}

// seesBulk reports whether the caller may see an order to many: the zone's people
// all, others what their own organisation's people gave.
func (s *Server) seesBulk(ctx context.Context, b *bulk.Bulk) bool {
	if s.viewOf(ctx).Whole() {
		return true
	}
	p, err := s.cfg.Register.Person(b.Person)
	return err == nil && p.Org == actorOf(ctx).Org
}

func (s *Server) bulkFor(ctx context.Context, id string) (bulk.Bulk, error) {
	b, err := s.cfg.Bulk.Bulk(id)
	if err == nil && !s.seesBulk(ctx, &b) {
		err = bulk.ErrNone
	}
	return b, err
}

func (s *Server) listBulkOrders(ctx context.Context, in *struct{ Page }) (*struct{ Body BulkList }, error) {
	key := func(b *bulk.Bulk) string { return timeOf(b.GivenUS) + " " + b.ID }
	all, next, err := paginate(s.cursors, listOf(ctx, "bulk orders"), in.Page, s.cfg.Bulk.Bulks(func(b *bulk.Bulk) bool { return s.seesBulk(ctx, b) }),
		key, func(b *bulk.Bulk, last string) bool { return key(b) < last })
	if err != nil {
		return nil, err
	}
	out := BulkList{Items: []BulkOrder{}, Next: next}
	for i := range all {
		out.Items = append(out.Items, s.bulkOf(&all[i]))
	}
	return &struct{ Body BulkList }{out}, nil
}

func (s *Server) getBulkOrder(ctx context.Context, in *idInput) (*struct{ Body BulkOrder }, error) {
	b, err := s.bulkFor(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body BulkOrder }{s.bulkOf(&b)}, nil
}

func (s *Server) cancelBulkOrder(ctx context.Context, in *idInput) (*struct{ Body BulkOrder }, error) {
	if _, err := s.bulkFor(ctx, in.ID); err != nil {
		return nil, err
	}
	who := actorOf(ctx)
	b, err := s.cfg.Bulk.Cancel(ctx, in.ID, command.By{Actor: who.ID, Person: cmp.Or(who.Person, who.ID)})
	if err != nil {
		return nil, err
	}
	return &struct{ Body BulkOrder }{s.bulkOf(&b)}, nil
}

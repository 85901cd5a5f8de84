package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/command/onboard"
	"testzone/vehicles"
)

// Plan is what is known of one kind of plan in a vehicle.
type Plan struct {
	VehicleID string     `json:"vehicle_id"`
	Kind      string     `json:"kind" enum:"mission,fence,rally"`
	State     string     `json:"state" enum:"none,uploading,in_step,stale,failed,unknown" doc:"in_step: it was read back and is what was sent, and of the zone's fences what the zone asks now; stale: the vehicle carries something else; unknown: not read since the vehicle or the server started"`
	Why       string     `json:"why" doc:"Why it is so, and what to do"`
	Item      *int       `json:"item" doc:"That it failed at or that differs, from 1; null: none"`
	Source    string     `json:"source" enum:",zone,people,vehicle" doc:"vehicle: it carried this when it was read. Empty: nothing is known"`
	Known     bool       `json:"known" doc:"What the vehicle carries is known: items are it"`
	Items     int        `json:"item_count" doc:"Of what it carries; of a transfer, of what is sent"`
	Progress  *float64   `json:"progress" doc:"Of a transfer, 0 to 1"`
	Parts     []PlanPart `json:"parts" doc:"What became of the zone's fences that are for this vehicle"`
	Enabled   bool       `json:"enabled" doc:"Of a fence: the vehicle accepted to act by it. That it does is not proven"`
	Union     bool       `json:"union" doc:"Of a fence: being within one of its inclusions is enough"`
	By        string     `json:"by" doc:"Actor id of who sent it"`
	Person    string     `json:"person" doc:"Who answers for it"`
	Reason    string     `json:"reason"`
	AskedAt   *string    `json:"asked_at" format:"date-time"`
	EndedAt   *string    `json:"ended_at" format:"date-time" doc:"Of the transfer"`
	ReadAt    *string    `json:"read_at" format:"date-time" doc:"When it was last known what the vehicle carries"`
	Durable   bool       `json:"durable" doc:"The journal has it"`
}

// PlanPart is what becomes of one of the zone's fences on board.
type PlanPart struct {
	FenceID string   `json:"fence_id"`
	Name    string   `json:"name"`
	Kind    string   `json:"kind" enum:"keep_out,keep_in,speed_limit"`
	Rev     uint64   `json:"rev"`
	First   *int     `json:"first_item" doc:"From 1; null: nothing of it is carried, only the server enforces it"`
	Items   int      `json:"item_count"`
	Lost    []string `json:"lost" doc:"What only the server enforces: speed_limit, schedule, floor, hole, join, vertices, room, meridian (nothing of the fence is carried); ceiling, altitude_band, margin (the rest is)"`
}

// PlanFault is one reason why a plan is not sent.
type PlanFault struct {
	Code  string `json:"code" doc:"item, too_many_items, nothing_to_carry, no_position, no_home, vehicle_in_breach, home_in_breach, rally_in_breach, return_in_breach, leg_in_breach, against_carried, inclusions"`
	Item  *int   `json:"item" doc:"From 1; null: of none"`
	Fence string `json:"fence_id" doc:"That would be breached; empty: none"`
	Text  string `json:"text"`
}

// PlanAnswer is a plan with its items.
type PlanAnswer struct {
	Plan
	Contents []PlanItem  `json:"items" doc:"What the vehicle carries; of a transfer or a dry run, what is sent"`
	Faults   []PlanFault `json:"faults" doc:"Of a dry run: why it would not be sent"`
}

// PlanList is what a vehicle carries.
type PlanList struct {
	Items []Plan `json:"items" doc:"Mission, fence, rally"`
}

// PlanInput is a plan for a vehicle.
type PlanInput struct {
	From     string     `json:"from,omitempty" enum:"zone" doc:"Of a fence: the zone's fences that are for this vehicle. Then no items"`
	Items    []PlanItem `json:"items,omitempty" maxItems:"2000" doc:"A mission has no item for home, whatever the autopilot"`
	Enable   bool       `json:"enable,omitempty" doc:"Of a fence: have the vehicle act by it"`
	Union    bool       `json:"union,omitempty" doc:"Of a fence: being within one of its inclusions is enough. Default all of them"`
	Moving   bool       `json:"moving,omitempty" doc:"The plan may change while the vehicle moves"`
	TakeOver bool       `json:"take_over,omitempty" doc:"Take the control of the vehicle from who has it"`
	Reason   string     `json:"reason,omitempty" maxLength:"500"`
}

// Resolve finds what a schema cannot.
func (in *PlanInput) Resolve(huma.Context) []error {
	if (in.From == "") == (len(in.Items) == 0) {
		return []error{&huma.ErrorDetail{Location: "body.items", Message: "give either items or from; an empty plan is cleared with DELETE"}}
	}
	return textFault("body.reason", in.Reason)
}

// PlanKindInput names a plan of a vehicle. Exported as MatchInput is.
type PlanKindInput struct {
	ID   string `path:"id" maxLength:"64"`
	Kind string `path:"kind" enum:"mission,fence,rally"`
}

func (in *PlanKindInput) kind() vehicles.PlanKind {
	k, _ := vehicles.ParsePlanKind(in.Kind)
	return k
}

type putPlanInput struct {
	PlanKindInput
	Trial
	Body PlanInput
}

// Resolve finds what a schema cannot.
func (in *putPlanInput) Resolve(huma.Context) (faults []error) {
	if in.Kind != vehicles.PlanFence.String() && (in.Body.From != "" || in.Body.Enable || in.Body.Union) {
		return []error{&huma.ErrorDetail{Location: "body", Message: "from, enable and union are of a fence"}}
	}
	return nil
}

type clearPlanInput struct {
	PlanKindInput
	Moving   bool   `query:"moving" doc:"The plan may change while the vehicle moves"`
	TakeOver bool   `query:"take_over" doc:"Take the control of the vehicle from who has it"`
	Reason   string `query:"reason" maxLength:"500"`
}

// Resolve finds what a schema cannot.
func (in *clearPlanInput) Resolve(huma.Context) []error { return textFault("query.reason", in.Reason) }

type planOutput struct {
	Status int
	Body   PlanAnswer
}

func (s *Server) planEndpoints(api huma.API) {
	const tag, path = "plans", "/v1/vehicles/{id}/plans"
	one := path + "/{kind}"
	endpoint(s, api, operation(tag, "listPlans", http.MethodGet, path, "What a vehicle carries", 401, 403, 404), s.listPlans)
	endpoint(s, api, operation(tag, "getPlan", http.MethodGet, one, "One kind of plan in a vehicle, with its items", 401, 403, 404), s.getPlan)
	put := operation(tag, "putPlan", http.MethodPut, one, "Have a plan stored in a vehicle; answered when the transfer begins and is durable", 400, 401, 403, 404, 409, 413, 415, 503)
	put.DefaultStatus = http.StatusAccepted
	put.Responses = map[string]*huma.Response{"200": {Description: "What a dry run would lead to", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/PlanAnswer"}},
	}}}
	endpoint(s, api, put, s.putPlan)
	clear := operation(tag, "clearPlan", http.MethodDelete, one, "Have a vehicle forget a plan; answered when that begins and is durable", 401, 403, 404, 409, 503)
	clear.DefaultStatus = http.StatusAccepted
	endpoint(s, api, clear, s.clearPlan)
	read := operation(tag, "readPlan", http.MethodPost, one+"/read-back", "Read what a vehicle carries; answered when that begins", 401, 403, 404, 409, 503)
	read.DefaultStatus = http.StatusAccepted
	endpoint(s, api, read, s.readPlan)
}

func planOf(r *onboard.Record) Plan {
	p := Plan{
		VehicleID: string(r.Vehicle), Kind: r.Kind, State: string(r.State), Why: r.Why, Item: positive(r.Item), Source: string(r.Source), Known: r.Known,
		Items: r.Items, Parts: []PlanPart{}, Enabled: r.Enabled, Union: r.Union, By: r.By, Person: r.Person, Reason: r.Reason,
		AskedAt: optionalTime(r.AskedUS), EndedAt: optionalTime(r.EndedUS), ReadAt: optionalTime(r.ReadUS), Durable: r.JournalSeq != 0,
	}
	if r.State == onboard.Uploading && r.Total > 0 {
		part := float64(r.Done) / float64(r.Total)
		p.Progress = &part
	}
	for _, part := range r.Parts {
		lost := []string{}
		for _, l := range part.Lost {
			lost = append(lost, string(l))
		}
		p.Parts = append(p.Parts, PlanPart{part.ID, part.Name, part.Kind, part.Rev, positive(part.First), part.Items, lost})
	}
	return p
}

// positive is nil for 0, which stands for none.
func positive(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// answerOf is a record with the items that the vehicle carries, or that are sent.
func answerOf(r *onboard.Record, faults []onboard.Fault) PlanAnswer {
	out := PlanAnswer{Plan: planOf(r), Contents: []PlanItem{}, Faults: []PlanFault{}}
	items := r.Carried
	if r.State == onboard.Uploading {
		items = r.Sent
	}
	for i := range items {
		out.Contents = append(out.Contents, planItemOf(&items[i]))
	}
	for _, f := range faults {
		out.Faults = append(out.Faults, PlanFault{f.Code, positive(f.Item), f.Fence, f.Text})
	}
	return out
}

// planned is the vehicle of a call, if the caller may see it.
func (s *Server) planned(ctx context.Context, id string) error {
	_, err := s.cfg.Register.Vehicle(s.viewOf(ctx).Owns, id)
	return err
}

func (s *Server) listPlans(ctx context.Context, in *idInput) (*struct{ Body PlanList }, error) {
	if err := s.planned(ctx, in.ID); err != nil {
		return nil, err
	}
	out := PlanList{Items: []Plan{}}
	for k := vehicles.PlanMission; k <= vehicles.PlanRally; k++ {
		r := s.planRecord(ctx, in.ID, k)
		out.Items = append(out.Items, planOf(&r))
	}
	return &struct{ Body PlanList }{out}, nil
}

// planRecord is what is known of a plan. Whose vehicle it was before sent what it
// carried then: that is not for others.
func (s *Server) planRecord(ctx context.Context, id string, k vehicles.PlanKind) onboard.Record {
	r := s.cfg.Plans.Record(vehicles.VehicleID(id), k)
	if r.Operator != "" && !s.viewOf(ctx).Owns(r.Operator) {
		return onboard.NeverRead(r.Vehicle, k)
	}
	return r
}

func (s *Server) getPlan(ctx context.Context, in *PlanKindInput) (*struct{ Body PlanAnswer }, error) {
	if err := s.planned(ctx, in.ID); err != nil {
		return nil, err
	}
	r := s.planRecord(ctx, in.ID, in.kind())
	return &struct{ Body PlanAnswer }{answerOf(&r, nil)}, nil
}

func (s *Server) putPlan(ctx context.Context, in *putPlanInput) (*planOutput, error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	items, err := planItems(in.Body.Items)
	if err != nil {
		return nil, err
	}
	r, faults, err := s.cfg.Plans.Upload(ctx, onboard.Request{
		Vehicle: vehicles.VehicleID(in.ID), Kind: in.kind(), Items: items, FromZone: in.Body.From != "", Enable: in.Body.Enable, Union: in.Body.Union,
		By: by, Reason: in.Body.Reason, TakeOver: in.Body.TakeOver, Moving: in.Body.Moving, Try: in.DryRun,
	})
	switch {
	case errors.Is(err, onboard.ErrRefused):
		return nil, planProblem(ctx, faults)
	case err != nil:
		return nil, err
	case in.DryRun:
		return &planOutput{http.StatusOK, answerOf(&r, faults)}, nil
	}
	return &planOutput{http.StatusAccepted, answerOf(&r, nil)}, nil
}

// planProblem names every reason why a plan is not sent.
func planProblem(ctx context.Context, faults []onboard.Fault) *Problem {
	p := newProblem(ctx, http.StatusConflict, "plan_refused", "The plan is not sent to the vehicle; see errors.")
	for _, f := range faults {
		at := "body"
		if f.Item > 0 {
			at = fmt.Sprintf("body.items[%d]", f.Item-1)
		}
		p.Errors = append(p.Errors, FieldError{at, f.Text})
	}
	return p
}

func (s *Server) clearPlan(ctx context.Context, in *clearPlanInput) (*planOutput, error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := s.cfg.Plans.Clear(ctx, onboard.Request{
		Vehicle: vehicles.VehicleID(in.ID), Kind: in.kind(), By: by, Reason: in.Reason, TakeOver: in.TakeOver, Moving: in.Moving,
	})
	if err != nil {
		return nil, err
	}
	return &planOutput{http.StatusAccepted, answerOf(&r, nil)}, nil
}

func (s *Server) readPlan(ctx context.Context, in *PlanKindInput) (*planOutput, error) {
	by, err := s.hand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := s.cfg.Plans.ReadBack(ctx, vehicles.VehicleID(in.ID), in.kind(), by)
	if err != nil {
		return nil, err
	}
	return &planOutput{http.StatusAccepted, answerOf(&r, nil)}, nil
}

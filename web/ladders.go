package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/command/ladder"
	"testzone/vehicles"
)

// BreachEnforcement is what was done about the breach of a vehicle, step by step.
type BreachEnforcement struct {
	ID        string            `json:"id"`
	VehicleID string            `json:"vehicle_id"`
	Class     string            `json:"class" enum:"uav,icv,usv,unknown"`
	State     string            `json:"state" enum:"watching,held_back,in_turn,ordered,in_effect,waiting,frozen,overridden,let_be,exhausted,ended" doc:"watching: the evidence does not suffice, or nothing has to be ordered; waiting: a person has ordered; frozen: nothing can be sent; overridden: the pilot has the vehicle; exhausted: nothing is left to order"`
	Open      bool              `json:"open" doc:"The breach goes on"`
	Why       string            `json:"why" doc:"Why the state is so"`
	Call      string            `json:"call" doc:"Why the contact of the vehicle has to be called; empty: it has not"`
	Fence     EnforcedFence     `json:"fence" doc:"That decides: it asks most of those that are breached"`
	Breached  []EnforcedFence   `json:"breached" doc:"That ask more than to warn"`
	Steps     []EnforcementStep `json:"steps" doc:"In their order"`
	TookFrom  string            `json:"took_from" doc:"Person whom the control of the vehicle was taken from; empty: nobody"`
	Override  *PilotOverride    `json:"override" doc:"Null: the pilot has not taken it"`
	Decision  *LadderDecision   `json:"decision" doc:"Of a controller; null: none"`
	BeganAt   string            `json:"began_at" format:"date-time"`
	ChangedAt string            `json:"changed_at" format:"date-time"`
	EndedAt   *string           `json:"ended_at" format:"date-time"`
	Cause     string            `json:"cause" doc:"Why it ended"`
}

// EnforcedFence is a fence that asks more than to warn.
type EnforcedFence struct {
	FenceID   string `json:"fence_id"`
	FenceName string `json:"fence_name"`
	Rev       uint64 `json:"rev"`
	Response  string `json:"response" enum:"warn,hold,return,land,stop"`
}

// EnforcementStep is one thing that was ordered.
type EnforcementStep struct {
	Kind       string  `json:"kind" enum:"hold,stop,return,land"`
	OrderID    string  `json:"order_id" doc:"Empty: it could not be ordered"`
	Outcome    string  `json:"outcome" enum:"asked,sent,accepted,in_effect,refused,no_answer,no_effect,expired,superseded,impossible,unsent"`
	Why        string  `json:"why"`
	Until      bool    `json:"until_turn" doc:"Only until the vehicle's turn to return comes"`
	EvidenceAt string  `json:"evidence_at" format:"date-time" doc:"Receipt of the sample that it rests on"`
	AskedAt    string  `json:"asked_at" format:"date-time"`
	SentAt     *string `json:"sent_at" format:"date-time"`
	AcceptedAt *string `json:"accepted_at" format:"date-time"`
	ModeAt     *string `json:"mode_at" format:"date-time" doc:"The vehicle shows the mode"`
	EffectAt   *string `json:"effect_at" format:"date-time"`
	EndedAt    *string `json:"ended_at" format:"date-time"`
	SentMS     *int64  `json:"sent_ms" doc:"From the evidence to the sending"`
	EffectMS   *int64  `json:"effect_ms" doc:"From the evidence to the effect"`
}

// PilotOverride is that the pilot has the vehicle.
type PilotOverride struct {
	Since   string `json:"since" format:"date-time"`
	Mode    string `json:"mode" doc:"Flight mode"`
	Ordered bool   `json:"ordered" doc:"The pilot left what had been ordered; else it flew by hand at the breach"`
}

// LadderDecision is what a controller decided.
type LadderDecision struct {
	Decision string `json:"decision" enum:"continue,let_be"`
	By       string `json:"by" doc:"Actor id"`
	Reason   string `json:"reason"`
	At       string `json:"at" format:"date-time"`
}

// EnforcementList is one page of what was done about breaches.
type EnforcementList struct {
	Mode     string              `json:"mode" enum:"act,advise,off" doc:"off: breaches are alerts and nothing more"`
	HeldBack string              `json:"held_back" doc:"Why no automatic order leaves now; empty: they do"`
	Waits    int                 `json:"waits" doc:"Vehicles in breach that get no order since the restart: confirm, or wait"`
	Items    []BreachEnforcement `json:"items"`
	Next     *string             `json:"next" doc:"Cursor of the next page; null at the end"`
}

// LadderInput decides about the enforcement of a vehicle's breach.
type LadderInput struct {
	Decision string `json:"decision" enum:"continue,let_be" doc:"continue: orders are given, over the pilot and whoever ordered; let_be: none in this breach"`
	Reason   string `json:"reason" minLength:"1" maxLength:"500" doc:"Stays in the journal: no personal data"`
}

// Resolve finds what a schema cannot.
func (in *LadderInput) Resolve(huma.Context) []error { return reasonFault(in.Reason) }

// LadderConfirmation says that what vehicles report after a restart is right.
type LadderConfirmation struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Stays in the journal: no personal data"`
}

// Resolve finds what a schema cannot.
func (in *LadderConfirmation) Resolve(huma.Context) []error { return reasonFault(in.Reason) }

type listEnforcementInput struct {
	State string `query:"state" enum:"open,all" default:"open" doc:"Only breaches that go on, or all"`
	Page
}

type enforcementOutput struct{ Body EnforcementList }

func (s *Server) ladderEndpoints(api huma.API) {
	const tag, path, of = "enforcement", "/v1/enforcement", "/v1/vehicles/{id}/enforcement"
	endpoint(s, api, operation(tag, "listEnforcement", http.MethodGet, path, "What is done about breaches, newest first", 401, 403), s.listEnforcement)
	endpoint(s, api, operation(tag, "confirmEnforcement", http.MethodPost, path+"/confirm",
		"Say after a restart that what vehicles report is right: automatic orders are given from now on", 400, 401, 403, 409, 413, 415, 503), s.confirmEnforcement)
	endpoint(s, api, operation(tag, "listVehicleEnforcement", http.MethodGet, of, "What was done about breaches of a vehicle, newest first", 401, 403, 404), s.listVehicleEnforcement)
	endpoint(s, api, operation(tag, "decideEnforcement", http.MethodPost, of+"/decision",
		"Have the enforcement of a vehicle's breach go on, or let it be", 400, 401, 403, 404, 409, 413, 415, 503), s.decideEnforcement)
}

func enforcedFence(f *ladder.Fence) EnforcedFence {
	return EnforcedFence{FenceID: f.ID, FenceName: f.Name, Rev: f.Rev, Response: string(f.Response)}
}

func ladderOf(l *ladder.Ladder) BreachEnforcement {
	out := BreachEnforcement{
		ID: l.ID, VehicleID: string(l.Vehicle), Class: l.Class, State: string(l.State), Open: l.Open(), Why: l.Why, Call: l.Called,
		Fence: enforcedFence(&l.Fence), Breached: []EnforcedFence{}, Steps: []EnforcementStep{}, TookFrom: l.TookFrom,
		BeganAt: timeOf(l.BeganUS), ChangedAt: timeOf(l.ChangedUS), EndedAt: optionalTime(l.EndedUS), Cause: l.Cause,
	}
	for i := range l.Breaches {
		out.Breached = append(out.Breached, enforcedFence(&l.Breaches[i].Fence))
	}
	for i := range l.Steps {
		out.Steps = append(out.Steps, stepOf(&l.Steps[i]))
	}
	if o := l.Override; o != nil {
		out.Override = &PilotOverride{timeOf(o.SinceUS), o.Mode, o.Ordered}
	}
	if d := l.Decision; d != nil {
		out.Decision = &LadderDecision{string(d.What), d.By, d.Reason, timeOf(d.AtUS)}
	}
	return out
}

func stepOf(st *ladder.Step) EnforcementStep {
	since := func(us int64) *int64 {
		if us == 0 {
			return nil
		}
		ms := (us - st.EvidenceUS) / 1000
		return &ms
	}
	return EnforcementStep{
		Kind: string(st.Kind), OrderID: st.Order, Outcome: string(st.Outcome), Why: st.Why, Until: st.Until,
		EvidenceAt: timeOf(st.EvidenceUS), AskedAt: timeOf(st.AskedUS), SentAt: optionalTime(st.SentUS), AcceptedAt: optionalTime(st.AcceptedUS),
		ModeAt: optionalTime(st.ModeUS), EffectAt: optionalTime(st.EffectUS), EndedAt: optionalTime(st.EndedUS),
		SentMS: since(st.SentUS), EffectMS: since(st.EffectUS),
	}
}

func ladderKey(l *ladder.Ladder) string { return timeOf(l.BeganUS) + " " + l.ID }

func (s *Server) pageOfLadders(ctx context.Context, list string, page Page, wants func(*ladder.Ladder) bool) (*enforcementOutput, error) {
	all := s.cfg.Enforcement.Ladders(wants)
	slices.SortFunc(all, func(a, b ladder.Ladder) int { return strings.Compare(ladderKey(&b), ladderKey(&a)) })
	shown, next, err := paginate(s.cursors, listOf(ctx, list), page, all, ladderKey, func(l *ladder.Ladder, last string) bool { return ladderKey(l) < last })
	if err != nil {
		return nil, err
	}
	is := s.cfg.Enforcement.Standing()
	out := EnforcementList{Mode: string(is.Mode), HeldBack: is.HeldBack, Waits: is.Waits, Items: []BreachEnforcement{}, Next: next}
	if !s.viewOf(ctx).Whole() {
		out.Waits = 0 // of every operator
	}
	for i := range shown {
		out.Items = append(out.Items, ladderOf(&shown[i]))
	}
	return &enforcementOutput{out}, nil
}

func (s *Server) listEnforcement(ctx context.Context, in *listEnforcementInput) (*enforcementOutput, error) {
	view := s.viewOf(ctx)
	return s.pageOfLadders(ctx, "enforcement state="+in.State, in.Page, func(l *ladder.Ladder) bool {
		return view.Owns(l.Operator) && (in.State == "all" || l.Open())
	})
}

func (s *Server) listVehicleEnforcement(ctx context.Context, in *vehicleOrdersInput) (*enforcementOutput, error) {
	view := s.viewOf(ctx)
	v, err := s.cfg.Register.Vehicle(view.Owns, in.ID)
	if err != nil {
		return nil, err
	}
	return s.pageOfLadders(ctx, "enforcement of "+in.ID, in.Page, func(l *ladder.Ladder) bool {
		return string(l.Vehicle) == v.ID && view.Owns(l.Operator)
	})
}

type decideEnforcementInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body LadderInput
}

func (s *Server) decideEnforcement(ctx context.Context, in *decideEnforcementInput) (*struct{ Body BreachEnforcement }, error) {
	view := s.viewOf(ctx)
	if _, err := s.cfg.Register.Vehicle(view.Owns, in.ID); err != nil {
		return nil, err
	}
	if !view.Whole() {
		return nil, fmt.Errorf("the enforcement of a breach is decided by the zone: %w", errForbidden)
	}
	if isRepeated(ctx) {
		if all := s.cfg.Enforcement.Ladders(func(l *ladder.Ladder) bool { return string(l.Vehicle) == in.ID }); len(all) > 0 {
			return &struct{ Body BreachEnforcement }{ladderOf(&all[0])}, nil
		}
	}
	l, err := s.cfg.Enforcement.Decide(ctx, vehicles.VehicleID(in.ID), ladder.Verdict(in.Body.Decision), actorOf(ctx).ID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &struct{ Body BreachEnforcement }{ladderOf(&l)}, nil
}

type confirmEnforcementInput struct{ Body LadderConfirmation }

func (s *Server) confirmEnforcement(ctx context.Context, in *confirmEnforcementInput) (*struct{}, error) {
	if isRepeated(ctx) {
		return nil, nil
	}
	return nil, s.cfg.Enforcement.Confirm(ctx, actorOf(ctx).ID, in.Body.Reason)
}

package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/permit"
	rulepack "testzone/airspace/rules"
)

const permitPath = "/v1/permits"

// Permit is an application for a test permit and what became of it.
type Permit struct {
	ID          string            `json:"id" doc:"Empty after a dry run"`
	Holder      string            `json:"holder" doc:"Organisation"`
	State       string            `json:"state" enum:"draft,submitted,under_review,information_requested,approved,refused,effective,suspended,revoked,expired,withdrawn"`
	Step        string            `json:"step" doc:"Of the procedure of the rule pack; empty: none is open"`
	Pack        string            `json:"pack" doc:"id@version of the rule pack that judges it"`
	PackStatus  string            `json:"pack_status" enum:"in_force,draft,expired,placeholder,missing" doc:"Under one that is not in force it becomes effective only by a signed override; missing: the server does not have it, the permit can be stopped and goes on otherwise as it is"`
	Tier        string            `json:"tier" doc:"Risk tier of Article 65: high, medium or low; empty before the submission"`
	Application PermitApplication `json:"application"`
	DocHash     string            `json:"doc_hash" doc:"SHA-256 of the application: what a review names"`
	Asked       []string          `json:"asked" doc:"Departments that have to say something now"`
	Advise      []string          `json:"advise" doc:"Departments that may advise now"`
	Decisions   []PermitDecision  `json:"decisions"`
	Clocks      []PermitClock     `json:"clocks"`
	From        *string           `json:"from" format:"date-time" doc:"Of an approved one; null before"`
	To          *string           `json:"to" format:"date-time" doc:"Insurance that ends earlier cuts it"`
	Conditions  *PermitConditions `json:"conditions" doc:"All departments' together, the tightest of each; null: not approved"`
	PublishedAt *string           `json:"published_at" format:"date-time" doc:"When its disclosure became public"`
	Override    *PermitOverride   `json:"override" doc:"Null: none was signed"`
	Waits       string            `json:"waits" doc:"Why an approved one is not effective although its time began"`
	EndNow      bool              `json:"end_now" doc:"Of a suspended or revoked one: its vehicles end at once, else they finish and recover"`
	History     []PermitEvent     `json:"history"`
	Faults      []PermitFault     `json:"faults,omitempty" doc:"Of a dry run: all that speaks against its submission"`
	Ends        *PermitEnds       `json:"ends,omitempty" doc:"Of a dry run of suspend and revoke: who moves under it now, and what becomes of them"`

	Rev       uint64 `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string `json:"created_at" format:"date-time"`
	UpdatedAt string `json:"updated_at" format:"date-time"`
	UpdatedBy string `json:"updated_by" doc:"Person; empty: the clock"`
}

// PermitDecision is what a department said.
type PermitDecision struct {
	Step       string           `json:"step"`
	Department string           `json:"department"`
	Verdict    string           `json:"verdict" enum:"pass,approve,approve_with_conditions,advise_for,advise_against,return,reject"`
	Conditions PermitConditions `json:"conditions"`
	Judgements map[string]bool  `json:"judgements" doc:"Of tier high: necessary, appropriate, controllable"`
	Reason     string           `json:"reason"`
	Reference  string           `json:"reference" doc:"Of the authority's own decision, which testzone records and does not make"`
	Signer     string           `json:"signer" doc:"Person"`
	At         string           `json:"at" format:"date-time"`
	DocHash    string           `json:"doc_hash" doc:"Of the revision that was looked at"`
	Void       bool             `json:"void" doc:"The application changed since in what the department watches"`
}

// PermitConditions narrow what was applied for.
type PermitConditions struct {
	Vehicles []string      `json:"vehicles,omitempty" maxItems:"1000" doc:"Only these"`
	Ceiling  *PermitHeight `json:"ceiling,omitempty" doc:"Not above; in the datum of the application"`
	From     *permitTime   `json:"from,omitempty" doc:"Not before"`
	To       *permitTime   `json:"to,omitempty" doc:"Not after"`
	SpeedMPS float64       `json:"speed_mps,omitempty" minimum:"0" maximum:"400"`
	Observer bool          `json:"observer,omitempty" doc:"Somebody of the department on site"`
	Notes    []string      `json:"notes,omitempty" maxItems:"20"`
}

// PermitClock is a deadline of the law that runs.
type PermitClock struct {
	ID          string  `json:"id" doc:"Of the rule pack"`
	Step        string  `json:"step" doc:"That has to end by then; empty: none of the permit's procedure"`
	DueAt       string  `json:"due_at" format:"date-time"`
	WarnAt      string  `json:"warn_at" format:"date-time"`
	Opens       bool    `json:"opens" doc:"From when, not until when"`
	Provisional bool    `json:"provisional" doc:"It counts working days of a year whose holidays are not published"`
	State       string  `json:"state" enum:"open,met,missed"`
	MetAt       *string `json:"met_at" format:"date-time"`
	Missed      string  `json:"missed" enum:"refuse,escalate,block,mark,suspend" doc:"What it does then. Silence is never consent"`
}

// PermitEvent is one act in a permit's history.
type PermitEvent struct {
	At     string `json:"at" format:"date-time"`
	By     string `json:"by" doc:"Person; empty: the clock"`
	Org    string `json:"org"`
	Act    string `json:"act" example:"permit.reviewed"`
	State  string `json:"state" doc:"After it"`
	Reason string `json:"reason"`
}

// PermitOverride lets a permit become effective under a pack that is not in force.
type PermitOverride struct {
	By     string `json:"by"`
	At     string `json:"at" format:"date-time"`
	Reason string `json:"reason"`
	Pack   string `json:"pack"`
}

// PermitFault is one rule that speaks against an application.
type PermitFault struct {
	Code    string  `json:"code" enum:"missing,invalid,clock,gate,insurance,licence,vehicle,fence,conflict"`
	Rule    string  `json:"rule" doc:"JSON pointer into the rule pack; empty: a rule of the zone"`
	Item    string  `json:"item" doc:"Of the application, e.g. items/comms, volumes/0"`
	Message string  `json:"message"`
	Metres  float64 `json:"metres" doc:"By how much; 0: not a matter of metres"`
	Minutes float64 `json:"minutes" doc:"By how long; 0: not a matter of time"`
	Passes  string  `json:"passes" doc:"What would pass; empty: see the message"`
}

// RulePack is a rule pack of the deployment.
type RulePack struct {
	ID        string   `json:"id" doc:"id@version"`
	Title     string   `json:"title"`
	Place     string   `json:"place"`
	Status    string   `json:"status" enum:"in_force,draft,expired,placeholder"`
	ValidFrom string   `json:"valid_from" format:"date"`
	ValidTo   *string  `json:"valid_to" format:"date" doc:"The first day on which it holds no more"`
	Now       bool     `json:"now" doc:"It judges what is submitted now"`
	Kinds     []string `json:"kinds"`
}

// Disclosure is what the public may know of a permit (Article 65 (2)).
type Disclosure struct {
	ID          string            `json:"id"`
	Kind        string            `json:"kind"`
	Scenario    string            `json:"scenario"`
	From        string            `json:"from" format:"date-time"`
	To          string            `json:"to" format:"date-time"`
	PublishedAt string            `json:"published_at" format:"date-time"`
	Disclosed   map[string]string `json:"disclosed"`
}

type permitList struct {
	Items []Permit `json:"items"`
	Next  *string  `json:"next" doc:"Cursor of the next page; null at the end"`
}

type listPermitsInput struct {
	State string `query:"state" enum:"draft,submitted,under_review,information_requested,approved,refused,effective,suspended,revoked,expired,withdrawn"`
	Kind  string `query:"kind" maxLength:"60"`
	Queue bool   `query:"queue" doc:"Only those in which your department is asked now"`
	Page
}

type createPermitInput struct {
	Trial
	Body PermitApplication
}

type createPermitOutput struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     Permit
}

type replacePermitInput struct {
	MatchInput
	Body PermitApplication
}

type permitActInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Stays in the journal: no personal data"`
		EndNow bool   `json:"end_now,omitempty" doc:"Of suspend and revoke: its vehicles end at once, else they finish and recover"`
	}
}

// Resolve finds what a schema cannot.
func (in *permitActInput) Resolve(huma.Context) []error {
	return textFault("body.reason", in.Body.Reason)
}

type reviewPermitInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body struct {
		Verdict    string            `json:"verdict" enum:"pass,approve,approve_with_conditions,advise_for,advise_against,return,reject"`
		DocHash    string            `json:"doc_hash" maxLength:"64" doc:"Of the application that you looked at"`
		Reason     string            `json:"reason,omitempty" maxLength:"500" doc:"Needed to return, reject or advise against"`
		Conditions *PermitConditions `json:"conditions,omitempty"`
		Judgements map[string]bool   `json:"judgements,omitempty"`
		Reference  string            `json:"reference,omitempty" maxLength:"200" doc:"Of the authority's own decision"`
	}
}

// Resolve finds what a schema cannot.
func (in *reviewPermitInput) Resolve(huma.Context) []error {
	return append(textFault("body.reason", in.Body.Reason), textFault("body.reference", in.Body.Reference)...)
}

type insurePermitInput struct {
	MatchInput
	Body struct {
		Insurance []PermitPolicy `json:"insurance" maxItems:"100"`
	}
}

func (s *Server) permitEndpoints(api huma.API) {
	const tag, one = "permits", permitPath + "/{id}"
	read, act := []int{401, 403, 404}, []int{400, 401, 403, 404, 409, 413, 415, 503}
	edit := append(slices.Clone(act), 412, 428)
	endpoint(s, api, operation(tag, "listRulePacks", http.MethodGet, "/v1/rule-packs", "Rule packs, and which one holds now", 401, 403), s.listRulePacks)
	endpoint(s, api, operation(tag, "listDisclosures", http.MethodGet, "/v1/disclosures", "What the public may know of permits", 401, 403), s.listDisclosures)
	endpoint(s, api, operation(tag, "listPermits", http.MethodGet, permitPath, "Permits that you may see, by id", 401, 403), s.listPermits)
	endpoint(s, api, operation(tag, "getPermit", http.MethodGet, one, "One permit, with its decisions, clocks and history", read...), s.getPermit)
	endpoint(s, api, creation(tag, "createPermit", permitPath, "Begin an application; a dry run says all that speaks against its submission", 400, 401, 403, 409, 413, 415, 503), s.createPermit)
	endpoint(s, api, operation(tag, "replacePermit", http.MethodPut, one, "Change an application: as a draft, or when information is requested", edit...), s.replacePermit)
	endpoint(s, api, operation(tag, "submitPermit", http.MethodPost, one+"/submit", "Hand the application in", act...), s.submitPermit)
	endpoint(s, api, operation(tag, "withdrawPermit", http.MethodPost, one+"/withdraw", "Take the application back", act...), s.withdrawPermit)
	endpoint(s, api, operation(tag, "reviewPermit", http.MethodPost, one+"/reviews", "Say what your department says in the step that is open", act...), s.reviewPermit)
	endpoint(s, api, operation(tag, "overridePermit", http.MethodPost, one+"/override", "Let it become effective under a rule pack that is not in force", act...), s.overridePermit)
	endpoint(s, api, operation(tag, "insurePermit", http.MethodPut, one+"/insurance", "Name other policies: its time follows them, never beyond what was approved", edit...), s.insurePermit)
	for id, halt := range map[string]airspace.HaltAct{"suspendPermit": airspace.SuspendPermit, "resumePermit": airspace.ResumePermit, "revokePermit": airspace.RevokePermit} {
		endpoint(s, api, operation(tag, id, http.MethodPost, one+"/"+string(halt), "As a department that had to sign it: "+string(halt)+" the permit", act...),
			func(ctx context.Context, in *permitActInput) (*oneOutput[Permit], error) {
				p, err := s.cfg.Register.HaltPermit(in.under(ctx), actorOf(ctx), in.ID, halt, in.Body.Reason, in.Body.EndNow)
				out, err := s.permitAnswer(p, err)
				if err == nil && in.DryRun && halt != airspace.ResumePermit {
					out.Body.Ends, err = s.permitEnds(ctx, in.ID, in.Body.EndNow)
				}
				return out, err
			})
	}
}

func (s *Server) listRulePacks(context.Context, *struct{}) (*struct {
	Body struct {
		Items []RulePack `json:"items"`
	}
}, error) {
	all, now, err := s.cfg.Register.RulePacks()
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Items []RulePack `json:"items"`
		}
	}{}
	out.Body.Items = []RulePack{}
	for _, p := range all {
		one := RulePack{ID: p.Key(), Title: p.Title.En, Place: p.Place, Status: string(p.Status), ValidFrom: p.ValidFrom.String(), Now: p.Key() == now.Key(), Kinds: []string{}}
		if p.ValidTo != nil {
			to := p.ValidTo.String()
			one.ValidTo = &to
		}
		for name := range p.Kinds {
			one.Kinds = append(one.Kinds, name)
		}
		slices.Sort(one.Kinds)
		out.Body.Items = append(out.Body.Items, one)
	}
	return out, nil
}

func (s *Server) listDisclosures(context.Context, *struct{}) (*struct {
	Body struct {
		Items []Disclosure `json:"items"`
	}
}, error) {
	out := &struct {
		Body struct {
			Items []Disclosure `json:"items"`
		}
	}{}
	out.Body.Items = []Disclosure{}
	for _, p := range s.cfg.Register.Published() {
		out.Body.Items = append(out.Body.Items, Disclosure{ID: p.ID, Kind: p.Application.Kind, Scenario: p.Application.Scenario, From: timeOf(p.FromUS), To: timeOf(p.ToUS),
			PublishedAt: timeOf(p.PublishedUS), Disclosed: mapOf(p.Application.Disclosure)})
	}
	return out, nil
}

func (s *Server) listPermits(ctx context.Context, in *listPermitsInput) (*struct{ Body permitList }, error) {
	all := s.cfg.Register.Permits(actorOf(ctx), airspace.PermitFilter{State: rulepack.State(in.State), Kind: in.Kind, Queue: in.Queue})
	page, next, err := paginate(s.cursors, listOf(ctx, fmt.Sprint("permits ", in.State, in.Kind, in.Queue)), in.Page, all,
		func(p *permit.Permit) string { return p.ID }, func(p *permit.Permit, last string) bool { return p.ID > last })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body permitList }{permitList{Items: []Permit{}, Next: next}}
	for i := range page {
		out.Body.Items = append(out.Body.Items, s.permitForm(&page[i]))
	}
	return out, nil
}

func (s *Server) getPermit(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*oneOutput[Permit], error) {
	return s.permitAnswer(s.cfg.Register.PermitOf(actorOf(ctx), in.ID))
}

func (s *Server) createPermit(ctx context.Context, in *createPermitInput) (*createPermitOutput, error) {
	p, faults, err := s.cfg.Register.DraftPermit(in.under(ctx), actorOf(ctx), in.Body.application())
	if err != nil {
		return nil, err
	}
	form := s.permitForm(&p)
	if in.DryRun {
		form.ID, form.Faults = "", faultForms(faults)
		return &createPermitOutput{Status: http.StatusOK, Body: form}, nil
	}
	return &createPermitOutput{Status: http.StatusCreated, Location: permitPath + "/" + p.ID, ETag: etag(p.Rev), Body: form}, nil
}

func (s *Server) replacePermit(ctx context.Context, in *replacePermitInput) (*oneOutput[Permit], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.permitAnswer(s.cfg.Register.EditPermit(ctx, actorOf(ctx), in.ID, rev, in.Body.application()))
}

func (s *Server) submitPermit(ctx context.Context, in *permitActInput) (*oneOutput[Permit], error) {
	return s.permitAnswer(s.cfg.Register.SubmitPermit(in.under(ctx), actorOf(ctx), in.ID))
}

func (s *Server) withdrawPermit(ctx context.Context, in *permitActInput) (*oneOutput[Permit], error) {
	return s.permitAnswer(s.cfg.Register.WithdrawPermit(in.under(ctx), actorOf(ctx), in.ID, in.Body.Reason))
}

func (s *Server) overridePermit(ctx context.Context, in *permitActInput) (*oneOutput[Permit], error) {
	return s.permitAnswer(s.cfg.Register.SignOverride(in.under(ctx), actorOf(ctx), in.ID, in.Body.Reason))
}

func (s *Server) insurePermit(ctx context.Context, in *insurePermitInput) (*oneOutput[Permit], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.permitAnswer(s.cfg.Register.InsurePermit(ctx, actorOf(ctx), in.ID, rev, policiesOf(in.Body.Insurance)))
}

func (s *Server) reviewPermit(ctx context.Context, in *reviewPermitInput) (*oneOutput[Permit], error) {
	b := &in.Body
	return s.permitAnswer(s.cfg.Register.ReviewPermit(in.under(ctx), actorOf(ctx), in.ID, b.Reason,
		permit.Review{Verdict: permit.Verdict(b.Verdict), DocHash: b.DocHash, Conditions: b.Conditions.terms(), Judgements: b.Judgements, Reference: b.Reference}))
}

// permitAnswer shows a permit.
func (s *Server) permitAnswer(p permit.Permit, err error) (*oneOutput[Permit], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Permit]{ETag: etag(p.Rev), Body: s.permitForm(&p)}, nil
}

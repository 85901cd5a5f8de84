package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
)

// DutyBoard is who is responsible for the zone now.
type DutyBoard struct {
	Items       []Duty      `json:"items"`
	Sectors     []Sector    `json:"sectors" doc:"That one can sign on to; none: only to the whole zone"`
	Uncovered   []Sector    `json:"uncovered" doc:"For which nobody present is on duty; a zone without sectors is one with an empty id"`
	Controllers []Colleague `json:"controllers" doc:"To whom a duty can be handed over; for controllers, else empty"`
}

// Sector is a part of the zone that controllers are responsible for.
type Sector struct {
	ID   string      `json:"id"`
	Name string      `json:"name"`
	Area [][]float64 `json:"area,omitempty" doc:"[longitude, latitude] of its corners, if it has any. Starts in an area that is uncovered are refused"`
}

// Colleague is somebody who may control the zone.
type Colleague struct {
	ID   string `json:"id"`
	Name string `json:"name" doc:"Personal data"`
}

// Duty is a controller who is signed on.
type Duty struct {
	ID          string   `json:"id"`
	Person      string   `json:"person"`
	Name        string   `json:"name" doc:"Personal data: for controllers, else empty"`
	Sectors     []string `json:"sectors" doc:"Empty: the whole zone"`
	Since       string   `json:"since" format:"date-time"`
	ConfirmedAt string   `json:"confirmed_at" format:"date-time" doc:"When the person said last that it is there"`
	Present     bool     `json:"present" doc:"False: signed on in a former run of the server and not confirmed since, or may no longer control the zone. Nobody starts on its word"`
	EndedAt     *string  `json:"ended_at" format:"date-time"`
	Offer       *Offer   `json:"offer" doc:"To another person, which has not taken it yet; for controllers, else null"`
	Rev         uint64   `json:"rev"`
}

// Offer is a handover that waits for who takes it.
type Offer struct {
	To       string         `json:"to"`
	At       string         `json:"at" format:"date-time" doc:"It can be taken for 30 minutes"`
	Digest   string         `json:"digest" doc:"Of the briefing: what the taker confirms"`
	Briefing []BriefingItem `json:"briefing"`
}

// BriefingItem is one thing that the taker has to know.
type BriefingItem struct {
	Kind string `json:"kind" enum:"zone_state,alert,provisional_fence,not_enforced,compliance,order,lease,call,proposal,more"`
	ID   string `json:"id" doc:"Of what it is about; empty: of nothing that has one"`
	Text string `json:"text"`
}

type dutyBoardOutput struct {
	Body DutyBoard
}

type signOnInput struct {
	Trial
	Body struct {
		Sectors []string `json:"sectors,omitempty" maxItems:"100" uniqueItems:"true" maxLength:"40" doc:"Without: the whole zone"`
	}
}

type signOffInput struct {
	ID     string `path:"id" maxLength:"64"`
	Reason string `query:"reason" maxLength:"500" doc:"Needed for a duty of somebody else; stays in the journal: no personal data"`
}

// Resolve finds what a schema cannot.
func (in *signOffInput) Resolve(huma.Context) []error { return reasonFault(in.Reason) }

type offerDutyInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body struct {
		To string `json:"to" minLength:"1" maxLength:"64" doc:"Id of a person who may control the zone"`
	}
}

type takeDutyInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body struct {
		Digest string `json:"digest" minLength:"1" maxLength:"64" doc:"Of the briefing that you have read"`
	}
}

type dutyOutput struct {
	Body Duty
}

func (s *Server) dutyEndpoints(api huma.API) {
	const tag, path = "duty", "/v1/duty"
	endpoint(s, api, operation(tag, "getDuty", http.MethodGet, path, "Who is on duty, and what is uncovered", 401, 403), s.getDuty)
	endpoint(s, api, creation(tag, "signOn", path, "Be on duty; who is already confirms it, and takes these sectors", 400, 401, 403, 413, 415, 503), s.signOn)
	endpoint(s, api, operation(tag, "signOff", http.MethodDelete, path+"/{id}", "End a duty", 400, 401, 403, 404, 503), s.signOff)
	endpoint(s, api, operation(tag, "offerDuty", http.MethodPost, path+"/{id}/handover",
		"Offer your duty to another person, with a briefing that is made now; you stay on duty until it is taken", 400, 401, 403, 404, 409, 413, 415, 503), s.offerDuty)
	endpoint(s, api, operation(tag, "withdrawDuty", http.MethodDelete, path+"/{id}/handover", "Withdraw the offer of your duty", 401, 403, 404, 503), s.withdrawDuty)
	endpoint(s, api, operation(tag, "takeDuty", http.MethodPost, path+"/{id}/take",
		"Take a duty over that is offered to you, having read its briefing", 400, 401, 403, 404, 409, 413, 415, 503), s.takeDuty)
}

func (s *Server) getDuty(ctx context.Context, _ *struct{}) (*dutyBoardOutput, error) {
	zone := s.cfg.Register.Zone()
	out := DutyBoard{
		Items: []Duty{}, Controllers: []Colleague{},
		Sectors: sectorsOf(zone.Sectors), Uncovered: sectorsOf(s.cfg.Register.Uncovered()),
	}
	for _, d := range s.cfg.Register.OnDuty() {
		out.Items = append(out.Items, s.dutyOf(ctx, &d))
	}
	if !actorOf(ctx).May(airspace.ZoneControl) {
		return &dutyBoardOutput{Body: out}, nil
	}
	for _, p := range s.cfg.Register.People() {
		who, _, err := s.cfg.Register.PersonActor(p.ID)
		if err == nil && who.May(airspace.ZoneControl) {
			out.Controllers = append(out.Controllers, Colleague{ID: p.ID, Name: s.cfg.Auth.Secrets().Profile(p.ID).Name})
		}
	}
	return &dutyBoardOutput{Body: out}, nil
}

func sectorsOf(sectors []airspace.Sector) []Sector {
	out := []Sector{}
	for _, sector := range sectors {
		shown := Sector{ID: sector.ID, Name: sector.Name}
		for _, p := range sector.Ring {
			shown.Area = append(shown.Area, []float64{degrees(p.Lon), degrees(p.Lat)})
		}
		out = append(out, shown)
	}
	return out
}

// dutyOf is a duty as the caller may see it: names, and the briefing, which is of
// every operator's vehicles, are for controllers.
func (s *Server) dutyOf(ctx context.Context, d *airspace.Duty) Duty {
	out := Duty{
		ID: d.ID, Person: d.Person, Sectors: append([]string{}, d.Sectors...), Since: timeOf(d.SinceUS), ConfirmedAt: timeOf(d.ConfirmedUS),
		Present: d.Present, EndedAt: optionalTime(d.EndedUS), Rev: d.Rev,
	}
	if !actorOf(ctx).May(airspace.ZoneControl) {
		return out
	}
	out.Name = s.cfg.Auth.Secrets().Profile(d.Person).Name
	if d.Offer == nil {
		return out
	}
	out.Offer = &Offer{To: d.Offer.To, At: timeOf(d.Offer.AtUS), Digest: d.Offer.Digest, Briefing: []BriefingItem{}}
	if s.viewOf(ctx).Whole() {
		for _, item := range d.Offer.Briefing {
			out.Offer.Briefing = append(out.Offer.Briefing, BriefingItem(item))
		}
	}
	return out
}

func (s *Server) signOn(ctx context.Context, in *signOnInput) (*madeOutput[Duty], error) {
	d, err := s.cfg.Register.SignOn(in.under(ctx), actorOf(ctx), in.Body.Sectors)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return wouldMake(s.dutyOf(ctx, &d)), nil
	}
	return made("/v1/duty", d.Rev, s.dutyOf(ctx, &d)), nil
}

func (s *Server) signOff(ctx context.Context, in *signOffInput) (*struct{}, error) {
	_, err := s.cfg.Register.SignOff(ctx, actorOf(ctx), in.ID, in.Reason)
	return nil, err
}

func (s *Server) offerDuty(ctx context.Context, in *offerDutyInput) (*dutyOutput, error) {
	briefing, err := s.briefing(ctx, s.sectorsOfDuty(in.ID))
	if err != nil {
		return nil, err
	}
	return s.changedDuty(ctx)(s.cfg.Register.Offer(in.under(ctx), actorOf(ctx), in.ID, in.Body.To, briefing))
}

func (s *Server) withdrawDuty(ctx context.Context, in *idInput) (*struct{}, error) {
	_, err := s.cfg.Register.Offer(ctx, actorOf(ctx), in.ID, "", nil)
	return nil, err
}

func (s *Server) takeDuty(ctx context.Context, in *takeDutyInput) (*dutyOutput, error) {
	return s.changedDuty(ctx)(s.cfg.Register.Take(in.under(ctx), actorOf(ctx), in.ID, in.Body.Digest))
}

func (s *Server) changedDuty(ctx context.Context) func(airspace.Duty, error) (*dutyOutput, error) {
	return func(d airspace.Duty, err error) (*dutyOutput, error) {
		if err != nil {
			return nil, err
		}
		return &dutyOutput{Body: s.dutyOf(ctx, &d)}, nil
	}
}

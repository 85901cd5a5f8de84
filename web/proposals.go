package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/zonefile"
)

// Proposal is an act that needs two persons.
type Proposal struct {
	ID          string  `json:"id"`
	Act         string  `json:"act" enum:"person.erase,administrator.remove,administrator.appoint"`
	Subject     string  `json:"subject" doc:"Id of what it is about"`
	Reason      string  `json:"reason"`
	State       string  `json:"state" enum:"open,confirmed,withdrawn,expired"`
	ProposedBy  string  `json:"proposed_by" doc:"Person"`
	ConfirmedBy *string `json:"confirmed_by" doc:"Person; null before"`
	ExpiresAt   string  `json:"expires_at" format:"date-time"`
	Rev         uint64  `json:"rev"`
	CreatedAt   string  `json:"created_at" format:"date-time"`
	UpdatedAt   string  `json:"updated_at" format:"date-time"`
	UpdatedBy   string  `json:"updated_by" doc:"Actor id"`
}

// ProposalInput is a new proposal.
type ProposalInput struct {
	Act     string `json:"act" enum:"person.erase,administrator.remove,administrator.appoint"`
	Subject string `json:"subject" minLength:"1" maxLength:"64" doc:"Id of a person"`
	Reason  string `json:"reason" minLength:"1" maxLength:"500" doc:"Stays in the journal: no personal data"`
}

// Resolve finds what a schema cannot.
func (in *ProposalInput) Resolve(huma.Context) []error {
	if message := zonefile.TextFault(in.Reason); message != "" {
		return []error{&huma.ErrorDetail{Location: "body.reason", Message: message}}
	}
	return nil
}

// ProposalList is one page of proposals.
type ProposalList struct {
	Items []Proposal `json:"items"`
	Next  *string    `json:"next" doc:"Cursor of the next page; null at the end"`
}

type proposalListOutput struct {
	Body ProposalList
}

type proposeInput struct {
	Trial
	Body ProposalInput
}

func (s *Server) proposalEndpoints(api huma.API) {
	const tag, path = "proposals", "/v1/proposals"
	endpoint(s, api, operation(tag, "listProposals", http.MethodGet, path, "Acts of two persons, by id", 401, 403), s.listProposals)
	endpoint(s, api, operation(tag, "getProposal", http.MethodGet, path+"/{id}", "One act of two persons", 401, 403, 404), s.getProposal)
	endpoint(s, api, creation(tag, "propose", path, "Propose an act that another person confirms within a day", 400, 401, 403, 404, 409, 413, 415, 503), s.propose)
	endpoint(s, api, operation(tag, "confirmProposal", http.MethodPost, path+"/{id}/confirm", "Confirm what another person proposed: it happens now",
		400, 401, 403, 404, 409, 412, 428, 503), s.confirmProposal)
	endpoint(s, api, operation(tag, "withdrawProposal", http.MethodDelete, path+"/{id}", "Withdraw an open proposal",
		400, 401, 403, 404, 409, 412, 428, 503), s.withdrawProposal)
}

func proposalOf(p *airspace.Proposal) Proposal {
	out := Proposal{
		ID: p.ID, Act: string(p.Act), Subject: p.Subject, Reason: p.Reason, State: string(p.State), ProposedBy: p.By,
		ExpiresAt: timeOf(p.ExpiresUS), Rev: p.Rev, CreatedAt: timeOf(p.CreatedUS), UpdatedAt: timeOf(p.UpdatedUS), UpdatedBy: p.UpdatedBy,
	}
	if p.Confirmed != "" {
		out.ConfirmedBy = &p.Confirmed
	}
	return out
}

func (s *Server) listProposals(_ context.Context, in *struct{ Page }) (*proposalListOutput, error) {
	records, next, err := paginate(s.cursors, "proposals", in.Page, s.cfg.Register.Proposals(),
		func(p *airspace.Proposal) string { return p.ID },
		func(p *airspace.Proposal, last string) bool { return p.ID > last })
	if err != nil {
		return nil, err
	}
	out := ProposalList{Items: []Proposal{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, proposalOf(&records[i]))
	}
	return &proposalListOutput{Body: out}, nil
}

func (s *Server) getProposal(_ context.Context, in *idInput) (*oneOutput[Proposal], error) {
	p, err := s.cfg.Register.Proposal(in.ID)
	if err != nil {
		return nil, err
	}
	return &oneOutput[Proposal]{ETag: etag(p.Rev), Body: proposalOf(&p)}, nil
}

func (s *Server) propose(ctx context.Context, in *proposeInput) (*madeOutput[Proposal], error) {
	p, err := s.cfg.Register.Propose(in.under(ctx), actorOf(ctx), airspace.Act(in.Body.Act), in.Body.Subject, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return wouldMake(proposalOf(&p)), nil
	}
	return made("/v1/proposals/"+p.ID, p.Rev, proposalOf(&p)), nil
}

type confirmInput struct {
	MatchInput
	Trial
}

func (s *Server) confirmProposal(ctx context.Context, in *confirmInput) (*oneOutput[Proposal], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Register.Confirm(in.under(ctx), actorOf(ctx), in.ID, rev)
	if err != nil {
		return nil, err
	}
	if p.Act == airspace.ActErase && !in.DryRun {
		// Decided and journaled: should this fail, the next start erases.
		if err := s.cfg.Auth.Secrets().Erase(p.Subject); err != nil {
			return nil, err
		}
	}
	return &oneOutput[Proposal]{ETag: etag(p.Rev), Body: proposalOf(&p)}, nil
}

func (s *Server) withdrawProposal(ctx context.Context, in *MatchInput) (*struct{}, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Register.Withdraw(ctx, actorOf(ctx), in.ID, rev)
}

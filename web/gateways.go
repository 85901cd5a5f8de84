package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
)

// Gateway stands beside a ground station and answers for vehicles that cannot sign.
type Gateway struct {
	ID          string   `json:"id" doc:"Vehicles that speak through it alone name it as their listener"`
	Name        string   `json:"name"`
	Fingerprint string   `json:"fingerprint" doc:"SHA-256 of its public key (SubjectPublicKeyInfo), hexadecimal"`
	Operator    string   `json:"operator"`
	Vehicles    []string `json:"vehicles" doc:"Further vehicles that it answers for"`
	State       string   `json:"state" enum:"enrolled,retiring,retired" doc:"retiring: revoked, and believed until the vehicles behind it have stopped"`
	Rev         uint64   `json:"rev"`
	CreatedAt   string   `json:"created_at" format:"date-time"`
	UpdatedAt   string   `json:"updated_at" format:"date-time"`
	UpdatedBy   string   `json:"updated_by" doc:"Actor id"`
}

// GatewayChange is what of a gateway can change.
type GatewayChange struct {
	Name     string   `json:"name" minLength:"1" maxLength:"120"`
	Vehicles []string `json:"vehicles,omitempty" maxItems:"254" uniqueItems:"true" doc:"Further vehicles that it answers for: of its operator, each with a system id of its own"`
}

// Resolve finds what a schema cannot.
func (in *GatewayChange) Resolve(huma.Context) []error { return nameFault(in.Name) }

// NewGateway is a gateway to be enrolled.
type NewGateway struct {
	ID          string `json:"id" minLength:"1" maxLength:"40" pattern:"^[a-z0-9-]+$" doc:"Of your choice, for good"`
	Fingerprint string `json:"fingerprint" pattern:"^[0-9a-fA-F]{64}$" doc:"As testzone gateway prints it"`
	Operator    string `json:"operator,omitempty" maxLength:"40" doc:"Default: your organisation"`
	GatewayChange
}

// GatewayList is one page of gateways.
type GatewayList struct {
	Items []Gateway `json:"items"`
	Next  *string   `json:"next" doc:"Cursor of the next page; null at the end"`
}

type gatewayListOutput struct {
	Body GatewayList
}

type listGatewaysInput struct {
	Page
	Retired bool `query:"retired" doc:"Those too that have retired"`
}

type enrolGatewayInput struct {
	Trial
	Body NewGateway
}

type replaceGatewayInput struct {
	MatchInput
	Trial
	Body GatewayChange
}

func (s *Server) gatewayEndpoints(api huma.API) {
	const tag, path = "gateways", "/v1/gateways"
	endpoint(s, api, operation(tag, "listGateways", http.MethodGet, path, "Gateways, by id", 401, 403), s.listGateways)
	endpoint(s, api, operation(tag, "getGateway", http.MethodGet, path+"/{id}", "One gateway", 401, 403, 404), s.getGateway)
	endpoint(s, api, creation(tag, "enrolGateway", path, "Enrol a gateway by the fingerprint of its public key", 400, 401, 403, 409, 413, 415, 503), s.enrolGateway)
	endpoint(s, api, operation(tag, "replaceGateway", http.MethodPut, path+"/{id}", "Change a gateway's name and the further vehicles that it answers for",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.replaceGateway)
	endpoint(s, api, operation(tag, "revokeGateway", http.MethodDelete, path+"/{id}", "End a gateway for good; it retires when the vehicles behind it do not move",
		400, 401, 403, 404, 409, 412, 428, 503), s.revokeGateway)
}

func gatewayOf(g *airspace.Gateway) Gateway {
	return Gateway{
		ID: g.ID, Name: g.Name, Fingerprint: g.SPKI, Operator: g.Operator, Vehicles: append([]string{}, g.Vehicles...), State: string(g.State),
		Rev: g.Rev, CreatedAt: timeOf(g.CreatedUS), UpdatedAt: timeOf(g.UpdatedUS), UpdatedBy: g.UpdatedBy,
	}
}

func (s *Server) listGateways(ctx context.Context, in *listGatewaysInput) (*gatewayListOutput, error) {
	records, next, err := paginate(s.cursors, listOf(ctx, "gateways"), in.Page, s.cfg.Register.Gateways(s.viewOf(ctx).Owns, in.Retired),
		func(g *airspace.Gateway) string { return g.ID },
		func(g *airspace.Gateway, last string) bool { return g.ID > last })
	if err != nil {
		return nil, err
	}
	out := GatewayList{Items: []Gateway{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, gatewayOf(&records[i]))
	}
	return &gatewayListOutput{Body: out}, nil
}

func oneGateway(g *airspace.Gateway, err error) (*oneOutput[Gateway], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Gateway]{ETag: etag(g.Rev), Body: gatewayOf(g)}, nil
}

func (s *Server) getGateway(ctx context.Context, in *idInput) (*oneOutput[Gateway], error) {
	g, err := s.cfg.Register.Gateway(s.viewOf(ctx).Owns, in.ID)
	return oneGateway(&g, err)
}

func (s *Server) enrolGateway(ctx context.Context, in *enrolGatewayInput) (*triedOutput[Gateway], error) {
	who := actorOf(ctx)
	g := airspace.Gateway{ID: in.Body.ID, Name: in.Body.Name, SPKI: in.Body.Fingerprint, Operator: in.Body.Operator, Vehicles: in.Body.Vehicles}
	if g.Operator == "" {
		g.Operator = who.Org
	}
	g, err := s.cfg.Register.EnrolGateway(ctx, who, g, in.DryRun)
	switch {
	case err != nil:
		return nil, err
	case in.DryRun:
		return &triedOutput[Gateway]{Status: http.StatusOK, Body: gatewayOf(&g)}, nil
	}
	return &triedOutput[Gateway]{Status: http.StatusCreated, ETag: etag(g.Rev), Location: "/v1/gateways/" + g.ID, Body: gatewayOf(&g)}, nil
}

func (s *Server) replaceGateway(ctx context.Context, in *replaceGatewayInput) (*oneOutput[Gateway], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	g, err := s.cfg.Register.ReplaceGateway(ctx, actorOf(ctx), rev, airspace.Gateway{ID: in.ID, Name: in.Body.Name, Vehicles: in.Body.Vehicles}, in.DryRun)
	return oneGateway(&g, err)
}

func (s *Server) revokeGateway(ctx context.Context, in *MatchInput) (*oneOutput[Gateway], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	g, err := s.cfg.Register.RevokeGateway(ctx, actorOf(ctx), rev, in.ID)
	return oneGateway(&g, err)
}

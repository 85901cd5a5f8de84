package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// redirectOutput sends a browser elsewhere.
type redirectOutput struct {
	Status    int
	Location  string        `header:"Location"`
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

type finishOIDCInput struct {
	Code  string `query:"code" maxLength:"4096"`
	State string `query:"state" maxLength:"256"`
}

func (s *Server) oidcEndpoints(api huma.API) {
	const tag = "session"
	start := operation(tag, "startOIDC", http.MethodGet, "/v1/oidc/start", "Sign in at the identity provider: sends the browser there", 404)
	start.DefaultStatus = http.StatusFound
	endpoint(s, api, start, s.startOIDC)
	finish := operation(tag, "finishOIDC", http.MethodGet, "/v1/oidc/callback", "Where the identity provider sends the browser back: starts the session", 401, 403, 404, 429, 503)
	finish.DefaultStatus = http.StatusFound
	endpoint(s, api, finish, s.finishOIDC)
}

func (s *Server) startOIDC(context.Context, *struct{}) (*redirectOutput, error) {
	location, state, err := s.cfg.Auth.StartOIDC()
	if err != nil {
		return nil, err
	}
	return &redirectOutput{Status: http.StatusFound, Location: location, SetCookie: []http.Cookie{*state}}, nil
}

func (s *Server) finishOIDC(ctx context.Context, in *finishOIDCInput) (*redirectOutput, error) {
	actor, cookies, err := s.cfg.Auth.FinishOIDC(requestOf(ctx), in.Code, in.State)
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "signed in", "actor", actor.ID, "request_id", requestID(ctx))
	return &redirectOutput{Status: http.StatusFound, Location: "/", SetCookie: cookies}, nil
}

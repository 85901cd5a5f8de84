package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
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
	endpoint(s, api, operation(tag, "signInWays", http.MethodGet, "/v1/session/ways", "How one can sign in, beside token and password"), s.signInWays)
	start := operation(tag, "startOIDC", http.MethodGet, "/v1/oidc/start", "Sign in at the identity provider: sends the browser there", 404)
	start.DefaultStatus = http.StatusFound
	endpoint(s, api, start, s.startOIDC)
	finish := operation(tag, "finishOIDC", http.MethodGet, "/v1/oidc/callback", "Where the identity provider sends the browser back: starts the session", 401, 403, 404, 429, 503)
	finish.DefaultStatus = http.StatusFound
	endpoint(s, api, finish, s.finishOIDC)
}

// SignInWays are the ways in. It is for whoever has not signed in yet: it says
// nothing of who is here.
type SignInWays struct {
	Provider *IdentityProvider `json:"provider" doc:"Where people may sign in instead of here; null: nowhere"`
}

// IdentityProvider is where people sign in elsewhere.
type IdentityProvider struct {
	Name string `json:"name" doc:"That people know it by"`
}

type signInWaysOutput struct{ Body SignInWays }

func (s *Server) signInWays(context.Context, *struct{}) (*signInWaysOutput, error) {
	out := &signInWaysOutput{}
	if name := s.cfg.Auth.Provider(); name != "" {
		out.Body.Provider = &IdentityProvider{name}
	}
	return out, nil
}

func (s *Server) startOIDC(context.Context, *struct{}) (*redirectOutput, error) {
	location, state, err := s.cfg.Auth.StartOIDC()
	if err != nil {
		return nil, err
	}
	return &redirectOutput{Status: http.StatusFound, Location: location, SetCookie: []http.Cookie{*state}}, nil
}

func (s *Server) finishOIDC(ctx context.Context, in *finishOIDCInput) (*redirectOutput, error) {
	r := requestOf(ctx)
	actor, cookies, err := s.cfg.Auth.FinishOIDC(r, in.Code, in.State)
	if err != nil && strings.Contains(r.Header.Get("Accept"), "text/html") {
		// A person looks at this: the page says it, and offers other ways.
		p := s.problemOf(ctx, err)
		s.tellRefusal(r, "finishOIDC", airspace.Actor{}, p)
		return &redirectOutput{Status: http.StatusFound, Location: "/#signin=" + p.Code}, nil
	}
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "signed in", "actor", actor.ID, "request_id", requestID(ctx))
	return &redirectOutput{Status: http.StatusFound, Location: "/", SetCookie: cookies}, nil
}

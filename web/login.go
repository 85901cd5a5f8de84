package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/web/auth"
)

const sessionCookie = auth.CookieName

// Actor is who is signed in.
type Actor struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Roles  []string `json:"roles"`
	Scopes []string `json:"scopes" doc:"Rights, e.g. fence.write"`
}

// Session says who is signed in.
type Session struct {
	Actor Actor `json:"actor"`
}

func sessionOf(a airspace.Actor) Session {
	out := Session{Actor: Actor{ID: a.ID, Name: a.Name, Roles: []string{}, Scopes: []string{}}}
	for _, r := range a.Roles {
		out.Actor.Roles = append(out.Actor.Roles, string(r))
	}
	for _, s := range a.Scopes() {
		out.Actor.Scopes = append(out.Actor.Scopes, string(s))
	}
	return out
}

// SignIn is what a browser sends to get a session.
type SignIn struct {
	Token string `json:"token" minLength:"1" maxLength:"512" doc:"A bearer token"`
}

type signInInput struct {
	Body SignIn
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

type getSessionOutput struct {
	Body Session
}

type signOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) sessionEndpoints(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "signIn", Method: http.MethodPost, Path: "/v1/session", Tags: []string{"session"},
		Summary: "Exchange a token for a session cookie", Errors: []int{400, 401, 403, 413, 415, 429},
	}, s.signIn)
	endpoint(s, api, huma.Operation{
		OperationID: "getSession", Method: http.MethodGet, Path: "/v1/session", Tags: []string{"session"},
		Summary: "Who is signed in", Errors: []int{401},
	}, s.getSession)
	endpoint(s, api, huma.Operation{
		OperationID: "signOut", Method: http.MethodDelete, Path: "/v1/session", Tags: []string{"session"},
		Summary: "End the session", Errors: []int{401, 403},
	}, s.signOut)
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	actor, cookie, err := s.cfg.Auth.SignIn(requestOf(ctx), in.Body.Token)
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "signed in", "actor", actor.ID, "request_id", requestID(ctx))
	return &sessionOutput{SetCookie: *cookie, Body: sessionOf(actor)}, nil
}

func (s *Server) getSession(ctx context.Context, _ *struct{}) (*getSessionOutput, error) {
	return &getSessionOutput{Body: sessionOf(actorOf(ctx))}, nil
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	return &signOutOutput{SetCookie: *s.cfg.Auth.SignOut(requestOf(ctx))}, nil
}

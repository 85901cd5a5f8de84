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

	Organisation       string `json:"organisation" doc:"Empty for tokens of the configuration"`
	Person             string `json:"person" doc:"Who answers for what is done; empty for tokens of the configuration"`
	Key                string `json:"key" doc:"The API key that acts, else empty"`
	MustChangePassword bool   `json:"must_change_password" doc:"No rights before PUT /v1/session/password"`
}

// Session says who is signed in.
type Session struct {
	Actor Actor `json:"actor"`
}

func sessionOf(a airspace.Actor) Session {
	return Session{Actor: Actor{
		ID: a.ID, Name: a.Name, Roles: textsOf(a.Roles), Scopes: textsOf(a.Scopes()),
		Organisation: a.Org, Person: a.Person, Key: a.Key,
		// A person without a key is narrowed for this reason only.
		MustChangePassword: a.Person != "" && a.Key == "" && a.Only != nil,
	}}
}

// textsOf is a list for JSON, never null.
func textsOf[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// namesOf is the way back from textsOf.
func namesOf[T ~string](list []string) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}

// SignIn is what a browser sends to get a session: a token, or login and
// password.
type SignIn struct {
	Token    string `json:"token,omitempty" maxLength:"512" doc:"A bearer token or an API key; else"`
	Login    string `json:"login,omitempty" maxLength:"64" doc:"login name, and"`
	Password string `json:"password,omitempty" maxLength:"512"`
}

// Resolve wants one of the two ways.
func (in *SignIn) Resolve(huma.Context) []error {
	if (in.Token == "") == (in.Login == "" || in.Password == "") || in.Token != "" && in.Login+in.Password != "" {
		return []error{&huma.ErrorDetail{Location: "body", Message: "give token, or login and password"}}
	}
	return nil
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

// cookieOutput is an answer without a body that sets the cookie.
type cookieOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) sessionEndpoints(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "signIn", Method: http.MethodPost, Path: "/v1/session", Tags: []string{"session"},
		Summary: "Exchange a token, or login name and password, for a session cookie", Errors: []int{400, 401, 403, 413, 415, 429},
	}, s.signIn)
	endpoint(s, api, huma.Operation{
		OperationID: "getSession", Method: http.MethodGet, Path: "/v1/session", Tags: []string{"session"},
		Summary: "Who is signed in", Errors: []int{401},
	}, s.getSession)
	endpoint(s, api, huma.Operation{
		OperationID: "signOut", Method: http.MethodDelete, Path: "/v1/session", Tags: []string{"session"},
		Summary: "End the session", Errors: []int{401, 403},
	}, s.signOut)
	endpoint(s, api, huma.Operation{
		OperationID: "changePassword", Method: http.MethodPut, Path: "/v1/session/password", Tags: []string{"session"},
		Summary: "Change your own password; your other sessions end", Errors: []int{400, 401, 403, 413, 415, 429},
	}, s.changePassword)
}

// PasswordChange is what a person sends to change its password.
type PasswordChange struct {
	Current  string `json:"current" minLength:"1" maxLength:"512"`
	Password string `json:"password" minLength:"12" maxLength:"128"`
}

type changePasswordInput struct {
	Body PasswordChange
}

func (s *Server) changePassword(ctx context.Context, in *changePasswordInput) (*cookieOutput, error) {
	cookie, err := s.cfg.Auth.ChangePassword(requestOf(ctx), in.Body.Current, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return &cookieOutput{SetCookie: *cookie}, nil
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	var actor airspace.Actor
	var cookie *http.Cookie
	var err error
	if in.Body.Token != "" {
		actor, cookie, err = s.cfg.Auth.SignIn(requestOf(ctx), in.Body.Token)
	} else {
		actor, cookie, err = s.cfg.Auth.SignInPassword(requestOf(ctx), in.Body.Login, in.Body.Password)
	}
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "signed in", "actor", actor.ID, "request_id", requestID(ctx))
	return &sessionOutput{SetCookie: *cookie, Body: sessionOf(actor)}, nil
}

func (s *Server) getSession(ctx context.Context, _ *struct{}) (*getSessionOutput, error) {
	return &getSessionOutput{Body: sessionOf(actorOf(ctx))}, nil
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*cookieOutput, error) {
	return &cookieOutput{SetCookie: *s.cfg.Auth.SignOut(requestOf(ctx))}, nil
}

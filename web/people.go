package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/web/auth"
)

// Person is somebody who acts in the zone.
type Person struct {
	ID           string   `json:"id"`
	Organisation string   `json:"organisation"`
	Roles        []string `json:"roles"`
	Disabled     bool     `json:"disabled" doc:"May not act"`
	Erased       bool     `json:"erased" doc:"Its personal data is gone for good"`
	Profile      *Profile `json:"profile" doc:"Personal data: for administrators and the person itself, else null"`
	Rev          uint64   `json:"rev" doc:"Moves with the rights; what was signed in before ends"`
	CreatedAt    string   `json:"created_at" format:"date-time"`
	UpdatedAt    string   `json:"updated_at" format:"date-time"`
	UpdatedBy    string   `json:"updated_by" doc:"Actor id"`
}

// Profile is a person's personal data. It stands outside of the journal.
type Profile struct {
	Login   string `json:"login" maxLength:"64" pattern:"^[A-Za-z0-9._+@-]*$" doc:"Name to sign in with; empty: no sign-in by password"`
	Name    string `json:"name" maxLength:"120" doc:"Display name"`
	Subject string `json:"subject" maxLength:"255" doc:"Subject of the identity provider; empty: not linked"`
}

// Rights are what the journal knows of a person.
type Rights struct {
	Organisation string   `json:"organisation" maxLength:"40"`
	Roles        []string `json:"roles" minItems:"1" maxItems:"8" uniqueItems:"true" enum:"administrator,controller,test_operator,department_reviewer,applicant,observer,auditor,vehicle"`
	Disabled     bool     `json:"disabled,omitempty"`
}

// PersonInput is a new person.
type PersonInput struct {
	Rights
	Profile
	Password string `json:"password,omitempty" minLength:"12" maxLength:"128" doc:"For the first sign-in, at which it must be changed"`
}

// PersonList is one page of people.
type PersonList struct {
	Items []Person `json:"items"`
	Next  *string  `json:"next" doc:"Cursor of the next page; null at the end"`
}

// PasswordReset is what an administrator sends for somebody who forgot.
type PasswordReset struct {
	Password string `json:"password" minLength:"12" maxLength:"128" doc:"For the next sign-in, at which it must be changed"`
}

type personListOutput struct {
	Body PersonList
}

type createPersonInput struct {
	Trial
	Body PersonInput
}

type replacePersonInput struct {
	MatchInput
	Body Rights
}

type replaceProfileInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body Profile
}

type resetPasswordInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body PasswordReset
}

func (s *Server) personEndpoints(api huma.API) {
	const tag, path = "people", "/v1/people"
	endpoint(s, api, operation(tag, "listPeople", http.MethodGet, path, "People, by id", 401, 403), s.listPeople)
	endpoint(s, api, operation(tag, "getPerson", http.MethodGet, path+"/{id}", "One person", 401, 404), s.getPerson)
	endpoint(s, api, creation(tag, "createPerson", path, "Add a person", 400, 401, 403, 409, 413, 415, 429, 503), s.createPerson)
	endpoint(s, api, operation(tag, "replacePerson", http.MethodPut, path+"/{id}", "Change a person's organisation and roles, or disable it",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.replacePerson)
	endpoint(s, api, operation(tag, "replaceProfile", http.MethodPut, path+"/{id}/profile", "Change a person's personal data",
		400, 401, 403, 404, 409, 413, 415, 503), s.replaceProfile)
	endpoint(s, api, operation(tag, "resetPassword", http.MethodPut, path+"/{id}/password",
		"Set the password of a person that forgot it; for a week the two of you do not count as two persons",
		400, 401, 403, 404, 409, 413, 415, 429, 503), s.resetPassword)
}

// personOf shows personal data to whom it is for only.
func (s *Server) personOf(ctx context.Context, p *airspace.Person) Person {
	out := Person{
		ID: p.ID, Organisation: p.Org, Roles: textsOf(p.Roles), Disabled: p.Disabled, Erased: p.Erased,
		Rev: p.Rev, CreatedAt: timeOf(p.CreatedUS), UpdatedAt: timeOf(p.UpdatedUS), UpdatedBy: p.UpdatedBy,
	}
	if who := actorOf(ctx); !p.Erased && (who.May(airspace.Admin) || who.Person == p.ID) {
		v := s.cfg.Auth.Secrets().Profile(p.ID)
		out.Profile = &Profile{Login: v.Login, Name: v.Name, Subject: v.Subject}
	}
	return out
}

func (s *Server) listPeople(ctx context.Context, in *struct{ Page }) (*personListOutput, error) {
	records, next, err := paginate(s.cursors, "people", in.Page, s.cfg.Register.People(),
		func(p *airspace.Person) string { return p.ID },
		func(p *airspace.Person, last string) bool { return p.ID > last })
	if err != nil {
		return nil, err
	}
	out := PersonList{Items: []Person{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, s.personOf(ctx, &records[i]))
	}
	return &personListOutput{Body: out}, nil
}

func (s *Server) getPerson(ctx context.Context, in *idInput) (*oneOutput[Person], error) {
	p, err := s.cfg.Register.Person(in.ID)
	if err != nil {
		return nil, err
	}
	if who := actorOf(ctx); who.Person != p.ID && !who.May(airspace.Admin) && !who.May(airspace.AuditRead) {
		return nil, fmt.Errorf("person %s: %w: %w", in.ID, airspace.ErrNotFound, errHidden)
	}
	return s.onePerson(ctx, &p), nil
}

func (s *Server) onePerson(ctx context.Context, p *airspace.Person) *oneOutput[Person] {
	return &oneOutput[Person]{ETag: etag(p.Rev), Body: s.personOf(ctx, p)}
}

// createPerson checks the personal part first: the two stores have no common
// transaction, and a person without a profile is the lesser evil.
func (s *Server) createPerson(ctx context.Context, in *createPersonInput) (*madeOutput[Person], error) {
	ctx = in.under(ctx)
	profile := auth.Profile(in.Body.Profile)
	if !s.cfg.Register.Decided(ctx) { // else the request itself took the login name
		if err := s.cfg.Auth.Secrets().Free(profile); err != nil {
			return nil, err
		}
	}
	if in.Body.Password != "" {
		if err := auth.CheckPassword(in.Body.Password, profile); err != nil {
			return nil, err
		}
	}
	p, err := s.cfg.Register.CreatePerson(ctx, actorOf(ctx), airspace.Person{
		Org: in.Body.Organisation, Roles: namesOf[airspace.Role](in.Body.Roles), Disabled: in.Body.Disabled,
	})
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		body := s.personOf(ctx, &p)
		body.Profile = &in.Body.Profile
		return wouldMake(body), nil
	}
	if err := s.furnish(ctx, p.ID, profile, in.Body.Password); err != nil {
		return nil, err
	}
	return made("/v1/people/"+p.ID, p.Rev, s.personOf(ctx, &p)), nil
}

// furnish gives a new person what stands beside the journal. A repetition of the
// request gives what a crash left out, and nothing that is there already.
func (s *Server) furnish(ctx context.Context, id string, profile auth.Profile, password string) error {
	if p, err := s.cfg.Register.Person(id); err != nil || p.Erased {
		return err
	}
	hasProfile, hasPassword := s.cfg.Auth.Secrets().Has(id)
	if !hasProfile {
		if err := s.cfg.Auth.Secrets().SetProfile(id, profile); err != nil {
			return err
		}
	}
	if hasPassword || password == "" {
		return nil
	}
	return s.cfg.Auth.SetPassword(ctx, id, password, true)
}

func (s *Server) replacePerson(ctx context.Context, in *replacePersonInput) (*oneOutput[Person], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Register.ReplacePerson(ctx, actorOf(ctx), rev, airspace.Person{
		ID: in.ID, Org: in.Body.Organisation, Roles: namesOf[airspace.Role](in.Body.Roles), Disabled: in.Body.Disabled,
	})
	if err != nil {
		return nil, err
	}
	return s.onePerson(ctx, &p), nil
}

// notErased is a person that has, or may have, personal data.
func (s *Server) notErased(id string) (airspace.Person, error) {
	p, err := s.cfg.Register.Person(id)
	if err == nil && p.Erased {
		err = fmt.Errorf("person %s is erased: %w", id, airspace.ErrDisabled)
	}
	return p, err
}

func (s *Server) replaceProfile(ctx context.Context, in *replaceProfileInput) (*oneOutput[Person], error) {
	p, err := s.notErased(in.ID)
	if err != nil {
		return nil, err
	}
	secrets := s.cfg.Auth.Secrets()
	if in.Body.Subject != secrets.Profile(p.ID).Subject {
		// Whoever has that identity is this person from now on.
		if p, err = s.cfg.Register.NoteReset(ctx, actorOf(ctx), p.ID); err != nil {
			return nil, err
		}
	}
	if err := secrets.SetProfile(p.ID, auth.Profile(in.Body)); err != nil {
		return nil, err
	}
	return s.onePerson(ctx, &p), nil
}

func (s *Server) resetPassword(ctx context.Context, in *resetPasswordInput) (*struct{}, error) {
	p, err := s.notErased(in.ID)
	if err != nil {
		return nil, err
	}
	if actorOf(ctx).Person == p.ID {
		return nil, errOwnPassword
	}
	profile := s.cfg.Auth.Secrets().Profile(p.ID)
	if err := auth.CheckPassword(in.Body.Password, profile); err != nil {
		return nil, err
	}
	// Journaled first: who may have taken over whose account is never unknown.
	if p, err = s.cfg.Register.NoteReset(in.under(ctx), actorOf(ctx), p.ID); err != nil || in.DryRun {
		return nil, err
	}
	return nil, s.cfg.Auth.ResetPassword(ctx, p.ID, in.Body.Password, p.ResetUS)
}

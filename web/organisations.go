package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/zonefile"
)

// Organisation is who people belong to.
type Organisation struct {
	ID          string `json:"id" doc:"Of an operator: the operator of vehicles and fences"`
	Kind        string `json:"kind" enum:"operator,department,authority,sandbox"`
	Name        string `json:"name"`
	Disabled    bool   `json:"disabled" doc:"None of its people and keys may act"`
	ClockAheadS int64  `json:"clock_ahead_s" doc:"Of a sandbox: how far its clock is ahead of the server's"`
	Rev         uint64 `json:"rev"`
	CreatedAt   string `json:"created_at" format:"date-time"`
	UpdatedAt   string `json:"updated_at" format:"date-time"`
	UpdatedBy   string `json:"updated_by" doc:"Actor id"`
}

func organisationOf(o *airspace.Organisation) Organisation {
	return Organisation{
		ID: o.ID, Kind: string(o.Kind), Name: o.Name, Disabled: o.Disabled, ClockAheadS: o.ShiftUS / 1e6,
		Rev: o.Rev, CreatedAt: timeOf(o.CreatedUS), UpdatedAt: timeOf(o.UpdatedUS), UpdatedBy: o.UpdatedBy,
	}
}

// OrganisationInput is a new organisation.
type OrganisationInput struct {
	ID   string `json:"id" minLength:"1" maxLength:"40" pattern:"^[a-z0-9-]+$"`
	Kind string `json:"kind" enum:"operator,department,authority,sandbox"`
	Name string `json:"name" minLength:"1" maxLength:"120"`
}

// Resolve finds what a schema cannot.
func (in *OrganisationInput) Resolve(huma.Context) []error { return nameFault(in.Name) }

// nameFault refuses names that would deceive whoever reads them on a page.
func nameFault(name string) []error {
	if message := zonefile.TextFault(name); message != "" {
		return []error{&huma.ErrorDetail{Location: "body.name", Message: message}}
	}
	return nil
}

// OrganisationChange is what of an organisation can change.
type OrganisationChange struct {
	Name        string `json:"name" minLength:"1" maxLength:"120"`
	Disabled    bool   `json:"disabled"`
	ClockAheadS int64  `json:"clock_ahead_s,omitempty" minimum:"0" maximum:"315360000" doc:"Of a sandbox; it only grows"`
}

// Resolve finds what a schema cannot.
func (in *OrganisationChange) Resolve(huma.Context) []error { return nameFault(in.Name) }

// OrganisationList is one page of organisations.
type OrganisationList struct {
	Items []Organisation `json:"items"`
	Next  *string        `json:"next" doc:"Cursor of the next page; null at the end"`
}

type organisationListOutput struct {
	Body OrganisationList
}

// idInput names one object by its path.
type idInput struct {
	ID string `path:"id" maxLength:"64"`
}

// MatchInput names the revision of an object that is to change. Exported, since
// the framework does not see through an unexported embedded struct.
type MatchInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; needed" example:"\"3\""`
}

type createOrganisationInput struct {
	Trial
	Body OrganisationInput
}

type replaceOrganisationInput struct {
	MatchInput
	Body OrganisationChange
}

// madeOutput is the answer to a creation.
type madeOutput[T any] struct {
	Status   int
	ETag     string `header:"ETag" doc:"Revision for If-Match"`
	Location string `header:"Location" doc:"Of what was made"`
	Body     T
}

// made answers 201.
func made[T any](location string, rev uint64, body T) *madeOutput[T] {
	return &madeOutput[T]{Status: http.StatusCreated, ETag: etag(rev), Location: location, Body: body}
}

// wouldMake answers a dry run.
func wouldMake[T any](body T) *madeOutput[T] {
	return &madeOutput[T]{Status: http.StatusOK, Body: body}
}

// oneOutput is an object that has revisions.
type oneOutput[T any] struct {
	ETag string `header:"ETag" doc:"Revision for If-Match"`
	Body T
}

// operation describes one operation of a group.
func operation(tag, id, method, path, summary string, errors ...int) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary, Errors: errors}
}

// creation is an operation that answers 201.
func creation(tag, id, path, summary string, errors ...int) huma.Operation {
	op := operation(tag, id, http.MethodPost, path, summary, errors...)
	op.DefaultStatus = http.StatusCreated
	return op
}

func (s *Server) organisationEndpoints(api huma.API) {
	const tag, path = "organisations", "/v1/organisations"
	endpoint(s, api, operation(tag, "listOrganisations", http.MethodGet, path, "Organisations, by id", 401, 403), s.listOrganisations)
	endpoint(s, api, operation(tag, "getOrganisation", http.MethodGet, path+"/{id}", "One organisation", 401, 403, 404), s.getOrganisation)
	endpoint(s, api, creation(tag, "createOrganisation", path, "Add an organisation", 400, 401, 403, 409, 413, 415, 503), s.createOrganisation)
	endpoint(s, api, operation(tag, "replaceOrganisation", http.MethodPut, path+"/{id}", "Rename or disable an organisation, move a sandbox's clock",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.replaceOrganisation)
}

// seesOrganisation: everybody knows who runs the zone and who reviews; which other
// operators test here is not for an operator to know.
func (s *Server) seesOrganisation(ctx context.Context, o *airspace.Organisation) bool {
	return o.Kind == airspace.Authority || o.Kind == airspace.Department || s.viewOf(ctx).Owns(o.ID)
}

func (s *Server) listOrganisations(ctx context.Context, in *struct{ Page }) (*organisationListOutput, error) {
	all := slices.DeleteFunc(s.cfg.Register.Organisations(), func(o airspace.Organisation) bool { return !s.seesOrganisation(ctx, &o) })
	records, next, err := paginate(s.cursors, listOf(ctx, "organisations"), in.Page, all,
		func(o *airspace.Organisation) string { return o.ID },
		func(o *airspace.Organisation, last string) bool { return o.ID > last })
	if err != nil {
		return nil, err
	}
	out := OrganisationList{Items: []Organisation{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, organisationOf(&records[i]))
	}
	return &organisationListOutput{Body: out}, nil
}

func (s *Server) getOrganisation(ctx context.Context, in *idInput) (*oneOutput[Organisation], error) {
	o, err := s.seenOrganisation(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &oneOutput[Organisation]{ETag: etag(o.Rev), Body: organisationOf(&o)}, nil
}

func (s *Server) createOrganisation(ctx context.Context, in *createOrganisationInput) (*madeOutput[Organisation], error) {
	o, err := s.cfg.Register.CreateOrganisation(in.under(ctx), actorOf(ctx), airspace.Organisation{
		ID: in.Body.ID, Kind: airspace.OrganisationKind(in.Body.Kind), Name: in.Body.Name,
	})
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return wouldMake(organisationOf(&o)), nil
	}
	return made("/v1/organisations/"+o.ID, o.Rev, organisationOf(&o)), nil
}

func (s *Server) replaceOrganisation(ctx context.Context, in *replaceOrganisationInput) (*oneOutput[Organisation], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	o, err := s.cfg.Register.ReplaceOrganisation(ctx, actorOf(ctx), rev, airspace.Organisation{
		ID: in.ID, Name: in.Body.Name, Disabled: in.Body.Disabled,
		ShiftUS: (time.Duration(in.Body.ClockAheadS) * time.Second).Microseconds(),
	})
	if err != nil {
		return nil, err
	}
	return &oneOutput[Organisation]{ETag: etag(o.Rev), Body: organisationOf(&o)}, nil
}

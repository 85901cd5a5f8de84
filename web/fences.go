package web

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
)

// FenceList is one page of fences.
type FenceList struct {
	Items []Fence `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

type listFencesInput struct {
	Page
	Deleted bool `query:"deleted" doc:"The deleted fences instead, each as it was, with the revision, time and actor of its deletion"`
}

type fenceListOutput struct {
	Body FenceList
}

type fenceOutput struct {
	Status   int
	ETag     string `header:"ETag" doc:"Revision for If-Match"`
	Location string `header:"Location" doc:"Of the new fence"`
	Body     FenceAnswer
}

type oneFenceOutput struct {
	ETag string `header:"ETag" doc:"Revision for If-Match"`
	Body Fence
}

type changedFenceOutput struct {
	ETag string `header:"ETag" doc:"Revision for If-Match"`
	Body FenceAnswer
}

type oneFenceInput struct {
	ID string `path:"id" maxLength:"64"`
}

type createFenceInput struct {
	Trial
	Body FenceInput
}

type replaceFenceInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; needed" example:"\"3\""`
	Trial
	Body FenceInput
}

type deleteFenceInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; needed" example:"\"3\""`
}

func (s *Server) fenceEndpoints(api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"fences"}, Summary: summary, Errors: errors}
	}
	endpoint(s, api, op("listFences", http.MethodGet, "/v1/fences", "Fences, or deleted ones, by id", 401, 403), s.listFences)
	create := op("createFence", http.MethodPost, "/v1/fences", "Set a fence; it is in force when this answers", 400, 401, 403, 413, 415, 503)
	create.DefaultStatus = http.StatusCreated
	endpoint(s, api, create, s.createFence)
	endpoint(s, api, op("getFence", http.MethodGet, "/v1/fences/{id}", "One fence", 401, 403, 404), s.getFence)
	endpoint(s, api, op("replaceFence", http.MethodPut, "/v1/fences/{id}", "Give a manual fence a new definition",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.replaceFence)
	endpoint(s, api, op("deleteFence", http.MethodDelete, "/v1/fences/{id}", "Take a manual fence away",
		400, 401, 403, 404, 409, 412, 428, 503), s.deleteFence)
}

func etag(rev uint64) string { return `"` + strconv.FormatUint(rev, 10) + `"` }

// noRevision is one that no fence has. Zero would mean "must not exist yet".
const noRevision = math.MaxUint64

// revision reads If-Match. A tag that is not a revision matches nothing.
func revision(ifMatch string) (uint64, error) {
	tag := strings.TrimSpace(ifMatch)
	if tag == "" || tag == "*" {
		return 0, errNeedIfMatch
	}
	if strings.HasPrefix(tag, "W/") {
		return noRevision, nil // weak tags never match here, RFC 9110 section 13.1.1
	}
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.ContainsAny(tag[1:len(tag)-1], `", `) {
		return 0, errBadIfMatch
	}
	rev, err := strconv.ParseUint(tag[1:len(tag)-1], 10, 64)
	if err != nil || rev == 0 || etag(rev) != tag {
		return noRevision, nil
	}
	return rev, nil
}

func (s *Server) listFences(ctx context.Context, in *listFencesInput) (*fenceListOutput, error) {
	list, all := "fences", s.cfg.Register.Fences
	if in.Deleted {
		list, all = "deleted fences", s.cfg.Register.DeletedFences
	}
	records, next, err := paginate(s.cursors, listOf(ctx, list), in.Page, all(),
		func(r *airspace.FenceRecord) string { return r.Fence.ID },
		func(r *airspace.FenceRecord, last string) bool { return r.Fence.ID > last })
	if err != nil {
		return nil, err
	}
	out, ahead := FenceList{Items: []Fence{}, Next: next}, s.aheadOf(ctx)
	for i := range records {
		out.Items = append(out.Items, s.fenceOf(&records[i], ahead))
	}
	return &fenceListOutput{Body: out}, nil
}

func (s *Server) createFence(ctx context.Context, in *createFenceInput) (*fenceOutput, error) {
	if in.DryRun {
		r, err := s.checkFence(ctx, airspace.Change{Op: airspace.Create, Fence: in.Body.fence})
		return s.dryCreate(ctx, r, err)
	}
	r, err := s.cfg.Register.CreateFence(ctx, actorOf(ctx), in.Body.fence)
	if err != nil {
		return nil, err
	}
	return s.createdFence(ctx, &r), nil
}

func (s *Server) getFence(ctx context.Context, in *oneFenceInput) (*oneFenceOutput, error) {
	r, err := s.cfg.Register.Fence(in.ID)
	if err != nil {
		return nil, err
	}
	if r.Deleted {
		return nil, airspace.ErrNotFound
	}
	return &oneFenceOutput{ETag: etag(r.Fence.Rev), Body: s.fenceOf(&r, s.aheadOf(ctx))}, nil
}

func (s *Server) createdFence(ctx context.Context, r *airspace.FenceRecord) *fenceOutput {
	return &fenceOutput{
		Status: http.StatusCreated, ETag: etag(r.Fence.Rev), Location: "/v1/fences/" + r.Fence.ID, Body: FenceAnswer{Fence: s.fenceOf(r, s.aheadOf(ctx))},
	}
}

func (s *Server) replaceFence(ctx context.Context, in *replaceFenceInput) (*changedFenceOutput, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		r, err := s.checkFence(ctx, airspace.Change{Op: airspace.Replace, ID: in.ID, Rev: rev, Fence: in.Body.fence})
		return s.dryChange(ctx, r, err)
	}
	r, err := s.cfg.Register.ReplaceFence(ctx, actorOf(ctx), in.ID, rev, in.Body.fence)
	if err != nil {
		return nil, err
	}
	return &changedFenceOutput{ETag: etag(r.Fence.Rev), Body: FenceAnswer{Fence: s.fenceOf(&r, s.aheadOf(ctx))}}, nil
}

func (s *Server) deleteFence(ctx context.Context, in *deleteFenceInput) (*struct{}, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Register.DeleteFence(ctx, actorOf(ctx), in.ID, rev)
}

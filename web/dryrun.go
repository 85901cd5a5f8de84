package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence"
)

// Trial is the part of an input that asks what would happen.
type Trial struct {
	DryRun bool `query:"dry_run" doc:"Check everything, answer what would happen, and change nothing"`
}

// isTrial reads the same as the framework does for Trial: 1 and t are true too.
func isTrial(r *http.Request) bool {
	dry, err := strconv.ParseBool(r.URL.Query().Get("dry_run"))
	return dry && err == nil
}

// under makes decisions about accounts under ctx be tried only, if that is asked.
func (t Trial) under(ctx context.Context) context.Context {
	if t.DryRun {
		return airspace.Rehearsal(ctx)
	}
	return ctx
}

// FenceAnswer is what a change of a fence led to, or would lead to.
type FenceAnswer struct {
	Fence
	Impact *FencePreview `json:"impact,omitempty" doc:"Of a dry run: who would be in the fence, were it in force now. The fence has no id then if it is a new one."`
}

// ImpactCount is the short form of an impact.
type ImpactCount struct {
	Count    int `json:"count" doc:"Vehicles that the fence would be about"`
	Breaches int `json:"breaches" doc:"Those that would be in breach"`
}

func (s *Server) checkFence(ctx context.Context, c airspace.Change) (airspace.FenceRecord, error) {
	records, err := s.cfg.Register.CheckBatch(actorOf(ctx), []airspace.Change{c})
	if err != nil {
		return airspace.FenceRecord{}, err
	}
	return records[0], nil
}

func (s *Server) dryCreate(ctx context.Context, r airspace.FenceRecord, err error) (*fenceOutput, error) {
	body, err := s.dryFence(ctx, r, err)
	return &fenceOutput{Status: http.StatusOK, Body: body}, err
}

func (s *Server) dryChange(ctx context.Context, r airspace.FenceRecord, err error) (*changedFenceOutput, error) {
	body, err := s.dryFence(ctx, r, err)
	return &changedFenceOutput{Body: body}, err
}

// dryFence shows what a check found and what the fence would mean.
func (s *Server) dryFence(ctx context.Context, r airspace.FenceRecord, err error) (out FenceAnswer, _ error) {
	if err != nil {
		return out, oneFault(err)
	}
	c, err := geofence.Compile(r.Fence)
	if err != nil {
		return out, err
	}
	tracks, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return out, err
	}
	impact := s.impact(c, tracks, r.Fence.ID)
	out = FenceAnswer{Fence: s.fenceOf(&r, s.aheadOf(ctx)), Impact: &impact}
	out.InForce, out.ChangesAt = false, nil
	return out, nil
}

// oneFault is the fault of a batch that was made of a single change.
func oneFault(err error) error {
	if batch, ok := err.(*airspace.BatchError); ok && len(batch.Faults) == 1 {
		return batch.Faults[0].Err
	}
	return err
}

func (s *Server) dryBatch(ctx context.Context, changes []airspace.Change) (*changeFencesOutput, error) {
	records, err := s.cfg.Register.CheckBatch(actorOf(ctx), changes)
	if err != nil {
		return nil, err
	}
	tracks, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	out := batchResult(records)
	for i := range records {
		if records[i].Deleted {
			continue
		}
		c, err := geofence.Compile(records[i].Fence)
		if err != nil {
			return nil, err
		}
		impact := s.impact(c, tracks, records[i].Fence.ID)
		out.Items[i].Impact = &ImpactCount{impact.Count, impact.Breaches}
	}
	return &changeFencesOutput{Body: out}, nil
}

// documentDryRuns adds the answer of a dry run to what creates.
func documentDryRuns(api *huma.OpenAPI) {
	for _, item := range api.Paths {
		if item.Post == nil {
			continue
		}
		created := item.Post.Responses[strconv.Itoa(http.StatusCreated)]
		for _, p := range item.Post.Parameters {
			if p.Name == "dry_run" && created != nil {
				item.Post.Responses[strconv.Itoa(http.StatusOK)] = &huma.Response{Description: "What a dry run would lead to", Content: created.Content}
			}
		}
	}
}

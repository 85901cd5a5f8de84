package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
)

// FenceEnforcement says of which vehicles a fence asks something that cannot be
// judged or acted on now: SAFETY rule 9, seen from the fence.
type FenceEnforcement struct {
	InForce     bool                `json:"in_force" doc:"By its schedule, now, by the server's clock"`
	Applies     int                 `json:"applies" doc:"Vehicles that are seen now and that the fence applies to, wherever they are"`
	NotEnforced int                 `json:"not_enforced" doc:"Those of them for which it is not enforced"`
	Vehicles    []UnenforcedVehicle `json:"vehicles" doc:"They, at most 1000"`
}

// UnenforcedVehicle is a vehicle for which a fence is not enforced.
type UnenforcedVehicle struct {
	Vehicle AlertVehicle `json:"vehicle"`
	Reasons []string     `json:"reasons" doc:"As in the enforcement of a track"`
}

type fenceEnforcementOutput struct {
	Body FenceEnforcement
}

func (s *Server) fenceEnforcementEndpoint(api huma.API) {
	endpoint(s, api, huma.Operation{
		OperationID: "fenceEnforcement", Method: http.MethodGet, Path: "/v1/fences/{id}/enforcement", Tags: []string{"fences"},
		Summary: "For which vehicles a fence is not enforced now, and why", Errors: []int{401, 403, 404, 503},
	}, s.fenceEnforcement)
}

func (s *Server) fenceEnforcement(ctx context.Context, in *oneFenceInput) (*fenceEnforcementOutput, error) {
	r, err := s.cfg.Register.Fence(in.ID)
	if err != nil {
		return nil, err
	}
	if r.Deleted {
		return nil, airspace.ErrNotFound
	}
	tracks, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	only := &judgement{nowUS: s.cfg.Clock().UnixMicro(), bands: map[band]bool{}, lists: map[listed]bool{}}
	only.add(r.Compiled())
	out := FenceEnforcement{InForce: s.cfg.InForce(in.ID), Vehicles: []UnenforcedVehicle{}}
	for i := range tracks {
		t := &tracks[i]
		subject := subjectOf(t.Vehicle)
		if t.Traffic || !r.Compiled().AppliesTo(&subject) {
			continue
		}
		out.Applies++
		e := only.enforcement(t)
		if e.Enforced {
			continue
		}
		out.NotEnforced++
		if len(out.Vehicles) < maxPreview {
			out.Vehicles = append(out.Vehicles, UnenforcedVehicle{Vehicle: vehicleOf(t.Handle, t.Vehicle), Reasons: e.Reasons})
		}
	}
	return &fenceEnforcementOutput{Body: out}, nil
}

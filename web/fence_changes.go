package web

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence/geo"
	"testzone/geofence/zonefile"
	"testzone/vehicles"
)

// FenceVersion is a fence as it was from one change on.
type FenceVersion struct {
	Rev     uint64 `json:"rev" minimum:"1"`
	At      string `json:"at" format:"date-time"`
	By      string `json:"by" doc:"Actor id"`
	Deleted bool   `json:"deleted" doc:"The change took the fence away; fence is what was taken"`
	Fence   Fence  `json:"fence"`
}

// FenceVersionList is the history of one fence.
type FenceVersionList struct {
	Items []FenceVersion `json:"items" doc:"Newest first, the newest 100"`
}

type fenceVersionsOutput struct {
	Body FenceVersionList
}

// RestoreInput names the version to go back to.
type RestoreInput struct {
	Rev uint64 `json:"rev" minimum:"1" doc:"Of the version whose definition the fence shall have again"`
}

type restoreFenceInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read, of a deleted fence that of its deletion; needed" example:"\"3\""`
	Trial
	Body RestoreInput
}

// FenceChange is one change of a batch.
type FenceChange struct {
	Op    string      `json:"op" enum:"create,replace,delete"`
	ID    string      `json:"id,omitempty" maxLength:"64" doc:"Of replace and delete"`
	Rev   uint64      `json:"rev,omitempty" doc:"Of replace and delete: the revision that you read"`
	Fence *FenceInput `json:"fence,omitempty" doc:"Of create and replace"`
}

// FenceBatch is a list of changes of which all are made or none.
type FenceBatch struct {
	Changes []FenceChange `json:"changes" minItems:"1" maxItems:"5000"`
}

type changeFencesInput struct {
	Trial
	Body FenceBatch
}

// FenceBatchResult is what became of a batch.
type FenceBatchResult struct {
	Items []FenceResult `json:"items" doc:"In the order of the changes"`
}

// FenceResult is what became of one change.
type FenceResult struct {
	ID      string `json:"id"`
	Rev     uint64 `json:"rev" doc:"The new revision; of a deletion that of the tombstone"`
	Deleted bool   `json:"deleted"`

	Impact *ImpactCount `json:"impact,omitempty" doc:"Of a dry run"`
}

type changeFencesOutput struct {
	Body FenceBatchResult
}

// EmergencyInput is a keep-out circle that has to be there at once.
type EmergencyInput struct {
	Center  []float64 `json:"center" minItems:"2" maxItems:"2" doc:"Longitude and latitude in degrees"`
	RadiusM float64   `json:"radius_m" minimum:"1" maximum:"200000"`
	Name    string    `json:"name,omitempty" maxLength:"120" doc:"Default: Emergency"`
	Minutes int       `json:"minutes,omitempty" minimum:"1" maximum:"1440" default:"60" doc:"From now on"`
	Classes []string  `json:"classes,omitempty" enum:"uav,icv,usv" maxItems:"3" uniqueItems:"true" doc:"Empty: all"`

	center geo.Point // what Resolve made of it
}

// Resolve finds what a schema cannot.
func (in *EmergencyInput) Resolve(huma.Context) (out []error) {
	fault := func(at, message string) {
		out = append(out, &huma.ErrorDetail{Location: "body." + at, Message: message})
	}
	if message := zonefile.TextFault(in.Name); message != "" {
		fault("name", message)
	}
	if len(in.Center) != 2 {
		return out // the schema says so
	}
	if math.Abs(in.Center[0]) > 180 {
		fault("center[0]", "longitude is not between -180 and 180")
	}
	if math.Abs(in.Center[1]) > 88 {
		fault("center[1]", "latitude is not between -88 and 88")
	}
	in.center = geo.Point{Lon: degE7(in.Center[0]), Lat: degE7(in.Center[1])}
	return out
}

type emergencyFenceInput struct {
	Trial
	Body EmergencyInput
}

func (s *Server) fenceChangeEndpoints(api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"fences"}, Summary: summary, Errors: errors}
	}
	endpoint(s, api, op("previewFence", http.MethodPost, "/v1/fences/preview",
		"Who stands in a fence that is not set yet, and what it would mean for them; changes nothing", 400, 401, 403, 404, 413, 415, 503), s.previewFence)
	endpoint(s, api, op("fenceVersions", http.MethodGet, "/v1/fences/{id}/versions",
		"The versions of a fence, also of a deleted one", 401, 403, 404), s.fenceVersions)
	endpoint(s, api, op("restoreFence", http.MethodPost, "/v1/fences/{id}/restore",
		"Give a manual fence the definition of an older version, as a new revision; brings a deleted fence back",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.restoreFence)
	endpoint(s, api, op("changeFences", http.MethodPost, batchPath,
		"Change several fences in one decision: all or none", 400, 401, 403, 409, 413, 415, 503), s.changeFences)
	emergency := op("emergencyFence", http.MethodPost, emergencyPath,
		"Set a keep-out circle of all heights from now on; it is in force when this answers", 400, 401, 403, 413, 415, 503)
	emergency.DefaultStatus = http.StatusCreated
	emergency.Description = "When the journal does not take it within a second, the fence is in force all the same and the answer says provisional; /v1/health tells until the journal has it."
	endpoint(s, api, emergency, s.emergencyFence)
}

func (s *Server) fenceVersions(_ context.Context, in *oneFenceInput) (*fenceVersionsOutput, error) {
	versions, err := s.cfg.Register.FenceVersions(in.ID)
	if err != nil {
		return nil, err
	}
	record, err := s.cfg.Register.Fence(in.ID)
	if err != nil {
		return nil, err
	}
	out := FenceVersionList{Items: []FenceVersion{}}
	for _, v := range versions {
		// A version is not in force; the newest one of a fence is the fence.
		was := airspace.FenceRecord{
			Fence: v.Fence, CreatedUS: record.CreatedUS, UpdatedUS: v.AtUS, UpdatedBy: v.By,
			Deleted: v.Deleted || v.Fence.Rev != record.Fence.Rev,
		}
		out.Items = append(out.Items, FenceVersion{Rev: v.Fence.Rev, At: timeOf(v.AtUS), By: v.By, Deleted: v.Deleted, Fence: s.fenceOf(&was, 0)})
	}
	return &fenceVersionsOutput{Body: out}, nil
}

func (s *Server) restoreFence(ctx context.Context, in *restoreFenceInput) (*changedFenceOutput, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		r, err := s.cfg.Register.CheckRestore(actorOf(ctx), in.ID, rev, in.Body.Rev)
		return s.dryChange(ctx, r, err)
	}
	r, err := s.cfg.Register.RestoreFence(ctx, actorOf(ctx), in.ID, rev, in.Body.Rev)
	if err != nil {
		return nil, err
	}
	return &changedFenceOutput{ETag: etag(r.Fence.Rev), Body: FenceAnswer{Fence: s.fenceOf(&r, s.aheadOf(ctx))}}, nil
}

func itoa(i int) string { return strconv.Itoa(i) }

// Resolve finds what a change of this kind needs, and what it must not have.
func (in *FenceBatch) Resolve(huma.Context) (out []error) {
	for i := range in.Changes {
		c := &in.Changes[i]
		fault := func(at, message string) {
			out = append(out, &huma.ErrorDetail{Location: "body.changes[" + itoa(i) + "]." + at, Message: message})
		}
		named, defines := c.Op == "replace" || c.Op == "delete", c.Op == "create" || c.Op == "replace"
		for _, part := range []struct {
			at            string
			needed, given bool
		}{{"id", named, c.ID != ""}, {"rev", named, c.Rev != 0}, {"fence", defines, c.Fence != nil}} {
			switch {
			case !named && !defines: // the schema says so
			case part.needed && !part.given:
				fault(part.at, c.Op+" needs it")
			case !part.needed && part.given:
				fault(part.at, c.Op+" does not have it")
			}
		}
	}
	return out
}

func (s *Server) changeFences(ctx context.Context, in *changeFencesInput) (*changeFencesOutput, error) {
	ops := map[string]airspace.ChangeOp{"create": airspace.Create, "replace": airspace.Replace, "delete": airspace.Delete}
	changes := make([]airspace.Change, len(in.Body.Changes))
	for i, c := range in.Body.Changes {
		changes[i] = airspace.Change{Op: ops[c.Op], ID: c.ID, Rev: c.Rev}
		if c.Fence != nil {
			changes[i].Fence = c.Fence.fence
		}
	}
	if in.DryRun {
		return s.dryBatch(ctx, changes)
	}
	records, err := s.cfg.Register.ApplyBatch(ctx, actorOf(ctx), changes)
	if err != nil {
		return nil, err
	}
	return &changeFencesOutput{Body: batchResult(records)}, nil
}

func batchResult(records []airspace.FenceRecord) FenceBatchResult {
	out := FenceBatchResult{Items: make([]FenceResult, len(records))}
	for i, r := range records {
		out.Items[i] = FenceResult{ID: r.Fence.ID, Rev: r.Fence.Rev, Deleted: r.Deleted}
	}
	return out
}

func (s *Server) emergencyFence(ctx context.Context, in *emergencyFenceInput) (*fenceOutput, error) {
	classes := vehicles.Classes(0)
	for _, name := range in.Body.Classes {
		if c, ok := vehicles.ParseClass(name); ok {
			classes |= vehicles.ClassSet(c)
		}
	}
	e := airspace.Emergency{
		Center: in.Body.center, RadiusM: in.Body.RadiusM, Name: in.Body.Name, Classes: classes,
		For: time.Duration(in.Body.Minutes) * time.Minute,
	}
	if in.DryRun {
		r, err := s.cfg.Register.CheckEmergency(actorOf(ctx), e)
		return s.dryCreate(ctx, r, err)
	}
	r, err := s.cfg.Register.CreateEmergencyFence(ctx, actorOf(ctx), e)
	if err != nil {
		return nil, err
	}
	return s.createdFence(ctx, &r), nil
}

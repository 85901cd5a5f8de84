package web

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/zonefile"
)

const (
	importPath = "/v1/fences/import"
	batchPath  = "/v1/fences/batch"

	emergencyPath = "/v1/fences/emergency"
)

type importFencesInput struct {
	Format  string `query:"format" enum:"geojson,kml" required:"true"`
	DryRun  bool   `query:"dry_run" default:"true" doc:"Only report; false: set what can be read, all in one decision"`
	RawBody []byte `contentType:"application/octet-stream"`
}

// ImportReport says what became of a file.
type ImportReport struct {
	Report  []ImportItem `json:"report" doc:"One per object of the file"`
	Created []string     `json:"created" doc:"Ids of the new fences, in the order of the report; empty in a dry run"`
}

// ImportItem is what became of one object of a file.
type ImportItem struct {
	Index  int         `json:"index" doc:"Of the object in the file, from 0"`
	Name   string      `json:"name"`
	Result string      `json:"result" enum:"read,mended,refused"`
	Notes  []string    `json:"notes" doc:"What was mended or assumed, or why it is refused; vertices count from 0 in the ring of the file"`
	Fence  *FenceInput `json:"fence,omitempty" doc:"The fence that it is, unless refused"`
}

type importFencesOutput struct {
	Body ImportReport
}

type exportFencesInput struct {
	Format string `query:"format" enum:"geojson,kml" required:"true"`
}

type exportFencesOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (s *Server) fenceFileEndpoints(api huma.API) {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	types := map[string]*huma.MediaType{}
	for _, name := range fileTypes() {
		types[name] = &huma.MediaType{Schema: file}
	}
	endpoint(s, api, huma.Operation{
		OperationID: "importFences", Method: http.MethodPost, Path: importPath, Tags: []string{"fences"},
		Summary:     "Read fences from a file of at most 8 MiB, with a report of what was read, mended and refused",
		RequestBody: &huma.RequestBody{Required: true, Content: types}, SkipValidateBody: true, // package zonefile judges it
		Errors: []int{400, 401, 403, 409, 413, 415, 503},
	}, s.importFences)
	endpoint(s, api, huma.Operation{
		OperationID: "exportFences", Method: http.MethodGet, Path: "/v1/fences/export", Tags: []string{"fences"},
		Summary: "All fences as a file",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
			geoJSONType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}, kmlType: {Schema: file},
		}}},
		Errors: []int{401, 403},
	}, s.exportFences)
}

const (
	geoJSONType = "application/geo+json"
	kmlType     = "application/vnd.google-earth.kml+xml"
)

// fileTypes are the content types of a file that is sent: none that a foreign
// page can send without asking first.
func fileTypes() []string {
	return []string{"application/octet-stream", "application/json", geoJSONType, kmlType, "application/xml", "text/xml"}
}

func (s *Server) importFences(ctx context.Context, in *importFencesInput) (*importFencesOutput, error) {
	items, err := zonefile.Read(zonefile.Format(in.Format), in.RawBody)
	if err != nil {
		return nil, err
	}
	out := ImportReport{Report: make([]ImportItem, len(items)), Created: []string{}}
	var changes []airspace.Change
	for i := range items {
		item := &items[i]
		out.Report[i] = ImportItem{Index: item.Index, Name: item.Name, Result: string(item.Result), Notes: append([]string{}, item.Notes...)}
		if item.Result == zonefile.Refused {
			continue
		}
		out.Report[i].Fence = inputOf(&item.Fence)
		changes = append(changes, airspace.Change{Op: airspace.Create, Fence: item.Fence})
	}
	if in.DryRun {
		return &importFencesOutput{Body: out}, nil
	}
	records, err := s.cfg.Register.ApplyBatch(ctx, actorOf(ctx), changes)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		out.Created = append(out.Created, r.Fence.ID)
	}
	return &importFencesOutput{Body: out}, nil
}

func (s *Server) exportFences(_ context.Context, in *exportFencesInput) (*exportFencesOutput, error) {
	records := s.cfg.Register.Fences()
	fences := make([]geofence.Fence, len(records))
	for i := range records {
		fences[i] = records[i].Fence
	}
	var file bytes.Buffer
	if err := zonefile.Write(&file, zonefile.Format(in.Format), fences); err != nil {
		return nil, err
	}
	out := &exportFencesOutput{
		Type: geoJSONType, Disposition: `attachment; filename="fences.` + in.Format + `"`,
		Body: func(ctx huma.Context) { _, _ = ctx.BodyWriter().Write(file.Bytes()) }, // the client has gone if it fails
	}
	if in.Format == string(zonefile.KML) {
		out.Type = kmlType
	}
	return out, nil
}

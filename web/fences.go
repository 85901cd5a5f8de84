package web

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
)

// Fence is an electronic fence.
type Fence struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Kind      string   `json:"kind" enum:"keep_out,keep_in"`
	Geometry  Geometry `json:"geometry"`
	RadiusM   *float64 `json:"radius_m,omitempty" doc:"Of the circle around a Point"`
	Floor     *Height  `json:"floor" doc:"Lower limit; null: none"`
	Ceiling   *Height  `json:"ceiling" doc:"Upper limit; null: none"`
	Applies   Applies  `json:"applies"`
	Response  string   `json:"response" enum:"warn,hold,return,land,stop" doc:"What is asked of a vehicle in breach"`
	Origin    Origin   `json:"origin"`
	Rev       uint64   `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string   `json:"created_at" format:"date-time"`
	UpdatedAt string   `json:"updated_at" format:"date-time"`
	UpdatedBy string   `json:"updated_by" doc:"Actor id"`
}

// Height is a height and what it is measured from.
type Height struct {
	M     float64 `json:"m" minimum:"-1000" maximum:"100000" doc:"Metres"`
	Datum string  `json:"datum" enum:"amsl,takeoff"`
}

// Applies says to which vehicles a fence applies.
type Applies struct {
	Classes []string `json:"classes" enum:"uav,icv,usv" doc:"Empty: all"`
}

// AppliesInput says to which vehicles a fence shall apply.
type AppliesInput struct {
	Classes []string `json:"classes,omitempty" enum:"uav,icv,usv" maxItems:"3" uniqueItems:"true" doc:"Empty: all"`
}

// Origin says who made a fence.
type Origin struct {
	Kind string `json:"kind" doc:"manual, permit, intent or restriction; only manual fences may be changed here" example:"manual"`
	ID   string `json:"id" doc:"Of the permit, intent or restriction; empty for manual"`
}

// FenceInput is what a caller may say about a fence.
type FenceInput struct {
	Name     string        `json:"name" minLength:"1" maxLength:"120"`
	Kind     string        `json:"kind" enum:"keep_out,keep_in"`
	Geometry Geometry      `json:"geometry"`
	RadiusM  *float64      `json:"radius_m,omitempty" minimum:"1" maximum:"200000" doc:"Needed with a Point, and only there"`
	Floor    *Height       `json:"floor,omitempty" accept:"null"`
	Ceiling  *Height       `json:"ceiling,omitempty" accept:"null"`
	Applies  *AppliesInput `json:"applies,omitempty"`
	Response string        `json:"response,omitempty" enum:"warn,hold,return,land,stop" default:"warn"`

	fence geofence.Fence // what Resolve made of it
}

// Resolve finds what a schema cannot: it runs with the schema's own check, so
// that all faults come in one answer.
func (in *FenceInput) Resolve(huma.Context) []error {
	faults := in.resolve()
	out := make([]error, len(faults))
	for i, f := range faults {
		out[i] = &huma.ErrorDetail{Location: f.Location, Message: f.Message}
	}
	return out
}

func (in *FenceInput) resolve() []FieldError {
	const at = "body.geometry"
	var faults []FieldError
	if message := badText(in.Name); message != "" {
		faults = append(faults, FieldError{"body.name", message})
	}
	f := geofence.Fence{Name: in.Name, Response: geofence.Response(in.Response), Floor: in.Floor.altitude(), Ceiling: in.Ceiling.altitude()}
	kind, known := geofence.ParseKind(in.Kind)
	if f.Kind = kind; !known {
		f.Kind = geofence.KeepOut // so that the geometry is judged too; the kind's fault is the schema's
	}
	if in.Applies != nil {
		f.Classes = classSet(in.Applies.Classes)
	}
	if len(in.Geometry) == 0 {
		return faults // the schema says that it is missing
	}
	shape, center, geometryFaults := parseGeometry(in.Geometry, at)
	faults = append(faults, geometryFaults...)
	f.Shape = shape
	switch {
	case center != nil && in.RadiusM == nil:
		return append(faults, FieldError{"body.radius_m", "a Point needs radius_m"})
	case center == nil && in.RadiusM != nil:
		faults = append(faults, FieldError{"body.radius_m", "only a Point has radius_m"})
	case center != nil:
		f.Shape.Circle = &geo.Circle{Center: *center, RadiusM: *in.RadiusM}
	}
	if len(geometryFaults) == 0 {
		if _, err := geofence.Compile(f); err != nil {
			more, err := shapeFaults(err, &f.Shape, at)
			if err != nil {
				return append(faults, FieldError{at, "this geometry cannot be used"})
			}
			faults = append(faults, more...)
		}
	}
	in.fence = f
	return faults
}

// badText refuses characters that would make a name show other than it is.
func badText(s string) string {
	for _, r := range s {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0:
			return "control characters are not allowed"
		case r == 0x061c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return "characters that turn the writing direction or are invisible are not allowed"
		case r == '\uFFFD':
			return "a character is broken"
		}
	}
	if s != "" && strings.TrimSpace(s) == "" {
		return "a name of spaces is no name"
	}
	return ""
}

func (h *Height) altitude() geo.Altitude {
	if h == nil {
		return geo.Altitude{}
	}
	d, ok := geo.ParseDatum(h.Datum)
	if !ok || h.M < -1000 || h.M > 100_000 {
		return geo.Altitude{} // the schema says what is wrong
	}
	return geo.Altitude{MM: int32(math.Round(h.M * 1000)), Datum: d}
}

func heightOf(a geo.Altitude) *Height {
	if a.Datum == geo.NoDatum {
		return nil
	}
	return &Height{M: metres(a.MM), Datum: a.Datum.String()}
}

func fenceOf(r *airspace.FenceRecord) Fence {
	f := &r.Fence
	out := Fence{
		ID: f.ID, Name: f.Name, Kind: f.Kind.String(), Geometry: geometryOf(&f.Shape),
		Floor: heightOf(f.Floor), Ceiling: heightOf(f.Ceiling), Applies: Applies{Classes: []string{}},
		Response: string(f.Response), Origin: Origin{Kind: f.Origin.Kind, ID: f.Origin.ID}, Rev: f.Rev,
		CreatedAt: timeOf(r.CreatedUS), UpdatedAt: timeOf(r.UpdatedUS), UpdatedBy: r.UpdatedBy,
	}
	if c := f.Shape.Circle; c != nil {
		out.RadiusM = &c.RadiusM
	}
	for _, c := range f.Classes.List() {
		out.Applies.Classes = append(out.Applies.Classes, c.String())
	}
	return out
}

// FenceList is one page of fences.
type FenceList struct {
	Items []Fence `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

type fenceListOutput struct {
	Body FenceList
}

type fenceOutput struct {
	ETag     string `header:"ETag" doc:"Revision for If-Match"`
	Location string `header:"Location" doc:"Of the new fence"`
	Body     Fence
}

type oneFenceOutput struct {
	ETag string `header:"ETag" doc:"Revision for If-Match"`
	Body Fence
}

type oneFenceInput struct {
	ID string `path:"id" maxLength:"64"`
}

type createFenceInput struct {
	Body FenceInput
}

type replaceFenceInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; needed" example:"\"3\""`
	Body    FenceInput
}

type deleteFenceInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; needed" example:"\"3\""`
}

func (s *Server) fenceEndpoints(api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"fences"}, Summary: summary, Errors: errors}
	}
	endpoint(s, api, op("listFences", http.MethodGet, "/v1/fences", "Fences, by id", 401, 403), s.listFences)
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

func (s *Server) listFences(_ context.Context, in *struct{ Page }) (*fenceListOutput, error) {
	records, next, err := paginate(s.cursors, "fences", in.Page, s.cfg.Register.Fences(),
		func(r *airspace.FenceRecord) string { return r.Fence.ID },
		func(r *airspace.FenceRecord, last string) bool { return r.Fence.ID > last })
	if err != nil {
		return nil, err
	}
	out := FenceList{Items: []Fence{}, Next: next}
	for i := range records {
		out.Items = append(out.Items, fenceOf(&records[i]))
	}
	return &fenceListOutput{Body: out}, nil
}

func (s *Server) createFence(ctx context.Context, in *createFenceInput) (*fenceOutput, error) {
	r, err := s.cfg.Register.CreateFence(ctx, actorOf(ctx), in.Body.fence)
	if err != nil {
		return nil, err
	}
	return &fenceOutput{ETag: etag(r.Fence.Rev), Location: "/v1/fences/" + r.Fence.ID, Body: fenceOf(&r)}, nil
}

func (s *Server) getFence(_ context.Context, in *oneFenceInput) (*oneFenceOutput, error) {
	r, err := s.cfg.Register.Fence(in.ID)
	if err != nil {
		return nil, err
	}
	if r.Deleted {
		return nil, airspace.ErrNotFound
	}
	return &oneFenceOutput{ETag: etag(r.Fence.Rev), Body: fenceOf(&r)}, nil
}

func (s *Server) replaceFence(ctx context.Context, in *replaceFenceInput) (*oneFenceOutput, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, err := s.cfg.Register.ReplaceFence(ctx, actorOf(ctx), in.ID, rev, in.Body.fence)
	if err != nil {
		return nil, err
	}
	return &oneFenceOutput{ETag: etag(r.Fence.Rev), Body: fenceOf(&r)}, nil
}

func (s *Server) deleteFence(ctx context.Context, in *deleteFenceInput) (*struct{}, error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Register.DeleteFence(ctx, actorOf(ctx), in.ID, rev)
}

package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/telemetry/command/onboard"
	"testzone/vehicles"
	"testzone/vehicles/planfile"
)

// PlanFile is what a file of a ground station holds, for a vehicle.
type PlanFile struct {
	Format string         `json:"format" enum:"plan,waypoints" doc:"plan: of QGroundControl; waypoints: QGC WPL 110"`
	Plans  []PlanFilePart `json:"plans" doc:"The kinds that the file has: mission, fence, rally"`
	Notes  []string       `json:"notes" doc:"What was assumed: what was taken as the planned home"`
}

// PlanFilePart is one kind of plan of a file.
type PlanFilePart struct {
	Kind  string     `json:"kind" enum:"mission,fence,rally"`
	Items []PlanItem `json:"items" doc:"As PUT of this kind takes them; jumps count as the vehicle's autopilot does"`
}

type readPlanFileInput struct {
	ID      string `path:"id" maxLength:"64"`
	RawBody []byte `contentType:"application/octet-stream"`
}

type writePlanFileInput struct {
	ID     string `path:"id" maxLength:"64"`
	Format string `query:"format" enum:"plan,waypoints" required:"true"`
	Kind   string `query:"kind" enum:"mission,fence,rally" doc:"Only this kind; needed for waypoints. Default all that the vehicle is known to carry"`
}

func (s *Server) planFileEndpoints(api huma.API) {
	const tag, path = "plans", "/v1/vehicles/{id}/plans/file"
	file := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	types := map[string]*huma.MediaType{}
	for _, name := range fileTypes() {
		types[name] = &huma.MediaType{Schema: file}
	}
	read := operation(tag, "readPlanFile", http.MethodPost, path, "Read a .plan or waypoint file of a ground station; nothing is sent to the vehicle", 400, 401, 403, 404, 413, 415)
	read.RequestBody, read.SkipValidateBody = &huma.RequestBody{Required: true, Content: types}, true // package planfile judges it
	endpoint(s, api, read, s.readPlanFile)
	write := operation(tag, "exportPlans", http.MethodGet, path, "What a vehicle is known to carry, as a file for ground stations", 401, 403, 404, 409)
	write.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}, waypointsType: {Schema: file},
	}}}
	endpoint(s, api, write, s.exportPlans)
}

const waypointsType = "text/plain; charset=utf-8"

func (s *Server) readPlanFile(ctx context.Context, in *readPlanFileInput) (*struct{ Body PlanFile }, error) {
	if err := s.planned(ctx, in.ID); err != nil {
		return nil, err
	}
	autopilot, _, heard := s.cfg.Plans.Pilot(vehicles.VehicleID(in.ID))
	set, err := planfile.Read(in.RawBody, autopilot)
	if err != nil {
		return nil, err
	}
	out := PlanFile{Format: string(set.Format), Plans: []PlanFilePart{}, Notes: append([]string{}, set.Notes...)}
	for k := range set.Plans {
		p := &set.Plans[k]
		if len(p.Items) == 0 {
			continue
		}
		if !heard && planfile.Jumps(p) {
			return nil, newProblem(ctx, http.StatusConflict, "unreachable", "The mission has jumps, which count as the autopilot of the vehicle does, and the vehicle is not heard: read the file when it is.")
		}
		part := PlanFilePart{Kind: p.Kind.String(), Items: []PlanItem{}}
		for n := range p.Items {
			item := onboard.Item(p.Items[n])
			part.Items = append(part.Items, planItemOf(&item))
		}
		out.Plans = append(out.Plans, part)
	}
	return &struct{ Body PlanFile }{out}, nil
}

func (s *Server) exportPlans(ctx context.Context, in *writePlanFileInput) (*exportFencesOutput, error) {
	if err := s.planned(ctx, in.ID); err != nil {
		return nil, err
	}
	autopilot, home, heard := s.cfg.Plans.Pilot(vehicles.VehicleID(in.ID))
	set, any := &planfile.Set{}, false
	if home != nil {
		set.Home = &planfile.Home{Point: *home}
	}
	for k := vehicles.PlanMission; k <= vehicles.PlanRally; k++ {
		if in.Kind != "" && in.Kind != k.String() {
			continue
		}
		r := s.planRecord(ctx, in.ID, k)
		if !r.Known {
			continue
		}
		any = any || len(r.Carried) > 0
		set.Plans[k] = onboard.PlanOf(k, r.Carried)
	}
	switch {
	case !any:
		return nil, newProblem(ctx, http.StatusConflict, "plan_unknown", "The vehicle carries nothing of this, or what it carries is not known: have it read back.")
	case !heard && planfile.Jumps(&set.Plans[vehicles.PlanMission]):
		return nil, newProblem(ctx, http.StatusConflict, "unreachable", "The mission has jumps, which count as the autopilot of the vehicle does, and the vehicle is not heard: ask when it is.")
	}
	var file bytes.Buffer
	if err := planfile.Write(&file, planfile.Format(in.Format), set, autopilot); err != nil {
		return nil, err
	}
	out := &exportFencesOutput{
		Type: "application/json", Disposition: fmt.Sprintf(`attachment; filename="%s.%s"`, fileName(in.ID), in.Format),
		Body: func(ctx huma.Context) { _, _ = ctx.BodyWriter().Write(file.Bytes()) }, // the client has gone if it fails
	}
	if in.Format == string(planfile.Waypoints) {
		out.Type = waypointsType
	}
	return out, nil
}

// fileName is an id without what a file name or a header cannot have.
func fileName(id string) string {
	b := []byte(id)
	for n, c := range b {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			b[n] = '_'
		}
	}
	return string(b)
}

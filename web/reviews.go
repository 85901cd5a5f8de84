package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/permit"
)

const reviewsPath = "/v1/reviews"

// PermitText is a text of a rule pack.
type PermitText struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

// PermitBlock is one thing that keeps a permit from its next state.
type PermitBlock struct {
	Code string   `json:"code" enum:"information,waits_for,judgements,override,waits"`
	Of   []string `json:"of" doc:"Departments, judgements or a text"`
}

// ReviewItem is a permit on a department's desk.
type ReviewItem struct {
	PermitID string        `json:"permit_id"`
	Title    string        `json:"title"`
	Kind     string        `json:"kind"`
	Holder   string        `json:"holder" doc:"Organisation"`
	State    string        `json:"state"`
	Step     string        `json:"step"`
	Tier     string        `json:"tier"`
	Waits    string        `json:"waits_since" format:"date-time" doc:"Since when its step is open"`
	From     string        `json:"from" format:"date-time" doc:"Planned start"`
	Deadline *PermitClock  `json:"deadline" doc:"That the step ends by, else the next that runs; null: none"`
	Blocks   []PermitBlock `json:"blocks"`
}

// ReviewQueue is one part of a department's desk, by deadline.
type ReviewQueue struct {
	Department string         `json:"department" doc:"The pack's name of yours; empty: none, and all permits are shown"`
	Counts     map[string]int `json:"counts" doc:"By desk"`
	Total      int            `json:"total" doc:"Of this desk; items has the first 200"`
	Items      []ReviewItem   `json:"items"`
}

// PermitSource is where a rule comes from, and what that is worth here and now.
type PermitSource struct {
	Rule  string           `json:"rule" doc:"JSON pointer into the rule pack"`
	Mark  string           `json:"mark" enum:"in_force,draft,other_city,expired,assumption"`
	Cites []PermitCitation `json:"cites"`
}

// PermitCitation is a place in a source.
type PermitCitation struct {
	Title  PermitText `json:"title"`
	Clause string     `json:"clause"`
}

// PermitStep is one step of the procedure.
type PermitStep struct {
	ID      string     `json:"id"`
	Title   PermitText `json:"title"`
	By      []string   `json:"by"`
	SignOff bool       `json:"sign_off"`
}

// PermitQuestion is one line of the checklist of its risk tier.
type PermitQuestion struct {
	ID       string     `json:"id"`
	Question PermitText `json:"question"`
}

// PermitNear is something in the place and time of an application.
type PermitNear struct {
	Kind     string   `json:"kind" enum:"fence,restriction,permit,booking"`
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Geometry Geometry `json:"geometry"`
	RadiusM  *float64 `json:"radius_m,omitempty"`
	WidthM   *float64 `json:"width_m,omitempty"`
	From     *string  `json:"from" format:"date-time"`
	To       *string  `json:"to" format:"date-time"`
}

// PermitRevision is a submission that was replaced.
type PermitRevision struct {
	DocHash     string            `json:"doc_hash"`
	At          string            `json:"replaced_at" format:"date-time"`
	Application PermitApplication `json:"application"`
}

// PermitAssessment is what a department needs to decide about a permit.
type PermitAssessment struct {
	Permit     Permit           `json:"permit"`
	Department string           `json:"department"`
	Desk       string           `json:"desk" enum:",waiting,advice,information,signed,decided"`
	Blocks     []PermitBlock    `json:"blocks"`
	Faults     []PermitFault    `json:"faults" doc:"All that the automatic checks find now"`
	Sources    []PermitSource   `json:"sources" doc:"Of the rules of the checks, clocks and tier"`
	Steps      []PermitStep     `json:"steps"`
	Checklist  []PermitQuestion `json:"checklist"`
	Judgements []string         `json:"judgements" doc:"To be recorded: necessary, appropriate, controllable"`
	May        []string         `json:"may" doc:"Verdicts that your department can give now"`
	Last       []string         `json:"last" doc:"Who has to sign before your department, which decides"`
	Hindered   string           `json:"hindered" doc:"Why you cannot sign it: somebody else has to; empty: you can"`
	Seen       *PermitRevision  `json:"seen" doc:"The revision that your department spoke about last; null: it is the one at hand, or none"`
	Near       []PermitNear     `json:"near"`
}

func (s *Server) reviewEndpoints(api huma.API) {
	const tag = "permits"
	endpoint(s, api, operation(tag, "listReviews", http.MethodGet, reviewsPath, "The desk of your department, by deadline", 401, 403), s.listReviews)
	endpoint(s, api, operation(tag, "assessPermit", http.MethodGet, permitPath+"/{id}/assessment", "What a department needs to decide about a permit", 401, 403, 404), s.assessPermit)
}

// maxReviews bounds one answer: what is due first comes first.
const maxReviews = 200

func (s *Server) listReviews(ctx context.Context, in *struct {
	Desk string `query:"desk" enum:"waiting,advice,information,signed,decided" default:"waiting"`
}) (*struct{ Body ReviewQueue }, error) {
	who := actorOf(ctx)
	list, counts := s.cfg.Register.Reviews(who, permit.Desk(in.Desk))
	out := &struct{ Body ReviewQueue }{ReviewQueue{Department: s.cfg.Register.DepartmentOf(who), Counts: map[string]int{}, Total: len(list), Items: []ReviewItem{}}}
	for desk, n := range counts {
		out.Body.Counts[string(desk)] = n
	}
	for i := range list[:min(len(list), maxReviews)] {
		v := &list[i]
		one := ReviewItem{PermitID: v.Permit.ID, Title: v.Permit.Application.Title, Kind: v.Permit.Application.Kind, Holder: v.Permit.Org, State: string(v.Permit.State), Step: v.Permit.Step,
			Tier: v.Permit.Tier, Waits: timeOf(v.WaitsUS), From: timeOf(v.Permit.Application.FromUS), Blocks: blocksOf(v.Blocks)}
		if v.Deadline != nil {
			c := clockForm(v.Deadline)
			one.Deadline = &c
		}
		out.Body.Items = append(out.Body.Items, one)
	}
	return out, nil
}

func (s *Server) assessPermit(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*oneOutput[PermitAssessment], error) {
	a, err := s.cfg.Register.AssessPermit(actorOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	treatment := a.Permit.Treatment(a.Pack)
	out := PermitAssessment{
		Permit: s.permitForm(&a.Permit), Department: a.Department, Desk: string(a.Desk), Blocks: blocksOf(a.Blocks), Faults: faultForms(a.Faults), Sources: sourcesOf(&a),
		Steps: []PermitStep{}, Checklist: []PermitQuestion{}, Judgements: append([]string{}, treatment.Judgements...), May: []string{}, Last: append([]string{}, a.Last...), Near: nearOf(a.Near),
	}
	for _, st := range a.Permit.Procedure(a.Pack) {
		out.Steps = append(out.Steps, PermitStep{st.ID, PermitText(st.Title), append([]string{}, st.By...), st.SignOff})
	}
	for _, line := range treatment.Checklist {
		out.Checklist = append(out.Checklist, PermitQuestion{line.ID, PermitText(line.Question)})
	}
	for _, v := range a.May {
		out.May = append(out.May, string(v))
	}
	if a.Hindered != nil {
		out.Hindered = a.Hindered.Error()
	}
	if r := a.Seen; r != nil {
		out.Seen = &PermitRevision{r.DocHash, timeOf(r.AtUS), applicationOf(&r.Application)}
	}
	return &oneOutput[PermitAssessment]{ETag: etag(a.Permit.Rev), Body: out}, nil
}

func blocksOf(in []permit.Block) []PermitBlock {
	out := []PermitBlock{}
	for _, b := range in {
		out = append(out, PermitBlock{b.Code, append([]string{}, b.Of...)})
	}
	return out
}

func clockForm(c *permit.Clock) PermitClock {
	return PermitClock{c.ID, c.Step, timeOf(c.DueUS), timeOf(c.WarnUS), c.Opens, c.Provisional, string(c.State), optionalTime(c.MetUS), c.Missed}
}

// sourcesOf says where the rules come from that speak about the permit. A rule without
// a source in the pack has none here.
func sourcesOf(a *airspace.Assessment) []PermitSource {
	out, told := []PermitSource{}, map[string]bool{}
	add := func(rule string) {
		if rule == "" || told[rule] {
			return
		}
		told[rule] = true
		o, err := a.Pack.Mark(rule)
		if err != nil {
			return
		}
		one := PermitSource{Rule: rule, Mark: string(o.Mark), Cites: []PermitCitation{}}
		for _, c := range o.Cites {
			one.Cites = append(one.Cites, PermitCitation{PermitText(c.Source.Title), c.Clause})
		}
		out = append(out, one)
	}
	for _, f := range a.Faults {
		add(f.Rule)
	}
	add("/kinds/" + a.Permit.Application.Kind)
	for _, c := range a.Permit.Clocks {
		add("/clocks/" + c.ID)
	}
	return out
}

func nearOf(in []airspace.Near) []PermitNear {
	out := []PermitNear{}
	for i := range in {
		n := &in[i]
		one := PermitNear{Kind: n.Kind, ID: n.ID, Name: n.Name, Geometry: geometryOf(&n.Shape), From: optionalTime(n.FromUS), To: optionalTime(n.ToUS)}
		if c := n.Shape.Circle; c != nil {
			one.RadiusM = &c.RadiusM
		}
		if c := n.Shape.Corridor; c != nil {
			one.WidthM = &c.WidthM
		}
		out = append(out, one)
	}
	return out
}

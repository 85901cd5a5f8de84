package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/vehicles"
)

// PermitNeedInput is what somebody wants to do.
type PermitNeedInput struct {
	Class   string         `json:"class" enum:"uav,icv,usv"`
	From    permitTime     `json:"from"`
	To      permitTime     `json:"to"`
	Volumes []PermitVolume `json:"volumes,omitempty" maxItems:"20" doc:"Where; restrictions there are temporary control"`
	Facts   map[string]any `json:"facts,omitempty" doc:"As in an application. What is not known counts as the case that needs a permit"`
}

// PermitNeed is whether that needs a permit, and why.
type PermitNeed struct {
	Needed     bool                 `json:"needed"`
	Rule       string               `json:"rule" doc:"Of the rule pack, that decides: a trigger or an exemption; empty: every test of this class is by permit"`
	Title      PermitTitle          `json:"title" doc:"Of the rule"`
	Clocks     []string             `json:"clocks" doc:"Of the rule pack, that hold without a permit too"`
	Kinds      []PermitNeedKind     `json:"kinds" doc:"Of permits for this class"`
	UAVClass   string               `json:"uav_class" doc:"Class of the aircraft by its facts; empty: none"`
	Open       []PermitOpenFact     `json:"open" doc:"Facts that are not known and might change the answer"`
	Restricted []PermitRestrictedBy `json:"restricted" doc:"Temporary restrictions in its place and time: they hold with a permit too"`
	Pack       string               `json:"pack"`
	PackStatus string               `json:"pack_status" enum:"in_force,draft,expired,placeholder"`
}

// PermitTitle is a text of a rule pack.
type PermitTitle struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

// PermitNeedKind is a kind of permit.
type PermitNeedKind struct {
	Kind  string      `json:"kind"`
	Title PermitTitle `json:"title"`
	Crews []string    `json:"crews"`
}

// PermitOpenFact is a fact that is not known.
type PermitOpenFact struct {
	Fact string `json:"fact"`
	Need string `json:"need" doc:"What it is compared with"`
}

// PermitRestrictedBy is a restriction in the way.
type PermitRestrictedBy struct {
	Fence string `json:"fence"`
	Name  string `json:"name"`
	From  string `json:"from" format:"date-time"`
	To    string `json:"to" format:"date-time"`
}

type permitNeedInput struct{ Body PermitNeedInput }

func (s *Server) permitNeedEndpoints(api huma.API) {
	endpoint(s, api, operation("permits", "askPermitNeed", http.MethodPost, "/v1/permit-needs", "Whether a flight, drive or voyage needs a permit, which kinds there are, and by which rule; changes nothing",
		400, 401, 403, 409, 413, 415), s.askPermitNeed)
}

func (s *Server) askPermitNeed(_ context.Context, in *permitNeedInput) (*struct{ Body PermitNeed }, error) {
	class, _ := vehicles.ParseClass(in.Body.Class) // the schema has no other
	asked := PermitApplication{Title: "asked", Subtype: "first", From: in.Body.From, To: in.Body.To, Volumes: in.Body.Volumes, Facts: in.Body.Facts}
	n, err := s.cfg.Register.NeedOf(class, asked.application())
	if err != nil {
		return nil, err
	}
	return &struct{ Body PermitNeed }{needForm(&n)}, nil
}

func needForm(n *airspace.PermitNeed) PermitNeed {
	out := PermitNeed{
		Needed: n.Needed, Rule: n.Rule.ID, Title: PermitTitle(n.Rule.Title), Clocks: append([]string{}, n.Rule.Clocks...), Kinds: []PermitNeedKind{}, UAVClass: n.Class,
		Open: []PermitOpenFact{}, Restricted: []PermitRestrictedBy{}, Pack: n.Pack.Key(), PackStatus: string(n.Pack.Status),
	}
	for _, name := range n.Kinds {
		k := n.Pack.Kinds[name]
		out.Kinds = append(out.Kinds, PermitNeedKind{name, PermitTitle(k.Title), append([]string{}, k.Crews...)})
	}
	for _, l := range n.Open {
		out.Open = append(out.Open, PermitOpenFact{permitFactName(l.Fact, l.Scope), l.Need})
	}
	for _, near := range n.Near {
		out.Restricted = append(out.Restricted, PermitRestrictedBy{near.ID, near.Name, timeOf(near.FromUS), timeOf(near.ToUS)})
	}
	return out
}

func permitFactName(fact, scope string) string {
	if scope == "" {
		return fact
	}
	return fact + "@" + scope
}

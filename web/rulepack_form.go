package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	rulepack "testzone/airspace/rules"
)

// RulePackRules is what an application needs to know of a rule pack: its kinds of
// permit and what each asks for.
type RulePackRules struct {
	ID          string               `json:"id" doc:"id@version"`
	Title       PermitText           `json:"title"`
	Status      string               `json:"status" enum:"in_force,draft,expired,placeholder"`
	TZ          string               `json:"tz"`
	Kinds       []PackKind           `json:"kinds"`
	Items       map[string]PackItem  `json:"items" doc:"By the keys of items of an application"`
	Insurance   []PackInsurance      `json:"insurance"`
	Tiers       []PackTier           `json:"tiers" doc:"From the highest"`
	Departments []PackNamed          `json:"departments" doc:"In the order in which they are asked"`
	Clocks      map[string]PackNamed `json:"clocks"`
	Scenarios   []string             `json:"scenarios" doc:"Tags that its conditions tell apart; others can be given"`
}

// PackNamed is something with a title, and what its source is worth here and now.
type PackNamed struct {
	ID    string     `json:"id"`
	Title PermitText `json:"title"`
	Mark  string     `json:"mark" enum:",in_force,draft,other_city,expired,assumption" doc:"Empty: it states no number"`
}

// PackKind is a kind of permit.
type PackKind struct {
	PackNamed
	Domain     string         `json:"domain" enum:"uav,icv,usv,site"`
	Crews      []string       `json:"crews"`
	Forms      []PackForm     `json:"forms" doc:"Items by subtype and crew"`
	Insurance  []string       `json:"insurance"`
	Questions  []PackQuestion `json:"questions" doc:"Facts to declare"`
	Steps      []PermitStep   `json:"steps"`
	FirstBatch int            `json:"first_batch" doc:"Vehicles of a first application; 0: no limit"`
}

// PackForm is which items an application of a subtype and crew states.
type PackForm struct {
	Subtype  string   `json:"subtype"`
	Crew     string   `json:"crew"`
	Must     []string `json:"must"`
	Optional []string `json:"optional"`
}

// PackItem is something that an application states or encloses.
type PackItem struct {
	Title    PermitText `json:"title"`
	Types    []string   `json:"types" doc:"Media types of its document; none: it is filled in"`
	MaxBytes int        `json:"max_bytes"`
}

// PackInsurance is an insurance that a permit needs.
type PackInsurance struct {
	PackNamed
	PerVehicleCNY float64 `json:"per_vehicle_cny" doc:"0: no text names a sum"`
	OrGuarantee   bool    `json:"or_guarantee"`
}

// PackTier is what a risk tier asks of an application.
type PackTier struct {
	Tier       string           `json:"tier"`
	Checklist  []PermitQuestion `json:"checklist"`
	Disclosure []string         `json:"disclosure"`
}

// PackQuestion is a fact that the applicant declares.
type PackQuestion struct {
	Fact  string   `json:"fact" doc:"Key of facts: uav.mtow_kg, auto_km@open_road"`
	Kind  string   `json:"kind" enum:"yes_no,word,number"`
	Words []string `json:"words" doc:"That the rules tell apart; others can be given"`
}

func (s *Server) rulePackEndpoints(api huma.API) {
	endpoint(s, api, operation("permits", "getRulePack", http.MethodGet, "/v1/rule-packs/{id}", "What a rule pack asks of an application", 401, 403, 404), s.getRulePack)
}

func (s *Server) getRulePack(_ context.Context, in *struct {
	ID string `path:"id" maxLength:"80" doc:"id@version, or now: the one that judges what is submitted now"`
}) (*struct{ Body RulePackRules }, error) {
	all, now, err := s.cfg.Register.RulePacks()
	if err != nil {
		return nil, err
	}
	if in.ID == "now" {
		in.ID = now.Key()
	}
	at := slices.IndexFunc(all, func(p *rulepack.Pack) bool { return p.Key() == in.ID })
	if at < 0 {
		return nil, fmt.Errorf("rule pack %s: %w", in.ID, airspace.ErrNotFound)
	}
	return &struct{ Body RulePackRules }{packRules(all[at])}, nil
}

func packRules(p *rulepack.Pack) RulePackRules {
	out := RulePackRules{ID: p.Key(), Title: PermitText(p.Title), Status: string(p.Status), TZ: p.TZ, Kinds: []PackKind{}, Items: map[string]PackItem{}, Insurance: []PackInsurance{},
		Tiers: []PackTier{}, Departments: []PackNamed{}, Clocks: map[string]PackNamed{}, Scenarios: append([]string{}, p.Scenarios()...)}
	for _, id := range slices.Sorted(maps.Keys(p.Kinds)) {
		k := p.Kinds[id]
		out.Kinds = append(out.Kinds, packKind(p, id, &k))
	}
	for id, item := range p.Items {
		out.Items[id] = PackItem{PermitText(item.Title), append([]string{}, item.Document.Types...), item.Document.MaxBytes}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Insurance)) {
		i := p.Insurance[id]
		out.Insurance = append(out.Insurance, PackInsurance{packNamed(p, id, i.Title, "/insurance/"+id), i.PerVehicleCNY, i.OrGuarantee})
	}
	for _, t := range p.Tiers {
		one := PackTier{Tier: t.Tier, Checklist: []PermitQuestion{}, Disclosure: append([]string{}, t.Treatment.Disclosure...)}
		for _, line := range t.Treatment.Checklist {
			one.Checklist = append(one.Checklist, PermitQuestion{line.ID, PermitText(line.Question)})
		}
		out.Tiers = append(out.Tiers, one)
	}
	for _, d := range p.Departments {
		out.Departments = append(out.Departments, PackNamed{ID: d.ID, Title: PermitText(d.Title)})
	}
	for id, c := range p.Clocks {
		out.Clocks[id] = packNamed(p, id, c.Title, "/clocks/"+id)
	}
	return out
}

// packNamed has the mark of what stands at a path of the pack.
func packNamed(p *rulepack.Pack, id string, title rulepack.Text, path string) PackNamed {
	out := PackNamed{ID: id, Title: PermitText(title)}
	if o, err := p.Mark(path); err == nil {
		out.Mark = string(o.Mark)
	}
	return out
}

func packKind(p *rulepack.Pack, id string, k *rulepack.Kind) PackKind {
	out := PackKind{PackNamed: packNamed(p, id, k.Title, "/kinds/"+id), Domain: k.Domain, Crews: append([]string{}, k.Crews...), Insurance: append([]string{}, k.Insurance...),
		Forms: []PackForm{}, Questions: []PackQuestion{}, Steps: []PermitStep{}, FirstBatch: k.FirstBatch}
	crews := k.Crews
	if len(crews) == 0 {
		crews = []string{""}
	}
	for _, subtype := range k.Subtypes {
		for _, crew := range crews {
			must, all := k.ItemsOf(subtype, crew)
			optional := slices.DeleteFunc(slices.Clone(all), func(item string) bool { return slices.Contains(must, item) })
			out.Forms = append(out.Forms, PackForm{subtype, crew, append([]string{}, must...), append([]string{}, optional...)})
		}
	}
	kinds := map[rulepack.FactKind]string{rulepack.YesNo: "yes_no", rulepack.Word: "word", rulepack.Number: "number"}
	for _, q := range p.Questions(id) {
		one := PackQuestion{q.Fact, kinds[q.Kind], append([]string{}, q.Words...)}
		if q.Scope != "" {
			one.Fact += "@" + q.Scope
		}
		out.Questions = append(out.Questions, one)
	}
	for _, st := range k.Steps {
		out.Steps = append(out.Steps, PermitStep{st.ID, PermitText(st.Title), append([]string{}, st.By...), st.SignOff})
	}
	return out
}

package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace/permit"
	"testzone/geofence/zonefile"
	"testzone/vehicles"
)

// permitTime is a time in an application, in UTC to the microsecond.
type permitTime = time.Time

// PermitHeight is a limit of an altitude band.
type PermitHeight = zonefile.Height

// PermitApplication is what is applied for. Persons stand in it by the applicant's
// own reference.
type PermitApplication struct {
	Kind         string                 `json:"kind" maxLength:"60" doc:"Of the rule pack" example:"uav.flight"`
	Crew         string                 `json:"crew,omitempty" enum:"driver,driverless"`
	Subtype      string                 `json:"subtype" enum:"first,renewal,change,add_vehicles,recognised"`
	Replaces     string                 `json:"replaces,omitempty" maxLength:"64" doc:"Permit that a renewal or change is of"`
	Title        string                 `json:"title" minLength:"1" maxLength:"120"`
	Scenario     string                 `json:"scenario,omitempty" maxLength:"60"`
	Emergency    bool                   `json:"emergency,omitempty" doc:"By the clocks of counter-terror, rescue and medical tasks"`
	From         permitTime             `json:"from" doc:"Planned start"`
	To           permitTime             `json:"to"`
	Vehicles     []string               `json:"vehicles,omitempty" maxItems:"1000" doc:"Ids: the permit is for exactly these"`
	People       []PermitPerson         `json:"people,omitempty" maxItems:"1000"`
	Insurance    []PermitPolicy         `json:"insurance,omitempty" maxItems:"100"`
	Volumes      []PermitVolume         `json:"volumes,omitempty" maxItems:"200"`
	Roads        []PermitRoad           `json:"roads,omitempty" maxItems:"1000"`
	Sites        []string               `json:"sites,omitempty" maxItems:"100"`
	SpeedMPS     float64                `json:"speed_mps,omitempty" minimum:"0" maximum:"400"`
	ExemptFences []string               `json:"exempt_fences,omitempty" maxItems:"100" doc:"Fences that shall not hold for its vehicles"`
	Items        map[string]PermitItem  `json:"items,omitempty" doc:"By the keys of the rule pack"`
	Facts        map[string]any         `json:"facts,omitempty" doc:"What is declared for the conditions of the rule pack: true or false, a word, or a number; metrics as auto_km@open_road, and where a rule asks for it of each vehicle as auto_km@same_route#icv-1"`
	Checklist    map[string]PermitProof `json:"checklist,omitempty" doc:"Of tier high"`
	Disclosure   map[string]string      `json:"disclosure,omitempty" doc:"What becomes public with the approval"`
}

// PermitPerson is somebody who takes part.
type PermitPerson struct {
	Ref       string      `json:"ref" maxLength:"60" doc:"The applicant's own reference: no name"`
	Role      string      `json:"role" maxLength:"60" example:"remote_pilot"`
	Licence   string      `json:"licence,omitempty" maxLength:"60"`
	LicenceTo *permitTime `json:"licence_to,omitempty"`
}

// PermitPolicy is an insurance that was taken out.
type PermitPolicy struct {
	Kind          string     `json:"kind" maxLength:"60" doc:"Of the rule pack"`
	Insurer       string     `json:"insurer" maxLength:"120"`
	Number        string     `json:"number" maxLength:"60"`
	From          permitTime `json:"from"`
	To            permitTime `json:"to"`
	PerVehicleCNY int64      `json:"per_vehicle_cny,omitempty" minimum:"0"`
	Guarantee     bool       `json:"guarantee,omitempty" doc:"A letter of guarantee of that sum"`
}

// PermitVolume is where and when the vehicles want to be.
type PermitVolume struct {
	Geometry Geometry       `json:"geometry" doc:"Polygon, MultiPolygon, Point with radius_m or LineString with width_m"`
	RadiusM  *float64       `json:"radius_m,omitempty" minimum:"1" maximum:"200000"`
	WidthM   *float64       `json:"width_m,omitempty" minimum:"2" maximum:"10000"`
	Floor    *PermitHeight  `json:"floor,omitempty"`
	Ceiling  *PermitHeight  `json:"ceiling,omitempty"`
	Windows  []PermitWindow `json:"windows,omitempty" maxItems:"1000" doc:"None: all the time of the permit"`
	Shared   bool           `json:"shared,omitempty" doc:"Others may be in it at the same time if they accept it too"`

	made permit.Volume // what Resolve made of it
}

// PermitWindow is a span of time, its end not in it.
type PermitWindow struct {
	From permitTime `json:"from"`
	To   permitTime `json:"to"`
}

// PermitRoad is a part of a road.
type PermitRoad struct {
	Ref       string `json:"ref" maxLength:"120"`
	RoadClass string `json:"road_class" enum:"highway,expressway,urban,urban_expressway,specific_area"`
}

// PermitItem is what an application says to one item of the rule pack.
type PermitItem struct {
	Text      string           `json:"text,omitempty" maxLength:"4000"`
	Documents []PermitDocument `json:"documents,omitempty" maxItems:"20"`
}

// PermitDocument is a file by its digest.
type PermitDocument struct {
	SHA256 string `json:"sha256" pattern:"^[0-9a-f]{64}$"`
	Type   string `json:"type" maxLength:"100"`
	Bytes  int    `json:"bytes" minimum:"1"`
}

// PermitProof is the answer to a line of the checklist.
type PermitProof struct {
	Text     string `json:"text" maxLength:"4000"`
	Evidence string `json:"evidence" maxLength:"200" doc:"Digest of a document, or a reference"`
}

// Resolve finds what a schema cannot.
func (v *PermitVolume) Resolve(_ huma.Context, prefix *huma.PathBuffer) (out []error) {
	if len(v.Geometry) == 0 {
		return nil // the schema says that it is missing
	}
	at := prefix.String()
	fault := func(f FieldError) { out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message}) }
	shape, faults := parseGeometry(v.Geometry, at+".geometry")
	for _, f := range faults {
		fault(f)
	}
	switch {
	case len(faults) > 0:
		return out
	case (shape.Circle != nil) != (v.RadiusM != nil):
		fault(FieldError{at + ".radius_m", "a Point needs radius_m, and nothing else has it"})
	case (shape.Corridor != nil) != (v.WidthM != nil):
		fault(FieldError{at + ".width_m", "a LineString needs width_m, and nothing else has it"})
	case shape.Circle != nil:
		shape.Circle.RadiusM = *v.RadiusM
	case shape.Corridor != nil:
		shape.Corridor.WidthM = *v.WidthM
	}
	v.made = permit.Volume{Floor: heightIn(v.Floor), Ceiling: heightIn(v.Ceiling), Shared: v.Shared}
	v.made.SetShape(shape)
	for _, w := range v.Windows {
		v.made.Windows = append(v.made.Windows, [2]int64{w.From.UnixMicro(), w.To.UnixMicro()})
	}
	return out
}

func heightIn(h *PermitHeight) *permit.Height {
	if h == nil {
		return nil
	}
	return &permit.Height{MM: int32(h.M * 1000), Datum: h.Datum}
}

func heightOut(h *permit.Height) *PermitHeight {
	if h == nil {
		return nil
	}
	return &PermitHeight{M: metres(h.MM), Datum: h.Datum}
}

// application is what the domain makes of the input.
func (in *PermitApplication) application() permit.Application {
	a := permit.Application{
		Kind: in.Kind, Crew: in.Crew, Subtype: in.Subtype, Replaces: in.Replaces, Title: in.Title, Scenario: in.Scenario, Emergency: in.Emergency,
		FromUS: in.From.UnixMicro(), ToUS: in.To.UnixMicro(), Insurance: policiesOf(in.Insurance), Sites: in.Sites, SpeedMPS: in.SpeedMPS,
		ExemptFences: in.ExemptFences, Facts: in.Facts, Disclosure: in.Disclosure,
	}
	for _, id := range in.Vehicles {
		a.Vehicles = append(a.Vehicles, vehicles.VehicleID(id))
	}
	for _, p := range in.People {
		m := permit.Crewman{Ref: p.Ref, Role: p.Role, Licence: p.Licence}
		if p.LicenceTo != nil {
			m.LicenceUS = p.LicenceTo.UnixMicro()
		}
		a.People = append(a.People, m)
	}
	for _, v := range in.Volumes {
		a.Volumes = append(a.Volumes, v.made)
	}
	for _, r := range in.Roads {
		a.Roads = append(a.Roads, permit.Segment(r))
	}
	for id, item := range in.Items {
		if a.Items == nil {
			a.Items = map[string]permit.Item{}
		}
		one := permit.Item{Text: item.Text}
		for _, d := range item.Documents {
			one.Documents = append(one.Documents, permit.Document(d))
		}
		a.Items[id] = one
	}
	for id, proof := range in.Checklist {
		if a.Checklist == nil {
			a.Checklist = map[string]permit.Answer{}
		}
		a.Checklist[id] = permit.Answer(proof)
	}
	return a
}

func policiesOf(in []PermitPolicy) (out []permit.Policy) {
	for _, p := range in {
		out = append(out, permit.Policy{Kind: p.Kind, Insurer: p.Insurer, Number: p.Number, FromUS: p.From.UnixMicro(), ToUS: p.To.UnixMicro(), PerVehicleCNY: p.PerVehicleCNY, Guarantee: p.Guarantee})
	}
	return out
}

func utc(us int64) permitTime { return time.UnixMicro(us).UTC() }

func optionalUTC(us int64) *permitTime {
	if us == 0 {
		return nil
	}
	t := utc(us)
	return &t
}

func applicationOf(a *permit.Application) PermitApplication {
	out := PermitApplication{
		Kind: a.Kind, Crew: a.Crew, Subtype: a.Subtype, Replaces: a.Replaces, Title: a.Title, Scenario: a.Scenario, Emergency: a.Emergency,
		From: utc(a.FromUS), To: utc(a.ToUS), Sites: a.Sites, SpeedMPS: a.SpeedMPS, ExemptFences: a.ExemptFences, Facts: a.Facts, Disclosure: a.Disclosure,
		Items: map[string]PermitItem{}, Checklist: map[string]PermitProof{},
	}
	for _, id := range a.Vehicles {
		out.Vehicles = append(out.Vehicles, string(id))
	}
	for _, m := range a.People {
		out.People = append(out.People, PermitPerson{m.Ref, m.Role, m.Licence, optionalUTC(m.LicenceUS)})
	}
	for _, p := range a.Insurance {
		out.Insurance = append(out.Insurance, PermitPolicy{p.Kind, p.Insurer, p.Number, utc(p.FromUS), utc(p.ToUS), p.PerVehicleCNY, p.Guarantee})
	}
	out.Volumes = volumesOf(a.Volumes)
	for _, r := range a.Roads {
		out.Roads = append(out.Roads, PermitRoad(r))
	}
	for id, item := range a.Items {
		one := PermitItem{Text: item.Text}
		for _, d := range item.Documents {
			one.Documents = append(one.Documents, PermitDocument(d))
		}
		out.Items[id] = one
	}
	for id, proof := range a.Checklist {
		out.Checklist[id] = PermitProof(proof)
	}
	return out
}

// terms are the conditions of a review; none of a nil.
func (c *PermitConditions) terms() (out permit.Terms) {
	if c == nil {
		return out
	}
	out = permit.Terms{Ceiling: heightIn(c.Ceiling), SpeedMPS: c.SpeedMPS, Observer: c.Observer, Notes: c.Notes}
	for _, id := range c.Vehicles {
		out.Vehicles = append(out.Vehicles, vehicles.VehicleID(id))
	}
	if c.From != nil {
		out.FromUS = c.From.UnixMicro()
	}
	if c.To != nil {
		out.ToUS = c.To.UnixMicro()
	}
	return out
}

func conditionsOf(t *permit.Terms) PermitConditions {
	out := PermitConditions{Ceiling: heightOut(t.Ceiling), SpeedMPS: t.SpeedMPS, Observer: t.Observer, Notes: t.Notes, From: optionalUTC(t.FromUS), To: optionalUTC(t.ToUS)}
	for _, id := range t.Vehicles {
		out.Vehicles = append(out.Vehicles, string(id))
	}
	return out
}

func mapOf[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// permitForm shows a permit as it is: nothing in it depends on the time of the call.
func (s *Server) permitForm(p *permit.Permit) Permit {
	status := "missing"
	var required, advise []string
	if pack, err := s.cfg.Register.PackOf(p); err == nil {
		status = string(pack.Status)
		required, advise = p.Asked(pack)
	}
	out := Permit{
		ID: p.ID, Holder: p.Org, State: string(p.State), Step: p.Step, Pack: p.Pack, PackStatus: status, Tier: p.Tier, Application: applicationOf(&p.Application),
		DocHash: p.DocHash, Asked: append([]string{}, required...), Advise: append([]string{}, advise...), Decisions: []PermitDecision{}, Clocks: clockForms(p.Clocks),
		From: optionalTime(p.FromUS), To: optionalTime(p.ToUS), PublishedAt: optionalTime(p.PublishedUS), Rehearsal: p.Rehearsal, Waits: p.Waits, EndNow: p.EndNow, History: []PermitEvent{},
		Rev: p.Rev, CreatedAt: timeOf(p.CreatedUS), UpdatedAt: timeOf(p.UpdatedUS), UpdatedBy: p.UpdatedBy,
	}
	if p.Terms != nil {
		c := conditionsOf(p.Terms)
		out.Conditions = &c
	}
	if o := p.Override; o != nil {
		out.Override = &PermitOverride{o.By, timeOf(o.AtUS), o.Reason, o.Pack}
	}
	for i := range p.Decisions {
		d := &p.Decisions[i]
		out.Decisions = append(out.Decisions, PermitDecision{d.Step, d.Department, string(d.Verdict), conditionsOf(&d.Conditions), mapOf(d.Judgements), d.Reason, d.Reference, d.Signer, p.Rehearsal, timeOf(d.AtUS), d.DocHash, d.Void})
	}
	for _, e := range p.History {
		out.History = append(out.History, PermitEvent{timeOf(e.AtUS), e.By, e.Org, e.Act, string(e.State), e.Reason})
	}
	return out
}

func faultForms(faults []permit.Fault) []PermitFault {
	out := make([]PermitFault, len(faults))
	for i, f := range faults {
		out[i] = PermitFault{f.Code, f.Rule, f.Item, f.Message, f.Metres, f.Minutes, f.Passes, offerOf(f.Offer)}
	}
	return out
}

func offerOf(o *permit.Offer) *PermitOffer {
	if o == nil {
		return nil
	}
	return &PermitOffer{o.ShiftUS / 1e6, optionalUTC(o.ToUS), o.ExemptFence, o.PerVehicleCNY}
}

// rulesProblem says all that speaks against an application.
func rulesProblem(ctx context.Context, e *permit.RulesError) *Problem {
	p := newProblem(ctx, http.StatusUnprocessableEntity, "rules", fmt.Sprintf("%d rules speak against it; see faults.", len(e.Faults)))
	p.Faults = faultForms(e.Faults)
	for _, f := range e.Faults {
		p.Errors = append(p.Errors, FieldError{"body." + f.Item, f.Message})
	}
	return p
}

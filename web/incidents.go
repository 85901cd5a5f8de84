package web

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/supervision"
	"testzone/vehicles"
)

const incidentsPath = "/v1/incidents"

// IncidentClass is a class of incidents of the rule pack that holds now.
type IncidentClass struct {
	ID        string     `json:"id"`
	Title     PermitText `json:"title"`
	Domains   []string   `json:"domains" doc:"uav, icv, usv or site; empty: all"`
	StandDown bool       `json:"stand_down" doc:"The vehicles of its permit do not start until a department lifts it"`
}

// IncidentInput is the first report of an incident.
type IncidentInput struct {
	Class    string     `json:"class" maxLength:"60" doc:"Of the rule pack"`
	Occurred time.Time  `json:"occurred_at"`
	Landed   *time.Time `json:"landed_at,omitempty" doc:"Of a flight: what its deadline counts from; not known: from when it happened"`
	Permit   string     `json:"permit_id,omitempty" maxLength:"64"`
	Vehicle  string     `json:"vehicle_id,omitempty" maxLength:"64" doc:"Permit or vehicle is needed; with an alert it is the alert's"`
	Alert    string     `json:"alert_id,omitempty" maxLength:"64" doc:"That it is reported from"`
	Text     string     `json:"text" minLength:"1" maxLength:"4000" doc:"What happened. Stays in the journal: no personal data"`
	Dead     int        `json:"dead,omitempty" minimum:"0" maximum:"10000"`
	Injured  int        `json:"injured,omitempty" minimum:"0" maximum:"10000"`
}

// Resolve finds what a schema cannot.
func (in *IncidentInput) Resolve(huma.Context) []error { return textFault("body.text", in.Text) }

// Incident is an incident and what was said about it. Nothing of it is overwritten.
type Incident struct {
	ID         string              `json:"id" doc:"Empty after a dry run"`
	Org        string              `json:"organisation_id" doc:"Operator"`
	Pack       string              `json:"rule_pack"`
	Class      string              `json:"class"`
	Occurred   string              `json:"occurred_at" format:"date-time"`
	Landed     *string             `json:"landed_at" format:"date-time"`
	Permit     string              `json:"permit_id"`
	Vehicle    string              `json:"vehicle_id"`
	Alert      string              `json:"alert_id"`
	Dead       int                 `json:"dead"`
	Injured    int                 `json:"injured"`
	Reported   string              `json:"reported_at" format:"date-time"`
	Clocks     []PermitClock       `json:"clocks" doc:"step is the statement that is due"`
	Overdue    []string            `json:"overdue" doc:"Statements that are due and not here"`
	Statements []IncidentStatement `json:"statements"`
	StandDown  *IncidentStandDown  `json:"stand_down" doc:"Null: its class has none"`
	ClosedAt   *string             `json:"closed_at" format:"date-time"`
	History    []SupervisionEvent  `json:"history"`
	Rev        uint64              `json:"rev"`
}

// IncidentStatement is something said about an incident.
type IncidentStatement struct {
	Kind   string `json:"kind" enum:"first,written,finding,investigation,amendment"`
	Text   string `json:"text"`
	SHA256 string `json:"sha256" doc:"Of papers that are kept elsewhere"`
	By     string `json:"by" doc:"Person"`
	Org    string `json:"organisation_id"`
	At     string `json:"at" format:"date-time"`
	Late   bool   `json:"late"`
}

// IncidentStandDown keeps the vehicles of a permit from starting.
type IncidentStandDown struct {
	Since    string  `json:"since" format:"date-time"`
	LiftedAt *string `json:"lifted_at" format:"date-time" doc:"Null: it holds"`
	LiftedBy string  `json:"lifted_by"`
	Reason   string  `json:"reason" doc:"What was reviewed"`
}

// SupervisionEvent is one act in the history of a record.
type SupervisionEvent struct {
	At     string `json:"at" format:"date-time"`
	By     string `json:"by" doc:"Person; empty: the clock"`
	Org    string `json:"organisation_id"`
	Act    string `json:"act" example:"incident.reported"`
	Reason string `json:"reason"`
}

type incidentList struct {
	Items []Incident `json:"items"`
	Next  *string    `json:"next" doc:"Cursor of the next page; null at the end"`
}

type listIncidentsInput struct {
	Page
	Open   bool   `query:"open" doc:"Only those that are not closed"`
	Org    string `query:"organisation_id" maxLength:"40"`
	Permit string `query:"permit_id" maxLength:"64"`
}

type createIncidentInput struct {
	Trial
	Body IncidentInput
}

type stateIncidentInput struct {
	MatchInput
	Trial
	Body struct {
		Kind   string `json:"kind" enum:"written,finding,investigation,amendment"`
		Text   string `json:"text" minLength:"1" maxLength:"4000" doc:"Stays in the journal: no personal data"`
		SHA256 string `json:"sha256,omitempty" pattern:"^[0-9a-f]{64}$" doc:"Of papers that are kept elsewhere"`
	}
}

// Resolve finds what a schema cannot.
func (in *stateIncidentInput) Resolve(huma.Context) []error {
	return textFault("body.text", in.Body.Text)
}

type incidentActInput struct {
	MatchInput
	Trial
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Stays in the journal: no personal data"`
	}
}

// Resolve finds what a schema cannot.
func (in *incidentActInput) Resolve(huma.Context) []error {
	return textFault("body.reason", in.Body.Reason)
}

func (s *Server) incidentEndpoints(api huma.API) {
	const tag, one = "supervision", incidentsPath + "/{id}"
	changes := []int{400, 401, 403, 404, 409, 412, 413, 415, 428, 503}
	endpoint(s, api, operation(tag, "listIncidentClasses", http.MethodGet, "/v1/incident-classes", "Classes of incidents, by the rule pack that holds now", 401, 403), s.listIncidentClasses)
	endpoint(s, api, operation(tag, "listIncidents", http.MethodGet, incidentsPath, "Incidents that you may see, the newest first", 401, 403), s.listIncidents)
	endpoint(s, api, operation(tag, "getIncident", http.MethodGet, one, "One incident, with all that was said about it", 401, 403, 404), s.getIncident)
	create := creation(tag, "reportIncident", incidentsPath, "Report an incident, as its operator or a controller", 400, 401, 403, 404, 409, 413, 415, 503)
	create.Description = "When its class says so the permit is suspended in the same decision: nothing starts, and what is under way finishes and recovers."
	endpoint(s, api, create, s.reportIncident)
	endpoint(s, api, operation(tag, "stateIncident", http.MethodPost, one+"/statements", "Say more about an incident; nothing said before changes", changes...), s.stateIncident)
	endpoint(s, api, operation(tag, "liftStandDown", http.MethodPost, one+"/lift", "As a department that signed the permit: lift the stand-down. The permit is resumed by its own act", changes...), s.liftStandDown)
	endpoint(s, api, operation(tag, "closeIncident", http.MethodPost, one+"/close", "As a department that signed the permit: close the incident", changes...), s.closeIncident)
}

func (s *Server) listIncidentClasses(context.Context, *struct{}) (*struct {
	Body struct {
		Items []IncidentClass `json:"items"`
	}
}, error) {
	_, now, err := s.cfg.Register.RulePacks()
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Items []IncidentClass `json:"items"`
		}
	}{}
	out.Body.Items = []IncidentClass{}
	for _, id := range slices.Sorted(maps.Keys(now.Incidents)) {
		c := now.Incidents[id]
		out.Body.Items = append(out.Body.Items, IncidentClass{id, PermitText(c.Title), append([]string{}, c.Domains...), c.StandDown})
	}
	return out, nil
}

// incidentKey orders incidents, the newest first.
func incidentKey(x *supervision.Incident) string { return timeOf(x.ReportedUS) + " " + x.ID }

func (s *Server) listIncidents(ctx context.Context, in *listIncidentsInput) (*struct{ Body incidentList }, error) {
	all := s.cfg.Register.Incidents(actorOf(ctx), airspace.IncidentFilter{Open: in.Open, Org: in.Org, Permit: in.Permit})
	name := "incidents " + in.Org + " " + in.Permit
	if in.Open {
		name += " open"
	}
	page, next, err := paginate(s.cursors, listOf(ctx, name), in.Page, all, incidentKey, func(x *supervision.Incident, last string) bool { return incidentKey(x) < last })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body incidentList }{incidentList{Items: []Incident{}, Next: next}}
	for i := range page {
		out.Body.Items = append(out.Body.Items, s.incidentForm(&page[i]))
	}
	return out, nil
}

func (s *Server) getIncident(ctx context.Context, in *idInput) (*oneOutput[Incident], error) {
	return s.incidentAnswer(s.cfg.Register.Incident(actorOf(ctx), in.ID))
}

func (s *Server) reportIncident(ctx context.Context, in *createIncidentInput) (*madeOutput[Incident], error) {
	f := supervision.First{Class: in.Body.Class, OccurredUS: in.Body.Occurred.UnixMicro(), Permit: in.Body.Permit, Vehicle: vehicles.VehicleID(in.Body.Vehicle), Alert: in.Body.Alert,
		Text: in.Body.Text, Dead: in.Body.Dead, Injured: in.Body.Injured}
	if in.Body.Landed != nil {
		f.LandedUS = in.Body.Landed.UnixMicro()
	}
	if err := s.fromAlert(ctx, &f); err != nil {
		return nil, err
	}
	x, err := s.cfg.Register.ReportIncident(in.under(ctx), actorOf(ctx), f)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return wouldMake(s.incidentForm(&x)), nil
	}
	return made(incidentsPath+"/"+x.ID, x.Rev, s.incidentForm(&x)), nil
}

// fromAlert takes the vehicle of the alert that an incident is reported from.
func (s *Server) fromAlert(ctx context.Context, f *supervision.First) error {
	if f.Alert == "" {
		return nil
	}
	a, err := s.getAlert(ctx, &oneAlertInput{ID: f.Alert})
	if err != nil {
		return err
	}
	if f.Vehicle == "" && f.Permit == "" {
		f.Vehicle = vehicles.VehicleID(a.Body.Vehicle.ID)
	}
	return nil
}

func (s *Server) stateIncident(ctx context.Context, in *stateIncidentInput) (*oneOutput[Incident], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.incidentAnswer(s.cfg.Register.StateIncident(in.under(ctx), actorOf(ctx), in.ID, rev, supervision.StatementKind(in.Body.Kind), in.Body.Text, in.Body.SHA256))
}

func (s *Server) liftStandDown(ctx context.Context, in *incidentActInput) (*oneOutput[Incident], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.incidentAnswer(s.cfg.Register.LiftStandDown(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason))
}

func (s *Server) closeIncident(ctx context.Context, in *incidentActInput) (*oneOutput[Incident], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.incidentAnswer(s.cfg.Register.CloseIncident(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason))
}

func (s *Server) incidentAnswer(x supervision.Incident, err error) (*oneOutput[Incident], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Incident]{ETag: etag(x.Rev), Body: s.incidentForm(&x)}, nil
}

func (s *Server) incidentForm(x *supervision.Incident) Incident {
	out := Incident{ID: x.ID, Org: x.Org, Pack: x.Pack, Class: x.Class, Occurred: timeOf(x.OccurredUS), Landed: optionalTime(x.LandedUS), Permit: x.Permit, Vehicle: string(x.Vehicle),
		Alert: x.Alert, Dead: x.Dead, Injured: x.Injured, Reported: timeOf(x.ReportedUS), Clocks: []PermitClock{}, Overdue: append([]string{}, x.Overdue(s.cfg.Clock().UnixMicro())...),
		Statements: []IncidentStatement{}, ClosedAt: optionalTime(x.ClosedUS), History: supervisionEvents(x.History), Rev: x.Rev}
	for i := range x.Clocks {
		out.Clocks = append(out.Clocks, clockForm(&x.Clocks[i]))
	}
	for _, st := range x.Statements {
		out.Statements = append(out.Statements, IncidentStatement{string(st.Kind), st.Text, st.SHA256, st.By, st.Org, timeOf(st.AtUS), st.Late})
	}
	if d := x.StandDown; d != nil {
		out.StandDown = &IncidentStandDown{timeOf(d.SinceUS), optionalTime(d.LiftedUS), d.LiftedBy, d.Reason}
	}
	return out
}

func supervisionEvents(history []supervision.Event) []SupervisionEvent {
	out := []SupervisionEvent{}
	for _, e := range history {
		out = append(out, SupervisionEvent{timeOf(e.AtUS), e.By, e.Org, e.Act, e.Reason})
	}
	return out
}

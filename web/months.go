package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/supervision"
)

const monthPath = "/v1/organisations/{id}/months/{month}"

// MonthReport is an operator's month: what the journal has of it now, and what was
// handed in.
type MonthReport struct {
	Org       string          `json:"organisation_id"`
	Month     string          `json:"month" example:"2026-11" doc:"In the zone of the rule pack"`
	Pack      string          `json:"rule_pack"`
	From      string          `json:"from" format:"date-time"`
	To        string          `json:"to" format:"date-time"`
	Due       *string         `json:"due_at" format:"date-time" doc:"Null: the rule pack asks for none"`
	Over      bool            `json:"over" doc:"The month is: it can be handed in"`
	Overdue   bool            `json:"overdue" doc:"It is due and was not handed in"`
	Figures   MonthFigures    `json:"figures" doc:"Of now"`
	Submitted *MonthSubmitted `json:"submitted" doc:"Null: it was not handed in"`
}

// MonthFigures are counted from the journal alone. Null: not known, never 0.
type MonthFigures struct {
	PermitsInForce  map[string]int `json:"permits_in_force" doc:"By kind"`
	Suspensions     int            `json:"suspensions"`
	Revocations     int            `json:"revocations"`
	Activities      map[string]int `json:"activities" doc:"With a planned begin in the month, by state"`
	Hours           *float64       `json:"hours" doc:"Of activities whose end was reported; null: of none it was"`
	HoursUnknown    int            `json:"hours_unknown" doc:"Activities whose hours nobody reported"`
	KM              *float64       `json:"km" doc:"Null: positions are not in the journal"`
	Takeovers       *int           `json:"takeovers" doc:"Of the operator's reports, apart from alerts and never by person"`
	Incidents       map[string]int `json:"incidents" doc:"That happened in the month, by class"`
	Dead            int            `json:"dead"`
	Injured         int            `json:"injured"`
	DeadlinesMissed map[string]int `json:"deadlines_missed" doc:"By clock of the rule pack"`
	Alerts          map[string]int `json:"alerts" nullable:"true" doc:"Null: not counted by month"`
	Violations      *int           `json:"violations" doc:"Null: not recorded"`
}

// MonthSubmitted is the report as it was handed in.
type MonthSubmitted struct {
	At      string       `json:"at" format:"date-time"`
	Late    bool         `json:"late"`
	Figures MonthFigures `json:"figures" doc:"Of then"`
	Notes   []MonthNote  `json:"notes" doc:"The operator's corrections"`
	Rev     uint64       `json:"rev"`
}

// MonthNote is what an operator says about the figures.
type MonthNote struct {
	Text string `json:"text"`
	By   string `json:"by" doc:"Person"`
	At   string `json:"at" format:"date-time"`
}

// MonthInput names a month of an organisation.
type MonthInput struct {
	ID    string `path:"id" maxLength:"40"`
	Month string `path:"month" pattern:"^[0-9]{4}-[0-9]{2}$"`
}

type submitMonthInput struct {
	MonthInput
	Trial
	Body struct {
		Note string `json:"note,omitempty" maxLength:"2000" doc:"What is otherwise than the figures say; needed when it was handed in before. No personal data"`
	}
}

// Resolve finds what a schema cannot.
func (in *submitMonthInput) Resolve(huma.Context) []error {
	return textFault("body.note", in.Body.Note)
}

type exportMonthInput struct {
	MonthInput
	Format string `query:"format" enum:"csv,json" default:"csv"`
}

type exportMonthOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) monthEndpoints(api huma.API) {
	const tag = "supervision"
	endpoint(s, api, operation(tag, "getMonth", http.MethodGet, monthPath, "An operator's month, counted from the journal", 401, 403, 404), s.getMonth)
	endpoint(s, api, operation(tag, "submitMonth", http.MethodPost, monthPath, "Hand the report of a month in; again: correct it by a note", 400, 401, 403, 404, 409, 413, 415, 503), s.submitMonth)
	export := operation(tag, "exportMonth", http.MethodGet, monthPath+"/export", "The figures of a month as a file: the same journal, the same bytes", 401, 403, 404)
	export.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	endpoint(s, api, export, s.exportMonth)
}

func (s *Server) getMonth(ctx context.Context, in *MonthInput) (*struct{ Body MonthReport }, error) {
	return monthAnswer(s.cfg.Register.MonthOf(actorOf(ctx), in.ID, in.Month))
}

func (s *Server) submitMonth(ctx context.Context, in *submitMonthInput) (*struct{ Body MonthReport }, error) {
	return monthAnswer(s.cfg.Register.SubmitMonth(in.under(ctx), actorOf(ctx), in.ID, in.Month, in.Body.Note))
}

func monthAnswer(m airspace.Month, err error) (*struct{ Body MonthReport }, error) {
	if err != nil {
		return nil, err
	}
	out := MonthReport{Org: m.Org, Month: m.Month, Pack: m.Pack.Key(), From: timeOf(m.FromUS), To: timeOf(m.ToUS), Due: optionalTime(m.DueUS), Over: m.Over, Overdue: m.Overdue, Figures: figuresForm(&m.Figures)}
	if had := m.Submitted; had != nil {
		out.Submitted = &MonthSubmitted{At: timeOf(had.SubmittedUS), Late: had.Late, Figures: figuresForm(&had.Figures), Notes: []MonthNote{}, Rev: had.Rev}
		for _, n := range had.Notes {
			out.Submitted.Notes = append(out.Submitted.Notes, MonthNote{n.Text, n.By, timeOf(n.AtUS)})
		}
	}
	return &struct{ Body MonthReport }{out}, nil
}

func figuresForm(f *supervision.Figures) MonthFigures { return MonthFigures(*f) }

func (s *Server) exportMonth(ctx context.Context, in *exportMonthInput) (*exportMonthOutput, error) {
	m, err := s.cfg.Register.MonthOf(actorOf(ctx), in.ID, in.Month)
	if err != nil {
		return nil, err
	}
	out := &exportMonthOutput{Type: csvType, Disposition: `attachment; filename="` + m.Org + "-" + m.Month + "." + in.Format + `"`}
	if in.Format == "json" {
		out.Type = "application/json"
		out.Body, err = json.MarshalIndent(struct {
			Org     string       `json:"organisation_id"`
			Month   string       `json:"month"`
			Figures MonthFigures `json:"figures"`
		}{m.Org, m.Month, figuresForm(&m.Figures)}, "", "  ")
		return out, err
	}
	out.Body, err = monthCSV(&m)
	return out, err
}

// monthCSV has a line for each figure; what is not known says unknown.
func monthCSV(m *airspace.Month) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	row := func(figure, of, value string) { _ = w.Write([]string{m.Org, m.Month, figure, of, value}) } // its error is w.Error's
	by := func(figure string, n map[string]int) {
		if n == nil {
			row(figure, "", "unknown")
		}
		for _, key := range slices.Sorted(maps.Keys(n)) {
			row(figure, key, strconv.Itoa(n[key]))
		}
	}
	count := func(figure string, n *int) {
		if n == nil {
			row(figure, "", "unknown")
			return
		}
		row(figure, "", strconv.Itoa(*n))
	}
	measure := func(figure string, x *float64) {
		if x == nil {
			row(figure, "", "unknown")
			return
		}
		row(figure, "", strconv.FormatFloat(*x, 'f', 2, 64))
	}
	_ = w.Write([]string{"organisation", "month", "figure", "of", "value"})
	f := &m.Figures
	by("permits_in_force", f.PermitsInForce)
	count("suspensions", &f.Suspensions)
	count("revocations", &f.Revocations)
	by("activities", f.Activities)
	measure("hours", f.Hours)
	count("hours_unknown", &f.HoursUnknown)
	measure("km", f.KM)
	count("takeovers", f.Takeovers)
	by("incidents", f.Incidents)
	count("dead", &f.Dead)
	count("injured", &f.Injured)
	by("deadlines_missed", f.DeadlinesMissed)
	by("alerts", f.Alerts)
	count("violations", f.Violations)
	w.Flush()
	return b.Bytes(), w.Error()
}

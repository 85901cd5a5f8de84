package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"testzone/geofence/zonefile"
	"testzone/telemetry"
)

// Alert is a condition that a controller must deal with.
type Alert struct {
	ID           string           `json:"id"`
	Type         string           `json:"type" doc:"E.g. fence_breach, over_speed, predicted_breach, position_jump, not_enforced, link_lost, unverified_flood, suspect_source, start_not_allowed, identity_mismatch, gnss_interference, call_person, priority_conflict"`
	Level        int              `json:"level" minimum:"1" maximum:"3" doc:"1 caution, 2 warning, 3 critical"`
	State        string           `json:"state" enum:"raised,acknowledged,cleared"`
	Open         bool             `json:"open" doc:"Until it is both cleared and acknowledged"`
	RaisedAt     string           `json:"raised_at" format:"date-time"`
	LastAt       string           `json:"last_at" format:"date-time" doc:"Of the newest change"`
	ClearedAt    *string          `json:"cleared_at" format:"date-time"`
	Cause        string           `json:"cause,omitempty" doc:"Why it was cleared"`
	Acknowledged *Acknowledgement `json:"acknowledged"`
	Count        int              `json:"count" doc:"Times that the condition began"`
	Transitions  int              `json:"transitions" doc:"Raw transitions or jumps that it stands for: a vehicle that flickers along an edge has many and began once"`
	ConfirmedAt  *string          `json:"confirmed_at" format:"date-time" doc:"When the evidence of a breach sufficed for an automatic order; null: it did not yet"`
	Sectors      []string         `json:"sectors" doc:"Ids of the zone's sectors in which it began, whatever became of them and of the vehicle; empty: it is not known where, or there are none, and it concerns everybody"`
	Vehicle      AlertVehicle     `json:"vehicle"`
	Fence        *AlertFence      `json:"fence"`
	Evidence     *Evidence        `json:"evidence"`
	Other        *AlertVehicle    `json:"other,omitempty" doc:"Of two vehicles that come too close: the second one"`
	Predicted    *PredictedBreach `json:"predicted,omitempty" doc:"Of a predicted breach"`
	Separation   *Separation      `json:"separation,omitempty" doc:"Of two vehicles that come too close"`
	Jump         *Jump            `json:"jump,omitempty" doc:"Of a position jump"`
	Mismatch     *Mismatch        `json:"mismatch,omitempty" doc:"Of an identity mismatch"`
	Area         *AlertArea       `json:"area,omitempty" doc:"Of an interference with satellite navigation"`
	Under        string           `json:"under,omitempty" doc:"Id of the alert of the interference that the vehicle was in when it was raised"`
	Suspect      *Suspect         `json:"suspect,omitempty" doc:"Of a suspect source"`
	Source       string           `json:"source,omitempty" enum:"orders,enforcement,priority,restriction" doc:"Of a call: what came to nothing"`
	Why          string           `json:"why,omitempty" doc:"Of a call: what happened, and what to say to the contact of the vehicle"`
	Order        string           `json:"order,omitempty" doc:"Of a call: id of the order that came to nothing"`
	Priority     *AlertPriority   `json:"priority,omitempty" doc:"Of a conflict with priority traffic: as it was when the alert was raised"`
}

// PredictedBreach is where and when a breach is expected.
type PredictedBreach struct {
	InS      float64  `json:"in_s" doc:"Seconds after the fix of the evidence"`
	Position Position `json:"position"`
}

// Separation is how two vehicles come closest.
type Separation struct {
	InS         float64 `json:"in_s" doc:"Seconds until the minima are lost; 0: they are"`
	AtS         float64 `json:"at_s" doc:"Seconds until the closest approach"`
	HorizontalM float64 `json:"horizontal_m"`
	VerticalM   float64 `json:"vertical_m"`

	HeightUnknown bool    `json:"height_unknown,omitempty" doc:"A height is not known, which counts as too close"`
	HeightOffM    float64 `json:"height_off_m,omitempty" doc:"How far vertical_m may be off, because a height is one of pressure"`
}

// Acknowledgement says who has seen an alert.
type Acknowledgement struct {
	By   string `json:"by"`
	At   string `json:"at" format:"date-time"`
	Note string `json:"note,omitempty"`
}

// AlertVehicle is the vehicle as it was known when the alert was raised.
type AlertVehicle struct {
	ID       string `json:"id"`
	Handle   uint32 `json:"handle" format:"int64" doc:"0: it is not followed in this epoch"`
	Name     string `json:"name"`
	Class    string `json:"class"`
	Verified bool   `json:"verified"`
}

// AlertFence is the fence in the revision that decided.
type AlertFence struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rev  uint64 `json:"rev"`
}

// Evidence is what the decision was made on.
type Evidence struct {
	Before     *Fix     `json:"before" doc:"Null when the vehicle was never seen before"`
	After      *Fix     `json:"after"`
	Datum      string   `json:"datum" doc:"The datum that decided; none: the fence has no band"`
	Flags      []string `json:"flags" enum:"first_fix,fence_changed,altitude_unknown,jump,group_held"`
	ReceivedAt string   `json:"received_at" format:"date-time"`
	BootMS     uint32   `json:"boot_ms" format:"int64" doc:"The vehicle's own clock"`
	Grounds    *Grounds `json:"grounds" doc:"Of a crossing or a jump"`
}

// AlertList is one page of alerts.
type AlertList struct {
	Items []Alert `json:"items"`
	Next  *string `json:"next" doc:"Cursor of the next page; null at the end"`
}

type alertListInput struct {
	State  string   `query:"state" enum:"open,all" default:"open" doc:"Only those that still need somebody, or all"`
	Sector []string `query:"sector" maxItems:"100" maxLength:"40" doc:"Only those that began in one of these sectors (ids, by commas), and those of which it is not known where"`
	Page
}

type alertListOutput struct {
	Body AlertList
}

type oneAlertInput struct {
	ID string `path:"id" maxLength:"64"`
}

type alertOutput struct {
	Body Alert
}

// AcknowledgeInput is what a person says when taking note of an alert.
type AcknowledgeInput struct {
	Note string `json:"note,omitempty" maxLength:"500"`
}

// Resolve refuses notes that would show other than they are.
func (in *AcknowledgeInput) Resolve(huma.Context) []error {
	if in.Note == "" {
		return nil
	}
	if message := zonefile.TextFault(strings.ReplaceAll(in.Note, "\n", " ")); message != "" {
		return []error{&huma.ErrorDetail{Location: "body.note", Message: message}}
	}
	return nil
}

type acknowledgeInput struct {
	ID   string            `path:"id" maxLength:"64"`
	Body *AcknowledgeInput `required:"false"`
}

func (s *Server) alertEndpoints(api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"alerts"}, Summary: summary, Errors: errors}
	}
	endpoint(s, api, op("listAlerts", http.MethodGet, "/v1/alerts", "Alerts, newest first", 401, 403), s.listAlerts)
	endpoint(s, api, op("getAlert", http.MethodGet, "/v1/alerts/{id}", "One alert", 401, 403, 404), s.getAlert)
	endpoint(s, api, op("acknowledgeAlert", http.MethodPost, "/v1/alerts/{id}/acknowledge",
		"Take note of an alert; durable when this answers, a second time returns the first", 400, 401, 403, 404, 413, 415, 503), s.acknowledgeAlert)
}

func alertOf(a *telemetry.Alert) Alert {
	out := Alert{
		ID: a.ID, Type: string(a.Type), Level: int(a.Level), State: a.State(), Open: a.Open(),
		RaisedAt: timeOf(a.RaisedUS), LastAt: timeOf(a.LastUS), ClearedAt: optionalTime(a.ClearedUS), Cause: a.Cause, Count: a.Count,
		Transitions: a.Raw, ConfirmedAt: optionalTime(a.ConfirmedUS),
		Sectors: append([]string{}, a.Sectors...), Vehicle: alertVehicleOf(&a.Vehicle),
	}
	if a.Other != nil {
		other := alertVehicleOf(a.Other)
		out.Other = &other
	}
	if p := a.Predicted; p != nil {
		out.Predicted = &PredictedBreach{InS: p.InS, Position: Position{Lat: degrees(p.Lat), Lon: degrees(p.Lon)}}
	}
	if c := a.Separation; c != nil {
		out.Separation = &Separation{InS: c.InS, AtS: c.AtS, HorizontalM: c.HorizontalM, VerticalM: c.VerticalM, HeightUnknown: c.HeightUnknown, HeightOffM: c.HeightOffM}
	}
	if j := a.Jumped; j != nil {
		out.Jump = &Jump{DistanceM: j.DistanceM, DtS: j.DtS}
	}
	out.Source, out.Why, out.Order = string(a.Source), a.Why, a.Order
	out.Priority = alertPriorityOf(a.Priority)
	if s := a.Suspect; s != nil {
		out.Suspect = &Suspect{Why: s.Why, Listener: s.Listener, Address: s.Address}
	}
	out.Under, out.Area = a.Under, alertAreaOf(a.Area)
	if m := a.Mismatch; m != nil {
		out.Mismatch = &Mismatch{What: m.What, Expected: m.Expected, Seen: m.Seen, DistanceM: m.DistanceM}
	}
	if k := a.Ack; k != nil {
		out.Acknowledged = &Acknowledgement{By: k.By, At: timeOf(k.AtUS), Note: k.Note}
	}
	if f := a.Fence; f != nil {
		out.Fence = &AlertFence{ID: f.ID, Name: f.Name, Kind: f.Kind, Rev: f.Rev}
	}
	if e := a.Evidence; e != nil {
		out.Evidence = &Evidence{
			Before: evidenceFix(e.Before), After: evidenceFix(e.After), Datum: e.Datum, Flags: e.Flags,
			ReceivedAt: timeOf(e.ReceivedUS), BootMS: e.BootMS, Grounds: evidenceGrounds(e),
		}
		if out.Evidence.Flags == nil {
			out.Evidence.Flags = []string{}
		}
	}
	return out
}

func alertVehicleOf(v *telemetry.AlertVehicle) AlertVehicle {
	return AlertVehicle{ID: string(v.ID), Handle: uint32(v.Handle), Name: v.Name, Class: v.Class, Verified: v.Verified}
}

func evidenceFix(f *telemetry.FixEvidence) *Fix {
	if f == nil {
		return nil
	}
	out := &Fix{Lat: degrees(f.Lat), Lon: degrees(f.Lon)}
	if f.AMSLMM != nil {
		m := metres(*f.AMSLMM)
		out.Heights.AMSL = &m
	}
	if f.TakeoffMM != nil {
		m := metres(*f.TakeoffMM)
		out.Heights.Takeoff = &m
	}
	return out
}

// alertKey orders the list: newest first, then by id. Fixed width, so that
// strings compare as the numbers do.
func alertKey(a *telemetry.Alert) string { return timeOf(a.RaisedUS) + " " + a.ID }

func (s *Server) listAlerts(ctx context.Context, in *alertListInput) (*alertListOutput, error) {
	all := s.cfg.Book.Alerts(s.viewOf(ctx), in.State == "all")
	all = slices.DeleteFunc(all, func(a telemetry.Alert) bool { return !concerns(&a, in.Sector) })
	sortAlerts(all)
	alerts, next, err := paginate(s.cursors, listOf(ctx, "alerts state="+in.State+" sector="+strings.Join(in.Sector, ",")), in.Page, all, alertKey,
		func(a *telemetry.Alert, last string) bool { return alertKey(a) < last })
	if err != nil {
		return nil, err
	}
	out := AlertList{Items: []Alert{}, Next: next}
	for i := range alerts {
		out.Items = append(out.Items, alertOf(&alerts[i]))
	}
	return &alertListOutput{Body: out}, nil
}

// alertHidden is the error for an alert that is none of the caller's.
func (s *Server) alertHidden(ctx context.Context, id string) error {
	if _, known := s.cfg.Book.Alert(telemetry.WholeZone(), id); known {
		if _, seen := s.cfg.Book.Alert(s.viewOf(ctx), id); !seen {
			return fmt.Errorf("alert %s: %w: %w", id, telemetry.ErrNoAlert, errHidden)
		}
	}
	return nil
}

func (s *Server) getAlert(ctx context.Context, in *oneAlertInput) (*alertOutput, error) {
	if err := s.alertHidden(ctx, in.ID); err != nil {
		return nil, err
	}
	a, ok := s.cfg.Book.Alert(s.viewOf(ctx), in.ID)
	if !ok {
		return nil, telemetry.ErrNoAlert
	}
	return &alertOutput{Body: alertOf(&a)}, nil
}

func (s *Server) acknowledgeAlert(ctx context.Context, in *acknowledgeInput) (*alertOutput, error) {
	if err := s.alertHidden(ctx, in.ID); err != nil {
		return nil, err
	}
	if isRepeated(ctx) { // it may have begun again since: that nobody has seen
		return s.getAlert(ctx, &oneAlertInput{ID: in.ID})
	}
	note := ""
	if in.Body != nil {
		note = in.Body.Note
	}
	a, err := s.cfg.Book.Acknowledge(ctx, s.viewOf(ctx), in.ID, actorOf(ctx).ID, note)
	if err != nil {
		return nil, err
	}
	return &alertOutput{Body: alertOf(&a)}, nil
}

func sortAlerts(all []telemetry.Alert) {
	slices.SortFunc(all, func(a, b telemetry.Alert) int { return strings.Compare(alertKey(&b), alertKey(&a)) })
}

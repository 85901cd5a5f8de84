package web

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace/activity"
	"testzone/airspace/permit"
	"testzone/vehicles"
)

// ActivityPlan is what is filed of an activity.
type ActivityPlan struct {
	Title     string         `json:"title" minLength:"1" maxLength:"120" doc:"Stays in the journal: no personal data"`
	From      time.Time      `json:"from" doc:"Planned start"`
	To        time.Time      `json:"to" doc:"At most 24 hours later"`
	Vehicles  []string       `json:"vehicles" maxItems:"1000" doc:"Which of the permit's take part"`
	People    []string       `json:"people,omitempty" maxItems:"1000" doc:"Which of the permit's people, by their ref"`
	Volumes   []PermitVolume `json:"volumes,omitempty" maxItems:"50" doc:"Within those of the permit, without windows; none: the permit's own"`
	Exclusive bool           `json:"exclusive,omitempty" doc:"Nobody else may be there meanwhile, although the permit shares its room"`
}

// Resolve finds what a schema cannot.
func (in *ActivityPlan) Resolve(huma.Context) []error { return textFault("body.title", in.Title) }

// Activity is what is done under a permit: a sortie, drive or run, or the plan of a day.
type Activity struct {
	ID     string `json:"id" doc:"Empty after a dry run"`
	Permit string `json:"permit_id"`
	Holder string `json:"holder" doc:"Organisation"`
	Kind   string `json:"kind"`
	State  string `json:"state" enum:"planned,reported,confirmed,activated,nonconforming,contingent,ended,closed,refused,cancelled,missed"`
	Pack   string `json:"pack" doc:"id@version of the rule pack whose clocks it follows"`
	Day    string `json:"day" format:"date" doc:"Of the planned start, in the pack's time zone"`

	Title     string         `json:"title"`
	From      string         `json:"from" format:"date-time"`
	To        string         `json:"to" format:"date-time"`
	Vehicles  []string       `json:"vehicles"`
	People    []string       `json:"people" doc:"Refs of the permit's people"`
	Volumes   []PermitVolume `json:"volumes" doc:"Where it takes place: its own, or the permit's"`
	Exclusive bool           `json:"exclusive"`

	Clocks      []PermitClock      `json:"clocks"`
	Ready       *ActivityReadiness `json:"ready" doc:"Null: not reported"`
	AnsweredAt  *string            `json:"answered_at" format:"date-time" doc:"Of the plan"`
	ActivatedAt *string            `json:"activated_at" format:"date-time"`
	EndedAt     *string            `json:"ended_at" format:"date-time" doc:"Or refused, cancelled, missed"`
	Outside     []string           `json:"outside" doc:"Vehicles that are outside of it now"`
	Why         string             `json:"why" doc:"Of a contingent one"`
	Left        int                `json:"left" doc:"How often a vehicle left it"`
	Report      *ActivityReport    `json:"report" doc:"Null: not closed"`
	Overdue     bool               `json:"overdue" doc:"Its report was not here in time"`
	History     []PermitEvent      `json:"history"`

	Rev       uint64 `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt string `json:"created_at" format:"date-time"`
	UpdatedAt string `json:"updated_at" format:"date-time"`
	UpdatedBy string `json:"updated_by" doc:"Person; empty: the clock or the loop"`
}

// ActivityReadiness is what was reported before the begin.
type ActivityReadiness struct {
	Expected string `json:"expected" format:"date-time" doc:"Begin"`
	By       string `json:"by" doc:"Person"`
	At       string `json:"at" format:"date-time"`
}

// ActivityReport is what was reported after the end.
type ActivityReport struct {
	Begun     string `json:"begun" format:"date-time"`
	Ended     string `json:"ended" format:"date-time"`
	Takeovers int    `json:"takeovers"`
	Incidents bool   `json:"incidents"`
	Text      string `json:"text"`
	By        string `json:"by" doc:"Person"`
	At        string `json:"at" format:"date-time"`
	Late      bool   `json:"late"`
}

func (in *ActivityPlan) plan() activity.Plan {
	p := activity.Plan{Title: in.Title, FromUS: in.From.UnixMicro(), ToUS: in.To.UnixMicro(), Vehicles: vehicleIDs(in.Vehicles), People: in.People, Exclusive: in.Exclusive}
	for _, v := range in.Volumes {
		p.Volumes = append(p.Volumes, v.made)
	}
	return p
}

func vehicleIDs(in []string) (out []vehicles.VehicleID) {
	for _, id := range in {
		out = append(out, vehicles.VehicleID(id))
	}
	return out
}

func vehicleNames(in []vehicles.VehicleID) []string {
	out := make([]string, len(in))
	for i, id := range in {
		out[i] = string(id)
	}
	return out
}

func (s *Server) activityForm(x *activity.Activity) Activity {
	out := Activity{
		ID: x.ID, Permit: x.Permit, Holder: x.Org, Kind: x.Kind, State: string(x.State), Pack: x.Pack, Day: x.Day,
		Title: x.Title, From: timeOf(x.FromUS), To: timeOf(x.ToUS), Vehicles: vehicleNames(x.Vehicles), People: append([]string{}, x.People...),
		Volumes: volumesOf(x.Takes), Exclusive: x.Exclusive, Clocks: clockForms(x.Clocks), AnsweredAt: optionalTime(x.AnsweredUS), ActivatedAt: optionalTime(x.ActivatedUS),
		EndedAt: optionalTime(x.EndedUS), Outside: vehicleNames(x.Outside), Why: x.Why, Left: x.Left, Overdue: x.Overdue(s.cfg.Clock().UnixMicro()), History: []PermitEvent{},
		Rev: x.Rev, CreatedAt: timeOf(x.CreatedUS), UpdatedAt: timeOf(x.UpdatedUS), UpdatedBy: x.UpdatedBy,
	}
	if r := x.Ready; r != nil {
		out.Ready = &ActivityReadiness{timeOf(r.ExpectedUS), r.By, timeOf(r.AtUS)}
	}
	if r := x.Report; r != nil {
		out.Report = &ActivityReport{timeOf(r.BegunUS), timeOf(r.EndedUS), r.Takeovers, r.Incidents, r.Text, r.By, timeOf(r.AtUS), r.Late}
	}
	for _, e := range x.History {
		out.History = append(out.History, PermitEvent{timeOf(e.AtUS), e.By, e.Org, e.Act, string(e.State), e.Reason})
	}
	return out
}

// volumesOf are volumes as the API shows them.
func volumesOf(list []permit.Volume) []PermitVolume {
	out := []PermitVolume{}
	for i := range list {
		v := &list[i]
		shape := v.Shape()
		one := PermitVolume{Geometry: geometryOf(&shape), Floor: heightOut(v.Floor), Ceiling: heightOut(v.Ceiling), Shared: v.Shared}
		if c := shape.Circle; c != nil {
			one.RadiusM = &c.RadiusM
		}
		if c := shape.Corridor; c != nil {
			one.WidthM = &c.WidthM
		}
		for _, w := range v.Windows {
			one.Windows = append(one.Windows, PermitWindow{utc(w[0]), utc(w[1])})
		}
		out = append(out, one)
	}
	return out
}

func clockForms(list []permit.Clock) []PermitClock {
	out := []PermitClock{}
	for _, c := range list {
		out = append(out, PermitClock{c.ID, c.Step, timeOf(c.DueUS), timeOf(c.WarnUS), c.Opens, c.Provisional, string(c.State), optionalTime(c.MetUS), c.Missed})
	}
	return out
}

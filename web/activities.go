package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/airspace/activity"
	"testzone/vehicles"
)

const activitiesPath = "/v1/activities"

type activityList struct {
	Items []Activity `json:"items"`
	Next  *string    `json:"next" doc:"Cursor of the next page; null at the end"`
}

// ActivityFilter says which activities are listed. Exported, since the framework does
// not see through an unexported embedded struct.
type ActivityFilter struct {
	State   string `query:"state" enum:"planned,reported,confirmed,activated,nonconforming,contingent,ended,closed,refused,cancelled,missed"`
	Day     string `query:"day" maxLength:"10" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" patternDescription:"a date such as 2026-11-27" doc:"Of the begin, in the zone time of the rule pack" example:"2026-11-27"`
	Vehicle string `query:"vehicle" maxLength:"64"`
	Page
}

type listActivitiesInput struct {
	Permit string `query:"permit" maxLength:"64"`
	ActivityFilter
}

type permitActivitiesInput struct {
	ID string `path:"id" maxLength:"64"`
	ActivityFilter
}

type planActivityInput struct {
	ID string `path:"id" maxLength:"64"`
	Trial
	Body ActivityPlan
}

// SeenInput names an activity and, if the caller says so, which revision of it was
// looked at. Exported, since the framework does not see through an unexported
// embedded struct.
type SeenInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" doc:"ETag of the revision that you read; without it the act is on the activity as it is then"`
	Trial
}

// revision is the one that was seen; 0: whichever.
func (in *SeenInput) revision() (uint64, error) {
	if in.IfMatch == "" {
		return 0, nil
	}
	return revision(in.IfMatch)
}

type actOnActivityInput struct {
	SeenInput
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Stays in the journal: no personal data"`
	}
}

// Resolve finds what a schema cannot.
func (in *actOnActivityInput) Resolve(huma.Context) []error {
	return textFault("body.reason", in.Body.Reason)
}

type reportActivityInput struct {
	SeenInput
	Body struct {
		Expected *time.Time `json:"expected,omitempty" doc:"Of the take-off or departure; none: as planned"`
		Checked  []string   `json:"checked" maxItems:"1000" doc:"Vehicles that were checked on the ground: all that take part"`
	}
}

type confirmActivityInput struct {
	SeenInput
	Body struct {
		Refuse bool   `json:"refuse,omitempty" doc:"It may not begin; needs a reason"`
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Stays in the journal: no personal data"`
	}
}

// Resolve finds what a schema cannot.
func (in *confirmActivityInput) Resolve(huma.Context) []error {
	return textFault("body.reason", in.Body.Reason)
}

type closeActivityInput struct {
	SeenInput
	Body struct {
		Begun     time.Time `json:"begun" doc:"When the first vehicle began to move"`
		Ended     time.Time `json:"ended" doc:"When the last one was at rest"`
		Takeovers int       `json:"takeovers" minimum:"0" maximum:"10000" doc:"Times that people took over; never counted per person"`
		Incidents bool      `json:"incidents" doc:"Something happened: say what in text"`
		Text      string    `json:"text,omitempty" maxLength:"500" doc:"Stays in the journal: no personal data"`
	}
}

// Resolve finds what a schema cannot.
func (in *closeActivityInput) Resolve(huma.Context) []error {
	return textFault("body.text", in.Body.Text)
}

func (s *Server) activityEndpoints(api huma.API) {
	const tag, one = "activities", activitiesPath + "/{id}"
	act := []int{400, 401, 403, 404, 409, 412, 413, 415, 503}
	of := permitPath + "/{id}/activities"
	endpoint(s, api, operation(tag, "listActivities", http.MethodGet, activitiesPath, "Activities under permits that you may see, by their begin", 401, 403), s.listActivities)
	endpoint(s, api, operation(tag, "listPermitActivities", http.MethodGet, of, "Activities under one permit, by their begin", 401, 403, 404), s.listPermitActivities)
	endpoint(s, api, operation(tag, "getActivity", http.MethodGet, one, "One activity, with its clocks and history", 401, 403, 404), s.getActivity)
	plan := creation(tag, "planActivity", of, "File the plan of an activity: a sortie, drive or run, or a day under a standing permit", 400, 401, 403, 404, 409, 413, 415, 503)
	plan.Description = "That it lies within the permit, is in time by the clocks of the rule pack and finds its room free is checked, and the room is taken, in one decision. A refusal says all that speaks against it and what would pass."
	endpoint(s, api, plan, s.planActivity)
	endpoint(s, api, operation(tag, "reportActivity", http.MethodPost, one+"/report", "Report that all is ready, and the expected begin", act...), s.reportActivity)
	endpoint(s, api, operation(tag, "confirmActivity", http.MethodPost, one+"/confirm", "Answer a plan, or confirm what was reported: as a controller or a department that signs the permit", act...), s.confirmActivity)
	activate := operation(tag, "activateActivity", http.MethodPost, one+"/activate", "Let its vehicles move", act...)
	activate.Description = "The permit, its insurance and people, the state of the zone, who is on duty, restrictions and whether the fences can be enforced for each vehicle are checked then, and all that speaks against it is said at once."
	endpoint(s, api, activate, s.activateActivity)
	endpoint(s, api, operation(tag, "endActivity", http.MethodPost, one+"/end", "Say that its vehicles are at rest", act...), s.endActivity)
	endpoint(s, api, operation(tag, "cancelActivity", http.MethodPost, one+"/cancel", "Give up what has not begun", act...), s.cancelActivity)
	endpoint(s, api, operation(tag, "closeActivity", http.MethodPost, one+"/close", "Report what was done", act...), s.closeActivity)
}

func (s *Server) listActivities(ctx context.Context, in *listActivitiesInput) (*struct{ Body activityList }, error) {
	return s.activitiesPage(ctx, in.Permit, &in.ActivityFilter)
}

func (s *Server) listPermitActivities(ctx context.Context, in *permitActivitiesInput) (*struct{ Body activityList }, error) {
	if _, err := s.cfg.Register.PermitOf(actorOf(ctx), in.ID); err != nil {
		return nil, err
	}
	return s.activitiesPage(ctx, in.ID, &in.ActivityFilter)
}

func (s *Server) activitiesPage(ctx context.Context, permitID string, f *ActivityFilter) (*struct{ Body activityList }, error) {
	all := s.cfg.Register.Activities(actorOf(ctx), airspace.ActivityFilter{Permit: permitID, State: activity.State(f.State), Day: f.Day, Vehicle: vehicles.VehicleID(f.Vehicle)})
	key := func(x *activity.Activity) string { return timeOf(x.FromUS) + " " + x.ID }
	page, next, err := paginate(s.cursors, listOf(ctx, fmt.Sprintf("activities %q %q %q %q", permitID, f.State, f.Day, f.Vehicle)), f.Page, all,
		key, func(x *activity.Activity, last string) bool { return key(x) > last })
	if err != nil {
		return nil, err
	}
	out := &struct{ Body activityList }{activityList{Items: []Activity{}, Next: next}}
	for i := range page {
		out.Body.Items = append(out.Body.Items, s.activityForm(&page[i]))
	}
	return out, nil
}

func (s *Server) getActivity(ctx context.Context, in *idInput) (*oneOutput[Activity], error) {
	return s.activityAnswer(s.cfg.Register.Activity(actorOf(ctx), in.ID))
}

func (s *Server) planActivity(ctx context.Context, in *planActivityInput) (*madeOutput[Activity], error) {
	x, err := s.cfg.Register.PlanActivity(in.under(ctx), actorOf(ctx), in.ID, in.Body.plan())
	if err != nil {
		return nil, err
	}
	form := s.activityForm(&x)
	if in.DryRun {
		form.ID = ""
		return wouldMake(form), nil
	}
	return made(activitiesPath+"/"+x.ID, x.Rev, form), nil
}

func (s *Server) reportActivity(ctx context.Context, in *reportActivityInput) (*oneOutput[Activity], error) {
	rev, err := in.revision()
	if err != nil {
		return nil, err
	}
	var expectedUS int64
	if in.Body.Expected != nil {
		expectedUS = in.Body.Expected.UnixMicro()
	}
	return s.activityAnswer(s.cfg.Register.ReportActivity(in.under(ctx), actorOf(ctx), in.ID, rev, expectedUS, vehicleIDs(in.Body.Checked)))
}

func (s *Server) confirmActivity(ctx context.Context, in *confirmActivityInput) (*oneOutput[Activity], error) {
	rev, err := in.revision()
	if err != nil {
		return nil, err
	}
	return s.activityAnswer(s.cfg.Register.ConfirmActivity(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Refuse, in.Body.Reason))
}

func (s *Server) activateActivity(ctx context.Context, in *actOnActivityInput) (*oneOutput[Activity], error) {
	rev, err := in.revision()
	if err != nil {
		return nil, err
	}
	return s.activityAnswer(s.cfg.Register.ActivateActivity(in.under(ctx), actorOf(ctx), in.ID, rev))
}

func (s *Server) endActivity(ctx context.Context, in *actOnActivityInput) (*oneOutput[Activity], error) {
	rev, err := in.revision()
	if err != nil {
		return nil, err
	}
	return s.activityAnswer(s.cfg.Register.EndActivity(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason))
}

func (s *Server) cancelActivity(ctx context.Context, in *actOnActivityInput) (*oneOutput[Activity], error) {
	rev, err := in.revision()
	if err != nil {
		return nil, err
	}
	return s.activityAnswer(s.cfg.Register.CancelActivity(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason))
}

func (s *Server) closeActivity(ctx context.Context, in *closeActivityInput) (*oneOutput[Activity], error) {
	rev, err := in.revision()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	return s.activityAnswer(s.cfg.Register.CloseActivity(in.under(ctx), actorOf(ctx), in.ID, rev,
		activity.EndReport{BegunUS: b.Begun.UnixMicro(), EndedUS: b.Ended.UnixMicro(), Takeovers: b.Takeovers, Incidents: b.Incidents, Text: b.Text}))
}

// activityAnswer shows an activity.
func (s *Server) activityAnswer(x activity.Activity, err error) (*oneOutput[Activity], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Activity]{ETag: etag(x.Rev), Body: s.activityForm(&x)}, nil
}

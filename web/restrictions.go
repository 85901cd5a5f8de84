package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/zonefile"
)

const restrictionsPath = "/v1/restrictions"

// Restriction closes a part of the zone for a time. Its area, heights and exemptions are
// those of its fence.
type Restriction struct {
	ID           string           `json:"id" doc:"Empty after a dry run"`
	Name         string           `json:"name"`
	Kind         string           `json:"kind" enum:"planned,urgent"`
	Reason       string           `json:"reason"`
	Fence        string           `json:"fence_id" doc:"Empty after a dry run"`
	From         string           `json:"from" format:"date-time"`
	To           string           `json:"to" format:"date-time"`
	State        string           `json:"state" enum:"published,in_force,over"`
	PublishedAt  string           `json:"published_at" format:"date-time"`
	NoticeDue    *string          `json:"notice_due" format:"date-time" doc:"By when it had to be published; null: no rule pack says"`
	Pack         string           `json:"rule_pack" doc:"That says so, as id@version"`
	Late         bool             `json:"late" doc:"It was published after that; it is in force all the same"`
	Told         []Notice         `json:"told" doc:"Whom it affects; operators see themselves"`
	Counts       NoticeCounts     `json:"counts"`
	EndedAt      *string          `json:"ended_at" format:"date-time"`
	EndReason    string           `json:"end_reason"`
	Impact       *RestrictionMeet `json:"impact,omitempty" doc:"Of a dry run: what it would meet"`
	Rev          uint64           `json:"rev" minimum:"1" doc:"Revision; the ETag"`
	CreatedAt    string           `json:"created_at" format:"date-time"`
	UpdatedAt    string           `json:"updated_at" format:"date-time"`
	UpdatedBy    string           `json:"updated_by" doc:"Actor id"`
	Acknowledged bool             `json:"acknowledged" doc:"By the caller's organisation; true too if it is not addressed to it"`
}

// Notice is what one organisation was told.
type Notice struct {
	Org     string  `json:"organisation_id"`
	Due     string  `json:"due" format:"date-time"`
	AckAt   *string `json:"acknowledged_at" format:"date-time"`
	By      string  `json:"by" doc:"Actor id"`
	Note    string  `json:"note" doc:"Of a controller who acknowledged for it"`
	Overdue bool    `json:"overdue" doc:"It has to be called"`
}

// NoticeCounts is how many have acknowledged.
type NoticeCounts struct {
	Told         int `json:"told"`
	Acknowledged int `json:"acknowledged"`
	Overdue      int `json:"overdue"`
}

// RestrictionMeet is what a restriction meets.
type RestrictionMeet struct {
	Vehicles FencePreview `json:"vehicles" doc:"That are followed now"`
	Bookings []Booking    `json:"bookings" doc:"During it"`
	Permits  []string     `json:"permits" doc:"And intents, whose volumes it meets"`
}

// RestrictionInput closes a part of the zone for a time.
type RestrictionInput struct {
	Name     string            `json:"name" minLength:"1" maxLength:"120"`
	Kind     string            `json:"kind" enum:"planned,urgent" doc:"planned: for an event; urgent: for an emergency or a military task"`
	Reason   string            `json:"reason,omitempty" maxLength:"500"`
	From     *time.Time        `json:"from,omitempty" doc:"Default at once"`
	To       time.Time         `json:"to"`
	Geometry Geometry          `json:"geometry"`
	RadiusM  *float64          `json:"radius_m,omitempty" minimum:"1" maximum:"200000" doc:"Needed with a Point, and only there"`
	WidthM   *float64          `json:"width_m,omitempty" minimum:"2" maximum:"10000" doc:"Needed with a LineString, and only there"`
	Floor    *zonefile.Height  `json:"floor,omitempty" accept:"null"`
	Ceiling  *zonefile.Height  `json:"ceiling,omitempty" accept:"null"`
	Applies  *zonefile.Applies `json:"applies,omitempty" doc:"And who is exempt"`
	Response string            `json:"response,omitempty" enum:"warn,hold,return,land,stop" default:"warn"`
	Tell     []string          `json:"tell,omitempty" maxItems:"200" doc:"Organisations, beside those with a vehicle to which it applies and those who booked what it meets"`

	compiled *geofence.Compiled // what Resolve made of it
}

// Resolve finds what a schema cannot.
func (in *RestrictionInput) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	at := prefix.String()
	out := append(textFault(at+".name", in.Name), textFault(at+".reason", in.Reason)...)
	area := FenceInput{
		Name: "restriction", Kind: "keep_out", Geometry: in.Geometry, RadiusM: in.RadiusM, WidthM: in.WidthM, Floor: in.Floor, Ceiling: in.Ceiling,
		Applies: in.Applies, Response: in.Response,
	}
	form, rest := area.resolve(at)
	for _, f := range form {
		out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message, Value: formFault{}})
	}
	for _, f := range rest {
		out = append(out, &huma.ErrorDetail{Location: f.Location, Message: f.Message})
	}
	in.compiled = area.compiled
	return out
}

func (in *RestrictionInput) request() airspace.RestrictionRequest {
	q := airspace.RestrictionRequest{
		Name: in.Name, Kind: airspace.RestrictionKind(in.Kind), Reason: in.Reason, ToUS: in.To.UnixMicro(), Fence: in.compiled.Fence, Tell: in.Tell,
	}
	if in.From != nil {
		q.FromUS = in.From.UnixMicro()
	}
	return q
}

func (s *Server) restrictionOf(ctx context.Context, t *airspace.Restriction) Restriction {
	now := s.cfg.Clock().UnixMicro()
	out := Restriction{
		ID: t.ID, Name: t.Name, Kind: string(t.Kind), Reason: t.Reason, Fence: t.Fence, From: timeOf(t.FromUS), To: timeOf(t.ToUS), State: "published",
		PublishedAt: timeOf(t.PublishedUS), NoticeDue: optionalTime(t.NoticeUS), Pack: t.Pack, Late: t.Late, Told: []Notice{}, EndedAt: optionalTime(t.EndedUS),
		EndReason: t.EndReason, Rev: t.Rev, CreatedAt: timeOf(t.CreatedUS), UpdatedAt: timeOf(t.UpdatedUS), UpdatedBy: t.UpdatedBy, Acknowledged: true,
	}
	switch {
	case t.Over(now):
		out.State = "over"
	case t.InForce(now):
		out.State = "in_force"
	}
	whole, org := s.viewOf(ctx).Whole(), actorOf(ctx).Org
	for _, n := range t.Told {
		overdue := n.AckUS == 0 && now >= n.DueUS && !t.Over(now)
		out.Counts.Told++
		if n.AckUS != 0 {
			out.Counts.Acknowledged++
		}
		if overdue {
			out.Counts.Overdue++
		}
		if n.Org == org {
			out.Acknowledged = n.AckUS != 0
		}
		if whole || n.Org == org {
			out.Told = append(out.Told, Notice{n.Org, timeOf(n.DueUS), optionalTime(n.AckUS), n.By, n.Note, overdue})
		}
	}
	return out
}

// RestrictionList is restrictions by id.
type RestrictionList struct {
	Items []Restriction `json:"items"`
	Next  *string       `json:"next" doc:"Cursor of the next page; null at the end"`
}

type restrictionListOutput struct{ Body RestrictionList }

type createRestrictionInput struct {
	Trial
	Body RestrictionInput
}

type extendRestrictionInput struct {
	MatchInput
	Trial
	Body struct {
		To time.Time `json:"to" doc:"Its new end; those who were told have to acknowledge again"`
	}
}

type endRestrictionInput struct {
	MatchInput
	Trial
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

type acknowledgeRestrictionInput struct {
	MatchInput
	Trial
	Body struct {
		Org  string `json:"organisation_id,omitempty" maxLength:"40" doc:"Default the caller's own; who controls the zone names another, with a note"`
		Note string `json:"note,omitempty" maxLength:"500" doc:"How a controller knows that it was read, e.g. by telephone"`
	}
}

func (s *Server) restrictionEndpoints(api huma.API) {
	const tag, one = "restrictions", restrictionsPath + "/{id}"
	changes := []int{400, 401, 403, 404, 409, 412, 413, 415, 428, 503}
	endpoint(s, api, operation(tag, "listRestrictions", http.MethodGet, restrictionsPath, "Temporary restrictions, by id", 401, 403), s.listRestrictions)
	endpoint(s, api, operation(tag, "getRestriction", http.MethodGet, one, "One temporary restriction", 401, 403, 404), s.getRestriction)
	create := creation(tag, "createRestriction", restrictionsPath, "Close a part of the zone for a time; a dry run says what it would meet", 400, 401, 403, 409, 413, 415, 503)
	create.Description = "It is a keep-out fence that begins and ends by itself, and a notice that those whom it affects acknowledge. Published later than the rule pack asks it is in force all the same, and marked late."
	endpoint(s, api, create, s.createRestriction)
	endpoint(s, api, operation(tag, "extendRestriction", http.MethodPatch, one, "Move the end of a restriction; it has to be acknowledged again", changes...), s.extendRestriction)
	endpoint(s, api, operation(tag, "endRestriction", http.MethodPost, one+"/end", "End a restriction before its time", changes...), s.endRestriction)
	endpoint(s, api, operation(tag, "acknowledgeRestriction", http.MethodPost, one+"/acknowledge", "Say that one's organisation has read a restriction", changes...), s.acknowledgeRestriction)
}

func (s *Server) listRestrictions(ctx context.Context, in *struct {
	Page
	State string `query:"state" enum:"open,all" default:"open" doc:"all: and what is over, for half a year"`
}) (*restrictionListOutput, error) {
	now := s.cfg.Clock().UnixMicro()
	all := slices.DeleteFunc(s.cfg.Register.Restrictions(in.State == "all"), func(t airspace.Restriction) bool { return in.State != "all" && t.Over(now) })
	items, next, err := paginate(s.cursors, listOf(ctx, "restrictions "+in.State), in.Page, all,
		func(t *airspace.Restriction) string { return t.ID }, func(t *airspace.Restriction, last string) bool { return strings.Compare(t.ID, last) > 0 })
	if err != nil {
		return nil, err
	}
	out := &restrictionListOutput{Body: RestrictionList{Items: []Restriction{}, Next: next}}
	for i := range items {
		out.Body.Items = append(out.Body.Items, s.restrictionOf(ctx, &items[i]))
	}
	return out, nil
}

func (s *Server) getRestriction(ctx context.Context, in *idInput) (*oneOutput[Restriction], error) {
	t, err := s.cfg.Register.Restriction(in.ID)
	return s.oneRestriction(ctx, &t, err)
}

func (s *Server) oneRestriction(ctx context.Context, t *airspace.Restriction, err error) (*oneOutput[Restriction], error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput[Restriction]{ETag: etag(t.Rev), Body: s.restrictionOf(ctx, t)}, nil
}

func (s *Server) createRestriction(ctx context.Context, in *createRestrictionInput) (*madeOutput[Restriction], error) {
	t, err := s.cfg.Register.Restrict(in.under(ctx), actorOf(ctx), in.Body.request())
	if err != nil {
		return nil, err
	}
	body := s.restrictionOf(ctx, &t)
	if !in.DryRun {
		return made(restrictionsPath+"/"+t.ID, t.Rev, body), nil
	}
	tracks, err := s.cfg.Pipeline.Tracks(ctx, s.viewOf(ctx))
	if err != nil {
		return nil, err
	}
	meets := s.cfg.Register.ImpactOf(in.Body.compiled, t.FromUS, t.ToUS, in.Body.Tell)
	body.Fence = ""
	body.Impact = &RestrictionMeet{Vehicles: s.impact(in.Body.compiled, tracks, ""), Bookings: []Booking{}, Permits: append([]string{}, meets.Others...)}
	for i := range meets.Bookings {
		body.Impact.Bookings = append(body.Impact.Bookings, s.bookingOf(&meets.Bookings[i]))
	}
	return wouldMake(body), nil
}

func (s *Server) extendRestriction(ctx context.Context, in *extendRestrictionInput) (*oneOutput[Restriction], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Register.ExtendRestriction(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.To.UnixMicro())
	return s.oneRestriction(ctx, &t, err)
}

func (s *Server) endRestriction(ctx context.Context, in *endRestrictionInput) (*oneOutput[Restriction], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Register.EndRestriction(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Reason)
	return s.oneRestriction(ctx, &t, err)
}

func (s *Server) acknowledgeRestriction(ctx context.Context, in *acknowledgeRestrictionInput) (*oneOutput[Restriction], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Register.AcknowledgeRestriction(in.under(ctx), actorOf(ctx), in.ID, rev, in.Body.Org, in.Body.Note)
	return s.oneRestriction(ctx, &t, err)
}

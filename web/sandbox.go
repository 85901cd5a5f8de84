package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"testzone/airspace"
)

// OrganisationClock is what time it is for an organisation's people.
type OrganisationClock struct {
	Now       string `json:"now" format:"date-time" doc:"By it people of a sandbox see fences in force, and their API keys expire"`
	ServerNow string `json:"server_now" format:"date-time" doc:"By it fences are enforced, for everybody"`
	AheadS    int64  `json:"ahead_s" doc:"Between the two; 0 but for a sandbox that moved its clock"`
}

// ClockInput is where a sandbox moves its clock to.
type ClockInput struct {
	Now time.Time `json:"now" doc:"Not before what the clock shows; it is moved by whole seconds, so that it may show up to one more"`
}

type moveClockInput struct {
	MatchInput
	Body ClockInput
}

func (s *Server) clockEndpoints(api huma.API) {
	const tag, path = "organisations", "/v1/organisations/{id}/clock"
	endpoint(s, api, operation(tag, "getClock", http.MethodGet, path, "What time it is for an organisation's people", 401, 403, 404), s.getClock)
	endpoint(s, api, operation(tag, "moveClock", http.MethodPut, path, "Move the clock of a sandbox forward, to rehearse what takes weeks",
		400, 401, 403, 404, 409, 412, 413, 415, 428, 503), s.moveClock)
}

func (s *Server) clockOf(o *airspace.Organisation) *oneOutput[OrganisationClock] {
	now := s.cfg.Clock()
	shown := o.Now(now)
	return &oneOutput[OrganisationClock]{ETag: etag(o.Rev), Body: OrganisationClock{
		Now: timeOf(shown.UnixMicro()), ServerNow: timeOf(now.UnixMicro()), AheadS: int64(shown.Sub(now) / time.Second),
	}}
}

// seenOrganisation is one that the caller may know of.
func (s *Server) seenOrganisation(ctx context.Context, id string) (airspace.Organisation, error) {
	o, err := s.cfg.Register.Organisation(id)
	if err == nil && !s.seesOrganisation(ctx, &o) {
		err = fmt.Errorf("organisation %s: %w: %w", id, airspace.ErrNotFound, errHidden)
	}
	return o, err
}

func (s *Server) getClock(ctx context.Context, in *idInput) (*oneOutput[OrganisationClock], error) {
	o, err := s.seenOrganisation(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.clockOf(&o), nil
}

func (s *Server) moveClock(ctx context.Context, in *moveClockInput) (*oneOutput[OrganisationClock], error) {
	rev, err := revision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if _, err := s.seenOrganisation(ctx, in.ID); err != nil {
		return nil, err
	}
	o, err := s.cfg.Register.MoveClock(ctx, actorOf(ctx), in.ID, rev, in.Body.Now)
	if err != nil {
		return nil, err
	}
	return s.clockOf(&o), nil
}

// aheadOf is how far the caller's clock is ahead.
func (s *Server) aheadOf(ctx context.Context) time.Duration {
	return s.cfg.Register.Ahead(actorOf(ctx).Org)
}

// schedule is whether a fence is in force, and when that changes, for somebody
// whose clock is ahead. Without that the engine knows: it is what is enforced.
func (s *Server) schedule(r *airspace.FenceRecord, ahead time.Duration) (in bool, change *string) {
	if r.Deleted {
		return false, nil
	}
	in, changeUS := s.cfg.InForceAt(&r.Fence.Schedule, s.cfg.Clock().Add(ahead).UnixMicro())
	if ahead == 0 {
		in = s.cfg.InForce(r.Fence.ID)
	}
	return in, optionalTime(changeUS)
}

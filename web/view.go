package web

import (
	"context"
	"errors"

	"testzone/airspace"
	"testzone/telemetry"
)

// errHidden marks the error of a call for something that is there, but not for the
// caller. It is answered as what is not there, and written down: a stale link of
// one's own is no attempt, the id of somebody else is.
var errHidden = errors.New("it is of somebody else")

// viewOf is what the caller may see of the zone's vehicles and alerts.
func (s *Server) viewOf(ctx context.Context) telemetry.View { return s.viewOfActor(actorOf(ctx)) }

// viewOfActor: the zone's own people and the departments that supervise see
// everything, an operator and a sandbox their own. Tokens of the configuration
// belong to the zone. Whoever's organisation is not known sees traffic alone.
func (s *Server) viewOfActor(a airspace.Actor) telemetry.View {
	if a.Org == "" {
		return telemetry.WholeZone()
	}
	org, err := s.cfg.Register.Organisation(a.Org)
	if err != nil {
		return telemetry.View{}
	}
	switch org.Kind {
	case airspace.Authority, airspace.Department:
		return telemetry.WholeZone()
	}
	return telemetry.OfOperator(org.ID)
}

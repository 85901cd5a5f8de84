package web

import (
	"context"

	"testzone/airspace"
	"testzone/telemetry"
)

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

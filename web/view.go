package web

import (
	"context"

	"testzone/airspace"
	"testzone/telemetry"
)

// viewOf is what the caller may see of the zone's vehicles and alerts.
func viewOf(ctx context.Context) telemetry.View { return viewOfActor(actorOf(ctx)) }

func viewOfActor(airspace.Actor) telemetry.View { return telemetry.WholeZone() }

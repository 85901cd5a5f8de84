package main

import (
	"maps"
	"slices"

	"testzone/airspace"
	"testzone/telemetry"
	"testzone/telemetry/coverage"
	"testzone/telemetry/live"
	"testzone/web/admin"
)

// box is the zone as the live grid has it.
func box(zone airspace.Zone) live.BBox {
	return live.BBox{West: zone.South.Lon, South: zone.South.Lat, East: zone.North.Lon, North: zone.North.Lat}
}

// newCoverage makes the ledger of enforced time.
func (s *server) newCoverage(zone airspace.Zone) (err error) {
	s.coverage, err = coverage.New(coverage.Config{Journal: s.journal, Bus: s.bus, Box: box(zone)})
	return err
}

func (s *server) coverageFigures() []admin.Figure {
	n, total := s.coverage.Count(telemetry.WholeZone()), s.coverage.Total()
	const reason = "testzone_not_enforced_reason_seconds_total"
	out := []admin.Figure{
		{Name: "testzone_vehicles_armed", Help: "Armed vehicles with an authenticated source.", Value: float64(n.Armed)},
		{Name: "testzone_vehicles_not_enforced", Help: "Those for which the fences are not enforced.", Value: float64(n.NotEnforced)},
		{Name: "testzone_vehicles_unverified_armed", Help: "Armed vehicles with an unauthenticated source: never enforced.", Value: float64(n.Unverified)},
		{Name: "testzone_enforced_seconds_total", Help: "Time for which the fences of armed vehicles were enforced.", Value: float64(total.EnforcedMS) / 1000, Counter: true},
		{Name: "testzone_not_enforced_seconds_total", Help: "Time for which they were not.", Value: float64(total.NotEnforcedMS) / 1000, Counter: true},
	}
	for _, why := range slices.Sorted(maps.Keys(total.WhyMS)) {
		out = append(out, admin.Figure{Name: reason, Help: "The same by reason; several hold at once.", Value: float64(total.WhyMS[why]) / 1000, Counter: true, Label: "reason", Of: why})
	}
	return out
}

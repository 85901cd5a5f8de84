package main

import (
	"fmt"

	"testzone/geofence/geo"
	"testzone/vehicles"
)

// ordersConfig is what people may order.
type ordersConfig struct {
	// FlightTermination lets two controllers end the flight of an aircraft: its motors
	// stop and it falls. Nothing takes it back; default false.
	FlightTermination bool `yaml:"flight_termination"`
}

// orderGround says what the zone knows of a place: its fences and sectors. Who and what
// is on the ground it does not know.
type orderGround struct{ s *server }

// Under is command.Ground's.
func (g orderGround) Under(_ *vehicles.Identity, p geo.Point) (out []string) {
	for _, c := range g.s.engine.Fences() {
		if c.Covers(p) {
			out = append(out, fmt.Sprintf("fence %q (%s)", c.Fence.Name, c.Fence.ID))
		}
	}
	sectors := g.s.register.Zone().Sectors
	for i := range sectors {
		if len(sectors[i].Ring) > 0 && sectors[i].Holds(p) {
			out = append(out, fmt.Sprintf("sector %q", sectors[i].Name))
		}
	}
	return out
}

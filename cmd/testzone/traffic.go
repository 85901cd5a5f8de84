package main

import (
	"testzone/telemetry"
	"testzone/vehicles"
)

// newTraffic makes what becomes of sightings: tracks of those that are not the
// zone's, and the cross-check of what the zone's vehicles say of themselves.
func (s *server) newTraffic() (err error) {
	s.check, err = telemetry.NewIdentityCheck(telemetry.IdentityCheckConfig{
		Registry: s.registry, Pipeline: s.pipeline, Bus: s.bus,
		Expects: func(id vehicles.VehicleID) telemetry.Expected {
			reg, _ := s.registry.Registration(id)
			return telemetry.Expected{SerialNumber: reg.SerialNumber, UID2: reg.UID2}
		},
	})
	if err != nil {
		return err
	}
	s.traffic, err = telemetry.NewTraffic(telemetry.TrafficConfig{
		Registry: s.registry, Pipeline: s.pipeline, Own: s.check.RemoteID,
		SameAs: func(m vehicles.Means, _ uint32, serial string) vehicles.Handle {
			if m != vehicles.RemoteID || serial == "" {
				return 0 // ICAO addresses and MMSI are not registered
			}
			return s.registry.BySerial(serial)
		},
	})
	return err
}

package main

import (
	"fmt"
	"strings"
	"time"

	"testzone/airspace"
	"testzone/geofence"
	"testzone/geofence/geo"
	"testzone/telemetry"
	"testzone/web"
)

// sectorConfig is a part of the zone that controllers sign on to.
type sectorConfig struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	// Area is a simple polygon, [longitude, latitude] in degrees, without a repeated
	// last vertex; none: the sector has no area. Once one sector has an area the zone
	// is where its sectors are.
	Area [][2]float64 `yaml:"area"`
}

func (z *zoneConfig) sectors() (out []airspace.Sector) {
	for i := range z.Sectors {
		s := &z.Sectors[i]
		out = append(out, airspace.Sector{ID: s.ID, Name: s.Name, Ring: s.ring()})
	}
	return out
}

func (s *sectorConfig) ring() (out geo.Ring) {
	for _, p := range s.Area {
		out = append(out, geo.Point{Lon: degE7(p[0]), Lat: degE7(p[1])})
	}
	return out
}

// areaFault is what is wrong with the area of a sector, as of a fence; nil: nothing.
func (s *sectorConfig) areaFault() error {
	if len(s.Area) == 0 {
		return nil
	}
	for _, p := range s.Area {
		if !(p[0] >= -180 && p[0] <= 180 && p[1] >= -90 && p[1] <= 90) {
			return fmt.Errorf("%v is no place: give [longitude, latitude] in degrees", p)
		}
	}
	_, err := geofence.Compile(geofence.Fence{ID: s.ID, Kind: geofence.KeepIn, Shape: geofence.Shape{Polygons: []geo.Polygon{{Outer: s.ring()}}}})
	return err
}

func (z *zoneConfig) checkSectors(bad func(format string, args ...any)) {
	seen := map[string]bool{}
	for i, s := range z.Sectors {
		switch {
		case !validID(s.ID):
			bad("zone.sectors[%d].id %q: use 1 to 40 of a-z, 0-9 and -", i, s.ID)
		case s.Name == "":
			bad("zone.sectors[%d]: %s has no name", i, s.ID)
		case seen[s.ID]:
			bad("zone.sectors[%d]: %s is there twice", i, s.ID)
		}
		if err := s.areaFault(); err != nil {
			bad("zone.sectors[%d].area: %v", i, err)
		}
		seen[s.ID] = true
	}
}

// newWarden watches who complies with the state of the zone.
func (s *server) newWarden(zone airspace.Zone) *telemetry.Warden {
	return telemetry.NewWarden(telemetry.WardenConfig{
		Pipeline: s.pipeline, Bus: s.bus,
		Restriction: func() telemetry.Restriction { return web.RestrictionOf(s.register.State()) },
		Inside:      zone.Inside,
	})
}

// stateChanged tells everybody who looks at the zone.
func (s *server) stateChanged() {
	s.bus.Publish(time.Now().UnixMicro(), &telemetry.ZoneChange{})
	s.warden.Wake()
}

// stateHealth says when a restart would open the zone.
func (s *server) stateHealth(add func(code, format string, args ...any)) {
	state := s.register.State()
	switch {
	case state.Err != nil:
		add("zone_not_durable", "The zone is %s, but the journal refused it (%v): a restart ends it. Mend the disk, and set it once more.", state.State, state.Err)
	case state.Provisional && time.Since(time.UnixMicro(state.UpdatedUS)) > waitsAfter:
		add("zone_not_durable", "The zone is %s, but the journal does not have it yet: a restart ends it. Check the disk.", state.State)
	}
}

// dutyHealth says when nobody is responsible for the zone. The server does all of its
// work without them: it is no reason for its probes.
func (s *server) dutyHealth() (out []telemetry.Reason) {
	add := func(code, format string, args ...any) {
		out = append(out, telemetry.Reason{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	present, before := 0, []string{}
	for _, d := range s.register.OnDuty() {
		if d.Present {
			present++
		} else {
			before = append(before, d.Person)
		}
	}
	var uncovered []string
	for _, sector := range s.register.Uncovered() {
		uncovered = append(uncovered, fmt.Sprintf("%q", sector.Name))
	}
	switch {
	case present == 0 && len(before) > 0:
		add("no_controller", "No controller has said since the server's start that somebody is there (%s signed on before): nobody may start. Confirm your duty.", strings.Join(before, ", "))
	case present == 0:
		add("no_controller", "No controller is on duty: nobody may start. Sign on.")
	case len(uncovered) > 0:
		add("sector_uncovered", "No controller is on duty for %s. Sign on for it, or for the whole zone.", strings.Join(uncovered, ", "))
	}
	return out
}

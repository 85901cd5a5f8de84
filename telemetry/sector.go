package telemetry

import (
	"testzone/geofence/geo"
	"testzone/telemetry/live"
	"testzone/vehicles"
)

// sectorsOf names the sectors of the zone in which an alert begins: of the place that it
// is about, else of where its vehicle is. Nobody knows: none. The alert keeps them,
// wherever the vehicle goes and whatever becomes of the sectors.
func (b *Book) sectorsOf(a *Alert) []string {
	if b.cfg.SectorsAt == nil {
		return nil
	}
	at, known := a.place()
	if !known {
		at, known = b.cfg.Pipeline.lastPoint(a.Vehicle.Handle)
	}
	if !known {
		return nil
	}
	return b.cfg.SectorsAt(at)
}

// place is the place that an alert is about, if it says one.
func (a *Alert) place() (at geo.Point, known bool) {
	switch {
	case a.Area != nil:
		return geo.Point{Lat: a.Area.Lat, Lon: a.Area.Lon}, true
	case a.Evidence != nil && a.Evidence.After != nil:
		return geo.Point{Lat: a.Evidence.After.Lat, Lon: a.Evidence.After.Lon}, true
	}
	return geo.Point{}, false
}

// lastPoint is where a vehicle was seen last.
func (p *Pipeline) lastPoint(h vehicles.Handle) (at geo.Point, known bool) {
	s := p.table.slot(h)
	if h == 0 || s == nil {
		return geo.Point{}, false
	}
	var r live.Record
	fixUS, _, followed := s.load(uint32(h), &r)
	return pointOf(&r), followed && fixUS != 0
}

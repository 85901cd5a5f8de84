package web

import (
	"math"

	"testzone/geofence/geo"
	"testzone/geofence/zonefile"
	"testzone/telemetry/command"
)

// Place is where a vehicle is sent.
type Place struct {
	Lat    float64          `json:"lat" minimum:"-90" maximum:"90"`
	Lon    float64          `json:"lon" minimum:"-180" maximum:"180"`
	Height *zonefile.Height `json:"height,omitempty" doc:"Of an aircraft, needed: at which height, amsl or takeoff"`
}

// place is the same for the dispatcher; nil stays nil.
func (p *Place) place() *command.Place {
	if p == nil {
		return nil
	}
	out := &command.Place{Point: geo.Point{Lat: int32(math.Round(p.Lat * 1e7)), Lon: int32(math.Round(p.Lon * 1e7))}}
	if p.Height != nil {
		datum, known := geo.ParseDatum(p.Height.Datum)
		out.MM, out.Datum, out.Height = int32(math.Round(max(min(p.Height.M, 100_000), -1000)*1000)), datum, known
	}
	return out
}

func placeOf(p *command.Place) *Place {
	if p == nil {
		return nil
	}
	out := &Place{Lat: degrees(p.Point.Lat), Lon: degrees(p.Point.Lon)}
	if p.Height {
		out.Height = &zonefile.Height{M: float64(p.MM) / 1000, Datum: p.Datum.String()}
	}
	return out
}

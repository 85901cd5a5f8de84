package web

import (
	"math"
	"time"

	"testzone/geofence/geo"
)

// timeFormat is RFC 3339 in UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

func timeOf(us int64) string { return time.UnixMicro(us).UTC().Format(timeFormat) }

// optionalTime is nil for a time that never was.
func optionalTime(us int64) *string {
	if us == 0 {
		return nil
	}
	t := timeOf(us)
	return &t
}

func degrees(e7 int32) float64 { return float64(e7) / 1e7 }

func degE7(deg float64) int32 { return int32(math.Round(deg * 1e7)) }

func metres(mm int32) float64 { return float64(mm) / 1000 }

// Position is WGS-84 in degrees.
type Position struct {
	Lat float64 `json:"lat" minimum:"-90" maximum:"90"`
	Lon float64 `json:"lon" minimum:"-180" maximum:"180"`
}

func positionOf(p geo.Point) Position { return Position{Lat: degrees(p.Lat), Lon: degrees(p.Lon)} }

// Heights are the known heights, each from its own datum.
type Heights struct {
	AMSL    *float64 `json:"amsl_m,omitempty" doc:"Above mean sea level"`
	Takeoff *float64 `json:"takeoff_m,omitempty" doc:"Above the start point, which is not above ground"`
}

func heightsOf(h *geo.Heights) Heights {
	var out Heights
	if mm, ok := h.In(geo.AMSL); ok {
		m := metres(mm)
		out.AMSL = &m
	}
	if mm, ok := h.In(geo.Takeoff); ok {
		m := metres(mm)
		out.Takeoff = &m
	}
	return out
}

// Fix is where a vehicle was.
type Fix struct {
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
	Heights Heights `json:"heights"`
}

func fixOf(f *geo.Fix) *Fix {
	return &Fix{Lat: degrees(f.Point.Lat), Lon: degrees(f.Point.Lon), Heights: heightsOf(&f.Heights)}
}

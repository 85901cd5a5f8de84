// Package geo holds the vocabulary of positions: points on the degE7 lattice,
// altitudes that say their datum, and the shapes that fences are made of.
//
// Horizontal data is WGS-84. A Point is int32 in 1e-7 degree, which is what
// MAVLink sends (one unit is about 1.1 cm north-south), so predicates over
// points are exact integer decisions, the same on every machine. Heights are
// int32 millimetres and never leave their datum without saying so: a height
// above the take-off point is not a height above ground.
//
// Everything here is a value and safe for concurrent use. The package is a
// leaf: it knows nothing of vehicles, fences or time.
package geo

import "fmt"

// Limits of the lattice in 1e-7 degree.
const (
	MaxLat = 900_000_000
	MaxLon = 1_800_000_000
)

// Point is a WGS-84 position in 1e-7 degree. The zero value is the point
// 0 N 0 E, which a vehicle without an origin reports: listeners treat it as
// "no position" before it becomes a Point of a Fix.
type Point struct {
	Lat, Lon int32
}

// Valid reports whether the point lies on the globe.
func (p Point) Valid() bool {
	return p.Lat >= -MaxLat && p.Lat <= MaxLat && p.Lon >= -MaxLon && p.Lon <= MaxLon
}

// String writes "lat,lon" in degrees.
func (p Point) String() string {
	return fmt.Sprintf("%.7f,%.7f", float64(p.Lat)/1e7, float64(p.Lon)/1e7)
}

// Datum says what a height is measured from.
type Datum uint8

// The datums. NoDatum is the zero value: a height without a datum is unknown.
const (
	NoDatum Datum = iota
	AMSL          // above mean sea level (EGM96 geoid)
	WGS84         // above the WGS-84 ellipsoid
	AGL           // above the ground below the vehicle
	Takeoff       // above the start point: MAVLink relative_alt. Not AGL.
	datumCount
)

var datumNames = [datumCount]string{"none", "amsl", "wgs84", "agl", "takeoff"}

// String is the name used in the API, in scenarios and in the journal.
func (d Datum) String() string {
	if d >= datumCount {
		return fmt.Sprintf("datum %d", uint8(d))
	}
	return datumNames[d]
}

// ParseDatum reads a name as String writes it; "none" is not a datum.
func ParseDatum(s string) (Datum, bool) {
	for d := AMSL; d < datumCount; d++ {
		if datumNames[d] == s {
			return d, true
		}
	}
	return NoDatum, false
}

// Altitude is a height in millimetres with its datum. The zero value means
// "no limit" where a band is described and "unknown" where a vehicle is.
type Altitude struct {
	MM    int32
	Datum Datum
}

// Heights holds what is known of one vehicle's height, per datum, in
// millimetres. The zero value knows nothing.
type Heights struct {
	mm    [datumCount]int32
	known uint8
}

// Set records the height in datum d.
func (h *Heights) Set(d Datum, mm int32) {
	if d == NoDatum || d >= datumCount {
		return
	}
	h.mm[d] = mm
	h.known |= 1 << d
}

// In is the height in datum d, in millimetres, and whether it is known.
func (h *Heights) In(d Datum) (mm int32, ok bool) {
	if d >= datumCount || h.known&(1<<d) == 0 {
		return 0, false
	}
	return h.mm[d], true
}

// Fix is where a vehicle was: a point and what is known of its height.
type Fix struct {
	Point   Point
	Heights Heights
}

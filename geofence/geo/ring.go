package geo

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrCoordinate is returned when a coordinate is not a number of degrees on the globe.
var ErrCoordinate = errors.New("not a coordinate")

// PointAt is the lattice point nearest to a position in degrees. It fails with
// ErrCoordinate for NaN, infinities and positions off the globe.
func PointAt(lat, lon float64) (Point, error) {
	// The comparisons are written so that NaN fails them.
	if !(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180) {
		return Point{}, fmt.Errorf("%v,%v: %w", lat, lon, ErrCoordinate)
	}
	return Point{int32(math.Round(lat * 1e7)), int32(math.Round(lon * 1e7))}, nil
}

// ParsePoint reads "lat,lon" in degrees, as Point.String writes it.
func ParsePoint(s string) (Point, error) {
	lat, lon, ok := strings.Cut(s, ",")
	if !ok {
		return Point{}, fmt.Errorf("%q: %w", s, ErrCoordinate)
	}
	y, err := strconv.ParseFloat(lat, 64)
	if err != nil {
		return Point{}, fmt.Errorf("%q: %w", s, ErrCoordinate)
	}
	x, err := strconv.ParseFloat(lon, 64)
	if err != nil {
		return Point{}, fmt.Errorf("%q: %w", s, ErrCoordinate)
	}
	return PointAt(y, x)
}

// ParseRing reads vertices "lat,lon lat,lon …" in degrees. It checks the
// coordinates and not the shape.
func ParseRing(s string) (Ring, error) {
	var r Ring
	for i, f := range strings.Fields(s) {
		p, err := ParsePoint(f)
		if err != nil {
			return nil, fmt.Errorf("vertex %d: %w", i, err)
		}
		r = append(r, p)
	}
	return r, nil
}

// MustRing is ParseRing for tests and built-in geometry; it panics on bad text.
func MustRing(s string) Ring {
	r, err := ParseRing(s)
	if err != nil {
		panic(err)
	}
	return r
}

// String writes the vertices as ParseRing reads them.
func (r Ring) String() string {
	var b strings.Builder
	for i, p := range r {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

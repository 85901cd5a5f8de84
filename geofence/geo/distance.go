package geo

import "math"

// The WGS-84 ellipsoid: semi-major axis in metres, flattening, squared
// eccentricity, semi-minor axis.
const (
	earthA  = 6378137.0
	earthF  = 1 / 298.257223563
	earthE2 = earthF * (2 - earthF)
	earthB  = earthA * (1 - earthF)
)

const unit = math.Pi / 180 / 1e7 // radians in one unit of the lattice

// Distance is the horizontal distance of two points in metres, by the radii of
// curvature at their middle latitude. Against the true geodesic it is off by
// less than 1 mm at 1 km, 4 mm at 10 km and 0.5 m at 50 km (up to 60 degrees of
// latitude); it is no measure between continents. The shorter way around the
// antimeridian counts.
func Distance(a, b Point) float64 {
	north, east := Offset(a, b)
	return math.Hypot(north, east)
}

// Offset is how far b lies north and east of a, in metres; accurate as Distance.
func Offset(a, b Point) (north, east float64) {
	dlon := int64(b.Lon) - int64(a.Lon)
	switch {
	case dlon > MaxLon:
		dlon -= 2 * MaxLon
	case dlon < -MaxLon:
		dlon += 2 * MaxLon
	}
	sin, cos := math.Sincos(float64(int64(a.Lat)+int64(b.Lat)) / 2 * unit)
	w := 1 - earthE2*sin*sin
	n := earthA / math.Sqrt(w)
	m := n * (1 - earthE2) / w
	return float64(int64(b.Lat)-int64(a.Lat)) * unit * m, float64(dlon) * unit * n * cos
}

// Bearing is the direction from a to b in degrees clockwise from true north,
// 0 to 360. For the neighbourhood in which Distance is exact.
func Bearing(a, b Point) float64 {
	north, east := Offset(a, b)
	deg := math.Atan2(east, north) * 180 / math.Pi
	if deg < 0 {
		deg += 360
	}
	return deg
}

// Destination is the point at a distance in metres from p along the geodesic
// that starts in the given direction (degrees clockwise from true north), by
// Vincenty's direct formula: exact to the lattice.
func Destination(p Point, bearing, metres float64) Point {
	lat, dlon := direct(float64(p.Lat)*unit, bearing*math.Pi/180, metres)
	lon := int64(p.Lon) + int64(math.Round(dlon/unit))
	for lon > MaxLon {
		lon -= 2 * MaxLon
	}
	for lon < -MaxLon {
		lon += 2 * MaxLon
	}
	return Point{int32(math.Round(lat / unit)), int32(lon)}
}

// direct solves the direct geodesic problem: latitude and difference of
// longitude in radians. T. Vincenty, Survey Review 176, 1975.
func direct(lat, azimuth, metres float64) (lat2, dlon float64) {
	sinAz, cosAz := math.Sincos(azimuth)
	tanU := (1 - earthF) * math.Tan(lat)
	cosU := 1 / math.Sqrt(1+tanU*tanU)
	sinU := tanU * cosU
	sigma1 := math.Atan2(tanU, cosAz)
	sinAlpha := cosU * sinAz
	cosSqAlpha := 1 - sinAlpha*sinAlpha
	u2 := cosSqAlpha * (earthA*earthA - earthB*earthB) / (earthB * earthB)
	ka := 1 + u2/16384*(4096+u2*(-768+u2*(320-175*u2)))
	kb := u2 / 1024 * (256 + u2*(-128+u2*(74-47*u2)))

	sigma := metres / (earthB * ka)
	var sin, cos, cos2m float64
	for range 20 { // converges in 3 or 4 rounds
		cos2m = math.Cos(2*sigma1 + sigma)
		sin, cos = math.Sincos(sigma)
		delta := kb * sin * (cos2m + kb/4*(cos*(2*cos2m*cos2m-1)-
			kb/6*cos2m*(4*sin*sin-3)*(4*cos2m*cos2m-3)))
		next := metres/(earthB*ka) + delta
		if math.Abs(next-sigma) < 1e-14 {
			break
		}
		sigma = next
	}
	x := sinU*sin - cosU*cos*cosAz
	lat2 = math.Atan2(sinU*cos+cosU*sin*cosAz, (1-earthF)*math.Hypot(sinAlpha, x))
	lambda := math.Atan2(sin*sinAz, cosU*cos-sinU*sin*cosAz)
	c := earthF / 16 * cosSqAlpha * (4 + earthF*(4-3*cosSqAlpha))
	dlon = lambda - (1-c)*earthF*sinAlpha*(sigma+c*sin*(cos2m+c*cos*(2*cos2m*cos2m-1)))
	return lat2, dlon
}

// UnitsPerMetre is how many units of latitude and of longitude lie in a metre at a
// latitude, by the radii of curvature there. East is 0 at the poles.
func UnitsPerMetre(lat int32) (north, east float64) {
	sin, cos := math.Sincos(float64(lat) * unit)
	w := 1 - earthE2*sin*sin
	n := earthA / math.Sqrt(w)
	m := n * (1 - earthE2) / w
	if cos > 1e-6 {
		east = 1 / (n * cos * unit)
	}
	return 1 / (m * unit), east
}

// Moved is the point some metres north and east of p, by the radii of curvature
// at p: within 0.1 % of the distance up to 60 degrees of latitude and 10 km. For
// predictions, not for geometry.
func Moved(p Point, north, east float64) Point {
	unitsN, unitsE := UnitsPerMetre(p.Lat)
	lon := int64(p.Lon) + int64(math.Round(east*unitsE))
	for lon > MaxLon {
		lon -= 2 * MaxLon
	}
	for lon < -MaxLon {
		lon += 2 * MaxLon
	}
	return Point{p.Lat + int32(math.Round(north*unitsN)), int32(lon)}
}

package geo

import "math"

// Inverse is the length in metres of the geodesic from a to b and its direction
// at a, degrees clockwise from true north, by Vincenty's inverse formula: exact
// to the lattice for points that are less than 90 degrees apart.
func Inverse(a, b Point) (metres, bearing float64) {
	dlon := int64(b.Lon) - int64(a.Lon)
	switch {
	case dlon > MaxLon:
		dlon -= 2 * MaxLon
	case dlon < -MaxLon:
		dlon += 2 * MaxLon
	}
	if dlon == 0 && a.Lat == b.Lat {
		return 0, 0
	}
	l := float64(dlon) * unit
	tan1, tan2 := (1-earthF)*math.Tan(float64(a.Lat)*unit), (1-earthF)*math.Tan(float64(b.Lat)*unit)
	cosU1, cosU2 := 1/math.Sqrt(1+tan1*tan1), 1/math.Sqrt(1+tan2*tan2)
	sinU1, sinU2 := tan1*cosU1, tan2*cosU2
	lambda := l
	var sinS, cosS, sigma, cosSqA, cos2m, sinL, cosL float64
	for range 50 { // converges in a few rounds unless the points are nearly antipodal
		sinL, cosL = math.Sincos(lambda)
		sinS = math.Hypot(cosU2*sinL, cosU1*sinU2-sinU1*cosU2*cosL)
		if sinS == 0 {
			return 0, 0
		}
		cosS = sinU1*sinU2 + cosU1*cosU2*cosL
		sigma = math.Atan2(sinS, cosS)
		sinA := cosU1 * cosU2 * sinL / sinS
		cosSqA = 1 - sinA*sinA
		cos2m = 0
		if cosSqA > 0 {
			cos2m = cosS - 2*sinU1*sinU2/cosSqA
		}
		c := earthF / 16 * cosSqA * (4 + earthF*(4-3*cosSqA))
		next := l + (1-c)*earthF*sinA*(sigma+c*sinS*(cos2m+c*cosS*(2*cos2m*cos2m-1)))
		done := math.Abs(next-lambda) < 1e-13
		if lambda = next; done {
			break
		}
	}
	u2 := cosSqA * (earthA*earthA - earthB*earthB) / (earthB * earthB)
	ka := 1 + u2/16384*(4096+u2*(-768+u2*(320-175*u2)))
	kb := u2 / 1024 * (256 + u2*(-128+u2*(74-47*u2)))
	delta := kb * sinS * (cos2m + kb/4*(cosS*(2*cos2m*cos2m-1)-kb/6*cos2m*(4*sinS*sinS-3)*(4*cos2m*cos2m-3)))
	bearing = math.Atan2(cosU2*sinL, cosU1*sinU2-sinU1*cosU2*cosL) * 180 / math.Pi
	return earthB * ka * (sigma - delta), math.Mod(bearing+360, 360)
}

// Along appends to out the points that divide the line from a to b into pieces
// of at most maxM metres, without a and b: on the geodesic, or on the line that
// is straight in longitude and latitude. The longitudes continue those of a and
// b, which may lie beyond 180 degrees: see Unwrap.
func Along(a, b Point, geodesic bool, maxM float64, out []Point) []Point {
	length, bearing := Inverse(a, b)
	n := int64(math.Ceil(length / maxM))
	for i := int64(1); i < n; i++ {
		if geodesic {
			out = append(out, beyond(a, bearing, length*float64(i)/float64(n)))
			continue
		}
		dLat, dLon := int64(b.Lat)-int64(a.Lat), int64(b.Lon)-int64(a.Lon)
		out = append(out, Point{a.Lat + int32(dLat*i/n), int32(int64(a.Lon) + dLon*i/n)})
	}
	return out
}

// beyond is Destination with the longitude continued beyond 180 degrees.
func beyond(p Point, bearing, metres float64) Point {
	lat, dlon := direct(float64(p.Lat)*unit, bearing*math.Pi/180, metres)
	return Point{int32(math.Round(lat / unit)), p.Lon + int32(math.Round(dlon/unit))}
}

// ReachLon is how far beyond longitude 0 a shape may be written that crosses
// longitude 180: its points keep within int32.
const ReachLon = 2_100_000_000

// Unwrap continues the longitudes of a line or ring across longitude 180, so
// that points that follow each other are less than 180 degrees apart. It fails
// when the line goes more than 30 degrees beyond that meridian on both sides.
func Unwrap(line []Point) ([]Point, bool) {
	out := make([]Point, len(line))
	var turn, west, east int64
	for i, p := range line {
		if i > 0 {
			switch d := int64(p.Lon) - int64(line[i-1].Lon); {
			case d > MaxLon:
				turn -= 2 * MaxLon
			case d < -MaxLon:
				turn += 2 * MaxLon
			}
		}
		lon := int64(p.Lon) + turn
		west, east = min(west, lon), max(east, lon)
	}
	shift := int64(0) // of the whole line
	switch {
	case east > ReachLon:
		shift = -2 * MaxLon
	case west < -ReachLon:
		shift = 2 * MaxLon
	}
	turn = 0
	for i, p := range line {
		if i > 0 {
			switch d := int64(p.Lon) - int64(line[i-1].Lon); {
			case d > MaxLon:
				turn -= 2 * MaxLon
			case d < -MaxLon:
				turn += 2 * MaxLon
			}
		}
		lon := int64(p.Lon) + turn + shift
		if lon > ReachLon || lon < -ReachLon {
			return nil, false
		}
		out[i] = Point{p.Lat, int32(lon)}
	}
	return out, true
}

// Wrap is the point with its longitude within 180 degrees.
func (p Point) Wrap() Point {
	switch {
	case p.Lon > MaxLon:
		p.Lon = int32(int64(p.Lon) - 2*MaxLon)
	case p.Lon < -MaxLon:
		p.Lon = int32(int64(p.Lon) + 2*MaxLon)
	}
	return p
}

package geo

import "math"

// Limits of the polygon that stands for a circle.
const (
	circleSagittaM = 0.1
	circleMin      = 16
	circleMax      = 720
)

// Ring is a polygon in place of the circle. With outside set it encloses the
// whole circle, otherwise it lies within it, so that a keep-out fence never
// comes out too small and a keep-in fence never too large.
//
// The polygon differs from the circle by about 0.1 m up to a radius of 10 km;
// it has at most 720 vertices, which makes that 0.5 m at 50 km and 2 m at
// 200 km. It includes an allowance for the lattice (3 cm) and for the bend of
// straight lon/lat edges against the geodesic.
func (c Circle) Ring(outside bool) Ring {
	n := circleVertices(c.RadiusM)
	half := math.Pi / float64(n)
	edge := 2 * c.RadiusM * math.Sin(half)
	// A straight lon/lat edge leaves the geodesic by L^2 tan(lat) / 8R; the
	// largest latitude of the circle counts.
	lat := math.Abs(float64(c.Center.Lat))*unit + c.RadiusM/earthB
	margin := 0.03 + 1.1*edge*edge*math.Tan(math.Min(lat, 1.56))/(8*earthB)
	r := c.RadiusM - margin
	if outside {
		r = c.RadiusM/math.Cos(half) + margin
	}
	ring := make(Ring, n)
	for i := range ring {
		ring[i] = Destination(c.Center, 360*float64(i)/float64(n), r)
	}
	return ring
}

// circleVertices is how many vertices keep the sagitta below its limit.
func circleVertices(radiusM float64) int {
	if radiusM <= circleSagittaM {
		return circleMin
	}
	n := math.Ceil(math.Pi / math.Acos(1-circleSagittaM/radiusM))
	return int(math.Min(math.Max(n, circleMin), circleMax))
}

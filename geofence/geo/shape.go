package geo

// Ring is a closed ring of vertices; the first is not repeated at the end.
type Ring []Point

// Polygon is an outer ring and its holes.
type Polygon struct {
	Outer Ring
	Holes []Ring
}

// Circle is a centre and a radius in metres on the WGS-84 ellipsoid.
type Circle struct {
	Center  Point
	RadiusM float64
}

// Corridor is the band around a line: all points within half of WidthM of it.
type Corridor struct {
	Line   []Point
	WidthM float64
}
